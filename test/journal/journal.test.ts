import { afterAll, describe, expect, test } from '@jest/globals';
import { RecordKind } from '../../core/events/record.ts';
import { InvariantError } from '../../core/invariant.ts';
import { open, readAll, removeTempDirs, seeded, segmentFiles, tempDir, writeTo } from './helpers.ts';
import { kindOf, payloadOf } from './records.ts';

afterAll(removeTempDirs);

describe('a journal', () => {
  test('reads back every field of what was appended', async () => {
    const dir = tempDir();
    const { journal, recovery } = await open(dir);
    expect(recovery).toEqual({ lastSequence: 0, lastEventSequence: 0, lastEpoch: 0, cutBytes: 0 });
    expect(journal.append(RecordKind.bookInput, 7, 0, 1_700_000_000_000.125, new Uint8Array([0, 255, 10]))).toBe(1);
    expect(journal.append(RecordKind.fillEvent, 7, 1, 1_700_000_000_001, '{"a":"ü€😀"}', 3)).toBe(2);
    expect(journal.append(RecordKind.telemetryEvent, 4_294_967_295, 2 ** 40, 0, '')).toBe(3);
    await journal.close();
    const records = await readAll(dir);
    expect(records.map(({ position: _position, payload: _payload, ...fields }) => fields)).toEqual([
      { sequence: 1, eventSequence: 0, causeSequence: 0, epoch: 7, kind: 2, version: 1, atMs: 1_700_000_000_000.125 },
      { sequence: 2, eventSequence: 1, causeSequence: 1, epoch: 7, kind: 105, version: 3, atMs: 1_700_000_000_001 },
      { sequence: 3, eventSequence: 2, causeSequence: 2 ** 40, epoch: 4_294_967_295, kind: 106, version: 1, atMs: 0 },
    ]);
    expect([...(records[0]?.payload ?? [])]).toEqual([0, 255, 10]);
    expect(records[1]?.payload.toString()).toBe('{"a":"ü€😀"}');
    expect(records[2]?.payload).toHaveLength(0);
  });

  test('counts on over restarts and segments, and knows its last epoch', async () => {
    const dir = tempDir();
    for (const last of [50, 90, 400]) await writeTo(dir, last, { segmentBytes: 4096 });
    const { journal, recovery } = await open(dir, { segmentBytes: 4096 });
    expect(recovery).toEqual({ lastSequence: 400, lastEventSequence: 400 - 133, lastEpoch: 1, cutBytes: 0 });
    expect([journal.nextSequence, journal.nextEventSequence]).toEqual([401, 268]);
    await journal.close();
    expect(segmentFiles(dir).length).toBeGreaterThan(5);
    const records = await readAll(dir);
    expect(records.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 400 }, (_, i) => i + 1));
    expect(records.every(({ sequence, payload }) => payload.toString() === payloadOf(sequence))).toBe(true);
  });

  test('is durable when it says so, and nothing is left to flush', async () => {
    const { journal } = await open(tempDir());
    await journal.durable();
    journal.append(RecordKind.orderEvent, 1, 0, 1, '{}');
    expect(journal.durableSequence).toBe(0);
    const first = journal.durable();
    journal.append(RecordKind.orderEvent, 1, 0, 1, '{}');
    const both = journal.durable();
    await first;
    expect(journal.durableSequence).toBeGreaterThanOrEqual(1);
    await both;
    expect(journal.durableSequence).toBe(2);
    await journal.durable();
    await journal.close();
    expect(() => journal.append(RecordKind.orderEvent, 1, 0, 1, '{}')).toThrow(InvariantError);
  });

  test.each([1, 2, 3])(
    'keeps order and content under many writers, bursts and large records (seed %i)',
    async (seed) => {
      const dir = tempDir();
      const random = seeded(seed);
      const { journal } = await open(dir, { segmentBytes: 16 * 1024 });
      const said = new Map<number, string>();
      const writer = async (): Promise<void> => {
        for (let i = 0; i < 40; i += 1) {
          for (let burst = random(4); burst >= 0; burst -= 1) {
            // Some are larger than a segment.
            const text = 'x'.repeat(random(50) === 0 ? 40_000 : random(300));
            said.set(journal.append(kindOf(random(1000)), 1, 0, 1, text), text);
          }
          if (random(3) > 0) await journal.durable();
          else await new Promise(setImmediate);
        }
      };
      await Promise.all(Array.from({ length: 16 }, writer));
      await journal.close();
      const records = await readAll(dir);
      expect(records).toHaveLength(said.size);
      expect(records.every(({ sequence, payload }) => payload.toString() === said.get(sequence))).toBe(true);
    },
  );

  test.each([
    ['a payload above 1 MiB', 1, 'x'.repeat(1024 * 1024 + 1)],
    ['no time', Number.NaN, ''],
    ['a time before 1970', -1, ''],
  ])('%s is a mistake of the caller, and the journal lives on', async (_name, atMs, payload) => {
    const { journal } = await open(tempDir());
    expect(() => journal.append(RecordKind.orderEvent, 1, 0, atMs, payload)).toThrow(InvariantError);
    expect(journal.append(RecordKind.orderEvent, 1, 0, 1, 'x'.repeat(1024 * 1024))).toBe(1);
    await journal.close();
  });
});
