/** Every code has words for a person, and what they point to exists. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { BotConfig, RiskLimits } from '../../../core/bot/bot-config.ts';
import { Reason } from '../../../core/bot/reasons.ts';
import { DENIAL_TEXTS, REASON_TEXTS } from '../../../core/bot/reason-texts.ts';
import { SpreadParams } from '../../../core/market-maker/params.ts';

const texts = Object.entries(REASON_TEXTS);

test('every reason has its text, and no text is without its reason', () => {
  expect(Object.keys(REASON_TEXTS).sort()).toEqual(Object.keys(Reason).sort());
});

describe.each(texts)('%s', (_reason, { means, action }) => {
  test('is told in one sentence that goes on from the name of the bot, and with something to do', () => {
    expect(means).toMatch(/^[a-z].*[^.]$/);
    expect(action).toMatch(/^[a-z.].*[^.]$/);
    expect(means.length).toBeLessThan(130);
    expect(action.length).toBeLessThan(130);
  });

  test('names limits and commands that exist', () => {
    for (const [, name] of `${means} ${action}`.matchAll(/\brisk\.(\w+)/g))
      expect(RiskLimits.shape).toHaveProperty(name ?? '');
    for (const [, name] of action.matchAll(/strategy\.spread\.(\w+)/g))
      expect(SpreadParams.shape).toHaveProperty(name ?? '');
    const commands = readFileSync('cli/bot.ts', 'utf8');
    for (const [, verb] of action.matchAll(/\.\/desk bot (\w+)/g)) expect(commands).toMatch(new RegExp(`'${verb}[' ]`));
  });
});

test('no two reasons say the same', () => {
  expect(new Set(texts.map(([, { means }]) => means)).size).toBe(texts.length);
});

test('every denial is put into words', () => {
  const codes = readFileSync('core/risk/decision.ts', 'utf8').match(/export type DenialCode =([^;]*);/)?.[1] ?? '';
  const wanted = [...codes.matchAll(/'(\w+)'/g)].map(([, code]) => code);
  expect(wanted.length).toBeGreaterThan(5);
  expect(Object.keys(DENIAL_TEXTS).sort()).toEqual(wanted.sort());
});

test('the configuration knows the fields that texts name without their path', () => {
  const fields = Object.keys(BotConfig.shape);
  expect(fields).toEqual(expect.arrayContaining(['deadmanS', 'leverageMax']));
});
