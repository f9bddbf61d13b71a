/**
 * Bybit's linear USDT perpetuals, v5 API. Addresses and message shapes: bybit-exchange.github.io/docs/v5 (market
 * instruments, tickers, time; public WebSocket orderbook, trade, ticker). Rates: Bybit's help page "Perpetual & Futures
 * Contract: Fees Explained", accounts without VIP level.
 */
import { z } from 'zod';
import type { VenueProfile } from './profile.ts';

const Link = z.object({
  topic: z.string().startsWith('orderbook.'),
  type: z.enum(['snapshot', 'delta']),
  data: z.object({ u: z.int().nonnegative() }),
});
const Told = z.object({
  fundingRate: z.string().regex(/^-?\d+(\.\d+)?$/),
  nextFundingTime: z.string().regex(/^\d{10,14}$/),
  fundingIntervalHour: z
    .string()
    .regex(/^\d{1,2}$/)
    .optional(),
});

export const BYBIT: VenueProfile = {
  id: 'bybit',
  httpOrigin: 'https://api.bybit.com',
  wsOrigin: 'wss://stream.bybit.com',
  options: { defaultType: 'swap', defaultSubType: 'linear', fetchMarkets: { types: ['linear'] } },
  bookDepth: 50,
  makerFeeRate: '0.0002',
  takerFeeRate: '0.00055',
  successCode: '0',

  codeOf(body) {
    try {
      const { retCode } = JSON.parse(body) as { retCode?: unknown };
      return typeof retCode === 'number' ? String(retCode) : null;
    } catch {
      return null;
    }
  },
  /** `u` grows by one with each update; after a restart of the service a snapshot begins with 1. */
  linkOf(message) {
    const parsed = Link.safeParse(message);
    if (!parsed.success) return null;
    const { topic, type, data } = parsed.data;
    return { topic, isSnapshot: type === 'snapshot' || data.u === 1, sequence: data.u };
  },
  fundingOf(ticker) {
    const parsed = Told.safeParse(ticker);
    if (!parsed.success) return null;
    const { fundingRate, nextFundingTime, fundingIntervalHour } = parsed.data;
    const intervalHours = fundingIntervalHour === undefined ? null : Number(fundingIntervalHour);
    return { rate: fundingRate, intervalHours, nextAtMs: Number(nextFundingTime) };
  },
};
