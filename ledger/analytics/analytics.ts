/**
 * The incremental export of the event store. Each sink says itself how far it holds a source; the row in `consumer_offset`
 * follows it and is moved after a batch is safe. Between the two a crash leaves the sink ahead: at the next start what lies
 * past the row is held against the store, and adopted when it is the same. A sink that lost something goes on where it ends.
 */
import type pg from 'pg';
import type { Log } from '../../core/log.ts';
import { createPool } from '../connect.ts';
import { classified, LedgerUnavailable } from '../errors.ts';
import { createClickHouseSink } from './clickhouse-sink.ts';
import { isRetired, moveOffset, readBatches, sourceEnds, storeDigest, type SourceEnd } from './event-source.ts';
import { isSameDigest, type EventSink } from './event-sink.ts';
import { createParquetSink } from './parquet-sink.ts';

/** Events of a batch at most: some 10 MB at a time. */
const BATCH_EVENTS = 20_000;

export interface AnalyticsOptions {
  readonly databaseUrl: string;
  /** `analyticsDir` of the desk's home. */
  readonly dir: string;
  readonly log: Log;
  /** A second sink beside the files. */
  readonly clickhouseUrl?: string;
  readonly batchEvents?: number;
}

export interface SinkReport {
  readonly sink: string;
  /** `busy`: another process exports to it just now. `failed`: it did not answer; what it has is whole, and nothing is lost. */
  readonly outcome: 'done' | 'busy' | 'failed';
  readonly error: string | null;
  readonly events: number;
  readonly batches: number;
  /** Sources that were left alone, since the sink holds more of them than the store. */
  readonly ahead: readonly string[];
}

export interface WatchedExport {
  readonly signal?: AbortSignal;
  /** After each batch, with how many events this run has exported to the sink. */
  readonly onBatch?: (sink: string, events: number) => void;
}

export interface Analytics {
  /**
   * Exports all that is stored now, or ends between two batches with the signal's reason. Idempotent, and safe to be killed at any instant. A sink's failure is in its report;
   * throws `LedgerUnavailable`.
   */
  ingest(watched?: WatchedExport): Promise<SinkReport[]>;
  close(): Promise<void>;
}

export function createAnalytics({ databaseUrl, dir, log, clickhouseUrl, batchEvents }: AnalyticsOptions): Analytics {
  const sinks: (() => EventSink)[] = [() => createParquetSink({ dir, log })];
  if (clickhouseUrl !== undefined) sinks.push(() => createClickHouseSink({ url: clickhouseUrl }));
  return createExport({ databaseUrl, sinks, log, ...(batchEvents !== undefined && { batchEvents }) });
}

export interface ExportOptions {
  readonly databaseUrl: string;
  /** Opened for each run: between two runs an export holds no engine and no connection. */
  readonly sinks: readonly (() => EventSink)[];
  readonly log: Log;
  readonly batchEvents?: number;
}

export function createExport({ databaseUrl, sinks, log, batchEvents = BATCH_EVENTS }: ExportOptions): Analytics {
  const readers = createPool({ databaseUrl, role: 'desk_reader', connections: 1, log });
  const movers = createPool({ databaseUrl, role: 'desk_projector', connections: 1, log });

  return {
    async ingest(watched = {}) {
      const reports: SinkReport[] = [];
      for (const open of sinks) {
        watched.signal?.throwIfAborted();
        const sink = open();
        try {
          reports.push(await exportTo(sink, watched));
        } finally {
          await sink.close();
        }
      }
      return reports;
    },
    close: async () => void (await Promise.all([readers.end(), movers.end()])),
  };

  async function exportTo(sink: EventSink, watched: WatchedExport): Promise<SinkReport> {
    const done = { events: 0, batches: 0, ahead: [] as string[] };
    const report = (outcome: SinkReport['outcome'], error: string | null = null): SinkReport => ({
      sink: sink.name,
      outcome,
      error,
      ...done,
    });
    const holder = await connect(movers);
    try {
      if (!(await takeTurn(holder, sink.name))) return report('busy');
      await sink.recover();
      for (const end of await sourceEnds(readers, sink.name)) {
        const start = await startOf(sink, end, holder);
        if (start === null) done.ahead.push(end.source);
        else await exportSource(sink, { ...end, start }, holder, done, watched);
      }
      await sink.compact();
      return report('done');
    } catch (error) {
      watched.signal?.throwIfAborted();
      if (error instanceof LedgerUnavailable) throw error;
      const message = error instanceof Error ? error.message : String(error);
      log.error('events not exported', { sink: sink.name, error: message });
      return report('failed', message);
    } finally {
      // With its connection the turn ends, too.
      holder.release(true);
    }
  }

  async function exportSource(
    sink: EventSink,
    { source, start, stored }: SourceEnd & { readonly start: number },
    holder: pg.PoolClient,
    done: { events: number; batches: number },
    { signal, onBatch }: WatchedExport,
  ): Promise<void> {
    let position = start;
    while (position < stored) {
      const batches = await readBatches(readers, source, position, stored, batchEvents);
      // Accepted losses at the end go with the first event after them.
      if (batches.length === 0) return;
      for (const batch of batches) {
        signal?.throwIfAborted();
        await sink.write(batch);
        await move(holder, sink.name, source, batch.to);
        position = batch.to;
        done.events += batch.events.length;
        done.batches += 1;
        onBatch?.(sink.name, done.events);
      }
    }
  }

  /** Where the export of a source goes on; null where the store has first to catch up. */
  async function startOf(
    sink: EventSink,
    { source, stored, offset }: SourceEnd,
    holder: pg.PoolClient,
  ): Promise<number | null> {
    const position = await sink.position(source);
    const where = { sink: sink.name, source, position, offset, stored };
    if (position > stored) {
      log.warn('sink holds more than the event store', where);
      return null;
    }
    if (position === offset) return position;
    if (position < offset) {
      log.warn('sink lost events, exported again', where);
      await move(holder, sink.name, source, position);
      return position;
    }
    const [held, wanted] = [
      await sink.digest(source, offset, position),
      await storeDigest(readers, source, offset, position),
    ];
    if (held !== null && (isSameDigest(held, wanted) || (await isRetired(readers, source, offset, position)))) {
      log.info('batch of an interrupted export adopted', where);
      await move(holder, sink.name, source, position);
      return position;
    }
    log.error('sink and event store differ, exported again', { ...where, held, wanted });
    await sink.cutBack(source, offset);
    return sink.position(source);
  }
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw classified(error);
  }
}

/** Held by the connection: it is free as soon as its process is dead. */
async function takeTurn(holder: pg.PoolClient, sink: string): Promise<boolean> {
  const { rows } = await inStore(() =>
    holder.query<{ mine: boolean }>('select pg_try_advisory_lock(hashtext($1)) as mine', [`analytics/${sink}`]),
  );
  return rows[0]?.mine === true;
}

/** On the connection that holds the turn: who lost it moves nothing any more. */
function move(holder: pg.PoolClient, sink: string, source: string, to: number): Promise<void> {
  return inStore(() => moveOffset(holder, sink, source, to));
}

async function inStore<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw classified(error);
  }
}
