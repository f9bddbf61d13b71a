/** What a paper account is worth, what it may still do, and what it pays for what it holds. */
import { describe, expect, test } from '@jest/globals';
import { flatHoldings } from '../../../core/accounting/holdings.ts';
import { applyFill, flatPosition } from '../../../core/accounting/position.ts';
import { createInstrument } from '../../../core/market/instrument.ts';
import { parseQuote } from '../../../core/money/decimal.ts';
import type { PriceTicks, QtyLots, QuoteAmount } from '../../../core/money/money.ts';
import { entryPriceOf, marginOf, unrealisedAt, valueAt } from '../../../core/paper/figures.ts';
import { paymentsOf } from '../../../core/paper/funding.ts';
import { ASKS, BIDS, frameOf, INSTRUMENT, Paper } from './helpers.ts';

/** Bought or sold at `price` in fills of `lots`. */
function position(side: 'buy' | 'sell', ...fills: readonly (readonly [price: number, lots: number])[]) {
  const held = flatPosition();
  for (const [price, lots] of fills) applyFill(held, side, price as PriceTicks, lots as QtyLots, 0n as QuoteAmount, INSTRUMENT); // prettier-ignore
  return held;
}

const E12 = 1_000_000_000_000n;

describe('a position', () => {
  // 7 lots of 0.001 at 101 cost 0.707 USDT.
  test.each([
    ['a long gains as the mark rises', 'buy', 103n, 14_000_000_000n],
    ['and loses as it falls', 'buy', 100n, -7_000_000_000n],
    ['a short loses as it rises', 'sell', 103n, -14_000_000_000n],
    ['and gains as it falls', 'sell', 100n, 7_000_000_000n],
  ] as const)('%s', (_name, side, mark, unrealised) => {
    const held = position(side, [101, 7]);
    expect(unrealisedAt(held, mark * E12, INSTRUMENT)).toBe(unrealised);
    expect(valueAt(held, mark * E12, INSTRUMENT)).toBe(7_000_000_000n * mark);
  }); // prettier-ignore

  test('is valued down to 1e-12', () => {
    expect(valueAt(position('sell', [101, 7]), 142_857n, INSTRUMENT)).toBe(999n);
  });

  test('has an average entry, cut after twelve decimals', () => {
    expect(entryPriceOf(position('buy', [101, 7]), INSTRUMENT)).toBe('101');
    expect(entryPriceOf(position('buy', [100, 1], [101, 2]), INSTRUMENT)).toBe('100.666666666666');
    expect(entryPriceOf(position('sell', [100, 1], [101, 2]), INSTRUMENT)).toBe('100.666666666666');
  });
});

test('an order binds margin for what is open of it, and none where it only reduces', () => {
  const order = { price: 100 as PriceTicks, qty: 20 as QtyLots, filled: 5 as QtyLots, reduceOnly: false };
  expect(marginOf(order, INSTRUMENT, 20n)).toBe(75_000_000_000n);
  expect(marginOf(order, INSTRUMENT, 1n)).toBe(1_500_000_000_000n);
  expect(marginOf({ ...order, reduceOnly: true }, INSTRUMENT, 20n)).toBe(0n);
});

describe('an account', () => {
  test('without a position is its cash', () => {
    const cash = parseQuote('1000');
    expect(new Paper().exchange.figures()).toEqual({ equity: cash, maintenance: 0n, available: cash });
  });

  test('with one is cash and result; margin is bound at its leverage, and some must stay', () => {
    const paper = new Paper().book(BIDS, ASKS);
    paper.exchange.setLeverage('BTCUSDT', 10);
    paper.place('buy', 101, 7);
    paper.exchange.applyPrices('BTCUSDT', '100', '110', paper.atMs, paper.atMs);
    const { cash } = paper.exchange.books.account;
    expect(cash).toBe(parseQuote('1000') - 424_200_000n);
    // 0.77 USDT at the mark: 0.063 gained, a tenth bound, 0.4 % and the taker's fee of 0.06 % to stay.
    const equity = cash + 63_000_000_000n;
    expect(paper.exchange.figures()).toEqual({ equity, maintenance: 3_542_000_000n, available: equity - 77_000_000_000n }); // prettier-ignore
    paper.place('sell', 120, 5);
    expect(paper.exchange.figures()?.available).toBe(equity - 77_000_000_000n - 60_000_000_000n);
  });

  test('adds up its legs', () => {
    const paper = new Paper().book(BIDS, ASKS);
    paper.exchange.setPositionMode('hedge');
    paper.place('buy', 101, 7, { leg: 'long' });
    paper.place('sell', 100, 7, { leg: 'short' });
    paper.exchange.applyPrices('BTCUSDT', '100', '100', paper.atMs, paper.atMs);
    const { cash } = paper.exchange.books.account;
    const equity = cash - 7_000_000_000n;
    expect(paper.exchange.figures()).toEqual({ equity, maintenance: 6_440_000_000n, available: equity - 70_000_000_000n }); // prettier-ignore
  });

  test('that lost all has nothing available, never less', () => {
    const paper = new Paper().book([[100, 300_000]], [[101, 300_000]]);
    paper.place('buy', 101, 190_000);
    paper.exchange.applyPrices('BTCUSDT', '90', '90', paper.atMs, paper.atMs);
    const figures = paper.exchange.figures()!;
    expect([figures.equity < 0n, figures.available]).toEqual([true, 0n]);
    expect(paper.place('buy', 100, 5)).toMatchObject({ code: 'balance_too_small' });
    expect(paper.place('sell', 100, 190_000, { reduceOnly: true })).toMatchObject({ answer: 'yes' });
  });

  test('of a symbol that is held and was not learned again has no figures', () => {
    const paper = new Paper().book(BIDS, ASKS);
    paper.place('buy', 101, 7);
    paper.take();
    const again = new Paper('queue', paper.changes);
    expect(again.exchange.figures()).toBeNull();
    expect(again.book(BIDS, ASKS).exchange.figures()).toEqual(paper.exchange.figures());
  });
});

