import { expect, test } from '@jest/globals';
import { crc32 } from 'node:zlib';
import { barsBefore, encodeBars, openBars, readBars } from '../../../core/recording/bar-series.ts';
import { ColumnsError, ColumnsFile, encodeColumns } from '../../../core/recording/columns.ts';
import { RecordingError } from '../../../core/recording/recording.ts';
import { BTC } from '../../support/bots.ts';

const HEADING = 'ts,open,high,low,close,volume';
const read = (...rows: string[]) => readBars('bars.csv', [HEADING, ...rows].join('\n'), 60_000, BTC);
const ROWS = ['60000,1,1.5,0.5,1.2,0.003', '120000,1.2,1.2,1.2,1.2,0', '240000,1,2,1,2,1'];

test.each([
  ['another heading', 'time,open\n1,2', 'bars.csv:1: expected "ts,open,high,low,close,volume", was "time,open"'],
  [
    'a missing field',
    'ts,open,high,low,close,volume\n60000,1,2,1,1',
    'bars.csv:2: expected 6 fields, was "60000,1,2,1,1"',
  ],
  [
    'a time off the grid',
    'ts,open,high,low,close,volume\n60000,1,1,1,1,0\n60001,1,1,1,1,0',
    'bars.csv:3: expected a time a whole number of 60000 ms after the last, was "60001"',
  ],
  [
    'a price off the grid',
    'ts,open,high,low,close,volume\n60000,1.05,2,1,1,0',
    'bars.csv:2: BTCUSDT: price 1.05 is not on its grid of 0.1',
  ],
  [
    'a close above the high',
    'ts,open,high,low,close,volume\n60000,1,2,1,3,0',
    'bars.csv:2: expected 0 < low <= open, close <= high, was "60000,1,2,1,3,0"',
  ],
  ...(
    [
      ['an open above the high', '60000,3,2,1,1,0'],
      ['an open below the low', '60000,0.5,2,1,1,0'],
      ['a close below the low', '60000,1,2,1,0.5,0'],
      ['no price', '60000,0,1,0,1,0'],
    ] as const
  ).map(
    ([name, row]) =>
      [
        name,
        `ts,open,high,low,close,volume\n${row}`,
        `bars.csv:2: expected 0 < low <= open, close <= high, was "${row}"`,
      ] as const,
  ),
  ...(
    [
      ['the same time twice', '60000'],
      ['a time that falls', '0'],
      ['a time that is none', 'x'],
      ['a time in between', '90000'],
    ] as const
  ).map(
    ([name, at]) =>
      [
        name,
        `ts,open,high,low,close,volume\n60000,1,1,1,1,0\n${at},1,1,1,1,0`,
        `bars.csv:3: expected a time a whole number of 60000 ms after the last, was "${at}"`,
      ] as const,
  ),
  ['half a first time', 'ts,open,high,low,close,volume\n0.5,1,1,1,1,0', 'bars.csv:2: expected a time'],
  [
    'a negative volume',
    'ts,open,high,low,close,volume\n60000,1,1,1,1,-1',
    'bars.csv:2: BTCUSDT: quantity -1 is negative',
  ],
  ['nothing at all', '', 'bars.csv:1: expected "ts,open,high,low,close,volume", was ""'],
  ['an empty line within', 'ts,open,high,low,close,volume\n\n60000,1,1,1,1,0', 'bars.csv:2: expected 6 fields, was ""'],
] as const)('bars with %s are refused with file, line and value', (_name, text, message) => {
  expect(() => readBars('bars.csv', text, 60_000, BTC)).toThrow(RecordingError);
  expect(() => readBars('bars.csv', text, 60_000, BTC)).toThrow(message);
});

test('rows become columns of ticks and lots; a hole between them is a gap in time', () => {
  const { barMs, openAtMs, open, high, low, close, volumeLots } = read(...ROWS, '');
  expect(barMs).toBe(60_000);
  expect([openAtMs, open, high, low, close, volumeLots].map((column) => [...column])).toEqual([
    [60_000, 120_000, 240_000],
    [10, 12, 10],
    [15, 12, 20],
    [5, 12, 10],
    [12, 12, 20],
    [3, 0, 1_000],
  ]);
  expect(read().openAtMs).toHaveLength(0);
});

test('what was over before a bar began is handed out oldest first, as far as it goes', () => {
  const before = (row: number, count: number) => barsBefore(read(...ROWS), row, count).map(({ openAtMs }) => openAtMs);
  expect([before(0, 5), before(2, 1), before(2, 5), before(3, 2)]).toEqual([[], [120_000], [60_000, 120_000], [120_000, 240_000]]); // prettier-ignore
  expect(barsBefore(read(...ROWS), 1, 1)).toEqual([{ openAtMs: 60_000, open: 10, high: 15, low: 5, close: 12 }]);
});

const ORIGINS = [{ file: 'a', sha256: '0'.repeat(64), venue: 'v', source: 's', licence: 'MIT' }];

test('bars as columns are the bars that were written', () => {
  const series = read(...ROWS);
  const file = new ColumnsFile(encodeBars(series, BTC.spec, ORIGINS, crc32), 'x.cols', crc32);
  expect(openBars(file)).toEqual(series);
  expect(file.header).toMatchObject({ kind: 'bars', instrument: BTC.spec, origins: ORIGINS, facts: { barMs: 60_000 } });
});

test('columns of another kind, or that do not fit together, are no bars', () => {
  const { barMs, ...columns } = read(...ROWS);
  const whole = { kind: 'bars' as const, instrument: BTC.spec, origins: ORIGINS, facts: { barMs }, columns };
  const open = (change: object) => () => openBars(new ColumnsFile(encodeColumns({ ...whole, ...change }, crc32), 'x.cols', crc32)); // prettier-ignore
  expect(open({})).not.toThrow();
  expect(open({ kind: 'feed' })).toThrow('x.cols: kind: expected bars, was "feed"');
  expect(open({ kind: 'feed' })).toThrow(ColumnsError);
  expect(open({ facts: {} })).toThrow('x.cols: facts.barMs: expected a number, was missing');
  expect(open({ columns: { ...columns, low: Int32Array.of(1, 2) } })).toThrow('x.cols: columns.low: expected 3 rows, was 2'); // prettier-ignore
  const { high: _high, ...without } = columns;
  expect(open({ columns: without })).toThrow('x.cols: columns.high: expected a column of type i32, was missing');
});
