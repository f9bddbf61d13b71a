import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SILENT } from '../../../core/log.ts';
import { createExport, type SinkReport } from '../../../ledger/analytics/analytics.ts';
import { chainOf, listEventFiles } from '../../../ledger/analytics/event-files.ts';
import { createParquetSink } from '../../../ledger/analytics/parquet-sink.ts';
import { createJournalShipper } from '../../../ledger/journal-shipper.ts';
import { appendEvents, openBot, programOf, startDatabase, type TestDatabase } from '../helpers.ts';
import { ask, exportedOf, storedOf } from './helpers.ts';

const DAY_MS = 86_400_000;
/** Long ago enough that no test's clock is near it. */
const MIDNIGHT = Date.UTC(2026, 2, 2);

let database: TestDatabase;
beforeAll(async () => (database = await startDatabase()));
afterAll(() => database.remove());

/** Events of a source as a shipper would store them, `after` those before; one millisecond apart, the first at `fromMs`. */
async function store(source: string, after: number, count: number, fromMs: number): Promise<void> {
  await database.query(
    `with made as (
       insert into event (source, sequence, journal_sequence, epoch, cause_sequence, stream, at, correlation_id, payload)
       select $1, n, n + n / 5, 1, n + 1, 'hb.order.v1',
         to_timestamp($4::numeric / 1000) + (n - $2::int - 1) * interval '1 millisecond', $1 || '-1-' || n,
         jsonb_build_object('n', n, 'price', (n * 0.1)::text, 'text', 'ü''"\\ ')
       from generate_series($2::int + 1, $2::int + $3::int) n)
     insert into journal_offset (source, sequence, journal_sequence) values ($1, $2::int + $3::int, $2::int + $3::int)
     on conflict (source) do update set sequence = excluded.sequence`,
    [source, after, count, fromMs],
  );
}

interface Exporting {
  readonly dir: string;
  readonly files: () => Promise<string[]>;
  readonly run: () => Promise<SinkReport>;
}

/** An export into a folder of its own, of all sources of the database. */
function exporting(name: string, batchEvents = 1_000, partsKeptMs = 0): Exporting {
  const dir = join(database.root, name);
  return {
    dir,
    files: async () =>
      [...(await listEventFiles(join(dir, 'events'))).values()].flatMap((files) =>
        chainOf(files).files.map(({ path }) => path),
      ),
    async run() {
      const sinks = [() => createParquetSink({ dir, log: SILENT, partsKeptMs })];
      const analytics = createExport({ databaseUrl: database.url, sinks, log: SILENT, batchEvents });
      try {
        return (await analytics.ingest())[0]!;
      } finally {
        await analytics.close();
      }
    },
  };
}

async function reset(): Promise<void> {
  await database.query(`truncate journal_offset; delete from consumer_offset where consumer = 'parquet'`);
}

async function offsetOf(source: string): Promise<number> {
  const [row] = await database.query(
    `select sequence from consumer_offset where consumer = 'parquet' and source = $1`,
    [source],
  );
  return Number(row?.['sequence'] ?? 0);
}

