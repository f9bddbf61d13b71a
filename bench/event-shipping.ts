/**
 * Events from a journal into Postgres, exactly once, through the desk's own shipper. Beside it, in the same run and into
 * the same table with the same indexes: the server's own COPY FROM a binary file, which has no client, no offset and one
 * commit. Needs DATABASE_URL with a superuser; works in a database of its own and drops it.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { RecordKind } from '../core/events/record.ts';
import { SILENT } from '../core/log.ts';
import { openJournal } from '../journal/journal.ts';
import { createJournalShipper } from '../ledger/journal-shipper.ts';
import { createLedger } from '../ledger/ledger.ts';

const EVENTS = Number(process.env['BENCH_EVENTS'] ?? 200_000);
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3);
const BOT = 'bench';
const FIRST_AT_MS = 1_700_000_000_000;
const COLUMNS = 'source, sequence, journal_sequence, epoch, cause_sequence, stream, at, correlation_id, payload';
const databaseUrl = process.env['DATABASE_URL'];
if (databaseUrl === undefined) throw new Error('DATABASE_URL: expected a Postgres to measure against, was not set');
// Started from the project's folder, as all benches are.
const migrationsDir = resolve('ledger/migrations');

/** A desk's mix: mostly sampled market data and decisions, one event in five about an order. */
function kindOf(n: number): number {
  const place = n % 100;
  if (place < 20) return RecordKind.orderEvent;
  if (place < 25) return RecordKind.fillEvent;
  if (place < 26) return RecordKind.telemetryEvent;
  if (place < 66) return RecordKind.marketDataEvent;
  return place < 90 ? RecordKind.riskDecisionEvent : RecordKind.executionIntentEvent;
}

function payloadOf(n: number): string {
  return JSON.stringify({
    clientOrderId: `bench-${Math.floor(n / 50)}`,
    state: n % 50 === 0 ? 'open' : 'closed',
    symbol: 'BTC/USDT:USDT',
    side: n % 2 === 0 ? 'buy' : 'sell',
    price: (61_234.5 + (n % 1000) / 10).toFixed(1),
    qty: '0.0150',
    reason: 'quote_refreshed',
    equity: '10000.123456789012',
    note: 'x'.repeat(100),
  });
}

async function writeJournal(dir: string): Promise<void> {
  const { journal } = await openJournal({ dir, log: SILENT });
  for (let n = 0; n < EVENTS; n += 1) {
    journal.append(kindOf(n), 1, n, FIRST_AT_MS + n, payloadOf(n));
    if (n % 5000 === 0) await journal.durable();
  }
  await journal.close();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

const root = mkdtempSync(join(tmpdir(), 'event-shipping-'));
const admin = new pg.Client({ connectionString: databaseUrl });
await admin.connect();
const prefix = `desk_bench_${process.pid}`;

function urlOf(name: string): string {
  const url = new URL(databaseUrl!);
  url.pathname = `/${name}`;
  return url.href;
}

/** A migrated store to begin with: nothing can be taken out of one that has events. */
async function makeEmptyStore(): Promise<void> {
  await admin.query(`create database ${prefix}`);
  const ledger = createLedger({ databaseUrl: urlOf(prefix), migrationsDir, log: SILENT });
  await ledger.migrate();
  await ledger.close();
  // The server's own copy makes no partitions.
  await withClient(prefix, (client) =>
    client.query('select ensure_event_day($1)', [new Date(FIRST_AT_MS).toISOString().slice(0, 10)]),
  );
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

/** A copy of the empty store for as long as `use` takes. */
async function withStore(use: (client: pg.Client, url: string) => Promise<void>): Promise<void> {
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

/** How long shipping all of it took, and how much of that on this side. */
async function ship(url: string, journalsDir: string): Promise<{ tookMs: number; cpuMs: number }> {
  const ledger = createLedger({ databaseUrl: url, migrationsDir, log: SILENT });
  const shipper = createJournalShipper({ ledger, journalsDir, log: SILENT });
  try {
    const cpu = process.cpuUsage();
    const tookMs = await timed(async () => {
      shipper.start();
      await shipper.drain(600_000);
    });
    const { user, system } = process.cpuUsage(cpu);
    return { tookMs, cpuMs: (user + system) / 1_000 };
  } finally {
    await shipper.stop();
    await ledger.close();
  }
}

try {
  const journalsDir = join(root, 'journals');
  await writeJournal(join(journalsDir, BOT));
  await makeEmptyStore();
  // The server writes and reads this folder as its own user.
  const shared = join(root, 'shared');
  mkdirSync(shared);
  chmodSync(root, 0o755);
  chmodSync(shared, 0o777);
  const file = join(shared, 'event.copy');
  const shipMs: number[] = [];
  const copyMs: number[] = [];
  const cpuMs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await withStore(async (client, url) => {
      const { tookMs, cpuMs: onThisSide } = await ship(url, journalsDir);
      shipMs.push(tookMs);
      cpuMs.push(onThisSide);
      const { rows } = await client.query<{ n: string }>('select count(*) as n from event');
      if (Number(rows[0]?.n) !== EVENTS) throw new Error(`stored ${rows[0]?.n} of ${EVENTS} events`);
      if (round === 0) await client.query(`copy (select ${COLUMNS} from event) to '${file}' (format binary)`);
    });
    await withStore(async (client) => {
      copyMs.push(await timed(() => client.query(`copy event (${COLUMNS}) from '${file}' (format binary)`)));
    });
  }
  const perSecond = Math.round((EVENTS / median(shipMs)) * 1000);
  const limit = Math.round((EVENTS / median(copyMs)) * 1000);
  console.log(
    JSON.stringify({
      bench: 'event-shipping',
      events: EVENTS,
      payloadBytes: Buffer.byteLength(payloadOf(12_345)),
      rounds: ROUNDS,
      shipped: { perSecond, clientCpuUsPerEvent: Number(((median(cpuMs) / EVENTS) * 1000).toFixed(2)) },
      limits: { binaryCopyPerSecond: limit },
      ratios: { shippedOfBinaryCopy: Number((perSecond / limit).toFixed(2)) },
    }),
  );
} finally {
  await admin.query(`drop database if exists ${prefix} with (force)`);
  await admin.end();
  rmSync(root, { recursive: true, force: true });
}
