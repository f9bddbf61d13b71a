/** Candles of the trades that were replayed since this process started: there is no longer memory of them. */
import { formatPrice, formatQty } from '../../core/market/instrument.ts';
import type { QtyLots } from '../../core/money/money.ts';
import type { Market, PublicTrade } from '../exchange/market.ts';

const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

/** Interval names as the unified account's protocol spells them. */
export const CANDLE_MS: Readonly<Record<string, number>> = {
  '1m': MINUTE_MS,
  '3m': 3 * MINUTE_MS,
  '5m': 5 * MINUTE_MS,
  '15m': 15 * MINUTE_MS,
  '30m': 30 * MINUTE_MS,
  '1H': HOUR_MS,
  '4H': 4 * HOUR_MS,
  '6H': 6 * HOUR_MS,
  '12H': 12 * HOUR_MS,
  '1D': 24 * HOUR_MS,
};

/** Decimal strings; `volume` in the base coin, `turnover` in USDT. */
export interface Candle {
  readonly startMs: number;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
  readonly turnover: string;
}

/** Oldest first; an interval without a trade has no candle. */
export function candlesOf({ recentTrades, instrument }: Market, intervalMs: number): Candle[] {
  const groups = new Map<number, PublicTrade[]>();
  for (const trade of recentTrades) {
    const startMs = Math.floor(trade.atMs / intervalMs) * intervalMs;
    const group = groups.get(startMs);
    if (group === undefined) groups.set(startMs, [trade]);
    else group.push(trade);
  }
  return [...groups].map(([startMs, trades]) => {
    const prices = trades.map(({ price }) => price);
    const price = (ticks: number) => formatPrice(ticks as (typeof prices)[0], instrument);
    const lots = trades.reduce((sum, { qty }) => sum + qty, 0);
    const tickLots = trades.reduce((sum, trade) => sum + trade.price * trade.qty, 0);
    return {
      startMs,
      open: price(prices[0]!),
      high: price(Math.max(...prices)),
      low: price(Math.min(...prices)),
      close: price(prices.at(-1)!),
      volume: formatQty(lots as QtyLots, instrument),
      turnover: (tickLots * instrument.quotePerTickLot).toFixed(4),
    };
  });
}
