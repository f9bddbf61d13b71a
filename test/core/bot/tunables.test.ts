import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BotConfig } from '../../../core/bot/bot-config.ts';
import { judgeChanges, mergeChanges, tuned, TUNABLES, valueAt } from '../../../core/bot/tunables.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { Bench, botConfig, cancelled, copyOf, placed } from '../../support/bots.ts';

const maker = botConfig({
  strategy: {
    name: 'epp_v2_4',
    size: { orderQuote: '100', inventoryQuoteMax: '1000', skewBps: 2 },
    spread: { minNetEdgeBps: 0.5, atrFactor: 0.5, adverseSelectionBps: 0.5 },
    requoteBps: 0.5,
    requoteMsMin: 500,
  },
});

const by = { operator: 'ada', reason: 'wider tonight' };

describe('a change', () => {
  test.each([
    ['one that fits', { 'strategy.spread.minNetEdgeBps': 1 }, []],
    ['the configured value again', { 'strategy.spread.minNetEdgeBps': null }, []],
    ['nothing', {}, ['changes: expected at least one']],
    ['a path that nobody may change', { account: 'other' }, ['account: expected one of']],
    ['a path of another strategy', { 'strategy.halfSpreadBps': 2 }, ['strategy.halfSpreadBps: expected one of']],
    ['below its bound', { 'strategy.size.levelSpacingBps': 0.09 }, ['expected a number from 0.1 to 50']],
    ['above its bound', { 'strategy.spread.minNetEdgeBps': 21 }, ['expected a number from 0 to 20']],
    ['a text for a number', { 'strategy.spread.minNetEdgeBps': '1' }, ['expected a number from 0 to 20']],
    ['a number for an amount', { 'strategy.size.orderQuote': 100 }, ['expected a decimal amount in quotes']],
    ['an amount with cents', { 'strategy.size.orderQuote': '100.55' }, []],
    ['an amount with a sign', { 'strategy.size.orderQuote': '+100' }, ['expected a decimal amount in quotes']],
    ['an amount with a space', { 'strategy.size.orderQuote': '100 ' }, ['expected a decimal amount in quotes']],
    ['nothing again for what nobody may change', { account: null }, ['account: expected one of']],
    ['an amount with a unit', { 'strategy.size.orderQuote': '100 USDT' }, ['expected a decimal amount in quotes']],
    ['half a level', { 'strategy.size.levels': 1.5 }, ['expected a whole number from 1 to 5']],
    ['right alone and wrong beside the rest', { 'strategy.size.orderQuote': '301' }, ['risk.orderQuoteMax']],
    ['no number at all', { 'strategy.size.skewBps': Number.NaN }, ['expected a number from 0 to 50']],
  ] as const)('%s', (_name, changes, told) => {
    const faults = judgeChanges(maker, {}, changes).map(({ path, rule }) => `${path}: ${rule}`);
    expect(faults).toHaveLength(told.length);
    told.forEach((text, index) => expect(faults[index]).toContain(text));
  });

  test('of what was changed before stays within its bounds, too', () => {
    const before = { 'strategy.spread.minNetEdgeBps': 1 };
    expect(judgeChanges(maker, before, { 'strategy.spread.minNetEdgeBps': 20 })).toEqual([]);
    expect(judgeChanges(maker, before, { 'strategy.spread.minNetEdgeBps': 21 })).toHaveLength(1);
  });

  test('that is refused is told with its path, the rule and the value', () => {
    expect(judgeChanges(maker, {}, { 'strategy.size.orderQuote': '301' })).toEqual([
      {
        path: 'strategy.size.orderQuote',
        rule: 'expected at most risk.orderQuoteMax (300)',
        value: '"301"',
      },
    ]);
    expect(judgeChanges(maker, {}, {})).toEqual([{ path: 'changes', rule: 'expected at least one', value: 'none' }]);
  });

  test('of what a bot does not have is answered with what it has', () => {
    const has = [
      'strategy.requoteBps',
      'strategy.requoteMsMin',
      'strategy.halfSpreadBps',
      'strategy.skewBps',
      'strategy.orderQuote',
      'risk.cancelsPerMinuteMax',
      'risk.bookAgeMsMax',
      'risk.fillDeviationBpsMax',
    ];
    expect(judgeChanges(botConfig(), {}, { 'strategy.size.levels': 2 })).toEqual([
      {
        path: 'strategy.size.levels',
        rule: `expected one of ${has.join(', ')}`,
        value: 'strategy.size.levels',
      },
    ]);
  });

  test('is the same whatever order its parameters came in', () => {
    const [a, b, c] = [{ 'risk.bookAgeMsMax': 2_000 }, { 'strategy.skewBps': 1 }, { 'strategy.requoteBps': 2 }];
    const orders = [
      mergeChanges({ ...a, ...b }, c),
      mergeChanges({ ...c, ...b }, a),
      mergeChanges({}, { ...b, ...c, ...a }),
    ];
    expect(new Set(orders.map((merged) => JSON.stringify(merged)))).toEqual(
      new Set(['{"risk.bookAgeMsMax":2000,"strategy.requoteBps":2,"strategy.skewBps":1}']),
    );
  });

  test('is judged together with what was changed before', () => {
    expect(judgeChanges(maker, { 'strategy.size.levels': 2 }, { 'strategy.size.levelSizeFactor': 3 })).toEqual([]);
    const before = { 'strategy.size.orderQuote': '150', 'strategy.size.levels': 2 };
    // What does not fit is the size that was set before, and not the file's.
    expect(judgeChanges(maker, before, { 'strategy.size.levelSizeFactor': 3 })).toMatchObject([
      { path: 'strategy.size.orderQuote', value: '"150"' },
    ]);
  });
});

