import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { startSimulator, type RunningSimulator } from '../../simulator/server.ts';
import { connectAdmin, type Admin } from './admin.ts';
import { BOT1, BOT4, simulatorOptions, tempDir } from './harness.ts';
import { callRaw, codeOf, PLACE, restingOrder, TIME } from './raw-rest.ts';
import { RawClient } from './raw-socket.ts';

const POSITIONS = '/api/v2/mix/position/all-position?productType=USDT-FUTURES&marginCoin=USDT';
const TICKER = '/api/v2/mix/market/ticker?symbol=BTCUSDT&productType=USDT-FUTURES';

describe('truth, and what the admin port does to an account', () => {
  const dir = tempDir();
  let simulator: RunningSimulator;
  let admin: Admin;

  beforeAll(async () => {
    simulator = await startSimulator(simulatorOptions(dir, { adminPort: 0 }));
    admin = connectAdmin(simulator.adminPort);
  });
  afterEach(() => admin.clear());
  afterAll(async () => {
    await simulator.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const place = (body: object, account = BOT1) => callRaw(simulator.port, 'POST', PLACE, { body, account });
  const read = async (target: string, account = BOT1) =>
    codeOf(await callRaw(simulator.port, 'GET', target, { account })).data;
  const accountOf = async (name: string) => (await admin.truth()).accounts[name]!;

  async function subscribed(channel: string, account = BOT1): Promise<RawClient> {
    const client = new RawClient(simulator.port, '/v2/ws/private');
    await client.login(account);
    await client.subscribe(channel, 'default');
    await client.until(({ event }) => event === 'subscribe');
    return client;
  }

  test('counts what arrived, what was accepted and which client ids came twice', async () => {
    const before = await accountOf('bot4');
    expect([before.accepted, before.duplicatesRefused]).toEqual([0, 0]);
    for (const clientOid of ['one', 'two', 'one', 'one']) await place(restingOrder(clientOid), BOT4);
    await place(restingOrder('too-small', { size: '0.0001' }), BOT4);
    const after = await accountOf('bot4');
    expect(after).toMatchObject({ accepted: 2, acceptedMoreThanOnce: {}, duplicatesRefused: 2 });
    expect(after.requests.routes[`POST ${PLACE}`]).toMatchObject({ calls: 5, codes: { '00000': 2, '40786': 2 } });
    expect(after.requests.perSecondMax.place).toBeGreaterThanOrEqual(1);
    expect(after.orders.map(({ clientOid, status }) => [clientOid, status])).toEqual([
      ['one', 'live'],
      ['two', 'live'],
    ]);
    expect(await admin.ordersOf('two')).toMatchObject([
      { account: 'bot4', price: '20000', size: '0.001', cause: 'request' },
    ]);
    expect(await admin.ordersOf('three')).toEqual([]);
  });

  test('an order of somebody else is told to the account, and is a true one', async () => {
    const client = await subscribed('orders');
    const made = await admin.call<{ orderId: string }>('POST', '/orders', {
      account: 'bot1',
      symbol: 'BTCUSDT',
      side: 'buy',
      qty: '0.002',
    });
    const heard = await client.push('orders');
    expect(heard.data).toMatchObject([{ orderId: made.orderId }]);
    client.close();
    const { orders, fills, positions } = await accountOf('bot1');
    expect(orders.find(({ orderId }) => orderId === made.orderId)).toMatchObject({ status: 'filled', filled: '0.002' });
    expect(fills).toMatchObject([{ orderId: made.orderId, liquidity: 'taker' }]);
    expect(positions).toMatchObject([{ symbol: 'BTCUSDT', leg: 'net', qty: '0.002' }]);
    expect(await read(POSITIONS)).toMatchObject([{ symbol: 'BTCUSDT', holdSide: 'long', total: '0.002' }]);
  });

  test('a forced fill fills a resting order in part and then whole, and no more', async () => {
    await place(restingOrder('taken', { size: '0.003' }));
    await admin.call('POST', '/fills', { account: 'bot1', clientOid: 'taken', qty: '0.001' });
    expect(await admin.ordersOf('taken')).toMatchObject([{ status: 'partially_filled', filled: '0.001' }]);
    await admin.call('POST', '/fills', { account: 'bot1', clientOid: 'taken' });
    expect(await admin.ordersOf('taken')).toMatchObject([{ status: 'filled', filled: '0.003' }]);
    await expect(admin.call('POST', '/fills', { account: 'bot1', clientOid: 'taken' })).rejects.toThrow('409');
    expect((await accountOf('bot1')).positions).toMatchObject([{ qty: '0.005' }]);
  });

  test('the venue reduces a position by force', async () => {
    await admin.call('POST', '/reductions', { account: 'bot1', symbol: 'BTCUSDT', qty: '0.002' });
    expect((await accountOf('bot1')).positions).toMatchObject([{ qty: '0.003' }]);
    await admin.call('POST', '/reductions', { account: 'bot1', symbol: 'BTCUSDT' });
    const { positions, orders } = await accountOf('bot1');
    expect(positions).toEqual([]);
    expect(orders.at(-1)).toMatchObject({ cause: 'forced_reduce', reduceOnly: true, status: 'filled' });
    await expect(admin.call('POST', '/reductions', { account: 'bot1', symbol: 'BTCUSDT' })).rejects.toThrow('409');
  });

  test('a moved price takes the book, the ticker and the resting orders with it', async () => {
    const [before] = (await read(TICKER)) as { bidPr: string }[];
    const price = (Number(before!.bidPr) - 500).toFixed(1);
    await place(restingOrder('in-the-way', { price }));
    const moved = await admin.call<{ bid: string; ask: string }>('POST', '/price', {
      symbol: 'BTCUSDT',
      ticks: -10_000,
    });
    expect(Number(moved.bid)).toBeCloseTo(Number(before!.bidPr) - 1_000, -2);
    expect(Number(moved.ask)).toBeGreaterThan(Number(moved.bid));
    expect(await admin.ordersOf('in-the-way')).toMatchObject([{ status: 'filled' }]);
    const [after] = (await read(TICKER)) as { bidPr: string }[];
    expect(Number(after!.bidPr)).toBeCloseTo(Number(before!.bidPr) - 1_000, -2);
    await admin.call('POST', '/price', { symbol: 'BTCUSDT', ticks: 10_000 });
    await admin.call('POST', '/reductions', { account: 'bot1', symbol: 'BTCUSDT' });
  });

  test.each([
    ['/orders', { account: 'bot1', symbol: 'BTCUSDT', side: 'up', qty: '1' }, 'side'],
    ['/orders', { account: 'bot1', symbol: 'BTCUSDT', side: 'buy', qty: '-1' }, 'qty'],
    ['/fills', { account: 'bot1' }, '(whole)'],
    ['/price', { symbol: 'BTCUSDT', ticks: 1.5 }, 'ticks'],
    ['/funding', { symbol: 'BTCUSDT', rate: '1' }, 'rate'],
  ])('%s refuses %j', async (path, body, field) => {
    await expect(admin.call('POST', path, body)).rejects.toMatchObject({ status: 400, faults: [{ path: field }] });
  });

  test('wrong_position: REST and socket tell another position than the true one, as long as it lasts', async () => {
    const client = await subscribed('positions', BOT4);
    await admin.faults({ kind: 'wrong_position', where: { account: 'bot4', symbol: 'BTCUSDT' }, qty: '-0.15' });
    expect(await read(POSITIONS, BOT4)).toMatchObject([{ symbol: 'BTCUSDT', holdSide: 'short', total: '0.15' }]);
    expect(await read(POSITIONS)).toEqual([]);
    await admin.call('POST', '/orders', { account: 'bot4', symbol: 'BTCUSDT', side: 'buy', qty: '0.001' });
    expect((await client.until(({ data }) => data !== undefined && data.length > 0)).data).toMatchObject([
      { instId: 'BTCUSDT', holdSide: 'short', total: '0.15' },
    ]);
    expect((await accountOf('bot4')).positions).toMatchObject([{ qty: '0.001' }]);
    expect((await admin.report())[0]!.struck).toBeGreaterThanOrEqual(2);
    await admin.faults({ kind: 'wrong_position', where: { symbol: 'BTCUSDT' }, qty: '0', told: 'rest' });
    expect(await read(POSITIONS, BOT4)).toEqual([]);
    await admin.clear();
    expect(await read(POSITIONS, BOT4)).toMatchObject([{ holdSide: 'long', total: '0.001' }]);
    await admin.call('POST', '/reductions', { account: 'bot4', symbol: 'BTCUSDT' });
    client.close();
  });

  test('clock_skew: the venue tells another time, stamps with it and checks signatures by it; pushes go on', async () => {
    const client = new RawClient(simulator.port, '/v2/ws/public');
    await client.subscribe('ticker');
    await client.push('ticker');
    for (const ms of [3_600_000, -3_600_000]) {
      await admin.faults({ kind: 'clock_skew', ms });
      const { serverTime } = (await read(TIME)) as { serverTime: string };
      expect(Math.abs(Number(serverTime) - ms - Date.now())).toBeLessThan(5_000);
      const late = await callRaw(simulator.port, 'GET', POSITIONS);
      expect(codeOf(late).code).toBe('40008');
      const adjusted = await callRaw(simulator.port, 'GET', POSITIONS, { aheadMs: ms });
      expect(codeOf(adjusted).code).toBe('00000');
      const { ts } = await client.until(
        ({ data, ts }) => data !== undefined && Math.abs(ts! - ms - Date.now()) < 5_000,
      );
      expect(ts).toBeDefined();
    }
    await admin.clear();
    expect(codeOf(await callRaw(simulator.port, 'GET', POSITIONS)).code).toBe('00000');
    client.close();
  });
});
