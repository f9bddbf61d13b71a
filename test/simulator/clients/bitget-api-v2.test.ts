/** `bitget-api` on a classic account: each call and push is compared with the exchange's own books. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { PRIVATE_ROUTES } from '../../../simulator/rest/private-routes.ts';
import { PUBLIC_ROUTES } from '../../../simulator/rest/public-routes.ts';
import { startSimulator, type RunningSimulator } from '../../../simulator/server.ts';
import { connectAdmin, type Admin } from '../admin.ts';
import { markets, simulatorOptions, tempDir } from '../harness.ts';
import { Listener, onTick, refusalOf, restV2, routesUsed, SYMBOL, truthOf, until, USDT_FUTURES } from './bitget-api.ts';

const PRODUCT = { productType: USDT_FUTURES } as const;
const MARKET = { ...PRODUCT, symbol: SYMBOL } as const;
const COIN = { ...MARKET, marginCoin: 'USDT' } as const;
const ORDER = { ...COIN, marginMode: 'crossed', size: '0.01', side: 'buy' } as const;

/** Served, and the SDK has no call for it or only in its spot and margin parts. */
const NOT_DRIVEN = [
  'GET /api/v2/margin/crossed/interest-history',
  'GET /api/v2/margin/currencies',
  'GET /api/v2/margin/isolated/interest-history',
  'GET /api/v2/spot/account/transferRecords',
  'GET /api/v2/spot/public/coins',
  'GET /api/v2/spot/public/symbols',
  'GET /api/v2/spot/wallet/deposit-records',
  'GET /api/v2/spot/wallet/withdrawal-records',
];

