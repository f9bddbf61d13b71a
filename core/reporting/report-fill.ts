/**
 * A fill as reports reckon with it: what the bot told of it, with the markout that came a minute later. Per fill, in bps of
 * its price, s = +1 for a buy and -1 for a sell, M0 the mid that the bot saw when it heard of the fill (as a rule that of
 * the last book before it):
 *
 *   capture        s x (M0 - price) / price           what the quote stood away from the mid
 *   markout(tau)   s x (M(tau) - price) / price       what that is worth tau seconds later
 *   impact(tau)    capture - markout(tau)             what the market took back meanwhile
 *   net(tau)       markout(tau) - fee = capture - impact(tau) - fee
 *
 * Adverse selection as the strategy reckons it is -markout: from the price of the fill, where impact is from the mid.
 */
import type { BotFillEvent, SignalEvent } from '../bot/events.ts';
import { parseQuote, parseScaled, quoteToNumber } from '../money/decimal.ts';
import type { QuoteAmount } from '../money/money.ts';
import type { Side } from '../orders/order-intent.ts';

export type MarkoutEvent = Extract<SignalEvent, { type: 'markout' }>;
export type HorizonS = 1 | 5 | 30 | 60;
export const HORIZONS: readonly HorizonS[] = [1, 5, 30, 60];
type MarkoutBps = MarkoutEvent['bps'];
const KEYS = { 1: 's1', 5: 's5', 30: 's30', 60: 's60' } as const satisfies Record<HorizonS, keyof MarkoutBps>;

/** A fill heard later than this (or before it happened, by our clock) met another market than the one that it was told in. */
export const HEARD_LATE_MS = 5_000;
const ONE_E12 = 10n ** 12n;

export interface ReportFill {
  readonly tradeId: string;
  readonly clientOrderId: string;
  readonly atMs: number;
  readonly side: Side;
  readonly liquidity: 'maker' | 'taker';
  /** A quote of the strategy, or something else: an executed stop, an order that the bot did not make. */
  readonly isQuote: boolean;
  readonly isHeardLate: boolean;
  readonly regime: string | null;
  /** Exact. */
  readonly notional: QuoteAmount;
  readonly fee: QuoteAmount;
  readonly realised: QuoteAmount;
  /** The notional as a weight. */
  readonly quote: number;
  readonly feeBps: number;
  readonly captureBps: number | null;
  readonly expectedEdgeBps: number | null;
  readonly markout: MarkoutBps | null;
}

interface KnownOfFill {
  readonly heardAtMs: number;
  readonly isQuote: boolean;
  readonly markout: MarkoutBps | null;
}

/** Exact: an instrument's tick times its lot is a whole multiple of 1e-12. Throws `DecimalError` for what is no decimal. */
export function reportFill(event: BotFillEvent, known: KnownOfFill): ReportFill {
  const { heardAtMs, isQuote, markout } = known;
  const { tradeId, clientOrderId, atMs, side, liquidity, regime, fee, realised } = event;
  const notional = ((parseScaled(event.price, 12) * parseScaled(event.qty, 12)) / ONE_E12) as QuoteAmount;
  return {
    tradeId,
    clientOrderId,
    atMs,
    side,
    liquidity,
    isQuote,
    isHeardLate: Math.abs(heardAtMs - atMs) > HEARD_LATE_MS,
    regime,
    notional,
    fee: parseQuote(fee),
    realised: parseQuote(realised),
    quote: quoteToNumber(notional),
    feeBps: event.feeBps,
    captureBps: finiteOrNull(event.captureBps),
    expectedEdgeBps: finiteOrNull(event.expectedEdgeBps),
    markout,
  };
}

/** Null where the market was not seen then, or is not that of the fill. */
export function markoutBps(fill: ReportFill, horizonS: HorizonS): number | null {
  return fill.markout === null || fill.isHeardLate ? null : finiteOrNull(fill.markout[KEYS[horizonS]]);
}

export function captureBps(fill: ReportFill): number | null {
  return fill.isHeardLate ? null : fill.captureBps;
}

/** What a fill earned and to what it lost it, bps. */
export interface FillEdge {
  readonly captureBps: number;
  readonly impactBps: number;
  readonly feeBps: number;
  readonly netBps: number;
}

/** Null where a part is not known: such a fill is counted and not averaged. */
export function edgeOf(fill: ReportFill, horizonS: HorizonS): FillEdge | null {
  const capture = captureBps(fill);
  const markout = markoutBps(fill, horizonS);
  const { feeBps } = fill;
  if (capture === null || markout === null || !Number.isFinite(feeBps)) return null;
  return { captureBps: capture, impactBps: capture - markout, feeBps, netBps: markout - feeBps };
}

/** Some venues give both sides of a trade one id. */
export function fillKey({ tradeId, clientOrderId }: Pick<BotFillEvent, 'tradeId' | 'clientOrderId'>): string {
  return `${tradeId} ${clientOrderId}`;
}

/** Time, then name: whatever order they were found in, sums come out the same to the last bit. */
export function byTime(a: ReportFill, b: ReportFill): number {
  return a.atMs - b.atMs || (fillKey(a) < fillKey(b) ? -1 : 1);
}

function finiteOrNull(value: number | null | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
