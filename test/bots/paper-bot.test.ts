/** A bot on paper: a real process over the simulator's public market, without a key. */
import { afterEach, expect, test } from '@jest/globals';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BotHostError, type LiveBot } from '../../activities/bot-host.ts';
import { accountKeyFile, paperAccountDir } from '../../config/home.ts';
import { BOT1 } from '../simulator/harness.ts';
import { startBotWorld, type BotWorld } from '../support/bot-world.ts';
import { EAGER_QUOTES } from '../support/bots.ts';
import { paperAccount, until } from '../support/desk.ts';

let world: BotWorld;
afterEach(async () => world.stop(), 30_000);

async function start(overrides: Record<string, unknown> = {}): Promise<void> {
  world = await startBotWorld({ mode: 'paper_only', ...overrides });
  rmSync(accountKeyFile(world.home, BOT1.account));
}

async function quoting(): Promise<LiveBot> {
  const { live } = await world.host.startOrAdopt('bot1');
  world.supervise(live);
  await until('it quotes', async () => (await live.control.ping()).ordersActive > 0);
  return live;
}

const kept = () => paperAccount(paperAccountDir(world.home, BOT1.account));

test('it fills without a key and without an order at the venue; killed, it finds position and orders again', async () => {
  await start({ strategy: EAGER_QUOTES });
  const live = await quoting();
  await until('a fill', () => kept().positions.length > 0, 60_000);
  expect((await live.control.status()).account).toBeUndefined();
  await until('orders in its account', () => kept().openOrders > 0);
  await world.host.kill('bot1');
  const left = kept();
  const back = await quoting();
  await until('bot and account hold the same', async () => {
    const status = await back.control.ping();
    const { fills, positions } = kept();
    return status.fills === fills && Number(status.position) === Number(positions[0]?.qty ?? 0);
  });
  expect(kept().fills).toBeGreaterThanOrEqual(left.fills);
  expect(await world.account()).toMatchObject({ openOrders: 0, fills: 0, positions: [] });
}, 120_000);

test('stopped after its death its orders are taken back; what it holds stays', async () => {
  await start({ strategy: EAGER_QUOTES });
  await quoting();
  await until('a position', () => kept().positions.length > 0, 60_000);
  await until('orders in its account', () => kept().openOrders > 0);
  await world.host.kill('bot1');
  await world.host.stop('bot1', 'test');
  const { openOrders, fills, positions } = kept();
  expect(openOrders).toBe(0);
  expect(fills).toBeGreaterThan(0);
  // Whatever happened to its orders until they were taken back is read by the next start.
  const { live } = await world.host.startOrAdopt('bot1');
  await until('bot and account hold the same', async () => {
    const status = await live.control.status();
    return status.fills === fills && Number(status.position) === Number(positions[0]?.qty ?? 0);
  });
}, 90_000);

test('its account is set as configured, and nobody else has to; with a position it stays as it is, and that is said', async () => {
  await start({ positionMode: 'hedge', marginMode: 'isolated', leverageMax: 5, strategy: EAGER_QUOTES });
  await quoting();
  await until('a position', () => kept().positions.length > 0, 60_000);
  await world.host.stop('bot1', 'test');
  const configFile = join(world.configDir, 'bots', 'bot1.yml');
  writeFileSync(configFile, readFileSync(configFile, 'utf8').replace('leverageMax: 5', 'leverageMax: 3'));
  const refusal = await world.host.startOrAdopt('bot1').then(
    ({ live }) => live.run,
    (error: unknown) => error as BotHostError,
  );
  expect(refusal).toBeInstanceOf(BotHostError);
  const { exitCode, message } = refusal as BotHostError;
  expect(exitCode).toBe(2);
  expect(message).toContain(
    [
      '  account.leverage: expected at most leverageMax (3), was 5',
      '    leverage of the paper account stays as it is: orders_or_positions_open',
    ].join('\n'),
  );
}, 90_000);
