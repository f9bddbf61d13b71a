/** `desk schedules`: what the desk starts by the clock. Pausing, triggering and backfilling are plain `temporal schedule` commands. */
import { WorkflowNotFoundError, type Client, type ScheduleDescription } from '@temporalio/client';
import Table from 'cli-table3';
import type { Command } from 'commander';
import pc from 'picocolors';
import { loadConfig } from '../config/load.ts';
import { loadSchedules } from '../config/schedules.ts';
import { schedulePrefix, type ScheduleDeed } from '../core/schedules/plan.ts';
import { wantedSchedules } from '../stack/schedule-options.ts';
import { applySchedules, describeSchedule, hashOf, previewSchedules, scheduleIds } from '../stack/schedules.ts';
import { WORKFLOW_INPUTS } from '../workflows/inputs.ts';
import type { Context } from './context.ts';
import { checkOutput } from './exit-codes.ts';
import { withTemporal } from './temporal-client.ts';

export function registerSchedules(program: Command, context: Context): void {
  const schedules = program
    .command('schedules')
    .description('what the desk starts by the clock (config/schedules.yml)');
  schedules
    .command('list')
    .description('each schedule: when it runs next, whether it is paused and why, how its last run ended')
    .option('-o, --output <format>', 'text or json', 'text')
    .action(async ({ output }: { output: string }) => list(context, output));
  schedules
    .command('apply')
    .description('bring the server to what the file says; a pause stays. Each start of a desk worker does so too')
    .option('--dry-run', 'say what would be done, do nothing')
    .option('-o, --output <format>', 'text or json', 'text')
    .action(async (flags: { dryRun?: true; output: string }) => apply(context, flags));
}

/** A faulty file ends it before the server is asked. */
function readDeclared({ configDir }: Context) {
  return { owner: loadConfig(configDir).desk, declared: loadSchedules(configDir, WORKFLOW_INPUTS) };
}

const DONE: Readonly<Record<ScheduleDeed, string>> = {
  create: 'created',
  update: 'updated',
  unchanged: 'unchanged',
  delete: 'deleted',
};

async function apply(context: Context, { dryRun, output }: { dryRun?: true; output: string }): Promise<void> {
  checkOutput(output);
  const { owner, declared } = readDeclared(context);
  const work = dryRun === true ? previewSchedules : applySchedules;
  const steps = await withTemporal(context, (client) => work(client, owner, declared));
  if (output === 'json') return console.log(JSON.stringify({ v: 1, data: { dryRun: dryRun === true, steps } }));
  for (const { scheduleId, deed } of steps)
    console.log(`${scheduleId}: ${dryRun === true && deed !== 'unchanged' ? `would ${deed}` : DONE[deed]}`);
  if (steps.length === 0) console.log('no schedules');
}

/** How the server's schedule stands to the file. */
type Standing = 'as declared' | 'differs' | 'not applied' | 'not declared';

interface ScheduleLine {
  readonly scheduleId: string;
  readonly workflow: string;
  readonly standing: Standing;
  readonly nextRunAt: string | null;
  readonly paused: boolean;
  /** Of a pause: who and why, in the words of whoever paused it. Else what it is for. */
  readonly note: string;
  readonly lastRun: { readonly workflowId: string; readonly startedAt: string; readonly status: string } | null;
  readonly missed: { readonly overlap: number; readonly catchupWindow: number };
}

async function list(context: Context, output: string): Promise<void> {
  checkOutput(output);
  const lines = await withTemporal(context, (client) => look(client, context));
  if (output === 'json') return console.log(JSON.stringify({ v: 1, data: lines }));
  if (lines.length === 0) return console.log('no schedules');
  const table = new Table({
    head: ['schedule', 'workflow', 'next run, UTC', 'last run, UTC', 'note'],
    style: { head: [], border: [], compact: true },
  });
  for (const { scheduleId, workflow, standing, nextRunAt, paused, note, lastRun } of lines)
    table.push([
      scheduleId,
      workflow,
      standing === 'not applied' ? pc.red(standing) : paused ? pc.yellow('paused') : utc(nextRunAt),
      lastRun === null ? '—' : `${utc(lastRun.startedAt)} ${tinted(lastRun.status)}`,
      note,
    ]);
  console.log(table.toString());
  const off = lines.filter(({ standing }) => standing !== 'as declared');
  for (const { scheduleId, standing } of off)
    console.log(pc.yellow(`${scheduleId}: ${standing}: ./desk schedules apply`));
}

async function look(client: Client, context: Context): Promise<ScheduleLine[]> {
  const { owner, declared } = readDeclared(context);
  const wanted = new Map(wantedSchedules(owner, declared).map((each) => [each.scheduleId, each]));
  const ids = new Set([...wanted.keys(), ...(await scheduleIds(client, schedulePrefix(owner.desk)))]);
  const lines = await Promise.all(
    [...ids].map(async (id): Promise<ScheduleLine | null> => {
      const found = await describeSchedule(client, id);
      const schedule = wanted.get(id);
      if (found !== null) {
        const isSame = schedule?.hash === hashOf(found);
        return lineOf(client, found, schedule === undefined ? 'not declared' : isSame ? 'as declared' : 'differs');
      }
      if (schedule === undefined) return null;
      const { note, options } = schedule;
      return {
        scheduleId: id,
        workflow: String(options.action.workflowType),
        standing: 'not applied',
        nextRunAt: null,
        paused: false,
        note,
        lastRun: null,
        missed: { overlap: 0, catchupWindow: 0 },
      };
    }),
  );
  return lines.filter((line) => line !== null);
}

async function lineOf(client: Client, found: ScheduleDescription, standing: Standing): Promise<ScheduleLine> {
  const { scheduleId, action, state, info } = found;
  const last = info.recentActions.at(-1);
  return {
    scheduleId,
    workflow: action.workflowType,
    standing,
    nextRunAt: state.paused ? null : (info.nextActionTimes[0]?.toISOString() ?? null),
    paused: state.paused,
    note: state.note ?? '',
    lastRun:
      last === undefined
        ? null
        : {
            workflowId: last.action.workflow.workflowId,
            startedAt: last.takenAt.toISOString(),
            status: await statusOf(client, last.action.workflow),
          },
    missed: { overlap: info.numActionsSkippedOverlap, catchupWindow: info.numActionsMissedCatchupWindow },
  };
}

type Run = ScheduleDescription['info']['recentActions'][number]['action']['workflow'];

/** Its history may be gone by then. */
async function statusOf(client: Client, { workflowId, firstExecutionRunId }: Run): Promise<string> {
  try {
    return (await client.workflow.getHandle(workflowId, firstExecutionRunId).describe()).status.name.toLowerCase();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'unknown';
    throw error;
  }
}

function utc(iso: string | null): string {
  return iso === null ? '—' : iso.slice(0, 19).replace('T', ' ');
}

function tinted(status: string): string {
  return ['completed', 'running', 'continued_as_new'].includes(status) ? status : pc.red(status);
}
