/**
 * Questions to the exported events. The engine reads the Parquet files that count now and nothing else: no other file, no
 * network, no extension, and its settings are locked. Only a SELECT is run, so nothing is written either.
 */
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBValueConverter, Json, StatementType } from '@duckdb/node-api';
import { EVENT_COLUMNS, openEngine, parquetRows, sqlText } from './duckdb.ts';
import { chainOf, listEventFiles } from './event-files.ts';
import { eventsDirOf } from './parquet-sink.ts';
import { DECIMAL_OF, VIEWS } from './views.ts';

const THREADS = 2;

/** The engine would not have it, or it is no question. The message is the engine's. */
export class QueryRefused extends Error {
  override readonly name = 'QueryRefused';
}

/** JSON as it is printed: amounts, instants and what passes 2^53 are text. */
export type Cell = Json;

export interface Answer {
  readonly columns: readonly string[];
  /** In portions, as the engine makes them; read once. Throws what goes wrong while it computes. */
  rows(): AsyncIterable<readonly (readonly Cell[])[]>;
}

export interface EventQueries {
  /** Parquet files behind the views. */
  readonly files: number;
  /** One SELECT (also WITH, FROM, VALUES, DESCRIBE, SUMMARIZE, SHOW, EXPLAIN of one). Throws `QueryRefused`. */
  ask(sql: string): Promise<Answer>;
  close(): void;
}

/** Of the files below `dir` as they are now; later ones are not seen. */
export async function openQueries(dir: string, { memoryMb }: { readonly memoryMb: number }): Promise<EventQueries> {
  const duckdb = await import('@duckdb/node-api');
  const paths: string[] = [];
  for (const files of (await listEventFiles(eventsDirOf(dir))).values())
    paths.push(...chainOf(files).files.map(({ path }) => join(eventsDirOf(dir), path)));
  const engine = await openEngine({ threads: THREADS, memoryMb });
  const { connection } = engine;
  await connection.run(`set allowed_paths = [${paths.map(sqlText).join(', ')}]`);
  await connection.run('set enable_external_access = false');
  if (paths.length === 0) await connection.run(`create table event (${EVENT_COLUMNS})`);
  else await connection.run(`create view event as select * from ${parquetRows(paths)}`);
  await connection.run(DECIMAL_OF);
  for (const [name, sql] of Object.entries(VIEWS)) await connection.run(`create view ${name} as ${sql}`);
  await connection.run('set lock_configuration = true');

  const cellOf: DuckDBValueConverter<Cell> = (value, type, converter) => {
    if (typeof value === 'bigint') return BigInt(Number(value)) === value ? Number(value) : String(value);
    if (value instanceof duckdb.DuckDBTimestampTZValue) return isoOf(value.micros);
    return duckdb.JsonDuckDBValueConverter(value, type, converter);
  };

  /** The kind of a single statement; what does not parse or bind says so. */
  async function kindOf(sql: string): Promise<StatementType> {
    const statements = await refusing(() => connection.extractStatements(sql));
    if (statements.count !== 1) throw new QueryRefused(`expected one SELECT, got ${statements.count} statements`);
    const prepared = await refusing(() => statements.prepare(0));
    const kind = prepared.statementType;
    prepared.destroySync();
    return kind;
  }

  return {
    files: paths.length,
    async ask(sql) {
      let kind = await kindOf(sql);
      // With ANALYZE it runs what it explains.
      if (kind === duckdb.StatementType.EXPLAIN) kind = await kindOf(sql.replace(/^\s*explain(\s+analyze)?\s/i, ''));
      if (kind !== duckdb.StatementType.SELECT)
        throw new QueryRefused(`expected a SELECT, was ${duckdb.StatementType[kind] ?? 'something else'}`);
      return answerOf(connection, sql, cellOf);
    },
    close: () => engine.close(),
  };
}

async function answerOf(
  connection: DuckDBConnection,
  sql: string,
  cellOf: DuckDBValueConverter<Cell>,
): Promise<Answer> {
  const result = await connection.stream(sql);
  return { columns: result.deduplicatedColumnNames(), rows: () => result.yieldConvertedRows(cellOf) };
}

async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new QueryRefused(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** ISO 8601 in UTC, to the millisecond, or to the microsecond where there is more. */
function isoOf(micros: bigint): string {
  const ms = Math.floor(Number(micros) / 1_000);
  const restUs = micros - BigInt(ms) * 1_000n;
  const iso = new Date(ms).toISOString();
  return restUs === 0n ? iso : `${iso.slice(0, -1)}${String(restUs).padStart(3, '0')}Z`;
}
