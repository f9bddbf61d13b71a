/** One position at average cost, exact: what fills add up to. */
import { invariant } from '../invariant.ts';
import {
  notional,
  type PriceTicks,
  type QtyLots,
  type QuoteAmount,
  type SignedLots,
  type TickLotValue,
  ZERO_QUOTE,
} from '../money/money.ts';
import type { Side } from '../orders/order-intent.ts';

export interface Position {
  /** Long is positive. */
  qty: SignedLots;
  /** Value paid for what is held, unsigned. */
  cost: QuoteAmount;
  /** Profit of closed quantity, before fees. */
  realised: QuoteAmount;
  /** Fees paid; rebates reduce it. */
  fees: QuoteAmount;
}

export function flatPosition(): Position {
  return { qty: 0 as SignedLots, cost: ZERO_QUOTE, realised: ZERO_QUOTE, fees: ZERO_QUOTE };
}

export function signedQty(side: Side, qty: QtyLots): SignedLots {
  return (side === 'buy' ? qty : 0 - qty) as SignedLots;
}

/**
 * Folds one fill and returns what it realised before its fee. The cost of a partly closed position is split by quantity,
 * the truncated part leaving: what remains is the exact rest, so cost, realised and cash always add up.
 */
export function applyFill(
  position: Position,
  side: Side,
  price: PriceTicks,
  qty: QtyLots,
  fee: QuoteAmount,
  value: TickLotValue,
): QuoteAmount {
  invariant(qty > 0, 'a fill has a quantity');
  position.fees = (position.fees + fee) as QuoteAmount;
  const held = Math.abs(position.qty);
  const isReducing = position.qty !== 0 && position.qty > 0 !== (side === 'buy');
  const closing = isReducing ? Math.min(held, qty) : 0;
  let realised = ZERO_QUOTE;
  if (closing > 0) {
    const costOut = ((position.cost * BigInt(closing)) / BigInt(held)) as QuoteAmount;
    const proceeds = notional(price, closing as QtyLots, value);
    realised = (position.qty > 0 ? proceeds - costOut : costOut - proceeds) as QuoteAmount;
    position.cost = (position.cost - costOut) as QuoteAmount;
    position.realised = (position.realised + realised) as QuoteAmount;
  }
  const opening = (qty - closing) as QtyLots;
  if (opening > 0) position.cost = (position.cost + notional(price, opening, value)) as QuoteAmount;
  position.qty = (position.qty + signedQty(side, qty)) as SignedLots;
  invariant(position.qty !== 0 || position.cost === ZERO_QUOTE, 'a flat position has no cost');
  return realised;
}

/** Profit of what is held at `price`, which may lie between two ticks (a mid): statistics, in USDT. */
export function unrealisedAt(position: Position, priceTicks: number, quotePerTickLot: number): number {
  if (position.qty === 0) return 0;
  const worth = position.qty * priceTicks * quotePerTickLot;
  const cost = Number(position.cost) / 1e12;
  return position.qty > 0 ? worth - cost : worth + cost;
}
