/**
 * Funding: at whole multiples of a market's interval, in venue time, whoever holds a position pays or gets its value at the
 * mark times the rate; longs pay shorts while the rate is positive. An instant that passed while the simulator was not
 * running, or while its machine slept, is not settled: the exchange was closed.
 */
import { parseScaled } from '../../core/money/decimal.ts';
import type { QuoteAmount } from '../../core/money/money.ts';
import type { Account } from './account.ts';
import { bookFunding } from './booking.ts';
import type { Changes } from './changes.ts';
import { openPositions, valueAt } from './margin.ts';
import type { Market } from './market.ts';
import type { SettlementRow } from './rows.ts';

const SETTLEMENTS_MAX = 1_000;
const RATE_ONE = 1_000_000n;

export class Funding {
  /** Oldest first. */
  readonly settlements: SettlementRow[];
  private readonly markets: ReadonlyMap<string, Market>;
  private readonly accounts: ReadonlyMap<string, Account>;
  private readonly changes: Changes;
  private readonly nextAtMs = new Map<string, number>();

  constructor(
    markets: ReadonlyMap<string, Market>,
    accounts: ReadonlyMap<string, Account>,
    changes: Changes,
    settled: readonly SettlementRow[],
    nowMs: number,
  ) {
    this.markets = markets;
    this.accounts = accounts;
    this.changes = changes;
    this.settlements = settled.slice(-SETTLEMENTS_MAX);
    for (const market of markets.values()) this.nextAtMs.set(market.symbol, nextFundingAtMs(market, nowMs));
  }

  /** Settles what has come due. */
  check(nowMs: number): void {
    for (const market of this.markets.values()) {
      const dueAtMs = this.nextAtMs.get(market.symbol)!;
      if (nowMs < dueAtMs) continue;
      const nextAtMs = nextFundingAtMs(market, nowMs);
      this.nextAtMs.set(market.symbol, nextAtMs);
      // Of several missed instants only the last counts, and only if it is just over.
      this.settle(market, nextAtMs - market.terms.fundingIntervalMs);
    }
  }

  private settle(market: Market, atMs: number): void {
    const { symbol, terms } = market;
    const settlement = { id: this.changes.takeId(), symbol, rate: terms.fundingRate, atMs };
    this.settlements.push(settlement);
    if (this.settlements.length > SETTLEMENTS_MAX * 1.1) this.settlements.splice(0, SETTLEMENTS_MAX / 10);
    this.changes.settlement(settlement);
    for (const account of this.accounts.values()) {
      for (const open of openPositions(account, this.markets)) {
        if (open.symbol !== symbol) continue;
        const value = valueAt(open.position, market.midDoubled, market.instrument);
        const amount = fundingOn(value, terms.fundingRate, open.position.qty > 0);
        if (amount !== 0n) bookFunding(account, symbol, open.position, amount, atMs, this.changes);
      }
    }
  }
}

export function nextFundingAtMs({ terms }: Market, nowMs: number): number {
  return (Math.floor(nowMs / terms.fundingIntervalMs) + 1) * terms.fundingIntervalMs;
}

/** What a position worth `value` receives; negative is paid. Rounded against the holder by at most 1e-12. */
export function fundingOn(value: QuoteAmount, rate: string, isLong: boolean): QuoteAmount {
  const product = value * parseScaled(rate, 6) * (isLong ? -1n : 1n);
  const rounded = product >= 0n ? product / RATE_ONE : -((-product + RATE_ONE - 1n) / RATE_ONE);
  return rounded as QuoteAmount;
}
