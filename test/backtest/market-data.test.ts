import { afterAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, gunzipSync } from 'node:zlib';
import { CatalogueError, readCatalogue } from '../../backtest/catalogue.ts';
import { columnsPath, loadBars, loadFeed, packColumns } from '../../backtest/market-data.ts';
import { readBars } from '../../core/recording/bar-series.ts';
import { ColumnsError, ColumnsFile, encodeColumns, type Contents } from '../../core/recording/columns.ts';
import { openFeed } from '../../core/recording/feed-columns.ts';
import { readRecording, RecordingError } from '../../core/recording/recording.ts';
import { BTC } from '../support/bots.ts';
import { DATA_DIR, dataNamed, scratchDir } from './harness.ts';

const cacheDir = scratchDir();
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }));
const folders = { dataDir: DATA_DIR, cacheDir };
const catalogue = readCatalogue(DATA_DIR);
const named = (kind: 'feed' | 'bars') => catalogue.filter((data) => data.kind === kind).map(({ name }) => name);

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex');
}

function originsOf(name: string) {
  return dataNamed(name).origins.map(({ file, sha256 }) => ({
    file,
    sha256,
    bytes: gunzipSync(readFileSync(join(DATA_DIR, file))),
  }));
}

describe('what is played is what was recorded', () => {
  test.each(named('feed'))('%s: the columns have every frame of the origin, byte for byte', (name) => {
    const data = dataNamed(name);
    const origin = readRecording(originsOf(name), data.instrument);
    const columns = loadFeed(data, folders);
    expect(columns.sources).toEqual(origin.sources);
    expect(columns.startedAtMs).toBe(origin.startedAtMs);
    expect(columns.frameCount).toBe(origin.frameCount);
    for (const column of ['frameAtMs', 'firstOp', 'opKind', 'opTicks', 'opLots'] as const) {
      expect(columns[column].length).toBe(origin[column].length);
      expect(bytesOf(columns[column])).toBe(bytesOf(origin[column]));
    }
    for (const column of ['atMs', 'priceE8', 'rateE8', 'fundingAtMs'] as const) {
      expect(columns.marks[column].length).toBe(origin.marks.atMs.length);
      expect(bytesOf(columns.marks[column])).toBe(bytesOf(origin.marks[column]));
    }
  });

  test.each(named('bars'))('%s: the columns say what the text says', (name) => {
    const data = dataNamed(name);
    const bars = loadBars(data, folders);
    const { tickSize, lotSize } = data.instrument;
    const [file] = originsOf(name);
    const rows = file!.bytes.toString().trimEnd().split('\n').slice(1);
    expect(bars.openAtMs.length).toBe(rows.length);
    rows.forEach((row, index) => {
      const said = [bars.open, bars.high, bars.low, bars.close].map((column) => column[index]! * tickSize);
      const wanted = row.split(',').map(Number);
      const found = [bars.openAtMs[index]!, ...said, bars.volumeLots[index]! * lotSize];
      if (found.some((value, at) => !(Math.abs(value - wanted[at]!) < 1e-6))) expect(found).toEqual(wanted);
    });
    expect(bars.openAtMs.at(-1)! - bars.openAtMs[0]!).toBe((rows.length - 1) * bars.barMs);
  });

  test('the same origins make the same bytes, and a second load reads what the first one made', () => {
    const data = dataNamed('nexousdt-20240723');
    const path = packColumns(data, folders);
    const first = bytesOf(readFileSync(path));
    rmSync(path);
    loadFeed(data, folders);
    expect(bytesOf(readFileSync(path))).toBe(first);
    expect(readdirSync(cacheDir).filter((file) => file.startsWith('nexousdt-'))).toHaveLength(1);
  });

  test('a damaged file in the cache is made anew', () => {
    const data = dataNamed('nexousdt-20240723');
    const path = columnsPath(data, cacheDir);
    const whole = readFileSync(packColumns(data, folders));
    const damaged = Buffer.from(whole);
    damaged[damaged.length - 9]! ^= 1;
    writeFileSync(path, damaged);
    expect(loadFeed(data, folders).frameCount).toBe(openFeed(new ColumnsFile(whole, path, crc32)).frameCount);
    expect(readFileSync(path).equals(whole)).toBe(true);
  });

  test('an origin that is not the one of the manifest is refused', () => {
    const other = scratchDir();
    try {
      const data = dataNamed('btcusdt-1m-202505');
      const { file } = data.origins[0]!;
      mkdirSync(join(other, 'binance-usdm'));
      cpSync(join(DATA_DIR, 'binance-usdm/ETHUSDT-1m-20250504-20250603.csv.gz'), join(other, file));
      expect(() => packColumns(data, { dataDir: other, cacheDir })).toThrow(RecordingError);
      expect(() => packColumns(data, { dataDir: other, cacheDir })).toThrow(
        /SHA-256 46db4712\w+ of the manifest, was 66b80/,
      );
    } finally {
      rmSync(other, { recursive: true, force: true });
    }
  });

  test('the catalogue names what is missing', () => {
    const other = scratchDir();
    try {
      cpSync(join(DATA_DIR, 'markets.json'), join(other, 'markets.json'));
      writeFileSync(join(other, 'manifest.json'), '{"files":[]}');
      cpSync(join(DATA_DIR, 'datasets.json'), join(other, 'datasets.json'));
      expect(() => readCatalogue(other)).toThrow(CatalogueError);
      expect(() => readCatalogue(other)).toThrow(
        'expected binance-usdm/BTCUSDT-20240808.ndjson.gz of btcusdt-20240808',
      );
      writeFileSync(join(other, 'datasets.json'), '[{"kind":"feed","name":"Up","symbol":"BTCUSDT","files":[]}]');
      expect(() => readCatalogue(other)).toThrow(/datasets\.json: \[0\]\.name: expected a name.*was "Up"/);
    } finally {
      rmSync(other, { recursive: true, force: true });
    }
  });
});

