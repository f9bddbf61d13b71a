/** A Postgres of the test's own, journals to ship, and what is stored. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import pg from 'pg';
import { deskHome } from '../../config/home.ts';
import { RecordKind } from '../../core/events/record.ts';
import { SILENT } from '../../core/log.ts';
import { openJournal, type Journal } from '../../journal/journal.ts';
import { readJournal, type JournalRecord } from '../../journal/reader.ts';
import { createLedger, type Ledger } from '../../ledger/ledger.ts';
import { postgresSettings, startPostgres, type Postgres } from '../../stack/postgres.ts';
import { readTemporalDev } from '../../stack/temporal-dev.ts';

export const MIGRATIONS_DIR = join(process.cwd(), 'ledger/migrations');
const EVENTS = { kinds: Array.from({ length: 100 }, (_, i) => 100 + i) };

export interface TestDatabase {
  readonly url: string;
  readonly root: string;
  readonly journalsDir: string;
  readonly ledger: Ledger;
  query(sql: string, values?: unknown[]): Promise<Record<string, string>[]>;
  /** Stops and starts the server on the same port. */
  restart(whileDown?: () => Promise<void>): Promise<void>;
  remove(): Promise<void>;
}

export async function startDatabase(): Promise<TestDatabase> {
  const root = mkdtempSync(join(tmpdir(), 'desk-ledger-'));
  const home = deskHome(root);
  const settings = postgresSettings(readTemporalDev(join(process.cwd(), 'temporal-dev.yml')));
  let postgres: Postgres = await startPostgres({ home, port: 0, settings, log: SILENT });
  const url = postgres.databaseUrl;
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  pool.on('error', () => {});
  const ledger = createLedger({ databaseUrl: url, migrationsDir: MIGRATIONS_DIR, log: SILENT });
  await ledger.migrate();
  const journalsDir = join(root, 'journals');
  mkdirSync(journalsDir);
  return {
    url,
    root,
    journalsDir,
    ledger,
    query: async (sql, values = []) => (await pool.query<Record<string, string>>(sql, values)).rows,
    async restart(whileDown) {
      await postgres.stop();
      try {
        await whileDown?.();
      } finally {
        postgres = await startPostgres({ home, port: postgres.port, samePort: true, settings, log: SILENT });
      }
    },
    async remove() {
      await ledger.close();
      await pool.end();
      await postgres.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

export function openBot({ journalsDir }: TestDatabase, bot: string, segmentBytes = 256 * 1024) {
  return openJournal({ dir: join(journalsDir, bot), log: SILENT, segmentBytes });
}

export function anOrder(clientOrderId: string, state: string, change: object = {}): object {
  const told = { type: 'order', clientOrderId, symbol: 'BTCUSDT', side: 'buy', price: '10.5', qty: '1', filled: '0' };
  return { ...told, state, closeReason: null, code: null, external: false, ...change };
}

export function aFill(clientOrderId: string, tradeId: string, change: object = {}): object {
  const told = { type: 'fill', clientOrderId, tradeId, symbol: 'BTCUSDT', side: 'buy', leg: 'net', price: '10.5' };
  const money = { qty: '1', fee: '0.0021', liquidity: 'maker', positionAfter: '1', realised: '0' };
  return { ...told, ...money, atMs: 0, external: false, ...change };
}

export function aSnapshot(change: object = {}): object {
  const where = { symbol: 'BTCUSDT', phase: 'running', reason: 'quoting', riskLevel: 'allow' };
  const money = { equity: '1000', equityPeak: '1000', equityDayStart: '1000', realised: '0', unrealised: '0' };
  const held = { position: '0', entryPrice: null, legs: [], mid: '10.5', fees: '0', funding: '0' };
  return {
    type: 'BotMinuteSnapshot',
    ...where,
    ...money,
    ...held,
    fills: 0,
    ordersActive: 0,
    ordersUnknown: 0,
    ...change,
  };
}

/** Events of a bot whose payload says their number, with an input now and then. */
export function appendEvents(journal: Journal, count: number, fromMs = 1_700_000_000_000): void {
  for (let i = 0; i < count; i += 1) {
    if (i % 5 === 0) journal.append(RecordKind.bookInput, 1, 0, fromMs, 'not json');
    const n = journal.nextEventSequence;
    const payload = { n, ...anOrder(`order-${n % 7}`, n % 3 === 0 ? 'closed' : 'open') };
    const kind = n % 2 === 0 ? RecordKind.orderEvent : RecordKind.marketDataEvent;
    journal.append(kind, 1, journal.nextSequence - 1, fromMs + n, JSON.stringify(payload));
  }
}

export async function writeEvents(database: TestDatabase, bot: string, count: number): Promise<JournalRecord[]> {
  const { journal } = await openBot(database, bot);
  appendEvents(journal, count);
  await journal.close();
  return eventsOf(database, bot);
}

/** Appends these payloads as telemetry of a bot and returns the records. */
export async function writePayloads(
  database: TestDatabase,
  bot: string,
  payloads: readonly (string | Uint8Array)[],
  kind: number = RecordKind.telemetryEvent,
): Promise<JournalRecord[]> {
  const { journal } = await openBot(database, bot);
  for (const payload of payloads) journal.append(kind, 1, 0, 1_700_000_000_000, payload);
  await journal.close();
  return eventsOf(database, bot);
}

export async function eventsOf(database: TestDatabase, bot: string): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  for await (const record of readJournal(join(database.journalsDir, bot), EVENTS)) records.push(record);
  return records;
}

/** What a bot's stored rows say, to be compared with its journal in one look. */
export async function storedOf(database: TestDatabase, bot: string) {
  const [row] = await database.query(
    `select count(*) as rows, count(distinct sequence) as distinct, coalesce(min(sequence), 0) as first,
       coalesce(max(sequence), 0) as last,
       count(*) filter (where (payload->>'n')::bigint is distinct from sequence) as wrong,
       (select sequence from journal_offset where source = $1) as "offset"
     from event where source = $1`,
    [bot],
  );
  return Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [name, Number(value)]));
}

