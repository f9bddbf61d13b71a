import { describe, expect, test } from '@jest/globals';
import {
  SimulatedAccount,
  SimulatedMarket,
  SimulatedTier,
  SimulatorOptions,
} from '../../../core/simulation/options.ts';
import { BTC } from '../../support/bots.ts';
import { changed, takes } from '../schemas.ts';

const ACCOUNT = {
  account: 'mm-btc',
  apiKey: 'k'.repeat(8),
  secret: 's'.repeat(16),
  passphrase: 'p'.repeat(8),
  balance: '10000',
};
const MARKET = { instrument: BTC.spec, recordings: ['binance-usdm/a.gz'] };
const OPTIONS = { port: 0, dataDir: 'data', stateDir: 'state', accounts: [], markets: [MARKET] };
const TIER = { upTo: '150000', leverageMax: 125, keepMarginRate: '0.004' };

test('an account that says no more than it must is classic, reads and trades, and pays its fees in USDT', () => {
  expect(SimulatedAccount.parse(ACCOUNT)).toEqual({
    ...ACCOUNT,
    kind: 'classic',
    countdownAccess: false,
    authorities: ['coor', 'coow', 'cpor', 'cpow'],
    ips: '127.0.0.1',
    deductionPrice: null,
  });
});

describe.each([
  ['an account', SimulatedAccount, ACCOUNT, [
    ['account', ['a'], ['A', '']],
    ['apiKey', ['k'.repeat(8)], ['k'.repeat(7)]],
    ['secret', ['s'.repeat(16)], ['s'.repeat(15)]],
    ['passphrase', ['p'.repeat(8)], ['p'.repeat(7)]],
    ['balance', ['0', '999999999999.999999999999'], ['-1', '1e3', '', '.5', '1000000000000', '0.0000000000001', 'x1', '1x']],
    ['positionMode', ['one_way', 'hedge', undefined], ['both', '']],
    ['kind', ['classic', 'unified'], ['spot', '']],
    ['authorities', [[], ['coor']], [['']]],
    ['deductionPrice', [null, '4.5'], ['-4.5', 4.5]],
    ['nickname', [undefined], ['x']],
  ]],
  ['a tier', SimulatedTier, TIER, [
    ['upTo', ['1'], ['-1', 'all']],
    ['leverageMax', [1, 125], [0, 126, 1.5]],
    ['keepMarginRate', ['0', '0.004', '0.123456', '-0.1'], ['1', '0.', '0.1234567', '.5', '4 %', '00.1']],
    ['more', [undefined], ['x']],
  ]],
  ['a market', SimulatedMarket, MARKET, [
    ['recordings', [['a'], ['a', 'b']], [[], ['']]],
    ['fundingRate', ['0', '-0.0001', '0.123456'], ['1', '0.1234567', '0.0001 ']],
    ['fundingIntervalMs', [1_000], [999, 1_000.5]],
    ['leverageTiers', [[TIER]], [[]]],
    ['more', [undefined], ['x']],
  ]],
  ['a simulator', SimulatorOptions, OPTIONS, [
    ['port', [0, 65_535], [-1, 65_536, 1.5]],
    ['dataDir', ['d'], ['']],
    ['stateDir', ['s'], ['']],
    ['speed', [0.001, 1_000], [0, -1, 1_000.5]],
    ['markets', [[MARKET]], [[]]],
    ['orderRate', [null, { perSecond: 1, burst: 1 }], [{ perSecond: 0, burst: 1 }, { perSecond: 1, burst: 0 }, { perSecond: 1 }, { perSecond: 1, burst: 1, per: 'ip' }]],
    ['adminPort', [null, 0, 65_535], [-1, 65_536, 0.5]],
    ['limits', ['none', 'published'], ['some', '']],
    ['more', [undefined], ['x']],
  ]],
] as const)('%s', (_name, schema, raw, fields) => {
  test.each(fields as readonly (readonly [string, readonly unknown[], readonly unknown[]])[])(
    '%s may be %j and not %j',
    (field, sound, unsound) => {
      const withField = (field: string, value: unknown): boolean => takes(schema, changed(raw, { [field]: value }));
      for (const value of sound) expect([value, withField(field, value)]).toEqual([value, true]);
      for (const value of unsound) expect([value, withField(field, value)]).toEqual([value, false]);
    },
  );
}); // prettier-ignore

test('a market that says no more than its recordings is funded every eight hours, with the tiers of BTCUSDT', () => {
  const { fundingRate, fundingIntervalMs, leverageTiers } = SimulatedMarket.parse(MARKET);
  expect([fundingRate, fundingIntervalMs]).toEqual(['0.0001', 28_800_000]);
  expect(leverageTiers.map(({ upTo, leverageMax, keepMarginRate }) => [Number(upTo), leverageMax, Number(keepMarginRate)])).toEqual([
    [150_000, 125, 0.004],
    [900_000, 100, 0.005],
    [12_000_000, 50, 0.01],
    [70_000_000, 25, 0.015],
    [100_000_000, 20, 0.02],
    [230_000_000, 10, 0.03],
    [480_000_000, 5, 0.045],
    [600_000_000, 4, 0.125],
    [800_000_000, 3, 0.1666],
    [1_200_000_000, 2, 0.25],
    [1_800_000_000, 1, 0.5],
  ]); // prettier-ignore
  for (const tier of leverageTiers) expect(SimulatedTier.safeParse(tier).success).toBe(true);
});

test('a simulator that says no more than where its files lie listens here alone, at the pace of the recording, without limits', () => {
  expect(SimulatorOptions.parse(OPTIONS)).toMatchObject({
    host: '127.0.0.1',
    speed: 1,
    orderRate: null,
    adminPort: null,
    limits: 'none',
    bookChecksum: true,
  });
});
