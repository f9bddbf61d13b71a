/**
 * A feed shows only the first levels of a book; the fill model wants changes of levels. What may be concluded:
 *
 * - A level that is not in the new frame although the frame reaches past its price is gone.
 * - A level worse than the last one shown has left the window. Nobody knows what became of it: it is forgotten without
 *   telling the model of a change, so no queue gets shorter by it.
 * - A frame with free places shows the whole side.
 *
 * Orders that rest beyond the window have an unknown queue ahead, which counts as endless: until their level is shown
 * they fill only when the market trades through their price.
 *
 *   down --book--> live --interruption--> down
 *
 * What happens while it is down is not followed, and the first book after it puts all orders at the back of their queues.
 */
import { BOOK_DEPTH, type BookFrame } from '../market/book.ts';
import type { PriceTicks, QtyLots } from '../money/money.ts';
import type { Side } from '../orders/order-intent.ts';
import type { BookLevels, RecordedBook } from '../fill-model/book-levels.ts';
import type { FillModel } from '../fill-model/fill-model.ts';

/** Decides fills from what a window shows: one model, or several that share its book. */
export type BookFollower = Pick<FillModel, 'applyLevel' | 'applyTrade' | 'reveal' | 'requeue'>;

export class BookWindow {
  readonly book: RecordedBook;
  /** The book is one that the venue shows now. */
  isLive = false;
  private readonly follower: BookFollower;
  /** Newest venue time of a frame. */
  private frameAtMs = 0;
  /** Venue time up to which the market was known when the newest order arrived. */
  private acceptedAtMs = 0;

  constructor(book: RecordedBook, follower: BookFollower) {
    this.book = book;
    this.follower = follower;
  }

  interrupt(): void {
    this.isLive = false;
  }

  applyBook(frame: BookFrame): void {
    // An older state than the last one says nothing about now.
    if (this.isLive && frame.venueAtMs < this.frameAtMs) return;
    this.frameAtMs = frame.venueAtMs;
    const wasLive = this.isLive;
    this.isLive = true;
    if (!wasLive) this.book.clear();
    this.applySide(this.book.bids, frame.bidTicks, frame.bidLots, frame.bidCount);
    this.applySide(this.book.asks, frame.askTicks, frame.askLots, frame.askCount);
    if (wasLive) this.follower.reveal();
    else this.follower.requeue();
  }

  /**
   * Feeds repeat trades when they begin and deliver them late. A trade from before the newest order could not have met
   * it; one that is older than the book has shortened the queues through it already. False when it decides nothing.
   */
  applyTrade(takerSide: Side, price: PriceTicks, qty: QtyLots, venueAtMs: number): boolean {
    if (!this.isLive || venueAtMs < this.acceptedAtMs) return false;
    this.follower.applyTrade(takerSide, price, qty, venueAtMs < this.frameAtMs);
    return true;
  }

  /** An order arrives: from now on only what happens after what is known now can fill. */
  accept(): void {
    this.acceptedAtMs = this.frameAtMs;
  }

  private applySide(levels: BookLevels, ticks: Float64Array, lots: Float64Array, count: number): void {
    const sign = levels.side === 'buy' ? 1 : -1;
    const worst = count < BOOK_DEPTH ? null : (ticks[count - 1] as PriceTicks);
    for (let depth = levels.count - 1; depth >= 0; depth--) {
      const price = levels.priceAt(depth);
      if (isShown(ticks, count, price)) continue;
      const before = levels.set(price, 0);
      if (worst === null || (price - worst) * sign > 0) this.follower.applyLevel(levels.side, price, before, 0);
    }
    levels.showTo(worst);
    for (let index = 0; index < count; index++) {
      const price = ticks[index] as PriceTicks;
      const size = lots[index]!;
      this.follower.applyLevel(levels.side, price, levels.set(price, size), size);
    }
  }
}

function isShown(ticks: Float64Array, count: number, price: number): boolean {
  for (let index = 0; index < count; index++) if (ticks[index] === price) return true;
  return false;
}
