/**
 * P21: no workflow ever nears a server limit. Each long one continues as new again and again while messages come, and what the
 * server has on record of all its runs is folded as though there had been one: every message that was acknowledged is there
 * once, and each run hands over just that state.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import {
  botWorkflowId,
  freezeSignal,
  pauseUpdate as pauseBot,
  resumeUpdate as resumeBot,
  statusQuery as botStatus,
  stopUpdate,
  thawSignal,
  type BotWorkflow,
} from '../../workflows/bot/contract.ts';
import {
  pauseUpdate,
  reanchorUpdate,
  resumeUpdate,
  statusQuery,
  type Day2GateWorkflow,
} from '../../workflows/day2-gate/contract.ts';
import { until } from '../support/desk.ts';
import { tellProof, trials } from '../support/trials.ts';
import { startEvidenceWorld, type EvidenceWorld } from '../workflows/evidence-world.ts';
import { startSupervisedWorld, type SupervisedWorld } from '../workflows/supervised-world.ts';
import { largest, replayFaults, runsOf, type Run } from './chain-of-runs.ts';
import { botOracle, day2Oracle } from './one-run-oracles.ts';
import { keepSending, type Sent } from './sender.ts';

const TIMES = trials({ ci: 4, long: 365 });
/** So few that each run ends with the first messages that come to it. */
const ROLL_OVER_EVENTS = 40;
const ROLL_OVER_MS = 90_000;
const EVENTS_MAX = 4_096;
const BYTES_MAX = 4 * 1024 * 1024;
const TIMEOUT_MS = 60_000 + TIMES * 15_000;
const early = { 'limit.historyCount.suggestContinueAsNew': ROLL_OVER_EVENTS };

/** Refused before it is accepted: a workflow task that leaves nothing on record, and that no replay sees. */
const faulty = (message: { reason: string }): never => ({ ...message, operator: '' }) as never;

/** What is wrong with a chain of runs by its messages: acknowledged and not there, or there more than once. */
function messageFaults(runs: readonly Run[], sent: readonly Sent[]): string[] {
  const times = new Map<string, number>();
  for (const { received } of runs)
    for (const { message } of received) {
      const { reason } = message as { reason: string };
      times.set(reason, (times.get(reason) ?? 0) + 1);
    }
  return sent.flatMap(({ reason, tries }) => {
    const count = times.get(reason) ?? 0;
    if (count === 0) return [`${reason}: acknowledged and lost`];
    // Asked again after an answer that never came, it may have been taken the first time, too.
    return count > tries ? [`${reason}: taken ${count} times, sent ${tries}`] : [];
  });
}

function endFaults(runs: readonly Run[]): string[] {
  return runs.slice(0, -1).flatMap(({ runId, ended }) => (ended === 'continued' ? [] : [`run ${runId}: ${ended}`]));
}

function tell(what: string, runs: readonly Run[], sent: readonly Sent[], faults: readonly string[]): void {
  const size = largest(runs);
  const again = sent.reduce((sum, { tries }) => sum + tries - 1, 0);
  const takenBack = runs.reduce((sum, run) => sum + run.takenBack, 0);
  tellProof({ promise: 'P21', proof: `${what} continues as new while messages come: state as of one run, messages lost 0`, trials: runs.length - 1, failures: faults.length, found: { messages: sent.length, lost: faults.filter((one) => one.endsWith('lost')).length, 'asked again': again, 'ends taken back for a message': takenBack, 'most events of a run': size.events, 'most bytes of a run': size.bytes }, examples: faults.slice(0, 5) }); // prettier-ignore
}

/** Resolves when its workflow has begun so many runs more. */
async function rolledOver(handle: WorkflowHandle, times: number): Promise<void> {
  let { runId } = await handle.describe();
  for (let time = 1; time <= times; time += 1) {
    // A run that is stuck takes no message and comes to no end.
    runId = await until(
      `roll-over ${time} of ${times}`,
      async () => {
        const now = (await handle.describe()).runId;
        return now !== runId && now;
      },
      ROLL_OVER_MS,
      20,
    );
  }
}