describe('bitget-api, v2', () => {
  const dir = tempDir();
  let simulator: RunningSimulator;
  let admin: Admin;
  let rest: ReturnType<typeof restV2>;

  beforeAll(async () => {
    const changes = markets(SYMBOL, 'ETHUSDT').map((market) => ({ ...market, fundingIntervalMs: 2_000 }));
    simulator = await startSimulator(simulatorOptions(dir, { adminPort: 0, markets: changes }));
    admin = connectAdmin(simulator.adminPort);
    rest = restV2(simulator.port);
    await until(async () => (await rest.getFuturesRecentTrades(MARKET)).data.length > 0);
  });
  afterAll(async () => {
    await simulator.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const touch = async () => {
    const [ticker] = (await rest.getFuturesTicker(MARKET)).data;
    return { bid: Number(ticker!.bidPr), ask: Number(ticker!.askPr) };
  };
  const trueOrder = async (clientOid: string) => (await admin.ordersOf(clientOid))[0];
  const below = async (part: number) => onTick((await touch()).bid * (1 - part));

  test('market data', async () => {
    expect(Math.abs(Number((await rest.getServerTime()).data.serverTime) - Date.now())).toBeLessThan(5_000);
    const contracts = (await rest.getFuturesContractConfig(PRODUCT)).data;
    expect(contracts.map(({ symbol }) => symbol)).toEqual([SYMBOL, 'ETHUSDT']);
    expect(contracts[0]).toMatchObject({
      minTradeUSDT: '5',
      sizeMultiplier: '0.001',
      pricePlace: '1',
      priceEndStep: '1',
    });
    expect((await rest.getFuturesAllTickers(PRODUCT)).data).toHaveLength(2);
    const { bids, asks } = (await rest.getFuturesMergeDepth({ ...MARKET, limit: '15' })).data;
    expect([bids.length, asks.length]).toEqual([15, 15]);
    const { bid, ask } = await touch();
    expect(bid).toBeLessThan(ask);
    const [trade] = (await rest.getFuturesRecentTrades(MARKET)).data;
    expect((await rest.getFuturesHistoricTrades(MARKET)).data.map(({ tradeId }) => tradeId)).toContain(trade!.tradeId);
    const minutes = { ...MARKET, granularity: '1m' } as const;
    for (const candles of [
      await rest.getFuturesCandles(minutes),
      await rest.getFuturesHistoricCandles(minutes),
      await rest.getFuturesHistoricIndexPriceCandles(minutes),
      await rest.getFuturesHistoricMarkPriceCandles(minutes),
    ]) {
      const [, open, high, low] = candles.data.at(-1)!;
      expect(Number(high)).toBeGreaterThanOrEqual(Math.max(Number(open), Number(low)));
    }
    expect((await rest.getFuturesOpenInterest(MARKET)).data.openInterestList).toMatchObject([{ symbol: SYMBOL }]);
    const [price] = (await rest.getFuturesSymbolPrice(MARKET)).data;
    expect(Math.abs(Number(price!.markPrice) / bid - 1)).toBeLessThan(0.01);
    expect((await rest.getFuturesCurrentFundingRate(MARKET)).data).toMatchObject([{ fundingRate: '0.0001' }]);
    const [next] = (await rest.getFuturesNextFundingTime(MARKET)).data;
    expect(Number(next!.nextFundingTime)).toBeGreaterThan(Date.now() - 5_000);
    const tiers = (await rest.getFuturesPositionTier(MARKET)).data;
    expect(tiers).toMatchObject([{ level: '1', leverage: '125' }, ...Array<object>(10).fill({})]);
    expect((await rest.getFuturesVIPFeeRate()).data).toMatchObject([
      { takerFeeRate: '0.0006', makerFeeRate: '0.0002' },
    ]);
  });

  test('account: rights, rates, leverage, margin and position mode', async () => {
    expect((await rest.getSpotAccount()).data).toMatchObject({ authorities: ['coor', 'coow', 'cpor', 'cpow'] });
    const rates = (await rest.getTradeRate({ symbol: SYMBOL, businessType: 'mix' })).data;
    expect(rates).toMatchObject({ makerFeeRate: '0.0002', takerFeeRate: '0.0006' });
    const assets = (await rest.getFuturesAccountAssets(PRODUCT)).data;
    expect(assets).toMatchObject([{ marginCoin: 'USDT', accountEquity: '10000', available: '10000' }]);
    await rest.setFuturesLeverage({ ...COIN, leverage: '10' });
    await rest.setFuturesMarginMode({ ...COIN, marginMode: 'isolated' });
    const asset = async () => (await rest.getFuturesAccountAsset(COIN)).data;
    expect(await asset()).toMatchObject({ crossedMarginLeverage: '10', marginMode: 'isolated' });
    await rest.setFuturesMarginMode({ ...COIN, marginMode: 'crossed' });
    await rest.setFuturesPositionMode({ ...PRODUCT, posMode: 'hedge_mode' });
    expect(await asset()).toMatchObject({ marginMode: 'crossed', posMode: 'hedge_mode' });
    await rest.setFuturesPositionMode({ ...PRODUCT, posMode: 'one_way_mode' });
    expect(await refusalOf(rest.setFuturesLeverage({ ...COIN, leverage: '126' }))).toMatch(/^4/);
  });

  test('places, finds, amends and cancels; a used id and a too small order are refused', async () => {
    const price = await below(0.02);
    const limit = { ...ORDER, orderType: 'limit', force: 'post_only', price } as const;
    const { orderId } = (await rest.futuresSubmitOrder({ ...limit, clientOid: 'v2-1' })).data;
    expect(await trueOrder('v2-1')).toMatchObject({ orderId, price, size: '0.01', status: 'live', force: 'post_only' });
    expect(await refusalOf(rest.futuresSubmitOrder({ ...limit, clientOid: 'v2-1' }))).toBe('40786');
    expect(await refusalOf(rest.futuresSubmitOrder({ ...limit, size: '0.00001', clientOid: 'v2-small' }))).toMatch(
      /^4/,
    );
    expect((await rest.getFuturesOrder({ ...MARKET, clientOid: 'v2-1' })).data).toMatchObject({
      orderId,
      state: 'live',
    });
    const newPrice = await below(0.03);
    await rest.futuresModifyOrder({ ...MARKET, orderId, newClientOid: 'v2-2', newPrice, newSize: '0.02' });
    expect(await trueOrder('v2-2')).toMatchObject({ price: newPrice, size: '0.02', status: 'live' });
    const open = (await rest.getFuturesOpenOrders(PRODUCT)).data.entrustedList;
    expect(open.map(({ clientOid }) => clientOid)).toEqual(['v2-2']);
    await rest.futuresCancelOrder({ ...COIN, clientOid: 'v2-2' });
    expect(await trueOrder('v2-2')).toMatchObject({ status: 'canceled', filled: '0' });
    expect(await refusalOf(rest.futuresCancelOrder({ ...COIN, clientOid: 'v2-2' }))).not.toBe('not refused');
    const gone = (await rest.getFuturesHistoricOrders(PRODUCT)).data.entrustedList;
    expect(gone.map(({ clientOid, status }) => `${clientOid} ${status}`)).toContain('v2-2 canceled');
  });

  test('batches: each entry has its own answer', async () => {
    const price = await below(0.02);
    const entry = (clientOid: string, size = '0.01') =>
      ({ size, price, side: 'buy', orderType: 'limit', force: 'gtc', clientOid }) as const;
    const orderList = [entry('b-1'), entry('b-2'), entry('b-small', '0.00001'), entry('b-3')];
    const { successList, failureList } = (await rest.futuresBatchSubmitOrders({ ...ORDER, orderList })).data;
    expect(successList.map(({ clientOid }) => clientOid)).toEqual(['b-1', 'b-2', 'b-3']);
    expect(failureList).toMatchObject([{ clientOid: 'b-small' }]);
    const orderIdList = [{ clientOid: 'b-1' }, { clientOid: 'b-nobody' }];
    const cancelled = (await rest.futuresBatchCancelOrders({ ...COIN, orderIdList })).data;
    expect([cancelled.successList.length, cancelled.failureList.length]).toEqual([1, 1]);
    expect((await trueOrder('b-1'))!.status).toBe('canceled');
    expect((await trueOrder('b-2'))!.status).toBe('live');
    await rest.futuresCancelAllOrders(COIN);
    expect((await truthOf(admin)).orders.filter(({ status }) => status === 'live')).toEqual([]);
  });

  test('fills, position, bills and the flash close are those of the books', async () => {
    const { orderId } = (await rest.futuresSubmitOrder({ ...ORDER, orderType: 'market', clientOid: 'take' })).data;
    const { fills, positions } = await truthOf(admin);
    const mine = fills.filter((fill) => fill.clientOid === 'take');
    const heard = (await rest.getFuturesFills({ ...MARKET, orderId })).data.fillList;
    expect(heard.map(({ tradeId, price, baseVolume }) => ({ tradeId, price, size: baseVolume })).reverse()).toEqual(
      mine.map(({ tradeId, price, size }) => ({ tradeId, price, size })),
    );
    const fees = heard.flatMap(({ feeDetail }) => feeDetail.map(({ totalFee }) => Number(totalFee)));
    expect(fees.reduce((sum, fee) => sum + fee, 0)).toBeCloseTo(
      -mine.reduce((sum, { fee }) => sum + Number(fee), 0),
      9,
    );
    expect((await rest.getFuturesHistoricOrderFills(MARKET)).data.fillList).toHaveLength(fills.length);
    expect(positions).toMatchObject([{ symbol: SYMBOL, leg: 'net', qty: '0.01' }]);
    const [position] = (await rest.getFuturesPositions({ ...PRODUCT, marginCoin: 'USDT' })).data;
    expect(position).toMatchObject({ holdSide: 'long', total: '0.01', marginMode: 'crossed' });
    expect(Number(position!.openPriceAvg)).toBeCloseTo(Number(positions[0]!.entryPrice), 6);
    expect((await rest.getFuturesPosition(COIN)).data).toMatchObject([{ symbol: SYMBOL, total: '0.01' }]);
    expect((await rest.getFuturesPositionAdlRank(PRODUCT)).data).toMatchObject([{ symbol: SYMBOL }]);
    await rest.futuresFlashClosePositions(MARKET);
    const after = await truthOf(admin);
    expect(after.positions).toEqual([]);
    expect((await rest.getFuturesHistoricPositions(MARKET)).data.list).toMatchObject([
      { symbol: SYMBOL, holdSide: 'long' },
    ]);
    const bills = (await rest.getFuturesAccountBills(PRODUCT)).data.bills;
    expect(bills.map(({ billId }) => billId).sort()).toEqual(after.bills.map(({ billId }) => billId).sort());
    const [asset] = (await rest.getFuturesAccountAssets(PRODUCT)).data;
    expect(asset!.accountEquity).toBe(after.equity);
  });

  test('funding is settled and told', async () => {
    await rest.futuresSubmitOrder({ ...ORDER, orderType: 'market', clientOid: 'hold' });
    const settled = async () =>
      (await truthOf(admin)).bills.filter(({ businessType }) => businessType.includes('settle_fee'));
    await until(async () => (await settled()).length > 0);
    const funded = await settled();
    const told = (await rest.getFuturesAccountBills({ ...PRODUCT, businessType: funded[0]!.businessType })).data.bills;
    expect(told.map(({ billId }) => billId)).toContain(funded[0]!.billId);
    expect(Number(funded[0]!.amount)).toBeLessThan(0);
    const rates = (await rest.getFuturesHistoricFundingRates({ ...MARKET, pageSize: '5' })).data;
    expect(rates[0]).toMatchObject({ symbol: SYMBOL, fundingRate: '0.0001' });
    await rest.futuresFlashClosePositions(MARKET);
  });

  test('plan orders: placed, amended, triggered, cancelled', async () => {
    const plan = { ...ORDER, planType: 'normal_plan', triggerType: 'mark_price', orderType: 'market' } as const;
    const { bid } = await touch();
    const place = async (clientOid: string, part: number) =>
      (await rest.futuresSubmitPlanOrder({ ...plan, clientOid, triggerPrice: onTick(bid * part) })).data;
    const up = await place('plan-up', 1.02);
    const down = await place('plan-down', 0.9);
    const pending = async () =>
      (await rest.getFuturesPlanOrders({ ...PRODUCT, planType: 'normal_plan' })).data.entrustedList ?? [];
    expect((await pending()).map(({ orderId }) => orderId).sort()).toEqual([up.orderId, down.orderId].sort());
    const triggerPrice = onTick(bid * 1.01);
    const { planType } = plan;
    await rest.futuresModifyPlanOrder({ ...MARKET, planType, orderId: up.orderId, newTriggerPrice: triggerPrice });
    expect((await pending()).find(({ orderId }) => orderId === up.orderId)).toMatchObject({ triggerPrice });
    await admin.call('POST', '/price', { symbol: SYMBOL, ticks: Math.round(bid * 0.012 * 10) });
    const made = (await truthOf(admin)).orders.find(({ cause }) => cause === 'normal_plan');
    expect(made).toMatchObject({ side: 'buy', size: '0.01', status: 'filled' });
    const sub = (await rest.getFuturesTriggerSubOrder({ ...PRODUCT, planType, planOrderId: up.orderId })).data;
    expect(sub).toMatchObject([{ orderId: made!.orderId }]);
    await rest.futuresCancelPlanOrder({ ...COIN, planType, orderIdList: [{ orderId: down.orderId }] });
    expect(await pending()).toEqual([]);
    const history = (await rest.getFuturesHistoricPlanOrders({ ...PRODUCT, planType })).data.entrustedList ?? [];
    expect(history.map(({ orderId, planStatus }) => `${orderId} ${planStatus}`).sort()).toEqual(
      [`${up.orderId} executed`, `${down.orderId} cancelled`].sort(),
    );
    await rest.futuresFlashClosePositions(MARKET);
  });

  test('stops of a position: placed, amended, triggered, gone with the position', async () => {
    await rest.futuresSubmitOrder({ ...ORDER, orderType: 'market', clientOid: 'guarded' });
    const { bid } = await touch();
    const at = (part: number) => onTick(bid * part);
    const stop = { ...COIN, holdSide: 'buy', triggerType: 'mark_price' } as const;
    const loss = (
      await rest.futuresSubmitTPSLOrder({ ...stop, planType: 'pos_loss', triggerPrice: at(0.9), size: '0.01' })
    ).data;
    const part = (
      await rest.futuresSubmitTPSLOrder({ ...stop, planType: 'profit_plan', triggerPrice: at(1.1), size: '0.004' })
    ).data;
    const pending = async () =>
      (await rest.getFuturesPlanOrders({ ...PRODUCT, planType: 'profit_loss' })).data.entrustedList ?? [];
    const told = await pending();
    expect(told.map(({ planType }) => planType).sort()).toEqual(['pos_loss', 'profit_plan']);
    const newTrigger = { ...COIN, orderId: loss.orderId, triggerPrice: at(0.95), size: '' };
    await rest.futuresModifyTPSLPOrder(newTrigger);
    expect((await pending()).find(({ orderId }) => orderId === loss.orderId)).toMatchObject({ triggerPrice: at(0.95) });
    const item = { orderIdList: [{ orderId: part.orderId }], planType: 'profit_plan' as const };
    await rest.futuresCancelPlanOrder({ ...COIN, ...item });
    expect((await pending()).map(({ orderId }) => orderId)).toEqual([loss.orderId]);
    await admin.call('POST', '/price', { symbol: SYMBOL, ticks: -Math.round(bid * 0.06 * 10) });
    const { orders, positions } = await truthOf(admin);
    expect(orders.find(({ cause }) => cause === 'pos_loss')).toMatchObject({ side: 'sell', filled: '0.01' });
    expect(positions).toEqual([]);
    expect(await pending()).toEqual([]);
    await rest.futuresSubmitOrder({ ...ORDER, orderType: 'market', clientOid: 'guarded-2' });
    const both = { stopSurplusTriggerPrice: at(1.05), stopLossTriggerPrice: at(0.85) };
    await rest.futuresSubmitPositionTPSL({ ...COIN, holdSide: 'buy', ...both });
    expect((await pending()).map(({ planType }) => planType).sort()).toEqual(['pos_loss', 'pos_profit']);
    await rest.futuresFlashClosePositions(MARKET);
    expect(await pending()).toEqual([]);
  });

  test('isolated margin is moved into a position', async () => {
    await rest.setFuturesMarginMode({ ...COIN, marginMode: 'isolated' });
    await rest.futuresSubmitOrder({ ...ORDER, marginMode: 'isolated', orderType: 'market', clientOid: 'isolated' });
    const margin = async () => Number((await rest.getFuturesPosition(COIN)).data[0]!.marginSize);
    const before = await margin();
    await rest.setFuturesPositionMargin({ ...COIN, amount: '25', holdSide: 'long' });
    // A funding payment in between moves it by some cents.
    expect((await margin()) - before).toBeCloseTo(25, 0);
    await rest.futuresFlashClosePositions(MARKET);
    await rest.setFuturesMarginMode({ ...COIN, marginMode: 'crossed' });
  });

  test('public streams', async () => {
    const listener = new Listener(simulator.port, 'v2', 'public');
    for (const channel of ['ticker', 'trade', 'books', 'books5', 'books15', 'candle1m']) {
      listener.subscribe({ topic: channel, payload: { instType: USDT_FUTURES, instId: SYMBOL } }, 'v2Public');
    }
    const ticker = await listener.row('ticker');
    expect(Number(ticker.bidPr)).toBeLessThan(Number(ticker.askPr));
    const first = await listener.row('books');
    const second = await listener.row('books', ({ seq }) => seq !== first.seq);
    expect(second.pseq).toBe(first.seq);
    expect((await listener.row('books5')).bids).toHaveLength(5);
    expect((await listener.row('books15')).asks).toHaveLength(15);
    const trade = await listener.row('trade');
    expect(trade).toEqual({
      ts: expect.any(String),
      price: expect.any(String),
      size: expect.any(String),
      side: expect.stringMatching(/^(buy|sell)$/),
      tradeId: expect.any(String),
    });
    const candle = (await listener.row('candle1m')) as unknown as readonly string[];
    expect(candle).toHaveLength(8);
    expect(Number(candle[0]) % 60_000).toBe(0);
    expect(listener.faults).toEqual([]);
    listener.close();
  });

  test('private streams tell what the books say', async () => {
    const listener = new Listener(simulator.port, 'v2', 'private');
    for (const channel of ['orders', 'fill', 'positions', 'orders-algo', 'positions-history']) {
      listener.subscribe({ topic: channel, payload: { instType: USDT_FUTURES, instId: 'default' } }, 'v2Private');
    }
    listener.subscribe({ topic: 'account', payload: { instType: USDT_FUTURES, coin: 'default' } }, 'v2Private');
    await listener.row('account');
    await rest.futuresSubmitOrder({ ...ORDER, orderType: 'limit', price: await below(0.02), clientOid: 'heard' });
    expect(await listener.row('orders', ({ clientOid }) => clientOid === 'heard')).toMatchObject({ status: 'live' });
    await rest.futuresCancelOrder({ ...COIN, clientOid: 'heard' });
    await listener.row('orders', ({ clientOid, status }) => clientOid === 'heard' && status === 'canceled');
    await rest.futuresSubmitOrder({ ...ORDER, orderType: 'market', clientOid: 'heard-take' });
    const { orderId } = (await trueOrder('heard-take'))!;
    const [fill] = (await truthOf(admin)).fills.filter(({ clientOid }) => clientOid === 'heard-take');
    const { tradeId, price, size } = fill!;
    const row = await listener.row('fill', (each) => each.tradeId === tradeId);
    expect(row).toMatchObject({ orderId, price, baseVolume: size, tradeScope: 'taker' });
    const position = await listener.row('positions', ({ total }) => total === '0.01');
    expect(position).toMatchObject({ instId: SYMBOL, holdSide: 'long' });
    const { bid } = await touch();
    const stop = { planType: 'pos_loss', triggerPrice: onTick(bid * 0.9), holdSide: 'buy', size: '0.01' } as const;
    const { orderId: planId } = (await rest.futuresSubmitTPSLOrder({ ...COIN, ...stop })).data;
    await listener.row('orders-algo', (each) => each.orderId === planId);
    await rest.futuresFlashClosePositions(MARKET);
    await listener.row('positions-history');
    const { cash, positions } = await truthOf(admin);
    expect(positions).toEqual([]);
    await listener.row('account', ({ equity }) => equity === cash);
    expect(listener.faults).toEqual([]);
    listener.close();
  });

  test('every served route was driven, and the books agree', async () => {
    const used = await routesUsed(admin);
    const served = [...Object.keys(PUBLIC_ROUTES), ...Object.keys(PRIVATE_ROUTES)];
    expect(served.filter((route) => !used.has(route)).sort()).toEqual(NOT_DRIVEN);
    const { disagreements, accounts } = await admin.truth();
    expect(disagreements).toEqual([]);
    expect(accounts.bot1!.acceptedMoreThanOnce).toEqual({});
  });
});
