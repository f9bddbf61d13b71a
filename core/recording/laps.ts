/**
 * How a recording goes on after its end, without a jump or drift that a bot would trade on.
 *
 * Every second lap plays forward again with prices mirrored about the joining mid: bids become asks, a buyer's trade a
 * seller's. A lap that took the mid from A to B is followed by one from B back to A, so any two laps add up to no drift.
 * Time is never reversed: cause stays before effect, trades before the depth that they removed.
 *
 * At a join the book as the recording left it is replaced by the (mirrored) book that it began with. The mid and the
 * spread agree exactly; the sizes cannot, so the end of the lap is the frame of the last tenth (at most 60 s) whose top
 * levels are closest to those of the start, seen in the mirror. Laps after the first are labelled `derived`.
 */
import { RecordedBook, type BookLevels } from '../fill-model/book-levels.ts';
import { OpKind, type Recording } from './recording.ts';

export interface LapPlan {
  /** Last frame of a lap. */
  readonly endFrame: number;
  /** Mirrored price = `mirrorTicks` - price. */
  readonly mirrorTicks: number;
  /** Length of a lap, with the pause before the next one. */
  readonly lapMs: number;
}

export const COMPARED_LEVELS = 5;
const SEARCH_RATIO = 0.1;
const SEARCH_MS_MAX = 60_000;
/** Between the last frame of a lap and the first of the next: the feed's usual step between depth messages. */
const JOIN_PAUSE_MS = 50;

export function planLaps(recording: Recording): LapPlan {
  const { frameCount, frameAtMs } = recording;
  const lengthMs = frameAtMs[frameCount - 1]!;
  const searchFromMs = lengthMs - Math.min(SEARCH_MS_MAX, lengthMs * SEARCH_RATIO);
  const book = new RecordedBook();
  applyFrame(recording, 0, book);
  const startMidDoubled = book.midDoubled();
  const startSpread = book.asks.best() - book.bids.best();
  const startBids = topSizes(book.bids);
  const startAsks = topSizes(book.asks);

  let endFrame = frameCount - 1;
  let endMidDoubled = 0;
  let distanceMin = Infinity;
  for (let frame = 1; frame < frameCount; frame++) {
    applyFrame(recording, frame, book);
    if (frameAtMs[frame]! < searchFromMs || !changesBook(recording, frame)) continue;
    // With the same spread the sum of both mids is a whole number of ticks, too: the mirror does not move the mid.
    if (book.asks.best() - book.bids.best() !== startSpread) continue;
    const distance = sizeDistance(topSizes(book.bids), startAsks) + sizeDistance(topSizes(book.asks), startBids);
    if (distance >= distanceMin) continue;
    distanceMin = distance;
    endFrame = frame;
    endMidDoubled = book.midDoubled();
  }
  if (endMidDoubled === 0) endMidDoubled = book.midDoubled();
  return {
    endFrame,
    mirrorTicks: Math.floor((startMidDoubled + endMidDoubled) / 2),
    lapMs: frameAtMs[endFrame]! + JOIN_PAUSE_MS,
  };
}

function applyFrame({ firstOp, opKind, opTicks, opLots }: Recording, frame: number, book: RecordedBook): void {
  for (let op = firstOp[frame]!; op < firstOp[frame + 1]!; op++) {
    if (opKind[op] === OpKind.bid) book.bids.set(opTicks[op]!, opLots[op]!);
    else if (opKind[op] === OpKind.ask) book.asks.set(opTicks[op]!, opLots[op]!);
  }
}

function changesBook({ firstOp, opKind }: Recording, frame: number): boolean {
  const first = firstOp[frame]!;
  return first < firstOp[frame + 1]! && opKind[first]! <= OpKind.ask;
}

function topSizes(levels: BookLevels): number[] {
  const sizes: number[] = [];
  for (let depth = 0; depth < Math.min(COMPARED_LEVELS, levels.count); depth++) sizes.push(levels.sizeAt(depth));
  return sizes;
}

/** Sum of the ratios' logarithms: twice the size counts as much as half of it. */
export function sizeDistance(sizes: readonly number[], others: readonly number[]): number {
  let distance = 0;
  for (let index = 0; index < Math.max(sizes.length, others.length); index++) {
    distance += Math.abs(Math.log(((sizes[index] ?? 0) + 1) / ((others[index] ?? 0) + 1)));
  }
  return distance;
}
