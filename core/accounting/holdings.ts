/** All that a bot holds in its symbol: one net position, or a long and a short leg side by side. */
import type { QtyLots, QuoteAmount, SignedLots } from '../money/money.ts';
import type { Side } from '../orders/order-intent.ts';
import type { Leg, PositionMode } from './legs.ts';
import { flatPosition, unrealisedAt, type Position } from './position.ts';

/** In one-way mode only `net` is used, in hedge mode only `long` (never below zero) and `short` (never above it). */
export interface Holdings {
  readonly net: Position;
  readonly long: Position;
  readonly short: Position;
}

export const LEGS: readonly Leg[] = ['net', 'long', 'short'];
const LEGS_OF_MODE: Readonly<Record<PositionMode, readonly Leg[]>> = { one_way: ['net'], hedge: ['long', 'short'] };

export function flatHoldings(): Holdings {
  return { net: flatPosition(), long: flatPosition(), short: flatPosition() };
}

/** The legs that an account in `mode` can have. */
export function legsOf(mode: PositionMode): readonly Leg[] {
  return LEGS_OF_MODE[mode];
}

/** What the price moves: all legs added up. */
export function netLots({ net, long, short }: Holdings): SignedLots {
  return (net.qty + long.qty + short.qty) as SignedLots;
}

export function isFlat({ net, long, short }: Holdings): boolean {
  return net.qty === 0 && long.qty === 0 && short.qty === 0;
}

/**
 * Lots that orders on `side` may close while nothing may be opened: the leg they close, unless it is the smaller one. So what
 * is held in both legs together falls with every fill, legs that net to nothing are closed too, by both sides, and the net
 * never strays further than one side's orders.
 */
export function closableLots({ net, long, short }: Holdings, side: Side): number {
  const longLots = Math.max(0, net.qty) + Math.max(0, long.qty);
  const shortLots = Math.max(0, 0 - net.qty) + Math.max(0, 0 - short.qty);
  if (side === 'buy') return shortLots >= longLots ? shortLots : 0;
  return longLots >= shortLots ? longLots : 0;
}

/** Before fees. */
export function realisedOf({ net, long, short }: Holdings): QuoteAmount {
  return (net.realised + long.realised + short.realised) as QuoteAmount;
}

export function feesOf({ net, long, short }: Holdings): QuoteAmount {
  return (net.fees + long.fees + short.fees) as QuoteAmount;
}

/** Profit of all legs at `priceTicks`: statistics, in USDT. */
export function unrealisedOf({ net, long, short }: Holdings, priceTicks: number, quotePerTickLot: number): number {
  return (
    unrealisedAt(net, priceTicks, quotePerTickLot) +
    unrealisedAt(long, priceTicks, quotePerTickLot) +
    unrealisedAt(short, priceTicks, quotePerTickLot)
  );
}

/** Which leg a quote on `side` works on, and how much of it closes something. */
export interface LegChoice {
  readonly leg: Leg;
  readonly reduceOnly: boolean;
  readonly qty: QtyLots;
}

/**
 * In hedge mode a buy either closes some of the short leg or adds to the long one, and a sell the other way round. The
 * opposite leg is kept at `hedgeInventoryRatio` of the leg that would grow: 0 always closes first, which is one-way mode
 * in two parts; 1 closes nothing before both legs are equal. An excess too small to be an order of its own is left, and what
 * other orders (`closingLots`) are closing already is no excess any more.
 */
export function chooseLeg(
  holdings: Holdings,
  mode: PositionMode,
  side: Side,
  qty: QtyLots,
  hedgeInventoryRatio: number,
  qtyMinLots: QtyLots,
  closingLots = 0,
): LegChoice {
  if (mode === 'one_way') return { leg: 'net', reduceOnly: false, qty };
  const growing = side === 'buy' ? Math.max(0, holdings.long.qty) : Math.max(0, 0 - holdings.short.qty);
  const opposite = side === 'buy' ? Math.max(0, 0 - holdings.short.qty) : Math.max(0, holdings.long.qty);
  const excess = opposite - closingLots - Math.floor(growing * hedgeInventoryRatio);
  if (excess < qtyMinLots) return { leg: side === 'buy' ? 'long' : 'short', reduceOnly: false, qty };
  return { leg: side === 'buy' ? 'short' : 'long', reduceOnly: true, qty: Math.min(qty, excess) as QtyLots };
}
