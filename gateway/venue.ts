/**
 * The venue contract: all that the desk asks of an exchange, in the desk's own words. Strategy and risk code see only
 * this file's types; the code that speaks a venue's dialect sits behind it.
 *
 * Calls that change something answer YES, NO or UNKNOWN and never throw for what the world did. UNKNOWN is the default:
 * whatever is not proved to be a yes or a no. Calls that read throw `VenueUnavailable` (a retry may help) or
 * `VenueRefused` (it will not).
 */
import type { Leg, MarginMode, PositionMode } from '../core/accounting/legs.ts';
import type { BookFrame } from '../core/market/book.ts';
import type { Instrument } from '../core/market/instrument.ts';
import type { PriceTicks, QtyLots, QuoteAmount, SignedLots } from '../core/money/money.ts';
import type { Side } from '../core/orders/order-intent.ts';
import type { ProtectiveStop } from '../core/orders/stop.ts';
import type { ApprovedIntent } from '../core/risk/decision.ts';
import type { VenueTrouble } from '../core/venue-trouble.ts';

export type { ProtectiveStop, VenueTrouble };

/** The venue did not answer, or not in a way that says anything. A later try may succeed. */
export class VenueUnavailable extends Error {
  override readonly name: string = 'VenueUnavailable';
  readonly trouble: VenueTrouble | null;
  constructor(message: string, trouble: VenueTrouble | null = null) {
    super(message);
    this.trouble = trouble;
  }
}

/** The venue sent something that breaks its own format: it says nothing, and the message names what was wrong. */
export class VenueMalformed extends VenueUnavailable {
  override readonly name = 'VenueMalformed';
}

/** The venue understood and said no. `code` is the venue's own. */
export class VenueRefused extends Error {
  override readonly name = 'VenueRefused';
  readonly code: string;
  readonly trouble: VenueTrouble | null;
  constructor(code: string, message: string, trouble: VenueTrouble | null = null) {
    super(message);
    this.code = code;
    this.trouble = trouble;
  }
}

/**
 * Orders of one venue live in up to three lists, and what cancels one list leaves the others alone: resting orders,
 * trigger orders that become orders (`plan`), and stops and take-profits of a position (`tpsl`).
 */
export type OrderFamily = 'normal' | 'plan' | 'tpsl';
export const ORDER_FAMILIES: readonly OrderFamily[] = ['normal', 'plan', 'tpsl'];

/** What a venue can do; the rest of the contract holds for all of them. */
export interface VenueCapabilities {
  /** A resting order can be changed by one call. */
  readonly amend: boolean;
  readonly families: readonly OrderFamily[];
  /**
   * How a protective stop gets a new trigger: `in_place` never leaves the position without one, `place_first` has two for
   * a moment, `none` where the venue keeps no stops.
   */
  readonly stopReplacement: 'in_place' | 'place_first' | 'none';
  readonly positionModes: readonly PositionMode[];
  readonly marginModes: readonly MarginMode[];
  /** How a lost book update is noticed. */
  readonly bookIntegrity: readonly ('sequence' | 'checksum')[];
  /** Funding payments can be read back. */
  readonly fundingHistory: boolean;
  /** The venue cancels by itself when it is not told in time that the client lives. */
  readonly countdownCancel: boolean;
  /** Orders leave this machine. False for simulated fills. */
  readonly isRealExecution: boolean;
}

/** Proved: nothing happened. `code` is the venue's own, or `not_sent`, `expired`, `not_supported` of the gateway. */
export interface No {
  readonly answer: 'no';
  readonly code: string;
  readonly reason: string;
  readonly trouble?: VenueTrouble | null;
}

/** Whatever is not proved. */
export interface Unknown {
  readonly answer: 'unknown';
  readonly reason: string;
  readonly trouble?: VenueTrouble | null;
}

export type PlaceAnswer =
  | { answer: 'yes'; venueOrderId: string }
  /** The venue has this client order id already: an earlier try arrived. Read it back. */
  | { answer: 'duplicate' }
  | No
  | Unknown;

export type CancelAnswer =
  | { answer: 'yes' }
  /** The order is not open any more: filled, cancelled or never there. */
  | { answer: 'gone' }
  | No
  | Unknown;

/** To a change of leverage, margin or position mode. */
export type SettingAnswer = { answer: 'yes' } | No | Unknown;

export interface CancelScope {
  /** Null is every symbol of the account. */
  readonly symbol: string | null;
  readonly families: readonly OrderFamily[];
}

