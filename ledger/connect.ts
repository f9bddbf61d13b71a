/** Connections to Postgres, each in the role of what it is for. */
import pg from 'pg';
import type { Log } from '../core/log.ts';
import { classified } from './errors.ts';

const CONNECT_TIMEOUT_MS = 5_000;

/** `ledger/migrations` grants them: the writer only adds, the projector changes only what can be made again, the reader nothing. */
export type LedgerRole = 'desk_writer' | 'desk_projector' | 'desk_reader';

export interface PoolOptions {
  readonly databaseUrl: string;
  /** Without one, the owner: for migrations and what drops partitions. */
  readonly role?: LedgerRole;
  readonly connections: number;
  readonly log: Log;
}

/** The role has to exist: `migrate` first. */
export function createPool({ databaseUrl, role, connections, log }: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: 'desk-ledger',
    ...(role !== undefined && { options: `-c role=${role}` }),
    max: connections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    // One whose host died holds its locks no longer than this.
    idle_in_transaction_session_timeout: 30_000,
    statement_timeout: 60_000,
  });
  // A server that restarts ends idle connections; unheard, that error would end the process.
  pool.on('error', (error) => log.warn('idle Postgres connection lost', { error: error.message }));
  // One that is in use tells its query, too, and the rest of what it says comes when nobody asks any more.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Runs `work` on a connection of its own. After an error nobody asks what state it is in: it is thrown away. */
export async function withClient<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  let client: pg.PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    throw classified(error);
  }
  let failed = true;
  try {
    const result = await work(client);
    failed = false;
    return result;
  } catch (error) {
    throw classified(error);
  } finally {
    client.release(failed);
  }
}
