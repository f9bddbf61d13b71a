import { readdirSync } from 'node:fs';
import type { ClientBase } from 'pg';
import type { Log } from '../core/log.ts';
import { LedgerNewer } from './errors.ts';

const MIGRATIONS_TABLE = 'schema_migration';

/**
 * Brings the database up to this code's schema: each file of `migrationsDir` once, in order, in a transaction of its own.
 * Several processes may do it at once; they wait for each other. Throws `LedgerNewer`.
 */
export async function migrate(client: ClientBase, migrationsDir: string, log: Log): Promise<void> {
  const known = new Set(
    readdirSync(migrationsDir)
      .filter((name) => name.endsWith('.sql'))
      .map((name) => name.slice(0, -'.sql'.length)),
  );
  const applied = await appliedMigrations(client);
  const unknown = applied.filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new LedgerNewer(`the database has migrations that this version does not know: ${unknown.join(', ')}`);
  }
  if (applied.length === known.size) return;
  // Loaded only when there is something to do: it brings a TypeScript loader along.
  const { runner } = await import('node-pg-migrate');
  const silent = (): void => {};
  const done = await runner({
    dbClient: client,
    dir: migrationsDir,
    direction: 'up',
    migrationsTable: MIGRATIONS_TABLE,
    singleTransaction: false,
    advisoryLockMode: 'wait',
    logger: {
      debug: silent,
      info: silent,
      warn: (text: string) => log.warn('migration', { text }),
      error: (text: string) => log.error('migration', { text }),
    },
  });
  for (const { name } of done) log.info('database migrated', { migration: name });
}

async function appliedMigrations(client: ClientBase): Promise<string[]> {
  const table = await client.query<{ known: string | null }>('select to_regclass($1) as known', [MIGRATIONS_TABLE]);
  if (table.rows[0]?.known === null) return [];
  const { rows } = await client.query<{ name: string }>(`select name from ${MIGRATIONS_TABLE} order by id`);
  return rows.map(({ name }) => name);
}
