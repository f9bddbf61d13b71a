/** What the tests of this room share: folders that go away, journals with known records, programs in a process of their own. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { SILENT } from '../../core/log.ts';
import { openJournal, type OpenJournalOptions } from '../../journal/journal.ts';
import { readJournal, type JournalRecord } from '../../journal/reader.ts';
import { kindOf, payloadOf } from './records.ts';
import { bundleProgram } from '../support/bundle-program.ts';

const made: string[] = [];

export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'desk-journal-'));
  made.push(dir);
  return dir;
}

export function removeTempDirs(): void {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
}

export function open(dir: string, options: Partial<OpenJournalOptions> = {}) {
  return openJournal({ dir, log: SILENT, segmentBytes: 64 * 1024, ...options });
}

/** Appends records up to `lastSequence` and closes. */
export async function writeTo(
  dir: string,
  lastSequence: number,
  options: Partial<OpenJournalOptions> = {},
): Promise<void> {
  const { journal } = await open(dir, options);
  while (journal.nextSequence <= lastSequence) {
    const sequence = journal.nextSequence;
    journal.append(kindOf(sequence), 1, sequence - 1, 1_700_000_000_000 + sequence, payloadOf(sequence));
    await journal.durable();
  }
  await journal.close();
}

export async function readAll(dir: string, options: Parameters<typeof readJournal>[1] = {}): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  for await (const record of readJournal(dir, options)) records.push(record);
  return records;
}

export function segmentFiles(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith('.journal'))
    .sort();
}

/** A copy of a journal's files, without the lock, to be damaged. */
export function copyOf(dir: string): string {
  const copy = tempDir();
  cpSync(dir, copy, { recursive: true, filter: (path) => !path.includes('lock') });
  return copy;
}

/** Runs a TypeScript program of these tests in its own Node; the caller ends it. */
export async function runProgram(
  entry: string,
  args: readonly string[],
): Promise<ChildProcessByStdio<null, Readable, null>> {
  const outfile = join(tempDir(), 'program.mjs');
  await bundleProgram(entry, outfile);
  return spawn(process.execPath, [outfile, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Small seeded generator (mulberry32): a failing run is repeated by its seed. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}