describe('an export', () => {
  test('writes each event once, by days and batches, and only what is new', async () => {
    const { dir, files, run } = exporting('plain');
    await store('plain', 0, 2_500, MIDNIGHT - 1_200);
    expect(await run()).toMatchObject({ outcome: 'done', events: 2_500, batches: 4, ahead: [] });
    // The day that is over is one file; the one that grows waits for more.
    expect(await files()).toEqual([
      '2026-03-01/plain-1-1200.parquet',
      '2026-03-02/plain-1201-2000.parquet',
      '2026-03-02/plain-2001-2500.parquet',
    ]);
    expect(await run()).toMatchObject({ outcome: 'done', events: 0, batches: 0 });
    await store('plain', 2_500, 7, MIDNIGHT + DAY_MS);
    expect(await run()).toMatchObject({ events: 7, batches: 1 });
    expect(await files()).toEqual([
      '2026-03-01/plain-1-1200.parquet',
      '2026-03-02/plain-1201-2500.parquet',
      '2026-03-03/plain-2501-2507.parquet',
    ]);
    expect(await exportedOf(dir, 'plain')).toEqual(await storedOf(database, 'plain'));
    expect(await offsetOf('plain')).toBe(2_507);
    // Parts of what was merged went with the run after.
    await run();
    expect(readdirSync(join(dir, 'events', '2026-03-02'))).toEqual(['plain-1201-2500.parquet']);
    await reset();
  });

  test('goes over accepted losses, and takes those at the end with what follows', async () => {
    const { dir, files, run } = exporting('losses');
    await store('losses', 0, 10, MIDNIGHT);
    await store('losses', 20, 10, MIDNIGHT + 20);
    await database.query(`update journal_offset set sequence = 40 where source = 'losses'`);
    expect(await run()).toMatchObject({ events: 20, batches: 1 });
    expect(await run()).toMatchObject({ outcome: 'done', events: 0 });
    await store('losses', 40, 5, MIDNIGHT + 40);
    await run();
    expect(await files()).toEqual(['2026-03-02/losses-1-30.parquet', '2026-03-02/losses-31-45.parquet']);
    expect(await exportedOf(dir, 'losses')).toEqual(await storedOf(database, 'losses'));
    await reset();
  });

  test('of several at once is done by one', async () => {
    const { dir, run } = exporting('crowd', 50);
    await store('crowd', 0, 2_000, MIDNIGHT);
    const reports = await Promise.all([run(), run(), run()]);
    expect(reports.map(({ outcome }) => outcome).sort()).toContain('done');
    expect(reports.reduce((sum, { events }) => sum + events, 0)).toBe(2_000);
    expect(await exportedOf(dir, 'crowd')).toEqual(await storedOf(database, 'crowd'));
    await reset();
  });
});

describe('what a crash leaves', () => {
  test('before the rename is removed, before the offset row is adopted, and none of it is there twice', async () => {
    const { dir, files, run } = exporting('crash', 100);
    await store('crash', 0, 300, MIDNIGHT);
    await run();
    await database.query(`update consumer_offset set sequence = 100 where source = 'crash'`);
    const unfinished = join(dir, 'unfinished', '1-crash-301-400.parquet');
    writeFileSync(unfinished, 'half a file');
    const before = await files();
    expect(await run()).toMatchObject({ outcome: 'done', events: 0, batches: 0 });
    expect(existsSync(unfinished)).toBe(false);
    expect(await files()).toEqual(before);
    expect(await offsetOf('crash')).toBe(300);
    expect(await exportedOf(dir, 'crash')).toEqual(await storedOf(database, 'crash'));
    await reset();
  });

  test('between merge and removal counts once', async () => {
    const { dir, files, run } = exporting('merge', 100, 3_600_000);
    await store('merge', 0, 800, MIDNIGHT);
    await run();
    expect(await files()).toEqual(['2026-03-02/merge-1-800.parquet']);
    expect(readdirSync(join(dir, 'events', '2026-03-02'))).toHaveLength(9);
    expect(await exportedOf(dir, 'merge')).toEqual(await storedOf(database, 'merge'));
    // Young parts are kept for queries that read them.
    await run();
    expect(readdirSync(join(dir, 'events', '2026-03-02'))).toHaveLength(9);
    await reset();
  });
});

describe('files that are not what the store says', () => {
  test('a lost one is written again, with those behind it kept', async () => {
    const { dir, files, run } = exporting('lost', 100);
    await store('lost', 0, 500, MIDNIGHT);
    await run();
    const whole = await files();
    rmSync(join(dir, 'events', '2026-03-02', 'lost-201-300.parquet'));
    expect(await files()).toHaveLength(2);
    expect(await run()).toMatchObject({ outcome: 'done', events: 300 });
    expect(await files()).toEqual(whole);
    expect(await exportedOf(dir, 'lost')).toEqual(await storedOf(database, 'lost'));
    await reset();
  });

  test.each([
    ['another content', 'other'],
    ['no Parquet at all', 'torn'],
  ])('one past the offset row with %s is set aside', async (_name, kind) => {
    const { dir, files, run } = exporting(kind, 100);
    await store(kind, 0, 300, MIDNIGHT);
    await run();
    const last = join(dir, 'events', '2026-03-02', `${kind}-201-300.parquet`);
    if (kind === 'torn') truncateSync(last, Math.floor(statSync(last).size / 2));
    else cpSync(join(dir, 'events', '2026-03-02', `${kind}-101-200.parquet`), last);
    await database.query(`update consumer_offset set sequence = 200 where source = $1`, [kind]);
    expect(await run()).toMatchObject({ outcome: 'done', events: 100 });
    expect(readdirSync(join(dir, 'refused'))).toHaveLength(1);
    expect(await files()).toHaveLength(3);
    expect(await exportedOf(dir, kind)).toEqual(await storedOf(database, kind));
    await reset();
  });

  test('of another database that knows less are left alone until it knows as much, then set aside', async () => {
    const { dir, run } = exporting('moved', 1_000);
    await store('moved', 0, 300, MIDNIGHT);
    await run();
    const before = await exportedOf(dir, 'moved');
    await reset();
    await database.query(`insert into journal_offset (source, sequence) values ('moved', 200)`);
    expect(await run()).toMatchObject({ outcome: 'done', events: 0, ahead: ['moved'] });
    expect(await exportedOf(dir, 'moved')).toEqual(before);
    await store('moved', 300, 100, MIDNIGHT + 300);
    expect(await run()).toMatchObject({ events: 100, ahead: [] });
    expect(await exportedOf(dir, 'moved')).toEqual(await storedOf(database, 'moved'));
    await reset();
  });
});

