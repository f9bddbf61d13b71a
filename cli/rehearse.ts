/**
 * `desk rehearse`: a long workflow's own code on the running desk, in virtual time. What it measures comes from a scenario of
 * `config/rehearsals`, and what it puts on the evidence chain says `rehearsal` and earns nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowNotFoundError, type Client, type WorkflowHandle } from '@temporalio/client';
import type { Command } from 'commander';
import pc from 'picocolors';
import { loadConfig } from '../config/load.ts';
import { readScenario, scenarioNames } from '../config/rehearsals.ts';
import type { Scenario } from '../core/gates/day2/scenario.ts';
import type { Day2Status } from '../core/gates/day2/status.ts';
import { advance, NoVirtualTime, StillBusy } from '../stack/virtual-time.ts';
import { DESK_TASK_QUEUE, DeskId, DeskKind, DeskPhase, DeskVerdict } from '../workflows/desk-attributes.ts';
import {
  DAY2_GATE_ID,
  pauseUpdate,
  reanchorUpdate,
  resumeUpdate,
  statusQuery,
  type Day2GateWorkflow,
} from '../workflows/day2-gate/contract.ts';
import { executeUpdate } from './bot-update.ts';
import type { Context } from './context.ts';
import { checkOutput, CommandFailure, EXIT } from './exit-codes.ts';
import { withTemporal } from './temporal-client.ts';
import { wholeNumber } from './whole-number.ts';

const UPDATES = { pause: pauseUpdate, resume: resumeUpdate, reanchor: reanchorUpdate };
const HOURS_MAX = 31 * 24;
/** The gate takes its baseline at once; a worker that does not within this time is not there. */
const BASELINE_WITHIN_MS = 30_000;

interface RehearseOptions {
  readonly hours: string;
  readonly every: string;
  readonly output: string;
  readonly keep?: true;
}

/** What changed at some hour, as people read it. */
interface Moment {
  readonly hour: number;
  readonly text: string;
}

export function registerRehearse(program: Command, context: Context): void {
  program
    .command('rehearse')
    .description("a long workflow's own code in virtual time, on facts of config/rehearsals: hours in seconds")
    .argument('[workflow]', 'day2-gate; without it the scenarios are listed')
    .argument('[scenario]', 'a file of config/rehearsals, without .yml')
    .option('--hours <n>', `virtual hours, 1 to ${HOURS_MAX}`, '48')
    .option('--every <minutes>', 'between two evaluations, 1 to 1440', '15')
    .option('--keep', 'leave the workflow running, to look at in the web UI')
    .option('-o, --output <format>', 'text, or json: the last status', 'text')
    .action(async (workflow: string | undefined, scenario: string | undefined, options: RehearseOptions) => {
      if (workflow === undefined || scenario === undefined) return list(context);
      process.exitCode = await rehearse(context, workflow, scenario, options);
    });
}

function list(context: Context): void {
  for (const name of scenarioNames(context.configDir)) console.log(`./desk rehearse ${DAY2_GATE_ID} ${name}`);
}

