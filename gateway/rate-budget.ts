/**
 * How many calls may leave, by endpoint group and in all. Each group waits in its own line, so a cancel never stands
 * behind a place; and of the overall budget a share is kept that only cancels may touch.
 *
 * Groups are the venue's own: one limit for each endpoint and account. The whole is the limit of the address.
 */
import { createTokenBucket, drain, take, waitMs, type TokenBucket } from '../core/rates/token-bucket.ts';

export interface RateLimits<Group extends string> {
  readonly perSecond: Readonly<Record<Group, number>>;
  readonly overallPerSecond: number;
  /** Groups that may use the reserved part of the whole. */
  readonly urgent: readonly Group[];
  /** Tokens of the whole that others leave alone. */
  readonly reserved: number;
}

export interface RateBudget<Group extends string> {
  /** True when the call may leave now; false when its turn did not come before `untilMs` or the budget was closed. */
  acquire(group: Group, untilMs: number): boolean | Promise<boolean>;
  /** After the venue's "too many requests": the group starts from an empty bucket. */
  drain(group: Group): void;
  close(): void;
}

interface Waiter {
  readonly untilMs: number;
  readonly settle: (granted: boolean) => void;
}

interface Lane {
  readonly bucket: TokenBucket;
  readonly reserve: number;
  readonly waiting: Waiter[];
  timer: NodeJS.Timeout | null;
}

export function createRateBudget<Group extends string>(
  limits: RateLimits<Group>,
  now: () => number,
): RateBudget<Group> {
  const overall = createTokenBucket(limits.overallPerSecond, limits.overallPerSecond, now());
  const lanes = new Map<Group, Lane>();
  for (const group of Object.keys(limits.perSecond) as Group[]) {
    const perSecond = limits.perSecond[group];
    const bucket = createTokenBucket(perSecond, Math.max(1, perSecond), now());
    lanes.set(group, {
      bucket,
      reserve: limits.urgent.includes(group) ? 0 : limits.reserved,
      waiting: [],
      timer: null,
    });
  }
  let closed = false;

  const delayMs = (lane: Lane): number => {
    const nowMs = now();
    return Math.max(waitMs(lane.bucket, nowMs), waitMs(overall, nowMs, lane.reserve));
  };
  const spend = (lane: Lane): void => {
    take(lane.bucket);
    take(overall);
  };
  const serve = (lane: Lane): void => {
    lane.timer = null;
    for (let first = lane.waiting[0]; first !== undefined; first = lane.waiting[0]) {
      const delay = delayMs(lane);
      if (now() >= first.untilMs) {
        lane.waiting.shift();
        first.settle(false);
      } else if (delay === 0) {
        lane.waiting.shift();
        spend(lane);
        first.settle(true);
      } else {
        lane.timer = setTimeout(serve, Math.max(1, Math.min(delay, first.untilMs - now())), lane);
        return;
      }
    }
  };

  return {
    acquire(group, untilMs) {
      const lane = lanes.get(group);
      if (closed || lane === undefined || now() >= untilMs) return false;
      if (lane.waiting.length === 0 && delayMs(lane) === 0) {
        spend(lane);
        return true;
      }
      return new Promise((settle) => {
        lane.waiting.push({ untilMs, settle });
        if (lane.timer === null) serve(lane);
      });
    },
    drain(group) {
      const lane = lanes.get(group);
      if (lane !== undefined) drain(lane.bucket);
    },
    close() {
      closed = true;
      for (const lane of lanes.values()) {
        if (lane.timer !== null) clearTimeout(lane.timer);
        for (const waiter of lane.waiting.splice(0)) waiter.settle(false);
      }
    },
  };
}
