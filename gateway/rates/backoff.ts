/**
 * When a connection may be tried again: at least 1 s, at most 1 s doubling to 30 s, chance between, and from 1 s again
 * once a minute went by without a failure. Everyone who needs the connection waits on the same back-off.
 */
export interface Backoff {
  /** Resolves when it is time. Callers that come while one waits, wait with it. */
  wait(): Promise<void>;
  /** Releases everyone who waits, now and later. */
  cancel(): void;
}

export interface BackoffOptions {
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
  readonly minMs?: number;
  readonly maxMs?: number;
  readonly stableMs?: number;
}

export function createBackoff({
  now,
  random,
  minMs = 1_000,
  maxMs = 30_000,
  stableMs = 60_000,
}: BackoffOptions): Backoff {
  let attempt = 0;
  let lastAtMs = 0;
  let waiting: Promise<void> | null = null;
  let release: (() => void) | null = null;
  let timer: NodeJS.Timeout | null = null;
  let cancelled = false;

  return {
    wait() {
      if (cancelled) return Promise.resolve();
      if (waiting !== null) return waiting;
      if (now() - lastAtMs > stableMs) attempt = 0;
      const fullMs = Math.min(maxMs, minMs * 2 ** attempt);
      attempt += 1;
      waiting = new Promise((resolve) => {
        release = () => {
          waiting = null;
          lastAtMs = now();
          resolve();
        };
        timer = setTimeout(release, Math.min(maxMs, minMs + (fullMs - minMs / 2) * random()));
      });
      return waiting;
    },
    cancel() {
      cancelled = true;
      if (timer !== null) clearTimeout(timer);
      release?.();
    },
  };
}
