/** Equity as a statistic, and the snapshot events that reports and dashboards read. */
import { feesOf, netLots, realisedOf, unrealisedOf } from '../accounting/holdings.ts';
import { isStopping } from '../orders/order.ts';
import type { Leg } from '../accounting/legs.ts';
import type { Position } from '../accounting/position.ts';
import { formatPrice, formatQty, type Instrument } from '../market/instrument.ts';
import { formatQuote, quoteToNumber } from '../money/decimal.ts';
import type { PriceTicks } from '../money/money.ts';
import { RecordKind } from '../events/record.ts';
import type { Effects } from './effects.ts';
import { countCancels, type OrderDesk } from './order-desk.ts';
import { unprotectedMsAt } from './protection.ts';
import { reasonName } from './reasons.ts';
import type { BotState } from './state.ts';

const TELEMETRY_MS = 5_000;
const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;
/** A ticker comes every 105 ms or so. */
const MARK_AGE_MS_MAX = 10_000;

/** Null until both sides of a book have been seen. */
export function midOf(state: BotState): number | null {
  const { book } = state;
  return book.bidCount > 0 && book.askCount > 0
    ? ((book.bidTicks[0] as number) + (book.askTicks[0] as number)) / 2
    : null;
}

/**
 * The price that what is held is worth: the venue's mark, as in its own margin, and while none was told lately the middle of
 * the book. A book can be wide or thin for a moment; a peak of equity that it made would be kept for good.
 */
export function worthTicksOf(state: BotState): number | null {
  const isMarkFresh = state.markTicks > 0 && state.lastAtMs - state.markAtMs < MARK_AGE_MS_MAX;
  return isMarkFresh ? state.markTicks : midOf(state);
}

export function equityOf(state: BotState, desk: Pick<OrderDesk, 'instrument'>): number {
  return quoteToNumber(state.wallet) + unrealisedAt(state, desk.instrument);
}

function unrealisedAt(state: BotState, { quotePerTickLot }: Instrument): number {
  const priceTicks = worthTicksOf(state);
  return priceTicks === null ? 0 : unrealisedOf(state.holdings, priceTicks, quotePerTickLot);
}

export type BotPhase = 'starting' | 'running' | 'paused' | 'hard_stopped' | 'stopping';

export function phaseOf(state: BotState): BotPhase {
  if (state.hardStopped) return 'hard_stopped';
  if (state.stopping) return 'stopping';
  if (!state.synced) return 'starting';
  const isPaused = state.pausedByOperator || state.pausedWithoutSupervisor || state.risk.ladder.level === 'soft_pause';
  return isPaused ? 'paused' : 'running';
}

/** A statistic as text: 8 decimals are beyond what any of them means. */
export function text(value: number): string {
  return value.toFixed(8).replace(/\.?0+$/, '');
}

export function entryOf({ qty, cost }: Position, { lotSize }: Instrument): string | null {
  return qty === 0 ? null : text(quoteToNumber(cost) / (Math.abs(qty) * lotSize));
}

function legOf(leg: Leg, position: Position, instrument: Instrument) {
  return { leg, position: formatQty(position.qty, instrument), entryPrice: entryOf(position, instrument) };
}

export function recordTelemetry(state: BotState, atMs: number, desk: OrderDesk, effects: Effects): void {
  if (atMs - state.telemetryAtMs < TELEMETRY_MS) return;
  const minute = Math.floor(atMs / MINUTE_MS);
  const { instrument } = desk;
  const { holdings } = state;
  const lots = netLots(holdings);
  const isNet = holdings.long.qty === 0 && holdings.short.qty === 0;
  const midTicks = midOf(state);
  const unrealised = unrealisedAt(state, instrument);
  effects.push({
    effect: 'record',
    kind: RecordKind.telemetryEvent,
    event: {
      type: minute === state.telemetryMinute ? 'BotSnapshot' : 'BotMinuteSnapshot',
      symbol: instrument.symbol,
      phase: phaseOf(state),
      reason: reasonName(state.reason),
      equity: text(quoteToNumber(state.wallet) + unrealised),
      equityPeak: text(state.daily.equityPeak ?? 0),
      equityDayStart: text(state.daily.equityStart ?? 0),
      position: formatQty(lots, instrument),
      positionQuote: midTicks === null ? 0 : lots * midTicks * instrument.quotePerTickLot,
      entryPrice: isNet ? entryOf(holdings.net, instrument) : null,
      legs: isNet ? [] : [legOf('long', holdings.long, instrument), legOf('short', holdings.short, instrument)],
      mid: midTicks === null ? null : text(midTicks * instrument.tickSize),
      bookAgeMs: state.bookAtMs === 0 ? null : atMs - state.bookAtMs,
      realised: formatQuote(realisedOf(holdings)),
      unrealised: text(unrealised),
      fees: formatQuote(feesOf(holdings)),
      fills: state.fills,
      lastFillAtMs: state.lastFillAtMs === 0 ? null : state.lastFillAtMs,
      ordersActive: state.orders.filter((order) => order.state !== 'closed' && !isStopping(order)).length,
      ordersUnknown: state.orders.filter((order) => order.state === 'unknown').length,
      cancelsLastMinute: countCancels(state, atMs),
      supervisorAgeMs: atMs - state.supervisorSeenAtMs,
      stops: state.stops.length,
      stopPrices: state.stops
        .filter((stop) => stop.state === 'open' && !stop.isOver)
        .map((stop) => formatPrice(stop.triggerPrice, instrument)),
      unprotectedMs: unprotectedMsAt(state, atMs),
      alerts: state.alerts,
      clockOffsetMs: state.clockMeasuredAtMs === 0 ? null : state.clockOffsetMs,
      riskLevel: state.risk.ladder.level,
      riskCode: state.risk.ladder.code,
      marginRatio: state.risk.marginRead?.ratio ?? null,
      positionDriftPct: state.positionDriftPct,
      funding: formatQuote(state.funding),
      fundingRate: state.fundingAtMs === 0 ? null : state.fundingRate,
      regime: desk.strategy.regimeName(),
    },
  });
  if (midTicks !== null) {
    const { book } = state;
    effects.push({
      effect: 'record',
      kind: RecordKind.marketDataEvent,
      event: {
        type: 'book_sample',
        symbol: instrument.symbol,
        venueAtMs: book.venueAtMs,
        bid: formatPrice(book.bidTicks[0] as PriceTicks, instrument),
        bidQty: text((book.bidLots[0] as number) * instrument.lotSize),
        ask: formatPrice(book.askTicks[0] as PriceTicks, instrument),
        askQty: text((book.askLots[0] as number) * instrument.lotSize),
      },
    });
  }
  state.telemetryAtMs = atMs;
  state.telemetryMinute = minute;
}
