/**
 * All that a bot machine remembers, as plain values: a snapshot of it, with the inputs that follow, is the machine.
 */
import { createBookFrame, type BookFrame } from '../market/book.ts';
import { formatQuote, parseQuote } from '../money/decimal.ts';
import { ZERO_QUOTE, type QuoteAmount } from '../money/money.ts';
import { flatHoldings, LEGS, type Holdings } from '../accounting/holdings.ts';
import type { Leg } from '../accounting/legs.ts';
import type { Position } from '../accounting/position.ts';
import { fnv1a } from '../orders/client-order-id.ts';
import type { Order } from '../orders/order.ts';
import type { Stop } from '../orders/stop.ts';
import type { DenialCode } from '../risk/decision.ts';
import type { VenueTrouble } from '../venue-trouble.ts';
import { Reason, type ReasonCode } from './reasons.ts';

export interface BotState {
  /** Bot start this state belongs to; 0 before the first. */
  epoch: number;
  /** Number of the last intent of this epoch. */
  intentNumber: number;
  /** The venue's truth was taken over in this epoch. */
  synced: boolean;
  /** In any epoch: the position below is ours and not a blank. */
  everSynced: boolean;
  /** When the running sync was asked for; 0 when none runs. */
  syncSentAtMs: number;
  /** When to ask for the next one. */
  syncDueAtMs: number;
  /** When something was last heard that only a read explains: one that was asked for before does not do. */
  syncWantedAtMs: number;
  /** The venue's stream's word on what is held, by leg: null before the first; and since when it has not been ours. */
  toldByLeg: Record<Leg, number | null>;
  toldDiffersAtMs: number;
  /** Reads in a row in which the venue's position differed from ours by the same lots. */
  syncMismatches: number;
  /** The venue's holdings less ours in the last of them, by leg. */
  syncDifferences: number[];
  /** Fills up to here were read back, by the local clock. */
  fillsReadAtMs: number;
  /** Something may have happened unseen until then: the private stream was away, or this process stood still. */
  doubtedAtMs: number;
  /** When the last read that agreed was asked for. */
  provenAtMs: number;
  /** Time of the last input. */
  lastAtMs: number;
  pausedByOperator: boolean;
  pausedWithoutSupervisor: boolean;
  hardStopped: boolean;
  /** When the symbol's cancel-all of a hard stop was last sent; 0 once the venue has confirmed it. */
  cancelAllSentAtMs: number;
  stopping: boolean;
  left: boolean;
  supervisorSeenAtMs: number;
  bookUp: boolean;
  ordersUp: boolean;
  book: BookFrame;
  /** Local arrival of `book`; 0 before the first. */
  bookAtMs: number;
  /** Since when its best bid and ask have been the same. */
  bookTopAtMs: number;
  /** Venue's clock less ours, and how far off the measure may be. */
  clockOffsetMs: number;
  clockUncertaintyMs: number;
  /** When it was measured; 0 before the first time. */
  clockMeasuredAtMs: number;
  /** When the venue last found our time wrong; 0 before. */
  clockRefusedAtMs: number;
  /** ... and it has not been measured since. */
  isClockDoubted: boolean;
  /** The venue does not work for this account as it should; null when it does. */
  venueTrouble: VenueTrouble | null;
  venueTroubleAtMs: number;
  /** Spells of maintenance without a longer time of work between them, and when the last one ended. */
  maintenanceSpells: number;
  maintenanceEndedAtMs: number;
  holdings: Holdings;
  /** Protective stops at the venue or on their way. */
  stops: Stop[];
  /** No new try to place a stop before this: the last one was refused. */
  stopRetryAtMs: number;
  /** Refusals in a row, the code last told, and when. */
  stopRefusals: number;
  stopRefusalTold: string | null;
  stopRefusalToldAtMs: number;
  /** Since when something has been held without a stop that is known to rest; 0 when nothing is. */
  unprotectedSinceMs: number;
  /** All time of that kind in this bot's life. */
  unprotectedMs: number;
  isUnprotectedTold: boolean;
  /** Stops of others, as last listed: each is reported once. */
  externalStops: string[];
  /** Alerts raised so far. */
  alerts: number;
  orders: Order[];
  /** The last trade ids, oldest first: a fill told twice counts once. */
  tradeIds: string[];
  fills: number;
  lastFillAtMs: number;
  /** When the last fill was heard, by our clock. */
  fillHeardAtMs: number;
  /** Cash of the account without this position's unrealised profit, at the last sync and with all that was realised since. */
  wallet: QuoteAmount;
  /** `wallet` still holds the unrealised profit of the last sync: there was no mid to measure it by. */
  isWalletGross: boolean;
  equityPeak: number;
  /** UTC day number and its first equity. */
  day: number;
  equityDayStart: number;
  dailyLossReached: boolean;
  /** When the cancels of the last minute were sent, oldest first. */
  cancelsAtMs: number[];
  bidReplacedAtMs: number;
  askReplacedAtMs: number;
  bidDenial: DenialCode | null;
  askDenial: DenialCode | null;
  reason: ReasonCode;
  telemetryAtMs: number;
  telemetryMinute: number;
}

/** More than can be executed between two syncs with their overlap: what is read back again must still be known. */
export const TRADE_IDS_KEPT = 2_048;

