import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Instrument } from '../../core/market/instrument.ts';
import type { PriceTicks, QtyLots } from '../../core/money/money.ts';
import type { SimulatorOptions } from '../../core/simulation/options.ts';
import { BITGET_LIMITS } from '../../gateway/bitget/limits.ts';
import { createRateBudget } from '../../gateway/rates/rate-budget.ts';
import { ORDER_FAMILIES, type Venue } from '../../gateway/venue.ts';
import { startSimulator, type RunningSimulator } from '../../simulator/server.ts';
import { CANARY_KEYS, connect, intent, isConnector, isKind, listen, type Heard, type Listener, type LoggingVenue } from './raw-peer.ts'; // prettier-ignore

const SYMBOL = 'BTCUSDT';
const DATA_DIR = join(process.cwd(), 'data');
const stateDir = mkdtempSync(join(tmpdir(), 'gateway-test-'));
let simulator: RunningSimulator;

function start(port = 0): Promise<RunningSimulator> {
  const all = JSON.parse(readFileSync(join(DATA_DIR, 'markets.json'), 'utf8')) as SimulatorOptions['markets'];
  const markets = all.filter(({ instrument }) => instrument.symbol === SYMBOL);
  const accounts = [
    { account: 'bot1', ...CANARY_KEYS, balance: '100000' },
    { account: 'bot2', ...CANARY_KEYS, apiKey: 'bg_canaryapikey00000002', balance: '100' },
  ];
  return startSimulator({ port, dataDir: DATA_DIR, stateDir, accounts, markets });
}
const endpoint = () => ({
  httpUrl: `http://127.0.0.1:${simulator.port}`,
  wsUrl: `ws://127.0.0.1:${simulator.port}`,
});

