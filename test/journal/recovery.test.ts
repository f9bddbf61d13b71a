import { existsSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RecordKind } from '../../core/events/record.ts';
import { JournalDamaged } from '../../journal/errors.ts';
import type { JournalLoss } from '../../journal/reader.ts';
import { copyOf, open, readAll, removeTempDirs, seeded, segmentFiles, tempDir, writeTo } from './helpers.ts';
import { payloadOf } from './records.ts';

afterAll(removeTempDirs);

/** Three segments; the last one is preallocated and partly used. */
const LAST = 170;
const SEGMENT_BYTES = 8192;
let whole = '';
let starts: { segment: string; offset: number; sequence: number }[] = [];
beforeAll(async () => {
  whole = tempDir();
  await writeTo(whole, LAST, { segmentBytes: SEGMENT_BYTES });
  starts = (await readAll(whole)).map(({ position, sequence }) => ({ ...position, sequence }));
  expect(segmentFiles(whole)).toHaveLength(3);
});

function change(dir: string, segment: string, edit: (bytes: Buffer) => Buffer): void {
  const path = join(dir, segment);
  writeFileSync(path, edit(readFileSync(path)));
}

/** The journal opens, goes on counting behind `last`, and every record says what it should. */
async function expectWholeUpTo(dir: string, last: number, cutBytes: number): Promise<void> {
  const { journal, recovery } = await open(dir, { segmentBytes: SEGMENT_BYTES });
  expect([recovery.lastSequence, recovery.cutBytes]).toEqual([last, cutBytes]);
  expect(recovery.cutSegment !== undefined).toBe(cutBytes > 0);
  journal.append(RecordKind.orderEvent, 2, 0, 1, payloadOf(last + 1));
  await journal.close();
  const records = await readAll(dir);
  expect(records.map(({ sequence }) => sequence)).toEqual(Array.from({ length: last + 1 }, (_, i) => i + 1));
  expect(records.every(({ sequence, payload }) => payload.toString() === payloadOf(sequence))).toBe(true);
}

describe('a torn tail', () => {
  test.each(['the file ends there', 'zeros follow'])(
    'is cut at the last whole record for a cut at every byte of the last 3: %s',
    async (kind) => {
      const segment = segmentFiles(whole).at(-1) ?? '';
      const bytes = readFileSync(join(whole, segment));
      const lastThree = starts.slice(-3);
      const end = (starts.at(-1)?.offset ?? 0) + 48 + Buffer.byteLength(payloadOf(LAST));
      for (let cutAt = lastThree[0]?.offset ?? 0; cutAt < end; cutAt += 1) {
        const dir = copyOf(whole);
        const left = Buffer.from(bytes.subarray(0, cutAt));
        change(dir, segment, () => (kind === 'zeros follow' ? Buffer.concat([left], bytes.length) : left));
        const kept = lastThree.filter(({ offset }) => offset <= cutAt).at(-1);
        const pieces = left.subarray(kept?.offset);
        const cutBytes = pieces.findLastIndex((byte) => byte !== 0) + 1;
        await expectWholeUpTo(dir, (kept?.sequence ?? 0) - 1, cutBytes);
        rmSync(dir, { recursive: true });
      }
    },
  );

  test('of a segment that got only a piece of its first flush is cut to nothing', async () => {
    const dir = copyOf(whole);
    const segment = segmentFiles(dir).at(-1) ?? '';
    const first = starts.find((start) => start.segment === segment)?.sequence ?? 0;
    change(dir, segment, (bytes) => Buffer.concat([bytes.subarray(0, 20)], bytes.length));
    // Byte 16 is the last one of these that is not zero.
    await expectWholeUpTo(dir, first - 1, 17);
  });

  test('with an empty last segment loses nothing', async () => {
    const dir = copyOf(whole);
    writeFileSync(join(dir, `${String(LAST + 1).padStart(16, '0')}.journal`), Buffer.alloc(SEGMENT_BYTES));
    const previous = segmentFiles(dir).at(-2) ?? '';
    truncateSync(join(dir, previous), (starts.at(-1)?.offset ?? 0) + 48 + Buffer.byteLength(payloadOf(LAST)));
    await expectWholeUpTo(dir, LAST, 0);
  });
});

