/**
 * Events as Parquet files (zstd) below `<dir>/events`. A file is written under another name, made durable and renamed: what
 * `event-files.ts` lists is whole, whenever the process dies. The files themselves say how far they reach.
 */
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { invariant } from '../../core/invariant.ts';
import type { Log } from '../../core/log.ts';
import { openEngine, parquetRows, sqlText, type Engine } from './duckdb.ts';
import {
  chainOf,
  endOf,
  eventFile,
  listEventFiles,
  planMerges,
  type EventFile,
  type FileChain,
} from './event-files.ts';
import type { EventBatch, EventDigest, EventSink } from './event-sink.ts';

/** Bots trade on this machine: the export takes one core and little memory. */
const ENGINE = { threads: 1, memoryMb: 512 };
/** A merged file's range; about 100 MB of payload. */
const MERGED_EVENTS_MAX = 1_000_000;
/** Others may have work in the same process: 1,000 rows are some milliseconds. */
const ROWS_A_TURN = 1_000;
/** Queries that began before a merge still read its parts. */
const PARTS_KEPT_MS = 600_000;

const STAGE = `create or replace temp table stage (sequence bigint, journal_sequence bigint, epoch bigint,
  cause_sequence bigint, stream varchar, at_us bigint, correlation_id varchar, payload varchar)`;

export interface ParquetSinkOptions {
  readonly dir: string;
  readonly log: Log;
  readonly mergedEventsMax?: number;
  readonly partsKeptMs?: number;
}

export function eventsDirOf(dir: string): string {
  return join(dir, 'events');
}

