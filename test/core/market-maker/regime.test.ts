import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Bar } from '../../../core/market/bars.ts';
import { RegimeParams } from '../../../core/market-maker/params.ts';
import { barsToWarmUp } from '../../../core/market-maker/regime-indicators.ts';
import {
  blankRegime,
  judgeRegime,
  RegimeDetector,
  REGIMES,
  type Regime,
  type RegimeMemory,
  type RegimeReading,
} from '../../../core/market-maker/regime.ts';

/** 2025-05-05T10:00:00Z. */
const T0 = 1_746_439_200_000;
const MINUTE = 60_000;
const PRICE = 1_000_000;
const DEFAULTS = RegimeParams.parse({ trendAtr: 0.5 });
/** Warm after four bars, so that a test says what it is about. */
const LENGTHS = { emaFastBars: 2, emaSlowBars: 4, atrBars: 2, rsiBars: 2, bollingerBars: 3 };
const SHORT = RegimeParams.parse({ ...LENGTHS, trendAtr: 0.5 });

/** Bars that end at `T0`, of `range` ticks, each closing `slope` ticks above the one before. */
function history(count: number, { slope = 0, range = 400, barMs = MINUTE } = {}): Bar[] {
  return Array.from({ length: count }, (_, index) => {
    const close = PRICE + (index - count + 1) * slope;
    const open = close - slope;
    const middle = (open + close) / 2;
    return { openAtMs: T0 + (index - count) * barMs, open, high: middle + range / 2, low: middle - range / 2, close };
  });
}

/** A detector after 40 such bars, and a clock that judges it once a second. */
function afterHistory(params: RegimeParams, market: Parameters<typeof history>[1] = {}) {
  const memory = blankRegime(params);
  const detector = new RegimeDetector(params, memory);
  detector.onBars(history(40, market));
  let atMs = T0;
  const second = (midTicks: number): Regime => {
    detector.onMid(midTicks, atMs + 900);
    atMs += 1_000;
    return detector.evaluate(midTicks, atMs);
  };
  return { detector, memory, second, atMs: () => atMs };
}

describe('the specs', () => {
  const { neutral, up, down, high_volatility_shock: shock } = REGIMES;

  test('cannot be changed', () => {
    for (const part of [REGIMES, ...Object.values(REGIMES)]) expect(Object.isFrozen(part)).toBe(true);
  });

  test('down is the mirror of up: the side that the trend takes stands further away, the target leans with it', () => {
    expect(down).toEqual({
      ...up,
      bidDistanceFactor: up.askDistanceFactor,
      askDistanceFactor: up.bidDistanceFactor,
      targetShiftRatio: -up.targetShiftRatio,
    });
    expect(up.askDistanceFactor).toBeGreaterThan(up.bidDistanceFactor);
    expect(up.targetShiftRatio).toBeGreaterThan(0);
  });

  test('no regime quotes tighter or more than neutral, and none as carefully as a shock', () => {
    expect(neutral).toEqual({ spreadFactor: 1, sizeFactor: 1, levelsMax: 5, bidDistanceFactor: 1, askDistanceFactor: 1, targetShiftRatio: 0 }); // prettier-ignore
    for (const spec of [up, down]) {
      expect(spec.spreadFactor).toBeGreaterThan(neutral.spreadFactor);
      expect(spec.spreadFactor).toBeLessThan(shock.spreadFactor);
      expect(spec.sizeFactor).toBeLessThan(neutral.sizeFactor);
      expect(spec.sizeFactor).toBeGreaterThan(shock.sizeFactor);
      expect(Math.min(spec.bidDistanceFactor, spec.askDistanceFactor)).toBe(1);
    }
    expect(shock.levelsMax).toBe(1);
  });
});

