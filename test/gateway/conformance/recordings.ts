/** The project's recorded markets, as tests name them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Recording } from '../../../core/recording/recording.ts';
import { loadRecording } from '../../../gateway/recorded/files.ts';
import type { RecordedSymbol } from '../../../gateway/recorded/market.ts';

export const DATA_DIR = join(process.cwd(), 'data');

export function recordedMarkets(...symbols: string[]): RecordedSymbol[] {
  const all = JSON.parse(readFileSync(join(DATA_DIR, 'markets.json'), 'utf8')) as RecordedSymbol[];
  return all.filter(({ instrument }) => symbols.includes(instrument.symbol));
}

const loaded = new Map<string, Recording>();

/** Reading takes a second or two, and nobody changes what was read. */
export const loadOnce: typeof loadRecording = (dataDir, files, instrument) => {
  const known = loaded.get(files.join());
  if (known !== undefined) return known;
  const recording = loadRecording(dataDir, files, instrument);
  loaded.set(files.join(), recording);
  return recording;
};
