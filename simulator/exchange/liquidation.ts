/**
 * Closes what the margin no longer carries. An isolated position stands alone; crossed ones stand and fall together, the
 * one that needs most margin first. The closing orders are market orders at the recorded depth: what the book cannot take
 * waits for its next move, and a loss beyond the margin stays with the account, since there is no insurance fund here.
 */
import type { QtyLots } from '../../core/money/money.ts';
import type { Account } from './account.ts';
import { figuresOf, maintenanceOf, openPositions, unrealisedAt, type OpenPosition } from './margin.ts';
import type { Market } from './market.ts';
import type { Matching } from './matching.ts';

export class Liquidation {
  private readonly markets: ReadonlyMap<string, Market>;
  private readonly matching: Matching;

  constructor(markets: ReadonlyMap<string, Market>, matching: Matching) {
    this.markets = markets;
    this.matching = matching;
  }

  /** Called when `market` moved. */
  check(account: Account, market: Market): void {
    if (!account.hasPosition) return;
    const held = openPositions(account, this.markets);
    if (!held.some(({ symbol }) => symbol === market.symbol)) return;
    for (const open of held) {
      if (this.isIsolated(account, open) && isBroke(open)) this.close(account, open);
    }
    this.checkCrossed(account);
  }

  private checkCrossed(account: Account): void {
    let isFirst = true;
    for (;;) {
      const { crossedEquity, crossedMaintenance } = figuresOf(account, this.markets);
      if (crossedMaintenance === 0n || crossedEquity > crossedMaintenance) return;
      const crossed = openPositions(account, this.markets).filter((open) => !this.isIsolated(account, open));
      if (isFirst) this.cancelOpening(account, crossed);
      isFirst = false;
      const [worst] = crossed.sort((left, right) => (maintenanceOf(left) < maintenanceOf(right) ? 1 : -1));
      if (worst === undefined) return;
      const before = worst.position.qty;
      this.close(account, worst);
      if (worst.position.qty === before) return;
    }
  }

  private isIsolated(account: Account, { symbol }: OpenPosition): boolean {
    return account.settings(symbol).marginMode === 'isolated';
  }

  private cancelOpening(account: Account, crossed: readonly OpenPosition[]): void {
    const symbols = new Set(crossed.map(({ symbol }) => symbol));
    for (const order of account.openOf(null)) {
      if (!order.reduceOnly && symbols.has(order.symbol)) this.matching.cancelOpen(account, order, 'liquidation');
    }
  }

  private close(account: Account, { symbol, leg, position }: OpenPosition): void {
    for (const order of account.openOf(symbol)) {
      if (order.leg === leg) this.matching.cancelOpen(account, order, 'liquidation');
    }
    this.matching.force(account, symbol, leg, Math.abs(position.qty) as QtyLots, 'liquidation');
  }
}

function isBroke(open: OpenPosition): boolean {
  const { position, market } = open;
  const unrealised = unrealisedAt(position, market.midDoubled, market.instrument);
  return position.margin + unrealised <= maintenanceOf(open);
}
