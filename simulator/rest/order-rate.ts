/** A token bucket for each account: `burst` calls at once, then `perSecond`. */
export class OrderRate {
  private readonly perMs: number;
  private readonly burst: number;
  private readonly buckets = new Map<string, { tokens: number; atMs: number }>();

  constructor({ perSecond, burst }: { perSecond: number; burst: number }) {
    this.perMs = perSecond / 1_000;
    this.burst = burst;
  }

  /** False when the account has to wait. */
  take(account: string, nowMs: number): boolean {
    const bucket = this.buckets.get(account) ?? { tokens: this.burst, atMs: nowMs };
    this.buckets.set(account, bucket);
    bucket.tokens = Math.min(this.burst, bucket.tokens + (nowMs - bucket.atMs) * this.perMs);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}
