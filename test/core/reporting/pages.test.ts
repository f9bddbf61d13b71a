/**
 * Reports as people get them, whole: every word, table and plot. A change shows here as a difference; when it is meant,
 *
 *   RENEW_GOLDEN=1 ./desk test test/core/reporting/pages.test.ts
 *
 * writes the pages anew, and their difference belongs into the change that made it.
 */
import { describe, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ShadowFillsEvent } from '../../../core/bot/events.ts';
import { calibrationDocument } from '../../../core/reporting/calibration-document.ts';
import { markdownOf, plotsOf, type ReportDocument } from '../../../core/reporting/document.ts';
import { edgeDocument } from '../../../core/reporting/edge-document.ts';
import { edgeReport } from '../../../core/reporting/edge-report.ts';
import { calibrationReport } from '../../../core/reporting/fill-factor.ts';
import type { ReportHead, ReportTerms } from '../../../core/reporting/report-head.ts';
import { createChance } from '../../../core/simulation/chance.ts';
import { counts, fillEvent, gathered, HEAD, markoutOf, MINUTE, RUN, shadowEvent, T0, TERMS, type Journaled } from './builders.ts'; // prettier-ignore

const GOLDEN_DIR = join(process.cwd(), 'test/core/reporting/golden');

/** The page and, beneath it, its plots. */
function isAsWritten(name: string, document: ReportDocument): void {
  const page = markdownOf(document, (plot) => `${plot.name}.svg`);
  const plots = plotsOf(document).map((plot) => `<!-- ${plot.name}.svg -->\n${plot.svg}`);
  const text = [page, ...plots].join('\n');
  const path = join(GOLDEN_DIR, `${name}.md`);
  if (process.env.RENEW_GOLDEN !== undefined) writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, 'utf8'));
}

const RUNS = [RUN, { ...RUN, epoch: 2, startedAtMs: T0 + MINUTE, configHash: 'c2' }, { ...RUN, epoch: 3, startedAtMs: T0 + 2 * MINUTE, mode: 'paper', codeVersion: 'v0' }, { ...RUN, epoch: 4, startedAtMs: T0 + 3 * MINUTE }]; // prettier-ignore

