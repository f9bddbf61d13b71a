/**
 * A paper account: the venue's market goes in, our orders go in, fills come out. The fill model is the simulator's; the
 * market it reads is live. There is no clock here and nothing is stored: every input carries its time, `take` hands out
 * what changed for the shell to make durable, and what is to be told about it.
 *
 *   market feed  down --book--> live --interruption--> down
 *
 * Nothing fills while a feed is down, and nothing that happened meanwhile is made up afterwards. An order whose price the
 * market went through and stayed fills when the feed returns, at its own price; one that the market touched and left again
 * does not, and all others go to the back of their queues. Over an interruption paper can therefore only say less than a
 * venue would have: figures of such a time are a lower bound of what filled, and no bound of what it cost.
 */
import { isFlat, LEGS } from '../accounting/holdings.ts';
import { applyFill } from '../accounting/position.ts';
import type { Leg, MarginMode, PositionMode } from '../accounting/legs.ts';
import type { CancelCause, FillGrade, Liquidity } from '../fill-model/fill-model.ts';
import { invariant } from '../invariant.ts';
import type { BookFrame } from '../market/book.ts';
import { createInstrument, type Instrument } from '../market/instrument.ts';
import { feeOn, notional, type PriceTicks, type QtyLots, type QuoteAmount } from '../money/money.ts';
import type { OrderIntent, Side } from '../orders/order-intent.ts';
import { BookKeeping } from './book-keeping.ts';
import { isReached, no, refuseIntent, refuseStop, type CheckFacts, type PaperNo, type PaperStopRequest } from './checks.ts'; // prettier-ignore
import { figuresOf, type PaperFigures } from './figures.ts';
import { paymentsOf } from './funding.ts';
import { PaperMarket } from './paper-market.ts';
import type { FundingDue, PaperChange, PaperFill, PaperOrder, PaperStop, PaperSymbol } from './rows.ts';

export type PaperAnswer = { answer: 'yes'; id: number } | { answer: 'duplicate' } | PaperNo;

/** Rows are copies of the state after the event. */
export type PaperEvent =
  | { type: 'order'; order: PaperOrder }
  | { type: 'fill'; fill: PaperFill }
  | { type: 'position'; symbol: string; leg: Leg };

const LEVERAGE_MAX = 125;

export class PaperExchange {
  readonly books: BookKeeping;
  private readonly grade: FillGrade;
  private readonly markets = new Map<string, PaperMarket>();
  private events: PaperEvent[] = [];
  /** Time of the input under way. */
  private atMs = 0;

  constructor(grade: FillGrade, openingBalance: QuoteAmount, saved: Iterable<PaperChange> = [], firstId = 1) {
    this.grade = grade;
    this.books = new BookKeeping(openingBalance, saved, firstId);
    for (const { spec } of this.books.symbols.values()) this.learn(createInstrument(spec));
    for (const order of this.books.openOrders.values()) {
      const left = (order.qty - order.filled) as QtyLots;
      const { id, side, leg, price, qty, reduceOnly, crossedAtCreation } = order;
      const terms = { id, side, leg, price, qty, reduceOnly, kind: 'limit' } as const;
      this.marketOf(order.symbol).model.restore(terms, left, crossedAtCreation ? 'taker' : 'maker');
    }
  }

  /** What changed and what is to be told since the last call; null when nothing happened. */
  take(): { change: PaperChange | null; events: readonly PaperEvent[] } | null {
    const change = this.books.take();
    const { events } = this;
    if (change === null && events.length === 0) return null;
    this.events = [];
    return { change, events };
  }

  /** Symbols that something depends on: a feed is needed for them whether anybody listens or not. */
  activeSymbols(): string[] {
    return [...this.books.symbols.keys()].filter((symbol) => this.isActive(symbol));
  }

  market(symbol: string): PaperMarket | undefined {
    return this.markets.get(symbol);
  }

  /** Needed before anything else about its symbol. */
  learn(instrument: Instrument): void {
    this.books.learn(instrument.spec);
    const known = this.markets.get(instrument.symbol);
    if (known !== undefined) {
      known.instrument = instrument;
      return;
    }
    const sink = {
      onFill: (id: number, price: PriceTicks, qty: QtyLots, liquidity: Liquidity) =>
        this.fill(id, price, qty, liquidity),
      onCancel: (id: number, _cause: CancelCause) => this.closeById(id),
    };
    const { holdings } = this.rowOf(instrument.symbol);
    this.markets.set(instrument.symbol, new PaperMarket(instrument, sink, this.grade, holdings));
  }

  // The market.