test('a disk that takes nothing fails the sink, not the desk, and the next run has it all', async () => {
  const { dir, run } = exporting('full');
  await store('full', 0, 50, MIDNIGHT);
  mkdirSync(join(dir, 'events'), { recursive: true });
  writeFileSync(join(dir, 'events', '2026-03-02'), 'in the way');
  expect(await run()).toMatchObject({ outcome: 'failed', events: 0 });
  expect(await offsetOf('full')).toBe(0);
  rmSync(join(dir, 'events', '2026-03-02'));
  expect(await run()).toMatchObject({ outcome: 'done', events: 50 });
  expect(await exportedOf(dir, 'full')).toEqual(await storedOf(database, 'full'));
  await reset();
});

test('exporters killed at random instants while events keep coming lose and double nothing', async () => {
  const KILLS = 15;
  const dir = join(database.root, 'killed');
  symlinkSync(join(process.cwd(), 'node_modules'), join(database.root, 'node_modules'));
  const start = await programOf('analytics/ingest-program.ts', database.root);
  const bots = ['killed-1', 'killed-2'];
  const journals = await Promise.all(bots.map(async (bot) => (await openBot(database, bot)).journal));
  const shipper = createJournalShipper({
    ledger: database.ledger,
    journalsDir: database.journalsDir,
    log: SILENT,
    pollMs: 5,
  });
  shipper.start();
  const listing = (): string =>
    existsSync(join(dir, 'events')) ? readdirSync(join(dir, 'events'), { recursive: true }).sort().join() : '';
  const appendAll = (count: number): void => {
    for (const journal of journals) appendEvents(journal, count, MIDNIGHT - 2_000);
  };
  let appended = 0;
  let random = 7;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const exporters = Array.from({ length: 1 + (kill % 2) }, () => start([database.url, dir, '40']));
    const exits = exporters.map((child) => once(child, 'exit'));
    const before = listing();
    // It has begun to write, and dies somewhere in the next 90 ms of its work.
    for (let waited = 0; listing() === before && waited < 500; waited += 1) {
      if (waited % 20 === 0) appendAll(20);
      if (waited % 20 === 0) appended += 20;
      await sleep(10);
    }
    expect(listing()).not.toBe(before);
    random = (random * 48_271) % 2_147_483_647;
    for (let ms = random % 90; ms > 0; ms -= 10) {
      appendAll(30);
      appended += 30;
      await sleep(Math.min(ms, 10));
    }
    for (const child of exporters) child.kill('SIGKILL');
    expect((await Promise.all(exits)).map(([, signal]) => signal as string)).toEqual(exporters.map(() => 'SIGKILL'));
    // At every instant what can be asked is a beginning of what happened, each event once.
    for (const row of await ask(
      dir,
      'select count(*) as n, max(sequence) as last, min(sequence) as first from event group by source',
    ))
      expect(row).toEqual({ n: row['last'], last: row['last'], first: 1 });
  }
  for (const journal of journals) await journal.close();
  await shipper.drain(20_000);
  await shipper.stop();
  const { outcome } = await exporting('killed', 40).run();
  expect(outcome).toBe('done');
  for (const bot of bots) {
    const stored = await storedOf(database, bot);
    expect(stored?.['events']).toBe(String(appended));
    expect(await exportedOf(dir, bot)).toEqual(stored);
    expect(await offsetOf(bot)).toBe(appended);
  }
  expect(readdirSync(join(dir, 'unfinished'))).toEqual([]);
  await reset();
}, 180_000);