describe('bot', () => {
  let supervised: SupervisedWorld;
  beforeAll(async () => void (supervised = await startSupervisedWorld({}, early)), 60_000);
  afterAll(() => supervised.stop(), 60_000);

  test(
    `P21: ${TIMES} roll-overs under signals and updates: one process, nothing lost, the state of one run`,
    async () => {
      const { client } = supervised.temporal;
      const { runId } = await (await supervised.start()).describe();
      const handle = client.workflow.getHandle<BotWorkflow>(botWorkflowId('bot1'));
      const { pid, epoch } = await supervised.settled('the bot to run', ({ phase }) => phase === 'running');
      // Signals decide on the freeze and updates on the pause: each has its own order.
      const signals = keepSending('signal', async (message, number) => {
        await handle.signal(number % 3 === 0 ? thawSignal : freezeSignal, message);
      });
      const updates = keepSending('update', async (message, number) => {
        await handle.executeUpdate(number % 2 === 0 ? pauseBot : resumeBot, { args: [message] });
      });
      const refused = keepSending('refused', (message) => handle.executeUpdate(pauseBot, { args: [faulty(message)] }));
      await rolledOver(handle, TIMES);
      const sent = [...(await signals.stop()), ...(await updates.stop()), ...(await refused.stop())];
      await supervised.settled('the last run to have its process', (status) => status.pid !== null && status.adopted);
      const runs = await runsOf(client, botWorkflowId('bot1'), runId);
      const status = await handle.query(botStatus);
      const stuck = await replayFaults(runs, botWorkflowId('bot1'));
      const faults = [...endFaults(runs), ...messageFaults(runs, sent), ...botOracle(runs, status), ...stuck];
      if (status.pid !== pid || status.epoch !== epoch || status.restarts > 0) faults.push('the process was replaced');
      tell('bot', runs, sent, faults);
      expect(faults.slice(0, 5)).toEqual([]);
      expect(runs.length).toBeGreaterThan(TIMES);
      // Messages did come while runs ended.
      expect(sent.length).toBeGreaterThan(TIMES);
      expect(largest(runs).events).toBeLessThanOrEqual(EVENTS_MAX);
      expect(largest(runs).bytes).toBeLessThanOrEqual(BYTES_MAX);
      await handle.executeUpdate(stopUpdate, { args: [{ operator: 'ada', reason: 'enough' }] });
    },
    TIMEOUT_MS,
  );
});

describe('day2Gate', () => {
  let world: EvidenceWorld;
  beforeAll(async () => void (world = await startEvidenceWorld({ dynamicConfig: early })), 60_000);
  afterAll(() => world.stop(), 60_000);

  test(
    `P21: ${TIMES} roll-overs under updates: nothing lost, the state of one run`,
    async () => {
      const { client } = world.temporal;
      const rules = { windowMs: 2_000, intervalMs: 1_000 };
      const started = await client.workflow.start<Day2GateWorkflow>('day2Gate', {
        workflowId: 'day2-gate',
        taskQueue: 'desk',
        args: [{ desk: 'test', host: 'test', rules, scenario: 'day2-clean' }],
      });
      const handle = client.workflow.getHandle<Day2GateWorkflow>('day2-gate');
      await until('its baseline', async () => (await handle.query(statusQuery)).baselineAtMs);
      const holds = keepSending('hold', async (message, number) => {
        await handle.executeUpdate(number % 2 === 0 ? pauseUpdate : resumeUpdate, { args: [message] });
      });
      const anchors = keepSending('anchor', async (message) => {
        await handle.executeUpdate(reanchorUpdate, { args: [message] });
      });
      const refused = keepSending('refused', (message) =>
        handle.executeUpdate(reanchorUpdate, { args: [faulty(message)] }),
      );
      await rolledOver(handle, TIMES);
      const sent = [...(await holds.stop()), ...(await anchors.stop()), ...(await refused.stop())];
      // It rolls over by its evaluations alone, too: nobody would come to the end of a chain that grows.
      await handle.terminate();
      const runs = await runsOf(client, 'day2-gate', started.firstExecutionRunId);
      const stuck = await replayFaults(runs, 'day2-gate');
      const faults = [...endFaults(runs), ...messageFaults(runs, sent), ...day2Oracle(runs), ...stuck];
      tell('day2Gate', runs, sent, faults);
      expect(faults.slice(0, 5)).toEqual([]);
      expect(runs.length).toBeGreaterThan(TIMES);
      expect(sent.length).toBeGreaterThan(TIMES);
      expect(largest(runs).events).toBeLessThanOrEqual(EVENTS_MAX);
      expect(largest(runs).bytes).toBeLessThanOrEqual(BYTES_MAX);
    },
    TIMEOUT_MS,
  );
});
