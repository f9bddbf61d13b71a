/**
 * P2: a damaged journal is never read as whole. What stands behind the last whole record may be cut, and is told; anything
 * else that is not as it was written shuts the journal.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { JournalDamaged } from '../../journal/errors.ts';
import type { JournalRecord } from '../../journal/reader.ts';
import { copyOf, open, readAll, removeTempDirs, seeded, segmentFiles, tempDir, writeTo } from '../journal/helpers.ts';
import { tellProof, trials } from '../support/trials.ts';

const FLIPS = trials({ ci: 100, long: 1_000 });
const PAGES = trials({ ci: 60, long: 1_000 });
const SEED = Number(process.env['TEST_SEED'] ?? Date.now() % 1e9);
const random = seeded(SEED);
const SEGMENT_BYTES = 12 * 1024;
const PAGE_BYTES = 4096;
const RECORDS = 600;
const HEADER_BYTES = 48;

interface Segment {
  readonly name: string;
  readonly bytes: Buffer;
}

let whole: readonly JournalRecord[] = [];
let segments: readonly Segment[] = [];
/** Where the files are damaged, trial after trial. */
let dir = '';
beforeAll(async () => {
  const written = tempDir();
  await writeTo(written, RECORDS, { segmentBytes: SEGMENT_BYTES });
  whole = await readAll(written);
  segments = segmentFiles(written).map((name) => ({ name, bytes: readFileSync(join(written, name)) }));
  dir = copyOf(written);
  expect(segments.length).toBeGreaterThan(3);
});
afterAll(removeTempDirs);

type Ending = 'damaged' | 'cut' | 'unchanged';

/**
 * What the journal makes of one segment that is other than it was written, or an account of what it should not have made of it.
 * Only records from the changed byte on may be missing, and none that has a whole one behind it.
 */
async function judge(segment: Segment, changed: Buffer): Promise<Ending | (string & {})> {
  for (const { name, bytes } of segments) {
    writeFileSync(join(dir, name), name === segment.name ? changed : bytes);
    rmSync(join(dir, `${name}.quarantined`), { force: true });
  }
  const isLast = segment === segments.at(-1);
  const read = await readAll(dir).catch(refusal);
  const opened = await open(dir, { segmentBytes: SEGMENT_BYTES }).then(async ({ journal, recovery }) => {
    await journal.close();
    return recovery;
  }, refusal);
  if (opened === 'damaged') {
    // Something whole of another place behind the last record takes nothing from a reader: it has all that there is.
    if (read !== 'damaged' && (read.length < RECORDS || !isAsWritten(read))) return `read ${read.length} for all`;
    return (await open(dir).catch(refusal)) === 'damaged' ? 'damaged' : 'opened when asked again';
  }
  if (read === 'damaged') return 'opened though nobody can read it';
  if (!isAsWritten(read)) return 'read something that was never written';
  if (opened.lastSequence !== read.length) return `read ${read.length}, opened with ${opened.lastSequence}`;
  if (changed.equals(segment.bytes)) return read.length === RECORDS ? 'unchanged' : 'cut though unchanged';
  if (read.length === RECORDS && opened.cutBytes > 0) return 'cut'; // behind the last record
  const firstChanged = changed.findIndex((byte, place) => byte !== segment.bytes[place]);
  const from = firstChanged < 0 ? changed.length : firstChanged;
  const kept = whole.filter(({ position, payload }) => position.segment !== segment.name || position.offset + HEADER_BYTES + payload.length <= from); // prettier-ignore
  if (!isLast || read.length !== kept.length) return `kept ${read.length} records, ${kept.length} are whole`;
  return opened.cutBytes > 0 || isTorn(changed, from) ? 'cut' : 'cut and not told';
}

function isAsWritten(records: readonly JournalRecord[]): boolean {
  return records.every(({ payload, sequence }, place) => {
    const original = whole[place];
    return original !== undefined && sequence === original.sequence && payload.equals(original.payload);
  });
}

/** Nothing but zeros from there on: there is nothing to tell of. */
function isTorn(bytes: Buffer, from: number): boolean {
  const start = whole.findLast(({ position }) => position.segment === segments.at(-1)?.name && position.offset <= from);
  return bytes.subarray(start?.position.offset ?? 0).every((byte) => byte === 0);
}

/** Any other error than the one that is expected is a failure of the proof. */
function refusal(error: unknown): 'damaged' {
  if (error instanceof JournalDamaged) return 'damaged';
  throw error;
}

async function prove(proof: string, count: number, damage: (trial: number) => [Segment, Buffer]) {
  const found: Record<Ending, number> = { damaged: 0, cut: 0, unchanged: 0 };
  const missed: string[] = [];
  for (let trial = 0; trial < count; trial += 1) {
    const [segment, changed] = damage(trial);
    const ending = await judge(segment, changed);
    if (Object.hasOwn(found, ending)) found[ending as Ending] += 1;
    else missed.push(`seed ${SEED}, trial ${trial}, ${segment.name}: ${ending}`);
  }
  tellProof({ promise: 'P2', proof, trials: count, failures: missed.length, found, examples: missed.slice(0, 5) });
  if (process.env['DESK_SHOW'] !== undefined) console.log(JSON.stringify({ proof, ...found }));
  expect(missed).toEqual([]);
  return found;
}

const anySegment = (): Segment => segments[random(segments.length)]!;

test('cut at every byte of the last three records: to the last whole one, and told', async () => {
  const segment = segments.at(-1)!;
  const inLast = whole.filter(({ position }) => position.segment === segment.name).slice(-3);
  const from = inLast[0]!.position.offset;
  const last = inLast.at(-1)!;
  const cuts = last.position.offset + HEADER_BYTES + last.payload.length - from;
  const found = await prove('cuts at every byte of the last 3 records, zeros behind or nothing', 2 * cuts, (trial) => {
    const left = segment.bytes.subarray(0, from + (trial >> 1));
    return [segment, trial % 2 === 0 ? left : Buffer.concat([left], segment.bytes.length)];
  });
  expect(found.cut).toBe(2 * cuts);
}, 600_000);

test(`${FLIPS} flipped bits`, async () => {
  const found = await prove('single bits flipped anywhere', FLIPS, () => {
    const segment = anySegment();
    const changed = Buffer.from(segment.bytes);
    const bit = random(changed.length * 8);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    return [segment, changed];
  });
  expect(found.damaged).toBeGreaterThan(FLIPS / 2);
}, 600_000);

test(`${PAGES} pages of zeros, of noise, or of another place`, async () => {
  const found = await prove('pages of 4 KiB zeroed, overwritten or repeated', PAGES, (trial) => {
    const segment = anySegment();
    const changed = Buffer.from(segment.bytes);
    const page = PAGE_BYTES * random(Math.floor(changed.length / PAGE_BYTES));
    if (trial % 3 === 0) changed.fill(0, page, page + PAGE_BYTES);
    else if (trial % 3 === 1) for (let at = page; at < page + PAGE_BYTES; at += 1) changed[at] = random(256);
    else anySegment().bytes.copy(changed, page, 0, PAGE_BYTES);
    return [segment, changed];
  });
  expect(found.damaged).toBeGreaterThan(PAGES / 2);
}, 600_000);
