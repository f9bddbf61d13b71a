/** Payloads of the event streams. Amounts, prices and quantities are decimal strings. */
import type { DenialCode } from '../risk/decision.ts';
import type { Level } from '../escalation/ladder.ts';
import type { Leg } from '../accounting/legs.ts';
import type { Side } from '../orders/order-intent.ts';
import type { StopState } from '../orders/stop.ts';
import type { CloseReason, OrderState } from '../orders/order.ts';

/** hb.execution_intent.v1 */
export type ExecutionIntentEvent =
  | {
      type: 'place';
      clientOrderId: string;
      symbol: string;
      side: Side;
      price: string;
      qty: string;
      kind: 'post_only' | 'limit';
      reduceOnly: boolean;
      expiresAtMs: number;
    }
  | { type: 'cancel'; clientOrderId: string; reason: string }
  | {
      type: 'place_stop';
      clientOrderId: string;
      symbol: string;
      leg: Leg;
      triggerPrice: string;
      /** The stop whose place it takes. */
      replaces: string | null;
    }
  | { type: 'cancel_stop'; clientOrderId: string; reason: string }
  /** The bot stopped for good and asks for the kill switch; once for each stop. */
  | { type: 'kill_switch'; scope: string; code: string; measured: number | null; limit: number; expiresAtMs: number };

/** hb.risk_decision.v1: denials, once for each change of code on a side. */
export interface RiskDenialEvent {
  type: 'denied';
  clientOrderId: string;
  side: Side;
  code: DenialCode;
  measured: number;
  limit: number;
}

/** hb.order.v1: after every change of an order. */
export interface OrderEvent {
  type: 'order';
  clientOrderId: string;
  symbol: string;
  side: Side;
  price: string;
  qty: string;
  filled: string;
  state: OrderState;
  closeReason: CloseReason | null;
  /** The venue's code when it refused. */
  code: string | null;
  external: boolean;
}

/** hb.order.v1: after every change of a protective stop. */
export interface StopEvent {
  type: 'stop';
  clientOrderId: string;
  symbol: string;
  leg: Leg;
  triggerPrice: string;
  state: StopState | 'refused' | 'gone' | 'replaced';
  code: string | null;
}

/** hb.signal.v1 */
export type SignalEvent =
  | {
      type: 'regime';
      from: string;
      to: string;
      /** Move within the shock window, and the range of a bar; bps of the mid. */
      driftBps: number;
      atrBps: number;
      /** Fast less slow average in average true ranges. */
      trendAtr: number;
      rsi: number;
    }
  /** After each calculation of the spread; all of a full spread, in bps. */
  | {
      type: 'spread';
      floorBps: number;
      marketBps: number;
      isStandingAside: boolean;
      feesBps: number;
      adverseBps: number;
      fundingBps: number;
      flattenBps: number;
      minNetEdgeBps: number;
      atrBps: number;
    }
  /** A minute after a fill; null where there was no book at that time. */
  | {
      type: 'markout';
      clientOrderId: string;
      tradeId: string;
      side: Side;
      regime: string;
      /** Signed: positive is the market moving our way, bps of the fill's price. */
      bps: { s1: number | null; s5: number | null; s30: number | null; s60: number | null };
    }
  /** A quote that is not worth it, once for each change of code on a side. */
  | { type: 'quote_withheld'; side: Side; code: string; edgeBps: number; edgeBpsMin: number }
  | { type: 'fee_differs'; liquidity: 'maker' | 'taker'; listedBps: number; seenBps: number };

interface FillFields {
  clientOrderId: string;
  tradeId: string;
  symbol: string;
  side: Side;
  leg: Leg;
  price: string;
  qty: string;
  /** Positive is paid. */
  fee: string;
  liquidity: 'maker' | 'taker';
  atMs: number;
  positionAfter: string;
  /** Before fees. */
  realised: string;
}

/** hb.telemetry.v1: a fill as reports want it. Bps are of the fill's price. */
export interface BotFillEvent extends FillFields {
  type: 'BotFill';
  /** Average cost of what is held after it; null when flat. */
  entryPriceAfter: string | null;
  mid: string | null;
  /** Distance from the mid that the fill earned; negative was paid. */
  captureBps: number | null;
  feeBps: number;
  /** What the strategy thought of the market; null where it has no such view. */
  regime: string | null;
  expectedEdgeBps: number | null;
}

/** hb.fill.v1 */
export interface FillEvent extends FillFields {
  type: 'fill';
  external: boolean;
}

