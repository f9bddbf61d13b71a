/**
 * P20: what is asked for twice runs once. A gate is started from many places at once, by every way that there is, while the
 * worker is killed and comes back; a schedule is triggered while its run is held up.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowUpdateFailedError,
  type Client,
} from '@temporalio/client';
import pg from 'pg';
import { ensureDay2Gate } from '../../cli/gate.ts';
import { loadConfig } from '../../config/load.ts';
import { scheduledWorkflowId, scheduleId } from '../../core/schedules/plan.ts';
import { createChance } from '../../core/simulation/chance.ts';
import { DAY2_GATE_ID, pauseUpdate, statusQuery, type Day2GateWorkflow } from '../../workflows/day2-gate/contract.ts';
import { runCommand, runDesk } from '../support/desk-command.ts';
import { until } from '../support/desk.ts';
import { tellProof, trials } from '../support/trials.ts';
import { startEvidenceWorld, type EvidenceWorld } from '../workflows/evidence-world.ts';
import { deskWorkers, type DeskWorkers } from './desk-worker.ts';
import { evidenceOf, reportOf } from './evidence-of.ts';

const STARTERS = 50;
const GATES = trials({ ci: 1, long: 16 });
const TRIGGERS = trials({ ci: 10, long: 50 });
const TRIGGERED = trials({ ci: 1, long: 4 });
const START = { workflowId: DAY2_GATE_ID, taskQueue: 'desk', args: [{ desk: 'test', host: 'test' }] } as const;
/** Every tenth asks by a command in a process of its own. */
const COMMANDS_EVERY = 10;

let world: EvidenceWorld;
let workers: DeskWorkers;
beforeAll(async () => {
  world = await startEvidenceWorld({ runsWorkflows: false });
  workers = await deskWorkers(world.temporal.address);
}, 60_000);
afterAll(async () => {
  await workers.remove();
  await world.stop();
}, 60_000);

/** The run that the starter was given; null where it was not told, or `refused` with the documented refusal. */
type Answer = { readonly runId: string | null } | 'refused';
type Starter = (client: Client) => Promise<Answer>;

const refusedBy = (error: unknown): Answer => {
  if (error instanceof WorkflowExecutionAlreadyStartedError) return 'refused';
  throw error;
};

const STARTS: Readonly<Record<string, Starter>> = {
  'desk code': async (client) => {
    await ensureDay2Gate(client, loadConfig(workers.env['DESK_CONFIG_DIR']!).desk);
    return { runId: null };
  },
  'plain start': (client) =>
    client.workflow.start<Day2GateWorkflow>('day2Gate', START).then(({ firstExecutionRunId: runId }) => ({ runId }), refusedBy), // prettier-ignore
  'start or get': async (client) => {
    const options = { ...START, workflowIdConflictPolicy: 'USE_EXISTING' } as const;
    return { runId: (await client.workflow.start<Day2GateWorkflow>('day2Gate', options)).firstExecutionRunId };
  },
  'signal with start': async (client) => {
    const { args, ...where } = START;
    // The gate takes no signals: what counts is which run it would have got.
    const handle = await client.workflow.signalWithStart('day2Gate', { ...where, args: [...args], signal: 'nudge', signalArgs: [] }); // prettier-ignore
    return { runId: handle.signaledRunId };
  },
  'update with start': async (client) => {
    const startWorkflowOperation = new WithStartWorkflowOperation<Day2GateWorkflow>('day2Gate', { ...START, workflowIdConflictPolicy: 'USE_EXISTING' }); // prettier-ignore
    const message = { operator: 'ada', reason: 'first of all' };
    try {
      await client.workflow.executeUpdateWithStart(pauseUpdate, { args: [message], startWorkflowOperation });
    } catch (error) {
      // One of them pauses the gate, the others hear that it is paused.
      if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    }
    return { runId: (await (await startWorkflowOperation.workflowHandle()).describe()).runId };
  },
};

