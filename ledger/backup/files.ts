/** Files of a backup: copied and hashed in one reading, and on disk when the copy is done; held against their hashes later. */
import { createHash, type Hash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { MANIFEST_FILE, type BackupManifest } from './manifest.ts';

/** Hashing one takes less than a millisecond, and eight may be ready at once. */
const CHUNK_BYTES = 256 * 1024;
/** Syncs of many small files wait for each other less. */
const AT_ONCE = 8;

/** For progress, and for whoever may have to end it: at the next file, with the signal's reason. */
export interface Watched {
  readonly onFile?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Copied {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * What the file held while it was read; a file of a running server may change meanwhile. Null when there is none, or no more.
 * `owner` gets the copy.
 */
export async function copyHashed(
  from: string,
  to: string,
  owner: { uid: number; gid: number } | null = null,
): Promise<Copied | null> {
  const source = await openOrNull(from);
  if (source === null) return null;
  try {
    const target = await open(to, 'wx', 0o600);
    try {
      const copied = await readThrough(source, (chunk) => writeAll(target, chunk));
      if (owner !== null) await target.chown(owner.uid, owner.gid);
      await target.sync();
      return copied;
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Null when there is none. */
export async function hashFile(path: string): Promise<Copied | null> {
  const file = await openOrNull(path);
  if (file === null) return null;
  try {
    return await readThrough(file, () => Promise.resolve());
  } finally {
    await file.close();
  }
}

export interface FileFault {
  readonly path: string;
  readonly rule: string;
}

/** Every file against the manifest, both ways: changed, missing, and what does not belong. Empty when all is as it was made. */
export async function verifyFiles(
  dir: string,
  manifest: Pick<BackupManifest, 'files'>,
  { onFile, signal }: Watched = {},
): Promise<FileFault[]> {
  const faults: FileFault[] = [];
  await forEachFile(manifest.files, async ({ path, bytes, sha256 }) => {
    signal?.throwIfAborted();
    const found = await hashFile(join(dir, path));
    onFile?.(found?.bytes ?? 0);
    if (found === null) faults.push({ path, rule: 'expected a file, was missing' });
    else if (found.bytes !== bytes) faults.push({ path, rule: `expected ${bytes} bytes, was ${found.bytes}` });
    else if (found.sha256 !== sha256) faults.push({ path, rule: `expected SHA-256 ${sha256}, was ${found.sha256}` });
  });
  const known = new Set([MANIFEST_FILE, ...manifest.files.map(({ path }) => path)]);
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(dir.length + 1);
    if (!entry.isDirectory() && !known.has(path)) faults.push({ path, rule: 'expected nothing, was a file' });
  }
  return faults.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** `work` on each, some at once; the first failure ends it when those under way are done. */
export async function forEachFile<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const failures: unknown[] = [];
  const lane = async (): Promise<void> => {
    for (const item of left) {
      if (failures.length > 0) return;
      await work(item).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  if (failures.length > 0) throw failures[0];
}

export function makeFolders(root: string, folders: readonly string[]): void {
  mkdirSync(root, { mode: 0o700, recursive: true });
  for (const folder of folders) mkdirSync(join(root, folder), { mode: 0o700, recursive: true });
}

/** Names in these folders last. */
export async function syncFolders(dirs: readonly string[]): Promise<void> {
  await forEachFile(dirs, async (dir) => {
    const folder = await open(dir, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  });
}

async function readThrough(file: FileHandle, take: (chunk: Buffer) => Promise<void>): Promise<Copied> {
  const hash: Hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, bytes);
    if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') };
    const chunk = buffer.subarray(0, bytesRead);
    hash.update(chunk);
    await take(chunk);
    bytes += bytesRead;
  }
}

async function writeAll(file: FileHandle, chunk: Buffer): Promise<void> {
  for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at, chunk.length - at)).bytesWritten;
}

async function openOrNull(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
