/**
 * Position modes. One-way: a symbol has one net position. Hedge: it has a long and a short leg side by side, and every
 * order says which leg it opens or closes.
 */
import type { Side } from '../orders/order-intent.ts';

export type PositionMode = 'one_way' | 'hedge';

/** The part of a symbol's position that an order, a fill or a stop belongs to; `net` in one-way mode. */
export type Leg = 'net' | 'long' | 'short';

export type MarginMode = 'crossed' | 'isolated';

/** Whether an order on `side` makes `leg` smaller. In one-way mode the order's own `reduceOnly` says so. */
export function closesLeg(leg: Leg, side: Side): boolean {
  return leg !== 'net' && (leg === 'long') === (side === 'sell');
}
