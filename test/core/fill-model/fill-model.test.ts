import { describe, expect, test } from '@jest/globals';
import type { QtyLots } from '../../../core/money/money.ts';
import { ModelBench } from './harness.ts';

describe('a resting order waits for its turn', () => {
  test.each([
    ['trades that end inside the queue leave it open', (b: ModelBench) => b.trade('sell', 100, 9), []],
    ['the lot that ends the queue fills nothing yet', (b: ModelBench) => b.trade('sell', 100, 10), []],
    ['what a trade has left over fills it', (b: ModelBench) => b.trade('sell', 100, 12), [[1, 100, 2, 'maker']]],
    [
      'the queue shortens over several trades',
      (b: ModelBench) => b.trade('sell', 100, 7).trade('sell', 100, 6),
      [[1, 100, 3, 'maker']],
    ],
    ['a buyer does not fill a bid', (b: ModelBench) => b.trade('buy', 100, 50), []],
    [
      'a trade at a worse price fills it first, up to its size',
      (b: ModelBench) => b.trade('sell', 99, 3),
      [[1, 100, 3, 'maker']],
    ],
    ['a trade at a better price does not', (b: ModelBench) => b.trade('sell', 101, 50), []],
    [
      'a shrinking level shortens the queue to its size',
      (b: ModelBench) => b.level('buy', 100, 4).trade('sell', 100, 6),
      [[1, 100, 2, 'maker']],
    ],
    [
      'a growing level joins behind',
      (b: ModelBench) => b.level('buy', 100, 40).trade('sell', 100, 11),
      [[1, 100, 1, 'maker']],
    ],
    [
      'a level that vanished leaves it in front',
      (b: ModelBench) => b.level('buy', 100, 0).trade('sell', 100, 1),
      [[1, 100, 1, 'maker']],
    ],
    [
      'an offer that reaches its price fills it at its price',
      (b: ModelBench) => b.level('sell', 99, 3),
      [[1, 100, 3, 'maker']],
    ],
    [
      'an unchanged offer is not handed out twice',
      (b: ModelBench) => b.level('sell', 99, 3).level('sell', 99, 3),
      [[1, 100, 3, 'maker']],
    ],
    [
      'a changed one is',
      (b: ModelBench) => b.level('sell', 99, 3).level('sell', 99, 2),
      [
        [1, 100, 3, 'maker'],
        [1, 100, 2, 'maker'],
      ],
    ],
  ] as const)('%s', (_name, happens, fills) => {
    const bench = new ModelBench().place(1, 'buy', 100, 5);
    happens(bench);
    expect(bench.fills).toEqual(fills);
  });

  test('a trade through its price takes the queue along: what is left of it is in front', () => {
    const bench = new ModelBench().place(1, 'buy', 100, 5).trade('sell', 99, 3);
    expect(bench.model.queueAhead(1)).toBe(0);
    expect(bench.trade('sell', 100, 1).fills).toEqual([
      [1, 100, 3, 'maker'],
      [1, 100, 1, 'maker'],
    ]);
  });

  test('a bid that reaches an ask fills it at its price, and an ask level that shrinks shortens its queue', () => {
    const bench = new ModelBench().place(1, 'sell', 102, 5).level('sell', 102, 4);
    expect([bench.model.queueAhead(1), bench.model.openCount]).toEqual([4, 1]);
    bench.trade('buy', 102, 6).level('buy', 103, 2).level('buy', 103, 2);
    expect(bench.fills).toEqual([
      [1, 102, 2, 'maker'],
      [1, 102, 2, 'maker'],
    ]);
  });

  test('a bid below an ask of ours does not reach it', () => {
    expect(new ModelBench().place(1, 'sell', 102, 5).level('buy', 101, 50).fills).toEqual([]);
  });

  test('both sides are open at once, each in its own queue', () => {
    const bench = new ModelBench().place(1, 'buy', 100, 5).place(2, 'sell', 103, 5);
    expect([1, 2, 3].map((id) => bench.model.queueAhead(id))).toEqual([10, 20, null]);
    expect(bench.model.openCount).toBe(2);
    expect([bench.model.cancel(2), bench.model.queueAhead(2), bench.model.openCount]).toEqual([true, null, 1]);
  });

  test('an ask is the mirror image', () => {
    const bench = new ModelBench().place(1, 'sell', 102, 5).trade('buy', 102, 12).trade('buy', 103, 9);
    expect(bench.fills).toEqual([
      [1, 102, 2, 'maker'],
      [1, 102, 3, 'maker'],
    ]);
    expect(bench.model.positionLots).toBe(-5);
    expect(bench.model.openCount).toBe(0);
  });

  test('own orders at one price fill oldest first, and the better price before', () => {
    const bench = new ModelBench().place(1, 'buy', 99, 3).place(2, 'buy', 101, 2).place(3, 'buy', 99, 3);
    bench.trade('sell', 99, 2 + 20 + 4);
    expect(bench.fills).toEqual([
      [2, 101, 2, 'maker'],
      [1, 99, 3, 'maker'],
      [3, 99, 1, 'maker'],
    ]);
  });

  test('a later order has the size that joined in between ahead of it', () => {
    const bench = new ModelBench().place(1, 'buy', 100, 5).level('buy', 100, 16).place(2, 'buy', 100, 5);
    expect([bench.model.queueAhead(1), bench.model.queueAhead(2)]).toEqual([10, 16]);
    bench.trade('sell', 100, 10 + 5 + 6 + 2);
    expect(bench.fills).toEqual([
      [1, 100, 5, 'maker'],
      [2, 100, 2, 'maker'],
    ]);
  });
});

