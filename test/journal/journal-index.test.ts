/** What the index finds by headers is what reading everything finds. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isEvent, RecordKind } from '../../core/events/record.ts';
import { JournalIndex } from '../../journal/journal-index.ts';
import { readJournal, type JournalRecord } from '../../journal/reader.ts';
import { copyOf, open, readAll, removeTempDirs, seeded, segmentFiles, tempDir } from './helpers.ts';

afterAll(removeTempDirs);

const RUNS = 7;
let dir = '';
let records: JournalRecord[] = [];
let index: JournalIndex;

/** Seven runs over many segments: inputs, events and snapshots as they come, and a clock that is set back between two runs. */
beforeAll(async () => {
  dir = tempDir();
  const seed = Number(process.env['TEST_SEED'] ?? 4_711);
  const random = seeded(seed);
  const { journal } = await open(dir, { segmentBytes: 4_096 });
  let atMs = 1_700_000_000_000;
  for (let epoch = 1; epoch <= RUNS; epoch += 1) {
    if (epoch === 4) atMs -= 20_000;
    // Once it fills a segment of its own: its run then starts with the next one.
    journal.append(RecordKind.stateSnapshot, epoch, 0, atMs, 'x'.repeat(epoch === 5 ? 5_000 : 10));
    let cause = journal.append(RecordKind.startInput, epoch, 0, atMs, '{}');
    for (let i = 0; i < 60 + random(60); i += 1) {
      atMs += random(200);
      const what = random(10);
      if (what === 0) journal.append(RecordKind.stateSnapshot, epoch, 0, atMs, 'x'.repeat(random(900)));
      else if (what < 4) journal.append(RecordKind.orderEvent, epoch, cause, atMs, 'y'.repeat(random(300)));
      else cause = journal.append(RecordKind.bookInput, epoch, 0, atMs, 'z'.repeat(random(80)));
      if (random(5) === 0) await journal.durable();
    }
  }
  await journal.durable();
  await journal.close();
  records = await readAll(dir);
  index = new JournalIndex(dir);
  expect(segmentFiles(dir).length).toBeGreaterThan(10);
}, 30_000);

const isInput = ({ kind }: JournalRecord): boolean => !isEvent(kind) && kind !== RecordKind.stateSnapshot;
const sequenceOf = (record: { sequence: number } | null | undefined): number | null => record?.sequence ?? null;

test('finds snapshots, starts and inputs around every record', () => {
  expect(sequenceOf(index.first)).toBe(1);
  expect(sequenceOf(index.lastInput)).toBe(sequenceOf(records.findLast(isInput)));
  for (const { sequence } of records) {
    const before = records.slice(0, sequence);
    const last = (kind: number): number | null => sequenceOf(before.findLast((record) => record.kind === kind));
    expect(sequenceOf(index.snapshotBefore(sequence))).toBe(last(RecordKind.stateSnapshot));
    expect(sequenceOf(index.startBefore(sequence))).toBe(last(RecordKind.startInput));
    expect(sequenceOf(index.inputAfter(sequence))).toBe(sequenceOf(records.slice(sequence).find(isInput)));
  }
});

test('finds the start of each run, and none of a run that never was', () => {
  for (let epoch = 1; epoch <= RUNS; epoch += 1) {
    const start = records.find((record) => record.kind === RecordKind.startInput && record.epoch === epoch);
    expect(sequenceOf(index.startOf(epoch))).toBe(sequenceOf(start));
  }
  expect(index.startOf(0)).toBeNull();
  expect(index.startOf(RUNS + 1)).toBeNull();
});

test('finds the last input at any time; of two runs at the same time by their clocks the later one', () => {
  const inputs = records.filter(isInput);
  expect(index.inputAt(Math.min(...inputs.map(({ atMs }) => atMs)) - 1)).toBeNull();
  for (const { atMs } of records) {
    for (const time of [atMs, atMs + 1]) {
      const found = index.inputAt(time);
      const wanted = inputs.findLast((input) => input.atMs <= time);
      // Of one time several inputs may be: the last of them in the run that is found.
      expect(found?.epoch).toBe(wanted?.epoch);
      expect(found?.atMs).toBe(wanted?.atMs);
      expect(sequenceOf(found)).toBe(sequenceOf(wanted));
    }
  }
});

test('reading begins at each place it names', async () => {
  for (const { sequence } of records.filter(({ kind }) => kind === RecordKind.stateSnapshot)) {
    const { eventBefore } = index.snapshotBefore(sequence) ?? { eventBefore: null };
    const read: number[] = [];
    for await (const record of readJournal(dir, { fromSequence: sequence, after: eventBefore })) {
      read.push(record.sequence);
      if (read.length === 30) break;
    }
    expect(read).toEqual(Array.from({ length: Math.min(30, records.length - sequence + 1) }, (_, i) => sequence + i));
  }
});

test('walks every record from any one on, and stops where it is told', () => {
  for (const from of [1, 2, 99, 300, records.length]) {
    let count = 0;
    index.walk(from, () => void (count += 1));
    expect(count).toBe(records.length - from + 1);
  }
  let count = 0;
  index.walk(1, () => ((count += 1) === 200 ? 'stop' : undefined));
  expect(count).toBe(200);
});

test('ends before a torn tail, and knows nothing of an empty journal', () => {
  const torn = copyOf(dir);
  const last = segmentFiles(torn).at(-1) ?? '';
  appendFileSync(join(torn, last), Buffer.alloc(64, 7));
  expect(sequenceOf(new JournalIndex(torn).lastInput)).toBe(sequenceOf(index.lastInput));
  const empty = tempDir();
  expect(new JournalIndex(empty).first).toBeNull();
  expect(new JournalIndex(empty).lastInput).toBeNull();
  rmSync(empty, { recursive: true });
  expect(new JournalIndex(empty).first).toBeNull();
});