  interrupt(symbol: string): void {
    this.marketOf(symbol).interrupt();
  }

  applyBook(symbol: string, frame: BookFrame, atMs: number): void {
    this.atMs = atMs;
    const market = this.marketOf(symbol);
    this.settleFunding(symbol, frame.venueAtMs);
    market.applyBook(frame);
    this.fireStops(symbol, market);
  }

  applyTrade(symbol: string, takerSide: Side, price: PriceTicks, qty: QtyLots, venueAtMs: number, atMs: number): void {
    this.atMs = atMs;
    const market = this.marketOf(symbol);
    this.settleFunding(symbol, venueAtMs);
    market.applyTrade(takerSide, price, qty, venueAtMs);
    this.fireStops(symbol, market);
  }

  applyPrices(symbol: string, lastPrice: string, markPrice: string | null, venueAtMs: number, atMs: number): void {
    this.atMs = atMs;
    const market = this.marketOf(symbol);
    this.settleFunding(symbol, venueAtMs);
    market.applyPrices(lastPrice, markPrice);
    this.fireStops(symbol, market);
  }

  /** The rate that the next settlement will have, as told at `venueAtMs`. */
  applyFunding(symbol: string, due: FundingDue, venueAtMs: number, atMs: number): void {
    this.atMs = atMs;
    this.settleFunding(symbol, venueAtMs);
    const row = this.rowOf(symbol);
    if (due.atMs <= row.fundedAtMs) return;
    const isNews = row.fundingDue?.rate !== due.rate || row.fundingDue.atMs !== due.atMs;
    row.fundingDue = due;
    // Without a position it decides nothing, and is told again after a restart.
    if (isNews && !isFlat(row.holdings)) this.books.putSymbol(row);
  }

  /**
   * For a feed that shows every level: before each of its frames. The caller then changes the market's book, tells its
   * model each change, and has the stops looked at when the price has reached one.
   */
  moveTo(symbol: string, atMs: number): void {
    this.atMs = atMs;
    this.settleFunding(symbol, atMs);
  }

  lookAtStops(symbol: string): void {
    this.fireStops(symbol, this.marketOf(symbol));
  }

  // Orders.

  place(intent: OrderIntent, atMs: number): PaperAnswer {
    this.atMs = atMs;
    if (this.knows(intent.clientOrderId)) return { answer: 'duplicate' };
    return refuseIntent(intent, null, this.factsOf(intent.symbol)) ?? this.create(intent);
  }

  /** The order is replaced: it goes to the back of its queue under its new id, with `to.qty` open. */
  amend(clientOrderId: string, to: OrderIntent, atMs: number): PaperAnswer {
    this.atMs = atMs;
    const order = this.books.orderByClientId(clientOrderId);
    if (to.clientOrderId !== clientOrderId && this.knows(to.clientOrderId)) return { answer: 'duplicate' };
    if (order === undefined || order.status !== 'open' || order.symbol !== to.symbol) {
      return no('order_gone', `${clientOrderId} is not open in ${to.symbol}`);
    }
    const refusal = refuseIntent(to, order, this.factsOf(to.symbol));
    if (refusal !== null) return refusal;
    this.cancelOpen(order);
    return this.create(to);
  }

  /** False when it is not open. */
  cancel(symbol: string, clientOrderId: string, atMs: number): boolean {
    this.atMs = atMs;
    const order = this.books.orderByClientId(clientOrderId);
    if (order === undefined || order.status !== 'open' || order.symbol !== symbol) return false;
    this.cancelOpen(order);
    return true;
  }

  /** How many were open. Null is every symbol. */
  cancelAll(symbol: string | null, families: { orders: boolean; stops: boolean }, atMs: number): number {
    this.atMs = atMs;
    const orders = families.orders ? this.books.ordersOf(symbol) : [];
    const stops = families.stops ? this.books.stopsOf(symbol) : [];
    orders.forEach((order) => this.cancelOpen(order));
    stops.forEach((stop) => this.endStop(stop, 'cancelled'));
    return orders.length + stops.length;
  }

  placeStop(request: PaperStopRequest, atMs: number): PaperAnswer {
    this.atMs = atMs;
    if (this.knows(request.clientOrderId)) return { answer: 'duplicate' };
    const refusal = refuseStop(request, this.factsOf(request.symbol));
    if (refusal !== null) return refusal;
    return this.putStop(this.books.newId(), request);
  }

