/** Candles of the market's minutes, those before this process began too, as both protocols ask for them. */
import { formatPrice, formatQty } from '../../core/market/instrument.ts';
import type { PriceTicks, QtyLots } from '../../core/money/money.ts';
import { foldBars, MINUTE_MS } from '../../core/recording/minute-bars.ts';
import type { Market } from '../exchange/market.ts';

export const HOUR_MS = 60 * MINUTE_MS;

/** Interval names as the unified account's protocol spells them. */
export const CANDLE_MS: Readonly<Record<string, number>> = {
  '1m': MINUTE_MS,
  '3m': 3 * MINUTE_MS,
  '5m': 5 * MINUTE_MS,
  '15m': 15 * MINUTE_MS,
  '30m': 30 * MINUTE_MS,
  '1H': HOUR_MS,
  '2H': 2 * HOUR_MS,
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

export interface CandleRange {
  readonly nowMs: number;
  /** The newest so many of those in the range. */
  readonly count: number;
  /** Of their starts, inclusive. */
  readonly fromMs?: number;
  readonly toMs?: number;
}

/** Oldest first; the last one may still be growing. */
export function candlesOf(
  { minutes, instrument }: Market,
  intervalMs: number,
  { nowMs, count, fromMs = 0, toMs = Infinity }: CandleRange,
): Candle[] {
  const price = (ticks: number) => formatPrice(ticks as PriceTicks, instrument);
  return foldBars(minutes.read(), intervalMs, nowMs)
    .filter(({ openAtMs }) => openAtMs >= fromMs && openAtMs <= toMs)
    .slice(-count)
    .map((bar) => ({
      startMs: bar.openAtMs,
      open: price(bar.open),
      high: price(bar.high),
      low: price(bar.low),
      close: price(bar.close),
      volume: formatQty(bar.lots as QtyLots, instrument),
      turnover: (bar.tickLots * instrument.quotePerTickLot).toFixed(4),
    }));
}
