/** One symbol as a paper account sees it: its book, its prices and the model that decides fills. */
import { LEGS, type Holdings } from '../accounting/holdings.ts';
import type { Leg } from '../accounting/legs.ts';
import { RecordedBook } from '../fill-model/book-levels.ts';
import { FillModel, type FillGrade, type FillSink } from '../fill-model/fill-model.ts';
import type { BookFrame } from '../market/book.ts';
import type { Instrument } from '../market/instrument.ts';
import { DecimalError, parseScaled } from '../money/decimal.ts';
import type { PriceTicks, QtyLots, SignedLots } from '../money/money.ts';
import type { Side } from '../orders/order-intent.ts';
import { BookWindow } from './book-window.ts';

export class PaperMarket {
  instrument: Instrument;
  readonly model: FillModel;
  readonly book = new RecordedBook();
  private readonly window: BookWindow;
  private lastE12: bigint | null = null;
  private statedMarkE12: bigint | null = null;

  constructor(instrument: Instrument, sink: FillSink, grade: FillGrade, holdings: Holdings) {
    this.instrument = instrument;
    const positions = Object.fromEntries(LEGS.map((leg) => [leg, holdings[leg].qty])) as Record<Leg, SignedLots>;
    this.model = new FillModel(this.book, sink, grade, positions);
    this.window = new BookWindow(this.book, this.model);
  }

  /** The book is one that the venue shows now. */
  get isLive(): boolean {
    return this.window.isLive;
  }

  /** The feed is interrupted: nothing that it showed may be traded on. */
  interrupt(): void {
    this.window.interrupt();
    this.lastE12 = null;
    this.statedMarkE12 = null;
  }

  applyBook(frame: BookFrame): void {
    this.window.applyBook(frame);
  }

  applyTrade(takerSide: Side, price: PriceTicks, qty: QtyLots, venueAtMs: number): void {
    const isNews = this.window.applyTrade(takerSide, price, qty, venueAtMs);
    if (isNews) this.lastE12 = BigInt(price) * this.instrument.tickE12;
  }

  applyPrices(lastPrice: string, markPrice: string | null): void {
    if (!this.isLive) return;
    this.lastE12 = positive(lastPrice) ?? this.lastE12;
    if (markPrice !== null) this.statedMarkE12 = positive(markPrice) ?? this.statedMarkE12;
  }

  /** From now on only what happens after what is known now can fill. */
  accept(): void {
    this.window.accept();
  }

  /** The venue's mark price, the middle of the book where it states none, null without a live book; 1e-12 USDT. */
  markE12(): bigint | null {
    if (!this.isLive) return null;
    if (this.statedMarkE12 !== null) return this.statedMarkE12;
    const midDoubled = this.book.midDoubled();
    return midDoubled === 0 ? null : (BigInt(midDoubled) * this.instrument.tickE12) / 2n;
  }

  /** Price of the newest trade since the feed is up, 1e-12 USDT. */
  newestTradeE12(): bigint | null {
    return this.isLive ? this.lastE12 : null;
  }
}

function positive(price: string): bigint | null {
  try {
    const scaled = parseScaled(price, 12);
    return scaled > 0n ? scaled : null;
  } catch (error) {
    if (error instanceof DecimalError) return null;
    throw error;
  }
}
