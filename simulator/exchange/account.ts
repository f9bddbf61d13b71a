/** One account's rows with the look-ups that requests need. What is finished is kept up to a number, oldest go first. */
import type { Leg } from '../../core/accounting/legs.ts';
import type { SimulatedAccount } from '../../core/simulation/options.ts';
import { ZERO_QUOTE, type QuoteAmount, type SignedLots } from '../../core/money/money.ts';
import { LEVERAGE_AT_START } from './margin.ts';
import { Shelf } from './shelf.ts';
import {
  isOpen,
  positionKey,
  type AccountRow,
  type BillRow,
  type ClosedPositionRow,
  type FillRow,
  type OrderRow,
  type PositionRow,
  type SymbolSettings,
  type TriggerRow,
} from './rows.ts';

/** Bitget keeps 90 days; a desk asks for minutes. Bounded so that the state file and memory stay small. */
const CLOSED_ORDERS_MAX = 10_000;
const CLOSED_TRIGGERS_MAX = 10_000;
const FILLS_MAX = 20_000;
const BILLS_MAX = 20_000;
const CLOSED_POSITIONS_MAX = 2_000;

const SETTINGS_AT_START: SymbolSettings = {
  marginMode: 'crossed',
  leverage: { crossed: LEVERAGE_AT_START, long: LEVERAGE_AT_START, short: LEVERAGE_AT_START },
};

/** What the exchange knows of an account besides its rows; null for one that nobody has keys for any more. */
export type AccountProfile = Omit<SimulatedAccount, 'apiKey' | 'secret' | 'passphrase'>;

export class Account {
  readonly row: AccountRow;
  readonly profile: AccountProfile | null;
  readonly userId: string;
  private readonly orderShelf = new Shelf<OrderRow>(isOpen, CLOSED_ORDERS_MAX);
  private readonly triggerShelf = new Shelf<TriggerRow>(({ status }) => status === 'live', CLOSED_TRIGGERS_MAX);
  /** Oldest first, as all three lists. */
  readonly fills: FillRow[] = [];
  readonly bills: BillRow[] = [];
  readonly closedPositions: ClosedPositionRow[] = [];

  constructor(row: AccountRow, userId: string, profile: AccountProfile | null) {
    this.row = row;
    this.userId = userId;
    this.profile = profile;
  }

  get name(): string {
    return this.row.name;
  }

  get open(): ReadonlyMap<number, OrderRow> {
    return this.orderShelf.open;
  }

  get orders(): IterableIterator<OrderRow> {
    return this.orderShelf.all;
  }

  /** Triggers that wait. */
  get waiting(): ReadonlyMap<number, TriggerRow> {
    return this.triggerShelf.open;
  }

  get triggers(): IterableIterator<TriggerRow> {
    return this.triggerShelf.all;
  }

  orderById(id: number): OrderRow | undefined {
    return this.orderShelf.byId(id);
  }

  orderByClientOid(clientOid: string): OrderRow | undefined {
    return this.orderShelf.byClientOid(clientOid);
  }

  triggerById(id: number): TriggerRow | undefined {
    return this.triggerShelf.byId(id);
  }

  triggerByClientOid(clientOid: string): TriggerRow | undefined {
    return this.triggerShelf.byClientOid(clientOid);
  }

  /** Adds an order or takes note of its new state. */
  putOrder(order: OrderRow): void {
    this.orderShelf.put(order);
  }

  putTrigger(trigger: TriggerRow): void {
    this.triggerShelf.put(trigger);
  }

  putFill(fill: FillRow): void {
    if (keep(this.fills, fill, FILLS_MAX)) this.row.totals.isWhole = false;
  }

  putBill(bill: BillRow): void {
    if (keep(this.bills, bill, BILLS_MAX)) this.row.totals.isWhole = false;
  }

  putClosedPosition(position: ClosedPositionRow): void {
    keep(this.closedPositions, position, CLOSED_POSITIONS_MAX);
  }

  openOf(symbol: string | null): OrderRow[] {
    return [...this.open.values()].filter((order) => symbol === null || order.symbol === symbol);
  }

  /** Open orders that would close `leg`, oldest first. */
  closersOf(symbol: string, leg: Leg): OrderRow[] {
    return this.openOf(symbol).filter((order) => order.reduceOnly && order.leg === leg);
  }

  position(symbol: string, leg: Leg): PositionRow | undefined {
    return this.row.positions[positionKey(symbol, leg)];
  }

  positionLots(symbol: string, leg: Leg): SignedLots {
    return this.position(symbol, leg)?.qty ?? (0 as SignedLots);
  }

  get hasPosition(): boolean {
    return Object.values(this.row.positions).some(({ qty }) => qty !== 0);
  }

  /** Whether orders, triggers or positions of `symbol` (null: of any) stand in the way of a change of its settings. */
  isBusy(symbol: string | null): boolean {
    if (this.openOf(symbol).length > 0) return true;
    if ([...this.waiting.values()].some((trigger) => symbol === null || trigger.symbol === symbol)) return true;
    if (symbol === null) return this.hasPosition;
    return (['net', 'long', 'short'] as const).some((leg) => this.positionLots(symbol, leg) !== 0);
  }

  settings(symbol: string): SymbolSettings {
    return this.row.settings[symbol] ?? SETTINGS_AT_START;
  }

  changeSettings(symbol: string, change: Partial<SymbolSettings>): void {
    this.row.settings[symbol] = { ...this.settings(symbol), ...change };
  }
}

/** Rows come by rising id; one that is there already is left alone. Answers whether old ones were dropped. */
function keep<Row extends { readonly id: number }>(rows: Row[], row: Row, max: number): boolean {
  if (row.id <= (rows.at(-1)?.id ?? 0)) return false;
  rows.push(row);
  if (rows.length <= max * 1.1) return false;
  rows.splice(0, rows.length - max);
  return true;
}

export function createAccountRow(name: string, cash: QuoteAmount): AccountRow {
  return {
    name,
    cash,
    positionMode: 'one_way',
    positions: {},
    settings: {},
    totals: {
      start: cash,
      realised: ZERO_QUOTE,
      fees: ZERO_QUOTE,
      funding: ZERO_QUOTE,
      deducted: ZERO_QUOTE,
      isWhole: true,
    },
  };
}
