/** One market: its replayed book, the fill models of the accounts that trade it, and what the public channels show. */
import type { FillModel } from '../../core/fill-model/fill-model.ts';
import type { Instrument } from '../../core/market/instrument.ts';
import type { PriceTicks, QtyLots } from '../../core/money/money.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import { MarketReplay, type ReplaySink } from '../replay/market-replay.ts';
import type { Recording } from '../replay/recording.ts';

export interface PublicTrade {
  readonly id: number;
  readonly atMs: number;
  readonly takerSide: Side;
  readonly price: PriceTicks;
  readonly qty: QtyLots;
}

const RECENT_TRADES_MAX = 500;

export class Market implements ReplaySink {
  readonly instrument: Instrument;
  readonly replay: MarketReplay;
  /** One for each account that has ever traded here. */
  readonly models = new Map<string, FillModel>();
  /** Newest last. */
  readonly recentTrades: PublicTrade[] = [];
  /** Prices whose level changed since they were last sent, collected only while `books` has a subscriber. */
  readonly changed = { buy: new Set<PriceTicks>(), sell: new Set<PriceTicks>() };
  bookWatched = false;
  /** Since this process started: there are not 24 hours of data. */
  readonly session = { openTicks: 0, highTicks: 0, lowTicks: 0, lots: 0, tickLots: 0 };
  /** Trades that were not sent yet, collected only while `trade` has a subscriber. */
  tradesWatched = false;
  unsentTrades: PublicTrade[] = [];
  private nextTradeId: number;
  private readonly nowMs: () => number;

  constructor(instrument: Instrument, recording: Recording, nowMs: () => number) {
    this.instrument = instrument;
    this.nowMs = nowMs;
    this.replay = new MarketReplay(recording, this);
    // Public trade ids only need to be unique and rising, across restarts too.
    this.nextTradeId = nowMs() * 1_000;
  }

  get symbol(): string {
    return this.instrument.symbol;
  }

  get lastPrice(): PriceTicks {
    return this.recentTrades.at(-1)?.price ?? this.replay.book.bids.best();
  }

  onLevel(side: Side, price: PriceTicks, before: number, after: number): void {
    if (this.bookWatched) this.changed[side].add(price);
    for (const model of this.models.values()) model.applyLevel(side, price, before, after);
  }

  onTrade(takerSide: Side, price: PriceTicks, qty: QtyLots): void {
    const trade = { id: this.nextTradeId++, atMs: this.nowMs(), takerSide, price, qty };
    this.recentTrades.push(trade);
    if (this.recentTrades.length > RECENT_TRADES_MAX * 2) this.recentTrades.splice(0, RECENT_TRADES_MAX);
    if (this.tradesWatched) this.unsentTrades.push(trade);
    const { session } = this;
    if (session.openTicks === 0) session.openTicks = session.highTicks = session.lowTicks = price;
    session.highTicks = Math.max(session.highTicks, price);
    session.lowTicks = Math.min(session.lowTicks, price);
    session.lots += qty;
    session.tickLots += price * qty;
    for (const model of this.models.values()) model.applyTrade(takerSide, price, qty);
  }
}
