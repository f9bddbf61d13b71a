/** No combination of what will be needed for real money opens it today, and asking for it speaks to nobody. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { accountKeyFile, armingRecordFile, deskHome } from '../../config/home.ts';
import { refuseRealMoney } from '../../core/accounts/real-money.ts';
import { builtCode } from '../support/build.ts';
import { botConfig } from '../support/bots.ts';
import { freePort } from '../../stack/ports.ts';
import { CANARY_KEYS } from '../gateway/raw-peer.ts';

/** Notes each host that is dialled, and lets no connection out. Sockets of this machine's own files are let through. */
const NO_EGRESS = `
import { appendFileSync } from 'node:fs';
import { Socket } from 'node:net';
const connect = Socket.prototype.connect;
Socket.prototype.connect = function (...args) {
  const [options] = Array.isArray(args[0]) ? args[0] : args;
  if (options?.path !== undefined && options?.port === undefined) return connect.apply(this, args);
  appendFileSync(process.env.DIALLED, (options?.host ?? String(options)) + '\\n');
  setImmediate(() => this.destroy(new Error('no connection leaves this test')));
  return this;
};
`;

const root = mkdtempSync(join(tmpdir(), 'real-money-'));
const home = deskHome(join(root, 'home'));
const configDir = join(root, 'config');
const preload = join(root, 'no-egress.mjs');
const dialledFile = join(root, 'dialled');
let botMain = '';

beforeAll(async () => {
  botMain = join(await builtCode(), 'bots', 'main.js');
  mkdirSync(join(configDir, 'bots'), { recursive: true });
  mkdirSync(home.secretsDir, { recursive: true });
  writeFileSync(preload, NO_EGRESS);
  writeFileSync(accountKeyFile(home, 'mm-btc'), JSON.stringify(CANARY_KEYS), { mode: 0o600 });
  const accounts = { 'mm-btc': { openingBalance: '100' } };
  const venue = { name: 'bitget', endpoint: 'live' };
  writeFileSync(
    join(configDir, 'desk.yml'),
    stringify({ version: 1, desk: 'test', host: 'local', venue, accounts, simulator: { speed: 1 } }),
  );
}, 60_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Start {
  readonly endpoint: object;
  readonly mode: 'live' | 'paper_only';
  readonly environment?: string | undefined;
  readonly isArmed?: boolean;
}

/** One start of a bot to its end. */
async function start({ endpoint, mode, environment, isArmed = false }: Start) {
  rmSync(dialledFile, { force: true });
  const record = armingRecordFile(home, 'bot1');
  rmSync(record, { force: true });
  mkdirSync(dirname(record), { recursive: true });
  if (isArmed) writeFileSync(record, '{"signed":"by nobody"}');
  writeFileSync(join(configDir, 'bots', 'bot1.yml'), stringify(botConfig({ mode })));
  const rates = { socket: join(root, 'no-broker.sock'), share: { index: 0, of: 1 } };
  const options = { bot: 'bot1', home: home.root, configDir, codeVersion: 'test', endpoint, rates };
  const file = join(root, 'options.json');
  writeFileSync(file, JSON.stringify(options));
  const env = { PATH: process.env['PATH'], DIALLED: dialledFile, ...(environment !== undefined && { DESK_LIVE: environment }) }; // prettier-ignore
  return new Promise<{ code: number; said: string; dialled: string[] }>((resolve) => {
    execFile(
      process.execPath,
      ['--import', preload, botMain, file],
      { env, timeout: 50_000 },
      (error, stdout, stderr) => {
        const dialled = existsSync(dialledFile) ? readFileSync(dialledFile, 'utf8').trimEnd().split('\n') : [];
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, said: stdout + stderr, dialled });
      },
    );
  });
}

const COMBINATIONS = [false, true].flatMap((isConfigured) =>
  [undefined, 'yes'].flatMap((environment) =>
    [false, true].map((isArmed) => [isConfigured, environment, isArmed] as const),
  ),
);
const MISSING = {
  configuration: 'the configuration does not ask for it (venue.endpoint: live and mode: live)',
  environment: 'DESK_LIVE: expected yes, was missing',
  armed: 'expected an arming record, was missing',
};
const NEVER = 'nothing can verify an arming record yet: real money is not open, whatever else holds';

test('there are eight', () => expect(COMBINATIONS.length).toBe(8));

describe.each(COMBINATIONS)('configured: %p, environment: %p, armed: %p', (isConfigured, environment, isArmed) => {
  test('is refused, and told what is missing', () => {
    const told = refuseRealMoney({ isConfigured, environment, isArmed }, 'arming/bot1.json');
    expect(told).toEqual([
      ...(isConfigured ? [] : [MISSING.configuration]),
      ...(environment === 'yes' ? [] : [MISSING.environment]),
      ...(isArmed ? [] : [`arming/bot1.json: ${MISSING.armed}`]),
      NEVER,
    ]);
  });

  test('a bot started so reaches no venue', async () => {
    const port = await freePort();
    const endpoint = isConfigured
      ? { kind: 'live' }
      : { kind: 'simulator', httpUrl: `http://127.0.0.1:${port}`, wsUrl: `ws://127.0.0.1:${port}` };
    const { code, said, dialled } = await start({ endpoint, mode: 'live', environment, isArmed });
    if (isConfigured) {
      expect(code).toBe(2);
      expect(dialled).toEqual([]);
      expect(said).toContain(`OptionsWrong: bot1: real money is refused:`);
      expect(said).toContain(NEVER);
      expect(said.includes(MISSING.environment)).toBe(environment === undefined);
      expect(said.includes(MISSING.armed)).toBe(!isArmed);
    } else {
      expect(code).toBe(1);
      expect(new Set(dialled)).toEqual(new Set(['127.0.0.1']));
    }
    for (const secret of Object.values(CANARY_KEYS)) expect(said).not.toContain(secret);
  }, 60_000);
});

test.each(['no', 'YES', '1', 'true', ''])('DESK_LIVE=%p is no yes', (environment) => {
  expect(refuseRealMoney({ isConfigured: true, environment, isArmed: true }, 'x')).toEqual([
    `DESK_LIVE: expected yes, was "${environment}"`,
    NEVER,
  ]);
});

test('on paper the real market is asked without a key: none is read', async () => {
  writeFileSync(accountKeyFile(home, 'mm-btc'), 'no key at all', { mode: 0o600 });
  const { code, said, dialled } = await start({ endpoint: { kind: 'live' }, mode: 'paper_only' });
  expect(code).toBe(1);
  expect(new Set(dialled)).toEqual(new Set(['api.bitget.com']));
  expect(said).toContain('VenueUnavailable: contracts');
}, 60_000);