describe('a file of columns', () => {
  const contents: Contents = {
    kind: 'feed',
    instrument: BTC.spec,
    origins: [{ file: 'a', sha256: '0'.repeat(64), venue: 'v', source: 's', licence: 'MIT' }],
    facts: { startedAtMs: 5 },
    columns: {
      frameAtMs: Float64Array.of(0, 1),
      firstOp: Uint32Array.of(0, 1, 3),
      opKind: Uint8Array.of(0, 1, 2),
      opTicks: Int32Array.of(7, 8, 7),
      opLots: Float64Array.of(1, 2, 3),
      markAtMs: Float64Array.of(1),
      markPriceE8: Float64Array.of(70),
      markRateE8: Float64Array.of(-3),
      markFundingAtMs: Float64Array.of(9),
    },
  };
  const encode = (columns: Partial<Contents['columns']> = {}) =>
    encodeColumns({ ...contents, columns: { ...contents.columns, ...columns } as Contents['columns'] }, crc32);
  const open = (bytes: Uint8Array) => openFeed(new ColumnsFile(bytes, 'x.cols', crc32));

  test('is read where it lies, also at an odd place in memory', () => {
    const bytes = encode();
    const shifted = new Uint8Array(bytes.length + 3).subarray(3);
    shifted.set(bytes);
    expect([...open(shifted).opTicks]).toEqual([7, 8, 7]);
    const feed = open(bytes);
    expect(feed.opLots.buffer).toBe(bytes.buffer);
    expect([...feed.opLots]).toEqual([1, 2, 3]);
    expect(feed.startedAtMs).toBe(5);
  });

  const changed = (at: number, byte: number): Uint8Array => {
    const bytes = encode();
    bytes[at] = byte;
    return bytes;
  };
  test.each([
    [
      'another kind of file',
      () => changed(0, 88),
      'x.cols: magic: expected a file that begins with DESKCOLS, was "XESKCOLS"',
    ],
    ['nothing', () => new Uint8Array(0), 'x.cols: magic: expected a file that begins with DESKCOLS, was ""'],
    ['another version', () => changed(8, 9), 'x.cols: version: expected 1, was 9'],
    [
      'one bit in a column',
      () => changed(encode().length - 1, 1),
      /^x\.cols: checksum: expected the stated \w{8}, was "\w{8}"$/,
    ],
    ['a part of it', () => encode().subarray(0, 100), /^x\.cols: checksum: /],
    [
      'a time that falls',
      () => encode({ frameAtMs: Float64Array.of(1, 0) }),
      'x.cols: columns.frameAtMs[1]: expected no time before the one before it, was 0',
    ],
    ['a time that is none', () => encode({ frameAtMs: Float64Array.of(0, NaN) }), /frameAtMs\[1\]/],
    [
      'marks of different number',
      () => encode({ markRateE8: Float64Array.of() }),
      'x.cols: columns: expected 1 marks, was 0',
    ],
    [
      'a change that is nowhere',
      () => encode({ opKind: Uint8Array.of(0, 1, 4) }),
      'x.cols: columns.opKind[2]: expected at most 3, was 4',
    ],
    ['too few changes', () => encode({ opLots: Float64Array.of(1) }), 'x.cols: columns: expected 3 changes, was 1'],
    [
      'rows that go back',
      () => encode({ firstOp: Uint32Array.of(0, 4, 3) }),
      'x.cols: columns.firstOp[2]: expected no row before the one before it, was 3',
    ],
    [
      'a column of another type',
      () => encode({ opTicks: Float64Array.of(7, 8, 7) }),
      'x.cols: columns.opTicks: expected a column of type i32, was "f64"',
    ],
  ] as const)('%s is refused with path, rule and value', (_name, bytes, message) => {
    expect(() => open(bytes())).toThrow(ColumnsError);
    expect(() => open(bytes())).toThrow(message);
  });
});

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
] as const)('bars with %s are refused with file, line and value', (_name, text, message) => {
  expect(() => readBars('bars.csv', text, 60_000, BTC)).toThrow(RecordingError);
  expect(() => readBars('bars.csv', text, 60_000, BTC)).toThrow(message);
});
