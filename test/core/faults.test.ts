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

test.each<[string, z.ZodType, unknown, string]>([
  ['a number', z.number(), 'x', 'expected a number, was "x"'],
  ['no number at all', z.number(), undefined, 'expected a number, was missing'],
  ['a whole number', z.int(), 1.5, 'expected a whole number, was 1.5'],
  ['a text', z.string(), 1, 'expected a text, was 1'],
  ['a choice of two', z.boolean(), 'yes', 'expected true or false, was "yes"'],
  ['a list', z.array(z.string()), 1, 'expected a list, was 1'],
  ['fields', z.object({}), 1, 'expected a group of fields, was 1'],
  ['a least', z.number().min(3), 1, 'expected at least 3, was 1'],
  ['a least that is none of it', z.number().positive(), 0, 'expected more than 0, was 0'],
  ['a most', z.number().max(3), 4, 'expected at most 3, was 4'],
  ['a most that is none of it', z.number().lt(3), 3, 'expected less than 3, was 3'],
  ['a length', z.string().min(2), 'a', 'expected at least 2 characters, was "a"'],
  ['entries', z.array(z.number()).min(1), [], 'expected at least 1 entries, was []'],
  ['one of some', z.enum(['live', 'demo']), 'real', 'expected one of live, demo, was "real"'],
  ['one value', z.literal(1), 2, 'expected 1, was 2'],
  ['a form', z.string().regex(/^a$/), 'b', 'expected text that matches /^a$/, was "b"'],
  ['a multiple', z.number().multipleOf(5), 3, 'expected a multiple of 5, was 3'],
  ['either', z.union([z.string(), z.number()]), true, 'expected a text, or a number, was true'],
  ['words of its own', z.string('expected a name'), 1, 'expected a name, was 1'],
])('a rule is told in our own words: %s', (_name, rule, value, line) => {
  const raw = value === undefined ? {} : { at: value };
  expect(describeFaults(z.object({ at: rule }).safeParse(raw).error!, raw)).toBe(`at: ${line}`);
});

test('one of several kinds names the kinds, and an unknown key is told where it stands', () => {
  const Kinds = z.object({
    is: z.discriminatedUnion('name', [
      z.strictObject({ name: z.literal('p') }),
      z.strictObject({ name: z.literal('q') }),
    ]),
  });
  const told = (raw: unknown): string => describeFaults(Kinds.safeParse(raw).error!, raw);
  expect(told({ is: { name: 'r' } })).toBe('is.name: expected one of p, q, was "r"');
  expect(told({ is: { name: 'p', colour: 'red', size: 1 } })).toBe(
    'is.colour: unknown key, was "red"\nis.size: unknown key, was 1',
  );
});
