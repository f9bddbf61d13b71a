import { describe, expect, test } from '@jest/globals';
import { roundTripEdgeBps } from '../../../core/market-maker/edge.ts';
import { SpreadParams } from '../../../core/market-maker/params.ts';
import {
  blankSpreadMemory,
  RETURN_BPS,
  SpreadEngine,
  TOUCH_MS_MAX,
  type SpreadInput,
  type SpreadMemory,
} from '../../../core/market-maker/spread.ts';
import { BTC, T0 } from '../../support/bots.ts';

const paramsOf = (change: Partial<SpreadParams> = {}): SpreadParams =>
  SpreadParams.parse({
    minNetEdgeBps: 0.5,
    atrFactor: 0.5,
    adverseSelectionBps: 1,
    fillFactor: 0.9,
    slippageBps: 1,
    holdMinutes: 30,
    standAsideBps: 1,
    ...change,
  });
/** At VIP0: 4 of fees, 0.8 adverse, 0.0625 of funding, 0.1 x 5 of closes as a taker, 0.5 to leave: 5.8625. */
const INPUT: SpreadInput = {
  midTicks: 600_000,
  touchBps: 6,
  atrBps: 4,
  makerBps: 2,
  takerBps: 6,
  adverseBidBps: 0.3,
  adverseAskBps: 0.5,
  fundingRate: 0.0001,
  fundingIntervalMs: 8 * 3_600_000,
  atMs: T0,
};
const FLOOR_BPS = 5.8625;

interface Case {
  params?: Partial<SpreadParams>;
  input?: Partial<SpreadInput>;
}
function calculated({ params, input }: Case = {}): SpreadEngine {
  const engine = new SpreadEngine(paramsOf(params), BTC, blankSpreadMemory());
  engine.calculate({ ...INPUT, ...input });
  return engine;
}

describe('the floor', () => {
  test.each<[string, Case, number]>([
    ['is what a round trip costs and has to leave', {}, FLOOR_BPS],
    ['fees of both fills', { input: { makerBps: 3, takerBps: 7 } }, FLOOR_BPS + 2],
    ['a rebate', { params: { atrFactor: 0 }, input: { makerBps: -0.5, takerBps: 3.5 } }, FLOOR_BPS - 5],
    ['adverse selection of the bid', { input: { adverseBidBps: 2.3 } }, FLOOR_BPS + 2],
    ['and of the ask', { input: { adverseAskBps: 1.5 } }, FLOOR_BPS + 1],
    ['fills that the market follows narrow nothing', { input: { adverseBidBps: -9 } }, FLOOR_BPS - 0.3],
    ['funding, paid', { input: { fundingRate: 0.003 } }, FLOOR_BPS - 0.0625 + 1.875],
    ['or received: which side holds is not known', { input: { fundingRate: -0.003 } }, FLOOR_BPS - 0.0625 + 1.875],
    ['a shorter interval', { input: { fundingIntervalMs: 3_600_000 } }, FLOOR_BPS + 0.4375],
    ['a longer hold', { params: { holdMinutes: 480 } }, FLOOR_BPS - 0.0625 + 1],
    ['before funding was told', { input: { fundingRate: 0, fundingIntervalMs: 0 } }, FLOOR_BPS - 0.0625],
    ['closes as a taker', { params: { fillFactor: 0.5 } }, FLOOR_BPS + 2],
    ['and what they slip', { params: { slippageBps: 3 } }, FLOOR_BPS + 0.2],
    ['the least edge', { params: { minNetEdgeBps: 3 } }, FLOOR_BPS + 2.5],
    ['the range, when it is wider', { input: { atrBps: 20 } }, 10],
    ['which is not added', { input: { atrBps: 11.725 } }, FLOOR_BPS],
    ['one tick, when that is wider', { input: { midTicks: 1_000 } }, 10],
  ])('%s', (_name, change, expected) => {
    expect(calculated(change).floorBps).toBeCloseTo(expected, 12);
  });

  test('names its parts', () => {
    const { components } = calculated();
    expect(components).toEqual({
      feesBps: 4,
      adverseBps: expect.closeTo(0.8, 12),
      fundingBps: 0.0625,
      flattenBps: expect.closeTo(0.5, 12),
      minNetEdgeBps: 0.5,
      atrBps: 2,
    });
  });

  test('is where a round trip leaves its least edge', () => {
    const edgeBps = roundTripEdgeBps({
      spreadBps: calculated().floorBps,
      makerBps: 2,
      takerBps: 6,
      adverseBidBps: 0.3,
      adverseAskBps: 0.5,
      fundingBps: -0.0625,
      fillFactor: 0.9,
      slippageBps: 1,
    });
    expect(edgeBps).toBeCloseTo(0.5, 12);
  });

  test('of a bot at VIP0 with no other cost is the break-even: 4 among makers, 8 when all is closed as a taker', () => {
    const input = { adverseBidBps: 0, adverseAskBps: 0, fundingRate: 0 };
    const params = { minNetEdgeBps: 0, slippageBps: 0, atrFactor: 0 };
    expect(calculated({ input, params: { ...params, fillFactor: 1 } }).floorBps).toBe(4);
    expect(calculated({ input, params: { ...params, fillFactor: 0 } }).floorBps).toBe(8);
  });
});

