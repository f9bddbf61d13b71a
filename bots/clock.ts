/**
 * UTC ms that never run back. A clock set back would stretch every age and time-out by as much: a stale book would be
 * fresh and the dead-man rule silent. Set forward it is followed: ages then end too soon, which is the safe side.
 */
export function createClock(
  wallMs: () => number = Date.now,
  monotonicMs: () => number = () => performance.now(),
): () => number {
  let offsetMs = wallMs() - monotonicMs();
  return () => {
    const sinceMs = monotonicMs();
    offsetMs = Math.max(offsetMs, wallMs() - sinceMs);
    return Math.floor(sinceMs + offsetMs);
  };
}
