/** What is asked of a paper account besides a plain order: what it refuses and why, replacing, cancelling, settings. */
import { describe, expect, test } from '@jest/globals';
import { createInstrument } from '../../../core/market/instrument.ts';
import type { PriceTicks, QtyLots } from '../../../core/money/money.ts';
import type { OrderIntent } from '../../../core/orders/order-intent.ts';
import type { PaperStopRequest } from '../../../core/paper/checks.ts';
import { ASKS, BIDS, frameOf, INSTRUMENT, Paper } from './helpers.ts';

const on = (): Paper => new Paper().book(BIDS, ASKS);
const OTHER = createInstrument({ ...INSTRUMENT.spec, symbol: 'ETHUSDT' });

function stop(trigger: number, change: Partial<PaperStopRequest> = {}): PaperStopRequest {
  const price = { triggerPrice: trigger as PriceTicks, triggerSource: 'last' as const };
  return { clientOrderId: `s${trigger}`, symbol: 'BTCUSDT', leg: 'net', isLong: true, ...price, ...change };
}

/** A second symbol with a live book beside the first. */
function withOther(paper: Paper): Paper {
  paper.exchange.learn(OTHER);
  paper.exchange.applyBook('ETHUSDT', frameOf(paper.atMs, BIDS, ASKS), paper.atMs);
  return paper;
}

describe('an order is refused with a code and the numbers behind it', () => {
  test.each<[string, Partial<OrderIntent>, string, string]>([
    ['at its expiry', { expiresAtMs: 1_001 }, 'expired', 'at 1001, now 1001'],
    ['without an id', { clientOrderId: '' }, 'client_order_id_invalid', '""'],
    ['with an id that no venue takes', { clientOrderId: 'a b' }, 'client_order_id_invalid', '"a b"'],
    ['with an id of more than 32 letters', { clientOrderId: 'a'.repeat(33) }, 'client_order_id_invalid', `"${'a'.repeat(33)}"`],
    ['for nothing', { qty: 0 as QtyLots }, 'number_invalid', 'quantity of 0 lots'],
    ['for half a lot', { qty: 0.5 as QtyLots }, 'number_invalid', 'quantity of 0.5 lots'],
    ['at no price', { price: 0 as PriceTicks }, 'number_invalid', 'price of 0 ticks'],
    ['at half a tick', { price: 99.5 as PriceTicks }, 'number_invalid', 'price of 99.5 ticks'],
    ['for less than it is worth trading', { price: 4 as PriceTicks, qty: 1 as QtyLots }, 'notional_below_min', '{"code":"notional_below_min","notional":"4000000000e-12","notionalMin":"5000000000e-12"}'],
    ['to close what is not held', { reduceOnly: true }, 'nothing_to_reduce', '{"code":"nothing_to_reduce","position":0}'],
    ['for a leg that this mode has not', { leg: 'short' }, 'leg_not_of_mode', 'leg short in one_way mode'],
    ['that would take, post-only', { kind: 'post_only', price: 101 as PriceTicks }, 'post_only_would_take', 'buy at 101 ticks'],
    ['that the margin does not carry', { qty: 300_000 as QtyLots }, 'balance_too_small', '1500000000000000 needed, 1000000000000000 free, in 1e-12 USDT'],
  ])('%s', (_name, change, code, reason) => {
    const paper = on();
    paper.take();
    expect(paper.place('buy', 100, 5, change)).toEqual({ answer: 'no', code, reason });
    expect([paper.exchange.books.ordersOf(null), paper.exchange.take()]).toEqual([[], null]);
  }); // prettier-ignore

  test('at the edges it is taken', () => {
    const paper = on();
    for (const change of [{ expiresAtMs: 1_002 }, { clientOrderId: 'Az_09-'.padEnd(32, 'x') }, { price: 5 as PriceTicks, qty: 1 as QtyLots }]) {
      expect(paper.place('buy', 100, 5, change)).toMatchObject({ answer: 'yes' });
    }
  }); // prettier-ignore

  test('in hedge mode it says which leg it opens or closes', () => {
    const paper = on();
    paper.exchange.setPositionMode('hedge');
    const refused = (side: 'buy' | 'sell', change: Partial<OrderIntent>): unknown => paper.place(side, 100, 5, change);
    expect(refused('sell', { leg: 'long' })).toMatchObject({ code: 'leg_not_of_mode', reason: 'a sell that opens the long leg' }); // prettier-ignore
    expect(refused('buy', { leg: 'long', reduceOnly: true })).toMatchObject({ reason: 'a buy that reduces the long leg' }); // prettier-ignore
    expect(refused('buy', {})).toMatchObject({ code: 'leg_not_of_mode', reason: 'leg net in hedge mode' });
    expect(refused('buy', { leg: 'long' })).toMatchObject({ answer: 'yes' });
  });

  test('of a symbol that nobody told it of is our own fault', () => {
    expect(() => on().place('buy', 100, 5, { symbol: 'XRPUSDT' })).toThrow(
      'an instrument is learned before it is used',
    );
    expect(() => on().exchange.interrupt('XRPUSDT')).toThrow('an instrument is learned before it is used');
  });

  test('when something held elsewhere has no price, only what reduces is taken', () => {
    const paper = withOther(on());
    paper.place('buy', 101, 5, { symbol: 'ETHUSDT' });
    paper.place('buy', 101, 5);
    paper.exchange.interrupt('ETHUSDT');
    expect(paper.place('buy', 100, 5)).toEqual({
      answer: 'no',
      code: 'market_down',
      reason: 'a position has no price',
    });
    expect(paper.place('sell', 102, 5, { reduceOnly: true })).toMatchObject({ answer: 'yes' });
    expect(paper.place('buy', 100, 5, { symbol: 'ETHUSDT' })).toMatchObject({ reason: 'no live book of ETHUSDT to decide fills on' }); // prettier-ignore
  });

  test('what closes a position needs no margin for that part of it', () => {
    // 1,000 USDT at 20 times are 20,000: nearly all of it is held.
    const paper = on();
    paper.book([[100, 300_000]], [[101, 300_000]]).place('buy', 101, 190_000);
    paper.exchange.applyPrices('BTCUSDT', '101', '101', paper.atMs, paper.atMs);
    expect(paper.place('buy', 100, 190_000)).toMatchObject({ code: 'balance_too_small' });
    expect(paper.place('sell', 101, 380_000)).toMatchObject({ code: 'balance_too_small' });
    expect(paper.place('sell', 101, 190_001)).toMatchObject({ answer: 'yes' });
  });
});

