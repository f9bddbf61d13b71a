/**
 * Candles of v2 and v3: rows of time, open, high, low, close, base and quote volume, the newest one still growing. A page
 * ends at `endTime` and names no place for the next one, so that pages are read from the newest back.
 */
import { z } from 'zod';
import { closedBars, intervalNotOffered, requireBar } from '../bars.ts';
import type { VenueBar } from '../venue.ts';
import { PRODUCT, type DialectOptions } from './dialect.ts';
import { Decimal, Millis, parseRecord } from './records.ts';
import type { Answer, Params } from './session.ts';

const MINUTE_MS = 60_000;
/** Days and half days are left out: v2 lets them begin at 16:00 UTC unless asked otherwise, v3 does not say. */
const INTERVALS: ReadonlyMap<number, string> = new Map([
  [MINUTE_MS, '1m'],
  [3 * MINUTE_MS, '3m'],
  [5 * MINUTE_MS, '5m'],
  [15 * MINUTE_MS, '15m'],
  [30 * MINUTE_MS, '30m'],
  [60 * MINUTE_MS, '1H'],
  [120 * MINUTE_MS, '2H'],
  [240 * MINUTE_MS, '4H'],
]);

/** v2's most; v3 is documented with 100 and with 1,000, so that the lower one is asked for. */
const CLASSIC_PAGE_ROWS = 1_000;
const UNIFIED_PAGE_ROWS = 100;

const Row = z.tuple([Millis, Decimal, Decimal, Decimal, Decimal, Decimal]).rest(z.unknown());

type Read = DialectOptions['read'];

/** As `VenueMarket.recentBars`, here and below. */
export async function readClassicBars(read: Read, symbol: string, barMs: number, count: number): Promise<VenueBar[]> {
  const asked = { symbol, productType: PRODUCT, granularity: intervalOf(barMs) };
  return readBars((page) => read('candles', { ...asked, ...page }), { barMs, count, pageRows: CLASSIC_PAGE_ROWS });
}

export async function readUnifiedBars(read: Read, symbol: string, barMs: number, count: number): Promise<VenueBar[]> {
  const asked = { symbol, category: PRODUCT, interval: intervalOf(barMs) };
  const pageRows = UNIFIED_PAGE_ROWS;
  return readBars((page) => read('unifiedCandles', { ...asked, ...page }), { barMs, count, pageRows });
}

function intervalOf(barMs: number): string {
  const interval = INTERVALS.get(barMs);
  if (interval === undefined) throw intervalNotOffered('bitget', barMs, INTERVALS.values());
  return interval;
}

async function readBars(
  readPage: (page: Params) => Promise<Answer>,
  { barMs, count, pageRows }: { barMs: number; count: number; pageRows: number },
): Promise<VenueBar[]> {
  const found = new Map<number, VenueBar>();
  let askedAtMs: number | null = null;
  let page: Params = {};
  for (;;) {
    const knownBefore = found.size;
    // One more is the bar that grows, one more the one that the page before began with: `endTime` may include it.
    const limit = Math.min(pageRows, count - knownBefore + 2);
    const { data, atMs } = await readPage({ ...page, limit });
    askedAtMs ??= atMs;
    const bars = parseBars(data);
    for (const bar of bars) found.set(bar.openAtMs, bar);
    if (found.size > count || bars.length < limit || found.size === knownBefore) break;
    page = { endTime: Math.min(...bars.map(({ openAtMs }) => openAtMs)) };
  }
  return closedBars(found.values(), barMs, count, askedAtMs);
}

function parseBars(data: unknown): VenueBar[] {
  const rows = parseRecord(z.array(z.unknown()).nullable(), data, 'candles') ?? [];
  return rows.map((raw) => {
    const [openAtMs, open, high, low, close, volume] = parseRecord(Row, raw, 'candle');
    return requireBar({ openAtMs, open, high, low, close, volume }, 'candle');
  });
}
