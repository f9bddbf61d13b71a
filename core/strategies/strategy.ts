/**
 * What a strategy is told and what it answers: desired quotes. Orders, risk and ledger are the machine's own and the same
 * for every strategy. It keeps all that it remembers in `memory`, plain JSON values that are part of the bot's state, so a
 * snapshot with the inputs that follow is the strategy, too.
 */
import type { Bar } from '../market/bars.ts';
import type { BookFrame } from '../market/book.ts';
import type { Side } from '../orders/order-intent.ts';
import type { ReasonCode } from '../bot/reasons.ts';
import type { SignalEvent } from '../bot/events.ts';

/** Most quotes on one side: a bot has at most 10 active orders. */
export const QUOTE_LEVELS_MAX = 5;

/** What the strategy may look at; one object, reused for every input. */
export interface StrategyView {
  readonly book: BookFrame;
  atMs: number;
  /** Middle of the best bid and ask, in ticks; 0 while a side is empty. */
  midTicks: number;
  /** Signed lots held. */
  positionLots: number;
  /** Only quotes that close something are wanted, and no more of them than `closableBy...`. */
  isReducing: boolean;
  /** Lots that bids, or asks, may close where only reducing is allowed; of both legs, so that a net of 0 may still have some. */
  closableByBidsLots: number;
  closableByAsksLots: number;
  /** Funding of one interval as a fraction of notional, as last told; positive: longs pay. 0 before it was told. */
  fundingRate: number;
  fundingIntervalMs: number;
}

/**
 * What should rest in the book, level 0 nearest to the market; zero lots means no quote there. One object, reused, that only
 * the strategy writes: after each call every level says what is wanted now.
 */
export interface DesiredQuotes {
  readonly bidTicks: Float64Array;
  readonly bidLots: Float64Array;
  readonly askTicks: Float64Array;
  readonly askLots: Float64Array;
  /**
   * Lots that all orders of a side together may still fill, those that rest with an older size, too; infinite where only the
   * sizes above count. Nearer levels come first: what rests beyond it leaves at once, and nothing is sent beyond it.
   */
  bidRoomLots: number;
  askRoomLots: number;
  /** Orders of this side rest where an older view of the market put them: they leave now, whatever the pace. */
  stale: 'none' | 'bids' | 'asks' | 'both';
  /** The quotes are the way out of a position and no more: an order that rests with more than is wanted of it leaves, too. */
  isReducing: boolean;
}

export function createDesiredQuotes(): DesiredQuotes {
  return {
    bidTicks: new Float64Array(QUOTE_LEVELS_MAX),
    bidLots: new Float64Array(QUOTE_LEVELS_MAX),
    askTicks: new Float64Array(QUOTE_LEVELS_MAX),
    askLots: new Float64Array(QUOTE_LEVELS_MAX),
    bidRoomLots: Infinity,
    askRoomLots: Infinity,
    stale: 'none',
    isReducing: false,
  };
}

/** No quote anywhere. A plain loop: for five numbers `fill` takes several times as long. */
export function clearLots({ bidLots, askLots }: DesiredQuotes): void {
  for (let level = 0; level < QUOTE_LEVELS_MAX; level += 1) {
    bidLots[level] = 0;
    askLots[level] = 0;
  }
}

/** A fill as statistics see it. */
export interface StrategyFill {
  readonly tradeId: string;
  readonly clientOrderId: string;
  readonly side: Side;
  readonly priceTicks: number;
  readonly lots: number;
  readonly isMaker: boolean;
  /** Fee over notional, in bps; a rebate is negative. */
  readonly feeBps: number;
  readonly atMs: number;
}

/** Plain JSON values; `name` says whose it is. */
export interface StrategyMemory {
  readonly name: string;
}

/** Where a strategy puts what it found on record: `hb.signal.v1`. */
export type TellSignal = (event: SignalEvent) => void;

/** A number or word of `explain`, in display units. */
export type Explained = Readonly<Record<string, number | string | boolean | null>>;

export interface Strategy {
  readonly name: string;
  readonly memory: StrategyMemory;
  /** A resting quote closer to its place than this is kept; in ticks, at mid `midTicks`. */
  requoteTicks(midTicks: number): number;
  /** Shortest time between two replacements of one quote. */
  readonly requoteMsMin: number;
  /** A new process: what was seen before may be long ago. */
  onStart(atMs: number): void;
  /** Closed bars as the venue tells them, oldest first, ending now: replaces what was built before. */
  onBars(bars: readonly Bar[], tell: TellSignal): void;
  /** Each two-sided book, whether the bot may quote or not. Must not allocate where nothing is told. */
  onBook(view: StrategyView, tell: TellSignal): void;
  /** Once a second. */
  onTimer(view: StrategyView, tell: TellSignal): void;
  /** Each fill of this bot's orders, by what the venue says it cost. `midTicks` of the view is 0 without a book. */
  onFill(fill: StrategyFill, view: StrategyView, tell: TellSignal): void;
  /** Fills every level of `desired` and says why. Called only when nothing forbids to quote. Must not allocate. */
  quote(view: StrategyView, desired: DesiredQuotes): ReasonCode;
  /** What the strategy thinks of the market; null where it has no such view. */
  regimeName(): string | null;
  /** Net edge, in bps, that it expected of a maker's fill just before it; null where it had no expectation. */
  expectedEdgeBps(fill: Pick<StrategyFill, 'side' | 'priceTicks' | 'atMs'>): number | null;
  /** What the last answer rests on, for a person who asks why. */
  explain(view: StrategyView): Explained;
}
