/** Every waiting time and pace of the streams, in one place; tests shorten them. */
export interface StreamTiming {
  /** Bitget drops a client that does not say `ping` for two minutes, and expects it every 30 s. */
  readonly pingEveryMs: number;
  /** A `ping` without an answer for this long: the connection is dead, whatever the operating system says. */
  readonly pongWithinMs: number;
  /** How often deadlines are looked at. */
  readonly pulseMs: number;
  /** Dialling, TLS and upgrade. */
  readonly connectWithinMs: number;
  /** The answer to a login or a subscription. */
  readonly answerWithinMs: number;
  /** The first book or ticker after its acknowledgement: a wrong product type is acknowledged and stays silent. */
  readonly firstFrameWithinMs: number;
  /**
   * A book pushes every 50 to 100 ms while its market moves; a quiet market is silent, and only a new snapshot tells
   * it from a channel that died. One that proves to be quiet is given twice the time, up to `bookQuietMsMax`.
   */
  readonly bookQuietMs: number;
  readonly bookQuietMsMax: number;
  /** A ticker comes about every 105 ms, traded or not. */
  readonly tickerQuietMs: number;
  /** A connection or subscription that held this long counts as healthy. */
  readonly stableMs: number;
  /**
   * Connections of this process, whatever the back-off says: the venue allows 300 in 5 minutes and address, for all
   * processes of a machine together.
   */
  readonly connects: { readonly atOnce: number; readonly perSecond: number };
  readonly connectBackoffMs: { readonly minMs: number; readonly maxMs: number };
  /** After a refused login: keys do not get better by asking often. */
  readonly loginBackoffMs: { readonly minMs: number; readonly maxMs: number };
  /** What is saved up of the hourly subscriptions bounds it as well; this is how long a bot may be without a book for nothing. */
  readonly subscribeBackoffMs: { readonly minMs: number; readonly maxMs: number };
}

export const STREAM_TIMING: StreamTiming = {
  pingEveryMs: 10_000,
  pongWithinMs: 20_000,
  pulseMs: 500,
  connectWithinMs: 10_000,
  answerWithinMs: 10_000,
  firstFrameWithinMs: 10_000,
  bookQuietMs: 30_000,
  bookQuietMsMax: 480_000,
  tickerQuietMs: 60_000,
  stableMs: 60_000,
  connects: { atOnce: 20, perSecond: 0.1 },
  connectBackoffMs: { minMs: 1_000, maxMs: 30_000 },
  loginBackoffMs: { minMs: 15_000, maxMs: 300_000 },
  subscribeBackoffMs: { minMs: 1_000, maxMs: 15_000 },
};
