/** A new process after an earlier one: what was under way is in doubt, the world is looked at anew, what people decided still stands. */
import { describe, expect, test } from '@jest/globals';
import { feesOf } from '../../../core/accounting/holdings.ts';
import type { Effect } from '../../../core/bot/effects.ts';
import { Reason } from '../../../core/bot/reasons.ts';
import { RecordKind } from '../../../core/events/record.ts';
import type { SignedLots } from '../../../core/money/money.ts';
import { alerts, Bench, botConfig, cancelled, placed, stopsPlaced } from '../../support/bots.ts';
import { connect, control, eventsOf, isRead, isSwept, looked, PATIENT, ping, PROTECTED, quoting, shutdown, started, up } from './talk.ts'; // prettier-ignore

const HOUR_MS = 3_600_000;

describe('until it has seen for itself', () => {
  test('a new process says what it waits for, one after the other, and quotes at the first book after it', () => {
    const { bench, bid, ask } = quoting();
    const { bench: next } = started(bench);
    expect(next.reason()).toBe(Reason.startup_position_sync_pending);
    connect(next, 'orders');
    next.sync();
    expect(next.reason()).toBe(Reason.paused_without_supervisor);
    ping(next);
    expect(next.reason()).toBe(Reason.venue_connection_down);
    connect(next, 'book');
    expect(next.reason()).toBe(Reason.clock_unknown);
    next.clock();
    expect(next.reason()).toBe(Reason.book_missing);
    for (const id of [bid, ask]) next.seen(id, 'cancelled');
    const ids = placed(next.book(600_000, 600_001)).map(({ clientOrderId }) => clientOrderId);
    expect(ids).toEqual(['bot1_8-1', 'bot1_8-2']);
  });

  test('nothing is read before the stream of its orders is up: what happened in between would go unheard', () => {
    const { bench: next } = started(quoting().bench);
    expect(isRead([...connect(next, 'book'), ...next.clock(), ...ping(next), ...next.timer()])).toBe(false);
    expect(isRead(connect(next, 'orders'))).toBe(true);
  });

  test('the market of before has no price: nothing is valued by it, nor is it told', () => {
    const { bench } = quoting();
    const { bench: next } = started(bench, 10_000);
    const snapshot = eventsOf(next.timer()).find(
      (event) => event.type === 'BotSnapshot' || event.type === 'BotMinuteSnapshot',
    );
    expect(snapshot).toMatchObject({ mid: null, bookAgeMs: null, clockOffsetMs: null, supervisorAgeMs: 1_000 });
    expect(eventsOf(next.timer(5_000)).filter((event) => event.type === 'book_sample')).toEqual([]);
  });

  test('a supervisor that was there an hour ago is not missed at once: the time counts from the start', () => {
    const { bench: next } = started(quoting(botConfig({ deadmanS: 3 })).bench, HOUR_MS);
    up(next);
    next.book(600_000, 600_001);
    expect(next.reason()).toBe(Reason.quoted);
  });

  test('the start is on record, with the orders whose fate is not known', () => {
    const { effects } = started(quoting().bench);
    expect(eventsOf(effects)[0]).toMatchObject({
      type: 'started',
      phase: 'starting',
      reason: '',
      detail: { epoch: 8, configHash: 'c', codeVersion: 'v', ordersUnknown: 2 },
    });
  });
});

