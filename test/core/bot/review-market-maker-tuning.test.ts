/** Changes of a running bot that are right together, and ones that outlived the file they were made for. */
import { describe, expect, test } from '@jest/globals';
import type { BotConfig } from '../../../core/bot/bot-config.ts';
import { judgeChanges, tuned, valueAt } from '../../../core/bot/tunables.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { Bench, botConfig, copyOf } from '../../support/bots.ts';

const maker = botConfig({
  strategy: {
    name: 'epp_v2_4',
    size: { orderQuote: '100', inventoryQuoteMax: '1000', skewBps: 2 },
    spread: { minNetEdgeBps: 0.5, atrFactor: 0.5, adverseSelectionBps: 0.5 },
    requoteBps: 0.5,
    requoteMsMin: 500,
  },
});
function strategyOf({ strategy }: BotConfig) {
  if (strategy.name !== 'epp_v2_4') throw new Error('no market maker');
  return strategy;
}

const by = { operator: 'ada', reason: 'other sizes' };

function set(bench: Bench, changes: Record<string, number | string | null>) {
  return bench.tell({ kind: RecordKind.controlInput, command: { command: 'setParameters', ...by, changes } });
}

test('changes that are right only together are all made', () => {
  const { strategy } = maker;
  const large = botConfig({
    ...maker,
    strategy: { ...strategy, size: { ...strategyOf(maker).size, orderQuote: '200' } },
  });
  // A second level of three times 200 USDT is above the cap of 300, one of three times 60 is not.
  const changes = {
    'strategy.size.levelSizeFactor': 3,
    'strategy.size.levels': 2,
    'strategy.size.orderQuote': '60',
  };
  expect(judgeChanges(large, {}, changes)).toEqual([]);
  const bench = new Bench(large).run();
  set(bench, changes);
  for (const [path, value] of Object.entries(changes))
    expect([path, valueAt(bench.machine.tunedConfig(), path)]).toEqual([path, value]);
});

describe('a change that the file does not take any more', () => {
  test('hinders no other one', () => {
    const overrides = { 'strategy.size.levels': 2 };
    expect(judgeChanges(botConfig(), overrides, { 'strategy.halfSpreadBps': 4 })).toEqual([]);
    const narrower = botConfig({ ...maker, risk: { ...maker.risk, orderQuoteMax: '120' } });
    const tooLarge = { 'strategy.size.orderQuote': '250' };
    expect(judgeChanges(narrower, tooLarge, { 'strategy.size.skewBps': 1 })).toEqual([]);
    expect(tuned(narrower, { ...tooLarge, 'strategy.size.skewBps': 1 })).toMatchObject({
      strategy: { size: { orderQuote: '100', skewBps: 1 } },
    });
  });

  test('can be taken back', () => {
    const before = new Bench(maker).run();
    set(before, { 'strategy.size.levels': 2 });
    const bench = new Bench(botConfig(), copyOf(before.state));
    set(bench, { 'strategy.size.levels': null });
    expect(bench.state.parameters).toEqual({});
  });
});
