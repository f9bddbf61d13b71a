import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  blankFeeMemory,
  DIFFERENCE_BPS,
  FeeManager,
  SEEN_FILLS,
  type FeeMemory,
} from '../../../core/market-maker/fees.ts';
import { createInstrument } from '../../../core/market/instrument.ts';
import type { StrategyFill } from '../../../core/strategies/strategy.ts';
import { BTC, T0 } from '../../support/bots.ts';

const fillOf = (feeBps: number, change: Partial<StrategyFill> = {}): StrategyFill => ({
  tradeId: 't1',
  clientOrderId: 'bot1_1-1',
  side: 'buy',
  priceTicks: 600_000,
  lots: 4,
  isMaker: true,
  feeBps,
  atMs: T0,
  ...change,
});
const times = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);

/** What was told of makers' fills of these fees, as [number of the fill, seen]. */
function told(manager: FeeManager, feesBps: readonly number[]): [number, number][] {
  return feesBps.flatMap((feeBps, index): [number, number][] => {
    const difference = manager.observe(fillOf(feeBps));
    return difference === null ? [] : [[index + 1, Number(difference.seenBps.toFixed(6))]];
  });
}

describe('the rate that is reckoned with', () => {
  test('is the listed one before a fill', () => {
    expect(new FeeManager(BTC, blankFeeMemory())).toMatchObject({ makerBps: 2, takerBps: 6 });
    const rebate = createInstrument({ ...BTC.spec, makerFeeRate: '-0.00005', takerFeeRate: '0.00035' });
    expect(new FeeManager(rebate, blankFeeMemory())).toMatchObject({ makerBps: -0.5, takerBps: 3.5 });
  });

  test.each<[string, Partial<StrategyFill>[], number, number]>([
    ['what costs as listed changes nothing', [{ feeBps: 2 }], 2, 6],
    ['a dearer one counts at once', [{ feeBps: 2 }, { feeBps: 2 }, { feeBps: 4 }], 4, 6],
    ['a cheaper one never does', [{ feeBps: 0 }, { feeBps: -1 }], 2, 6],
    ['a dear one is not forgotten with the next', [{ feeBps: 8 }, { feeBps: 2 }], 5, 6],
    ['and weighs by its notional', [{ feeBps: 8, lots: 1 }, { feeBps: 2, lots: 5 }], 3, 6],
    ['a taker says nothing of makers', [{ feeBps: 10, isMaker: false }], 2, 10],
    ['a fee that is no number is none', [{ feeBps: Number.NaN }, { feeBps: Infinity }], 2, 6],
    ['a fill of nothing costs nothing', [{ feeBps: 90, lots: 0 }, { feeBps: 90, priceTicks: Number.NaN }], 2, 6],
  ])('%s', (_name, fills, makerBps, takerBps) => {
    const manager = new FeeManager(BTC, blankFeeMemory());
    for (const fill of fills) manager.observe(fillOf(0, fill));
    expect(manager.makerBps).toBeCloseTo(makerBps, 9);
    expect(manager.takerBps).toBeCloseTo(takerBps, 9);
  }); // prettier-ignore

  test('forgets what is further back than its window', () => {
    const manager = new FeeManager(BTC, blankFeeMemory());
    manager.observe(fillOf(8));
    for (let fill = 1; fill < SEEN_FILLS; fill += 1) manager.observe(fillOf(2));
    expect(manager.makerBps).toBeCloseTo(2 + 6 / SEEN_FILLS, 5);
    manager.observe(fillOf(2));
    expect(manager.makerBps).toBeCloseTo(2, 9);
  });

  test('does not change by what doubles are off', () => {
    const manager = new FeeManager(BTC, blankFeeMemory());
    for (let lots = 1; lots <= 40; lots += 1) {
      manager.observe(fillOf(((lots * 0.1 * 0.0002) / (lots * 0.1)) * 1e4 + (lots % 3) * 1e-15, { lots }));
      expect(manager.makerBps).toBe(2);
    }
  });

  test('is never below the list, the newest fill or the average of the last ones', () => {
    const fee = fc.double({ min: -5, max: 20, noNaN: true });
    const lots = fc.integer({ min: 1, max: 10_000 });
    fc.assert(
      fc.property(fc.array(fc.record({ feeBps: fee, lots, isMaker: fc.boolean() }), { maxLength: 60 }), (changes) => {
        const manager = new FeeManager(BTC, blankFeeMemory());
        for (const [index, change] of changes.entries()) {
          manager.observe(fillOf(0, change));
          const ofItsKind = changes.slice(0, index + 1).filter(({ isMaker }) => isMaker === change.isMaker);
          const last = ofItsKind.slice(-SEEN_FILLS);
          const allLots = last.reduce((sum, fill) => sum + fill.lots, 0);
          const average = last.reduce((sum, fill) => sum + fill.feeBps * fill.lots, 0) / allLots;
          const rate = change.isMaker ? manager.makerBps : manager.takerBps;
          expect(rate).toBeCloseTo(Math.max(change.isMaker ? 2 : 6, average, change.feeBps), 5);
        }
      }),
    );
  });
});

describe('a difference to the list is told', () => {
  test.each<[string, number[], [number, number][]]>([
    ['not while they agree', times(30, 2), []],
    ['not for a rounding', times(30, 2 + DIFFERENCE_BPS * 0.99), []],
    ['once, with the first fill', times(60, 4), [[1, 4]]],
    ['a cheaper one, too', times(60, 1), [[1, 1]]],
    ['once for each rise', [...times(30, 2), ...times(30, 4), ...times(30, 6)], [[31, 4], [61, 6]]],
    ['once for a fall, when the average has arrived', [...times(30, 4), ...times(60, 3)], [[1, 4], [49, 3.05]]],
    ['also for one below the list', [...times(30, 2), ...times(60, 1)], [[49, 1.05]]],
    ['not for the way back to the list', [...times(30, 4), ...times(60, 2)], [[1, 4]]],
    ['anew after they agreed', [4, ...times(40, 2), 4], [[1, 4], [42, 4]]],
    ['once where they come and go', Array.from({ length: 200 }, (_, index) => 2 + 2 * (index % 2)), [[2, 4]]],
  ])('%s', (_name, feesBps, expected) => {
    expect(told(new FeeManager(BTC, blankFeeMemory()), feesBps)).toEqual(expected);
  }); // prettier-ignore

  test('with its liquidity and both rates', () => {
    const manager = new FeeManager(BTC, blankFeeMemory());
    expect(manager.observe(fillOf(6))).toEqual({ liquidity: 'maker', listedBps: 2, seenBps: 6 });
    expect(manager.observe(fillOf(7.5, { isMaker: false }))).toEqual({
      liquidity: 'taker',
      listedBps: 6,
      seenBps: 7.5,
    });
  });
});

test('a manager that begins with the memory of another goes on as that one', () => {
  const fees = [2, 4, 4, 3, 2, 9, 2, 2];
  for (let cut = 0; cut <= fees.length; cut += 1) {
    const whole = blankFeeMemory();
    const first = blankFeeMemory();
    const before = new FeeManager(BTC, whole);
    const expected = told(before, fees);
    const head = told(new FeeManager(BTC, first), fees.slice(0, cut));
    const second = JSON.parse(JSON.stringify(first)) as FeeMemory;
    const after = new FeeManager(BTC, second);
    const tail = told(after, fees.slice(cut)).map(([index, bps]): [number, number] => [index + cut, bps]);
    expect([...head, ...tail]).toEqual(expected);
    expect(JSON.stringify(second)).toBe(JSON.stringify(whole));
    expect(after.makerBps).toBe(before.makerBps);
  }
});
