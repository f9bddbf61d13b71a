import { describe, expect, test } from '@jest/globals';
import type { PriceTicks } from '../../../core/money/money.ts';
import { encodeChange, decodeChange } from '../../../core/paper/rows.ts';
import { ASKS, BIDS, Paper } from './helpers.ts';

const on = (): Paper => new Paper().book(BIDS, ASKS);
const stop = (trigger: number, change: object = {}) => ({ clientOrderId: `s${trigger}`, symbol: 'BTCUSDT', leg: 'net', isLong: true, triggerPrice: trigger as PriceTicks, triggerSource: 'last', ...change }) as const; // prettier-ignore
const HOUR_MS = 3_600_000;

describe('a protective stop', () => {
  test('closes the whole leg as a taker once its price is reached, and is over', () => {
    const paper = on();
    paper.place('buy', 101, 7);
    expect(paper.exchange.placeStop(stop(98), paper.atMs)).toMatchObject({ answer: 'yes' });
    paper.take();
    expect(paper.trade('sell', 99, 1).fills()).toEqual([]);
    expect(paper.trade('sell', 98, 1).fills()).toEqual([['sell', 100, 7, 'taker']]);
    expect({ held: paper.held(), waiting: paper.exchange.books.stopsOf(null) }).toEqual({ held: 0, waiting: [] });
    expect(paper.exchange.books.stopByClientId('s98')).toMatchObject({ status: 'triggered' });
  });

  test('stays until the leg is flat when the book is too thin for it', () => {
    const paper = on();
    paper.place('buy', 101, 10);
    paper.exchange.placeStop(stop(98), paper.atMs);
    paper.book([[97, 4]], [[99, 10]]);
    paper.trade('sell', 97, 1).take();
    expect(paper.held()).toBe(6);
    expect(paper.exchange.books.stopsOf(null)).toHaveLength(1);
    paper.book([[96, 40]], [[99, 10]]);
    expect({ held: paper.held(), waiting: paper.exchange.books.stopsOf(null) }).toEqual({ held: 0, waiting: [] });
  });

  test('by mark price heeds the mark and nothing else', () => {
    const paper = on();
    paper.place('buy', 101, 7);
    paper.exchange.applyPrices('BTCUSDT', '100', '100.4', paper.atMs, paper.atMs);
    paper.exchange.placeStop(stop(98, { triggerSource: 'mark' }), paper.atMs);
    paper.trade('sell', 90, 1);
    expect(paper.held()).toBe(7);
    paper.exchange.applyPrices('BTCUSDT', '90', '98.01', paper.atMs, paper.atMs);
    expect(paper.held()).toBe(7);
    paper.exchange.applyPrices('BTCUSDT', '90', '97.99', paper.atMs, paper.atMs);
    expect(paper.held()).toBe(0);
  });

  test('leaves when its position is closed otherwise', () => {
    const paper = on();
    paper.place('buy', 101, 7);
    paper.exchange.placeStop(stop(98), paper.atMs);
    paper.place('sell', 100, 7, { reduceOnly: true });
    expect(paper.exchange.books.stopByClientId('s98')).toMatchObject({ status: 'gone' });
  });

  test('does not fire while the feed is down', () => {
    const paper = on();
    paper.place('buy', 101, 7);
    paper.exchange.placeStop(stop(98), paper.atMs);
    paper.exchange.interrupt('BTCUSDT');
    paper.trade('sell', 90, 1);
    expect(paper.held()).toBe(7);
    paper.book([[90, 10]], [[91, 10]]).trade('sell', 90, 1);
    expect(paper.held()).toBe(0);
  });

  test('is refused beyond the price already, for the other direction, and in a leg of the other mode', () => {
    const paper = on();
    paper.place('buy', 101, 7);
    paper.trade('sell', 100, 1);
    expect(paper.exchange.placeStop(stop(100), paper.atMs)).toMatchObject({ answer: 'no', code: 'trigger_reached' });
    expect(paper.exchange.placeStop(stop(98, { isLong: false }), paper.atMs)).toMatchObject({ code: 'no_position' });
    expect(paper.exchange.placeStop(stop(98, { leg: 'long' }), paper.atMs)).toMatchObject({ code: 'leg_not_of_mode' });
  });

  test('a refused replacement leaves the old one', () => {
    const paper = on();
    paper.place('buy', 101, 7);
    paper.exchange.placeStop(stop(98), paper.atMs);
    paper.trade('sell', 100, 1);
    expect(paper.exchange.replaceStop('s98', stop(100), paper.atMs)).toMatchObject({ answer: 'no' });
    expect(paper.exchange.books.stopsOf(null)).toMatchObject([{ clientOrderId: 's98', triggerPrice: 98 }]);
  });
});

