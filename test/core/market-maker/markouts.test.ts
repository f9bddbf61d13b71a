import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { SignalEvent } from '../../../core/bot/events.ts';
import {
  BEFORE_MS_MAX,
  blankMarkoutMemory,
  Markouts,
  MEASURED_MS_MAX,
  WHOLE_LENGTHS,
  MID_AGE_MS_MAX,
  PENDING_MAX,
  type MarkoutMemory,
} from '../../../core/market-maker/markouts.ts';
import { SpreadParams } from '../../../core/market-maker/params.ts';
import type { StrategyFill } from '../../../core/strategies/strategy.ts';
import { T0 } from '../../support/bots.ts';

type MarkoutEvent = Extract<SignalEvent, { type: 'markout' }>;

/** An average of 3 fills in which the newest weighs 1/3: 2 / (5 + 1). */
const paramsOf = (change: Partial<SpreadParams> = {}): SpreadParams =>
  SpreadParams.parse({
    minNetEdgeBps: 0.5,
    atrFactor: 0,
    adverseSelectionBps: 1.5,
    adverseSelectionFills: 5,
    adverseSelectionHorizonS: 30,
    ...change,
  });

const fillOf = (change: Partial<StrategyFill> = {}): StrategyFill => ({
  tradeId: 't1',
  clientOrderId: 'bot1_1-1',
  side: 'buy',
  priceTicks: 100_000,
  lots: 1,
  isMaker: true,
  feeBps: 2,
  atMs: T0,
  ...change,
});

/** The bot's side of it: what was told, and books by ms after `T0`. */
class World {
  readonly told: MarkoutEvent[] = [];
  memory: MarkoutMemory = blankMarkoutMemory();
  markouts: Markouts;
  private readonly params: SpreadParams;

  constructor(params: SpreadParams = paramsOf()) {
    this.params = params;
    this.markouts = new Markouts(params, this.memory);
  }

  book(midTicks: number, afterMs: number): this {
    this.markouts.onBook({ midTicks, atMs: T0 + afterMs }, (event) => {
      if (event.type !== 'markout') throw new Error(`told ${event.type}`);
      this.told.push(event);
    });
    return this;
  }

  fill(change: Partial<StrategyFill> = {}, regime = 'neutral', share = 1): this {
    this.markouts.onFill(fillOf(change), regime, share);
    return this;
  }

  /** A fill of `side` at 0 with the mid `movedBps` away for the minute that follows, in books a second apart. */
  minute(side: 'buy' | 'sell', movedBps: number, fromMs: number): this {
    this.book(100_000, fromMs - 1_000);
    this.fill({ side, atMs: T0 + fromMs });
    for (let second = 0; second <= 61; second += 1) this.book(100_000 * (1 + movedBps / 1e4), fromMs + second * 1_000);
    return this;
  }

  restart(): void {
    this.memory = JSON.parse(JSON.stringify(this.memory)) as MarkoutMemory;
    this.markouts = new Markouts(this.params, this.memory);
  }
}

/** Books at every 100 ms of a minute and a bit, at mids that `midAt` gives by ms after `T0`. */
function flow(world: World, midAt: (afterMs: number) => number): World {
  for (let afterMs = 0; afterMs <= 61_000; afterMs += 100) world.book(midAt(afterMs), afterMs);
  return world;
}

