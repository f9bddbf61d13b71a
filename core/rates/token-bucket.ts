/**
 * A token bucket as plain arithmetic: it starts full, refills evenly and never holds more than its capacity. Time is
 * passed in, so a rate rule can be tested over a day in microseconds.
 */
import { invariant } from '../invariant.ts';

export interface TokenBucket {
  readonly capacity: number;
  readonly refillPerMs: number;
  tokens: number;
  refilledAtMs: number;
}

/** `perSecond` calls in the long run, at most `capacity` at once. */
export function createTokenBucket(perSecond: number, capacity: number, nowMs: number): TokenBucket {
  invariant(perSecond > 0 && capacity >= 1, 'a token bucket refills and holds at least one token');
  return { capacity, refillPerMs: perSecond / 1_000, tokens: capacity, refilledAtMs: nowMs };
}

/** Brings the bucket up to `nowMs`. A clock that went back refills nothing and is taken as the new start. */
function refill(bucket: TokenBucket, nowMs: number): void {
  const elapsedMs = Math.max(0, nowMs - bucket.refilledAtMs);
  bucket.tokens = Math.min(bucket.capacity, bucket.tokens + elapsedMs * bucket.refillPerMs);
  bucket.refilledAtMs = nowMs;
}

/** Milliseconds until a token can be taken; 0 when now. */
export function waitMs(bucket: TokenBucket, nowMs: number): number {
  refill(bucket, nowMs);
  const missing = 1 - bucket.tokens;
  // A millionth of a token is rounding in the refill, not a token that is missing.
  return missing <= 1e-6 ? 0 : Math.ceil(missing / bucket.refillPerMs);
}

/** Takes one token. Call it only after `waitMs` answered 0. */
export function take(bucket: TokenBucket): void {
  invariant(bucket.tokens > 1 - 1e-5, 'a token is taken only when there is one');
  bucket.tokens = Math.max(0, bucket.tokens - 1);
}

/** The venue said "too many": what was saved up is gone. */
export function drain(bucket: TokenBucket): void {
  bucket.tokens = 0;
}
