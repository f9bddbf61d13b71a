/** Every v2 answer and push that others recorded has the same fields here, each of the same kind. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startSimulator, type RunningSimulator } from '../../simulator/server.ts';
import { connect, markets, simulatorOptions, tempDir } from './harness.ts';
import { callRaw, codeOf, type RawCode } from './raw-rest.ts';
import { RawClient } from './raw-socket.ts';

interface RecordedAnswer {
  readonly case: string;
  readonly httpMethod: 'GET' | 'POST';
  readonly path: string;
  readonly response: { readonly data: unknown };
}

interface RecordedDialogue {
  readonly case: string;
  readonly steps: readonly {
    readonly dir: string;
    readonly msg: { readonly arg: { channel: string }; readonly data: unknown };
  }[];
}

function lines<T>(path: string): T[] {
  const text = readFileSync(join(process.cwd(), path), 'utf8');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as T]));
}

const ANSWERS = lines<RecordedAnswer>('test/simulator/fixtures/rest-v2-futures-bitgetnet.ndjson');
const PUSHES = lines<RecordedDialogue>('test/gateway/fixtures/bitget-ws/ws-v2-futures-bitgetnet.ndjson');

/** What is recorded and differs here on purpose. */
const DIFFERENT: Readonly<Record<string, string>> = {
  // The endpoint of two failures: ours answers one success and no failure when nothing fails.
  failureList: 'tested where something fails',
};

/** Where in `ours` a field of `recorded` is missing or of another kind. Lists are compared by their first entries. */
function differences(recorded: unknown, ours: unknown, path: string): string[] {
  if (recorded === null || recorded === undefined) return [];
  if (Array.isArray(recorded)) {
    if (!Array.isArray(ours)) return [`${path}: expected a list, was ${JSON.stringify(ours)}`];
    if (recorded.length === 0) return [];
    return ours.length === 0 ? [`${path}: empty`] : differences(recorded[0], ours[0], `${path}[0]`);
  }
  if (typeof recorded === 'object') {
    if (ours === null || typeof ours !== 'object') return [`${path}: expected an object, was ${JSON.stringify(ours)}`];
    return Object.entries(recorded)
      .filter(([field]) => DIFFERENT[field] === undefined)
      .flatMap(([field, value]) =>
        field in ours
          ? differences(value, (ours as Record<string, unknown>)[field], `${path}.${field}`)
          : [`${path}.${field}: missing`],
      );
  }
  // Numbers are texts on the wire; the recordings have some of them as numbers.
  const isScalar = ours === null || typeof ours === 'string' || typeof ours === 'number';
  return isScalar ? [] : [`${path}: expected a value, was ${JSON.stringify(ours)}`];
}

const BASE = { symbol: 'BTCUSDT', productType: 'USDT-FUTURES', marginCoin: 'USDT', marginMode: 'isolated' };