describe('what a symbol is marked at', () => {
  const market = (paper: Paper) => paper.exchange.market('BTCUSDT')!;
  const prices = (paper: Paper, last: string, mark: string | null): void => paper.exchange.applyPrices('BTCUSDT', last, mark, paper.atMs, paper.atMs); // prettier-ignore

  test('is the mark that the venue states, else the middle of the book, else nothing', () => {
    const paper = new Paper();
    expect([market(paper).markE12(), market(paper).newestTradeE12()]).toEqual([null, null]);
    prices(paper, '100', '101');
    expect(market(paper).markE12()).toBeNull();
    paper.book(BIDS, ASKS);
    expect(market(paper).markE12()).toBe(100_500_000_000_000n);
    prices(paper, '100.25', '101.5');
    expect([market(paper).markE12(), market(paper).newestTradeE12()]).toEqual([101_500_000_000_000n, 100_250_000_000_000n]); // prettier-ignore
    paper.exchange.interrupt('BTCUSDT');
    expect([market(paper).markE12(), market(paper).newestTradeE12()]).toEqual([null, null]);
    expect(market(paper.book(BIDS, [])).markE12()).toBeNull();
  });

  test.each(['0', '-1', '', 'x'])('stays as it was when the venue states %j', (text) => {
    const paper = new Paper().book(BIDS, ASKS);
    prices(paper, '100', '101');
    prices(paper, text, text);
    prices(paper, '99', null);
    expect([market(paper).markE12(), market(paper).newestTradeE12()]).toEqual([101n * E12, 99n * E12]);
    prices(paper, text, null);
    expect(market(paper).newestTradeE12()).toBe(99n * E12);
  });

  test('a trade is the newest price in its own ticks', () => {
    const half = createInstrument({ ...INSTRUMENT.spec, tick: '0.5' });
    const paper = new Paper();
    paper.exchange.learn(half);
    paper.book(BIDS, ASKS).trade('sell', 99, 1);
    expect([market(paper).newestTradeE12(), market(paper).markE12()]).toEqual([49_500_000_000_000n, 50_250_000_000_000n]); // prettier-ignore
  });
});

describe('funding', () => {
  const due = (rate: string) => ({ rate, atMs: 5 });

  test('is paid by each leg that is held, under an id of its own', () => {
    const holdings = { ...flatHoldings(), long: position('buy', [100, 10]), short: position('sell', [100, 4]) };
    expect(paymentsOf(holdings, 100n * E12, due('0.001'), INSTRUMENT)).toEqual([
      { id: 'BTCUSDT-5-long', symbol: 'BTCUSDT', amount: -1_000_000_000n, atMs: 5 },
      { id: 'BTCUSDT-5-short', symbol: 'BTCUSDT', amount: 400_000_000n, atMs: 5 },
    ]);
    expect(paymentsOf(holdings, 100n * E12, due('0'), INSTRUMENT)).toEqual([]);
    expect(paymentsOf(flatHoldings(), 100n * E12, due('0.001'), INSTRUMENT)).toEqual([]);
  });

  test('a rate that is told anew counts for what is held, and one of the past does not', () => {
    const paper = new Paper().book(BIDS, ASKS);
    paper.place('buy', 101, 10);
    paper.take();
    const told = (rate: string, atMs: number): void => paper.exchange.applyFunding('BTCUSDT', { rate, atMs }, paper.atMs, paper.atMs); // prettier-ignore
    told('0.001', 5_000);
    expect(paper.exchange.take()?.change?.symbols).toMatchObject([{ fundingDue: { rate: '0.001', atMs: 5_000 } }]);
    told('0.001', 5_000);
    expect(paper.exchange.take()).toBeNull();
    told('0.002', 5_000);
    expect(paper.exchange.take()).not.toBeNull();
    told('0.002', 6_000);
    expect(paper.exchange.take()).not.toBeNull();
    paper.exchange.moveTo('BTCUSDT', 6_000);
    expect(paper.exchange.books.payments).toMatchObject([{ amount: -2_010_000_000n, atMs: 6_000 }]);
    expect(paper.exchange.rowOf('BTCUSDT')).toMatchObject({ fundedAtMs: 6_000, fundingDue: null });
    paper.take();
    told('0.002', 6_000);
    expect([paper.exchange.take(), paper.exchange.rowOf('BTCUSDT').fundingDue]).toEqual([null, null]);
  });

  test('without a position nothing is paid, and nothing need be saved until it is over', () => {
    const paper = new Paper().book(BIDS, ASKS);
    paper.take();
    paper.exchange.applyFunding('BTCUSDT', { rate: '0.001', atMs: 5_000 }, paper.atMs, paper.atMs);
    expect(paper.exchange.take()).toBeNull();
    const before = paper.exchange.books.account.cash;
    paper.exchange.applyBook('BTCUSDT', frameOf(5_000, BIDS, ASKS), 5_000);
    expect([paper.exchange.books.account.cash, paper.exchange.rowOf('BTCUSDT').fundedAtMs]).toEqual([before, 5_000]);
  });

  test('a settlement whose time passed while nothing was held needs no price', () => {
    const paper = new Paper();
    paper.exchange.applyFunding('BTCUSDT', { rate: '0.001', atMs: 5_000 }, 4_000, 4_000);
    paper.exchange.moveTo('BTCUSDT', 5_000);
    expect(paper.exchange.rowOf('BTCUSDT')).toMatchObject({ fundedAtMs: 5_000 });
  });
});
