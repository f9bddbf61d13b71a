/** When a trigger is set off. Prices here are half ticks, because the mark is a mid and may lie between two ticks. */
import type { PriceTicks } from '../../core/money/money.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import type { Market } from './market.ts';
import { refuse } from './refusal.ts';
import type { TpslKind, TriggerRow, TriggerSource } from './rows.ts';

/** Lowest and highest price of one source since it was last looked at. */
export interface PriceRange {
  readonly low: number;
  readonly high: number;
}

const RATIO_ONE = 1_000_000;

/** What a source did since the market's last move; null when it did nothing. */
export function rangeOf({ traded, midDoubled }: Market, source: TriggerSource): PriceRange | null {
  if (source === 'mark_price') return { low: midDoubled, high: midDoubled };
  return traded.high === 0 ? null : { low: traded.low * 2, high: traded.high * 2 };
}

export function priceOf(market: Market, source: TriggerSource): number {
  return source === 'mark_price' ? market.midDoubled : market.lastPrice * 2;
}

/** A plan order waits on whichever side of the price its trigger lies, whatever its sender had in mind. */
export function planDirection(market: Market, source: TriggerSource, triggerPrice: PriceTicks): 'up' | 'down' {
  return triggerPrice * 2 > priceOf(market, source) ? 'up' : 'down';
}

export function tpslDirection(kind: TpslKind, closes: 'long' | 'short'): 'up' | 'down' {
  const isLoss = kind === 'loss_plan' || kind === 'pos_loss';
  return isLoss === (closes === 'long') ? 'down' : 'up';
}

/** Throws when the price is already past the trigger, as the venue does, with a code for each of the four cases. */
export function checkTpslPrice(
  market: Market,
  kind: TpslKind,
  closes: 'long' | 'short',
  source: TriggerSource,
  triggerPrice: PriceTicks,
): void {
  const trigger = triggerPrice * 2;
  const price = priceOf(market, source);
  const direction = tpslDirection(kind, closes);
  if (direction === 'up' ? trigger > price : trigger < price) return;
  // A trailing one may be active from the start.
  if (kind === 'moving_plan') return;
  if (direction === 'up')
    throw closes === 'long' ? refuse.longProfitTooLow() : refuse.shortStopTooLow(market.markPrice);
  throw closes === 'long' ? refuse.longStopTooHigh(market.markPrice) : refuse.shortProfitTooHigh();
}

/** Notes how far the price has come and answers whether the trigger is set off. */
export function isDue(trigger: TriggerRow, range: PriceRange): boolean {
  if (trigger.callbackE6 === null) return isReached(trigger, range);
  if (trigger.bestHalfTicks === null) {
    if (!isReached(trigger, range)) return false;
    trigger.bestHalfTicks = best(trigger.side, range);
    return false;
  }
  trigger.bestHalfTicks = best(trigger.side, {
    low: Math.min(range.low, trigger.bestHalfTicks),
    high: Math.max(range.high, trigger.bestHalfTicks),
  });
  return trigger.side === 'sell'
    ? range.low * RATIO_ONE <= trigger.bestHalfTicks * (RATIO_ONE - trigger.callbackE6)
    : range.high * RATIO_ONE >= trigger.bestHalfTicks * (RATIO_ONE + trigger.callbackE6);
}

function isReached({ direction, triggerPrice }: TriggerRow, { low, high }: PriceRange): boolean {
  return direction === 'up' ? high >= triggerPrice * 2 : low <= triggerPrice * 2;
}

function best(side: Side, { low, high }: PriceRange): number {
  return side === 'sell' ? high : low;
}
