/** A bot's file: what each field may be, what it is when it is left out, and which fields have to fit each other. */
import { describe, expect, test } from '@jest/globals';
import { BotConfig, quoteSizes } from '../../../core/bot/bot-config.ts';
import { describeFaults } from '../../../core/faults.ts';
import { BOT_FILE, botConfig } from '../../support/bots.ts';

type Fields = Record<string, unknown>;

const FILE: Fields = BOT_FILE;

const MAKER: Fields = {
  name: 'epp_v2_4',
  size: { orderQuote: '100', inventoryQuoteMax: '1000', skewBps: 2 },
  spread: { minNetEdgeBps: 0.5, atrFactor: 0.5, adverseSelectionBps: 0.5 },
  requoteBps: 0.5,
  requoteMsMin: 500,
};

/** A file that asks for `levels` quotes a side of the market maker, and for what `changes` say. */
function makerFile(size: Fields, changes: Fields = {}): Fields {
  return withFields({ ...FILE, strategy: { ...MAKER, size: { ...(MAKER['size'] as Fields), ...size } } }, changes);
}

/** `file` with the fields at these dotted paths set. */
function withFields(file: Fields, changes: Fields): Fields {
  const copy = structuredClone(file);
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split('.');
    let at = copy;
    for (const key of keys.slice(0, -1)) at = (at[key] ??= {}) as Fields;
    at[keys.at(-1)!] = value;
  }
  return copy;
}

/** What is wrong with a file, one line a fault; empty when it is taken. */
function faults(file: Fields): string {
  const parsed = BotConfig.safeParse(file);
  return parsed.success ? '' : describeFaults(parsed.error, file);
}

/** Beyond a bound by the smallest step that its field can make. */
const step = (bound: number): number => (Number.isInteger(bound) ? 1 : 1e-6);

describe.each([
  ['strategy.halfSpreadBps', 0.1, 500],
  ['strategy.skewBps', 0, 500],
  ['strategy.requoteBps', 0, 500],
  ['strategy.requoteMsMin', 50, 600_000],
  ['risk.ordersActiveMax', 1, 10],
  ['risk.cancelsPerMinuteMax', 1, 600],
  ['risk.bookAgeMsMax', 1_500, 60_000],
  ['risk.bookTopSameMsMax', 5_000, 600_000],
  ['risk.drawdownSoftPct', 0.1, 100],
  ['risk.drawdownHardPct', 0.1, 100],
  ['risk.marginRatioSoft', 0.01, 1],
  ['risk.marginRatioHard', 0.01, 1],
  ['risk.fundingRateHardStopThreshold', 0.0001, 0.1],
  ['risk.cancelBudgetBreachesMax', 1, 100],
  ['risk.cancelBudgetWindowS', 60, 86_400],
  ['risk.orderRejectsPerMinuteMax', 1, 600],
  ['risk.positionDriftPctMax', 0, 100],
  ['risk.ladderDwellS', 0, 86_400],
  ['risk.protectiveStopLossPct', 0.1, 50],
  ['risk.fillDeviationBpsMax', 1, 5_000],
  ['hedgeInventoryRatio', 0, 1],
  ['leverageMax', 1, 125],
  ['deadmanS', 3, 600],
])('%s', (path, least, most) => {
  // Limits that may not exceed each other, each out of the other's way.
  const apart: Fields =
    path === 'risk.drawdownSoftPct' || path === 'risk.marginRatioSoft'
      ? { 'risk.drawdownHardPct': 100, 'risk.marginRatioHard': 1 }
      : { 'risk.drawdownSoftPct': 0.1, 'risk.marginRatioSoft': 0.01 };

  test(`is taken from ${least} to ${most}`, () => {
    for (const bound of [least, most]) expect(faults(withFields(FILE, { ...apart, [path]: bound }))).toBe('');
  });

  test('is refused one step beyond, with its path and the value', () => {
    const outside = [least - step(least), most + step(most)];
    for (const value of outside) {
      // A limit that has to fit it may be told after it.
      const [told] = faults(withFields(FILE, { ...apart, [path]: value })).split('\n');
      expect(told).toMatch(new RegExp(`^${path.replace('.', '\\.')}: .*, was ${value}$`));
    }
  });
});

test.each([
  ['role', ['market_maker', 'directional', 'hedge', 'canary'], ['', 'maker']],
  ['mode', ['live', 'paper_only', 'disabled'], ['', 'paper']],
  ['positionMode', ['one_way', 'hedge'], ['', 'oneway']],
  ['marginMode', ['crossed', 'isolated'], ['', 'cross']],
  ['symbol', ['AB', 'BTCUSDT', '1000PEPEUSDT', 'A'.repeat(32)], ['', 'A', 'btcusdt', 'BTC/USDT', 'aBTCUSDT', 'BTCUSDTa', 'A'.repeat(33)]], // prettier-ignore
  ['policyVersion', ['1', '2024-08.a', 'a'.repeat(32)], ['', 'V1', 'a1A', 'one two', 'a'.repeat(33)]],
  ['version', [1], [0, 2, '1']],
] as const)('%s takes its own words and no others', (path, taken, refused) => {
  for (const value of taken) expect([value, faults(withFields(FILE, { [path]: value }))]).toEqual([value, '']);
  for (const value of refused) expect(faults(withFields(FILE, { [path]: value }))).toMatch(new RegExp(`^${path}: `));
});