describe('legs', () => {
  test('are held and closed each on its own, and reduce-only heeds its leg', () => {
    const paper = on();
    paper.exchange.setPositionMode('hedge');
    paper.place('buy', 101, 5, { leg: 'long' });
    paper.place('sell', 100, 8, { leg: 'short' });
    expect([paper.held('long'), paper.held('short')]).toEqual([5, -8]);
    // More than the leg holds: only what it holds is closed.
    paper.place('sell', 99, 9, { leg: 'long', reduceOnly: true });
    expect([paper.held('long'), paper.held('short')]).toEqual([0, -8]);
    expect(paper.place('sell', 99, 1, { leg: 'long', reduceOnly: true })).toMatchObject({ code: 'nothing_to_reduce' });
    expect(paper.place('buy', 99, 1, { leg: 'short' })).toMatchObject({ code: 'leg_not_of_mode' });
  });

  test('an order that waits to close one leg goes when that leg is flat', () => {
    const paper = on();
    paper.exchange.setPositionMode('hedge');
    paper.place('buy', 101, 5, { leg: 'long' });
    paper.place('sell', 100, 5, { leg: 'short' });
    paper.place('sell', 105, 5, { leg: 'long', reduceOnly: true, clientOrderId: 'waits' });
    paper.place('sell', 99, 5, { leg: 'long', reduceOnly: true });
    expect(paper.exchange.books.orderByClientId('waits')).toMatchObject({ status: 'cancelled' });
    expect(paper.held('short')).toBe(-5);
  });
});

describe('funding', () => {
  const settled = (rate: string, side: 'buy' | 'sell') => {
    const paper = on();
    paper.place(side, side === 'buy' ? 101 : 100, 10);
    paper.exchange.applyPrices('BTCUSDT', '100', '100.5', paper.atMs, paper.atMs);
    paper.exchange.applyFunding('BTCUSDT', { rate, atMs: HOUR_MS }, paper.atMs, paper.atMs);
    const before = paper.exchange.books.account.cash;
    paper.exchange.applyPrices('BTCUSDT', '100', '100.5', HOUR_MS - 1, HOUR_MS - 1);
    expect(paper.exchange.books.payments).toEqual([]);
    paper.exchange.applyPrices('BTCUSDT', '100', '100.5', HOUR_MS, HOUR_MS);
    paper.exchange.applyPrices('BTCUSDT', '100', '100.5', HOUR_MS + 1, HOUR_MS + 1);
    return { paper, paid: paper.exchange.books.account.cash - before };
  };

  // 10 lots of 0.001 at a mark of 100.5 are worth 1.005 USDT.
  test.each([
    ['a long pays a positive rate', '0.0001', 'buy', -100_500_000n],
    ['a short gets it', '0.0001', 'sell', 100_500_000n],
    ['a long gets a negative rate', '-0.0001', 'buy', 100_500_000n],
    ['what does not come out even is paid up', '0.000000000003', 'buy', -4n],
    ['and received down', '0.000000000003', 'sell', 3n],
  ] as const)('%s, once', (_name, rate, side, paid) => {
    const result = settled(rate, side);
    expect(result.paid).toBe(paid);
    expect(result.paper.exchange.books.payments).toMatchObject([{ amount: paid, atMs: HOUR_MS, symbol: 'BTCUSDT' }]);
  });

  test('the same settlement told again is not booked again', () => {
    const { paper } = settled('0.0001', 'buy');
    paper.exchange.applyFunding('BTCUSDT', { rate: '0.0001', atMs: HOUR_MS }, HOUR_MS + 5, HOUR_MS + 5);
    paper.exchange.applyPrices('BTCUSDT', '100', '100.5', HOUR_MS + 9, HOUR_MS + 9);
    expect(paper.exchange.books.payments).toHaveLength(1);
  });

  test('waits for a price when its time passed while the feed was down', () => {
    const paper = on();
    paper.place('buy', 101, 10);
    paper.exchange.applyFunding('BTCUSDT', { rate: '0.0001', atMs: paper.atMs + 2 }, paper.atMs, paper.atMs);
    paper.exchange.interrupt('BTCUSDT');
    paper.atMs += 10;
    paper.trade('sell', 100, 1);
    expect(paper.exchange.books.payments).toEqual([]);
    paper.book(BIDS, ASKS).book(BIDS, ASKS);
    expect(paper.exchange.books.payments).toHaveLength(1);
  });
});

