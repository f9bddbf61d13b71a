/**
 * Ten resting orders under three grades of the fill model at once, on recorded books and trades, as a bot's process follows
 * them. Beside it in the same run: one grade alone, and a copy of the same frame and nothing else (the limit).
 */
import { RecordedBook } from '../core/fill-model/book-levels.ts';
import { FillModel } from '../core/fill-model/fill-model.ts';
import { GradedFills } from '../core/fill-model/graded-fills.ts';
import { BOOK_DEPTH, copyBookFrame, createBookFrame, type BookFrame } from '../core/market/book.ts';
import type { PriceTicks, QtyLots } from '../core/money/money.ts';
import { BookWindow } from '../core/paper/book-window.ts';
import { MarketReplay } from '../core/recording/market-replay.ts';
import type { Side } from '../core/orders/order-intent.ts';
import { median, ratio, report, rounded } from './support/figures.ts';
import { recordedBooks, recordingOf } from './support/recorded-books.ts';

const SYMBOL = 'BTCUSDT';
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5);
/** Between two placings, which are not timed: so that most of the orders are there most of the time. */
const BATCH = 200;
const TRADE_BATCH = 20;
const ORDERS_A_SIDE = 5;

interface Trade {
  readonly takerSide: Side;
  readonly price: PriceTicks;
  readonly qty: QtyLots;
}

interface Follower {
  readonly window: BookWindow;
  /** All earlier orders away, ten new ones within the first levels of the book. */
  readonly place: () => void;
  readonly filledLots: () => number;
}

function threeGrades(): Follower {
  const book = new RecordedBook();
  const graded = new GradedFills(book);
  const window = new BookWindow(book, graded);
  let id = 0;
  const place = (): void => {
    graded.closeAll();
    eachQuote(book, (side, price, qty) => graded.place({ id: (id += 1), side, price, qty }));
  };
  return { window, place, filledLots: () => graded.totals.queue.lots };
}

function oneGrade(): Follower {
  const book = new RecordedBook();
  let lots = 0;
  const model = new FillModel(book, { onFill: (_id, _price, filled) => (lots += filled), onCancel: () => {} });
  const window = new BookWindow(book, model);
  let id = 0;
  const place = (): void => {
    for (let old = id - 2 * ORDERS_A_SIDE + 1; old <= id; old += 1) model.cancel(old);
    eachQuote(book, (side, price, qty) => {
      model.restore({ id: (id += 1), side, price, qty, kind: 'limit', reduceOnly: false }, qty, 'maker');
    });
  };
  return { window, place, filledLots: () => lots };
}

function eachQuote(book: RecordedBook, place: (side: Side, price: PriceTicks, qty: QtyLots) => void): void {
  for (const side of ['buy', 'sell'] as const) {
    const levels = book.levels(side);
    for (let depth = 0; depth < Math.min(ORDERS_A_SIDE, levels.count); depth += 1) {
      place(side, levels.priceAt(depth), 1_000 as QtyLots);
    }
  }
}

function recordedTrades(): Trade[] {
  const trades: Trade[] = [];
  const { recording } = recordingOf(SYMBOL);
  const replay = new MarketReplay(recording, {
    onLevel() {},
    onTrade: (takerSide, price, qty) => void trades.push({ takerSide, price, qty }),
  });
  replay.advance(replay.plan.lapMs - 1);
  return trades;
}

/** ns a book, placing left out. */
function booksNs({ window, place }: Follower, frames: readonly BookFrame[], startAtMs: number): number {
  let ms = 0;
  for (let from = 0; from + BATCH <= frames.length; from += BATCH) {
    place();
    const startedAt = performance.now();
    for (let n = from; n < from + BATCH; n += 1) {
      const frame = frames[n]!;
      frame.venueAtMs = startAtMs + n;
      window.applyBook(frame);
    }
    ms += performance.now() - startedAt;
  }
  return (ms * 1e6) / (Math.floor(frames.length / BATCH) * BATCH);
}

/** ns a trade: near the touch, where our orders are. */
function tradesNs({ window, place }: Follower, trades: readonly Trade[], atMs: number): number {
  let ms = 0;
  const { bids, asks } = window.book;
  for (let from = 0; from + TRADE_BATCH <= trades.length; from += TRADE_BATCH) {
    place();
    const startedAt = performance.now();
    for (let n = from; n < from + TRADE_BATCH; n += 1) {
      const { takerSide, qty } = trades[n]!;
      window.applyTrade(takerSide, takerSide === 'sell' ? bids.best() : asks.best(), qty, atMs);
    }
    ms += performance.now() - startedAt;
  }
  return (ms * 1e6) / (Math.floor(trades.length / TRADE_BATCH) * TRADE_BATCH);
}

function copiesNs(frames: readonly BookFrame[]): number {
  const into = createBookFrame();
  const startedAt = performance.now();
  for (const frame of frames) copyBookFrame(into, frame);
  return ((performance.now() - startedAt) * 1e6) / frames.length;
}

const { frames } = recordedBooks(SYMBOL);
const trades = recordedTrades();
const three = threeGrades();
const one = oneGrade();
const ns = { three: [] as number[], one: [] as number[], copy: [] as number[], threeTrade: [] as number[], oneTrade: [] as number[] }; // prettier-ignore
// The first round is the warm-up.
for (let round = 0; round <= ROUNDS; round += 1) {
  const startAtMs = 1 + round * frames.length;
  const found = {
    three: booksNs(three, frames, startAtMs),
    one: booksNs(one, frames, startAtMs),
    copy: copiesNs(frames),
    threeTrade: tradesNs(three, trades, startAtMs + frames.length),
    oneTrade: tradesNs(one, trades, startAtMs + frames.length),
  };
  if (round === 0) continue;
  for (const key of Object.keys(ns) as (keyof typeof ns)[]) ns[key].push(found[key]);
}
const middle = (values: readonly number[]): number => rounded(median(values), 1);
report('graded-fills', {
  unit: 'ns',
  books: frames.length,
  trades: trades.length,
  levelsAFrame: 2 * BOOK_DEPTH,
  ordersResting: 2 * ORDERS_A_SIDE,
  rounds: ROUNDS,
  lotsFilled: [three.filledLots(), one.filledLots()],
  book: { threeGrades: middle(ns.three), oneGrade: middle(ns.one) },
  trade: { threeGrades: middle(ns.threeTrade), oneGrade: middle(ns.oneTrade) },
  limits: { copyOfTheFrame: middle(ns.copy) },
  ratios: { threeOfOneBook: ratio(median(ns.three), median(ns.one)), threeOfCopy: ratio(median(ns.three), median(ns.copy)) }, // prettier-ignore
});
