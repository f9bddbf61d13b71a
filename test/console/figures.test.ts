import { botConfig } from '../support/bots.ts';
import { expect, test } from '@jest/globals';
import { figuresOf, targetBaseRatio } from '../../console/figures.ts';
import type { BotSnapshot } from '../../console/stored.ts';

const SNAPSHOT: BotSnapshot = {
  symbol: 'BTCUSDT',
  phase: 'running',
  reason: 'quoted',
  equity: '10000',
  equityPeak: '10000',
  equityDayStart: '10000',
  position: '0',
  positionQuote: 0,
  entryPrice: null,
  mid: '60000.05',
  bookAgeMs: 20,
  realised: '0',
  unrealised: '0',
  fees: '0',
  fills: 0,
  lastFillAtMs: null,
  ordersActive: 2,
  ordersUnknown: 0,
  cancelsLastMinute: 4,
  supervisorAgeMs: 400,
};

test.each([
  [
    'a day in profit has no loss',
    { equity: '10100', equityPeak: '10100' },
    { dayPnlQuote: 100, dayPnlRatio: 0.01, dailyLossRatio: 0, drawdownRatio: 0 },
  ],
  [
    'a day in loss',
    { equity: '9900' },
    { dayPnlQuote: -100, dayPnlRatio: -0.01, dailyLossRatio: 0.01, drawdownRatio: 0.01 },
  ],
  [
    'a drawdown within a day in profit',
    { equity: '10000', equityPeak: '12500', equityDayStart: '8000' },
    { dayPnlQuote: 2_000, dailyLossRatio: 0, drawdownRatio: 0.2 },
  ],
  ['long', { position: '0.05', positionQuote: 2_500 }, { baseRatio: 0.25 }],
  ['short is negative', { position: '-0.05', positionQuote: -2_500 }, { baseRatio: -0.25 }],
  ['flat without a book is still flat', { mid: null }, { baseRatio: 0 }],
  ['a position without a mid has no value', { position: '0.05', mid: null }, { baseRatio: null }],
  ['all is lost', { equity: '0' }, { equityQuote: 0, baseRatio: null, dailyLossRatio: 1, drawdownRatio: 1 }],
  ['a day without a start', { equityDayStart: '0' }, { dayPnlQuote: null, dayPnlRatio: null, dailyLossRatio: null }],
])('%s', (_name, changes, figures) => {
  expect(figuresOf({ ...SNAPSHOT, ...changes })).toMatchObject(figures);
});

test('before its first balance a bot has no figures at all', () => {
  const figures = figuresOf({ ...SNAPSHOT, equity: '0', equityPeak: '0', equityDayStart: '0', phase: 'starting' });
  expect(Object.values(figures)).toEqual(Object.values(figures).map(() => null));
});

test('no figure is a minus zero', () => {
  for (const value of Object.values(figuresOf({ ...SNAPSHOT, positionQuote: -0 })))
    expect(Object.is(value, -0)).toBe(false);
});

test('a strategy steers its position to a share of equity, which is not known without equity', () => {
  expect(targetBaseRatio(botConfig().strategy, 10_000)).toBe(0);
  const size = { orderQuote: '100', inventoryQuoteMax: '1000', skewBps: 2, targetBaseRatio: -0.5 };
  const spread = { minNetEdgeBps: 0.5, atrFactor: 0.5, adverseSelectionBps: 0.5 };
  const strategy = { name: 'epp_v2_4', size, spread, requoteBps: 0.5, requoteMsMin: 500 };
  const maker = botConfig({ strategy }).strategy;
  expect(targetBaseRatio(maker, 10_000)).toBe(-0.05);
  expect(targetBaseRatio(maker, null)).toBe(null);
});
