/** The ClickHouse sink against the real engine. `./desk test clickhouse` installs it (546 MB), outside the project. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@clickhouse/client';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { SILENT } from '../../core/log.ts';
import { createExport, type SinkReport } from '../../ledger/analytics/analytics.ts';
import { createClickHouseSink } from '../../ledger/analytics/clickhouse-sink.ts';
import { createJournalShipper } from '../../ledger/journal-shipper.ts';
import { appendEvents, openBot, programOf, startDatabase, type TestDatabase } from '../ledger/helpers.ts';
import { storedOf } from '../ledger/analytics/helpers.ts';

const INSTALLED = process.env['CHDB_DIR'] ?? '';
const MIDNIGHT = Date.UTC(2026, 2, 2);

interface Server {
  readonly url: string;
  kill(): Promise<void>;
}

let database: TestDatabase;
let server: Server;
beforeAll(async () => {
  database = await startDatabase();
  server = await startServer();
});
afterAll(async () => {
  await server.kill();
  await database.remove();
});

async function startServer(port = 0): Promise<Server> {
  const data = join(database.root, 'clickhouse');
  mkdirSync(data, { recursive: true });
  const program = join(process.cwd(), 'test', 'clickhouse', 'server.mjs');
  const child: ChildProcess = spawn(process.execPath, [program, INSTALLED, data, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await Promise.race([
    once(child.stdout!, 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error(`no ClickHouse engine in CHDB_DIR "${INSTALLED}"`))),
  ])) as [Buffer];
  return {
    url: `http://127.0.0.1:${Number(said.toString())}`,
    async kill() {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const client = createClient({ url: server.url });
  try {
    return await (await client.query({ query: sql, format: 'JSONEachRow' })).json();
  } finally {
    await client.close();
  }
}

async function command(sql: string): Promise<void> {
  const client = createClient({ url: server.url });
  try {
    await client.command({ query: sql });
  } finally {
    await client.close();
  }
}

async function exported(source: string): Promise<Record<string, unknown> | undefined> {
  const [row] = await query(
    `select toString(count()) as events, toString(uniqExact(sequence)) as distinct_events,
       toString(sum(sequence)) as sequences, toString(sum(journal_sequence)) as journal_sequences,
       toString(sum(toInt128(toUnixTimestamp64Micro(happened_at)))) as times,
       toString(sum(lengthUTF8(payload))) as payload_chars, toString(sum(JSONExtractInt(payload, 'n'))) as told,
       lower(hex(MD5(arrayStringConcat(arrayMap(each -> each.2, arraySort(each -> each.1, groupArray((sequence,
         concatWithSeparator('|', toString(sequence), toString(journal_sequence), toString(epoch),
           toString(cause_sequence), stream, toString(toUnixTimestamp64Micro(happened_at)), correlation_id, payload)
       )))), ';')))) as hash
     from event where source = '${source}'`,
  );
  return row;
}

async function run(batchEvents = 300): Promise<SinkReport> {
  const sinks = [() => createClickHouseSink({ url: server.url })];
  const analytics = createExport({ databaseUrl: database.url, sinks, log: SILENT, batchEvents });
  try {
    return (await analytics.ingest())[0]!;
  } finally {
    await analytics.close();
  }
}

async function write(bot: string, count: number): Promise<void> {
  const { journal } = await openBot(database, bot);
  appendEvents(journal, count, MIDNIGHT - 500);
  await journal.close();
  const shipper = createJournalShipper({
    ledger: database.ledger,
    journalsDir: database.journalsDir,
    log: SILENT,
    pollMs: 5,
  });
  shipper.start();
  await shipper.drain(20_000);
  await shipper.stop();
}

async function moveBack(bot: string, to: number): Promise<void> {
  await database.query(`update consumer_offset set sequence = $2 where consumer = 'clickhouse' and source = $1`, [
    bot,
    to,
  ]);
}

test('each event once, every field as it is stored, and only what is new', async () => {
  await write('plain', 1_000);
  expect(await run()).toMatchObject({ sink: 'clickhouse', outcome: 'done', events: 1_000, batches: 5 });
  expect(await run()).toMatchObject({ outcome: 'done', events: 0 });
  await write('plain', 50);
  expect(await run()).toMatchObject({ events: 50, batches: 1 });
  expect(await exported('plain')).toEqual(await storedOf(database, 'plain'));
});

test('what an export left before its offset moved is adopted; what differs is taken out and written again', async () => {
  await write('healed', 600);
  await run();
  await moveBack('healed', 300);
  expect(await run()).toMatchObject({ outcome: 'done', events: 0 });
  await command(`insert into desk_event select * replace ('{"n":1}' as payload) from desk_event
    where source = 'healed' and sequence = 599`);
  await moveBack('healed', 300);
  expect(await run()).toMatchObject({ outcome: 'done', events: 300 });
  expect(await exported('healed')).toEqual(await storedOf(database, 'healed'));
});

test('rows that came twice are one', async () => {
  await write('twice', 100);
  await run();
  await command(`insert into desk_event select * from desk_event where source = 'twice'`);
  expect(await query(`select toString(count()) as n from desk_event where source = 'twice'`)).toEqual([{ n: '200' }]);
  expect(await exported('twice')).toEqual(await storedOf(database, 'twice'));
  await moveBack('twice', 0);
  expect(await run()).toMatchObject({ outcome: 'done', events: 0 });
});

test('a server that is away fails the sink, and has it all when it is back', async () => {
  await write('away', 100);
  const port = Number(new URL(server.url).port);
  await server.kill();
  expect(await run()).toMatchObject({ outcome: 'failed', events: 0, error: expect.stringContaining('ECONNREFUSED') });
  server = await startServer(port);
  expect(await run()).toMatchObject({ outcome: 'done', events: 100 });
  expect(await exported('away')).toEqual(await storedOf(database, 'away'));
});

test('exporters and servers killed at random instants while events keep coming lose and double nothing', async () => {
  symlinkSync(join(process.cwd(), 'node_modules'), join(database.root, 'node_modules'));
  const start = await programOf('analytics/ingest-program.ts', database.root);
  const { journal } = await openBot(database, 'killed');
  const shipper = createJournalShipper({
    ledger: database.ledger,
    journalsDir: database.journalsDir,
    log: SILENT,
    pollMs: 5,
  });
  shipper.start();
  let appended = 0;
  let random = 11;
  for (let kill = 0; kill < 10; kill += 1) {
    const exporter = start([database.url, server.url, '25']);
    const exit = once(exporter, 'exit');
    random = (random * 48_271) % 2_147_483_647;
    for (let ms = 400 + (random % 300); ms > 0; ms -= 10) {
      appendEvents(journal, 10, MIDNIGHT - 1_000);
      appended += 10;
      await sleep(10);
    }
    if (kill % 3 === 2) {
      const port = Number(new URL(server.url).port);
      await server.kill();
      server = await startServer(port);
    }
    exporter.kill('SIGKILL');
    await exit;
  }
  await journal.close();
  await shipper.drain(20_000);
  await shipper.stop();
  expect(await run()).toMatchObject({ outcome: 'done' });
  const stored = await storedOf(database, 'killed');
  expect(stored?.['events']).toBe(String(appended));
  expect(await exported('killed')).toEqual(stored);
}, 120_000);
