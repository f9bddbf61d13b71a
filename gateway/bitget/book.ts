/**
 * Book levels into the reused frame of ticks and lots: the one path that runs on every frame of every market, so it
 * checks by hand, allocates nothing and touches no string.
 */
import { BOOK_DEPTH, type BookFrame } from '../../core/market/book.ts';
import type { Instrument } from '../../core/market/instrument.ts';
import { VenueMalformed } from '../venue.ts';

/** Best first: [price, quantity]. */
export type BookLevels = readonly (readonly [number, number, ...unknown[]])[];

export interface WireBook {
  readonly bids: BookLevels;
  readonly asks: BookLevels;
  readonly timestamp: number | undefined;
}

/** How far a price may lie from a whole tick, in ticks: double rounding, never a real offset. */
const GRID_TOLERANCE = 1e-4;

/** Fills `frame` with the first levels of `book`. Throws `VenueMalformed` when it is not a book; `frame` is then not to be used. */
export function fillBookFrame(frame: BookFrame, book: WireBook, instrument: Instrument): void {
  const { timestamp } = book;
  if (timestamp === undefined || !(timestamp > 0)) throw new VenueMalformed(`book ${instrument.symbol}: no time`);
  frame.venueAtMs = timestamp;
  frame.bidCount = fillSide(frame.bidTicks, frame.bidLots, book.bids, -1, instrument);
  frame.askCount = fillSide(frame.askTicks, frame.askLots, book.asks, 1, instrument);
  if (frame.bidCount + frame.askCount === 0)
    throw new VenueMalformed(`book ${instrument.symbol}: no level on any side`);
  const bid = frame.bidTicks[0];
  const ask = frame.askTicks[0];
  if (frame.bidCount > 0 && frame.askCount > 0 && !(bid! < ask!)) {
    throw new VenueMalformed(`book ${instrument.symbol}: crossed, bid ${bid} and ask ${ask} ticks`);
  }
}

function fillSide(
  ticks: Float64Array,
  lots: Float64Array,
  levels: BookLevels,
  direction: 1 | -1,
  instrument: Instrument,
): number {
  const count = Math.min(levels.length, BOOK_DEPTH);
  let before = direction === 1 ? 0 : Number.MAX_SAFE_INTEGER;
  for (let i = 0; i < count; i += 1) {
    const level = levels[i]!;
    const tick = toGrid(level[0], instrument.tickSize);
    const lot = toGrid(level[1], instrument.lotSize);
    // Written so that NaN fails: each comparison with it is false.
    if (!(tick > 0 && lot > 0 && (tick - before) * direction > 0)) {
      throw new VenueMalformed(`book ${instrument.symbol}: level ${i} is [${level[0]}, ${level[1]}]`);
    }
    ticks[i] = tick;
    lots[i] = lot;
    before = tick;
  }
  return count;
}

/** Whole steps, or NaN when the value is not on the grid. */
function toGrid(value: number, step: number): number {
  const steps = value / step;
  const whole = Math.round(steps);
  return Math.abs(steps - whole) <= GRID_TOLERANCE && whole <= Number.MAX_SAFE_INTEGER ? whole : NaN;
}
