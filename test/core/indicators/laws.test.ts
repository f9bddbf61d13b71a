/** Laws that every indicator keeps, whatever it is fed. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createAtr, isAtrReady, updateAtr } from '../../../core/indicators/atr.ts';
import {
  bollingerPosition,
  createBollinger,
  isBollingerReady,
  updateBollinger,
} from '../../../core/indicators/bollinger.ts';
import { createEma, isEmaReady, updateEma } from '../../../core/indicators/ema.ts';
import { createMovingMoments, updateMovingMoments } from '../../../core/indicators/moving-moments.ts';
import {
  createRealisedVolatility,
  isRealisedVolatilityReady,
  updateRealisedVolatility,
} from '../../../core/indicators/realised-volatility.ts';
import { createRsi, isRsiReady, updateRsi } from '../../../core/indicators/rsi.ts';
import { InvariantError } from '../../../core/invariant.ts';

interface Bar {
  high: number;
  low: number;
  close: number;
}

/** One indicator at work: what it is fed by, what it says, and what a definition read literally says of all bars so far. */
interface Subject {
  memory: object;
  update: (bar: Bar) => void;
  isReady: () => boolean;
  values: () => number[];
}
interface Indicator {
  name: string;
  firstIndex: (n: number) => number;
  start: (n: number, saved?: string) => Subject;
  literal: (n: number, bars: readonly Bar[]) => number[];
}

const WIDTH = 2;

/** A memory that was written to disk and read again takes the place of a new one. */
function begin<Memory extends object>(
  blank: Memory,
  saved: string | undefined,
  update: (memory: Memory, bar: Bar) => void,
  isReady: (memory: Memory) => boolean,
  values: (memory: Memory) => number[],
): Subject {
  const memory = saved === undefined ? blank : (JSON.parse(saved) as Memory);
  return {
    memory,
    update: (bar) => update(memory, bar),
    isReady: () => isReady(memory),
    values: () => values(memory),
  };
}

const INDICATORS: Indicator[] = [
  {
    name: 'EMA',
    firstIndex: (n) => n - 1,
    start: (n, saved) =>
      begin(
        createEma(n),
        saved,
        (ema, { close }) => updateEma(ema, close),
        isEmaReady,
        ({ value }) => [value],
      ),
    literal: (n, bars) => [weighted(closesOf(bars), n, 2 / (n + 1))],
  },
  {
    name: 'ATR',
    firstIndex: (n) => n,
    start: (n, saved) => begin(createAtr(n), saved, updateAtr, isAtrReady, ({ value }) => [value]),
    literal: (n, bars) => [weighted(rangesOf(bars), n, 1 / n)],
  },
  {
    name: 'RSI',
    firstIndex: (n) => n,
    start: (n, saved) =>
      begin(
        createRsi(n),
        saved,
        (rsi, { close }) => updateRsi(rsi, close),
        isRsiReady,
        ({ value }) => [value],
      ),
    literal: (n, bars) => {
      const changes = changesOf(closesOf(bars));
      const gain = weighted(
        changes.map((change) => Math.max(0, change)),
        n,
        1 / n,
      );
      const loss = weighted(
        changes.map((change) => Math.max(0, 0 - change)),
        n,
        1 / n,
      );
      return [gain + loss > 0 ? 100 - 100 / (1 + gain / loss) : 50];
    },
  },
  {
    name: 'Bollinger',
    firstIndex: (n) => n - 1,
    start: (n, saved) =>
      begin(
        createBollinger(n, WIDTH),
        saved,
        (bollinger, { close }) => updateBollinger(bollinger, close),
        isBollingerReady,
        ({ middle, upper, lower, deviation }) => [middle, upper, lower, deviation],
      ),
    literal: (n, bars) => {
      const { mean, squares } = momentsOf(closesOf(bars).slice(-n));
      const deviation = Math.sqrt(squares / n);
      return [mean, mean + WIDTH * deviation, mean - WIDTH * deviation, deviation];
    },
  },
  {
    name: 'realised volatility',
    firstIndex: (n) => n,
    start: (n, saved) =>
      begin(
        createRealisedVolatility(n),
        saved,
        (volatility, { close }) => updateRealisedVolatility(volatility, close),
        isRealisedVolatilityReady,
        ({ value }) => [value],
      ),
    literal: (n, bars) => {
      const closes = closesOf(bars).slice(-n - 1);
      const returns = closes.slice(1).map((close, index) => Math.log(close / (closes[index] as number)));
      return [Math.sqrt(momentsOf(returns).squares / (n - 1))];
    },
  },
];

