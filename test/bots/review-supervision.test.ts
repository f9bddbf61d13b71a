/** What a supervisor must not do to a healthy bot, and what a bot that cannot go on must do to its book. */
import { afterEach, expect, test } from '@jest/globals';
import { closeSync, fstatSync, openSync, readdirSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { LiveBot } from '../../activities/bot-host.ts';
import { createBotActivities, type BotActivities } from '../../activities/bots.ts';
import { acceptLoss } from '../../cli/accept-loss.ts';
import { botJournalDir, botSnapshotFile } from '../../config/home.ts';
import { readJournal } from '../../journal/reader.ts';
import { snapshotSequence } from '../../journal/recover-machine.ts';
import { isAlive } from '../../stack/process.ts';
import { startBotWorld, type BotWorld } from '../support/bot-world.ts';
import { until } from '../support/desk.ts';

let world: BotWorld;
afterEach(async () => world.stop(), 30_000);

const by = { operator: 'ada', reason: 'test' };
const wanted = { bot: 'bot1', paused: false, hardStopped: false, approval: null, ...by };

function activities(): BotActivities {
  return createBotActivities({ host: world.host, isTemporalHealthy: () => true });
}

function supervise(): { end: Promise<unknown>; cancel: () => void } {
  const environment = new MockActivityEnvironment();
  const end = environment
    .run((input: { bot: string }) => activities().superviseBot(input), { bot: 'bot1' })
    .catch((error: unknown) => error);
  return { end, cancel: () => environment.cancel() };
}

const quoting = (live: LiveBot): Promise<unknown> =>
  until('two open orders', async () => {
    await live.control.ping();
    return (await world.account()).openOrders === 2;
  });

test('one supervisor that lets go, or a connection that broke, takes nothing from the next', async () => {
  world = await startBotWorld({ deadmanS: 3 });
  const { live } = await world.host.startOrAdopt('bot1');
  const first = supervise();
  await sleep(500);
  const second = supervise();
  first.cancel();
  expect(await first.end).toBeInstanceOf(CancelledFailure);
  (await world.host.find('bot1'))?.release();
  // Longer than the dead-man time and than silence is borne.
  await sleep(17_000);
  const status = await world.anotherHost().find('bot1');
  expect(isAlive(live.mark)).toBe(true);
  expect((await status?.control.status())?.phase).toBe('running');
  second.cancel();
  await second.end;
}, 60_000);

test('a pause outlives every supervisor, and is lifted only by its own word', async () => {
  world = await startBotWorld();
  const { live } = await world.host.startOrAdopt('bot1');
  const bot = activities();
  await bot.alignBot(wanted);
  await quoting(live);
  await bot.alignBot({ ...wanted, paused: true });
  for (let i = 0; i < 2; i += 1) {
    const supervisor = supervise();
    await sleep(1_200);
    supervisor.cancel();
    await supervisor.end;
  }
  const paused = await world.host.find('bot1');
  expect((await paused?.control.status())?.pausedByOperator).toBe(true);
  await bot.alignBot(wanted);
  expect((await paused?.control.status())?.pausedByOperator).toBe(false);
}, 60_000);

test('a hard stop that was answered holds after SIGKILL, and is lifted by an approval alone', async () => {
  world = await startBotWorld();
  const { live } = await world.host.startOrAdopt('bot1');
  await quoting(live);
  const bot = activities();
  await bot.alignBot({ ...wanted, hardStopped: true });
  await world.host.kill('bot1');
  await world.host.startOrAdopt('bot1');
  expect((await bot.alignBot(wanted)).detail).toContain('hard_stopped');
  const again = await world.host.find('bot1');
  if (again === null) throw new Error('expected the bot to live');
  await until('an empty book', async () => {
    await again.control.ping();
    return (await world.account()).openOrders === 0;
  });
  expect((await again.control.ping()).phase).toBe('hard_stopped');
  await bot.alignBot({ ...wanted, approval: by });
  await quoting(again);
}, 60_000);

test('with a damaged journal the book is cleared before the process ends with 3', async () => {
  world = await startBotWorld();
  const { live } = await world.host.startOrAdopt('bot1');
  await quoting(live);
  await world.host.kill('bot1');
  expect((await world.account()).openOrders).toBe(2);
  const dir = botJournalDir(world.home, 'bot1');
  const segment = readdirSync(dir)
    .filter((name) => !name.startsWith('lock') && !name.includes('spare'))
    .sort()[0];
  const file = openSync(join(dir, segment ?? ''), 'r+');
  expect(fstatSync(file).size).toBeGreaterThan(1_000);
  writeSync(file, Buffer.alloc(64, 7), 0, 64, 600);
  closeSync(file);
  await expect(world.host.startOrAdopt('bot1')).rejects.toMatchObject({ exitCode: 3 });
  expect((await world.account()).openOrders).toBe(0);
}, 60_000);

test('a journal that ends before what its bot remembers is quarantined; once accepted, no number is used again', async () => {
  world = await startBotWorld();
  const { live } = await world.host.startOrAdopt('bot1');
  await quoting(live);
  // It remembers a snapshot when it leaves in order.
  await world.host.stop('bot1', 'test');
  const remembered = snapshotSequence(botSnapshotFile(world.home, 'bot1'));
  expect(remembered).toBeGreaterThan(10);
  const dir = botJournalDir(world.home, 'bot1');
  const records = [];
  for await (const record of readJournal(dir)) records.push(record);
  const { sequence, position } = records[Math.floor(records.length / 2)]!;
  expect(sequence).toBeLessThan(remembered);
  truncateSync(join(dir, position.segment), position.offset);
  await expect(world.host.startOrAdopt('bot1')).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringContaining(`remembers its snapshot of record ${remembered}`),
  });
  await expect(world.host.startOrAdopt('bot1')).rejects.toMatchObject({ exitCode: 3 });
  await acceptLoss(world.home, 'bot1', by);
  const again = await world.host.startOrAdopt('bot1');
  await quoting(again.live);
  await world.host.stop('bot1', 'test');
  const after = [];
  for await (const record of readJournal(dir, { onLoss() {} })) after.push(record.sequence);
  expect(after.filter((each) => each >= sequence).every((each) => each > remembered)).toBe(true);
  expect(after.length).toBeGreaterThan(records.length / 2);
}, 60_000);

test('one that hangs and answers nobody is ended by a stop all the same', async () => {
  world = await startBotWorld();
  const { live } = await world.host.startOrAdopt('bot1');
  process.kill(live.mark.pid, 'SIGSTOP');
  expect(await world.host.stop('bot1', 'test')).toMatchObject({ cause: 'hung' });
  expect(isAlive(live.mark)).toBe(false);
}, 60_000);

test('one that hangs under another worker is ended by a stop, and its book is cleared', async () => {
  world = await startBotWorld();
  const { live } = await world.host.startOrAdopt('bot1');
  await quoting(live);
  process.kill(live.mark.pid, 'SIGSTOP');
  expect((await world.account()).openOrders).toBe(2);
  expect(await world.anotherHost().stop('bot1', 'test')).toMatchObject({ cause: 'hung' });
  expect(isAlive(live.mark)).toBe(false);
  expect((await world.account()).openOrders).toBe(0);
}, 60_000);

test('the book of one that was killed is cleared on request', async () => {
  world = await startBotWorld();
  const { live } = await world.host.startOrAdopt('bot1');
  await quoting(live);
  await world.host.kill('bot1');
  expect((await world.account()).openOrders).toBe(2);
  await activities().clearBook({ bot: 'bot1' });
  expect((await world.account()).openOrders).toBe(0);
}, 60_000);
