/** What the exchange remembers: orders, fills, accounts. Prices are ticks, quantities lots, amounts 1e-12 USDT. */
import type { Position } from '../../core/accounting/position.ts';
import type { Liquidity } from '../../core/fill-model/fill-model.ts';
import type { PriceTicks, QtyLots, QuoteAmount } from '../../core/money/money.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import type { ReplayPosition } from '../replay/market-replay.ts';

export type OrderStatus = 'live' | 'partially_filled' | 'filled' | 'canceled';
export type OrderForce = 'gtc' | 'post_only' | 'ioc' | 'fok';

export interface OrderRow {
  readonly id: number;
  readonly account: string;
  readonly clientOid: string;
  readonly symbol: string;
  readonly side: Side;
  readonly orderType: 'limit' | 'market';
  readonly force: OrderForce;
  readonly reduceOnly: boolean;
  /** 0 for a market order. */
  readonly price: PriceTicks;
  readonly qty: QtyLots;
  readonly leverage: number;
  readonly createdAtMs: number;
  updatedAtMs: number;
  filled: QtyLots;
  /** Value of what was filled. */
  filledValue: QuoteAmount;
  fee: QuoteAmount;
  realised: QuoteAmount;
  status: OrderStatus;
  /** Decided when the order was created. */
  liquidity: Liquidity;
  cancelReason: string;
}

export interface FillRow {
  readonly id: number;
  readonly account: string;
  readonly orderId: number;
  readonly clientOid: string;
  readonly symbol: string;
  readonly side: Side;
  readonly orderType: 'limit' | 'market';
  readonly price: PriceTicks;
  readonly qty: QtyLots;
  readonly value: QuoteAmount;
  readonly fee: QuoteAmount;
  readonly realised: QuoteAmount;
  readonly liquidity: Liquidity;
  readonly atMs: number;
}

export interface PositionRow extends Position {
  openedAtMs: number;
  updatedAtMs: number;
}

export interface AccountRow {
  readonly name: string;
  /** Start balance, realised results and fees; not the unrealised. */
  cash: QuoteAmount;
  readonly positions: Record<string, PositionRow>;
  readonly leverage: Record<string, number>;
}

/** One durable step: whole rows replace older rows of the same id, so that applying it twice changes nothing. */
export interface StateChange {
  readonly nextId: number;
  readonly replay: Record<string, ReplayPosition>;
  readonly accounts: readonly AccountRow[];
  readonly orders: readonly OrderRow[];
  readonly fills: readonly FillRow[];
}

export function isOpen(order: OrderRow): boolean {
  return order.status === 'live' || order.status === 'partially_filled';
}
