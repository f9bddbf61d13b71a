import { describe, expect, test } from '@jest/globals';
import { createStrategy } from '../../../core/strategies/create.ts';
import type { StrategyMemory } from '../../../core/strategies/strategy.ts';
import { botConfig, BTC } from '../../support/bots.ts';
import { makerParams } from '../market-maker/maker-harness.ts';

describe('a strategy by its name', () => {
  const twoSided = botConfig().strategy;

  test.each([
    ['two_sided_quotes', twoSided],
    ['epp_v2_4', makerParams()],
  ] as const)('%s, with a memory of that name', (name, params) => {
    const strategy = createStrategy(params, BTC, null);
    expect(strategy.name).toBe(name);
    expect(strategy.memory.name).toBe(name);
    expect(JSON.parse(JSON.stringify(strategy.memory))).toEqual(strategy.memory);
  });

  test('a bot that changes its strategy takes nothing of the old one along', () => {
    const maker = createStrategy(makerParams(), BTC, null);
    const after = createStrategy(twoSided, BTC, maker.memory);
    expect(after.memory).toEqual({ name: 'two_sided_quotes' });
    const back = createStrategy(makerParams(), BTC, after.memory);
    expect(back.memory).toEqual(maker.memory);
  });

  test.each([
    ['nothing', {}],
    ['no name', { name: null }],
    ['an older shape', { name: 'epp_v2_4', regime: {}, fees: null, markouts: [], spread: 'quoting' }],
  ])('a memory with %s does not end the bot', (_name, memory) => {
    const blank = createStrategy(makerParams(), BTC, null).memory;
    expect(createStrategy(makerParams(), BTC, memory as unknown as StrategyMemory).memory).toEqual(blank);
  });
});
