/** A client that nobody here wrote: the exchange tests that ship inside Python's ccxt, unmodified, over loopback. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startSimulator, type RunningSimulator } from '../../../simulator/server.ts';
import { connectAdmin, type Admin } from '../admin.ts';
import { markets, simulatorOptions, tempDir } from '../harness.ts';
import { readVerdicts, requirePythonClients, runLane, type Lane, type LaneResult } from './ccxt-lanes.ts';

const LANES: readonly Lane[] = (['classic', 'unified'] as const).flatMap((kind) => {
  const lane = (name: string, ...words: string[]): Lane => ({
    name: `${kind} ${name}`,
    account: {
      account: `${kind}-${name}`,
      apiKey: `${kind}-${name}-api-key`,
      secret: `${kind}-${name}-secret-0123456789`,
      passphrase: `${kind}-passphrase`,
      balance: '100000',
      kind,
    },
    arguments: words,
  });
  return [
    lane('stream', 'listed', 'bitget', '--private', '--info', '--ws'),
    lane('sync', 'listed', 'bitget', '--private', '--info', '--sync'),
    lane('async', 'listed', 'bitget', '--private', '--info'),
    lane('unlisted', 'unlisted', 'bitget', '--info', '--sync'),
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
const STREAM = [
  'loadMarkets',
  'watchBidsAsks',
  'watchMyTrades',
  'watchOHLCV',
  'watchOrderBook',
  'watchOrderBookForSymbols',
  'watchOrders',
  'watchTicker',
  'watchTickers',
];
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
const STREAM_FAILS: Known = { watchBalance: MARGIN_IN_USE, watchPositions: NO_NOTIONAL };
const CLASSIC_REST = [...REST, 'fetchBalance', 'fetchBorrowInterest', 'fetchTransfers'];
const EXPECTED: readonly [lane: string, passed: readonly string[], failed: Known][] = [
  ['classic sync', CLASSIC_REST, CLASSIC_FAILS],
  ['classic async', CLASSIC_REST, CLASSIC_FAILS],
  ['unified sync', REST, UNIFIED_FAILS],
  ['unified async', REST, UNIFIED_FAILS],
  ['classic stream', [...STREAM, 'watchTrades', 'watchTradesForSymbols'], STREAM_FAILS],
  ['unified stream', STREAM, { ...STREAM_FAILS, watchTrades: OTHER_KEY, watchTradesForSymbols: OTHER_KEY }],
  ['classic unlisted', [...UNLISTED, 'fetchMarginMode'], {}],
  ['unified unlisted', UNLISTED, { fetchMarginMode: CLASSIC_CALL }],
];

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
  const results = new Map<string, LaneResult>();
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
      const order = { account, symbol: 'BTCUSDT' };
      await admin.call('POST', '/orders', { ...order, side: 'buy', qty: '0.01' });
      await admin.call('POST', '/orders', { ...order, side: 'sell', qty: '0.004' });
      await admin.call('POST', '/orders', { ...order, side: 'buy', qty: '0.003', price: '20000' });
      await admin.call('POST', '/orders', { ...order, symbol: 'ETHUSDT', side: 'sell', qty: '0.1' });
    }
    let isOver = false;
    const isStream = ({ name }: Lane) => name.endsWith('stream');
    const trading = trade(
      admin,
      LANES.filter(isStream).map(({ account }) => account.account),
      () => isOver,
    );
    const run = async (lane: Lane) => results.set(lane.name, await runLane(dir, simulator.port, lane));
    // The socket tests watch for a fixed time; the others take their turn beside them.
    const oneByOne = async () => {
      for (const lane of LANES) if (!isStream(lane)) await run(lane);
    };
    try {
      await Promise.all([...LANES.filter(isStream).map(run), oneByOne()]);
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
