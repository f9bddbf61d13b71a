import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { startSimulator, type RunningSimulator } from '../../simulator/server.ts';
import { simulatorOptions, tempDir } from './harness.ts';
import { RawClient } from './raw-socket.ts';

function books(instId: string, channel = 'books', instType = 'USDT-FUTURES') {
  return { op: 'subscribe', args: [{ instType, channel, instId }] };
}

describe('the raw socket', () => {
  const dir = tempDir();
  let simulator: RunningSimulator;
  let client: RawClient;
  beforeAll(async () => {
    simulator = await startSimulator(simulatorOptions(dir, { bookChecksum: false }));
    client = new RawClient(simulator.port, '/v2/ws/public');
  });
  afterAll(async () => {
    client.close();
    await simulator.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test('answers the text ping with the text pong', async () => {
    await client.say('ping');
    expect(await client.text()).toBe('pong');
  });

  test.each([
    ['an unknown symbol', books('NOPEUSDT'), 30001],
    ['an unknown channel', books('BTCUSDT', 'books7'), 30016],
    ['an unknown operation', { op: 'dance', args: [] }, 30003],
    ['something that is no JSON', 'hello', 30003],
  ])('refuses %s', async (_name, message, code) => {
    await client.say(message);
    expect(await client.frame()).toMatchObject({ event: 'error', code });
  });

  test('acknowledges a wrong product type of a real symbol and stays silent', async () => {
    await client.say(books('BTCUSDT', 'books', 'COIN-FUTURES'));
    expect(await client.frame()).toMatchObject({ event: 'subscribe' });
    await client.say('ping');
    expect(await client.text()).toBe('pong');
  });

  test('books is a snapshot and a chain of updates by seq and pseq, without a checksum when that is off', async () => {
    await client.say(books('BTCUSDT'));
    expect(await client.frame()).toMatchObject({ event: 'subscribe' });
    const snapshot = await client.frame();
    expect(snapshot).toMatchObject({ action: 'snapshot', data: [{ pseq: 0 }] });
    let previous = snapshot.data![0]!.seq;
    for (let count = 0; count < 5; count++) {
      const { action, data } = await client.frame();
      expect([action, data![0]!.pseq]).toEqual(['update', previous]);
      expect(data![0]).not.toHaveProperty('checksum');
      previous = data![0]!.seq;
    }
  });

  test('a private channel needs a login first', async () => {
    const visitor = new RawClient(simulator.port, '/v2/ws/private');
    await visitor.say({ op: 'subscribe', args: [{ instType: 'USDT-FUTURES', channel: 'orders', instId: 'default' }] });
    expect(await visitor.frame()).toMatchObject({ event: 'error', code: 30004 });
    visitor.close();
  });
});

test('a client that says nothing for two minutes is dropped although data flows, one that pings is not', async () => {
  const dir = tempDir();
  let aheadMs = 0;
  const simulator = await startSimulator(simulatorOptions(dir), { nowMs: () => Date.now() + aheadMs });
  const [silent, talking] = [
    new RawClient(simulator.port, '/v2/ws/public'),
    new RawClient(simulator.port, '/v2/ws/public'),
  ];
  await silent.say(books('BTCUSDT'));
  await silent.frame();
  await talking.say('ping');
  await talking.text();
  aheadMs = 119_000;
  await talking.say('ping');
  await talking.text();
  aheadMs = 125_000;
  expect(await silent.closed()).toBe(1006);
  await talking.say('ping');
  expect(await talking.text()).toBe('pong');
  talking.close();
  await simulator.stop();
  rmSync(dir, { recursive: true, force: true });
});
