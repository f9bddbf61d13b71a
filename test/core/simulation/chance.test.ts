import { expect, test } from '@jest/globals';
import { createChance } from '../../../core/simulation/chance.ts';

const draws = (seed: number, count: number): number[] => {
  const chance = createChance(seed);
  return Array.from({ length: count }, () => chance());
};

/** As github.com/bryc/code states mulberry32: what a seed drew when a run failed, it must draw again. */
function mulberry32(a: number): () => number {
  return () => {
    a |= 0;
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

test.each([0, 1, 7, 0xffff_ffff, -1])('seed %d draws what mulberry32 draws', (seed) => {
  const stated = mulberry32(seed);
  expect(draws(seed, 1_000)).toEqual(Array.from({ length: 1_000 }, () => stated()));
});

test('draws lie from 0 up to 1, and as many in each tenth', () => {
  const tenths = new Array<number>(10).fill(0);
  for (const draw of draws(1, 10_000)) tenths[Math.floor(draw * 10)]! += 1;
  expect(tenths.reduce((sum, count) => sum + count, 0)).toBe(10_000);
  for (const count of tenths) expect(Math.abs(count - 1_000)).toBeLessThan(120);
});
