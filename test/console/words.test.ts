/** Every code that a bot can tell reaches the page in words, from the one list that `desk why` reads, too. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { Reason } from '../../core/bot/reasons.ts';
import { REASON_TEXTS } from '../../core/bot/reason-texts.ts';
import { LADDER } from '../../core/escalation/ladder.ts';
import { wordsOf } from '../../console/words.ts';
import { SNAPSHOT } from './snapshot.ts';

const names = { bot: 'bot1', account: 'mm-btc' };
const told = (changes: object) => wordsOf({ ...SNAPSHOT, ...changes }, names);

test.each(Object.keys(Reason) as (keyof typeof Reason)[])('the reason %s', (reason) => {
  const { reasonText } = told({ reason });
  expect(reasonText?.means).toBe(REASON_TEXTS[reason].means);
  expect(reasonText?.action).not.toMatch(/<\w+>/);
});

test('a command is ready to be typed', () => {
  expect(told({ reason: 'hard_stopped' }).reasonText?.action).toContain('./desk bot approve bot1 --reason');
  expect(told({ reason: 'venue_refuses_account' }).reasonText?.action).toContain('./desk account probe mm-btc;');
});

describe('the level of risk', () => {
  test.each(Object.keys(LADDER).filter((level) => level !== 'allow') as (keyof typeof LADDER)[])('%s', (riskLevel) => {
    expect(told({ riskLevel, riskCode: 'drawdown_reached' }).riskText).toBe(
      `${LADDER[riskLevel].meaning} (drawdown reached)`,
    );
    expect(told({ riskLevel, riskCode: null }).riskText).toBe(LADDER[riskLevel].meaning);
  });

  test.each([['allow'], [undefined], ['toString'], ['of a later version']])('%s has no text', (riskLevel) =>
    expect(told({ riskLevel }).riskText).toBeNull(),
  );
});

test.each([['toString'], ['of_a_later_version']])('the code %s, which is none, has no text', (reason) =>
  expect(told({ reason }).reasonText).toBeNull(),
);

test('the page has no list of its own', () => {
  const page = ['text.js', 'desk.js'].map((file) => readFileSync(`console/public/${file}`, 'utf8')).join('\n');
  for (const { means } of Object.values(REASON_TEXTS)) expect(page).not.toContain(means);
  for (const reason of ['book_one_sided', 'inventory_full', 'order_below_minimum']) expect(page).not.toContain(reason);
});
