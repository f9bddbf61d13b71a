import { afterEach, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { REST_LIMITS } from '../../simulator/rest/limits.ts';
import { startSimulator, type RunningSimulator } from '../../simulator/server.ts';
import { STREAM_LIMITS } from '../../simulator/stream/limits.ts';
import { connectAdmin } from './admin.ts';
import { BOT1, BOT4, simulatorOptions, tempDir } from './harness.ts';
import { callRaw, codeOf, PLACE, restingOrder, TIME } from './raw-rest.ts';
import { RawClient, subscription } from './raw-socket.ts';

describe('the published limits', () => {
  let dir: string;
  let simulator: RunningSimulator;
  /** The host's clock as the simulator sees it; time stands still unless a test moves it. */
  let clockMs: number;

  async function start() {
    dir = tempDir();
    clockMs = Date.now();
    const options = simulatorOptions(dir, { adminPort: 0, limits: 'published' });
    simulator = await startSimulator(options, { nowMs: () => clockMs });
    return connectAdmin(simulator.adminPort);
  }
  afterEach(async () => {
    await simulator.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const statusOf = async (call: Promise<{ status: number }>) => (await call).status;
  const many = <T>(count: number, make: (index: number) => Promise<T>) =>
    Promise.all(Array.from({ length: count }, (_unused, index) => make(index)));
  const count = (statuses: readonly number[], status: number) => statuses.filter((one) => one === status).length;

  test('ten orders a second for each account, and cancels have a window of their own', async () => {
    const admin = await start();
    const place = (clientOid: string, account = BOT1) =>
      callRaw(simulator.port, 'POST', PLACE, { body: restingOrder(clientOid), account });
    const statuses = await many(25, (index) => statusOf(place(`first-${index}`)));
    expect([count(statuses, 200), count(statuses, 429)]).toEqual([10, 15]);
    const refused = codeOf(await place('refused'));
    expect(refused).toMatchObject({ code: '429', msg: 'Too Many Requests' });
    expect(await statusOf(place('other-account', BOT4))).toBe(200);
    const cancel = { symbol: 'BTCUSDT', productType: 'USDT-FUTURES', clientOid: 'first-0' };
    const cancelled = await callRaw(simulator.port, 'POST', '/api/v2/mix/order/cancel-order', { body: cancel });
    expect(cancelled.status).toBe(200);
    clockMs += 999;
    expect(await statusOf(place('too-early'))).toBe(429);
    clockMs += 1;
    expect(await statusOf(place('in-time'))).toBe(200);
    const { bot1 } = (await admin.truth()).accounts;
    expect(bot1).toMatchObject({
      accepted: 11,
      requests: {
        perSecondMax: { place: 27, cancel: 1 },
        routes: { [`POST ${PLACE}`]: { calls: 28, perSecondMax: 27, codes: { '00000': 11, '429': 17 } } },
      },
    });
  });

  test('an endpoint with a lower limit of its own', async () => {
    await start();
    const sweep = () =>
      statusOf(
        callRaw(simulator.port, 'POST', '/api/v2/mix/order/cancel-all-orders', {
          body: { productType: 'USDT-FUTURES' },
        }),
      );
    expect([await sweep(), await sweep()]).toEqual([400, 429]);
    clockMs += 1_000;
    expect(await sweep()).toBe(400);
  });

  test('twenty public calls a second and 6,000 calls a minute for each address', async () => {
    await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 20 });
    const get = () =>
      new Promise<number>((resolve, reject) => {
        request({ host: '127.0.0.1', port: simulator.port, path: TIME, agent }, (response) => {
          response.resume().on('end', () => resolve(response.statusCode ?? 0));
        })
          .on('error', reject)
          .end();
      });
    const first = await many(21, get);
    expect([count(first, 200), count(first, 429)]).toEqual([20, 1]);
    for (let left = REST_LIMITS.addressPerMinute - 21; left > 0; left -= 20) {
      clockMs += 1_000 / 6;
      await many(Math.min(20, left), get);
    }
    clockMs += 5_000;
    expect(await get()).toBe(429);
    clockMs += 60_000;
    expect(await get()).toBe(200);
    agent.destroy();
  });

  test('more than ten messages a second are refused with 30006, twice as many end the connection with 30007', async () => {
    await start();
    const client = new RawClient(simulator.port, '/v2/ws/public');
    for (let message = 0; message < STREAM_LIMITS.messagesPerSecond; message++) {
      await client.say('ping');
      expect(await client.text()).toBe('pong');
    }
    await client.say('ping');
    expect(await client.frame()).toMatchObject({ event: 'error', code: 30006 });
    clockMs += 1_000;
    await client.say('ping');
    expect(await client.text()).toBe('pong');
    for (let message = 0; message < 2 * STREAM_LIMITS.messagesPerSecond; message++) await client.say('ping');
    await client.closed();
    expect(client.takeAll().map((text) => /3000\d/.exec(text)?.[0] ?? text)).toEqual([
      ...Array<string>(9).fill('pong'),
      ...Array<string>(10).fill('30006'),
      '30007',
    ]);
  });

  test('240 subscriptions an hour and connection are refused beyond, whatever their pace', async () => {
    await start();
    const client = new RawClient(simulator.port, '/v2/ws/public');
    // A wrong product type of a real symbol is acknowledged and stays silent: as many channels as one likes.
    const subscribe = async (index: number) => {
      clockMs += 200;
      await client.say(subscription('ticker', 'BTCUSDT', `TYPE-${index}`));
      return (await client.frame()).event;
    };
    for (let index = 0; index < STREAM_LIMITS.subscriptionsPerHour; index++)
      expect(await subscribe(index)).toBe('subscribe');
    clockMs += 200;
    await client.say(subscription('ticker', 'BTCUSDT', 'TYPE-more'));
    expect(await client.frame()).toMatchObject({ event: 'error', code: 30006, op: 'subscribe' });
    const again = new RawClient(simulator.port, '/v2/ws/public');
    await again.say(subscription('ticker', 'BTCUSDT', 'TYPE-again'));
    expect(await again.frame()).toMatchObject({ event: 'subscribe' });
    client.close();
    again.close();
  });

  test('a thousand channels, reached over hours, are the end of a connection', async () => {
    await start();
    const client = new RawClient(simulator.port, '/v2/ws/public');
    const batch = (from: number, length: number) => ({
      op: 'subscribe',
      args: Array.from({ length }, (_unused, index) => ({
        instType: `T${from + index}`,
        channel: 'ticker',
        instId: 'BTCUSDT',
      })),
    });
    for (let from = 0; from < STREAM_LIMITS.channels; from += 40) {
      if (from % 240 === 0) clockMs += 3_600_000;
      clockMs += 1_000;
      await client.say(batch(from, 40));
      for (let index = 0; index < 40; index++) expect((await client.frame()).event).toBe('subscribe');
    }
    await client.say(batch(STREAM_LIMITS.channels, 1));
    expect(await client.frame()).toMatchObject({ code: 30007 });
    await client.closed();
  });

  test('a frame above 4,096 bytes ends the connection', async () => {
    await start();
    const client = new RawClient(simulator.port, '/v2/ws/public');
    await client.say({ ...subscription('ticker'), padding: 'x'.repeat(STREAM_LIMITS.frameBytes) });
    expect(await client.frame()).toMatchObject({ code: 30007 });
    await client.closed();
  });

  test('300 connects in five minutes and 100 connections at once for each address', async () => {
    await start();
    /** Whether the venue took the connection. */
    const connect = async () => {
      const client = new RawClient(simulator.port, '/v2/ws/public');
      return (await client.opened()) ? client : null;
    };
    const open = await many(STREAM_LIMITS.connectionsPerAddress, connect);
    expect(open.every((client) => client !== null)).toBe(true);
    expect(await connect()).toBeNull();
    for (const client of open) client!.close();
    await Promise.all(open.map((client) => client!.closed()));
    let taken: number = STREAM_LIMITS.connectionsPerAddress;
    for (let client = await connect(); client !== null; client = await connect()) {
      taken += 1;
      client.close();
      await client.closed();
    }
    expect(taken).toBe(STREAM_LIMITS.connectsPerFiveMinutes);
    clockMs += 300_000;
    const later = await connect();
    expect(later).not.toBeNull();
    later!.close();
  });
});
