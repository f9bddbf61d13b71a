/** Rows of a paper account: what changed since somebody asked, what is found again, and how much is kept. */
import { describe, expect, test } from '@jest/globals';
import { parseQuote } from '../../../core/money/decimal.ts';
import type { PriceTicks, QtyLots } from '../../../core/money/money.ts';
import { BookKeeping } from '../../../core/paper/book-keeping.ts';
import { PaperExchange } from '../../../core/paper/paper-exchange.ts';
import { decodeChange, encodeChange } from '../../../core/paper/rows.ts';
import type { PaperFill, PaperOrder, PaperStop } from '../../../core/paper/rows.ts';
import { ASKS, BIDS, INSTRUMENT, Paper } from './helpers.ts';

const books = (): BookKeeping => new BookKeeping(parseQuote('1000'), [], 1);

function order(id: number, status: PaperOrder['status'] = 'filled', clientOrderId: string | null = `o${id}`): PaperOrder {
  const sized = { side: 'buy', leg: 'net', price: 100 as PriceTicks, qty: 1 as QtyLots, filled: 0 as QtyLots } as const;
  const rest = { symbol: 'BTCUSDT', kind: 'limit', reduceOnly: false, crossedAtCreation: false, updatedAtMs: 1 } as const;
  return { id, clientOrderId, ...sized, ...rest, status };
} // prettier-ignore

function stop(id: number, status: PaperStop['status'] = 'gone', clientOrderId = `s${id}`): PaperStop {
  return { id, clientOrderId, symbol: 'BTCUSDT', leg: 'net', side: 'sell', triggerPrice: 90 as PriceTicks, triggerSource: 'mark', status }; // prettier-ignore
}

const fill = (id: number): PaperFill => ({ id, orderId: 1, clientOrderId: 'o1', symbol: 'BTCUSDT', side: 'buy', leg: 'net', price: 100 as PriceTicks, qty: 1 as QtyLots, fee: parseQuote('0'), liquidity: 'maker', crossedAtCreation: false, atMs: id }); // prettier-ignore
const payment = (id: number) => ({ id: `p${id}`, symbol: 'BTCUSDT', amount: parseQuote('-1'), atMs: id });

describe('what changed', () => {
  test('is handed out once, whole rows of it, and nothing is nothing', () => {
    const kept = books();
    expect(kept.take()).toBeNull();
    kept.putOrder(order(kept.newId()));
    kept.putStop(stop(kept.newId()));
    kept.putFill(fill(3));
    kept.putPayment(payment(4));
    const change = kept.take();
    expect(change).toMatchObject({ nextId: 3, orders: [order(1)], stops: [stop(2)], fills: [fill(3)], payments: [payment(4)], symbols: [] }); // prettier-ignore
    expect(kept.take()).toBeNull();
  });

  test.each([
    ['the account', (kept: BookKeeping) => kept.putAccount()],
    ['an order', (kept: BookKeeping) => kept.putOrder(order(1))],
    ['a stop', (kept: BookKeeping) => kept.putStop(stop(1))],
    ['a fill', (kept: BookKeeping) => kept.putFill(fill(1))],
    ['a payment', (kept: BookKeeping) => kept.putPayment(payment(1))],
    ['a symbol', (kept: BookKeeping) => kept.learn(INSTRUMENT.spec)],
  ])('may be %s alone', (_name, put) => {
    const kept = books();
    put(kept);
    expect([kept.take() === null, kept.take()]).toEqual([false, null]);
  });

  test('a row that changed twice is told once, as it is now', () => {
    const kept = books();
    const open = order(1, 'open');
    kept.putOrder(open);
    open.status = 'cancelled';
    kept.putOrder(open);
    expect(kept.take()?.orders).toEqual([order(1, 'cancelled')]);
  });

  test('the rules of an instrument are told when they are new, and what is held stays', () => {
    const kept = books();
    kept.learn(INSTRUMENT.spec);
    kept.symbol('BTCUSDT')!.leverage = 7;
    kept.take();
    kept.learn({ ...INSTRUMENT.spec });
    expect(kept.take()).toBeNull();
    kept.learn({ ...INSTRUMENT.spec, lot: '0.01' });
    expect(kept.take()?.symbols).toMatchObject([{ leverage: 7, marginMode: 'crossed', fundedAtMs: 0, spec: { lot: '0.01' } }]); // prettier-ignore
  });
});

