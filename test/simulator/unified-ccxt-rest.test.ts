import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RunningSimulator } from '../../simulator/server.ts';
import { CLASSIC, connectUnified, startUnified, SYMBOL } from './unified-harness.ts';
import { connect } from './harness.ts';

describe('unmodified ccxt in unified mode over REST', () => {
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

  test('finds out by itself which kind of account it has', async () => {
    const unified = await connectUnified(simulator.port, {});
    await unified.loadMarkets();
    expect(unified.options.uta).toBe(true);
    expect((await unified.fetchBalance()).USDT).toMatchObject({ total: 10_000 });
    const classic = await connect(simulator.port, CLASSIC, { options: { defaultType: 'swap' } });
    await classic.loadMarkets();
    expect(classic.options.uta).toBe(false);
  });

  test('lists the two markets with tick, lot, minima and fees', () => {
    expect(Object.keys(exchange.markets!)).toEqual([SYMBOL, 'ETH/USDT:USDT']);
    expect(exchange.market(SYMBOL)).toMatchObject({
      precision: { price: 0.1, amount: 0.001 },
      limits: { amount: { min: 0.001 }, cost: { min: 5 }, leverage: { max: 125 } },
      maker: 0.0002,
      taker: 0.0006,
    });
  });

  test('tells ticker, book, trades, candles, funding and tiers', async () => {
    const book = await exchange.fetchOrderBook(SYMBOL, 15);
    expect(book.bids).toHaveLength(15);
    expect(book.bids[0]![0]!).toBeLessThan(book.asks[0]![0]!);
    const ticker = await exchange.fetchTicker(SYMBOL);
    expect(ticker.ask).toBeGreaterThan(ticker.bid!);
    expect(Object.keys(await exchange.fetchTickers())).toEqual([SYMBOL, 'ETH/USDT:USDT']);
    // The recording trades within seconds of its start.
    let trades = await exchange.fetchTrades(SYMBOL);
    while (trades.length === 0) trades = await exchange.fetchTrades(SYMBOL);
    const [candle] = await exchange.fetchOHLCV(SYMBOL, '1m');
    const [atMs, open, high, low, close, volume] = candle as number[];
    expect(atMs! % 60_000).toBe(0);
    expect(Math.max(open!, close!)).toBeLessThanOrEqual(high!);
    expect(Math.min(open!, close!)).toBeGreaterThanOrEqual(low!);
    expect(volume).toBeGreaterThan(0);
    expect(await exchange.fetchFundingRate(SYMBOL)).toMatchObject({ fundingRate: 0.0001, interval: '8h' });
    const tiers = await exchange.fetchMarketLeverageTiers(SYMBOL);
    expect(tiers[0]).toMatchObject({ maxLeverage: 125, maintenanceMarginRate: 0.004, maxNotional: 150_000 });
    expect(await exchange.fetchTradingFee(SYMBOL)).toMatchObject({ maker: 0.0002, taker: 0.0006 });
  });

  test('places, modifies in place, finds by client id, lists and cancels a resting order', async () => {
    const { bid } = await exchange.fetchTicker(SYMBOL);
    const params = { postOnly: true, clientOrderId: 'rest-1' };
    const created = await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.01, bid! - 500, params);
    expect(created.clientOrderId).toBe('rest-1');
    const edited = await exchange.editOrder(created.id!, SYMBOL, 'limit', 'buy', 0.02, bid! - 600);
    expect(edited.id).toBe(created.id);
    expect(await exchange.fetchOrder('', SYMBOL, { clientOrderId: 'rest-1' })).toMatchObject({
      id: created.id,
      status: 'open',
      amount: 0.02,
      price: Number((bid! - 600).toFixed(1)),
      filled: 0,
      reduceOnly: false,
      timeInForce: 'PO',
    });
    expect((await exchange.fetchOpenOrders(SYMBOL)).map(({ id }) => id)).toEqual([created.id]);
    await exchange.cancelOrder('', SYMBOL, { clientOrderId: 'rest-1' });
    expect(await exchange.fetchOrder(created.id!, SYMBOL)).toMatchObject({ status: 'canceled', filled: 0 });
    const canceled = await exchange.fetchCanceledOrders(SYMBOL);
    expect(canceled.map(({ id }) => id)).toContain(created.id);
  });

  test('a crossing order fills as taker, makes a position and costs 6 bps', async () => {
    const { ask } = await exchange.fetchTicker(SYMBOL);
    const created = await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.002, ask! + 100, { clientOrderId: 'take-1' });
    expect(await exchange.fetchOrder(created.id!, SYMBOL)).toMatchObject({ status: 'closed', filled: 0.002 });
    const trades = (await exchange.fetchMyTrades(SYMBOL)).filter(({ order }) => order === created.id);
    expect(trades.reduce((sum, { amount }) => sum + amount!, 0)).toBeCloseTo(0.002, 9);
    for (const trade of trades) {
      expect(trade.takerOrMaker).toBe('taker');
      // v3 tells a paid fee as a positive number, and ccxt turns it round.
      expect(trade.fee!.cost).toBeCloseTo(-trade.cost! * 0.0006, 9);
    }
    const [position] = await exchange.fetchPositions([SYMBOL]);
    expect(position).toMatchObject({
      side: 'long',
      contracts: 0.002,
      hedged: false,
      marginMode: 'cross',
      leverage: 20,
    });
    expect((await exchange.fetchBalance()).USDT).toMatchObject({ debt: 0 });
  });

  test('protects the position by a strategy order, moves it and takes it away', async () => {
    const { bid } = await exchange.fetchTicker(SYMBOL);
    const stop = { stopLossPrice: bid! - 1_000, reduceOnly: true };
    const placed = await exchange.createOrder(SYMBOL, 'market', 'sell', 0.002, undefined, stop);
    const open = await exchange.fetchOpenOrders(SYMBOL, undefined, undefined, { trigger: true });
    expect(open.map(({ id, info }) => [id, Number((info as { stopLoss: string }).stopLoss)])).toEqual([
      [placed.id, Number((bid! - 1_000).toFixed(1))],
    ]);
    await expect(exchange.createOrder(SYMBOL, 'market', 'sell', 0.002, undefined, stop)).rejects.toThrow('25594');
    await exchange.editOrder(placed.id!, SYMBOL, 'market', 'sell', 0.002, undefined, { stopLossPrice: bid! - 1_100 });
    const [moved] = await exchange.fetchOpenOrders(SYMBOL, undefined, undefined, { trigger: true });
    expect(moved).toMatchObject({ id: placed.id });
    expect(Number((moved!.info as { stopLoss: string }).stopLoss)).toBe(Number((bid! - 1_100).toFixed(1)));
    await exchange.cancelOrder(placed.id!, SYMBOL, { trigger: true });
    expect(await exchange.fetchOpenOrders(SYMBOL, undefined, undefined, { trigger: true })).toEqual([]);
    await expect(exchange.cancelOrder(placed.id!, SYMBOL, { trigger: true })).rejects.toThrow('25597');
  });

  test('closes the position and remembers it', async () => {
    await exchange.closePosition(SYMBOL);
    expect(await exchange.fetchPositions([SYMBOL])).toEqual([]);
    const [closed] = await exchange.fetchPositionsHistory([SYMBOL]);
    expect(closed!.info).toMatchObject({ posSide: 'long', openTotalPos: '0.002', closeTotalPos: '0.002' });
    await expect(exchange.closePosition(SYMBOL)).rejects.toThrow('25227');
  });

  test('places and cancels many at once', async () => {
    const order = (price: number) => ({ symbol: SYMBOL, type: 'limit', side: 'buy', amount: 0.001, price }) as const;
    const orders = await exchange.createOrders([order(20_000), order(21_000), order(1)]);
    expect(orders.map(({ id }) => Boolean(id))).toEqual([true, true, false]);
    expect(orders[2]!.info).toMatchObject({ code: '25611' });
    await exchange.cancelOrders([orders[0]!.id!], SYMBOL);
    expect((await exchange.fetchOpenOrders(SYMBOL)).map(({ id }) => id)).toEqual([orders[1]!.id]);
    await exchange.cancelAllOrders(SYMBOL);
    expect(await exchange.fetchOpenOrders(SYMBOL)).toEqual([]);
  });

  test('trades both legs in hedge mode', async () => {
    await exchange.setPositionMode(true);
    await exchange.createOrder(SYMBOL, 'market', 'buy', 0.002, undefined, { hedged: true });
    await exchange.createOrder(SYMBOL, 'market', 'sell', 0.001, undefined, { hedged: true });
    const legs = async () =>
      (await exchange.fetchPositions([SYMBOL])).map(({ side, contracts, hedged }) => [side, contracts, hedged]).sort();
    expect(await legs()).toEqual([
      ['long', 0.002, true],
      ['short', 0.001, true],
    ]);
    await expect(exchange.setPositionMode(false)).rejects.toThrow('25010');
    await exchange.createOrder(SYMBOL, 'market', 'buy', 0.001, undefined, { hedged: true, reduceOnly: true });
    expect(await legs()).toEqual([['long', 0.002, true]]);
    await exchange.closePosition(SYMBOL, 'long');
    expect(await legs()).toEqual([]);
    await exchange.setPositionMode(false);
  });

  test('sets leverage', async () => {
    await exchange.setLeverage(10, SYMBOL);
    await exchange.createOrder(SYMBOL, 'market', 'buy', 0.001);
    expect((await exchange.fetchPosition(SYMBOL)).leverage).toBe(10);
    await exchange.closeAllPositions();
    expect(await exchange.fetchPositions()).toEqual([]);
  });
});
