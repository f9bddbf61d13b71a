import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { InvariantError } from '../../../core/invariant.ts';
import { createTokenBucket, drain, take, waitMs } from '../../../core/rates/token-bucket.ts';

describe('token bucket', () => {
  test('is full at first, then pays by time', () => {
    const bucket = createTokenBucket(10, 2, 0);
    expect(waitMs(bucket, 0)).toBe(0);
    take(bucket);
    take(bucket);
    expect(waitMs(bucket, 0)).toBe(100);
    expect(waitMs(bucket, 50)).toBe(50);
    expect(waitMs(bucket, 100)).toBe(0);
  });

  test('a clock that went back gives nothing', () => {
    const bucket = createTokenBucket(10, 1, 10_000);
    drain(bucket);
    expect(waitMs(bucket, 0)).toBe(100);
    expect(waitMs(bucket, 100)).toBe(0);
  });

  test('saves up no more than it holds, however long nobody takes', () => {
    const bucket = createTokenBucket(10, 2, 0);
    expect(waitMs(bucket, 3_600_000)).toBe(0);
    expect(bucket.tokens).toBe(2);
  });

  test('asks for a whole millisecond where a part of one would do', () => {
    const bucket = createTokenBucket(3, 1, 0);
    take(bucket);
    expect(waitMs(bucket, 0)).toBe(334);
    expect([waitMs(bucket, 333), waitMs(bucket, 334)]).toEqual([1, 0]);
  });

  test('a token that is missing a rounding is there, and never leaves less than none', () => {
    const bucket = createTokenBucket(10, 1, 0);
    bucket.tokens = 1 - 1e-7;
    expect(waitMs(bucket, 0)).toBe(0);
    take(bucket);
    expect(bucket.tokens).toBe(0);
    bucket.tokens = 1 - 1e-5;
    expect(waitMs(bucket, 0)).toBe(1);
  });

  test('that refills nothing, holds nothing, or is taken from when it is empty, is our own fault', () => {
    expect(() => createTokenBucket(0, 1, 0)).toThrow(InvariantError);
    expect(() => createTokenBucket(1, 0.5, 0)).toThrow(InvariantError);
    const bucket = createTokenBucket(10, 1, 0);
    take(bucket);
    expect(() => take(bucket)).toThrow(InvariantError);
  });

  test('never lets more through than capacity plus rate x time, and asks for no more than it needs', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 }),
        (perSecond, capacity, pauses) => {
          const bucket = createTokenBucket(perSecond, capacity, 0);
          let nowMs = 0;
          let taken = 0;
          for (const pauseMs of pauses) {
            nowMs += pauseMs;
            const delayMs = waitMs(bucket, nowMs);
            if (delayMs === 0) {
              take(bucket);
              taken += 1;
            } else {
              expect(waitMs({ ...bucket }, nowMs + delayMs)).toBe(0);
            }
            expect(taken).toBeLessThanOrEqual(capacity + (nowMs * perSecond) / 1_000 + 1e-3);
          }
        },
      ),
    );
  });
});
