/** `desk backup`: copies of the database that can be proved, and brought back. */
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import pc from 'picocolors';
import { SILENT } from '../core/log.ts';
import { listBackups, manifestOf, restoreFiles, RestoreRefused } from '../ledger/backup/backups.ts';
import { BackupBusy, BackupImpossible, createBackup } from '../ledger/backup/create.ts';
import { backupPayload, backupSources } from '../ledger/backup/evidence.ts';
import { backupBytes, BackupDamaged, type BackupManifest } from '../ledger/backup/manifest.ts';
import { verifyBackup, type BackupVerdict } from '../ledger/backup/verify.ts';
import { LedgerUnavailable } from '../ledger/errors.ts';
import { copyServer, postgresOwner } from '../stack/postgres-copy.ts';
import type { Context } from './context.ts';
import { databaseUrl } from './database-url.ts';
import { deskFacts, withEvidence } from './evidence/store.ts';
import { checkOutput, CommandFailure, EXIT, type ExitCode } from './exit-codes.ts';

export function registerBackup(program: Command, context: Context): void {
  const backup = program
    .command('backup')
    .description('copies of the database: made while it runs, proved, brought back');
  const finish = (code: ExitCode): never => process.exit(code);
  const output = ['-o, --output <format>', 'text or json', 'text'] as const;
  backup
    .command('create')
    .description('make one now, beside the running desk, and record it as evidence')
    .option('--dry-run', 'say what would be copied, copy nothing')
    .option(...output)
    .action(async (flags: CreateFlags) => finish(await orSaid(create(context, flags))));
  backup
    .command('list')
    .description('backups, newest first')
    .option(...output)
    .action(async (flags: { output: string }) => finish(await orSaid(list(context, flags.output))));
  backup
    .command('verify <name>')
    .description('every file by its hash; `latest` is a name, too. Exit 1: not as it was made')
    .option('--start', 'the restore test: start a server over a copy and count what it has; recorded as evidence')
    .option(...output)
    .action(async (name: string, flags: VerifyFlags) => finish(await orSaid(verify(context, name, flags))));
  backup
    .command('restore <name>')
    .description('copy one into an empty folder; docs/runbooks/restore.md says how a desk goes on from there')
    .requiredOption('--to <dir>', 'an empty folder, or one that is not there')
    .option('--dry-run', 'say what would be restored, write nothing')
    .action(async (name: string, flags: RestoreFlags) => finish(await orSaid(restore(context, name, flags))));
}

interface CreateFlags {
  dryRun?: true;
  output: string;
}

async function create(context: Context, { dryRun, output }: CreateFlags): Promise<ExitCode> {
  checkOutput(output);
  const { backupsDir } = context.home;
  const url = databaseUrl(context);
  if (url === null) throw new CommandFailure(EXIT.unhealthy, 'no database is known: ./desk up');
  // Read before anything is copied: without them there is no evidence.
  const facts = deskFacts(context);
  if (dryRun === true) {
    const { hostname, port, pathname } = new URL(url);
    console.log(`would back up ${hostname}:${port || '5432'}${pathname} to ${backupsDir}`);
    return EXIT.ok;
  }
  const { dir, manifest } = await createBackup({ databaseUrl: url, backupsDir, env: context.env, log: SILENT });
  const number = await record(context, facts, `backup/${manifest.name}`, manifest, null);
  if (output === 'json') console.log(JSON.stringify({ v: 1, data: { dir, evidence: number, ...summaryOf(manifest) } }));
  else {
    const tookMs = manifest.finishedAtMs - manifest.startedAtMs;
    const rate = backupBytes(manifest) / 1_000 / Math.max(1, tookMs);
    console.log(
      `${lineOf(manifest)}, in ${(tookMs / 1000).toFixed(1)} s (${rate.toFixed(0)} MB/s), evidence ${number}`,
    );
    console.log(`written: ${dir}\nprove it: ./desk backup verify ${manifest.name} --start`);
  }
  return EXIT.ok;
}

async function list({ home }: Context, output: string): Promise<ExitCode> {
  checkOutput(output);
  const found = await listBackups(home.backupsDir);
  if (output === 'json') {
    const data = found.map((each) => (each.manifest === null ? each : summaryOf(each.manifest)));
    console.log(JSON.stringify({ v: 1, data }));
  } else if (found.length === 0) console.log(`no backups in ${home.backupsDir}`);
  else
    for (const each of found)
      console.log(each.manifest === null ? pc.red(`${each.name}  not whole: ${each.fault}`) : lineOf(each.manifest));
  return EXIT.ok;
}

interface VerifyFlags {
  start?: true;
  output: string;
}

