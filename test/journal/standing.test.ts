/** Where a journal stands, told without changing it; and how one that ends too early is kept shut and taken up again. */
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { JournalDamaged } from '../../journal/errors.ts';
import { JournalTail } from '../../journal/reader.ts';
import { quarantineEnd } from '../../journal/recovery.ts';
import { journalStanding } from '../../journal/standing.ts';
import { copyOf, open, readAll, removeTempDirs, segmentFiles, tempDir, writeTo } from './helpers.ts';
import { kindOf, payloadOf } from './records.ts';

const LAST = 600;
const look = (dir: string) => journalStanding(dir, { sync: false });
const content = (dir: string): string[] => readdirSync(dir).sort().map((name) => `${name} ${readFileSync(join(dir, name)).toString('base64')}`); // prettier-ignore

afterEach(removeTempDirs);

test('a journal that is not there, an empty folder, a whole one, and one that is being written', async () => {
  expect(await look(join(tempDir(), 'none'))).toBeNull();
  expect(await look(tempDir())).toMatchObject({ owner: null, sequence: 0, segment: null, damage: null });
  const dir = tempDir();
  await writeTo(dir, LAST);
  const whole = await look(dir);
  expect(whole).toMatchObject({ owner: null, sequence: LAST, segment: segmentFiles(dir).at(-1), tornBytes: 0, damage: null }); // prettier-ignore
  const { journal } = await open(dir);
  try {
    expect(await journalStanding(dir, { sync: true })).toEqual({ ...whole, owner: process.pid });
  } finally {
    await journal.close();
  }
});

test('a torn end is told by its bytes, and nothing is cut', async () => {
  const dir = tempDir();
  await writeTo(dir, LAST);
  const { segment, wholeBytes } = (await look(dir))!;
  const bytes = readFileSync(join(dir, segment!));
  bytes.fill(0x5a, wholeBytes, wholeBytes + 33);
  writeFileSync(join(dir, segment!), Buffer.concat([bytes.subarray(0, wholeBytes), Buffer.alloc(33, 0x5a)]));
  const before = content(dir);
  expect(await look(dir)).toMatchObject({ sequence: LAST, wholeBytes, tornBytes: 33, damage: null });
  expect(content(dir)).toEqual(before);
});

test('damage in the middle is told with what is whole in front of it, before and after it was quarantined', async () => {
  const dir = tempDir();
  await writeTo(dir, LAST);
  const records = await readAll(dir);
  const hit = records[400]!;
  const file = join(dir, hit.position.segment);
  const bytes = readFileSync(file);
  bytes.fill(0x7f, hit.position.offset + 50, hit.position.offset + 60);
  writeFileSync(file, bytes);
  const events = records[399]!.eventSequence;
  const whole = Math.max(...records.slice(0, 400).map(({ eventSequence }) => eventSequence), events);
  const damage = { sequence: hit.sequence, file: hit.position.segment };
  expect(await look(dir)).toMatchObject({ sequence: hit.sequence - 1, eventSequence: whole, damage });
  await expect(open(dir)).rejects.toThrow(JournalDamaged);
  expect(await look(dir)).toMatchObject({ sequence: hit.sequence - 1, eventSequence: whole, damage: { sequence: hit.sequence } }); // prettier-ignore
});

test.each([
  ['a journal that lost its end', (dir: string, at: { segment: string; offset: number }) => truncateSync(join(dir, at.segment), at.offset)], // prettier-ignore
  ['a journal of which nothing is left', (dir: string) => segmentFiles(dir).forEach((name) => rmSync(join(dir, name)))],
] as const)('%s is kept shut, and accepted it counts on above what others know', async (_name, lose) => {
  const whole = tempDir();
  await writeTo(whole, LAST);
  const records = await readAll(whole);
  const last = records.at(-1)!;
  const dir = copyOf(whole);
  lose(dir, records.at(-50)!.position);
  const left = (await look(dir))!;
  expect(left.sequence).toBeLessThan(LAST);

  quarantineEnd(dir);
  expect(await look(dir)).toMatchObject({ sequence: left.sequence, damage: { sequence: left.sequence + 1 } });
  await expect(open(dir)).rejects.toThrow('nobody has accepted the loss');

  const { journal, recovery } = await open(dir, { acknowledgeDamage: true, continueAbove: LAST });
  const next = journal.nextSequence;
  journal.append(kindOf(next), 1, next - 1, 1_700_000_000_000, payloadOf(next));
  await journal.close();
  expect(recovery.lastSequence).toBeGreaterThanOrEqual(LAST);
  expect(next).toBeGreaterThan(LAST);
  // Each of the lost numbers may have been an event.
  expect(recovery.lastEventSequence).toBeGreaterThanOrEqual(
    Math.max(...records.map(({ eventSequence }) => eventSequence)),
  );
  // Whoever had read to the end goes on behind the loss.
  const lastEvent = records.findLast(({ eventSequence }) => eventSequence > 0) ?? last;
  const tail = new JournalTail(dir, { after: { position: last.position, sequence: last.sequence, eventSequence: lastEvent.eventSequence } }); // prettier-ignore
  const { loss } = await tail.read();
  const { records: news } = await tail.read();
  await tail.close();
  expect(loss).toMatchObject({ fromSequence: left.sequence + 1, toSequence: next - 1 });
  expect(news.map(({ sequence }) => sequence)).toEqual([next]);
});
