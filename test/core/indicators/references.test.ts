/** Our indicators against values that others computed: equal to the last digit that they print, from the same first index. */
import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createAtr, isAtrReady, updateAtr } from '../../../core/indicators/atr.ts';
import { createBollinger, isBollingerReady, updateBollinger } from '../../../core/indicators/bollinger.ts';
import { createEma, isEmaReady, updateEma } from '../../../core/indicators/ema.ts';
import { createRsi, isRsiReady, updateRsi, type Rsi } from '../../../core/indicators/rsi.ts';

const FIXTURES = join(process.cwd(), 'test/core/indicators/fixtures');
/** Of doubles that were computed in another order of steps. */
const LAST_DIGITS = 1e-12;

type Row = Readonly<Record<string, string>>;
type Bar = { high: number; low: number; close: number };
/** What an indicator says after each row; null while it is not ready. */
type Values = (number | null)[];

function table(file: string): Row[] {
  const [head, ...lines] = readFileSync(join(FIXTURES, file), 'utf8').trim().split(/\r?\n/);
  const names = (head as string).split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(names.map((name, index): [string, string] => [name, cells[index] ?? '']));
  });
}

function results(file: string): Record<string, number | null>[] {
  return JSON.parse(gunzipSync(readFileSync(join(FIXTURES, file))).toString()) as Record<string, number | null>[];
}

/** A column of a table; null where the cell is empty, or says zero for "not yet". */
function column(rows: readonly Row[], name: string, blank = /^(NaN)?$/): Values {
  return rows.map((row) => (blank.test((row[name] as string).trim()) ? null : Number(row[name])));
}

function numbers(rows: readonly Row[], name: string): number[] {
  return rows.map((row) => Number(row[name]));
}

function emaOf(n: number, values: readonly number[]): Values {
  const ema = createEma(n);
  return values.map((value) => (updateEma(ema, value), isEmaReady(ema) ? ema.value : null));
}

function rsiOf(n: number, values: readonly number[]): Values {
  const rsi = createRsi(n);
  return values.map((value) => (updateRsi(rsi, value), isRsiReady(rsi) ? rsi.value : null));
}

function atrOf(n: number, bars: readonly Bar[]): Values {
  const atr = createAtr(n);
  return bars.map((bar) => (updateAtr(atr, bar), isAtrReady(atr) ? atr.value : null));
}

function bandsOf(n: number, values: readonly number[], part: 'middle' | 'upper' | 'lower' | 'deviation'): Values {
  const bollinger = createBollinger(n, 2);
  return values.map(
    (value) => (updateBollinger(bollinger, value), isBollingerReady(bollinger) ? bollinger[part] : null),
  );
}

/** The first bar's own range is high less low when the close before it lies within. */
function withOneBefore(bars: readonly Bar[]): Bar[] {
  const { low } = bars[0] as Bar;
  return [{ high: low, low, close: low }, ...bars];
}

function barsIn(rows: readonly Row[], high: string, low: string, close: string): Bar[] {
  return rows.map((row) => ({ high: Number(row[high]), low: Number(row[low]), close: Number(row[close]) }));
}

function expectEqual(ours: Values, theirs: Values, tolerance: number): void {
  expect(ours.length).toBe(theirs.length);
  expect(ours.findIndex((value) => value !== null)).toBe(theirs.findIndex((value) => value !== null));
  const apart = ours.map((value, index) => Math.abs((value ?? 0) - (theirs[index] ?? 0)));
  expect(Math.max(...apart)).toBeLessThanOrEqual(tolerance);
  expect(theirs.filter((value) => value !== null).length).toBeGreaterThan(10);
}

