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
 */
import { BOOK_DEPTH, type BookFrame } from '../market/book.ts';
import type { PriceTicks } from '../money/money.ts';
import type { BookLevels, RecordedBook } from '../fill-model/book-levels.ts';
import type { FillModel } from '../fill-model/fill-model.ts';

/** Makes `book` show what `frame` shows and tells `model` each change that is certain. */
export function applyFrame(book: RecordedBook, frame: BookFrame, model: FillModel): void {
  applySide(book.bids, frame.bidTicks, frame.bidLots, frame.bidCount, model);
  applySide(book.asks, frame.askTicks, frame.askLots, frame.askCount, model);
  model.reveal();
}

/** Makes `book` show what `frame` shows after a time that nobody saw: all queues start at the back. */
export function replaceBook(book: RecordedBook, frame: BookFrame, model: FillModel): void {
  book.clear();
  applyFrame(book, frame, model);
  model.requeue();
}

function applySide(levels: BookLevels, ticks: Float64Array, lots: Float64Array, count: number, model: FillModel): void {
  const sign = levels.side === 'buy' ? 1 : -1;
  const worst = count < BOOK_DEPTH ? null : (ticks[count - 1] as PriceTicks);
  for (let depth = levels.count - 1; depth >= 0; depth--) {
    const price = levels.priceAt(depth);
    if (isShown(ticks, count, price)) continue;
    const before = levels.set(price, 0);
    if (worst === null || (price - worst) * sign > 0) model.applyLevel(levels.side, price, before, 0);
  }
  levels.showTo(worst);
  for (let index = 0; index < count; index++) {
    const price = ticks[index] as PriceTicks;
    const size = lots[index]!;
    model.applyLevel(levels.side, price, levels.set(price, size), size);
  }
}

function isShown(ticks: Float64Array, count: number, price: number): boolean {
  for (let index = 0; index < count; index++) if (ticks[index] === price) return true;
  return false;
}
