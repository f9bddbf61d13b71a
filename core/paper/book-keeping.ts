/**
 * The rows of a paper account with the look-ups that requests need, and what changed since somebody last asked. Closed
 * rows are kept up to a number; the oldest go first.
 */
import { flatHoldings } from '../accounting/holdings.ts';
import type { InstrumentSpec } from '../market/instrument.ts';
import type { QuoteAmount } from '../money/money.ts';
import type { PaperAccount, PaperChange, PaperFill, PaperOrder, PaperPayment, PaperStop, PaperSymbol } from './rows.ts';

/** Venues keep weeks; a desk asks for minutes. Bounded so that memory and the state file stay small. */
const CLOSED_MAX = 10_000;
const FILLS_MAX = 20_000;
const PAYMENTS_MAX = 5_000;
/** Venues default to something between 10 and 20; a desk sets its own. */
const LEVERAGE_AT_START = 20;

export class BookKeeping {
  readonly account: PaperAccount;
  readonly symbols = new Map<string, PaperSymbol>();
  readonly openOrders = new Map<number, PaperOrder>();
  readonly waitingStops = new Map<number, PaperStop>();
  /** Oldest first, both. */
  readonly fills: PaperFill[] = [];
  readonly payments: PaperPayment[] = [];
  private nextId: number;
  private readonly orders = new Map<number, PaperOrder>();
  private readonly stops = new Map<number, PaperStop>();
  private readonly ordersByClientId = new Map<string, PaperOrder>();
  private readonly stopsByClientId = new Map<string, PaperStop>();
  private touched = { account: false, symbols: new Set<PaperSymbol>(), orders: new Set<PaperOrder>(), stops: new Set<PaperStop>() }; // prettier-ignore
  private newFills: PaperFill[] = [];
  private newPayments: PaperPayment[] = [];

  /** Takes the rows of `saved` over: they are its own from then on. Ids go on behind theirs, and begin at `firstId`. */
  constructor(openingBalance: QuoteAmount, saved: Iterable<PaperChange>, firstId: number) {
    this.nextId = firstId;
    this.account = { cash: openingBalance, positionMode: 'one_way' };
    for (const change of saved) this.replay(change);
    this.take();
  }

  newId(): number {
    return this.nextId++;
  }

  symbol(name: string): PaperSymbol | undefined {
    return this.symbols.get(name);
  }

  /** The rules may have changed since they were saved: what is held stays. */
  learn(spec: InstrumentSpec): void {
    const known = this.symbols.get(spec.symbol);
    if (known !== undefined && sameSpec(known.spec, spec)) return;
    const fresh = { holdings: flatHoldings(), leverage: LEVERAGE_AT_START, marginMode: 'crossed', fundingDue: null, fundedAtMs: 0 } as const; // prettier-ignore
    this.putSymbol({ ...fresh, ...known, spec });
  }

  orderByClientId(clientOrderId: string): PaperOrder | undefined {
    return this.ordersByClientId.get(clientOrderId);
  }

  orderById(id: number): PaperOrder | undefined {
    return this.orders.get(id);
  }

  stopByClientId(clientOrderId: string): PaperStop | undefined {
    return this.stopsByClientId.get(clientOrderId);
  }

  ordersOf(symbol: string | null): PaperOrder[] {
    return [...this.openOrders.values()].filter((order) => symbol === null || order.symbol === symbol);
  }

  stopsOf(symbol: string | null): PaperStop[] {
    return [...this.waitingStops.values()].filter((stop) => symbol === null || stop.symbol === symbol);
  }

  putAccount(): void {
    this.touched.account = true;
  }

  putSymbol(row: PaperSymbol): void {
    this.symbols.set(row.spec.symbol, row);
    this.touched.symbols.add(row);
  }

  /** Adds an order or takes note of its new state. */
  putOrder(order: PaperOrder): void {
    this.orders.set(order.id, order);
    if (order.clientOrderId !== null) this.ordersByClientId.set(order.clientOrderId, order);
    if (order.status === 'open') this.openOrders.set(order.id, order);
    else this.openOrders.delete(order.id);
    this.touched.orders.add(order);
    forgetOldest(this.orders, this.ordersByClientId, ({ status }) => status === 'open');
  }

  putStop(stop: PaperStop): void {
    const before = this.stops.get(stop.id);
    if (before !== undefined && before.clientOrderId !== stop.clientOrderId) {
      this.stopsByClientId.delete(before.clientOrderId);
    }
    this.stops.set(stop.id, stop);
    this.stopsByClientId.set(stop.clientOrderId, stop);
    if (stop.status === 'waiting') this.waitingStops.set(stop.id, stop);
    else this.waitingStops.delete(stop.id);
    this.touched.stops.add(stop);
    forgetOldest(this.stops, this.stopsByClientId, ({ status }) => status === 'waiting');
  }

  putFill(fill: PaperFill): void {
    this.fills.push(fill);
    if (this.fills.length > FILLS_MAX * 1.1) this.fills.splice(0, this.fills.length - FILLS_MAX);
    this.newFills.push(fill);
  }

  putPayment(payment: PaperPayment): void {
    this.payments.push(payment);
    if (this.payments.length > PAYMENTS_MAX) this.payments.shift();
    this.newPayments.push(payment);
  }

  /** What changed since the last call, null when nothing did. */
  take(): PaperChange | null {
    const { touched, newFills, newPayments } = this;
    const rows = touched.symbols.size + touched.orders.size + touched.stops.size + newFills.length + newPayments.length;
    if (rows === 0 && !touched.account) return null;
    this.touched = { account: false, symbols: new Set(), orders: new Set(), stops: new Set() };
    this.newFills = [];
    this.newPayments = [];
    return {
      nextId: this.nextId,
      account: this.account,
      symbols: [...touched.symbols],
      orders: [...touched.orders],
      stops: [...touched.stops],
      fills: newFills,
      payments: newPayments,
    };
  }

  /** The whole state as one change. */
  all(): PaperChange {
    const { nextId, account, fills, payments } = this;
    const rows = {
      symbols: [...this.symbols.values()],
      orders: [...this.orders.values()],
      stops: [...this.stops.values()],
    };
    return { nextId, account, ...rows, fills, payments };
  }

  private replay({ nextId, account, symbols, orders, stops, fills, payments }: PaperChange): void {
    this.nextId = Math.max(this.nextId, nextId);
    Object.assign(this.account, account);
    symbols.forEach((row) => this.putSymbol(row));
    orders.forEach((order) => this.putOrder(order));
    stops.forEach((stop) => this.putStop(stop));
    const fillIdMax = this.fills.at(-1)?.id ?? 0;
    fills.filter(({ id }) => id > fillIdMax).forEach((fill) => this.putFill(fill));
    for (const payment of payments) {
      if (!this.payments.some(({ id }) => id === payment.id)) this.putPayment(payment);
    }
  }
}

function sameSpec(a: InstrumentSpec, b: InstrumentSpec): boolean {
  return (Object.keys(b) as (keyof InstrumentSpec)[]).every((key) => a[key] === b[key]);
}

function forgetOldest<Row extends { id: number; clientOrderId: string | null }>(
  rows: Map<number, Row>,
  byClientId: Map<string, Row>,
  isKept: (row: Row) => boolean,
): void {
  if (rows.size <= CLOSED_MAX * 1.1) return;
  for (const row of rows.values()) {
    if (rows.size <= CLOSED_MAX) return;
    if (isKept(row)) continue;
    rows.delete(row.id);
    if (row.clientOrderId !== null && byClientId.get(row.clientOrderId) === row) byClientId.delete(row.clientOrderId);
  }
}
