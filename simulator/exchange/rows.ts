/** What the exchange remembers: orders, fills, triggers, bills, accounts. Prices are ticks, quantities lots, amounts 1e-12 USDT. */
import type { Leg, MarginMode, PositionMode } from '../../core/accounting/legs.ts';
import type { Position } from '../../core/accounting/position.ts';
import type { Liquidity } from '../../core/fill-model/fill-model.ts';
import type { PriceTicks, QtyLots, QuoteAmount } from '../../core/money/money.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import type { ReplayPosition } from '../../core/recording/market-replay.ts';

export type OrderStatus = 'live' | 'partially_filled' | 'filled' | 'canceled';
export type OrderForce = 'gtc' | 'post_only' | 'ioc' | 'fok';

/** Who made an order: a request, a trigger of that kind, or the exchange itself. */
export type OrderCause =
  | 'request'
  | 'amend'
  | 'flash_close'
  | TriggerKind
  /** Forced by the exchange because the margin no longer sufficed. */
  | 'liquidation'
  /** Forced by the exchange for its own reasons, as a partial liquidation or deleveraging would. */
  | 'forced_reduce';

/** Stop and take-profit of an order, which become triggers as it fills. Execute price 0 is the market. */
export interface Preset {
  readonly triggerPrice: PriceTicks;
  readonly executePrice: PriceTicks;
}

export interface OrderRow {
  readonly id: number;
  readonly account: string;
  readonly clientOid: string;
  readonly symbol: string;
  readonly leg: Leg;
  /** Direction of the trade itself, also where the wire names the position instead. */
  readonly side: Side;
  readonly orderType: 'limit' | 'market';
  readonly force: OrderForce;
  /** True for every order that closes a leg. */
  readonly reduceOnly: boolean;
  /** 0 for a market order. */
  readonly price: PriceTicks;
  readonly qty: QtyLots;
  readonly leverage: number;
  readonly marginMode: MarginMode;
  readonly cause: OrderCause;
  /** Older reduce-only orders were cancelled to make room for it; the venue's answer then names no order id. */
  readonly madeRoom: boolean;
  takeProfit: Preset | null;
  stopLoss: Preset | null;
  readonly createdAtMs: number;
  updatedAtMs: number;
  filled: QtyLots;
  /** Value of what was filled. */
  filledValue: QuoteAmount;
  /** In USDT, also where another coin paid it. */
  fee: QuoteAmount;
  realised: QuoteAmount;
  status: OrderStatus;
  /** It took what the book showed when it was created, or last changed: all that it fills from then on pays as a taker. */
  crossedAtCreation: boolean;
  cancelReason: string;
}

export interface FillRow {
  readonly id: number;
  readonly account: string;
  readonly orderId: number;
  readonly clientOid: string;
  readonly symbol: string;
  readonly leg: Leg;
  readonly side: Side;
  readonly reduceOnly: boolean;
  readonly orderType: 'limit' | 'market';
  readonly cause: OrderCause;
  readonly price: PriceTicks;
  readonly qty: QtyLots;
  readonly value: QuoteAmount;
  /** In USDT, also where another coin paid it. */
  readonly fee: QuoteAmount;
  /** What was paid in the deduction coin instead of USDT, 1e-12 of that coin; null when USDT paid. */
  readonly deducted: QuoteAmount | null;
  readonly realised: QuoteAmount;
  readonly liquidity: Liquidity;
  readonly atMs: number;
}

export type PlanKind = 'normal_plan' | 'track_plan';
export type TpslKind = 'profit_plan' | 'loss_plan' | 'moving_plan' | 'pos_profit' | 'pos_loss';
export type TriggerKind = PlanKind | TpslKind;

export type TriggerSource = 'fill_price' | 'mark_price';
export type TriggerStatus = 'live' | 'executed' | 'cancelled' | 'fail_execute';

/** An order that waits for a price: a plan order, or a stop or take-profit of a position. */
export interface TriggerRow {
  readonly id: number;
  readonly account: string;
  readonly clientOid: string;
  readonly symbol: string;
  readonly kind: TriggerKind;
  readonly leg: Leg;
  /** Direction of the trade it leads to. */
  readonly side: Side;
  readonly reduceOnly: boolean;
  readonly marginMode: MarginMode;
  readonly force: OrderForce;
  triggerPrice: PriceTicks;
  source: TriggerSource;
  /** Whether the price has to rise or to fall to `triggerPrice`. */
  direction: 'up' | 'down';
  /** 0 is the market. */
  executePrice: PriceTicks;
  /** 0 is the whole position. */
  qty: QtyLots;
  /** Trailing kinds only: how far the price turns back, in millionths of its best; null otherwise. */
  callbackE6: number | null;
  /** Trailing kinds only: the best price since it was set off, in half ticks; null before. */
  bestHalfTicks: number | null;
  takeProfit: Preset | null;
  stopLoss: Preset | null;
  /** The order whose preset it was; null otherwise. */
  readonly parentOrderId: number | null;
  status: TriggerStatus;
  /** The order it became. */
  executeOrderId: number | null;
  readonly createdAtMs: number;
  updatedAtMs: number;
}