describe('one judgement', () => {
  const QUIET: RegimeReading = {
    driftBps: 0,
    shockBps: 10,
    atrBps: 4,
    trendAtr: 0,
    rsi: 50,
    bollingerPosition: 0,
    realisedVolBps: 2,
  };
  const SHOCK = 'high_volatility_shock';

  test.each<[name: string, reading: Partial<RegimeReading>, from: Regime, to: Regime]>([
    ['nothing', {}, 'neutral', 'neutral'],
    ['averages apart, strength with them', { trendAtr: 1, rsi: 50.1 }, 'neutral', 'up'],
    ['a little too close', { trendAtr: 0.999, rsi: 90 }, 'neutral', 'neutral'],
    ['strength in the middle', { trendAtr: 3, rsi: 50 }, 'neutral', 'neutral'],
    ['strength against it', { trendAtr: 3, rsi: 49 }, 'neutral', 'neutral'],
    ['down', { trendAtr: -1, rsi: 49.9 }, 'neutral', 'down'],
    ['down, a little too close', { trendAtr: -0.999, rsi: 10 }, 'neutral', 'neutral'],
    ['down, strength against it', { trendAtr: -3, rsi: 51 }, 'neutral', 'neutral'],
    ['a trend lasts to half of what began it', { trendAtr: 0.5, rsi: 60 }, 'up', 'up'],
    ['and no longer', { trendAtr: 0.499, rsi: 60 }, 'up', 'neutral'],
    ['its strength may dip below the middle', { trendAtr: 2, rsi: 45.1 }, 'up', 'up'],
    ['and no further', { trendAtr: 2, rsi: 45 }, 'up', 'neutral'],
    ['down lasts likewise', { trendAtr: -0.5, rsi: 54.9 }, 'down', 'down'],
    ['and ends likewise', { trendAtr: -0.5, rsi: 55 }, 'down', 'neutral'],
    ['what holds a trend begins none the other way', { trendAtr: -0.7, rsi: 40 }, 'up', 'neutral'],
    ['from one trend to the other', { trendAtr: -1, rsi: 40 }, 'up', 'down'],
    ['a jump', { driftBps: 10 }, 'neutral', SHOCK],
    ['a fall', { driftBps: -10 }, 'neutral', SHOCK],
    ['nearly a jump', { driftBps: 9.99 }, 'neutral', 'neutral'],
    ['a jump in a trend', { driftBps: -12, trendAtr: 3, rsi: 90 }, 'up', SHOCK],
    ['a shock lasts to half of what began it', { driftBps: 5 }, SHOCK, SHOCK],
    ['and no longer', { driftBps: 4.99 }, SHOCK, 'neutral'],
    ['into the trend that it began', { driftBps: 4, trendAtr: 1, rsi: 70 }, SHOCK, 'up'],
    ['after a shock a trend needs all of its distance', { driftBps: 4, trendAtr: 0.6, rsi: 70 }, SHOCK, 'neutral'],
  ])('%s', (_name, reading, from, to) => expect(judgeRegime({ ...QUIET, ...reading }, from, 1)).toBe(to));
});

