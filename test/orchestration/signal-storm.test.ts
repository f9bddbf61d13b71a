/** P22: a storm of signals cannot stop the freeze: the last decision holds, and the server never has to end the workflow. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  botWorkflowId,
  freezeSignal,
  statusQuery,
  stopUpdate,
  thawSignal,
  type BotWorkflowStatus,
} from '../../workflows/bot/contract.ts';
import { until } from '../support/desk.ts';
import { IS_LONG_RUN, tellProof, trials } from '../support/trials.ts';
import { startSupervisedWorld, type SupervisedWorld } from '../workflows/supervised-world.ts';
import { largest, runsOf } from './chain-of-runs.ts';

const STORMS = trials({ ci: 1, long: 5 });
/** The server takes 10,000 signals a run. */
const SIGNALS = IS_LONG_RUN ? 12_000 : 900;
const SENDERS = 16;
const SETTLE_MS = 120_000;
/** The server's own limit is reached on a long run only. */
const EARLY = IS_LONG_RUN ? {} : { 'limit.historyCount.suggestContinueAsNew': 300 };
const STORM_EVENTS_MAX = 10_000;

let supervised: SupervisedWorld;
beforeAll(async () => void (supervised = await startSupervisedWorld({}, EARLY)), 60_000);
afterAll(() => supervised.stop(), 60_000);

interface Storm {
  readonly acked: string[];
  /** Refused by the server, and sent again. */
  refused: number;
}

test(
  `P22: ${STORMS} storms of ${SIGNALS} signals from ${SENDERS} senders; the last decision holds`,
  async () => {
    const { temporal } = supervised;
    const { runId } = await (await supervised.start()).describe();
    const handle = temporal.client.workflow.getHandle(botWorkflowId('bot1'));
    const running = await supervised.settled('the bot to run', ({ phase }) => phase === 'running');
    const faults: string[] = [];
    const acked: string[] = [];
    let refused = 0;
    for (let number = 0; number < STORMS; number += 1) {
      const storm: Storm = { acked: [], refused: 0 };
      await blow(storm, number);
      // The decision that counts comes last, while what came before is still being read.
      const isFrozen = number % 2 === 0;
      const reason = `storm ${number}: last`;
      await handle.signal(isFrozen ? freezeSignal : thawSignal, { operator: 'ada', reason });
      acked.push(...storm.acked, reason);
      refused += storm.refused;
      const holds = (status: BotWorkflowStatus): boolean =>
        isFrozen ? status.frozenBy?.reason === reason && status.phase === 'frozen' : status.phase === 'running';
      try {
        await until(reason, async () => holds(await handle.query(statusQuery)), SETTLE_MS);
        // By the bot's own word and at the venue, not only by the workflow's.
        await until(`${reason} at the bot`, () => heardBy(isFrozen), SETTLE_MS);
        await until(`${reason} at the venue`, async () => isFrozen === ((await supervised.quotes()).length === 0), SETTLE_MS); // prettier-ignore
      } catch (error) {
        faults.push(`${reason}: ${(error as Error).message}`);
      }
    }
    const runs = await runsOf(temporal.client, botWorkflowId('bot1'), runId);
    const { phase, pid, restarts } = await handle.query(statusQuery);
    if (pid !== running.pid || restarts > 0) faults.push(`the process was replaced: ${phase}, ${restarts} restarts`);
    for (const run of runs) if (run.ended === 'by the server or by force') faults.push(`run ${run.runId} ${run.ended}`);
    const received = new Set(runs.flatMap((run) => run.received.map(({ message }) => (message as { reason: string }).reason))); // prettier-ignore
    const lost = acked.filter((reason) => !received.has(reason));
    const size = largest(runs);
    tellProof({ promise: 'P22', proof: `storms of ${SIGNALS} signals freeze and thaw from ${SENDERS} senders over continue-as-new: the last one holds at the bot and at the venue`, trials: STORMS, failures: faults.length, found: { signals: acked.length, lost: lost.length, 'refused by the server and sent again': refused, runs: runs.length, 'most events of a run': size.events, 'most bytes of a run': size.bytes }, examples: faults.slice(0, 5) }); // prettier-ignore
    expect(faults).toEqual([]);
    expect(lost).toEqual([]);
    // It did continue as new under the storm.
    expect(runs.filter((run) => run.received.length > 0).length).toBeGreaterThan(STORMS);
    expect(size.events).toBeLessThan(STORM_EVENTS_MAX);
    await handle.executeUpdate(stopUpdate, { args: [{ operator: 'ada', reason: 'enough' }] });
  },
  IS_LONG_RUN ? STORMS * 600_000 : 120_000,
);

async function blow(storm: Storm, number: number): Promise<void> {
  const handle = supervised.temporal.client.workflow.getHandle(botWorkflowId('bot1'));
  let next = 0;
  const send = async (): Promise<void> => {
    for (let mine = next++; mine < SIGNALS; mine = next++) {
      const reason = `storm ${number}: ${mine}`;
      for (let isSent = false; !isSent;) {
        try {
          await handle.signal(mine % 3 === 0 ? thawSignal : freezeSignal, { operator: 'storm', reason });
          isSent = true;
        } catch {
          storm.refused += 1;
        }
      }
      storm.acked.push(reason);
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, send));
}

async function heardBy(isFrozen: boolean): Promise<boolean> {
  const live = await supervised.world.host.find('bot1');
  if (live === null) return false;
  const status = await live.control.status();
  return status.pausedByOperator === isFrozen;
}
