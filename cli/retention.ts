/** `desk retention`: what the policy lets go today, and doing it. */
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import pc from 'picocolors';
import { botJournalDir } from '../config/home.ts';
import { loadRetentionPolicy, retentionPlaces } from '../config/retention.ts';
import { SILENT } from '../core/log.ts';
import { BotName } from '../core/names.ts';
import { retentionPayload, size, type RetentionResult } from '../core/retention/evidence.ts';
import { targetName, type RetentionPlan } from '../core/retention/plan.ts';
import { unpackArchive } from '../journal/archive.ts';
import { ArchiveDamaged } from '../journal/errors.ts';
import { LedgerUnavailable } from '../ledger/errors.ts';
import {
  carryOut,
  forgetRun,
  planNow,
  RetentionBusy,
  type CarriedOut,
  type RetentionOptions,
} from '../ledger/retention/carry-out.ts';
import type { Context } from './context.ts';
import { databaseUrl } from './database-url.ts';
import { deskFacts, withEvidence } from './evidence/store.ts';
import { checkOutput, CommandFailure, EXIT, type ExitCode } from './exit-codes.ts';

export function registerRetention(program: Command, context: Context): void {
  const retention = program.command('retention').description('how long things are kept: config/retention.yml');
  const finish = (code: ExitCode): never => process.exit(code);
  retention
    .command('plan')
    .description('what may go today, and what is old enough and has to stay; nothing is touched')
    .option('-o, --output <format>', 'text or json', 'text')
    .action(async ({ output }: { output: string }) => finish(await show(context, output)));
  retention
    .command('run')
    .description('do what the plan says, and record it as evidence')
    .option('--reason <text>', 'why (required)')
    .option('--operator <name>', 'who', userInfo().username)
    .option('--dry-run', 'the plan, nothing else')
    .option('-o, --output <format>', 'text or json', 'text')
    .action(async (flags: RunFlags) => finish(await run(context, flags)));
  retention
    .command('unpack <bot>')
    .description('bring archived segments back beside the journal, for replays or after a restore')
    .option('--from <sequence>', 'only what holds this record and later ones', '1')
    .action(async (bot: string, flags: { from: string }) => finish(await unpack(context, bot, flags.from)));
}

async function show(context: Context, output: string): Promise<ExitCode> {
  checkOutput(output);
  const plan = await orSaid(planNow(optionsOf(context)));
  print(output, plan, planLines(plan));
  return EXIT.ok;
}

interface RunFlags {
  reason?: string;
  operator: string;
  dryRun?: true;
  output: string;
}

/** Exit 1 when something was refused after all: it is damaged, or somebody is in the way. */
async function run(context: Context, { reason, operator, dryRun, output }: RunFlags): Promise<ExitCode> {
  checkOutput(output);
  if (dryRun === true) return show(context, output);
  if (reason === undefined || reason.trim() === '')
    throw new CommandFailure(EXIT.usage, '--reason: expected why, was missing: ./desk retention run --reason ...');
  const facts = deskFacts(context);
  const options = optionsOf(context);
  const runId = randomUUID();
  const done = await orSaid(carryOut({ ...options, runId }));
  const evidence = done.results.length === 0 ? null : await record(done);
  if (evidence !== null) await forgetRun(options.places, runId);
  const { results, held } = done;
  const lines =
    evidence === null
      ? planLines(await orSaid(planNow(options)))
      : [...results.map(resultLine), `evidence ${evidence}`];
  print(output, { evidence, results, held }, lines);
  return results.every((each) => each.done) ? EXIT.ok : EXIT.failure;

  async function record({ results: all, held: stays }: CarriedOut): Promise<number> {
    const atMs = Date.now();
    return withEvidence(context, 'desk_writer', async (store) => {
      const { number } = await store.append({
        ...facts,
        key: `retention/${runId}`,
        kind: 'retention',
        atMs,
        range: { fromMs: atMs, toMs: atMs, sources: [] },
        releaseId: await store.releaseOf(facts.codeVersion),
        payload: retentionPayload({ operator, reason: reason! }, options.policy, stays, all),
      });
      return number;
    });
  }
}

async function unpack({ home }: Context, bot: string, from: string): Promise<ExitCode> {
  if (!BotName.safeParse(bot).success) throw new CommandFailure(EXIT.usage, `bot: expected a name, was "${bot}"`);
  if (!/^[1-9]\d{0,15}$/.test(from))
    throw new CommandFailure(EXIT.usage, `--from: expected a record's sequence, was "${from}"`);
  try {
    const back = await unpackArchive(join(home.archiveDir, bot), botJournalDir(home, bot), Number(from));
    console.log(back.length === 0 ? 'nothing that is not there already' : back.join('\n'));
    return EXIT.ok;
  } catch (error) {
    if (error instanceof ArchiveDamaged) throw new CommandFailure(EXIT.failure, error.message);
    throw error;
  }
}

function optionsOf(context: Context): RetentionOptions {
  const url = databaseUrl(context);
  if (url === null) throw new CommandFailure(EXIT.unhealthy, 'no database is known: ./desk up');
  const { home, configDir } = context;
  return {
    databaseUrl: url,
    places: retentionPlaces(home),
    policy: loadRetentionPolicy(configDir),
    log: SILENT,
  };
}

async function orSaid<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof RetentionBusy) throw new CommandFailure(EXIT.notAllowed, error.message);
    if (error instanceof LedgerUnavailable)
      throw new CommandFailure(EXIT.unhealthy, `${error.message}\n  → ./desk status`);
    throw error;
  }
}

function print(output: string, data: unknown, lines: readonly string[]): void {
  console.log(output === 'json' ? JSON.stringify({ v: 1, data }) : lines.join('\n'));
}

function planLines({ items, held }: RetentionPlan): string[] {
  const bytes = items.reduce((sum, each) => sum + each.bytes, 0);
  return [
    ...items.map(
      (each) => `${each.target.action.padEnd(15)} ${targetName(each.target)}  ${size(each.bytes)}: ${each.why}`,
    ),
    ...held.map(({ what, why }) => pc.dim(`${'stays'.padEnd(15)} ${what}: ${why}`)),
    items.length === 0
      ? 'nothing may go today'
      : `${items.length} to do, ${size(bytes)}: ./desk retention run --reason ...`,
  ];
}

function resultLine({ target, done, why, bytes }: RetentionResult): string {
  const line = `${target.action.padEnd(15)} ${targetName(target)}  ${size(bytes)}: ${why}`;
  return done ? `done     ${line}` : pc.red(`refused  ${line}`);
}
