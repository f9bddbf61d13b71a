import { localDatabaseUrl } from '../stack/postgres.ts';
import { readPorts } from '../stack/ports.ts';
import type { Context } from './context.ts';

/** `DATABASE_URL`, or the desk's own Postgres as it was last started; null before the first start. */
export function databaseUrl({ env, home }: Context): string | null {
  const port = readPorts(home)?.postgres;
  return env['DATABASE_URL'] ?? (port === undefined ? null : localDatabaseUrl(home, port));
}
