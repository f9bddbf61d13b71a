/** A new process under a clock that was set back: nothing waits for an instant of the earlier run, which has not come yet. */
import { expect, test } from '@jest/globals';
import type { Effect } from '../../../core/bot/effects.ts';
import { Reason } from '../../../core/bot/reasons.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { alerts, botConfig, cancelled, placed, stopsPlaced, type Bench } from '../../support/bots.ts';
import { connect, control, eventsOf, isRead, OPERATOR, PROTECTED, quoting, started, up } from './talk.ts';

const HOUR_MS = 3_600_000;
/** Started an hour before what the earlier process last saw. */
const earlier = (bench: Bench): Bench => started(bench, -HOUR_MS).bench;

test('quotes are sent at once, and telemetry with the first timer', () => {
  const { bench, bid, ask } = quoting();
  bench.timer();
  const next = earlier(bench);
  up(next);
  for (const id of [bid, ask]) next.seen(id, 'cancelled');
  expect(placed(next.book(600_000, 600_001))).toHaveLength(2);
  expect(eventsOf(next.timer()).map(({ type }) => type)).toContain('BotMinuteSnapshot');
});

test('cancels that have not been sent yet do not count towards the budget, those of the minute before do', () => {
  const two = botConfig({ deadmanS: 600, risk: { ...botConfig().risk, cancelsPerMinuteMax: 2 } });
  const used = (): Bench => {
    const { bench } = quoting(two);
    for (const id of cancelled(bench.book(601_000, 601_001, 1_000))) bench.seen(id, 'cancelled');
    expect(bench.reason()).toBe(Reason.cancel_budget_used);
    return bench;
  };
  const next = earlier(used());
  up(next);
  next.book(601_000, 601_001);
  expect(next.reason()).toBe(Reason.quoted);
  for (const laterMs of [0, 1_000]) {
    const { bench: again } = started(used(), laterMs);
    up(again);
    again.book(601_000, 601_001);
    expect(again.reason()).toBe(Reason.cancel_budget_used);
  }
});

test('a cancel that was refused is tried again, and an absence said before proves nothing', () => {
  const { bench, bid } = quoting();
  control(bench, 'pause');
  bench.tell({
    kind: RecordKind.orderInput,
    clientOrderId: bid,
    news: { news: 'cancelAnswered', answer: 'no', trouble: 'auth' },
  });
  bench.tell({ kind: RecordKind.orderInput, clientOrderId: bid, news: { news: 'notFound' } });
  expect(cancelled(started(bench, -HOUR_MS).effects)).toContain(bid);
  const { bench: later } = started(bench, 60_000);
  later.tell({ kind: RecordKind.orderInput, clientOrderId: bid, news: { news: 'notFound' } });
  expect(later.state.orders.map(({ clientOrderId }) => clientOrderId)).toContain(bid);
});

test('a fill that never comes is still given up', () => {
  const { bench, bid, ask } = quoting();
  bench.seen(ask, 'cancelled');
  bench.seen(bid, 'cancelled', 3);
  const next = earlier(bench);
  up(next);
  expect(isRead(next.timer(10_000))).toBe(true);
  next.sync();
  expect(next.state.orders).toEqual([]);
});

test('fills are read from the start on, not from an instant that has not come', () => {
  const { bench } = quoting();
  expect(bench.state.fillsReadAtMs).toBeGreaterThan(0);
  const next = earlier(bench);
  expect(next.state.fillsReadAtMs).toBe(next.nowMs);
  const { bench: later } = started(bench, HOUR_MS);
  expect(later.state.fillsReadAtMs).toBe(bench.state.fillsReadAtMs);
});

test('a position that differs is adopted: no fill of before can race with a read of now', () => {
  const { bench, bid } = quoting();
  bench.fill(bid, 'buy', 599_880, 4, 't1');
  const next = earlier(bench);
  connect(next, 'orders');
  for (let read = 0; read < 3; read += 1) {
    next.sync({ position: 9, entryPrice: '60000' });
    next.timer();
  }
  expect(next.state.holdings.net.qty).toBe(9);
});

test('what was heard before and never explained hurries no read of now', () => {
  const { bench } = quoting();
  bench.seen('stranger', 'open');
  const next = earlier(bench);
  up(next);
  expect(isRead(next.timer())).toBe(false);
});

test('what has no stop is missed after ten seconds, as always', () => {
  const { bench, bid } = quoting(PROTECTED);
  bench.fill(bid, 'buy', 599_880, 4, 't1');
  expect(bench.state.unprotectedSinceMs).toBe(bench.nowMs);
  const next = earlier(bench);
  up(next, 4);
  const told: string[] = [];
  for (let second = 0; second <= 10; second += 1) {
    told.push(...alerts(next.timer()));
    next.book(600_000, 600_001 + (second % 2), 0);
  }
  expect(told).toContain('unprotected');
  expect(next.reason()).toBe(Reason.unprotected);
});

test('the refusal of a stop is told again after an hour', () => {
  const { bench, bid } = quoting(PROTECTED);
  const [stop] = stopsPlaced(bench.fill(bid, 'buy', 599_880, 4, 't1'));
  expect(alerts(bench.stopAnswer(stop!.stop.clientOrderId, 'no'))).toEqual(['stop_refused']);
  const next = earlier(bench);
  const refuse = (effects: Effect[]): string[] =>
    alerts(next.stopAnswer(stopsPlaced(effects)[0]!.stop.clientOrderId, 'no'));
  expect(refuse(up(next, 4))).toEqual([]);
  next.nowMs += HOUR_MS;
  expect(refuse(next.timer())).toEqual(['stop_refused']);
});

test('an approval that is given now lifts what began at an instant that has not come', () => {
  const { bench } = quoting();
  control(bench, 'hardStop');
  const next = earlier(bench);
  up(next);
  const approve = (givenAtMs: number): Effect[] =>
    next.tell({ kind: RecordKind.controlInput, command: { command: 'approveRestart', ...OPERATOR, givenAtMs } });
  next.timer();
  approve(next.nowMs - 2_000);
  expect(next.state.hardStopped).toBe(true);
  approve(next.nowMs);
  expect(next.state.hardStopped).toBe(false);
});

test('a stop that was refused is tried again, and one that was sent is judged by the first read', () => {
  const { bench, bid } = quoting(PROTECTED);
  const [stop] = stopsPlaced(bench.fill(bid, 'buy', 599_880, 4, 't1'));
  bench.stopAnswer(stop!.stop.clientOrderId, 'no');
  const next = earlier(bench);
  expect(stopsPlaced(up(next, 4))).toHaveLength(1);
  const third = earlier(next);
  third.nowMs += 5_000;
  expect(third.state.stops).toHaveLength(1);
  connect(third, 'orders');
  expect(stopsPlaced(third.sync({ position: 4, entryPrice: '60000' }))).toHaveLength(1);
});