describe('the markouts of a fill', () => {
  test.each<['buy' | 'sell', MarkoutEvent['bps']]>([
    ['buy', { s1: 1, s5: 5, s30: 30, s60: 60 }],
    ['sell', { s1: -1, s5: -5, s30: -30, s60: -60 }],
  ])('of a %s are told a minute later, signed its way', (side, bps) => {
    const world = new World().book(100_000, 0).fill({ side, tradeId: 't7', clientOrderId: 'o7' }, 'up');
    // One bps a second: 10 ticks.
    flow(world, (afterMs) => 100_000 + afterMs / 100);
    expect(world.told).toHaveLength(1);
    const [event] = world.told;
    expect(event).toMatchObject({ type: 'markout', tradeId: 't7', clientOrderId: 'o7', side, regime: 'up' });
    for (const [key, value] of Object.entries(bps)) expect(event!.bps[key as 's1']).toBeCloseTo(value!, 9);
  });

  test('are bps of the price, not of the mid', () => {
    const world = new World().fill({ priceTicks: 50_000 });
    flow(world, () => 100_000);
    expect(world.told[0]!.bps.s60).toBe(10_000);
  });

  test.each<[string, [number, number][], number | null]>([
    ['the mid before the time counts, not the one after', [[100_010, 900], [200_000, 1_001]], 1],
    ['one at the time itself counts', [[200_000, 900], [100_020, 1_000], [300_000, 1_001]], 2],
    ['the last of several at that time', [[200_000, 1_000], [100_030, 1_000], [300_000, 1_200]], 3],
    ['a mid as old as may be', [[100_010, 1_000 - MID_AGE_MS_MAX], [200_000, 9_000]], 1],
    ['an older one does not count', [[100_010, 999 - MID_AGE_MS_MAX], [200_000, 9_000]], null],
    ['no mid, no markout', [[200_000, 9_000]], null],
    ['what is no mid is passed over', [[100_010, 900], [0, 950], [Number.NaN, 960], [Infinity, 970], [200_000, 2_000]], 1],
  ])('%s', (_name, books, expected) => {
    const world = new World().fill();
    for (const [midTicks, afterMs] of books) world.book(midTicks, afterMs);
    const waiting = world.memory.pending[0]!;
    expect(waiting.past).toBeGreaterThan(0);
    if (expected === null) expect(waiting.bps.s1).toBeNull();
    else expect(waiting.bps.s1).toBeCloseTo(expected, 9);
  }); // prettier-ignore

  test('wait for the book after their time, also when those of another fill are due', () => {
    const world = new World()
      .fill({ atMs: T0 - 1 })
      .fill()
      .book(100_010, 900)
      .book(100_020, 1_000);
    expect(world.memory.pending.map(({ past }) => past)).toEqual([1, 0]);
    world.book(100_030, 1_001);
    expect(world.memory.pending.map(({ bps }) => bps.s1)).toEqual([expect.closeTo(1, 9), expect.closeTo(2, 9)]);
  });

  test('need a mid, whatever the clock says', () => {
    const world = new World().fill({ atMs: 0 }).book(100_010, 9_000 - T0);
    expect(world.memory.pending[0]!.bps).toEqual({ s1: null, s5: null, s30: null, s60: null });
  });

  test('are not known of a fill that was told when the books of its times were gone', () => {
    const world = new World().book(100_000, 0).book(100_010, 8_000);
    world.fill({ atMs: T0 }).book(100_020, 8_100);
    for (let afterMs = 8_200; afterMs <= 61_000; afterMs += 100) world.book(100_020, afterMs);
    expect(world.told[0]!.bps).toEqual({ s1: null, s5: null, s30: expect.closeTo(2, 9), s60: expect.closeTo(2, 9) });
  });

  test('are null after a silent minute, and told with the first book', () => {
    const world = new World().book(100_000, 0).fill().book(100_000, 90_000);
    expect(world.told.map(({ bps }) => bps)).toEqual([{ s1: 0, s5: 0, s30: null, s60: null }]);
    expect(world.memory.pending).toEqual([]);
  });

  test('are not taken of a taker, nor of what has no price', () => {
    const world = new World().book(100_000, 0).fill({ isMaker: false }).fill({ priceTicks: 0 });
    world.fill({ priceTicks: Number.NaN }).fill({ priceTicks: Infinity }).fill({ atMs: Infinity });
    flow(world, () => 100_500);
    expect(world.told).toEqual([]);
    expect(world.markouts.measuredFills('buy')).toBe(0);
    expect(world.memory.pending).toEqual([]);
  });

  test('are given up for the oldest when too many wait: with the next book, by what they have', () => {
    const world = new World().book(100_000, 0);
    for (let fill = 0; fill < PENDING_MAX + 2; fill += 1) world.fill({ tradeId: `t${fill}` });
    world.book(100_010, 500);
    expect(world.told.map(({ tradeId }) => tradeId)).toEqual(['t0', 't1']);
    expect(world.memory.pending).toHaveLength(PENDING_MAX);
    for (let fill = 0; fill < 3 * PENDING_MAX; fill += 1) world.fill();
    expect(world.memory.pending).toHaveLength(2 * PENDING_MAX);
  });
});

