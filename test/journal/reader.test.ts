import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from '@jest/globals';
import { isEvent, RecordKind } from '../../core/events/record.ts';
import { JournalMismatch } from '../../journal/errors.ts';
import { JournalTail, lastSequences, readJournal } from '../../journal/reader.ts';
import { open, readAll, removeTempDirs, runProgram, tempDir, writeTo } from './helpers.ts';
import { payloadOf } from './records.ts';

afterAll(removeTempDirs);

test('a tail follows another process over segments and sees each record once, whole', async () => {
  const dir = tempDir();
  const tail = new JournalTail(dir);
  expect(await tail.read()).toEqual({ records: [], atEnd: true });
  const child = await runProgram('journal/appending-program.ts', [dir]);
  const exited = once(child, 'exit');
  let acknowledged = 0;
  createInterface(child.stdout).on('line', (line) => (acknowledged = Number(line)));
  let next = 1;
  while (next <= 5000) {
    const { records, atEnd } = await tail.read(300);
    for (const { sequence, payload } of records) {
      expect(sequence).toBe(next);
      if (payload.toString() !== payloadOf(sequence)) throw new Error(`record ${sequence} says ${payload.toString()}`);
      next += 1;
    }
    await tail.sync();
    if (atEnd) await sleep(1);
  }
  child.kill('SIGKILL');
  await exited;
  // Nothing acknowledged is out of the tail's sight.
  while (!(await tail.read()).atEnd);
  expect(tail.sequence).toBeGreaterThanOrEqual(acknowledged);
  expect(await lastSequences(dir)).toEqual({ sequence: tail.sequence, eventSequence: tail.eventSequence });
  await tail.close();
});

const READ_AT_ONCE = 5_000;

test('a journal is read again and again while another process appends to it', async () => {
  const dir = tempDir();
  const child = await runProgram('journal/appending-program.ts', [dir]);
  const exited = once(child, 'exit');
  await once(createInterface(child.stdout), 'line');
  let last = 0;
  try {
    // The journal grows while it is read: on a busy machine 150 readings are more than a minute's work.
    const untilMs = performance.now() + 20_000;
    for (let readings = 0; readings < 150 && (readings < 20 || performance.now() < untilMs); readings += 1) {
      let next = Math.max(1, last - 50);
      const kinds = readings % 2 === 0 ? {} : { kinds: [RecordKind.bookInput] };
      for await (const { sequence, payload } of readJournal(dir, { fromSequence: next, ...kinds })) {
        if (readings % 2 === 0) expect(sequence).toBe(next);
        if (payload.toString() !== payloadOf(sequence))
          throw new Error(`record ${sequence} says ${payload.toString()}`);
        next = sequence + 1;
        // Where the writer gets more of the machine than its reader, the end would run away for good.
        if (next > last + READ_AT_ONCE) break;
      }
      expect(next - 1).toBeGreaterThanOrEqual(last - 3);
      last = next - 1;
    }
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
  expect(last).toBeGreaterThan(150);
});

test('a tail goes on behind a remembered record, also over kinds it does not want', async () => {
  const dir = tempDir();
  await writeTo(dir, 300, { segmentBytes: 4096 });
  const all = (await readAll(dir)).filter(({ kind }) => isEvent(kind));
  for (const place of [0, 57, 58, 59, 120, all.length - 1]) {
    const after = all[place];
    if (after === undefined) throw new Error('no record');
    const tail = new JournalTail(dir, { after, wanted: isEvent });
    const { records } = await tail.read();
    expect(records.map(({ sequence }) => sequence)).toEqual(all.slice(place + 1).map(({ sequence }) => sequence));
    await tail.close();
  }
});

test.each([
  ['a place without a record', { segment: '0000000000000001.journal', offset: 60 }, 1],
  ['another record', { segment: '0000000000000001.journal', offset: 48 }, 2],
  ['a segment that is not there', { segment: '0000000000000002.journal', offset: 48 }, 1],
])('%s is no place to go on from', async (_name, position, sequence) => {
  const dir = tempDir();
  await writeTo(dir, 5);
  const tail = new JournalTail(dir, { after: { position, sequence, eventSequence: sequence } });
  await expect(tail.read()).rejects.toThrow(JournalMismatch);
  await tail.close();
});

test('reading picks kinds and begins where it is told', async () => {
  const dir = tempDir();
  await writeTo(dir, 300, { segmentBytes: 4096 });
  const some = await readAll(dir, { fromSequence: 200, kinds: [RecordKind.bookInput] });
  expect(some.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 34 }, (_, i) => 201 + 3 * i));
});

test('a journal that is not there has nothing to read', async () => {
  const dir = tempDir();
  rmSync(dir, { recursive: true });
  expect(await readAll(dir)).toEqual([]);
  expect(await lastSequences(dir)).toEqual({ sequence: 0, eventSequence: 0 });
});

test('the last counts survive a segment that has only its name', async () => {
  const dir = tempDir();
  await writeTo(dir, 60, { segmentBytes: 4096 });
  const { journal } = await open(dir, { segmentBytes: 4096 });
  expect(await lastSequences(dir)).toEqual({ sequence: 60, eventSequence: 40 });
  await journal.close();
});
