/** Fills at the venue over fills that paper predicts: by hand, and what is said of what is configured. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { judgeChanges } from '../../../core/bot/tunables.ts';
import type { FillCounts } from '../../../core/bot/events.ts';
import { calibrationDocument } from '../../../core/reporting/calibration-document.ts';
import { markdownOf } from '../../../core/reporting/document.ts';
import { calibrationReport, PARAMETER, type CalibrationReport, type FactorVerdict } from '../../../core/reporting/fill-factor.ts'; // prettier-ignore
import type { ReportHead, ReportTerms } from '../../../core/reporting/report-head.ts';
import { botConfig } from '../../support/bots.ts';
import { makerParams } from '../market-maker/maker-harness.ts';
import { counts, gathered, HEAD, MINUTE, NO_FILLS, RUN, shadowEvent, T0, TERMS, type Journaled } from './builders.ts';

interface Given {
  readonly head?: Partial<ReportHead>;
  readonly terms?: Partial<ReportTerms>;
}

function reportOf(minutes: readonly Journaled[], { head = {}, terms = {} }: Given = {}): CalibrationReport {
  const all = { ...HEAD, ...head };
  return calibrationReport(all, { ...TERMS, ...terms }, gathered(minutes, { runs: [...all.runs] }));
}

/** One minute after the other. */
function told(minutes: readonly (readonly [actual: FillCounts, queue: FillCounts])[], epoch = 1): Journaled[] {
  return minutes.map(([actual, queue], index) => ({
    event: shadowEvent(actual, queue),
    atMs: T0 + index * MINUTE,
    epoch,
  }));
}

/** Of five predicted orders a minute, `filled` on average: one more, one less or neither in turn. */
function story(filled: number, minutes = 60): Journaled[] {
  return told(
    Array.from({ length: minutes }, (_, index) => {
      const orders = filled + (index % 3) - 1;
      return [counts(orders, `${orders / 1_000}`), counts(5, '0.005')] as const;
    }),
  );
}

describe('by hand', () => {
  const report = reportOf(
    told([
      [counts(1, '0.002'), counts(2, '0.005')],
      [NO_FILLS, NO_FILLS],
      [counts(2, '0.003'), counts(1, '0.001')],
    ]),
  );

  test('by quantity and by orders, each a ratio of sums; a minute in which nothing happened is none', () => {
    const { byQty, byOrders } = report.grades.find(({ grade }) => grade === 'queue')!;
    expect(byQty).toMatchObject({ actual: '0.005', predicted: '0.006', factor: { minutes: 2, n: 3, low: null } });
    expect(byQty.factor.mean).toBeCloseTo(5 / 6, 12);
    expect(byOrders).toMatchObject({ actual: '3', predicted: '3', factor: { mean: 1, minutes: 2, low: null } });
  });

  test('every grade has its own', () => {
    const event = shadowEvent(counts(2, '0.002'), counts(2, '0.004'));
    const minute = { ...event.minute, touch: counts(4, '0.008'), strict: counts(1, '0.001') };
    const { grades } = reportOf([{ event: { ...event, minute }, atMs: T0 }]);
    expect(grades.map(({ grade, byQty }) => [grade, byQty.factor.mean])).toEqual([['touch', 0.25], ['queue', 0.5], ['strict', 2]]); // prettier-ignore
  });

  test('the interval is never below nothing', () => {
    const rare = told(Array.from({ length: 40 }, (_, index) => [index === 3 ? counts(40, '0.04') : NO_FILLS, counts(5, '0.005')] as const)); // prettier-ignore
    const { low, mean } = reportOf(rare).grades[1]!.byQty.factor;
    expect(low).toBe(0);
    expect(mean).toBeCloseTo(0.2, 12);
  });

  test('what was not compared and what was dropped grow from nothing in each run, and count from where the period begins', () => {
    const at = (epoch: number, minute: number, ordersNotCompared: number, droppedRelayCount: number): Journaled => ({
      event: shadowEvent(NO_FILLS, NO_FILLS, { ordersNotCompared, droppedRelayCount }),
      atMs: T0 + minute * MINUTE,
      epoch,
    });
    const runs = [
      { ...RUN, epoch: 1, startedAtMs: HEAD.fromMs - 1 },
      { ...RUN, epoch: 2, startedAtMs: T0 + 3 * MINUTE },
    ];
    const { coverage } = reportOf([at(1, 0, 7, 1), at(1, 1, 9, 1), at(2, 4, 3, 0), at(2, 5, 3, 2)], { head: { runs } });
    expect(coverage).toEqual({ spanMs: 4 * MINUTE, ordersCompared: 40, fills: 0, ordersNotCompared: 2 + 3, droppedRelays: 2 }); // prettier-ignore
  });
});