export function storedExactly(count: number) {
  return { rows: count, distinct: count, first: 1, last: count, wrong: 0, offset: count };
}

/** Compiles a program of these tests once; each start is a process of its own that the caller ends. */
export async function programOf(entry: string, root: string): Promise<(args: readonly string[]) => ChildProcess> {
  const outfile = join(root, 'program.cjs');
  await build({
    entryPoints: [join(process.cwd(), 'test/ledger', entry)],
    outfile,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    external: ['pg-native', 'node-pg-migrate', '@duckdb/node-api', '@clickhouse/client'],
    logLevel: 'error',
  });
  return (args) => spawn(process.execPath, [outfile, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Ends the ledger's busy connections again and again until it is told to end; resolves with how many. */
export function killConnections(database: TestDatabase, pauseMs: (kills: number) => number): () => Promise<number> {
  let killing = true;
  const killer = (async () => {
    let kills = 0;
    while (killing) {
      const [row] = await database.query(
        `select count(pg_terminate_backend(pid)) as n from pg_stat_activity
         where application_name = 'desk-ledger' and state <> 'idle'`,
      );
      kills += Number(row?.['n']);
      await sleep(pauseMs(kills));
    }
    return kills;
  })();
  return () => {
    killing = false;
    return killer;
  };
}

/** What the built program needs of a checkout, in a folder of the test's own. */
export function makeCheckout(database: TestDatabase): string {
  const root = join(database.root, 'checkout');
  mkdirSync(root);
  for (const name of ['package-lock.json', 'ledger/migrations', 'config'])
    cpSync(join(process.cwd(), name), join(root, name), { recursive: true });
  execFileSync('git', ['init', '--quiet', root]);
  return root;
}
