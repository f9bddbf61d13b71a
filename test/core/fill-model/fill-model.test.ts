import { describe, expect, test } from '@jest/globals';
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

test('a cancelled order is out of the queue', () => {
  const bench = new ModelBench().place(1, 'buy', 101, 5);
  expect(bench.model.cancel(1)).toBe(true);
  expect(bench.model.cancel(1)).toBe(false);
  expect(bench.trade('sell', 101, 9).fills).toEqual([]);
});
