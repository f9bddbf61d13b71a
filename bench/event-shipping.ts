/**
 * Events from a journal into Postgres, exactly once, through the desk's own shipper. Beside it, in the same run and into
 * the same table with the same indexes: the server's own COPY FROM a binary file, which has no client, no offset and one
 * commit. Needs DATABASE_URL with a superuser; works in databases of its own and drops them.
 */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { RecordKind } from '../core/events/record.ts';
import { SILENT } from '../core/log.ts';
import { openJournal } from '../journal/journal.ts';
import { shipAll, withStore, withStores } from './support/bench-stores.ts';
import { median, ratio, report, rounded } from './support/figures.ts';
import { inScratch } from './support/places.ts';

const EVENTS = Number(process.env['BENCH_EVENTS'] ?? 200_000);
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3);
const BOT = 'bench';
const DAY = '2026-03-01';
const FIRST_AT_MS = Date.parse(DAY);
const COLUMNS = 'source, sequence, journal_sequence, epoch, cause_sequence, stream, at, correlation_id, payload';

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

await inScratch('event-shipping', async (root) => {
  const journalsDir = join(root, 'journals');
  await writeJournal(join(journalsDir, BOT));
  // The server writes and reads this folder as its own user.
  const shared = join(root, 'shared');
  mkdirSync(shared);
  chmodSync(root, 0o755);
  chmodSync(shared, 0o777);
  const file = join(shared, 'event.copy');
  const shipMs: number[] = [];
  const copyMs: number[] = [];
  const cpuMs: number[] = [];
  // The server's own copy makes no partitions.
  await withStores([DAY], async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      await withStore(async (client, url) => {
        const shipped = await shipAll(url, journalsDir);
        shipMs.push(shipped.tookMs);
        cpuMs.push(shipped.cpuMs);
        const { rows } = await client.query<{ n: string }>('select count(*) as n from event');
        if (Number(rows[0]?.n) !== EVENTS) throw new Error(`stored ${rows[0]?.n} of ${EVENTS} events`);
        if (round === 0) await client.query(`copy (select ${COLUMNS} from event) to '${file}' (format binary)`);
      });
      await withStore(async (client) => {
        const startedAt = performance.now();
        await client.query(`copy event (${COLUMNS}) from '${file}' (format binary)`);
        copyMs.push(performance.now() - startedAt);
      });
    }
  });
  const perSecond = Math.round((EVENTS / median(shipMs)) * 1_000);
  const limit = Math.round((EVENTS / median(copyMs)) * 1_000);
  report('event-shipping', {
    events: EVENTS,
    payloadBytes: Buffer.byteLength(payloadOf(12_345)),
    rounds: ROUNDS,
    shipped: { perSecond, clientCpuUsPerEvent: rounded((median(cpuMs) / EVENTS) * 1_000) },
    limits: { binaryCopyPerSecond: limit },
    ratios: { shippedOfBinaryCopy: ratio(perSecond, limit) },
  });
});