describe('a change of regime', () => {
  const JUMP = 1.002;

  test('takes as many judgements in a row as the parameters say, into a shock, too; the first one shows', () => {
    const { detector, second } = afterHistory(DEFAULTS);
    expect(second(PRICE)).toBe('neutral');
    expect(detector.isShockPending).toBe(false);
    expect([second(PRICE * JUMP), detector.isShockPending]).toEqual(['neutral', true]);
    expect([second(PRICE * JUMP), detector.isShockPending]).toEqual(['neutral', true]);
    expect([second(PRICE * JUMP), detector.isShockPending]).toEqual(['high_volatility_shock', false]);
  });

  test.each([1, 2, 5])('with %d of them', (holdTicks) => {
    const { second } = afterHistory({ ...DEFAULTS, holdTicks });
    second(PRICE);
    const regimes = Array.from({ length: holdTicks }, () => second(PRICE * JUMP));
    expect(regimes.filter((regime) => regime !== 'neutral')).toEqual(['high_volatility_shock']);
    expect(regimes.at(-1)).toBe('high_volatility_shock');
  });

  test('begins to count anew when one of them disagrees', () => {
    const { detector, second } = afterHistory({ ...DEFAULTS, shockDriftS: 1 });
    second(PRICE);
    // The window is one second: a price that stays is no drift any more a second later.
    expect([PRICE * JUMP, PRICE, PRICE, PRICE].map(second)).toEqual(['neutral', 'neutral', 'neutral', 'neutral']);
    expect(detector.isShockPending).toBe(false);
    const swings = [1, 0, 1, 0].map((up) => second(up === 1 ? PRICE * JUMP : PRICE));
    expect(swings).toEqual(['neutral', 'neutral', 'high_volatility_shock', 'high_volatility_shock']);
  });

  test('counts each kind of judgement for itself', () => {
    const { second } = afterHistory(DEFAULTS, { slope: 60 });
    // Two for a trend, then three for a shock: the first two are of no use to it.
    const regimes = [PRICE, PRICE, PRICE * JUMP, PRICE * JUMP, PRICE * JUMP].map(second);
    expect(regimes).toEqual(['neutral', 'neutral', 'neutral', 'neutral', 'high_volatility_shock']);
  });

  test('a shock that has begun is pending no more', () => {
    const { detector, second } = afterHistory({ ...DEFAULTS, holdTicks: 1 });
    second(PRICE);
    for (let count = 0; count < 5; count += 1) {
      expect(second(PRICE * JUMP)).toBe('high_volatility_shock');
      expect(detector.isShockPending).toBe(false);
    }
  });

  test('a shock ends when the window has forgotten it', () => {
    const { detector, second } = afterHistory({ ...DEFAULTS, holdTicks: 1 });
    second(PRICE);
    const regimes = Array.from({ length: 40 }, () => second(PRICE * JUMP));
    expect(regimes.slice(0, 30).every((regime) => regime === 'high_volatility_shock')).toBe(true);
    expect(regimes.slice(31).some((regime) => regime === 'high_volatility_shock')).toBe(false);
    expect(detector.reading.driftBps).toBe(0);
  });

  test.each([
    ['up', 60],
    ['down', -60],
  ] as const)('a trend of bars is %s after that many judgements', (regime, slope) => {
    const { second } = afterHistory(DEFAULTS, { slope });
    expect([second(PRICE), second(PRICE), second(PRICE), second(PRICE)]).toEqual([
      'neutral',
      'neutral',
      regime,
      regime,
    ]);
  });

  test('without a mid nothing is judged', () => {
    const { detector, second, atMs } = afterHistory(DEFAULTS, { slope: 60 });
    second(PRICE);
    second(PRICE);
    for (const none of [0, NaN, Infinity, -5]) expect(detector.evaluate(none, atMs())).toBe('neutral');
    expect(second(PRICE)).toBe('up');
  });
});

describe('what a judgement rests on', () => {
  test('in bps of the mid and in ranges of a bar', () => {
    const { detector, second } = afterHistory(DEFAULTS);
    second(PRICE);
    second(PRICE + 150);
    const { reading } = detector;
    const digits = 1e-9;
    expect(detector.atrBps(PRICE)).toBeCloseTo(4, 9);
    expect(Math.abs(reading.atrBps - 400 / (PRICE + 150) / 1e-4)).toBeLessThan(digits);
    expect(Math.abs(reading.driftBps - 150 / (PRICE + 150) / 1e-4)).toBeLessThan(digits);
    // Three ranges of a minute, for half a minute: less than the least, 10 bps, before it is scaled it were 12.
    expect(reading.shockBps).toBe(10);
    expect([reading.trendAtr, reading.rsi, reading.realisedVolBps, reading.bollingerPosition]).toEqual([0, 50, 0, 0]);
    expect(detector.reading).toBe(reading);
  });

  test.each([
    [15, 6, 500, (6 * 5) / 2],
    [30, 3, 500, 3 * 5 * Math.sqrt(30 / 60)],
    [60, 3, 500, 3 * 5],
    [240, 3, 500, 2 * 3 * 5],
    [240, 1, 500, 2 * 5],
    [60, 3, 300, 10],
  ])('within %d s, %d ranges of %d ticks are a shock from %d bps on', (shockDriftS, multiplier, range, shockBps) => {
    const params = { ...DEFAULTS, shockDriftS, shockDriftAtrMultiplier: multiplier };
    const { detector, second } = afterHistory(params, { range });
    second(PRICE);
    expect(detector.reading.shockBps).toBeCloseTo(shockBps, 9);
  });

  test('a book that stands still makes neither trends nor shocks, however little they take', () => {
    const params = { ...SHORT, trendAtr: 0, shockDriftBpsMin: 0, shockDriftAtrMultiplier: 0.5, holdTicks: 1 };
    const { detector, second } = afterHistory(params, { range: 0 });
    const regimes = Array.from({ length: 4_000 }, () => second(PRICE));
    expect(new Set(regimes)).toEqual(new Set(['neutral']));
    expect(detector.reading.atrBps).toBe(0);
    expect(detector.isReady).toBe(true);
  });
});

