import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startSimulator, type RunningSimulator } from '../../simulator/server.ts';
import { fieldsOf } from './fields.ts';
import { connect, simulatorOptions, tempDir } from './harness.ts';

interface Recorded {
  readonly description: string;
  readonly input: readonly unknown[];
  readonly httpResponse: { readonly data: unknown };
}

/** The recorded calls were made for these; here there is one contract. */
const SYMBOL = 'BTC/USDT:USDT';
const RECORDED_SYMBOLS = new Set(['BTC/USDT:USDT', 'LTC/USDT:USDT', 'BTC/USD:BTC']);
const RECORDED_CASES = 6;
/** Fields that the venue tells by now and did not when the answers were recorded, by its own pages and later recordings. */
const SINCE = new Set([
  'assetMode',
  'cancelReason',
  'crossedMargin',
  'isolatedMargin',
  'presetStopLossExecutePrice',
  'presetStopLossType',
  'presetStopSurplusExecutePrice',
  'presetStopSurplusType',
]);

const { methods } = JSON.parse(
  readFileSync(join(process.cwd(), 'test/gateway/fixtures/ccxt-static-response-swap.json'), 'utf8'),
) as { methods: Record<string, Recorded[]> };
const cases = Object.entries(methods).flatMap(([method, recorded]) =>
  recorded
    .filter(({ input }) => !input.some((argument) => (argument as { uta?: boolean } | null)?.uta === true))
    .filter(({ description }) => !description.includes('UTA'))
    .map((entry) => [`${method}: ${entry.description}`, method, entry] as const),
);

describe('each recorded answer to a classic account has the same fields here', () => {
  let simulator: RunningSimulator;
  let exchange: Awaited<ReturnType<typeof connect>>;

  beforeAll(async () => {
    simulator = await startSimulator(simulatorOptions(tempDir()));
    exchange = await connect(simulator.port);
    exchange.enableLastJsonResponse = true;
    await exchange.loadMarkets();
  });
  afterAll(async () => {
    await exchange.close();
    await simulator.stop();
  });

  test('all of them are looked at', () => expect(cases).toHaveLength(RECORDED_CASES));

  test.each(cases)('%s', async (_name, method, { input, httpResponse }) => {
    const taken = (await exchange.createOrder(SYMBOL, 'market', 'buy', 0.002)).id!;
    const resting = await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.001, 20_000, { clientOid: `rest-${method}` });
    const here = input.map((argument) => {
      if (RECORDED_SYMBOLS.has(argument as string)) return SYMBOL;
      if (argument === '1139546955005468672') return taken;
      if (argument !== null && typeof argument === 'object' && 'clientOrderId' in argument) {
        return { ...argument, clientOrderId: resting.clientOrderId ?? `rest-${method}` };
      }
      return argument ?? undefined;
    });
    await (exchange as unknown as Record<string, (...input: unknown[]) => Promise<unknown>>)[method]!(...here);
    const told = fieldsOf((exchange.last_json_response as { data: unknown }).data);
    const recorded = fieldsOf(httpResponse.data);
    expect([...recorded].filter((path) => !told.has(path))).toEqual([]);
    expect([...told].filter((path) => !recorded.has(path) && !SINCE.has(path.split('.').at(-1)!))).toEqual([]);
  });
});
