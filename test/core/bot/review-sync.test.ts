/** Reads of the venue that cross with what happens meanwhile, and trouble that passes. */
import { describe, expect, test } from '@jest/globals';
import { Reason } from '../../../core/bot/reasons.ts';
import { RecordKind } from '../../../core/events/record.ts';
import type { SignedLots } from '../../../core/money/money.ts';
import type { VenueTrouble } from '../../../core/venue-trouble.ts';
import { alerts, Bench, botConfig, placed } from '../../support/bots.ts';

const PATIENT = botConfig({ deadmanS: 600 });

function quoting(): Bench {
  const bench = new Bench(PATIENT).run();
  for (const { clientOrderId } of placed(bench.book(600_000, 600_001))) bench.answer(clientOrderId, 'yes');
  return bench;
}

const own = (bench: Bench) =>
  bench.state.orders.map((order) => ({ clientOrderId: order.clientOrderId, filled: order.venueFilled, order }));

function answerRead(bench: Bench) {
  return bench.sync({ position: bench.state.holdings.net.qty, entryPrice: '60000', openOrders: own(bench) });
}

function askRead(bench: Bench): void {
  bench.state.syncDueAtMs = bench.nowMs;
  expect(bench.timer(500)).toContainEqual({ effect: 'sync' });
}

function refuse(bench: Bench, clientOrderId: string, trouble: VenueTrouble, afterMs = 0) {
  const news = { news: 'placeAnswered', answer: 'no', code: '40005', trouble } as const;
  return bench.tell({ kind: RecordKind.orderInput, clientOrderId, news }, afterMs);
}

/** Seconds until the next read is asked for. */
function secondsToRead(bench: Bench, atMost: number): number {
  for (let second = 1; second <= atMost; second += 1) {
    bench.book(600_000 + (second % 2), 600_002, 500);
    if (bench.timer(500).some(({ effect }) => effect === 'sync')) return second;
  }
  return Infinity;
}

test('a stranger’s order that shows while a read runs is read soon, not with the next one in five minutes', () => {
  const bench = quoting();
  askRead(bench);
  bench.seen('stranger', 'open');
  answerRead(bench);
  expect(secondsToRead(bench, 60)).toBeLessThanOrEqual(5);
});

describe('passing trouble', () => {
  test('two quotes that left together and are both refused for their time are one finding, not two', () => {
    const bench = new Bench(PATIENT).run();
    const orders = placed(bench.book(600_000, 600_001));
    expect(orders).toHaveLength(2);
    for (const { clientOrderId } of orders) refuse(bench, clientOrderId, 'clock');
    bench.clock(0, 5);
    bench.book(600_000, 600_002, 1_000);
    expect(bench.reason()).not.toBe(Reason.venue_refuses_account);
  });

  test('after a refused time nothing new is risked before the clock is measured anew', () => {
    const bench = new Bench(PATIENT).run();
    const [bid, ask] = placed(bench.book(600_000, 600_001));
    bench.answer(ask!.clientOrderId, 'yes');
    refuse(bench, bid!.clientOrderId, 'clock');
    expect(placed(bench.book(600_000, 600_002, 1_000))).toEqual([]);
  });

  test('maintenance that ends is noticed within seconds, also when a read was under way as it began', () => {
    const bench = quoting();
    askRead(bench);
    refuse(bench, 'x', 'maintenance');
    expect(bench.reason()).toBe(Reason.venue_maintenance);
    bench.nowMs += 1_000;
    answerRead(bench);
    expect(secondsToRead(bench, 60)).toBeLessThanOrEqual(15);
  });

  test('a symbol in maintenance that can still be read is told now and then, not every ten seconds', () => {
    const bench = new Bench(PATIENT).run();
    let told = 0;
    for (let second = 0; second < 1_200; second += 1) {
      const effects = [...bench.book(600_000 + (second % 2), 600_002, 500), ...bench.timer(500)];
      if (effects.some(({ effect }) => effect === 'sync')) effects.push(...answerRead(bench));
      for (const { clientOrderId } of placed(effects))
        told += alerts(refuse(bench, clientOrderId, 'maintenance')).length;
      if (second % 20 === 0) bench.clock();
    }
    expect(told).toBeGreaterThan(0);
    expect(told).toBeLessThanOrEqual(10);
  });
});

test('a fill that is told while the position is being read is no difference to alarm anybody for', () => {
  const bench = quoting();
  askRead(bench);
  const openOrders = own(bench);
  const [bid] = bench.state.orders;
  bench.fill(bid!.clientOrderId, 'buy', bid!.price, 2, 't1');
  const legs = [{ leg: 'net' as const, qty: 0 as SignedLots, entryPrice: null }];
  expect(alerts(bench.sync({ legs, openOrders }))).toEqual([]);
});
