import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { applyFill, flatPosition } from '../../../core/accounting/position.ts';
import { feeOn, notional, type PriceTicks, type QtyLots } from '../../../core/money/money.ts';
import type { Side } from '../../../core/orders/order-intent.ts';
import { ModelBench } from './harness.ts';

const VALUE = { quotePerTickLotE12: 100_000_000n };

type Step =
  | {
      step: 'place';
      side: Side;
      price: number;
      qty: number;
      kind: 'limit' | 'post_only' | 'immediate';
      reduceOnly: boolean;
    }
  | { step: 'cancel'; order: number }
  | { step: 'level'; side: Side; price: number; lots: number }
  | { step: 'trade'; side: Side; price: number; lots: number };

const side = fc.constantFrom<Side>('buy', 'sell');
const price = fc.integer({ min: 95, max: 107 });
const lots = fc.integer({ min: 0, max: 30 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      step: fc.constant('place' as const),
      side,
      price,
      qty: fc.integer({ min: 1, max: 20 }),
      kind: fc.constantFrom('limit' as const, 'post_only' as const, 'immediate' as const),
      reduceOnly: fc.boolean(),
    }),
    fc.record({ step: fc.constant('cancel' as const), order: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ step: fc.constant('level' as const), side, price, lots }),
    fc.record({ step: fc.constant('trade' as const), side, price, lots: fc.integer({ min: 1, max: 30 }) }),
  ),
  { maxLength: 60 },
);

interface Placed {
  readonly side: Side;
  readonly price: number;
  readonly qty: number;
  readonly reduceOnly: boolean;
}

/** Plays the steps; `after` sees the bench after each with what it filled. */
function play(
  all: readonly Step[],
  after: (bench: ModelBench, placed: Map<number, Placed>, step: Step, from: number) => void,
) {
  const bench = new ModelBench();
  const placed = new Map<number, Placed>();
  let id = 0;
  for (const step of all) {
    const from = bench.fills.length;
    switch (step.step) {
      case 'place':
        id += 1;
        placed.set(id, step);
        bench.place(id, step.side, step.price, step.qty, { kind: step.kind, reduceOnly: step.reduceOnly });
        break;
      case 'cancel':
        bench.model.cancel(step.order);
        break;
      case 'level':
        bench.level(step.side, step.price, step.lots);
        break;
      case 'trade':
        bench.trade(step.side, step.price, step.lots);
        break;
    }
    after(bench, placed, step, from);
  }
  return { bench, placed };
}

test('fills never exceed their order, nor its limit, and add up to the position', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const { bench, placed } = play(all, () => {});
      const filled = new Map<number, number>();
      let position = 0;
      for (const [id, fillPrice, fillLots] of bench.fills) {
        const order = placed.get(id)!;
        filled.set(id, (filled.get(id) ?? 0) + fillLots);
        position += order.side === 'buy' ? fillLots : -fillLots;
        expect(order.side === 'buy' ? fillPrice <= order.price : fillPrice >= order.price).toBe(true);
      }
      for (const [id, sum] of filled) expect(sum).toBeLessThanOrEqual(placed.get(id)!.qty);
      expect(bench.model.positionLots).toBe(position);
    }),
  );
});

test('no step hands out more than it brought: a trade its size, a level what it shows', () => {
  fc.assert(
    fc.property(steps, (all) => {
      play(all, (bench, _placed, step, from) => {
        const filledNow = bench.fills.slice(from).reduce((sum, [, , fillLots]) => sum + fillLots, 0);
        if (step.step === 'trade' || step.step === 'level') expect(filledNow).toBeLessThanOrEqual(step.lots);
        if (step.step === 'cancel') expect(filledNow).toBe(0);
      });
    }),
  );
});

test('queue order is kept: within a step better prices fill first, and at one price the older order', () => {
  fc.assert(
    fc.property(steps, (all) => {
      play(all, (bench, placed, step, from) => {
        if (step.step === 'place') return;
        const sign = (id: number) => (placed.get(id)!.side === 'buy' ? 1 : -1);
        const now = bench.fills.slice(from);
        for (let index = 1; index < now.length; index++) {
          const [earlierId, earlierPrice] = now[index - 1]!;
          const [laterId, laterPrice] = now[index]!;
          const betterBy = (earlierPrice - laterPrice) * sign(laterId);
          expect(betterBy > 0 || (betterBy === 0 && earlierId < laterId)).toBe(true);
        }
      });
    }),
  );
});

test('a reduce-only fill always brings the position closer to zero, never through it', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const { bench, placed } = play(all, () => {});
      let position = 0;
      for (const [id, , fillLots] of bench.fills) {
        const order = placed.get(id)!;
        const next = position + (order.side === 'buy' ? fillLots : -fillLots);
        if (order.reduceOnly) {
          expect(Math.abs(next)).toBe(Math.abs(position) - fillLots);
        }
        position = next;
      }
    }),
  );
});

test('cash is exact: realised minus fees equals what was sold minus bought minus fees, plus the cost still held', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const { bench, placed } = play(all, () => {});
      const position = flatPosition();
      let flow = 0n;
      let cash = 0n;
      for (const [id, fillPrice, fillLots, liquidity] of bench.fills) {
        const { side: orderSide } = placed.get(id)!;
        const value = notional(fillPrice as PriceTicks, fillLots as QtyLots, VALUE);
        const fee = feeOn(value, liquidity === 'maker' ? 200n : 600n, 'up');
        const realised = applyFill(position, orderSide, fillPrice as PriceTicks, fillLots as QtyLots, fee, VALUE);
        cash += realised - fee;
        flow += (orderSide === 'sell' ? value : 0n - value) - fee;
      }
      const held = position.qty >= 0 ? position.cost : 0n - position.cost;
      expect(cash).toBe(flow + held);
    }),
  );
});

test('the same steps lead to the same fills', () => {
  fc.assert(
    fc.property(steps, (all) => expect(play(all, () => {}).bench.fills).toEqual(play(all, () => {}).bench.fills)),
  );
});
