/** The grades beside each other: what holds between them whatever the market does, and where it ends. */
import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { RecordedBook } from '../../../core/fill-model/book-levels.ts';
import { COMPARED_GRADES, GradedFills, type OrderPrediction } from '../../../core/fill-model/graded-fills.ts';
import type { PriceTicks, QtyLots } from '../../../core/money/money.ts';
import type { Side } from '../../../core/orders/order-intent.ts';
import { ASKS, BIDS, ModelBench } from './harness.ts';

class Bench {
  readonly book = new RecordedBook();
  readonly graded = new GradedFills(this.book);

  constructor() {
    for (const [price, lots] of BIDS) this.book.bids.set(price, lots);
    for (const [price, lots] of ASKS) this.book.asks.set(price, lots);
  }

  place(id: number, side: Side, price: number, qty: number): this {
    this.graded.place({ id, side, price: price as PriceTicks, qty: qty as QtyLots });
    return this;
  }

  amend(id: number, price: number, qty: number): this {
    this.graded.amend(id, price as PriceTicks, qty as QtyLots);
    return this;
  }

  level(side: Side, price: number, lots: number): this {
    const before = this.book.levels(side).set(price, lots);
    this.graded.applyLevel(side, price as PriceTicks, before, lots);
    return this;
  }

  trade(takerSide: Side, price: number, lots: number, isInBook = false): this {
    this.graded.applyTrade(takerSide, price as PriceTicks, lots as QtyLots, isInBook);
    return this;
  }

  /** Lots of an order by touch, queue and strict. */
  lots(id: number): number[] {
    const { filledByGrade } = this.graded.predictions().find(({ orderId }) => orderId === id)!;
    return COMPARED_GRADES.map((grade) => filledByGrade[grade]);
  }
}

describe('each grade by its own rule', () => {
  test.each([
    ['a lot at its price', (b: Bench) => b.trade('sell', 100, 1), [1, 0, 0]],
    ['a trade that ends its queue of 10 and more', (b: Bench) => b.trade('sell', 100, 13), [5, 3, 0]],
    ['a trade below its price', (b: Bench) => b.trade('sell', 99, 2), [2, 2, 2]],
    ['an offer at its price', (b: Bench) => b.level('sell', 100, 2), [2, 2, 0]],
    ['an offer below its price', (b: Bench) => b.level('sell', 99, 2), [2, 2, 2]],
    ['a trade that the book shows already', (b: Bench) => b.trade('sell', 100, 13, true), [5, 0, 0]],
    ['a level that vanishes', (b: Bench) => b.level('buy', 100, 0), [0, 0, 0]],
  ] as const)('%s', (_name, happens, lots) => {
    expect(happens(new Bench().place(1, 'buy', 100, 5)).lots(1)).toEqual(lots);
  });

  test('an amended order waits at the back again; what it filled counts towards its new size', () => {
    const bench = new Bench().place(1, 'buy', 100, 5).trade('sell', 100, 12);
    expect(bench.lots(1)).toEqual([5, 2, 0]);
    bench.amend(1, 99, 6).trade('sell', 99, 20);
    expect(bench.lots(1)).toEqual([6, 2, 0]);
    bench.trade('sell', 99, 2);
    expect(bench.lots(1)).toEqual([6, 4, 0]);
    bench.amend(1, 99, 3).trade('sell', 98, 50);
    expect(bench.lots(1)).toEqual([6, 4, 3]);
    // Of an order that is not here nothing is known.
    bench.amend(2, 99, 3).trade('sell', 98, 50);
    expect(bench.graded.openCount).toBe(1);
  });

  test('a trade counts as not in the book yet unless that is said', () => {
    const bench = new Bench().place(1, 'buy', 100, 5);
    bench.graded.applyTrade('sell', 100 as PriceTicks, 13 as QtyLots);
    expect(bench.lots(1)).toEqual([5, 3, 0]);
  });

  test('an order beyond what the feed shows has an endless queue until its level is shown', () => {
    const bench = new Bench();
    bench.book.bids.showTo(98 as PriceTicks);
    bench.place(1, 'buy', 97, 5).trade('sell', 97, 50);
    expect(bench.lots(1)).toEqual([5, 0, 0]);
    bench.book.bids.showTo(null);
    bench.graded.reveal();
    bench.trade('sell', 97, 2);
    expect(bench.lots(1)).toEqual([5, 2, 0]);
  });

  test('a closed order is out of all queues and stays on record', () => {
    const bench = new Bench().place(1, 'buy', 100, 5).trade('sell', 100, 1);
    bench.graded.close(1);
    bench.trade('sell', 90, 50);
    expect([bench.graded.openCount, bench.lots(1)]).toEqual([0, [1, 0, 0]]);
    bench.graded.close(1);
    expect(bench.graded.predictions()).toHaveLength(1);
  });
});

