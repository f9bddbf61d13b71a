import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunningSimulator } from '../../simulator/server.ts';
import { fieldsOf } from './fields.ts';
import { markets } from './harness.ts';
import { connectUnified, startUnified, SYMBOL, taking, unifiedCalls, type UnifiedCalls } from './unified-harness.ts';

interface Recorded {
  readonly description: string;
  readonly input: readonly unknown[];
  readonly httpResponse: { readonly data: unknown };
}

const RECORDED_CASES = 26;
/** Prices of the recorded calls, moved to the same side of the market that is replayed here. */
const PRICES: ReadonlyMap<unknown, number> = new Map([
  [100_000, 20_000],
  [101_000, 21_000],
  [111_000, 31_000],
  [112_000, 32_000],
  [113_000, 33_000],
  [114_000, 34_000],
]);
/** What the venue tells by now and did not when the answers were recorded, by its own pages of the endpoints. */
const SINCE = new Set(['execLinkId', 'clientOid', 'tradeSide', 'cancelReason', 'execType']);
/** Answers that fill as time goes on: trades of the recording, and funding, which is settled every second here. */
const FILLING = new Set(['fetchTrades', 'fetchOHLCV', 'fetchFundingRateHistory', 'fetchFundingHistory']);

const { methods } = JSON.parse(
  readFileSync(join(process.cwd(), 'test/gateway/fixtures/ccxt-static-response-swap.json'), 'utf8'),
) as { methods: Record<string, Recorded[]> };
const cases = Object.entries(methods).flatMap(([method, recorded]) =>
  recorded
    .filter(({ input }) => input.some((argument) => (argument as { uta?: boolean } | null)?.uta === true))
    .map((entry) => [`${method}: ${entry.description}`, method, entry] as const),
);

describe('each recorded answer to a unified account has the same fields here', () => {
  let simulator: RunningSimulator;
  let exchange: Awaited<ReturnType<typeof connectUnified>>;
  let calls: UnifiedCalls;
  /** Ids that a recorded call names become those of the orders here. */
  const ids = new Map<string, string>();

  beforeAll(async () => {
    const settled = markets('BTCUSDT').map((market) => ({ ...market, fundingIntervalMs: 1_000 }));
    simulator = await startUnified({ markets: settled });
    calls = unifiedCalls(simulator.port);
    exchange = await connectUnified(simulator.port);
    exchange.enableLastJsonResponse = true;
    await exchange.loadMarkets();
  });
  // The answers were recorded in hedge mode.
  beforeEach(async () => {
    ids.clear();
    await calls.post('trade/cancel-symbol-order', { category: 'USDT-FUTURES' });
    await calls.post('trade/close-positions', { category: 'USDT-FUTURES' });
    expect((await calls.post('account/set-hold-mode', { holdMode: 'hedge_mode' })).code).toBe('00000');
  });
  afterAll(async () => {
    await exchange.close();
    await simulator.stop();
  });

  test('all of them are looked at', () => expect(cases).toHaveLength(RECORDED_CASES));

  test.each(cases)('%s', async (_name, method, { input, httpResponse }) => {
    await prepare(method, input);
    const recorded = fieldsOf(httpResponse.data);
    let here = await call(method, input);
    while (FILLING.has(method) && here.size < recorded.size) here = await call(method, input);
    expect([...recorded].filter((path) => !here.has(path))).toEqual([]);
    expect([...here].filter((path) => !recorded.has(path) && !SINCE.has(path.split('.').at(-1)!))).toEqual([]);
  });

  /** Makes the call and answers the fields of what came over the wire. */
  async function call(method: string, input: readonly unknown[]): Promise<Set<string>> {
    await (exchange as unknown as Record<string, (...input: unknown[]) => Promise<unknown>>)[method]!(
      ...adapted(input),
    );
    return fieldsOf((exchange.last_json_response as { data: unknown }).data);
  }

  /** What has to be there for the call to have something to answer. */
  async function prepare(method: string, input: readonly unknown[]): Promise<void> {
    const [first, , params] = input as [unknown, unknown, { clientOrderId?: string } | undefined];
    switch (method) {
      case 'createOrder':
      case 'fetchMyTrades':
      case 'fetchPosition':
      case 'closePosition':
      case 'closeAllPositions':
      case 'fetchFundingHistory':
        return open();
      case 'fetchOpenOrders':
      case 'cancelAllOrders':
        return void (await rest());
      case 'cancelOrder':
        return void ids.set(first as string, (await rest(params?.clientOrderId)) ?? '');
      case 'cancelOrders':
        for (const id of first as string[]) ids.set(id, await rest());
        return;
      case 'editOrder':
        return void ids.set(first as string, await stop());
      case 'fetchCanceledOrders':
        return void (await exchange.cancelOrder(await stop(), SYMBOL, { trigger: true }));
    }
  }

  async function open(): Promise<void> {
    const { code } = await calls.post('trade/place-order', taking('buy', '0.002', { posSide: 'long' }));
    expect(code).toBe('00000');
  }

  async function rest(clientOrderId?: string): Promise<string> {
    const params = { posSide: 'long', ...(clientOrderId === undefined ? {} : { clientOrderId }) };
    return (await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.001, 20_000, params)).id!;
  }

  async function stop(): Promise<string> {
    await open();
    const params = { stopLossPrice: 20_000, reduceOnly: true };
    return (await exchange.createOrder(SYMBOL, 'market', 'sell', 0.001, undefined, params)).id!;
  }

  function adapted(input: readonly unknown[]): unknown[] {
    return input.map((argument) => {
      if (Array.isArray(argument)) return adapted(argument);
      if (argument !== null && typeof argument === 'object') {
        return Object.fromEntries(Object.entries(argument).map(([key, value]) => [key, adapted([value])[0]]));
      }
      return PRICES.get(argument) ?? ids.get(argument as string) ?? argument ?? undefined;
    });
  }
});
