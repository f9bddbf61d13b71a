/** Needs root: a disk that is really full is a small tmpfs. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { RecordKind } from '../../core/events/record.ts';
import { SILENT } from '../../core/log.ts';
import { JournalFailed } from '../../journal/errors.ts';
import { openJournal } from '../../journal/journal.ts';
import { readJournal } from '../../journal/reader.ts';

let disk = '';
beforeEach(() => {
  disk = mkdtempSync(join(tmpdir(), 'desk-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]);
});
afterEach(() => {
  execFileSync('umount', [disk]);
  rmSync(disk, { recursive: true });
});

async function sequencesIn(dir: string): Promise<number[]> {
  const found: number[] = [];
  for await (const { sequence } of readJournal(dir)) found.push(sequence);
  return found;
}

test.each([
  ['in the middle of a segment that grows', 256 * 1024],
  ['where the next segment would begin', 1024 * 1024],
])('a full disk %s ends the journal, and what was acknowledged is there', async (_name, segmentBytes) => {
  const dir = join(disk, 'journal');
  const told: Error[] = [];
  const { journal } = await openJournal({ dir, log: SILENT, segmentBytes, onFailure: (failure) => told.push(failure) });
  let acknowledged = 0;
  let failure: unknown = null;
  while (failure === null) {
    try {
      journal.append(RecordKind.orderEvent, 1, 0, 1, 'x'.repeat(3000));
      await journal.durable();
      acknowledged = journal.durableSequence;
    } catch (error) {
      failure = error;
    }
  }
  expect(failure).toBeInstanceOf(JournalFailed);
  expect((failure as Error).message).toContain('ENOSPC');
  expect(await journal.failed).toBe(failure);
  expect(told).toEqual([failure]);
  expect(acknowledged).toBeGreaterThan(200);
  // Fatal: nothing is appended or acknowledged any more, also with room again.
  writeFileSync(join(disk, 'room'), '');
  unlinkSync(join(disk, 'room'));
  expect(() => journal.append(RecordKind.orderEvent, 1, 0, 1, 'x')).toThrow(JournalFailed);
  await expect(journal.durable()).rejects.toBe(failure);
  await journal.close();

  const kept = await sequencesIn(dir);
  expect(kept.length).toBeGreaterThanOrEqual(acknowledged);
  execFileSync('mount', ['-o', 'remount,size=8m', disk]);
  const again = await openJournal({ dir, log: SILENT, segmentBytes });
  expect(again.recovery.lastSequence).toBeGreaterThanOrEqual(acknowledged);
  again.journal.append(RecordKind.orderEvent, 1, 0, 1, 'x');
  await again.journal.close();
  expect((await sequencesIn(dir)).length).toBe(again.recovery.lastSequence + 1);
});

test('a full disk at opening is an error, and the lock is free again', async () => {
  const dir = join(disk, 'journal');
  const open = () => openJournal({ dir, log: SILENT, segmentBytes: 4 * 1024 * 1024 });
  await expect(open()).rejects.toThrow('ENOSPC');
  execFileSync('mount', ['-o', 'remount,size=16m', disk]);
  const { journal } = await open();
  await journal.close();
});