function closesOf(bars: readonly Bar[]): number[] {
  return bars.map(({ close }) => close);
}

function changesOf(values: readonly number[]): number[] {
  return values.slice(1).map((value, index) => value - (values[index] as number));
}

function rangesOf(bars: readonly Bar[]): number[] {
  return bars.slice(1).map(({ high, low }, index) => {
    const { close } = bars[index] as Bar;
    return Math.max(high - low, Math.abs(high - close), Math.abs(low - close));
  });
}

/** Smoothing without a memory: the weight of each value, summed. */
function weighted(values: readonly number[], n: number, weight: number): number {
  const seed = values.slice(0, n).reduce((sum, value) => sum + value, 0) / n;
  const later = values.slice(n);
  const fading = later.reduce(
    (sum, value, index) => sum + value * weight * (1 - weight) ** (later.length - 1 - index),
    0,
  );
  return seed * (1 - weight) ** later.length + fading;
}

/** Two passes over a window. */
function momentsOf(values: readonly number[]): { mean: number; squares: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, squares: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) };
}

/** Prices in half ticks: quiet ones, and ones that jump over nine orders of magnitude. */
const price = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1_999_900, max: 2_000_100 }).map((halves) => halves / 2) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 2_000_000_000 }).map((halves) => halves / 2) },
);
const bar: fc.Arbitrary<Bar> = fc.tuple(price, price, price).map((prices) => {
  const [low, close, high] = prices.sort((a, b) => a - b);
  return { high, low, close };
});
const length = fc.integer({ min: 2, max: 30 });
/** Anything that a number can be. */
const wild = fc.oneof(
  price,
  fc.double(),
  fc.constantFrom(NaN, Infinity, -Infinity, -0, 0, 5e-324, 1e308, -1e308, 2 ** 53, 2 ** 53 - 1, 1 - 2 ** 53),
);

