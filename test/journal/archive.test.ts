/** Segments that go into the archive and come back, whatever happens on the way. */
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { archivedIn, archiveSegment, removeArchived, unpackArchive, verifyArchived, type ArchiveStep } from '../../journal/archive.ts'; // prettier-ignore
import { ArchiveDamaged, JournalDamaged } from '../../journal/errors.ts';
import { frameBytes, HEADER_BYTES } from '../../journal/frame.ts';
import { segmentFacts } from '../../journal/segment-facts.ts';
import { open, readAll, removeTempDirs, runProgram, segmentFiles, tempDir, writeTo } from './helpers.ts';

const LAST = 2_000;
let journalDir: string;
let archiveDir: string;
beforeEach(async () => {
  journalDir = tempDir();
  archiveDir = join(tempDir(), 'bot1');
  await writeTo(journalDir, LAST, { segmentBytes: 32 * 1024 });
}, 60_000);
afterEach(removeTempDirs);

/** The oldest segments, as a plan names them. */
function oldest(count: number) {
  return segmentFacts(journalDir)
    .segments.slice(0, count)
    .map(({ file, lastSequence }) => ({ journalDir, archiveDir, segment: file, lastSequence: lastSequence ?? -1 }));
}

test('the facts of segments are those of their records', async () => {
  const { segments, isQuarantined } = segmentFacts(journalDir);
  expect(isQuarantined).toBe(false);
  expect(segments.length).toBeGreaterThan(4);
  expect(segments.at(-1)).toMatchObject({ lastSequence: null, lastEventSequence: null });
  const records = await readAll(journalDir);
  for (const { file, firstSequence, lastSequence, lastEventSequence } of segments.slice(0, -1)) {
    const own = records.filter(({ position }) => position.segment === file);
    expect([firstSequence, lastSequence]).toEqual([own[0]?.sequence, own.at(-1)?.sequence]);
    expect(lastEventSequence).toBe(own.findLast(({ eventSequence }) => eventSequence > 0)?.eventSequence);
  }
});

test('archived segments hold the same bytes; the journal opens, reads and goes on without them, and takes them back', async () => {
  const bytes = new Map(segmentFiles(journalDir).map((name) => [name, readFileSync(join(journalDir, name))]));
  const all = await readAll(journalDir);
  const moved = oldest(3);
  for (const each of moved) await archiveSegment(each);
  expect(segmentFiles(journalDir)).toEqual([...bytes.keys()].slice(3));
  for (const { segment } of moved) {
    expect(gunzipSync(readFileSync(join(archiveDir, `${segment}.gz`)))).toEqual(bytes.get(segment));
    await verifyArchived(archiveDir, segment);
  }
  const end = moved.at(-1)!.lastSequence;
  expect((await archivedIn(archiveDir)).map(({ lastSequence }) => lastSequence)).toEqual(
    moved.map((each) => each.lastSequence),
  );
  expect((await readAll(journalDir)).map(({ sequence }) => sequence)).toEqual(
    all.slice(end).map((each) => each.sequence),
  );
  const { journal, recovery } = await open(journalDir);
  expect(recovery).toMatchObject({ lastSequence: LAST, cutBytes: 0 });
  journal.append(100, 1, 0, 1, '{}');
  await journal.close();
  // Records from the second archived segment on: only what is needed comes back, and the journal has no gap.
  expect(await unpackArchive(archiveDir, journalDir, moved[1]!.lastSequence)).toEqual([moved[1]!.segment, moved[2]!.segment]); // prettier-ignore
  expect((await readAll(journalDir))[0]?.sequence).toBe(moved[0]!.lastSequence + 1);
  expect(await unpackArchive(archiveDir, journalDir, 1)).toEqual([moved[0]!.segment]);
  expect(await readAll(journalDir)).toHaveLength(LAST + 1);
  expect(readFileSync(join(journalDir, moved[0]!.segment))).toEqual(bytes.get(moved[0]!.segment));
  // What is in both places leaves the journal again.
  await archiveSegment(moved[0]!);
  expect(existsSync(join(journalDir, moved[0]!.segment))).toBe(false);
  removeArchived(archiveDir, moved[0]!.segment);
  expect(await archivedIn(archiveDir)).toHaveLength(2);
});

