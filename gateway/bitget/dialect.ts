/**
 * What differs between Bitget's two kinds of account, and nothing else: `classic.ts` speaks v2, `unified.ts` v3. A
 * dialect turns the desk's words into requests and answers back into the desk's words; `venue.ts` above it sends, waits
 * and judges.
 */
import type { MarginMode, PositionMode } from '../../core/accounting/legs.ts';
import type { Instrument } from '../../core/market/instrument.ts';
import type { OrderIntent } from '../../core/orders/order-intent.ts';
import type {
  OrderFamily,
  ProtectiveStop,
  VenueBalance,
  VenueBar,
  VenueCapabilities,
  VenueFeeRates,
  VenueFill,
  VenueFunding,
  VenueFundingPayment,
  VenueOrder,
  VenuePosition,
  VenueSettings,
  VenueTicker,
  VenueTriggerOrder,
} from '../venue.ts';
import type { BitgetCall } from './endpoints.ts';
import { parsePage, rowsOf, type Page } from './records.ts';
import type { Answer, Params } from './session.ts';

export type AccountKind = 'classic' | 'unified';

export interface Request {
  readonly call: BitgetCall;
  readonly params: Params;
}

/** A request that changes something, and what proves in a successful answer that it was this request that was done. */
export interface Change<Proof> extends Request {
  /** Null when the answer does not name what was asked. */
  readonly proof: (data: unknown) => Proof | null;
}

/** Anything open that a sweep has to take away. */
export interface OpenEntry {
  readonly symbol: string;
  readonly orderId: string;
  /** The list it stands in, in the venue's word. */
  readonly planType: string | null;
}

/** How one family of orders is swept. Null symbol is every symbol. */
export interface Sweep {
  /** One call for the whole scope, where the venue has one that is safe; it is sent without knowing what is open. */
  whole(symbol: string | null): Request | null;
  listOpen(symbol: string | null): Promise<OpenEntry[]>;
  /** Calls that take `entries` away by name; `isOneByOne` where batches share the limit of a `whole` that got no turn. */
  cancel(entries: readonly OpenEntry[], isOneByOne: boolean): Request[];
}

export interface Dialect {
  readonly kind: AccountKind;
  readonly capabilities: VenueCapabilities;

  /** A proof is the venue's order id, here and below. */
  place(intent: OrderIntent, instrument: Instrument): Change<string>;
  /** Null where the venue cannot do it. */
  amend(clientOrderId: string, to: OrderIntent, instrument: Instrument): Change<string> | null;
  /** Whether an amended order is a new one that the answer does not know yet, so that it has to be looked up. */
  readonly amendsByNewOrder: boolean;
  cancel(symbol: string, clientOrderId: string): Change<true>;
  sweep(family: OrderFamily): Sweep;

  placeStop(stop: ProtectiveStop, instrument: Instrument): Change<string>;
  replaceStop(clientOrderId: string, stop: ProtectiveStop, instrument: Instrument): Change<string>;
  /** After a success without proof the list of what waits decides; `unnamedStopIs` is what one means that is not on it. */
  cancelStop(symbol: string, clientOrderId: string): Change<true>;
  readonly unnamedStopIs: 'yes' | 'gone';

  openOrders(symbol: string | null): Promise<VenueOrder[]>;
  triggerOrders(symbol: string | null): Promise<VenueTriggerOrder[]>;
  order(symbol: string, clientOrderId: string): Request;
  parseOrder(data: unknown, instrument: Instrument): VenueOrder;
  /** `window` is at most `fillsWindowMs` long. */
  fills(instrument: Instrument, window: Window): Promise<VenueFill[]>;
  readonly fillsWindowMs: number;
  fundingPayments(symbol: string | null, window: Window): Promise<VenueFundingPayment[]>;
  positions(symbol: string | null): Promise<VenuePosition[]>;
  balance(): Promise<VenueBalance>;
  feeRates(symbol: string): Promise<VenueFeeRates>;
  ticker(symbol: string): Promise<VenueTicker>;
  funding(symbol: string): Promise<VenueFunding>;
  recentBars(symbol: string, barMs: number, count: number): Promise<VenueBar[]>;

  settings(symbol: string): Promise<VenueSettings>;
  /** All of them have to be done; none where nothing has to change; null where the venue cannot. */
  setLeverage(symbol: string, leverage: number): Promise<Change<true>[] | null>;
  setMarginMode(symbol: string, mode: MarginMode): Promise<Change<true>[] | null>;
  setPositionMode(mode: PositionMode): Promise<Change<true>[] | null>;
  /** The account's position mode where the dialect has to know it and does; null where rows say it themselves. */
  knownPositionMode(): PositionMode | null;
  /** Told when a change of settings was answered with yes. */
  changed(what: {
    readonly symbol?: string;
    readonly marginMode?: MarginMode;
    readonly positionMode?: PositionMode;
  }): void;
}

export interface Window {
  readonly startMs: number;
  /** Null is now: our clock does not decide what the venue calls recent. */
  readonly endMs: number | null;
}

export interface DialectOptions {
  /** Told each fill's record. */
  readonly noteFill: (raw: unknown) => void;
  readonly read: (call: BitgetCall, params: Params) => Promise<Answer>;
  readonly instrumentOf: (symbol: string) => Promise<Instrument>;
  /** As read already; null where it was not. */
  readonly positionMode: PositionMode | null;
}

export const PRODUCT = 'USDT-FUTURES';
export const PAGE_ROWS = 100;

/** Every page of a list, oldest page last. */
export async function readPages(
  readPage: (page: Params) => Promise<Answer>,
  list: string,
  next: 'endId' | 'cursor',
): Promise<unknown[]> {
  const rows: unknown[] = [];
  const seen = new Set<string>();
  let from: Params = {};
  for (;;) {
    const page: Page = parsePage((await readPage({ ...from, limit: PAGE_ROWS })).data, list, next);
    rows.push(...page.rows);
    // A place told twice is a list that does not end.
    if (page.rows.length < PAGE_ROWS || page.next === null || seen.has(page.next)) return rows;
    seen.add(page.next);
    from = { [next === 'endId' ? 'idLessThan' : 'cursor']: page.next };
  }
}

export function timesOf({ startMs, endMs }: Window): Params {
  return { startTime: startMs, ...(endMs === null ? {} : { endTime: endMs }) };
}

/** Rows of `symbol` in the product that the desk trades: a unified account holds spot and margin of the same names as well. */
export function futuresOf(rows: readonly unknown[], symbol: string | null): unknown[] {
  const isOurs = (row: unknown): boolean => {
    const product = (row as { category?: unknown } | null)?.category;
    return typeof product !== 'string' || product.toUpperCase() === PRODUCT;
  };
  return rowsOf(rows.filter(isOurs), symbol);
}

export function symbolParam(symbol: string | null): Params {
  return symbol === null ? {} : { symbol };
}

export function proven(proof: boolean): true | null {
  return proof ? true : null;
}
