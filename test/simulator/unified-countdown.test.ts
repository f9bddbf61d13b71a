import { expect, test } from '@jest/globals';
import { callRaw, codeOf } from './raw-rest.ts';
import { RawClient } from './raw-socket.ts';
import { CLASSIC, nextPush, resting, startUnified, topic, unifiedCalls, UNIFIED } from './unified-harness.ts';
import type { SimulatorOptions } from '../../core/simulation/options.ts';

test('an account that stops arming its countdown loses its open orders, and only then', async () => {
  let aheadMs = 0;
  const simulator = await startUnified({ limits: 'published' }, { nowMs: () => Date.now() + aheadMs });
  const post = async (path: string, body: object) =>
    codeOf(await callRaw(simulator.port, 'POST', `/api/v3/trade/${path}`, { body, aheadMs })).code;
  const openCount = async () => {
    const answer = await callRaw(simulator.port, 'GET', '/api/v3/trade/unfilled-orders', { aheadMs });
    return (codeOf(answer).data as { list: unknown[] }).list.length;
  };
  const clock = new RawClient(simulator.port, '/v3/ws/public');
  await clock.say({ op: 'subscribe', args: [topic('ticker')] });
  /** Until the exchange has made two steps of its clock in the new time: countdowns are looked at in each. */
  const passes = async (ms: number) => {
    aheadMs += ms;
    const fromMs = Date.now() + aheadMs;
    let steps = 0;
    while (steps < 2) if ((await nextPush(clock, 'ticker')).ts! >= fromMs) steps++;
  };
  expect(await post('place-order', resting('kept'))).toBe('00000');
  expect(await post('countdown-cancel-all', { countdown: '4' })).toBe('25200');
  await passes(1_000);
  expect(await post('countdown-cancel-all', { countdown: '61' })).toBe('25200');
  await passes(1_000);
  expect(await post('countdown-cancel-all', { countdown: '10' })).toBe('00000');
  expect(await post('countdown-cancel-all', { countdown: '10' })).toBe('429');
  await passes(8_000);
  expect(await post('countdown-cancel-all', { countdown: '10' })).toBe('00000');
  await passes(8_000);
  expect(await openCount()).toBe(1);
  await passes(3_000);
  expect(await openCount()).toBe(0);

  // It goes off once: what is placed afterwards stays.
  expect(await post('place-order', resting('later'))).toBe('00000');
  await passes(60_000);
  expect(await openCount()).toBe(1);
  expect(await post('countdown-cancel-all', { countdown: '5' })).toBe('00000');
  await passes(2_000);
  expect(await post('countdown-cancel-all', { countdown: '0' })).toBe('00000');
  await passes(10_000);
  expect(await openCount()).toBe(1);
  clock.close();
  await simulator.stop();
});

test('without access the countdown is refused', async () => {
  const accounts = [{ ...UNIFIED, countdownAccess: false }, CLASSIC] as unknown as SimulatorOptions['accounts'];
  const simulator = await startUnified({ accounts });
  const answer = await unifiedCalls(simulator.port).post('trade/countdown-cancel-all', { countdown: '10' });
  expect(answer.code).toBe('25620');
  await simulator.stop();
});