const COMMANDS: Readonly<Record<string, Starter>> = {
  './desk gate start': async () => {
    const { code, text } = await runDesk(workers.env, 'gate', 'start');
    if (code !== 0) throw new Error(`./desk gate start: ${text}`);
    return { runId: null };
  },
  'temporal workflow start': async () => {
    const args = ['workflow', 'start', '--address', world.temporal.address, '--type', 'day2Gate', '--workflow-id', DAY2_GATE_ID, '--task-queue', 'desk', '--input', JSON.stringify(START.args[0]), '-o', 'json']; // prettier-ignore
    const { code, out, text } = await runCommand(world.temporal.cliPath, args, workers.env);
    if (code !== 0 && /already/i.test(text)) return 'refused';
    if (code !== 0) throw new Error(`temporal workflow start: ${text}`);
    return { runId: (JSON.parse(out) as { runId: string }).runId };
  },
};

function starter(number: number): Starter {
  const ways = number % COMMANDS_EVERY === 0 ? Object.values(COMMANDS) : Object.values(STARTS);
  const among = number % COMMANDS_EVERY === 0 ? number / COMMANDS_EVERY : number;
  return ways[among % ways.length]!;
}

test(
  `P20: ${GATES * STARTERS} starts of the Day-2 gate, ${STARTERS} at once, the worker killed between: one run each`,
  async () => {
    const { client } = world.temporal;
    const chance = createChance(20);
    const faults: string[] = [];
    const found = { refused: 0, 'worker kills': 0, baselines: 0 };
    for (let gate = 0; gate < GATES; gate += 1) {
      const from = ((await world.evidence.head())?.number ?? 0) + 1;
      await workers.start();
      const ask = (number: number): Promise<Answer> => starter(number)(client);
      const first = Array.from({ length: STARTERS / 2 }, (_, number) => ask(number));
      await new Promise((resolve) => setTimeout(resolve, chance() * 400));
      await workers.kill();
      found['worker kills'] += 1;
      const second = Array.from({ length: STARTERS / 2 }, (_, number) => ask(STARTERS / 2 + number));
      await workers.start();
      const answers = await Promise.allSettled([...first, ...second]);
      const handle = client.workflow.getHandle<Day2GateWorkflow>(DAY2_GATE_ID);
      await until('a baseline on record', async () => (await evidenceOf(world, DAY2_GATE_ID, from)).length > 0, 60_000);
      // All that was under way when the worker went is done when it answers and nothing waits.
      await handle.query(statusQuery);
      const { runId } = await handle.describe();
      for (const answer of answers) {
        if (answer.status === 'rejected') faults.push(`gate ${gate}: ${String(answer.reason)}`);
      else if (answer.value === 'refused') found.refused += 1;
      else if (answer.value.runId !== null && answer.value.runId !== runId) faults.push(`gate ${gate}: another run, ${answer.value.runId}`); // prettier-ignore
      }
      const records = await evidenceOf(world, DAY2_GATE_ID, from);
      const runs = new Set(records.map(({ workflow }) => workflow?.runId));
      const baselines = new Set(records.map((record) => reportOf(record).baselineAtMs));
      found.baselines += baselines.size;
      if (runs.size !== 1 || !runs.has(runId)) faults.push(`gate ${gate}: evidence of ${runs.size} runs`);
      if (baselines.size !== 1) faults.push(`gate ${gate}: ${baselines.size} baselines`);
      await handle.terminate();
      await workers.kill();
    }
    const runs = await countOf(`WorkflowId = '${DAY2_GATE_ID}'`);
    if (runs !== GATES) faults.push(`${runs} runs for ${GATES} gates`);
    tellProof({ promise: 'P20', proof: `starts of the Day-2 gate, ${STARTERS} at once, by ${Object.keys({ ...STARTS, ...COMMANDS }).join(', ')}; worker killed between`, trials: GATES * STARTERS, failures: faults.length, found: { gates: GATES, runs, ...found }, examples: faults.slice(0, 5) }); // prettier-ignore
    expect(faults).toEqual([]);
    expect(found.refused).toBeGreaterThan(0);
  },
  120_000 + GATES * 60_000,
);

