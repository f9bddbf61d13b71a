/** What the venue refuses before an order exists: minimum size, minimum notional, nothing to reduce. */
import type { Instrument } from '../market/instrument.ts';
import { notional, type PriceTicks, type QtyLots, type QuoteAmount, type SignedLots } from '../money/money.ts';
import type { Side } from '../orders/order-intent.ts';

export type OrderRefusal =
  | { code: 'qty_below_min'; qty: QtyLots; qtyMin: QtyLots }
  | { code: 'notional_below_min'; notional: QuoteAmount; notionalMin: QuoteAmount }
  | { code: 'nothing_to_reduce'; position: SignedLots };

export interface CheckedOrder {
  readonly side: Side;
  /** The limit, or for a market order the best opposite price. */
  readonly price: PriceTicks;
  readonly qty: QtyLots;
  readonly reduceOnly: boolean;
}

/** Null when the order may be created. Reduce-only orders may be small, so that a remainder can always be closed. */
export function refuseOrder(order: CheckedOrder, instrument: Instrument, position: SignedLots): OrderRefusal | null {
  if (order.reduceOnly && (order.side === 'buy' ? position >= 0 : position <= 0)) {
    return { code: 'nothing_to_reduce', position };
  }
  if (order.qty < instrument.qtyMinLots) {
    return { code: 'qty_below_min', qty: order.qty, qtyMin: instrument.qtyMinLots };
  }
  const value = notional(order.price, order.qty, instrument);
  if (!order.reduceOnly && value < instrument.notionalMinE12) {
    return { code: 'notional_below_min', notional: value, notionalMin: instrument.notionalMinE12 };
  }
  return null;
}
