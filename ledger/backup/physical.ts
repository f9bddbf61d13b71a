/**
 * A base backup of a running server whose files lie on this machine, by the low-level calls: the npm package has no
 * pg_basebackup. A temporary replication slot keeps the log from being recycled; the server drops it, and ends the backup,
 * when the connection ends, however that happens.
 */
import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'pg';
import { z } from 'zod';
import { invariant } from '../../core/invariant.ts';
import { sha256 } from '../evidence/hash.ts';
import { clusterFiles } from './cluster-files.ts';
import { copyHashed, forEachFile, makeFolders, syncFolders, type Watched } from './files.ts';
import { DATA_DIR, type BackupFile, type StoreState } from './manifest.ts';
import { storeState } from './store-state.ts';

export interface PhysicalCopy {
  readonly systemIdentifier: string;
  readonly startLsn: string;
  readonly stopLsn: string;
  readonly folders: readonly string[];
  readonly files: readonly BackupFile[];
  readonly store: StoreState;
}

/**
 * The folder of the server behind `client`, proved to be on this machine: a path alone is none, since another server's may be
 * spelled the same. Null when it is elsewhere, or may not be read.
 */
export async function localDataDir(client: Client): Promise<{ dir: string; systemIdentifier: string } | null> {
  const { rows } = await client.query<{ dir: string; id: string }>(
    `select current_setting('data_directory') as dir, system_identifier::text as id from pg_control_system()`,
  );
  const [row] = rows;
  invariant(row !== undefined, 'a server knows its control file');
  return controlIdentifier(row.dir) === row.id ? { dir: row.dir, systemIdentifier: row.id } : null;
}

/** Copies into `dir`, which is there and empty; afterwards all of it is on disk. `onFile` after each file. */
export async function copyCluster(
  client: Client,
  data: { dir: string; systemIdentifier: string },
  dir: string,
  { onFile, signal }: Watched,
): Promise<PhysicalCopy> {
  const slot = `desk_backup_${process.pid}`;
  await client.query('select pg_create_physical_replication_slot($1, true, true)', [slot]);
  const started = await one(client, LsnRow, `select pg_backup_start('desk', fast => true) as lsn`);
  const target = join(dir, DATA_DIR);
  const files: BackupFile[] = [];
  const copy = async (path: string): Promise<boolean> => {
    signal?.throwIfAborted();
    const copied = await copyHashed(join(data.dir, path), join(target, path));
    if (copied === null) return false;
    files.push({ path: `${DATA_DIR}/${path}`, ...copied });
    onFile?.(copied.bytes);
    return true;
  };
  const cluster = await clusterFiles(data.dir);
  makeFolders(target, cluster.folders);
  const [control, ...others] = cluster.files.toReversed();
  // One that was dropped meanwhile is dropped again when the log is replayed.
  await forEachFile(others, async (path) => void (await copy(path)));
  invariant(control !== undefined && (await copy(control)), 'a running cluster has a control file');
  // Before the end, so that all of it is in the log that belongs to the backup.
  const store = await storeState(client);
  const stopped = await one(
    client,
    StopRow,
    'select lsn::text, labelfile, spcmapfile from pg_backup_stop(wait_for_archive => true)',
  );
  invariant(stopped.spcmapfile.trim() === '', 'a cluster without tablespaces needs no map of them');
  files.push(await write(dir, `${DATA_DIR}/backup_label`, stopped.labelfile));
  for (const segment of await walSegments(client, data.dir, started.lsn, stopped.lsn))
    if (!(await copy(`pg_wal/${segment}`)))
      throw new Error(`pg_wal/${segment}: expected the log of the backup, was missing`);
  await client.query('select pg_drop_replication_slot($1)', [slot]);
  await syncFolders([...cluster.folders.map((folder) => join(target, folder)), target]);
  return {
    systemIdentifier: data.systemIdentifier,
    startLsn: started.lsn,
    stopLsn: stopped.lsn,
    folders: cluster.folders,
    files: files.sort((a, b) => (a.path < b.path ? -1 : 1)),
    store,
  };
}

const LsnRow = z.object({ lsn: z.string() });
const StopRow = z.object({ lsn: z.string(), labelfile: z.string(), spcmapfile: z.string() });
const WalRow = z.object({ first: z.string(), last: z.string() });

/** Files of the log from the backup's start to its end, each one there, and what tells of earlier timelines. */
async function walSegments(client: Client, dataDir: string, startLsn: string, stopLsn: string): Promise<string[]> {
  const { first, last } = await one(
    client,
    WalRow,
    'select pg_walfile_name($1::pg_lsn) as first, pg_walfile_name($2::pg_lsn) as last',
    [startLsn, stopLsn],
  );
  const names = readdirSync(join(dataDir, 'pg_wal')).sort();
  const segments = names.filter((name) => /^[0-9A-F]{24}$/.test(name) && name >= first && name <= last);
  const { rows } = await client.query<{ expected: string }>(
    `select (div(pg_wal_lsn_diff($2::pg_lsn, '0/0') - 1, s) - div(pg_wal_lsn_diff($1::pg_lsn, '0/0'), s) + 1)::text as expected
     from (select setting::numeric as s from pg_settings where name = 'wal_segment_size') size`,
    [startLsn, stopLsn],
  );
  const expected = Number(rows[0]?.expected);
  if (segments.length !== expected)
    throw new Error(`pg_wal: expected ${expected} files of the log from ${first} to ${last}, was ${segments.length}`);
  return [...names.filter((name) => name.endsWith('.history')), ...segments];
}

async function write(dir: string, path: string, text: string): Promise<BackupFile> {
  await writeFile(join(dir, path), text, { mode: 0o600, flush: true, flag: 'wx' });
  return { path, bytes: Buffer.byteLength(text), sha256: sha256(text) };
}

async function one<T>(client: Client, schema: z.ZodType<T>, sql: string, values: unknown[] = []): Promise<T> {
  return schema.parse((await client.query<Record<string, unknown>>(sql, values)).rows[0]);
}

/** The first eight bytes of a cluster's control file name it; null where none can be read. */
function controlIdentifier(dataDir: string): string | null {
  const file = join(dataDir, 'global', 'pg_control');
  try {
    if (!existsSync(file)) return null;
    const fd = openSync(file, 'r');
    try {
      const bytes = Buffer.alloc(8);
      return readSync(fd, bytes, 0, 8, 0) === 8 ? bytes.readBigUInt64LE().toString() : null;
    } finally {
      closeSync(fd);
    }
  } catch {
    return null; // not ours to read, so not ours to copy
  }
}
