/** Means over minutes: by hand, and how often their intervals hold what is true. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MINUTES_MIN, MinuteRatio, type Estimate } from '../../../core/reporting/interval.ts';
import { createChance } from '../../../core/simulation/chance.ts';
import { MINUTE, T0 } from './builders.ts';

function estimateOf(observations: readonly (readonly [minute: number, numerator: number, weight: number])[]): Estimate {
  const ratio = new MinuteRatio();
  for (const [minute, numerator, weight] of observations) ratio.add(T0 + minute * MINUTE, numerator, weight);
  return ratio.estimate();
}

const minutes = (count: number): number[] => Array.from({ length: count }, (_, minute) => minute);

describe('by hand', () => {
  test('the mean is the sum of the numerators over the sum of the weights, not a mean of means', () => {
    const {
      mean,
      n,
      minutes: blocks,
    } = estimateOf([
      [0, 2, 1],
      [0, 4, 3],
      [7, -3, 8],
    ]);
    expect([mean, n, blocks]).toEqual([3 / 12, 3, 2]);
  });

  test('nothing has no mean, and weights of nothing have none either', () => {
    const empty = { n: 0, minutes: 0, mean: null, low: null, high: null };
    expect(estimateOf([])).toEqual(empty);
    expect(estimateOf([[0, 1, 0]])).toEqual({ ...empty, n: 1, minutes: 1 });
  });

  test.each([
    [MINUTES_MIN - 1, false],
    [MINUTES_MIN, true],
  ])('fills in %d minutes: interval %p', (count, isThere) => {
    const { low, high } = estimateOf(minutes(count).map((minute) => [minute, minute % 3, 1]));
    expect([low !== null, high !== null]).toEqual([isThere, isThere]);
  });

  test('what is no number, or weighs less than nothing, is no observation, and spoils no other', () => {
    const good = minutes(30).map((minute) => [minute, minute % 4, 2] as const);
    const bad = [[3, NaN, 1], [4, Infinity, 1], [5, 1, NaN], [6, 1, -1], [7, 1, Infinity], [NaN, 1, 1]] as const; // prettier-ignore
    expect(estimateOf([...good, ...bad])).toEqual(estimateOf(good));
  });

  test('a thousand fills of one minute are one observation', () => {
    expect(estimateOf(minutes(1_000).map((each) => [0, each % 7, 1]))).toMatchObject({
      n: 1_000,
      minutes: 1,
      low: null,
    });
  });

  test('what never varies has an interval of no width', () => {
    expect(estimateOf(minutes(30).map((minute) => [minute, 2, 1]))).toMatchObject({ mean: 2, low: 2, high: 2 });
  });

  test('the interval is that of minutes: the same minutes, split into more fills, have the same one', () => {
    const whole = estimateOf(minutes(40).map((minute) => [minute, (minute * 7) % 11, 4]));
    const split = estimateOf(
      minutes(40).flatMap((minute) => minutes(4).map(() => [minute, ((minute * 7) % 11) / 4, 1] as const)),
    );
    expect(split).toEqual({ ...whole, n: 160 });
  });

  test('of independent minutes it is about t x s / root of n', () => {
    const chance = createChance(3);
    const values = minutes(200).map(() => chance());
    const { mean, low, high } = estimateOf(values.map((value, minute) => [minute, value, 1]));
    const middle = values.reduce((sum, value) => sum + value, 0) / 200;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / 199);
    const half = 1.984 * (deviation / Math.sqrt(200));
    expect(mean).toBeCloseTo(middle, 12);
    expect((high! - low!) / 2 / half).toBeGreaterThan(0.85);
    expect((high! - low!) / 2 / half).toBeLessThan(1.15);
    expect(high! - mean!).toBeCloseTo(mean! - low!, 12);
  });
});

describe('laws', () => {
  const observation = fc.tuple(fc.integer({ min: 0, max: 59 }), fc.integer({ min: -1_000, max: 1_000 }), fc.integer({ min: 1, max: 50 })); // prettier-ignore
  const many = fc.array(observation, { minLength: 30, maxLength: 150, size: 'max' });

  test('the order of observations changes nothing', () => {
    fc.assert(
      fc.property(many, fc.integer(), (all, seed) => {
        const chance = createChance(seed);
        const keyed = all.map((each) => ({ each, key: chance() }));
        const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ each }) => each);
        expect(estimateOf(shuffled)).toEqual(estimateOf(all));
      }),
      { numRuns: 30 },
    );
  });

  test('no number that is none comes out, whatever goes in', () => {
    const any = fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, 0, -1));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(90), any, any), { maxLength: 80, size: 'max' }), (all) => {
        for (const value of Object.values(estimateOf(all))) expect(value === null || Number.isFinite(value)).toBe(true);
      }),
    );
  });

  test('a mean shifts and scales with its observations, and its interval with it', () => {
    fc.assert(
      fc.property(many, fc.integer({ min: -50, max: 50 }), fc.integer({ min: 1, max: 9 }), (all, shift, scale) => {
        const plain = estimateOf(all);
        const moved = estimateOf(
          all.map(([minute, value, weight]) => [minute, scale * value + shift * weight, weight]),
        );
        if (plain.mean === null) return;
        expect(moved.mean).toBeCloseTo(scale * plain.mean + shift, 8);
        if (plain.low !== null) expect(moved.low).toBeCloseTo(scale * plain.low + shift, 8);
      }),
      { numRuns: 30 },
    );
  });
});

/** Fills in bursts, marked on a walk that goes nowhere: every markout is 0 on average, and those of a burst go together. */
function walkedMarkouts(seed: number, count: number, horizonS: number): Estimate {
  const chance = createChance(seed);
  const step = (): number => chance() + chance() + chance() - 1.5;
  const walk = [0];
  for (let second = 1; second <= count * 60 + horizonS; second += 1) walk.push((walk[second - 1] as number) + step());
  const ratio = new MinuteRatio();
  for (let minute = 0; minute < count; minute += 1) {
    const fills = 1 + Math.floor(chance() ** 2 * 8);
    for (let fill = 0; fill < fills; fill += 1) {
      const second = minute * 60 + Math.floor(chance() * 60);
      const weight = 0.5 + chance();
      const markout = (walk[second + horizonS] as number) - (walk[second] as number);
      ratio.add(T0 + second * 1_000, weight * markout, weight);
    }
  }
  return ratio.estimate();
}

test.each([
  [24, 60],
  [50, 5],
])('of %d minutes with buys marked after %d s, about 95 intervals of 100 hold the truth', (count, horizonS) => {
  const trials = minutes(200).map((seed) => walkedMarkouts(seed, count, horizonS));
  const judged = trials.filter(({ low }) => low !== null);
  const right = judged.filter(({ low, high }) => low! <= 0 && high! >= 0);
  expect(judged.length).toBe(trials.length);
  expect(right.length / judged.length).toBeGreaterThan(0.9);
  expect(right.length / judged.length).toBeLessThan(0.985);
});
