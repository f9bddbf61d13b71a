/** Margin arithmetic of one account. Everything is marked at the mid of the replayed book, exact to 1e-12 USDT. */
import type { Leg } from '../../core/accounting/legs.ts';
import type { Position } from '../../core/accounting/position.ts';
import { formatScaled } from '../../core/money/decimal.ts';
import type { Instrument } from '../../core/market/instrument.ts';
import type { PriceTicks, QtyLots, QuoteAmount } from '../../core/money/money.ts';
import type { Account } from './account.ts';
import type { Market } from './market.ts';
import { parsePositionKey, type OrderRow, type PositionRow } from './rows.ts';
import { tierOf, type LeverageTier } from './tiers.ts';

export const LEVERAGE_AT_START = 20;

const RATE_ONE = 1_000_000n;

export interface AccountFigures {
  /** Cash and unrealised result. */
  readonly equity: QuoteAmount;
  readonly unrealised: QuoteAmount;
  readonly crossedUnrealised: QuoteAmount;
  /** Equity that crossed positions can use: without what isolated positions have set aside. */
  readonly crossedEquity: QuoteAmount;
  /** Margin that crossed positions hold at their leverage. */
  readonly crossedMargin: QuoteAmount;
  readonly isolatedMargin: QuoteAmount;
  /** What crossed positions must keep, with the fee of closing them. */
  readonly crossedMaintenance: QuoteAmount;
  /** Margin that open orders hold. */
  readonly frozen: QuoteAmount;
  /** Free for new orders, never negative. */
  readonly available: QuoteAmount;
}

export interface OpenPosition {
  readonly symbol: string;
  readonly leg: Leg;
  readonly position: PositionRow;
  readonly market: Market;
}

/** What the account holds in markets that are listed. */
export function openPositions(account: Account, markets: ReadonlyMap<string, Market>): OpenPosition[] {
  return Object.entries(account.row.positions).flatMap(([key, position]) => {
    const { symbol, leg } = parsePositionKey(key);
    const market = markets.get(symbol);
    return market === undefined || position.qty === 0 ? [] : [{ symbol, leg, position, market }];
  });
}

export function figuresOf(account: Account, markets: ReadonlyMap<string, Market>): AccountFigures {
  let crossedUnrealised = 0n;
  let isolatedUnrealised = 0n;
  let crossedMargin = 0n;
  let isolatedMargin = 0n;
  let crossedMaintenance = 0n;
  for (const open of openPositions(account, markets)) {
    const { position, market, symbol } = open;
    const unrealised = unrealisedAt(position, market.midDoubled, market.instrument);
    if (account.settings(symbol).marginMode === 'isolated') {
      isolatedUnrealised += unrealised;
      isolatedMargin += position.margin;
      continue;
    }
    crossedUnrealised += unrealised;
    crossedMargin += positionMargin(account, open);
    crossedMaintenance += maintenanceOf(open);
  }
  let frozen = 0n;
  for (const order of account.open.values()) {
    const market = markets.get(order.symbol);
    if (market !== undefined) frozen += marginOfOrder(order, market.instrument);
  }
  const crossedEquity = account.row.cash - isolatedMargin + crossedUnrealised;
  const free = crossedEquity - crossedMargin - frozen;
  return {
    equity: (account.row.cash + crossedUnrealised + isolatedUnrealised) as QuoteAmount,
    unrealised: (crossedUnrealised + isolatedUnrealised) as QuoteAmount,
    crossedUnrealised: crossedUnrealised as QuoteAmount,
    crossedEquity: crossedEquity as QuoteAmount,
    crossedMargin: crossedMargin as QuoteAmount,
    isolatedMargin: isolatedMargin as QuoteAmount,
    crossedMaintenance: crossedMaintenance as QuoteAmount,
    frozen: frozen as QuoteAmount,
    available: (free > 0n ? free : 0n) as QuoteAmount,
  };
}

/** Leverage that a new long or short position in `symbol` gets. */
export function leverageOf(account: Account, symbol: string, direction: 'long' | 'short' = 'long'): number {
  const { marginMode, leverage } = account.settings(symbol);
  return marginMode === 'crossed' ? leverage.crossed : leverage[direction];
}

