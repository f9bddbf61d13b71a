import { describe, expect, test } from '@jest/globals';
import { Pace, PACE_FLOOR } from '../../../core/rates/pace.ts';
import { Slowdown } from '../../../core/rates/slowdown.ts';

describe('a pace', () => {
  test('is full, is halved once a second at most, and comes back by eighths from a second later on', () => {
    const pace = new Pace(() => 0);
    expect([pace.at(0), pace.isSettling(0)]).toEqual([1, false]);
    expect([pace.halve(1_000), pace.halve(1_999), pace.at(1_999), pace.isSettling(1_999)]).toEqual([true, false, 1 / 2, true]); // prettier-ignore
    expect([pace.isSettling(2_000), pace.halve(2_000), pace.at(2_000)]).toEqual([false, true, 1 / 4]);
    expect([4_999, 5_000, 6_999, 7_000, 100_000].map((atMs) => pace.at(atMs))).toEqual([1 / 4, 3 / 8, 3 / 8, 1 / 2, 1]);
  });

  test('never falls below its floor, and a full one is halved from what it has come back to', () => {
    const pace = new Pace(() => 0);
    for (let atMs = 0; atMs < 10_000; atMs += 1_000) pace.halve(atMs);
    expect(pace.at(9_000)).toBe(PACE_FLOOR);
    expect([pace.halve(60_000), pace.at(60_000)]).toEqual([true, 1 / 2]);
  });

  test('comes back up to half as fast where chance has it', () => {
    const pace = new Pace(() => 0.75);
    pace.halve(0);
    expect([4_499, 4_500, 7_999, 8_000].map((atMs) => pace.at(atMs))).toEqual([1 / 2, 5 / 8, 5 / 8, 3 / 4]);
  });
});

describe('who is slowed for whom', () => {
  type Group = 'place' | 'read' | 'cancel';
  const slowdown = (): Slowdown<Group> => new Slowdown<Group>({ perSecond: { place: 10, read: 10, cancel: 10 }, ofAddress: [], overallPerSecond: 30, urgent: ['cancel'], reserved: 4 }, () => 0); // prettier-ignore
  const paces = (of: Slowdown<Group>, atMs: number): number[] => (['place', 'read', 'cancel'] as const).map((group) => of.paceOf(group, atMs)); // prettier-ignore

  test('a group for itself, once in its second', () => {
    const slowed = slowdown();
    expect([slowed.tooMany('place', 0), slowed.tooMany('place', 999)]).toEqual([['place'], []]);
    expect(paces(slowed, 999)).toEqual([1 / 2, 1, 1]);
  });

  test('for an urgent one all others first, and itself only when they have made room', () => {
    const slowed = slowdown();
    expect([slowed.tooMany('cancel', 0), paces(slowed, 0)]).toEqual([
      ['place', 'read'],
      [1 / 2, 1 / 2, 1],
    ]);
    expect([slowed.tooMany('cancel', 999), slowed.tooMany('cancel', 1_000)]).toEqual([[], ['place', 'read', 'cancel']]);
    expect(paces(slowed, 1_000)).toEqual([1 / 4, 1 / 4, 1 / 2]);
  });

  test('while one of the others is still settling nobody is slowed further', () => {
    const slowed = slowdown();
    slowed.tooMany('read', 500);
    expect([slowed.tooMany('cancel', 1_499), slowed.tooMany('cancel', 1_500)]).toEqual([[], ['place', 'read']]);
  });

  test('where one of the others is at its full pace again, that one first', () => {
    const slowed = slowdown();
    slowed.tooMany('place', 0);
    slowed.tooMany('cancel', 2_000);
    expect(paces(slowed, 2_000)).toEqual([1 / 4, 1 / 2, 1]);
  });

  test('a group that nobody knows goes at its full pace', () => {
    expect(slowdown().paceOf('other' as Group, 0)).toBe(1);
  });
});
