import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { startSimulator, type RunningSimulator } from '../../simulator/server.ts';
import { BOT1, connect, markets, simulatorOptions, tempDir } from './harness.ts';

const SYMBOL = 'BTC/USDT:USDT';

describe('unmodified ccxt over REST', () => {
  const dir = tempDir();
  let simulator: RunningSimulator;
  let exchange: Awaited<ReturnType<typeof connect>>;

  beforeAll(async () => {
    simulator = await startSimulator(simulatorOptions(dir, { markets: markets('BTCUSDT', 'ETHUSDT') }));
    exchange = await connect(simulator.port);
    await exchange.loadMarkets();
  });
  afterAll(async () => {
    await exchange.close();
    await simulator.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test('lists the two markets with tick, lot, minima and fees', () => {
    expect(Object.keys(exchange.markets!)).toEqual([SYMBOL, 'ETH/USDT:USDT']);
    expect(exchange.market(SYMBOL)).toMatchObject({
      precision: { price: 0.1, amount: 0.001 },
      limits: { amount: { min: 0.001 }, cost: { min: 5 } },
      maker: 0.0002,
      taker: 0.0006,
    });
  });

  test('loads spot, swap and currencies too when nothing is pinned', async () => {
    const plain = await connect(simulator.port, null, { options: {} });
    expect(Object.keys(await plain.loadMarkets())).toEqual([SYMBOL, 'ETH/USDT:USDT']);
    const keyed = await connect(simulator.port, BOT1, { options: { defaultType: 'swap' } });
    await keyed.loadMarkets();
    expect(keyed.options.uta).toBe(false);
  });

  test('tells time, ticker and book', async () => {
    expect(Math.abs((await exchange.fetchTime())! - Date.now())).toBeLessThan(5_000);
    const book = await exchange.fetchOrderBook(SYMBOL, 15);
    expect(book.bids).toHaveLength(15);
    expect(book.bids[0]![0]!).toBeLessThan(book.asks[0]![0]!);
    const ticker = await exchange.fetchTicker(SYMBOL);
    expect(ticker.bid).toBeGreaterThan(0);
    expect(ticker.ask).toBeGreaterThan(ticker.bid!);
  });

  test('tells the account its fee rates', async () => {
    expect(await exchange.fetchTradingFee(SYMBOL)).toMatchObject({ maker: 0.0002, taker: 0.0006 });
  });

  test('places, lists, finds by client id and cancels a resting order', async () => {
    const { bid } = await exchange.fetchTicker(SYMBOL);
    const created = await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.01, bid! - 500, {
      postOnly: true,
      clientOrderId: 'rest-1',
    });
    expect(created.clientOrderId).toBe('rest-1');
    expect((await exchange.fetchOpenOrders(SYMBOL)).map(({ id }) => id)).toEqual([created.id]);
    expect(await exchange.fetchOrder('', SYMBOL, { clientOrderId: 'rest-1' })).toMatchObject({
      id: created.id,
      status: 'open',
      amount: 0.01,
      filled: 0,
      reduceOnly: false,
      timeInForce: 'PO',
    });
    await exchange.cancelOrder('', SYMBOL, { clientOrderId: 'rest-1' });
    expect((await exchange.fetchOrder(created.id!, SYMBOL)).status).toBe('canceled');
    expect(await exchange.fetchOpenOrders(SYMBOL)).toEqual([]);
  });

  test('a crossing order fills as taker, makes a position and costs 6 bps', async () => {
    const { ask } = await exchange.fetchTicker(SYMBOL);
    const created = await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.002, ask! + 100, { clientOrderId: 'take-1' });
    const order = await exchange.fetchOrder(created.id!, SYMBOL);
    expect(order).toMatchObject({ status: 'closed', filled: 0.002 });
    const trades = (await exchange.fetchMyTrades(SYMBOL)).filter(({ order: id }) => id === created.id);
    expect(trades.reduce((sum, { amount }) => sum + amount!, 0)).toBeCloseTo(0.002, 9);
    for (const trade of trades) {
      expect(trade.takerOrMaker).toBe('taker');
      expect(trade.price).toBeLessThanOrEqual(ask! + 100);
      expect(trade.fee!.cost).toBeCloseTo(trade.cost! * 0.0006, 9);
    }
    const [position] = await exchange.fetchPositions([SYMBOL]);
    expect(position).toMatchObject({ side: 'long', contracts: 0.002, hedged: false, marginMode: 'cross' });
    const balance = await exchange.fetchBalance();
    expect((balance.USDT as { total: number }).total).toBeLessThan(10_000);
  });

  test('a reduce-only market order closes no more than the position', async () => {
    await exchange.createOrder(SYMBOL, 'market', 'sell', 1, undefined, { reduceOnly: true });
    expect(await exchange.fetchPositions([SYMBOL])).toEqual([]);
  });

  test('cancels all orders of a symbol', async () => {
    const { bid, ask } = await exchange.fetchTicker(SYMBOL);
    await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.01, bid! - 500, {});
    await exchange.createOrder(SYMBOL, 'limit', 'sell', 0.01, ask! + 500, {});
    expect(await exchange.cancelAllOrders(SYMBOL)).toHaveLength(2);
    expect(await exchange.fetchOpenOrders(SYMBOL)).toEqual([]);
  });

  test('sets leverage, margin mode and position mode', async () => {
    await exchange.setLeverage(10, SYMBOL);
    expect(await exchange.fetchLeverage(SYMBOL)).toMatchObject({ longLeverage: 10, marginMode: 'cross' });
    await exchange.setMarginMode('cross', SYMBOL);
    await exchange.setPositionMode(true, SYMBOL);
    await exchange.setPositionMode(false, SYMBOL);
  });

  test('speaks exact decimal strings with number: String', async () => {
    const text = await connect(simulator.port, BOT1, { number: String });
    await text.loadMarkets();
    const book = await text.fetchOrderBook(SYMBOL, 5);
    expect(book.bids).toHaveLength(5);
    const [trade] = await text.fetchMyTrades(SYMBOL);
    expect(trade!.fee!.cost).toMatch(/^\d+\.\d+$/);
  });
});
