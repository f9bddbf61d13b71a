/**
 * `dropped_relay_count`: fills that happened and did not reach accounting. Each reading of the venue's own list is held
 * against the trade ids that accounting has; a fill that is older than a minute and not among them was lost between the
 * fill model, or the venue, and the bot's books. It stays counted when the reading itself then brings it in: the way that
 * fills come had lost it.
 */

/** Streams tell a fill within a second; a minute is beyond any delay that is none. */
export const RELAY_MS_MAX = 60_000;
/** Of fills that were counted: more than any reading lists again. */
const COUNTED_KEPT = 2_048;

export interface ListedFill {
  readonly tradeId: string;
  /** When it happened. */
  readonly atMs: number;
}

export class FillRelay {
  /** Since the watch began. */
  droppedCount = 0;
  private watchedFromMs = Infinity;
  private readonly counted = new Set<string>();

  /** Fills are told from now on: what happened before is read, not relayed. */
  watchFrom(atMs: number): void {
    this.watchedFromMs = atMs;
  }

  /** Nothing is told until the next `watchFrom`: fills of this time are read when it is over. */
  pause(): void {
    this.watchedFromMs = Infinity;
  }

  /** Answers the trade ids that are found missing for the first time. To be asked before what was read is booked. */
  check(listed: readonly ListedFill[], booked: readonly string[], atMs: number): string[] {
    const due = listed.filter((fill) => fill.atMs >= this.watchedFromMs && atMs - fill.atMs > RELAY_MS_MAX);
    if (due.length === 0) return [];
    const held = new Set(booked);
    const dropped = due.map(({ tradeId }) => tradeId).filter((id) => !held.has(id) && !this.counted.has(id));
    dropped.forEach((id) => this.counted.add(id));
    for (const oldest of this.counted) {
      if (this.counted.size <= COUNTED_KEPT) break;
      this.counted.delete(oldest);
    }
    this.droppedCount += dropped.length;
    return dropped;
  }
}
