/** Recorded data for replays in tests: the repository's own, with a cache folder that goes with the test run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseData, readCatalogue, type CataloguedData } from '../../backtest/catalogue.ts';
import { loadFeed } from '../../backtest/market-data.ts';
import type { Instrument } from '../../core/market/instrument.ts';
import type { Recording } from '../../core/recording/recording.ts';

export const DATA_DIR = join(process.cwd(), 'data');

export function scratchDir(): string {
  return mkdtempSync(join(tmpdir(), 'replay-test-'));
}

export function withScratch<T>(work: (dir: string) => T): T {
  const dir = scratchDir();
  try {
    return work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export function dataNamed(name: string): CataloguedData {
  return chooseData(readCatalogue(DATA_DIR), name);
}

/** The named feed, through the columns. */
export function feedNamed(name: string): { readonly feed: Recording; readonly instrument: Instrument } {
  const data = dataNamed(name);
  return withScratch((cacheDir) => ({
    feed: loadFeed(data, { dataDir: DATA_DIR, cacheDir }),
    instrument: data.instrument,
  }));
}
