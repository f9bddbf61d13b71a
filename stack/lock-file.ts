/** A file that one living process at a time holds. A holder that died, however it died, holds nothing. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { invariant } from '../core/invariant.ts';
import { isAlive, processIdentity } from './process.ts';

export const LockHolder = z.object({
  pid: z.int().positive(),
  startMark: z.string(),
  /** Tells two holdings of one process apart. */
  token: z.string(),
  takenAtMs: z.int().positive(),
});
export type LockHolder = z.infer<typeof LockHolder>;

export type LockAttempt =
  { readonly taken: true; readonly release: () => void } | { readonly taken: false; readonly by: LockHolder };

/** Takes the lock, or says which living process has it. */
export function tryLock(file: string): LockAttempt {
  mkdirSync(dirname(file), { recursive: true });
  const identity = processIdentity(process.pid);
  invariant(identity !== null, 'a running process has an identity');
  const holder: LockHolder = { ...identity, token: randomBytes(8).toString('hex'), takenAtMs: Date.now() };
  const aside = `${file}.${holder.token}`;
  // Written aside and linked in: the lock appears whole or not at all, and linking fails when there is one.
  writeFileSync(aside, JSON.stringify(holder), { mode: 0o644 });
  try {
    for (;;) {
      if (linkInto(aside, file)) return { taken: true, release: () => release(file, holder.token) };
      const by = readLock(file);
      if (by !== null) return { taken: false, by };
      moveStaleAside(file, holder.token);
    }
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Waits for the lock; rejects with `what` and the holder when it is still held after `timeoutMs`. */
export async function waitForLock(file: string, what: string, timeoutMs: number): Promise<() => void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const attempt = tryLock(file);
    if (attempt.taken) return attempt.release;
    if (performance.now() > deadline) {
      throw new Error(
        `${what}: process ${attempt.by.pid} has held ${file} for over ${timeoutMs / 1000} s; end it first`,
      );
    }
    await sleep(50);
  }
}

/** The living holder of `file`, if it has one. */
export function readLock(file: string): LockHolder | null {
  const holder = parseLock(file);
  return holder !== null && isAlive(holder) ? holder : null;
}

function parseLock(file: string): LockHolder | null {
  try {
    return LockHolder.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    // Absent or damaged: either way it names no holder. Anything else (no permission) is for the caller to see.
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

function release(file: string, token: string): void {
  if (parseLock(file)?.token === token) rmSync(file, { force: true });
}

function linkInto(aside: string, file: string): boolean {
  try {
    linkSync(aside, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Two takers may judge one lock stale; the slower would move away the lock the faster has just taken, so it looks again. */
function moveStaleAside(file: string, token: string): void {
  const moved = `${file}.stale.${token}`;
  try {
    renameSync(file, moved);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (readLock(moved) !== null) linkInto(moved, file);
  rmSync(moved, { force: true });
}