describe('an order is replaced', () => {
  const amended = (change: Partial<OrderIntent> = {}, of = 'old') => {
    const paper = withOther(on());
    paper.place('buy', 99, 5, { clientOrderId: 'old' });
    paper.place('buy', 98, 5, { clientOrderId: 'beside' });
    paper.take();
    const answer = paper.exchange.amend(
      of,
      paper.intent('buy', 98, 3, { clientOrderId: 'new', ...change }),
      paper.atMs,
    );
    return { paper, answer };
  };

  test('by one under a new id, at the back of its queue, and the old one is cancelled', () => {
    const { paper, answer } = amended();
    const { books } = paper.exchange;
    expect(answer).toEqual({ answer: 'yes', id: books.orderByClientId('new')!.id });
    expect(books.orderByClientId('old')).toMatchObject({ status: 'cancelled', filled: 0 });
    expect(paper.trade('sell', 98, 10 + 5 + 2).fills()).toEqual([['buy', 98, 5, 'maker'], ['buy', 98, 2, 'maker']]); // prettier-ignore
  });

  test('under its own id, too', () => {
    const { paper, answer } = amended({ clientOrderId: 'old' });
    expect(answer).toMatchObject({ answer: 'yes' });
    expect(paper.exchange.books.orderByClientId('old')).toMatchObject({ status: 'open', price: 98, qty: 3 });
    expect(paper.exchange.books.ordersOf(null)).toHaveLength(2);
  });

  test.each([
    ['by an id that is taken', { clientOrderId: 'beside' }, 'old', { answer: 'duplicate' }],
    ['where there is none', {}, 'gone', { answer: 'no', code: 'order_gone', reason: 'gone is not open in BTCUSDT' }],
    ['in another symbol', { symbol: 'ETHUSDT' }, 'old', { answer: 'no', code: 'order_gone', reason: 'old is not open in ETHUSDT' }],
    ['by what would be refused alone', { qty: 0 as QtyLots }, 'old', { answer: 'no', code: 'number_invalid', reason: 'quantity of 0 lots' }],
  ])('not %s, and the old one stays', (_name, change, of, refusal) => {
    const { paper, answer } = amended(change, of);
    expect(answer).toEqual(refusal);
    expect(paper.exchange.books.orderByClientId('old')).toMatchObject({ status: 'open', price: 99 });
  }); // prettier-ignore

  test('not when it is over', () => {
    const { paper } = amended();
    const late = paper.exchange.amend('old', paper.intent('buy', 98, 3), paper.atMs);
    expect(late).toMatchObject({ answer: 'no', code: 'order_gone' });
  });

  test('with the margin that the old one frees', () => {
    const paper = on();
    paper.place('buy', 100, 200_000, { clientOrderId: 'all' });
    expect(paper.exchange.amend('all', paper.intent('buy', 99, 202_000), paper.atMs)).toMatchObject({ answer: 'yes' });
    expect(paper.place('buy', 99, 200_000)).toMatchObject({ code: 'balance_too_small' });
  });
});