test('a field that nobody knows is refused, wherever it stands', () => {
  for (const path of ['colour', 'risk.colour', 'strategy.colour'])
    expect(faults(withFields(FILE, { [path]: 'red' }))).toContain(`${path}: unknown key, was "red"`);
});

test('what a file leaves out is what this page says', () => {
  const { risk, ...config } = BotConfig.parse(FILE);
  expect(config).toEqual({
    ...FILE,
    risk: undefined,
    positionMode: 'one_way',
    hedgeInventoryRatio: 0,
    marginMode: 'crossed',
    leverageMax: 20,
    startupPositionSync: true,
    deadmanS: 15,
  });
  expect(risk).toEqual({
    ...(FILE['risk'] as Fields),
    bookTopSameMsMax: 30_000,
    drawdownSoftPct: 5,
    eventsUnstoredMsMax: 300_000,
    drawdownHardPct: 10,
    marginRatioSoft: 0.5,
    marginRatioHard: 0.8,
    fundingRateHardStopThreshold: 0.003,
    cancelBudgetBreachesMax: 3,
    cancelBudgetWindowS: 3_600,
    orderRejectsPerMinuteMax: 10,
    positionDriftPctMax: 5,
    ladderDwellS: 60,
    protectiveStopEnabled: false,
    protectiveStopLossPct: 5,
    fillDeviationBpsMax: 100,
  });
});

describe('fields that have to fit each other', () => {
  test.each([
    ['an order as large as the largest', { 'strategy.orderQuote': '300' }, ''],
    [
      'an order larger than the largest',
      { 'strategy.orderQuote': '300.01' },
      'strategy.orderQuote: expected at most risk.orderQuoteMax (300), was "300.01"',
    ],
    ['an order as large as the exposure', { 'risk.exposureQuoteMax': '300' }, ''],
    [
      'an order larger than the exposure',
      { 'risk.exposureQuoteMax': '299' },
      'risk.orderQuoteMax: expected at most risk.exposureQuoteMax (299), was "300"',
    ],
    ['a pause where it stops for good', { 'risk.drawdownSoftPct': 10, 'risk.marginRatioSoft': 0.8 }, ''],
    [
      'a pause by drawdown beyond the stop',
      { 'risk.drawdownSoftPct': 10.5 },
      'risk.drawdownSoftPct: expected at most drawdownHardPct (10), was 10.5',
    ],
    [
      'a pause by margin beyond the stop',
      { 'risk.marginRatioSoft': 0.81 },
      'risk.marginRatioSoft: expected at most marginRatioHard (0.8), was 0.81',
    ],
    [
      'no read at the start of a live bot',
      { startupPositionSync: false },
      'startupPositionSync: expected true in mode live, was false',
    ],
    ['no read at the start of one on paper', { startupPositionSync: false, mode: 'paper_only' }, ''],
  ])('%s', (_name, changes, told) => {
    expect(faults(withFields(FILE, changes))).toBe(told);
  });

  test('every level of a market maker stays within the largest order', () => {
    expect(faults(makerFile({ orderQuote: '75', levels: 2, levelSizeFactor: 4 }))).toBe('');
    expect(faults(makerFile({ orderQuote: '75.01', levels: 2, levelSizeFactor: 4 }))).toBe(
      'strategy.size.orderQuote: expected at most risk.orderQuoteMax (300) on every level, was "75.01"',
    );
    expect(faults(makerFile({ orderQuote: '301' }))).toBe(
      'strategy.size.orderQuote: expected at most risk.orderQuoteMax (300), was "301"',
    );
  });

  test('levels on both sides of a market maker are no more than the orders it may have', () => {
    expect(faults(makerFile({ levels: 2 }))).toBe('');
    expect(faults(makerFile({ levels: 3 }))).toBe(
      'strategy.size.levels: expected at most half of risk.ordersActiveMax (4), was 3',
    );
    expect(faults(withFields(FILE, { 'risk.ordersActiveMax': 1 }))).toBe('');
  });

  test('the fast average of a market maker is faster than its slow one', () => {
    const averages = (emaFastBars: number, emaSlowBars: number): string =>
      faults(makerFile({}, { 'strategy.regime': { emaFastBars, emaSlowBars } }));
    expect(averages(20, 21)).toBe('');
    expect(averages(21, 21)).toBe('strategy.regime.emaFastBars: expected less than emaSlowBars (21), was 21');
  });
});

describe('what a bot quotes on one side', () => {
  test('is one order of the plain strategy', () => {
    expect(quoteSizes(botConfig())).toEqual({ largest: 250, side: 250, levels: 1 });
  });

  test.each([
    ['the same on each level', { levels: 2 }, { largest: 100, side: 200, levels: 2 }],
    ['growing away from the market', { levels: 2, levelSizeFactor: 2 }, { largest: 200, side: 300, levels: 2 }],
    ['shrinking away from it', { levels: 2, levelSizeFactor: 0.5 }, { largest: 100, side: 150, levels: 2 }],
  ])('of the market maker: %s', (_name, size, sizes) => {
    expect(quoteSizes(BotConfig.parse(makerFile(size)))).toEqual(sizes);
  });
});
