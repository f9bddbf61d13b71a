/** Event stores of a bench's own, on the Postgres that `DATABASE_URL` names: nothing can be taken out of one that has events. */
import { resolve } from 'node:path';
import pg from 'pg';
import { SILENT } from '../../core/log.ts';
import { createJournalShipper } from '../../ledger/journal-shipper.ts';
import { createLedger } from '../../ledger/ledger.ts';

const databaseUrl = process.env['DATABASE_URL'];
if (databaseUrl === undefined) throw new Error('DATABASE_URL: expected a Postgres to measure against, was not set');
// Started from the project's folder, as all benches are.
const migrationsDir = resolve('ledger/migrations');
const SHIPPED_WITHIN_MS = 600_000;

const prefix = `desk_bench_${process.pid}`;
const admin = new pg.Client({ connectionString: databaseUrl });

function urlOf(name: string): string {
  const url = new URL(databaseUrl!);
  url.pathname = `/${name}`;
  return url.href;
}

async function withClient<T>(name: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: urlOf(name) });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/**
 * Runs `use` with a migrated store that is empty but for the partitions of `days` (UTC, as `2026-03-01`): `withStore` makes a
 * copy of it for as long as its work takes. All of them are dropped at the end.
 */
export async function withStores(days: readonly string[], use: () => Promise<void>): Promise<void> {
  await admin.connect();
  try {
    await admin.query(`create database ${prefix}`);
    const ledger = createLedger({ databaseUrl: urlOf(prefix), migrationsDir, log: SILENT });
    await ledger.migrate();
    await ledger.close();
    await withClient(prefix, async (client) => {
      for (const day of days) await client.query('select ensure_event_day($1)', [day]);
    });
    await use();
  } finally {
    await admin.query(`drop database if exists ${prefix} with (force)`);
    await admin.end();
  }
}

/** `client` is the superuser's. */
export async function withStore(use: (client: pg.Client, url: string) => Promise<void>): Promise<void> {
  const name = `${prefix}_run`;
  await admin.query(`create database ${name} template ${prefix}`);
  try {
    await withClient(name, async (client) => {
      await client.query('checkpoint');
      await use(client, urlOf(name));
    });
  } finally {
    await admin.query(`drop database ${name} with (force)`);
  }
}

/** Ships all that lies in `journalsDir`; answers how long that took, and how much of it on this side. */
export async function shipAll(url: string, journalsDir: string): Promise<{ tookMs: number; cpuMs: number }> {
  const ledger = createLedger({ databaseUrl: url, migrationsDir, log: SILENT });
  const shipper = createJournalShipper({ ledger, journalsDir, log: SILENT });
  try {
    const cpu = process.cpuUsage();
    const startedAt = performance.now();
    shipper.start();
    await shipper.drain(SHIPPED_WITHIN_MS);
    const tookMs = performance.now() - startedAt;
    const { user, system } = process.cpuUsage(cpu);
    return { tookMs, cpuMs: (user + system) / 1_000 };
  } finally {
    await shipper.stop();
    await ledger.close();
  }
}

/** Makes every projection anew; answers from how many events, and how long that took. */
export async function rebuildAll(url: string): Promise<{ events: number; tookMs: number }> {
  const ledger = createLedger({ databaseUrl: url, migrationsDir, log: SILENT });
  try {
    const startedAt = performance.now();
    const events = await ledger.rebuild();
    return { events, tookMs: performance.now() - startedAt };
  } finally {
    await ledger.close();
  }
}
