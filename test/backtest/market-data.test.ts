import { afterAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, gunzipSync } from 'node:zlib';
import { CatalogueError, readCatalogue } from '../../backtest/catalogue.ts';
import { columnsPath, loadBars, loadFeed, packColumns } from '../../backtest/market-data.ts';
import { ColumnsFile } from '../../core/recording/columns.ts';
import { openFeed } from '../../core/recording/feed-columns.ts';
import { readRecording, RecordingError } from '../../core/recording/recording.ts';
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
