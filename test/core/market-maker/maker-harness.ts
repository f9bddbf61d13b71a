/** A market maker with its clock, its market and what it told, driven as the machine drives it. */
import { MarketMakerParams } from '../../../core/market-maker/params.ts';
import { createMarketMaker } from '../../../core/market-maker/market-maker.ts';
import type { SignalEvent } from '../../../core/bot/events.ts';
import { reasonName } from '../../../core/bot/reasons.ts';
import type { Bar } from '../../../core/market/bars.ts';
import type { Side } from '../../../core/orders/order-intent.ts';
import {
  createDesiredQuotes,
  type DesiredQuotes,
  type Strategy,
  type StrategyMemory,
  type StrategyView,
} from '../../../core/strategies/strategy.ts';
import { book, BTC, T0 } from '../../support/bots.ts';

/** Ticks of 0.1 USDT. One bps is 60 ticks, one lot 60 USDT. */
export const MID = 600_000;
const MINUTE_MS = 60_000;

type Told<Type extends SignalEvent['type']> = Extract<SignalEvent, { type: Type }>;

/**
 * At rest: maker 2 and taker 6 bps, no funding, adverse selection 1 bps a fill, everything closed by makers. A round trip
 * costs 2 x 2 + 2 x 1 = 6 bps and shall leave 2: the floor is 8 bps, 240 ticks a side. The bars' range is 10 bps.
 */
export function makerParams(changes: Record<string, object | number> = {}): MarketMakerParams {
  const { size, spread, regime, ...rest } = changes;
  return MarketMakerParams.parse({
    name: 'epp_v2_4',
    requoteBps: 1,
    requoteMsMin: 500,
    ...rest,
    size: { orderQuote: '250', inventoryQuoteMax: '1200', skewBps: 2, ...(size as object) },
    spread: {
      minNetEdgeBps: 2,
      atrFactor: 0,
      adverseSelectionBps: 1,
      fillFactor: 1,
      market: 'range',
      ...(spread as object),
    },
    regime: regime ?? {},
  });
}

export class MakerHarness {
  readonly params: MarketMakerParams;
  readonly told: SignalEvent[] = [];
  readonly desired: DesiredQuotes = createDesiredQuotes();
  readonly view: { -readonly [Key in keyof StrategyView]: StrategyView[Key] };
  strategy: Strategy;
  private trades = 0;

  constructor(changes: Record<string, object | number> = {}, memory: StrategyMemory | null = null) {
    this.params = makerParams(changes);
    this.strategy = createMarketMaker(this.params, BTC, memory);
    this.view = {
      book: book(MID - 1, MID + 1),
      atMs: T0,
      midTicks: MID,
      positionLots: 0,
      isReducing: false,
      // One-way mode; a test of two legs writes its own.
      get closableByBidsLots() {
        return Math.max(0, 0 - this.positionLots);
      },
      get closableByAsksLots() {
        return Math.max(0, this.positionLots);
      },
      fundingRate: 0,
      fundingIntervalMs: 8 * 60 * MINUTE_MS,
    };
  }

  /** Bars around `MID` with this range, flat: every indicator has its value and nothing trends. */
  bars(rangeBps = 10): this {
    const half = (MID * rangeBps) / 2e4;
    const bars: Bar[] = Array.from({ length: 40 }, (_, index) => ({
      openAtMs: this.view.atMs - (this.view.atMs % MINUTE_MS) - (40 - index) * MINUTE_MS,
      open: MID,
      high: MID + half,
      low: MID - half,
      close: MID,
    }));
    this.strategy.onBars(bars, this.tell);
    return this;
  }

  /** From nothing to the first quotes. */
  warm(rangeBps = 10): this {
    this.strategy.onStart(this.view.atMs);
    return this.bars(rangeBps).book().timer();
  }

  book(mid = MID, halfTouchTicks = 1, afterMs = 100): this {
    const { view } = this;
    view.atMs += afterMs;
    view.midTicks = mid;
    view.book = book(mid - halfTouchTicks, mid + halfTouchTicks);
    this.strategy.onBook(view, this.tell);
    return this;
  }

  timer(afterMs = 1_000): this {
    this.view.atMs += afterMs;
    this.strategy.onTimer(this.view, this.tell);
    return this;
  }

  /** So many seconds with a book and a timer each. */
  seconds(count: number, mid = MID): this {
    for (let second = 0; second < count; second += 1) this.book(mid, 1, 100).timer(900);
    return this;
  }

  fill(side: Side, priceTicks: number, { feeBps = 2, isMaker = true, lots = 4 } = {}): this {
    this.trades += 1;
    const id = `t${this.trades}`;
    this.strategy.onFill(
      { tradeId: id, clientOrderId: `o${id}`, side, priceTicks, lots, isMaker, feeBps, atMs: this.view.atMs },
      this.view,
      this.tell,
    );
    return this;
  }

  /** What was expected of a fill now, so many ticks away from the mid. */
  expectedEdgeBps(side: Side, awayTicks = 240): number | null {
    const { midTicks, atMs } = this.view;
    return this.strategy.expectedEdgeBps({
      side,
      priceTicks: midTicks + (side === 'buy' ? -awayTicks : awayTicks),
      atMs,
    });
  }

  /** The reason of the next answer, by name. */
  quote(): string {
    return reasonName(this.strategy.quote(this.view, this.desired));
  }

  /** Distance of each quote from the mid in ticks, nearest first. */
  bids(): number[] {
    const { bidTicks, bidLots } = this.desired;
    return [...bidTicks].filter((_, level) => bidLots[level] !== 0).map((ticks) => this.view.midTicks - ticks);
  }

  asks(): number[] {
    const { askTicks, askLots } = this.desired;
    return [...askTicks].filter((_, level) => askLots[level] !== 0).map((ticks) => ticks - this.view.midTicks);
  }

  lots(): { bids: number; asks: number } {
    const sum = (lots: Float64Array): number => lots.reduce((total, lot) => total + lot, 0);
    return { bids: sum(this.desired.bidLots), asks: sum(this.desired.askLots) };
  }

  /** What was told of one type since the last time of asking, oldest first. */
  signals<Type extends SignalEvent['type']>(type: Type): Told<Type>[] {
    const found = this.told.filter((event): event is Told<Type> => event.type === type);
    this.told.length = 0;
    return found;
  }

  /** Goes on with what a snapshot would have kept. */
  restore(): this {
    const memory = JSON.parse(JSON.stringify(this.strategy.memory)) as StrategyMemory;
    this.strategy = createMarketMaker(this.params, BTC, memory);
    return this;
  }

  memoryText(): string {
    return JSON.stringify(this.strategy.memory);
  }

  private readonly tell = (event: SignalEvent): void => {
    this.told.push(event);
  };
}