describe('warming up', () => {
  test.each<[string, Partial<RegimeParams>, number]>([
    ['the slow average', {}, 21],
    ['the range, and a close before it', { atrBars: 50 }, 51],
    ['the strength, and a close before it', { rsiBars: 40 }, 41],
    ['the returns of the bands, and a close before them', { bollingerBars: 33 }, 34],
  ])('takes %s', (_name, change, bars) => {
    const params = { ...DEFAULTS, ...change };
    expect(barsToWarmUp(params)).toBe(bars);
    for (const [count, isReady] of [
      [bars - 1, false],
      [bars, true],
    ] as const) {
      const detector = new RegimeDetector(params, blankRegime(params));
      detector.onBars(history(count, { slope: 60 }));
      expect(detector.isReady).toBe(isReady);
      for (let second = 1; second < 9; second += 1) detector.evaluate(PRICE, T0 + second * 1_000);
      expect(detector.regime === 'neutral').toBe(!isReady);
      expect(detector.atrBps(PRICE) > 0).toBe(count > params.atrBars);
    }
  });

  test('bars of its own mids do as well as those of the venue', () => {
    const memory = blankRegime(SHORT);
    const detector = new RegimeDetector(SHORT, memory);
    const bars = history(5, { slope: 40, range: 100 });
    for (const { openAtMs, open, high, low, close } of bars) {
      [open, low, high, close].forEach((mid, index) => detector.onMid(mid, openAtMs + index * 10_000));
    }
    expect(detector.isReady).toBe(true);
    const other = blankRegime(SHORT);
    new RegimeDetector(SHORT, other).onBars(bars.slice(0, -1));
    expect(memory.indicators).toEqual(other.indicators);
  });

  const sound = history(6);
  const hole = [...history(8).slice(0, 3), ...history(8).slice(4)];
  const broken = (change: Partial<Bar>): Bar[] =>
    history(8).map((bar, index) => (index === 3 ? { ...bar, ...change } : bar));
  test.each<[name: string, isReady: boolean, bars: Bar[]]>([
    ['a history', true, sound],
    ['a hole with enough bars after it', true, hole],
    ['a hole with too few', false, hole.slice(0, -1)],
    ['the wrong way round', false, [...sound].reverse()],
    ['bars of another length', false, history(30, { barMs: 5 * MINUTE })],
    ['off the minute', false, sound.map((bar) => ({ ...bar, openAtMs: bar.openAtMs + 1 }))],
    ['a bar that is none, and enough after it', true, broken({ high: NaN })],
    ['a bar that is none, and too few after it', false, broken({ low: -1 }).slice(0, -1)],
    ['one that is none at the end', false, [...sound.slice(0, -1), { ...sound.at(-1)!, close: Infinity }]],
    ['nothing', false, []],
  ])('%s: ready %s', (_name, isReady, bars) => {
    const detector = new RegimeDetector(SHORT, blankRegime(SHORT));
    detector.onBars(bars);
    expect(detector.isReady).toBe(isReady);
  });

  test('a history replaces what was built, and none at all replaces nothing', () => {
    const { detector } = afterHistory(SHORT, { range: 400 });
    detector.onBars([]);
    expect(detector.atrBps(PRICE)).toBeCloseTo(4, 9);
    detector.onBars(history(10, { range: 800 }));
    expect(detector.atrBps(PRICE)).toBeCloseTo(8, 9);
  });

  test('the regime stays when a history is read again, and goes when it does not reach', () => {
    const { detector, memory, second } = afterHistory(SHORT, { slope: 300 });
    for (let count = 0; count < 3; count += 1) second(PRICE);
    detector.onBars(history(10, { slope: 300 }));
    expect(detector.regime).toBe('up');
    detector.onBars(history(2, { slope: 300 }));
    expect([detector.isReady, detector.regime]).toEqual([false, 'neutral']);
    expect(memory.reading).toEqual(blankRegime(SHORT).reading);
  });

  test.each([
    [1.5, true],
    [2, false],
  ])('when the first mid comes %d minutes after the end of a history: ready %s', (minutes, isReady) => {
    const detector = new RegimeDetector(SHORT, blankRegime(SHORT));
    detector.onBars(history(10));
    detector.onMid(PRICE, T0 + minutes * MINUTE);
    expect(detector.isReady).toBe(isReady);
  });
});

