/** What pages and gates ask the event store. Read-only; each answer has passed a schema. */
import type { Pool, QueryResultRow } from 'pg';
import { z } from 'zod';
import type { Log } from '../core/log.ts';
import { lastSequences } from '../journal/reader.ts';
import { classified } from './errors.ts';
import { AtMs, SafeInt } from './rows.ts';

const Decimal = z.string().regex(/^-?\d+(\.\d+)?$/, 'expected a decimal string');

export const TelemetryPayload = z.looseObject({ equity: Decimal });
export type TelemetryPayload = z.infer<typeof TelemetryPayload>;

export const TimingsPayload = z.looseObject({ memoryRssBytes: z.number() });
export type TimingsPayload = z.infer<typeof TimingsPayload>;

export const FillPayload = z.looseObject({
  clientOrderId: z.string(),
  tradeId: z.string(),
  side: z.enum(['buy', 'sell']),
  price: Decimal,
  qty: Decimal,
  fee: Decimal,
  liquidity: z.string(),
  atMs: z.number(),
});
export type FillPayload = z.infer<typeof FillPayload>;

export const OrderPayload = z.looseObject({
  clientOrderId: z.string(),
  state: z.enum(['in_flight', 'open', 'unknown', 'closed']),
});
export type OrderPayload = z.infer<typeof OrderPayload>;

const StoredRow = z.object({
  bot: z.string(),
  event_sequence: SafeInt,
  at: AtMs,
  correlation_id: z.string(),
  payload: z.unknown(),
});

export interface StoredEvent<Payload> {
  readonly bot: string;
  readonly eventSequence: number;
  readonly atMs: number;
  readonly correlationId: string;
  readonly payload: Payload;
}

export interface StreamTotal {
  readonly bot: string;
  readonly stream: string;
  readonly events: number;
  readonly lastEventSequence: number;
  readonly lastJournalSequence: number;
  readonly lastAtMs: number;
}

/** A journal held against what is stored of it. Equal when `missing` is 0. */
export interface SourceVersusStored {
  readonly bot: string;
  readonly sourceEventSequence: number;
  readonly storedEventSequence: number;
  /** Rows counted, not remembered. */
  readonly storedEvents: number;
  /** Gaps that an operator accepted. */
  readonly lostEvents: number;
  /** In the journal and not in the store: on their way, or gone. */
  readonly missingEvents: number;
}

export type LedgerReads = ReturnType<typeof createLedgerReads>;

const StreamTotalRow = z
  .object({
    bot: z.string(),
    stream: z.string(),
    events: SafeInt,
    last_event_sequence: SafeInt,
    last_journal_sequence: SafeInt,
    last_at: AtMs,
  })
  .transform((row): StreamTotal => ({
    bot: row.bot,
    stream: row.stream,
    events: row.events,
    lastEventSequence: row.last_event_sequence,
    lastJournalSequence: row.last_journal_sequence,
    lastAtMs: row.last_at,
  }));