describe('what was saved', () => {
  test('brings back position, cash, orders, stops, fills and settings, in any cut of the changes', () => {
    const paper = on();
    paper.exchange.setLeverage('BTCUSDT', 7);
    paper.place('buy', 101, 7);
    paper.take();
    paper.place('buy', 99, 5, { clientOrderId: 'rests' });
    paper.take();
    paper.exchange.placeStop(stop(96), paper.atMs);
    paper.place('buy', 98, 3, { clientOrderId: 'gone' });
    paper.exchange.cancel('BTCUSDT', 'gone', paper.atMs);
    paper.take();
    const whole = paper.exchange.books.all();
    const lines = paper.changes.map(encodeChange);
    for (const saved of [lines, [...lines, lines.at(-1)!], [encodeChange(whole)]]) {
      const again = new Paper('queue', saved.map(decodeChange));
      expect(again.exchange.books.all()).toEqual(whole);
      again.book(BIDS, ASKS);
      expect(again.place('buy', 90, 1, { clientOrderId: 'rests' })).toEqual({ answer: 'duplicate' });
      // At the back of its queue, as nobody saw what happened meanwhile.
      expect(again.trade('sell', 99, 10).fills()).toEqual([]);
      expect(again.trade('sell', 99, 1).fills()).toEqual([['buy', 99, 1, 'maker']]);
    }
  });
});

test('the rest of an order that took pays as a taker after a restart, too', () => {
  const paper = on();
  paper.place('buy', 101, 12, { clientOrderId: 'took' });
  paper.place('buy', 99, 5, { clientOrderId: 'rests' });
  paper.take();
  const again = new Paper('touch', paper.changes.map(encodeChange).map(decodeChange)).book(BIDS, [[102, 10]]);
  again.trade('sell', 98, 50);
  expect(again.fills()).toEqual([['buy', 101, 2, 'taker'], ['buy', 99, 5, 'maker']]); // prettier-ignore
});

test('rows written before an order kept what decided its fees are read as what they meant', () => {
  const paper = on();
  paper.place('buy', 101, 7, { clientOrderId: 'took' });
  paper.place('buy', 99, 5, { clientOrderId: 'rests' });
  const whole = encodeChange(paper.exchange.books.all());
  const older = JSON.parse(whole) as { orders: Record<string, unknown>[]; fills: Record<string, unknown>[] };
  for (const order of older.orders) {
    order['liquidity'] = order['crossedAtCreation'] === true ? 'taker' : 'maker';
    delete order['crossedAtCreation'];
  }
  older.fills.forEach((fill) => delete fill['crossedAtCreation']);
  expect(decodeChange(JSON.stringify(older))).toEqual(decodeChange(whole));
  expect(decodeChange(whole).orders.map(({ crossedAtCreation }) => crossedAtCreation)).toEqual([true, false]);
});
