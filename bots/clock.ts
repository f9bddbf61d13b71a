/** How much slower than real time this clock runs while it is ahead of the wall's. */
const SLEW_RATIO = 0.05;

/**
 * UTC ms that never run back. A clock set back at once would stretch every age and time-out by as much: a stale book would
 * be fresh and the dead-man rule silent. It is followed slowly, by running a twentieth slower until both agree. Set
 * forward it is followed at once: ages then end too soon, which is the safe side.
 */
export function createClock(
  wallMs: () => number = Date.now,
  monotonicMs: () => number = () => performance.now(),
): () => number {
  let lastAt = monotonicMs();
  let offsetMs = wallMs() - lastAt;
  return () => {
    const sinceMs = monotonicMs();
    const slowestMs = offsetMs - (sinceMs - lastAt) * SLEW_RATIO;
    offsetMs = Math.max(slowestMs, wallMs() - sinceMs);
    lastAt = sinceMs;
    return Math.floor(sinceMs + offsetMs);
  };
}
