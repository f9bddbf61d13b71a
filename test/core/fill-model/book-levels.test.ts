/** One side of a book at the edges of its window: near levels lie in it, far ones behind it, and nobody may see a seam. */
import { describe, expect, test } from '@jest/globals';
import { BookLevels, RecordedBook } from '../../../core/fill-model/book-levels.ts';
import type { PriceTicks } from '../../../core/money/money.ts';

const TOUCH = 600_000;

/** Levels `[ticks behind the touch, lots]` of a side, set in that order; negative ones are before it. */
class Side {
  readonly levels: BookLevels;
  private readonly sign: 1 | -1;

  constructor(side: 'buy' | 'sell') {
    this.levels = new BookLevels(side);
    this.sign = side === 'buy' ? -1 : 1;
  }

  set(...changes: readonly (readonly [behind: number, lots: number])[]): this {
    for (const [behind, lots] of changes) this.levels.set(this.at(behind), lots);
    return this;
  }

  at(behind: number): PriceTicks {
    return (TOUCH + this.sign * behind) as PriceTicks;
  }

  sizeOf(behind: number): number {
    return this.levels.sizeOf(this.at(behind));
  }

  /** As a walk from the best shows it; each size must agree with what is asked for by its price. */
  shown(): number[][] {
    const { levels } = this;
    const rows = Array.from({ length: levels.count }, (_, depth) => [this.behind(depth), levels.sizeAt(depth)]);
    expect(rows.map(([behind]) => this.sizeOf(behind!))).toEqual(rows.map(([, lots]) => lots));
    if (rows.length > 0) expect(levels.best()).toBe(levels.priceAt(0));
    return rows;
  }

  behind(depth: number): number {
    return (this.levels.priceAt(depth) - TOUCH) * this.sign + 0;
  }
}