/** hb.telemetry.v1 */
export interface BotSnapshotEvent {
  /** `minute` is the first of its UTC minute and is the one that reports count. */
  type: 'BotSnapshot' | 'BotMinuteSnapshot';
  symbol: string;
  phase: string;
  reason: string;
  /** Margin balance including unrealised profit, USDT. */
  equity: string;
  equityPeak: string;
  equityDayStart: string;
  position: string;
  positionQuote: number;
  /** Of the net position; null in hedge mode, where each leg has its own. */
  entryPrice: string | null;
  /** Empty in one-way mode. */
  legs: { leg: Leg; position: string; entryPrice: string | null }[];
  mid: string | null;
  bookAgeMs: number | null;
  realised: string;
  unrealised: string;
  fees: string;
  fills: number;
  lastFillAtMs: number | null;
  ordersActive: number;
  ordersUnknown: number;
  cancelsLastMinute: number;
  supervisorAgeMs: number;
  /** Protective stops at the venue or on their way. */
  stops: number;
  /** Where those that are known to rest would close a position. */
  stopPrices: string[];
  /** All time, in this bot's life, that something was held without a stop known to rest. */
  unprotectedMs: number;
  /** Raised in this bot's life. */
  alerts: number;
  /** Venue's clock less ours; null before it was measured. */
  clockOffsetMs: number | null;
  /** Step of the ladder that the bot stands on, and the rule that took it there; null on `allow`. */
  riskLevel: Level;
  riskCode: string | null;
  /** Maintenance margin over equity, as last told; null where the venue does not say. */
  marginRatio: number | null;
  /** Venue's position less ours at the last read, in percent of the larger. */
  positionDriftPct: number;
  /** Funding received less paid, in this bot's life. */
  funding: string;
  /** Of the running interval; null before it was told. */
  fundingRate: number | null;
  /** What the strategy thinks of the market; null where it has no such view. */
  regime: string | null;
}

/** hb.control.v1 */
export interface ControlEvent {
  type:
    | 'started'
    | 'synced'
    | 'position_adopted'
    | 'phase'
    | 'command'
    | 'order_adopted'
    | 'fills_missing'
    | 'connector'
    /** The level of risk changed; `reason` is the rule's code. */
    | 'escalation'
    | 'parameters_changed'
    /** A UTC day ended; what it came to. */
    | 'day_closed'
    /** Money came to the account or left it: no profit and no loss. */
    | 'transfer_seen'
    /** `reason` is an `AlertCode`. */
    | 'alert';
  phase: string;
  reason: string;
  operator: string | null;
  detail: Readonly<Record<string, string | number | boolean | null>>;
}

/** hb.market_data.v1: a sample of the top of the book, taken with each snapshot. */
export interface BookSampleEvent {
  type: 'book_sample';
  symbol: string;
  venueAtMs: number;
  bid: string;
  bidQty: string;
  ask: string;
  askQty: string;
}

/** hb.telemetry.v1: measured by the process around the machine, so no part of a replay. */
export interface TickTimingsEvent {
  type: 'TickTimings';
  /** Journal append and machine step of one input. */
  tick: LatencySummary;
  /** Machine step of the timer: where indicators, regime and risk are judged. */
  evaluate: LatencySummary;
  /** From the decision to the durable journal. */
  durable: LatencySummary;
  /** From the decision to the venue's answer. */
  placeAnswer: LatencySummary;
  cancelAnswer: LatencySummary;
  /** One whole read of orders, fills, stops, positions, funding and balance. */
  syncRead: LatencySummary;
  memoryRssBytes: number;
  /** As in `ShadowFillsEvent`, and sooner. */
  droppedRelayCount: number;
  /** Since the process began. */
  connector: {
    reconnects: number;
    bookGaps: number;
    bookChecksumFailures: number;
    malformed: number;
  };
}

/**
 * hb.telemetry.v1, once a minute and at the end: what the grades of the fill model would have filled of the bot's own resting
 * orders, beside what the venue filled of the same orders. Measured by the process around the machine, so no part of a replay.
 */
export interface ShadowFillsEvent {
  type: 'shadow_fills';
  symbol: string;
  /** How long the minute was. */
  spanMs: number;
  minute: ShadowFillCounts;
  /** Since the process began. */
  sinceStart: ShadowFillCounts;
  /** Orders that rested unseen, took, or met an interrupted feed; since the process began. */
  ordersNotCompared: number;
  /** `dropped_relay_count`: fills that the venue lists and accounting did not have a minute later; since the process began. */
  droppedRelayCount: number;
}

export interface ShadowFillCounts {
  /** Orders that came into the comparison. */
  orders: number;
  /** Maker fills of these orders at the venue. */
  actual: FillCounts;
  touch: FillCounts;
  queue: FillCounts;
  strict: FillCounts;
}

export interface FillCounts {
  /** Orders with a first fill. */
  orders: number;
  fills: number;
  qty: string;
  /** USDT. */
  notional: string;
}

export interface LatencySummary {
  count: number;
  meanMs: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

export type BotEvent =
  | BookSampleEvent
  | ExecutionIntentEvent
  | RiskDenialEvent
  | OrderEvent
  | StopEvent
  | FillEvent
  | BotFillEvent
  | SignalEvent
  | BotSnapshotEvent
  | ControlEvent;