describe('what the market pays', () => {
  test.each<[string, [number, number][], number, number]>([
    ['is the best spread of the moment when no other was seen', [], 6, 6],
    ['is its average over time', [[2, 0], [10, 1_000]], 2_000, 6],
    ['by how long it stood', [[2, 0], [10, 3_000]], 4_000, 4],
    ['a silent feed counts for a while only', [[2, 0], [10, 5_000]], 600_000, 6],
    ['what is no spread is passed over', [[2, 0], [Number.NaN, 500], [-1, 600], [Infinity, 700], [10, 1_000]], 2_000, 6],
    ['nor is a time that is none', [[2, 0], [50, Number.NaN], [10, 1_000]], 2_000, 6],
    ['a clock that goes back adds nothing', [[2, 1_000], [10, 0]], 1_000, 10],
  ])('%s', (_name, touches, atMs, expected) => {
    const engine = new SpreadEngine(paramsOf(), BTC, blankSpreadMemory());
    for (const [touchBps, afterMs] of touches) engine.observeTouch(touchBps, T0 + afterMs);
    engine.calculate({ ...INPUT, atMs: T0 + atMs });
    expect(engine.marketBps).toBeCloseTo(expected, 12);
  }); // prettier-ignore

  test('is measured anew after each calculation', () => {
    const engine = new SpreadEngine(paramsOf(), BTC, blankSpreadMemory());
    engine.observeTouch(2, T0);
    engine.calculate({ ...INPUT, touchBps: 8, atMs: T0 + 1_000 });
    expect(engine.marketBps).toBe(2);
    engine.calculate({ ...INPUT, touchBps: 9, atMs: T0 + 2_000 });
    expect(engine.marketBps).toBe(8);
    expect(TOUCH_MS_MAX).toBeGreaterThan(1_000);
  });

  test('is the range of a bar where the bot earns by that', () => {
    expect(calculated({ params: { market: 'range' }, input: { atrBps: 7.5 } }).marketBps).toBe(7.5);
  });
});

