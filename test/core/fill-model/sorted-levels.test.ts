import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SortedLevels } from '../../../core/fill-model/sorted-levels.ts';

const shown = (levels: SortedLevels): number[][] =>
  Array.from({ length: levels.count }, (_, depth) => [levels.keyAt(depth), levels.sizeAt(depth)]);

test('levels stand best first, wherever they were put in and whichever left', () => {
  const levels = new SortedLevels();
  expect([50, 10, 90, 30, 70].map((key) => levels.set(key, key / 10))).toEqual([0, 0, 0, 0, 0]);
  expect(shown(levels)).toEqual([[90, 9], [70, 7], [50, 5], [30, 3], [10, 1]]); // prettier-ignore
  expect([levels.set(50, 0), levels.set(90, 4), levels.set(60, 0)]).toEqual([5, 9, 0]);
  expect(shown(levels)).toEqual([[90, 4], [70, 7], [30, 3], [10, 1]]); // prettier-ignore
  expect([5, 30, 31, 95].map((key) => levels.sizeOf(key))).toEqual([0, 3, 0, 0]);
});

test('a level that left, or all of them, leave nothing behind', () => {
  const levels = new SortedLevels();
  levels.set(5, 1);
  levels.set(5, 0);
  expect([levels.count, levels.sizeOf(5)]).toEqual([0, 0]);
  levels.set(7, 1);
  levels.clear();
  expect([levels.count, levels.sizeOf(7), levels.set(7, 2), levels.count]).toEqual([0, 0, 0, 1]);
});

test('there is room for as many as come', () => {
  const levels = new SortedLevels();
  for (let key = 1; key <= 1_000; key += 1) levels.set(key % 2 === 0 ? key : -key, key);
  expect(levels.count).toBe(1_000);
  expect(shown(levels).map(([key]) => key)).toEqual([
    ...Array.from({ length: 500 }, (_, index) => 1_000 - 2 * index),
    ...Array.from({ length: 500 }, (_, index) => -1 - 2 * index),
  ]);
  expect(shown(levels).every(([key, lots]) => Math.abs(key!) === lots)).toBe(true);
});

test('they are what was set last, whatever is set', () => {
  const changes = fc.array(fc.tuple(fc.integer({ min: -60, max: 60 }), fc.nat(3)), { maxLength: 300 });
  fc.assert(
    fc.property(changes, (all) => {
      const levels = new SortedLevels();
      const known = new Map<number, number>();
      for (const [key, lots] of all) {
        expect(levels.set(key, lots)).toBe(known.get(key) ?? 0);
        if (lots === 0) known.delete(key);
        else known.set(key, lots);
        expect(levels.sizeOf(key)).toBe(lots);
      }
      expect(shown(levels)).toEqual([...known].sort(([a], [b]) => b - a));
    }),
  );
});