const side = fc.constantFrom<Side>('buy', 'sell');
const price = fc.integer({ min: 98, max: 104 });
const size = fc.integer({ min: 1, max: 25 });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ step: fc.constant('place' as const), side, price, size }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('close' as const), id: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('amend' as const), id: fc.integer({ min: 1, max: 12 }), price, size }) }, // prettier-ignore
  { weight: 4, arbitrary: fc.record({ step: fc.constant('level' as const), side, price, size: fc.nat(30) }) },
  { weight: 6, arbitrary: fc.record({ step: fc.constant('trade' as const), side, price, size, isInBook: fc.boolean() }) }, // prettier-ignore
  { weight: 1, arbitrary: fc.record({ step: fc.constant('requeue' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
const steps = fc.array(step, { minLength: 10, maxLength: 80 });

function take(bench: Bench, next: Step, id: number): void {
  if (next.step === 'place') bench.place(id, next.side, next.price, next.size);
  else if (next.step === 'close') bench.graded.close(next.id);
  else if (next.step === 'amend') bench.amend(next.id, next.price, next.size);
  else if (next.step === 'level') bench.level(next.side, next.price, next.size);
  else if (next.step === 'trade') bench.trade(next.side, next.price, next.size, next.isInBook);
  else bench.graded.requeue();
}

test('of each order, at any time: strict fills no more than queue, and queue no more than touch', () => {
  const apart = { touchFromQueue: 0, queueFromStrict: 0 };
  fc.assert(
    fc.property(steps, (all) => {
      const bench = new Bench();
      all.forEach((next, index) => {
        take(bench, next, index + 1);
        for (const { filledByGrade } of bench.graded.predictions()) {
          const { touch, queue, strict } = filledByGrade;
          expect(strict <= queue && queue <= touch).toBe(true);
          if (queue < touch) apart.touchFromQueue += 1;
          if (strict < queue) apart.queueFromStrict += 1;
        }
      });
    }),
    { numRuns: 600 },
  );
  expect(Math.min(apart.touchFromQueue, apart.queueFromStrict)).toBeGreaterThan(100);
});

test('partial fills add up: orders to totals, none beyond its size', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const bench = new Bench();
      all.forEach((next, index) => take(bench, next, index + 1));
      const predictions = bench.graded.predictions();
      const isAmended = all.some((next) => next.step === 'amend');
      for (const grade of COMPARED_GRADES) {
        const sum = (of: (prediction: OrderPrediction) => number): number =>
          predictions.reduce((total, prediction) => total + of(prediction), 0);
        const { lots, tickLots, fills, orders } = bench.graded.totals[grade];
        expect(orders).toBe(predictions.filter(({ filledByGrade }) => filledByGrade[grade] > 0).length);
        expect(sum(({ filledByGrade }) => filledByGrade[grade])).toBe(lots);
        expect(fills <= lots && fills > 0 === lots > 0).toBe(true);
        if (isAmended) continue;
        expect(predictions.every(({ qty, filledByGrade }) => filledByGrade[grade] <= qty)).toBe(true);
        // A maker is filled at its limit: no better price is claimed, and no worse one is paid.
        expect(sum((order) => order.filledByGrade[grade] * order.price)).toBe(tickLots);
      }
    }),
  );
});

test('beside each other they say what each says alone', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const bench = new Bench();
      const alone = COMPARED_GRADES.map((grade) => new ModelBench(grade));
      all.forEach((next, index) => {
        if (next.step === 'amend') return;
        take(bench, next, index + 1);
        for (const { model, book } of alone) {
          if (next.step === 'place') {
            const terms = { side: next.side, price: next.price as PriceTicks, qty: next.size as QtyLots };
            model.restore({ id: index + 1, ...terms, kind: 'limit', reduceOnly: false }, terms.qty, 'maker');
          } else if (next.step === 'close') model.cancel(next.id);
          else if (next.step === 'requeue') model.requeue();
          else if (next.step === 'trade') {
            model.applyTrade(next.side, next.price as PriceTicks, next.size as QtyLots, next.isInBook);
          } else if (next.step === 'level') {
            const before = book.levels(next.side).set(next.price, next.size);
            model.applyLevel(next.side, next.price as PriceTicks, before, next.size);
          }
        }
      });
      alone.forEach(({ fills }, index) => {
        const lots = fills.reduce((sum, [, , filled]) => sum + filled, 0);
        expect(bench.graded.totals[COMPARED_GRADES[index]!]).toMatchObject({ fills: fills.length, lots });
      });
    }),
  );
});

describe('where the order of the grades ends', () => {
  const filled = (bench: ModelBench, id: number): number =>
    bench.fills.reduce((sum, [orderId, , lots]) => sum + (orderId === id ? lots : 0), 0);

  test('a reduce-only order lives as long as its position: the hopeful grade closes it elsewhere first', () => {
    const play = (grade: 'touch' | 'queue'): number => {
      const bench = new ModelBench(grade, 5).place(1, 'sell', 102, 5, { reduceOnly: true });
      bench.place(2, 'sell', 103, 5, { reduceOnly: true });
      bench.trade('buy', 102, 5).model.cancel(1);
      return filled(bench.trade('buy', 104, 5), 2);
    };
    expect([play('touch'), play('queue')]).toEqual([0, 5]);
  });

  test('an order that crosses finds what the resting ones have left of the level', () => {
    const play = (grade: 'queue' | 'strict'): number => {
      const bench = new ModelBench(grade).place(1, 'buy', 100, 5).level('sell', 100, 8);
      return filled(bench.place(2, 'buy', 100, 8, { kind: 'immediate' }), 2);
    };
    expect([play('queue'), play('strict')]).toEqual([3, 8]);
  });
});

test('memory is bounded in orders that are open and in those that are kept', () => {
  const bench = new Bench();
  for (let id = 1; id <= 5_000; id += 1) {
    bench.place(id, 'buy', 90, 1);
    if (id <= 4_700) bench.graded.close(id);
  }
  expect(bench.graded.openCount).toBe(256);
  const kept = bench.graded.predictions().map(({ orderId }) => orderId);
  const closed = kept.length - 256;
  expect(closed >= 512 && closed <= 564).toBe(true);
  // The newest ones, oldest first, without a hole.
  expect(kept).toEqual(kept.map((_id, index) => 5_001 - kept.length + index));
  bench.trade('sell', 89, 1_000);
  expect(bench.graded.totals.queue.lots).toBe(256);
  bench.graded.closeAll();
  expect(bench.graded.openCount).toBe(0);
});
