import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  chainOf,
  eventFile,
  parseEventFile,
  planMerges,
  type EventFile,
} from '../../../ledger/analytics/event-files.ts';
import { cutAtDays } from '../../../ledger/analytics/event-source.ts';
import type { ExportedEvent } from '../../../ledger/analytics/event-sink.ts';

const DAY = '2026-03-01';
const NEXT = '2026-03-02';

function file(range: string, day = DAY): EventFile {
  const [from = '', to = ''] = range.split('-');
  return eventFile(day, 'bot1', Number(from), Number(to));
}
const ranges = (files: readonly EventFile[]): string[] => files.map(({ from, to }) => `${from}-${to}`);

describe('names', () => {
  test.each(['bot1', 'bot-1-20', '-', 'a/b', '../up', "o'clock*", 'ü 50%'])(
    'of %s say day, source and range',
    (source) => {
      const named = eventFile(DAY, source, 21, 400);
      expect(named.path.split('/')).toHaveLength(2);
      expect(named.path).not.toMatch(/[*'?[]/);
      expect(parseEventFile(DAY, named.path.slice(DAY.length + 1))).toEqual(named);
    },
  );

  test.each([
    'bot1-5-4.parquet',
    'bot1-01-4.parquet',
    'bot1-4.parquet',
    'bot1-1-4.parquet.tmp',
    '%-1-4.parquet',
    'x.csv',
  ])('%s is none of ours', (name) => expect(parseEventFile(DAY, name)).toBeNull());
});

describe('the files that count', () => {
  test.each([
    ['follow each other', ['1-5', '6-9', '10-10'], ['1-5', '6-9', '10-10'], []],
    ['in whatever order they are found', ['6-9', '1-5'], ['1-5', '6-9'], []],
    ['a merged one replaces its parts', ['1-5', '6-9', '1-9', '10-12'], ['1-9', '10-12'], ['1-5', '6-9']],
    ['a merged one in the middle too', ['1-5', '6-9', '10-12', '6-12'], ['1-5', '6-12'], ['6-9', '10-12']],
    ['end at a gap', ['1-5', '7-9'], ['1-5'], ['7-9']],
    ['begin with the oldest that is left', ['100-120', '121-130'], ['100-120', '121-130'], []],
    ['never overlap', ['1-5', '4-9', '6-7'], ['1-5', '6-7'], ['4-9']],
    ['are none of none', [], [], []],
  ] as const)('%s', (_name, found, chain, others) => {
    const { files, others: rest } = chainOf(found.map((range) => file(range)));
    expect(ranges(files)).toEqual(chain);
    expect(ranges(rest)).toEqual(others);
  });
});

describe('merging', () => {
  const small = (count: number, from = 1, day = DAY): EventFile[] =>
    Array.from({ length: count }, (_, i) => file(`${from + i * 10}-${from + i * 10 + 9}`, day));
  test.each([
    ['a day that grows waits for eight', small(7), []],
    ['and is merged then', small(8), ['1-80']],
    ['a large one before seven small ones is left alone', [file('1-800'), ...small(7, 801)], []],
    ['and before eight', [file('1-800'), ...small(8, 801)], ['801-880']],
    ['one no larger than what follows goes along', [file('1-80'), ...small(8, 81)], ['1-160']],
    ['a day that is over becomes one', [...small(2), file('21-25', NEXT)], ['1-20']],
    ['one file is merged with nothing', [file('1-10'), file('11-20', NEXT)], []],
    ['a day that comes back stands for itself', [file('1-10'), file('11-20', NEXT), file('21-30')], []],
  ] as const)('%s', (_name, files, merges) => {
    const planned = planMerges(chainOf(files), 1_000_000);
    expect(planned.map((run) => `${run[0]?.from}-${run.at(-1)?.to}`)).toEqual(merges);
  });

  test('no merged file is larger than it may be', () => {
    const planned = planMerges(chainOf([...small(20), file('201-201', NEXT)]), 60);
    expect(planned.map((run) => `${run[0]?.from}-${run.at(-1)?.to}`)).toEqual(['1-60', '61-120', '121-180', '181-200']);
  });

  test('run after run keeps a day at few files, and writes an event few times', () => {
    let files: EventFile[] = [];
    let rewritten = 0;
    for (let run = 0; run < 1_000; run += 1) {
      files.push(file(`${run * 10 + 1}-${run * 10 + 10}`));
      for (const parts of planMerges(chainOf(files), 1_000_000)) {
        const merged = file(`${parts[0]!.from}-${parts.at(-1)!.to}`);
        rewritten += merged.to - merged.from + 1;
        files = [...chainOf([...files, merged]).files];
      }
    }
    expect(files.length).toBeLessThan(30);
    expect(rewritten / 10_000).toBeLessThan(10);
  });
});

describe('batches', () => {
  const event = (sequence: number, atUs: bigint): ExportedEvent => ({
    sequence: BigInt(sequence),
    journalSequence: 0n,
    epoch: 1n,
    causeSequence: 0n,
    stream: 'hb.order.v1',
    atUs,
    correlationId: 'c',
    payload: '{}',
  });
  const midnight = BigInt(Date.UTC(2026, 2, 2)) * 1_000n;

  test('are cut at midnight UTC, to the microsecond; losses lie inside', () => {
    const cut = cutAtDays('bot1', 4, [event(7, midnight - 2n), event(8, midnight - 1n), event(12, midnight)]);
    expect(cut.map(({ from, to, day, events }) => [from, to, day, events.length])).toEqual([
      [5, 8, DAY, 2],
      [9, 12, NEXT, 1],
    ]);
  });

  test('follow each other and hold every event, whatever the clock does', () => {
    const atUs = fc.bigInt({ min: -1_000_000_000_000_000n, max: 4_000_000_000_000_000n });
    fc.assert(
      fc.property(fc.array(atUs), (times) => {
        const events = times.map((at, index) => event(index + 3, at));
        const cut = cutAtDays('bot1', 2, events);
        expect(cut.flatMap(({ events: each }) => each)).toEqual(events);
        let end = 2;
        for (const batch of cut) {
          expect(batch.from).toBe(end + 1);
          expect(Number(batch.events.at(-1)?.sequence)).toBe(batch.to);
          const days = new Set(
            batch.events.map(({ atUs: us }) => new Date(Math.floor(Number(us) / 1_000)).toISOString().slice(0, 10)),
          );
          expect([...days]).toEqual([batch.day]);
          end = batch.to;
        }
      }),
    );
  });
});