describe('cancelling', () => {
  const busy = (): Paper => {
    const paper = withOther(on());
    paper.place('buy', 101, 7);
    paper.place('buy', 99, 5, { clientOrderId: 'a' });
    paper.place('buy', 98, 5, { clientOrderId: 'b' });
    paper.place('buy', 99, 5, { clientOrderId: 'c', symbol: 'ETHUSDT' });
    paper.exchange.placeStop(stop(95), paper.atMs);
    paper.take();
    return paper;
  };
  const open = ({ exchange: { books } }: Paper): string[] =>
    [...books.ordersOf(null), ...books.stopsOf(null)].map(({ clientOrderId }) => clientOrderId!);

  test.each([
    ['orders of a symbol', 'BTCUSDT', { orders: true, stops: false }, 2, ['c', 's95']],
    ['stops of a symbol', 'BTCUSDT', { orders: false, stops: true }, 1, ['a', 'b', 'c']],
    ['all of a symbol', 'ETHUSDT', { orders: true, stops: true }, 1, ['a', 'b', 's95']],
    ['all of all', null, { orders: true, stops: true }, 4, []],
    ['nothing', null, { orders: false, stops: false }, 0, ['a', 'b', 'c', 's95']],
  ] as const)('%s', (_name, symbol, families, count, left) => {
    const paper = busy();
    expect(paper.exchange.cancelAll(symbol, families, paper.atMs)).toBe(count);
    expect(open(paper)).toEqual(left);
  });

  test('one order, once, in its own symbol, and it never fills', () => {
    const paper = busy();
    const cancelled = (symbol: string, id: string): boolean => paper.exchange.cancel(symbol, id, paper.atMs);
    expect([cancelled('ETHUSDT', 'a'), cancelled('BTCUSDT', 'x'), cancelled('BTCUSDT', 'a'), cancelled('BTCUSDT', 'a')]).toEqual([false, false, true, false]); // prettier-ignore
    expect(paper.trade('sell', 99, 100).fills()).toEqual([]);
  });

  test('one stop, once, in its own symbol, and it never fires', () => {
    const paper = busy();
    const { exchange } = paper;
    expect([exchange.cancelStop('ETHUSDT', 's95'), exchange.cancelStop('BTCUSDT', 'x'), exchange.cancelStop('BTCUSDT', 's95'), exchange.cancelStop('BTCUSDT', 's95')]).toEqual([false, false, true, false]); // prettier-ignore
    expect(exchange.books.stopByClientId('s95')).toMatchObject({ status: 'cancelled' });
    paper.book([[90, 100]], [[91, 100]]).trade('sell', 90, 1);
    // The two orders at 99 and 98 were met by the offer, and nothing was sold.
    expect(paper.held()).toBe(17);
  });
});

describe('an id names one order or stop', () => {
  test('whichever came first', () => {
    const paper = on();
    paper.place('buy', 101, 7, { clientOrderId: 'one' });
    expect(paper.exchange.placeStop(stop(95, { clientOrderId: 'one' }), paper.atMs)).toEqual({ answer: 'duplicate' });
    expect(paper.exchange.placeStop(stop(95), paper.atMs)).toMatchObject({ answer: 'yes' });
    expect(paper.place('buy', 99, 5, { clientOrderId: 's95' })).toEqual({ answer: 'duplicate' });
  });
});

