import { describe, expect, test } from '@jest/globals';
import type { RateLimits } from '../../core/rates/limits.ts';
import { createRateBudget } from '../../gateway/rates/rate-budget.ts';

describe('rate budget', () => {
  const LIMITS: RateLimits<'place' | 'cancel'> = {
    perSecond: { place: 5, cancel: 5 },
    ofAddress: [],
    overallPerSecond: 8,
    urgent: ['cancel'],
    reserved: 4,
  };

  test('a group that spent its own tokens waits, and gives up at its time', async () => {
    const budget = createRateBudget({ ...LIMITS, reserved: 0 }, Date.now);
    const untilMs = Date.now() + 20;
    const granted = Array.from({ length: 6 }, () => budget.acquire('place', untilMs));
    expect(granted.slice(0, 5)).toEqual([true, true, true, true, true]);
    expect(await granted[5]).toBe(false);
    budget.close();
  });

  test('waiting calls leave in the order they came', async () => {
    let nowMs = 0;
    const budget = createRateBudget({ ...LIMITS, reserved: 0 }, () => nowMs);
    for (let i = 0; i < 5; i += 1) void budget.acquire('place', 10_000);
    const order: number[] = [];
    const waiting = [1, 2, 3].map(async (n) => {
      await budget.acquire('place', 10_000);
      order.push(n);
    });
    nowMs = 1_250;
    await Promise.all(waiting);
    expect(order).toEqual([1, 2, 3]);
    budget.close();
  });

  test('places leave the reserve to cancels', () => {
    const budget = createRateBudget(LIMITS, () => 0);
    for (let i = 0; i < 4; i += 1) expect(budget.acquire('place', 10)).toBe(true);
    expect(budget.acquire('place', 10)).toBeInstanceOf(Promise);
    for (let i = 0; i < 4; i += 1) expect(budget.acquire('cancel', 10)).toBe(true);
    expect(budget.acquire('cancel', 10)).toBeInstanceOf(Promise);
    budget.close();
  });

  test('closing releases everyone with a no', async () => {
    const budget = createRateBudget(LIMITS, () => 0);
    for (let i = 0; i < 4; i += 1) void budget.acquire('place', 10);
    const waiting = budget.acquire('place', 10);
    budget.close();
    expect(await waiting).toBe(false);
    expect(budget.acquire('cancel', 10)).toBe(false);
  });

  test('after "too many" the group starts from a full window', () => {
    const budget = createRateBudget(LIMITS, () => 0);
    budget.tooMany('place');
    expect(budget.acquire('place', 10)).toBeInstanceOf(Promise);
    expect(budget.acquire('cancel', 10)).toBe(true);
    budget.close();
  });
});
