/**
 * What one request or one step of the replay has touched: collected while it happens, written as one durable change, and
 * only then told. Ids of all rows come from one counter.
 */
import type { ReplayPosition } from '../../core/recording/market-replay.ts';
import type { Account } from './account.ts';
import type { BillRow, ClosedPositionRow, FillRow, OrderRow, SettlementRow, StateChange, TriggerRow } from './rows.ts';

/** `order` is a copy of the state after the event; `fill` is what led to it, null for creation and cancellation. */
export interface OrderEvent {
  readonly kind: 'order';
  readonly account: Account;
  readonly order: OrderRow;
  readonly fill: FillRow | null;
}

/** A trigger was placed, changed, set off or cancelled; `trigger` is a copy of its state. */
export interface TriggerEvent {
  readonly kind: 'trigger';
  readonly account: Account;
  readonly trigger: TriggerRow;
}

/** Balance, positions or settings changed without an order: funding, leverage, modes. */
export interface AccountEvent {
  readonly kind: 'account';
  readonly account: Account;
}

/** A position is flat: what is left of it. The fill that closed it comes before. */
export interface PositionClosedEvent {
  readonly kind: 'position_closed';
  readonly account: Account;
  readonly position: ClosedPositionRow;
}

export type ExchangeEvent = OrderEvent | TriggerEvent | AccountEvent | PositionClosedEvent;

export class Changes {
  private nextId: number;
  private readonly accounts = new Set<Account>();
  private readonly orders = new Set<OrderRow>();
  private readonly triggers = new Set<TriggerRow>();
  private fills: FillRow[] = [];
  private bills: BillRow[] = [];
  private closedPositions: ClosedPositionRow[] = [];
  private settlements: SettlementRow[] = [];
  private events: ExchangeEvent[] = [];

  constructor(nextId: number) {
    this.nextId = nextId;
  }

  takeId(): number {
    return this.nextId++;
  }

  get idsFrom(): number {
    return this.nextId;
  }

  get isEmpty(): boolean {
    return this.events.length === 0 && this.settlements.length === 0;
  }

  order(account: Account, order: OrderRow, fill: FillRow | null): void {
    account.putOrder(order);
    this.accounts.add(account);
    this.orders.add(order);
    if (fill !== null) {
      account.putFill(fill);
      this.fills.push(fill);
    }
    this.events.push({ kind: 'order', account, order: { ...order }, fill });
  }

  trigger(account: Account, trigger: TriggerRow): void {
    account.putTrigger(trigger);
    this.triggers.add(trigger);
    this.events.push({ kind: 'trigger', account, trigger: { ...trigger } });
  }

  /** A trailing trigger saw a better price: worth keeping, not worth telling. It is written with whatever is written next. */
  trailed(trigger: TriggerRow): void {
    this.triggers.add(trigger);
  }

  account(account: Account): void {
    this.accounts.add(account);
    this.events.push({ kind: 'account', account });
  }

  bill(account: Account, bill: BillRow): void {
    account.putBill(bill);
    this.accounts.add(account);
    this.bills.push(bill);
  }

  positionClosed(account: Account, position: ClosedPositionRow): void {
    account.putClosedPosition(position);
    this.closedPositions.push(position);
    this.events.push({ kind: 'position_closed', account, position });
  }

  settlement(settlement: SettlementRow): void {
    this.settlements.push(settlement);
  }

  /** What is to be written; nothing is pending afterwards but the events. */
  take(replay: Record<string, ReplayPosition>): StateChange {
    const change: StateChange = {
      nextId: this.nextId,
      replay,
      accounts: [...this.accounts].map(({ row }) => row),
      orders: [...this.orders],
      fills: this.fills,
      triggers: [...this.triggers],
      bills: this.bills,
      closedPositions: this.closedPositions,
      settlements: this.settlements,
    };
    this.accounts.clear();
    this.orders.clear();
    this.triggers.clear();
    this.fills = [];
    this.bills = [];
    this.closedPositions = [];
    this.settlements = [];
    return change;
  }

  takeEvents(): readonly ExchangeEvent[] {
    const { events } = this;
    this.events = [];
    return events;
  }
}
