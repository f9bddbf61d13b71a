import { describe, expect, test } from '@jest/globals';
import { flatHoldings } from '../../../core/accounting/holdings.ts';
import { faultLine } from '../../../core/faults.ts';
import { judgePreflight, type PreflightFacts } from '../../../core/bot/preflight.ts';
import type { SignedLots } from '../../../core/money/money.ts';
import { botConfig, BTC } from '../../support/bots.ts';
import { makerParams } from '../market-maker/maker-harness.ts';

const FACTS: PreflightFacts = {
  instrument: BTC,
  price: 60_000,
  settings: { positionMode: 'one_way', marginMode: 'crossed', leverage: '20' },
  holdings: flatHoldings(),
};

const say = (config: Record<string, unknown>, facts: Partial<PreflightFacts> = {}): string =>
  judgePreflight(botConfig(config), { ...FACTS, ...facts })
    .map(faultLine)
    .join('\n');

describe('preflight', () => {
  test('what fits is not spoken of', () => {
    expect(say({})).toBe('');
  });

  test('an order below the smallest quantity or notional names the amount that would do', () => {
    const strategy = { ...botConfig().strategy, orderQuote: '59' };
    expect(say({ strategy })).toBe(
      'strategy.orderQuote: expected at least 60.00 USDT: the contract takes no less than 0.001 and 5 USDT, was 59',
    );
    // One lot at a low price is worth less than the smallest notional.
    expect(say({ strategy: { ...strategy, orderQuote: '4.99' } }, { price: 100 })).toMatch(
      /^strategy.orderQuote: expected at least 5.00 USDT/,
    );
  });

  test('a half spread below one price step is refused', () => {
    const strategy = { ...botConfig().strategy, halfSpreadBps: 2 };
    expect(say({ strategy }, { price: 200 })).toMatch(
      /halfSpreadBps: expected at least one price step of the contract, 5.00 bps, was 2/,
    );
  });

  test('a position limit below the smallest order leaves nothing to trade', () => {
    const strategy = { ...botConfig().strategy, inventoryQuoteMax: '59.9' };
    expect(say({ strategy })).toBe(
      'strategy.inventoryQuoteMax: expected at least one smallest order, 60.00 USDT, was 59.9',
    );
  });

  describe('of a market maker', () => {
    const maker = (size: Record<string, unknown>): Record<string, unknown> => ({
      strategy: makerParams({ size: { orderQuote: '150', ...size } }),
      risk: { ...botConfig().risk, ordersActiveMax: 10 },
    });

    test.each([
      ['what fits is not spoken of', {}, ''],
      [
        'the first level',
        { orderQuote: '59' },
        /^strategy\.size\.orderQuote: expected at least 60\.00 USDT: .*, was 59$/,
      ],
      [
        'the position limit',
        { inventoryQuoteMax: '59' },
        /^strategy\.size\.inventoryQuoteMax: .* 60\.00 USDT, was 59$/,
      ],
      ['levels that grow', { levels: 3, levelSizeFactor: 1.2 }, ''],
      [
        'levels that shrink below an order',
        { levels: 3, levelSizeFactor: 0.6 },
        'strategy.size.levelSizeFactor: expected the last level to be an order, too: at least 60.00 USDT, and 54.00 follow, was 0.6',
      ],
      ['... but not ones that are never reached', { levels: 2, levelSizeFactor: 0.6 }, ''],
    ] as [string, Record<string, unknown>, string | RegExp][])('%s', (_name, size, said) => {
      if (typeof said === 'string') expect(say(maker(size))).toBe(said);
      else expect(say(maker(size))).toMatch(said);
    });

    test('levels closer together than a price step are one level', () => {
      const size = { levels: 2, levelSpacingBps: 2, orderQuote: '150', inventoryQuoteMax: '1200' };
      expect(say(maker(size), { price: 200 })).toBe(
        'strategy.size.levelSpacingBps: expected at least one price step of the contract, 5.00 bps, was 2',
      );
      expect(say(maker({ ...size, levels: 1 }), { price: 200 })).toBe('');
    });
  });

  test.each([
    [75, ''],
    [
      74.99,
      'risk.exposureQuoteMax: expected at most leverageMax (20) times the equity of the account, 1499.80 USDT, was 1500',
    ],
    [
      0,
      'risk.exposureQuoteMax: expected at most leverageMax (20) times the equity of the account, 0.00 USDT, was 1500',
    ],
    [null, ''],
  ])('an equity of %p bears an exposure of 1500 at most 20 times: %p', (equity, said) => {
    expect(say({}, { equity })).toBe(said);
  });

  test('an equity that is no number bears nothing', () => {
    expect(say({}, { equity: NaN })).toMatch(/^risk\.exposureQuoteMax: /);
  });

  test('mode, margin and leverage of the account are held against the configuration, all at once', () => {
    const settings = { positionMode: 'hedge', marginMode: 'isolated', leverage: '50' } as const;
    expect(say({}, { settings }).split('\n')).toEqual([
      'account.positionMode: expected one_way, as configured, was hedge',
      'account.marginMode: expected crossed, as configured, was isolated',
      'account.leverage: expected at most leverageMax (20), was 50',
    ]);
  });

  test('a position of the other mode has to be closed first', () => {
    const holdings = flatHoldings();
    holdings.net.qty = 5 as SignedLots;
    const settings = { ...FACTS.settings, positionMode: 'hedge' } as const;
    expect(say({ positionMode: 'hedge' }, { settings, holdings })).toMatch(/^positionMode: expected the mode in which/);
  });

  test.each([0, -1, NaN, Infinity])('a price of %d says so and nothing else', (price) => {
    expect(say({}, { price })).toBe(`contract.price: expected a price above 0, was ${price}`);
  });
});
