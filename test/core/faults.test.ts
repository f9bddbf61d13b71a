import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { describeFaults, faultLine, faultsOf, pathText, showValue } from '../../core/faults.ts';

const Limits = z.strictObject({
  limits: z.strictObject({ bots: z.array(z.strictObject({ leverageMax: z.int('expected a whole number') })) }),
});

function faults(raw: unknown) {
  return faultsOf(Limits.safeParse(raw).error!, raw);
}

test('a fault names its path, the rule and the value that stands there', () => {
  const raw = { limits: { bots: [{ leverageMax: 1 }, { leverageMax: 'two' }] } };
  expect(faults(raw)).toEqual([
    { path: 'limits.bots[1].leverageMax', rule: 'expected a whole number', value: '"two"' },
  ]);
  expect(faultLine(faults(raw)[0]!)).toBe('limits.bots[1].leverageMax: expected a whole number, was "two"');
});

test.each([
  ['a value that is not there', { limits: { bots: [{}] } }, 'limits.bots[0].leverageMax', 'missing'],
  ['a whole of the wrong kind', 7, '(whole)', '7'],
  ['nothing where a part should be', { limits: null }, 'limits', 'null'],
  ['nothing at all', null, '(whole)', 'null'],
])('%s', (_name, raw, path, value) => {
  expect(faults(raw)).toMatchObject([{ path, value }]);
});

test('all that is wrong is told, a line each', () => {
  const raw = { limits: { bots: [{ leverageMax: 1.5 }, {}] } };
  expect(describeFaults(Limits.safeParse(raw).error!, raw)).toBe(
    'limits.bots[0].leverageMax: expected a whole number, was 1.5\n' +
      'limits.bots[1].leverageMax: expected a whole number, was missing',
  );
});

test('a rule that finds fault with a part that is in nothing says that it is missing', () => {
  const Odd = z.unknown().superRefine((_value, context) => {
    context.addIssue({ code: 'custom', path: ['a', 'b'], message: 'expected both' });
  });
  for (const raw of [null, { a: null }, { a: 5 }, 'text']) {
    expect(faultsOf(Odd.safeParse(raw).error!, raw)).toEqual([
      { path: 'a.b', rule: 'expected both', value: 'missing' },
    ]);
  }
});

test.each([
  [{ a: [1] }, '{"a":[1]}'],
  [undefined, 'missing'],
  [() => 1, 'function'],
  ['x'.repeat(78), `"${'x'.repeat(78)}"`],
  ['x'.repeat(79), `"${'x'.repeat(79)}…`],
])('a value is shown on one short line: %#', (value, line) => expect(showValue(value)).toBe(line));

test.each([
  [[], ''],
  [['a', 0, 'b'], 'a[0].b'],
  [[3, 'a'], '[3].a'],
  [['a.b', 'c'], 'a.b.c'],
])('a path as text: %#', (path, text) => expect(pathText(path)).toBe(text));
