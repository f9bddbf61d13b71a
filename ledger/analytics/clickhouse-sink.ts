/**
 * Events in a ClickHouse table, for desks that run one. An event is its (source, sequence): a row that came twice, because an
 * insert that was given up went through after all, is one row of the view `event` and of every `final` query. An insert's
 * deduplication token would add nothing and could swallow a range that was cut back and written again.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import { invariant } from '../../core/invariant.ts';
import type { EventBatch, EventDigest, EventSink, ExportedEvent } from './event-sink.ts';

const REQUEST_TIMEOUT_MS = 60_000;

/** A batch is of one day, so of one partition: its insert makes one part, or none. */
const TABLE = `create table if not exists desk_event (
  source LowCardinality(String), sequence Int64, journal_sequence Int64, epoch Int64, cause_sequence Int64,
  stream LowCardinality(String), happened_at DateTime64(6, 'UTC'), correlation_id String, payload String codec(ZSTD(3))
) engine = ReplacingMergeTree partition by toYYYYMM(happened_at) order by (source, sequence)`;

const VIEW = 'create view if not exists event as select * from desk_event final';

export interface ClickHouseSinkOptions {
  /** With user, password and database where they are needed: `https://user:password@host:8443/desk`. */
  readonly url: string;
}

export function createClickHouseSink({ url }: ClickHouseSinkOptions): EventSink {
  let opened: Promise<ClickHouseClient> | null = null;

  async function open(): Promise<ClickHouseClient> {
    const { createClient, ClickHouseLogLevel } = await import('@clickhouse/client');
    return createClient({
      url,
      application: 'tempodesk',
      request_timeout: REQUEST_TIMEOUT_MS,
      // What fails is thrown, too, and told in the export's report.
      log: { level: ClickHouseLogLevel.OFF },
      // An answer is an end: nothing is buffered on the server, and its rows come in their order.
      clickhouse_settings: { async_insert: 0, wait_end_of_query: 1, max_insert_threads: '1' },
    });
  }

  const client = (): Promise<ClickHouseClient> => (opened ??= open());

  async function rowsOf<T>(query: string, query_params: Record<string, unknown>): Promise<T[]> {
    const result = await (await client()).query({ query, query_params, format: 'JSONEachRow' });
    return result.json<T>();
  }

  async function position(source: string): Promise<number> {
    const rows = await rowsOf<{ sequence: string }>(
      `select toString(sequence) as sequence from desk_event where source = {source:String}
       order by desk_event.sequence desc limit 1`,
      { source },
    );
    return Number(rows[0]?.sequence ?? 0);
  }

  return {
    name: 'clickhouse',
    async recover() {
      for (const query of [TABLE, VIEW]) await (await client()).command({ query });
    },
    position,
    async write(batch: EventBatch) {
      const end = await position(batch.source);
      if (batch.to <= end) return;
      invariant(batch.from === end + 1, 'batches of a source follow each other');
      const values = batch.events.map((event) => rowOf(batch.source, event));
      await (await client()).insert({ table: 'desk_event', values, format: 'JSONEachRow' });
    },
    async digest(source, after, to) {
      const rows = await rowsOf<EventDigest>(
        `select toString(count()) as events, toString(sum(toInt128(sequence))) as sequenceSum,
           toString(sum(toInt128(journal_sequence))) as journalSequenceSum,
           toString(sum(toInt128(toUnixTimestamp64Micro(happened_at)))) as atUsSum,
           toString(sum(length(payload))) as payloadBytes
         from desk_event final
         where source = {source:String} and sequence > {after:Int64} and sequence <= {to:Int64}`,
        { source, after, to },
      );
      invariant(rows[0] !== undefined, 'an aggregate has a row');
      return rows[0];
    },
    async cutBack(source, after) {
      await (
        await client()
      ).command({
        query: 'alter table desk_event delete where source = {source:String} and sequence > {after:Int64}',
        query_params: { source, after },
        clickhouse_settings: { mutations_sync: '2' },
      });
    },
    // The server merges by itself.
    compact: async () => {},
    async close() {
      await (await opened)?.close();
      opened = null;
    },
  };
}

function rowOf(source: string, event: ExportedEvent): Record<string, string> {
  return {
    source,
    sequence: String(event.sequence),
    journal_sequence: String(event.journalSequence),
    epoch: String(event.epoch),
    cause_sequence: String(event.causeSequence),
    stream: event.stream,
    happened_at: dateTime64(event.atUs),
    correlation_id: event.correlationId,
    payload: event.payload,
  };
}

/** YYYY-MM-DD hh:mm:ss.ffffff in UTC. */
function dateTime64(atUs: bigint): string {
  const atMs = Math.floor(Number(atUs) / 1_000);
  const restUs = String(atUs - BigInt(atMs) * 1_000n).padStart(3, '0');
  return `${new Date(atMs).toISOString().slice(0, -1).replace('T', ' ')}${restUs}`;
}