describe.each(INDICATORS)('$name', ({ start, literal, firstIndex }) => {
  test('says what its definition says, from its first index on and nothing before', () => {
    fc.assert(
      fc.property(length, fc.array(bar, { maxLength: 120 }), (n, bars) => {
        const subject = start(n);
        bars.forEach((next, index) => {
          subject.update(next);
          expect(subject.isReady()).toBe(index >= firstIndex(n));
          const values = subject.values();
          if (!subject.isReady()) expect(values).toEqual(values.map(() => 0));
          else {
            const scale = Math.max(100, ...bars.slice(0, index + 1).map(({ high }) => high));
            literal(n, bars.slice(0, index + 1)).forEach((value, place) =>
              expect(Math.abs((values[place] as number) - value)).toBeLessThanOrEqual(1e-11 * scale),
            );
          }
        });
      }),
      { numRuns: 200 },
    );
  });

  test('goes on bit by bit after a restart at any bar', () => {
    fc.assert(
      fc.property(length, fc.array(bar, { minLength: 1, maxLength: 120 }), fc.nat(), (n, bars, where) => {
        const cut = where % bars.length;
        const whole = start(n);
        const before = start(n);
        bars.forEach((next) => whole.update(next));
        bars.slice(0, cut).forEach((next) => before.update(next));
        const after = start(n, JSON.stringify(before.memory));
        bars.slice(cut).forEach((next) => after.update(next));
        expect(JSON.stringify(after.memory)).toBe(JSON.stringify(whole.memory));
        expect(after.values()).toEqual(whole.values());
      }),
    );
  });

  test('takes no NaN and no infinity, and never makes one', () => {
    fc.assert(
      fc.property(length, fc.array(fc.tuple(wild, wild, wild), { maxLength: 60 }), (n, rows) => {
        const subject = start(n);
        for (const [high, low, close] of rows) {
          const before = JSON.stringify(subject.memory);
          let refused = false;
          try {
            subject.update({ high, low, close });
          } catch (error) {
            expect(error).toBeInstanceOf(InvariantError);
            expect(JSON.stringify(subject.memory)).toBe(before);
            refused = true;
          }
          if (!Number.isFinite(close)) expect(refused).toBe(true);
          expect(subject.values().every(Number.isFinite)).toBe(true);
          expect(JSON.stringify(subject.memory)).not.toMatch(/null/);
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('RSI stays within 0..100; it is 100 where all rose, 0 where all fell and 50 where nothing moved', () => {
  const rsiOf = (closes: number[]): number => {
    const rsi = createRsi(5);
    for (const close of closes) updateRsi(rsi, close);
    return rsi.value;
  };
  expect(rsiOf([1, 2, 3, 4, 5, 6, 7])).toBe(100);
  expect(rsiOf([7, 6, 5, 4, 3, 2, 1])).toBe(0);
  expect(rsiOf([3, 3, 3, 3, 3, 3, 3])).toBe(50);
  fc.assert(
    fc.property(fc.array(price, { minLength: 6, maxLength: 100 }), (closes) => {
      expect(rsiOf(closes)).toBeGreaterThanOrEqual(0);
      expect(rsiOf(closes)).toBeLessThanOrEqual(100);
    }),
  );
});

test('a place within the bands is measured from the middle; bands without a width have no place', () => {
  const bollinger = createBollinger(4, 2);
  expect(bollingerPosition(bollinger, 12)).toBe(0);
  for (const close of [10, 10, 10, 10]) updateBollinger(bollinger, close);
  expect(bollingerPosition(bollinger, 12)).toBe(0);
  for (const close of [8, 12, 8, 12]) updateBollinger(bollinger, close);
  expect([6, 10, 14].map((value) => bollingerPosition(bollinger, value))).toEqual([-1, 0, 1]);
});

describe('a million values of a walk with jumps', () => {
  const N = 20;
  const COUNT = 1_000_000;

  /** Largest error of the deviation, relative to it, seen on the way; `deviation` takes a value and says the window's. */
  function worstError(deviation: (value: number) => number): number {
    let seed = 42;
    // Numbers of a small generator (Lehmer): the same walk for both subjects.
    const next = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const recent: number[] = [];
    let mid = 1_000_000;
    let worst = 0;
    for (let index = 0; index < COUNT; index += 1) {
      mid = Math.max(10, mid + Math.round((next() - 0.5) * 40) / 2);
      // Once in a while one value is off by far: it must leave with the window.
      const value = index % 4_001 === 7 ? mid * 1_000 + 1 / 3 : mid + next();
      recent[index % N] = value;
      const ours = deviation(value);
      if (index < N || index % 97 !== 0) continue;
      const literal = Math.sqrt(momentsOf(recent).squares / N);
      worst = Math.max(worst, Math.abs(ours - literal) / literal);
    }
    return worst;
  }

  test('the deviation is right to ten digits from the start to the end', () => {
    const moments = createMovingMoments(N);
    const worst = worstError((value) => {
      updateMovingMoments(moments, value);
      return Math.sqrt(moments.squaresSum / N);
    });
    expect(worst).toBeLessThan(1e-10);
  });

  test('control: sums that are added to and taken from fail that by far', () => {
    const window: number[] = [];
    let sum = 0;
    let squares = 0;
    let place = 0;
    const worst = worstError((value) => {
      const gone = window[place] ?? 0;
      window[place] = value;
      place = (place + 1) % N;
      sum += value - gone;
      squares += value * value - gone * gone;
      return Math.sqrt(Math.max(0, squares / N - (sum / N) ** 2));
    });
    expect(worst).toBeGreaterThan(1e-3);
  });
});