async function rehearse(
  context: Context,
  workflow: string,
  name: string,
  { hours, every, output, keep }: RehearseOptions,
): Promise<number> {
  if (workflow !== DAY2_GATE_ID)
    throw new CommandFailure(EXIT.usage, `workflow: expected ${DAY2_GATE_ID}, was "${workflow}"`);
  checkOutput(output);
  const lengthS = wholeNumber('--hours', hours, HOURS_MAX) * 3_600;
  const everyS = wholeNumber('--every', every, 1_440) * 60;
  const { desk } = loadConfig(context.configDir);
  const scenario = readScenario(context.configDir, name);
  const workflowId = `rehearsal/${DAY2_GATE_ID}/${name}-${new Date().toISOString().slice(0, 19)}Z`;
  const say = (text: string): void => void (output === 'text' && console.log(text));

  return withTemporal(context, async (client) => {
    const handle = await client.workflow.start<Day2GateWorkflow>('day2Gate', {
      workflowId,
      taskQueue: DESK_TASK_QUEUE,
      args: [
        {
          desk: desk.desk,
          host: desk.host,
          scenario: name,
          rules: { intervalMs: everyS * 1_000, lateMsMax: Math.max(everyS + 60, 1_200) * 1_000 },
        },
      ],
      staticSummary: `rehearsal of ${name}: made-up facts, virtual time`,
      typedSearchAttributes: [
        { key: DeskId, value: desk.desk },
        { key: DeskKind, value: 'day2Gate' },
        { key: DeskPhase, value: 'rehearsal' },
        { key: DeskVerdict, value: 'NO-GO' },
      ],
    });
    say(`${workflowId}: ${lengthS / 3_600} h of ${name}, an evaluation every ${everyS / 60} min`);
    const startedAt = performance.now();
    try {
      const last = await play(client, handle, { scenario, lengthS, everyS }, ({ hour, text }) =>
        say(`${pc.dim(`${hour.toFixed(2).padStart(8)} h`)}  ${text}`),
      );
      const tookS = (performance.now() - startedAt) / 1_000;
      if (output === 'json') console.log(JSON.stringify(last, null, 2));
      say(`${last.go ? pc.green('GO') : pc.red('NO-GO')} after ${lengthS / 3_600} h, in ${tookS.toFixed(1)} s; a rehearsal, which earns nothing`); // prettier-ignore
      return last.go ? EXIT.ok : EXIT.noGo;
    } catch (error) {
      if (error instanceof NoVirtualTime) throw new CommandFailure(EXIT.failure, `${error.message}\n  → ./desk doctor`);
      if (error instanceof StillBusy || error instanceof WorkflowNotFoundError)
        throw new CommandFailure(EXIT.unhealthy, `${error.message}\n  → ./desk status`);
      throw error;
    } finally {
      if (keep === true) say(`left running: temporal workflow terminate --workflow-id ${workflowId}`);
      else await handle.terminate('the rehearsal is over').catch(() => {});
    }
  });
}

interface Play {
  readonly scenario: Scenario;
  readonly lengthS: number;
  readonly everyS: number;
}

/** From evaluation to evaluation, operators' actions in between. Answers what the gate says at the end. */
async function play(
  client: Client,
  handle: WorkflowHandle<Day2GateWorkflow>,
  { scenario, lengthS, everyS }: Play,
  tell: (moment: Moment) => void,
): Promise<Day2Status> {
  let status = await withBaseline(handle);
  let atS = 0;
  const look = async (): Promise<void> => {
    const now = await handle.query(statusQuery);
    for (const text of changesOf(status, now)) tell({ hour: atS / 3_600, text });
    status = now;
  };
  const pass = async (untilS: number): Promise<void> => {
    while (atS < untilS) {
      const nextS = Math.min(untilS, (Math.floor(atS / everyS) + 1) * everyS);
      await advance(client, handle.workflowId, (nextS - atS) * 1_000);
      atS = nextS;
      await look();
    }
  };
  for (const { atS: actionS, action, operator, reason } of scenario.actions) {
    if (actionS > lengthS) break;
    await pass(actionS);
    await executeUpdate(client, handle.workflowId, UPDATES[action], { operator, reason }, DAY2_GATE_ID);
    tell({ hour: atS / 3_600, text: `${operator}: ${action} (${reason})` });
    await look();
  }
  await pass(lengthS);
  return status;
}

async function withBaseline(handle: WorkflowHandle<Day2GateWorkflow>): Promise<Day2Status> {
  for (const giveUpAt = performance.now() + BASELINE_WITHIN_MS; performance.now() < giveUpAt;) {
    const status = await handle.query(statusQuery);
    if (status.baselineAtMs !== null) return status;
    await sleep(100);
  }
  throw new CommandFailure(EXIT.unhealthy, `${handle.workflowId}: took no baseline in ${BASELINE_WITHIN_MS / 1_000} s\n  → ./desk status`); // prettier-ignore
}

function changesOf(before: Day2Status, now: Day2Status): string[] {
  const changes: string[] = [];
  const known = new Set(before.standing.map(({ text }) => text));
  const resets = now.resets.filter(({ atMs, text }) => !before.resets.some((old) => old.atMs === atMs && old.text === text)); // prettier-ignore
  const standing = new Set(now.standing.map(({ text }) => text));
  for (const { text } of resets) if (!standing.has(text)) changes.push(`the clock was reset: ${text}`);
  for (const text of standing) if (!known.has(text)) changes.push(`the clock was reset and stands still: ${text}`);
  if (before.standing.length > 0 && now.standing.length === 0) changes.push('the clock runs again');
  if (before.go !== now.go) changes.push(now.go ? pc.green('GO') : pc.red('NO-GO'));
  return changes;
}
