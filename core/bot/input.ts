/**
 * Everything a bot machine can be told. Time and sequence come with the input: the machine has no clock. Each input is
 * journaled before the machine sees it, so a journal replays.
 */
import type { Bar } from '../market/bars.ts';
import type { BookFrame } from '../market/book.ts';
import type { InstrumentSpec } from '../market/instrument.ts';
import type { PriceTicks, QtyLots, QuoteAmount, SignedLots } from '../money/money.ts';
import type { Side } from '../orders/order-intent.ts';
import type { RecordKind } from '../events/record.ts';
import type { Leg } from '../accounting/legs.ts';
import type { VenueTrouble } from '../venue-trouble.ts';
import type { BotConfig } from './bot-config.ts';

interface Arrival {
  /** Journal sequence of this input. */
  sequence: number;
  /** Local clock when it arrived, ms since the epoch. */
  atMs: number;
}

export interface BookInput extends Arrival {
  kind: typeof RecordKind.bookInput;
  book: BookFrame;
}

export interface TimerInput extends Arrival {
  kind: typeof RecordKind.timerInput;
}

export interface StartInput extends Arrival {
  kind: typeof RecordKind.startInput;
  epoch: number;
  configHash: string;
  codeVersion: string;
  /** What the machine of this run was made of, so that its journal replays by itself. Older journals lack both. */
  config?: BotConfig;
  instrument?: InstrumentSpec;
}

/** The answer to a call that the machine asked for. */
export interface OrderInput extends Arrival {
  kind: typeof RecordKind.orderInput;
  clientOrderId: string;
  news:
    | PlaceAnswered
    | CancelAnswered
    | { news: 'notFound' }
    /** To `cancelAll`; the id is empty. */
    | { news: 'allCancelAnswered'; answer: 'yes' | 'gone' | 'no' | 'unknown' }
    | { news: 'lookupFailed'; trouble?: VenueTrouble | null }
    /** From the private stream, an answered look-up or the start-up scan. */
    | { news: 'seen'; status: 'open' | 'filled' | 'cancelled' | 'rejected'; filled: QtyLots; order: SeenOrder };
}

export interface PlaceAnswered {
  news: 'placeAnswered';
  answer: 'yes' | 'duplicate' | 'no' | 'unknown';
  code: string | null;
  trouble?: VenueTrouble | null;
}

export interface CancelAnswered {
  news: 'cancelAnswered';
  answer: 'yes' | 'gone' | 'no' | 'unknown';
  trouble?: VenueTrouble | null;
}

/** The answer to a call about a protective stop. */
export interface StopInput extends Arrival {
  kind: typeof RecordKind.stopInput;
  clientOrderId: string;
  news: PlaceAnswered | CancelAnswered;
}

/** How far the venue's clock is ahead of ours, and how far off that measure may be. */
export interface ClockInput extends Arrival {
  kind: typeof RecordKind.clockInput;
  offsetMs: number;
  uncertaintyMs: number;
}

/** What the venue's stream says is held in a leg. Fills move the position; this is only held against it. */
export interface ToldPositionInput extends Arrival {
  kind: typeof RecordKind.toldPositionInput;
  leg: Leg;
  qty: SignedLots;
}

/** Enough of an order at the venue to adopt it when it is not ours. */
export interface SeenOrder {
  side: Side;
  price: PriceTicks;
  qty: QtyLots;
  reduceOnly: boolean;
  leg: Leg;
}

/** A protective stop as the venue lists it. */
export interface SeenStop {
  clientOrderId: string;
  leg: Leg;
  /** 1 protects what is long, -1 what is short. */
  direction: 1 | -1;
  triggerPrice: PriceTicks;
}

export interface FillInput extends Arrival {
  kind: typeof RecordKind.fillInput;
  fill: FillFact;
}

