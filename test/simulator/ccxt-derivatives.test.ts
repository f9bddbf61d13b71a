/** What only derivatives have, through unmodified ccxt: triggers, position and margin modes, funding, tiers, key rights. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { startSimulator, type RunningSimulator } from '../../simulator/server.ts';
import { BOT1, BOT4, connect, markets, simulatorOptions, tempDir } from './harness.ts';

const SYMBOL = 'BTC/USDT:USDT';
type Client = Awaited<ReturnType<typeof connect>>;

interface Listed {
  readonly orderId: string;
  readonly planType: string;
  readonly planStatus: string;
  readonly [field: string]: string;
}

async function pending(client: Client, planType: string): Promise<Listed[]> {
  const orders = await client.fetchOpenOrders(SYMBOL, undefined, undefined, { trigger: true, planType });
  return orders.map(({ info }) => info as Listed);
}

/** Asks until `is` holds; the test's own time limit ends it. */
async function until<T>(ask: () => Promise<T>, is: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (is(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function flatten(client: Client): Promise<void> {
  for (const { symbol } of await client.fetchPositions([SYMBOL])) await client.closePosition(symbol!);
}

describe('over REST', () => {
  const dir = tempDir();
  let simulator: RunningSimulator;
  let client: Client;
  let bid: number;

  beforeAll(async () => {
    const funded = markets('BTCUSDT').map((market) => ({ ...market, fundingIntervalMs: 1_000 }));
    const withdrawer = { ...BOT4, authorities: ['coow', 'wwow'], ips: '', deductionPrice: '4' };
    simulator = await startSimulator({ ...simulatorOptions(dir), markets: funded, accounts: [BOT1, withdrawer] });
    client = await connect(simulator.port);
    await client.loadMarkets();
    bid = (await client.fetchTicker(SYMBOL)).bid!;
  });
  afterAll(async () => {
    await client.close();
    await simulator.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test('a protective stop: placed, listed, moved, and cancelled only by its own plan type', async () => {
    await client.createOrder(SYMBOL, 'market', 'buy', 0.01);
    const far = bid - 3_000;
    const stop = await client.createOrder(SYMBOL, 'market', 'sell', 0.01, undefined, { stopLossPrice: far });
    expect(await pending(client, 'normal_plan')).toEqual([]);
    expect(await pending(client, 'profit_loss')).toMatchObject([
      { orderId: stop.id, planType: 'pos_loss', size: '0', planStatus: 'live', side: 'sell', posSide: 'net' },
    ]);
    await client.privateMixPostV2MixOrderModifyTpslOrder({
      orderId: stop.id,
      symbol: 'BTCUSDT',
      productType: 'USDT-FUTURES',
      marginCoin: 'USDT',
      triggerPrice: (far + 100).toFixed(1),
      size: '',
    });
    const [moved] = await pending(client, 'profit_loss');
    expect(moved).toMatchObject({ orderId: stop.id, stopLossTriggerPrice: (far + 100).toFixed(1).replace(/\.0$/, '') });
    // Without a plan type the venue looks among the normal plans and finds nothing.
    await client.cancelOrder(stop.id!, SYMBOL, { trigger: true });
    expect(await pending(client, 'profit_loss')).toHaveLength(1);
    expect(await client.cancelAllOrders(SYMBOL, { trigger: true })).toEqual([]);
    await expect(client.cancelAllOrders(SYMBOL)).rejects.toThrow('22001');
    expect(await pending(client, 'profit_loss')).toHaveLength(1);
    const gone = await client.cancelOrder(stop.id!, SYMBOL, { trigger: true, planType: 'pos_loss' });
    expect(gone.id).toBe(stop.id);
    expect(await pending(client, 'profit_loss')).toEqual([]);
    await flatten(client);
  });

  test('stop and take-profit at once go with the position, and history tells so', async () => {
    await client.createOrder(SYMBOL, 'market', 'sell', 0.01);
    const placed = (await client.privateMixPostV2MixOrderPlacePosTpsl({
      symbol: 'BTCUSDT',
      productType: 'USDT-FUTURES',
      marginCoin: 'USDT',
      holdSide: 'sell',
      stopSurplusTriggerPrice: (bid - 3_000).toFixed(1),
      stopSurplusTriggerType: 'mark_price',
      stopLossTriggerPrice: (bid + 3_000).toFixed(1),
      stopLossTriggerType: 'mark_price',
      stopLossClientOid: 'both-stop',
    })) as { data: Record<string, string>[] };
    expect(placed.data.map(({ stopLossClientOid }) => stopLossClientOid)).toEqual(['', 'both-stop']);
    expect((await pending(client, 'profit_loss')).map(({ planType }) => planType)).toEqual(['pos_loss', 'pos_profit']);
    await flatten(client);
    expect(await pending(client, 'profit_loss')).toEqual([]);
    const history = await client.fetchCanceledAndClosedOrders(SYMBOL, undefined, 2, { planType: 'profit_loss' });
    expect(history.map(({ status }) => status)).toEqual(['canceled', 'canceled']);
  });

  test('plan orders: trigger and trailing, edited and cancelled', async () => {
    const plan = await client.createOrder(SYMBOL, 'limit', 'buy', 0.01, bid - 2_000, { triggerPrice: bid - 1_900 });
    const trail = await client.createOrder(SYMBOL, 'market', 'sell', 0.01, undefined, {
      trailingPercent: '5',
      trailingTriggerPrice: bid + 2_000,
    });
    expect(await client.fetchOpenOrders(SYMBOL)).toEqual([]);
    expect(await pending(client, 'normal_plan')).toMatchObject([{ orderId: plan.id, orderType: 'limit' }]);
    const [trailing] = await client.fetchOpenOrders(SYMBOL, undefined, undefined, { trailing: true });
    expect(trailing!.info).toMatchObject({ orderId: trail.id, callbackRatio: '5', planType: 'track_plan' });
    await client.editOrder(plan.id!, SYMBOL, 'limit', 'buy', 0.02, bid - 2_100, { triggerPrice: bid - 2_050 });
    expect(await pending(client, 'normal_plan')).toMatchObject([{ orderId: plan.id, size: '0.02' }]);
    await client.cancelOrder(plan.id!, SYMBOL, { trigger: true });
    await client.cancelOrder(trail.id!, SYMBOL, { trailing: true });
    expect(await pending(client, 'normal_plan')).toEqual([]);
    expect(await pending(client, 'track_plan')).toEqual([]);
  });

  test('an edited order goes on under its new client id; one half of price and size is refused', async () => {
    const order = await client.createOrder(SYMBOL, 'limit', 'buy', 0.01, bid - 2_000, { clientOrderId: 'edit-1' });
    await expect(client.editOrder(order.id!, SYMBOL, 'limit', 'buy', 0.02)).rejects.toThrow('40925');
    await client.editOrder(order.id!, SYMBOL, 'limit', 'buy', 0.02, bid - 2_100, { newClientOid: 'edit-2' });
    expect((await client.fetchOrder(order.id!, SYMBOL)).status).toBe('canceled');
    const changed = await client.fetchOrder('', SYMBOL, { clientOrderId: 'edit-2' });
    expect(changed).toMatchObject({ status: 'open', amount: 0.02 });
    expect(changed.id).not.toBe(order.id);
    await client.cancelAllOrders(SYMBOL);
  });

  test('attached stops come with the fill, and a reduce-only order that displaces others names no order', async () => {
    const stopLoss = { triggerPrice: bid - 3_000 };
    await client.createOrder(SYMBOL, 'market', 'buy', 0.01, undefined, { stopLoss });
    expect(await pending(client, 'profit_loss')).toMatchObject([{ planType: 'loss_plan', size: '0.01' }]);
    const close = (clientOrderId: string) =>
      client.createOrder(SYMBOL, 'limit', 'sell', 0.01, bid + 2_000, { reduceOnly: true, clientOrderId });
    expect((await close('room-1')).id).toMatch(/^1\d{18}$/);
    const second = await close('room-2');
    expect([second.id, second.clientOrderId]).toEqual([undefined, 'room-2']);
    expect((await client.fetchOpenOrders(SYMBOL)).map(({ clientOrderId }) => clientOrderId)).toEqual(['room-2']);
    await flatten(client);
    expect(await client.fetchOpenOrders(SYMBOL)).toEqual([]);
  });

  test('hedge mode: both legs, closed by their side, and stops by hold side', async () => {
    const hedged = { hedged: true };
    await expect(client.createOrder(SYMBOL, 'market', 'buy', 0.01, undefined, hedged)).rejects.toThrow('40774');
    await client.setPositionMode(true, SYMBOL);
    await expect(client.createOrder(SYMBOL, 'market', 'buy', 0.01)).rejects.toThrow('40774');
    await client.createOrder(SYMBOL, 'market', 'buy', 0.02, undefined, hedged);
    const short = await client.createOrder(SYMBOL, 'market', 'sell', 0.01, undefined, hedged);
    expect(await client.fetchPositions([SYMBOL])).toMatchObject([
      { side: 'long', contracts: 0.02, hedged: true },
      { side: 'short', contracts: 0.01, hedged: true },
    ]);
    expect((await client.fetchOrder(short.id!, SYMBOL)).info).toMatchObject({ tradeSide: 'open', posSide: 'short' });
    const stop = await client.createOrder(SYMBOL, 'market', 'sell', 0.02, undefined, {
      ...hedged,
      stopLossPrice: bid - 3_000,
    });
    expect(await pending(client, 'profit_loss')).toMatchObject([
      { orderId: stop.id, posSide: 'long', tradeSide: 'close', side: 'buy', posMode: 'hedge_mode' },
    ]);
    const close = await client.createOrder(SYMBOL, 'market', 'sell', 0.02, undefined, { ...hedged, reduceOnly: true });
    // On the wire closing a long is a buy; ccxt turns it back.
    const closed = await client.fetchOrder(close.id!, SYMBOL);
    expect([closed.side, closed.info]).toMatchObject(['sell', { side: 'buy', tradeSide: 'close' }]);
    expect((await client.fetchPositions([SYMBOL])).map(({ side }) => side)).toEqual(['short']);
    expect(await pending(client, 'profit_loss')).toEqual([]);
    await client.closePosition(SYMBOL, 'short');
    await client.setPositionMode(false, SYMBOL);
  });

  test('isolated margin with its own leverage, refused while in use', async () => {
    await client.setMarginMode('isolated', SYMBOL);
    await client.setLeverage(5, SYMBOL);
    expect(await client.fetchLeverage(SYMBOL)).toMatchObject({
      longLeverage: 5,
      shortLeverage: 5,
      marginMode: 'isolated',
    });
    await client.createOrder(SYMBOL, 'market', 'buy', 0.01, undefined, { marginMode: 'isolated' });
    const [position] = await client.fetchPositions([SYMBOL]);
    expect(position).toMatchObject({ marginMode: 'isolated', leverage: 5, maintenanceMarginPercentage: 0.004 });
    expect(position!.liquidationPrice! / bid).toBeCloseTo(0.8 / (1 - 0.0046), 2);
    await expect(client.setMarginMode('cross', SYMBOL)).rejects.toThrow('45117');
    await expect(client.setLeverage(6, SYMBOL)).rejects.toThrow('45117');
    await expect(client.createOrder(SYMBOL, 'market', 'buy', 0.01)).rejects.toThrow('45117');
    await flatten(client);
    await client.setMarginMode('cross', SYMBOL);
  });

  test('funding is settled, booked and listed; the position shows it', async () => {
    // A position of an earlier test may have met a settlement, too.
    const before = (await client.fetchFundingHistory(SYMBOL)).length;
    await client.createOrder(SYMBOL, 'market', 'buy', 0.01);
    const paid = await until(
      async () => (await client.fetchFundingHistory(SYMBOL)).slice(before),
      (rows) => rows.length >= 2,
    );
    expect(paid[0]!.amount).toBeLessThan(0);
    expect(paid[0]!.amount! / (0.01 * bid)).toBeCloseTo(-0.0001, 6);
    const [position] = await client.fetchPositions([SYMBOL]);
    expect(Number((position!.info as { totalFee: string }).totalFee)).toBeLessThan(0);
    const rates = await client.fetchFundingRateHistory(SYMBOL, undefined, 2);
    expect(rates.map(({ fundingRate }) => fundingRate)).toEqual([0.0001, 0.0001]);
    expect((await client.fetchFundingRate(SYMBOL)).fundingRate).toBe(0.0001);
    await flatten(client);
    const asked = { symbol: 'BTCUSDT', productType: 'USDT-FUTURES', limit: 1 };
    const { data } = (await client.privateMixGetV2MixPositionHistoryPosition(asked)) as { data: { list: Listed[] } };
    expect(data.list).toMatchObject([{ holdSide: 'long', openTotalPos: '0.01', closeTotalPos: '0.01' }]);
    expect(Number(data.list[0]!.totalFunding)).toBeLessThan(0);
  });

  test('tells tiers and the rights of the key', async () => {
    const tiers = await client.fetchMarketLeverageTiers(SYMBOL);
    expect(tiers[0]).toMatchObject({
      minNotional: 0,
      maxNotional: 150_000,
      maxLeverage: 125,
      maintenanceMarginRate: 0.004,
    });
    expect(tiers).toHaveLength(11);
    const rights = async (of: Client) =>
      ((await of.privateSpotGetV2SpotAccountInfo()) as { data: { authorities: string[]; ips: string; userId: string } })
        .data;
    const own = await rights(client);
    expect(own).toMatchObject({ authorities: ['coor', 'coow', 'cpor', 'cpow'], ips: '127.0.0.1' });
    const other = await connect(simulator.port, BOT4);
    const theirs = await rights(other);
    expect(theirs).toMatchObject({ authorities: ['coow', 'wwow'], ips: '' });
    expect(theirs.userId).not.toBe(own.userId);
    // That account pays its fees in BGB: ccxt hands the number on as the venue signs it.
    await other.loadMarkets();
    await other.createOrder(SYMBOL, 'market', 'buy', 0.01);
    const [trade] = await other.fetchMyTrades(SYMBOL);
    expect(trade!.fee).toMatchObject({ currency: 'BGB' });
    expect(trade!.fee!.cost! / (trade!.cost! * 0.0006)).toBeCloseTo(-0.25, 4);
    await other.close();
  });

  test.each([
    [
      'more than 50 orders in a batch',
      'BatchPlaceOrder',
      { orderList: Array.from({ length: 51 }, () => ({})) },
      '40017',
    ],
    [
      'cancelling more than 50 orders',
      'BatchCancelOrders',
      { orderIdList: Array.from({ length: 51 }, () => ({})) },
      '40912',
    ],
    ['listing triggers without a plan type', 'OrdersPlanPending', {}, '40019'],
    ['cancelling all stops by the word that only lists them', 'CancelPlanOrder', { planType: 'profit_loss' }, '40017'],
    [
      'a stop of the other mode',
      'PlaceTpslOrder',
      { planType: 'pos_loss', holdSide: 'long', triggerPrice: '1' },
      '40017',
    ],
    ['closing what is not held', 'ClosePositions', {}, '22002'],
    ['moving a stop that never was', 'ModifyTpslOrder', { orderId: '1', triggerPrice: '1' }, '43020'],
    ['changing a plan that never was', 'ModifyPlanOrder', { orderId: '1' }, '43025'],
    ['an edit without a new client id', 'ModifyOrder', { orderId: '1', newPrice: '1', newSize: '1' }, '40019'],
  ])('refuses %s', async (_name, call, changes, code) => {
    const method = call === 'OrdersPlanPending' ? 'Get' : 'Post';
    const ask = (client as unknown as Record<string, (request: object) => Promise<unknown>>)[
      `privateMix${method}V2MixOrder${call}`
    ]!.bind(client);
    const request = {
      symbol: 'BTCUSDT',
      productType: 'USDT-FUTURES',
      marginCoin: 'USDT',
      marginMode: 'crossed',
      ...changes,
    };
    await expect(ask(request)).rejects.toThrow(`"${code}"`);
  });
});

test('a stop is set off by the replayed market: pushed on orders-algo, its order on orders, and the position is gone', async () => {
  const dir = tempDir();
  const simulator = await startSimulator(simulatorOptions(dir, { speed: 200 }));
  const client = await connect(simulator.port);
  try {
    await client.loadMarkets();
    const triggers = client.watchOrders(SYMBOL, undefined, undefined, { trigger: true });
    const seen: string[] = [];
    await client.watchPositions([SYMBOL]);
    await client.createOrder(SYMBOL, 'market', 'buy', 0.01);
    // The market moves 200 times as fast as it was recorded: the price may be past the trigger before the request is there.
    const stop = await until(
      async () => {
        const { bid } = await client.fetchTicker(SYMBOL);
        return client
          .createOrder(SYMBOL, 'market', 'sell', 0.01, undefined, { stopLossPrice: bid! - 20 })
          .catch(() => null);
      },
      (placed) => placed !== null,
    );
    let pushed = await triggers;
    while (seen.at(-1) !== 'executed') {
      seen.push((pushed.at(-1)!.info as { status: string }).status);
      if (seen.at(-1) !== 'executed') {
        pushed = await client.watchOrders(SYMBOL, undefined, undefined, { trigger: true });
      }
    }
    expect(seen[0]).toBe('live');
    expect(pushed.at(-1)!.info).toMatchObject({ planType: 'psl', orderId: stop!.id, triggerType: 'mark_price' });
    expect(await client.fetchPositions([SYMBOL])).toEqual([]);
    const [history] = await client.fetchCanceledAndClosedOrders(SYMBOL, undefined, 1, { planType: 'profit_loss' });
    const { executeOrderId } = history!.info as { executeOrderId: string };
    const order = await client.fetchOrder(executeOrderId, SYMBOL);
    expect(order.info).toMatchObject({ orderSource: 'pos_loss_market', state: 'filled', reduceOnly: 'YES' });
  } finally {
    await client.close();
    await simulator.stop();
    rmSync(dir, { recursive: true, force: true });
  }
});
