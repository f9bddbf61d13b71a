/**
 * What a quote, or a round trip of two, leaves after everything it costs, in bps of the price. A quote is one half of a
 * round trip: it bears its own fee and adverse selection whole, and half of what a round trip pays once (funding, and
 * the close as a taker of what no maker closes). So the edges of two quotes add up to that of their round trip, and two
 * quotes a spread floor apart leave `minNetEdgeBps` together. Nothing here allocates; NaN in gives NaN out, and what is
 * not finite is never worth it.
 */
import type { Side } from '../orders/order-intent.ts';

/** What both a quote and a round trip cost. */
interface SharedCosts {
  /** Fee over notional; a rebate is negative. */
  makerBps: number;
  takerBps: number;
  /** What is held over the holding time receives this; negative is paid. See `expectedFundingBps`. */
  fundingBps: number;
  /** Share of the positions that a maker's fill closes, 0..1; the rest is closed as a taker. */
  fillFactor: number;
  /** What a close as a taker loses beyond its fee. */
  slippageBps: number;
}

/** One quote; bps of the mid. */
export interface QuoteCosts extends SharedCosts {
  /** Distance of the quote from the mid; negative beyond it. */
  captureBps: number;
  /** What the market moves against a fill of its side. */
  adverseBps: number;
}

/** A buy and a sell; bps of the mid. */
export interface RoundTripCosts extends SharedCosts {
  /** From the buy's price to the sell's. */
  spreadBps: number;
  adverseBidBps: number;
  adverseAskBps: number;
}

/** A quote before its judge. One object may be filled anew for every quote. */
export interface JudgedQuote extends QuoteCosts {
  /** All of it makes the position smaller: one of which any part opens is judged as one that opens. */
  isReducing: boolean;
  /** What a round trip has to leave. */
  minNetEdgeBps: number;
}

/** One object, filled by every call. */
export interface QuoteVerdict {
  isWorthIt: boolean;
  edgeBps: number;
  /** The least edge that would have been worth it. */
  edgeBpsMin: number;
}

export function createQuoteVerdict(): QuoteVerdict {
  return { isWorthIt: false, edgeBps: 0, edgeBpsMin: 0 };
}

const BPS = 1e4;
const MINUTE_MS = 60_000;
/** Sums of doubles near 100 bps are off by 1e-13: a quote exactly at the floor must not fail by that. */
const EDGE_TOLERANCE_BPS = 1e-9;

/**
 * What a position opened by `side` receives in `holdMinutes`, in bps of its value; negative is paid: rate x hold /
 * interval x 1e4, longs pay a positive rate (facts: Bitget settles value x rate at each interval's end; a time of
 * settlement that is not known is met with probability hold / interval). NaN for a rate without an interval.
 */
export function expectedFundingBps(
  side: Side,
  fundingRate: number,
  fundingIntervalMs: number,
  holdMinutes: number,
): number {
  if (fundingRate === 0) return 0;
  if (!(fundingIntervalMs > 0)) return Number.NaN;
  const paidByLongsBps = ((fundingRate * holdMinutes * MINUTE_MS) / fundingIntervalMs) * BPS;
  return side === 'buy' ? -paidByLongsBps : paidByLongsBps;
}

/**
 * What a round trip expects to lose, in bps, because makers do not always close it: P(flatten) x (taker - maker +
 * slippage), P(flatten) = 1 - fill factor (facts: net edge). Never a gain.
 */
export function flattenCostBps(makerBps: number, takerBps: number, slippageBps: number, fillFactor: number): number {
  return (1 - fillFactor) * Math.max(0, takerBps - makerBps + slippageBps);
}

/** Net edge of one quote, in bps: capture - maker - adverse selection + (funding - P(flatten) x ...) / 2. */
export function quoteEdgeBps(quote: QuoteCosts): number {
  const { makerBps, takerBps, slippageBps, fillFactor } = quote;
  const flattenBps = flattenCostBps(makerBps, takerBps, slippageBps, fillFactor);
  return quote.captureBps - makerBps - quote.adverseBps + (quote.fundingBps - flattenBps) / 2;
}

/** Net edge of a round trip, in bps: spread - 2 x maker - adverse selection of both + funding - P(flatten) x ... . */
export function roundTripEdgeBps(trip: RoundTripCosts): number {
  const { makerBps, takerBps, slippageBps, fillFactor } = trip;
  const flattenBps = flattenCostBps(makerBps, takerBps, slippageBps, fillFactor);
  return trip.spreadBps - 2 * makerBps - trip.adverseBidBps - trip.adverseAskBps + trip.fundingBps - flattenBps;
}

/**
 * Whether `quote` may be sent. One that makes the position larger leaves half of a round trip's minimum; one that makes
 * it smaller may lose what the close as a taker would cost in its place (taker's fee and slippage, bps). `verdict` is
 * filled and returned.
 */
export function judgeQuote(quote: JudgedQuote, verdict: QuoteVerdict): QuoteVerdict {
  const { takerBps, slippageBps, minNetEdgeBps } = quote;
  const edgeBps = quoteEdgeBps(quote);
  const edgeBpsMin = quote.isReducing ? -Math.max(0, takerBps + slippageBps) : minNetEdgeBps / 2;
  // The second sum is of those that a maximum, or the other branch, may have hidden.
  const isFinite = Number.isFinite(edgeBps) && Number.isFinite(takerBps + slippageBps + minNetEdgeBps);
  verdict.edgeBps = edgeBps;
  verdict.edgeBpsMin = edgeBpsMin;
  verdict.isWorthIt = isFinite && edgeBps >= edgeBpsMin - EDGE_TOLERANCE_BPS;
  return verdict;
}
