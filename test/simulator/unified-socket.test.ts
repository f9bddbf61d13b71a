import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SimulatorOptions } from '../../core/simulation/options.ts';
import type { RunningSimulator } from '../../simulator/server.ts';
import { BOT1, markets } from './harness.ts';
import { RawClient } from './raw-socket.ts';
import {
  CLASSIC,
  nextPush,
  resting,
  startUnified,
  taking,
  topic,
  UNIFIED,
  unifiedCalls,
  type TopicFrame,
  type UnifiedCalls,
} from './unified-harness.ts';

type Level = readonly [string, string];
interface BookRow {
  readonly a: readonly Level[];
  readonly b: readonly Level[];
  readonly seq: number;
  readonly pseq: number;
  readonly ts: string;
}

const PRIVATE_TOPICS = ['order', 'fill', 'position', 'account', 'strategy-order'];

describe('the public v3 socket', () => {
  let simulator: RunningSimulator;
  let client: RawClient;
  beforeAll(async () => {
    simulator = await startUnified();
    client = new RawClient(simulator.port, '/v3/ws/public');
  });
  afterAll(async () => {
    client.close();
    await simulator.stop();
  });
  const subscribe = (...args: object[]) => client.say({ op: 'subscribe', args });

  test('answers the text ping with the text pong', async () => {
    await client.say('ping');
    expect(await client.text()).toBe('pong');
  });

  test('refuses in the words that were captured', async () => {
    await subscribe({ instType: 'usdt-futures', topic: 'books', symbol: 'NOPEUSDT' });
    const { connId, ...refused } = JSON.parse(await client.text()) as Record<string, unknown>;
    const captured = JSON.parse(probe('v3 unknown symbol')) as Record<string, unknown>;
    delete captured.connId;
    expect(refused).toEqual(captured);
    expect(connId).toEqual(expect.any(String));
    await subscribe(topic('books7'));
    expect(await client.frame()).toMatchObject({ event: 'error', code: 30016 });
  });

  test('acknowledges a wrong product type of a real symbol and stays silent', async () => {
    await subscribe(topic('books', 'BTCUSDT', 'coin-futures'));
    expect(await client.frame()).toMatchObject({ event: 'subscribe' });
    await client.say('ping');
    expect(await client.text()).toBe('pong');
  });

  test('books is a snapshot and a chain of updates which together are the book that REST tells', async () => {
    const reader = new RawClient(simulator.port, '/v3/ws/public');
    await reader.say({ op: 'subscribe', args: [topic('books')] });
    const snapshot = await nextPush(reader, 'books');
    expect(snapshot).toMatchObject({ action: 'snapshot', data: [{ pseq: 0 }] });
    expect(snapshot.data![0]).not.toHaveProperty('checksum');
    const asks = new Map<string, string>();
    const bids = new Map<string, string>();
    const apply = ({ a, b }: BookRow) => {
      applyLevels(asks, a);
      applyLevels(bids, b);
    };
    apply(rowOf(snapshot));
    let { seq } = rowOf(snapshot);
    for (let count = 0; count < 20; count++) {
      const update = await nextPush(reader, 'books');
      expect([update.action, rowOf(update).pseq]).toEqual(['update', seq]);
      apply(rowOf(update));
      ({ seq } = rowOf(update));
    }
    // A later subscriber's snapshot has the sequence of the last update, and is the book those updates led to.
    const later = new RawClient(simulator.port, '/v3/ws/public');
    await later.say({ op: 'subscribe', args: [topic('books')] });
    const whole = rowOf(await nextPush(later, 'books'));
    while (seq < whole.seq) {
      const update = rowOf(await nextPush(reader, 'books'));
      apply(update);
      ({ seq } = update);
    }
    expect(seq).toBe(whole.seq);
    expect(new Map(whole.a)).toEqual(asks);
    expect(new Map(whole.b)).toEqual(bids);
    reader.close();
    later.close();
  });

  test.each([
    ['books', 'update'],
    ['books1', 'snapshot'],
    ['publicTrade', 'update'],
    ['ticker', 'snapshot'],
  ])('a push of %s has the fields that were captured', async (name, action) => {
    const reader = new RawClient(simulator.port, '/v3/ws/public');
    await reader.say({ op: 'subscribe', args: [topic(name)] });
    let push = await nextPush(reader, name);
    while (push.action !== action) push = await nextPush(reader, name);
    const [captured] = captures(name, action);
    expect(Object.keys(push).sort()).toEqual(Object.keys(captured!).sort());
    expect(push.arg).toEqual(captured!.arg);
    // The checksum was gone when the newer probe looked, and its `maxdepth` was new.
    const known = (row: object) => Object.keys(row).filter((key) => !['checksum', 'maxdepth'].includes(key));
    expect(known(push.data![0]!).sort()).toEqual(known(captured!.data![0]!).sort());
    reader.close();
  });

  test.each([
    [20, 'subscribe'],
    [25, 'dropped'],
  ])('a frame of %i books arguments: %s', async (count, outcome) => {
    const visitor = new RawClient(simulator.port, '/v3/ws/public');
    const args = Array.from({ length: count }, () => topic('books'));
    await visitor.say({ op: 'subscribe', args });
    if (outcome === 'dropped') expect(await visitor.closed()).toBe(1006);
    else expect(await visitor.frame()).toMatchObject({ event: outcome });
    visitor.close();
  });
});

