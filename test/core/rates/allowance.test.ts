import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { InvariantError } from '../../../core/invariant.ts';
import { AddressAllowance, Allowance, type Taken } from '../../../core/rates/allowance.ts';
import { SPREAD_MS, type RateLimits } from '../../../core/rates/limits.ts';
import { PACE_FLOOR } from '../../../core/rates/pace.ts';
import { createTurnTrains, TURN_OPEN_MS } from '../../../core/rates/turns.ts';

type Group = 'place' | 'cancel' | 'cancel_all';
const LIMITS: RateLimits<Group> = {
  perSecond: { place: 10, cancel: 10, cancel_all: 1 },
  ofAddress: [],
  overallPerSecond: 16,
  urgent: ['cancel', 'cancel_all'],
  reserved: 4,
};
const GROUPS: readonly Group[] = ['place', 'cancel', 'cancel_all'];
const allowanceWith = (change: Partial<RateLimits<Group>> = {}, random = () => 0): Allowance<Group> =>
  new Allowance({ limits: { ...LIMITS, ...change }, random });

/** As many calls as may leave at `nowMs`. */
function takeAll(allowance: Allowance<Group>, group: Group, nowMs: number): number {
  let taken = 0;
  for (; allowance.waitMs(group, nowMs) === 0; taken += 1) allowance.take(group, nowMs);
  return taken;
}

/** Most of `arrivals` in any second. */
function busiest(arrivals: readonly number[]): number {
  return Math.max(
    0,
    ...arrivals.map((fromMs) => arrivals.filter((atMs) => atMs >= fromMs && atMs < fromMs + 1_000).length),
  );
}

