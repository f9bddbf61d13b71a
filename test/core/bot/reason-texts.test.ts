/** Every code has words for a person, and what they point to exists. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { BotConfig, RiskLimits } from '../../../core/bot/bot-config.ts';
import { Reason } from '../../../core/bot/reasons.ts';
import { DENIAL_TEXTS, REASON_TEXTS } from '../../../core/bot/reason-texts.ts';
import { SpreadParams } from '../../../core/market-maker/params.ts';
import type { Instrument } from '../../../core/market/instrument.ts';
import type { OrderIntent } from '../../../core/orders/order-intent.ts';
import { decide } from '../../../core/risk/decision.ts';
import { BTC, T0 } from '../../support/bots.ts';

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

describe.each(Object.entries(DENIAL_TEXTS))('the denial %s', (code, { means, unit }) => {
  test('is told in one phrase, and names limits that exist', () => {
    expect(means).toMatch(/^[a-z].{10,}[^.]$/);
    for (const [, name] of means.matchAll(/\brisk\.(\w+)/g)) expect(RiskLimits.shape).toHaveProperty(name ?? '');
  });

  test('tells its numbers in the unit that they were measured in', () => {
    const sizes = { exposureQuoteMax: 1_500, orderQuoteMax: 300, ordersActiveMax: 4 };
    const facts = { atMs: T0, midTicks: 600_000, positionLots: 0, openBuyLots: 0, openSellLots: 0, ordersActive: 0, legLots: 0 }; // prettier-ignore
    const intent = {
      clientOrderId: 'bot1_7-1',
      symbol: 'BTCUSDT',
      side: 'buy',
      price: 600_000,
      qty: 4,
      kind: 'post_only',
      reduceOnly: false,
      leg: 'net',
      expiresAtMs: T0 + 2_000,
    };
    /** What makes the decision fall this way, what it measures then, and in what. */
    const ways: Readonly<Record<string, readonly [object, object, number, string]>> = {
      number_invalid: [{ price: 0.5 }, {}, 0.5, ''],
      expired: [{ expiresAtMs: T0 - 7 }, {}, T0, 'ms'],
      qty_below_minimum: [{ qty: 4 }, {}, 4, 'lots'],
      notional_below_minimum: [{ qty: 10, price: 599_000 }, {}, 599, 'USDT'],
      order_notional_above_cap: [{ qty: 6 }, {}, 360, 'USDT'],
      exposure_above_cap: [{}, { openBuyLots: 25 }, 1_740, 'USDT'],
      orders_active_above_cap: [{}, { ordersActive: 4 }, 4, 'orders'],
      price_beyond_collar: [{ price: 480_000 }, {}, 0.2, 'ratio'],
    };
    const [ofIntent, ofFacts, measured, wanted] = ways[code]!;
    const strict = { ...BTC, qtyMinLots: code === 'qty_below_minimum' ? 5 : 1, notionalMinE12: code === 'notional_below_minimum' ? 600n * 10n ** 12n : 0n }; // prettier-ignore
    const limits = code === 'notional_below_minimum' ? { ...sizes, orderQuoteMax: 700 } : sizes;
    const decision = decide({ ...intent, ...ofIntent } as OrderIntent, { ...facts, ...ofFacts }, limits, strict as Instrument); // prettier-ignore
    expect(decision).toMatchObject({ approved: false, denial: { code, measured: expect.closeTo(measured, 9) } });
    expect(unit).toBe(wanted);
  });
});

test('the configuration knows the fields that texts name without their path', () => {
  const fields = Object.keys(BotConfig.shape);
  expect(fields).toEqual(expect.arrayContaining(['deadmanS', 'leverageMax']));
});