describe('it stands aside', () => {
  const asideAt = (touchBps: number): boolean => calculated({ input: { touchBps } }).isStandingAside;

  test('before the first calculation', () => {
    const engine = new SpreadEngine(paramsOf(), BTC, blankSpreadMemory());
    expect(engine.isStandingAside).toBe(true);
    expect(engine.isDue(T0)).toBe(true);
  });

  test('when the floor exceeds the market by more than it may', () => {
    expect(asideAt(FLOOR_BPS - 1 + 1e-6)).toBe(false);
    expect(asideAt(FLOOR_BPS - 1 - 1e-6)).toBe(true);
  });

  test('and returns when the market pays clearly more, so that it does not flap', () => {
    const engine = calculated();
    const states = [-0.9, -1.1, -0.9, -0.6, -1 + RETURN_BPS - 1e-6, -1 + RETURN_BPS + 1e-6, -0.9, -1.1].map(
      (overFloorBps, index) => {
        const atMs = T0 + (index + 1) * 30_000;
        engine.observeTouch(FLOOR_BPS + overFloorBps, atMs - 1_000);
        engine.calculate({ ...INPUT, touchBps: FLOOR_BPS + overFloorBps, atMs });
        // Drops the rest of this best spread: each calculation sees its own alone.
        engine.calculate({ ...INPUT, touchBps: FLOOR_BPS + overFloorBps, atMs });
        return engine.isStandingAside;
      },
    );
    expect(states).toEqual([false, true, true, true, true, false, false, true]);
  });

  test.each<[string, Partial<SpreadInput>]>([
    ['without a mid', { midTicks: 0 }],
    ['below one', { midTicks: -600_000 }],
    ['in a crossed book', { touchBps: -1 }],
    ['in a book wider than any', { touchBps: 20_001 }],
    ['with a range below nothing', { atrBps: -1 }],
    ['with funding at no interval', { fundingIntervalMs: 0 }],
    ['with funding at hardly any', { fundingIntervalMs: 5e-324 }],
    ['with a range beyond any', { atrBps: 20_001 }],
    ['with a fee beyond any', { makerBps: 20_001 }],
    ['a rebate', { makerBps: -1e308 }],
    ['a fee of takers', { takerBps: -20_001 }],
    ['or a loss', { adverseBidBps: 20_001 }],
    ['on either side', { adverseAskBps: 20_001 }],
  ])('%s', (_name, input) => {
    const engine = calculated({ params: { market: 'range', atrFactor: 0 }, input: { atrBps: 100 } });
    expect(engine.isStandingAside).toBe(false);
    engine.calculate({ ...INPUT, atrBps: 100, ...input });
    expect(engine.isStandingAside).toBe(true);
    expect(engine.floorBps).toBeCloseTo(FLOOR_BPS, 12);
  });

  test('after a number that is none, without a bar to return, and keeps the last good floor', () => {
    const engine = calculated();
    engine.calculate({ ...INPUT, atrBps: Number.NaN, atMs: T0 + 30_000 });
    expect(engine.isStandingAside).toBe(true);
    expect(engine.floorBps).toBeCloseTo(FLOOR_BPS, 12);
    expect(engine.components.atrBps).toBe(2);
    const touchBps = FLOOR_BPS - 0.9;
    engine.calculate({ ...INPUT, touchBps, atMs: T0 + 30_000 });
    expect(engine.isStandingAside).toBe(false);
  });
});

test.each([
  ['the second before', 29_999, false],
  ['when its time has come', 30_000, true],
  ['long after', 3_600_000, true],
  ['when the clock was set back', -1, true],
  ['at a time that is none', Number.NaN, false],
])('a calculation is due %s: %d ms after the last, %s', (_name, afterMs, expected) => {
  expect(calculated().isDue(T0 + afterMs)).toBe(expected);
});

test('a forced calculation puts the next one off', () => {
  const engine = calculated();
  engine.calculate({ ...INPUT, atMs: T0 + 10_000 });
  expect([engine.isDue(T0 + 30_000), engine.isDue(T0 + 40_000)]).toEqual([false, true]);
});

test('an engine that begins with the memory of another goes on as that one', () => {
  const whole = blankSpreadMemory();
  let cut = blankSpreadMemory();
  const params = paramsOf();
  const steps = (memory: SpreadMemory, from: number, to: number): void => {
    const engine = new SpreadEngine(params, BTC, memory);
    for (let step = from; step < to; step += 1) {
      const atMs = T0 + step * 700;
      engine.observeTouch(3 + (step % 7) * 0.7, atMs);
      if (engine.isDue(atMs)) engine.calculate({ ...INPUT, touchBps: 3 + (step % 7) * 0.7, atMs });
    }
  };
  steps(whole, 0, 200);
  for (let step = 0; step < 200; step += 20) {
    steps(cut, step, step + 20);
    cut = JSON.parse(JSON.stringify(cut)) as SpreadMemory;
  }
  expect(JSON.stringify(cut)).toBe(JSON.stringify(whole));
  expect(whole.state).not.toBe('unknown');
});
