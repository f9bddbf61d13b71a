import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { formatScaled, parseScaled } from '../../../core/money/decimal.ts';
import { createGrid, formatSteps, toSteps } from '../../../core/money/grid.ts';

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

describe('a text on a grid', () => {
  const steps = (step: string, text: unknown): number => toSteps(text, createGrid(parseScaled(step, 12)));

  test.each([
    ['0.1', '96000.1', 960_001],
    ['0.1', '96000', 960_000],
    ['0.1', '0096000.100', 960_001],
    ['0.1', '0', 0],
    ['0.5', '96000.5', 192_001],
    ['25', '100', 4],
    ['1000', '12000', 12],
    ['0.000000000001', '0.000000000009', 9],
    ['1', '9007199254740991', Number.MAX_SAFE_INTEGER],
    ['0.1', '900719925474099.1', Number.MAX_SAFE_INTEGER],
    ['0.1', '900719925474099.1000', Number.MAX_SAFE_INTEGER],
  ])('of %s: %s is %d', (step, text, whole) => expect(steps(step, text)).toBe(whole));

  test.each([
    ['between two steps', '0.1', '96000.15'],
    ['between two wider ones', '0.5', '96000.1'],
    ['between two whole ones', '25', '110'],
    ['with a sign', '0.1', '-1'],
    ['with a plus', '0.1', '+1'],
    ['that begins with its point', '0.1', '.5'],
    ['that ends with it', '0.1', '5.'],
    ['of a point alone', '0.1', '.'],
    ['with two of them', '0.1', '1.2.3'],
    ['with two of them and nothing to say', '0.1', '1.2.0'],
    ['of no digit', '0.1', ''],
    ['with an exponent', '0.1', '1e3'],
    ['with a blank', '0.1', ' 1'],
    ['with what stands beside the digits', '0.1', '1/0'],
    ['with what stands behind the digits', '0.1', '1:0'],
    ['that is a number', '0.1', 5],
    ['that is none', '0.1', null],
    ['a step beyond what is exact', '1', '9007199254740992'],
    ['that its decimals take beyond it', '0.1', '900719925474100'],
  ])('%s is refused: of %s, %j', (_name, step, text) => expect(steps(step, text)).toBe(-1));

  test('a decimal text is its whole number of steps, exactly', () => {
    const step = fc.tuple(fc.constantFrom(1n, 2n, 5n, 10n, 25n, 50n), fc.integer({ min: 0, max: 8 }));
    fc.assert(
      fc.property(
        step,
        fc.bigInt({ min: 0n, max: 900_000_000n }),
        fc.integer({ min: 0, max: 3 }),
        ([unit, place], steps, zeros) => {
          const stepE12 = unit * 10n ** BigInt(12 - place);
          const digits = (steps * unit).toString().padStart(place + 1, '0');
          const whole = digits.slice(0, digits.length - place);
          const text = place === 0 ? whole : `${whole}.${digits.slice(digits.length - place)}${'0'.repeat(zeros)}`;
          expect(toSteps(text, createGrid(stepE12))).toBe(Number(steps));
        },
      ),
    );
  });

  test('any text is its exact value or refused', () => {
    const grid = createGrid(500_000_000_000n);
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9]{0,18}\.?[0-9]{0,14}$/), (text) => {
        const steps = toSteps(text, grid);
        const match = /^(\d+)(?:\.(\d+))?$/.exec(text);
        const value = match === null ? null : BigInt(match[1]! + (match[2] ?? '').padEnd(14, '0'));
        const exact = value !== null && value % (5n * 10n ** 13n) === 0n ? value / (5n * 10n ** 13n) : null;
        expect(steps === -1 ? null : BigInt(steps)).toBe(
          exact !== null && exact * 5n <= BigInt(Number.MAX_SAFE_INTEGER) ? exact : null,
        );
      }),
    );
  });
});
