/** A file that one living process at a time holds. A holder that died, however it died, holds nothing. */
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createHash, randomBytes } from 'node:crypto';
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

/** Removing a stale lock takes a claimer a moment; one that stands still for longer counts as the holder. */
const CLAIM_MS_MAX = 2_000;
const PAUSE = new Int32Array(new SharedArrayBuffer(4));

/** Takes the lock, or says which living process has it. */
export function tryLock(file: string): LockAttempt {
  mkdirSync(dirname(file), { recursive: true });
  const identity = processIdentity(process.pid);
  invariant(identity !== null, 'a running process has an identity');
  const holder: LockHolder = { ...identity, token: randomBytes(8).toString('hex'), takenAtMs: Date.now() };
  const aside = `${file}.${holder.token}`;
  // Written aside and linked in: the lock appears whole or not at all, and linking fails when there is one.
  writeFileSync(aside, JSON.stringify(holder), { mode: 0o644 });
  const patientUntilMs = performance.now() + CLAIM_MS_MAX;
  try {
    for (;;) {
      if (linkInto(aside, file)) return { taken: true, release: () => release(file, holder.token) };
      const by = readLock(file);
      if (by !== null) return { taken: false, by };
      const claimer = removeStale(file, aside);
      if (claimer === null) continue;
      if (performance.now() > patientUntilMs) return { taken: false, by: claimer };
      Atomics.wait(PAUSE, 0, 0, 5);
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

/**
 * Two takers may judge one lock stale, and the slower must not take away what the faster has put there by then. So whoever
 * removes a stale lock claims its removal first, by its content: while the claimer lives nobody else removes that lock, so
 * what it finds unchanged is still the stale one. A claimer that died is followed by the next in number. Answers another
 * one that lives.
 */
function removeStale(file: string, aside: string): LockHolder | null {
  const stale = readText(file);
  if (stale === null || readLock(file) !== null) return null;
  const claim = `${file}.stale.${createHash('sha256').update(stale).digest('hex').slice(0, 16)}`;
  for (let number = 1; ; number += 1) {
    if (linkInto(aside, `${claim}.${number}`)) {
      if (readText(file) === stale) rmSync(file, { force: true });
      for (let earlier = 1; earlier <= number; earlier += 1) rmSync(`${claim}.${earlier}`, { force: true });
      return null;
    }
    const claimer = readLock(`${claim}.${number}`);
    if (claimer !== null) return claimer;
  }
}

/** Null when there is no such file. */
function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
