import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RecordKind } from '../../../core/events/record.ts';
import { SILENT } from '../../../core/log.ts';
import { createAnalytics } from '../../../ledger/analytics/analytics.ts';
import { openQueries, QueryRefused } from '../../../ledger/analytics/query.ts';
import { runDesk, type Said } from '../../support/desk-command.ts';
import { aFill, anOrder, aSnapshot, eventsOf, openBot, startDatabase, type TestDatabase } from '../helpers.ts';
import { ask } from './helpers.ts';

const T0 = Date.UTC(2026, 2, 1, 23, 58);
/** Beyond what decimal(18, 8) times itself holds, at the desk's own twelve decimals. */
const LARGE = { price: '98457.123456', qty: '62312.654321' };

/** As a snapshot of a bot in hedge mode tells them, and, spread out, as a fill tells one of them. */
function legs(n: number): object[] {
  return ['long', 'short'].map((leg) => {
    const [position, entryPrice] = [`-0.${n}`, leg === 'long' ? `99.${n}` : null];
    return { leg, position, entryPrice, positionAfter: `${n}.25`, entryPriceAfter: entryPrice };
  });
}

let database: TestDatabase;
let home: string;
let dir: string;
beforeAll(async () => {
  database = await startDatabase();
  home = join(database.root, 'home');
  dir = join(home, 'analytics');
  for (const bot of ['bot1', 'bot2']) {
    const { journal } = await openBot(database, bot);
    for (let n = 0; n < 120; n += 1) {
      const atMs = T0 + n * 2_500;
      const [order, side] = [`${bot}-o${n % 40}`, n % 2 === 0 ? 'buy' : 'sell'];
      const append = (kind: number, payload: object): unknown =>
        journal.append(kind, 1, n, atMs, JSON.stringify(payload));
      append(RecordKind.orderEvent, anOrder(order, n < 80 ? 'open' : 'closed', { side, filled: `0.${n}` }));
      if (n % 3 === 0)
        append(RecordKind.fillEvent, aFill(order, `t${n}`, { side, price: `10.${n}`, realised: '-0.000000000001' }));
      if (n % 7 === 0)
        append(RecordKind.telemetryEvent, aSnapshot({ equity: `${1_000 + ((n * 37) % 101)}.5`, fills: n }));
      if (n % 11 === 0) append(RecordKind.orderEvent, { type: 'stop', clientOrderId: order, state: 'open' });
      if (n % 13 === 0) append(RecordKind.orderEvent, anOrder(order, 'open', { price: 'no price' }));
      if (n % 17 === 0) append(RecordKind.telemetryEvent, aSnapshot({ type: 'BotSnapshot', legs: legs(n) }));
      if (n % 19 === 0) append(RecordKind.telemetryEvent, { type: 'BotFill', symbol: 'BTCUSDT', ...legs(n)[n % 2] });
      append(RecordKind.riskDecisionEvent, { approved: n % 4 !== 0, code: n % 4 === 0 ? 'notional_above_cap' : null });
    }
    journal.append(RecordKind.fillEvent, 1, 999, T0 + 300_000, JSON.stringify(aFill('large', 'large', LARGE)));
    await journal.close();
    await database.ledger.ship(bot, await eventsOf(database, bot));
  }
  while ((await database.ledger.project(10_000)) > 0);
  const analytics = createAnalytics({ databaseUrl: database.url, dir, log: SILENT, batchEvents: 100 });
  expect(await analytics.ingest()).toMatchObject([{ sink: 'parquet', outcome: 'done' }]);
  await analytics.close();
});
afterAll(() => database.remove());

const desk = (...args: string[]): Promise<Said> => runDesk({ DESK_HOME: home, DATABASE_URL: database.url }, ...args);

