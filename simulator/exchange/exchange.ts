/**
 * The exchange: takes orders, lets the fill model decide, keeps the accounts. Every change is durable before it is
 * answered or pushed: a request or a step of the replay collects what it touched, `commit` writes it, then events go out.
 */
import { applyFill, flatPosition } from '../../core/accounting/position.ts';
import { FillModel, type CancelCause, type Liquidity } from '../../core/fill-model/fill-model.ts';
import { refuseOrder } from '../../core/fill-model/order-check.ts';
import { invariant } from '../../core/invariant.ts';
import type { Instrument } from '../../core/market/instrument.ts';
import {
  addQuote,
  feeOn,
  notional,
  subtractQuote,
  ZERO_QUOTE,
  type PriceTicks,
  type QtyLots,
  type SignedLots,
} from '../../core/money/money.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import type { ReplayPosition } from '../replay/market-replay.ts';
import { Account, createAccountRow } from './account.ts';
import { figuresOf, leverageOf } from './margin.ts';
import type { Market } from './market.ts';
import { refuse } from './refusal.ts';
import { isOpen, type FillRow, type OrderForce, type OrderRow, type StateChange } from './rows.ts';
import type { SavedState, StateStore } from './store.ts';
import type { SimulatedAccount } from '../../core/simulation/options.ts';
import { parseQuote } from '../../core/money/decimal.ts';

export interface OrderRequest {
  readonly symbol: string;
  readonly clientOid: string | null;
  readonly side: Side;
  readonly orderType: 'limit' | 'market';
  readonly force: OrderForce;
  readonly reduceOnly: boolean;
  /** 0 for a market order. */
  readonly price: PriceTicks;
  readonly qty: QtyLots;
}

/** `order` is a copy of the state after the event; `fill` is what led to it, null for creation and cancellation. */
export interface OrderEvent {
  readonly account: Account;
  readonly order: OrderRow;
  readonly fill: FillRow | null;
}

export class Exchange {
  readonly markets: ReadonlyMap<string, Market>;
  readonly accounts = new Map<string, Account>();
  /** Called after each durable change, with what happened in order. */
  onEvents: (events: readonly OrderEvent[]) => void = () => {};
  private readonly store: StateStore;
  private readonly nowMs: () => number;
  private nextId: number;
  private readonly touchedAccounts = new Set<Account>();
  private readonly touchedOrders = new Set<OrderRow>();
  private newFills: FillRow[] = [];
  private events: OrderEvent[] = [];

  constructor(
    markets: readonly Market[],
    accounts: readonly SimulatedAccount[],
    saved: SavedState,
    store: StateStore,
    nowMs: () => number,
  ) {
    this.markets = new Map(markets.map((market) => [market.symbol, market]));
    this.store = store;
    this.nowMs = nowMs;
    this.nextId = saved.nextId;
    for (const { account, balance } of accounts) {
      const row = saved.accounts.get(account) ?? createAccountRow(account, parseQuote(balance));
      this.accounts.set(account, new Account(row));
    }
    // An account that is not configured any more keeps its state; nobody has keys for it.
    for (const row of saved.accounts.values()) {
      if (!this.accounts.has(row.name)) this.accounts.set(row.name, new Account(row));
    }
    for (const order of saved.orders.values()) this.accounts.get(order.account)?.putOrder(order);
    for (const fill of saved.fills) this.accounts.get(fill.account)?.putFill(fill);
    for (const market of markets) market.replay.seek(saved.replay[market.symbol] ?? { lap: 0, lapAtMs: 0 });
    for (const account of this.accounts.values()) this.restoreOpenOrders(account);
    this.saveAll();
  }

  /** Throws `Refusal` when the order is not created. A post-only order that would take is created and cancelled. */
  place(account: Account, request: OrderRequest): OrderRow {
    const market = this.marketOf(request.symbol);
    if (request.clientOid !== null && account.orderByClientOid(request.clientOid) !== undefined) {
      throw refuse.duplicateClientOid();
    }
    this.check(account, market, request);
    const order = this.createOrder(account, request);
    this.note(account, order, null);
    const { id, side, qty, reduceOnly } = order;
    const price = order.orderType === 'market' ? null : order.price;
    const model = this.modelOf(account, market);
    order.liquidity = model.place({ id, side, price, qty, reduceOnly, kind: modelKind(order) });
    this.commit();
    return order;
  }