describe('Skender, all digits', () => {
  const quotes = table('quotes-default.csv');
  const closes = numbers(quotes, 'close');
  const theirs = (file: string, key: string): Values => results(file).map((row) => row[key] ?? null);

  test('EMA 20', () => expectEqual(emaOf(20, closes), theirs('ema.standard.json.gz', 'ema'), LAST_DIGITS));
  test('RSI 14', () => expectEqual(rsiOf(14, closes), theirs('rsi.standard.json.gz', 'rsi'), LAST_DIGITS));
  test('ATR 14', () => {
    expectEqual(atrOf(14, barsIn(quotes, 'high', 'low', 'close')), theirs('atr.standard.json.gz', 'atr'), LAST_DIGITS);
  });
  test.each([
    ['middle', 'sma'],
    ['upper', 'upperBand'],
    ['lower', 'lowerBand'],
  ] as const)('Bollinger 20, 2: %s', (part, key) => {
    expectEqual(bandsOf(20, closes, part), theirs('bb.standard.json.gz', key), LAST_DIGITS);
  });
});

describe('Lean, as many digits as it prints', () => {
  const days = table('spy_with_indicators.txt');
  const closes = numbers(days, 'Close');

  test('EMA 14 of months, all digits', () => {
    const months = table('spy_ema.csv');
    expectEqual(emaOf(14, numbers(months, 'close')), column(months, 'EMA14'), LAST_DIGITS);
  });
  // Half a cent for the value that is printed, and half a cent for the closes, which are printed ones, too.
  test('EMA 14', () => expectEqual(emaOf(14, closes), column(days, 'EMA14'), 1e-2));
  test('plain average 14', () => expectEqual(bandsOf(14, closes, 'middle'), column(days, 'SMA14'), 1e-2));
  test('RSI 14 by Wilder', () => expectEqual(rsiOf(14, closes), column(days, 'RSI 14 Wilder'), 5.001e-6));
  test('ATR 14 by Wilder', () => {
    const bars = table('spy_atr_wilder.txt');
    const ours = atrOf(14, withOneBefore(barsIn(bars, 'High', 'Low', 'Close'))).slice(1);
    expectEqual(ours, column(bars, 'Average True Range 14'), 5.001e-6);
  });
});

describe('the StockCharts school, as many digits as its sheets print', () => {
  test('ATR 14', () => {
    const sheet = table('cs-atr.csv');
    const ours = atrOf(14, withOneBefore(barsIn(sheet, 'High', 'Low', 'Close'))).slice(1);
    expectEqual(ours, column(sheet, 'ATR', /^0\.0+$/), 5.001e-10);
  });
  test('RSI 14', () => {
    const sheet = table('cs-rsi.csv');
    const [first, ...closes] = numbers(sheet, 'Close') as [number, ...number[]];
    // The sheet's averages start from nothing instead of the first 14 changes. From there on each step is the same.
    const rsi: Rsi = { ...createRsi(14), count: 14, hasPrevious: true, previous: first };
    const values = closes.map((close) => (updateRsi(rsi, close), rsi.value));
    expectEqual([...new Array<null>(14).fill(null), ...values.slice(13)], column(sheet, 'RSI'), 5.001e-7);
  });
  test.each([
    ['middle', 'MiddleBand'],
    ['deviation', '20-day Standard Deviation'],
    ['upper', 'HighBand'],
    ['lower', 'LowBand'],
  ] as const)('Bollinger 20, 2: %s', (part, name) => {
    const sheet = table('cs-bbands.csv');
    expectEqual(bandsOf(20, numbers(sheet, 'Close'), part), column(sheet, name), 5.001e-7);
  });
});

test('the files are the ones that the list beside them names', () => {
  const rows = readFileSync(join(FIXTURES, 'README.md'), 'utf8').matchAll(/^\| `(\S+)` .* ([0-9a-f]{64}) \|$/gm);
  const listed = [...rows].map(([, file, sum]) => [file, sum] as [string, string]);
  expect(listed.length).toBe(11);
  for (const [file, sum] of listed) {
    expect(
      createHash('sha256')
        .update(readFileSync(join(FIXTURES, file)))
        .digest('hex'),
    ).toBe(sum);
  }
});
