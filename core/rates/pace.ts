/**
 * How fast a group goes, as a share of its limit. The venue's "too many requests" halves it; it comes back step by step,
 * with jitter, so that many processes do not come back together.
 *
 * full --429--> slowed (settling for a moment: calls on their way tell nothing new) --steps--> full
 *                 ^--429--- halved again
 */
export const PACE_FLOOR = 1 / 16;
const PACE_STEP = 1 / 8;
/** Between two steps; jitter adds up to as much again. */
const PACE_STEP_MS = 2_000;
/** Calls that left before the last halving have been answered by then. */
const PACE_SETTLE_MS = 1_000;

export class Pace {
  private readonly random: () => number;
  private value = 1;
  private settledAtMs = Number.NEGATIVE_INFINITY;
  private stepAtMs = 0;

  /** `random` gives 0 to 1. */
  constructor(random: () => number) {
    this.random = random;
  }

  at(nowMs: number): number {
    while (this.value < 1 && nowMs >= this.stepAtMs) {
      this.value = Math.min(1, this.value + PACE_STEP);
      this.stepAtMs += this.stepMs();
    }
    return this.value;
  }

  isSettling(nowMs: number): boolean {
    return nowMs < this.settledAtMs;
  }

  /** After a 429 for a call of this group. False while the halving before it has not had time to show. */
  halve(nowMs: number): boolean {
    if (this.isSettling(nowMs)) return false;
    this.value = Math.max(PACE_FLOOR, this.at(nowMs) / 2);
    this.settledAtMs = nowMs + PACE_SETTLE_MS;
    this.stepAtMs = nowMs + PACE_SETTLE_MS + this.stepMs();
    return true;
  }

  private stepMs(): number {
    return PACE_STEP_MS * (1 + this.random());
  }
}
