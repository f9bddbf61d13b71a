/** A paper account on a market that a test draws by hand. */
import { BOOK_DEPTH, createBookFrame, type BookFrame } from '../../../core/market/book.ts';
import { createInstrument } from '../../../core/market/instrument.ts';
import { parseQuote } from '../../../core/money/decimal.ts';
import type { PriceTicks, QtyLots } from '../../../core/money/money.ts';
import type { FillGrade } from '../../../core/fill-model/fill-model.ts';
import type { OrderIntent, Side } from '../../../core/orders/order-intent.ts';
import { PaperExchange, type PaperEvent } from '../../../core/paper/paper-exchange.ts';
import type { PaperChange, PaperFill } from '../../../core/paper/rows.ts';

/** One tick times one lot is 0.001 USDT; fees 2 and 6 bps. */
export const INSTRUMENT = createInstrument({
  symbol: 'BTCUSDT',
  tick: '1',
  lot: '0.001',
  qtyMin: '0.001',
  notionalMin: '0.005',
  makerFeeRate: '0.0002',
  takerFeeRate: '0.0006',
});

export type Levels = readonly (readonly [price: number, lots: number])[];

/** Best first. */
export function frameOf(venueAtMs: number, bids: Levels, asks: Levels): BookFrame {
  const frame = createBookFrame();
  frame.venueAtMs = venueAtMs;
  frame.bidCount = fill(frame.bidTicks, frame.bidLots, bids);
  frame.askCount = fill(frame.askTicks, frame.askLots, asks);
  return frame;
}

function fill(ticks: Float64Array, lots: Float64Array, levels: Levels): number {
  levels.slice(0, BOOK_DEPTH).forEach(([price, size], index) => {
    ticks[index] = price;
    lots[index] = size;
  });
  return Math.min(levels.length, BOOK_DEPTH);
}

export class Paper {
  readonly exchange: PaperExchange;
  readonly changes: PaperChange[] = [];
  readonly events: PaperEvent[] = [];
  atMs = 1_000;
  private nextId = 0;

  constructor(grade: FillGrade = 'queue', saved: readonly PaperChange[] = []) {
    this.exchange = new PaperExchange(grade, parseQuote('1000'), saved);
    this.exchange.learn(INSTRUMENT);
  }

  book(bids: Levels, asks: Levels): this {
    this.atMs += 1;
    this.exchange.applyBook('BTCUSDT', frameOf(this.atMs, bids, asks), this.atMs);
    return this;
  }

  trade(takerSide: Side, price: number, qty: number, venueAtMs = (this.atMs += 1)): this {
    this.exchange.applyTrade('BTCUSDT', takerSide, price as PriceTicks, qty as QtyLots, venueAtMs, this.atMs);
    return this;
  }

  intent(side: Side, price: number, qty: number, change: Partial<OrderIntent> = {}): OrderIntent {
    const sized = { side, price: price as PriceTicks, qty: qty as QtyLots };
    const rest = { symbol: 'BTCUSDT', kind: 'limit', reduceOnly: false, leg: 'net', expiresAtMs: Infinity } as const;
    return { clientOrderId: `o${(this.nextId += 1)}`, ...sized, ...rest, ...change };
  }

  place(side: Side, price: number, qty: number, change: Partial<OrderIntent> = {}) {
    return this.exchange.place(this.intent(side, price, qty, change), this.atMs);
  }

  /** Fills since the last call, as [side, price, lots, liquidity]. */
  fills(): unknown[] {
    return this.take().flatMap((event) =>
      event.type === 'fill' ? [[event.fill.side, event.fill.price, event.fill.qty, event.fill.liquidity]] : [],
    );
  }

  take(): readonly PaperEvent[] {
    const taken = this.exchange.take();
    if (taken?.change) this.changes.push(structuredClone(taken.change));
    this.events.push(...(taken?.events ?? []));
    return taken?.events ?? [];
  }

  allFills(): PaperFill[] {
    return [...this.exchange.books.fills];
  }

  held(leg: 'net' | 'long' | 'short' = 'net'): number {
    return this.exchange.rowOf('BTCUSDT').holdings[leg].qty;
  }
}

export const BIDS: Levels = [[100, 10], [99, 10], [98, 10], [97, 10], [96, 10]]; // prettier-ignore
export const ASKS: Levels = [[101, 10], [102, 10], [103, 10], [104, 10], [105, 10]]; // prettier-ignore
