import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SpreadParams } from '../../../core/market-maker/params.ts';
import { blankSpreadMemory, SpreadEngine, type SpreadInput } from '../../../core/market-maker/spread.ts';
import { BTC, T0 } from '../../support/bots.ts';

const between = (min: number, max: number): fc.Arbitrary<number> => fc.double({ min, max, noNaN: true });

const Params: fc.Arbitrary<SpreadParams> = fc
  .record({
    minNetEdgeBps: between(0, 100),
    atrFactor: between(0, 10),
    adverseSelectionBps: fc.constant(1),
    holdMinutes: between(0, 1_440),
    fillFactor: between(0, 1),
    slippageBps: between(0, 100),
    market: fc.constantFrom('touch' as const, 'range' as const),
    standAsideBps: between(0, 100),
  })
  .map((params) => SpreadParams.parse(params));

const Input: fc.Arbitrary<SpreadInput> = fc.record({
  midTicks: between(1, 1e9),
  touchBps: between(0, 500),
  atrBps: between(0, 500),
  makerBps: between(-5, 20),
  takerBps: between(-5, 20),
  adverseBidBps: between(-50, 50),
  adverseAskBps: between(-50, 50),
  fundingRate: between(-0.1, 0.1),
  fundingIntervalMs: between(3_600_000, 28_800_000),
  atMs: fc.constant(T0),
});

const INPUTS = Object.keys(fc.sample(Input, 1)[0]!) as (keyof SpreadInput)[];

function calculated(params: SpreadParams, input: SpreadInput): SpreadEngine {
  const engine = new SpreadEngine(params, BTC, blankSpreadMemory());
  engine.calculate(input);
  return engine;
}
/** Rounding of sums. */
const HAIR = 1e-9;

test('the floor is never below the tick, the range, or all costs with the least edge', () => {
  fc.assert(
    fc.property(Params, Input, (params, input) => {
      const { floorBps, components } = calculated(params, input);
      const { feesBps, adverseBps, fundingBps, flattenBps, minNetEdgeBps, atrBps } = components;
      const costsBps = feesBps + adverseBps + fundingBps + flattenBps + minNetEdgeBps;
      expect(floorBps).toBeGreaterThanOrEqual(costsBps - HAIR);
      expect(floorBps).toBeGreaterThanOrEqual(atrBps);
      expect(floorBps * input.midTicks).toBeGreaterThanOrEqual(1e4 - HAIR);
      // And nothing but them.
      expect(floorBps).toBeLessThanOrEqual(Math.max(costsBps, atrBps, 1e4 / input.midTicks) + HAIR);
      for (const cost of [adverseBps, fundingBps, flattenBps]) expect(cost).toBeGreaterThanOrEqual(0);
      expect(feesBps).toBeCloseTo(2 * input.makerBps, 9);
    }),
  );
});

test('it stands aside exactly when the floor exceeds the market by more than it may', () => {
  fc.assert(
    fc.property(Params, Input, (params, input) => {
      const engine = calculated(params, input);
      const market = params.market === 'touch' ? input.touchBps : input.atrBps;
      expect(engine.marketBps).toBeCloseTo(market, 9);
      expect(engine.isStandingAside).toBe(engine.floorBps > market + params.standAsideBps);
    }),
  );
});

test('no cost narrows it by growing', () => {
  const costs = ['makerBps', 'takerBps', 'adverseBidBps', 'adverseAskBps', 'atrBps'] as const;
  const settings = ['minNetEdgeBps', 'atrFactor', 'holdMinutes', 'slippageBps'] as const;
  fc.assert(
    fc.property(Params, Input, between(0, 1), (params, input, more) => {
      const floorBps = calculated(params, input).floorBps - HAIR;
      const floorOf = (changedParams: Partial<SpreadParams>, changedInput: Partial<SpreadInput>): number =>
        calculated({ ...params, ...changedParams }, { ...input, ...changedInput }).floorBps;
      for (const cost of costs) expect(floorOf({}, { [cost]: input[cost] + more })).toBeGreaterThanOrEqual(floorBps);
      for (const key of settings) expect(floorOf({ [key]: params[key] + more }, {})).toBeGreaterThanOrEqual(floorBps);
      expect(floorOf({ fillFactor: params.fillFactor * more }, {})).toBeGreaterThanOrEqual(floorBps);
      expect(floorOf({}, { fundingRate: input.fundingRate * (1 + more) })).toBeGreaterThanOrEqual(floorBps);
      expect(floorOf({}, { fundingIntervalMs: input.fundingIntervalMs / (1 + more) })).toBeGreaterThanOrEqual(floorBps);
    }),
  );
});

test('numbers of any size, at any time, leave a memory of finite numbers', () => {
  const any = fc.oneof(fc.double(), between(-10, 10), fc.constantFrom(0, 1e308, -1e308, 5e-324));
  const wild = fc.record(Object.fromEntries(INPUTS.map((key) => [key, any]))) as unknown as fc.Arbitrary<SpreadInput>;
  fc.assert(
    fc.property(Params, fc.array(fc.tuple(fc.oneof(wild, Input), any, any), { maxLength: 8 }), (params, steps) => {
      const memory = blankSpreadMemory();
      const engine = new SpreadEngine(params, BTC, memory);
      for (const [input, touchBps, atMs] of steps) {
        engine.observeTouch(touchBps, atMs);
        engine.calculate(input);
        expect(JSON.stringify(memory)).not.toContain('null');
        expect(Number.isFinite(engine.floorBps)).toBe(true);
        if (!engine.isStandingAside) expect(engine.floorBps).toBeGreaterThan(0);
      }
    }),
    { numRuns: 1_000 },
  );
});

test('a number that is none never lets it quote', () => {
  fc.assert(
    fc.property(Params, Input, (params, input) => {
      for (const key of INPUTS) {
        for (const none of [Number.NaN, Infinity, -Infinity]) {
          const engine = calculated({ ...params, standAsideBps: 1e6 }, input);
          expect(engine.isStandingAside).toBe(false);
          const { floorBps } = engine;
          engine.calculate({ ...input, [key]: none });
          expect([key, engine.isStandingAside, engine.floorBps]).toEqual([key, true, floorBps]);
        }
      }
    }),
  );
});
