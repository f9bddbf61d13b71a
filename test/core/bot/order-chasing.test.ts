/** What the bot does about orders it hears nothing of: how long it waits, what it asks, and that it asks once. */
import { describe, expect, test } from '@jest/globals';
import type { Effect } from '../../../core/bot/effects.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { openLots } from '../../../core/orders/order.ts';
import { botConfig, cancelled, type Bench } from '../../support/bots.ts';
import { control, eventsOf, isRead, looked, quoting, sending, shutdown } from './talk.ts';

/** Timers up to `untilMs` from `fromMs` on, the last one at it; what each asked for, by its time. */
function timers(bench: Bench, fromMs: number, untilMs: number, stepMs = 1_000): Record<number, Effect[]> {
  const at: Record<number, Effect[]> = {};
  while (bench.nowMs < fromMs + untilMs) {
    const effects = bench.timer(Math.min(stepMs, fromMs + untilMs - bench.nowMs));
    at[bench.nowMs - fromMs] = effects;
  }
  return at;
}

/** When among `at` the order `id` was looked up. */
const whenLooked = (at: Record<number, Effect[]>, id: string): number[] =>
  Object.entries(at).flatMap(([ms, effects]) => (looked(effects).includes(id) ? [Number(ms)] : []));

test('an order without an answer is looked up after 30 s, and again every 10 s while that has none either', () => {
  const { bench, bid, ask } = sending();
  const fromMs = bench.nowMs;
  timers(bench, fromMs, 29_000);
  expect(bench.state.orders.map(({ state }) => state)).toEqual(['in_flight', 'in_flight']);
  const at = timers(bench, fromMs, 29_999);
  Object.assign(at, timers(bench, fromMs, 30_000), timers(bench, fromMs, 60_000));
  for (const id of [bid, ask]) expect(whenLooked(at, id)).toEqual([30_000, 40_000, 50_000, 60_000]);
  const doubted = eventsOf(at[30_000]!).filter((event) => event.type === 'order');
  expect(doubted).toMatchObject([
    { clientOrderId: bid, symbol: 'BTCUSDT', side: 'buy', qty: '0.004', filled: '0', state: 'unknown', code: null },
    { clientOrderId: ask, side: 'sell', state: 'unknown', closeReason: null, external: false },
  ]);
});

describe('a cancel without an answer', () => {
  test('makes its order unknown after 5 s, on record, and the order is looked up', () => {
    const { bench, bid } = quoting();
    expect(cancelled(control(bench, 'pause'))).toContain(bid);
    const fromMs = bench.nowMs;
    const early = timers(bench, fromMs, 4_999);
    expect(whenLooked(early, bid)).toEqual([]);
    const [late] = Object.values(timers(bench, fromMs, 5_000));
    expect(looked(late!)).toContain(bid);
    expect(eventsOf(late!)).toContainEqual(
      expect.objectContaining({ type: 'order', clientOrderId: bid, state: 'unknown', price: '59988' }),
    );
  });

  test('is not sent again before, and then once more', () => {
    const { bench, bid, ask } = quoting();
    control(bench, 'pause');
    const at = timers(bench, bench.nowMs, 9_000);
    expect(Object.entries(at).filter(([, effects]) => cancelled(effects).length > 0).map(([ms]) => ms)).toEqual(['5000']); // prettier-ignore
    expect(cancelled(at[5_000]!)).toEqual([bid, ask]);
  });

  test('of a quote that is to be moved: its order is looked up first, and cancelled when it is found', () => {
    const { bench, bid } = quoting();
    const live = (): Effect[] => [...bench.book(601_000, 601_001, 500), ...bench.timer(500)];
    expect(cancelled(live())).toContain(bid);
    const effects = [1, 2, 3, 4, 5].flatMap(live);
    expect(cancelled(effects)).toEqual([]);
    expect(looked(effects)).toContain(bid);
    expect(cancelled(bench.seen(bid, 'open'))).toContain(bid);
  });

  test('holds nothing back once its order is gone', () => {
    const { bench, bid, ask } = quoting();
    control(bench, 'pause');
    for (const id of [bid, ask]) bench.seen(id, 'cancelled');
    const effects = Object.values(timers(bench, bench.nowMs, 20_000)).flat();
    expect(looked(effects)).toEqual([]);
    expect(bench.state.orders).toEqual([]);
  });
});

test('an order that was not found is asked for again after 5 s, and no sooner', () => {
  const { bench, bid } = sending();
  bench.answer(bid, 'unknown');
  bench.tell({ kind: RecordKind.orderInput, clientOrderId: bid, news: { news: 'notFound' } });
  const at = timers(bench, bench.nowMs, 5_000);
  expect(whenLooked(at, bid)).toEqual([5_000]);
});

