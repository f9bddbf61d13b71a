/** A client that nobody here wrote: the exchange tests that ship inside Python's ccxt, unmodified, over loopback. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startSimulator, type RunningSimulator } from '../../../simulator/server.ts';
import { connectAdmin, type Admin } from '../admin.ts';
import { markets, simulatorOptions, tempDir } from '../harness.ts';
import { callRaw, codeOf } from '../raw-rest.ts';
import { readVerdicts, requirePythonClients, runLanes, type Lane, type LaneResult } from './ccxt-lanes.ts';

const LANES: readonly Lane[] = (['classic', 'unified'] as const).flatMap((kind) => {
  const lane = (name: string, mode: Lane['mode'], ...words: string[]): Lane => ({
    name: `${kind} ${name}`,
    account: {
      account: `${kind}-${name}`,
      apiKey: `${kind}-${name}-api-key`,
      secret: `${kind}-${name}-secret-0123456789`,
      passphrase: `${kind}-passphrase`,
      balance: '100000',
      kind,
    },
    mode,
    arguments: ['bitget', '--info', ...words],
  });
  return [
    lane('public-stream', 'listed', '--ws'),
    lane('private-stream', 'listed', '--privateOnly', '--ws'),
    lane('sync', 'listed', '--private', '--sync'),
    lane('async', 'listed', '--private'),
    lane('unlisted', 'unlisted', '--sync'),
  ];
});

const REST = [
  'afterConstruct',
  'features',
  'fetchClosedOrders',
  'fetchDeposits',
  'fetchFundingRateHistory',
  'fetchLedger',
  'fetchMyTrades',
  'fetchOHLCV',
  'fetchOpenOrders',
  'fetchOrderBook',
  'fetchTicker',
  'fetchTickers',
  'fetchTrades',
  'fetchTradingFees',
  'fetchWithdrawals',
  'loadMarkets',
];
const PUBLIC_STREAM = [
  'loadMarkets',
  'watchBidsAsks',
  'watchOHLCV',
  'watchOrderBook',
  'watchOrderBookForSymbols',
  'watchTicker',
  'watchTickers',
];
const PRIVATE_STREAM = ['loadMarkets', 'watchMyTrades', 'watchOrders'];
const UNLISTED = [
  'createOrder:resting:buy',
  'createOrder:resting:sell',
  'createOrder:taking:buy',
  'createOrder:taking:sell',
  'fetchL2OrderBook',
  'fetchMarketLeverageTiers',
  'fetchTradingFee',
  'loadMarkets',
];

/** Why a test fails here, with a part of its error. Each of them but the first would fail at the venue, too. */
const NO_COINS = ['must return at least several currencies', 'lists the coins of spot, which is not simulated'];
const NO_COLLATERAL = ['"collateral" key', 'ccxt states no collateral for a crossed position'];
const NO_NOTIONAL = ['"notional" key', 'ccxt states no notional for a position that is pushed'];
const MARGIN_IN_USE = ['free and used do not sum to total', 'margin is neither what ccxt takes for free nor for used'];
const CLASSIC_CALL = ['40085', 'ccxt asks v2, which refuses a unified account'];
const OTHER_KEY = ['"price" key', "ccxt reads a pushed trade's price from `P`; in captured frames it is `p`"];
type Known = Readonly<Record<string, readonly string[]>>;

const CLASSIC_FAILS: Known = { fetchCurrencies: NO_COINS, fetchPositions: NO_COLLATERAL };
const UNIFIED_FAILS: Known = {
  ...CLASSIC_FAILS,
  fetchBalance: MARGIN_IN_USE,
  fetchBorrowInterest: CLASSIC_CALL,
  fetchTransfers: CLASSIC_CALL,
};
const PRIVATE_STREAM_FAILS: Known = { watchBalance: MARGIN_IN_USE, watchPositions: NO_NOTIONAL };
const CLASSIC_REST = [...REST, 'fetchBalance', 'fetchBorrowInterest', 'fetchTransfers'];
const EXPECTED: readonly [lane: string, passed: readonly string[], failed: Known][] = [
  ['classic sync', [...CLASSIC_REST, 'fetchPositions'], { fetchCurrencies: NO_COINS }],
  ['classic async', CLASSIC_REST, CLASSIC_FAILS],
  ['unified sync', REST, UNIFIED_FAILS],
  ['unified async', REST, UNIFIED_FAILS],
  ['classic public-stream', [...PUBLIC_STREAM, 'watchTrades', 'watchTradesForSymbols'], {}],
  ['unified public-stream', PUBLIC_STREAM, { watchTrades: OTHER_KEY, watchTradesForSymbols: OTHER_KEY }],
  ['classic private-stream', PRIVATE_STREAM, PRIVATE_STREAM_FAILS],
  ['unified private-stream', PRIVATE_STREAM, PRIVATE_STREAM_FAILS],
  ['classic unlisted', [...UNLISTED, 'fetchMarginMode'], {}],
  ['unified unlisted', UNLISTED, { fetchMarginMode: CLASSIC_CALL }],
];

