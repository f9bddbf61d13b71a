/** What a bot knew when it decided, as its re-run shows it: in venue decimals and statistics, ready for JSON. */
import { netLots, unrealisedOf } from '../../core/accounting/holdings.ts';
import { BotMachine } from '../../core/bot/machine.ts';
import { riskLevelOf } from '../../core/bot/risk-watch.ts';
import { decodeState, encodeState, type BotState } from '../../core/bot/state.ts';
import { entryOf, midOf } from '../../core/bot/telemetry.ts';
import { formatPrice, formatQty, type Instrument } from '../../core/market/instrument.ts';
import type { PriceTicks, QtyLots, SignedLots } from '../../core/money/money.ts';
import { isStopping, openLots, type Order } from '../../core/orders/order.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import type { DesiredQuotes, Explained } from '../../core/strategies/strategy.ts';
import type { RecordedRun, ReplayedStep } from '../../journal/machine-replay.ts';
import { sideOf, type SideFacts } from './sides.ts';

export interface MarketFacts {
  readonly bid: string | null;
  readonly ask: string | null;
  /** Null without a two-sided book. */
  readonly spreadBps: number | null;
  /** Null before the first book of the run. */
  readonly bookAgeMs: number | null;
}

export interface PositionFacts {
  /** Signed, of all legs. */
  readonly qty: string;
  readonly entryPrice: string | null;
  /** USDT at the mid. */
  readonly quote: number;
  readonly unrealised: number;
  /** In hedge mode. */
  readonly legs: readonly {
    readonly leg: 'long' | 'short';
    readonly qty: string;
    readonly entryPrice: string | null;
  }[];
}

export interface OrderFacts {
  readonly clientOrderId: string;
  readonly side: Side;
  readonly price: string;
  readonly qty: string;
  readonly filled: string;
  readonly state: string;
  readonly isCancelling: boolean;
  readonly isForeign: boolean;
  readonly ageMs: number;
}

/** Something measured, and what it may be at most. */
export interface Use {
  readonly measured: number;
  readonly limit: number;
}

export interface RiskFacts {
  readonly level: string;
  /** Why the level is not `allow`. */
  readonly code: string | null;
  readonly measured: number | null;
  readonly limit: number | null;
  /** USDT: position with everything that may still execute, the larger side. */
  readonly exposure: Use;
  readonly ordersActive: Use;
  readonly cancelsLastMinute: Use;
  /** USDT, since the UTC day began; positive is a loss. */
  readonly dayLoss: Use | null;
  readonly drawdownPct: Use | null;
}

export interface StopFacts {
  readonly clientOrderId: string;
  readonly leg: string;
  readonly closes: 'long' | 'short';
  readonly triggerPrice: string;
  readonly state: string;
}

export interface ProtectionFacts {
  /** As configured: whether whatever is held shall have a stop at the venue. */
  readonly isEnabled: boolean;
  readonly stops: readonly StopFacts[];
  /** Since when something has been held without a stop that is known to rest; null while nothing is. */
  readonly unprotectedMs: number | null;
}

export interface Facts {
  readonly market: MarketFacts;
  readonly position: PositionFacts;
  /** USDT; null before it was read. */
  readonly equity: number | null;
  /** Since the venue was asked for the balance that the equity is counted on from; null before the first time. */
  readonly equityAgeMs: number | null;
  readonly protection: ProtectionFacts;
  readonly orders: readonly OrderFacts[];
  readonly risk: RiskFacts;
  readonly strategy: string;
  readonly explain: Explained;
  readonly sides: Readonly<Record<Side, SideFacts>>;
}

export function factsOf(step: Pick<ReplayedStep, 'machine' | 'run' | 'input' | 'reason'>): Facts {
  const { machine, run, input: { atMs } } = step; // prettier-ignore
  const { state } = machine;
  const { instrument } = run;
  const explain = explainAside(machine, run);
  return {
    market: marketOf(state, instrument, atMs),
    position: positionOf(state, instrument),
    equity: state.daily.equityLast,
    equityAgeMs: state.provenAtMs === 0 ? null : atMs - state.provenAtMs,
    protection: protectionOf(machine, instrument, atMs),
    orders: state.orders.map((order) => orderOf(order, instrument, atMs)),
    risk: riskOf(machine, instrument),
    strategy: run.config.strategy.name,
    explain,
    sides: { buy: sideOf(step, explain, 'buy'), sell: sideOf(step, explain, 'sell') },
  };
}

function protectionOf(machine: BotMachine, instrument: Instrument, atMs: number): ProtectionFacts {
  const { stops, unprotectedSinceMs } = machine.state;
  return {
    isEnabled: machine.tunedConfig().risk.protectiveStopEnabled,
    stops: stops
      .filter(({ isOver }) => !isOver)
      .map(({ clientOrderId, leg, direction, triggerPrice, state }) => ({
        clientOrderId,
        leg,
        closes: direction === 1 ? 'long' : 'short',
        triggerPrice: formatPrice(triggerPrice, instrument),
        state,
      })),
    unprotectedMs: unprotectedSinceMs === 0 ? null : atMs - unprotectedSinceMs,
  };
}

/** Asked of a copy: a question must not change how the replay goes on. */
function explainAside({ state }: BotMachine, { config, instrument }: RecordedRun): Explained {
  return new BotMachine(config, instrument, decodeState(encodeState(state))).explain();
}

