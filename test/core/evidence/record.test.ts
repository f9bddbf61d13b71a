import { describe, expect, test } from '@jest/globals';
import { jsonFault } from '../../../core/evidence/json.ts';
import { EvidenceDraft, EvidenceRecord, faultOf } from '../../../core/evidence/record.ts';
import { faultLine } from '../../../core/faults.ts';
import { chain, draft } from './builders.ts';

function refusal(changes: object): string | null {
  const fault = faultOf(EvidenceDraft, { ...draft(), ...changes });
  return fault === null ? null : faultLine(fault);
}

test('a draft is taken as it is', () => {
  const made = draft();
  const taken = EvidenceDraft.parse(made);
  expect(taken).toEqual(made);
  expect(taken.payload).toBe(made.payload);
});

describe('what is no evidence is refused with path, rule and value', () => {
  let deep: unknown = 1;
  for (let n = 0; n < 100_000; n += 1) deep = [deep];
  test.each<[string, object, string]>([
    ['NaN', { payload: { a: [1, { b: Number.NaN }] } }, 'payload.a[1].b: expected a finite number, was NaN'],
    ['Infinity', { payload: { a: Infinity } }, 'payload.a: expected a finite number, was Infinity'],
    ['-Infinity', { atMs: -Infinity }, 'atMs: expected a finite number, was -Infinity'],
    ['undefined', { payload: { a: undefined } }, 'payload.a: expected a JSON value, was undefined'],
    ['a hole', { payload: { a: [1, , 2] } }, 'payload.a[1]: expected a JSON value, was undefined'], // eslint-disable-line no-sparse-arrays
    ['bigint', { payload: { a: 1n } }, 'payload.a: expected a JSON value, was bigint'],
    ['a function', { payload: { toJSON: () => 1 } }, 'payload.toJSON: expected a JSON value, was function'],
    ['a date', { payload: { at: new Date(0) } }, 'payload.at: expected a plain object, was an instance'],
    ['a map', { payload: new Map() }, 'payload: expected a plain object, was an instance'],
    [
      'half a character',
      { payload: { a: 'x\ud800y' } },
      'payload.a: expected whole characters, no half of a surrogate pair, was "x\\ud800y"',
    ],
    ['half a character in a key', { payload: { 'x\udc00': 1 } }, 'expected whole characters'],
    ['NUL', { payload: { a: 'x\0' } }, 'payload.a: expected no NUL, was "x\\u0000"'],
    [
      '__proto__',
      { payload: JSON.parse('{"__proto__":{"a":1}}') as object },
      'payload.__proto__: expected another key',
    ],
    ['too deep', { payload: { deep } }, 'expected nesting of at most 32, was deeper'],
    ['no object', { payload: [] }, 'payload: expected an object, was []'],
    ['a path for a subject', { subject: '../../etc' }, 'subject: expected a subject of 1 to 200'],
    ['a newline in a name', { codeVersion: 'abc\nINFO all is well' }, 'codeVersion: expected a code version'],
    ['markup in a name', { subject: '<script>' }, 'subject: expected a subject'],
    [
      'a right-to-left mark in a reason',
      { rehearsal: ['ok\u202e'] },
      'rehearsal[0]: expected 1 to 200 printed characters',
    ],
    ['an unknown kind', { kind: 'wish' }, 'kind: '],
    ['an unknown data source', { dataSource: 'memory' }, 'dataSource: '],
    ['an unknown key', { passed: true }, 'passed'],
    ['time before there was any', { atMs: 0 }, 'atMs: '],
    ['a fraction of a millisecond', { atMs: 1.5 }, 'atMs: '],
    [
      'a range backwards',
      { range: { fromMs: 2, toMs: 1, sources: [] } },
      'range.toMs: expected no earlier than fromMs, was 1',
    ],
    [
      'a source twice',
      {
        range: {
          fromMs: 1,
          toMs: 2,
          sources: [
            { source: 'a', fromSequence: 1, toSequence: 2 },
            { source: 'a', fromSequence: 3, toSequence: 4 },
          ],
        },
      },
      'range.sources: expected each source once',
    ],
    [
      'a sequence backwards',
      { range: { fromMs: 1, toMs: 2, sources: [{ source: 'a', fromSequence: 3, toSequence: 1 }] } },
      'range.sources[0].toSequence: expected at least fromSequence - 1, was 1',
    ],
  ])('%s', (_name, changes, line) => {
    expect(refusal(changes)).toContain(line);
  });
});

test.each([{ b: 1, a: 2 }, { kind: { b: 1, a: 2 } }, { payload: { b: Number.NaN, a: 1n } }, { range: { z: 1, y: 2 } }])(
  'what is said of a fault does not depend on the order of keys: %p',
  (changes) => {
    const raw = { ...chain(1)[0]!, ...changes };
    const fault = faultOf(EvidenceRecord, raw);
    expect(fault).not.toBeNull();
    expect(faultOf(EvidenceRecord, turned(raw))).toEqual(fault);
  },
);

function turned(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, each]) => [key, turned(each)]),
  );
}

test('what has a canonical text is no fault', () => {
  expect(jsonFault({ a: [null, true, -0, 1e308, 5e-324, 'Ü🚀', {}], b: Object.create(null) as object })).toBeNull();
});
