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
import { QUOTE_LEVELS_MAX, type StrategyMemory } from '../strategies/strategy.ts';
import type { VenueTrouble } from '../venue-trouble.ts';
import type { SyncPart, TunableValue } from './input.ts';
import { blankDaily, type DailyMemory } from './daily.ts';
import { blankRisk, type RiskMemory } from './risk-watch.ts';
import type { StoreMemory } from './store-watch.ts';
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
  /** Own orders that ended since: its answer may still list them as open. Absent where none did. */
  ordersEndedInRead: string[] | undefined;
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
  /** When the hard stop, or the soft pause of the bot's own ladder, began: the last one where neither holds. */
  heldSinceMs: number;
  /** When the symbol's cancel-all of a hard stop was last sent; 0 once the venue has confirmed it. */
  cancelAllSentAtMs: number;
  stopping: boolean;
  left: boolean;
  supervisorSeenAtMs: number;
  /** Of what waits to be stored. Absent where nobody tells of it. */
  eventStore: StoreMemory | undefined;
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
  /** The UTC day, and the peak of the equity. */
  daily: DailyMemory;
  /** When the cancels of the last minute were sent, oldest first. */
  cancelsAtMs: number[];
  /** When the quote of each level was last sent, and the code of its last denial. */
  bidReplacedAtMs: number[];
  askReplacedAtMs: number[];
  bidDenials: (DenialCode | null)[];
  askDenials: (DenialCode | null)[];
  /** Funding as last told; the rate is 0 before, and positive where longs pay. */
  fundingRate: number;
  fundingIntervalMs: number;
  fundingAtMs: number;
  /** Mark price in ticks, and when it was told; 0 before. */
  markTicks: number;
  markAtMs: number;
  /** Settled funding: received less paid, in this bot's life, and the last payments counted in. */
  funding: QuoteAmount;
  fundingIds: string[];
  /** Failed tries of the start-up read, and whether that was the last one before a person looks. */
  syncTries: number;
  isSyncGivenUp: boolean;
  /** What could not be read in the last of them. */
  syncFailedPart: SyncPart | null;
  /** Venue's position less ours at the last read, in percent of the larger. */
  positionDriftPct: number;
  /** Live-tunable parameters that differ from the configured ones, by path. */
  parameters: Record<string, TunableValue>;
  /** The bot's own level of risk and what it rests on. */
  risk: RiskMemory;
  /** All that the strategy remembers. */
  strategy: StrategyMemory | null;
  reason: ReasonCode;
  telemetryAtMs: number;
  telemetryMinute: number;
}

/** More than can be executed between two syncs with their overlap: what is read back again must still be known. */
export const TRADE_IDS_KEPT = 2_048;

/** Bitget's most common interval, until the venue tells its own. */
const FUNDING_INTERVAL_MS = 8 * 3_600_000;

function perLevel<T>(value: T): T[] {
  return Array.from({ length: QUOTE_LEVELS_MAX }, () => value);
}

export function blankState(): BotState {
  return {
    epoch: 0,
    intentNumber: 0,
    synced: false,
    everSynced: false,
    syncSentAtMs: 0,
    ordersEndedInRead: undefined,
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
    heldSinceMs: 0,
    cancelAllSentAtMs: 0,
    stopping: false,
    left: false,
    supervisorSeenAtMs: 0,
    eventStore: undefined,
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
    daily: blankDaily(),
    cancelsAtMs: [],
    bidReplacedAtMs: perLevel(0),
    askReplacedAtMs: perLevel(0),
    bidDenials: perLevel(null),
    askDenials: perLevel(null),
    fundingRate: 0,
    fundingIntervalMs: FUNDING_INTERVAL_MS,
    fundingAtMs: 0,
    markTicks: 0,
    markAtMs: 0,
    funding: ZERO_QUOTE,
    fundingIds: [],
    syncTries: 0,
    isSyncGivenUp: false,
    syncFailedPart: null,
    positionDriftPct: 0,
    parameters: {},
    risk: blankRisk(),
    strategy: null,
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

interface StateOnDisk extends Omit<BotState, 'book' | 'holdings' | 'wallet' | 'funding'> {
  book: Omit<BookFrame, 'bidTicks' | 'bidLots' | 'askTicks' | 'askLots'> &
    Record<'bidTicks' | 'bidLots' | 'askTicks' | 'askLots', number[]>;
  holdings: Record<Leg, PositionOnDisk>;
  wallet: string;
  funding: string;
}

/** Canonical text of the state: equal states give equal texts. */
export function encodeState(state: BotState): string {
  const { book, holdings, wallet, funding } = state;
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
    funding: formatQuote(funding),
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
  const blank = blankState();
  return {
    ...blank,
    ...onDisk,
    book: {
      ...book,
      bidTicks: Float64Array.from(book.bidTicks),
      bidLots: Float64Array.from(book.bidLots),
      askTicks: Float64Array.from(book.askTicks),
      askLots: Float64Array.from(book.askLots),
    },
    orders: onDisk.orders.map((order) => ({ ...order, leg: order.leg ?? 'net', level: order.level ?? 0 })),
    holdings,
    wallet: parseQuote(onDisk.wallet),
    funding: parseQuote(onDisk.funding ?? '0'),
    // One number a side before quotes had levels.
    bidReplacedAtMs: Array.isArray(onDisk.bidReplacedAtMs) ? onDisk.bidReplacedAtMs : blank.bidReplacedAtMs,
    askReplacedAtMs: Array.isArray(onDisk.askReplacedAtMs) ? onDisk.askReplacedAtMs : blank.askReplacedAtMs,
  };
}

function positionOut({ qty, cost, realised, fees }: Position): PositionOnDisk {
  return { qty, cost: formatQuote(cost), realised: formatQuote(realised), fees: formatQuote(fees) };
}

function positionIn({ qty, cost, realised, fees }: PositionOnDisk): Position {
  return { qty, cost: parseQuote(cost), realised: parseQuote(realised), fees: parseQuote(fees) };
}

/**
 * Only a read of the venue explains what was heard: the next one that is asked for from now on. The first read of a run comes
 * anyway, and keeps the pauses between its tries.
 */
export function wantSync(state: BotState, atMs: number): void {
  state.syncWantedAtMs = atMs;
  if (state.synced) state.syncDueAtMs = Math.min(state.syncDueAtMs, atMs);
}

/** Short fingerprint to compare two runs; equal for equal states. */
export function stateHash(state: BotState): string {
  const text = encodeState(state);
  return fnv1a(text).toString(16).padStart(8, '0') + fnv1a(`${text.length}:${text}`).toString(16).padStart(8, '0');
}
