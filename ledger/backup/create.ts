/**
 * Makes a backup: under a name of its own until it is whole and on disk, then renamed in one step. What a killed try left is
 * removed by the next one; one backup of a server is made at a time, and nothing is dropped from the store meanwhile.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { Log } from '../../core/log.ts';
import { classified } from '../errors.ts';
import { dumpDatabase, findPostgresTool } from './dump.ts';
import { syncFolders } from './files.ts';
import { backupBytes, MANIFEST_FILE, manifestText, type BackupManifest } from './manifest.ts';
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
  /** After each file; for heartbeats and progress. */
  readonly onFile?: (bytes: number) => void;
}

export interface CreatedBackup {
  readonly dir: string;
  readonly manifest: BackupManifest;
}

/** No way to make a backup of this server from here. Trying again is of no use. */
export class BackupImpossible extends Error {
  override readonly name = 'BackupImpossible';
}

/** Not idempotent: each run makes one. Throws `LedgerUnavailable`, `BackupImpossible`, or what the disk says. */
export async function createBackup(options: CreateBackupOptions): Promise<CreatedBackup> {
  const { databaseUrl, backupsDir, nowMs = Date.now, log } = options;
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'desk-backup', keepAlive: true });
  // A server that goes away is reported by the next query; unheard, it would end the process.
  client.on('error', () => {});
  try {
    await client.connect().catch((error: unknown) => {
      throw classified(error);
    });
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock(hashtext($1)) as taken', [
      BACKUP_LOCK,
    ]);
    if (rows[0]?.taken !== true) throw new Error('another backup of this server is under way');
    mkdirSync(backupsDir, { recursive: true, mode: 0o700 });
    for (const left of readdirSync(backupsDir).filter((name) => name.startsWith(PARTIAL_PREFIX))) {
      log.info('removing what an unfinished backup left', { left });
      rmSync(join(backupsDir, left), { recursive: true });
    }
    return await make(client, options, nowMs);
  } finally {
    await client.end().catch(() => {});
  }
}

async function make(
  client: pg.Client,
  { databaseUrl, backupsDir, env, log, onFile = () => {} }: CreateBackupOptions,
  nowMs: () => number,
): Promise<CreatedBackup> {
  const startedAtMs = nowMs();
  const name = backupName(startedAtMs);
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
      const { folders, files, ...copied } = await copyCluster(client, data, partial, onFile);
      manifest = { kind: 'physical', ...common, finishedAtMs: nowMs(), ...copied, folders: [...folders], files: [...files] }; // prettier-ignore
    } else {
      const major = Math.floor(Number(num) / 10_000);
      const tool = await findPostgresTool('pg_dump', major, env);
      if (tool === null)
        throw new BackupImpossible(
          `the files of this server are not on this machine, and there is no pg_dump of version ${major} here: install ` +
            `it, or have the server's own operator make backups`,
        );
      const { files, ...dumped } = await dumpDatabase(client, databaseUrl, tool, partial);
      manifest = { kind: 'dump', ...common, finishedAtMs: nowMs(), ...dumped, files: [...files] };
    }
    await writeFile(join(partial, MANIFEST_FILE), manifestText(manifest), { mode: 0o600, flush: true, flag: 'wx' });
    await syncFolders([partial]);
    renameSync(partial, dir);
    await syncFolders([backupsDir]);
    log.info('backup made', { name, kind: manifest.kind, bytes: backupBytes(manifest) });
    return { dir, manifest };
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw isOfDisk(error) ? error : classified(error);
  }
}

/** A full or closed disk has codes as a lost connection has, and waiting for Postgres does not cure it. */
function isOfDisk(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException;
  return /^E[A-Z]+$/.test(code) && !/^(ECONN|EPIPE|ETIMEDOUT)/.test(code);
}

/** `20261122T031205Z` */
function backupName(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}