describe('the law of markouts', () => {
  /** Straight from the definition, with the whole history at hand. */
  function expectedOf(fill: StrategyFill, books: readonly { atMs: number; midTicks: number }[]): MarkoutEvent['bps'] {
    const at = (seconds: number): number | null => {
      const dueAtMs = fill.atMs + seconds * 1_000;
      const last = books.filter(({ atMs }) => atMs <= dueAtMs).at(-1);
      if (last === undefined || dueAtMs - last.atMs > MID_AGE_MS_MAX) return null;
      return ((fill.side === 'buy' ? 1 : -1) * (last.midTicks - fill.priceTicks) * 1e4) / fill.priceTicks;
    };
    return { s1: at(1), s5: at(5), s30: at(30), s60: at(60) };
  }

  test('holds for any books and fills, in any number of restarts', () => {
    const books = fc.array(
      fc.record({ gapMs: fc.oneof(fc.nat(700), fc.nat(9_000)), midTicks: fc.integer({ min: 99_000, max: 101_000 }) }),
      { minLength: 1, maxLength: 80 },
    );
    const fills = fc.array(
      fc.record({ book: fc.nat(79), side: fc.constantFrom('buy' as const, 'sell' as const), priceTicks: fc.integer({ min: 99_000, max: 101_000 }) }),
      { maxLength: 12 },
    ); // prettier-ignore
    fc.assert(
      fc.property(books, fills, fc.array(fc.nat(79), { maxLength: 5 }), (gaps, wishes, restarts) => {
        let atMs = T0;
        const history = gaps.map(({ gapMs, midTicks }) => ({ atMs: (atMs += gapMs), midTicks }));
        const all = wishes.map(({ book, side, priceTicks }, index) => ({
          book: book % history.length,
          fill: fillOf({ tradeId: `t${index}`, side, priceTicks, atMs: history[book % history.length]!.atMs }),
        }));
        const world = new World();
        for (const [index, { atMs: bookAtMs, midTicks }] of history.entries()) {
          world.book(midTicks, bookAtMs - T0);
          for (const { book, fill } of all) if (book === index) world.fill(fill);
          if (restarts.includes(index)) world.restart();
        }
        world.book(100_000, atMs - T0 + 100_000);
        expect(world.told).toHaveLength(all.length);
        for (const { tradeId, bps } of world.told) {
          const { fill } = all.find((one) => one.fill.tradeId === tradeId)!;
          const expected = expectedOf(fill, history);
          for (const key of ['s1', 's5', 's30', 's60'] as const) {
            if (expected[key] === null) expect(bps[key]).toBeNull();
            else expect(bps[key]).toBeCloseTo(expected[key], 8);
          }
        }
        expect(JSON.parse(JSON.stringify(world.memory))).toEqual(world.memory);
      }),
    );
  });
});

