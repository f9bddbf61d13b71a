import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RecordKind } from '../../core/events/record.ts';
import type { JournalRecord } from '../../journal/reader.ts';
import { PROJECTION_TABLES } from '../../ledger/projections.ts';
import { aFill, anOrder, aSnapshot, eventsOf, openBot, startDatabase } from './helpers.ts';
import type { TestDatabase } from './helpers.ts';

const MINUTE_MS = 60_000;
/** Two minutes to midnight, UTC. */
const START_MS = Math.floor(Date.now() / 86_400_000) * 86_400_000 - 2 * MINUTE_MS;

let database: TestDatabase;
beforeAll(async () => (database = await startDatabase()));
afterAll(() => database.remove());

type Told = readonly [kind: number, atMs: number, payload: unknown];

async function journaled(bot: string, told: readonly Told[]): Promise<JournalRecord[]> {
  const { journal } = await openBot(database, bot);
  for (const [kind, atMs, payload] of told) journal.append(kind, 1, 7, atMs, JSON.stringify(payload));
  await journal.close();
  return eventsOf(database, bot);
}

async function project(bot: string, told: readonly Told[]): Promise<void> {
  await database.ledger.ship(bot, await journaled(bot, told));
  await database.ledger.project(1_000);
}

const order = (...[id, state, change]: Parameters<typeof anOrder>): Told => [
  RecordKind.orderEvent,
  START_MS,
  anOrder(id, state, change),
];

test('an order is its first cause and its last state', async () => {
  await project('life', [
    order('a', 'in_flight'),
    [RecordKind.orderEvent, START_MS + 5, anOrder('a', 'open')],
    [RecordKind.orderEvent, START_MS + 9, anOrder('a', 'closed', { filled: '1', closeReason: 'filled' })],
    [RecordKind.orderEvent, START_MS, { type: 'stop', clientOrderId: 's', state: 'open', triggerPrice: '9' }],
  ]);
  expect(
    await database.query(`select client_order_id, state, close_reason, filled, first_sequence, last_sequence,
    extract(epoch from last_at - first_at) * 1000 as took, correlation_id from orders where bot = 'life'`),
  ).toEqual([
    {
      client_order_id: 'a',
      state: 'closed',
      close_reason: 'filled',
      filled: '1',
      first_sequence: '1',
      last_sequence: '3',
      took: '9.000000',
      correlation_id: 'life-1-7',
    },
  ]);
  expect(await database.ledger.reads.openOrders({ bot: 'life' })).toEqual([]);
});

test('the blotter adds the fills of an order up', async () => {
  await project('blotter', [
    order('a', 'open', { qty: '3' }),
    [RecordKind.fillEvent, START_MS, aFill('a', 't1', { price: '10', qty: '1', fee: '0.01', realised: '1' })],
    [RecordKind.fillEvent, START_MS, aFill('a', 't2', { price: '13', qty: '2', fee: '0.02', realised: '-0.5' })],
    order('b', 'open'),
  ]);
  expect(
    await database.query(`select client_order_id, fills, filled, round(average_price, 6) as price, fee, realised
      from blotter where bot = 'blotter' order by 1`),
  ).toEqual([
    { client_order_id: 'a', fills: '2', filled: '3', price: '12.000000', fee: '0.03', realised: '0.5' },
    { client_order_id: 'b', fills: '0', filled: '0', price: null, fee: '0', realised: '0' },
  ]);
});

test('a day is a UTC day: equity, drawdown from its own high, and what was traded in it', async () => {
  const minute = (n: number, equity: string): Told => [
    RecordKind.telemetryEvent,
    START_MS + n * MINUTE_MS,
    aSnapshot({ equity }),
  ];
  const fill = (n: number, id: string, change: object): Told => [
    RecordKind.fillEvent,
    START_MS + n * MINUTE_MS,
    aFill('a', id, change),
  ];
  await project('daily', [
    minute(0, '1000'),
    fill(0, 't1', { price: '10', qty: '2', fee: '0.1' }),
    minute(1, '990.5'),
    minute(2, '1010'),
    fill(2, 't2', { side: 'sell', price: '11', qty: '1', fee: '0.2', realised: '1', liquidity: 'taker' }),
    minute(3, '1007.25'),
    // A second word for the same minute: the later counts.
    minute(3, '1004.25'),
    minute(4, '1006'),
  ]);
  const days =
    await database.query(`select minutes, equity_first, equity_last, equity_low, equity_high, drawdown, fills,
    maker_fills, bought, sold, turnover, fees, realised from bot_daily where bot = 'daily' order by day`);
  expect(days).toEqual([
    {
      ...{ minutes: 2, equity_first: '1000', equity_last: '990.5', equity_low: '990.5', equity_high: '1000' },
      ...{ drawdown: '9.5', fills: 1, maker_fills: 1, bought: '2', sold: '0', turnover: '20', fees: '0.1' },
      realised: '0',
    },
    {
      ...{ minutes: 3, equity_first: '1010', equity_last: '1006', equity_low: '1004.25', equity_high: '1010' },
      ...{ drawdown: '5.75', fills: 1, maker_fills: 0, bought: '0', sold: '1', turnover: '11', fees: '0.2' },
      realised: '1',
    },
  ]);
});

