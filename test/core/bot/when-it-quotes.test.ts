/** Everything that has to be right before a quote leaves, each at its edge: just right, and just not. */
import { describe, expect, test } from '@jest/globals';
import type { BotConfig } from '../../../core/bot/bot-config.ts';
import type { Effect } from '../../../core/bot/effects.ts';
import { Reason, reasonName } from '../../../core/bot/reasons.ts';
import { RecordKind } from '../../../core/events/record.ts';
import type { BookFrame } from '../../../core/market/book.ts';
import { Bench, botConfig, book, cancelled, stopsPlaced } from '../../support/bots.ts';
import { makerParams } from '../market-maker/maker-harness.ts';
import { connect, eventsOf, isRead, PATIENT, ping, quoting as quotingBot } from './talk.ts';

const RISK = botConfig().risk;
/** A bot with two quotes in the book. */
const quoting = (config?: BotConfig): Bench => quotingBot(config).bench;

const show = (bench: Bench, frame: BookFrame, afterMs = 100): string => {
  bench.tell({ kind: RecordKind.bookInput, book: frame }, afterMs);
  return reasonName(bench.reason());
};
const waits = (bench: Bench, afterMs: number): string => {
  bench.timer(afterMs);
  return reasonName(bench.reason());
};
describe('the book', () => {
  test('is as old as allowed, and a millisecond older', () => {
    expect(waits(quoting(), RISK.bookAgeMsMax)).toBe('quoted');
    expect(waits(quoting(), RISK.bookAgeMsMax + 1)).toBe('book_stale');
  });

  test('is as old as allowed by the venue’s clock, and a millisecond older', () => {
    const held = (ageMs: number): string => {
      const bench = quoting();
      const frame = book(600_000, 600_001);
      // Of the 50 ms by which our clocks differ, 5 are not certain.
      bench.clock(50, 5);
      frame.venueAtMs = bench.nowMs + 100 + 45 - ageMs;
      return show(bench, frame);
    };
    expect(held(RISK.bookAgeMsMax)).toBe('quoted');
    expect(held(RISK.bookAgeMsMax + 1)).toBe('book_stale');
  });

  test('without the venue’s time is as old as it is here', () => {
    expect(show(quoting(), { ...book(600_000, 600_001), venueAtMs: 0 })).toBe('quoted');
  });

  test.each([
    ['no bid', { bidCount: 0 }, 'book_one_sided'],
    ['no ask', { askCount: 0 }, 'book_one_sided'],
    ['neither', { bidCount: 0, askCount: 0 }, 'book_one_sided'],
  ])('with %s is none to quote from', (_name, counts, reason) => {
    expect(show(quoting(), { ...book(600_000, 600_001), ...counts })).toBe(reason);
  });

  test.each([
    ['a tick apart', 600_001, 'quoted'],
    ['locked', 600_000, 'book_crossed'],
    ['crossed', 599_999, 'book_crossed'],
  ])('%s', (_name, ask, reason) => {
    expect(show(quoting(), book(600_000, ask))).toBe(reason);
  });

  /** The same top for nearly too long, then this book, and then again for nearly too long. */
  const changedBy = (change: (frame: BookFrame) => void): string => {
    const bench = quoting();
    const same = (forMs: number, frame: BookFrame): void => {
      for (let ms = 1_000; ms <= forMs; ms += 1_000) show(bench, frame, 1_000);
    };
    same(RISK.bookTopSameMsMax - 1_000, book(600_000, 600_001));
    expect(bench.reason()).toBe(Reason.quoted);
    const changed = book(600_000, 600_001);
    change(changed);
    same(3_000, changed);
    return reasonName(bench.reason());
  };

  test.each<[string, (frame: BookFrame) => void]>([
    ['a new best bid', (frame) => (frame.bidTicks[0] = 599_999)],
    ['a new best ask', (frame) => (frame.askTicks[0] = 600_002)],
    ['another size of the best bid', (frame) => (frame.bidLots[0] = 4_999)],
    ['another size of the best ask', (frame) => (frame.askLots[0] = 4_999)],
  ])('that shows %s moves', (_name, change) => expect(changedBy(change)).toBe('quoted'));

  test.each<[string, (frame: BookFrame) => void]>([
    ['nothing new', () => {}],
    ['another level below', (frame) => (frame.bidTicks[1] = 599_990)],
    ['fewer levels', (frame) => Object.assign(frame, { bidCount: 3, askCount: 2 })],
  ])('that shows %s stands still', (_name, change) => expect(changedBy(change)).toBe('book_stale'));

  test.each([{ bidCount: 0 }, { askCount: 0 }])(
    'that loses a side has moved (%j), and when it has it back, again',
    (counts) => {
      const bench = quoting();
      for (let second = 1; second <= 29; second += 1) show(bench, book(600_000, 600_001), 1_000);
      for (let second = 1; second <= 29; second += 1)
        expect(show(bench, { ...book(600_000, 600_001), ...counts }, 1_000)).toBe('book_one_sided');
      for (let second = 1; second <= 29; second += 1)
        expect(show(bench, book(600_000, 600_001), 1_000)).not.toBe('book_stale');
    },
  );

  test.each<[string, (second: number) => BookFrame]>([
    ['bids', (second) => ({ ...book(600_000 - second, 600_001), askTicks: book(0, 600_001).askTicks, bidCount: 0 })],
    ['asks', (second) => ({ ...book(600_000, 600_001 + second), askCount: 0 })],
  ])('without %s stands still as long as its other side does, whatever the frame holds there', (_name, frame) => {
    const bench = quoting();
    for (let second = 0; second <= 31; second += 1) show(bench, frame(second), 1_000);
    expect(bench.reason()).toBe(Reason.book_stale);
  });

  test('that has just come back after this process stood still has not stood still with it', () => {
    const bench = quoting();
    bench.timer(RISK.bookTopSameMsMax + 1_000);
    bench.nowMs += 1;
    bench.sync({ openOrders: [] });
    for (const { clientOrderId } of [...bench.state.orders]) bench.seen(clientOrderId, 'cancelled');
    expect(show(bench, book(600_000, 600_001), 0)).toBe('quoted');
  });

  test('without two sides that fit teaches the strategy nothing', () => {
    const bench = new Bench(botConfig({ deadmanS: 600, strategy: makerParams() })).run();
    const learned = (): string => JSON.stringify(bench.state.strategy);
    const before = learned();
    const two = book(600_000, 600_001);
    for (const frame of [
      { ...two, bidCount: 0 },
      { ...two, askCount: 0 },
      book(600_001, 600_001),
      book(600_002, 600_001),
    ]) {
      show(bench, frame);
      expect(learned()).toBe(before);
    }
    show(bench, two);
    expect(learned()).not.toBe(before);
  });

  test('is kept as it was told, every level of it and none behind', () => {
    const bench = quoting();
    const whole = { ...book(600_100, 600_103, 77), venueAtMs: bench.nowMs };
    show(bench, whole);
    expect(bench.state.book).toEqual(whole);
    const frame = { ...book(600_200, 600_203, 77), bidCount: 4, askCount: 3 };
    show(bench, frame);
    expect([...bench.state.book.bidTicks]).toEqual([600_200, 600_199, 600_198, 600_197, 0]);
    expect([...bench.state.book.bidLots]).toEqual([77, 77, 77, 77, 0]);
    expect([...bench.state.book.askTicks]).toEqual([600_203, 600_204, 600_205, 0, 0]);
    expect([...bench.state.book.askLots]).toEqual([77, 77, 77, 0, 0]);
    // A copy: whoever told it goes on writing into the same frame.
    frame.bidTicks[0] = 1;
    expect(bench.state.book.bidTicks[0]).toBe(600_200);
  });
});