describe('how hopeful the queue is', () => {
  test.each([
    ['touch', [[1, 100, 1, 'maker']]],
    ['queue', []],
    ['queue_proportional', []],
    ['strict', []],
  ] as const)('%s on the first trade at the price', (grade, fills) => {
    expect(new ModelBench(grade).place(1, 'buy', 100, 5).trade('sell', 100, 1).fills).toEqual(fills);
  });

  test('only a worse price fills under strict', () => {
    const bench = new ModelBench('strict').place(1, 'buy', 100, 5).trade('sell', 100, 90).level('sell', 100, 5);
    expect(bench.fills).toEqual([]);
    expect(bench.trade('sell', 99, 5).fills).toEqual([[1, 100, 5, 'maker']]);
  });

  test('under queue a decrease comes from behind, however large, until it reaches what is ahead', () => {
    const bench = new ModelBench().place(1, 'buy', 100, 5).level('buy', 100, 20).level('buy', 100, 15);
    expect(bench.model.queueAhead(1)).toBe(10);
    expect(bench.level('buy', 100, 9).model.queueAhead(1)).toBe(9);
  });

  test('whoever joins a level joins behind, in any grade', () => {
    const bench = new ModelBench('queue_proportional').place(1, 'buy', 100, 5);
    bench.level('buy', 100, 20).level('buy', 100, 40);
    expect(bench.model.queueAhead(1)).toBe(10);
  });

  test('a decrease that no trade explains is shared between ahead and behind', () => {
    const bench = new ModelBench('queue_proportional').place(1, 'buy', 100, 5).level('buy', 100, 20);
    expect(bench.model.queueAhead(1)).toBe(10);
    // 4 of the 8 that left were traded; of the other 4 the share of what is ahead (6 of 16) is 1.5, cut to 1.
    bench.trade('sell', 100, 4).level('buy', 100, 12);
    expect(bench.model.queueAhead(1)).toBe(5);
  });
});

