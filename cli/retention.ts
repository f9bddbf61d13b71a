/** `desk retention`: what the policy lets go today, and doing it. */
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import pc from 'picocolors';
import type { PoolClient } from 'pg';
import { botJournalDir, botSnapshotFile } from '../config/home.ts';
import { loadRetentionPolicy } from '../config/retention.ts';
import { SILENT } from '../core/log.ts';
import { BotName } from '../core/names.ts';
import { retentionPayload, type RetentionResult } from '../core/retention/evidence.ts';
import { planRetention, targetName, type RetentionPlan } from '../core/retention/plan.ts';
import { unpackArchive } from '../journal/archive.ts';
import { ArchiveDamaged } from '../journal/errors.ts';
import { createPool } from '../ledger/connect.ts';
import { collectFacts, type RetentionPlaces } from '../ledger/retention/facts.ts';
import { runRetention } from '../ledger/retention/run.ts';
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
  const { plan } = await withOwner(context, (client) => planned(context, client));
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
  const { plan, results } = await withOwner(context, async (client) => {
    const known = await planned(context, client);
    return { ...known, results: await runRetention({ client, places: placesOf(context), ...known }) };
  });
  const evidence = results.length === 0 ? null : await record();
  const data = { evidence, results, held: plan.held };
  print(output, data, results.length === 0 ? planLines(plan) : [...results.map(resultLine), `evidence ${evidence}`]);
  return results.every(({ done }) => done) ? EXIT.ok : EXIT.failure;

  async function record(): Promise<number> {
    const atMs = Date.now();
    return withEvidence(context, 'desk_writer', async (store) => {
      const { number } = await store.append({
        ...facts,
        key: `retention/${randomUUID()}`,
        kind: 'retention',
        atMs,
        range: { fromMs: atMs, toMs: atMs, sources: [] },
        releaseId: await store.releaseOf(facts.codeVersion),
        payload: retentionPayload({ operator, reason: reason! }, loadRetentionPolicy(context.configDir), plan, results),
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

async function planned(context: Context, client: PoolClient) {
  const policy = loadRetentionPolicy(context.configDir);
  const facts = await collectFacts(client, placesOf(context), policy, Date.now());
  return { facts, plan: planRetention(policy, facts) };
}

function placesOf({ root, home }: Context): RetentionPlaces {
  const { journalsDir, archiveDir, logsDir, backupsDir } = home;
  const snapshotFileOf = (bot: string): string => botSnapshotFile(home, bot);
  return { journalsDir, snapshotFileOf, archiveDir, reportsDir: join(root, 'reports'), logsDir, backupsDir };
}

async function withOwner<T>(context: Context, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const url = databaseUrl(context);
  if (url === null) throw new CommandFailure(EXIT.unhealthy, 'no database is known: ./desk up');
  const pool = createPool({ databaseUrl: url, connections: 1, log: SILENT });
  try {
    const client = await pool.connect().catch((error: Error) => {
      throw new CommandFailure(EXIT.unhealthy, `Postgres: ${error.message}\n  → ./desk status`);
    });
    try {
      return await work(client);
    } finally {
      client.release(true);
    }
  } finally {
    await pool.end();
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

function size(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
