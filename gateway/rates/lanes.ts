/** Calls that wait for their turn to leave: a line for each group, so that a cancel never stands behind a place. */

interface Waiter {
  readonly untilMs: number;
  readonly settle: (granted: boolean) => void;
}

interface Lane {
  readonly waiting: Waiter[];
  timer: NodeJS.Timeout | null;
}

/** Node's own bound for a timer; whoever waits longer is looked at again. */
const TIMER_MS_MAX = 60_000;

export class Lanes<Group extends string> {
  private readonly lanes = new Map<Group, Lane>();
  private readonly now: () => number;
  private readonly spend: (group: Group) => number;
  private closed = false;

  /** `spend` lets one call of a group go and answers 0, or answers the milliseconds after which to try again. */
  constructor(groups: readonly Group[], now: () => number, spend: (group: Group) => number) {
    this.now = now;
    this.spend = spend;
    for (const group of groups) this.lanes.set(group, { waiting: [], timer: null });
  }

  acquire(group: Group, untilMs: number): boolean | Promise<boolean> {
    const lane = this.lanes.get(group);
    if (this.closed || lane === undefined || this.now() >= untilMs) return false;
    if (lane.waiting.length === 0 && this.spend(group) === 0) return true;
    return new Promise((settle) => {
      lane.waiting.push({ untilMs, settle });
      if (lane.timer === null) this.serve(group);
    });
  }

  waitingIn(group: Group): number {
    return this.lanes.get(group)?.waiting.length ?? 0;
  }

  /** Lets go what may go now, for when more may go than was known before. */
  serve(group: Group): void {
    const lane = this.lanes.get(group);
    if (lane === undefined) return;
    if (lane.timer !== null) clearTimeout(lane.timer);
    lane.timer = null;
    const nowMs = this.now();
    for (const late of lane.waiting.filter(({ untilMs }) => untilMs <= nowMs)) {
      lane.waiting.splice(lane.waiting.indexOf(late), 1);
      late.settle(false);
    }
    while (lane.waiting.length > 0) {
      const waitMs = this.spend(group);
      if (waitMs > 0) {
        const untilMs = lane.waiting.reduce((least, waiter) => Math.min(least, waiter.untilMs), Infinity);
        const delayMs = Math.max(1, Math.min(waitMs, untilMs - nowMs, TIMER_MS_MAX));
        lane.timer = setTimeout(() => this.serve(group), delayMs);
        return;
      }
      lane.waiting.shift()?.settle(true);
    }
  }

  close(): void {
    this.closed = true;
    for (const lane of this.lanes.values()) {
      if (lane.timer !== null) clearTimeout(lane.timer);
      lane.timer = null;
      for (const waiter of lane.waiting.splice(0)) waiter.settle(false);
    }
  }
}
