/** The embedded engine, loaded only when it is asked for: it brings 70 MB of machine code along. */
import type { DuckDBConnection } from '@duckdb/node-api';

/** Nothing is fetched or loaded from outside, whatever a query names. */
const ALONE = {
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
  allow_community_extensions: 'false',
  // Rather fail than fill the disk that journals need.
  temp_directory: '',
  preserve_insertion_order: 'true',
};

export interface EngineOptions {
  readonly threads: number;
  readonly memoryMb: number;
}

export interface Engine {
  readonly connection: DuckDBConnection;
  close(): void;
}

/** An empty database in memory. UTC, wherever it runs. */
export async function openEngine({ threads, memoryMb }: EngineOptions): Promise<Engine> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', {
    ...ALONE,
    threads: String(threads),
    memory_limit: `${memoryMb}MB`,
  });
  const connection = await instance.connect();
  await connection.run(`set timezone = 'UTC'`);
  return {
    connection,
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** `at` is a keyword of the engine: the column has a name that needs no quotes. */
export const EVENT_COLUMNS = `source varchar, sequence bigint, journal_sequence bigint, epoch bigint, cause_sequence bigint,
  stream varchar, happened_at timestamptz, correlation_id varchar, payload json`;

/** A table expression over exactly these files. */
export function parquetRows(paths: readonly string[]): string {
  return `read_parquet([${paths.map(sqlText).join(', ')}], hive_partitioning = false)`;
}
