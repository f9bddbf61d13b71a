import { describe, expect, test } from '@jest/globals';
import type { PriceTicks } from '../../core/money/money.ts';
import type { TriggerRow } from '../../simulator/exchange/rows.ts';
import type { PlanRequest } from '../../simulator/exchange/trigger-book.ts';
import { SYMBOL, withScript, type ScriptedExchange } from './scripted-exchange.ts';

function plan(world: ScriptedExchange, triggerPrice: number, changes: Partial<PlanRequest> = {}): TriggerRow {
  return world.exchange.placePlan(world.account, {
    kind: 'normal_plan',
    symbol: SYMBOL,
    clientOid: null,
    leg: 'net',
    side: 'buy',
    reduceOnly: false,
    marginMode: 'crossed',
    triggerPrice: world.price(triggerPrice),
    source: 'mark_price',
    executePrice: 0 as PriceTicks,
    qty: world.qty(0.01),
    callbackE6: null,
    takeProfit: null,
    stopLoss: null,
    ...changes,
  });
}

describe('a position stop', () => {
  test('closes the whole position, whatever its size became, and only when the mark has come', () =>
    withScript([50_000, 49_950, 49_900], (world) => {
      world.order({ side: 'buy' });
      const stop = world.stop(49_900.1);
      world.order({ side: 'buy' }, 0.02);
      world.step();
      expect([stop.status, world.held()]).toEqual(['live', 0.03]);
      world.step();
      expect([stop.status, world.held()]).toEqual(['executed', 0]);
      const order = world.account.orderById(stop.executeOrderId!)!;
      expect(order).toMatchObject({ cause: 'pos_loss', status: 'filled', side: 'sell', reduceOnly: true });
    }));

  test('is refused without a position, a second time, or past the mark; and goes with the position', () =>
    withScript([50_000], (world) => {
      expect(() => world.stop(49_900)).toThrow('Insufficient position');
      world.order({ side: 'buy' });
      expect(() => world.stop(50_100)).toThrow('Stop price for long positions please < mark price 50000.05');
      expect(() => world.stop(49_900, { direction: 'short' })).toThrow('Insufficient position');
      const stop = world.stop(49_900);
      expect(() => world.stop(49_800)).toThrow('Stop loss order already existed');
      world.exchange.closePositions(world.account, SYMBOL, null);
      expect(stop.status).toBe('cancelled');
      expect(world.account.waiting.size).toBe(0);
    }));

  test('of a short position waits above it', () =>
    withScript([50_000, 50_050, 50_100], (world) => {
      world.order({ side: 'sell' });
      expect(() => world.stop(49_900, { direction: 'short' })).toThrow('Short position stop loss price please > mark');
      const stop = world.stop(50_100, { direction: 'short' });
      world.step(2);
      expect([stop.status, world.held()]).toEqual(['executed', 0]);
    }));

  test('goes when a fill turns the position around', () =>
    withScript([50_000], (world) => {
      world.order({ side: 'buy' });
      const stop = world.stop(49_900);
      world.order({ side: 'sell' }, 0.03);
      expect([stop.status, world.held()]).toEqual(['cancelled', -0.02]);
    }));

  test('moved in place is live throughout; a refused move leaves it as it was', () =>
    withScript([50_000, 49_900], (world) => {
      world.order({ side: 'buy' });
      const stop = world.stop(49_800);
      const move = (to: number) =>
        world.exchange.modifyTrigger(world.account, stop, 'tpsl', { triggerPrice: world.price(to) });
      expect(() => move(50_100)).toThrow('please < mark price');
      expect(stop.triggerPrice).toBe(498_000);
      move(49_950);
      world.step();
      expect(stop.status).toBe('executed');
      expect(() => move(49_000)).toThrow('has been closed');
    }));
});

test('last-price triggers see a trade that mark-price triggers do not: one tick between them', () =>
  withScript([50_000, 49_900], (world) => {
    world.order({ side: 'buy' }, 0.02);
    const part = { kind: 'loss_plan', qty: world.qty(0.01) } as const;
    const last = world.stop(49_900, { ...part, source: 'fill_price' });
    const mark = world.stop(49_900, { ...part, source: 'mark_price' });
    world.step();
    // The trade was at 49900.0, the mark is the mid between 49900.0 and 49900.1.
    expect([last.status, mark.status]).toEqual(['executed', 'live']);
    expect(world.held()).toBe(0.01);
  }));

test('a partial stop closes its size, a limit one rests at its price, and what it closes must be held', () =>
  withScript([50_000, 49_900], (world) => {
    world.order({ side: 'buy' }, 0.03);
    expect(() => world.stop(49_950, { kind: 'loss_plan', qty: world.qty(0.04) })).toThrow(
      'maximum number of positions',
    );
    world.stop(49_950, { kind: 'loss_plan', qty: world.qty(0.01) });
    world.stop(49_940, { kind: 'loss_plan', qty: world.qty(0.01), executePrice: world.price(49_990) });
    world.step();
    expect(world.held()).toBe(0.02);
    const [resting] = [...world.account.open.values()];
    expect(resting).toMatchObject({ price: 499_900, side: 'sell', reduceOnly: true, cause: 'loss_plan' });
  }));

