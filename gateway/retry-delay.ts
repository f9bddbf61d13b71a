/**
 * How long to wait before the next try: doubling from `minMs` to `maxMs`, the upper half of it by chance, and from the
 * start again once a try held for `stableMs`.
 */
export interface RetryDelay {
  /** Tries that failed in a row. */
  readonly failures: number;
  /** `heldMs` is how long the try that just ended had held. */
  nextMs(heldMs: number): number;
  reset(): void;
}

export interface RetryDelayOptions {
  /** 0 to 1. */
  readonly random: () => number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly stableMs: number;
}

export function createRetryDelay({ random, minMs, maxMs, stableMs }: RetryDelayOptions): RetryDelay {
  let failures = 0;
  return {
    get failures() {
      return failures;
    },
    nextMs(heldMs) {
      if (heldMs >= stableMs) failures = 0;
      const fullMs = Math.min(maxMs, minMs * 2 ** Math.min(failures, 20));
      failures += 1;
      return Math.round(fullMs * (0.5 + random() / 2));
    },
    reset() {
      failures = 0;
    },
  };
}