describe('what is missed', () => {
  test('more than one bar without a mid starts all that rests on bars anew', () => {
    const { detector, second, atMs } = afterHistory(DEFAULTS, { slope: 60 });
    for (let count = 0; count < 3; count += 1) second(PRICE);
    expect(detector.regime).toBe('up');
    detector.onMid(PRICE, atMs() + 3 * MINUTE);
    expect([detector.isReady, detector.regime, detector.isShockPending]).toEqual([false, 'neutral', false]);
    expect(detector.atrBps(PRICE)).toBe(0);
  });

  test.each([
    ['one bar', true, 2.9],
    ['more than one', false, 3],
  ])('a process that was away for %s: goes on %s', (_name, goesOn, minutes) => {
    const { detector, memory, second } = afterHistory(DEFAULTS, { slope: 60 });
    for (let count = 0; count < 3; count += 1) second(PRICE);
    const restarted = new RegimeDetector(DEFAULTS, JSON.parse(JSON.stringify(memory)) as RegimeMemory);
    restarted.onStart(T0 + minutes * MINUTE);
    expect(detector.regime).toBe('up');
    expect([restarted.isReady, restarted.regime]).toEqual(goesOn ? [true, 'up'] : [false, 'neutral']);
  });

  test('a first start has nothing to lose', () => {
    const memory = blankRegime(DEFAULTS);
    new RegimeDetector(DEFAULTS, memory).onStart(T0);
    expect(JSON.stringify(memory)).toBe(JSON.stringify(blankRegime(DEFAULTS)));
  });
});

test.each<[name: string, goesOn: boolean, change: Partial<RegimeParams>]>([
  ['nothing', true, {}],
  ['how many judgements agree', true, { holdTicks: 9 }],
  ['where a trend begins', true, { trendAtr: 2 }],
  ['the length of a bar', false, { barS: 30 }],
  ['the window of a shock', false, { shockDriftS: 20 }],
  ['a fast average', false, { emaFastBars: 9 }],
  ['a slow average', false, { emaSlowBars: 22 }],
  ['the range', false, { atrBars: 15 }],
  ['the strength', false, { rsiBars: 15 }],
  ['the bands', false, { bollingerBars: 21 }],
  ['their width', false, { bollingerWidth: 2.5 }],
])('after a change of %s: goes on %s', (_name, goesOn, change) => {
  const { memory } = afterHistory(DEFAULTS);
  const params = { ...DEFAULTS, ...change };
  const detector = new RegimeDetector(params, memory);
  expect(detector.isReady).toBe(goesOn);
  if (!goesOn) expect(JSON.stringify(memory)).toBe(JSON.stringify(blankRegime(params)));
  detector.onBars(history(40, { barMs: params.barS * 1_000 }));
  expect(detector.isReady).toBe(true);
});