export function directionOf({ qty }: Position): 'long' | 'short' {
  return qty < 0 ? 'short' : 'long';
}

/** Margin that holds the position: what was set aside for an isolated one, else its value by leverage. */
export function positionMargin(account: Account, { symbol, position, market }: OpenPosition): QuoteAmount {
  if (account.settings(symbol).marginMode === 'isolated') return position.margin;
  const value = valueAt(position, market.midDoubled, market.instrument);
  return (value / BigInt(leverageOf(account, symbol, directionOf(position)))) as QuoteAmount;
}

export function tierOfPosition({ position, market }: OpenPosition): LeverageTier {
  return tierOf(market.terms.tiers, valueAt(position, market.midDoubled, market.instrument));
}

/** What must be left of the margin, with the taker fee of closing the position: below it the exchange closes. */
export function maintenanceOf(open: OpenPosition): QuoteAmount {
  const { position, market } = open;
  const rateE6 = tierOfPosition(open).keepMarginRateE6 + market.instrument.takerFeeE6;
  return ((valueAt(position, market.midDoubled, market.instrument) * rateE6) / RATE_ONE) as QuoteAmount;
}

/** What stands behind the position besides its own maintenance: its margin, or all that the crossed account has left. */
function backingOf(account: Account, open: OpenPosition, figures: AccountFigures): bigint {
  if (account.settings(open.symbol).marginMode === 'isolated') return open.position.margin;
  const own = unrealisedAt(open.position, open.market.midDoubled, open.market.instrument);
  return figures.crossedEquity - own - (figures.crossedMaintenance - maintenanceOf(open));
}

/** Mark at which the position would be closed if nothing else moved; "0" when no price does that. */
export function liquidationPrice(account: Account, open: OpenPosition, figures: AccountFigures): string {
  const { position, market } = open;
  const rateE6 = tierOfPosition(open).keepMarginRateE6 + market.instrument.takerFeeE6;
  const backing = backingOf(account, open, figures);
  const isLong = position.qty > 0;
  // Long: backing + price x qty - cost = price x qty x rate; a short one mirrors it.
  const worth = isLong ? position.cost - backing : position.cost + backing;
  if (worth <= 0n) return '0';
  const share = isLong ? RATE_ONE - rateE6 : RATE_ONE + rateE6;
  const lots = BigInt(Math.abs(position.qty));
  return formatScaled((worth * RATE_ONE * 1_000_000_000_000n) / (share * lots * market.instrument.lotE12), 12);
}

/** Maintenance by what stands behind it: 1 and above is closed. A ratio for screens. */
export function marginRatio(account: Account, open: OpenPosition, figures: AccountFigures): string {
  const isIsolated = account.settings(open.symbol).marginMode === 'isolated';
  const unrealised = unrealisedAt(open.position, open.market.midDoubled, open.market.instrument);
  const maintenance = isIsolated ? maintenanceOf(open) : figures.crossedMaintenance;
  const behind = isIsolated ? open.position.margin + unrealised : figures.crossedEquity;
  return behind <= 0n ? '1' : (Number(maintenance) / Number(behind)).toFixed(12);
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
  return averagePrice(cost, Math.abs(qty) as QtyLots, instrument) || '0';
}

/** Value by quantity as a decimal cut after 12 decimals, empty without a quantity. */
export function averagePrice(value: QuoteAmount, qty: QtyLots, { lotE12 }: Instrument): string {
  return qty === 0 ? '' : formatScaled((value * 1_000_000_000_000n) / (BigInt(qty) * lotE12), 12);
}

export function marginFor(price: PriceTicks, qty: number, leverage: number, { quotePerTickLotE12 }: Instrument) {
  return ((BigInt(price) * BigInt(qty) * quotePerTickLotE12) / BigInt(leverage)) as QuoteAmount;
}

/** Reduce-only orders hold no margin: they can only free some. */
export function marginOfOrder(order: OrderRow, instrument: Instrument): QuoteAmount {
  if (order.reduceOnly) return 0n as QuoteAmount;
  return marginFor(order.price, order.qty - order.filled, order.leverage, instrument);
}
