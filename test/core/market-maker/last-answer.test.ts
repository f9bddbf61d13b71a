/** An answer that is kept is the one that would be formed anew. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Reason, reasonName } from '../../../core/bot/reasons.ts';
import { LastAnswer } from '../../../core/market-maker/last-answer.ts';
import { createDesiredQuotes, type StrategyView } from '../../../core/strategies/strategy.ts';
import { book } from '../../support/bots.ts';
import { MakerHarness, MID } from './maker-harness.ts';

const MINUTE_MS = 60_000;

describe('the last answer', () => {
  const view: StrategyView = {
    book: book(MID - 1, MID + 1),
    atMs: 1,
    midTicks: MID,
    positionLots: 3,
    isReducing: false,
    closableByBidsLots: 0,
    closableByAsksLots: 3,
    fundingRate: 0,
    fundingIntervalMs: 1,
  };
  /** No answer rests on them by itself. */
  const idle = ['book', 'atMs', 'fundingRate', 'fundingIntervalMs'];
  const kept = (): { last: LastAnswer; desired: ReturnType<typeof createDesiredQuotes> } => {
    const last = new LastAnswer();
    const desired = createDesiredQuotes();
    last.keep(view, desired, Reason.quoted);
    return { last, desired };
  };

  test.each(Object.keys(view).filter((key) => !idle.includes(key)))('does not hold for another %s', (key) => {
    const { last, desired } = kept();
    const value = view[key as keyof StrategyView];
    const other = { ...view, [key]: typeof value === 'boolean' ? !value : Number(value) + 0.5 };
    expect([last.holdsFor(view, desired), last.holdsFor(other, desired)]).toEqual([true, false]);
  });

  test('holds while nothing but time, funding and what lies behind the best prices is another', () => {
    const { last, desired } = kept();
    const deeper = book(MID - 1, MID + 1);
    deeper.bidTicks[1] = MID - 77;
    deeper.askLots[0] = 1_234;
    const later = { ...view, book: deeper, atMs: 2, fundingRate: 0.01, fundingIntervalMs: 2 };
    expect([last.reason, last.holdsFor(later, desired)]).toEqual([Reason.quoted, true]);
  });

  test.each([
    ['best bid', MID - 2, MID + 1],
    ['best ask', MID - 1, MID + 2],
  ])('does not hold for another %s around the same mid', (_name, bid, ask) => {
    const { last, desired } = kept();
    expect(last.holdsFor({ ...view, book: book(bid, ask) }, desired)).toBe(false);
  });

  test('is of the quotes that it was written to, until it is forgotten', () => {
    const { last, desired } = kept();
    expect(last.holdsFor(view, createDesiredQuotes())).toBe(false);
    expect(last.holdsFor(view, desired)).toBe(true);
    last.forget();
    expect(last.holdsFor(view, desired)).toBe(false);
  });
});

type Step = (maker: MakerHarness) => void;

/** Most of them leave the prices where they are: only then is an answer kept at all. */
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>((maker) => maker.book(maker.view.midTicks)) },
  {
    weight: 2,
    arbitrary: fc.integer({ min: -4_000, max: 4_000 }).map<Step>((move) => (maker) => maker.book(MID + move)),
  },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 31_000 }).map<Step>((afterMs) => (maker) => maker.timer(afterMs)) },
  { weight: 1, arbitrary: fc.constant<Step>((maker) => maker.bars()) },
  { weight: 1, arbitrary: fc.constant<Step>(fewBars) },
  { weight: 1, arbitrary: fc.constant<Step>((maker) => maker.strategy.onStart(maker.view.atMs)) },
  { weight: 1, arbitrary: fc.constant<Step>((maker) => maker.book(maker.view.midTicks, 1, 5 * MINUTE_MS)) },
  { weight: 1, arbitrary: fc.boolean().map<Step>((isBuy) => (maker) => maker.fill(isBuy ? 'buy' : 'sell', MID)) },
  {
    weight: 2,
    arbitrary: fc
      .record({ positionLots: fc.integer({ min: -25, max: 25 }), isReducing: fc.boolean() })
      .map<Step>((seen) => (maker) => void Object.assign(maker.view, seen)),
  },
);

/** Too few for any indicator. */
function fewBars({ strategy, view }: MakerHarness): void {
  const openAtMs = view.atMs - (view.atMs % MINUTE_MS) - MINUTE_MS;
  strategy.onBars([{ openAtMs, open: MID, high: MID, low: MID, close: MID }], () => {});
}

/** One of them may keep its answer, the other one cannot: in between it has answered to other quotes. */
function expectTheSame(keeping: MakerHarness, forming: MakerHarness): void {
  const others = createDesiredQuotes();
  const reason = reasonName(forming.strategy.quote(forming.view, others));
  expect([keeping.quote(), forming.quote()]).toEqual([reason, reason]);
  expect(keeping.desired).toEqual({ ...forming.desired, stale: others.stale });
  expect(keeping.memoryText()).toBe(forming.memoryText());
}

describe('a market maker that keeps its answer', () => {
  test('answers as one that forms each of them anew, in any story', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 60 }), (steps) => {
        const keeping = new MakerHarness().warm();
        const forming = new MakerHarness().warm();
        for (const each of steps) {
          each(keeping);
          each(forming);
          expectTheSame(keeping, forming);
        }
        expect(keeping.told).toEqual(forming.told);
      }),
      { numRuns: 200 },
    );
  });

  test('is warm with the bar that makes it so, though no price moved', () => {
    const keeping = new MakerHarness().warm();
    const forming = new MakerHarness().warm();
    const reasons = new Set<string>();
    fewBars(keeping);
    fewBars(forming);
    for (let minute = 0; minute < 60; minute += 1) {
      for (const maker of [keeping, forming]) maker.book(MID, 1, MINUTE_MS);
      expectTheSame(keeping, forming);
      reasons.add(keeping.quote());
    }
    expect([...reasons]).toEqual(['indicators_warming_up', 'quoted']);
  });
});
