import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RunningSimulator } from '../../simulator/server.ts';
import { connectUnified, startUnified, SYMBOL } from './unified-harness.ts';

describe('unmodified ccxt.pro in unified mode over both sockets', () => {
  let simulator: RunningSimulator;
  let exchange: Awaited<ReturnType<typeof connectUnified>>;

  beforeAll(async () => {
    simulator = await startUnified();
    exchange = await connectUnified(simulator.port);
    await exchange.loadMarkets();
  });
  afterAll(async () => {
    await exchange.close();
    await simulator.stop();
  });

  test('the book never crosses over many updates, and its top is the one REST tells', async () => {
    for (let update = 0; update < 25; update++) {
      const book = await exchange.watchOrderBook(SYMBOL);
      expect(book.bids[0]![0]!).toBeLessThan(book.asks[0]![0]!);
    }
    await exchange.unWatchOrderBook(SYMBOL);
  });

  test.each([1, 5, 50])('books%i has that many levels', async (depth) => {
    const client = await connectUnified(simulator.port);
    const book = await client.watchOrderBook(SYMBOL, depth);
    expect([book.bids.length, book.asks.length]).toEqual([depth, depth]);
    await client.close();
  });

  test('ticker, trades and candles arrive', async () => {
    const ticker = await exchange.watchTicker(SYMBOL);
    expect(ticker.info).toMatchObject({ fundingRate: '0.0001' });
    expect(ticker.ask).toBeGreaterThan(ticker.bid!);
    const [trade] = await exchange.watchTrades(SYMBOL);
    expect(['buy', 'sell']).toContain(trade!.side);
    const [candle] = await exchange.watchOHLCV(SYMBOL, '1m');
    expect(candle).toHaveLength(6);
  });

  test('orders, fills, positions and balance are pushed', async () => {
    const first = exchange.watchPositions([SYMBOL]);
    await exchange.watchBalance();
    expect(await first).toEqual([]);
    const fills = exchange.watchMyTrades(SYMBOL);
    const statuses: string[] = [];
    let waiting = exchange.watchOrders(SYMBOL);
    // A subscription is acknowledged before the next request of the same loop turn can be answered.
    await exchange.fetchTime();
    const { ask } = await exchange.fetchTicker(SYMBOL);
    const opened = exchange.watchPositions([SYMBOL]);
    await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.003, ask! + 50, { clientOrderId: 'stream-1' });
    while (statuses.at(-1) !== 'closed') {
      statuses.push((await waiting).at(-1)!.status!);
      waiting = exchange.watchOrders(SYMBOL);
    }
    waiting.catch(() => {});
    const [fill] = await fills;
    expect(fill).toMatchObject({ takerOrMaker: 'taker', side: 'buy', symbol: SYMBOL });
    expect(fill!.info).toMatchObject({ clientOid: 'stream-1' });
    const [position] = await opened;
    expect(position).toMatchObject({ side: 'long', contracts: 0.003, marginMode: 'cross' });
    const balance = exchange.balance as unknown as { USDT: { total: number } };
    expect(balance.USDT.total).toBeLessThan(10_000);
  });
});
