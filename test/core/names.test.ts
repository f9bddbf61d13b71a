import { expect, test } from '@jest/globals';
import { AccountName, BotName, HostName, QuoteText } from '../../core/names.ts';

test.each([
  ['bot1', true],
  ['a', true],
  ['-0-', true],
  ['a'.repeat(32), true],
  ['a'.repeat(33), false],
  ['', false],
  ['Bot1', false],
  ['bot_1', false],
  ['bot 1', false],
  ['bot1\n', false],
  ['../bot1', false],
  [1, false],
])('the name %j is taken: %s', (name, isName) => {
  for (const kind of [BotName, AccountName, HostName]) expect(kind.safeParse(name).success).toBe(isName);
});

test.each([
  [BotName, 'expected a bot name of 1 to 32 of a-z, 0-9 and -'],
  [AccountName, 'expected an account name of 1 to 32 of a-z, 0-9 and -'],
  [HostName, 'expected a host name of 1 to 32 of a-z, 0-9 and -'],
])('a refused name tells what it should be: %#', (kind, rule) => {
  expect(kind.safeParse('No').error?.issues[0]?.message).toBe(rule);
});

test.each([
  ['250', null],
  ['0.000000000001', null],
  ['999999999999.999999999999', null],
  ['0', 'expected more than 0'],
  ['0.000', 'expected more than 0'],
  ['-5', 'expected a plain decimal amount of USDT in quotes, such as "250"'],
  ['1e3', 'expected a plain decimal amount of USDT in quotes, such as "250"'],
  ['.5', 'expected a plain decimal amount of USDT in quotes, such as "250"'],
  ['5.', 'expected a plain decimal amount of USDT in quotes, such as "250"'],
  ['1000000000000', 'expected a plain decimal amount of USDT in quotes, such as "250"'],
  ['0.0000000000001', 'expected a plain decimal amount of USDT in quotes, such as "250"'],
  [' 250', 'expected a plain decimal amount of USDT in quotes, such as "250"'],
  ['250 USDT', 'expected a plain decimal amount of USDT in quotes, such as "250"'],
])('the amount %j: %s', (text, rule) => {
  expect(QuoteText.safeParse(text).error?.issues[0]?.message ?? null).toBe(rule);
});