export interface VenueOrder {
  /** Null when the order was not placed by client order id. */
  readonly clientOrderId: string | null;
  readonly venueOrderId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly leg: Leg;
  readonly price: PriceTicks;
  readonly qty: QtyLots;
  /** Executed so far. */
  readonly filled: QtyLots;
  readonly status: 'open' | 'filled' | 'cancelled' | 'rejected';
  readonly reduceOnly: boolean;
  readonly updatedAtMs: number;
}

/** A stop, take-profit or trigger order that waits. */
export interface VenueTriggerOrder {
  readonly clientOrderId: string | null;
  readonly venueOrderId: string;
  readonly symbol: string;
  readonly family: 'plan' | 'tpsl';
  /** The venue's own word, for example `pos_loss`. */
  readonly planType: string;
  /** Stops the loss of a whole position: what `placeStop` makes. */
  readonly isProtectiveStop: boolean;
  readonly leg: Leg;
  /** Side of the order that the trigger sends; null where the venue does not say. */
  readonly side: Side | null;
  readonly triggerPrice: PriceTicks;
  /** 0 where it covers the whole position, whatever its size. */
  readonly qty: QtyLots;
}

export interface VenueFill {
  /** Unique for the account and symbol: fills are deduplicated by it. */
  readonly tradeId: string;
  readonly venueOrderId: string;
  readonly clientOrderId: string | null;
  readonly symbol: string;
  readonly side: Side;
  readonly leg: Leg;
  readonly price: PriceTicks;
  readonly qty: QtyLots;
  /** What it cost: positive is paid, negative is a rebate. */
  readonly fee: QuoteAmount;
  readonly liquidity: 'maker' | 'taker';
  /** The order took when it was placed, so all of it pays as a taker. Only simulated fills know. */
  readonly crossedAtCreation?: boolean;
  readonly atMs: number;
}

export interface VenuePosition {
  readonly symbol: string;
  readonly leg: Leg;
  readonly qty: SignedLots;
  /** Average entry as the venue states it, decimal USDT; null when flat. */
  readonly entryPrice: string | null;
  /** Decimal USDT; null where the venue states none. */
  readonly markPrice: string | null;
  readonly liquidationPrice: string | null;
  readonly unrealised: string | null;
  readonly leverage: string | null;
  readonly marginMode: MarginMode | null;
  /** Maintenance margin as a fraction of the notional, a decimal. */
  readonly maintenanceRatio: string | null;
  /** Maintenance margin over what stands behind the position, its own margin or the account; 1 is liquidation. */
  readonly marginRatio: string | null;
}

export interface VenueBalance {
  /** Margin balance including unrealised profit and loss, decimal USDT; so below. At most 12 decimals, rounded down. */
  readonly equity: string;
  /** Free for new orders. */
  readonly available: string;
  /** Maintenance margin of all crossed positions over the equity behind them, a decimal; 1 is liquidation. */
  readonly marginRatio: string | null;
}

/** One settlement as booked: what the account paid or got. */
export interface VenueFundingPayment {
  /** The venue's bill id: payments are deduplicated by it. */
  readonly paymentId: string;
  readonly symbol: string;
  /** Positive was received, negative was paid. */
  readonly amount: QuoteAmount;
  readonly atMs: number;
}

/** Fractions of notional, as decimals: 0.0002 is 2 bps. A rebate is negative. */
export interface VenueFeeRates {
  readonly maker: string;
  readonly taker: string;
}

export interface VenueSettings {
  readonly positionMode: PositionMode;
  readonly marginMode: MarginMode;
  readonly leverage: string;
}

export interface VenueTicker {
  readonly symbol: string;
  readonly venueAtMs: number;
  readonly lastPrice: string;
  /** Null where the venue does not send it. */
  readonly markPrice: string | null;
}

/** A closed bar of trades: decimal prices, `volume` in the base coin. */
export interface VenueBar {
  readonly openAtMs: number;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
}