export function createParquetSink({
  dir,
  log,
  mergedEventsMax = MERGED_EVENTS_MAX,
  partsKeptMs = PARTS_KEPT_MS,
}: ParquetSinkOptions): EventSink {
  const eventsDir = eventsDirOf(dir);
  const unfinishedDir = join(dir, 'unfinished');
  const refusedDir = join(dir, 'refused');
  const ends = new Map<string, number>();
  let engine: Promise<Engine> | null = null;

  async function connection(): Promise<Engine['connection']> {
    return (await (engine ??= openEngine(ENGINE))).connection;
  }

  async function chain(source: string): Promise<FileChain> {
    return chainOf((await listEventFiles(eventsDir)).get(source) ?? []);
  }

  async function position(source: string): Promise<number> {
    const end = endOf(await chain(source));
    ends.set(source, end);
    return end;
  }

  /** Makes `file` of a query's rows, all at once and for good; as many as `events`, where that is known. */
  async function publish(file: EventFile, rows: string, events: number | null): Promise<void> {
    const duckdb = await connection();
    const unfinished = join(unfinishedDir, `${process.pid}-${basename(file.path)}`);
    const target = join(eventsDir, file.path);
    const result = await duckdb.run(
      `copy (${rows}) to ${sqlText(unfinished)} (format parquet, compression zstd, use_tmp_file false)`,
    );
    invariant(events === null || result.rowsChanged === events, 'a file holds every event that it was made of');
    await sync(unfinished);
    if ((await mkdir(dirname(target), { recursive: true })) !== undefined) await sync(eventsDir);
    await rename(unfinished, target);
    await sync(dirname(target));
  }

  async function write({ source, from, to, day, events }: EventBatch): Promise<void> {
    const end = ends.get(source) ?? (await position(source));
    if (to <= end) return;
    invariant(from === end + 1, 'batches of a source follow each other');
    const duckdb = await connection();
    await duckdb.run(STAGE);
    const appender = await duckdb.createAppender('stage');
    for (const [at, event] of events.entries()) {
      if (at % ROWS_A_TURN === 0) await nextTurn();
      appender.appendBigInt(event.sequence);
      appender.appendBigInt(event.journalSequence);
      appender.appendBigInt(event.epoch);
      appender.appendBigInt(event.causeSequence);
      appender.appendVarchar(event.stream);
      appender.appendBigInt(event.atUs);
      appender.appendVarchar(event.correlationId);
      appender.appendVarchar(event.payload);
      appender.endRow();
    }
    appender.closeSync();
    await publish(
      eventFile(day, source, from, to),
      `select ${sqlText(source)} as source, sequence, journal_sequence, epoch, cause_sequence, stream,
         make_timestamptz(at_us) as happened_at, correlation_id, payload::json as payload from stage`,
      events.length,
    );
    ends.set(source, to);
  }

  async function digest(source: string, after: number, to: number): Promise<EventDigest | null> {
    const files = (await chain(source)).files.filter((file) => file.to > after && file.from <= to);
    const paths = files.map(({ path }) => join(eventsDir, path));
    const duckdb = await connection();
    try {
      const reader = await duckdb.runAndReadAll(
        `select count(*)::varchar as "events", coalesce(sum(sequence), 0)::varchar as "sequenceSum",
           coalesce(sum(journal_sequence), 0)::varchar as "journalSequenceSum",
           coalesce(sum(epoch_us(happened_at)), 0)::varchar as "atUsSum",
           coalesce(sum(strlen(payload::varchar)), 0)::varchar as "payloadBytes"
         from ${parquetRows(paths)} where sequence > ${after} and sequence <= ${to}`,
      );
      return reader.getRowObjectsJson()[0] as unknown as EventDigest;
    } catch (error) {
      log.error('Parquet file not readable', { paths, error: error instanceof Error ? error.message : String(error) });
      return null;
    }
  }

  /** Set aside and not deleted: they may be all that is left of something. */
  async function cutBack(source: string, after: number): Promise<void> {
    const { files, others } = await chain(source);
    await mkdir(refusedDir, { recursive: true });
    for (const file of [...files, ...others].filter(({ to }) => to > after)) {
      await rename(join(eventsDir, file.path), join(refusedDir, `${Date.now()}-${basename(file.path)}`));
      await sync(join(eventsDir, file.day));
      log.warn('Parquet file set aside', { file: file.path, dir: refusedDir });
    }
    ends.delete(source);
  }

  async function compact(): Promise<void> {
    for (const [source, files] of await listEventFiles(eventsDir)) {
      const found = chainOf(files);
      for (const part of found.others) await removeCovered(part, found);
      for (const parts of planMerges(found, mergedEventsMax)) {
        const [first, last] = [parts[0]!, parts.at(-1)!];
        const paths = parts.map(({ path }) => join(eventsDir, path));
        const merged = eventFile(first.day, source, first.from, last.to);
        await publish(merged, `select * from ${parquetRows(paths)}`, await countOf(paths));
        log.info('Parquet files merged', { file: merged.path, parts: parts.length });
      }
    }
  }

  async function countOf(paths: readonly string[]): Promise<number> {
    const duckdb = await connection();
    const reader = await duckdb.runAndReadAll(`select count(*)::integer as events from ${parquetRows(paths)}`);
    return Number(reader.getRowObjectsJson()[0]?.['events']);
  }

  /** Behind a gap a file stays: the gap may be filled so that it counts again. */
  async function removeCovered(part: EventFile, { files }: FileChain): Promise<void> {
    const over = files.filter(({ from, to }) => from <= part.to && part.from <= to);
    if (over.length === 0 || part.to > endOf({ files, others: [] })) return;
    const ages = await Promise.all(over.map(async ({ path }) => (await stat(join(eventsDir, path))).mtimeMs));
    if (Date.now() - Math.max(...ages) < partsKeptMs) return;
    await rm(join(eventsDir, part.path), { force: true });
  }

  return {
    name: 'parquet',
    async recover() {
      await rm(unfinishedDir, { recursive: true, force: true });
      await mkdir(unfinishedDir, { recursive: true });
      await mkdir(eventsDir, { recursive: true });
    },
    position,
    write,
    digest,
    cutBack,
    compact,
    async close() {
      (await engine)?.close();
      engine = null;
    },
  };
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