  /** Throws `Refusal` when there is no such open order. */
  cancel(account: Account, order: OrderRow | undefined): OrderRow {
    if (order === undefined || !isOpen(order)) throw refuse.orderGone();
    this.cancelOpen(account, order);
    this.commit();
    return order;
  }

  /** Cancels every open order of `symbol`, null for all symbols. */
  cancelAll(account: Account, symbol: string | null): OrderRow[] {
    const orders = account.openOf(symbol);
    for (const order of orders) this.cancelOpen(account, order);
    this.commit();
    return orders;
  }

  setLeverage(account: Account, symbol: string, leverage: number): void {
    account.row.leverage[symbol] = leverage;
    this.touchedAccounts.add(account);
    this.commit();
  }

  /** Plays every market forward and saves what it led to. */
  advance(recordedMs: number): void {
    for (const market of this.markets.values()) market.replay.advance(recordedMs);
    if (this.events.length > 0) this.commit();
  }

  marketOf(symbol: string): Market {
    const market = this.markets.get(symbol);
    if (market === undefined) throw refuse.unknownSymbol(symbol);
    return market;
  }

  positionLots(account: Account, symbol: string): SignedLots {
    return account.row.positions[symbol]?.qty ?? (0 as SignedLots);
  }

  /** Writes the whole state as a new snapshot. */
  saveAll(): void {
    const accounts = [...this.accounts.values()];
    this.store.snapshot({
      nextId: this.nextId,
      replay: this.replayPositions(),
      accounts: accounts.map(({ row }) => row),
      orders: accounts.flatMap((account) => [...account.orders]),
      fills: accounts.flatMap(({ fills }) => fills),
    });
  }

  /** Saves how far the replay has come, so that a kill loses at most the time since the last call. */
  saveReplayPositions(): void {
    this.store.append(this.change());
  }

  private restoreOpenOrders(account: Account): void {
    for (const order of account.open.values()) {
      const market = this.markets.get(order.symbol);
      if (market === undefined) continue;
      const { id, side, price, qty, reduceOnly, liquidity } = order;
      const left = (qty - order.filled) as QtyLots;
      this.modelOf(account, market).restore({ id, side, price, qty, reduceOnly, kind: 'limit' }, left, liquidity);
    }
  }

  private check(account: Account, market: Market, request: OrderRequest): void {
    const { book } = market.replay;
    const opposite = request.side === 'buy' ? book.asks : book.bids;
    const price = request.orderType === 'market' ? opposite.best() : request.price;
    if (price <= 0) throw refuse.badParameter('price: the book is empty');
    const { spec } = market.instrument;
    const position = this.positionLots(account, market.symbol);
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
    if (request.reduceOnly) return;
    const closing = position > 0 === (request.side === 'sell') ? Math.min(Math.abs(position), request.qty) : 0;
    const opening = (request.qty - closing) as QtyLots;
    const margin = notional(price, opening, market.instrument) / BigInt(leverageOf(account, market.symbol));
    if (margin > figuresOf(account, this.markets).available) throw refuse.balanceTooSmall();
  }

  private createOrder(account: Account, request: OrderRequest): OrderRow {
    const id = this.nextId++;
    const atMs = this.nowMs();
    return {
      ...request,
      id,
      account: account.name,
      clientOid: request.clientOid ?? String(id),
      leverage: leverageOf(account, request.symbol),
      createdAtMs: atMs,
      updatedAtMs: atMs,
      filled: 0 as QtyLots,
      filledValue: ZERO_QUOTE,
      fee: ZERO_QUOTE,
      realised: ZERO_QUOTE,
      status: 'live',
      liquidity: 'maker',
      cancelReason: '',
    };
  }