export interface VenueFunding {
  readonly symbol: string;
  readonly venueAtMs: number;
  /** Fraction of notional for one interval; positive: longs pay shorts. */
  readonly rate: string;
  /** Null where the message does not say. */
  readonly intervalHours: number | null;
  readonly nextAtMs: number | null;
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

/** Where public streams deliver. Called synchronously as frames arrive; `book` is reused and must be read before returning. */
export interface MarketSink {
  onBook(book: BookFrame): void;
  onTrade(trade: VenueTrade): void;
  onTicker(ticker: VenueTicker): void;
  onFunding(funding: VenueFunding): void;
  onConnector(channel: ConnectorChannel, status: 'up' | 'down', reason: string): void;
}

export interface VenueSink extends MarketSink {
  /** State of an order as the venue's private stream tells it; may come before the answer to `place`. */
  onOrder(order: VenueOrder): void;
  onFill(fill: VenueFill): void;
  onPosition(position: VenuePosition): void;
}

/** Counted since the stream began. */
export interface StreamHealth {
  /** Channels that are up now. */
  readonly up: readonly ConnectorChannel[];
  /** Sockets dialled after the first of each kind. */
  readonly reconnects: number;
  /** Books thrown away and asked for anew, by cause. */
  readonly bookGaps: number;
  readonly bookChecksumFailures: number;
  /** Frames that broke the venue's own format. */
  readonly malformed: number;
  /** Age of the newest frame of any kind; null before the first. */
  readonly silentMs: number | null;
}

export interface VenueStream {
  health(): StreamHealth;
  /** Ends every subscription; nothing is delivered after it resolves. */
  stop(): Promise<void>;
}

/** The half that needs no key. */
export interface VenueMarket {
  readonly name: string;
  /** Rules of `symbol` as the venue states them now. Fee rates are the account's where there is one, else the listed ones. */
  instrument(symbol: string): Promise<Instrument>;
  /** Prices of `symbol` as they are now. */
  ticker(symbol: string): Promise<VenueTicker>;
  funding(symbol: string): Promise<VenueFunding>;
  /**
   * The newest `count` closed bars of `barMs`, oldest first; fewer where the venue knows no more. Throws `VenueRefused`
   * with `interval_not_offered` for a `barMs` that the venue has no bars of.
   */
  recentBars(symbol: string, barMs: number, count: number): Promise<VenueBar[]>;
  serverTimeMs(): Promise<number>;
  /** Subscribes book, trades and ticker of `symbol`; reconnects by itself until stopped. */
  streamMarket(instrument: Instrument, sink: MarketSink): VenueStream;
  close(): Promise<void>;
}

export interface Venue extends VenueMarket {
  readonly capabilities: VenueCapabilities;

  place(intent: ApprovedIntent): Promise<PlaceAnswer>;
  /**
   * Gives the resting order `clientOrderId` the price and size of `to`; it goes on under `to.clientOrderId`. Where
   * `capabilities.amend` is false it answers no with `not_supported`.
   */
  amend(clientOrderId: string, to: ApprovedIntent): Promise<PlaceAnswer>;
  cancel(symbol: string, clientOrderId: string): Promise<CancelAnswer>;
  /** Cancels every open order in scope, ours or not. `gone` means that nothing was open, `yes` that nothing of it is left. */
  cancelAll(scope: CancelScope): Promise<CancelAnswer>;

  placeStop(stop: ProtectiveStop): Promise<PlaceAnswer>;
  /** Puts `stop` in the place of the one called `clientOrderId`, by `capabilities.stopReplacement`. */
  replaceStop(clientOrderId: string, stop: ProtectiveStop): Promise<PlaceAnswer>;
  cancelStop(symbol: string, clientOrderId: string): Promise<CancelAnswer>;

  /** Null is every symbol of the account, here and below. */
  openOrders(symbol: string | null): Promise<VenueOrder[]>;
  triggerOrders(symbol: string | null): Promise<VenueTriggerOrder[]>;
  /** `null` is the venue's own "no such order", never a failed read. */
  orderByClientId(symbol: string, clientOrderId: string): Promise<VenueOrder | null>;
  fillsSince(symbol: string, sinceMs: number): Promise<VenueFill[]>;
  fundingPaymentsSince(symbol: string | null, sinceMs: number): Promise<VenueFundingPayment[]>;
  /** What is held; a flat leg is left out. */
  positions(symbol: string | null): Promise<VenuePosition[]>;
  balance(): Promise<VenueBalance>;
  feeRates(symbol: string): Promise<VenueFeeRates>;

  settings(symbol: string): Promise<VenueSettings>;
  /** The next three are refused by venues while orders or positions are open. */
  setLeverage(symbol: string, leverage: number): Promise<SettingAnswer>;
  setMarginMode(symbol: string, mode: MarginMode): Promise<SettingAnswer>;
  setPositionMode(mode: PositionMode): Promise<SettingAnswer>;

  /** Subscribes book, trades, ticker, orders, fills and positions of `symbol`; reconnects by itself until stopped. */
  stream(instrument: Instrument, sink: VenueSink): VenueStream;
}
