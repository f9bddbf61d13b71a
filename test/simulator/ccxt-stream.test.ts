import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { startSimulator, type RunningSimulator } from '../../simulator/server.ts';
import { BOT4, connect, simulatorOptions, tempDir } from './harness.ts';

const SYMBOL = 'BTC/USDT:USDT';

describe('unmodified ccxt.pro over both sockets', () => {
  const dir = tempDir();
  let simulator: RunningSimulator;
  let exchange: Awaited<ReturnType<typeof connect>>;

  beforeAll(async () => {
    simulator = await startSimulator(simulatorOptions(dir));
    exchange = await connect(simulator.port);
    await exchange.loadMarkets();
  });
  afterAll(async () => {
    await exchange.close();
    await simulator.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test('books: every update passes ccxt’s CRC-32 check and the book never crosses', async () => {
    for (let update = 0; update < 25; update++) {
      const book = await exchange.watchOrderBook(SYMBOL);
      expect(book.bids[0]![0]!).toBeLessThan(book.asks[0]![0]!);
    }
    await exchange.unWatchOrderBook(SYMBOL);
  });

  test.each([1, 5, 15])('books%i has that many levels', async (depth) => {
    const client = await connect(simulator.port);
    const book = await client.watchOrderBook(SYMBOL, depth);
    expect([book.bids.length, book.asks.length]).toEqual([depth, depth]);
    await client.close();
  });

  test('ticker and trades arrive', async () => {
    const ticker = await exchange.watchTicker(SYMBOL);
    expect(ticker.info).toMatchObject({ fundingRate: '0.0001', instId: 'BTCUSDT' });
    const [trade] = await exchange.watchTrades(SYMBOL);
    expect(['buy', 'sell']).toContain(trade!.side);
  });

  test('orders, fills, positions and balance are pushed to their account only', async () => {
    const other = await connect(simulator.port, BOT4);
    await other.loadMarkets();
    const foreign: unknown[] = [];
    other.watchOrders(SYMBOL).then(
      (orders) => foreign.push(...orders),
      () => {},
    );
    expect(await exchange.watchPositions([SYMBOL])).toEqual([]);
    await exchange.watchBalance();
    const fills = exchange.watchMyTrades(SYMBOL);
    const statuses: string[] = [];
    let waiting = exchange.watchOrders(SYMBOL);
    // A private subscription is acknowledged before the next request of the same loop turn can be answered.
    await exchange.fetchTime();
    const { ask } = await exchange.fetchTicker(SYMBOL);
    await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.003, ask! + 50, { clientOrderId: 'stream-1' });
    while (statuses.at(-1) !== 'closed') {
      statuses.push((await waiting).at(-1)!.status!);
      waiting = exchange.watchOrders(SYMBOL);
    }
    waiting.catch(() => {});
    const [fill] = await fills;
    expect(fill).toMatchObject({ takerOrMaker: 'taker', side: 'buy' });
    expect(fill!.info).toMatchObject({ clientOid: 'stream-1' });
    const positions = exchange.positions as unknown as Record<string, { contracts: number }[]>;
    expect(positions['USDT-FUTURES']![0]!.contracts).toBe(0.003);
    expect((exchange.balance as unknown as { USDT: { total: number } }).USDT.total).toBeLessThan(10_000);
    expect(foreign).toEqual([]);
    await other.close();
  });
});

test('a resting order at the touch is filled as maker by recorded trades, at its price and for 2 bps', async () => {
  const dir = tempDir();
  const simulator = await startSimulator(simulatorOptions(dir, { speed: 30 }));
  const exchange = await connect(simulator.port);
  await exchange.loadMarkets();
  const fills = exchange.watchMyTrades(SYMBOL);
  // The subscription is in place before the orders are: `positions` is acknowledged after it on the same socket.
  await exchange.watchPositions([SYMBOL]);
  const { bid, ask } = await exchange.fetchTicker(SYMBOL);
  await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.01, bid, { postOnly: true, clientOrderId: 'bid' });
  await exchange.createOrder(SYMBOL, 'limit', 'sell', 0.01, ask! + 5, { postOnly: true, clientOrderId: 'ask' });
  const [fill] = await fills;
  expect(fill!.takerOrMaker).toBe('maker');
  const limit = (await exchange.fetchOrder(fill!.order!, SYMBOL)).price;
  expect(fill!.price).toBe(limit);
  expect(fill!.fee!.cost).toBeCloseTo(fill!.price! * fill!.amount! * 0.0002, 9);
  await exchange.close();
  await simulator.stop();
  rmSync(dir, { recursive: true, force: true });
});
