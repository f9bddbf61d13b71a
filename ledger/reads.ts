/** What pages and gates ask the event store. Read-only; each answer has passed a schema. */
import type { Pool, QueryResultRow } from 'pg';
import { z } from 'zod';
import type { Log } from '../core/log.ts';
import { lastSequences } from '../journal/reader.ts';
import type { EvidenceKind } from '../core/evidence/record.ts';
import { withClient } from './connect.ts';
import { classified } from './errors.ts';
import { recordOf, StoredEvidence } from './evidence/stored.ts';
import { AtMs, SafeInt } from './rows.ts';
import { countSource } from './source-counts.ts';

const Side = z.enum(['buy', 'sell']);
const Decimal = z.string().regex(/^-?\d+(\.\d+)?$/, 'expected a decimal string');

export const TelemetryPayload = z.looseObject({ equity: Decimal });
export type TelemetryPayload = z.infer<typeof TelemetryPayload>;

export const TimingsPayload = z.looseObject({ memoryRssBytes: z.number() });
export type TimingsPayload = z.infer<typeof TimingsPayload>;

const FillRow = z
  .object({
    bot: z.string(),
    sequence: SafeInt,
    at: AtMs,
    correlation_id: z.string(),
    client_order_id: z.string(),
    trade_id: z.string(),
    symbol: z.string(),
    side: Side,
    price: Decimal,
    qty: Decimal,
    fee: Decimal,
    liquidity: z.enum(['maker', 'taker']),
    realised: Decimal,
    position_after: Decimal,
    external: z.boolean(),
  })
  .transform(({ at, sequence, correlation_id, client_order_id, trade_id, position_after, ...rest }) => ({
    ...rest,
    atMs: at,
    eventSequence: sequence,
    correlationId: correlation_id,
    clientOrderId: client_order_id,
    tradeId: trade_id,
    positionAfter: position_after,
  }));
export type StoredFill = z.infer<typeof FillRow>;

const OrderRow = z
  .object({
    bot: z.string(),
    last_sequence: SafeInt,
    last_at: AtMs,
    correlation_id: z.string(),
    client_order_id: z.string(),
    symbol: z.string(),
    side: Side,
    price: Decimal,
    qty: Decimal,
    filled: Decimal,
    state: z.enum(['in_flight', 'open', 'unknown', 'closed']),
    close_reason: z.string().nullable(),
    code: z.string().nullable(),
    external: z.boolean(),
  })
  .transform(({ last_at, last_sequence, correlation_id, client_order_id, close_reason, ...rest }) => ({
    ...rest,
    atMs: last_at,
    eventSequence: last_sequence,
    correlationId: correlation_id,
    clientOrderId: client_order_id,
    closeReason: close_reason,
  }));
export type StoredOrder = z.infer<typeof OrderRow>;