describe('what was under way', () => {
  test('a read that the old process asked for holds up none of the new one', () => {
    const { bench } = quoting();
    bench.nowMs += 300_000;
    ping(bench);
    expect(isRead(bench.timer())).toBe(true);
    const { bench: next } = started(bench);
    expect(isRead(connect(next, 'orders'))).toBe(true);
  });

  test('a read is due at once, whenever the old process would have made its next', () => {
    const { bench: next } = started(quoting().bench);
    connect(next, 'orders');
    connect(next, 'sync', 'down');
    expect(isRead(next.timer(1_000))).toBe(true);
    const { bench: paper } = started(
      quoting(botConfig({ deadmanS: 600, mode: 'paper_only', startupPositionSync: false })).bench,
    );
    paper.state.ordersUp = true;
    expect(isRead(paper.timer())).toBe(true);
  });

  test('orders are in doubt: cancelled and looked up anew, whatever was under way for them', () => {
    const { bench, bid, ask } = quoting();
    control(bench, 'pause');
    bench.tell({ kind: RecordKind.orderInput, clientOrderId: ask, news: { news: 'cancelAnswered', answer: 'gone' } });
    const { bench: next, effects } = started(bench);
    expect(next.state.orders.map(({ state }) => state)).toEqual(['unknown', 'unknown']);
    expect(cancelled(effects)).toEqual([bid, ask]);
    expect(looked(next.timer())).toEqual([bid, ask]);
  });

  test('an order that is over stays over, and still waits for its fill', () => {
    const { bench, bid } = quoting();
    bench.seen(bid, 'cancelled', 3);
    const { bench: next } = started(bench);
    expect(looked(next.timer())).not.toContain(bid);
    next.fill(bid, 'buy', 599_880, 3, 't1');
    expect(next.state.orders.map(({ clientOrderId }) => clientOrderId)).not.toContain(bid);
  });

  test('a stop is in doubt: what is held counts as unprotected until the read finds it', () => {
    const { bench, bid } = quoting(PROTECTED);
    const [stop] = stopsPlaced(bench.fill(bid, 'buy', 599_880, 4, 't1'));
    const { clientOrderId, triggerPrice } = stop!.stop;
    bench.stopAnswer(clientOrderId, 'yes');
    const { bench: next } = started(bench);
    next.timer(10_000);
    expect(alerts(next.timer(1_000))).toEqual(['unprotected']);
    next.nowMs += 1_000;
    for (const channel of ['book', 'orders'] as const) connect(next, channel);
    const stops = [{ clientOrderId, leg: 'net', direction: 1, triggerPrice }] as const;
    expect(stopsPlaced(next.sync({ position: 4, entryPrice: '59988', stops: [...stops] }))).toEqual([]);
    expect(next.state.stops).toMatchObject([{ clientOrderId, state: 'open' }]);
    expect(next.state.unprotectedSinceMs).toBe(0);
  });

  test('a shutdown is over: the new process is there to trade, and leaves when it is told to', () => {
    const bench = new Bench(PATIENT).run();
    expect(shutdown(bench)).toContainEqual({ effect: 'leave' });
    const { bench: next } = started(bench);
    expect(next.reason()).not.toBe(Reason.stopping);
    up(next);
    expect(placed(next.book(600_000, 600_001))).toHaveLength(2);
    for (const { clientOrderId } of [...next.state.orders]) next.answer(clientOrderId, 'no');
    expect(shutdown(next)).toContainEqual({ effect: 'leave' });
  });

  test('a hard stop is swept for again at the first timer, one that was approved is not', () => {
    const { bench } = quoting();
    control(bench, 'hardStop');
    const { bench: next } = started(bench);
    expect(isSwept(next.timer(100))).toBe(true);
    expect(next.reason()).toBe(Reason.hard_stopped);
    control(next, 'approveRestart');
    expect(isSwept(started(next).bench.timer(10_000))).toBe(false);
    expect(isSwept(started(quoting().bench).bench.timer(10_000))).toBe(false);
  });

  test('reads that differed before do not count: the position is adopted after three of the new process', () => {
    const { bench } = quoting();
    for (let read = 0; read < 2; read += 1) bench.sync({ position: 5, entryPrice: '60000' });
    const { bench: next } = started(bench);
    connect(next, 'orders');
    for (let read = 0; read < 2; read += 1) next.sync({ position: 5, entryPrice: '60000' });
    expect(next.state.holdings.net.qty).toBe(0);
    next.sync({ position: 5, entryPrice: '60000' });
    expect(next.state.holdings.net.qty).toBe(5);
  });

  test('what a stream said of the position before is not held against it', () => {
    const { bench } = quoting();
    bench.tell({ kind: RecordKind.toldPositionInput, leg: 'net', qty: 9 as SignedLots });
    bench.timer();
    const { bench: next } = started(bench);
    up(next);
    for (let second = 0; second < 10; second += 1) expect(isRead(next.timer())).toBe(false);
  });

  test('its own word counts from its own first moment', () => {
    const { bench } = quoting();
    bench.tell({ kind: RecordKind.toldPositionInput, leg: 'net', qty: 9 as SignedLots });
    bench.timer();
    const { bench: next } = started(bench, HOUR_MS);
    up(next);
    next.tell({ kind: RecordKind.toldPositionInput, leg: 'net', qty: 9 as SignedLots });
    expect(isRead(next.timer())).toBe(false);
    expect([1, 2].map(() => isRead(next.timer()))).toContain(true);
  });

  test('fills from before the first read ever belong to nobody', () => {
    const bench = new Bench(PATIENT);
    bench.tell({ kind: RecordKind.startInput, epoch: 1, configHash: '', codeVersion: '' });
    bench.fill('somebody', 'buy', 600_000, 3, 't1');
    const { bench: next } = started(bench);
    expect(next.state.holdings.net.qty).toBe(0);
    expect(feesOf(next.state.holdings)).toBe(0n);
    // Once the position has been read it is the bot's own, over every start.
    up(next, 5);
    expect(started(next).bench.state.holdings.net.qty).toBe(5);
  });
});

describe('what the venue was like', () => {
  const troubled = (bench: Bench, trouble: 'maintenance' | 'clock'): Effect[] => {
    const news = { news: 'placeAnswered', answer: 'no', code: '', trouble } as const;
    return bench.tell({ kind: RecordKind.orderInput, clientOrderId: 'x', news });
  };

  test('maintenance may be over: the new process looks', () => {
    const { bench } = quoting();
    troubled(bench, 'maintenance');
    const { bench: next } = started(bench);
    expect(next.reason()).toBe(Reason.startup_position_sync_pending);
    up(next);
    next.book(600_000, 600_001);
    expect(next.reason()).toBe(Reason.quoted);
  });

  test('a refused time is the first one of the new process, and measured', () => {
    const { bench } = quoting();
    troubled(bench, 'clock');
    const { bench: next } = started(bench);
    const effects = troubled(next, 'clock');
    expect(effects).toContainEqual({ effect: 'measureClock' });
    expect(alerts(effects)).toEqual([]);
  });

  test('reads that failed do not count: it tries as often as any other, and says what it waits for', () => {
    const bench = new Bench(PATIENT);
    bench.tell({ kind: RecordKind.startInput, epoch: 1, configHash: '', codeVersion: '' });
    connect(bench, 'orders');
    const fail = (of: Bench): Effect[] =>
      of.tell({ kind: RecordKind.connectorInput, channel: 'sync', status: 'down', reason: '', part: 'balance' });
    for (let tries = 0; tries < 10; tries += 1) fail(bench);
    expect(bench.reason()).toBe(Reason.startup_position_sync_failed);
    const { bench: next } = started(bench);
    expect(next.reason()).toBe(Reason.startup_position_sync_pending);
    expect(isRead(connect(next, 'orders'))).toBe(true);
    expect(alerts(fail(next))).toEqual([]);
    const { bench: third } = started(next);
    expect(third.reason()).toBe(Reason.startup_position_sync_pending);
  });
});
