/** All that the market maker remembers, as plain JSON values with their keys always in this order. */
import { Reason, type ReasonCode } from '../bot/reasons.ts';
import type { StrategyMemory } from '../strategies/strategy.ts';
import { blankFeeMemory, type FeeMemory } from './fees.ts';
import { blankMarkoutMemory, type MarkoutMemory } from './markouts.ts';
import type { MarketMakerParams } from './params.ts';
import { blankRegime, type Regime, type RegimeMemory } from './regime.ts';
import { blankSpreadMemory, type SpreadMemory } from './spread.ts';

/** What quotes are priced and judged by: fixed by each calculation of the spread, so that floor and judge agree. */
export interface QuoteTerms {
  /** Distance from the mid from which a quote of the side is worth it; half of the floor at least. */
  bidHalfBps: number;
  askHalfBps: number;
  makerBps: number;
  takerBps: number;
  adverseBidBps: number;
  adverseAskBps: number;
  /** What a position opened by the side receives; negative is paid. */
  fundingBidBps: number;
  fundingAskBps: number;
  fillFactor: number;
  slippageBps: number;
  minNetEdgeBps: number;
}

export interface SideMemory {
  /** The two numbers below are of a quote; before the first they are nobody's. */
  isJudged: boolean;
  /** Net edge of the quote nearest to the market, and the least that is worth it. */
  edgeBps: number;
  edgeBpsMin: number;
  /** Why the last answer left the side without a quote that would not have been worth it; `none` when it did not. */
  withheld: ReasonCode;
  /** The same as last told. */
  withheldTold: ReasonCode;
}

export interface MarketMakerMemory extends StrategyMemory {
  /** Grows when the entries of a list change: their shape cannot be seen in an empty one. */
  version: number;
  regime: RegimeMemory;
  /** The regime as last told. */
  regimeTold: Regime;
  fees: FeeMemory;
  markouts: MarkoutMemory;
  spread: SpreadMemory;
  terms: QuoteTerms;
  /** There was a calculation since this process began. */
  isSpreadKnown: boolean;
  /** Something changed that the next second's calculation shall not wait for. */
  isSpreadDue: boolean;
  /** What the next answer says of the orders that rest. */
  areBidsStale: boolean;
  areAsksStale: boolean;
  bid: SideMemory;
  ask: SideMemory;
}

const VERSION = 1;

export function blankMemory(params: MarketMakerParams): MarketMakerMemory {
  return {
    name: params.name,
    version: VERSION,
    regime: blankRegime(params.regime),
    regimeTold: 'neutral',
    fees: blankFeeMemory(),
    markouts: blankMarkoutMemory(),
    spread: blankSpreadMemory(),
    terms: {
      bidHalfBps: 0,
      askHalfBps: 0,
      makerBps: 0,
      takerBps: 0,
      adverseBidBps: 0,
      adverseAskBps: 0,
      fundingBidBps: 0,
      fundingAskBps: 0,
      fillFactor: 0,
      slippageBps: 0,
      minNetEdgeBps: 0,
    },
    isSpreadKnown: false,
    isSpreadDue: false,
    areBidsStale: false,
    areAsksStale: false,
    bid: blankSide(),
    ask: blankSide(),
  };
}

function blankSide(): SideMemory {
  return { isJudged: false, edgeBps: 0, edgeBpsMin: 0, withheld: Reason.none, withheldTold: Reason.none };
}

/**
 * The saved memory itself where it has today's shape. One that an older version or other parameters wrote is replaced by a
 * blank one: what was learned is learned again within minutes, and numbers that mean something else are never quoted on.
 */
export function adoptMemory(saved: StrategyMemory | null, params: MarketMakerParams): MarketMakerMemory {
  const blank = blankMemory(params);
  if (saved === null || saved.name !== blank.name || !hasShapeOf(saved, blank)) return blank;
  return (saved as MarketMakerMemory).version === VERSION ? (saved as MarketMakerMemory) : blank;
}

/** Same keys and kinds all the way down. A list that is empty in `like` may hold anything, a null any plain value. */
function hasShapeOf(value: unknown, like: unknown): boolean {
  if (like === null) return value === null || typeof value !== 'object';
  if (value === null || typeof value !== typeof like) return false;
  if (Array.isArray(like)) {
    if (!Array.isArray(value)) return false;
    return like.length === 0 || (value.length === like.length && value.every((item) => hasShapeOf(item, like[0])));
  }
  if (typeof like !== 'object') return typeof like !== 'number' || Number.isFinite(value);
  const keys = Object.keys(like);
  return (
    keys.length === Object.keys(value as object).length &&
    keys.every((key) => hasShapeOf((value as Record<string, unknown>)[key], (like as Record<string, unknown>)[key]))
  );
}
