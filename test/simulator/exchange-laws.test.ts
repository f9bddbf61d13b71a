/**
 * Chance against the exchange: hundreds of requests of every kind on a market that jumps, with kills in between. Whatever
 * happens, its books agree after each of them, and nothing but a refusal is ever thrown.
 */
import { expect, test } from '@jest/globals';
import type { Leg } from '../../core/accounting/legs.ts';
import type { PriceTicks, QtyLots } from '../../core/money/money.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import { createChance } from '../../core/simulation/chance.ts';
import { Refusal } from '../../simulator/exchange/refusal.ts';
import type { OrderCause, OrderForce, TpslKind, TriggerStatus } from '../../simulator/exchange/rows.ts';
import { ScriptedExchange, SYMBOL } from './scripted-exchange.ts';

const STEPS = 400;
const REQUESTS_A_STEP = 3;

interface Tally {
  readonly causes: Set<OrderCause>;
  readonly triggerStatuses: Set<TriggerStatus>;
  readonly refusals: Set<string>;
  settlements: number;
}

function run(seed: number, tally: Tally): void {
  const chance = createChance(seed);
  const below = (max: number) => Math.floor(chance() * max);
  const pick = <T>(choices: readonly T[]): T => choices[below(choices.length)]!;
  let price = 50_000;
  const path = Array.from({ length: STEPS + 10 }, () => {
    price = Math.max(20_000, price + below(401) - 200 + (below(50) === 0 ? pick([-4_000, 4_000]) : 0));
    return price;
  });
  const options = { market: { fundingIntervalMs: 20_000, fundingRate: pick(['0.0001', '-0.0007', '0.003']) } };
  const world = new ScriptedExchange(path, options);
  const ticks = () => Math.round(world.market.midDoubled / 2 + below(20_001) - 10_000) as PriceTicks;
  const size = () => pick([0.001, 0.01, 0.5, 2, 6]);
  const legOf = (): { leg: Leg; side: Side } =>
    world.account.row.positionMode === 'one_way'
      ? { leg: 'net', side: pick(['buy', 'sell']) }
      : { leg: pick(['long', 'short']), side: pick(['buy', 'sell']) };
  const order = () => {
    const { leg, side } = legOf();
    const orderType = pick(['limit', 'market'] as const);
    world.order(
      {
        leg,
        side,
        orderType,
        force: pick<OrderForce>(['gtc', 'post_only', 'ioc', 'fok']),
        reduceOnly: below(3) === 0,
        price: orderType === 'market' ? (0 as PriceTicks) : ticks(),
        takeProfit: below(4) === 0 ? { triggerPrice: ticks(), executePrice: 0 as PriceTicks } : null,
        stopLoss: below(4) === 0 ? { triggerPrice: ticks(), executePrice: pick([0 as PriceTicks, ticks()]) } : null,
      },
      size(),
    );
  };
  const requests: readonly (() => void)[] = [
    order,
    order,
    order,
    () => {
      const kind = pick<TpslKind>(['profit_plan', 'loss_plan', 'moving_plan', 'pos_profit', 'pos_loss']);
      const part = kind === 'pos_profit' || kind === 'pos_loss' ? 0 : size();
      const callbackE6 = kind === 'moving_plan' ? 1_000 * (1 + below(20)) : null;
      const executePrice = callbackE6 === null ? pick([0 as PriceTicks, ticks()]) : (0 as PriceTicks);
      const direction = pick(['long', 'short'] as const);
      const source = pick(['mark_price', 'fill_price'] as const);
      world.stop(ticks() / 10, { kind, direction, source, executePrice, callbackE6, qty: world.qty(part) });
    },
    () => {
      const kind = pick(['normal_plan', 'track_plan'] as const);
      world.exchange.placePlan(world.account, {
        kind,
        symbol: SYMBOL,
        clientOid: null,
        ...legOf(),
        reduceOnly: below(3) === 0,
        marginMode: world.account.settings(SYMBOL).marginMode,
        triggerPrice: ticks(),
        source: pick(['mark_price', 'fill_price']),
        executePrice: kind === 'track_plan' ? (0 as PriceTicks) : pick([0 as PriceTicks, ticks()]),
        qty: world.qty(size()),
        callbackE6: kind === 'track_plan' ? 1_000 * (1 + below(20)) : null,
        takeProfit: below(2) === 0 ? { triggerPrice: ticks(), executePrice: 0 as PriceTicks } : null,
        stopLoss: null,
      });
    },
    () => {
      const open = [...world.account.open.values()];
      const amendment = { clientOid: `amended-${below(1e9)}`, price: ticks(), qty: world.qty(size()) };
      if (open.length > 0) world.exchange.amend(world.account, pick(open), amendment);
    },
    () => {
      const open = [...world.account.open.values()];
      if (open.length > 0) world.exchange.modify(world.account, pick(open), { price: ticks(), qty: world.qty(size()) });
    },
    () => {
      const open = [...world.account.open.values()];
      if (open.length > 0) world.exchange.fillNow(world.account, pick(open), (1 + below(100)) as QtyLots);
    },
    () => {
      if (below(20) === 0) world.exchange.shiftPrice(SYMBOL, below(40_001) - 20_000);
    },
    () => {
      const waiting = [...world.account.waiting.values()];
      if (waiting.length === 0) return;
      const trigger = pick(waiting);
      const family = trigger.kind.endsWith('_plan') && /normal|track/.test(trigger.kind) ? 'plan' : 'tpsl';
      world.exchange.modifyTrigger(world.account, trigger, family, { triggerPrice: ticks() });
    },
    () => {
      const open = [...world.account.open.values()];
      if (open.length > 0) world.exchange.cancel(world.account, pick(open));
    },
    () => {
      const waiting = [...world.account.waiting.values()];
      if (waiting.length > 5) world.exchange.cancelTriggers(world.account, [pick(waiting)]);
    },
    () => {
      if (below(10) === 0) world.exchange.cancelAll(world.account, null);
    },
    () => {
      if (below(6) === 0) world.exchange.closePositions(world.account, null, pick(['long', 'short', null]));
    },
    () => {
      const { leg } = legOf();
      if (below(6) === 0) world.exchange.forceReduce(world.account, SYMBOL, leg, (1 + below(500)) as QtyLots);
    },
    () => {
      if (below(10) !== 0) return;
      world.exchange.closePositions(world.account, null, null);
    },
    () => {
      if (below(4) !== 0) return;
      world.exchange.cancelAll(world.account, null);
      world.exchange.cancelTriggers(world.account, [...world.account.waiting.values()]);
      if (world.account.hasPosition) world.exchange.closePositions(world.account, null, null);
      world.exchange.setPositionMode(world.account, pick(['one_way', 'hedge']));
      world.exchange.setMarginMode(world.account, SYMBOL, pick(['crossed', 'isolated']));
      world.exchange.setLeverage(world.account, SYMBOL, pick([5, 20, 100]), pick(['long', 'short', null]));
    },
  ];
  try {
    for (let step = 0; step < STEPS; step++) {
      for (let request = 0; request < REQUESTS_A_STEP; request++) {
        try {
          pick(requests)();
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          tally.refusals.add(error.code);
        }
        world.check();
      }
      world.step();
      if (below(40) === 0) {
        const before = { ...world.account.row };
        world.restart();
        world.check();
        expect(world.account.row).toEqual(before);
      }
    }
    for (const { cause } of world.account.orders) tally.causes.add(cause);
    for (const { status } of world.account.triggers) tally.triggerStatuses.add(status);
    tally.settlements += world.exchange.settlementsOf(SYMBOL).length;
  } finally {
    world.end();
  }
}

function runAll(seeds: readonly number[]): Tally {
  const tally: Tally = { causes: new Set(), triggerStatuses: new Set(), refusals: new Set(), settlements: 0 };
  for (const seed of seeds) {
    try {
      run(seed, tally);
    } catch (error) {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    }
  }
  return tally;
}

test('whatever is asked, in whatever order, the books agree; and everything that can happen did', () => {
  const tally = runAll(Array.from({ length: 12 }, (_unused, index) => 1_000 + index));
  // The laws say nothing about what never happened.
  expect([...tally.causes].sort()).toEqual([
    'amend',
    'flash_close',
    'forced_reduce',
    'liquidation',
    'loss_plan',
    'moving_plan',
    'normal_plan',
    'pos_loss',
    'pos_profit',
    'profit_plan',
    'request',
    'track_plan',
  ]);
  expect([...tally.triggerStatuses].sort()).toEqual(['cancelled', 'executed', 'fail_execute', 'live']);
  expect(tally.refusals.size).toBeGreaterThan(10);
  expect(tally.settlements).toBeGreaterThan(100);
}, 60_000);

test('and so they do with other numbers each time', () => {
  const first = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6));
  runAll([first, first + 1, first + 2]);
}, 60_000);
