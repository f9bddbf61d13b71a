/**
 * hb.telemetry.v1, four times a minute and when the bot leaves: what came of each stream of its symbol, measured by the process
 * around the machine on everything that it is told, journaled or not. No part of a replay.
 */
import { z } from 'zod';
import { STREAMS } from './streams.ts';

const AtMs = z.int().nonnegative();
const Ms = z.int().nonnegative();

export const StreamReport = z.object({
  stream: z.enum(STREAMS),
  messages: z.int().nonnegative(),
  /** Arrival of the newest message by our clock, and its own time by the venue's; null before one that has it. */
  newestAtMs: AtMs.nullable(),
  newestVenueAtMs: AtMs.nullable(),
  /** The last sign of life (`core/market/streams.ts`); when listening began where there was none. */
  aliveAtMs: AtMs,
  /** The most that a message was older than its arrival, by the venue's clock; null where none could be compared. */
  lagMsMax: z.int().nullable(),
  /** The longest time without a message that reached into this report's, wherever it began; and without a sign of life. */
  silentMs: Ms,
  silentFromMs: AtMs,
  darkMs: Ms,
  darkFromMs: AtMs,
  /** Of this report's time, how much was within `freshMs` of a sign of life. */
  freshMs: Ms,
  /** How often the channel was lost. */
  downs: z.int().nonnegative(),
});
export type StreamReport = z.infer<typeof StreamReport>;

/** Figures are of (fromMs, toMs]. Reports of one process follow each other without a gap. */
export const MarketStreamsEvent = z
  .object({
    type: z.literal('market_streams'),
    symbol: z.string().min(1).max(64),
    fromMs: AtMs,
    toMs: AtMs,
    /** The bot left in order: nothing more comes of this process. */
    isFinal: z.boolean(),
    /** Venue's clock less ours; null before it was measured. */
    clockOffsetMs: z.int().nullable(),
    /** Connections that were dialled anew. */
    reconnects: z.int().nonnegative(),
    streams: z.array(StreamReport).max(STREAMS.length),
  })
  .refine(({ fromMs, toMs }) => fromMs <= toMs, { path: ['toMs'], message: 'expected no earlier than fromMs' });
export type MarketStreamsEvent = z.infer<typeof MarketStreamsEvent>;

/** How every payload of this event begins, so that others need not be decoded. */
export const MARKET_STREAMS_START = '{"type":"market_streams",';
