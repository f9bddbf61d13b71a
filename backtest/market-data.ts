/**
 * Recorded data ready to be played. The files under `data/` are as their sources had them; what is played are columns made
 * from them once, kept in a cache folder under a name that the origins' checksums and the format are part of. A cached
 * file that is damaged is made anew.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, gunzipSync } from 'node:zlib';
import { encodeBars, openBars, readBars, type BarSeries } from '../core/recording/bar-series.ts';
import { ColumnsError, ColumnsFile, COLUMNS_VERSION } from '../core/recording/columns.ts';
import { encodeFeed, openFeed } from '../core/recording/feed-columns.ts';
import { readRecording, RecordingError, type RecordedFile, type Recording } from '../core/recording/recording.ts';
import { CatalogueError, type CataloguedData } from './catalogue.ts';

export interface DataFolders {
  /** The origins. */
  readonly dataDir: string;
  /** Columns made from them; created when missing. */
  readonly cacheDir: string;
}

/** Book changes and trades. Throws `CatalogueError`, `RecordingError` or the system's error. */
export function loadFeed(data: CataloguedData, folders: DataFolders): Recording {
  if (data.kind !== 'feed') throw new CatalogueError(`data ${data.name}: expected a feed, was ${data.kind}`);
  return openOrMake(data, folders, openFeed);
}

/** Throws as `loadFeed` does. */
export function loadBars(data: CataloguedData, folders: DataFolders): BarSeries {
  if (data.kind !== 'bars') throw new CatalogueError(`data ${data.name}: expected bars, was ${data.kind}`);
  return openOrMake(data, folders, openBars);
}

/** Where the columns of `data` are kept. */
export function columnsPath(data: CataloguedData, cacheDir: string): string {
  const what = JSON.stringify([COLUMNS_VERSION, data.kind, data.instrument.spec, data.origins]);
  return join(cacheDir, `${data.name}-${createHash('sha256').update(what).digest('hex').slice(0, 16)}.cols`);
}

/** Makes the columns of `data` anew, whatever the cache holds. Answers the path. */
export function packColumns(data: CataloguedData, { dataDir, cacheDir }: DataFolders): string {
  const path = columnsPath(data, cacheDir);
  const bytes = encode(data, dataDir);
  mkdirSync(cacheDir, { recursive: true });
  const partial = `${path}.${process.pid}`;
  writeFileSync(partial, bytes);
  renameSync(partial, path);
  const earlier = new RegExp(`^${data.name}-[0-9a-f]{16}\\.cols$`);
  for (const file of readdirSync(cacheDir)) {
    if (earlier.test(file) && join(cacheDir, file) !== path) rmSync(join(cacheDir, file), { force: true });
  }
  return path;
}

function openOrMake<T>(data: CataloguedData, folders: DataFolders, open: (file: ColumnsFile) => T): T {
  const path = columnsPath(data, folders.cacheDir);
  if (existsSync(path)) {
    try {
      return open(new ColumnsFile(readFileSync(path), path, crc32));
    } catch (error) {
      if (!(error instanceof ColumnsError)) throw error;
    }
  }
  return open(new ColumnsFile(readFileSync(packColumns(data, folders)), path, crc32));
}

function encode(data: CataloguedData, dataDir: string): Uint8Array {
  const { instrument } = data;
  const files = data.origins.map((origin) => readOrigin(dataDir, origin));
  const origins = [...data.origins];
  if (data.kind === 'feed') return encodeFeed(readRecording(files, instrument), instrument.spec, origins, crc32);
  const [file, ...more] = files as [RecordedFile, ...RecordedFile[]];
  if (more.length > 0) throw new CatalogueError(`data ${data.name}: expected one file of bars, was ${files.length}`);
  const bars = readBars(file.file, new TextDecoder().decode(file.bytes), data.barMs, instrument);
  return encodeBars(bars, instrument.spec, origins, crc32);
}

function readOrigin(dataDir: string, { file, sha256 }: { file: string; sha256: string }): RecordedFile {
  const zipped = readFileSync(join(dataDir, file));
  const found = createHash('sha256').update(zipped).digest('hex');
  if (found !== sha256)
    throw new RecordingError(`${file}: expected the SHA-256 ${sha256} of the manifest, was ${found}`);
  return { file, sha256, bytes: gunzipSync(zipped) };
}
