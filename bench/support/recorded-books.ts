/** The desk's own recordings as the book frames a bot is told: one for each change of the first five levels. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { BOOK_DEPTH, createBookFrame, type BookFrame } from '../../core/market/book.ts';
import { createInstrument, type Instrument } from '../../core/market/instrument.ts';
import { SimulatedMarket } from '../../core/simulation/options.ts';
import type { BookLevels } from '../../core/fill-model/book-levels.ts';
import { MarketReplay } from '../../core/recording/market-replay.ts';
import type { Recording } from '../../core/recording/recording.ts';
import { loadRecording } from '../../simulator/recordings.ts';
import { projectRoot } from './places.ts';

export interface RecordedBooks {
  readonly instrument: Instrument;
  readonly frames: readonly BookFrame[];
  /** Recorded ms of one pass. */
  readonly lapMs: number;
}

const dataDir = join(projectRoot, 'data');

export function recordedMarkets(): SimulatedMarket[] {
  return z.array(SimulatedMarket).parse(JSON.parse(readFileSync(join(dataDir, 'markets.json'), 'utf8')));
}

export function recordingOf(symbol: string): { readonly instrument: Instrument; readonly recording: Recording } {
  const market = recordedMarkets().find(({ instrument }) => instrument.symbol === symbol);
  if (market === undefined) throw new Error(`data/markets.json: expected a recording of ${symbol}, was missing`);
  const instrument = createInstrument(market.instrument);
  return { instrument, recording: loadRecording(dataDir, market.recordings, instrument) };
}

export function recordedBooks(symbol: string): RecordedBooks {
  const { instrument, recording } = recordingOf(symbol);
  const replay = new MarketReplay(recording, { onLevel() {}, onTrade() {} });
  const frames: BookFrame[] = [];
  for (;;) {
    // A recorded ms at a time: frames of one ms are one state to whoever looks at it from outside.
    replay.advance(Math.max(1, replay.nextFrameInMs()));
    if (replay.position.lap > 0) break;
    const frame = createBookFrame();
    frame.venueAtMs = Math.round(recording.startedAtMs + replay.position.lapAtMs);
    frame.bidCount = copyTop(replay.book.bids, frame.bidTicks, frame.bidLots);
    frame.askCount = copyTop(replay.book.asks, frame.askTicks, frame.askLots);
    const last = frames.at(-1);
    if (last === undefined || !isSame(last, frame)) frames.push(frame);
  }
  return { instrument, frames, lapMs: Math.ceil(replay.plan.lapMs) };
}

function copyTop(levels: BookLevels, ticks: Float64Array, lots: Float64Array): number {
  const count = Math.min(BOOK_DEPTH, levels.count);
  for (let depth = 0; depth < count; depth += 1) {
    ticks[depth] = levels.priceAt(depth);
    lots[depth] = levels.sizeAt(depth);
  }
  return count;
}

function isSame(a: BookFrame, b: BookFrame): boolean {
  const same = (x: Float64Array, y: Float64Array): boolean => x.every((value, i) => value === y[i]);
  return (
    same(a.bidTicks, b.bidTicks) &&
    same(a.bidLots, b.bidLots) &&
    same(a.askTicks, b.askTicks) &&
    same(a.askLots, b.askLots)
  );
}
