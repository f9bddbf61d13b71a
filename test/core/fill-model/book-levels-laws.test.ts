import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BookLevels } from '../../../core/fill-model/book-levels.ts';
import type { PriceTicks } from '../../../core/money/money.ts';
import type { Side } from '../../../core/orders/order-intent.ts';

/** The touch wanders and jumps, levels come and go near it and far away: what a day of a volatile market does. */
const change = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant('set' as const), off: fc.integer({ min: -30, max: 600 }), lots: fc.nat(3) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('set' as const),
      off: fc.integer({ min: -40_000, max: 60_000 }),
      lots: fc.nat(2),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('move' as const), by: fc.integer({ min: -9_000, max: 9_000 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('take' as const), levels: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'clear' as const }) },
);

test.each(['buy', 'sell'] as const)('%s: the levels are what was set last, best first', (side: Side) => {
  const sign = side === 'buy' ? -1 : 1;
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 400 }), (changes) => {
      const levels = new BookLevels(side);
      const known = new Map<number, number>();
      let touch = 600_000;
      const set = (price: number, lots: number): void => {
        expect(levels.set(price, lots)).toBe(known.get(price) ?? 0);
        if (lots === 0) known.delete(price);
        else known.set(price, lots);
      };
      const sorted = () => [...known.keys()].sort((a, b) => (a - b) * sign);
      for (const next of changes) {
        if (next.do === 'set') set(touch + sign * next.off, next.lots);
        else if (next.do === 'move') touch += next.by;
        else if (next.do === 'take') for (const price of sorted().slice(0, next.levels)) set(price, 0);
        else {
          levels.clear();
          known.clear();
        }
        expect(levels.count).toBe(known.size);
        expect(levels.best()).toBe(sorted()[0] ?? 0);
      }
      const prices = sorted();
      expect(prices.map((_price, depth) => levels.priceAt(depth))).toEqual(prices);
      expect(prices.map((_price, depth) => levels.sizeAt(depth))).toEqual(prices.map((price) => known.get(price)));
      const back = prices.map((_price, depth) => prices.length - 1 - depth);
      expect(back.map((depth) => levels.priceAt(depth))).toEqual([...prices].reverse());
      const worst = prices.at(-1);
      if (worst === undefined) return;
      expect(levels.sizeOf(worst + sign)).toBe(0);
      levels.showTo(worst as PriceTicks);
      expect(levels.queueAt(worst)).toBe(known.get(worst));
      expect(levels.queueAt(worst + sign)).toBe(Infinity);
    }),
    { numRuns: 300 },
  );
});
