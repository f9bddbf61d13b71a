import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { RunningSimulator } from '../../simulator/server.ts';
import { connectAdmin, type Admin } from './admin.ts';
import { BOT1 } from './harness.ts';
import { callRaw, codeOf } from './raw-rest.ts';
import { RawClient } from './raw-socket.ts';
import { nextPush, resting, startUnified, topic, unifiedCalls } from './unified-harness.ts';

/** The same plan for another dialect: its topics are channels, its paths are paths. */
describe('a fault strikes a unified account', () => {
  let simulator: RunningSimulator;
  let admin: Admin;
  beforeAll(async () => {
    simulator = await startUnified({ adminPort: 0 });
    admin = connectAdmin(simulator.adminPort);
  });
  afterEach(() => admin.clear());
  afterAll(() => simulator.stop());

  const PLACE = '/api/v3/trade/place-order';

  test('a reply is lost, the order is there, and the same client id is refused as a duplicate', async () => {
    await admin.faults({ kind: 'drop_reply', where: { call: 'place', account: 'bot1' }, when: { next: 1 } });
    const place = () => callRaw(simulator.port, 'POST', PLACE, { body: resting('lost') });
    await expect(place()).rejects.toThrow();
    expect(await admin.ordersOf('lost')).toMatchObject([{ account: 'bot1', status: 'live' }]);
    expect(codeOf(await place()).code).not.toBe('00000');
    const { bot1 } = (await admin.truth()).accounts;
    expect(bot1).toMatchObject({
      accepted: 1,
      duplicatesRefused: 1,
      requests: { routes: { [`POST ${PLACE}`]: { calls: 2 } } },
    });
  });

  test('its book has a gap, and stands still', async () => {
    const client = new RawClient(simulator.port, '/v3/ws/public');
    await client.say({ op: 'subscribe', args: [topic('books', 'BTCUSDT'), topic('ticker', 'BTCUSDT')] });
    const seqOf = async () =>
      ((await nextPush(client, 'books')).data as unknown as { seq: number; pseq: number }[])[0]!;
    let last = (await seqOf()).seq;
    await admin.faults({ kind: 'gap', frames: 2, where: { channel: 'books', symbol: 'BTCUSDT' }, when: { next: 1 } });
    let next = await seqOf();
    while (next.pseq === last) {
      last = next.seq;
      next = await seqOf();
    }
    expect(next.pseq).toBe(last + 2);
    await admin.faults({ kind: 'stale_book' });
    client.takeAll();
    for (let count = 0; count < 5; count++) await nextPush(client, 'ticker');
    expect(client.takeAll().filter((text) => text.includes('"topic":"books"'))).toEqual([]);
    expect((await admin.report())[0]!.struck).toBeGreaterThan(0);
    await admin.clear();
    expect((await seqOf()).pseq).toBeGreaterThanOrEqual(next.seq);
    client.close();
  });

  test('another position than the true one is told', async () => {
    await admin.faults({ kind: 'wrong_position', where: { account: 'bot1', symbol: 'BTCUSDT' }, qty: '1.5' });
    const positions = await unifiedCalls(simulator.port, BOT1).get('position/current-position?category=USDT-FUTURES');
    expect(positions.data).toMatchObject({ list: [{ symbol: 'BTCUSDT', posSide: 'long' }] });
    expect((await admin.truth()).accounts.bot1!.positions).toEqual([]);
  });
});
