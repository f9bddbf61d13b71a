import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { RecordKind } from '../../core/events/record.ts';
import { aFill, anOrder, aSnapshot, eventsOf, openBot, startDatabase } from './helpers.ts';
import type { TestDatabase } from './helpers.ts';

const START_MS = 1_700_000_040_000;
let database: TestDatabase;
afterAll(() => database.remove());

/** Two bots over ten minutes: an order opened each minute, every second one filled and closed, equity by the minute. */
beforeAll(async () => {
  database = await startDatabase();
  for (const bot of ['bot1', 'bot4']) {
    const { journal } = await openBot(database, bot);
    const event = (kind: number, atMs: number, payload: object) =>
      journal.append(kind, 3, 41, atMs, JSON.stringify(payload));
    for (let minute = 0; minute < 10; minute += 1) {
      const atMs = START_MS + minute * 60_000 + (bot === 'bot4' ? 1 : 0);
      const id = `${bot}-${minute}`;
      event(RecordKind.orderEvent, atMs, anOrder(id, 'in_flight'));
      event(RecordKind.orderEvent, atMs, anOrder(id, minute === 7 ? 'unknown' : 'open'));
      if (minute % 2 === 0) {
        event(RecordKind.fillEvent, atMs, aFill(id, `t${minute}`));
        event(RecordKind.orderEvent, atMs, anOrder(id, 'closed', { filled: '1' }));
      }
      event(RecordKind.telemetryEvent, atMs, aSnapshot({ equity: `${1000 + minute}.000000000001` }));
    }
    event(RecordKind.telemetryEvent, START_MS + 600_000, { note: 'no equity in this one' });
    event(RecordKind.fillEvent, START_MS + 600_000, { strange: true });
    await journal.close();
    const events = await eventsOf(database, bot);
    // In two batches, so that orders change state across them.
    for (const batch of [events.slice(0, 17), events.slice(17)]) {
      await database.ledger.ship(bot, batch);
      await database.ledger.project(1_000);
    }
  }
});

test('the newest snapshot of each bot', async () => {
  const snapshots = await database.ledger.reads.latestSnapshots();
  expect(snapshots.map(({ bot, atMs, payload }) => [bot, atMs, payload.equity])).toEqual([
    ['bot1', START_MS + 540_000, '1009.000000000001'],
    ['bot4', START_MS + 540_001, '1009.000000000001'],
  ]);
});

test('recent fills of all and of one, newest first, without the one that is no fill', async () => {
  const { reads } = database.ledger;
  const all = await reads.recentFills({ limit: 6 });
  expect(all.map(({ clientOrderId }) => clientOrderId)).toEqual([
    'bot4-8',
    'bot1-8',
    'bot4-6',
    'bot1-6',
    'bot4-4',
    'bot1-4',
  ]);
  const [newest] = await reads.recentFills({ bot: 'bot1', limit: 2 });
  expect(newest).toMatchObject({
    bot: 'bot1',
    atMs: START_MS + 480_000,
    correlationId: 'bot1-3-15',
    price: '10.5',
    fee: '0.0021',
    liquidity: 'maker',
  });
});

test('open orders are those whose last state is not closed', async () => {
  const { reads } = database.ledger;
  const open = await reads.openOrders({ bot: 'bot4' });
  expect(open.map(({ clientOrderId, state }) => [clientOrderId, state])).toEqual([
    ['bot4-1', 'open'],
    ['bot4-3', 'open'],
    ['bot4-5', 'open'],
    ['bot4-7', 'unknown'],
    ['bot4-9', 'open'],
  ]);
  expect(await reads.openOrders()).toHaveLength(10);
  const recent = await reads.recentOrders({ bot: 'bot1', limit: 3 });
  expect(recent.map(({ clientOrderId, state, filled }) => [clientOrderId, state, filled])).toEqual([
    ['bot1-9', 'open', '0'],
    ['bot1-8', 'closed', '1'],
    ['bot1-7', 'unknown', '0'],
  ]);
});

test('totals and counts are those of the rows', async () => {
  const { reads } = database.ledger;
  expect(await reads.fillTotals()).toEqual([
    { bot: 'bot1', count: 6, lastFillAtMs: START_MS + 600_000 },
    { bot: 'bot4', count: 6, lastFillAtMs: START_MS + 600_000 },
  ]);
  const counted = await database.query(
    'select source as bot, stream, count(*) as events, max(sequence) as last from event group by 1, 2 order by 1, 2',
  );
  expect(
    (await reads.eventCounts()).map(({ bot, stream, events, lastEventSequence }) => [
      bot,
      stream,
      events,
      lastEventSequence,
    ]),
  ).toEqual(counted.map(({ bot, stream, events, last }) => [bot, stream, Number(events), Number(last)]));
});

test.each([
  ['more points than values', 100, 0, 10],
  ['as many as asked', 5, 0, 5],
  ['one', 1, 0, 1],
  ['a part of the time', 100, START_MS + 300_000, 5],
  ['nothing yet', 100, START_MS + 900_000, 0],
])('an equity curve: %s', async (_name, points, sinceMs, expected) => {
  const curve = await database.ledger.reads.equityCurve({ bot: 'bot1', sinceMs, points });
  expect(curve).toHaveLength(expected);
  expect(curve.at(-1)).toEqual(expected === 0 ? undefined : { atMs: START_MS + 540_000, equity: '1009.000000000001' });
  expect(curve.map(({ atMs }) => atMs)).toEqual(curve.map(({ atMs }) => atMs).sort((a, b) => a - b));
});
