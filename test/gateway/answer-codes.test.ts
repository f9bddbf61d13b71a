import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ANSWER_CODES, judgeCancel, judgePlace, type CallFailure } from '../../gateway/bitget/answer-codes.ts';

const answered = (code: string | null, status = 200): CallFailure => ({
  kind: 'answered',
  status,
  code,
  reason: 'why',
});
const no = (code: string) => ({ answer: 'no', code, reason: 'why' });
const UNKNOWN = { answer: 'unknown', reason: 'why' };

describe('a code of the venue proves what the table says', () => {
  test.each([
    ['40786', { answer: 'duplicate' }, UNKNOWN],
    ['40708', { answer: 'duplicate' }, UNKNOWN],
    ['43118', { answer: 'duplicate' }, UNKNOWN],
    ['45034', { answer: 'duplicate' }, UNKNOWN],
    ['25212', { answer: 'duplicate' }, UNKNOWN],
    ['50060', { answer: 'duplicate' }, UNKNOWN],
    ['40109', UNKNOWN, { answer: 'gone' }],
    ['40768', UNKNOWN, { answer: 'gone' }],
    ['43025', UNKNOWN, { answer: 'gone' }],
    ['22001', UNKNOWN, { answer: 'gone' }],
    ['25204', UNKNOWN, { answer: 'gone' }],
    ['40762', no('40762'), no('40762')],
    ['43012', no('43012'), no('43012')],
    ['45110', no('45110'), no('45110')],
    ['45111', no('45111'), no('45111')],
    ['43027', no('43027'), no('43027')],
    ['22002', no('22002'), no('22002')],
    ['22047', no('22047'), no('22047')],
    ['40014', no('40014'), no('40014')],
    ['40018', no('40018'), no('40018')],
    ['40010', UNKNOWN, UNKNOWN],
    ['40015', UNKNOWN, UNKNOWN],
    ['40200', UNKNOWN, UNKNOWN],
    ['40910', UNKNOWN, UNKNOWN],
    ['45001', UNKNOWN, UNKNOWN],
    ['41114', UNKNOWN, UNKNOWN],
    ['50031', UNKNOWN, UNKNOWN],
    ['25001', UNKNOWN, UNKNOWN],
    ['25003', UNKNOWN, UNKNOWN],
    ['429', UNKNOWN, UNKNOWN],
    ['1', UNKNOWN, UNKNOWN],
  ] as const)('%s', (code, place, cancel) => {
    expect(judgePlace(answered(code, 400))).toEqual(place);
    expect(judgeCancel(answered(code, 400))).toEqual(cancel);
  });
});

describe('what is not proved is unknown', () => {
  test('every number up to six digits that is not listed', () => {
    for (let number = 0; number <= 999_999; number += 1) {
      const code = String(number);
      if (ANSWER_CODES.has(code)) continue;
      if (judgePlace(answered(code)).answer !== 'unknown' || judgeCancel(answered(code)).answer !== 'unknown') {
        throw new Error(`${code} is not listed and yet it is called an answer`);
      }
    }
  });

  test('any other text', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 100, max: 599 }), (code, status) => {
        fc.pre(!ANSWER_CODES.has(code));
        expect(judgePlace(answered(code, status)).answer).toBe('unknown');
        expect(judgeCancel(answered(code, status)).answer).toBe('unknown');
      }),
    );
  });

  test.each([0, 201, 204, 301, 302, 404, 405, 408, 409, 418, 429, 500, 502, 503, 504, 520, 524])(
    'a listed refusal under HTTP %d, which the venue itself does not use',
    (status) => {
      for (const code of ANSWER_CODES.keys()) {
        expect(judgePlace(answered(code, status)).answer).toBe('unknown');
        expect(judgeCancel(answered(code, status)).answer).toBe('unknown');
      }
    },
  );

  test('an answer without a code, and no answer at all', () => {
    for (const failure of [answered(null), answered(null, 502), { kind: 'no_answer', reason: 'why' } as const]) {
      expect(judgePlace(failure)).toEqual(UNKNOWN);
      expect(judgeCancel(failure)).toEqual(UNKNOWN);
    }
  });

  test('control: a table that lists a code as refused is seen', () => {
    expect([...ANSWER_CODES.values()].filter((meaning) => meaning === 'refused').length).toBeGreaterThan(10);
    expect(judgePlace(answered('40762')).answer).toBe('no');
  });
});