/** A position from its opening until it is flat. */
export interface PositionRow extends Position {
  /** Unique over all positions; a position that was closed and opened again has a new one. */
  id: number;
  openedAtMs: number;
  updatedAtMs: number;
  /** Funding received, paid is negative. */
  funding: QuoteAmount;
  /** Margin set aside for an isolated position; 0 when crossed. */
  margin: QuoteAmount;
  openedQty: QtyLots;
  openedValue: QuoteAmount;
  openFees: QuoteAmount;
  closedQty: QtyLots;
  closedValue: QuoteAmount;
}

/** What is left of a position when it is flat. */
export interface ClosedPositionRow extends PositionRow {
  /** Rises in the order in which positions were closed. */
  readonly id: number;
  /** The id it had while it was open. */
  readonly positionId: number;
  readonly account: string;
  readonly symbol: string;
  readonly leg: Leg;
  readonly direction: 'long' | 'short';
  readonly marginMode: MarginMode;
}

/** One booking in USDT: what a fill realised and cost, or a funding settlement. */
export interface BillRow {
  readonly id: number;
  readonly account: string;
  readonly symbol: string;
  readonly businessType: string;
  /** Realised result or funding, before the fee. */
  readonly amount: QuoteAmount;
  /** Negative when it was paid, 0 when another coin paid it. */
  readonly feeBooked: QuoteAmount;
  /** Cash after it. */
  readonly balance: QuoteAmount;
  readonly atMs: number;
}

export interface SettlementRow {
  readonly id: number;
  readonly symbol: string;
  /** Fraction of notional, a decimal. */
  readonly rate: string;
  readonly atMs: number;
}

export interface SymbolSettings {
  readonly marginMode: MarginMode;
  /** Crossed, isolated long and isolated short. */
  readonly leverage: { readonly crossed: number; readonly long: number; readonly short: number };
}

/** Sums since the account began; `checkExchange` compares them with the rows. */
export interface AccountTotals {
  start: QuoteAmount;
  realised: QuoteAmount;
  /** Paid in USDT. */
  fees: QuoteAmount;
  funding: QuoteAmount;
  /** Paid in the deduction coin. */
  deducted: QuoteAmount;
  /** False when older rows are not kept any more, so that sums of rows say nothing. */
  isWhole: boolean;
}

export interface AccountRow {
  readonly name: string;
  /** Start balance, realised results, fees and funding; not the unrealised. */
  cash: QuoteAmount;
  positionMode: PositionMode;
  /** By `positionKey`. */
  readonly positions: Record<string, PositionRow>;
  /** By symbol. */
  readonly settings: Record<string, SymbolSettings>;
  readonly totals: AccountTotals;
}

/** One durable step: whole rows replace older rows of the same id, so that applying it twice changes nothing. */
export interface StateChange {
  readonly nextId: number;
  readonly replay: Record<string, ReplayPosition>;
  readonly accounts: readonly AccountRow[];
  readonly orders: readonly OrderRow[];
  readonly fills: readonly FillRow[];
  readonly triggers: readonly TriggerRow[];
  readonly bills: readonly BillRow[];
  readonly closedPositions: readonly ClosedPositionRow[];
  readonly settlements: readonly SettlementRow[];
}

/** Where a leg's position is kept; the net one under the bare symbol. */
export function positionKey(symbol: string, leg: Leg): string {
  return leg === 'net' ? symbol : `${symbol}/${leg}`;
}

export function parsePositionKey(key: string): { symbol: string; leg: Leg } {
  const [symbol = '', leg] = key.split('/');
  return { symbol, leg: leg === 'long' || leg === 'short' ? leg : 'net' };
}

export function isOpen(order: OrderRow): boolean {
  return order.status === 'live' || order.status === 'partially_filled';
}

export function isTpsl(kind: TriggerKind): kind is TpslKind {
  return kind !== 'normal_plan' && kind !== 'track_plan';
}

/** Covers the position, whatever its size. */
export function coversPosition(kind: TriggerKind): boolean {
  return kind === 'pos_profit' || kind === 'pos_loss';
}