function marketOf(state: BotState, instrument: Instrument, atMs: number): MarketFacts {
  const { book, bookAtMs } = state;
  const bidTicks = book.bidCount > 0 ? (book.bidTicks[0] as PriceTicks) : null;
  const askTicks = book.askCount > 0 ? (book.askTicks[0] as PriceTicks) : null;
  const mid = midOf(state);
  return {
    bid: bidTicks === null ? null : formatPrice(bidTicks, instrument),
    ask: askTicks === null ? null : formatPrice(askTicks, instrument),
    spreadBps: mid === null || bidTicks === null || askTicks === null ? null : ((askTicks - bidTicks) / mid) * 10_000,
    bookAgeMs: bookAtMs === 0 ? null : atMs - bookAtMs,
  };
}

function positionOf(state: BotState, instrument: Instrument): PositionFacts {
  const { holdings } = state;
  const lots = netLots(holdings);
  const mid = midOf(state) ?? 0;
  const isNet = holdings.long.qty === 0 && holdings.short.qty === 0;
  const legOf = (leg: 'long' | 'short') => ({
    leg,
    qty: formatQty(holdings[leg].qty, instrument),
    entryPrice: entryOf(holdings[leg], instrument),
  });
  return {
    qty: formatQty(lots, instrument),
    entryPrice: isNet ? entryOf(holdings.net, instrument) : null,
    quote: lots * mid * instrument.quotePerTickLot,
    unrealised: mid === 0 ? 0 : unrealisedOf(holdings, mid, instrument.quotePerTickLot),
    legs: isNet ? [] : [legOf('long'), legOf('short')],
  };
}

function orderOf(order: Order, instrument: Instrument, atMs: number): OrderFacts {
  return {
    clientOrderId: order.clientOrderId,
    side: order.side,
    price: formatPrice(order.price, instrument),
    qty: formatQty(order.qty, instrument),
    filled: formatQty(order.venueFilled, instrument),
    state: order.state,
    isCancelling: isStopping(order),
    isForeign: order.foreign,
    ageMs: atMs - order.sentAtMs,
  };
}

function riskOf(machine: BotMachine, { quotePerTickLot }: Instrument): RiskFacts {
  const { state } = machine;
  const { risk } = machine.tunedConfig();
  const { code, measured, limit } = state.risk.ladder;
  const { equityLast, equityPeak, equityStart } = state.daily;
  const lots: number = netLots(state.holdings);
  let buyLots = lots;
  let sellLots = -lots;
  for (const order of state.orders) {
    if (order.side === 'buy') buyLots += openLots(order);
    else sellLots += openLots(order);
  }
  const active = state.orders.filter((order) => order.state !== 'closed' && !isStopping(order));
  const quotePerLot = (midOf(state) ?? 0) * quotePerTickLot;
  return {
    level: riskLevelOf(state),
    code,
    measured,
    limit,
    exposure: { measured: Math.max(buyLots, sellLots, 0) * quotePerLot, limit: Number(risk.exposureQuoteMax) },
    ordersActive: { measured: active.length, limit: risk.ordersActiveMax },
    cancelsLastMinute: { measured: state.cancelsAtMs.length, limit: risk.cancelsPerMinuteMax },
    dayLoss:
      equityLast === null || equityStart === null
        ? null
        : { measured: equityStart - equityLast, limit: Number(risk.dailyLossQuoteMax) },
    drawdownPct:
      equityLast === null || equityPeak === null || equityPeak <= 0
        ? null
        : { measured: ((equityPeak - equityLast) / equityPeak) * 100, limit: risk.drawdownSoftPct },
  };
}

/** What risk measured of an approved order, as `decide` does: against what was there before it. */
export interface Approval {
  /** USDT; an order that only makes the position smaller adds nothing to the exposure. */
  readonly orderQuote: Use;
  readonly exposureQuote: Use;
  readonly ordersActive: Use;
}

/** Null for an order that the machine does not have. */
export function approvalOf(
  { machine, run: { instrument } }: Pick<ReplayedStep, 'machine' | 'run'>,
  clientOrderId: string,
): Approval | null {
  const { state } = machine;
  const { risk } = machine.tunedConfig();
  const place = state.orders.findIndex((order) => order.clientOrderId === clientOrderId);
  const order = state.orders[place];
  if (order === undefined) return null;
  const before = state.orders.slice(0, place);
  const sameSide = before.filter(({ side }) => side === order.side);
  const openBefore = sameSide.reduce((sum, other) => sum + openLots(other), 0);
  const lots: number = netLots(state.holdings);
  const held = order.side === 'buy' ? lots : -lots;
  const quotePerLot = Math.max(order.price, midOf(state) ?? 0) * instrument.quotePerTickLot;
  return {
    orderQuote: { measured: order.qty * quotePerLot, limit: Number(risk.orderQuoteMax) },
    exposureQuote: {
      measured: Math.max(0, held + openBefore + order.qty) * quotePerLot,
      limit: Number(risk.exposureQuoteMax),
    },
    ordersActive: {
      measured: before.filter((other) => other.state !== 'closed' && !isStopping(other)).length,
      limit: risk.ordersActiveMax,
    },
  };
}

export interface WantedQuote {
  readonly side: Side;
  readonly level: number;
  readonly price: string;
  readonly qty: string;
}

/** What the strategy wanted in the book at this step; none where something forbade to quote. */
export function wantedQuotes(desired: DesiredQuotes, instrument: Instrument): WantedQuote[] {
  const quotes: WantedQuote[] = [];
  const add = (side: Side, ticks: Float64Array, lots: Float64Array): void => {
    for (const [level, qty] of lots.entries())
      if (qty > 0)
        quotes.push({
          side,
          level,
          price: formatPrice((ticks[level] ?? 0) as PriceTicks, instrument),
          qty: formatQty(qty as QtyLots & SignedLots, instrument),
        });
  };
  add('buy', desired.bidTicks, desired.bidLots);
  add('sell', desired.askTicks, desired.askLots);
  return quotes;
}
