import { expect, test } from '@jest/globals';
import { createClock } from '../../bots/clock.ts';

test('follows the wall clock, also forward at once, and never runs back', () => {
  let wallMs = 1_000_000;
  let monotonicMs = 500;
  const now = createClock(
    () => wallMs,
    () => monotonicMs,
  );
  const pass = (ms: number, jumpMs = 0): number => {
    wallMs += ms + jumpMs;
    monotonicMs += ms;
    return now();
  };
  expect(now()).toBe(1_000_000);
  expect(pass(10)).toBe(1_000_010);
  // Set back by an hour: ages go on growing, a twentieth slower until both agree.
  expect(pass(10, -3_600_000)).toBe(1_000_019);
  expect(pass(30_000)).toBe(1_028_519);
  // Set right again, and an hour forward.
  expect(pass(10, 3_600_000)).toBe(1_030_030);
  expect(pass(10, 3_600_000)).toBe(4_630_040);
});