export function blankState(): BotState {
  return {
    epoch: 0,
    intentNumber: 0,
    synced: false,
    everSynced: false,
    syncSentAtMs: 0,
    syncDueAtMs: 0,
    syncWantedAtMs: 0,
    toldByLeg: { net: null, long: null, short: null },
    toldDiffersAtMs: 0,
    syncMismatches: 0,
    syncDifferences: [],
    fillsReadAtMs: 0,
    doubtedAtMs: 0,
    provenAtMs: 0,
    lastAtMs: 0,
    pausedByOperator: false,
    pausedWithoutSupervisor: false,
    hardStopped: false,
    cancelAllSentAtMs: 0,
    stopping: false,
    left: false,
    supervisorSeenAtMs: 0,
    bookUp: false,
    ordersUp: false,
    book: createBookFrame(),
    bookAtMs: 0,
    bookTopAtMs: 0,
    clockOffsetMs: 0,
    clockUncertaintyMs: 0,
    clockMeasuredAtMs: 0,
    clockRefusedAtMs: 0,
    isClockDoubted: false,
    venueTrouble: null,
    venueTroubleAtMs: 0,
    maintenanceSpells: 0,
    maintenanceEndedAtMs: 0,
    holdings: flatHoldings(),
    stops: [],
    stopRetryAtMs: 0,
    stopRefusals: 0,
    stopRefusalTold: null,
    stopRefusalToldAtMs: 0,
    unprotectedSinceMs: 0,
    unprotectedMs: 0,
    isUnprotectedTold: false,
    externalStops: [],
    alerts: 0,
    orders: [],
    tradeIds: [],
    fills: 0,
    lastFillAtMs: 0,
    fillHeardAtMs: 0,
    wallet: ZERO_QUOTE,
    isWalletGross: false,
    equityPeak: 0,
    day: -1,
    equityDayStart: 0,
    dailyLossReached: false,
    cancelsAtMs: [],
    bidReplacedAtMs: 0,
    askReplacedAtMs: 0,
    bidDenial: null,
    askDenial: null,
    reason: Reason.none,
    telemetryAtMs: 0,
    telemetryMinute: 0,
  };
}

interface PositionOnDisk {
  qty: Position['qty'];
  cost: string;
  realised: string;
  fees: string;
}

interface StateOnDisk extends Omit<BotState, 'book' | 'holdings' | 'wallet'> {
  book: Omit<BookFrame, 'bidTicks' | 'bidLots' | 'askTicks' | 'askLots'> &
    Record<'bidTicks' | 'bidLots' | 'askTicks' | 'askLots', number[]>;
  holdings: Record<Leg, PositionOnDisk>;
  wallet: string;
}

/** Canonical text of the state: equal states give equal texts. */
export function encodeState(state: BotState): string {
  const { book, holdings, wallet } = state;
  const onDisk: StateOnDisk = {
    ...state,
    book: {
      ...book,
      bidTicks: [...book.bidTicks],
      bidLots: [...book.bidLots],
      askTicks: [...book.askTicks],
      askLots: [...book.askLots],
    },
    holdings: {
      net: positionOut(holdings.net),
      long: positionOut(holdings.long),
      short: positionOut(holdings.short),
    },
    wallet: formatQuote(wallet),
  };
  return JSON.stringify(onDisk);
}

/** The state that `encodeState` wrote; the journal's CRC vouches for the text. Fields that are new since are blank. */
export function decodeState(text: string): BotState {
  const { position: netBeforeLegs, ...onDisk } = JSON.parse(text) as StateOnDisk & { position?: PositionOnDisk };
  const { book } = onDisk;
  const holdings = flatHoldings();
  const saved: Partial<Record<Leg, PositionOnDisk>> = onDisk.holdings ?? { net: netBeforeLegs };
  for (const leg of LEGS) if (saved[leg] !== undefined) Object.assign(holdings[leg], positionIn(saved[leg]));
  return {
    ...blankState(),
    ...onDisk,
    book: {
      ...book,
      bidTicks: Float64Array.from(book.bidTicks),
      bidLots: Float64Array.from(book.bidLots),
      askTicks: Float64Array.from(book.askTicks),
      askLots: Float64Array.from(book.askLots),
    },
    orders: onDisk.orders.map((order) => ({ ...order, leg: order.leg ?? 'net' })),
    holdings,
    wallet: parseQuote(onDisk.wallet),
  };
}

function positionOut({ qty, cost, realised, fees }: Position): PositionOnDisk {
  return { qty, cost: formatQuote(cost), realised: formatQuote(realised), fees: formatQuote(fees) };
}

function positionIn({ qty, cost, realised, fees }: PositionOnDisk): Position {
  return { qty, cost: parseQuote(cost), realised: parseQuote(realised), fees: parseQuote(fees) };
}

/** Only a read of the venue explains what was heard: the next one that is asked for from now on. */
export function wantSync(state: BotState, atMs: number): void {
  state.syncWantedAtMs = atMs;
  state.syncDueAtMs = Math.min(state.syncDueAtMs, atMs);
}

/** Short fingerprint to compare two runs; equal for equal states. */
export function stateHash(state: BotState): string {
  const text = encodeState(state);
  return fnv1a(text).toString(16).padStart(8, '0') + fnv1a(`${text.length}:${text}`).toString(16).padStart(8, '0');
}
