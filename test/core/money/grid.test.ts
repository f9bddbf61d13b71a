import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { formatScaled, parseScaled } from '../../../core/money/decimal.ts';
import { createGrid, formatSteps } from '../../../core/money/grid.ts';

const written = (step: string, steps: number): string => formatSteps(steps, createGrid(parseScaled(step, 12)));
/** The long way, without any double. */
const exact = (stepE12: bigint, steps: number): string => formatScaled(BigInt(steps) * stepE12, 12);

describe('so many steps of a grid', () => {
  test.each([
    ['0.1', 960_001, '96000.1'],
    ['0.1', 960_000, '96000'],
    ['0.05', 3, '0.15'],
    ['0.0001', -3, '-0.0003'],
    ['5', 7, '35'],
    ['25', -4, '-100'],
    ['1000', 12, '12000'],
    ['0.125', 3, '0.375'],
    ['0.1', 0, '0'],
    ['0.1', -0, '0'],
    // The last decimal that a double writes without an exponent, and the first one that it does not.
    ['0.000001', 1, '0.000001'],
    ['0.0000001', 1, '0.0000001'],
    ['0.000000000001', 1_234_567, '0.000001234567'],
    // The last number of units that every double tells from its neighbours, and those after it.
    ['0.01', 999_999_999_999_999, '9999999999999.99'],
    ['0.01', 1_000_000_000_000_001, '10000000000000.01'],
    ['0.03', 333_333_333_333_335, '10000000000000.05'],
    ['0.01', Number.MAX_SAFE_INTEGER, '90071992547409.91'],
  ])('of %s, %p of them, is %s', (step, steps, text) => expect(written(step, steps)).toBe(text));

  test('is the exact decimal, whatever the step', () => {
    const steps = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -10_000_000, max: 10_000_000 }));
    const stepE12 = fc.oneof(
      fc.bigInt(1n, 10n ** 15n),
      fc.tuple(fc.constantFrom(1n, 2n, 5n, 25n, 125n), fc.integer({ min: 0, max: 14 })).map(([digits, zeros]) => digits * 10n ** BigInt(zeros)),
    ); // prettier-ignore
    fc.assert(
      fc.property(stepE12, steps, (step, count) => {
        expect(formatSteps(count, createGrid(step))).toBe(exact(step, count));
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([0.5, Number.NaN, Infinity, -Infinity])('cannot be %p', (steps) => {
    expect(() => written('0.1', steps)).toThrow(RangeError);
    expect(() => written('2', steps)).toThrow(RangeError);
  });
});