describe('a plan order', () => {
  test.each([
    ['above the price fires when it rises', 50_050, 50_100, 'executed'],
    ['above the price waits while it falls', 50_050, 49_900, 'live'],
    // Meant to buy a breakout, but the price is past it already: it silently waits for the fall.
    ['below the price waits while it rises', 49_950, 50_100, 'live'],
    ['below the price fires when it falls', 49_950, 49_900, 'executed'],
  ] as const)('%s', (_name, triggerPrice, next, status) =>
    withScript([50_000, next], (world) => {
      const trigger = plan(world, triggerPrice);
      world.step();
      expect(trigger.status).toBe(status);
    }),
  );

  test('that the exchange refuses when its time has come is failed and leaves nothing', () =>
    withScript([50_000, 50_100], (world) => {
      const trigger = plan(world, 50_050, { qty: world.qty(20) });
      world.step();
      expect([trigger.status, trigger.executeOrderId, world.held()]).toEqual(['fail_execute', null, 0]);
    }));

  test('brings its own stop along', () =>
    withScript([50_000, 50_100, 50_000], (world) => {
      const stopLoss = { triggerPrice: world.price(50_010), executePrice: 0 as PriceTicks };
      plan(world, 50_050, { stopLoss });
      world.step();
      expect(world.held()).toBe(0.01);
      expect([...world.account.waiting.values()]).toMatchObject([
        { kind: 'loss_plan', qty: 10, triggerPrice: 500_100 },
      ]);
      world.step();
      expect(world.held()).toBe(0);
    }));

  test('client ids are unique over orders and triggers', () =>
    withScript([50_000], (world) => {
      plan(world, 50_050, { clientOid: 'same' });
      expect(() => plan(world, 50_060, { clientOid: 'same' })).toThrow('Duplicate clientOid');
    }));
});

test.each([
  ['sells 1% below its peak', 'sell', [50_000, 50_100, 50_600, 50_200, 50_090], 4],
  ['buys 1% above its trough', 'buy', [50_000, 49_900, 49_400, 49_700, 49_900], 4],
] as const)('a trailing plan order %s', (_name, side, path, firesAt) =>
  withScript(path, (world) => {
    const trigger = plan(world, path[1], { kind: 'track_plan', side, callbackE6: 10_000 });
    world.step(firesAt - 1);
    expect(trigger.status).toBe('live');
    world.step();
    expect(trigger.status).toBe('executed');
    expect(world.held()).toBe(side === 'buy' ? 0.01 : -0.01);
  }),
);

test('presets of an order come to life as it fills, grow with it, and go with the position', () =>
  withScript([50_000, 49_990, 49_980], (world) => {
    const takeProfit = { triggerPrice: world.price(50_500), executePrice: 0 as PriceTicks };
    const stopLoss = { triggerPrice: world.price(49_000), executePrice: 0 as PriceTicks };
    const price = world.price(49_990);
    const order = world.order({ side: 'buy', orderType: 'limit', price, takeProfit, stopLoss });
    expect(world.account.waiting.size).toBe(0);
    world.step(2);
    expect(order.status).toBe('filled');
    expect([...world.account.waiting.values()].map(({ kind, qty }) => [kind, qty])).toEqual([
      ['profit_plan', 10],
      ['loss_plan', 10],
    ]);
    world.exchange.closePositions(world.account, null, null);
    expect(world.account.waiting.size).toBe(0);
  }));

test('cancelling all orders leaves triggers alone', () =>
  withScript([50_000], (world) => {
    world.order({ side: 'buy' });
    const stop = world.stop(49_000);
    world.order({ side: 'buy', orderType: 'limit', price: world.price(49_500) });
    expect(world.exchange.cancelAll(world.account, null)).toHaveLength(1);
    expect(stop.status).toBe('live');
  }));

test('triggers wait on after a kill, trailing ones from the best price they have seen', () =>
  withScript([50_000, 50_100, 50_600, 50_200, 50_090], (world) => {
    world.order({ side: 'buy' });
    world.stop(49_000);
    plan(world, 50_100, { kind: 'track_plan', side: 'sell', callbackE6: 10_000 });
    world.step(3);
    world.exchange.saveReplayPositions();
    world.restart();
    world.check();
    expect([...world.account.waiting.values()].map(({ kind }) => kind)).toEqual(['pos_loss', 'track_plan']);
    world.step();
    // The trailing order sold the position, and its stop went with it.
    expect([...world.account.triggers].map(({ status }) => status)).toEqual(['cancelled', 'executed']);
    expect(world.held()).toBe(0);
  }));
