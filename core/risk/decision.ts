/** The one gate between what a strategy wants and what leaves: every intent is approved or denied here. */
import { isFinitePositive } from './numbers.ts';
import type { Instrument } from '../market/instrument.ts';
import type { OrderIntent } from '../orders/order-intent.ts';

declare const approved: unique symbol;
/** Made only by `decide`, taken only by `Venue.place`: an order nobody checked does not compile. */
export type ApprovedIntent = OrderIntent & { readonly [approved]: true };

export type DenialCode =
  | 'number_invalid'
  | 'expired'
  | 'qty_below_minimum'
  | 'notional_below_minimum'
  | 'order_notional_above_cap'
  | 'exposure_above_cap'
  | 'orders_active_above_cap'
  | 'price_beyond_collar';

/** Our rules say no: the code, what was measured and the limit it broke. */
export interface Denial {
  readonly code: DenialCode;
  readonly measured: number;
  readonly limit: number;
}

export type RiskDecision = { approved: true; intent: ApprovedIntent } | { approved: false; denial: Denial };

/** What the decision rests on; all lots unsigned but the position. */
export interface RiskFacts {
  readonly atMs: number;
  readonly midTicks: number;
  readonly positionLots: number;
  /** Everything of ours that may still execute, per side, at full size while unknown. */
  readonly openBuyLots: number;
  readonly openSellLots: number;
  readonly ordersActive: number;
  /** In hedge mode what the intent's leg holds with all that may still open it, unsigned; 0 in one-way mode. */
  readonly legLots: number;
}

export interface CompiledLimits {
  readonly exposureQuoteMax: number;
  readonly orderQuoteMax: number;
  readonly ordersActiveMax: number;
}

/** No order further than this from the mid: a slipped digit does not reach the venue. */
const COLLAR_RATIO = 0.1;

export function decide(
  intent: OrderIntent,
  facts: RiskFacts,
  limits: CompiledLimits,
  instrument: Instrument,
): RiskDecision {
  const denied = (code: DenialCode, measured: number, limit: number): RiskDecision => ({
    approved: false,
    denial: { code, measured, limit },
  });
  if (!isFinitePositive(intent.price) || !Number.isSafeInteger(intent.price))
    return denied('number_invalid', intent.price, 1);
  if (!isFinitePositive(intent.qty) || !Number.isSafeInteger(intent.qty))
    return denied('number_invalid', intent.qty, 1);
  if (!isFinitePositive(facts.midTicks)) return denied('number_invalid', facts.midTicks, 0);
  if (!Number.isSafeInteger(facts.positionLots)) return denied('number_invalid', facts.positionLots, 0);
  for (const count of [facts.openBuyLots, facts.openSellLots, facts.ordersActive, facts.legLots])
    if (!Number.isSafeInteger(count) || count < 0) return denied('number_invalid', count, 0);
  for (const limit of [limits.exposureQuoteMax, limits.orderQuoteMax, limits.ordersActiveMax])
    if (!isFinitePositive(limit)) return denied('number_invalid', limit, 0);
  for (const atMs of [facts.atMs, intent.expiresAtMs])
    if (!isFinitePositive(atMs)) return denied('number_invalid', atMs, 0);
  if (!isFinitePositive(instrument.quotePerTickLot)) return denied('number_invalid', instrument.quotePerTickLot, 0);
  if (!(intent.expiresAtMs > facts.atMs)) return denied('expired', facts.atMs, intent.expiresAtMs);
  if (!(intent.qty >= instrument.qtyMinLots)) return denied('qty_below_minimum', intent.qty, instrument.qtyMinLots);
  const distance = Math.abs(intent.price - facts.midTicks) / facts.midTicks;
  if (!(distance <= COLLAR_RATIO)) return denied('price_beyond_collar', distance, COLLAR_RATIO);
  const quotePerLot = Math.max(intent.price, facts.midTicks) * instrument.quotePerTickLot;
  const orderQuote = intent.qty * quotePerLot;
  const notionalMin = Number(instrument.notionalMinE12) / 1e12;
  const notional = intent.qty * intent.price * instrument.quotePerTickLot;
  if (!(notional >= notionalMin)) return denied('notional_below_minimum', notional, notionalMin);
  if (!(orderQuote <= limits.orderQuoteMax))
    return denied('order_notional_above_cap', orderQuote, limits.orderQuoteMax);
  if (!(facts.ordersActive < limits.ordersActiveMax))
    return denied('orders_active_above_cap', facts.ordersActive, limits.ordersActiveMax);
  const exposureLots =
    intent.side === 'buy'
      ? facts.positionLots + facts.openBuyLots + intent.qty
      : -facts.positionLots + facts.openSellLots + intent.qty;
  const exposureQuote = exposureLots * quotePerLot;
  if (!(exposureQuote <= limits.exposureQuoteMax))
    return denied('exposure_above_cap', exposureQuote, limits.exposureQuoteMax);
  // Two legs may net to nothing and still be twice the margin: each alone stays under the cap, too.
  const legQuote = intent.leg === 'net' || intent.reduceOnly ? 0 : (facts.legLots + intent.qty) * quotePerLot;
  if (!(legQuote <= limits.exposureQuoteMax)) return denied('exposure_above_cap', legQuote, limits.exposureQuoteMax);
  return { approved: true, intent: intent as ApprovedIntent };
}