  /** In place: there is no moment without a stop, and a refused change leaves the old one. */
  replaceStop(clientOrderId: string, request: PaperStopRequest, atMs: number): PaperAnswer {
    this.atMs = atMs;
    const before = this.books.stopByClientId(clientOrderId);
    if (request.clientOrderId !== clientOrderId && this.knows(request.clientOrderId)) return { answer: 'duplicate' };
    if (before === undefined || before.status !== 'waiting' || before.symbol !== request.symbol) {
      return no('order_gone', `stop ${clientOrderId} does not wait in ${request.symbol}`);
    }
    return refuseStop(request, this.factsOf(request.symbol)) ?? this.putStop(before.id, request);
  }

  cancelStop(symbol: string, clientOrderId: string): boolean {
    const stop = this.books.stopByClientId(clientOrderId);
    if (stop === undefined || stop.status !== 'waiting' || stop.symbol !== symbol) return false;
    this.endStop(stop, 'cancelled');
    return true;
  }

  // Settings: refused while orders or positions are open, as venues do.

  setLeverage(symbol: string, leverage: number): PaperNo | null {
    if (!Number.isSafeInteger(leverage) || leverage < 1 || leverage > LEVERAGE_MAX) {
      return no('leverage_out_of_range', `expected a whole number from 1 to ${LEVERAGE_MAX}, was ${leverage}`);
    }
    return this.changeSymbol(symbol, (row) => (row.leverage = leverage));
  }

  setMarginMode(symbol: string, mode: MarginMode): PaperNo | null {
    return this.changeSymbol(symbol, (row) => (row.marginMode = mode));
  }

  setPositionMode(mode: PositionMode): PaperNo | null {
    const { account } = this.books;
    if (account.positionMode === mode) return null;
    const active = this.activeSymbols();
    if (active.length > 0) return no('orders_or_positions_open', `in ${active.join(', ')}`);
    account.positionMode = mode;
    this.books.putAccount();
    return null;
  }

  /** Null while something is held whose price is not known. */
  figures(): PaperFigures | null {
    const { account, symbols, openOrders } = this.books;
    return figuresOf(account.cash, symbols.values(), openOrders.values(), (symbol) => this.markets.get(symbol));
  }

  rowOf(symbol: string): PaperSymbol {
    const row = this.books.symbol(symbol);
    invariant(row !== undefined, 'an instrument is learned before it is used');
    return row;
  }

  private marketOf(symbol: string): PaperMarket {
    const market = this.markets.get(symbol);
    invariant(market !== undefined, 'an instrument is learned before it is used');
    return market;
  }

  private knows(clientOrderId: string): boolean {
    return (
      this.books.orderByClientId(clientOrderId) !== undefined || this.books.stopByClientId(clientOrderId) !== undefined
    );
  }

  private isActive(symbol: string): boolean {
    const { holdings } = this.rowOf(symbol);
    return !isFlat(holdings) || this.books.ordersOf(symbol).length > 0 || this.books.stopsOf(symbol).length > 0;
  }

  private changeSymbol(symbol: string, change: (row: PaperSymbol) => void): PaperNo | null {
    if (this.isActive(symbol)) return no('orders_or_positions_open', `in ${symbol}`);
    const row = this.rowOf(symbol);
    change(row);
    this.books.putSymbol(row);
    return null;
  }

  private factsOf(symbol: string): CheckFacts {
    const row = this.rowOf(symbol);
    const { positionMode } = this.books.account;
    return { atMs: this.atMs, positionMode, market: this.marketOf(symbol), row, figures: () => this.figures() };
  }

  private create(intent: OrderIntent): PaperAnswer {
    const { clientOrderId, symbol, side, leg, price, qty, kind, reduceOnly } = intent;
    const market = this.marketOf(symbol);
    const crossedAtCreation = market.model.crosses(intent);
    const order = this.newOrder({ clientOrderId, symbol, side, leg, price, qty, kind, reduceOnly, crossedAtCreation });
    market.accept();
    this.note(order);
    market.model.place({ id: order.id, side, leg, price, qty, kind, reduceOnly });
    this.dropIdleStops(symbol);
    return { answer: 'yes', id: order.id };
  }

  private newOrder(terms: Omit<PaperOrder, 'id' | 'filled' | 'status' | 'updatedAtMs'>): PaperOrder {
    return { ...terms, id: this.books.newId(), filled: 0 as QtyLots, status: 'open', updatedAtMs: this.atMs };
  }

  private putStop(id: number, request: PaperStopRequest): PaperAnswer {
    const { isLong, ...terms } = request;
    this.books.putStop({ ...terms, id, side: isLong ? 'sell' : 'buy', status: 'waiting' });
    return { answer: 'yes', id };
  }