describe('a process that stood still', () => {
  test('for five seconds goes on, for longer it has to see book and venue again', () => {
    expect(waits(quoting(botConfig({ deadmanS: 600, risk: { ...RISK, bookAgeMsMax: 10_000 } })), 5_000)).toBe('quoted');
    const bench = quoting(botConfig({ deadmanS: 600, risk: { ...RISK, bookAgeMsMax: 10_000 } }));
    const effects = bench.timer(5_001);
    expect(bench.reason()).toBe(Reason.reconciling);
    expect(isRead(effects)).toBe(true);
    expect(cancelled(effects)).toHaveLength(2);
    for (const { clientOrderId } of [...bench.state.orders]) bench.seen(clientOrderId, 'cancelled');
    bench.sync();
    expect(bench.reason()).toBe(Reason.book_missing);
    expect(show(bench, book(600_000, 600_001))).toBe('quoted');
  });

  test('before its first start has nothing to see again', () => {
    const bench = new Bench(PATIENT);
    bench.timer();
    bench.timer(60_000);
    expect(bench.state.doubtedAtMs).toBe(0);
    expect(bench.effects.list).toEqual([]);
  });
});

describe('the supervisor', () => {
  const alone = (): Bench => {
    const bench = quoting(botConfig({ deadmanS: 3, risk: { ...RISK, bookAgeMsMax: 10_000 } }));
    ping(bench);
    return bench;
  };

  test('is missed after deadmanS seconds, once, and on record', () => {
    const bench = alone();
    expect(waits(bench, 3_000)).toBe('quoted');
    const effects = bench.timer(1);
    expect(bench.reason()).toBe(Reason.paused_without_supervisor);
    const phases = (told: readonly Effect[]) => eventsOf(told).filter((event) => event.type === 'phase');
    expect(phases(effects)).toEqual([
      { type: 'phase', phase: 'paused', reason: 'no supervisor', operator: null, detail: { supervisorAgeMs: 3_001 } },
    ]);
    expect(phases(bench.timer())).toEqual([]);
    expect(phases(ping(bench))).toEqual([
      { type: 'phase', phase: 'running', reason: 'supervisor is back', operator: null, detail: {} },
    ]);
    expect(bench.reason()).toBe(Reason.quoted);
    expect(phases(ping(bench))).toEqual([]);
  });

  test('is missed by any input, also by a book', () => {
    const bench = alone();
    for (let ms = 0; ms < 3_000; ms += 1_000) show(bench, book(600_000, 600_001), 1_000);
    expect(show(bench, book(600_000, 600_001), 1)).toBe('paused_without_supervisor');
  });

  test('is none of a bot that was never started', () => {
    const bench = new Bench(botConfig({ deadmanS: 3 }));
    for (let second = 0; second < 10; second += 1) bench.timer();
    expect(bench.state.pausedWithoutSupervisor).toBe(false);
    expect(eventsOf(bench.effects.list)).toEqual([]);
  });
});

