import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { SimulatorOptions } from '../../core/simulation/options.ts';
import type { RunningSimulator } from '../../simulator/server.ts';
import { BOT1 } from './harness.ts';
import { callRaw, codeOf } from './raw-rest.ts';
import { CLASSIC, resting, startUnified, taking, UNIFIED, unifiedCalls, type UnifiedCalls } from './unified-harness.ts';

describe('a unified account is told no in its own numbers', () => {
  let simulator: RunningSimulator;
  let calls: UnifiedCalls;
  const place = async (changes: object) => (await calls.post('trade/place-order', resting('new', changes))).code;

  beforeAll(async () => {
    simulator = await startUnified();
    calls = unifiedCalls(simulator.port);
    expect((await calls.post('trade/place-order', resting('once'))).code).toBe('00000');
  });
  afterAll(() => simulator.stop());

  test.each([
    ['a client id used before', { clientOid: 'once' }, '25212'],
    ['a client id that is too long', { clientOid: 'x'.repeat(33) }, '25200'],
    ['a client id with other characters', { clientOid: 'a b' }, '25200'],
    ['less than 5 USDT', { price: '4999.9' }, '25611'],
    ['a size between two lots', { qty: '0.0015' }, '25200'],
    ['a price between two ticks', { price: '20000.05' }, '25244'],
    ['a price that is no number', { price: 'much' }, '40017'],
    ['no side', { side: '' }, '40019'],
    ['more than the balance', { qty: '50' }, '25202'],
    ['reduce-only without a position', { reduceOnly: 'yes' }, '25227'],
    ['a leg in one-way mode', { posSide: 'long' }, '25236'],
    ['a symbol it does not list', { symbol: 'DOGEUSDT' }, '25100'],
    ['another category', { category: 'COIN-FUTURES' }, '40017'],
  ])('%s', async (_name, changes, code) => {
    const openBefore = await calls.get('trade/unfilled-orders?category=USDT-FUTURES');
    expect(await place(changes)).toBe(code);
    const openAfter = await calls.get('trade/unfilled-orders?category=USDT-FUTURES');
    expect(openAfter.data).toEqual(openBefore.data);
  });

  test('an order that is gone, or never was, is 25204 to cancel, modify and look up', async () => {
    const gone = { clientOid: 'never' };
    expect((await calls.post('trade/cancel-order', gone)).code).toBe('25204');
    expect((await calls.post('trade/modify-order', { ...gone, qty: '0.002' })).code).toBe('25204');
    expect((await calls.get('trade/order-info?clientOid=never')).code).toBe('25204');
  });

  test('a modification that changes nothing is 25571, and with autoCancel a refused one ends the order', async () => {
    await calls.post('trade/place-order', resting('moved'));
    expect((await calls.post('trade/modify-order', { clientOid: 'moved', price: '20000' })).code).toBe('25571');
    const refused = { clientOid: 'moved', qty: '50', autoCancel: 'no' };
    expect((await calls.post('trade/modify-order', refused)).code).toBe('25202');
    expect(await statusOf('moved')).toBe('live');
    expect((await calls.post('trade/modify-order', { ...refused, autoCancel: 'yes' })).code).toBe('25202');
    expect(await statusOf('moved')).toBe('cancelled');
  });

  test('stops need a position and the right side of the price', async () => {
    const stop = {
      category: 'USDT-FUTURES',
      symbol: 'BTCUSDT',
      posSide: 'long',
      stopLoss: '20000',
      slTriggerBy: 'mark',
    };
    const placeStop = async (changes: object = {}) =>
      (await calls.post('trade/place-strategy-order', { ...stop, ...changes })).code;
    expect(await placeStop()).toBe('25601');
    await calls.post('trade/place-order', taking('buy', '0.002'));
    expect(await placeStop({ stopLoss: '900000' })).toBe('25590');
    expect(await placeStop({ tpslMode: 'partial', qty: '0.003' })).toBe('25595');
    expect(await placeStop({ clientOid: 'stop-1' })).toBe('00000');
    expect(await placeStop({ clientOid: 'stop-1', tpslMode: 'partial', qty: '0.001' })).toBe('25212');
    expect((await calls.post('trade/close-positions', { category: 'USDT-FUTURES' })).code).toBe('00000');
    // The position is gone, and with it what protected it.
    expect((await calls.get('trade/unfilled-strategy-orders?category=USDT-FUTURES')).data).toEqual([]);
  });

  async function statusOf(clientOid: string): Promise<string> {
    const { data } = await calls.get(`trade/order-info?clientOid=${clientOid}`);
    return (data as { orderStatus: string }).orderStatus;
  }
});

