import { expect, test } from '@jest/globals';
import { assertNever, invariant, InvariantError } from '../../core/invariant.ts';

test('a rule that holds says nothing, one that is broken is our fault and is named', () => {
  expect(() => invariant(true, 'two and two are four')).not.toThrow();
  const broken = (): void => invariant(false, 'two and two are four');
  expect(broken).toThrow(InvariantError);
  expect(broken).toThrow('two and two are four');
  expect(broken).toThrow(expect.objectContaining({ name: 'InvariantError' }));
});

test('a case that nobody handled is told with its value', () => {
  const strange = { type: 'strange' } as never;
  expect(() => assertNever(strange)).toThrow(InvariantError);
  expect(() => assertNever(strange)).toThrow('unhandled case: {"type":"strange"}');
});
