/** Counts durations into buckets that double, from 1 microsecond: fixed memory, nothing allocated while it counts. */
const BUCKETS = 24;

export class LatencyHistogram {
  private readonly counts = new Float64Array(BUCKETS);
  private total = 0;
  private sumMs = 0;
  private maxMs = 0;

  observe(ms: number): void {
    const micros = ms * 1_000;
    const bucket = micros <= 1 ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log2(micros)));
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.total += 1;
    this.sumMs += ms;
    if (ms > this.maxMs) this.maxMs = ms;
  }

  /** Upper edge of the bucket that holds the quantile, ms; 0 when nothing was observed. */
  private quantileMs(quantile: number): number {
    let rest = Math.ceil(this.total * quantile);
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      rest -= this.counts[bucket] as number;
      if (rest <= 0) return Math.min(this.maxMs, 2 ** bucket / 1_000);
    }
    return this.maxMs;
  }

  /** What was observed since the last call, and starts anew. */
  take(): { count: number; meanMs: number; p50Ms: number; p99Ms: number; maxMs: number } {
    const summary =
      this.total === 0
        ? { count: 0, meanMs: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 }
        : {
            count: this.total,
            meanMs: this.sumMs / this.total,
            p50Ms: this.quantileMs(0.5),
            p99Ms: this.quantileMs(0.99),
            maxMs: this.maxMs,
          };
    this.counts.fill(0);
    this.total = 0;
    this.sumMs = 0;
    this.maxMs = 0;
    return summary;
  }
}
