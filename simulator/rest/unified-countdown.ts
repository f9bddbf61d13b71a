/**
 * The venue's own dead-man switch: an armed account that does not arm itself again in time loses all its open orders, once.
 * Triggers stay: what protects a position outlives the client. Not saved, a restart of the exchange disarms it.
 */
import type { Account } from '../exchange/account.ts';
import type { Exchange } from '../exchange/exchange.ts';

/** Seconds, by Bitget's page of the endpoint; 0 disarms. */
export const COUNTDOWN_S_MIN = 5;
export const COUNTDOWN_S_MAX = 60;

export class Countdowns {
  private readonly exchange: Exchange;
  private readonly steadyMs: () => number;
  private readonly dueAtMs = new Map<Account, number>();

  constructor(exchange: Exchange, steadyMs: () => number) {
    this.exchange = exchange;
    this.steadyMs = steadyMs;
  }

  /** Anew from now; 0 disarms. */
  arm(account: Account, seconds: number): void {
    if (seconds === 0) this.dueAtMs.delete(account);
    else this.dueAtMs.set(account, this.steadyMs() + seconds * 1_000);
  }

  /** Cancels where time is up. Called after each step of the replay. */
  flush(): void {
    const nowMs = this.steadyMs();
    for (const [account, dueAtMs] of this.dueAtMs) {
      if (nowMs < dueAtMs) continue;
      this.dueAtMs.delete(account);
      this.exchange.cancelAll(account, null);
    }
  }
}