describe('a stop for what is held', () => {
  const unprotected = (): Bench => {
    const bench = quoting(
      botConfig({ deadmanS: 600, risk: { ...RISK, protectiveStopEnabled: true, bookAgeMsMax: 60_000 } }),
    );
    const [bid] = bench.state.orders;
    expect(stopsPlaced(bench.fill(bid!.clientOrderId, 'buy', bid!.price, 4, 't1'))).toHaveLength(1);
    return bench;
  };

  test('may be missing for ten seconds, and no longer', () => {
    const bench = unprotected();
    for (let second = 1; second <= 10; second += 1) expect(waits(bench, 1_000)).toBe('quoted');
    expect(waits(bench, 1)).toBe('unprotected');
  });
});

describe('streams', () => {
  test.each(['book', 'orders'] as const)('%s: without it nothing is quoted', (channel) => {
    const bench = quoting();
    const effects = connect(bench, channel, 'down');
    expect(bench.reason()).toBe(Reason.venue_connection_down);
    expect(isRead(effects)).toBe(false);
    expect(eventsOf(effects)).toContainEqual(
      expect.objectContaining({ type: 'connector', reason: 'because', detail: { channel, status: 'down' } }),
    );
  });

  test('the book’s needs no read when it is back', () => {
    const bench = quoting();
    connect(bench, 'book', 'down');
    expect(isRead(connect(bench, 'book'))).toBe(false);
    expect(bench.reason()).toBe(Reason.quoted);
  });

  test('that of our orders does, and until it agrees nothing is quoted', () => {
    const bench = quoting();
    connect(bench, 'orders', 'down');
    expect(isRead(bench.timer())).toBe(false);
    bench.book(600_000, 600_001);
    expect(isRead(connect(bench, 'orders'))).toBe(true);
    expect(bench.reason()).toBe(Reason.reconciling);
  });

  test('that come when a read is under way, too: one that began before proves nothing', () => {
    const bench = quoting();
    bench.state.syncDueAtMs = bench.nowMs;
    expect(isRead(bench.timer())).toBe(true);
    bench.nowMs += 100;
    expect(isRead(connect(bench, 'orders'))).toBe(false);
    bench.sync({
      openOrders: bench.state.orders.map((order) => ({
        clientOrderId: order.clientOrderId,
        filled: order.venueFilled,
        order,
      })),
    });
    expect(bench.reason()).toBe(Reason.reconciling);
    expect(isRead(bench.timer())).toBe(true);
  });

  test.each(['trades', 'ticker'] as const)('%s may be away', (channel) => {
    const bench = quoting();
    connect(bench, channel, 'down');
    expect(bench.reason()).toBe(Reason.quoted);
    expect(isRead(connect(bench, channel))).toBe(false);
  });
});

test('the cancel budget is used up with its last cancel, not before', () => {
  const quotingWith = (cancelsPerMinuteMax: number): Bench =>
    quoting(botConfig({ deadmanS: 600, risk: { ...RISK, cancelsPerMinuteMax } }));
  const moved = (bench: Bench): string => {
    expect(cancelled(bench.book(601_000, 601_001, 1_000))).toHaveLength(2);
    bench.book(601_000, 601_001);
    return reasonName(bench.reason());
  };
  expect(moved(quotingWith(3))).toBe('quoted');
  expect(moved(quotingWith(2))).toBe('cancel_budget_used');
});