/** One lane's positions have margin of their own, the others' are crossed. */
const ISOLATED = LANES.find(({ name }) => name === 'classic sync')!.account;

async function isolate(port: number, symbols: readonly string[]): Promise<void> {
  for (const symbol of symbols) {
    const body = { symbol, productType: 'USDT-FUTURES', marginCoin: 'USDT', marginMode: 'isolated' };
    const path = '/api/v2/mix/account/set-margin-mode';
    expect(codeOf(await callRaw(port, 'POST', path, { account: ISOLATED, body })).code).toBe('00000');
  }
}

/** Keeps the accounts that are watched over sockets busy, as another client of theirs would. */
async function trade(admin: Admin, accounts: readonly string[], isOver: () => boolean): Promise<void> {
  for (let turn = 0; !isOver(); turn += 1) {
    const side = turn % 2 === 0 ? 'buy' : 'sell';
    for (const account of accounts) {
      await admin.call('POST', '/orders', { account, symbol: 'BTCUSDT', side, qty: '0.002' });
    }
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
}

describe("ccxt's own exchange tests", () => {
  const dir = tempDir();
  let results: ReadonlyMap<string, LaneResult>;
  let simulator: RunningSimulator;

  beforeAll(async () => {
    requirePythonClients();
    const accounts = LANES.map(({ account }) => account);
    simulator = await startSimulator(
      simulatorOptions(join(dir, 'state'), {
        accounts: accounts as never,
        adminPort: 0,
        markets: markets('BTCUSDT', 'ETHUSDT').map((market) => ({ ...market, fundingIntervalMs: 5_000 })),
      }),
    );
    const admin = connectAdmin(simulator.adminPort);
    for (const { account } of accounts) {
      // The orders of these begin and end without a position.
      if (account.endsWith('-unlisted')) continue;
      const order = { account, symbol: 'BTCUSDT' };
      if (account === ISOLATED.account) await isolate(simulator.port, ['BTCUSDT', 'ETHUSDT']);
      await admin.call('POST', '/orders', { ...order, side: 'buy', qty: '0.01' });
      await admin.call('POST', '/orders', { ...order, side: 'sell', qty: '0.004' });
      await admin.call('POST', '/orders', { ...order, side: 'buy', qty: '0.003', price: '20000' });
      await admin.call('POST', '/orders', { ...order, symbol: 'ETHUSDT', side: 'sell', qty: '0.1' });
    }
    let isOver = false;
    const isStream = ({ name }: Lane) => name.endsWith('stream');
    const trading = trade(
      admin,
      LANES.filter(({ name }) => name.endsWith('private-stream')).map(({ account }) => account.account),
      () => isOver,
    );
    // The socket tests watch for a fixed time; the others take their turn beside them.
    const queues = [...LANES.filter(isStream).map((lane) => [lane]), LANES.filter((lane) => !isStream(lane))];
    try {
      results = await runLanes(dir, simulator.port, queues);
    } finally {
      isOver = true;
      await trading;
    }
  }, 120_000);
  afterAll(async () => {
    await simulator?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test.each(EXPECTED)('%s: what passes, and what is known to fail', (lane, passed, known) => {
    const { passed: really, failed } = results.get(lane)!;
    expect({ passed: really, failed: Object.keys(failed).sort() }).toEqual({
      passed: [...passed].sort(),
      failed: Object.keys(known).sort(),
    });
    for (const [name, [words]] of Object.entries(known)) expect(`${name}: ${failed[name]}`).toContain(words);
  });

  test('a failure line is read as one, whatever the exit code was', () => {
    const printed = [
      '[INFO] TESTING DONE       bitget fetchTime',
      '[INFO] TESTING DONE       bitget fetchTicker',
      '[TEST_FAILURE] bitget fetchTicker ["BTC/USDT:USDT"] [AssertionError] Traceback (most recent call last):',
      '  File "x.py", line 1',
      'AssertionError: bid is above ask',
      '',
      '[TEST_WARNING] bitget fetchTrades [] Method could not be tested',
      '[TEST_FAILURE] bitget PUBLIC_TESTS Failed methods : fetchTicker',
      '[INFO] UNSUPPORTED_TEST   bitget fetchStatus',
    ];
    expect(readVerdicts(printed.join('\n'))).toMatchObject({
      passed: ['fetchTime'],
      failed: { fetchTicker: 'AssertionError: bid is above ask', fetchTrades: expect.stringContaining('could not') },
      unsupported: ['fetchStatus'],
    });
  });
});
