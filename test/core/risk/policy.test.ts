import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  createRiskPolicy,
  estimateMarginRatio,
  type MarginRead,
  type PolicyFacts,
  type PolicyLimits,
  type RiskFinding,
  type RuleName,
} from '../../../core/risk/policy.ts';
import { botConfig } from '../../support/bots.ts';

const LIMITS: PolicyLimits = { ...botConfig().risk, leverageMax: 20 };
const FACTS: PolicyFacts = {
  equity: 10_000,
  equityPeak: 10_000,
  dayLossQuoteMax: 0,
  grossQuote: 0,
  marginRatio: null,
  fundingRate: 0,
  positionDriftPct: 0,
  orderRejectsLastMinute: 0,
  cancelBreaches: 0,
};

function judged(
  facts: Partial<PolicyFacts>,
  standing: RuleName[] = [],
  limits: Partial<PolicyLimits> = {},
): RiskFinding | null {
  return createRiskPolicy({ ...LIMITS, ...limits }).judge({ ...FACTS, ...facts }, standing);
}

const asText = (finding: RiskFinding | null): string =>
  finding === null ? 'none' : `${finding.level} ${finding.code}`;

test.each([
  ['all is well', {}, 'none'],
  ['a loss just below the limit', { dayLossQuoteMax: 199.99 }, 'none'],
  ["the day's loss", { dayLossQuoteMax: 200 }, 'soft_pause daily_loss_reached'],
  ['a small drawdown', { equity: 9_500.01 }, 'none'],
  ['a drawdown', { equity: 9_500 }, 'soft_pause drawdown_reached'],
  ['a deep one', { equity: 9_000 }, 'hard_stop drawdown_reached'],
  ['all gone', { equity: 0 }, 'hard_stop drawdown_reached'],
  ['more than all gone', { equity: -1 }, 'hard_stop drawdown_reached'],
  ['an account that never had anything', { equity: 0, equityPeak: 0 }, 'none'],
  ['margin', { marginRatio: 0.5 }, 'soft_pause margin_ratio_high'],
  ['margin just below', { marginRatio: 0.499 }, 'none'],
  ['margin, hard', { marginRatio: 0.8 }, 'hard_stop margin_ratio_high'],
  ['funding that longs pay', { fundingRate: 0.003 }, 'soft_pause funding_rate_high'],
  ['funding that shorts pay', { fundingRate: -0.003 }, 'soft_pause funding_rate_high'],
  ['usual funding', { fundingRate: 0.0029 }, 'none'],
  ['cancel budgets', { cancelBreaches: 2 }, 'none'],
  ['one too many', { cancelBreaches: 3 }, 'hard_stop cancel_budget_used'],
  ['rejects', { orderRejectsLastMinute: 9 }, 'none'],
  ['too many rejects', { orderRejectsLastMinute: 10 }, 'soft_pause order_rejects'],
  ['drift that is allowed', { positionDriftPct: 5 }, 'none'],
  ['drift', { positionDriftPct: 5.01 }, 'soft_pause position_drift'],
  ['leverage that is allowed', { grossQuote: 200_000 }, 'none'],
  ['leverage', { grossQuote: 200_001 }, 'reduce_exposure leverage_high'],
  ['something held with nothing', { equity: 0, equityPeak: 0, grossQuote: 1 }, 'soft_pause leverage_high'],
  ['something held with a debt', { equity: -1, equityPeak: 0, grossQuote: 1 }, 'soft_pause leverage_high'],
  ['the worst of several', { grossQuote: 300_000, fundingRate: 1, marginRatio: 0.9 }, 'hard_stop margin_ratio_high'],
  ['unknown equity and margin', { equity: null, equityPeak: null, grossQuote: null }, 'none'],
] as const)('%s', (_name, facts, expected) => expect(asText(judged(facts))).toBe(expected));

test('no drift at all is wanted: any pauses, none does not', () => {
  expect(judged({ positionDriftPct: 0 }, [], { positionDriftPctMax: 0 })).toBeNull();
  expect(judged({ positionDriftPct: 0.1 }, [], { positionDriftPctMax: 0 })?.code).toBe('position_drift');
  expect(judged({ positionDriftPct: 0 }, ['drift'], { positionDriftPctMax: 0 })).toBeNull();
});

test('a finding names what was measured and the limit it broke', () => {
  expect(judged({ equity: 9_400 })).toEqual({ level: 'soft_pause', code: 'drawdown_reached', measured: 6, limit: 5 });
});