test('every tunable is a field of some strategy, and its bounds are inside those of the file', () => {
  for (const [path, { min, max, isAmount }] of Object.entries(TUNABLES)) {
    const config = [maker, botConfig()].find((each) => valueAt(each, path) !== undefined);
    expect([path, config === undefined]).toEqual([path, false]);
    expect(min).toBeLessThan(max);
    // Amounts are bound by each other; the others stand alone.
    if (isAmount === true || path === 'strategy.size.levels') continue;
    for (const bound of [min, max]) expect([path, judgeChanges(config!, {}, { [path]: bound })]).toEqual([path, []]);
  }
});

test('whatever is asked for, what runs is a configuration that its schema takes', () => {
  const value = fc.oneof(fc.double(), fc.string(), fc.boolean(), fc.constant(null), fc.integer({ min: 0, max: 10 }));
  const path = fc.oneof(fc.constantFrom(...Object.keys(TUNABLES)), fc.string());
  fc.assert(
    fc.property(fc.dictionary(path, value), (changes) => {
      const after = tuned(maker, mergeChanges({}, changes));
      expect(BotConfig.safeParse(after).success).toBe(true);
      if (judgeChanges(maker, {}, changes).length > 0) return;
      for (const [at, wanted] of Object.entries(changes)) expect(valueAt(after, at)).toEqual(wanted ?? valueAt(maker, at)); // prettier-ignore
    }),
  );
});

describe('a running bot', () => {
  const set = (bench: Bench, changes: Record<string, number | string | null>) =>
    bench.tell({ kind: RecordKind.controlInput, command: { command: 'setParameters', ...by, changes } });

  test('quotes by the new value, says so, and keeps it over a restart', () => {
    const bench = new Bench().run();
    const [bid, ask] = placed(bench.book(600_000, 600_001));
    bench.answer(bid!.clientOrderId, 'yes');
    bench.answer(ask!.clientOrderId, 'yes');
    const effects = set(bench, { 'strategy.halfSpreadBps': 4 });
    expect(effects).toContainEqual(
      expect.objectContaining({
        event: expect.objectContaining({
          type: 'parameters_changed',
          operator: 'ada',
          reason: 'wider tonight',
          detail: { 'strategy.halfSpreadBps': '2 -> 4' },
        }),
      }),
    );
    expect(cancelled([...effects, ...bench.book(600_001, 600_002, 600)])).toHaveLength(2);
    const later = new Bench(botConfig(), copyOf(bench.state));
    expect(valueAt(later.machine.tunedConfig(), 'strategy.halfSpreadBps')).toBe(4);
    set(bench, { 'strategy.halfSpreadBps': null });
    expect(bench.machine.tunedConfig()).toEqual(bench.config);
  });

  test('makes none of several changes when one is wrong', () => {
    const bench = new Bench().run();
    const effects = set(bench, { 'strategy.skewBps': 3, 'strategy.halfSpreadBps': 1e9 });
    expect(bench.state.parameters).toEqual({});
    expect(effects).toContainEqual(
      expect.objectContaining({
        event: expect.objectContaining({
          type: 'command',
          detail: expect.objectContaining({ refused: expect.stringContaining('expected a number from 0.1 to 100') }),
        }),
      }),
    );
  });

  test('is not given a size that the contract does not take', () => {
    const bench = new Bench().run();
    const judge = (orderQuote: string) =>
      bench.machine.judgeCommand({ command: 'setParameters', ...by, changes: { 'strategy.orderQuote': orderQuote } });
    // Before a price is known only the bounds count.
    expect(judge('59')).toEqual([]);
    bench.book(600_000, 600_001);
    expect(judge('61')).toEqual([]);
    expect(judge('59')).toEqual([
      { path: 'strategy.orderQuote', rule: expect.stringContaining('expected at least 60.00 USDT'), value: '59' },
    ]);
  });

  test('whose size the contract does not take any more may still be given other values', () => {
    const config = botConfig();
    const bench = new Bench(botConfig({ strategy: { ...config.strategy, orderQuote: '61' } })).run();
    bench.book(700_000, 700_001);
    const changes = { 'strategy.halfSpreadBps': 4 };
    expect(bench.machine.judgeCommand({ command: 'setParameters', ...by, changes })).toEqual([]);
  });

  test('whose file changed goes on with the changes that still fit it', () => {
    const bench = new Bench().run();
    set(bench, { 'strategy.halfSpreadBps': 4, 'strategy.orderQuote': '290' });
    const narrower = botConfig({ risk: { ...botConfig().risk, orderQuoteMax: '260' } });
    expect(new Bench(narrower, copyOf(bench.state)).machine.tunedConfig()).toEqual({
      ...narrower,
      strategy: { ...narrower.strategy, halfSpreadBps: 4 },
    });
  });
});