describe('the private v3 socket', () => {
  let simulator: RunningSimulator;
  let calls: UnifiedCalls;
  let client: RawClient;
  beforeAll(async () => {
    simulator = await startUnified();
    calls = unifiedCalls(simulator.port);
    client = new RawClient(simulator.port, '/v3/ws/private');
  });
  afterAll(async () => {
    client.close();
    await simulator.stop();
  });

  test('needs a login, and of an account of its kind', async () => {
    await client.say({ op: 'subscribe', args: [{ instType: 'UTA', topic: 'order' }] });
    expect(await client.frame()).toMatchObject({ event: 'error', code: 30004 });
    const stranger = new RawClient(simulator.port, '/v3/ws/private');
    expect(await stranger.login(CLASSIC)).toMatchObject({ event: 'error', code: 40084 });
    const elder = new RawClient(simulator.port, '/v2/ws/private');
    expect(await elder.login(BOT1)).toMatchObject({ event: 'error', code: 40085 });
    stranger.close();
    elder.close();
    expect(await client.login(BOT1)).toMatchObject({ event: 'login', code: 0 });
  });

  test('tells positions and balance at once', async () => {
    await client.say({ op: 'subscribe', args: PRIVATE_TOPICS.map((name) => ({ instType: 'UTA', topic: name })) });
    expect(await nextPush(client, 'position')).toMatchObject({ action: 'snapshot', data: [] });
    expect(await nextPush(client, 'account')).toMatchObject({ data: [{ totalEquity: '10000' }] });
  });

  test('tells an order from its placing to its end, its fills, and the position it makes', async () => {
    await calls.post('trade/place-order', resting('calm'));
    expect(await nextPush(client, 'order')).toMatchObject({ data: [{ clientOid: 'calm', orderStatus: 'live' }] });
    await calls.post('trade/cancel-order', { clientOid: 'calm' });
    expect(await nextPush(client, 'order')).toMatchObject({ data: [{ orderStatus: 'cancelled' }] });
    await calls.post('trade/place-order', taking('buy', '0.002', { clientOid: 'keen' }));
    expect(await nextPush(client, 'order')).toMatchObject({ data: [{ clientOid: 'keen', orderStatus: 'live' }] });
    expect(await nextPush(client, 'fill')).toMatchObject({
      data: [{ clientOid: 'keen', category: 'USDT-FUTURES', holdSide: 'long', tradeScope: 'taker' }],
    });
    expect(await nextPush(client, 'position')).toMatchObject({
      data: [{ symbol: 'BTCUSDT', posSide: 'long', size: '0.002', positionStatus: 'opening' }],
    });
  });

  test('tells a strategy from its placing until the position that it protects is gone', async () => {
    const stop = { category: 'USDT-FUTURES', symbol: 'BTCUSDT', posSide: 'long', stopLoss: '20000', clientOid: 'stop' };
    await calls.post('trade/place-strategy-order', stop);
    expect(await nextPush(client, 'strategy-order')).toMatchObject({
      data: [{ clientOid: 'stop', status: 'pending', type: 'tpsl', triggerType: 'stopLoss', qty: '0.002' }],
    });
    await calls.post('trade/close-positions', { category: 'USDT-FUTURES' });
    expect(await nextPush(client, 'strategy-order')).toMatchObject({
      data: [{ clientOid: 'stop', status: 'cancelled' }],
    });
    expect(await nextPush(client, 'position')).toMatchObject({
      data: [{ posSide: 'long', size: '0', positionStatus: 'ended' }],
    });
  });
});

