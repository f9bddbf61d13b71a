import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { InvariantError } from '../../../core/invariant.ts';
import { CallWindow } from '../../../core/rates/call-window.ts';

const windowOf = (limit: number, ...arrivals: readonly number[]): CallWindow => {
  const window = new CallWindow(limit, 1_000);
  for (const arrivesByMs of arrivals) window.add({ arrivesByMs });
  return window;
};

describe('a window of three calls a second', () => {
  test.each([
    ['with room', [0, 100], 100, undefined, undefined, 0],
    ['that is full until its oldest is a window old', [0, 100, 200], 300, undefined, undefined, 700],
    ['that is full for a part of a millisecond still', [0.5, 100, 200], 1_000, undefined, undefined, 1],
    ['at that very moment', [0, 100, 200], 1_000, undefined, undefined, 0],
    ['of which a call has room for one', [0, 100], 300, 1, undefined, 800],
    ['of which a call has room for two', [0, 100], 300, 2, undefined, 700],
    ['at two thirds of its pace', [0, 100], 300, 3, 2 / 3, 700],
    ['at a pace of half a call a window: it gets longer', [100], 300, 1, 1 / 2, 1_800],
    ['at a pace of one call and a half', [0, 100], 300, 3, 1 / 2, 800],
  ] as const)('%s', (_name, arrivals, nowMs, room, pace, waitMs) => {
    expect(windowOf(3, ...arrivals).waitMs(nowMs, room, pace)).toBe(waitMs);
  });

  test('counts a call by when it arrives, in whatever order it was told of', () => {
    expect(windowOf(3, 500, 0, 250).waitMs(600)).toBe(400);
  });

  test('gives the place of a call that is not made to another, and no place of a stranger', () => {
    const window = windowOf(2, 0);
    const lent = { arrivesByMs: 5_000 };
    window.add(lent);
    expect(window.waitMs(100)).toBe(900);
    window.remove({ arrivesByMs: 5_000 });
    expect(window.waitMs(100)).toBe(900);
    window.remove(lent);
    expect(window.waitMs(100)).toBe(0);
  });

  test('is filled as though all that it allows were out until then', () => {
    const window = windowOf(3, 0);
    window.fill(2_000);
    expect(window.waitMs(2_000)).toBe(1_000);
    expect([1, 2, 3].map((room) => window.waitMs(2_000, room))).toEqual([1_000, 1_000, 1_000]);
  });
});

test('a window without a call, without room, or beyond its pace, is our own fault', () => {
  for (const limit of [0, 1.5, NaN]) expect(() => new CallWindow(limit, 1_000)).toThrow(InvariantError);
  for (const [room, pace] of [[0, 1], [1, 0], [1, 1.01]] as const) expect(() => windowOf(1).waitMs(0, room, pace)).toThrow(InvariantError); // prettier-ignore
});

test('who waits as long as he is told never puts more into a window than it allows', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 400 })), { maxLength: 200 }); // prettier-ignore
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), steps, (limit, all) => {
      const window = new CallWindow(limit, 1_000);
      const arrivals: number[] = [];
      let nowMs = 0;
      for (const [pauseMs, onItsWayMs] of all) {
        nowMs += pauseMs;
        if (window.waitMs(nowMs) > 0) continue;
        window.add({ arrivesByMs: nowMs + onItsWayMs });
        arrivals.push(nowMs + onItsWayMs);
      }
      for (const fromMs of arrivals) {
        expect(arrivals.filter((atMs) => atMs >= fromMs && atMs < fromMs + 1_000).length).toBeLessThanOrEqual(limit);
      }
    }),
  );
});