async function verify(context: Context, which: string, { start, output }: VerifyFlags): Promise<ExitCode> {
  checkOutput(output);
  const { backupsDir } = context.home;
  const name = await nameOf(backupsDir, which);
  const verdict = await verifyBackup(backupsDir, name, start === true ? copyServer(context.home, SILENT) : null);
  const manifest = manifestOf(backupsDir, name);
  if (verdict.started !== null)
    await record(context, deskFacts(context), `backup/${name}/restore/${randomUUID()}`, manifest, verdict).catch(
      (error: unknown) => console.error(`not recorded as evidence: ${(error as Error).message}`),
    );
  if (output === 'json') console.log(JSON.stringify({ v: 1, data: verdict }));
  else console.log(verdictLines(verdict, manifest, start === true).join('\n'));
  return verdict.ok ? EXIT.ok : EXIT.failure;
}

interface RestoreFlags {
  to: string;
  dryRun?: true;
}

async function restore(context: Context, which: string, { to, dryRun }: RestoreFlags): Promise<ExitCode> {
  const { backupsDir } = context.home;
  const name = await nameOf(backupsDir, which);
  const manifest = manifestOf(backupsDir, name);
  const target = resolve(to);
  if (dryRun === true) {
    if (existsSync(target) && readdirSync(target).length > 0)
      throw new RestoreRefused(`${target}: expected an empty folder or none, was one with files in it`);
    console.log(`would restore ${lineOf(manifest)} to ${target}`);
    return EXIT.ok;
  }
  const owner = manifest.kind === 'physical' ? await postgresOwner(context.home, SILENT) : null;
  await restoreFiles(join(backupsDir, name), manifest, target, owner);
  console.log(`restored ${lineOf(manifest)} to ${target}, every file as it was made`);
  if (manifest.kind === 'dump')
    console.log(`load it into an empty database: pg_restore --no-owner --dbname <url> ${join(target, 'desk.dump')}`);
  console.log('how the desk goes on: docs/runbooks/restore.md');
  return EXIT.ok;
}

async function nameOf(backupsDir: string, which: string): Promise<string> {
  const whole = await listBackups(backupsDir);
  const name = which === 'latest' ? whole.find(({ manifest }) => manifest !== null)?.name : which;
  if (name === undefined || !whole.some((each) => each.name === name))
    throw new CommandFailure(EXIT.failure, `no backup ${which} in ${backupsDir}: ./desk backup list`);
  return name;
}

/** The number of its evidence. */
function record(
  context: Context,
  facts: ReturnType<typeof deskFacts>,
  key: string,
  manifest: BackupManifest,
  verdict: BackupVerdict | null,
): Promise<number> {
  return withEvidence(context, 'desk_writer', async (store) => {
    const { number } = await store.append({
      ...facts,
      key,
      kind: 'database_backup',
      atMs: Date.now(),
      range: { fromMs: manifest.startedAtMs, toMs: manifest.finishedAtMs, sources: backupSources(manifest) },
      releaseId: await store.releaseOf(facts.codeVersion),
      payload: backupPayload(manifest, verdict),
    });
    return number;
  });
}

function summaryOf(manifest: BackupManifest): object {
  const { name, kind, startedAtMs, finishedAtMs, serverVersion, store, files } = manifest;
  return {
    name,
    kind,
    startedAtMs,
    finishedAtMs,
    serverVersion,
    bytes: backupBytes(manifest),
    files: files.length,
    store,
  };
}

function lineOf(manifest: BackupManifest): string {
  const events = manifest.store.sources.reduce((sum, each) => sum + each.events, 0);
  const size = `${(backupBytes(manifest) / 1e6).toFixed(0)} MB`;
  return `${manifest.name}  ${manifest.kind}  ${size}, ${manifest.files.length} files, ${events} events of ${manifest.store.sources.length} sources`; // prettier-ignore
}

function verdictLines({ ok, fileFaults, started }: BackupVerdict, manifest: BackupManifest, wanted: boolean): string[] {
  const lines = fileFaults.map(({ path, rule }) => `${path}: ${rule}`);
  if (fileFaults.length === 0) lines.push(`${lineOf(manifest)}: every file as it was made`);
  if (started !== null) {
    lines.push(...started.missing);
    lines.push(`a server over a copy was ready and counted after ${(started.tookMs / 1000).toFixed(1)} s`);
  } else if (wanted) lines.push(manifest.kind === 'dump' ? 'a dump: no server was started' : 'no server was started over it'); // prettier-ignore
  return [...lines, ok ? pc.green('whole') : pc.red('NOT whole')];
}

/** Errors that a person can do something about end with their exit code. */
async function orSaid(work: Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof BackupDamaged) throw new CommandFailure(EXIT.failure, error.message);
    if (error instanceof RestoreRefused) throw new CommandFailure(EXIT.notAllowed, error.message);
    if (error instanceof BackupImpossible || error instanceof BackupBusy)
      throw new CommandFailure(EXIT.notAllowed, error.message);
    if (error instanceof LedgerUnavailable)
      throw new CommandFailure(EXIT.unhealthy, `${error.message}\n  → ./desk status`);
    throw error;
  }
}