describe('damage', () => {
  test('1,000 flipped bits: none is read as whole', async () => {
    const seed = Number(process.env['TEST_SEED'] ?? 20_240_808);
    const random = seeded(seed);
    const segments = segmentFiles(whole).map((name) => ({ name, bytes: readFileSync(join(whole, name)) }));
    const missed: unknown[] = [];
    const seen = { damaged: 0, cut: 0 };
    const dir = copyOf(whole);
    for (let trial = 0; trial < 1000; trial += 1) {
      // Each trial begins with the same files again.
      for (const { name, bytes } of segments) writeFileSync(join(dir, name), bytes);
      for (const { name } of segments) rmSync(join(dir, `${name}.quarantined`), { force: true });
      const target = segments[random(segments.length)];
      if (target === undefined) throw new Error('no segment');
      const bit = random(target.bytes.length * 8);
      change(dir, target.name, (bytes) => {
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        return bytes;
      });
      const read = await readAll(dir).then(
        (records) => records.length,
        (error: unknown) => (error instanceof JournalDamaged ? 'damaged' : String(error)),
      );
      const opened = await open(dir, { segmentBytes: SEGMENT_BYTES }).then(
        async ({ journal, recovery }) => {
          await journal.close();
          return recovery;
        },
        (error: unknown) => (error instanceof JournalDamaged ? ('damaged' as const) : String(error)),
      );
      if (opened === 'damaged' && read === 'damaged') seen.damaged += 1;
      // A bit in the last record, or in the zeros behind it, is a torn tail.
      else if (typeof opened === 'object' && opened.cutBytes > 0 && opened.lastSequence === read) seen.cut += 1;
      else missed.push({ seed, trial, segment: target.name, bit, read, opened });
    }
    expect(missed).toEqual([]);
    expect(seen.damaged).toBeGreaterThan(500);
    expect(seen.cut).toBeGreaterThan(10);
  });

  test.each([
    ['a zeroed 4 KiB page', 1, (bytes: Buffer) => bytes.fill(0, 4096, 8192 - 200)],
    ['a page of another time', 0, (bytes: Buffer) => (bytes.copy(bytes, 4096, 100, 2000), bytes)],
    ['a zeroed page in the last segment', 2, (bytes: Buffer) => bytes.fill(0, 1000, 1200)],
    ['a lost segment header', 1, (bytes: Buffer) => bytes.fill(0, 0, 48)],
    ['a lost end of an earlier segment', 1, (bytes: Buffer) => bytes.subarray(0, 4000)],
  ])('%s quarantines the segment, and the journal stays shut', async (_name, index, edit) => {
    const dir = copyOf(whole);
    const segment = segmentFiles(dir)[index] ?? '';
    change(dir, segment, (bytes) => edit(bytes));
    await expect(readAll(dir)).rejects.toThrow(JournalDamaged);
    await expect(open(dir)).rejects.toThrow(JournalDamaged);
    expect(existsSync(join(dir, `${segment}.quarantined`))).toBe(true);
    expect(existsSync(join(dir, segment))).toBe(false);
    // Asking again does not help, and neither does a restart.
    await expect(open(dir)).rejects.toThrow('nobody has accepted the loss');
  });

  test('a missing segment is damage', async () => {
    const dir = copyOf(whole);
    rmSync(join(dir, segmentFiles(dir)[1] ?? ''));
    await expect(open(dir)).rejects.toThrow(JournalDamaged);
  });

  test.each([
    ['in the first segment', 0],
    ['in the middle', 1],
    ['in the last segment', 2],
  ])('%s that is accepted keeps what is whole, marks the rest as lost and counts on above it', async (_name, index) => {
    const dir = copyOf(whole);
    const segment = segmentFiles(dir)[index] ?? '';
    const inSegment = starts.filter((start) => start.segment === segment);
    const bad = inSegment[5];
    if (bad === undefined) throw new Error('no record');
    change(dir, segment, (bytes) => bytes.fill(0, bad.offset + 50, bad.offset + 55));
    await expect(open(dir, { segmentBytes: SEGMENT_BYTES })).rejects.toThrow(JournalDamaged);

    const { journal, recovery } = await open(dir, { segmentBytes: SEGMENT_BYTES, acknowledgeDamage: true });
    expect(recovery.quarantined).toMatchObject({ sequence: bad.sequence });
    expect(recovery.lastSequence).toBe(LAST);
    expect(journal.append(RecordKind.orderEvent, 2, 0, 1, payloadOf(LAST + 1))).toBe(LAST + 1);
    await journal.close();

    const lastLost = index === 2 ? LAST : (inSegment.at(-1)?.sequence ?? 0);
    const losses: JournalLoss[] = [];
    const records = await readAll(dir, { onLoss: (loss) => losses.push(loss) });
    expect(losses).toMatchObject([{ fromSequence: bad.sequence, toSequence: lastLost }]);
    expect(records.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: LAST + 1 }, (_, i) => i + 1).filter((n) => n < bad.sequence || n > lastLost),
    );
    // No event number is used twice, and the next opening has nothing more to ask.
    const numbers = records.map(({ eventSequence }) => eventSequence).filter((n) => n > 0);
    expect(new Set(numbers).size).toBe(numbers.length);
    await expect(readAll(dir)).rejects.toThrow(JournalDamaged);
    const again = await open(dir, { segmentBytes: SEGMENT_BYTES });
    expect(again.recovery).toMatchObject({ lastSequence: LAST + 1, cutBytes: 0 });
    await again.journal.close();
  });

  test('a crash in the middle of accepting only means doing it again', async () => {
    const dir = copyOf(whole);
    const [, segment = ''] = segmentFiles(dir);
    const bad = starts.filter((start) => start.segment === segment)[5];
    change(dir, segment, (bytes) => bytes.fill(0, (bad?.offset ?? 0) + 50, (bad?.offset ?? 0) + 55));
    const first = await open(dir, { acknowledgeDamage: true });
    await first.journal.close();
    // As if the last step, the new name of the damaged file, had not happened.
    renameSync(join(dir, `${segment}.acknowledged`), join(dir, `${segment}.quarantined`));
    await expect(open(dir)).rejects.toThrow(JournalDamaged);
    const second = await open(dir, { acknowledgeDamage: true });
    expect(second.recovery.lastSequence).toBe(LAST);
    await second.journal.close();
  });
});
