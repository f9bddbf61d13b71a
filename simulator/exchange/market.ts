/** One market: its replayed book, the fill models of the accounts that trade it, and what the public channels show. */
import type { FillModel } from '../../core/fill-model/fill-model.ts';
import type { Instrument } from '../../core/market/instrument.ts';
import { formatScaled } from '../../core/money/decimal.ts';
import type { PriceTicks, QtyLots } from '../../core/money/money.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import { minutesBefore, type PlayedUntil } from '../../core/recording/history.ts';
import { MarketReplay, type ReplayPosition, type ReplaySink } from '../../core/recording/market-replay.ts';
import { MinuteBars } from '../../core/recording/minute-bars.ts';
import type { Recording } from '../../core/recording/recording.ts';
import { SimulatedMarket } from '../../core/simulation/options.ts';
import { createTiers, type LeverageTiers } from './tiers.ts';

export interface PublicTrade {
  readonly id: number;
  readonly atMs: number;
  readonly takerSide: Side;
  readonly price: PriceTicks;
  readonly qty: QtyLots;
}

const RECENT_TRADES_MAX = 500;
/** Two clocks pace and stamp: a trade this much before the one before it is not in the past. A skewed clock is further off. */
const STEP_JITTER_MS = 100;

/** What the venue asks of those who hold positions here. */
export interface MarketTerms {
  readonly tiers: LeverageTiers;
  readonly fundingIntervalMs: number;
  /** Fraction of notional that longs pay to shorts at the next settlement, a decimal. */
  fundingRate: string;
}

type TermOptions = Pick<SimulatedMarket, 'leverageTiers' | 'fundingIntervalMs' | 'fundingRate'>;

export function createTerms({ leverageTiers, fundingIntervalMs, fundingRate }: TermOptions): MarketTerms {
  return { tiers: createTiers(leverageTiers), fundingIntervalMs, fundingRate };
}

const { leverageTiers, fundingIntervalMs, fundingRate } = SimulatedMarket.shape;
/** A market's options where none are given. */
export const DEFAULT_TERMS: TermOptions = {
  leverageTiers: leverageTiers.parse(undefined),
  fundingIntervalMs: fundingIntervalMs.parse(undefined),
  fundingRate: fundingRate.parse(undefined),
};

export class Market implements ReplaySink {
  readonly instrument: Instrument;
  readonly replay: MarketReplay;
  readonly terms: MarketTerms;
  /** Called after each recorded frame that had trades or moved the touch. */
  onMove: (market: Market) => void = () => {};
  /** Prices of trades since the last `onMove`; `high` is 0 when there were none. */
  readonly traded = { low: 0, high: 0 };
  /** One for each leg of each account that has ever traded here, by `positionKey` of account and leg. */
  readonly models = new Map<string, FillModel>();
  /** Newest last. */
  readonly recentTrades: PublicTrade[] = [];
  /** Trades by the minute; those before this process began are what the recording tells of the time before its place. */
  readonly minutes: MinuteBars;
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

  /** Real milliseconds a recorded one in the step that is being played. */
  private pace = 1;
  private lastTradeAtMs = 0;
  private lastMidDoubled = 0;
  private begun: PlayedUntil;

  /** `speed`: recorded milliseconds a millisecond, at which the time before the start was played, too. */
  constructor(
    instrument: Instrument,
    recording: Recording,
    nowMs: () => number,
    options: TermOptions = DEFAULT_TERMS,
    speed = 1,
  ) {
    this.instrument = instrument;
    this.terms = createTerms(options);
    this.nowMs = nowMs;
    this.replay = new MarketReplay(recording, this);
    this.begun = { position: this.replay.position, atMs: nowMs(), speed };
    // Looked through when somebody asks for candles: a start has no time for it.
    this.minutes = new MinuteBars(() => minutesBefore(recording, this.replay.plan, this.begun));
    // Public trade ids only need to be unique and rising, across restarts too.
    this.nextTradeId = nowMs() * 1_000;
  }

  /** Where the recording begins to be played. */
  begin(position: ReplayPosition): void {
    this.replay.seek(position);
    this.begun = { ...this.begun, position: this.replay.position, atMs: this.nowMs() };
  }

  get symbol(): string {
    return this.instrument.symbol;
  }

  get lastPrice(): PriceTicks {
    return this.recentTrades.at(-1)?.price ?? this.replay.book.bids.best();
  }

  /** Twice the mark: the mark is the mid of the replayed book, and the last known one while a side is empty. */
  get midDoubled(): number {
    return this.replay.book.midDoubled() || this.lastMidDoubled;
  }

  get markPrice(): string {
    return formatScaled((BigInt(this.midDoubled) * this.instrument.tickE12) / 2n, 12);
  }

  /** Plays the recording on; `realMs` is how long that took. */
  advance(recordedMs: number, realMs: number): void {
    this.pace = recordedMs > 0 ? realMs / recordedMs : 1;
    this.replay.advance(recordedMs);
  }

  onFrame(): void {
    const { midDoubled, traded } = this;
    if (midDoubled === this.lastMidDoubled && traded.high === 0) return;
    this.lastMidDoubled = midDoubled;
    this.onMove(this);
    traded.low = traded.high = 0;
  }

  onLevel(side: Side, price: PriceTicks, before: number, after: number): void {
    if (this.bookWatched) this.changed[side].add(price);
    for (const model of this.models.values()) model.applyLevel(side, price, before, after);
  }

  onTrade(takerSide: Side, price: PriceTicks, qty: QtyLots): void {
    // Trades of one step happened one after the other; stamped alike, their prices would contradict their sides.
    const atMs = this.nowMs() - Math.floor(this.replay.stepLeftAtFrameMs * this.pace);
    const isJitter = atMs < this.lastTradeAtMs && atMs > this.lastTradeAtMs - STEP_JITTER_MS;
    if (!isJitter) this.lastTradeAtMs = atMs;
    const trade = { id: this.nextTradeId++, atMs: this.lastTradeAtMs, takerSide, price, qty };
    this.recentTrades.push(trade);
    this.minutes.add(trade.atMs, price, qty);
    if (this.recentTrades.length > RECENT_TRADES_MAX * 2) this.recentTrades.splice(0, RECENT_TRADES_MAX);
    if (this.tradesWatched) this.unsentTrades.push(trade);
    const { traded } = this;
    traded.low = traded.high === 0 ? price : Math.min(traded.low, price);
    traded.high = Math.max(traded.high, price);
    const { session } = this;
    if (session.openTicks === 0) session.openTicks = session.highTicks = session.lowTicks = price;
    session.highTicks = Math.max(session.highTicks, price);
    session.lowTicks = Math.min(session.lowTicks, price);
    session.lots += qty;
    session.tickLots += price * qty;
    for (const model of this.models.values()) model.applyTrade(takerSide, price, qty);
  }
}
