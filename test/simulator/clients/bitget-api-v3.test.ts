/** `bitget-api` on a unified account: each call and push is compared with the exchange's own books. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import type { WsKey } from 'bitget-api';
import { UNIFIED_PRIVATE_ROUTES } from '../../../simulator/rest/unified-routes.ts';
import { UNIFIED_PUBLIC_ROUTES } from '../../../simulator/rest/unified-public-routes.ts';
import { startSimulator, type RunningSimulator } from '../../../simulator/server.ts';
import { connectAdmin, type Admin } from '../admin.ts';
import { markets, simulatorOptions, tempDir } from '../harness.ts';
import { UNIFIED } from '../unified-harness.ts';
import { Listener, onTick, refusalOf, restV2, restV3, routesUsed, SYMBOL, truthOf, until } from './bitget-api.ts';

const CATEGORY = { category: 'USDT-FUTURES' } as const;
const MARKET = { ...CATEGORY, symbol: SYMBOL } as const;
const ORDER = { ...MARKET, qty: '0.01', side: 'buy' } as const;
const TAKE = { ...ORDER, orderType: 'market' } as const;

describe('bitget-api, v3', () => {
  const dir = tempDir();
  let simulator: RunningSimulator;
  let admin: Admin;
  let rest: ReturnType<typeof restV3>;

  beforeAll(async () => {
    const changes = markets(SYMBOL, 'ETHUSDT').map((market) => ({ ...market, fundingIntervalMs: 2_000 }));
    const accounts = [UNIFIED] as never;
    simulator = await startSimulator(simulatorOptions(dir, { adminPort: 0, markets: changes, accounts }));
    admin = connectAdmin(simulator.adminPort);
    rest = restV3(simulator.port);
    await until(async () => (await rest.getFills(MARKET)).data.length > 0);
  });
  afterAll(async () => {
    await simulator.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const bid = async () => Number((await rest.getTickers(MARKET)).data[0]!.bid1Price);
  const below = async (part: number) => onTick((await bid()) * (1 - part));
  const trueOrder = async (clientOid: string) => (await admin.ordersOf(clientOid))[0];
  const closeAll = () => rest.closeAllPositions(MARKET);

  test('market data', async () => {
    expect(Math.abs(Number((await rest.getServerTime()).data.serverTime) - Date.now())).toBeLessThan(5_000);
    const instruments = (await rest.getInstruments(CATEGORY)).data;
    expect(instruments.map(({ symbol }) => symbol)).toEqual([SYMBOL, 'ETHUSDT']);
    expect(instruments[0]).toMatchObject({ minOrderAmount: '5', pricePrecision: '1', quantityMultiplier: '0.001' });
    const [ticker] = (await rest.getTickers(MARKET)).data;
    expect(Number(ticker!.bid1Price)).toBeLessThan(Number(ticker!.ask1Price));
    const { a, b } = (await rest.getOrderBook({ ...MARKET, limit: '20' })).data;
    expect([a.length, b.length]).toEqual([20, 20]);
    expect((await rest.getFills(MARKET)).data[0]).toMatchObject({ side: expect.stringMatching(/^(buy|sell)$/) });
    const minutes = { ...MARKET, interval: '1m' } as const;
    for (const { data } of [await rest.getCandles(minutes), await rest.getHistoryCandles(minutes)]) {
      expect(Number(data.at(-1)![2])).toBeGreaterThanOrEqual(Number(data.at(-1)![3]));
    }
    expect((await rest.getCurrentFundingRate(MARKET)).data).toMatchObject([{ symbol: SYMBOL, fundingRate: '0.0001' }]);
    expect((await rest.getPositionTier(MARKET)).data).toHaveLength(11);
    expect((await rest.getOpenInterest(MARKET)).data.list).toMatchObject([{ symbol: SYMBOL }]);
  });

  test('account: mode, assets, rates, leverage', async () => {
    expect((await rest.getAccountInfo()).data).toMatchObject({ permType: 'read-and-write', ips: '127.0.0.1' });
    expect((await rest.getAccountSettings()).data).toMatchObject({ accountMode: 'unified', holdMode: 'one_way_mode' });
    expect((await rest.getBalances()).data).toMatchObject({ accountEquity: '10000', assets: [{ coin: 'USDT' }] });
    expect((await rest.getFundingAssets()).data).toEqual([]);
    expect((await rest.getFeeRate(MARKET)).data).toMatchObject({ makerFeeRate: '0.0002', takerFeeRate: '0.0006' });
    expect((await rest.getAllFeeRates(CATEGORY)).data).toHaveLength(2);
    await rest.setLeverage({ ...MARKET, leverage: '10' });
    await rest.setHoldMode({ holdMode: 'hedge_mode' });
    const { holdMode, symbolConfigList } = (await rest.getAccountSettings()).data;
    expect(holdMode).toBe('hedge_mode');
    expect(symbolConfigList).toContainEqual(expect.objectContaining({ symbol: SYMBOL, leverage: '10' }));
    await rest.setHoldMode({ holdMode: 'one_way_mode' });
    const range = { startTime: String(Date.now() - 60_000), endTime: String(Date.now()) };
    expect((await rest.getDepositRecords(range)).data).toEqual([]);
    expect((await rest.getWithdrawRecords(range)).data).toEqual([]);
    expect(await refusalOf(restV2(simulator.port).getFuturesAccountAssets({ productType: 'USDT-FUTURES' }))).toBe(
      '40085',
    );
  });

  test('places, finds, amends and cancels; a used id is refused', async () => {
    const price = await below(0.02);
    const limit = { ...ORDER, orderType: 'limit', timeInForce: 'post_only', price } as const;
    const { orderId } = (await rest.submitNewOrder({ ...limit, clientOid: 'v3-1' })).data;
    expect(await trueOrder('v3-1')).toMatchObject({ orderId, price, size: '0.01', status: 'live', force: 'post_only' });
    expect(await refusalOf(rest.submitNewOrder({ ...limit, clientOid: 'v3-1' }))).toBe('25212');
    expect((await rest.getOrderInfo({ clientOid: 'v3-1' })).data).toMatchObject({
      orderId,
      orderStatus: 'live',
      price,
    });
    const newPrice = await below(0.03);
    await rest.modifyOrder({ ...MARKET, orderId, price: newPrice, qty: '0.02' });
    expect(await trueOrder('v3-1')).toMatchObject({ price: newPrice, size: '0.02', status: 'live' });
    const open = (await rest.getUnfilledOrders(CATEGORY)).data.list;
    expect(open.map(({ clientOid }) => clientOid)).toEqual(['v3-1']);
    await rest.cancelOrder({ ...CATEGORY, clientOid: 'v3-1' });
    expect(await trueOrder('v3-1')).toMatchObject({ status: 'canceled', filled: '0' });
    expect(await refusalOf(rest.cancelOrder({ ...CATEGORY, clientOid: 'v3-1' }))).not.toBe('not refused');
    const gone = (await rest.getHistoryOrders(CATEGORY)).data.list;
    expect(gone).toMatchObject([{ clientOid: 'v3-1', orderStatus: 'cancelled' }]);
  });

  test('batches: each entry has its own answer', async () => {
    const price = await below(0.02);
    const entry = (clientOid: string, qty = '0.01') =>
      ({ ...MARKET, qty, price, side: 'buy', orderType: 'limit', timeInForce: 'gtc', clientOid }) as const;
    await rest.placeBatchOrders([entry('b-1'), entry('b-2'), entry('b-small', '0.00001'), entry('b-3')]);
    expect((await truthOf(admin)).orders.map(({ clientOid }) => clientOid)).toEqual(['v3-1', 'b-1', 'b-2', 'b-3']);
    const newPrice = await below(0.03);
    await rest.batchModifyOrders([{ clientOid: 'b-1', price: newPrice }]);
    expect(await trueOrder('b-1')).toMatchObject({ price: newPrice, status: 'live' });
    await rest.cancelBatchOrders([
      { ...MARKET, clientOid: 'b-1' },
      { ...MARKET, clientOid: 'b-nobody' },
    ]);
    expect((await trueOrder('b-1'))!.status).toBe('canceled');
    expect((await trueOrder('b-2'))!.status).toBe('live');
    await rest.cancelAllOrders(MARKET);
    expect((await truthOf(admin)).orders.filter(({ status }) => status === 'live')).toEqual([]);
  });

  test('fills, position, records and the close are those of the books', async () => {
    const { orderId } = (await rest.submitNewOrder({ ...TAKE, clientOid: 'take' })).data;
    const { fills, positions } = await truthOf(admin);
    const heard = (await rest.getTradeFills({ ...CATEGORY, orderId })).data.list;
    expect(
      heard
        .map(({ execId, execPrice, execQty, feeDetail }) => [execId, execPrice, execQty, feeDetail[0]!.fee])
        .reverse(),
    ).toEqual(fills.map(({ tradeId, price, size, fee }) => [tradeId, price, size, fee]));
    expect(positions).toMatchObject([{ symbol: SYMBOL, leg: 'net', qty: '0.01' }]);
    const [position] = (await rest.getCurrentPosition(MARKET)).data.list;
    expect(position).toMatchObject({ symbol: SYMBOL, posSide: 'long', total: '0.01' });
    expect(Number(position!.avgPrice)).toBeCloseTo(Number(positions[0]!.entryPrice), 6);
    await until(async () =>
      (await truthOf(admin)).bills.some(({ businessType }) => businessType.includes('settle_fee')),
    );
    // The SDK declares a bare list; the venue wraps it, and the SDK hands on what it gets.
    const rates = (await rest.getHistoryFundingRate(MARKET)).data as unknown as { resultList: object[] };
    expect(rates.resultList[0]).toMatchObject({ symbol: SYMBOL, fundingRate: '0.0001' });
    await closeAll();
    const after = await truthOf(admin);
    expect(after.positions).toEqual([]);
    expect((await rest.getPositionHistory(MARKET)).data.list).toMatchObject([{ symbol: SYMBOL, posSide: 'long' }]);
    const records = (await rest.getFinancialRecords(CATEGORY)).data.list;
    expect(records).toHaveLength(after.bills.length);
    expect((await rest.getBalances()).data.accountEquity).toBe(after.equity);
  });

  test('hedge mode: both sides side by side, and each is closed by its own', async () => {
    await rest.setHoldMode({ holdMode: 'hedge_mode' });
    await rest.submitNewOrder({ ...TAKE, posSide: 'long', clientOid: 'long' });
    await rest.submitNewOrder({ ...TAKE, side: 'sell', posSide: 'short', qty: '0.02', clientOid: 'short' });
    const legs = async () => (await truthOf(admin)).positions.map(({ leg, qty }) => `${leg} ${qty}`).sort();
    expect(await legs()).toEqual(['long 0.01', 'short -0.02']);
    const told = (await rest.getCurrentPosition(MARKET)).data.list;
    expect(told.map(({ posSide, total }) => `${posSide} ${total}`).sort()).toEqual(['long 0.01', 'short 0.02']);
    await rest.closeAllPositions({ ...MARKET, posSide: 'long' });
    expect(await legs()).toEqual(['short -0.02']);
    await closeAll();
    await rest.setHoldMode({ holdMode: 'one_way_mode' });
  });

  test('strategies: a plan that triggers, and stops of a position', async () => {
    const price = await bid();
    const plan = { ...ORDER, type: 'trigger', triggerBy: 'mark', triggerOrderType: 'market' } as const;
    const up = (await rest.submitStrategyOrder({ ...plan, clientOid: 'up', triggerPrice: onTick(price * 1.02) })).data;
    const down = (await rest.submitStrategyOrder({ ...plan, clientOid: 'down', triggerPrice: onTick(price * 0.8) }))
      .data;
    const pending = async () => (await rest.getUnfilledStrategyOrders(CATEGORY)).data;
    expect((await pending()).map(({ orderId }) => orderId).sort()).toEqual([up.orderId, down.orderId].sort());
    const triggerPrice = onTick(price * 1.01);
    await rest.modifyStrategyOrder({ orderId: up.orderId, qty: '0.02', triggerPrice });
    expect((await pending()).find(({ clientOid }) => clientOid === 'up')).toMatchObject({ triggerPrice, qty: '0.02' });
    await admin.call('POST', '/price', { symbol: SYMBOL, ticks: Math.round(price * 0.012 * 10) });
    expect((await truthOf(admin)).positions).toMatchObject([{ qty: '0.02' }]);
    await rest.cancelStrategyOrder({ orderId: down.orderId });
    expect(await pending()).toEqual([]);
    const stops = {
      takeProfit: onTick(price * 1.2),
      stopLoss: onTick(price * 0.9),
      tpTriggerBy: 'mark',
      slTriggerBy: 'mark',
    } as const;
    await rest.submitStrategyOrder({ ...MARKET, type: 'tpsl', tpslMode: 'full', posSide: 'long', ...stops });
    expect((await pending()).map(({ takeProfit, stopLoss }) => [takeProfit, stopLoss]).sort()).toEqual(
      [
        [stops.takeProfit, ''],
        ['', stops.stopLoss],
      ].sort(),
    );
    await admin.call('POST', '/price', { symbol: SYMBOL, ticks: -Math.round(price * 0.12 * 10) });
    const { orders, positions } = await truthOf(admin);
    expect(positions).toEqual([]);
    expect(orders.find(({ cause }) => cause === 'pos_loss')).toMatchObject({ side: 'sell', filled: '0.02' });
    expect(await pending()).toEqual([]);
    const history = (await rest.getHistoryStrategyOrders(CATEGORY)).data.list;
    expect(history.map(({ orderId }) => orderId)).toEqual(expect.arrayContaining([up.orderId, down.orderId]));
  });

  test('the countdown cancels what rests', async () => {
    await rest.submitNewOrder({ ...ORDER, orderType: 'limit', price: await below(0.02), clientOid: 'counted' });
    expect(await refusalOf(rest.countdownCancelAll({ countdown: '61' }))).not.toBe('not refused');
    await rest.countdownCancelAll({ countdown: '5' });
    expect((await trueOrder('counted'))!.status).toBe('live');
    await until(async () => (await trueOrder('counted'))!.status === 'canceled', 'the countdown', 10_000);
    await rest.countdownCancelAll({ countdown: '0' });
  }, 20_000);

  test('public streams', async () => {
    const listener = new Listener(simulator.port, 'v3', 'public');
    for (const topic of ['ticker', 'publicTrade', 'books', 'books5', 'kline']) {
      const payload = { instType: 'usdt-futures', symbol: SYMBOL, ...(topic === 'kline' ? { interval: '1m' } : {}) };
      listener.subscribe({ topic, payload }, 'v3Public' satisfies WsKey);
    }
    const ticker = await listener.row('ticker');
    expect(Number(ticker.bid1Price)).toBeLessThan(Number(ticker.ask1Price));
    const first = await listener.row('books');
    const second = await listener.row('books', ({ seq }) => seq !== first.seq);
    expect(second.pseq).toBe(first.seq);
    expect((await listener.row('books5')).b).toHaveLength(5);
    expect(await listener.row('publicTrade')).toMatchObject({ S: expect.stringMatching(/^(buy|sell)$/) });
    const candle = await listener.row('kline');
    expect(Number(candle.high)).toBeGreaterThanOrEqual(Number(candle.low));
    expect(listener.faults).toEqual([]);
    listener.close();
  });

  test('private streams tell what the books say', async () => {
    const listener = new Listener(simulator.port, 'v3', 'private');
    for (const topic of ['account', 'position', 'fill', 'order', 'strategy-order']) {
      listener.subscribe({ topic, payload: { instType: 'UTA' } }, 'v3Private' satisfies WsKey);
    }
    await listener.row('account');
    await rest.submitNewOrder({ ...ORDER, orderType: 'limit', price: await below(0.02), clientOid: 'heard' });
    expect(await listener.row('order', ({ clientOid }) => clientOid === 'heard')).toMatchObject({
      orderStatus: 'live',
    });
    await rest.cancelOrder({ ...CATEGORY, clientOid: 'heard' });
    await listener.row('order', ({ clientOid, orderStatus }) => clientOid === 'heard' && orderStatus === 'cancelled');
    await rest.submitNewOrder({ ...TAKE, clientOid: 'heard-take' });
    const [fill] = (await truthOf(admin)).fills.filter(({ clientOid }) => clientOid === 'heard-take');
    const { tradeId, price, size, orderId } = fill!;
    const row = await listener.row('fill', ({ execId }) => execId === tradeId);
    expect(row).toMatchObject({ orderId, execPrice: price, execQty: size, tradeScope: 'taker' });
    expect(await listener.row('position', ({ size }) => size === '0.01')).toMatchObject({
      symbol: SYMBOL,
      posSide: 'long',
    });
    const stopLoss = onTick((await bid()) * 0.9);
    const stop = (await rest.submitStrategyOrder({ ...MARKET, type: 'tpsl', posSide: 'long', stopLoss })).data;
    await listener.row('strategy-order', (each) => each.orderId === stop.orderId);
    await closeAll();
    const { cash, positions } = await truthOf(admin);
    expect(positions).toEqual([]);
    await listener.row('account', ({ totalEquity }) => totalEquity === cash);
    expect(listener.faults).toEqual([]);
    listener.close();
  });

  test('every served route was driven, and the books agree', async () => {
    const used = await routesUsed(admin);
    const served = [...Object.keys(UNIFIED_PUBLIC_ROUTES), ...Object.keys(UNIFIED_PRIVATE_ROUTES)];
    expect(served.filter((route) => !used.has(route))).toEqual([]);
    const { disagreements, accounts } = await admin.truth();
    expect(disagreements).toEqual([]);
    expect(accounts.bot1!.acceptedMoreThanOnce).toEqual({});
  });
});
