/** Payloads of the event streams. Amounts, prices and quantities are decimal strings. */
import type { DenialCode } from '../risk/decision.ts';
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
  | { type: 'cancel_stop'; clientOrderId: string; reason: string };

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

/** hb.fill.v1 */
export interface FillEvent {
  type: 'fill';
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
  /** From the decision to the durable journal. */
  durable: LatencySummary;
  /** From the decision to the venue's answer. */
  placeAnswer: LatencySummary;
  memoryRssBytes: number;
  /** Since the process began. */
  connector: {
    reconnects: number;
    bookGaps: number;
    bookChecksumFailures: number;
    malformed: number;
  };
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
  | BotSnapshotEvent
  | ControlEvent;
