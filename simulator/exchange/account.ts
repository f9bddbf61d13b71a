/** One account's rows with the look-ups that requests need. Closed orders and fills are kept up to a number, oldest go first. */
import type { QuoteAmount } from '../../core/money/money.ts';
import { isOpen, type AccountRow, type FillRow, type OrderRow } from './rows.ts';

/** Bitget keeps 90 days; a desk asks for minutes. Bounded so that the state file and memory stay small. */
const CLOSED_ORDERS_MAX = 10_000;
const FILLS_MAX = 20_000;

export class Account {
  readonly row: AccountRow;
  readonly open = new Map<number, OrderRow>();
  /** Oldest first. */
  readonly fills: FillRow[] = [];
  private readonly byId = new Map<number, OrderRow>();
  private readonly byClientOid = new Map<string, OrderRow>();
  /** Closed order ids in the order they closed. */
  private closed: number[] = [];
  private lastFillId = 0;

  constructor(row: AccountRow) {
    this.row = row;
  }

  get name(): string {
    return this.row.name;
  }

  get orders(): IterableIterator<OrderRow> {
    return this.byId.values();
  }

  orderById(id: number): OrderRow | undefined {
    return this.byId.get(id);
  }

  orderByClientOid(clientOid: string): OrderRow | undefined {
    return this.byClientOid.get(clientOid);
  }

  /** Adds an order or takes note of its new state. */
  putOrder(order: OrderRow): void {
    this.byId.set(order.id, order);
    this.byClientOid.set(order.clientOid, order);
    if (isOpen(order)) {
      this.open.set(order.id, order);
      return;
    }
    this.open.delete(order.id);
    this.closed.push(order.id);
    if (this.closed.length > CLOSED_ORDERS_MAX * 1.1) this.forgetClosed();
  }

  putFill(fill: FillRow): void {
    if (fill.id <= this.lastFillId) return;
    this.lastFillId = fill.id;
    this.fills.push(fill);
    if (this.fills.length > FILLS_MAX * 1.1) this.fills.splice(0, this.fills.length - FILLS_MAX);
  }

  openOf(symbol: string | null): OrderRow[] {
    return [...this.open.values()].filter((order) => symbol === null || order.symbol === symbol);
  }

  private forgetClosed(): void {
    const forgotten = this.closed.slice(0, this.closed.length - CLOSED_ORDERS_MAX);
    this.closed = this.closed.slice(-CLOSED_ORDERS_MAX);
    for (const id of forgotten) {
      const order = this.byId.get(id);
      if (order === undefined) continue;
      this.byId.delete(id);
      this.byClientOid.delete(order.clientOid);
    }
  }
}

export function createAccountRow(name: string, cash: QuoteAmount): AccountRow {
  return { name, cash, positions: {}, leverage: {} };
}