describe('laws', () => {
  const price = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 1_998_000, max: 2_002_000 }).map((halves) => halves / 2) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 4_000_000 }).map((halves) => halves / 2) },
  );
  const wild = fc.oneof(price, fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, 0, -0, 5e-324, 2 ** 53 - 1));
  type Input = readonly [kind: 'mid' | 'judge', stepMs: number, ticks: number];
  const inputs = (ticks: fc.Arbitrary<number>): fc.Arbitrary<Input[]> =>
    fc.array(
      fc.tuple(
        fc.constantFrom('mid' as const, 'mid' as const, 'judge' as const),
        fc.oneof(
          { weight: 30, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
          { weight: 1, arbitrary: fc.integer({ min: -300_000, max: 300_000 }) },
        ),
        ticks,
      ),
      { minLength: 1, maxLength: 200 },
    );
  /** Plays inputs from `atMs` on; what was said on the way. */
  function play(detector: RegimeDetector, rows: readonly Input[], atMs: number): { said: string[]; atMs: number } {
    const said = rows.map(([kind, stepMs, ticks]) => {
      atMs += stepMs;
      if (kind === 'judge') detector.evaluate(ticks, atMs);
      else detector.onMid(ticks, atMs);
      return `${detector.regime} ${detector.isReady} ${detector.isShockPending} ${JSON.stringify(detector.reading)}`;
    });
    return { said, atMs };
  }

  test('a restart at any input changes nothing, bit by bit', () => {
    fc.assert(
      fc.property(inputs(price), fc.nat(), (rows, where) => {
        const cut = where % rows.length;
        const whole = blankRegime(SHORT);
        const { said } = play(new RegimeDetector(SHORT, whole), rows, T0);
        const before = blankRegime(SHORT);
        const first = play(new RegimeDetector(SHORT, before), rows.slice(0, cut), T0);
        const after = JSON.parse(JSON.stringify(before)) as RegimeMemory;
        const second = play(new RegimeDetector(SHORT, after), rows.slice(cut), first.atMs);
        expect([...first.said, ...second.said]).toEqual(said);
        expect(JSON.stringify(after)).toBe(JSON.stringify(whole));
      }),
      { numRuns: 300 },
    );
  });

  test('whatever it is told, no NaN and no infinity is kept or said', () => {
    fc.assert(
      fc.property(inputs(wild), fc.array(fc.tuple(wild, wild, wild, wild), { maxLength: 12 }), (rows, bars) => {
        const memory = blankRegime(SHORT);
        const detector = new RegimeDetector(SHORT, memory);
        detector.onBars(
          bars.map(([open, high, low, close], index) => ({ openAtMs: T0 + (index - bars.length) * MINUTE, open, high, low, close })), // prettier-ignore
        );
        const { said } = play(detector, rows, T0);
        expect(said.join()).not.toMatch(/null|NaN/);
        expect(JSON.stringify(memory)).not.toMatch(/null/);
        for (const [, , ticks] of rows) expect(Number.isFinite(detector.atrBps(ticks))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('a market turned upside down is judged the same, turned upside down', () => {
    const turned: Record<Regime, Regime> = { neutral: 'neutral', up: 'down', down: 'up', high_volatility_shock: 'high_volatility_shock' }; // prettier-ignore
    const reading = fc.record({
      driftBps: fc.integer({ min: -30, max: 30 }),
      shockBps: fc.constantFrom(10, 14),
      trendAtr: fc.integer({ min: -8, max: 8 }).map((quarters) => quarters / 4),
      rsi: fc.integer({ min: 40, max: 60 }),
    });
    const regime = fc.constantFrom(...(Object.keys(REGIMES) as Regime[]));
    fc.assert(
      fc.property(reading, regime, (seen, from) => {
        const rest = { atrBps: 5, bollingerPosition: 0, realisedVolBps: 3 };
        const mirrored = { ...seen, driftBps: -seen.driftBps, trendAtr: -seen.trendAtr, rsi: 100 - seen.rsi };
        const judged = judgeRegime({ ...seen, ...rest }, from, 1);
        expect(judgeRegime({ ...mirrored, ...rest }, turned[from], 1)).toBe(turned[judged]);
      }),
      { numRuns: 2_000 },
    );
  });
});