/** Two hours of fills in two regimes, with one of everything that is told apart. */
function edgeStory(): Journaled[] {
  const chance = createChance(9);
  const bps = (around: number): number => around + Math.round(chance() * 80 - 40) / 10;
  const regimes = ['neutral', 'high_volatility_shock', null];
  const quoted = Array.from({ length: 120 }, (_, index) => {
    const side = index % 3 === 0 ? ('sell' as const) : ('buy' as const);
    const event = fillEvent({
      tradeId: `t${index}`,
      side,
      atMs: T0 + Math.floor(index * 1.3) * MINUTE,
      qty: String(1 + (index % 4)),
      fee: String(0.02 * (1 + (index % 4))),
      captureBps: bps(4),
      realised: index % 5 === 0 ? '0.031' : '-0.012',
      regime: regimes[index % 7 === 0 ? 1 : index % 11 === 0 ? 2 : 0]!,
    });
    const markout = markoutOf(event, { s1: bps(4), s5: bps(3), s30: bps(2), s60: bps(1) });
    return [{ event, atMs: event.atMs + 50 }, { event: markout, atMs: event.atMs + MINUTE }]; // prettier-ignore
  });
  const taker = fillEvent({ tradeId: 'k', liquidity: 'taker', fee: '0.06', feeBps: 6, atMs: T0 + MINUTE, captureBps: -2 });
  const stop = fillEvent({ tradeId: 's', clientOrderId: 'bot1_1-9', liquidity: 'taker', realised: '-4', fee: '0.05' });
  const blind = fillEvent({ tradeId: 'b', mid: null, captureBps: null });
  const unmarked = fillEvent({ tradeId: 'u', captureBps: -0.5 });
  const late = fillEvent({ tradeId: 'l' });
  const spread = { type: 'spread', floorBps: 5, marketBps: 6, isStandingAside: false, feesBps: 4, adverseBps: 1, fundingBps: 0, flattenBps: 0, minNetEdgeBps: 0, atrBps: 1 } as const;
  const withheld = { type: 'quote_withheld', side: 'buy', code: 'edge_below_minimum', edgeBps: 0, edgeBpsMin: 1 } as const;
  const closed = { type: 'day_closed', phase: 'running', reason: '', operator: null } as const;
  const told: Journaled['event'][] = [
    { type: 'place_stop', clientOrderId: 'bot1_1-9', symbol: 'BTCUSDT', leg: 'net', triggerPrice: '95', replaces: null },
    { type: 'fee_differs', liquidity: 'maker', listedBps: 2, seenBps: 3.5 },
    { type: 'fee_differs', liquidity: 'maker', listedBps: 2, seenBps: 2.25 },
    spread,
    { ...spread, floorBps: 6, marketBps: 3, isStandingAside: true },
    { ...spread, floorBps: 7, marketBps: 9 },
    withheld,
    withheld,
    { ...withheld, side: 'sell', code: 'toxic_flow' },
    { ...closed, detail: { day: '2026-11-22', fills: 124, volumeQuote: '30012.345', realised: '-1.5', fees: '6.001', funding: '0', drawdownPctMax: '0.4', position: '-0.5' } },
    { ...closed, detail: { day: '2026-11-23', fills: 0 } },
  ];
  return [
    ...quoted.flat(),
    { event: taker, atMs: taker.atMs },
    { event: markoutOf(taker, { s5: 1 }), atMs: taker.atMs + MINUTE },
    { event: stop, atMs: T0 },
    { event: fillEvent({ tradeId: 'x', clientOrderId: '8812', fee: '0' }), atMs: T0 },
    { event: blind, atMs: T0 },
    { event: markoutOf(blind, { s5: 1 }), atMs: T0 + MINUTE },
    { event: unmarked, atMs: T0 },
    { event: late, atMs: T0 + 5_001 },
    { event: fillEvent({ tradeId: 'p' }), atMs: T0, epoch: 3 },
    ...told.map((event) => ({ event, atMs: T0 + MINUTE })),
  ];
} // prettier-ignore

function edgePage(journaled: readonly Journaled[], head: Partial<ReportHead> = {}, terms: Partial<ReportTerms> = {}): ReportDocument {
  const all = { ...HEAD, runs: RUNS, ...head };
  return edgeDocument(edgeReport(all, { ...TERMS, ...terms }, gathered(journaled, { runs: RUNS })));
} // prettier-ignore

describe('the edge report', () => {
  test('with all that it can tell', () => isAsWritten('edge', edgePage(edgeStory(), { recordsLost: 3, bot: 'market-maker-btc-usdt-1' }))); // prettier-ignore

  test('of no fill says so', () => {
    isAsWritten('edge-of-nothing', edgePage([], { runs: [], filledBy: 'replay' }));
  });

  test('of one fill has no intervals, and counts in the singular', () => {
    const fill = fillEvent({ captureBps: -1, liquidity: 'maker' });
    const told = [{ event: fill, atMs: T0 }, { event: markoutOf(fill, { s5: 0.001 }), atMs: T0 + MINUTE }, { event: fillEvent({ tradeId: 's', clientOrderId: '1' }), atMs: T0 }]; // prettier-ignore
    isAsWritten('edge-of-one', edgePage(told, { runs: [RUN], filledBy: 'simulator' }));
  });

  test.each([
    ['demo', "fills of the venue's demo."],
    ['paper', 'fills of its paper account: the fill model itself decided them.'],
    ['live', 'fills of the venue.'],
  ] as const)('says whose fills they are: %s', (filledBy, words) => {
    expect(markdownOf(edgePage([], { filledBy }), () => '')).toContain(words);
  });

  /** Every fill expects `expectedEdgeBps`, and comes to 1 bps, give or take 1. */
  const judged = (expectedEdgeBps: number | null): string => {
    const told = Array.from({ length: 60 }, (_, index) => {
      const event = fillEvent({ tradeId: `t${index}`, atMs: T0 + index * MINUTE, expectedEdgeBps });
      return [{ event, atMs: event.atMs }, { event: markoutOf(event, { s5: 3 + ((index * 7) % 3) - 1 }), atMs: event.atMs + MINUTE }]; // prettier-ignore
    });
    return markdownOf(edgePage(told.flat()), () => '');
  };
  test.each([
    ['more than comes', 3, '**The strategy expects more than comes.**'],
    ['less than comes', -1, '\nThe strategy expects less than comes.\n'],
    ['what comes', 1, '\nThe expectation lies within what came.\n'],
    ['nothing', null, '\nThe strategy expects nothing of a quote.\n'],
  ] as const)('judges a strategy that expects %s', (_name, expected, words) => {
    expect(judged(expected)).toContain(words);
  });
});