describe('an order that crosses takes the recorded depth', () => {
  test.each([
    ['the best level', 103, 5, [[1, 102, 5, 'taker']], []],
    [
      'several levels',
      103,
      25,
      [
        [1, 102, 10, 'taker'],
        [1, 103, 15, 'taker'],
      ],
      [],
    ],
    ['no level beyond its limit', 102, 25, [[1, 102, 10, 'taker']], []],
    [
      'everything at any price, the rest is cancelled',
      null,
      70,
      [
        [1, 102, 10, 'taker'],
        [1, 103, 20, 'taker'],
        [1, 104, 30, 'taker'],
      ],
      [[1, 'not_filled_at_once']],
    ],
  ] as const)('%s', (_name, price, qty, fills, cancels) => {
    const bench = new ModelBench().place(1, 'buy', price, qty);
    expect(bench.fills).toEqual(fills);
    expect(bench.cancels).toEqual(cancels);
  });

  test('what was taken is gone until the recording changes the level', () => {
    const bench = new ModelBench().place(1, 'buy', 102, 8).place(2, 'buy', 102, 8, { kind: 'immediate' });
    expect(bench.fills).toEqual([
      [1, 102, 8, 'taker'],
      [2, 102, 2, 'taker'],
    ]);
    expect(bench.cancels).toEqual([[2, 'not_filled_at_once']]);
    bench.level('sell', 102, 6).place(3, 'buy', 102, 8, { kind: 'immediate' });
    expect(bench.fills[2]).toEqual([3, 102, 6, 'taker']);
  });

  test('what was taken of a bid is gone, too, and all-or-nothing does not count on it', () => {
    const bench = new ModelBench().place(1, 'sell', 100, 8).place(2, 'sell', 100, 3, { kind: 'all_or_nothing' });
    expect([bench.fills, bench.cancels]).toEqual([[[1, 100, 8, 'taker']], [[2, 'not_filled_at_once']]]);
    bench.place(3, 'sell', 99, 5, { kind: 'immediate' });
    expect(bench.fills.slice(1)).toEqual([
      [3, 100, 2, 'taker'],
      [3, 99, 3, 'taker'],
    ]);
    bench.level('buy', 100, 9).place(4, 'sell', 100, 9, { kind: 'all_or_nothing' });
    expect(bench.fills.at(-1)).toEqual([4, 100, 9, 'taker']);
  });

  test('in an empty book nothing crosses: a limit rests as a maker, an order at any price is cancelled', () => {
    const bench = new ModelBench('queue', 0, [], []);
    bench.place(1, 'buy', 100, 5).place(2, 'sell', null, 5).place(3, 'sell', 101, 5, { kind: 'post_only' });
    expect([bench.fills, bench.cancels, bench.model.openCount]).toEqual([[], [[2, 'not_filled_at_once']], 2]);
  });

  test('an order without a quantity is our own fault', () => {
    expect(() => new ModelBench().place(1, 'buy', 100, 0)).toThrow('an order has a quantity');
  });

  test('the rest of an order that crossed pays taker too: it is decided when it is created', () => {
    const bench = new ModelBench().place(1, 'buy', 102, 12).trade('sell', 102, 1);
    expect(bench.fills).toEqual([
      [1, 102, 10, 'taker'],
      [1, 102, 1, 'taker'],
    ]);
  });

  test.each([
    ['post-only is cancelled', { kind: 'post_only' }, 5, [], [[1, 'post_only_would_take']]],
    ['immediate takes what is there', { kind: 'immediate' }, 12, [[1, 102, 10, 'taker']], [[1, 'not_filled_at_once']]],
    [
      'all-or-nothing takes nothing when it is too large',
      { kind: 'all_or_nothing' },
      12,
      [],
      [[1, 'not_filled_at_once']],
    ],
    ['all-or-nothing takes all when it fits', { kind: 'all_or_nothing' }, 10, [[1, 102, 10, 'taker']], []],
  ] as const)('%s', (_name, changes, qty, fills, cancels) => {
    const bench = new ModelBench().place(1, 'buy', 102, qty, changes);
    expect(bench.fills).toEqual(fills);
    expect(bench.cancels).toEqual(cancels);
    expect(bench.model.openCount).toBe(0);
  });

  test('post-only rests at the touch', () => {
    const bench = new ModelBench().place(1, 'buy', 101, 5, { kind: 'post_only' });
    expect([bench.cancels, bench.model.queueAhead(1)]).toEqual([[], 0]);
  });
});

