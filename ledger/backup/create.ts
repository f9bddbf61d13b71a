/**
 * Makes a backup: under a name of its own until it is whole and on disk, then renamed in one step. What a killed try left is
 * removed by the next one; one backup of a server is made at a time, and nothing is dropped from the store meanwhile.
 */
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { Log } from '../../core/log.ts';
import { classified, isOfDisk } from '../errors.ts';
import { dumpDatabase, findPostgresTool } from './dump.ts';
import { syncFolders, verifyFiles } from './files.ts';
import {
  BackupDamaged,
  backupBytes,
  MANIFEST_FILE,
  manifestText,
  readManifest,
  type BackupManifest,
} from './manifest.ts';
import { copyCluster, localDataDir } from './physical.ts';

export const PARTIAL_PREFIX = '.partial-';
/** Advisory: held by whoever makes a backup, and by whoever drops what one may be reading. */
export const BACKUP_LOCK = 'desk_backup';

export interface CreateBackupOptions {
  readonly databaseUrl: string;
  /** Made when missing, 0700. */
  readonly backupsDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly nowMs?: () => number;
  readonly log: Log;
  /** Makes a second try of the same backup find the first one's. Without it each run makes one. */
  readonly run?: BackupRun;
  /** Ends it at the next file, or in the middle of a query, with its reason; nothing is left. */
  readonly signal?: AbortSignal;
  /** After each file; for heartbeats and progress. */
  readonly onFile?: (bytes: number) => void;
}

export interface BackupRun {
  /** When whoever asks for it began to, the same in each try. */
  readonly atMs: number;
  /** A UUID. */
  readonly id: string;
}

export interface CreatedBackup {
  readonly dir: string;
  readonly manifest: BackupManifest;
}

/** No way to make a backup of this server from here. Trying again is of no use. */
export class BackupImpossible extends Error {
  override readonly name = 'BackupImpossible';
}

/** Trying again when that one is over is right. */
export class BackupBusy extends Error {
  override readonly name = 'BackupBusy';
}

/**
 * Idempotent by `run`, if there is one: what a try before made is the answer when all of its files are as they were made, and
 * is made anew when not. Throws `LedgerUnavailable`, `BackupImpossible`, `BackupBusy`, the signal's reason, or what the disk says.
 */
export async function createBackup(options: CreateBackupOptions): Promise<CreatedBackup> {
  const { databaseUrl, backupsDir, log, run, signal } = options;
  signal?.throwIfAborted();
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'desk-backup', keepAlive: true });
  // A server that goes away is reported by the next query; unheard, it would end the process.
  client.on('error', () => {});
  const giveUp = (): void => void client.end().catch(() => {});
  signal?.addEventListener('abort', giveUp);
  try {
    await client.connect().catch((error: unknown) => {
      throw classified(error);
    });
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock(hashtext($1)) as taken', [
      BACKUP_LOCK,
    ]);
    if (rows[0]?.taken !== true) throw new BackupBusy('another backup of this server is under way');
    mkdirSync(backupsDir, { recursive: true, mode: 0o700 });
    for (const left of readdirSync(backupsDir).filter((name) => name.startsWith(PARTIAL_PREFIX))) {
      log.info('removing what an unfinished backup left', { left });
      await rm(join(backupsDir, left), { recursive: true });
    }
    return (run === undefined ? null : await madeBefore(backupsDir, backupName(run.atMs, run.id), log)) ?? (await make(client, options)); // prettier-ignore
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', giveUp);
    await client.end().catch(() => {});
  }
}

/** Null where there is none, or none that is whole. */
async function madeBefore(backupsDir: string, name: string, log: Log): Promise<CreatedBackup | null> {
  const dir = join(backupsDir, name);
  if (!existsSync(dir)) return null;
  try {
    const manifest = readManifest(dir);
    const faults = await verifyFiles(dir, manifest);
    if (faults.length === 0) return { dir, manifest };
    log.error('backup of an earlier try is not whole, made anew', { name, faults: faults.slice(0, 20) });
  } catch (error) {
    if (!(error instanceof BackupDamaged)) throw error;
    log.error('backup of an earlier try is not whole, made anew', { name, fault: error.message });
  }
  await rm(dir, { recursive: true });
  return null;
}

async function make(
  client: pg.Client,
  { databaseUrl, backupsDir, env, log, nowMs = Date.now, run, signal, onFile = () => {} }: CreateBackupOptions,
): Promise<CreatedBackup> {
  const startedAtMs = nowMs();
  const name = run === undefined ? backupName(startedAtMs) : backupName(run.atMs, run.id);
  const dir = join(backupsDir, name);
  if (existsSync(dir)) throw new Error(`${dir}: a backup of this second is there already`);
  const partial = join(backupsDir, PARTIAL_PREFIX + name);
  mkdirSync(partial, { mode: 0o700 });
  try {
    const server = await client.query<{ version: string; num: string; database: string; user: string }>(
      `select current_setting('server_version') as version, current_setting('server_version_num') as num,
         current_database() as database, current_user as user`,
    );
    const { version, num, database, user } = server.rows[0]!;
    const data = await localDataDir(client);
    const common = { version: 1, name, startedAtMs, serverVersion: version, database, user } as const;
    let manifest: BackupManifest;
    if (data !== null) {
      const { folders, files, ...copied } = await copyCluster(client, data, partial, { onFile, signal });
      manifest = { kind: 'physical', ...common, finishedAtMs: nowMs(), ...copied, folders: [...folders], files: [...files] }; // prettier-ignore
    } else {
      const major = Math.floor(Number(num) / 10_000);
      const tool = await findPostgresTool('pg_dump', major, env);
      if (tool === null)
        throw new BackupImpossible(
          `the files of this server are not on this machine, and there is no pg_dump of version ${major} here: install ` +
            `it, or have the server's own operator make backups`,
        );
      const { files, ...dumped } = await dumpDatabase(client, databaseUrl, tool, partial, signal);
      manifest = { kind: 'dump', ...common, finishedAtMs: nowMs(), ...dumped, files: [...files] };
    }
    await writeFile(join(partial, MANIFEST_FILE), manifestText(manifest), { mode: 0o600, flush: true, flag: 'wx' });
    await syncFolders([partial]);
    renameSync(partial, dir);
    await syncFolders([backupsDir]);
    log.info('backup made', { name, kind: manifest.kind, bytes: backupBytes(manifest) });
    return { dir, manifest };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw isOfDisk(error) ? error : classified(error);
  }
}

/** `20261122T031205Z`, or `20261122T031205Z-` and eight digits of the run. */
function backupName(atMs: number, runId?: string): string {
  const utc = `${new Date(atMs).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
  return runId === undefined ? utc : `${utc}-${runId.replaceAll('-', '').slice(-8)}`;
}