  /** A stop sends what the book takes at once, and stays until its leg is flat. */
  private fireStops(symbol: string, market: PaperMarket): void {
    if (!market.isLive || this.books.waitingStops.size === 0) return;
    this.dropIdleStops(symbol);
    for (const stop of this.books.stopsOf(symbol)) {
      const { side, leg, triggerPrice: price } = stop;
      const qty = Math.abs(this.rowOf(symbol).holdings[leg].qty) as QtyLots;
      const opposite = side === 'buy' ? market.book.asks : market.book.bids;
      if (qty === 0 || opposite.count === 0 || !isReached(stop, market)) continue;
      const what = { clientOrderId: null, kind: 'stop', reduceOnly: true, crossedAtCreation: true } as const;
      const order = this.newOrder({ ...what, symbol, side, leg, price, qty });
      this.note(order);
      market.accept();
      market.model.place({ id: order.id, side, leg, price: null, qty, kind: 'immediate', reduceOnly: true });
      if (this.rowOf(symbol).holdings[leg].qty === 0) this.endStop(stop, 'triggered');
    }
    this.dropIdleStops(symbol);
  }

  private dropIdleStops(symbol: string): void {
    if (this.books.waitingStops.size === 0) return;
    const { holdings } = this.rowOf(symbol);
    for (const stop of this.books.stopsOf(symbol)) {
      const held = holdings[stop.leg].qty;
      if (stop.side === 'sell' ? held <= 0 : held >= 0) this.endStop(stop, 'gone');
    }
  }

  private endStop(stop: PaperStop, status: 'triggered' | 'cancelled' | 'gone'): void {
    stop.status = status;
    this.books.putStop(stop);
  }

  private fill(orderId: number, price: PriceTicks, qty: QtyLots, liquidity: Liquidity): void {
    const order = this.books.orderById(orderId);
    invariant(order !== undefined && order.filled + qty <= order.qty, 'a fill never exceeds its order');
    const { symbol, clientOrderId, side, leg, crossedAtCreation } = order;
    const { instrument } = this.marketOf(symbol);
    const row = this.rowOf(symbol);
    const rateE6 = liquidity === 'maker' ? instrument.makerFeeE6 : instrument.takerFeeE6;
    // A rebate has a negative rate: both directions round to the account's disadvantage.
    const fee = feeOn(notional(price, qty, instrument), rateE6, rateE6 > 0n ? 'up' : 'down');
    const realised = applyFill(row.holdings[leg], side, price, qty, fee, instrument);
    this.books.account.cash = (this.books.account.cash + realised - fee) as QuoteAmount;
    this.books.putSymbol(row);
    order.filled = (order.filled + qty) as QtyLots;
    if (order.filled === order.qty) order.status = 'filled';
    const fill = { id: this.books.newId(), orderId, clientOrderId, symbol, side, leg, price, qty, fee, liquidity, crossedAtCreation, atMs: this.atMs }; // prettier-ignore
    this.books.putFill(fill);
    this.note(order);
    this.events.push({ type: 'fill', fill }, { type: 'position', symbol, leg });
  }

  private closeById(orderId: number): void {
    const order = this.books.orderById(orderId);
    invariant(order !== undefined, 'the fill model knows only orders that exist');
    order.status = 'cancelled';
    this.note(order);
  }

  private cancelOpen(order: PaperOrder): void {
    const wasOpen = this.marketOf(order.symbol).model.cancel(order.id);
    invariant(wasOpen, 'the fill model knows every open order');
    this.closeById(order.id);
  }

  private note(order: PaperOrder): void {
    order.updatedAtMs = this.atMs;
    this.books.putOrder(order);
    this.events.push({ type: 'order', order: { ...order } });
  }

  /** Books the settlement that was announced, once its time has come and a price is known. */
  private settleFunding(symbol: string, venueAtMs: number): void {
    const row = this.rowOf(symbol);
    const { fundingDue: due } = row;
    if (due === null || venueAtMs < due.atMs) return;
    const { instrument } = this.marketOf(symbol);
    const markE12 = this.marketOf(symbol).markE12();
    if (markE12 === null && LEGS.some((leg) => row.holdings[leg].qty !== 0)) return;
    for (const payment of paymentsOf(row.holdings, markE12 ?? 0n, due, instrument)) {
      this.books.account.cash = (this.books.account.cash + payment.amount) as QuoteAmount;
      this.books.putPayment(payment);
    }
    row.fundedAtMs = due.atMs;
    row.fundingDue = null;
    this.books.putSymbol(row);
  }
}
