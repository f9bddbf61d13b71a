/** Starts the simulator in this process on a free port and points unmodified ccxt at it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import bitget from '../../node_modules/ccxt/js/src/pro/bitget.js';
import type { SimulatorOptions } from '../../core/simulation/options.ts';
import type { SimulatedMarket } from '../../core/simulation/options.ts';
import { startSimulator, type RunningSimulator } from '../../simulator/server.ts';
import { connectAdmin, type Admin } from './admin.ts';

export const DATA_DIR = join(process.cwd(), 'data');

export const BOT1 = {
  account: 'bot1',
  apiKey: 'bot1-api-key',
  secret: 'bot1-secret-0123456789',
  passphrase: 'bot1-passphrase',
  balance: '10000',
};
export const BOT4 = { ...BOT1, account: 'bot4', apiKey: 'bot4-api-key' };

export function markets(...symbols: string[]): SimulatedMarket[] {
  const all = JSON.parse(readFileSync(join(DATA_DIR, 'markets.json'), 'utf8')) as SimulatedMarket[];
  return all.filter(({ instrument }) => symbols.includes(instrument.symbol));
}

export function tempDir(): string {
  return mkdtempSync(join(tmpdir(), 'simulator-test-'));
}

export function simulatorOptions(stateDir: string, changes: Partial<SimulatorOptions> = {}) {
  return { port: 0, dataDir: DATA_DIR, stateDir, accounts: [BOT1, BOT4], markets: markets('BTCUSDT'), ...changes };
}

/** ccxt as it comes, with only its addresses changed and the account kind pinned. */
export async function connect(port: number, account: typeof BOT1 | null = BOT1, config: object = {}): Promise<bitget> {
  const client = new bitget({
    ...(account === null ? {} : { apiKey: account.apiKey, secret: account.secret, password: account.passphrase }),
    enableRateLimit: false,
    options: { uta: false, defaultType: 'swap', defaultSubType: 'linear', fetchMarkets: { types: ['swap'] } },
    ...config,
  });
  const urls = client.urls as { api: Record<string, unknown> };
  const ws = `ws://127.0.0.1:${port}/v2/ws`;
  for (const [name, url] of Object.entries(urls.api)) {
    if (typeof url === 'string') urls.api[name] = `http://127.0.0.1:${port}`;
  }
  urls.api.ws = { public: `${ws}/public`, private: `${ws}/private` };
  // ccxt asks for this once before it opens a socket without TLS.
  await client.loadHttpProxyAgent();
  return client;
}

/** Runs `use` against a simulator that is stopped, and its folder removed, whatever happens. */
export async function withSimulator(
  changes: Partial<SimulatorOptions>,
  use: (simulator: RunningSimulator) => Promise<void>,
): Promise<void> {
  const dir = tempDir();
  const simulator = await startSimulator(simulatorOptions(dir, changes));
  try {
    await use(simulator);
  } finally {
    await simulator.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The same with an admin port: `admin.faults(plan)`, `admin.clear()`, `admin.truth()`. */
export async function withAdmin(
  changes: Partial<SimulatorOptions>,
  use: (simulator: RunningSimulator, admin: Admin) => Promise<void>,
): Promise<void> {
  await withSimulator({ adminPort: 0, ...changes }, (simulator) => use(simulator, connectAdmin(simulator.adminPort)));
}
