/** Instants as people type them, and numbers and times as they read them. */
import { describe, expect, test } from '@jest/globals';
import { CommandFailure } from '../../cli/exit-codes.ts';
import { parseInstant } from '../../cli/why/instant.ts';
import { parseOrderId } from '../../cli/why/journals.ts';
import {
  clock,
  duration,
  explainedParts,
  explainedTable,
  figure,
  signed,
  significant,
  WIDTH,
} from '../../cli/why/words.ts';
import { BotName } from '../../core/names.ts';
import { clientOrderId, orderTag } from '../../core/orders/client-order-id.ts';

const NOW = Date.parse('2026-11-22T03:30:00.000Z');

describe('an instant', () => {
  test.each([
    ['03:12', '2026-11-22T03:12:00.000Z'],
    ['03:12:05.5', '2026-11-22T03:12:05.500Z'],
    ['03:30', '2026-11-22T03:30:00.000Z'],
    // Of a time of day the last one there was.
    ['03:31', '2026-11-21T03:31:00.000Z'],
    ['2026-11-22T03:12:05Z', '2026-11-22T03:12:05.000Z'],
    ['2026-11-22 03:12', '2026-11-22T03:12:00.000Z'],
    ['2026-11-22T05:12+02:00', '2026-11-22T03:12:00.000Z'],
    ['2026-11-22', '2026-11-22T00:00:00.000Z'],
    ['-5m', '2026-11-22T03:25:00.000Z'],
    ['-90s', '2026-11-22T03:28:30.000Z'],
    ['-1.5h', '2026-11-22T02:00:00.000Z'],
    ['-2d', '2026-11-20T03:30:00.000Z'],
    ['-250ms', '2026-11-22T03:29:59.750Z'],
  ])('%s is %s', (text, iso) => expect(new Date(parseInstant(text, '--at', NOW)).toISOString()).toBe(iso));

  test.each([
    '',
    'now',
    '24:01',
    '03:60',
    '3:12',
    '2026-02-30',
    '2026-13-01',
    '2026-11-22T25:00',
    '5m',
    '-5',
    '-5w',
    '1795318200000',
  ])('%j is none', (text) => expect(() => parseInstant(text, '--at', NOW)).toThrow(CommandFailure));

  test.each(['2026-11-22T03:30:00.001Z', '2026-11-23'])('%s has not been yet', (text) =>
    expect(() => parseInstant(text, '--to', NOW)).toThrow('--to: expected a time that has been'),
  );
});

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [1_000, '1.0 s'],
  [59_949, '59.9 s'],
  [59_950, '1 min'],
  [61_000, '1 min 1 s'],
  [3_599_499, '59 min 59 s'],
  [3_600_000, '1 h'],
  [86_340_000, '23 h 59 min'],
  [86_400_000, '1 d'],
  [180_000_000, '2 d 2 h'],
])('%d ms are %s', (ms, text) => expect(duration(ms)).toBe(text));

test('a time of another day carries its day', () => {
  expect(clock(NOW, NOW)).toBe('03:30:00.000');
  expect(clock(NOW, NOW - 4 * 3_600_000)).toBe('11-22 03:30:00.000');
});

test.each([
  [figure(1.005, 2), '1'],
  [figure(-0.001), '0'],
  [figure(1_500), '1500'],
  [figure(100), '100'],
  [signed(0.304), '+0.3'],
  [signed(-2), '-2'],
  [signed(0.001), '0'],
  [significant(0.0012344), '0.001234'],
  [significant(12.3456), '12.35'],
  [significant(60_070.75), '60070.75'],
  [significant(0), '0'],
  [significant(NaN), 'NaN'],
])('%s', (text, expected) => expect(text).toBe(expected));

test('what a strategy explains has its units, and not what stands elsewhere', () => {
  const explained = {
    mid: 1,
    floorBps: 4.9934,
    edgeBidBpsMin: 0.125,
    spreadAgeS: 3,
    isWarm: true,
    regime: 'up',
    rsi: null,
  };
  expect(explainedParts(explained)).toEqual(['floor 4.993 bps', 'edge bid min 0.125 bps', 'spread age 3 s', 'warm yes', 'regime up', 'rsi –']); // prettier-ignore
  const lines = explainedTable('strategy', explained);
  expect(lines.length).toBe(2);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(WIDTH);
});

test.each(['bot1', 'a', 'market-maker-btc-usdt-on-two-1', 'x'.repeat(32)])(
  'an order of %s is known by its id',
  (name) => {
    const tag = orderTag(BotName.parse(name));
    const id = clientOrderId(tag, 1_795_318_200, 4_711);
    expect(parseOrderId(id)).toEqual({ tag, epoch: 1_795_318_200, intentNumber: 4_711 });
  },
);

test.each(['bot1', 'bot1_', 'bot1_7', 'Bot1_7-1', '1234567890', 'bot1_7-1-2'])('%s is no id of an order', (text) =>
  expect(parseOrderId(text)).toBeNull(),
);

test('a value that is wider than its column is still kept apart from its name', () => {
  const [line = ''] = explainedTable('strategy', { withheldSide: 'spread_floor_above_market_and_more' });
  expect(line).toContain('withheld side spread_floor_above_market_and_more');
});

test('fractions are told in percent, and average true ranges by their unit', () =>
  expect(explainedParts({ fullness: 0.25, fundingRate: 0.0001, trendAtr: 0.2 })).toEqual([
    'fullness 25 %',
    'funding rate 0.01 %',
    'trend 0.2 ATR',
  ]));
