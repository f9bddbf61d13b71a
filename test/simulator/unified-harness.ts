/** Unified accounts at the simulator: ccxt with v3 addresses, and raw calls and sockets. */
import { rmSync } from 'node:fs';
import type bitget from '../../node_modules/ccxt/js/src/pro/bitget.js';
import type { SimulatorOptions } from '../../core/simulation/options.ts';
import { startSimulator, type RunningSimulator } from '../../simulator/server.ts';
import { BOT1, BOT4, connect, markets, simulatorOptions, tempDir } from './harness.ts';
import { callRaw, codeOf, type RawCode } from './raw-rest.ts';
import type { Frame, RawClient } from './raw-socket.ts';

export const UNIFIED = { ...BOT1, kind: 'unified', countdownAccess: true } as const;
export const CLASSIC = BOT4;
export const SYMBOL = 'BTC/USDT:USDT';

/** bot1 is a unified account, bot4 a classic one. Its folder goes when it is stopped. */
export async function startUnified(
  changes: Partial<SimulatorOptions> = {},
  services: Parameters<typeof startSimulator>[1] = {},
): Promise<RunningSimulator> {
  const accounts = [UNIFIED, CLASSIC] as unknown as SimulatorOptions['accounts'];
  const dir = tempDir();
  const options = simulatorOptions(dir, { accounts, markets: markets('BTCUSDT', 'ETHUSDT'), ...changes });
  const simulator = await startSimulator(options, services);
  const stop = async () => {
    await simulator.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  return { ...simulator, stop };
}

/** ccxt as it comes, in unified mode unless `options` say otherwise. */
export async function connectUnified(port: number, options: object = { uta: true }): Promise<bitget> {
  const client = await connect(port, BOT1, { options: { defaultType: 'swap', defaultSubType: 'linear', ...options } });
  const ws = `ws://127.0.0.1:${port}/v3/ws`;
  const urls = client.urls as unknown as { api: { ws: Record<string, string> } };
  Object.assign(urls.api.ws, { utaPublic: `${ws}/public`, utaPrivate: `${ws}/private` });
  return client;
}

export interface UnifiedCalls {
  get(path: string): Promise<RawCode>;
  post(path: string, body: object): Promise<RawCode>;
}

/** Signed calls below `/api/v3/`. */
export function unifiedCalls(port: number, account: typeof BOT1 = BOT1): UnifiedCalls {
  return {
    get: async (path) => codeOf(await callRaw(port, 'GET', `/api/v3/${path}`, { account })),
    post: async (path, body) => codeOf(await callRaw(port, 'POST', `/api/v3/${path}`, { account, body })),
  };
}

/** A limit order far below the market: it rests. */
export function resting(clientOid: string, changes: object = {}) {
  return {
    category: 'USDT-FUTURES',
    symbol: 'BTCUSDT',
    side: 'buy',
    orderType: 'limit',
    price: '20000',
    qty: '0.001',
    clientOid,
    ...changes,
  };
}

/** A market order: it fills at once. */
export function taking(side: 'buy' | 'sell', qty: string, changes: object = {}) {
  return { category: 'USDT-FUTURES', symbol: 'BTCUSDT', side, orderType: 'market', qty, ...changes };
}

export function topic(name: string, symbol = 'BTCUSDT', instType = 'usdt-futures') {
  return { instType, topic: name, symbol };
}

export interface TopicFrame extends Omit<Frame, 'arg'> {
  readonly arg?: { readonly topic: string; readonly symbol?: string };
  readonly msg?: string;
}

/** The next push of a topic, on a client that subscribed it. */
export async function nextPush(client: RawClient, name: string): Promise<TopicFrame> {
  const isPush = (frame: TopicFrame) => frame.data !== undefined && frame.arg?.topic === name;
  return (await client.until((frame) => isPush(frame as unknown as TopicFrame))) as unknown as TopicFrame;
}