const StoredRow = z.object({
  source: z.string(),
  sequence: SafeInt,
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
  /** Rows counted, not remembered, and those that retention dropped. */
  readonly storedEvents: number;
  /** Gaps that an operator accepted. */
  readonly lostEvents: number;
  /** In the journal and not in the store: on their way, or gone. */
  readonly missingEvents: number;
}

export type LedgerReads = ReturnType<typeof createLedgerReads>;

const StreamTotalRow = z
  .object({
    source: z.string(),
    stream: z.string(),
    events: SafeInt,
    last_sequence: SafeInt,
    last_journal_sequence: SafeInt,
    last_at: AtMs,
  })
  .transform((row): StreamTotal => ({
    bot: row.source,
    stream: row.stream,
    events: row.events,
    lastEventSequence: row.last_sequence,
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
          bot: row.source,
          eventSequence: row.sequence,
          atMs: row.at,
          correlationId: row.correlation_id,
          payload: payload.data,
        });
      } else {
        const error = z.prettifyError(payload.error);
        log.warn('stored event left out of a read', { bot: row.source, eventSequence: row.sequence, error });
      }
    }
    return found;
  }

  /** Each bot's newest telemetry whose payload has `key`, of its last hour. */
  function latestTelemetry<Payload>(schema: z.ZodType<Payload>, key: string): Promise<StoredEvent<Payload>[]> {
    return events(
      schema,
      `select source, sequence, at, correlation_id, payload from stream_total t cross join lateral (
         select sequence, at, correlation_id, payload from event
         where event.source = t.source and event.stream = t.stream and event.at > t.last_at - interval '1 hour'
           and payload ? $1
         order by sequence desc limit 1) last
       where t.stream = 'hb.telemetry.v1' order by source`,
      [key],
    );
  }

  return {
    /** Each bot's newest telemetry with an equity. */
    latestSnapshots: () => latestTelemetry(TelemetryPayload, 'equity'),

    /** Each bot's newest measured timings; they come between its snapshots. */
    latestTimings: () => latestTelemetry(TimingsPayload, 'placeAnswer'),

    /** Newest first. */
    recentFills: ({ bot, limit }: { bot?: string; limit: number }): Promise<StoredFill[]> =>
      rows(FillRow, 'select * from fills where $1::text is null or bot = $1 order by at desc, sequence desc limit $2', [
        bot ?? null,
        limit,
      ]),

    /** As they are now, the last changed first. Protective stops are no orders of a book and not among them. */
    recentOrders: ({ bot, limit }: { bot?: string; limit: number }): Promise<StoredOrder[]> =>
      rows(
        OrderRow,
        'select * from orders where $1::text is null or bot = $1 order by last_at desc, last_sequence desc limit $2',
        [bot ?? null, limit],
      ),

    /** Every order that is not closed, oldest first. */
    openOrders: ({ bot }: { bot?: string } = {}): Promise<StoredOrder[]> =>
      rows(
        OrderRow,
        `select * from orders where state <> 'closed' and ($1::text is null or bot = $1) order by bot, first_sequence`,
        [bot ?? null],
      ),

    /** Per bot with at least one fill. */
    async fillTotals(): Promise<{ bot: string; count: number; lastFillAtMs: number }[]> {
      const totals = await this.eventCounts();
      return totals
        .filter(({ stream }) => stream === 'hb.fill.v1')
        .map(({ bot, events: count, lastAtMs }) => ({ bot, count, lastFillAtMs: lastAtMs }));
    },

    /** At most `points` values of equity since then, by the minute, each the last one in its slice of time. */
    equityCurve({ bot, sinceMs, points }: { bot: string; sinceMs: number; points: number }) {
      return rows(
        z
          .object({ at: AtMs, equity: Decimal })
          .transform(({ at, equity }): { atMs: number; equity: string } => ({ atMs: at, equity })),
        `with span as (
           select minute as at, equity, extract(epoch from minute) as s from bot_snapshot_minute
           where bot = $1 and minute >= to_timestamp($2::double precision / 1000)),
         edges as (select min(s) as low, greatest(max(s) - min(s), 0.001) as width from span)
         select at, equity from (
           select distinct on (slice) at, equity from (
             select *, least(floor((s - low) / width * $3::int), $3::int - 1) as slice from span, edges) sliced
           order by slice, at desc) curve
         order by at`,
        [bot, sinceMs, points],
      );
    },

    /** What is stored, by bot and stream. */
    eventCounts: (): Promise<StreamTotal[]> =>
      rows(StreamTotalRow, 'select * from stream_total order by source, stream', []),

    /** The newest record of each kind about a subject, but for what rehearsals left. Unchecked. */
    async latestEvidence({ subject, kinds }: { subject: string; kinds: readonly EvidenceKind[] }) {
      const found = await rows(
        StoredEvidence,
        `select newest.* from unnest($2::text[]) as wanted(kind) cross join lateral (
           select number, record, payload_text, hash from evidence e
           where e.kind = wanted.kind and e.subject = $1 and e.key not like 'rehearsal/%'
           order by number desc limit 1) newest`,
        [subject, [...kinds]],
      );
      return found.map(recordOf);
    },

    /** Counts rows: for evidence and not for a page that refreshes. The journal must be on this host. */
    async sourceVersusStored({ bot, journalDir }: { bot: string; journalDir: string }): Promise<SourceVersusStored> {
      // The journal first: what is written meanwhile is then not missing.
      const { eventSequence } = await lastSequences(journalDir);
      const { storedEvents, acceptedLoss } = await withClient(pool, (client) =>
        countSource(client, bot, eventSequence),
      );
      return {
        bot,
        sourceEventSequence: eventSequence,
        storedEvents,
        lostEvents: acceptedLoss,
        missingEvents: eventSequence - storedEvents - acceptedLoss,
      };
    },
  };
}
