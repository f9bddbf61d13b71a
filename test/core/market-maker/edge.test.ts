import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  createQuoteVerdict,
  expectedFundingBps,
  flattenCostBps,
  judgeQuote,
  quoteEdgeBps,
  roundTripEdgeBps,
  type JudgedQuote,
  type QuoteCosts,
  type RoundTripCosts,
} from '../../../core/market-maker/edge.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** VIP0 and nothing else: a round trip between makers. */
const TRIP: RoundTripCosts = {
  spreadBps: 4,
  makerBps: 2,
  takerBps: 6,
  adverseBidBps: 0,
  adverseAskBps: 0,
  fundingBps: 0,
  fillFactor: 1,
  slippageBps: 0,
};
/** 3 bps from the mid: leaves 3 - 2 - 0.4 - (0.1 x (6 - 2 + 1)) / 2 = 0.35. */
const QUOTE: JudgedQuote = {
  captureBps: 3,
  makerBps: 2,
  takerBps: 6,
  adverseBps: 0.4,
  fundingBps: 0,
  fillFactor: 0.9,
  slippageBps: 1,
  isReducing: false,
  minNetEdgeBps: 0.5,
};
const judged = (change: Partial<JudgedQuote>) => judgeQuote({ ...QUOTE, ...change }, createQuoteVerdict());

describe('a round trip', () => {
  /** Break-even full spreads at VIP0 (facts: maker/maker 4, maker/taker 8, taker/taker 12), then each further cost. */
  test.each<[string, Partial<RoundTripCosts>, number]>([
    ['maker and maker breaks even at 4', { spreadBps: 4 }, 0],
    ['maker and taker at 8', { spreadBps: 8, fillFactor: 0 }, 0],
    ['taker and taker at 12', { spreadBps: 12, makerBps: 6 }, 0],
    ['below 4 it loses', { spreadBps: 3.9 }, -0.1],
    ['a close as a taker of one in ten costs a tenth of the difference', { fillFactor: 0.9 }, -0.4],
    ['and of its slippage', { fillFactor: 0.9, slippageBps: 1 }, -0.5],
    ['slippage alone costs nothing where makers close all', { slippageBps: 50 }, 0],
    ['adverse selection of both sides', { adverseBidBps: 0.3, adverseAskBps: 0.5 }, -0.8],
    ['funding that is received', { fundingBps: 0.25 }, 0.25],
    ['funding that is paid', { fundingBps: -0.25 }, -0.25],
    ['a rebate', { makerBps: -0.5, takerBps: 3 }, 5],
    ['a taker cheaper than a maker is no gain', { makerBps: 6, takerBps: 2, fillFactor: 0 }, -8],
  ])('%s', (_name, change, expected) => {
    expect(roundTripEdgeBps({ ...TRIP, ...change })).toBeCloseTo(expected, 12);
  });

  test('leaves what its two quotes leave', () => {
    const bps = fc.double({ min: -50, max: 200, noNaN: true });
    const ratio = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.tuple(bps, bps, bps, bps, bps, bps, bps, bps), ratio, (numbers, fillFactor) => {
        const [bid, ask, makerBps, takerBps, adverseBidBps, adverseAskBps, fundingBps, slippageBps] = numbers;
        const shared = { makerBps, takerBps, fundingBps, slippageBps, fillFactor };
        const buy = quoteEdgeBps({ ...shared, captureBps: bid, adverseBps: adverseBidBps });
        const sell = quoteEdgeBps({ ...shared, captureBps: ask, adverseBps: adverseAskBps });
        const whole = roundTripEdgeBps({ ...shared, spreadBps: bid + ask, adverseBidBps, adverseAskBps });
        expect(buy + sell).toBeCloseTo(whole, 8);
      }),
    );
  });
});

describe('a quote', () => {
  test.each<[string, Partial<QuoteCosts>, number]>([
    ['leaves its distance less all that it costs', {}, 0.35],
    ['at the mid it earns nothing', { captureBps: 0 }, -2.65],
    ['beyond it, less', { captureBps: -1 }, -3.65],
    ['bears half of the funding', { fundingBps: -0.5 }, 0.1],
    ['or receives it', { fundingBps: 0.5 }, 0.6],
    ['bears half of the closes as a taker', { fillFactor: 0 }, -1.9],
  ])('%s', (_name, change, expected) => {
    expect(quoteEdgeBps({ ...QUOTE, ...change })).toBeCloseTo(expected, 12);
  });

  test('is worth less for every cost that grows', () => {
    const bps = fc.double({ min: 0, max: 100, noNaN: true });
    const costs = fc.record({
      captureBps: bps,
      makerBps: fc.double({ min: -2, max: 10, noNaN: true }),
      takerBps: bps,
      adverseBps: bps,
      fundingBps: fc.double({ min: -20, max: 20, noNaN: true }),
      fillFactor: fc.double({ min: 0, max: 1, noNaN: true }),
      slippageBps: bps,
    });
    const dearer = fc.constantFrom('makerBps', 'takerBps', 'adverseBps', 'slippageBps');
    const better = fc.constantFrom('captureBps', 'fundingBps', 'fillFactor');
    fc.assert(
      fc.property(costs, dearer, better, fc.double({ min: 0, max: 1, noNaN: true }), (quote, cost, gain, more) => {
        const edgeBps = quoteEdgeBps(quote);
        expect(quoteEdgeBps({ ...quote, [cost]: quote[cost] + more })).toBeLessThanOrEqual(edgeBps + 1e-9);
        const improved = gain === 'fillFactor' ? Math.min(1, quote[gain] + more) : quote[gain] + more;
        expect(quoteEdgeBps({ ...quote, [gain]: improved })).toBeGreaterThanOrEqual(edgeBps - 1e-9);
      }),
    );
  });
});

