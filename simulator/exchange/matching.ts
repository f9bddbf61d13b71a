/**
 * Orders against the replayed market: checks them, hands them to the fill model of their leg and books what it decides.
 *
 * Each leg of an account has its own fill model, so a long and a short leg are filled as two accounts would be. In one-way
 * mode and in hedge mode alike an order that closes is reduce-only to the model.
 */
import { closesLeg, type Leg, type MarginMode } from '../../core/accounting/legs.ts';
import { FillModel, type CancelCause, type Liquidity } from '../../core/fill-model/fill-model.ts';
import { refuseOrder } from '../../core/fill-model/order-check.ts';
import { invariant } from '../../core/invariant.ts';
import { addQuote, feeOn, notional, ZERO_QUOTE, type PriceTicks, type QtyLots } from '../../core/money/money.ts';
import { parseQuote } from '../../core/money/decimal.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import type { Account } from './account.ts';
import { bookFill } from './booking.ts';
import type { Changes } from './changes.ts';
import { figuresOf, leverageOf, marginFor, marginOfOrder } from './margin.ts';
import type { Market } from './market.ts';
import { refuse } from './refusal.ts';
import {
  isOpen,
  positionKey,
  type FillRow,
  type OrderCause,
  type OrderForce,
  type OrderRow,
  type Preset,
} from './rows.ts';
import { valueMaxAt } from './tiers.ts';

export interface OrderRequest {
  readonly symbol: string;
  readonly clientOid: string | null;
  /** Direction of the trade: closing a long leg is a sell. */
  readonly side: Side;
  readonly orderType: 'limit' | 'market';
  readonly force: OrderForce;
  /** Asked for in one-way mode; in hedge mode the leg and the side decide. */
  readonly reduceOnly: boolean;
  /** 0 for a market order. */
  readonly price: PriceTicks;
  readonly qty: QtyLots;
  /** Absent is `net`, the only one of one-way mode. */
  readonly leg?: Leg;
  /** Absent is the symbol's own; another one is refused while the symbol is in use, and else becomes the symbol's. */
  readonly marginMode?: MarginMode;
  readonly takeProfit?: Preset | null;
  readonly stopLoss?: Preset | null;
}

/** As the venue states them in its contract list. */
export const SYMBOL_ORDERS_MAX = 200;
export const PRODUCT_ORDERS_MAX = 400;

/** An order with what its request left open filled in. */
type Resolved = Required<OrderRequest>;

export class Matching {
  /** Told after each fill was booked; may place and cancel triggers, but no orders. */
  onFilled: (account: Account, order: OrderRow, fill: FillRow) => void = () => {};
  private readonly markets: ReadonlyMap<string, Market>;
  private readonly changes: Changes;
  private readonly nowMs: () => number;

  constructor(markets: ReadonlyMap<string, Market>, changes: Changes, nowMs: () => number) {
    this.markets = markets;
    this.changes = changes;
    this.nowMs = nowMs;
  }

  marketOf(symbol: string): Market {
    const market = this.markets.get(symbol);
    if (market === undefined) throw refuse.unknownSymbol(symbol);
    return market;
  }

  /** Throws `Refusal` when the order is not created. `replaced` is an open order that gives way to it. */
  request(account: Account, asked: OrderRequest, cause: OrderCause, replaced: OrderRow | null = null): OrderRow {
    const market = this.marketOf(asked.symbol);
    if (asked.clientOid !== null && account.orderByClientOid(asked.clientOid) !== undefined) {
      throw refuse.duplicateClientOid();
    }
    const request = this.resolve(account, asked);
    this.check(account, market, request, replaced);
    if (replaced !== null) this.cancelOpen(account, replaced);
    account.changeSettings(request.symbol, { marginMode: request.marginMode });
    return this.create(account, market, request, cause);
  }