describe('adverse selection', () => {
  test('is the prior before it was measured', () => {
    const { markouts } = new World();
    expect([markouts.adverseBps('buy'), markouts.adverseBps('sell')]).toEqual([1.5, 1.5]);
  });

  test('is learned from the markout at its horizon, on its own side', () => {
    const world = new World().minute('buy', -7.5, 0);
    // 1.5 + 1/3 x (7.5 - 1.5), which has aged by the 31 s since.
    expect(world.markouts.adverseBps('buy')).toBeCloseTo(3.5, 2);
    expect(world.markouts.adverseBps('sell')).toBe(1.5);
    expect([world.markouts.measuredFills('buy'), world.markouts.measuredFills('sell')]).toEqual([1, 0]);
    world.minute('sell', 7.5, 62_000);
    expect(world.markouts.adverseBps('sell')).toBeCloseTo(3.5, 2);
    world.minute('buy', -7.5, 124_000);
    // 3.5 + 1/3 x (7.5 - 3.5)
    expect(world.markouts.adverseBps('buy')).toBeCloseTo(4.8333, 1);
  });

  test.each([1, 5, 30, 60] as const)('reads the markout after %d s where it is told to', (adverseSelectionHorizonS) => {
    const world = new World(paramsOf({ adverseSelectionHorizonS, adverseSelectionBps: 0 }));
    world.book(100_000, -1_000).fill();
    flow(world, (afterMs) => 100_000 - afterMs / 100);
    const agedBy = 1 - (61 - adverseSelectionHorizonS) / (MEASURED_MS_MAX / 1_000);
    expect(world.markouts.adverseBps('buy')).toBeCloseTo((adverseSelectionHorizonS / 6) * (1 + agedBy), 9);
  });

  test.each([
    ['a mid that came to the quote and went on by as much', 'buy', 100_030, 99_970, 6],
    ['... of an ask', 'sell', 99_970, 100_030, 6],
    ['a mid that came to the quote and stayed', 'buy', 100_030, 100_000, 3],
    ['a mid that only touched it: the capture is earned whole', 'buy', 100_030, 100_030, 0],
  ] as const)('is the way of the mid from before the fill, %s', (_name, side, before, after, adverseBps) => {
    const params = paramsOf({ adverseSelectionBps: 0, adverseSelectionFills: 5, adverseSelectionHorizonS: 1 });
    const world = new World(params).book(before, -1_200).book(before, -200).fill({ side });
    // What the mid did between the two books before the fill belongs to the fill.
    world.book(after, 100).book(after, 1_001);
    expect(world.markouts.measuredFills(side)).toBe(1);
    expect(world.markouts.adverseBps(side)).toBeCloseTo(adverseBps / 3, 3);
  });

  test('is not learned from a fill before which no mid was known', () => {
    for (const book of [
      (world: World) => world,
      (world: World) => world.book(100_000, -500),
      (world: World) => world.book(100_000, -BEFORE_MS_MAX - 1),
    ]) {
      // prettier-ignore
      const world = book(new World()).fill();
      flow(world, () => 99_000);
      expect(world.markouts.measuredFills('buy')).toBe(0);
      expect(world.told).toHaveLength(1);
    }
  });

  test('is never below 0, and remembers by how much', () => {
    const world = new World().minute('buy', 30, 0);
    expect(world.markouts.adverseBps('buy')).toBe(0);
    // 1.5 - 1/3 x 31.5 = -9, and one bad fill does not make up for it: -9 + 1/3 x 19.5 = -2.5.
    world.minute('buy', -10.5, 62_000);
    expect(world.markouts.adverseBps('buy')).toBe(0);
    world.minute('buy', -10.5, 124_000);
    expect(world.markouts.adverseBps('buy')).toBeGreaterThan(1);
  });

  test('learns nothing where there was no mid', () => {
    const world = new World().book(100_000, 0).fill().book(90_000, 200_000);
    expect(world.markouts.measuredFills('buy')).toBe(0);
    expect(world.markouts.adverseBps('buy')).toBe(1.5);
  });

  test('goes back to what fills have cost on the whole while nothing is measured', () => {
    const world = new World().minute('buy', -31.5, 0).minute('sell', -31.5, 62_000);
    // The buy: lately 1.5 + 30 / 3, on the whole, with the prior as five fills, 1.5 + 30 / 6. The sell gained.
    const half = MEASURED_MS_MAX / 2;
    world.book(100_000, 30_000 + half);
    expect(world.markouts.adverseBps('buy')).toBeCloseTo((11.5 + 6.5) / 2, 9);
    expect(world.markouts.adverseBps('sell')).toBe(0);
    world.book(100_000, 30_000 + MEASURED_MS_MAX);
    expect(world.markouts.adverseBps('buy')).toBe(6.5);
    world.book(100_000, 92_000 + MEASURED_MS_MAX);
    expect(world.markouts.adverseBps('sell')).toBe(0);
  });

  test('a part of an order teaches a part', () => {
    const learned = (share: number): number => {
      const world = new World().book(100_000, -1_000);
      world.fill({}, 'neutral', share);
      flow(world, () => 100_000 - 31.5);
      return world.markouts.adverseBps('buy') - 1.5;
    };
    expect(learned(0.25) / learned(1)).toBeCloseTo(0.25, 6);
  });

  test('is not made more of by a clock that was set back', () => {
    const world = new World().minute('buy', -31.5, 0).book(100_000, -3_600_000);
    expect(world.markouts.adverseBps('buy')).toBeCloseTo(11.5, 9);
  });

  test('goes on from the whole after a long time without fills', () => {
    const world = new World().minute('buy', -31.5, 0).minute('buy', -7.5, MEASURED_MS_MAX + 100_000);
    // 6.5 + 1/3 x (7.5 - 6.5)
    expect(world.markouts.adverseBps('buy')).toBeCloseTo(6.8333, 2);
  });

  test('a market that costs the same for a day is not forgotten in a night', () => {
    const world = new World();
    for (let fill = 0; fill < 60; fill += 1) world.minute('buy', -9, fill * 62_000);
    world.book(100_000, 60 * 62_000 + 2 * MEASURED_MS_MAX);
    expect(world.markouts.adverseBps('buy')).toBeGreaterThan(8.2);
  });

  test('one bad hour weighs little on the whole, and a market that becomes another one is learned anew', () => {
    const world = new World();
    let atMs = 0;
    const fills = (count: number, markoutBps: number): void => {
      for (let fill = 0; fill < count; fill += 1, atMs += 62_000) world.minute('buy', markoutBps, atMs);
    };
    const onTheWhole = (): number => {
      atMs += MEASURED_MS_MAX + 62_000;
      world.book(100_000, atMs);
      return world.markouts.adverseBps('buy');
    };
    fills(100, -2);
    fills(3, -40);
    expect(world.markouts.adverseBps('buy')).toBeGreaterThan(20);
    expect(onTheWhole()).toBeLessThan(5);
    fills(5 * WHOLE_LENGTHS * 3, -12);
    expect(onTheWhole()).toBeGreaterThan(11);
  });

  test('survives a restart to the bit', () => {
    const whole = new World();
    const cut = new World();
    for (const world of [whole, cut]) world.minute('buy', -7.3, 0).minute('sell', 3.1, 62_000);
    cut.restart();
    for (const world of [whole, cut]) world.minute('buy', -1.7, 124_000);
    expect(JSON.stringify(cut.memory)).toBe(JSON.stringify(whole.memory));
    expect(cut.markouts.adverseBps('buy')).toBe(whole.markouts.adverseBps('buy'));
  });
});
