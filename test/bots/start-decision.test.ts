/** What a bot makes of the probe of its account. */
import { expect, test } from '@jest/globals';
import { judgeStart } from '../../bots/account.ts';

const KNOWN = { accountKind: 'classic', positionMode: 'one_way' } as const;
const UNKNOWN = { accountKind: 'classic', positionMode: null } as const;
test.each([
  ['ok', KNOWN, 'start', 'start'],
  ['paper_only', KNOWN, 'start', 'refuse'],
  ['disabled', KNOWN, 'refuse', 'refuse'],
  ['error', KNOWN, 'start', 'retry'],
  ['error', UNKNOWN, 'retry', 'retry'],
] as const)('%s %j: %s, with real money %s', (status, known, without, withRealMoney) => {
  expect(judgeStart({ status, ...known }, false)).toBe(without);
  expect(judgeStart({ status, ...known }, true)).toBe(withRealMoney);
});