test(
  `P20: ${TRIGGERED * TRIGGERS} triggers of the integrity check while it is held up: one run, and never two at once`,
  async () => {
    const { client } = world.temporal;
    await workers.start();
    const schedule = client.schedule.getHandle(scheduleId('test', 'integrity'));
    await until('the schedule', async () => (await schedule.describe()).scheduleId);
    // Its own times would come between; triggers are heard all the same.
    await schedule.pause('held still by a test');
    const faults: string[] = [];
    const started = `WorkflowId STARTS_WITH '${scheduledWorkflowId('test', 'integrity')}'`;
    const hold = new pg.Client({ connectionString: world.database.url });
    // A test that failed ends its database first.
    hold.on('error', () => undefined);
    await hold.connect();
    let before = await countOf(started);
    for (let time = 0; time < TRIGGERED; time += 1) {
      // Whoever appends evidence waits for this lock: the run stays open.
      await hold.query(`select pg_advisory_lock(hashtext('evidence'))`);
      const trigger = async (number: number): Promise<void> => {
        // Left out, the client would ask for a run beside the others.
        if (number % COMMANDS_EVERY !== 1) return schedule.trigger('SKIP');
        const args = ['schedule', 'trigger', '--address', world.temporal.address, '--schedule-id', schedule.scheduleId];
        const { code, text } = await runCommand(world.temporal.cliPath, args, workers.env);
        if (code !== 0) throw new Error(text);
      };
      await trigger(0);
      await until('its run', async () => (await countOf(started)) > before);
      const asked = Array.from({ length: TRIGGERS - 1 }, (_, number) => trigger(1 + number));
      await workers.kill();
      await workers.start();
      for (const answer of await Promise.allSettled(asked)) if (answer.status === 'rejected') faults.push(`hold ${time}: ${String(answer.reason)}`); // prettier-ignore
      const held = (await countOf(started)) - before;
      if (held !== 1) faults.push(`hold ${time}: ${held} runs while one is held up`);
      await hold.query(`select pg_advisory_unlock(hashtext('evidence'))`);
      await until('its end', async () => (await countOf(`${started} and ExecutionStatus = 'Running'`)) === 0, 60_000);
      before = await countOf(started);
    }
    // A trigger that the server came to when the hold was over has its turn after it.
    const runs: { readonly fromMs: number; readonly toMs: number }[] = [];
    for await (const { startTime, closeTime } of client.workflow.list({ query: started }))
      runs.push({ fromMs: startTime.getTime(), toMs: closeTime?.getTime() ?? Infinity });
    runs.sort((a, b) => a.fromMs - b.fromMs);
    for (const [number, { fromMs }] of runs.entries()) if (number > 0 && fromMs < runs[number - 1]!.toMs) faults.push(`run ${number} began beside the one before`); // prettier-ignore
    // Control: it is the rule of the schedule that held them back, and nothing else.
    await hold.query(`select pg_advisory_lock(hashtext('evidence'))`);
    await schedule.trigger();
    const isSecond = async (): Promise<boolean> => {
      // Within one second it would have the first one's id.
      await schedule.trigger('ALLOW_ALL');
      return (await countOf(started)) > before + 1;
    };
    await until('two runs side by side', isSecond, 60_000, 1_000);
    await hold.end();
    tellProof({ promise: 'P20', proof: 'triggers of the integrity schedule by client and command while its run is held up; worker killed between', trials: TRIGGERED * TRIGGERS, failures: faults.length, found: { runs: before }, examples: faults.slice(0, 5) }); // prettier-ignore
    expect(faults).toEqual([]);
  },
  120_000 + TRIGGERED * 60_000,
);

async function countOf(query: string): Promise<number> {
  return (await world.temporal.client.workflow.count(query)).count;
}
