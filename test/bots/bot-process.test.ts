/** One real bot process on a real simulator: twins, the dead-man rule, adoption, and leaving. */
import { afterEach, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LiveBot } from '../../activities/bot-host.ts';
import { isAlive } from '../../stack/process.ts';
import { startBotWorld, type BotWorld } from '../support/bot-world.ts';
import { EAGER_QUOTES } from '../support/bots.ts';
import { until } from '../support/desk.ts';

let world: BotWorld;
afterEach(async () => world.stop(), 30_000);

/** A new process waits for a supervisor's word before it quotes. */
const quoting = ({ control }: LiveBot): Promise<unknown> =>
  until('two open orders', async () => {
    await control.ping();
    return (await world.account()).openOrders === 2;
  });

test("without pings it clears the book and pauses; a ping brings it back, an operator's pause stays", async () => {
  world = await startBotWorld({ deadmanS: 3 });
  const { live } = await world.host.startOrAdopt('bot1');
  await until('it knows the venue', async () => (await live.control.status()).reason === 'paused_without_supervisor');
  await live.control.ping();
  await quoting(live);
  for (let i = 0; i < 5; i += 1) {
    await live.control.ping();
    await sleep(1_000);
  }
  expect((await live.control.ping()).phase).toBe('running');
  const silentFrom = performance.now();
  await until(
    'the book cleared',
    async () => (await world.account()).openOrders === 0 && (await live.control.status()).phase === 'paused',
  );
  expect(performance.now() - silentFrom).toBeGreaterThan(2_500);
  expect((await live.control.status()).reason).toBe('paused_without_supervisor');
  await live.control.ping();
  await quoting(live);
  await live.control.command({ command: 'pause', operator: 'ada', reason: 'test' });
  await until('the book cleared', async () => (await world.account()).openOrders === 0);
  await sleep(4_500);
  await live.control.ping();
  expect((await live.control.status()).reason).toBe('paused_by_operator');
}, 60_000);

test('is adopted by another worker instead of doubled, also while it is still starting', async () => {
  world = await startBotWorld();
  const [one, two] = await Promise.all([world.host.startOrAdopt('bot1'), world.anotherHost().startOrAdopt('bot1')]);
  expect(one.live.run.pid).toBe(two.live.run.pid);
  expect(one.live.run.instance).toBe(two.live.run.instance);
  const third = await world.anotherHost().startOrAdopt('bot1');
  expect(third.adopted).toBe(true);
  expect(third.live.run.pid).toBe(one.live.run.pid);
  world.supervise(third.live);
  await quoting(third.live);
}, 60_000);

test('leaves in order: orders off the book, nothing behind', async () => {
  world = await startBotWorld();
  const { live } = await world.host.startOrAdopt('bot1');
  world.supervise(live);
  await quoting(live);
  const exit = await world.host.stop('bot1', 'test');
  expect(exit).toMatchObject({ cause: 'exited', code: 0, signal: null });
  expect(isAlive(live.mark)).toBe(false);
  expect((await world.account()).openOrders).toBe(0);
  expect(await world.host.find('bot1')).toBeNull();
}, 60_000);

test('killed again and again it finds its orders and position, and no order is sent twice', async () => {
  world = await startBotWorld({ strategy: EAGER_QUOTES });
  for (let round = 0; round < 5; round += 1) {
    const { live, adopted } = await world.host.startOrAdopt('bot1');
    expect(adopted).toBe(false);
    world.supervise(live);
    await until('it runs', async () => (await live.control.ping()).phase === 'running');
    // Another moment each time: with orders on their way, resting, and being cancelled.
    await sleep(900 + round * 337);
    await world.host.kill('bot1');
  }
  const { live } = await world.host.startOrAdopt('bot1');
  world.supervise(live);
  await until('bot and venue hold the same', async () => {
    const status = await live.control.ping();
    const venue = await world.account();
    const held = Number(venue.positions[0]?.qty ?? 0);
    return status.phase === 'running' && Number(status.position) === held && status.fills === venue.fills;
  });
  expect((await world.account()).openOrders).toBeLessThanOrEqual(2);
}, 90_000);