/** Where the last record begins: each has a header of 48 bytes with the length of its payload in front. */
function lastRecordAt(bytes: Buffer): number {
  for (let at = HEADER_BYTES; ;) {
    const next = at + frameBytes(bytes, at);
    if (next >= bytes.length) return at;
    at = next;
  }
}

const STEPS: readonly ArchiveStep[] = ['checked', 'compressed', 'read_back', 'archived', 'removed'];
test.each(STEPS)(
  'killed after the step %s, the segment or its verified archive is there, and the next try ends it',
  async (step) => {
    const [first] = oldest(1);
    const { segment, lastSequence } = first!;
    const bytes = readFileSync(join(journalDir, segment));
    const child = await runProgram('journal/archive-program.ts', [journalDir, archiveDir, segment, String(lastSequence), step]); // prettier-ignore
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    const isInJournal = existsSync(join(journalDir, segment));
    expect(isInJournal).toBe(step !== 'removed');
    if (isInJournal) expect(readFileSync(join(journalDir, segment))).toEqual(bytes);
    else expect((await verifyArchived(archiveDir, segment)).bytes).toBe(bytes.length);
    expect(await archivedIn(archiveDir)).toHaveLength(step === 'archived' || step === 'removed' ? 1 : 0);
    if (isInJournal) await archiveSegment(first!);
    expect(gunzipSync(readFileSync(join(archiveDir, `${segment}.gz`)))).toEqual(bytes);
    expect(existsSync(join(journalDir, segment))).toBe(false);
    expect(readdirSync(archiveDir).sort()).toEqual([`${segment}.gz`, `${segment.slice(0, -8)}.journal.json`]);
  },
  60_000,
);

test.each([
  ['a flipped bit in a record', (bytes: Buffer) => void (bytes[5_000]! ^= 1)],
  ['a flipped bit in its header', (bytes: Buffer) => void (bytes[20]! ^= 1)],
  ['something behind the last record', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('xyz')])],
  ['a cut end', (bytes: Buffer) => bytes.subarray(0, -10)],
  ['its last record gone, cut between two', (bytes: Buffer) => bytes.subarray(0, lastRecordAt(bytes))],
])('with %s nothing is archived and nothing removed', async (_what, damage) => {
  const [first] = oldest(1);
  const file = join(journalDir, first!.segment);
  const bytes = readFileSync(file);
  writeFileSync(file, damage(bytes) ?? bytes);
  const damaged = readFileSync(file);
  await expect(archiveSegment(first!)).rejects.toThrow(JournalDamaged);
  expect(readFileSync(file)).toEqual(damaged);
  expect(await archivedIn(archiveDir)).toEqual([]);
});

test('zeros behind the last record are kept as they are', async () => {
  const [first] = oldest(1);
  const file = join(journalDir, first!.segment);
  writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.alloc(10_000)]));
  const { size } = statSync(file);
  expect((await archiveSegment(first!)).bytes).toBe(size);
});

test('an archive of that name with something else in it keeps the segment', async () => {
  const [first, second] = oldest(2);
  mkdirSync(archiveDir);
  const target = join(archiveDir, `${first!.segment}.gz`);
  for (const content of [gzipSync(readFileSync(join(journalDir, second!.segment))), Buffer.from('no gzip')]) {
    writeFileSync(target, content);
    await expect(archiveSegment(first!)).rejects.toThrow(ArchiveDamaged);
    expect(existsSync(join(journalDir, first!.segment))).toBe(true);
  }
  // Nor is one given back that does not hold what was noted.
  rmSync(target);
  await archiveSegment(first!);
  copyFileSync(join(journalDir, second!.segment), target);
  await expect(unpackArchive(archiveDir, journalDir, 1)).rejects.toThrow(ArchiveDamaged);
  expect(existsSync(join(journalDir, first!.segment))).toBe(false);
});
