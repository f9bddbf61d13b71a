/**
 * The streams that a bot hears of its symbol, and for how long what each said last is worth something.
 *
 * A sign of life is what proves that news would have come had there been any. For most streams only a message is one: they
 * come whatever the market does. Trades are news of the market: while their channel is subscribed, what comes over the same
 * connection (a book, a ticker) proves them as well. An account may have nothing to say for hours: its channels live
 * while they are up, which the gateway takes back when a ping stays without an answer for 20 s.
 *
 * A message that is older than `darkMsMax` by the venue's own clock is no sign of life: a stream that repeats what it once
 * said is as dark as one that says nothing.
 */
export const STREAMS = ['book', 'trades', 'ticker', 'funding', 'orders', 'positions'] as const;
export type StreamName = (typeof STREAMS)[number];

export interface StreamRules {
  readonly livesBy: 'messages' | 'carrier' | 'connection';
  /** After a sign of life: the stream counts as fresh for so long. */
  readonly freshMs: number;
  /** Without a sign of life for longer, or older than this by the venue's clock, the stream fails its check. */
  readonly darkMsMax: number;
}

export const STREAM_RULES: Readonly<Record<StreamName, StreamRules>> = {
  // Bots quote on no older book (`risk.bookAgeMsMax`, by default). After 30 s the gateway asks for the book anew, so that a
  // longer silence says that asking did not help; a quiet book is told again with every ticker that names its best prices.
  book: { livesBy: 'messages', freshMs: 3_000, darkMsMax: 30_000 },
  // Books and tickers come ten times a second; 60 s is when the gateway gives up the ticker.
  trades: { livesBy: 'carrier', freshMs: 10_000, darkMsMax: 60_000 },
  // An older mark values nothing (`core/bot/telemetry.ts`).
  ticker: { livesBy: 'messages', freshMs: 10_000, darkMsMax: 60_000 },
  // The gateway tells it when it changes and once a minute: one may be late, two may not.
  funding: { livesBy: 'messages', freshMs: 120_000, darkMsMax: 180_000 },
  // A lost connection is dialled anew after 30 s at the latest, and then has to log in and subscribe.
  orders: { livesBy: 'connection', freshMs: 0, darkMsMax: 60_000 },
  positions: { livesBy: 'connection', freshMs: 0, darkMsMax: 60_000 },
};

/** How often a bot tells of its streams. */
export const STREAMS_TOLD_MS = 15_000;
