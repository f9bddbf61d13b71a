/** Balance arithmetic of one account: crossed margin, one-way positions, everything marked at the mid of the book. */
import type { Position } from '../../core/accounting/position.ts';
import { formatScaled } from '../../core/money/decimal.ts';
import type { Instrument } from '../../core/market/instrument.ts';
import type { QuoteAmount } from '../../core/money/money.ts';
import type { Account } from './account.ts';
import type { Market } from './market.ts';
import type { OrderRow } from './rows.ts';

export const LEVERAGE_AT_START = 20;

export interface AccountFigures {
  /** Cash and unrealised result. */
  readonly equity: QuoteAmount;
  readonly unrealised: QuoteAmount;
  /** Margin that open orders hold. */
  readonly frozen: QuoteAmount;
  /** Free for new orders, never negative. */
  readonly available: QuoteAmount;
}

export function figuresOf(account: Account, markets: ReadonlyMap<string, Market>): AccountFigures {
  let unrealised = 0n;
  let positionMargin = 0n;
  for (const [symbol, position] of Object.entries(account.row.positions)) {
    const market = markets.get(symbol);
    if (market === undefined || position.qty === 0) continue;
    const midDoubled = market.replay.book.midDoubled();
    unrealised += unrealisedAt(position, midDoubled, market.instrument);
    positionMargin += valueAt(position, midDoubled, market.instrument) / BigInt(leverageOf(account, symbol));
  }
  let frozen = 0n;
  for (const order of account.open.values()) {
    const market = markets.get(order.symbol);
    if (market !== undefined) frozen += marginOfOrder(order, market.instrument);
  }
  const equity = account.row.cash + unrealised;
  const free = equity - positionMargin - frozen;
  return {
    equity: equity as QuoteAmount,
    unrealised: unrealised as QuoteAmount,
    frozen: frozen as QuoteAmount,
    available: (free > 0n ? free : 0n) as QuoteAmount,
  };
}

export function leverageOf(account: Account, symbol: string): number {
  return account.row.leverage[symbol] ?? LEVERAGE_AT_START;
}

/** What is held, valued at half of `midDoubled` ticks, rounded down to 1e-12. */
export function valueAt({ qty }: Position, midDoubled: number, { quotePerTickLotE12 }: Instrument): QuoteAmount {
  return ((BigInt(Math.abs(qty)) * BigInt(midDoubled) * quotePerTickLotE12) / 2n) as QuoteAmount;
}

export function unrealisedAt(position: Position, midDoubled: number, instrument: Instrument): QuoteAmount {
  if (position.qty === 0) return 0n as QuoteAmount;
  const value = valueAt(position, midDoubled, instrument);
  return (position.qty > 0 ? value - position.cost : position.cost - value) as QuoteAmount;
}

/** Average entry price as a decimal, "0" when flat; cut after 12 decimals. */
export function entryPrice({ qty, cost }: Position, instrument: Instrument): string {
  if (qty === 0) return '0';
  return formatScaled((cost * 1_000_000_000_000n) / (BigInt(Math.abs(qty)) * instrument.lotE12), 12);
}

/** Reduce-only orders hold no margin: they can only free some. */
function marginOfOrder(order: OrderRow, { quotePerTickLotE12 }: Instrument): bigint {
  if (order.reduceOnly) return 0n;
  return (BigInt(order.price) * BigInt(order.qty - order.filled) * quotePerTickLotE12) / BigInt(order.leverage);
}