  /** Closes up to `qty` of a leg at market, whatever the balance says. Answers null when there is nothing to close. */
  force(account: Account, symbol: string, leg: Leg, qty: QtyLots, cause: OrderCause): OrderRow | null {
    const held = account.positionLots(symbol, leg);
    if (held === 0 || qty === 0) return null;
    const request: Resolved = {
      symbol,
      clientOid: null,
      side: held > 0 ? 'sell' : 'buy',
      orderType: 'market',
      force: 'gtc',
      reduceOnly: true,
      price: 0 as PriceTicks,
      qty: Math.min(qty, Math.abs(held)) as QtyLots,
      leg,
      marginMode: account.settings(symbol).marginMode,
      takeProfit: null,
      stopLoss: null,
    };
    return this.create(account, this.marketOf(symbol), request, cause);
  }

  /**
   * Changes price and size of an open order in place: it keeps its ids and fills and goes to the back of its queue.
   * Throws `Refusal`; then it stays as it was.
   */
  modify(account: Account, order: OrderRow, price: PriceTicks, qty: QtyLots): void {
    const market = this.marketOf(order.symbol);
    const left = (qty - order.filled) as QtyLots;
    if (left <= 0) throw refuse.amendNotNew();
    this.check(account, market, { ...order, price, qty: left }, order);
    const model = this.modelOf(account, market, order.leg);
    const { id, side, reduceOnly } = order;
    model.cancel(id);
    Object.assign(order, { price, qty, crossedAtCreation: model.crosses({ side, price }), updatedAtMs: this.nowMs() });
    this.changes.order(account, order, null);
    model.place({ id, side, price, qty: left, reduceOnly, kind: modelKind(order) });
  }

  cancelOpen(account: Account, order: OrderRow, reason = 'normal_cancel'): void {
    invariant(isOpen(order), 'only an open order is cancelled');
    this.modelOf(account, this.marketOf(order.symbol), order.leg).cancel(order.id);
    this.close(account, order, reason);
  }

  /** Puts the account's open orders back into the models after a restart, each at the back of its queue. */
  restore(account: Account): void {
    for (const order of account.open.values()) {
      const market = this.markets.get(order.symbol);
      if (market === undefined) continue;
      const { id, side, price, qty, reduceOnly, crossedAtCreation, leg } = order;
      const left = (qty - order.filled) as QtyLots;
      const liquidity = crossedAtCreation ? 'taker' : 'maker';
      this.modelOf(account, market, leg).restore({ id, side, price, qty, reduceOnly, kind: 'limit' }, left, liquidity);
    }
  }

  private resolve(account: Account, asked: OrderRequest): Resolved {
    const leg = asked.leg ?? 'net';
    if ((leg === 'net') !== (account.row.positionMode === 'one_way')) throw refuse.wrongPositionMode();
    const { marginMode: current } = account.settings(asked.symbol);
    const marginMode = asked.marginMode ?? current;
    if (marginMode !== current && account.isBusy(asked.symbol)) throw refuse.busy();
    return {
      ...asked,
      leg,
      marginMode,
      reduceOnly: leg === 'net' ? asked.reduceOnly : closesLeg(leg, asked.side),
      takeProfit: asked.takeProfit ?? null,
      stopLoss: asked.stopLoss ?? null,
    };
  }