describe('the verdict', () => {
  const enough = { minutes: 60, filled: 4 };
  const table: readonly (readonly [string, { minutes?: number; filled?: number } & Given, FactorVerdict['verdict']])[] = [
    ['0.8 where 0.8 is configured', { ...enough, terms: { fillFactor: 0.8 } }, 'within'],
    ['0.8 where 0.81 is configured: no more than it may be', { ...enough, terms: { fillFactor: 0.81 } }, 'within'],
    ['0.8 where 0.95 is configured', { ...enough, terms: { fillFactor: 0.95 } }, 'too_hopeful'],
    ['0.8 where 0.5 is configured', { ...enough, terms: { fillFactor: 0.5 } }, 'too_cautious'],
    ['all and more where 1 is configured: nothing to raise', { minutes: 60, filled: 8, terms: { fillFactor: 1 } }, 'within'],
    ['19 minutes', { ...enough, minutes: 19, terms: { fillFactor: 0.95 } }, 'not_enough_data'],
    ['20 minutes', { ...enough, minutes: 20, terms: { fillFactor: 0.95 } }, 'too_hopeful'],
    ['paper', { ...enough, head: { filledBy: 'paper' } }, 'own_model'],
    ['a replay', { ...enough, head: { filledBy: 'replay' } }, 'own_model'],
    ['a strategy without one', { ...enough, terms: { fillFactor: null } }, 'no_such_parameter'],
  ]; // prettier-ignore
  test.each(table)('%s', (_name, { minutes = 60, filled = 4, ...given }, verdict) => {
    expect(reportOf(story(filled, minutes), given).verdict.verdict).toBe(verdict);
  });

  test('not enough says of what, how much there is, and how much it takes', () => {
    const few = told(Array.from({ length: 30 }, () => [counts(1, '0.001'), counts(1, '0.001')] as const));
    expect(reportOf(few).verdict).toEqual({
      verdict: 'not_enough_data',
      needs: [{ of: 'orders', have: 30, atLeast: 50 }],
    });
    expect(reportOf([]).verdict).toEqual({
      verdict: 'not_enough_data',
      needs: [
        { of: 'minutes', have: 0, atLeast: 20 },
        { of: 'orders', have: 0, atLeast: 50 },
      ],
    });
    expect(markdownOf(calibrationDocument(reportOf(few)), () => '')).toContain(
      'orders that queue predicts to fill: 30 of 50',
    );
  });

  test.each([0.95, 0.5])(
    'of %p configured: the command is one that the bot takes, and puts the verdict right',
    (fillFactor) => {
      const { verdict } = reportOf(story(4), { terms: { fillFactor } });
      if (verdict.verdict !== 'too_hopeful' && verdict.verdict !== 'too_cautious') throw new Error(verdict.verdict);
      const [, bot, path, value] = /^\.\/desk bot set (\S+) (\S+)=(\S+) --reason ".+"$/.exec(verdict.command) ?? [];
      expect([bot, path, value]).toEqual(['bot1', PARAMETER, '0.8']);
      expect(judgeChanges(botConfig({ strategy: makerParams() }), {}, { [PARAMETER]: Number(value) })).toEqual([]);
      expect(reportOf(story(4), { terms: { fillFactor: Number(value) } }).verdict.verdict).toBe('within');
    },
  );

  test('too hopeful is critical, and says so where people read it', () => {
    const report = reportOf(story(4), { terms: { fillFactor: 0.95 } });
    expect(report.verdict).toMatchObject({ severity: 'CRITICAL', suggested: 0.8, isEnough: true });
    const text = markdownOf(calibrationDocument(report), () => '');
    expect(text).toMatch(/CRITICAL: too hopeful: measured 0\.80 \(0\.\d\d to 0\.\d\d\), configured 0\.95/);
    expect(text).toContain('./desk bot set bot1 strategy.spread.fillFactor=0.8 --reason');
  });

  test('where next to nothing fills, the least that may be set is not enough, and that is said', () => {
    const none = told(Array.from({ length: 40 }, () => [NO_FILLS, counts(3, '0.003')] as const));
    const report = reportOf(none);
    expect(report.verdict).toMatchObject({ verdict: 'too_hopeful', suggested: 0.1, isEnough: false });
    expect(markdownOf(calibrationDocument(report), () => '')).toContain('pause the bot');
  });
});

describe('laws', () => {
  const count = fc.nat(9).map((orders) => (orders === 0 ? NO_FILLS : counts(orders, `${orders / 1_000}`)));
  const minutes = fc.array(fc.tuple(count, count), { maxLength: 60, size: 'max' });

  test('what paper predicts of a paper account is what it fills: the factor is 1 in every interval', () => {
    fc.assert(
      fc.property(fc.array(count, { maxLength: 60, size: 'max' }), (all) => {
        const { byQty } = reportOf(told(all.map((each) => [each, each] as const))).grades[1]!;
        if (byQty.factor.mean === null) return;
        expect(byQty.factor.mean).toBeCloseTo(1, 12);
        if (byQty.factor.low !== null) expect([byQty.factor.low, byQty.factor.high]).toEqual([expect.closeTo(1, 9), expect.closeTo(1, 9)]); // prettier-ignore
      }),
      { numRuns: 50 },
    );
  });

  test('sums are exact, order is nothing, and no number that is none is in it', () => {
    fc.assert(
      fc.property(minutes, (all) => {
        const events = told(all);
        const report = reportOf(events);
        expect(JSON.stringify(reportOf(events.toReversed()))).toBe(JSON.stringify(report));
        const { byQty, byOrders } = report.grades[1]!;
        expect(Number(byOrders.actual)).toBe(all.reduce((sum, [actual]) => sum + actual.orders, 0));
        expect(Math.round(Number(byQty.predicted) * 1_000)).toBe(all.reduce((sum, [, queue]) => sum + queue.orders, 0));
        expect(JSON.stringify(report) + markdownOf(calibrationDocument(report), () => '')).not.toMatch(
          /NaN|Infinity|undefined/,
        );
      }),
      { numRuns: 50 },
    );
  });
});