beforeAll(async () => {
  simulator = await start();
});
afterAll(async () => {
  await simulator.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

let connected: LoggingVenue;
let venue: Venue;
let instrument: Instrument;
beforeEach(async () => {
  connected = await connect(endpoint(), { random: () => 0 });
  venue = connected.venue;
  instrument = await venue.instrument(SYMBOL);
});
afterEach(() => venue.close());

let nextId = 0;
const freshId = (): string => `t-${process.pid}-${(nextId += 1)}`;

/** Starts streaming and waits until every channel is up. */
async function streaming(): Promise<Listener> {
  const listener = listen();
  venue.stream(instrument, listener.sink);
  const channels = ['book', 'trades', 'ticker', 'orders', 'positions'];
  await Promise.all(channels.map((channel) => listener.next(isConnector(channel, 'up'))));
  return listener;
}
async function topOfBook(listener: Listener): Promise<{ bid: number; ask: number }> {
  const { book } = await listener.next(isKind('book'), Math.max(0, listener.heard.length - 1));
  return book;
}
const ofOrder =
  (clientOrderId: string, status: string) =>
  (item: Heard): item is Extract<Heard, { kind: 'order' }> =>
    item.kind === 'order' && item.value.clientOrderId === clientOrderId && item.value.status === status;

test('the rules of the contract come from the venue', async () => {
  expect(instrument.spec).toEqual({
    symbol: SYMBOL,
    tick: '0.1',
    lot: '0.001',
    qtyMin: '0.001',
    notionalMin: '5',
    makerFeeRate: '0.0002',
    takerFeeRate: '0.0006',
  });
  await expect(venue.instrument('NOPEUSDT')).rejects.toMatchObject({ name: 'VenueRefused' });
  expect(Math.abs((await venue.serverTimeMs()) - Date.now())).toBeLessThan(60_000);
  expect(Number((await venue.balance()).equity)).toBeGreaterThan(0);
});

describe('one order', () => {
  const resting = (clientOrderId: string) => intent({ clientOrderId, price: 500_000 as PriceTicks });

  test('is placed once under its id, is found by it, is cancelled, is gone', async () => {
    const id = freshId();
    const placed = await venue.place(resting(id));
    expect(placed).toMatchObject({ answer: 'yes' });
    expect(await venue.place(resting(id))).toEqual({ answer: 'duplicate' });
    const found = await venue.orderByClientId(SYMBOL, id);
    expect(found).toMatchObject({ clientOrderId: id, status: 'open', price: 500_000, qty: 10, filled: 0, side: 'buy' });
    expect(placed).toEqual({ answer: 'yes', venueOrderId: found?.venueOrderId });
    expect(await venue.openOrders(SYMBOL)).toEqual([found]);
    expect(await venue.cancel(SYMBOL, id)).toEqual({ answer: 'yes' });
    expect(await venue.cancel(SYMBOL, id)).toEqual({ answer: 'gone' });
    expect(await venue.orderByClientId(SYMBOL, id)).toMatchObject({ status: 'cancelled' });
    expect(await venue.openOrders(SYMBOL)).toEqual([]);
  });

  test('nobody knows is null, and cancelling it is gone', async () => {
    expect(await venue.orderByClientId(SYMBOL, 'never-placed')).toBeNull();
    expect(await venue.cancel(SYMBOL, 'never-placed')).toEqual({ answer: 'gone' });
  });

  test.each([
    ['too small', { qty: 0 as QtyLots }, /^4/],
    ['too little money in it', { price: 100 as PriceTicks, qty: 1 as QtyLots }, /^45110$/],
    ['more than the account has', { qty: 100_000 as QtyLots }, /^40762$/],
    ['reducing no position', { reduceOnly: true, kind: 'limit' }, /^22002$/],
    ['an id that is too long', { clientOrderId: 'x'.repeat(60) }, /^40305$/],
  ] as const)('%s is refused', async (_name, change, code) => {
    const answer = await venue.place(intent({ clientOrderId: freshId(), ...change }));
    expect(answer).toMatchObject({ answer: 'no', code: expect.stringMatching(code), reason: expect.any(String) });
  });

  test('a wrong key is a plain no, and is not repeated', async () => {
    const stranger = await connect(endpoint(), { keys: { ...CANARY_KEYS, secret: 'wrong-secret-0123456789' } });
    await expect(stranger.venue.balance()).rejects.toMatchObject({ name: 'VenueRefused' });
    await stranger.venue.close();
  });

  test('all of a symbol are cancelled at once, and then there is nothing left', async () => {
    for (let n = 0; n < 3; n += 1) await venue.place(resting(freshId()));
    expect(await venue.openOrders(SYMBOL)).toHaveLength(3);
    expect(await venue.cancelAll({ symbol: SYMBOL, families: ORDER_FAMILIES })).toEqual({ answer: 'yes' });
    expect(await venue.openOrders(SYMBOL)).toEqual([]);
    expect(await venue.cancelAll({ symbol: SYMBOL, families: ORDER_FAMILIES })).toEqual({ answer: 'gone' });
  });
});

test('more open orders than a page holds are all told', async () => {
  const budget = createRateBudget(BITGET_LIMITS, fastClock());
  const many = await connect(endpoint(), { budget, callDeadlineMs: 600_000 });
  await many.venue.instrument(SYMBOL);
  const ids = Array.from({ length: 105 }, () => freshId());
  const answers = await Promise.all(
    ids.map((clientOrderId) => many.venue.place(intent({ clientOrderId, qty: 1 as QtyLots, expiresAtMs: Infinity }))),
  );
  expect(answers.filter(({ answer }) => answer !== 'yes')).toEqual([]);
  const open = await many.venue.openOrders(SYMBOL);
  expect(new Set(open.map(({ clientOrderId }) => clientOrderId))).toEqual(new Set(ids));
  await many.venue.cancelAll({ symbol: SYMBOL, families: ORDER_FAMILIES });
  await many.venue.close();
  budget.close();
});

describe('streams', () => {
  test('market data arrives in order and in ticks', async () => {
    const listener = await streaming();
    const { bid, ask } = await topOfBook(listener);
    expect(Number.isInteger(bid) && Number.isInteger(ask) && bid < ask).toBe(true);
    await listener.next(isKind('trade'));
    await listener.next(isKind('ticker'));
    while (listener.heard.filter(isKind('book')).length < 10) {
      await listener.next(isKind('book'), listener.heard.length);
    }
    const times = listener.heard.filter(isKind('book')).map(({ book }) => book.venueAtMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  test('a resting order is told open and then cancelled', async () => {
    const listener = await streaming();
    const clientOrderId = freshId();
    await venue.place(intent({ clientOrderId }));
    await listener.next(ofOrder(clientOrderId, 'open'));
    await venue.cancel(SYMBOL, clientOrderId);
    await listener.next(ofOrder(clientOrderId, 'cancelled'));
  });

  test('a post-only order that would take does not rest', async () => {
    const listener = await streaming();
    const { ask } = await topOfBook(listener);
    const clientOrderId = freshId();
    const answer = await venue.place(intent({ clientOrderId, price: (ask + 500) as PriceTicks }));
    if (answer.answer === 'yes') await listener.next(ofOrder(clientOrderId, 'cancelled'));
    else expect(answer.answer).toBe('no');
    expect(await venue.openOrders(SYMBOL)).toEqual([]);
    expect(await venue.positions(SYMBOL)).toEqual([]);
  });

  test('a fill is told by stream and by list alike, and the position follows', async () => {
    const listener = await streaming();
    const startedAtMs = Date.now() - 1_000;
    const { bid, ask } = await topOfBook(listener);
    const [buyId, sellId] = [freshId(), freshId()];
    const limit = { kind: 'limit', qty: 2 } as const;
    const buy = {
      ...limit,
      clientOrderId: buyId,
      side: 'buy',
      price: (ask + 1_000) as PriceTicks,
      qty: 2 as QtyLots,
    } as const;
    expect(await venue.place(intent(buy))).toMatchObject({ answer: 'yes' });
    await listener.next(ofOrder(buyId, 'filled'));
    await listener.next(
      (item): item is Extract<Heard, { kind: 'position' }> => item.kind === 'position' && item.value.qty === 2,
    );
    expect(await venue.positions(SYMBOL)).toEqual([
      expect.objectContaining({ symbol: SYMBOL, leg: 'net', qty: 2, entryPrice: expect.any(String) }),
    ]);
    const from = listener.heard.length;
    const sell = {
      ...buy,
      clientOrderId: sellId,
      side: 'sell',
      price: (bid - 1_000) as PriceTicks,
      reduceOnly: true,
    } as const;
    expect(await venue.place(intent(sell))).toMatchObject({ answer: 'yes' });
    await listener.next(
      (item): item is Extract<Heard, { kind: 'position' }> => item.kind === 'position' && item.value.qty === 0,
      from,
    );
    expect(await venue.positions(SYMBOL)).toEqual([]);
    await listener.next(ofOrder(sellId, 'filled'), from);
    const listed = await venue.fillsSince(SYMBOL, startedAtMs);
    const told = listener.heard.filter(isKind('fill')).map(({ value }) => value);
    const bare = (fills: typeof listed) => fills.map(({ clientOrderId: _, ...fill }) => fill);
    expect(bare(listed)).toEqual(bare(told));
    expect(listed.map(({ side, qty, liquidity }) => ({ side, qty, liquidity }))).toEqual([
      { side: 'buy', qty: 2, liquidity: 'taker' },
      { side: 'sell', qty: 2, liquidity: 'taker' },
    ]);
    expect(listed.every(({ fee }) => fee > 0n)).toBe(true);
    expect(await venue.fillsSince(SYMBOL, Date.now() + 60_000)).toEqual([]);
  });

  test('after the venue was away, every channel comes back and orders are found', async () => {
    const listener = await streaming();
    const clientOrderId = freshId();
    expect(await venue.place(intent({ clientOrderId }))).toMatchObject({ answer: 'yes' });
    const { port } = simulator;
    await simulator.stop();
    const channels = ['book', 'trades', 'ticker', 'orders', 'positions'];
    await Promise.all(channels.map((channel) => listener.next(isConnector(channel, 'down'))));
    expect(await venue.place(intent({ clientOrderId: freshId() }))).toMatchObject({ answer: 'unknown' });
    await expect(venue.openOrders(SYMBOL)).rejects.toMatchObject({ name: 'VenueUnavailable' });
    const from = listener.heard.length;
    simulator = await start(port);
    await Promise.all(channels.map((channel) => listener.next(isConnector(channel, 'up'), from)));
    await listener.next(isKind('book'), from);
    expect(await venue.orderByClientId(SYMBOL, clientOrderId)).toMatchObject({ status: 'open' });
    expect(await venue.cancel(SYMBOL, clientOrderId)).toEqual({ answer: 'yes' });
    await listener.next(ofOrder(clientOrderId, 'cancelled'), from);
  });
});

/** A clock that runs fast, so that the rate budget does not make a test wait; the venue's own time is not touched. */
function fastClock(): () => number {
  const startMs = Date.now();
  return () => startMs + (Date.now() - startMs) * 20;
}
