/**
 * The venue contract: all that the desk asks of an exchange, in the desk's own words. Strategy and risk code see only
 * this file's types; the code that speaks a venue's dialect sits behind it.
 *
 * Calls that change something answer YES, NO or UNKNOWN and never throw for what the world did. UNKNOWN is the default:
 * whatever is not proved to be a yes or a no. Calls that read throw `VenueUnavailable` (a retry may help) or
 * `VenueRefused` (it will not).
 */
import type { BookFrame } from '../core/market/book.ts';
import type { Instrument } from '../core/market/instrument.ts';
import type { PriceTicks, QtyLots, QuoteAmount, SignedLots } from '../core/money/money.ts';
import type { Side } from '../core/orders/order-intent.ts';
import type { ApprovedIntent } from '../core/risk/decision.ts';

/** The venue did not answer, or not in a way that says anything. A later try may succeed. */
export class VenueUnavailable extends Error {
  override readonly name: string = 'VenueUnavailable';
}

/** The venue sent something that breaks its own format: it says nothing, and the message names what was wrong. */
export class VenueMalformed extends VenueUnavailable {
  override readonly name = 'VenueMalformed';
}

/** The venue understood and said no. `code` is the venue's own. */
export class VenueRefused extends Error {
  override readonly name = 'VenueRefused';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export type PlaceAnswer =
  | { answer: 'yes'; venueOrderId: string }
  /** The venue has this client order id already: an earlier try arrived. Read it back. */
  | { answer: 'duplicate' }
  | { answer: 'no'; code: string; reason: string }
  | { answer: 'unknown'; reason: string };

export type CancelAnswer =
  | { answer: 'yes' }
  /** The order is not open any more: filled, cancelled or never there. */
  | { answer: 'gone' }
  | { answer: 'no'; code: string; reason: string }
  | { answer: 'unknown'; reason: string };

export interface VenueOrder {
  /** Null when the order was not placed by client order id. */
  readonly clientOrderId: string | null;
  readonly venueOrderId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly price: PriceTicks;
  readonly qty: QtyLots;
  /** Executed so far. */
  readonly filled: QtyLots;
  readonly status: 'open' | 'filled' | 'cancelled' | 'rejected';
  readonly reduceOnly: boolean;
  readonly updatedAtMs: number;
}

export interface VenueFill {
  /** Unique for the account and symbol: fills are deduplicated by it. */
  readonly tradeId: string;
  readonly venueOrderId: string;
  readonly clientOrderId: string | null;
  readonly symbol: string;
  readonly side: Side;
  readonly price: PriceTicks;
  readonly qty: QtyLots;
  /** What it cost: positive is paid, negative is a rebate. */
  readonly fee: QuoteAmount;
  readonly liquidity: 'maker' | 'taker';
  readonly atMs: number;
}

export interface VenuePosition {
  readonly symbol: string;
  readonly qty: SignedLots;
  /** Average entry as the venue states it, decimal USDT; null when flat. */
  readonly entryPrice: string | null;
}

export interface VenueBalance {
  /** Margin balance including unrealised profit and loss, decimal USDT. */
  readonly equity: string;
  /** Free for new orders, decimal USDT. */
  readonly available: string;
}

export interface VenueTicker {
  readonly symbol: string;
  readonly venueAtMs: number;
  readonly lastPrice: string;
  /** Null where the venue does not send it. */
  readonly markPrice: string | null;
  /** Fraction for one interval. */
  readonly fundingRate: string | null;
  readonly nextFundingAtMs: number | null;
}

export interface VenueTrade {
  readonly symbol: string;
  readonly venueAtMs: number;
  readonly price: PriceTicks;
  readonly qty: QtyLots;
  /** Side of the order that took. */
  readonly takerSide: Side;
}

export type ConnectorChannel = 'book' | 'trades' | 'ticker' | 'orders' | 'positions';

/** Where streams deliver. Called synchronously as frames arrive; `book` is reused and must be read before returning. */
export interface VenueSink {
  onBook(book: BookFrame): void;
  onTrade(trade: VenueTrade): void;
  onTicker(ticker: VenueTicker): void;
  /** State of an order as the venue's private stream tells it; may come before the answer to `place`. */
  onOrder(order: VenueOrder): void;
  onFill(fill: VenueFill): void;
  onPosition(position: VenuePosition): void;
  onConnector(channel: ConnectorChannel, status: 'up' | 'down', reason: string): void;
}

export interface VenueStream {
  /** Ends every subscription; nothing is delivered after it resolves. */
  stop(): Promise<void>;
}

export interface Venue {
  readonly name: string;
  /** Rules of `symbol` as the venue states them now, with the account's fee rates. */
  instrument(symbol: string): Promise<Instrument>;
  place(intent: ApprovedIntent): Promise<PlaceAnswer>;
  cancel(symbol: string, clientOrderId: string): Promise<CancelAnswer>;
  /** Cancels every open order of `symbol`, ours or not. */
  cancelAll(symbol: string): Promise<CancelAnswer>;
  openOrders(symbol: string): Promise<VenueOrder[]>;
  /** `null` is the venue's own "no such order", never a failed read. */
  orderByClientId(symbol: string, clientOrderId: string): Promise<VenueOrder | null>;
  fillsSince(symbol: string, sinceMs: number): Promise<VenueFill[]>;
  position(symbol: string): Promise<VenuePosition>;
  balance(): Promise<VenueBalance>;
  serverTimeMs(): Promise<number>;
  /** Subscribes book, trades, ticker, orders, fills and positions of `symbol`; reconnects by itself until stopped. */
  stream(instrument: Instrument, sink: VenueSink): VenueStream;
  close(): Promise<void>;
}
