/** Which files of a data folder belong into a base backup: what "Making a Base Backup Using the Low Level API" leaves out, is left out. */
import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Kept as folders, emptied: each start makes their content anew. */
const EMPTIED = new Set([
  'pg_dynshmem',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
  'pg_wal',
]);
/** Of the running server, or of a backup that somebody else makes. */
const LEFT_OUT = new Set([
  'postmaster.pid',
  'postmaster.opts',
  'postgresql.auto.conf.tmp',
  'current_logfiles.tmp',
  'backup_label',
  'backup_label.old',
  'tablespace_map',
  'tablespace_map.old',
  'backup_manifest',
]);
const CONTROL_FILE = 'global/pg_control';
const FILES_A_TURN = 500;

/** Paths from the data folder, with forward slashes; folders in the order in which they can be made. The control file comes last. */
export interface ClusterFiles {
  readonly folders: readonly string[];
  readonly files: readonly string[];
}

/** Throws when parts of the cluster lie outside of its folder: they would be missing. */
export async function clusterFiles(dataDir: string): Promise<ClusterFiles> {
  const folders: string[] = [];
  const files: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for (const [at, name] of readdirSync(join(dataDir, folder)).sort().entries()) {
      // A store of years has some thousand files in one folder.
      if (at % FILES_A_TURN === 0) await nextTurn();
      const path = folder === '' ? name : `${folder}/${name}`;
      if (LEFT_OUT.has(path) || name.startsWith('pgsql_tmp') || name.startsWith('pg_internal.init')) continue;
      if (folder === 'pg_tblspc')
        throw new Error(`${join(dataDir, path)}: expected no tablespaces, was one: back it up with pg_basebackup`);
      const stat = statSync(join(dataDir, path), { throwIfNoEntry: false });
      if (stat === undefined) continue; // dropped meanwhile
      if (stat.isDirectory()) {
        const isLink = lstatSync(join(dataDir, path)).isSymbolicLink();
        if (isLink && path !== 'pg_wal')
          throw new Error(`${join(dataDir, path)}: expected a folder, was a link: back it up with pg_basebackup`);
        folders.push(path);
        if (!EMPTIED.has(path)) await walk(path);
      } else if (stat.isFile() && path !== CONTROL_FILE) files.push(path);
    }
  };
  await walk('');
  return { folders: [...folders, 'pg_wal/archive_status'], files: [...files, CONTROL_FILE] };
}