describe('a finding stands until its measure is below 90 % of the limit', () => {
  test.each([
    ['drawdown_soft', (share: number) => ({ equity: 10_000 - 500 * share })],
    ['margin_soft', (share: number) => ({ marginRatio: 0.5 * share })],
    ['funding', (share: number) => ({ fundingRate: -0.003 * share })],
    ['drift', (share: number) => ({ positionDriftPct: 5 * share })],
    ['leverage', (share: number) => ({ grossQuote: 200_000 * share })],
    ['daily_loss', (share: number) => ({ dayLossQuoteMax: 200 * share })],
    ['rejects', (share: number) => ({ orderRejectsLastMinute: 10 * share })],
  ] as const)('%s', (name, at) => {
    const standing: RuleName[] = [];
    expect(judged(at(0.95), standing)).toBeNull();
    expect(judged(at(1.01), standing)).not.toBeNull();
    expect(standing).toEqual([name]);
    expect(judged(at(0.91), standing)).not.toBeNull();
    expect(judged(at(0.89), standing)).toBeNull();
    expect(standing).toEqual([]);
    expect(judged(at(0.91), standing)).toBeNull();
  });

  test('what is not known any more neither ends one nor begins one', () => {
    const standing: RuleName[] = [];
    expect(judged({ equity: 9_400 }, standing)).not.toBeNull();
    expect(judged({ equity: null }, standing)).toMatchObject({ level: 'soft_pause', measured: null });
    expect(judged({ equity: 9_540 }, standing)).not.toBeNull();
    expect(judged({ equity: 9_560 }, standing)).toBeNull();
    expect(judged({ equity: null }, standing)).toBeNull();
  });

  test('no number pauses, and is no step towards the hard stop', () => {
    const standing: RuleName[] = [];
    expect(judged({ marginRatio: NaN }, standing)).toMatchObject({ level: 'soft_pause', code: 'margin_ratio_high' });
    expect(judged({ marginRatio: 0.75 }, standing)?.level).toBe('soft_pause');
  });
});

describe('a number that is none is a finding', () => {
  const none = fc.constantFrom(NaN, Infinity, -Infinity);
  test.each([
    'equity',
    'equityPeak',
    'dayLossQuoteMax',
    'marginRatio',
    'fundingRate',
    'positionDriftPct',
    'orderRejectsLastMinute',
    'cancelBreaches',
    'grossQuote',
  ] as const)('%s', (field) => {
    fc.assert(
      fc.property(none, (value) => {
        const finding = judged({ grossQuote: 1, [field]: value });
        expect(finding?.level).toBe('soft_pause');
        expect(finding?.measured).toBeNull();
      }),
    );
  });

  test.each([
    'drawdownSoftPct',
    'drawdownHardPct',
    'fundingRateHardStopThreshold',
    'orderRejectsPerMinuteMax',
    'leverageMax',
  ] as const)('limit %s', (field) => {
    fc.assert(fc.property(none, (value) => judged({}, [], { [field]: value })?.level === 'soft_pause'));
  });

  test('every finding can be written as JSON and read back, whatever is measured', () => {
    const any = fc.oneof(none, fc.double(), fc.constant(0));
    fc.assert(
      fc.property(
        fc.record({
          equity: fc.option(any),
          equityPeak: fc.option(any),
          dayLossQuoteMax: any,
          grossQuote: fc.option(any),
          marginRatio: fc.option(any),
          fundingRate: any,
          positionDriftPct: any,
          orderRejectsLastMinute: any,
          cancelBreaches: any,
        }),
        (facts) => {
          const finding = judged(facts);
          expect(JSON.parse(JSON.stringify(finding))).toEqual(finding);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('the margin between two reads', () => {
  const READ: MarginRead = { ratio: 0.2, maintenanceRatio: 0.004, equity: 1_000, grossQuote: 10_000 };
  test.each([
    ['nothing told', null, 10_000, 1_000, null],
    ['told of nothing', { ...READ, ratio: null, maintenanceRatio: null }, 10_000, 1_000, null],
    ['as told', READ, 10_000, 1_000, 0.2],
    ['half of the equity is gone', READ, 10_000, 500, 0.4],
    ['the position grew by half', READ, 15_000, 1_000, 0.22],
    ['all was closed: the margin of others stays', READ, 0, 1_000, 0.16],
    ['never below what the position needs', { ...READ, ratio: 0 }, 100_000, 1_000, 0.4],
    [
      'only the ratio was told: the margin grows with the position',
      { ...READ, maintenanceRatio: null },
      20_000,
      1_000,
      0.4,
    ],
    ['and does not shrink with it', { ...READ, maintenanceRatio: null }, 1, 1_000, 0.2],
    ['it was flat then', { ...READ, maintenanceRatio: null, grossQuote: 0 }, 5_000, 1_000, 0.2],
    ['only the maintenance ratio was told', { ...READ, ratio: null }, 100_000, 1_000, 0.4],
    ['nothing needs margin', { ...READ, ratio: 0 }, 0, 0, 0],
    ['no equity is left', READ, 10_000, 0, 100],
    ['less than none', READ, 10_000, -5, 100],
    ['no number', READ, 10_000, NaN, NaN],
    ['a position that is no number', READ, NaN, 1_000, NaN],
  ] as const)('%s', (_name, read, grossQuote, equity, ratio) => {
    const estimate = estimateMarginRatio(read, grossQuote, equity);
    if (ratio === null || Number.isNaN(ratio)) expect(estimate).toBe(ratio);
    else expect(estimate).toBeCloseTo(ratio, 12);
  });

  test('more position or less equity never lowers it', () => {
    const amount = fc.double({ min: 0.001, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(
        fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
        fc.option(fc.double({ min: 0, max: 0.1, noNaN: true })),
        amount,
        amount,
        amount,
        amount,
        (ratio, maintenanceRatio, grossThen, gross, equity, change) => {
          const read = { ratio, maintenanceRatio, equity: 1_000, grossQuote: grossThen };
          const before = estimateMarginRatio(read, gross, equity) ?? 0;
          expect(estimateMarginRatio(read, gross + change, equity) ?? 0).toBeGreaterThanOrEqual(before);
          expect(estimateMarginRatio(read, gross, equity - change) ?? 0).toBeGreaterThanOrEqual(before);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
