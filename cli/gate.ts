/** `desk gate`: what the Day-2 gate says, and what people tell it. */
import { userInfo } from 'node:os';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { UpdateDefinition } from '@temporalio/common';
import { Option, type Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import type { Day2Status } from '../core/gates/day2/status.ts';
import { DESK_TASK_QUEUE, DeskId, DeskKind, DeskPhase, DeskVerdict } from '../workflows/desk-attributes.ts';
import {
  DAY2_GATE_ID,
  pauseUpdate,
  reanchorUpdate,
  resumeUpdate,
  statusQuery,
  type Day2GateWorkflow,
} from '../workflows/day2-gate/contract.ts';
import type { DeskConfig } from '../config/desk-config.ts';
import type { Attribution } from '../workflows/attribution.ts';
import { executeUpdate, plainCommand } from './bot-update.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';
import { withTemporal } from './temporal-client.ts';

const VERBS: readonly { verb: string; update: UpdateDefinition<Day2Status, [Attribution]>; description: string }[] = [
  { verb: 'pause', update: pauseUpdate, description: 'hold the verdict at NO-GO; its clock goes on' },
  { verb: 'resume', update: resumeUpdate, description: 'lift the pause; the next evaluation may say GO' },
  { verb: 'reanchor', update: reanchorUpdate, description: 'a new baseline, measured now: the clock starts again' },
];

interface MessageOptions {
  readonly reason?: string;
  readonly operator: string;
  readonly showTemporal?: boolean;
  readonly dryRun?: boolean;
}

/** Starts the gate's workflow unless it runs. */
export async function ensureDay2Gate(client: Client, { desk, host }: DeskConfig): Promise<void> {
  await client.workflow.start<Day2GateWorkflow>('day2Gate', {
    workflowId: DAY2_GATE_ID,
    taskQueue: DESK_TASK_QUEUE,
    args: [{ desk, host }],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: 'is the event flow complete since its baseline, for a day?',
    typedSearchAttributes: [
      { key: DeskId, value: desk },
      { key: DeskKind, value: 'day2Gate' },
      { key: DeskPhase, value: 'starting' },
      { key: DeskVerdict, value: 'NO-GO' },
    ],
  });
}

export function registerGate(program: Command, context: Context): void {
  const gate = program.command('gate').description('the Day-2 gate: 24 h of complete event flow since its baseline');
  gate
    .command('status')
    .description('GO (exit 0) or NO-GO (exit 5), by which checks, and why its clock was reset')
    .addOption(new Option('-o, --output <format>', 'how to print it').choices(['text', 'json']).default('text'))
    .action(async ({ output }: { output: string }) => {
      const status = await withTemporal(context, (client) =>
        orNotRunning(client.workflow.getHandle(DAY2_GATE_ID).query(statusQuery)),
      );
      console.log(output === 'json' ? JSON.stringify(status, null, 2) : text(status));
      process.exitCode = status.go ? EXIT.ok : EXIT.noGo;
    });
  gate
    .command('start')
    .description('start its workflow, unless it runs')
    .action(async () => {
      const { desk } = loadConfig(context.configDir);
      await withTemporal(context, (client) => ensureDay2Gate(client, desk));
      console.log('day2-gate: runs; ./desk gate status');
    });
  for (const { verb, update, description } of VERBS) {
    gate
      .command(verb)
      .description(description)
      .option('--reason <text>', 'why (required)')
      .option('--operator <name>', 'who', userInfo().username)
      .option('--show-temporal', 'also print the equal temporal command')
      .option('--dry-run', 'say what would be sent, send nothing')
      .action(async ({ reason, operator, showTemporal, dryRun }: MessageOptions) => {
        if (reason === undefined)
          throw new CommandFailure(
            EXIT.usage,
            `--reason: expected why, was missing\n  → ./desk gate ${verb} --reason "..."`,
          );
        const plain = plainCommand(context, DAY2_GATE_ID, update.name, { operator, reason });
        if (showTemporal === true) console.error(plain);
        if (dryRun === true) return console.log(`would run: ${plain}`);
        const status = await withTemporal(context, (client) =>
          orNotRunning(executeUpdate(client, DAY2_GATE_ID, update, { operator, reason }, 'day2-gate')),
        );
        console.log(text(status));
      });
  }
}

async function orNotRunning<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError)
      throw new CommandFailure(EXIT.failure, 'the Day-2 gate does not run\n  → ./desk gate start');
    throw error;
  }
}

function text(status: Day2Status): string {
  const { go, checks, hoursElapsed, standing, resets, resetsBefore, paused, rehearsal } = status;
  const hours = checks.elapsed_window.limit / 3_600_000;
  const instant = (ms: number | null): string =>
    ms === null ? 'none' : `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const check = (name: string, { pass, measured, limit }: { pass: boolean; measured: number | null; limit: number }) =>
    `  ${pass ? 'pass' : 'fail'}  ${name}: ${measured ?? 'not measured'}, wanted ${limit}`;
  const lines = [
    `Day-2 gate: ${go ? 'GO' : 'NO-GO'}`,
    status.clockStartedAtMs === null
      ? `  the clock stands still; wanted: ${hours} h without a break`
      : `  ${hoursElapsed.toFixed(2)} of ${hours} h without a break, since ${instant(status.clockStartedAtMs)}`,
    `  baseline ${instant(status.baselineAtMs)}, last evaluation ${instant(status.lastEvaluatedAtMs)}`,
    check('missing_correlation', checks.missing_correlation),
    check('delta_since_baseline_tolerance', checks.delta_since_baseline_tolerance),
    `  max_delta_observed: ${status.max_delta_observed}`,
  ];
  if (paused !== null)
    lines.push(`  held at NO-GO by ${paused.operator}: ${paused.reason}\n  → ./desk gate resume --reason "..."`);
  for (const { text: why, sinceMs } of standing) lines.push(`  because ${why}, since ${instant(sinceMs)}`);
  for (const { text: why, atMs } of resets.slice(-5)) lines.push(`  the clock was reset ${instant(atMs)}: ${why}`);
  const older = resets.length - Math.min(5, resets.length) + resetsBefore.reduce((sum, { count }) => sum + count, 0);
  if (older > 0) lines.push(`  and ${older} times before`);
  for (const why of rehearsal) lines.push(`  a rehearsal, which earns nothing: ${why}`);
  return lines.join('\n');
}