test('a strategy is set off by the price and closes the position', async () => {
  const simulator = await startUnified({ speed: 60 });
  const calls = unifiedCalls(simulator.port);
  const client = new RawClient(simulator.port, '/v3/ws/private');
  await client.login(BOT1);
  await client.say({
    op: 'subscribe',
    args: ['strategy-order', 'position'].map((name) => ({ instType: 'UTA', topic: name })),
  });
  await nextPush(client, 'position');
  await calls.post('trade/place-order', taking('buy', '0.002'));
  const { data } = await calls.get('market/tickers?category=USDT-FUTURES&symbol=BTCUSDT');
  const [{ markPrice }] = data as [{ markPrice: string }];
  // Both sides a little away: whichever way the market goes, one is reached.
  const near = (offset: number) => (Math.round(Number(markPrice)) + offset).toFixed(1);
  const placed = await calls.post('trade/place-strategy-order', {
    category: 'USDT-FUTURES',
    symbol: 'BTCUSDT',
    posSide: 'long',
    stopLoss: near(-30),
    takeProfit: near(30),
    slTriggerBy: 'mark',
    tpTriggerBy: 'mark',
  });
  expect(placed.code).toBe('00000');
  const statuses: unknown[] = [];
  while (!statuses.includes('triggered')) statuses.push((await nextPush(client, 'strategy-order')).data![0]!.status);
  let push = await nextPush(client, 'position');
  while (push.data![0]?.positionStatus !== 'ended') push = await nextPush(client, 'position');
  expect((await calls.get('position/current-position?category=USDT-FUTURES')).data).toEqual({ list: [] });
  client.close();
  await simulator.stop();
});

test('everybody is told of a position that was closed by force', async () => {
  // Funding beyond all measure takes the margin away within a second.
  const settled = markets('BTCUSDT').map((market) => ({ ...market, fundingRate: '0.9', fundingIntervalMs: 1_000 }));
  const accounts = [{ ...UNIFIED, balance: '100' }, CLASSIC];
  const options = { markets: settled, accounts } as unknown as Partial<SimulatorOptions>;
  const simulator = await startUnified(options);
  const calls = unifiedCalls(simulator.port);
  const client = new RawClient(simulator.port, '/v3/ws/public');
  await client.say({ op: 'subscribe', args: [{ instType: 'usdt-futures', topic: 'liquidation' }] });
  expect(await client.frame()).toMatchObject({ event: 'subscribe' });
  expect((await calls.post('trade/place-order', taking('buy', '0.005'))).code).toBe('00000');
  const push = await nextPush(client, 'liquidation');
  const [captured] = captures('liquidation', 'update');
  expect(Object.keys(push.data![0]!).sort()).toEqual(Object.keys(captured!.data![0]!).sort());
  expect(push).toMatchObject({ action: 'update', arg: captured!.arg, data: [{ symbol: 'BTCUSDT', side: 'buy' }] });
  const { data } = await calls.get('trade/history-orders?category=USDT-FUTURES');
  expect((data as { list: unknown[] }).list[0]).toMatchObject({ execType: 'liquidation', orderStatus: 'filled' });
  client.close();
  await simulator.stop();
});

function applyLevels(levels: Map<string, string>, changed: readonly Level[]): void {
  for (const [price, size] of changed) {
    if (Number(size) === 0) levels.delete(price);
    else levels.set(price, size);
  }
}

function rowOf({ data }: TopicFrame): BookRow {
  return data![0] as unknown as BookRow;
}

const FIXTURES = join(process.cwd(), 'test/gateway/fixtures/bitget-ws');

function captures(name: string, action: string): TopicFrame[] {
  const lines = readFileSync(join(FIXTURES, 'ws-v3-futures-captures-tardis.ndjson'), 'utf8').trim().split('\n');
  const frames = lines.map((line) => JSON.parse(line) as TopicFrame);
  return frames.filter((frame) => frame.arg?.topic === name && frame.action === action);
}

function probe(wanted: string): string {
  const lines = readFileSync(join(FIXTURES, 'ws-v2-v3-frames-probe-20260915.ndjson'), 'utf8').trim().split('\n');
  const found = lines
    .map((line) => JSON.parse(line) as { case: string; raw: string })
    .find((line) => line.case === wanted);
  return found!.raw;
}