  private modelOf(account: Account, market: Market): FillModel {
    const existing = market.models.get(account.name);
    if (existing !== undefined) return existing;
    const sink = {
      onFill: (orderId: number, price: PriceTicks, qty: QtyLots, liquidity: Liquidity) =>
        this.fill(account, market.instrument, orderId, price, qty, liquidity),
      onCancel: (orderId: number, cause: CancelCause) => {
        const order = account.orderById(orderId);
        invariant(order !== undefined, 'the fill model knows only orders that exist');
        this.close(account, order, cause);
      },
    };
    const position = this.positionLots(account, market.symbol);
    const model = new FillModel(market.replay.book, sink, 'queue', position);
    market.models.set(account.name, model);
    return model;
  }

  private fill(
    account: Account,
    instrument: Instrument,
    orderId: number,
    price: PriceTicks,
    qty: QtyLots,
    liquidity: Liquidity,
  ): void {
    const order = account.orderById(orderId);
    invariant(order !== undefined && order.filled + qty <= order.qty, 'a fill never exceeds its order');
    const value = notional(price, qty, instrument);
    const fee = feeOn(value, liquidity === 'maker' ? instrument.makerFeeE6 : instrument.takerFeeE6, 'up');
    const atMs = this.nowMs();
    const position = (account.row.positions[order.symbol] ??= {
      ...flatPosition(),
      openedAtMs: atMs,
      updatedAtMs: atMs,
    });
    if (position.qty === 0) position.openedAtMs = atMs;
    position.updatedAtMs = atMs;
    const realised = applyFill(position, order.side, price, qty, fee, instrument);
    account.row.cash = subtractQuote(addQuote(account.row.cash, realised), fee);
    order.filled = (order.filled + qty) as QtyLots;
    order.filledValue = addQuote(order.filledValue, value);
    order.fee = addQuote(order.fee, fee);
    order.realised = addQuote(order.realised, realised);
    order.status = order.filled === order.qty ? 'filled' : 'partially_filled';
    order.liquidity = liquidity;
    order.updatedAtMs = atMs;
    const { symbol, side, orderType, clientOid } = order;
    const fill: FillRow = {
      id: this.nextId++,
      account: account.name,
      orderId,
      clientOid,
      symbol,
      side,
      orderType,
      price,
      qty,
      value,
      fee,
      realised,
      liquidity,
      atMs,
    };
    account.putFill(fill);
    this.newFills.push(fill);
    this.note(account, order, fill);
  }

  private cancelOpen(account: Account, order: OrderRow): void {
    this.marketOf(order.symbol).models.get(account.name)?.cancel(order.id);
    this.close(account, order, 'normal_cancel');
  }

  private close(account: Account, order: OrderRow, reason: string): void {
    order.status = 'canceled';
    order.cancelReason = reason;
    order.updatedAtMs = this.nowMs();
    this.note(account, order, null);
  }

  private note(account: Account, order: OrderRow, fill: FillRow | null): void {
    account.putOrder(order);
    this.touchedAccounts.add(account);
    this.touchedOrders.add(order);
    this.events.push({ account, order: { ...order }, fill });
  }

  private commit(): void {
    this.store.append(this.change());
    if (this.store.wantsSnapshot) this.saveAll();
    const { events } = this;
    this.events = [];
    if (events.length > 0) this.onEvents(events);
  }

  private change(): StateChange {
    const change: StateChange = {
      nextId: this.nextId,
      replay: this.replayPositions(),
      accounts: [...this.touchedAccounts].map(({ row }) => row),
      orders: [...this.touchedOrders],
      fills: this.newFills,
    };
    this.touchedAccounts.clear();
    this.touchedOrders.clear();
    this.newFills = [];
    return change;
  }

  private replayPositions(): Record<string, ReplayPosition> {
    return Object.fromEntries([...this.markets.values()].map(({ symbol, replay }) => [symbol, replay.position]));
  }
}

function modelKind({ force, orderType }: OrderRow) {
  if (force === 'fok') return 'all_or_nothing';
  if (orderType === 'market' || force === 'ioc') return 'immediate';
  return force === 'post_only' ? 'post_only' : 'limit';
}
