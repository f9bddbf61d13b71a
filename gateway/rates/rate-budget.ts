/** How many calls may leave, as one process sees it; `createRateBudget` is the budget of a process that asks nobody else. */
import { Allowance } from '../../core/rates/allowance.ts';
import { groupsOf, type RateLimits } from '../../core/rates/limits.ts';
import { Lanes } from './lanes.ts';

export interface RateBudget<Group extends string> {
  /**
   * True when the call may leave now, at once; false when its turn did not come before `untilMs` (the clock of whoever
   * calls) or the budget was closed. Never throws or rejects.
   */
  acquire(group: Group, untilMs: number): boolean | Promise<boolean>;
  /** The venue answered "too many requests" to a call of `group`. */
  tooMany(group: Group): void;
  close(): void;
}

/** Keeps `limits` for this process alone: what other processes of the account send comes on top. */
export function createRateBudget<Group extends string>(
  limits: RateLimits<Group>,
  now: () => number,
  random: () => number = Math.random,
): RateBudget<Group> {
  const allowance = new Allowance({ limits, random });
  const lanes = new Lanes(groupsOf(limits), now, (group) => {
    const nowMs = now();
    const waitMs = allowance.waitMs(group, nowMs);
    if (waitMs === 0) allowance.take(group, nowMs);
    return waitMs;
  });
  return {
    acquire: (group, untilMs) => lanes.acquire(group, untilMs),
    tooMany: (group) => allowance.tooMany(group, now()),
    close: () => lanes.close(),
  };
}