describe('views', () => {
  const plain = { stored: 'at', exported: 'happened_at' };
  test.each([
    ['stream_total', `source, stream, events, last_sequence, last_journal_sequence`, '1, 2'],
    [
      'orders',
      `bot, client_order_id, symbol, side, price::numeric(38, 12), qty::numeric(38, 12), filled::numeric(38, 12), state,
       close_reason, code, external, correlation_id, first_sequence, last_sequence,
       (extract(epoch from first_at) * 1000)::bigint as first_at_ms, (extract(epoch from last_at) * 1000)::bigint as last_at_ms`,
      '1, 2',
    ],
    [
      'fills',
      `bot, sequence, (extract(epoch from ${plain.stored}) * 1000)::bigint as at_ms, trade_id, client_order_id, symbol, side,
       leg, price::numeric(38, 12), qty::numeric(38, 12), fee::numeric(38, 12), liquidity, realised::numeric(38, 12),
       position_after::numeric(38, 12), external, correlation_id`,
      '1, 2',
    ],
    [
      'bot_snapshot_minute',
      `bot, (extract(epoch from minute) * 1000)::bigint as minute_ms, sequence, symbol, phase, reason, risk_level,
       equity::numeric(38, 12), equity_peak::numeric(38, 12), position::numeric(38, 12), entry_price::numeric(38, 12),
       mid::numeric(38, 12), fees::numeric(38, 12), funding::numeric(38, 12), fills, orders_active, orders_unknown`,
      '1, 2',
    ],
    [
      'positions',
      `bot, symbol, leg, position::numeric(38, 12), entry_price::numeric(38, 12), sequence,
       (extract(epoch from ${plain.stored}) * 1000)::bigint as at_ms`,
      '1, 2, 3',
    ],
    [
      'bot_daily',
      `bot, day::text, minutes, equity_first::numeric(38, 12), equity_last::numeric(38, 12),
       equity_low::numeric(38, 12), equity_high::numeric(38, 12), drawdown::numeric(38, 12), fills, maker_fills,
       bought::numeric(38, 12), sold::numeric(38, 12), turnover::numeric(38, 12), fees::numeric(38, 12),
       realised::numeric(38, 12)`,
      '1, 2',
    ],
  ])('%s is what the projection of the store is', async (view, columns, order) => {
    const stored = await database.query(`select ${columns} from ${view} order by ${order}`);
    const exported = await ask(
      dir,
      `select ${columns.replace(` ${plain.stored})`, ` ${plain.exported})`)} from ${view} order by ${order}`,
    );
    const texts = (rows: readonly object[]): unknown[] =>
      rows.map((row) =>
        Object.values(row).map((value: unknown) =>
          typeof value === 'object' ? value : String(value as string | number),
        ),
      );
    expect(stored.length).toBeGreaterThan(3);
    expect(texts(exported)).toEqual(texts(stored));
  });

  test('notionals are exact where a narrower decimal overflows', async () => {
    const asked = await ask(
      dir,
      `select notional, sum(notional) over () as all from fills where trade_id = 'large' and bot = 'bot1'`,
    );
    const exact = String(98_457_123_456n * 62_312_654_321n).replace(/(?=\d{12}$)/, '.');
    expect(asked).toEqual([{ notional: exact, all: exact }]);
    await expect(
      ask(dir, `select price::decimal(18, 8) * qty::decimal(18, 8) from fills where trade_id = 'large'`),
    ).rejects.toThrow(/out of range|overflow/i);
    expect(await ask(dir, `select count(*) as fills, sum(realised) as realised from fills where bot = 'bot1'`)).toEqual(
      [{ fills: 41, realised: '-0.000000000040' }],
    );
  });

  test.each([
    ['-0.5', '-0.500000000000'],
    ['0', '0.000000000000'],
    ['-0.000000000001', '-0.000000000001'],
    ['999999999999999999.999999999999', '999999999999999999.999999999999'],
    ['-12345678901234567890.25', '-12345678901234567890.250000000000'],
    ['1e5', null],
    ['', null],
    ['1.', null],
    ['nothing', null],
  ])('%s is the decimal %s', async (text, decimal) =>
    expect(await ask(dir, `select decimal_of('${text}') as amount`)).toEqual([{ amount: decimal }]),
  );
});

