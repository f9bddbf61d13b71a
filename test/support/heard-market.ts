/** What a bot tells of a market that goes on as it is told to: the bot's own watch, fed with messages at made-up times. */
import { StreamWatch } from '../../bots/stream-watch.ts';
import type { MarketStreamsEvent } from '../../core/market/stream-report.ts';
import { STREAMS_TOLD_MS, type StreamName } from '../../core/market/streams.ts';

export interface Spell {
  readonly stream: StreamName;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface HeardMarket {
  readonly symbol?: string;
  /** When the process listened. */
  readonly fromMs: number;
  readonly toMs: number;
  /** It was killed: what it had not told yet, nobody knows. */
  readonly isKilled?: boolean;
  /** Nothing comes of the stream. */
  readonly silent?: readonly Spell[];
  /** Messages come, and say what was said when it began. */
  readonly repeated?: readonly Spell[];
  readonly down?: readonly Spell[];
}

const EVERY_MS: Readonly<Record<StreamName, number>> = {
  book: 500,
  ticker: 500,
  trades: 7_000,
  funding: 60_000,
  orders: 20_000,
  positions: 45_000,
};
const STEP_MS = 500;
export const VENUE_AHEAD_MS = 120;
/** What a message takes on its way. */
export const ON_ITS_WAY_MS = 30;

/** Reports in order; the last one is final, or missing where the process was killed. */
export function heardMarket({
  symbol = 'BTCUSDT',
  fromMs,
  toMs,
  isKilled = false,
  ...spells
}: HeardMarket): MarketStreamsEvent[] {
  const { silent = [], repeated = [], down = [] } = spells;
  const watch = new StreamWatch(symbol, fromMs);
  watch.onClock(VENUE_AHEAD_MS);
  const told: MarketStreamsEvent[] = [];
  const during = (list: readonly Spell[], stream: StreamName, atMs: number) =>
    list.find((one) => one.stream === stream && atMs >= one.fromMs && atMs < one.toMs);
  const tell: Readonly<Record<StreamName, (venueAtMs: number, atMs: number) => void>> = {
    book: (venueAtMs, atMs) => watch.onBook(venueAtMs, atMs),
    trades: (venueAtMs, atMs) => watch.onTrade(venueAtMs, atMs),
    ticker: (venueAtMs, atMs) => watch.onTicker(venueAtMs, atMs),
    funding: (venueAtMs, atMs) => watch.onFunding(venueAtMs, atMs),
    orders: (_, atMs) => watch.onOrder(atMs),
    positions: (_, atMs) => watch.onPosition(atMs),
  };
  for (let atMs = fromMs; atMs <= toMs; atMs += STEP_MS) {
    for (const channel of ['book', 'trades', 'ticker', 'orders', 'positions'] as const)
      watch.onConnector(channel, during(down, channel, atMs) === undefined ? 'up' : 'down', atMs);
    for (const stream of Object.keys(EVERY_MS) as StreamName[]) {
      if ((atMs - fromMs) % EVERY_MS[stream] !== 0) continue;
      if (during(silent, stream, atMs) !== undefined || during(down, stream, atMs) !== undefined) continue;
      const saidAtMs = during(repeated, stream, atMs)?.fromMs ?? atMs;
      tell[stream](saidAtMs + VENUE_AHEAD_MS - ON_ITS_WAY_MS, atMs);
    }
    if (watch.isDue(atMs)) told.push(watch.take(atMs, 0, false));
  }
  if (!isKilled) told.push(watch.take(toMs, 0, true));
  return told;
}

/** A process that still runs at `toMs`: its last report comes at that time or soon after it. */
export function hearingMarket(market: Omit<HeardMarket, 'isKilled'>): MarketStreamsEvent[] {
  return heardMarket({ ...market, toMs: market.toMs + STREAMS_TOLD_MS, isKilled: true });
}