  private check(account: Account, market: Market, request: Resolved, replaced: OrderRow | null): void {
    const { book } = market.replay;
    const opposite = request.side === 'buy' ? book.asks : book.bids;
    const price = request.orderType === 'market' ? opposite.best() : request.price;
    if (price <= 0) throw refuse.badParameter('price: the book is empty');
    const { spec } = market.instrument;
    const position = account.positionLots(market.symbol, request.leg);
    const refusal = refuseOrder({ ...request, price }, market.instrument, position);
    switch (refusal?.code) {
      case 'nothing_to_reduce':
        throw refuse.nothingToReduce();
      case 'qty_below_min':
        throw refuse.qtyTooSmall(spec.qtyMin);
      case 'notional_below_min':
        throw refuse.notionalTooSmall(spec.notionalMin);
      case undefined:
        break;
    }
    const replacing = replaced === null ? 0 : 1;
    if (account.openOf(market.symbol).length - replacing >= SYMBOL_ORDERS_MAX) {
      throw refuse.tooManyOrders(SYMBOL_ORDERS_MAX);
    }
    if (account.open.size - replacing >= PRODUCT_ORDERS_MAX) throw refuse.tooManyOrders(PRODUCT_ORDERS_MAX);
    if (request.reduceOnly) this.checkClose(account, request, Math.abs(position), replaced);
    else this.checkOpen(account, market, request, price, replaced);
  }

  /** In hedge mode a limit order may not close more than others leave; a market order pushes them aside. */
  private checkClose(account: Account, request: Resolved, held: number, replaced: OrderRow | null): void {
    if (request.leg === 'net' || request.orderType === 'market') return;
    const taken = lotsLeft(account.closersOf(request.symbol, request.leg).filter((order) => order !== replaced));
    if (taken + request.qty > held) throw refuse.closesTooMuch();
  }

  private checkOpen(
    account: Account,
    market: Market,
    request: Resolved,
    price: PriceTicks,
    replaced: OrderRow | null,
  ): void {
    const position = account.positionLots(market.symbol, request.leg);
    const closing = position > 0 === (request.side === 'sell') ? Math.min(Math.abs(position), request.qty) : 0;
    const opening = (request.qty - closing) as QtyLots;
    const isLong = request.side === 'buy';
    const leverage = leverageOf(account, market.symbol, isLong ? 'long' : 'short');
    const held = closing > 0 ? Math.abs(position) - closing : Math.abs(position);
    const valueAfter = notional(price, (held + opening) as QtyLots, market.instrument);
    if (valueAfter > valueMaxAt(market.terms.tiers, leverage)) throw refuse.aboveTier();
    const freed = replaced === null ? 0n : marginOfOrder(replaced, market.instrument);
    const { available } = figuresOf(account, this.markets);
    if (marginFor(price, opening, leverage, market.instrument) > available + freed) throw refuse.balanceTooSmall();
  }

  private create(account: Account, market: Market, request: Resolved, cause: OrderCause): OrderRow {
    const madeRoom = this.makeRoom(account, request);
    const id = this.changes.takeId();
    const atMs = this.nowMs();
    const price = request.orderType === 'market' ? null : request.price;
    const model = this.modelOf(account, market, request.leg);
    const order: OrderRow = {
      ...request,
      id,
      account: account.name,
      clientOid: request.clientOid ?? String(id),
      leverage: leverageOf(account, request.symbol, positionDirection(request)),
      cause,
      madeRoom: madeRoom && request.leg === 'net',
      createdAtMs: atMs,
      updatedAtMs: atMs,
      filled: 0 as QtyLots,
      filledValue: ZERO_QUOTE,
      fee: ZERO_QUOTE,
      realised: ZERO_QUOTE,
      status: 'live',
      crossedAtCreation: model.crosses({ side: request.side, price }),
      cancelReason: '',
    };
    this.changes.order(account, order, null);
    const { side, qty, reduceOnly } = order;
    model.place({ id, side, price, qty, reduceOnly, kind: modelKind(order) });
    return order;
  }

  /** Cancels older reduce-only orders, oldest first, until they and the new one fit into the position. */
  private makeRoom(account: Account, { symbol, leg, side, qty, reduceOnly }: Resolved): boolean {
    if (!reduceOnly) return false;
    const older = account.closersOf(symbol, leg).filter((order) => order.side === side);
    const held = Math.abs(account.positionLots(symbol, leg));
    let taken = lotsLeft(older);
    let madeRoom = false;
    for (const order of older) {
      if (taken + qty <= held) break;
      taken -= order.qty - order.filled;
      madeRoom = true;
      this.cancelOpen(account, order);
    }
    return madeRoom;
  }

