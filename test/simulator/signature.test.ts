import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { signatureOf } from '../../simulator/rest/signature.ts';
import { startSimulator, type RunningSimulator } from '../../simulator/server.ts';
import { BOT1, connect, simulatorOptions, tempDir } from './harness.ts';

/** Published examples of other clients, see data/README.md. */
test.each([
  ['secret', '1725040472073GET/api/v2/spot/account/assets', 'p8vWylxL4JJCyy6B81n82ZEySiWChClCw99FTDocviA='],
  ['a', '1730301330GET/user/verify', 't0RPH0gO4ut6hHfJWZwKgtnL7XnVsa4AUenaIIbWCuc='],
])('signs as the venue does with secret %s', (secret, prehash, sign) => {
  expect(signatureOf(prehash, secret)).toBe(sign);
});

describe('a request is believed only with', () => {
  const dir = tempDir();
  let simulator: RunningSimulator;
  beforeAll(async () => {
    simulator = await startSimulator(simulatorOptions(dir));
  });
  afterAll(async () => {
    await simulator.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const TARGET = '/api/v2/mix/account/accounts?productType=USDT-FUTURES';

  async function ask(changes: {
    key?: string;
    secret?: string;
    passphrase?: string;
    timestamp?: string;
    target?: string;
  }) {
    const timestamp = changes.timestamp ?? String(Date.now());
    const target = changes.target ?? TARGET;
    const response = await fetch(`http://127.0.0.1:${simulator.port}${target}`, {
      headers: {
        'ACCESS-KEY': changes.key ?? BOT1.apiKey,
        'ACCESS-SIGN': signatureOf(`${timestamp}GET${TARGET}`, changes.secret ?? BOT1.secret),
        'ACCESS-TIMESTAMP': timestamp,
        'ACCESS-PASSPHRASE': changes.passphrase ?? BOT1.passphrase,
      },
    });
    return { status: response.status, ...((await response.json()) as { code: string }) };
  }

  test.each([
    ['everything right', {}, 200, '00000'],
    ['a known key', { key: 'nobody' }, 400, '40006'],
    ['the right secret', { secret: 'wrong' }, 400, '40009'],
    ['the signed query', { target: `${TARGET}&symbol=BTCUSDT` }, 400, '40009'],
    ['the right passphrase', { passphrase: 'wrong' }, 400, '40012'],
    ['a key at all', { key: '' }, 400, '40001'],
    ['a time in ms', { timestamp: 'noon' }, 400, '40005'],
    ['a fresh time', { timestamp: String(Date.now() - 120_000) }, 400, '40008'],
  ])('%s', async (_name, changes, status, code) => {
    expect(await ask(changes)).toMatchObject({ status, code });
  });

  test('a wrong secret reaches ccxt as 40009, and as 30015 on the socket', async () => {
    const wrong = await connect(simulator.port, { ...BOT1, secret: 'not-the-secret' });
    await expect(wrong.fetchBalance()).rejects.toThrow('40009');
    await expect(wrong.watchBalance()).rejects.toThrow('30015');
    await wrong.close();
  });

  test('the unified account interface is refused as from a classic account', async () => {
    const keyed = await connect(simulator.port);
    await expect(keyed.privateUtaGetV3AccountSettings()).rejects.toThrow('40084');
  });
});