describe('a stop', () => {
  const held = (): Paper => {
    const paper = withOther(on());
    paper.place('buy', 101, 7);
    paper.exchange.placeStop(stop(95), paper.atMs);
    paper.take();
    return paper;
  };

  test('is replaced in place: the same row under a new id, and the old id is free', () => {
    const paper = held();
    const { books } = paper.exchange;
    const { id } = books.stopByClientId('s95')!;
    expect(paper.exchange.replaceStop('s95', stop(96, { triggerSource: 'mark' }), paper.atMs)).toEqual({ answer: 'yes', id }); // prettier-ignore
    expect(books.stopsOf(null)).toEqual([
      { id, clientOrderId: 's96', symbol: 'BTCUSDT', leg: 'net', side: 'sell', triggerPrice: 96, triggerSource: 'mark', status: 'waiting' }, // prettier-ignore
    ]);
    expect(books.stopByClientId('s95')).toBeUndefined();
    expect(paper.exchange.replaceStop('s96', stop(97, { clientOrderId: 's96' }), paper.atMs)).toEqual({ answer: 'yes', id }); // prettier-ignore
    expect(books.stopByClientId('s96')).toMatchObject({ triggerPrice: 97 });
  });

  test.each([
    ['where there is none', 'x', stop(96), { answer: 'no', code: 'order_gone', reason: 'stop x does not wait in BTCUSDT' }],
    ['in another symbol', 's95', stop(96, { symbol: 'ETHUSDT' }), { answer: 'no', code: 'order_gone', reason: 'stop s95 does not wait in ETHUSDT' }],
    ['by an id that is taken', 's95', stop(96, { clientOrderId: 'o1' }), { answer: 'duplicate' }],
    ['by an id that no venue takes', 's95', stop(96, { clientOrderId: 'a.b' }), { answer: 'no', code: 'client_order_id_invalid', reason: '"a.b"' }],
    ['by one at no price', 's95', stop(0), { answer: 'no', code: 'number_invalid', reason: 'trigger of 0 ticks' }],
    ['by one at half a tick', 's95', stop(95.5, { clientOrderId: 'h' }), { answer: 'no', code: 'number_invalid', reason: 'trigger of 95.5 ticks' }],
    ['by one for a leg that this mode has not', 's95', stop(96, { leg: 'long' }), { answer: 'no', code: 'leg_not_of_mode', reason: 'leg long in one_way mode' }],
    ['by one for a short', 's95', stop(110, { isLong: false }), { answer: 'no', code: 'no_position', reason: 'net leg of BTCUSDT holds 7 lots' }],
  ])('is not replaced %s, and stays', (_name, of, request, refusal) => {
    const paper = held();
    expect(paper.exchange.replaceStop(of, request, paper.atMs)).toEqual(refusal);
    expect(paper.exchange.books.stopsOf(null)).toMatchObject([{ clientOrderId: 's95', triggerPrice: 95 }]);
  }); // prettier-ignore

  test('that is over is not replaced', () => {
    const paper = held();
    paper.exchange.cancelStop('BTCUSDT', 's95');
    expect(paper.exchange.replaceStop('s95', stop(96), paper.atMs)).toMatchObject({ code: 'order_gone' });
  });

  test('of a flat leg is refused', () => {
    for (const isLong of [true, false]) {
      expect(on().exchange.placeStop(stop(95, { isLong }), 1_001)).toMatchObject({ code: 'no_position' });
    }
  });

  test.each([
    ['at the trigger', 100, 'trigger_reached', 'last price is beyond 100 ticks already'],
    ['a tick before it', 99, undefined, undefined],
  ])('of a long, with the price %s', (_name, trigger, code, reason) => {
    const paper = on();
    paper.place('buy', 101, 7);
    paper.trade('sell', 100, 1);
    const answer = paper.exchange.placeStop(stop(trigger), paper.atMs);
    expect('code' in answer ? [answer.code, answer.reason] : [undefined, undefined]).toEqual([code, reason]);
  });

  test('of a short buys it back, by the mark that the venue states', () => {
    const paper = on();
    paper.place('sell', 100, 7);
    paper.exchange.applyPrices('BTCUSDT', '100', '100', paper.atMs, paper.atMs);
    const request = stop(103, { isLong: false, triggerSource: 'mark' });
    paper.exchange.applyPrices('BTCUSDT', '100', '103', paper.atMs, paper.atMs);
    expect(paper.exchange.placeStop(request, paper.atMs)).toMatchObject({ code: 'trigger_reached', reason: 'mark price is beyond 103 ticks already' }); // prettier-ignore
    paper.exchange.applyPrices('BTCUSDT', '100', '102.9', paper.atMs, paper.atMs);
    expect(paper.exchange.placeStop(request, paper.atMs)).toMatchObject({ answer: 'yes' });
    paper.take();
    paper.exchange.applyPrices('BTCUSDT', '999', '102.99', paper.atMs, paper.atMs);
    expect(paper.fills()).toEqual([]);
    paper.exchange.applyPrices('BTCUSDT', '100', '103', paper.atMs, paper.atMs);
    expect(paper.fills()).toEqual([['buy', 101, 7, 'taker']]);
    expect(paper.exchange.books.stopByClientId('s103')).toMatchObject({ status: 'triggered' });
    // The order that it sent has no id of ours, and the trigger for a price.
    const sent = paper.exchange.books.orderById(paper.allFills().at(-1)!.orderId);
    expect(sent).toMatchObject({ clientOrderId: null, kind: 'stop', side: 'buy', price: 103, qty: 7, filled: 7, status: 'filled', reduceOnly: true, crossedAtCreation: true }); // prettier-ignore
  });

  test('of a short goes when it is bought back otherwise', () => {
    const paper = on();
    paper.place('sell', 100, 7);
    paper.exchange.placeStop(stop(110, { isLong: false }), paper.atMs);
    paper.place('buy', 101, 7, { reduceOnly: true });
    expect(paper.exchange.books.stopByClientId('s110')).toMatchObject({ status: 'gone' });
  });

  test('of another symbol is none of this one', () => {
    const paper = held();
    paper.exchange.applyTrade('ETHUSDT', 'sell', 90 as PriceTicks, 1 as QtyLots, paper.atMs, paper.atMs);
    expect([paper.held(), paper.exchange.books.stopsOf('ETHUSDT'), paper.exchange.books.stopsOf('BTCUSDT').length]).toEqual([7, [], 1]); // prettier-ignore
  });

  test('with nobody to sell to waits', () => {
    const paper = held();
    paper.book([], [[110, 10]]).trade('sell', 90, 1);
    expect([paper.held(), paper.exchange.books.stopsOf(null).length]).toEqual([7, 1]);
    expect(paper.exchange.books.ordersOf(null)).toEqual([]);
  });

  test('is looked at by whoever changes the book himself, when he says so', () => {
    const paper = held();
    paper.exchange.market('BTCUSDT')!.applyTrade('sell', 95 as PriceTicks, 1 as QtyLots, paper.atMs);
    expect(paper.held()).toBe(7);
    paper.exchange.lookAtStops('BTCUSDT');
    expect(paper.held()).toBe(0);
  });
});

