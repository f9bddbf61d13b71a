import { join } from 'node:path';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { RecordKind } from '../../core/events/record.ts';
import { SILENT } from '../../core/log.ts';
import { createLedger } from '../../ledger/ledger.ts';
import { anOrder, eventsOf, MIGRATIONS_DIR, openBot, startDatabase } from './helpers.ts';
import type { TestDatabase } from './helpers.ts';

const DAY_MS = 86_400_000;
/** Midnight of yesterday. */
const DAY_START_MS = Math.floor(Date.now() / DAY_MS - 1) * DAY_MS;

let database: TestDatabase;
beforeAll(async () => (database = await startDatabase()));
afterAll(() => database.remove());

async function writeAt(bot: string, times: readonly number[]): Promise<void> {
  const { journal } = await openBot(database, bot);
  for (const [index, atMs] of times.entries())
    journal.append(RecordKind.orderEvent, 1, index, atMs, JSON.stringify({ n: index + 1, ...anOrder('a', 'open') }));
  await journal.close();
  await database.ledger.ship(bot, await eventsOf(database, bot));
}

const partOf = (atMs: number): string => `event_${new Date(atMs).toISOString().slice(0, 10).replaceAll('-', '')}`;

async function partsOf(bot: string): Promise<(string | undefined)[]> {
  const rows = await database.query(
    'select tableoid::regclass as part from event where source = $1 order by sequence',
    [bot],
  );
  return rows.map(({ part }) => part);
}

describe('partitions', () => {
  test('are UTC days: the last millisecond of one and the first of the next part', async () => {
    const midnight = DAY_START_MS + DAY_MS;
    await writeAt('midnight', [midnight - 1, midnight, midnight + 1]);
    const [before, after] = [partOf(midnight - 1), partOf(midnight)];
    expect(before).not.toBe(after);
    expect(await partsOf('midnight')).toEqual([before, after, after]);
  });

  test('clocks that nobody would believe share one, and nothing is refused', async () => {
    await writeAt('clocks', [0, DAY_START_MS, Date.now() + 40 * DAY_MS, 8_000_000_000_000_000]);
    expect(await partsOf('clocks')).toEqual(['event_other', partOf(DAY_START_MS), 'event_other', 'event_other']);
  });

  test('a day whose first rows came before it was believed keeps to the shared one', async () => {
    const atMs = Date.now() + 3 * DAY_MS;
    await writeAt('ahead', [atMs]);
    const day = new Date(atMs).toISOString().slice(0, 10);
    expect(await database.query('select ensure_event_day($1) as made', [day])).toEqual([{ made: false }]);
    await writeAt('behind', [atMs]);
    expect(await partsOf('behind')).toEqual(['event_other']);
  });

  test('of one day asked for by many at once are one', async () => {
    const day = new Date(DAY_START_MS - 9 * DAY_MS).toISOString().slice(0, 10);
    const made = await Promise.all(
      Array.from({ length: 8 }, () => database.query('select ensure_event_day($1) as made', [day])),
    );
    expect(made.flat()).toEqual(Array.from({ length: 8 }, () => ({ made: true })));
  });
});

describe('roles', () => {
  const asRole = async (role: string, sql: string): Promise<string> => {
    const client = new pg.Client({ connectionString: database.url, options: `-c role=${role}` });
    await client.connect();
    try {
      await client.query(sql);
      return 'done';
    } catch (error) {
      return (error as { code: string }).code;
    } finally {
      await client.end();
    }
  };
  const REFUSED = '42501';
  beforeAll(() => writeAt('kept', [DAY_START_MS]));

  test.each([
    ['desk_writer', `update event set payload = '{}'`],
    ['desk_writer', `delete from event`],
    ['desk_writer', `truncate event`],
    ['desk_writer', `update journal_loss set to_sequence = 9`],
    ['desk_writer', `delete from journal_offset`],
    ['desk_writer', `drop table event`],
    ['desk_writer', `alter table event disable trigger all`],
    ['desk_writer', `update orders set state = 'closed'`],
    ['desk_projector', `insert into event select * from event`],
    ['desk_projector', `update journal_offset set sequence = 0`],
    ['desk_reader', `insert into event select * from event`],
    ['desk_reader', `delete from orders`],
    ['desk_reader', `update consumer_offset set sequence = 0`],
  ])('%s may not %s', async (role, sql) => {
    expect(await asRole(role, sql)).toBe(REFUSED);
  });

  test.each([
    `update event set payload = '{}' where source = 'kept'`,
    `update ${partOf(DAY_START_MS)} set payload = '{}' where source = 'kept'`,
    `delete from event where source = 'kept'`,
    `truncate ${partOf(DAY_START_MS)}`,
    `truncate event`,
    `delete from journal_loss`,
  ])('nor may the owner by mistake: %s', async (sql) => {
    await database.query(`insert into journal_loss values ('x', 1, 1, 1, 1) on conflict do nothing`);
    await expect(database.query(sql)).rejects.toThrow('refused: what is recorded stays');
    expect(await database.query(`select payload->>'n' as n from event where source = 'kept'`)).toEqual([{ n: '1' }]);
  });
});

test('a store of before is carried over with every row, offset and loss', async () => {
  const root = mkdtempSync(join(tmpdir(), 'desk-migrations-'));
  const [first] = readdirSync(MIGRATIONS_DIR).sort();
  mkdirSync(join(root, 'old'));
  cpSync(join(MIGRATIONS_DIR, first!), join(root, 'old', first!));
  await database.query('create database carried');
  const url = new URL(database.url);
  url.pathname = '/carried';
  const client = new pg.Client({ connectionString: url.href });
  const old = createLedger({ databaseUrl: url.href, migrationsDir: join(root, 'old'), log: SILENT });
  const ledger = createLedger({ databaseUrl: url.href, migrationsDir: MIGRATIONS_DIR, log: SILENT });
  try {
    await old.migrate();
    await client.connect();
    await client.query(
      `insert into event (bot, event_sequence, journal_sequence, epoch, cause_sequence, stream, at, correlation_id, payload)
       select 'bot1', n, n + 5, 1, n, 'hb.order.v1', to_timestamp($1::bigint / 1000 + n * 3600), 'bot1-1-' || n,
         jsonb_build_object('n', n) from generate_series(1, 100) n where n not between 41 and 50`,
      [DAY_START_MS],
    );
    await client.query(`insert into journal_offset values ('bot1', 100, 105, 's1', 7)`);
    await client.query(`insert into journal_loss values ('bot1', 41, 50, 46, 55)`);
    await ledger.migrate();
    const { rows } = await client.query(
      `select count(*)::int as rows, sum(sequence)::int as sum, count(distinct tableoid)::int as parts,
         count(*) filter (where (payload->>'n')::bigint = sequence)::int as whole from event`,
    );
    // A hundred hours from midnight on, tomorrow's among them; what is later than that shares one.
    expect(rows).toEqual([{ rows: 90, sum: 5050 - 455, parts: 4, whole: 90 }]);
    expect(await ledger.bookmarkOf('bot1')).toMatchObject({ eventSequence: 100, sequence: 105 });
    await ledger.project(1_000);
    expect(await ledger.reads.eventCounts()).toMatchObject([{ bot: 'bot1', events: 90, lastEventSequence: 100 }]);
  } finally {
    await Promise.all([old.close(), ledger.close(), client.end()]);
    rmSync(root, { recursive: true });
  }
});
