/** Files of a backup: copied and hashed in one reading, and on disk when the copy is done. */
import { createHash, type Hash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

const CHUNK_BYTES = 1024 * 1024;
/** Syncs of many small files wait for each other less. */
const AT_ONCE = 8;

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
