/** What is taken from a journal: whose, of when, and of which mode. */
import { describe, expect, test } from '@jest/globals';
import { MARKOUT_LATE_MS } from '../../../core/reporting/material.ts';
import { markoutBps } from '../../../core/reporting/report-fill.ts';
import { counts, fillEvent, gathered, markoutOf, MINUTE, RUN, shadowEvent, T0, type Journaled } from './builders.ts';

const fillAt = (atMs: number, tradeId: string, heardMs = 100): Journaled => ({
  event: fillEvent({ atMs, tradeId }),
  atMs: atMs + heardMs,
});
const ids = (journaled: readonly Journaled[], options: Parameters<typeof gathered>[1] = {}): string[] =>
  gathered(journaled, options).fills.map(({ tradeId }) => tradeId);

describe('a period', () => {
  const period = { fromMs: T0, toMs: T0 + MINUTE };

  test('holds the fills that were executed in it, whenever the bot heard of them; its end is outside', () => {
    const journaled = [
      fillAt(T0 - 1, 'before'),
      fillAt(T0, 'first'),
      fillAt(T0 + MINUTE - 1, 'last', 3_000),
      fillAt(T0 + MINUTE, 'after', -100),
    ];
    expect(ids(journaled, period)).toEqual(['first', 'last']);
  });

  test('and their markouts, which come behind its end', () => {
    const event = fillEvent({ atMs: T0 + MINUTE - 1 });
    const late = { event: markoutOf(event, { s5: -2 }), atMs: T0 + MINUTE + MARKOUT_LATE_MS };
    const [fill] = gathered([{ event, atMs: T0 + MINUTE + 50 }, late], period).fills;
    expect(markoutBps(fill!, 5)).toBe(-2);
  });

  test('and everything else that was journaled in it', () => {
    const spread = { type: 'spread', floorBps: 5, marketBps: 6, isStandingAside: false, feesBps: 4, adverseBps: 1, fundingBps: 0, flattenBps: 0, minNetEdgeBps: 0, atrBps: 1 } as const; // prettier-ignore
    const withheld = { type: 'quote_withheld', side: 'buy', code: 'edge_below_minimum', edgeBps: 0, edgeBpsMin: 1 } as const; // prettier-ignore
    const closed = { type: 'day_closed', phase: 'running', reason: '', operator: null, detail: { day: '2026-11-22' } } as const; // prettier-ignore
    const differs = { type: 'fee_differs', liquidity: 'maker', listedBps: 2, seenBps: 3 } as const;
    const shadow = shadowEvent(counts(1, '0.001'), counts(1, '0.001'));
    const all = [spread, withheld, closed, differs, shadow].flatMap((event) =>
      [T0 - 1, T0, T0 + MINUTE - 1, T0 + MINUTE].map((atMs) => ({ event, atMs })),
    );
    const { spreads, withheld: told, days, feeDiffers, shadowMinutes } = gathered(all, period);
    expect([spreads, told, days, feeDiffers, shadowMinutes].map(({ length }) => length)).toEqual([2, 2, 2, 2, 2]);
  });
});

test('a fill that a crash made the bot tell twice is one, heard of the first time', () => {
  const { fills } = gathered([fillAt(T0, 'a'), fillAt(T0, 'a', 60_000), fillAt(T0, 'b')]);
  expect(fills.map(({ tradeId, isHeardLate }) => [tradeId, isHeardLate])).toEqual([['a', false], ['b', false]]); // prettier-ignore
});

test('two sides of one trade are two fills, each with its markout', () => {
  const buy = fillEvent({ clientOrderId: 'bot1_1-1' });
  const sell = fillEvent({ clientOrderId: 'bot1_1-2', side: 'sell' });
  const { fills } = gathered([
    { event: buy, atMs: T0 },
    { event: sell, atMs: T0 },
    { event: markoutOf(buy, { s5: 1 }), atMs: T0 },
    { event: markoutOf(sell, { s5: -1 }), atMs: T0 },
  ]);
  expect(fills.map((fill) => [fill.side, markoutBps(fill, 5)])).toEqual([['buy', 1], ['sell', -1]]); // prettier-ignore
});

describe('modes are not mixed', () => {
  const runs = [
    { ...RUN, epoch: 1, mode: 'paper_only' },
    { ...RUN, epoch: 2, mode: null },
    { ...RUN, epoch: 3, mode: 'live' },
  ];
  const journaled = [1, 2, 3, 4].flatMap((epoch) => [
    { ...fillAt(T0 + epoch, `t${epoch}`), epoch },
    { event: shadowEvent(counts(epoch, '0.001'), counts(1, '0.001')), atMs: T0, epoch },
  ]);

  test('only that of the last run counts; a run that does not say is taken for one of it', () => {
    const { fills, fillsOfOtherMode, shadowMinutes } = gathered(journaled, { runs });
    expect(fills.map(({ tradeId }) => tradeId)).toEqual(['t2', 't3', 't4']);
    expect(fillsOfOtherMode).toBe(1);
    expect(shadowMinutes.map(({ epoch }) => epoch)).toEqual([2, 3, 4]);
  });

  test('the last run is the last one of the period', () => {
    const later = { ...RUN, epoch: 5, mode: 'paper_only', startedAtMs: T0 + MINUTE };
    expect(ids(journaled, { runs: [...runs, later], fromMs: T0, toMs: T0 + MINUTE })).toEqual(['t2', 't3', 't4']);
    expect(ids(journaled, { runs: [...runs, { ...later, startedAtMs: T0 + 1 }] })).toEqual(['t1', 't2', 't4']);
  });
});