describe('reduce-only', () => {
  test('closes no more than the position, then goes', () => {
    const bench = new ModelBench('queue', 3).place(1, 'sell', 100, 9, { reduceOnly: true });
    expect(bench.fills).toEqual([[1, 100, 3, 'taker']]);
    expect(bench.cancels).toEqual([[1, 'nothing_to_reduce']]);
    expect(bench.model.positionLots).toBe(0);
  });

  test('resting ones share the position and go when it is closed', () => {
    const bench = new ModelBench('queue', 4)
      .place(1, 'sell', 102, 3, { reduceOnly: true })
      .place(2, 'sell', 103, 3, { reduceOnly: true })
      .trade('buy', 104, 50);
    expect(bench.fills).toEqual([
      [1, 102, 3, 'maker'],
      [2, 103, 1, 'maker'],
    ]);
    expect(bench.cancels).toEqual([[2, 'nothing_to_reduce']]);
  });
});

describe('reduce-only against a short, and beside others', () => {
  test('a buy closes no more than the short, at once or all or nothing', () => {
    const bench = new ModelBench('queue', -5).place(1, 'buy', 102, 9, { reduceOnly: true, kind: 'all_or_nothing' });
    expect([bench.fills, bench.cancels]).toEqual([[], [[1, 'not_filled_at_once']]]);
    bench.place(2, 'buy', 102, 5, { reduceOnly: true, kind: 'all_or_nothing' });
    expect([bench.fills, bench.model.positionLots]).toEqual([[[2, 102, 5, 'taker']], 0]);
  });

  test('one that still has something to reduce stays when another fills', () => {
    const bench = new ModelBench('queue', -6)
      .place(1, 'buy', 100, 3, { reduceOnly: true })
      .place(2, 'buy', 99, 3, { reduceOnly: true })
      .trade('sell', 100, 13);
    expect([bench.fills, bench.cancels]).toEqual([[[1, 100, 3, 'maker']], []]);
    expect(bench.trade('sell', 98, 9).fills[1]).toEqual([2, 99, 3, 'maker']);
  });

  test.each([
    ['a trade', (bench: ModelBench) => bench.trade('buy', 105, 50)],
    ['a bid', (bench: ModelBench) => bench.level('buy', 105, 50)],
  ])('%s that reaches three of them fills until the position is gone', (_name, reaches) => {
    const bench = new ModelBench('queue', 4);
    for (const id of [1, 2, 3]) bench.place(id, 'sell', 101 + id, 3, { reduceOnly: true });
    reaches(bench);
    expect(bench.fills).toEqual([
      [1, 102, 3, 'maker'],
      [2, 103, 1, 'maker'],
    ]);
    expect(bench.cancels.map(([id]) => id).sort()).toEqual([2, 3]);
    expect(bench.model.openCount).toBe(0);
  });
});

describe('filled by decree', () => {
  test('an open order fills at its own price, up to its size, and is over then', () => {
    const bench = new ModelBench().place(1, 'buy', 100, 5).place(2, 'sell', 103, 5).place(3, 'buy', 99, 5);
    const fillNow = (id: number, lots: number): number => bench.model.fillNow(id, lots as QtyLots);
    expect([fillNow(1, 2), fillNow(2, 9), fillNow(3, 1)]).toEqual([2, 5, 1]);
    expect(bench.fills).toEqual([
      [1, 100, 2, 'maker'],
      [2, 103, 5, 'maker'],
      [3, 99, 1, 'maker'],
    ]);
    expect([bench.model.openCount, bench.model.positionLots]).toEqual([2, -2]);
  });

  test('one that is not open, or has nothing to reduce, does not', () => {
    const bench = new ModelBench().place(1, 'sell', 102, 5, { reduceOnly: true });
    expect([bench.model.fillNow(1, 5 as QtyLots), bench.model.fillNow(9, 5 as QtyLots)]).toEqual([0, 0]);
    expect([bench.fills, bench.model.openCount]).toEqual([[], 1]);
  });
});

test('a cancelled order is out of the queue', () => {
  const bench = new ModelBench().place(1, 'buy', 101, 5);
  expect(bench.model.cancel(1)).toBe(true);
  expect(bench.model.cancel(1)).toBe(false);
  expect(bench.trade('sell', 101, 9).fills).toEqual([]);
});