test('positions are what was said last: by a fill of its leg, by a snapshot of all', async () => {
  const telemetry = (payload: object): Told => [RecordKind.telemetryEvent, START_MS, payload];
  const legs = (long: string, short: string): object[] => [
    { leg: 'long', position: long, entryPrice: '10' },
    { leg: 'short', position: short, entryPrice: null },
  ];
  await project('hedge', [
    telemetry(aSnapshot({ type: 'BotSnapshot', legs: legs('2', '0') })),
    telemetry(aFill('a', 't', { type: 'BotFill', leg: 'short', positionAfter: '-1', entryPriceAfter: '11' })),
  ]);
  await project('one-way', [
    telemetry(aFill('a', 't', { type: 'BotFill', positionAfter: '5', entryPriceAfter: '11' })),
    telemetry(aSnapshot({ position: '4', entryPrice: '10.5' })),
  ]);
  expect(await database.query('select bot, leg, position, entry_price from positions order by bot, leg')).toMatchObject(
    expect.arrayContaining([
      { bot: 'hedge', leg: 'long', position: '2', entry_price: '10' },
      { bot: 'hedge', leg: 'short', position: '-1', entry_price: '11' },
      { bot: 'one-way', leg: 'net', position: '4', entry_price: '10.5' },
    ]),
  );
});

describe('what cannot be read', () => {
  test('is left out and written down, and the rest goes on', async () => {
    await project('odd', [
      order('a', 'open'),
      order('b', 'open', { price: 'ten' }),
      [RecordKind.fillEvent, START_MS, { strange: true }],
      [RecordKind.telemetryEvent, START_MS, aSnapshot({ legs: 'none' })],
      [RecordKind.telemetryEvent, START_MS, aSnapshot({ fills: '99999999999999999999' })],
      order('c', 'open'),
    ]);
    expect(await database.query(`select client_order_id from orders where bot = 'odd' order by 1`)).toEqual([
      { client_order_id: 'a' },
      { client_order_id: 'c' },
    ]);
    const skipped = await database.query(
      `select projection, sequence, rule from projection_skipped where source = 'odd' order by sequence`,
    );
    expect(skipped).toMatchObject([
      { projection: 'orders', sequence: '2', rule: 'expected id, symbol, side, price, qty, filled, state' },
      { projection: 'fills', sequence: '3' },
      { projection: 'all', sequence: '4' },
      { projection: 'all', sequence: '5' },
    ]);
  });
});

const Story: fc.Arbitrary<readonly Told[]> = fc
  .array(
    fc
      .record({
        what: fc.constantFrom('order', 'fill', 'minute', 'botFill', 'odd'),
        n: fc.integer({ min: 0, max: 5 }),
        afterMs: fc.integer({ min: 0, max: 90_000 }),
        qty: fc.integer({ min: 1, max: 999 }).map((lots) => `0.${String(lots).padStart(3, '0')}`),
        equity: fc.integer({ min: 900_000, max: 1_100_000 }).map((cents) => String(cents / 1000)),
        state: fc.constantFrom('in_flight', 'open', 'closed', 'unknown'),
      })
      .map(({ what, n, afterMs, qty, equity, state }): readonly [string, number, object] => {
        if (what === 'order') return [what, afterMs, anOrder(`o${n}`, state, { filled: qty })];
        if (what === 'fill') return [what, afterMs, aFill(`o${n}`, `t${n}`, { qty, realised: `-${qty}` })];
        if (what === 'minute') return [what, afterMs, aSnapshot({ equity })];
        if (what === 'botFill') return [what, afterMs, aFill(`o${n}`, 't', { type: 'BotFill', positionAfter: qty })];
        return [what, afterMs, { strange: n }];
      }),
    { minLength: 1, maxLength: 60 },
  )
  .map((steps) => {
    let atMs = START_MS;
    return steps.map(([what, afterMs, payload]): Told => {
      atMs += afterMs;
      const kind =
        what === 'order' ? RecordKind.orderEvent : what === 'fill' ? RecordKind.fillEvent : RecordKind.telemetryEvent;
      return [what === 'odd' ? RecordKind.fillEvent : kind, atMs, payload];
    });
  });

test('in batches of any size, and made again from the first event, the rows are the same', async () => {
  const tables = [...PROJECTION_TABLES, 'projection_skipped'];
  const rowsOf = async (source: string): Promise<unknown> => {
    const found: Record<string, unknown> = {};
    for (const table of tables) {
      const key = ['stream_total', 'projection_skipped'].includes(table) ? 'source' : 'bot';
      const rows = await database.query(`select to_jsonb(t) - '${key}' as row from ${table} t where ${key} = $1`, [
        source,
      ]);
      found[table] = rows.map(({ row }) => JSON.stringify(row).replaceAll(source, 'it')).sort();
    }
    return found;
  };
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      Story,
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 }),
      async (told, sizes) => {
        run += 1;
        const [whole, parts] = [`whole-${run}`, `parts-${run}`];
        await project(whole, told);
        const records = await journaled(parts, told);
        for (let from = 0, i = 0; from < records.length; i += 1) {
          const to = from + sizes[i % sizes.length]!;
          await database.ledger.ship(parts, records.slice(from, to));
          await database.ledger.project(sizes[(i + 1) % sizes.length]!);
          from = to;
        }
        while ((await database.ledger.project(7)) > 0);
        const once = await rowsOf(whole);
        expect(await rowsOf(parts)).toEqual(once);
        await database.ledger.rebuild();
        expect(await rowsOf(whole)).toEqual(once);
        expect(await rowsOf(parts)).toEqual(once);
      },
    ),
    { numRuns: 12, seed: 6 },
  );
});
