import { describe, expect, test } from '@jest/globals';
import { createInstrument } from '../../../core/market/instrument.ts';
import { ASKS, BIDS, frameOf, INSTRUMENT, Paper, type Levels } from './helpers.ts';

const on = (grade?: ConstructorParameters<typeof Paper>[0]): Paper => new Paper(grade).book(BIDS, ASKS);
/** `BIDS` with another size, or without a level (0). */
const bids = (price: number, lots: number): Levels =>
  BIDS.map(([at, size]) => [at, at === price ? lots : size] as const).filter(([, size]) => size > 0);

describe('what the window of five levels shows', () => {
  test('a queue counts the lots that stood there, and trades shorten it', () => {
    const paper = on();
    paper.place('buy', 99, 5);
    expect(paper.trade('sell', 100, 10).fills()).toEqual([]);
    expect(paper.trade('sell', 99, 10).fills()).toEqual([]);
    expect(paper.trade('sell', 99, 3).fills()).toEqual([['buy', 99, 3, 'maker']]);
  });

  test('a level that shrinks below what was ahead moves us forward', () => {
    const paper = on();
    paper.place('buy', 99, 5);
    paper.book(bids(99, 4), ASKS);
    expect(paper.trade('sell', 99, 4).fills()).toEqual([]);
    expect(paper.trade('sell', 99, 1).fills()).toEqual([['buy', 99, 1, 'maker']]);
  });

  test('a level that vanished inside the window is gone: we are first', () => {
    const paper = on();
    paper.place('buy', 99, 5);
    paper.book([...bids(99, 0), [95, 10]], ASKS);
    expect(paper.trade('sell', 99, 2).fills()).toEqual([['buy', 99, 2, 'maker']]);
  });

  test('so it is on the other side', () => {
    const asks = (price: number, lots: number): Levels => ASKS.map(([at, size]) => [at, at === price ? lots : size] as const).filter(([, size]) => size > 0); // prettier-ignore
    const paper = on();
    paper.place('sell', 102, 5);
    paper.place('sell', 105, 5);
    paper.book(BIDS, [...asks(102, 0), [106, 10]]); // prettier-ignore
    expect(paper.trade('buy', 102, 2).fills()).toEqual([['sell', 102, 2, 'maker']]);
    // 105 has left the window: nobody knows, so its queue stays.
    paper.book([[95, 10]], [[99, 1], [100, 10], [101, 10], [102, 10], [103, 10]]); // prettier-ignore
    paper.trade('buy', 102, 14).take();
    expect(paper.trade('buy', 105, 10).fills()).toEqual([]);
    expect(paper.trade('buy', 105, 1).fills()).toEqual([['sell', 105, 1, 'maker']]);
  });

  test('a side that has fewer levels than the window shows all of it: beyond them nobody is ahead', () => {
    const paper = new Paper().book(BIDS.slice(0, 2), ASKS);
    paper.place('buy', 90, 5);
    expect(paper.trade('sell', 90, 3).fills()).toEqual([['buy', 90, 3, 'maker']]);
  });

  test('a level that left the window is not gone: nobody knows, so the queue stays', () => {
    const paper = on();
    paper.place('buy', 96, 5);
    const higher: Levels = [[101, 9], [100, 10], [99, 10], [98, 10], [97, 10]]; // prettier-ignore
    paper.book(higher, [[102, 10]]);
    expect(paper.trade('sell', 96, 10).fills()).toEqual([]);
    expect(paper.trade('sell', 96, 1).fills()).toEqual([['buy', 96, 1, 'maker']]);
  });

  test('beyond the window the queue is unknown: only a worse price fills', () => {
    const paper = on();
    paper.place('buy', 90, 5);
    expect(paper.trade('sell', 90, 1_000).fills()).toEqual([]);
    expect(paper.trade('sell', 89, 2).fills()).toEqual([['buy', 90, 2, 'maker']]);
  });

  test('once the window reaches it, it stands behind what is shown', () => {
    const paper = on();
    paper.place('buy', 95, 5);
    paper.book([[97, 10], [96, 10], [95, 7], [94, 1], [93, 1]], [[98, 10]]); // prettier-ignore
    expect(paper.trade('sell', 95, 7).fills()).toEqual([]);
    expect(paper.trade('sell', 95, 1).fills()).toEqual([['buy', 95, 1, 'maker']]);
  });

  test('shown without a level there, it is first', () => {
    const paper = on();
    paper.place('buy', 95, 5);
    paper.book([[97, 10], [96, 10], [94, 1], [93, 1], [92, 1]], [[98, 10]]); // prettier-ignore
    expect(paper.trade('sell', 95, 1).fills()).toEqual([['buy', 95, 1, 'maker']]);
  });

  test('an order that takes gets what is shown and no more; the rest waits at its limit', () => {
    const paper = on();
    paper.place('buy', 110, 70);
    expect(paper.fills()).toEqual([101, 102, 103, 104, 105].map((price) => ['buy', price, 10, 'taker']));
    expect(paper.exchange.books.ordersOf(null)).toMatchObject([{ price: 110, qty: 70, filled: 50, status: 'open' }]);
  });

  test('what it took is not there again until the level changes', () => {
    const paper = on();
    paper.place('buy', 101, 8);
    paper.place('buy', 101, 8, { kind: 'limit' });
    expect(paper.fills()).toEqual([['buy', 101, 8, 'taker'], ['buy', 101, 2, 'taker']]); // prettier-ignore
  });
});