describe('as recorded', () => {
  const dir = tempDir();
  let simulator: RunningSimulator;
  let feed: RawClient;
  const pushed = new Map<string, unknown[]>();
  let last = 0;

  /** Throws with the venue's code when it is refused. */
  async function call(method: 'GET' | 'POST', path: string, fields: Record<string, unknown> = {}): Promise<RawCode> {
    const all = { ...BASE, ...fields };
    const query = method === 'GET' ? `?${new URLSearchParams(all as Record<string, string>).toString()}` : '';
    const answer = codeOf(await callRaw(simulator.port, method, path + query, method === 'POST' ? { body: all } : {}));
    if (answer.code !== '00000') throw new Error(`${path}: ${answer.code} ${answer.msg}`);
    return answer;
  }
  const id = (answer: RawCode) => (answer.data as { orderId: string }).orderId;
  const order = (name: string, fields: object) => call('POST', `/api/v2/mix/order/${name}`, { ...fields });
  const name = () => `shape-${(last += 1)}`;
  const open = (size = '0.02') => order('place-order', { side: 'buy', tradeSide: 'open', orderType: 'market', size });
  const rest = () =>
    order('place-order', {
      side: 'buy',
      tradeSide: 'open',
      orderType: 'limit',
      price: '40000',
      size: '0.01',
      clientOid: name(),
    });
  const plan = (triggerPrice = '40000') =>
    order('place-plan-order', {
      planType: 'normal_plan',
      side: 'buy',
      tradeSide: 'open',
      orderType: 'market',
      size: '0.01',
      triggerPrice,
      triggerType: 'mark_price',
      stopLossTriggerPrice: '30000',
      stopSurplusTriggerPrice: '90000',
    });
  const stop = (planType = 'loss_plan') =>
    order('place-tpsl-order', {
      planType,
      holdSide: 'long',
      triggerPrice: '30000',
      triggerType: 'mark_price',
      size: '0.001',
    });

  /** What a recorded call asks here, and what has to be there before. */
  const requests: Readonly<Record<string, () => Promise<Record<string, unknown>>>> = {
    'Futures/Account/AdjustMargin': async () => ({ amount: '1', holdSide: 'long' }),
    'Futures/Account/SetLeverage': async () => ({ leverage: '20', holdSide: 'long' }),
    'Futures/Account/SetPositionMode': async () => ({ posMode: 'hedge_mode' }),
    'Futures/ExchangeData/GetKlines': async () => ({ granularity: '1m' }),
    'Futures/ExchangeData/GetHistoricalKlines': async () => ({ granularity: '1m' }),
    'Futures/ExchangeData/GetHistoricalIndexPriceKlines': async () => ({ granularity: '1m' }),
    'Futures/ExchangeData/GetHistoricalMarkPriceKlines': async () => ({ granularity: '1m' }),
    'Futures/Trading/CancelAllOrders': async () => (await rest(), {}),
    'Futures/Trading/CancelMultipleOrders': async () => ({ orderIdList: [{ orderId: id(await rest()) }] }),
    'Futures/Trading/CancelOrder': async () => ({ orderId: id(await rest()) }),
    'Futures/Trading/CancelTriggerOrders': async () => (await plan(), {}),
    'Futures/Trading/EditOrder': async () => ({
      orderId: id(await rest()),
      newPrice: '41000',
      newSize: '0.01',
      newClientOid: name(),
    }),
    'Futures/Trading/EditTpSlOrder': async () => ({ orderId: id(await stop()), triggerPrice: '31000', size: '0.001' }),
    'Futures/Trading/EditTriggerOrder': async () => ({ orderId: id(await plan()), newTriggerPrice: '41000' }),
    'Futures/Trading/GetOpenOrders': async () => (await rest(), {}),
    'Futures/Trading/GetOpenOrders2': async () => (await rest(), {}),
    'Futures/Trading/GetOpenTriggerOrders': async () => (await plan(), { planType: 'normal_plan' }),
    'Futures/Trading/GetOpenTriggerOrders2': async () => (await stop(), { planType: 'profit_loss' }),
    'Futures/Trading/GetClosedTriggerOrders': async () => ({ planType: 'normal_plan', planStatus: 'executed' }),
    'Futures/Trading/GetOrder': async () => ({ orderId: id(await rest()) }),
    'Futures/Trading/GetTriggerSubOrders': async () => {
      const { data } = await call('GET', '/api/v2/mix/order/orders-plan-history', {
        planType: 'normal_plan',
        planStatus: 'executed',
      });
      return {
        planType: 'normal_plan',
        planOrderId: (data as { entrustedList: { orderId: string }[] }).entrustedList[0]!.orderId,
      };
    },
    'Futures/Trading/PlaceMultipleOrders': async () => ({
      orderList: [{ side: 'buy', tradeSide: 'open', orderType: 'limit', price: '40000', size: '0.01' }],
    }),
    'Futures/Trading/PlaceOrder': async () => ({
      side: 'buy',
      tradeSide: 'open',
      orderType: 'limit',
      price: '40000',
      size: '0.01',
    }),
    'Futures/Trading/PlaceTpSlOrder': async () => ({
      planType: 'loss_plan',
      holdSide: 'long',
      triggerPrice: '30000',
      size: '0.001',
    }),
    'Futures/Trading/PlaceTriggerOrder': async () => ({
      planType: 'normal_plan',
      side: 'buy',
      tradeSide: 'open',
      orderType: 'market',
      size: '0.01',
      triggerPrice: '40000',
      triggerType: 'mark_price',
    }),
    'Futures/Trading/SetPositionTpSl': async () => ({
      holdSide: 'long',
      stopLossTriggerPrice: '30000',
      stopSurplusTriggerPrice: '90000',
    }),
  };

  beforeAll(async () => {
    const funded = markets('BTCUSDT').map((market) => ({ ...market, fundingIntervalMs: 1_000 }));
    simulator = await startSimulator({ ...simulatorOptions(dir, { speed: 20 }), markets: funded });
    await call('POST', '/api/v2/mix/account/set-position-mode', { posMode: 'hedge_mode' });
    await call('POST', '/api/v2/mix/account/set-margin-mode');
    feed = new RawClient(simulator.port, '/v2/ws/private');
    await feed.login();
    for (const channel of ['orders', 'orders-algo', 'fill', 'positions', 'positions-history', 'account']) {
      const place = channel === 'account' ? { coin: 'default' } : { instId: 'default' };
      await feed.say({ op: 'subscribe', args: [{ instType: 'USDT-FUTURES', channel, ...place }] });
      await feed.until(({ event }) => event === 'subscribe');
    }
    const client = await connect(simulator.port);
    // A closed position, an open one, a plan order that was set off, a settlement, trades: something to tell of everything.
    await open();
    await order('close-positions', {});
    await open();
    const { bid, ask } = await client.fetchTicker('BTC/USDT:USDT');
    await Promise.all([plan((bid! - 1).toFixed(1)), plan((ask! + 1).toFixed(1))]);
    const told = (await client.close(), { planType: 'normal_plan', planStatus: 'executed' });
    const rows = async (path: string, fields: object, list: string) =>
      ((await call('GET', path, { ...fields })).data as Record<string, unknown[]>)[list]!.length;
    while ((await rows('/api/v2/mix/order/orders-plan-history', told, 'entrustedList')) === 0);
    while ((await rows('/api/v2/mix/account/bill', { businessType: 'contract_settle_fee' }, 'bills')) === 0);
    await order('close-positions', {});
    await open();
    const wanted = new Set(['orders', 'orders-algo', 'fill', 'positions', 'positions-history', 'account']);
    while (wanted.size > 0) {
      const { arg, data } = await feed.frame();
      if (arg === undefined || data === undefined || data.length === 0) continue;
      // Of orders the recorded push is one with a fill.
      if (arg.channel === 'orders' && data[0]!.tradeId === undefined) continue;
      pushed.set(arg.channel, [...data]);
      wanted.delete(arg.channel);
    }
  }, 60_000);
  afterAll(async () => {
    feed.close();
    await simulator.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test.each(ANSWERS.map((recorded) => [recorded.case, recorded] as const))('%s', async (title, recorded) => {
    if (title === 'Futures/Trading/ClosePosition') await open();
    const fields = (await requests[title]?.()) ?? {};
    const { data } = await call(recorded.httpMethod, recorded.path, fields);
    expect(differences(recorded.response.data, data, 'data')).toEqual([]);
    if (title === 'Futures/Trading/ClosePosition') await open();
  });

  const channels = PUSHES.flatMap(({ case: title, steps }) =>
    steps.filter(({ dir: kind }) => kind === 'push').map(({ msg }) => [title, msg.arg.channel, msg.data] as const),
  ).filter(([title]) =>
    ['Order', 'TriggerOrder', 'UserTrade', 'Position', 'PositionClose', 'Balance'].includes(title.slice(8)),
  );
  test.each(channels)('%s is pushed on %s', (_title, channel, recorded) => {
    expect(differences(recorded, pushed.get(channel), channel)).toEqual([]);
  });
  test('six private channels are compared', () => expect(channels).toHaveLength(6));

  test('what fails in a batch is listed with its reason', async () => {
    const cancelled = await order('cancel-plan-order', { orderIdList: [{ orderId: '1', clientOid: '' }] });
    expect(cancelled.data).toEqual({
      successList: [],
      failureList: [{ orderId: '1', clientOid: '', errorMsg: 'notExistend' }],
    });
  });

  test('the comparison sees a missing field, another kind and an empty list', () => {
    const recorded = { a: '1', list: [{ b: '2' }] };
    expect(differences(recorded, { list: [{ b: '2' }] }, 'x')).toEqual(['x.a: missing']);
    expect(differences(recorded, { a: {}, list: [{ b: '2' }] }, 'x')).toHaveLength(1);
    expect(differences(recorded, { a: '1', list: [] }, 'x')).toEqual(['x.list: empty']);
  });
});
