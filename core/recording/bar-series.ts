/** Recorded bars of one market and length: read from comma-separated text, kept as columns. */
import type { Bar } from '../market/bars.ts';
import type { Instrument, InstrumentSpec } from '../market/instrument.ts';
import { toLots, toTicks } from '../market/instrument.ts';
import { DecimalError } from '../money/decimal.ts';
import { ColumnsError, encodeColumns, type ColumnsFile, type ColumnsOrigin, type Crc32 } from './columns.ts';
import { RecordingError } from './recording.ts';

/** Row i of each column is bar i; times rise by whole multiples of `barMs`, so a missing bar is a gap in them. */
export interface BarSeries {
  readonly barMs: number;
  readonly openAtMs: Float64Array;
  /** Ticks. */
  readonly open: Int32Array;
  readonly high: Int32Array;
  readonly low: Int32Array;
  readonly close: Int32Array;
  readonly volumeLots: Float64Array;
}

const HEADING = 'ts,open,high,low,close,volume';

/** Throws `RecordingError` naming file, line and rule. `ts` is the open time in ms since the epoch. */
export function readBars(file: string, text: string, barMs: number, instrument: Instrument): BarSeries {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines[0] !== HEADING) throw new RecordingError(`${file}:1: expected "${HEADING}", was "${lines[0] ?? ''}"`);
  const count = lines.length - 1;
  const prices = (): Int32Array => new Int32Array(count);
  const [open, high, low, close] = [prices(), prices(), prices(), prices()];
  const series = { barMs, openAtMs: new Float64Array(count), open, high, low, close, volumeLots: new Float64Array(count) }; // prettier-ignore
  for (let row = 0; row < count; row++) readRow(series, row, lines[row + 1]!, `${file}:${row + 2}`, instrument);
  return series;
}

function readRow(series: BarSeries, row: number, line: string, where: string, instrument: Instrument): void {
  const fields = line.split(',');
  if (fields.length !== 6) throw new RecordingError(`${where}: expected 6 fields, was "${line}"`);
  const [at, open, high, low, close, volume] = fields as [string, string, string, string, string, string];
  const { barMs, openAtMs } = series;
  openAtMs[row] = Number(at);
  const sincePrevious = row === 0 ? barMs : openAtMs[row] - openAtMs[row - 1]!;
  if (!(Number.isSafeInteger(openAtMs[row]) && sincePrevious > 0 && sincePrevious % barMs === 0)) {
    throw new RecordingError(`${where}: expected a time a whole number of ${barMs} ms after the last, was "${at}"`);
  }
  try {
    series.open[row] = toTicks(open, instrument);
    series.high[row] = toTicks(high, instrument);
    series.low[row] = toTicks(low, instrument);
    series.close[row] = toTicks(close, instrument);
    series.volumeLots[row] = toLots(volume, instrument);
  } catch (error) {
    if (error instanceof DecimalError) throw new RecordingError(`${where}: ${error.message}`);
    throw error;
  }
  const isInside = (price: number): boolean => price >= series.low[row]! && price <= series.high[row]!;
  if (series.low[row] <= 0 || !isInside(series.open[row]) || !isInside(series.close[row])) {
    throw new RecordingError(`${where}: expected 0 < low <= open, close <= high, was "${line}"`);
  }
}

/** The last `count` bars that are over before the one of `row` begins, oldest first. */
export function barsBefore(series: BarSeries, row: number, count: number): Bar[] {
  const { openAtMs, open, high, low, close } = series;
  const bars: Bar[] = [];
  for (let at = Math.max(0, row - count); at < row; at++) {
    bars.push({ openAtMs: openAtMs[at]!, open: open[at]!, high: high[at]!, low: low[at]!, close: close[at]! });
  }
  return bars;
}

export function encodeBars(
  { barMs, ...columns }: BarSeries,
  instrument: InstrumentSpec,
  origins: ColumnsOrigin[],
  crc32: Crc32,
): Uint8Array {
  return encodeColumns({ kind: 'bars', instrument, origins, facts: { barMs }, columns: { ...columns } }, crc32);
}

/** Throws `ColumnsError` when the file has no bars, or its columns do not fit together. */
export function openBars(file: ColumnsFile): BarSeries {
  const { header, path } = file;
  if (header.kind !== 'bars') throw new ColumnsError(path, 'kind: expected bars', header.kind);
  const openAtMs = file.column('openAtMs', 'f64');
  const price = (name: string): Int32Array => file.column(name, 'i32');
  const series: BarSeries = {
    barMs: file.fact('barMs'),
    openAtMs,
    open: price('open'),
    high: price('high'),
    low: price('low'),
    close: price('close'),
    volumeLots: file.column('volumeLots', 'f64'),
  };
  for (const { name, count } of header.columns) {
    if (count !== openAtMs.length) {
      throw new ColumnsError(path, `columns.${name}: expected ${openAtMs.length} rows`, count);
    }
  }
  return series;
}