describe('what was saved', () => {
  test('comes back, told again or not, and ids go on behind it', () => {
    const kept = books();
    kept.putOrder(order(kept.newId(), 'open'));
    kept.putOrder(order(kept.newId()));
    kept.putStop(stop(kept.newId(), 'waiting'));
    kept.putFill(fill(kept.newId()));
    kept.putPayment(payment(1));
    kept.putPayment(payment(2));
    const saved = [kept.all(), decodeChange(encodeChange(kept.all()))];
    const again = new BookKeeping(parseQuote('5'), saved, 3);
    expect(again.all()).toEqual(kept.all());
    expect([again.take(), again.newId(), again.newId()]).toEqual([null, 5, 6]);
    expect(again.account.cash).toBe(parseQuote('1000'));
    expect([again.openOrders.size, again.waitingStops.size, again.fills.length, again.payments.length]).toEqual([1, 1, 1, 2]); // prettier-ignore
    expect(new BookKeeping(parseQuote('5'), saved, 90).newId()).toBe(90);
  });

  test('an account that was told a first id begins with it', () => {
    const exchange = new PaperExchange('queue', parseQuote('1000'), [], 700);
    exchange.learn(INSTRUMENT);
    const paper = new Paper().book(BIDS, ASKS);
    expect(paper.place('buy', 99, 5)).toEqual({ answer: 'yes', id: 1 });
    expect(exchange.books.newId()).toBe(700);
  });
});

describe('what is kept', () => {
  test('orders that are over go, the oldest first, with their ids; open ones stay', () => {
    const kept = books();
    kept.putOrder(order(1, 'open'));
    kept.putOrder(order(2, 'filled', null));
    for (let id = 3; id <= 11_000; id += 1) kept.putOrder(order(id));
    expect(kept.all().orders).toHaveLength(11_000);
    kept.putOrder(order(11_001));
    expect(kept.all().orders).toHaveLength(10_000);
    expect([1, 2, 1_002, 1_003, 11_001].map((id) => kept.orderById(id)?.id)).toEqual([1, undefined, undefined, 1_003, 11_001]); // prettier-ignore
    expect(['o1', 'o1002', 'o1003'].map((id) => kept.orderByClientId(id)?.id)).toEqual([1, undefined, 1_003]);
  });

  test('an id that was used again stays with the newer order', () => {
    const kept = books();
    kept.putOrder(order(1, 'cancelled', 'again'));
    kept.putOrder(order(2, 'open', 'again'));
    for (let id = 3; id <= 11_001; id += 1) kept.putOrder(order(id));
    expect([kept.orderById(1), kept.orderByClientId('again')?.id]).toEqual([undefined, 2]);
  });

  test('stops that are over go as well, waiting ones stay', () => {
    const kept = books();
    kept.putStop(stop(1, 'waiting'));
    for (let id = 2; id <= 11_001; id += 1) kept.putStop(stop(id));
    expect(kept.all().stops).toHaveLength(10_000);
    expect([kept.stopByClientId('s1')?.id, kept.stopByClientId('s2'), kept.stopsOf('BTCUSDT').length]).toEqual([1, undefined, 1]); // prettier-ignore
  });

  test('of fills the newest twenty thousand, of payments five thousand', () => {
    const kept = books();
    for (let id = 1; id <= 22_000; id += 1) kept.putFill(fill(id));
    expect(kept.fills).toHaveLength(22_000);
    kept.putFill(fill(22_001));
    expect([kept.fills.length, kept.fills[0]?.id]).toEqual([20_000, 2_002]);
    for (let id = 1; id <= 5_001; id += 1) kept.putPayment(payment(id));
    expect([kept.payments.length, kept.payments[0]?.id]).toEqual([5_000, 'p2']);
  });
});
