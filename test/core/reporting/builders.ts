/** Events as a bot's journal holds them, and reports made of them. */
import type { BotFillEvent, FillCounts, ShadowFillsEvent } from '../../../core/bot/events.ts';
import { edgeReport, type EdgeReport } from '../../../core/reporting/edge-report.ts';
import { Gathering, type Material, type ReportRun, type WantedEvent } from '../../../core/reporting/material.ts';
import type { MarkoutEvent } from '../../../core/reporting/report-fill.ts';
import type { ReportHead, ReportTerms } from '../../../core/reporting/report-head.ts';

/** 2026-11-22 03:00 UTC */
export const T0 = Date.UTC(2026, 10, 22, 3);
export const MINUTE = 60_000;

/** A buy of 1 at 100, 5 bps below the mid, as maker for 2 bps. */
export function fillEvent(changes: Partial<BotFillEvent> = {}): BotFillEvent {
  return {
    type: 'BotFill',
    clientOrderId: 'bot1_1-1',
    tradeId: 't1',
    symbol: 'BTCUSDT',
    side: 'buy',
    leg: 'net',
    price: '100',
    qty: '1',
    fee: '0.02',
    liquidity: 'maker',
    atMs: T0,
    realised: '0',
    positionAfter: '1',
    entryPriceAfter: '100',
    mid: '100.05',
    captureBps: 5,
    feeBps: 2,
    regime: 'neutral',
    expectedEdgeBps: 1,
    ...changes,
  };
}

/** The markout of `fill`: null for what was not seen. */
export function markoutOf(
  { clientOrderId, tradeId, side, regime }: BotFillEvent,
  bps: Partial<MarkoutEvent['bps']>,
): MarkoutEvent {
  const all = { s1: null, s5: null, s30: null, s60: null, ...bps };
  return { type: 'markout', clientOrderId, tradeId, side, regime: regime ?? 'none', bps: all };
}

export const NO_FILLS: FillCounts = { orders: 0, fills: 0, qty: '0', notional: '0' };

export function counts(orders: number, qty: string): FillCounts {
  return { orders, fills: orders, qty, notional: String(Number(qty) * 100) };
}

/** A minute in which the venue filled `actual` of what `queue` predicts; touch and strict as queue. */
export function shadowEvent(
  actual: FillCounts,
  queue: FillCounts,
  changes: Partial<ShadowFillsEvent> = {},
): ShadowFillsEvent {
  const minute = { orders: 10, actual, touch: queue, queue, strict: queue };
  return {
    type: 'shadow_fills',
    symbol: 'BTCUSDT',
    spanMs: MINUTE,
    minute,
    sinceStart: minute,
    ordersNotCompared: 0,
    droppedRelayCount: 0,
    ...changes,
  };
}

export interface Journaled {
  readonly event: WantedEvent;
  readonly atMs: number;
  readonly epoch?: number;
}

export const RUN: ReportRun = { epoch: 1, startedAtMs: T0 - MINUTE, codeVersion: 'v1', configHash: 'c1', mode: 'live' };

export function gathered(
  journaled: readonly Journaled[],
  { fromMs = T0 - MINUTE, toMs = T0 + 48 * 60 * MINUTE, runs = [RUN] } = {},
): Material {
  const gathering = new Gathering({ tag: 'bot1_', fromMs, toMs });
  for (const run of runs) gathering.run(run);
  for (const { event, atMs, epoch = 1 } of journaled) gathering.event(event, atMs, epoch);
  return gathering.finish();
}

export const HEAD: ReportHead = {
  bot: 'bot1',
  symbol: 'BTCUSDT',
  filledBy: 'live',
  fromMs: T0 - MINUTE,
  toMs: T0 + 48 * 60 * MINUTE,
  madeAtMs: T0 + 48 * 60 * MINUTE,
  codeVersion: 'v2',
  runs: [RUN],
  recordsLost: 0,
  changed: [],
};

export const TERMS: ReportTerms = { strategy: 'epp_v2_4', horizonS: 5, fillFactor: 0.9, makerBps: 2, takerBps: 6 };

export function edgeOfEvents(journaled: readonly Journaled[], terms: ReportTerms = TERMS): EdgeReport {
  return edgeReport(HEAD, terms, gathered(journaled));
}
