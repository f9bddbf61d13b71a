/** The event store as an export reads it, and how far each consumer has come. */
import type pg from 'pg';
import { withClient } from '../connect.ts';
import type { EventBatch, EventDigest, ExportedEvent } from './event-sink.ts';

export interface SourceEnd {
  readonly source: string;
  /** The last sequence that the store holds with all before it. */
  readonly stored: number;
  /** What the consumer's row says; 0 without one. */
  readonly offset: number;
}

export async function sourceEnds(pool: pg.Pool, consumer: string): Promise<SourceEnd[]> {
  const { rows } = await withClient(pool, (client) =>
    client.query<{ source: string; stored: string; told: string }>(
      `select o.source, o.sequence as stored, coalesce(c.sequence, 0) as told from journal_offset o
       left join consumer_offset c on c.consumer = $1 and c.source = o.source order by o.source`,
      [consumer],
    ),
  );
  return rows.map(({ source, stored, told }) => ({ source, stored: Number(stored), offset: Number(told) }));
}

/** Needs `desk_projector`. */
export async function moveOffset(client: pg.ClientBase, consumer: string, source: string, to: number): Promise<void> {
  await client.query(
    `insert into consumer_offset (consumer, source, sequence) values ($1, $2, $3)
     on conflict (consumer, source) do update set sequence = excluded.sequence, updated_at = clock_timestamp()`,
    [consumer, source, to],
  );
}

interface EventRow {
  readonly sequence: string;
  readonly journal_sequence: string;
  readonly epoch: string;
  readonly cause_sequence: string;
  readonly stream: string;
  readonly at_us: string;
  readonly correlation_id: string;
  readonly payload: string;
}

/** The next events after `after` up to `to`, at most `eventsMax`, cut where the UTC day changes; none where all are lost. */
export async function readBatches(
  pool: pg.Pool,
  source: string,
  after: number,
  to: number,
  eventsMax: number,
): Promise<EventBatch[]> {
  const { rows } = await withClient(pool, (client) =>
    client.query<EventRow>(
      `select sequence, journal_sequence, epoch, cause_sequence, stream,
         (extract(epoch from at) * 1000000)::bigint as at_us, correlation_id, payload::text as payload
       from event where source = $1 and sequence > $2 and sequence <= $3 order by sequence limit $4`,
      [source, after, to, eventsMax],
    ),
  );
  return cutAtDays(source, after, rows.map(eventOf));
}

function eventOf(row: EventRow): ExportedEvent {
  return {
    sequence: BigInt(row.sequence),
    journalSequence: BigInt(row.journal_sequence),
    epoch: BigInt(row.epoch),
    causeSequence: BigInt(row.cause_sequence),
    stream: row.stream,
    atUs: BigInt(row.at_us),
    correlationId: row.correlation_id,
    payload: row.payload,
  };
}

/** `events` follow `after` in sequence. A clock that was set back starts another batch, like midnight. */
export function cutAtDays(source: string, after: number, events: readonly ExportedEvent[]): EventBatch[] {
  const batches: EventBatch[] = [];
  let start = 0;
  let from = after + 1;
  for (let index = 0; index < events.length; index += 1) {
    const event = events[index]!;
    const next = events[index + 1];
    if (next !== undefined && dayNumber(next.atUs) === dayNumber(event.atUs)) continue;
    const to = Number(event.sequence);
    batches.push({ source, from, to, day: utcDay(event.atUs), events: events.slice(start, index + 1) });
    start = index + 1;
    from = to + 1;
  }
  return batches;
}

const DAY_US = 86_400_000_000;

function dayNumber(atUs: bigint): number {
  return Math.floor(Number(atUs) / DAY_US);
}

function utcDay(atUs: bigint): string {
  return new Date(Math.floor(Number(atUs) / 1_000)).toISOString().slice(0, 10);
}

export async function storeDigest(pool: pg.Pool, source: string, after: number, to: number): Promise<EventDigest> {
  const { rows } = await withClient(pool, (client) =>
    client.query<{ [K in keyof EventDigest]: string }>(
      `select count(*) as "events", coalesce(sum(sequence), 0) as "sequenceSum",
         coalesce(sum(journal_sequence), 0) as "journalSequenceSum",
         coalesce(sum((extract(epoch from at) * 1000000)::bigint), 0) as "atUsSum",
         coalesce(sum(octet_length(payload::text)), 0) as "payloadBytes"
       from event where source = $1 and sequence > $2 and sequence <= $3`,
      [source, after, to],
    ),
  );
  return rows[0]!;
}

/** Whether retention took some of these events: then the store can no longer say what they were. */
export async function isRetired(pool: pg.Pool, source: string, after: number, to: number): Promise<boolean> {
  const { rowCount } = await withClient(pool, (client) =>
    client.query('select from event_retired where source = $1 and to_sequence > $2 and from_sequence <= $3 limit 1', [
      source,
      after,
      to,
    ]),
  );
  return rowCount === 1;
}