  modelOf(account: Account, market: Market, leg: Leg): FillModel {
    const key = positionKey(account.name, leg);
    const existing = market.models.get(key);
    if (existing !== undefined) return existing;
    const orderOf = (orderId: number): OrderRow => {
      const order = account.orderById(orderId);
      invariant(order !== undefined, 'the fill model knows only orders that exist');
      return order;
    };
    const sink = {
      onFill: (orderId: number, price: PriceTicks, qty: QtyLots, liquidity: Liquidity) =>
        this.fill(account, market, orderOf(orderId), price, qty, liquidity),
      onCancel: (orderId: number, cause: CancelCause) => this.close(account, orderOf(orderId), cause),
    };
    const model = new FillModel(market.replay.book, sink, 'queue', account.positionLots(market.symbol, leg));
    market.models.set(key, model);
    return model;
  }

  private fill(
    account: Account,
    market: Market,
    order: OrderRow,
    price: PriceTicks,
    qty: QtyLots,
    liquidity: Liquidity,
  ): void {
    invariant(order.filled + qty <= order.qty, 'a fill never exceeds its order');
    const { instrument } = market;
    const value = notional(price, qty, instrument);
    const fee = feeOn(value, liquidity === 'maker' ? instrument.makerFeeE6 : instrument.takerFeeE6, 'up');
    const atMs = this.nowMs();
    const deducted = deductedFee(account, fee);
    const realised = bookFill(account, market, order, { price, qty, fee, deducted, atMs }, this.changes);
    order.filled = (order.filled + qty) as QtyLots;
    order.filledValue = addQuote(order.filledValue, value);
    order.fee = addQuote(order.fee, fee);
    order.realised = addQuote(order.realised, realised);
    order.status = order.filled === order.qty ? 'filled' : 'partially_filled';
    order.updatedAtMs = atMs;
    const { symbol, leg, side, reduceOnly, orderType, clientOid, cause, id: orderId } = order;
    const fill: FillRow = {
      id: this.changes.takeId(),
      account: account.name,
      orderId,
      clientOid,
      symbol,
      leg,
      side,
      reduceOnly,
      orderType,
      cause,
      price,
      qty,
      value,
      fee,
      deducted,
      realised,
      liquidity,
      atMs,
    };
    this.changes.order(account, order, fill);
    this.onFilled(account, order, fill);
  }

  private close(account: Account, order: OrderRow, reason: string): void {
    order.status = 'canceled';
    order.cancelReason = reason;
    order.updatedAtMs = this.nowMs();
    this.changes.order(account, order, null);
  }
}

/** The fee in the deduction coin, rounded up; null when the account pays in USDT. No discount is applied. */
function deductedFee({ profile }: Account, fee: bigint): FillRow['deducted'] {
  const price = profile?.deductionPrice ?? null;
  if (price === null) return null;
  const priceE12 = parseQuote(price);
  return ((fee * 1_000_000_000_000n + priceE12 - 1n) / priceE12) as FillRow['deducted'];
}

function lotsLeft(orders: readonly OrderRow[]): number {
  return orders.reduce((sum, { qty, filled }) => sum + qty - filled, 0);
}

/** The direction of the position that an order opens or closes. */
function positionDirection({ leg, side, reduceOnly }: Resolved): 'long' | 'short' {
  if (leg !== 'net') return leg;
  return (side === 'buy') === reduceOnly ? 'short' : 'long';
}

function modelKind({ force, orderType }: OrderRow): 'limit' | 'post_only' | 'immediate' | 'all_or_nothing' {
  if (orderType === 'market') return 'immediate';
  switch (force) {
    case 'gtc':
      return 'limit';
    case 'post_only':
      return 'post_only';
    case 'ioc':
      return 'immediate';
    case 'fok':
      return 'all_or_nothing';
  }
}
