import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { InvariantError } from '../../../core/invariant.ts';
import {
  DecimalError,
  formatQuote,
  formatScaled,
  parseQuote,
  parseScaled,
  quoteToNumber,
} from '../../../core/money/decimal.ts';
import {
  addQuote,
  feeOn,
  notional,
  subtractQuote,
  ZERO_QUOTE,
  type PriceTicks,
  type QtyLots,
  type QuoteAmount,
} from '../../../core/money/money.ts';

describe('a decimal text', () => {
  test.each([
    ['0', 2, 0n],
    ['-0', 2, 0n],
    ['1', 0, 1n],
    ['1.5', 2, 150n],
    ['-1.5', 2, -150n],
    ['001.50', 2, 150n],
    ['1.2500000', 2, 125n],
    ['0.01', 2, 1n],
    ['1.000', 0, 1n],
    ['9'.repeat(24), 0, 10n ** 24n - 1n],
    [`0.${'0'.repeat(23)}1`, 24, 1n],
  ])('%s with %d decimals is %s', (text, decimals, value) => expect(parseScaled(text, decimals)).toBe(value));

  test.each(['', ' ', '.5', '5.', '+1', '1e3', '1,5', '--1', ' 1', '1 ', '1\n', '0x1', 'NaN', 'Infinity', '1.2.3', '9'.repeat(25), `0.${'1'.repeat(25)}`])(
    'is none: %j',
    (text) => {
      expect(() => parseScaled(text, 30)).toThrow(DecimalError);
      expect(() => parseScaled(text, 30)).toThrow(`"${text}" is not a plain decimal number`);
    },
  ); // prettier-ignore

  test('with more decimals than fit is refused, never cut', () => {
    expect(() => parseScaled('1.255', 2)).toThrow('"1.255" has more than 2 decimals');
    expect(() => parseScaled('0.0000000000001', 12)).toThrow(DecimalError);
    expect(() => parseScaled('1.5', 0)).toThrow(expect.objectContaining({ name: 'DecimalError' }));
  });

  test.each([
    [0n, 2, '0'],
    [150n, 2, '1.5'],
    [-150n, 2, '-1.5'],
    [5n, 2, '0.05'],
    [-5n, 2, '-0.05'],
    [100n, 2, '1'],
    [1_000n, 0, '1000'],
    [-1n, 0, '-1'],
  ])('of %s with %d decimals is %s, the shortest', (value, decimals, text) => {
    expect(formatScaled(value, decimals)).toBe(text);
  });

  test('and back is the same amount, whatever it is', () => {
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 30n), 10n ** 30n), fc.integer({ min: 7, max: 24 }), (value, decimals) => {
        expect(parseScaled(formatScaled(value, decimals), decimals)).toBe(value);
      }),
    );
  });
});

test('an amount of USDT is exact to 1e-12, as text and back', () => {
  expect(parseQuote('1')).toBe(1_000_000_000_000n);
  expect(formatQuote(parseQuote('-0.000000000001'))).toBe('-0.000000000001');
  expect(() => parseQuote('0.0000000000001')).toThrow(DecimalError);
  expect(quoteToNumber(parseQuote('-2.5'))).toBe(-2.5);
  expect(addQuote(parseQuote('0.1'), parseQuote('0.2'))).toBe(parseQuote('0.3'));
  expect(subtractQuote(parseQuote('0.3'), parseQuote('0.1'))).toBe(parseQuote('0.2'));
  expect(formatQuote(ZERO_QUOTE)).toBe('0');
});

describe('what an order is worth', () => {
  const VALUE = { quotePerTickLotE12: 100_000_000n };
  const worth = (price: number, qty: number): bigint => notional(price as PriceTicks, qty as QtyLots, VALUE);

  test('is price times quantity', () => {
    expect(worth(600_000, 3)).toBe(180_000_000_000_000n);
    expect(worth(1, 1)).toBe(100_000_000n);
    expect(worth(5, 0)).toBe(0n);
  });

  test.each([
    ['a price of nothing', 0, 1],
    ['a price below nothing', -1, 1],
    ['a signed quantity', 1, -1],
    ['half a lot', 1, 0.5],
    ['no number', NaN, 1],
    ['more than is exact', 2 ** 30, 2 ** 23],
  ])('is refused for %s', (_name, price, qty) => expect(() => worth(price, qty)).toThrow(InvariantError));
});

test.each([
  ['a cost that comes out even', 1_000_000n, 200n, 'up', 200n],
  ['a cost a little above', 1_000_001n, 200n, 'up', 201n],
  ['the least cost', 1n, 1n, 'up', 1n],
  ['no rate, no cost', 5n, 0n, 'up', 0n],
  ['a credit that comes out even', 1_000_000n, 200n, 'down', 200n],
  ['a credit a little above', 1_009_999n, 200n, 'down', 201n],
  ['the least credit', 1n, 1n, 'down', 0n],
] as const)('a fee errs against the desk: %s', (_name, amount, rateE6, rounding, fee) => {
  expect(feeOn(amount as QuoteAmount, rateE6, rounding)).toBe(fee);
});