describe('its judge', () => {
  test.each<[string, Partial<JudgedQuote>, boolean, number]>([
    ['lets one through that leaves half of the least', {}, true, 0.25],
    ['exactly half is enough', { minNetEdgeBps: 0.7 }, true, 0.35],
    ['a hair less is not', { minNetEdgeBps: 0.7001 }, false, 0.35005],
    ['no edge is no reason to grow', { captureBps: 2.64, minNetEdgeBps: 0 }, false, 0],
    ['a reducing one may lose what a taker would', { captureBps: -4.34, isReducing: true }, true, -7],
    ['and no more', { captureBps: -4.36, isReducing: true }, false, -7],
    ['which counts the slippage', { captureBps: -4.34, isReducing: true, slippageBps: 0, fillFactor: 1 }, false, -6],
    [
      'a taker that is paid allows no loss',
      { captureBps: 2.6, isReducing: true, takerBps: -3, fillFactor: 1 },
      true,
      0,
    ],
    ['not even a small one', { captureBps: 2.3, isReducing: true, takerBps: -3, fillFactor: 1 }, false, 0],
  ])('%s', (_name, change, isWorthIt, edgeBpsMin) => {
    const verdict = judged(change);
    expect(verdict.isWorthIt).toBe(isWorthIt);
    expect(verdict.edgeBpsMin).toBeCloseTo(edgeBpsMin, 12);
    expect(verdict.edgeBps).toBe(quoteEdgeBps({ ...QUOTE, ...change }));
  });

  test('does not turn one away that is off by the rounding of its sums', () => {
    const bps = fc.double({ min: 0, max: 50, noNaN: true });
    fc.assert(
      fc.property(bps, bps, bps, bps, (makerBps, adverseBps, slippageBps, minNetEdgeBps) => {
        const costs = { makerBps, adverseBps, slippageBps, minNetEdgeBps };
        const captureBps = 0.05 * (6 + slippageBps - makerBps) + makerBps + adverseBps + minNetEdgeBps / 2;
        fc.pre(makerBps <= 6 + slippageBps);
        expect(judged({ ...costs, captureBps }).isWorthIt).toBe(true);
        expect(judged({ ...costs, captureBps: captureBps - 1e-6 }).isWorthIt).toBe(false);
      }),
    );
  });

  test('fills the object that it is given', () => {
    const verdict = createQuoteVerdict();
    expect(judgeQuote(QUOTE, verdict)).toBe(verdict);
    expect(verdict.isWorthIt).toBe(true);
    expect(judgeQuote({ ...QUOTE, captureBps: 0 }, verdict).isWorthIt).toBe(false);
  });

  test('never lets through what rests on a number that is none', () => {
    const numbers = Object.keys(QUOTE).filter((key) => key !== 'isReducing') as Exclude<
      keyof JudgedQuote,
      'isReducing'
    >[];
    for (const key of numbers) {
      for (const none of [Number.NaN, Infinity, -Infinity]) {
        for (const isReducing of [true, false]) {
          expect([key, none, judged({ captureBps: 1_000, isReducing, [key]: none }).isWorthIt]).toEqual([
            key,
            none,
            false,
          ]);
        }
      }
    }
  });
});

describe('expected funding', () => {
  test.each<[string, Parameters<typeof expectedFundingBps>, number]>([
    ['a long pays a positive rate: 1 bps in 8 hours', ['buy', 0.0001, 8 * HOUR_MS, 480], -1],
    ['a short receives it', ['sell', 0.0001, 8 * HOUR_MS, 480], 1],
    ['half an hour of eight is a sixteenth', ['buy', 0.0001, 8 * HOUR_MS, 30], -1 / 16],
    ['an hourly interval costs eight times as much', ['buy', 0.0001, HOUR_MS, 30], -0.5],
    ['a negative rate turns it round', ['buy', -0.003, 8 * HOUR_MS, 240], 15],
    ['nothing held, nothing paid', ['sell', 0.003, 8 * HOUR_MS, 0], 0],
    ['before a rate was told there is none', ['buy', 0, 0, 30], 0],
    ['a rate without an interval is no number', ['buy', 0.0001, 0, 30], Number.NaN],
    ['nor one with a negative one', ['sell', 0.0001, -1, 30], Number.NaN],
  ])('%s', (_name, [side, rate, intervalMs, minutes], expected) => {
    const bps = expectedFundingBps(side, rate, intervalMs, minutes);
    if (Number.isNaN(expected)) expect(bps).toBeNaN();
    else expect(bps).toBeCloseTo(expected, 12);
  });
});

test('a close as a taker costs its fee, less the maker fee it stands for, and what it slips', () => {
  expect(flattenCostBps(2, 6, 1, 0)).toBe(5);
  expect(flattenCostBps(2, 6, 1, 1)).toBe(0);
  expect(flattenCostBps(2, 6, 1, 0.8)).toBeCloseTo(1, 12);
});