describe('trades that are late', () => {
  test('one from before the order does not fill it', () => {
    const paper = on();
    paper.place('buy', 100, 5, { kind: 'post_only' });
    expect(paper.trade('sell', 98, 50, 900).fills()).toEqual([]);
    expect(paper.trade('sell', 98, 50).fills()).toEqual([['buy', 100, 5, 'maker']]);
  });

  test('one that the book shows already does not shorten the queue twice', () => {
    const paper = on();
    paper.place('buy', 99, 5);
    const tradedAtMs = paper.atMs + 1;
    paper.atMs += 5;
    paper.book(bids(99, 4), ASKS);
    expect(paper.trade('sell', 99, 6, tradedAtMs).fills()).toEqual([]);
    expect(paper.trade('sell', 99, 4).fills()).toEqual([]);
    expect(paper.trade('sell', 99, 1).fills()).toEqual([['buy', 99, 1, 'maker']]);
  });
});

test('a frame that is older than the last one says nothing', () => {
  const paper = on();
  paper.place('buy', 100, 5);
  paper.exchange.applyBook('BTCUSDT', frameOf(paper.atMs - 1, [[90, 10]], [[91, 10]]), paper.atMs);
  expect(paper.fills()).toEqual([]);
});

describe('a feed that is interrupted', () => {
  test('fills nothing while it is down, and accepts nothing', () => {
    const paper = on();
    paper.place('buy', 100, 5);
    paper.exchange.interrupt('BTCUSDT');
    expect(paper.trade('sell', 90, 500).fills()).toEqual([]);
    expect(paper.place('buy', 99, 5)).toMatchObject({ answer: 'no', code: 'market_down' });
  });

  test('that comes back beyond our price fills at our price', () => {
    const paper = on();
    paper.place('buy', 100, 5);
    paper.exchange.interrupt('BTCUSDT');
    paper.book([[95, 10]], [[96, 10]]);
    expect(paper.fills()).toEqual([['buy', 100, 5, 'maker']]);
  });

  test('that comes back as it was has put us at the back', () => {
    const paper = on();
    paper.place('buy', 100, 5);
    paper.trade('sell', 100, 9);
    paper.exchange.interrupt('BTCUSDT');
    paper.book(BIDS, ASKS);
    expect(paper.trade('sell', 100, 10).fills()).toEqual([]);
    expect(paper.trade('sell', 100, 1).fills()).toEqual([['buy', 100, 1, 'maker']]);
  });
});

test.each([
  ['touch', 1, 1],
  ['queue', 10, 0],
  ['queue', 11, 1],
  ['strict', 1_000, 0],
] as const)('grade %s: a trade of %d lots at our price fills %d', (grade, lots, filled) => {
  const paper = on(grade);
  paper.place('buy', 100, 1);
  paper.trade('sell', 100, lots);
  expect(paper.fills()).toHaveLength(filled);
});

describe('money', () => {
  test('fees follow maker and taker, to the last digit', () => {
    const paper = on();
    paper.place('buy', 101, 7);
    paper.place('sell', 102, 7, { kind: 'post_only' });
    paper.trade('buy', 103, 20);
    // 7 lots of 0.001 at 101 are 0.707 USDT, at 102 0.714.
    expect(paper.allFills().map(({ fee, liquidity }) => ({ fee, liquidity }))).toEqual([
      { fee: 424_200_000n, liquidity: 'taker' },
      { fee: 142_800_000n, liquidity: 'maker' },
    ]);
    expect(paper.exchange.books.account.cash).toBe(1_000_000_000_000_000n + 7_000_000_000n - 567_000_000n);
    expect(paper.held()).toBe(0);
  });

  test('what does not come out even costs the account: a fee up, a rebate down', () => {
    const fees = (makerFeeRate: string, takerFeeRate: string): bigint[] => {
      const paper = new Paper();
      const fine = { tick: '0.000001', lot: '0.000001', qtyMin: '0.000001', notionalMin: '0.000000000001' };
      paper.exchange.learn(createInstrument({ ...INSTRUMENT.spec, ...fine, makerFeeRate, takerFeeRate }));
      // 7 lots at 101 ticks are 707e-12 USDT.
      paper.book(BIDS, ASKS).place('buy', 101, 7);
      paper.place('sell', 101, 7, { kind: 'post_only' });
      paper.trade('buy', 103, 99);
      return paper.allFills().map(({ fee }) => fee);
    };
    // 0.1414e-12 as maker, 0.4242e-12 as taker.
    expect(fees('0.0002', '0.0006')).toEqual([1n, 1n]);
    expect(fees('-0.0002', '0.0006')).toEqual([1n, 0n]);
    expect(fees('-0.002', '0.006')).toEqual([5n, -1n]);
  });

  test('an open order binds margin, its cancel frees it', () => {
    const paper = on();
    const available = () => paper.exchange.figures()!.available;
    const before = available();
    paper.place('buy', 100, 20, { clientOrderId: 'bound' });
    // 2 USDT at a leverage of 20.
    expect(before - available()).toBe(100_000_000_000n);
    paper.exchange.cancel('BTCUSDT', 'bound', paper.atMs);
    expect(available()).toBe(before);
    expect(paper.place('buy', 100, 200_001)).toMatchObject({ answer: 'no', code: 'balance_too_small' });
    expect(paper.place('buy', 100, 200_000)).toMatchObject({ answer: 'yes' });
  });

  test('without a live price nothing held is valued', () => {
    const paper = on();
    paper.place('buy', 101, 7);
    expect(paper.exchange.figures()).not.toBeNull();
    paper.exchange.interrupt('BTCUSDT');
    expect(paper.exchange.figures()).toBeNull();
  });
});
