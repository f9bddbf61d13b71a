/** How many things happened within the last `windowMs`: a window that slides with each look, so no second is counted too small. */
export class RollingWindow {
  private readonly windowMs: number;
  private times: number[] = [];
  /** Index of the oldest time that still counts. */
  private first = 0;

  constructor(windowMs: number) {
    this.windowMs = windowMs;
  }

  count(nowMs: number): number {
    while (this.first < this.times.length && nowMs - this.times[this.first]! >= this.windowMs) this.first += 1;
    if (this.first > this.times.length / 2) {
      this.times = this.times.slice(this.first);
      this.first = 0;
    }
    return this.times.length - this.first;
  }

  /** Counts one more and answers how many there are with it. */
  add(nowMs: number): number {
    this.times.push(nowMs);
    return this.count(nowMs);
  }

  /** Counts one more unless there are `max` already. */
  take(nowMs: number, max: number): boolean {
    if (this.count(nowMs) >= max) return false;
    this.times.push(nowMs);
    return true;
  }
}

/** One window for each key. */
export class RollingWindows {
  private readonly windowMs: number;
  private readonly windows = new Map<string, RollingWindow>();

  constructor(windowMs: number) {
    this.windowMs = windowMs;
  }

  of(key: string): RollingWindow {
    const existing = this.windows.get(key);
    if (existing !== undefined) return existing;
    const created = new RollingWindow(this.windowMs);
    this.windows.set(key, created);
    return created;
  }
}