/** An hour of five orders a minute that queue predicts to fill, six that touch does and three that strict does; `filled` fill, one more or less in turn. */
function shadowStory(filled: number, minutes = 60): Journaled[] {
  return Array.from({ length: minutes }, (_, index) => {
    const orders = filled + (index % 3) - 1;
    const actual = counts(orders, `${orders / 1_000}`);
    const minute = {
      orders: 10,
      actual,
      touch: counts(6, '0.006'),
      queue: counts(5, '0.005'),
      strict: counts(3, '0.003'),
    };
    return {
      event: shadowEvent(actual, minute.queue, { minute, ordersNotCompared: index }),
      atMs: T0 + index * MINUTE,
    };
  });
}

function calibrationPage(journaled: readonly Journaled[], head: Partial<ReportHead> = {}, terms: Partial<ReportTerms> = {}): ReportDocument {
  const all = { ...HEAD, ...head };
  return calibrationDocument(calibrationReport(all, { ...TERMS, ...terms }, gathered(journaled)));
} // prettier-ignore

describe('the calibration report', () => {
  test('of a bot that believes in too much', () => {
    const dropping = shadowStory(4).map((each, index) => ({ ...each, event: { ...each.event, droppedRelayCount: Math.floor(index / 30) } as ShadowFillsEvent })); // prettier-ignore
    isAsWritten('calibration', calibrationPage(dropping));
  });

  test.each([
    ['within', shadowStory(4), {}, { fillFactor: 0.8 }, '\nWithin: measured 0.80 ('],
    ['too cautious', shadowStory(4), {}, { fillFactor: 0.5 }, '\nToo cautious: measured 0.80 ('],
    ['on too little', shadowStory(4, 5), {}, {}, '\nNot enough data: minutes in which something filled or should have: 5 of 20; orders that queue predicts to fill: 25 of 50. Configured 0.9.\n'],
    ['nowhere', [], {}, {}, '\nCompared 0 orders of 0 (–) in 0.0 h; the others took, rested unseen or met an interrupted feed.\n'],
    ['on paper', shadowStory(4), { filledBy: 'paper' }, {}, '\nNo verdict: on paper the model fills its own orders. Only fills of a venue can say whether 0.9 is right.\n'],
    ['without the parameter', shadowStory(4), {}, { strategy: 'two_sided_quotes', fillFactor: null }, '\nNo verdict: the strategy two_sided_quotes has no strategy.spread.fillFactor.\n'],
  ] as const)('of a bot that is %s', (_name, told, head, terms, words) => {
    expect(markdownOf(calibrationPage(told, head, terms), ({ name }) => name)).toContain(words);
  }); // prettier-ignore

  test('draws no plot of nothing, and no mark where nothing is configured', () => {
    expect(plotsOf(calibrationPage([]))).toEqual([]);
    const [plot] = plotsOf(calibrationPage(shadowStory(4), {}, { fillFactor: null }));
    expect(plot?.svg).not.toContain('configured');
  });
});