describe('allowance', () => {
  test('a long idle time saves nothing up', () => {
    const allowance = allowanceWith();
    expect(takeAll(allowance, 'place', 0)).toBe(10);
    expect(takeAll(allowance, 'place', 3_600_000)).toBe(10);
    expect(takeAll(allowance, 'place', 3_600_000)).toBe(0);
    expect(allowance.waitMs('place', 3_600_000)).toBe(1_000 + SPREAD_MS);
  });

  test('places leave the reserve of the whole to cancels', () => {
    const allowance = allowanceWith({ overallPerSecond: 12 });
    expect(takeAll(allowance, 'place', 0)).toBe(8);
    expect(takeAll(allowance, 'cancel', 0)).toBe(4);
  });

  test('a clock that goes back lets nothing more through, and goes on from there', () => {
    const allowance = allowanceWith();
    expect(takeAll(allowance, 'place', 50_000)).toBe(10);
    expect(takeAll(allowance, 'place', 10_000)).toBe(0);
    expect(takeAll(allowance, 'place', 10_000 + SPREAD_MS + 999)).toBe(0);
    expect(takeAll(allowance, 'place', 10_000 + SPREAD_MS + 1_000)).toBe(10);
  });

  test('a lent call that comes back is free at once, one that left is counted from when it left', () => {
    const allowance = allowanceWith();
    const lent = Array.from({ length: 10 }, () => allowance.take('place', 0, 10_000));
    expect(allowance.waitMs('place', 100)).toBeGreaterThan(10_000);
    allowance.giveBack(lent[0] as Taken<Group>);
    expect(allowance.waitMs('place', 100)).toBe(0);
    allowance.take('place', 100);
    allowance.used(lent[1] as Taken<Group>, 100);
    expect(allowance.waitMs('place', 200)).toBe(1_000 + SPREAD_MS - 100);
  });

  test('a lent call is lent on only where that leaves every window whole, and stays as it was where not', () => {
    const allowance = allowanceWith();
    const lent = Array.from({ length: 10 }, () => allowance.take('place', 0, 500));
    const [first, second] = lent as [Taken<Group>, Taken<Group>];
    // Ten are out until 500 and a while: lent on by one of them, the last one begins to count later.
    expect(allowance.renew(first, 400, 500, 0)).toBe(true);
    expect(first.call.arrivesByMs).toBe(400 + 500 + SPREAD_MS);
    expect(allowance.renew(second, 400, 500, 1)).toBe(false);
    expect(second.call.arrivesByMs).toBe(500 + SPREAD_MS);
    for (const taken of lent.slice(1)) allowance.giveBack(taken);
    expect(allowance.waitMs('place', 900, 0, 9)).toBe(1_000 + SPREAD_MS);
    allowance.giveBack(first);
    expect(allowance.waitMs('place', 900, 0, 9)).toBe(0);
  });

  test('a lent call that left late is counted as it was lent: it reaches the venue by then or never', () => {
    const allowance = allowanceWith();
    const lent = Array.from({ length: 10 }, () => allowance.take('place', 0, 100));
    for (const taken of lent) allowance.used(taken, 150);
    expect(allowance.waitMs('place', 150)).toBe(100 + SPREAD_MS + 1_000 - 150);
    for (const taken of lent) allowance.used(taken, 20);
    expect(lent.map(({ call }) => call.arrivesByMs)).toEqual(lent.map(() => 100 + SPREAD_MS));
  });

  test('some of a limit may be left to others', () => {
    const allowance = allowanceWith();
    let taken = 0;
    for (; allowance.waitMs('place', 0, 0, 3) === 0; taken += 1) allowance.take('place', 0);
    expect(taken).toBe(7);
    expect(takeAll(allowance, 'place', 0)).toBe(3);
  });

  test('a reserve that is the whole is our own fault', () => {
    expect(() => allowanceWith({ reserved: 16 })).toThrow(InvariantError);
    expect(() => allowanceWith({ reserved: 15 })).not.toThrow();
  });

  test('whoever takes over begins as though all had just been lent', () => {
    const allowance = allowanceWith();
    allowance.startSpent(0, 600);
    const waits = (atMs: number) => GROUPS.map((group) => allowance.waitMs(group, atMs));
    expect(waits(600 + SPREAD_MS + 999)).toEqual([1, 1, 1]);
    expect(waits(600 + SPREAD_MS + 1_000)).toEqual([0, 0, 0]);
  });

  test('a 429 halves its group, a second one in the recovery halves again, a burst of them counts once', () => {
    const allowance = allowanceWith();
    allowance.tooMany('place', 0);
    allowance.tooMany('place', 10);
    expect(allowance.paceOf('place', 10)).toBe(1 / 2);
    expect(allowance.waitMs('place', 10)).toBe(990);
    expect(takeAll(allowance, 'place', 1_000)).toBe(5);
    allowance.tooMany('place', 1_500);
    expect(allowance.paceOf('place', 1_500)).toBe(1 / 4);
    expect(allowance.paceOf('cancel', 1_500)).toBe(1);
    for (let n = 2; n < 20; n += 1) allowance.tooMany('place', n * 1_500);
    expect(allowance.paceOf('place', 30_000)).toBeGreaterThanOrEqual(PACE_FLOOR);
    expect(allowance.paceOf('place', 30_000)).toBeLessThanOrEqual(PACE_FLOOR + 1 / 8);
  });

  test('recovery is stepwise and jittered, and ends at the full limit', () => {
    const paces = (random: () => number): number[] => {
      const allowance = allowanceWith({}, random);
      allowance.tooMany('place', 0);
      return [2_999, 3_000, 5_000, 7_000, 9_000, 17_000].map((atMs) => allowance.paceOf('place', atMs));
    };
    expect(paces(() => 0)).toEqual([0.5, 0.625, 0.75, 0.875, 1, 1]);
    expect(paces(() => 0.999)).toEqual([0.5, 0.5, 0.625, 0.625, 0.75, 1]);
  });

  test('a 429 to a cancel slows everything else first', () => {
    const allowance = allowanceWith();
    allowance.tooMany('cancel', 0);
    expect(GROUPS.map((group) => allowance.paceOf(group, 0))).toEqual([1 / 2, 1, 1]);
    allowance.tooMany('cancel', 500);
    expect(allowance.paceOf('cancel', 500)).toBe(1);
    allowance.tooMany('cancel', 1_500);
    expect(GROUPS.map((group) => allowance.paceOf(group, 1_500))).toEqual([1 / 4, 1 / 2, 1]);
  });

  test('a limit of one, slowed, stretches its window', () => {
    const allowance = allowanceWith();
    allowance.tooMany('cancel_all', 0);
    allowance.tooMany('cancel_all', 1_500);
    expect(takeAll(allowance, 'cancel_all', 1_500)).toBe(0);
    expect(allowance.waitMs('cancel_all', 1_500)).toBe(2_000);
  });

  test('accounts share the window of the address, and that of what the address is counted by', () => {
    const limits = { ...LIMITS, overallPerSecond: 60, ofAddress: ['place'] as const };
    const turns = { trains: 2, perWindow: 12 };
    const address = new AddressAllowance(limits.overallPerSecond, turns);
    const [one, two] = [0, 1].map(() => new Allowance<Group>({ limits, random: () => 0, hasTurns: true, address }));
    const perTrain = createTurnTrains(limits).place.perWindow;
    expect(takeAll(one as Allowance<Group>, 'place', 0)).toBe(10 - 2 * perTrain);
    expect(takeAll(two as Allowance<Group>, 'place', 0)).toBe(0);
    expect(takeAll(two as Allowance<Group>, 'cancel', 0)).toBe(7);
  });

  const step = fc.record({
    pauseMs: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constant(4_000)),
    group: fc.constantFrom(...GROUPS),
    lentMs: fc.constantFrom(0, 300, 600),
    leavesAfter: fc.double({ min: 0, max: 1, noNaN: true }),
    arrivesAfterMs: fc.integer({ min: 0, max: SPREAD_MS - 1 }),
    fate: fc.constantFrom('used', 'used', 'used', 'unreported', 'back', 'renewed', '429'),
  });

  test('calls that are lent, renewed, returned and reported, and all turns beside them, never exceed a second', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), fc.integer({ min: 0, max: 100_000 }), (steps, startMs) => {
        const limits = { ...LIMITS, overallPerSecond: 26 };
        const allowance = new Allowance({ limits, random: () => 0.5, hasTurns: true });
        const arrivals: Record<Group, number[]> = { place: [], cancel: [], cancel_all: [] };
        let nowMs = startMs;
        const later: { atMs: number; run: () => void }[] = [];
        const catchUp = (untilMs: number): void => {
          later.sort((a, b) => a.atMs - b.atMs);
          while (later[0] !== undefined && later[0].atMs <= untilMs) later.shift()?.run();
        };
        for (const { pauseMs, group, lentMs, leavesAfter, arrivesAfterMs, fate } of steps) {
          nowMs += pauseMs;
          catchUp(nowMs);
          if (allowance.waitMs(group, nowMs, lentMs) > 0) continue;
          const lent = allowance.take(group, nowMs, lentMs);
          if (fate === '429') allowance.tooMany(group, nowMs);
          const atMs = nowMs + Math.floor(lentMs * leavesAfter);
          let leavesAtMs = atMs;
          if (fate === 'renewed') {
            const renewal = () => {
              if (allowance.renew(lent, atMs, lentMs, 0)) leavesAtMs += lentMs;
              arrivals[group].push(leavesAtMs + arrivesAfterMs);
            };
            later.push({ atMs, run: renewal });
          } else if (fate === 'back') later.push({ atMs, run: () => allowance.giveBack(lent) });
          else {
            arrivals[group].push(atMs + arrivesAfterMs);
            if (fate === 'used') later.push({ atMs, run: () => allowance.used(lent, atMs) });
          }
        }
        catchUp(Infinity);
        const trains = createTurnTrains(limits);
        for (const group of GROUPS) {
          const { everyMs } = trains[group];
          for (let turn = Math.floor(startMs / everyMs); turn * everyMs < nowMs + 1_000; turn += 1) {
            arrivals[group].push(turn * everyMs + ((turn * 7_919) % (TURN_OPEN_MS + SPREAD_MS)));
          }
          expect(busiest(arrivals[group])).toBeLessThanOrEqual(limits.perSecond[group]);
        }
        expect(busiest(Object.values(arrivals).flat())).toBeLessThanOrEqual(limits.overallPerSecond);
      }),
      { numRuns: 150 },
    );
  });

  test('nobody waits longer than it is told', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 500 }), fc.constantFrom(...GROUPS))), (asks) => {
        const allowance = new Allowance({
          limits: { ...LIMITS, overallPerSecond: 26 },
          random: () => 0,
          hasTurns: true,
        });
        let nowMs = 0;
        for (const [pauseMs, group] of asks) {
          nowMs += pauseMs;
          for (let rounds = 0, wait = 1; wait > 0; rounds += 1) {
            wait = allowance.waitMs(group, nowMs);
            nowMs += wait;
            expect(rounds).toBeLessThan(3);
          }
          allowance.take(group, nowMs);
        }
      }),
    );
  });
});