describe('settings', () => {
  test.each([
    [0, 'was 0'],
    [126, 'was 126'],
    [1.5, 'was 1.5'],
    [NaN, 'was NaN'],
  ])('a leverage of %d is out of range', (leverage, was) => {
    expect(on().exchange.setLeverage('BTCUSDT', leverage)).toEqual({ answer: 'no', code: 'leverage_out_of_range', reason: `expected a whole number from 1 to 125, ${was}` }); // prettier-ignore
  });

  test('are changed while nothing is open, and are part of what is saved', () => {
    const { exchange } = on();
    exchange.take();
    expect([exchange.setLeverage('BTCUSDT', 1), exchange.setLeverage('BTCUSDT', 125), exchange.setMarginMode('BTCUSDT', 'isolated')]).toEqual([null, null, null]); // prettier-ignore
    expect(exchange.rowOf('BTCUSDT')).toMatchObject({ leverage: 125, marginMode: 'isolated' });
    expect(exchange.take()?.change?.symbols).toEqual([exchange.rowOf('BTCUSDT')]);
    expect([exchange.setPositionMode('one_way'), exchange.take()]).toEqual([null, null]);
    expect(exchange.setPositionMode('hedge')).toBeNull();
    expect(exchange.take()?.change?.account).toMatchObject({ positionMode: 'hedge' });
  });

  const REFUSED = { answer: 'no', code: 'orders_or_positions_open', reason: 'in BTCUSDT' };
  test.each([
    ['an order is open', (paper: Paper) => paper.place('buy', 99, 5)],
    ['something is held', (paper: Paper) => paper.place('buy', 101, 5)],
  ])('are refused while %s, in that symbol', (_name, act) => {
    const paper = withOther(on());
    act(paper);
    const { exchange } = paper;
    expect([exchange.setLeverage('BTCUSDT', 5), exchange.setMarginMode('BTCUSDT', 'isolated'), exchange.setPositionMode('hedge')]).toEqual([REFUSED, REFUSED, REFUSED]); // prettier-ignore
    expect(exchange.rowOf('BTCUSDT')).toMatchObject({ leverage: 20, marginMode: 'crossed' });
    expect(exchange.setLeverage('ETHUSDT', 5)).toBeNull();
    expect(exchange.setPositionMode('one_way')).toBeNull();
  });

  test('name every symbol that is in the way', () => {
    const paper = withOther(on());
    paper.place('buy', 99, 5);
    paper.place('buy', 99, 5, { symbol: 'ETHUSDT' });
    expect(paper.exchange.activeSymbols()).toEqual(['BTCUSDT', 'ETHUSDT']);
    expect(paper.exchange.setPositionMode('hedge')).toMatchObject({ reason: 'in BTCUSDT, ETHUSDT' });
    paper.exchange.cancelAll('BTCUSDT', { orders: true, stops: true }, paper.atMs);
    expect(paper.exchange.activeSymbols()).toEqual(['ETHUSDT']);
  });
});
