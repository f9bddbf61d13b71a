import { expect, test } from '@jest/globals';
import { createClock } from '../../bots/clock.ts';

test('a wall clock that was 8 s ahead and is set right is followed again, without running back', () => {
  let wallMs = 1_000_008_000;
  let monotonicMs = 0;
  const now = createClock(
    () => wallMs,
    () => monotonicMs,
  );
  let lastMs = now();
  wallMs -= 8_000;
  for (let second = 0; second < 900; second += 1) {
    wallMs += 1_000;
    monotonicMs += 1_000;
    const atMs = now();
    expect(atMs).toBeGreaterThanOrEqual(lastMs);
    lastMs = atMs;
  }
  // Beyond 5 s the machine risks nothing new: it would never quote again before a restart.
  expect(lastMs - wallMs).toBeLessThan(1_000);
});