/** Each one throws `LedgerUnavailable` while Postgres is away, and a ZodError when a row is not what it should be. */
export function createLedgerReads(pool: Pool, log: Log) {
  async function rows<Row>(schema: z.ZodType<Row>, sql: string, values: readonly unknown[]): Promise<Row[]> {
    let found: QueryResultRow[];
    try {
      found = (await pool.query<QueryResultRow>(sql, [...values])).rows;
    } catch (error) {
      throw classified(error);
    }
    return z.array(schema).parse(found);
  }

  /** A payload that does not fit is left out and said so: one strange event must not close a page. */
  async function events<Payload>(
    schema: z.ZodType<Payload>,
    sql: string,
    values: readonly unknown[],
  ): Promise<StoredEvent<Payload>[]> {
    const found: StoredEvent<Payload>[] = [];
    for (const row of await rows(StoredRow, sql, values)) {
      const payload = schema.safeParse(row.payload);
      if (payload.success) {
        found.push({
          bot: row.bot,
          eventSequence: row.event_sequence,
          atMs: row.at,
          correlationId: row.correlation_id,
          payload: payload.data,
        });
      } else {
        const error = z.prettifyError(payload.error);
        log.warn('stored event left out of a read', { bot: row.bot, eventSequence: row.event_sequence, error });
      }
    }
    return found;
  }

  const COLUMNS = 'bot, event_sequence, at, correlation_id, payload';

  /** The last `limit` of a stream, newest first: each bot's own page of the index, then the newest of those. */
  function recent<Payload>(
    schema: z.ZodType<Payload>,
    stream: string,
    { bot, limit }: { bot?: string; limit: number },
    where = 'true',
  ): Promise<StoredEvent<Payload>[]> {
    return events(
      schema,
      `select ${COLUMNS} from stream_total t cross join lateral (
         select event_sequence, at, correlation_id, payload from event
         where event.bot = t.bot and event.stream = t.stream and ${where} order by event_sequence desc limit $2) last
       where t.stream = $1 and ($3::text is null or t.bot = $3)
       order by at desc, event_sequence desc limit $2`,
      [stream, limit, bot ?? null],
    );
  }

  /** Each bot's newest telemetry whose payload has `key`. */
  function latestTelemetry<Payload>(schema: z.ZodType<Payload>, key: string): Promise<StoredEvent<Payload>[]> {
    return events(
      schema,
      `select ${COLUMNS} from stream_total t cross join lateral (
         select event_sequence, at, correlation_id, payload from event
         where event.bot = t.bot and event.stream = t.stream and payload ? $1
         order by event_sequence desc limit 1) last
       where t.stream = 'hb.telemetry.v1' order by bot`,
      [key],
    );
  }

  return {
    /** Each bot's newest telemetry with an equity. */
    latestSnapshots: () => latestTelemetry(TelemetryPayload, 'equity'),

    /** Each bot's newest measured timings; they come between its snapshots. */
    latestTimings: () => latestTelemetry(TimingsPayload, 'placeAnswer'),

    recentFills: (options: { bot?: string; limit: number }) => recent(FillPayload, 'hb.fill.v1', options),

    /** Protective stops share the stream and are left out. */
    recentOrders: (options: { bot?: string; limit: number }) =>
      recent(OrderPayload, 'hb.order.v1', options, `event.payload->>'type' is distinct from 'stop'`),

    /** The latest state of every order that is not closed, oldest first. */
    openOrders: ({ bot }: { bot?: string } = {}): Promise<StoredEvent<OrderPayload>[]> =>
      events(
        OrderPayload,
        `select ${COLUMNS} from open_order where $1::text is null or bot = $1 order by bot, event_sequence`,
        [bot ?? null],
      ),

    /** Per bot with at least one fill. */
    async fillTotals(): Promise<{ bot: string; count: number; lastFillAtMs: number }[]> {
      const totals = await this.eventCounts();
      return totals
        .filter(({ stream }) => stream === 'hb.fill.v1')
        .map(({ bot, events: count, lastAtMs }) => ({ bot, count, lastFillAtMs: lastAtMs }));
    },

    /** At most `points` values of equity since then, each the last one in its slice of time. */
    equityCurve({ bot, sinceMs, points }: { bot: string; sinceMs: number; points: number }) {
      return rows(
        z
          .object({ at: AtMs, equity: Decimal })
          .transform(({ at, equity }): { atMs: number; equity: string } => ({ atMs: at, equity })),
        `with span as (
           select at, event_sequence, payload->>'equity' as equity, extract(epoch from at) as s from event
           where bot = $1 and stream = 'hb.telemetry.v1' and at >= to_timestamp($2::double precision / 1000) and payload ? 'equity'),
         edges as (select min(s) as low, greatest(max(s) - min(s), 0.001) as width from span)
         select at, equity from (
           select distinct on (slice) at, equity from (
             select *, least(floor((s - low) / width * $3::int), $3::int - 1) as slice from span, edges) sliced
           order by slice, at desc, event_sequence desc) curve
         order by at`,
        [bot, sinceMs, points],
      );
    },

    /** What is stored, by bot and stream. */
    eventCounts: (): Promise<StreamTotal[]> =>
      rows(StreamTotalRow, 'select * from stream_total order by bot, stream', []),

    /** Counts rows: for evidence and not for a page that refreshes. The journal must be on this host. */
    async sourceVersusStored({ bot, journalDir }: { bot: string; journalDir: string }): Promise<SourceVersusStored> {
      // The journal first: what is written meanwhile is then not missing.
      const source = await lastSequences(journalDir);
      const [counted] = await rows(
        z.object({ events: SafeInt, last: SafeInt, lost: SafeInt }),
        `select (select count(*) from event where bot = $1 and event_sequence <= $2) as events,
                (select coalesce(max(event_sequence), 0) from event where bot = $1) as last,
                (select coalesce(sum(least(to_event_sequence, $2) - from_event_sequence + 1), 0) from journal_loss
                 where bot = $1 and from_event_sequence <= $2) as lost`,
        [bot, source.eventSequence],
      );
      const { events: stored, last, lost } = counted ?? { events: 0, last: 0, lost: 0 };
      return {
        bot,
        sourceEventSequence: source.eventSequence,
        storedEventSequence: last,
        storedEvents: stored,
        lostEvents: lost,
        missingEvents: source.eventSequence - stored - lost,
      };
    },
  };
}
