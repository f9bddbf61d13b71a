/** What keeps a bot from starting: configuration, account and key are judged by a real process before its first order. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BotHostError } from '../../activities/bot-host.ts';
import { accountKeyFile } from '../../config/home.ts';
import { SimulatedAccount } from '../../core/simulation/options.ts';
import { connectAdmin } from '../simulator/admin.ts';
import { BOT1 } from '../simulator/harness.ts';
import { botConfig } from '../support/bots.ts';
import { startBotWorld, type BotWorld } from '../support/bot-world.ts';
import { until } from '../support/desk.ts';

let world: BotWorld;
afterEach(async () => world.stop(), 30_000);

async function refusal(): Promise<{ exitCode: number | null; message: string }> {
  const error = await world.host.startOrAdopt('bot1').then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof BotHostError) return { exitCode: error.exitCode, message: error.message };
  throw new Error(`expected a refusal, was ${String(error)}`);
}

/** Everything that the bot has left on the disk but its key file. */
function written(dir: string, secrets: string): string {
  return readdirSync(dir)
    .map((name) => join(dir, name))
    .filter((path) => path !== secrets)
    .map((path) => {
      const entry = statSync(path);
      return entry.isDirectory() ? written(path, secrets) : entry.isFile() ? readFileSync(path, 'latin1') : '';
    })
    .join('\n');
}

function keysUnread(): void {
  const text = written(world.home.root, world.home.secretsDir);
  expect(text).toContain('journal open');
  for (const secret of [BOT1.apiKey, BOT1.secret, BOT1.passphrase]) {
    for (const form of [secret, Buffer.from(secret).toString('base64'), Buffer.from(secret).toString('hex')]) {
      expect(text.includes(form)).toBe(false);
    }
  }
}

describe('a configuration that does not fit', () => {
  test('is refused with every fault, path, rule and value; another start cannot help', async () => {
    const strategy = { ...botConfig().strategy, orderQuote: '30', halfSpreadBps: 0.1 };
    world = await startBotWorld({ strategy, leverageMax: 5, positionMode: 'hedge', marginMode: 'isolated' });
    const { exitCode, message } = await refusal();
    expect(exitCode).toBe(2);
    expect(message.split('\n')).toEqual([
      'bot1 ended with code 2 before it was ready: ConfigError: 4 faults in the configuration (bot1 on account bot1 at bitget-simulator)',
      expect.stringMatching(
        /^ {2}bots\/bot1\.yml: strategy\.orderQuote: expected at least \d+\.\d\d USDT: .* 0\.001 and 5 USDT, was 30$/,
      ),
      '  account.positionMode: expected hedge, as configured, was one_way',
      '  account.marginMode: expected isolated, as configured, was crossed',
      '  account.leverage: expected at most leverageMax (5), was 20',
    ]);
    expect((await world.account()).openOrders).toBe(0);
  }, 60_000);

  test.each(['live', 'paper_only'])(
    'an exposure that the account cannot carry, in mode %s',
    async (mode) => {
      world = await startBotWorld({ mode, risk: { ...botConfig().risk, exposureQuoteMax: '200001' } });
      const { exitCode, message } = await refusal();
      expect(exitCode).toBe(2);
      expect(message).toContain(
        'bots/bot1.yml: risk.exposureQuoteMax: expected at most leverageMax (20) times the equity of the account, 200000.00 USDT, was 200001',
      );
    },
    60_000,
  );

  test.each(['live', 'paper_only'])(
    'a contract that the venue does not have, in mode %s',
    async (mode) => {
      world = await startBotWorld({ symbol: 'DOGEUSDT', mode });
      const { exitCode, message } = await refusal();
      expect(exitCode).toBe(2);
      expect(message).toContain('bots/bot1.yml: symbol: expected a USDT perpetual of the venue, was DOGEUSDT');
    },
    60_000,
  );
});

describe('a key', () => {
  const keyed = (changes: object) => ({ accounts: [SimulatedAccount.parse({ ...BOT1, ...changes })] });

  test('that may do more than trade works on the simulator, and its status says what real money would refuse', async () => {
    const authorities = ['coor', 'coow', 'cpor', 'cpow', 'wwow'];
    world = await startBotWorld({}, undefined, { simulator: keyed({ authorities, ips: '' }) });
    const { live } = await world.host.startOrAdopt('bot1');
    expect((await live.control.status()).account).toEqual({
      status: 'paper_only',
      keyPrefix: 'bot',
      accountKind: 'classic',
      positionMode: 'one_way',
      problems: [
        { code: 'right_refused', message: 'the key may withdraw (wwow)' },
        { code: 'no_ip_list', message: 'the key works from any address: bind it to a list of IPs' },
      ],
    });
    keysUnread();
  }, 60_000);

  test('of an account in the mode that is configured: hedge, as the simulator was told', async () => {
    world = await startBotWorld({ positionMode: 'hedge' }, undefined, { simulator: keyed({ positionMode: 'hedge' }) });
    const { live } = await world.host.startOrAdopt('bot1');
    expect((await live.control.status()).account).toMatchObject({ status: 'ok', positionMode: 'hedge' });
  }, 60_000);

  test('that the venue turns away: a person has to put it right, and nothing of it is told', async () => {
    world = await startBotWorld();
    const wrong = { apiKey: BOT1.apiKey, secret: `${BOT1.secret}-wrong`, passphrase: BOT1.passphrase };
    writeFileSync(accountKeyFile(world.home, BOT1.account), JSON.stringify(wrong), { mode: 0o600 });
    const { exitCode, message } = await refusal();
    expect(exitCode).toBe(2);
    expect(message).toMatch(/account bot1 \(key bot…\): disabled\n {2}40009: /);
    keysUnread();
  }, 60_000);
});

test('a venue that does not say what the key may do: the simulator is traded on without', async () => {
  world = await startBotWorld({}, undefined, { simulator: { adminPort: 0 } });
  const where = { path: '/api/v2/spot/account/info' };
  await connectAdmin(world.simulator().adminPort).faults({ kind: 'error_not_applied', where });
  const { live } = await world.host.startOrAdopt('bot1');
  expect((await live.control.status()).account).toMatchObject({
    status: 'error',
    accountKind: 'classic',
    positionMode: 'one_way',
    problems: [{ code: 'no_answer' }],
  });
}, 60_000);

test('a balance that cannot be read keeps no bot from starting: it waits for it, and says so', async () => {
  world = await startBotWorld({}, undefined, { simulator: { adminPort: 0 } });
  const admin = connectAdmin(world.simulator().adminPort);
  await admin.faults({ kind: 'error_not_applied', where: { path: '/api/v2/mix/account/accounts' } });
  const { live } = await world.host.startOrAdopt('bot1');
  world.supervise(live);
  await until('the reason', async () => (await live.control.status()).reason === 'balance_read_failed');
  expect((await world.account()).openOrders).toBe(0);
  await admin.clear();
  await until('it quotes', async () => (await live.control.status()).ordersActive > 0);
}, 90_000);

test('a venue that does not answer says nothing about the configuration: a later start may succeed', async () => {
  world = await startBotWorld({ leverageMax: 5 });
  await world.simulator().stop();
  const { exitCode, message } = await refusal();
  expect(exitCode).toBe(1);
  expect(message).toMatch(/VenueUnavailable: account bot1 .*: error\n {2}no_answer: /);
}, 60_000);
