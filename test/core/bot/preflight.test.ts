import { describe, expect, test } from '@jest/globals';
import { flatHoldings } from '../../../core/accounting/holdings.ts';
import { faultLine } from '../../../core/faults.ts';
import { judgePreflight, type PreflightFacts } from '../../../core/bot/preflight.ts';
import type { SignedLots } from '../../../core/money/money.ts';
import { botConfig, BTC } from '../../support/bots.ts';

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
