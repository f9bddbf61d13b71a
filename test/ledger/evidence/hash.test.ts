import { describe, expect, test } from '@jest/globals';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import type { JsonValue } from '../../../core/evidence/json.ts';
import { sortedKeys } from '../../../core/evidence/json.ts';
import { canonicalText, hashOf } from '../../../ledger/evidence/hash.ts';

describe('examples of RFC 8785', () => {
  test.each<[string, string, string]>([
    [
      'sorting by UTF-16 code units (3.2.3)',
      '{"\\u20ac":"Euro Sign","\\r":"Carriage Return","\\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\\ud83d\\ude00":"Emoji: Grinning Face","\\u0080":"Control","\\u00f6":"Latin Small Letter O With Diaeresis"}',
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    ],
    [
      'numbers, text and literals (3.2.2)',
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    ],
    ['numbers as keys', '{"10":1,"9":2,"a":3}', '{"10":1,"9":2,"a":3}'],
    ['zero below zero', '[-0]', '[0]'],
  ])('%s', (_name, json, text) => {
    expect(canonicalText(JSON.parse(json) as JsonValue)).toBe(text);
  });
});

test('a number that is none has no text, in order or not', () => {
  expect(() => canonicalText({ a: [Number.NaN] })).toThrow('NaN');
  expect(() => canonicalText({ b: 1, a: Infinity })).toThrow('Infinity');
});

const mixed = fc.jsonValue({ maxDepth: 4 }).map((value) => value as JsonValue);
const numbered = fc.dictionary(fc.oneof(fc.nat(20).map(String), fc.string({ unit: 'grapheme' })), mixed).map((value) => value as JsonValue); // prettier-ignore

test('law: the text is that of the reference, however the keys came, and reads back as itself', () => {
  fc.assert(
    fc.property(fc.oneof(mixed, numbered), (value) => {
      const text = canonicalText(value);
      expect(text).toBe(canonicalize(value));
      expect(canonicalText(sortedKeys(value) as JsonValue)).toBe(text);
      expect(canonicalText(JSON.parse(text) as JsonValue)).toBe(text);
      expect(hashOf(JSON.parse(text) as JsonValue)).toBe(hashOf(value));
    }),
    { numRuns: 1_000 },
  );
});