test('what a modified order has filled stays filled, and only the rest goes on', async () => {
  const accounts = [{ ...UNIFIED, balance: '10000000' }, CLASSIC] as unknown as SimulatorOptions['accounts'];
  // A market that all but stands still: what is at the touch stays there.
  const simulator = await startUnified({ accounts, speed: 0.001 });
  const calls = unifiedCalls(simulator.port);
  const order = async () => (await calls.get('trade/order-info?clientOid=part')).data as Record<string, string>;
  const { data } = await calls.get('market/orderbook?category=USDT-FUTURES&symbol=BTCUSDT&limit=1');
  const [[price, size]] = (data as { a: [[string, string]] }).a;
  const more = (qty: string, lots: number) => (Number(qty) + lots / 1_000).toFixed(3);
  await calls.post('trade/place-order', resting('part', { price, qty: more(size, 5) }));
  const { orderId, cumExecQty } = await order();
  expect(Number(cumExecQty)).toBe(Number(size));
  const modify = (changes: object) => calls.post('trade/modify-order', { clientOid: 'part', ...changes });
  expect((await modify({ qty: size })).code).toBe('25568');
  expect((await modify({ qty: more(size, 2), price: '20000' })).data).toMatchObject({ orderId });
  expect(await order()).toMatchObject({ cumExecQty, price: '20000', orderStatus: 'partially_filled' });
  expect((await modify({ price: (Number(price) + 500).toFixed(1) })).code).toBe('00000');
  const filled = await order();
  expect(filled).toMatchObject({ orderStatus: 'filled', cumExecQty: filled.qty });
  const { list } = (await calls.get(`trade/fills?orderId=${orderId}`)).data as { list: { execQty: string }[] };
  expect(list.reduce((sum, { execQty }) => sum + Number(execQty), 0)).toBeCloseTo(Number(more(size, 2)), 9);
  await simulator.stop();
});

test('beyond the order rate it answers 429, and not for reads', async () => {
  const simulator = await startUnified({ orderRate: { perSecond: 1, burst: 2 } });
  const calls = unifiedCalls(simulator.port);
  const cancel = async () => (await calls.post('trade/cancel-order', { clientOid: 'never' })).code;
  expect([await cancel(), await cancel(), await cancel()]).toEqual(['25204', '25204', '429']);
  expect((await calls.get('trade/unfilled-orders')).code).toBe('00000');
  await simulator.stop();
});

describe('each kind of account is refused on the other’s endpoints', () => {
  let simulator: RunningSimulator;
  beforeAll(async () => {
    simulator = await startUnified();
  });
  afterAll(() => simulator.stop());

  test.each([
    ['GET', '/api/v2/mix/account/accounts?productType=USDT-FUTURES', BOT1, '40085'],
    ['POST', '/api/v2/mix/order/place-order', BOT1, '40085'],
    ['GET', '/api/v3/account/settings', CLASSIC, '40084'],
    ['POST', '/api/v3/trade/place-order', CLASSIC, '40084'],
    ['GET', '/api/v3/account/settings', BOT1, '00000'],
    ['GET', '/api/v2/mix/account/accounts?productType=USDT-FUTURES', CLASSIC, '00000'],
    // Market data is for both.
    ['GET', '/api/v2/mix/market/tickers?productType=USDT-FUTURES', BOT1, '00000'],
    ['GET', '/api/v3/market/tickers?category=USDT-FUTURES', CLASSIC, '00000'],
  ] as const)('%s %s', async (method, target, account, code) => {
    expect(codeOf(await callRaw(simulator.port, method, target, { account })).code).toBe(code);
  });
});
