/** Backups that are there: listed, verified file by file, brought back into a folder, removed. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync } from 'node:fs';
import { chown, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { PARTIAL_PREFIX } from './create.ts';
import { copyHashed, forEachFile, makeFolders, syncFolders, type Watched } from './files.ts';
import { BackupDamaged, DATA_DIR, MANIFEST_FILE, readManifest, type BackupManifest } from './manifest.ts';

export type ListedBackup =
  | { readonly name: string; readonly manifest: BackupManifest }
  /** A folder without a manifest that can be read: not made here, or damaged. */
  | { readonly name: string; readonly manifest: null; readonly fault: string };

/** Newest first. What is still being made, and what a killed try left, is not among them. */
export async function listBackups(backupsDir: string): Promise<ListedBackup[]> {
  if (!existsSync(backupsDir)) return [];
  const names = (await readdir(backupsDir, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort()
    .reverse();
  const listed: ListedBackup[] = [];
  for (const name of names) {
    listed.push(listedOf(backupsDir, name));
    // A manifest names some thousand files.
    await nextTurn();
  }
  return listed;
}

function listedOf(backupsDir: string, name: string): ListedBackup {
  try {
    return { name, manifest: manifestOf(backupsDir, name) };
  } catch (error) {
    if (!(error instanceof BackupDamaged)) throw error;
    return { name, manifest: null, fault: error.message };
  }
}

/** Throws `BackupDamaged`. */
export function manifestOf(backupsDir: string, name: string): BackupManifest {
  const manifest = readManifest(join(backupsDir, name));
  if (manifest.name !== name)
    throw new BackupDamaged(`${join(backupsDir, name, MANIFEST_FILE)}: name: expected ${name}, was ${manifest.name}`);
  return manifest;
}

/**
 * Copies a backup's data folder (of a dump: its file) to `to`, checking each file on the way. `to` is empty or not there, and
 * appears whole or not at all. As root, `owner` is the user that Postgres runs as. Throws `BackupDamaged`.
 */
export async function restoreFiles(
  dir: string,
  manifest: BackupManifest,
  to: string,
  owner: { uid: number; gid: number } | null,
  { onFile, signal }: Watched = {},
): Promise<void> {
  if (existsSync(to) && readdirSync(to).length > 0)
    throw new RestoreRefused(`${to}: expected an empty folder or none, was one with files in it`);
  mkdirSync(dirname(to), { recursive: true });
  const partial = `${to}${PARTIAL_PREFIX}${process.pid}`;
  const prefix = manifest.kind === 'physical' ? `${DATA_DIR}/` : '';
  const folders = manifest.kind === 'physical' ? manifest.folders : [];
  try {
    makeFolders(partial, folders);
    await forEachFile(manifest.files, async ({ path, bytes, sha256 }) => {
      signal?.throwIfAborted();
      const copied = await copyHashed(join(dir, path), join(partial, path.slice(prefix.length)), owner);
      onFile?.(bytes);
      if (copied?.sha256 !== sha256 || copied.bytes !== bytes)
        throw new BackupDamaged(`${join(dir, path)}: expected ${bytes} bytes with SHA-256 ${sha256}, was ${copied === null ? 'missing' : `${copied.bytes} with ${copied.sha256}`}`); // prettier-ignore
    });
    const made = ['', ...folders].map((folder) => join(partial, folder));
    if (owner !== null) for (const folder of made) await chown(folder, owner.uid, owner.gid);
    await syncFolders(made);
    if (existsSync(to)) rmdirSync(to);
    renameSync(partial, to);
    await syncFolders([dirname(to)]);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

/** A place that a backup is not restored to. */
export class RestoreRefused extends Error {
  override readonly name = 'RestoreRefused';
}

/** Renamed first: what a crash leaves of it does not look whole, and the next backup removes it. */
export async function removeBackup(backupsDir: string, name: string): Promise<void> {
  const leaving = join(backupsDir, PARTIAL_PREFIX + name);
  renameSync(join(backupsDir, name), leaving);
  await syncFolders([backupsDir]);
  await rm(leaving, { recursive: true });
}
