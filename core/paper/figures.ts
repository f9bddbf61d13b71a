/**
 * Balance arithmetic of a paper account: every position marked at the venue's mark price, one pool of margin. There is no
 * liquidation: equity may fall below zero, then nothing is available and only what reduces is accepted.
 */
import { LEGS } from '../accounting/holdings.ts';
import type { Position } from '../accounting/position.ts';
import type { Instrument } from '../market/instrument.ts';
import { formatScaled } from '../money/decimal.ts';
import type { QuoteAmount } from '../money/money.ts';
import type { PaperMarket } from './paper-market.ts';
import type { PaperOrder, PaperSymbol } from './rows.ts';

/**
 * Share of a position's value that has to stay as margin, in millionths: the first tier of BTCUSDT, as Bitget stated it in
 * July 2025. Paper knows no tiers and liquidates nothing; the share only says how near a liquidation would be.
 */
export const MAINTENANCE_E6 = 4_000n;

export interface PaperFigures {
  /** Cash and unrealised result. */
  readonly equity: QuoteAmount;
  /** What all positions would have to keep, with the fee of closing them. */
  readonly maintenance: QuoteAmount;
  /** Free for new orders, never negative. */
  readonly available: QuoteAmount;
}

/** Null while something is held whose price is not known: an old price is no price. */
export function figuresOf(
  cash: QuoteAmount,
  symbols: Iterable<PaperSymbol>,
  openOrders: Iterable<PaperOrder>,
  marketOf: (symbol: string) => PaperMarket | undefined,
): PaperFigures | null {
  let equity: bigint = cash;
  let bound = 0n;
  let maintenance = 0n;
  const leverages = new Map<string, bigint>();
  for (const { spec, holdings, leverage } of symbols) {
    leverages.set(spec.symbol, BigInt(leverage));
    for (const leg of LEGS) {
      const position = holdings[leg];
      if (position.qty === 0) continue;
      const market = marketOf(spec.symbol);
      const markE12 = market?.markE12() ?? null;
      if (market === undefined || markE12 === null) return null;
      equity += unrealisedAt(position, markE12, market.instrument);
      const value = valueAt(position, markE12, market.instrument);
      bound += value / BigInt(leverage);
      maintenance += (value * (MAINTENANCE_E6 + market.instrument.takerFeeE6)) / 1_000_000n;
    }
  }
  for (const order of openOrders) {
    const market = marketOf(order.symbol);
    if (market !== undefined) bound += marginOf(order, market.instrument, leverages.get(order.symbol) ?? 1n);
  }
  const free = equity - bound;
  return {
    equity: equity as QuoteAmount,
    maintenance: maintenance as QuoteAmount,
    available: (free > 0n ? free : 0n) as QuoteAmount,
  };
}

/** What is held at `markE12`, rounded down to 1e-12. */
export function valueAt({ qty }: Position, markE12: bigint, { lotE12 }: Instrument): QuoteAmount {
  return ((BigInt(Math.abs(qty)) * markE12 * lotE12) / 1_000_000_000_000n) as QuoteAmount;
}

export function unrealisedAt(position: Position, markE12: bigint, instrument: Instrument): QuoteAmount {
  const value = valueAt(position, markE12, instrument);
  return (position.qty > 0 ? value - position.cost : position.cost - value) as QuoteAmount;
}

/** Average entry price as a decimal, cut after 12 decimals; the position is not flat. */
export function entryPriceOf({ qty, cost }: Position, { lotE12 }: Instrument): string {
  return formatScaled((cost * 1_000_000_000_000n) / (BigInt(Math.abs(qty)) * lotE12), 12);
}

/** Reduce-only orders hold no margin: they can only free some. */
export function marginOf(
  order: Pick<PaperOrder, 'price' | 'qty' | 'filled' | 'reduceOnly'>,
  { quotePerTickLotE12 }: Instrument,
  leverage: bigint,
): bigint {
  if (order.reduceOnly) return 0n;
  return (BigInt(order.price) * BigInt(order.qty - order.filled) * quotePerTickLotE12) / leverage;
}