test('one that is looked up already is not looked up twice', () => {
  const { bench, bid } = sending();
  expect(looked(bench.answer(bid, 'unknown'))).toEqual([bid]);
  expect(looked(bench.answer(bid, 'unknown'))).toEqual([]);
  expect(whenLooked(timers(bench, bench.nowMs, 9_000), bid)).toEqual([]);
});

test('a closed order whose fill has not come for 10 s makes the bot read the venue', () => {
  const { bench, bid, ask } = quoting();
  bench.seen(ask, 'cancelled');
  bench.seen(bid, 'cancelled', 3);
  const fromMs = bench.nowMs;
  const early = timers(bench, fromMs, 9_999);
  expect(isRead(Object.values(early).flat())).toBe(false);
  expect(isRead(bench.timer(1))).toBe(true);
});

test('an order at rest asks for nothing', () => {
  const { bench } = quoting();
  // Fresh books, of the same market.
  const effects = Array.from({ length: 20 }, (_, second) => [
    ...bench.book(600_000, 600_001 + (second % 2), 500),
    ...bench.timer(500),
  ]).flat();
  expect(looked(effects)).toEqual([]);
  expect(cancelled(effects)).toEqual([]);
  expect(isRead(effects)).toBe(false);
});

describe('taking the orders off the book', () => {
  test('leaves those in flight until the venue has answered', () => {
    const { bench, bid, ask } = sending();
    bench.answer(ask, 'yes');
    expect(cancelled(control(bench, 'pause'))).toEqual([ask]);
    expect(cancelled(bench.answer(bid, 'yes'))).toEqual([bid]);
  });

  test('is on record with the reason, each order once', () => {
    const { bench, bid, ask } = quoting();
    const events = eventsOf([...control(bench, 'pause'), ...bench.timer(), ...bench.timer()]);
    expect(events.filter((event) => event.type === 'cancel')).toEqual([
      { type: 'cancel', clientOrderId: bid, reason: 'paused_by_operator' },
      { type: 'cancel', clientOrderId: ask, reason: 'paused_by_operator' },
    ]);
  });

  test('leaves what is over, and what others placed', () => {
    const { bench, bid, ask } = quoting();
    const order = { side: 'buy', price: 590_000, qty: 4, reduceOnly: false, leg: 'net' } as never;
    const own = bench.state.orders.map((mine) => ({
      clientOrderId: mine.clientOrderId,
      filled: 0 as never,
      order: mine,
    }));
    const found = bench.sync({ openOrders: [...own, { clientOrderId: 'stranger', filled: 0 as never, order }] });
    expect(eventsOf(found)).toContainEqual(
      expect.objectContaining({ type: 'order', clientOrderId: 'stranger', price: '59000', external: true }),
    );
    bench.seen(bid, 'cancelled', 1);
    expect(cancelled(control(bench, 'pause'))).toEqual([ask]);
    shutdown(bench);
    bench.seen(ask, 'cancelled');
    // What others placed keeps nobody from leaving; a fill that has not come does.
    expect(bench.state.left).toBe(false);
    expect(bench.fill(bid, 'buy', 599_880, 1, 't1')).toContainEqual({ effect: 'leave' });
  });
});

test('news that changes nothing is not put on record', () => {
  const { bench, bid } = quoting();
  const orders = (effects: readonly Effect[]) => eventsOf(effects).filter((event) => event.type === 'order');
  expect(orders(bench.answer(bid, 'yes'))).toEqual([]);
  expect(orders(bench.seen(bid, 'open'))).toEqual([]);
  expect(orders(bench.seen(bid, 'open', 1))).toMatchObject([{ filled: '0.001', state: 'open' }]);
  const [order] = bench.state.orders;
  expect(order && openLots(order)).toBe(4);
});

test('cancels count towards the budget for one minute each', () => {
  const two = botConfig({ deadmanS: 600, risk: { ...botConfig().risk, cancelsPerMinuteMax: 2 } });
  const { bench } = quoting(two);
  const fromMs = bench.nowMs + 1_000;
  const sent = cancelled(bench.book(601_000, 601_001, 1_000));
  expect(sent).toHaveLength(2);
  for (const id of sent) bench.seen(id, 'cancelled');
  const quoted = (atMs: number): boolean => {
    bench.clock();
    bench.nowMs = fromMs + atMs - 1;
    bench.book(601_000, 601_002 + (atMs % 2), 1);
    return bench.timer(0).length >= 0 && bench.state.cancelsAtMs.length < 2;
  };
  for (let ms = 1_000; ms <= 59_000; ms += 1_000) expect(quoted(ms)).toBe(false);
  expect(quoted(59_999)).toBe(false);
  expect(quoted(60_000)).toBe(true);
});