export interface FillFact {
  tradeId: string;
  /** The venue's order id stands in where the order has no client id. */
  clientOrderId: string;
  side: Side;
  leg: Leg;
  price: PriceTicks;
  qty: QtyLots;
  fee: QuoteAmount;
  liquidity: 'maker' | 'taker';
  venueAtMs: number;
}

/** The venue's whole truth about this bot's symbol, read after the streams were up. */
export interface SyncInput extends Arrival {
  kind: typeof RecordKind.positionInput;
  /** When the machine asked for this read, which may have been given up since. Left out, it is the one that runs. */
  askedAtMs?: number;
  openOrders: { clientOrderId: string; filled: QtyLots; order: SeenOrder }[];
  /** Executed since the last one this bot knows of, oldest first. */
  fills: FillFact[];
  /** What is held; a flat leg may be left out. */
  positions: { leg: Leg; qty: SignedLots; entryPrice: string | null }[];
  stops: SeenStop[];
  /** Margin balance including unrealised profit, exact. */
  equity: QuoteAmount;
  /** Maintenance margin of the account over its equity (1 is liquidation); null where the venue does not say; so below. */
  marginRatio: number | null;
  /** Maintenance margin of this symbol's position as a fraction of its notional. */
  maintenanceRatio: number | null;
  /** Funding of this symbol that was settled since the last read, oldest first; positive was received. */
  fundingPayments: { paymentId: string; amount: QuoteAmount; atMs: number }[];
}

/** Prices and funding that the venue states, about once a second; null where it does not. */
export interface TickerInput extends Arrival {
  kind: typeof RecordKind.tickerInput;
  /** May lie between two ticks. */
  markTicks: number | null;
  /** Fraction of notional for one interval; positive: longs pay shorts. */
  fundingRate: number | null;
  fundingIntervalMs: number | null;
  fundingAtMs: number | null;
}

/** The venue's own history of closed bars up to now, oldest first, read at the start. */
export interface BarsInput extends Arrival {
  kind: typeof RecordKind.barsInput;
  bars: Bar[];
}

export interface ConnectorInput extends Arrival {
  kind: typeof RecordKind.connectorInput;
  channel: 'book' | 'trades' | 'ticker' | 'orders' | 'positions' | 'sync';
  status: 'up' | 'down';
  reason: string;
  trouble?: VenueTrouble | null;
  /** Of channel `sync`: which read failed, and when all of it was asked for; as with `SyncInput`. */
  part?: SyncPart;
  askedAtMs?: number;
}

export type SyncPart = 'orders' | 'fills' | 'stops' | 'positions' | 'balance' | 'funding';

export interface ControlInput extends Arrival {
  kind: typeof RecordKind.controlInput;
  command: ControlCommand;
}

export type ControlCommand =
  /** A supervisor in good standing is there. `storedAgeMs`: see `noteStored`. */
  | { command: 'ping'; storedAgeMs?: number | null | undefined }
  | { command: 'pause'; operator: string; reason: string }
  | { command: 'resume'; operator: string; reason: string }
  /** Latched: only `approveRestart` lifts it. */
  | { command: 'hardStop'; operator: string; reason: string }
  /** `givenAtMs`: when the person gave it, which may be long before it arrives; left out, now. */
  | { command: 'approveRestart'; operator: string; reason: string; givenAtMs?: number | undefined }
  /** Live-tunable parameters by path; null takes the configured value again. All of them or none. */
  | { command: 'setParameters'; operator: string; reason: string; changes: Readonly<Record<string, TunableValue>> }
  /** Cancel everything; the process leaves when nothing is open. */
  | { command: 'shutdown'; reason: string };

export type TunableValue = number | string | boolean | null;

export type BotInput =
  | BookInput
  | TimerInput
  | StartInput
  | OrderInput
  | StopInput
  | FillInput
  | SyncInput
  | ConnectorInput
  | ClockInput
  | ToldPositionInput
  | TickerInput
  | BarsInput
  | ControlInput;
