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
    journal.append(kindOf(n), 1, n, 1_700_000_000_000 + n, payloadOf(n));
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
const name = `desk_bench_${process.pid}`;
const admin = new pg.Client({ connectionString: databaseUrl });
await admin.connect();
await admin.query(`create database ${name}`);
const url = new URL(databaseUrl);
url.pathname = `/${name}`;
const client = new pg.Client({ connectionString: url.href });
const ledger = createLedger({ databaseUrl: url.href, migrationsDir, log: SILENT });
try {
  await client.connect();
  await ledger.migrate();
  const journalsDir = join(root, 'journals');
  await writeJournal(join(journalsDir, BOT));
  // The server writes and reads this folder as its own user.
  const shared = join(root, 'shared');
  mkdirSync(shared);
  chmodSync(root, 0o755);
  chmodSync(shared, 0o777);
  const file = join(shared, 'event.copy');
  const empty = async (): Promise<void> => {
    await client.query('truncate journal_offset, journal_loss');
    await client.query('checkpoint');
  };
  const shipMs: number[] = [];
  const copyMs: number[] = [];
  let cpuMs = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    await empty();
    const shipper = createJournalShipper({ ledger, journalsDir, log: SILENT });
    const cpu = process.cpuUsage();
    shipMs.push(
      await timed(async () => {
        shipper.start();
        await shipper.drain(600_000);
      }),
    );
    const { user, system } = process.cpuUsage(cpu);
    cpuMs += (user + system) / 1000 / ROUNDS;
    await shipper.stop();
    const { rows } = await client.query<{ n: string }>('select count(*) as n from event');
    if (Number(rows[0]?.n) !== EVENTS) throw new Error(`stored ${rows[0]?.n} of ${EVENTS} events`);
    if (round === 0) await client.query(`copy event (${COLUMNS}) to '${file}' (format binary)`);
    await empty();
    copyMs.push(await timed(() => client.query(`copy event (${COLUMNS}) from '${file}' (format binary)`)));
  }
  const perSecond = Math.round((EVENTS / median(shipMs)) * 1000);
  const limit = Math.round((EVENTS / median(copyMs)) * 1000);
  console.log(
    JSON.stringify({
      bench: 'event-shipping',
      events: EVENTS,
      payloadBytes: Buffer.byteLength(payloadOf(12_345)),
      rounds: ROUNDS,
      shipped: { perSecond, clientCpuUsPerEvent: Number(((cpuMs / EVENTS) * 1000).toFixed(2)) },
      limits: { binaryCopyPerSecond: limit },
      ratios: { shippedOfBinaryCopy: Number((perSecond / limit).toFixed(2)) },
    }),
  );
} finally {
  await ledger.close();
  await client.end();
  await admin.query(`drop database ${name} with (force)`);
  await admin.end();
  rmSync(root, { recursive: true, force: true });
}
