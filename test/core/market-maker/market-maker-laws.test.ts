/** Laws of the market maker over random markets, fills and parameters. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { MarketMakerMemory } from '../../../core/market-maker/memory.ts';
import { MakerHarness, MID } from './maker-harness.ts';

type Step =
  | { does: 'book'; midMove: number; halfTouch: number; afterMs: number }
  | { does: 'timer'; afterMs: number }
  | { does: 'seconds'; count: number; drift: number }
  | { does: 'fill'; side: 'buy' | 'sell'; offset: number; feeBps: number; isMaker: boolean }
  | { does: 'bars'; rangeBps: number }
  | { does: 'start' }
  | { does: 'view'; positionLots: number; isReducing: boolean; fundingRate: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant('book' as const), midMove: fc.integer({ min: -4_000, max: 4_000 }), halfTouch: fc.integer({ min: 1, max: 300 }), afterMs: fc.integer({ min: 0, max: 3_000 }) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('timer' as const), afterMs: fc.integer({ min: 0, max: 2_000 }) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('seconds' as const), count: fc.integer({ min: 1, max: 70 }), drift: fc.integer({ min: -40, max: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('fill' as const), side: fc.constantFrom('buy' as const, 'sell' as const), offset: fc.integer({ min: -500, max: 500 }), feeBps: fc.double({ min: -1, max: 5, noNaN: true }), isMaker: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('bars' as const), rangeBps: fc.integer({ min: 0, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('start' as const) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('view' as const), positionLots: fc.integer({ min: -25, max: 25 }), isReducing: fc.boolean(), fundingRate: fc.double({ min: -0.003, max: 0.003, noNaN: true }) }) },
); // prettier-ignore

const params = fc.record({
  size: fc.record({
    levels: fc.integer({ min: 1, max: 5 }),
    levelSpacingBps: fc.double({ min: 0.1, max: 20, noNaN: true }),
    skewBps: fc.double({ min: 0, max: 30, noNaN: true }),
    targetBaseRatio: fc.double({ min: -1, max: 1, noNaN: true }),
  }),
  spread: fc.record({
    minNetEdgeBps: fc.double({ min: 0, max: 10, noNaN: true }),
    atrFactor: fc.double({ min: 0, max: 2, noNaN: true }),
    adverseSelectionBps: fc.double({ min: 0, max: 10, noNaN: true }),
    adverseSelectionHorizonS: fc.constantFrom(1, 5, 30, 60),
    fillFactor: fc.double({ min: 0, max: 1, noNaN: true }),
    standAsideBps: fc.double({ min: 0, max: 60, noNaN: true }),
    recalculateS: fc.integer({ min: 1, max: 60 }),
    market: fc.constantFrom('touch', 'range'),
  }),
});

function take(maker: MakerHarness, { ...step }: Step): void {
  const { view } = maker;
  switch (step.does) {
    case 'book':
      maker.book(Math.max(10_000, view.midTicks + step.midMove), step.halfTouch, step.afterMs);
      break;
    case 'timer':
      maker.timer(step.afterMs);
      break;
    case 'seconds':
      for (let second = 0; second < step.count; second += 1)
        maker.book(Math.max(10_000, view.midTicks + step.drift)).timer(900);
      break;
    case 'fill':
      maker.fill(step.side, view.midTicks + step.offset, step);
      break;
    case 'bars':
      maker.bars(step.rangeBps);
      break;
    case 'start':
      maker.strategy.onStart(view.atMs);
      break;
    case 'view':
      Object.assign(view, step);
  }
}

const story = fc.array(step, { minLength: 5, maxLength: 40 });

describe('laws of the market maker', () => {
  test('a snapshot at any point, read back from its text, goes on bit for bit', () => {
    fc.assert(
      fc.property(params, story, fc.nat(), (random, steps, cut) => {
        const straight = new MakerHarness(random).warm();
        const restored = new MakerHarness(random).warm();
        steps.forEach((each, index) => {
          if (index === cut % steps.length) restored.restore();
          for (const maker of [straight, restored]) {
            take(maker, each);
            if (index % 3 !== 0) maker.quote();
          }
          expect(restored.desired).toEqual(straight.desired);
          expect(restored.strategy.regimeName()).toBe(straight.strategy.regimeName());
          expect(restored.expectedEdgeBps('buy')).toBe(straight.expectedEdgeBps('buy'));
        });
        expect(restored.told).toEqual(straight.told);
        expect(restored.memoryText()).toBe(straight.memoryText());
      }),
      { numRuns: 120 },
    );
  });

  test('quotes are whole, apart by the floor at least, never take, and nothing is opened below its worth', () => {
    let quoted = 0;
    let opened = 0;
    fc.assert(
      fc.property(params, story, (random, steps) => {
        const maker = new MakerHarness(random).warm(30);
        for (const each of steps) {
          take(maker, each);
          const reason = maker.quote();
          const { view, desired } = maker;
          const { spread, terms } = maker.strategy.memory as MarketMakerMemory;
          const bids = [...desired.bidTicks].filter((_, level) => desired.bidLots[level] !== 0);
          const asks = [...desired.askTicks].filter((_, level) => desired.askLots[level] !== 0);
          for (const ticks of [...bids, ...asks]) expect(Number.isSafeInteger(ticks)).toBe(true);
          for (const bid of bids) expect(bid).toBeLessThan(view.book.askTicks[0] as number);
          for (const ask of asks) expect(ask).toBeGreaterThan(view.book.bidTicks[0] as number);
          expect(bids).toEqual([...new Set(bids)].sort((a, b) => b - a));
          expect(asks).toEqual([...new Set(asks)].sort((a, b) => a - b));
          const apart = Math.min(...asks) - Math.max(...bids);
          expect(apart).toBeGreaterThanOrEqual((spread.floorBps * view.midTicks) / 1e4 - 1e-6);
          const { fundingBps, flattenBps } = spread.components;
          const costs = terms.makerBps + (fundingBps + flattenBps) / 2;
          const worth = costs + terms.minNetEdgeBps / 2 - 1e-6;
          for (const isBid of [true, false]) {
            const [ticks, lots] = isBid ? [desired.bidTicks, desired.bidLots] : [desired.askTicks, desired.askLots];
            const adverseBps = isBid ? terms.adverseBidBps : terms.adverseAskBps;
            let closable = Math.max(0, isBid ? -view.positionLots : view.positionLots);
            lots.forEach((lot, level) => {
              closable -= lot;
              if (lot === 0 || closable >= 0) return;
              opened += 1;
              const distance = isBid ? view.midTicks - ticks[level]! : ticks[level]! - view.midTicks;
              expect((distance / view.midTicks) * 1e4 - adverseBps).toBeGreaterThanOrEqual(worth);
            });
          }
          if (spread.state !== 'quoting' || view.isReducing) {
            expect(maker.lots().bids).toBeLessThanOrEqual(Math.max(0, -view.positionLots));
            expect(maker.lots().asks).toBeLessThanOrEqual(Math.max(0, view.positionLots));
          }
          if (reason === 'quoted' || reason === 'reducing_only') {
            quoted += 1;
            expect(bids.length + asks.length).toBeGreaterThan(0);
          }
          if (/warming|nothing|edge/.test(reason)) expect(bids.length + asks.length).toBe(0);
        }
      }),
      { numRuns: 150 },
    );
    expect(quoted).toBeGreaterThan(200);
    expect(opened).toBeGreaterThan(500);
  });

  test('no number in its memory, its signals or its answers is NaN or infinite', () => {
    fc.assert(
      fc.property(params, story, (random, steps) => {
        const maker = new MakerHarness(random).warm();
        for (const each of steps) {
          take(maker, each);
          maker.quote();
        }
        // A market that makes no sense at all.
        for (const midTicks of [NaN, Infinity, 0, MID]) {
          Object.assign(maker.view, { midTicks, fundingRate: NaN, fundingIntervalMs: 0 });
          maker.strategy.onBook(maker.view, (event) => maker.told.push(event));
          maker.timer(31_000).quote();
        }
        const numbers: number[] = [];
        const collect = (value: unknown): void => {
          if (typeof value === 'number') numbers.push(value);
          else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect);
          else expect(typeof value).not.toBe('undefined');
        };
        collect([maker.strategy.memory, maker.told, [...maker.desired.bidLots], [...maker.desired.askLots]]);
        expect(numbers.filter((number) => !Number.isFinite(number))).toEqual([]);
        expect(JSON.stringify(JSON.parse(maker.memoryText()))).toBe(maker.memoryText());
      }),
      { numRuns: 120 },
    );
  });
});