describe('a query', () => {
  test.each([
    ['more than a SELECT', 'select 1; select 2'],
    ['nothing', ' '],
    ['bad syntax', 'selekt 1'],
    ['an unknown table', 'select * from nothing_like_it'],
    ['another file', `select * from read_text('/etc/passwd')`],
    ['another file by its name', `select * from '/etc/passwd'`],
    ['a folder', `select * from glob('/*')`],
    ['the network', `select * from read_parquet('https://127.0.0.1:1/x.parquet')`],
    ['an extension', 'install httpfs'],
    ['to load one', 'load httpfs'],
    ['another database', `attach '/tmp/never.db'`],
    ['to change a setting', "set memory_limit = '100GB'"],
    ['a table', 'create table mine (a int)'],
    ['to drop a view', 'drop view event'],
    ['to write a file', `copy (select 1) to '/tmp/never.csv'`],
    ['to write what it may read', `copy (select 1) to 'FILE' (format parquet, use_tmp_file false)`],
    ['the same in disguise', `explain analyze copy (select 1) to 'FILE' (format parquet, use_tmp_file false)`],
    ['a log file', `call enable_logging(storage = 'file', storage_path = '/tmp/never')`],
  ])('wanting %s is refused', async (_name, sql) => {
    const file = readdirSync(join(dir, 'events'), { recursive: true })
      .map(String)
      .find((name) => name.endsWith('.parquet'))!;
    const before = await ask(dir, 'select count(*) as n, sum(sequence) as s from event');
    await expect(ask(dir, sql.replace('FILE', join(dir, 'events', file)))).rejects.toThrow(QueryRefused);
    expect(await ask(dir, 'select count(*) as n, sum(sequence) as s from event')).toEqual(before);
  });

  test.each([
    'with a as (select 1 as x) select * from a',
    'from event limit 1',
    'values (1)',
    'describe event',
    'summarize fills',
    'show tables',
    'explain select * from fills',
    'explain analyze select count(*) from event',
    `select 'copy ; to' -- a comment; of two`,
  ])('%s is answered', async (sql) => expect((await ask(dir, sql)).length).toBeGreaterThan(0));

  test('says whole numbers as numbers, and amounts, instants and large numbers as text', async () => {
    expect(
      await ask(
        dir,
        `select 7::bigint as small, 9007199254740993::bigint as large, 1.10::decimal(38, 2) as amount, null as nothing,
           make_timestamptz(1772409600123456) as instant, make_timestamptz(1772409600000000) as second, [1, 2] as list,
           {'a': 'b'} as record, date '2026-03-02' as day, 0.5::double as ratio`,
      ),
    ).toEqual([
      {
        small: 7,
        large: '9007199254740993',
        amount: '1.10',
        nothing: null,
        instant: '2026-03-02T00:00:00.123456Z',
        second: '2026-03-02T00:00:00.000Z',
        list: [1, 2],
        record: { a: 'b' },
        day: '2026-03-02',
        ratio: 0.5,
      },
    ]);
  });

  test('of an empty folder has every view, and no row', async () => {
    for (const view of ['event', 'stream_total', 'orders', 'fills', 'bot_snapshot_minute'])
      expect(await ask(join(database.root, 'nothing'), `select * from ${view}`)).toEqual([]);
  });

  test('that wants too much memory fails in the words of the engine', async () => {
    const queries = await openQueries(dir, { memoryMb: 64 });
    const all = async (): Promise<void> => {
      const answer = await queries.ask('select list(a.payload order by b.payload) from event a, event b, event c');
      for await (const _ of answer.rows());
    };
    await expect(all()).rejects.toThrow(/Out of Memory/);
    queries.close();
  });
});

describe('the command', () => {
  test('exports, answers in three formats, and says what is wrong', async () => {
    rmSync(dir, { recursive: true });
    const empty = await desk('query', 'select count(*) as n from event', '-o', 'json');
    expect(empty).toMatchObject({ code: 0, out: '{"v":1,"data":[{"n":0}]}\n' });
    expect(empty.err).toContain('./desk analytics ingest');
    const [{ n } = {}] = await database.query('select count(*)::int as n from event');
    const ingested = await desk('analytics', 'ingest');
    expect(ingested.code).toBe(0);
    expect(ingested.out).toMatch(new RegExp(`^parquet: ${n} events in \\d+ batches\n$`));
    const sql = `select bot, count(*) as fills, sum(fee) as fee from fills group by bot order by bot`;
    const rows = [
      { bot: 'bot1', fills: 41, fee: '0.086100000000' },
      { bot: 'bot2', fills: 41, fee: '0.086100000000' },
    ];
    expect(JSON.parse((await desk('query', sql, '-o', 'json')).out)).toEqual({ v: 1, data: rows });
    expect((await desk('query', sql, '-o', 'jsonl')).out).toBe(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    expect((await desk('query', sql, '--fresh')).out).toMatch(
      /bot.*fills.*fee[\s\S]*bot1.*41.*0\.086100000000[\s\S]*2 rows/,
    );
    expect(await desk('query', 'select nothing from event')).toMatchObject({
      code: 2,
      err: expect.stringContaining('Referenced column "nothing" not found'),
    });
    expect(await desk('query', `select error('stop here')`)).toMatchObject({
      code: 1,
      err: expect.stringContaining('stop here'),
    });
    expect(await desk('query', 'select 1', '-o', 'xml')).toMatchObject({
      code: 2,
      err: expect.stringContaining('"xml"'),
    });
    expect(await desk('query', 'select 1', '--memory', '1')).toMatchObject({ code: 2 });
    const day = join(dir, 'events', '2026-03-01');
    const file = readdirSync(day)[0]!;
    writeFileSync(join(day, file), 'no Parquet');
    expect(await desk('query', 'select 1')).toMatchObject({ code: 1, err: expect.stringContaining(file) });
  }, 120_000);

  test('without a database says so', async () => {
    const away = { DESK_HOME: home, DATABASE_URL: 'postgres://u:p@127.0.0.1:1/none' };
    expect(await runDesk(away, 'analytics', 'ingest')).toMatchObject({
      code: 3,
      err: expect.stringContaining('./desk status'),
    });
    const none = join(database.root, 'none');
    const unknown = await runDesk({ DESK_HOME: none, DATABASE_URL: undefined }, 'analytics', 'ingest');
    expect(unknown).toMatchObject({ code: 3, err: expect.stringContaining('./desk up') });
  });
});