describe.each(['buy', 'sell'] as const)('%s', (of) => {
  const side = (...changes: readonly (readonly [number, number])[]): Side => new Side(of).set(...changes);

  test('an empty side has no best price and no sizes', () => {
    const empty = side([0, 5], [0, 0]);
    expect([empty.levels.count, empty.levels.best(), empty.sizeOf(0)]).toEqual([0, 0, 0]);
    empty.set([7, 1]).levels.clear();
    expect([empty.levels.count, empty.levels.best(), empty.sizeOf(7)]).toEqual([0, 0, 0]);
  });

  test.each([
    ['near the touch', [[0, 5], [1, 6], [40, 7]]],
    ['at the end of the window', [[0, 5], [768, 6], [767, 7], [769, 8]]],
    ['at its front', [[0, 5], [-255, 6]]],
    ['just before it', [[0, 5], [-256, 6]]],
    ['far before it', [[0, 5], [-100_000, 6]]],
    ['far behind', [[0, 5], [24_575, 6], [24_576, 7], [200_000, 8]]],
    ['far behind first', [[200_000, 8], [0, 5]]],
    ['everywhere', [[30_000, 1], [0, 2], [-30_000, 3], [5, 4], [60_000, 5]]],
  ] as const)('levels %s are all there, best first', (_name, changes) => {
    expect(side(...changes).shown()).toEqual([...changes].sort(([a], [b]) => a - b));
  }); // prettier-ignore

  test('between levels, before and behind them there is nothing', () => {
    const levels = side([0, 5], [10, 6], [30_000, 7]);
    expect([-100_000, -256, -1, 1, 11, 29_999, 30_001].map((behind) => levels.sizeOf(behind))).toEqual([0, 0, 0, 0, 0, 0, 0]); // prettier-ignore
  });

  test('a level answers the size that it had, near and far', () => {
    const known = side([0, 5], [30_000, 7]);
    const before = (behind: number, lots: number): number => known.levels.set(known.at(behind), lots);
    expect([before(0, 6), before(30_000, 8), before(30_000, 0), before(-256, 9)]).toEqual([5, 7, 8, 0]);
    expect([before(50_000, 0), before(3, 0), known.levels.count]).toEqual([0, 0, 2]);
  });

  test('when the near levels are gone the far ones are the best, with all that is behind them', () => {
    const levels = side([0, 5], [760, 6], [30_000, 7], [30_001, 8], [90_000, 9]);
    expect(levels.set([0, 0]).shown()).toEqual([[760, 6], [30_000, 7], [30_001, 8], [90_000, 9]]);
    expect(levels.set([760, 0]).shown()).toEqual([[30_000, 7], [30_001, 8], [90_000, 9]]);
    expect(levels.set([30_000, 0], [30_001, 0]).shown()).toEqual([[90_000, 9]]);
  }); // prettier-ignore

  test('a touch that goes on and on and comes back finds what it left', () => {
    const levels = side([0, 1]);
    for (let step = 1; step <= 60; step += 1) levels.set([-1_000 * step, step + 1]);
    expect(levels.shown()).toEqual(Array.from({ length: 61 }, (_, index) => [1_000 * (index - 60), 61 - index]));
    for (let step = 60; step > 20; step -= 1) levels.set([-1_000 * step, 0]);
    expect(levels.shown()).toEqual(Array.from({ length: 21 }, (_, index) => [1_000 * (index - 20), 21 - index]));
  });

  test('a wide window takes a new best level before it, and new ones behind it', () => {
    const wide = side([0, 1], [24_000, 2]).set([-9_000, 3], [26_000, 4], [40_000, 5]);
    expect(wide.shown()).toEqual([[-9_000, 3], [0, 1], [24_000, 2], [26_000, 4], [40_000, 5]]);
    const back = side([0, 1], [24_000, 2], [20_000, 3]).set([0, 0], [30_000, 4], [20_500, 5]);
    expect(back.shown()).toEqual([[20_000, 3], [20_500, 5], [24_000, 2], [30_000, 4]]);
  }); // prettier-ignore

  test('a level at the last place of a window that moved is in it still', () => {
    const levels = side([0, 1], [512, 2]).set([-256, 3]);
    expect(levels.shown()).toEqual([[-256, 3], [0, 1], [512, 2]]);
    expect(levels.set([512, 4], [513, 5]).shown()).toEqual([[-256, 3], [0, 1], [512, 4], [513, 5]]);
  }); // prettier-ignore

  describe('a walk goes on where it was', () => {
    const four = (): Side => side([0, 1], [10, 2], [20, 3], [30, 4]);

    test.each([
      ['one behind it leaves', 1, [30, 0]],
      ['one before it leaves', 2, [10, 0]],
      ['the best leaves', 2, [0, 0]],
      ['the best leaves, where it was', 0, [0, 0]],
      ['the one where it was leaves', 2, [20, 0]],
      ['the last leaves, where it was', 3, [30, 0]],
      ['one comes behind it', 1, [25, 9]],
      ['one comes before it', 2, [5, 9]],
      ['a better one comes', 1, [-5, 9]],
      ['one comes at the end of the window', 3, [768, 9]],
    ] as const)('when %s', (_name, walkedTo, change) => {
      const levels = four();
      levels.behind(walkedTo);
      levels.set(change);
      const all = new Map<number, number>([[0, 1], [10, 2], [20, 3], [30, 4], change]); // prettier-ignore
      const sorted = [...all].filter(([, lots]) => lots > 0).sort(([a], [b]) => a - b);
      // From the far end and from the near one.
      const backwards = sorted.map((_row, index) => levels.behind(sorted.length - 1 - index));
      expect(backwards).toEqual(sorted.map(([behind]) => behind).reverse());
      expect(levels.shown()).toEqual(sorted);
    });

    test('from the worst place of the window, too', () => {
      const levels = side([0, 1], [768, 2]);
      expect(levels.behind(1)).toBe(768);
      expect(levels.set([760, 3]).behind(1)).toBe(760);
    });

    test('when the first level ever set is gone', () => {
      expect(side([0, 1], [5, 2], [0, 0], [9, 3]).shown()).toEqual([[5, 2], [9, 3]]);
    }); // prettier-ignore
  });

  test('beyond what the feed shows a queue is endless, until it shows every level', () => {
    const shown = side([0, 5], [10, 6]);
    const queues = (...behind: number[]): number[] => behind.map((ticks) => shown.levels.queueAt(shown.at(ticks)));
    shown.levels.showTo(shown.at(10));
    expect(queues(0, 5, 10, 11)).toEqual([5, 0, 6, Infinity]);
    shown.levels.showTo(null);
    expect(queues(11, 90_000)).toEqual([0, 0]);
  });
});

test('a book has a middle when it has both sides, and none when it was cleared', () => {
  const book = new RecordedBook();
  book.bids.set(100, 1);
  expect(book.midDoubled()).toBe(0);
  book.asks.set(103, 1);
  expect(book.midDoubled()).toBe(203);
  book.bids.set(100, 0);
  expect(book.midDoubled()).toBe(0);
  book.bids.set(101, 1);
  book.clear();
  expect([book.midDoubled(), book.bids.count, book.asks.count]).toEqual([0, 0, 0]);
  expect([book.levels('buy'), book.levels('sell')]).toEqual([book.bids, book.asks]);
});
