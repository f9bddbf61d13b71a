/** What the machine does when the venue, its clock, its feed or the account is not as it should be. */
import { describe, expect, test } from '@jest/globals';
import type { Effect } from '../../../core/bot/effects.ts';
import { Reason } from '../../../core/bot/reasons.ts';
import { RecordKind } from '../../../core/events/record.ts';
import type { VenueTrouble } from '../../../core/venue-trouble.ts';
import { alerts, Bench, botConfig, cancelled, copyOf, placed } from '../../support/bots.ts';

const OPERATOR = { operator: 'ann', reason: 'seen to' };

function quoting(): Bench {
  const bench = new Bench().run();
  const orders = placed(bench.book(600_000, 600_001));
  for (const { clientOrderId } of orders) bench.answer(clientOrderId, 'yes');
  expect(bench.state.orders).toHaveLength(2);
  return bench;
}

describe('clock', () => {
  test('an offset above 1 s is told once, above 5 s nothing new is risked, and back again', () => {
    const bench = quoting();
    expect(alerts(bench.clock(900, 5))).toEqual([]);
    expect(alerts(bench.clock(-1_100, 5))).toEqual(['clock_offset']);
    expect(alerts(bench.clock(-1_200, 5))).toEqual([]);
    expect(bench.reason()).toBe(Reason.quoted);
    expect(cancelled(bench.clock(-5_100, 5))).toHaveLength(2);
    expect(bench.reason()).toBe(Reason.clock_offset);
    bench.clock(4_000, 5);
    expect(bench.reason()).toBe(Reason.quoted);
  });

  test('a slow answer that may explain the offset is no error of the clock', () => {
    const bench = quoting();
    bench.clock(6_000, 2_000);
    expect(bench.reason()).toBe(Reason.quoted);
    bench.clock(6_000, 900);
    expect(bench.reason()).toBe(Reason.clock_offset);
  });

  test('exactly on either limit is still within it, and agreement is told as once as the difference', () => {
    const bench = quoting();
    const phases = (effects: readonly Effect[]) =>
      effects.flatMap((effect) => (effect.effect === 'record' && effect.event.type === 'phase' ? [effect.event] : []));
    expect(alerts(bench.clock(1_005, 5))).toEqual([]);
    expect(alerts(bench.clock(1_006, 5))).toEqual(['clock_offset']);
    bench.clock(5_005, 5);
    expect(bench.reason()).toBe(Reason.quoted);
    bench.clock(-5_006, 5);
    expect(bench.reason()).toBe(Reason.clock_offset);
    expect(phases(bench.clock(-1_005, 5))).toMatchObject([
      { reason: 'the clocks agree again', detail: { offsetMs: -1_005 } },
    ]);
    expect(phases(bench.clock(0, 5))).toEqual([]);
  });

  test('that is off is told with its measure, and again by the next process', () => {
    const bench = quoting();
    const told = (effects: readonly Effect[]) =>
      effects.flatMap((effect) => (effect.effect === 'record' && effect.event.type === 'alert' ? [effect.event] : []));
    expect(told(bench.clock(2_000, 7))).toMatchObject([
      { reason: 'clock_offset', detail: { offsetMs: 2_000, uncertaintyMs: 7 } },
    ]);
    bench.tell({ kind: RecordKind.startInput, epoch: 8, configHash: '', codeVersion: '' });
    expect(told(bench.clock(2_000, 7))).toHaveLength(1);
  });

  test('a measure of three minutes ago says nothing any more', () => {
    const bench = quoting();
    const { clockMeasuredAtMs } = bench.state;
    for (let second = 0; bench.nowMs + 1_000 <= clockMeasuredAtMs + 180_000; second += 1)
      bench.book(600_000 + (second % 2), 600_002, 1_000);
    bench.nowMs = clockMeasuredAtMs + 180_000;
    bench.tell({ kind: RecordKind.controlInput, command: { command: 'ping' } });
    expect(bench.reason()).toBe(Reason.quoted);
    bench.book(600_000, 600_002, 1);
    expect(bench.reason()).toBe(Reason.clock_unknown);
  });
});

test.each(['book', 'orders'] as const)(
  'without its stream of %s the bot quotes nothing, until it is back',
  (channel) => {
    const bench = quoting();
    const connector = { kind: RecordKind.connectorInput, channel, reason: '' } as const;
    expect(cancelled(bench.tell({ ...connector, status: 'down' }))).toHaveLength(2);
    expect(bench.reason()).toBe(Reason.venue_connection_down);
    bench.tell({ ...connector, status: 'up' });
    bench.sync();
    expect(bench.reason()).toBe(Reason.quoted);
  },
);

describe('book', () => {
  test('the same top for 30 s is stale, however often it is told', () => {
    const bench = new Bench(botConfig({ deadmanS: 120 })).run();
    for (let second = 0; second <= 30; second += 1) bench.book(600_000, 600_001, 1_000);
    expect(bench.reason()).toBe(Reason.quoted);
    bench.book(600_000, 600_001, 1_000);
    expect(bench.reason()).toBe(Reason.book_stale);
    bench.book(600_000, 600_002, 1_000);
    expect(bench.reason()).toBe(Reason.quoted);
  });

  test('a deeper level that moves does not make the top fresh', () => {
    const bench = new Bench(botConfig({ deadmanS: 120 })).run();
    for (let second = 0; second <= 31; second += 1) {
      const frame = bench.frame(600_000, 600_001);
      frame.bidLots[4] = 1_000 + second;
      bench.tell({ kind: RecordKind.bookInput, book: frame }, 1_000);
    }
    expect(bench.reason()).toBe(Reason.book_stale);
  });
});

describe('trouble', () => {
  const refuse = (bench: Bench, trouble: VenueTrouble, afterMs = 0) =>
    bench.tell(
      {
        kind: RecordKind.orderInput,
        clientOrderId: 'x',
        news: { news: 'placeAnswered', answer: 'no', code: '40014', trouble },
      },
      afterMs,
    );

  test.each(['auth', 'mode'] as const)('%s stops the bot until a person resumes it, over a restart too', (trouble) => {
    const bench = quoting();
    const effects = refuse(bench, trouble);
    expect(alerts(effects)).toEqual(['venue_trouble']);
    expect(cancelled(effects)).toHaveLength(2);
    expect(alerts(refuse(bench, trouble))).toEqual([]);
    bench.sync();
    expect(bench.reason()).toBe(Reason.venue_refuses_account);
    const again = new Bench(bench.config, copyOf(bench.state)).run();
    again.book(600_000, 600_001);
    expect(again.reason()).toBe(Reason.venue_refuses_account);
    again.tell({ kind: RecordKind.controlInput, command: { command: 'resume', ...OPERATOR } });
    expect(again.reason()).not.toBe(Reason.venue_refuses_account);
  });

  test('a refused time is measured anew once, and refused again within a minute it stops the bot', () => {
    const bench = quoting();
    const first = refuse(bench, 'clock');
    expect(first).toContainEqual({ effect: 'measureClock' });
    expect(alerts(first)).toEqual([]);
    expect(bench.reason()).toBe(Reason.clock_unknown);
    bench.clock();
    expect(bench.reason()).toBe(Reason.quoted);
    expect(alerts(refuse(bench, 'clock', 2_000))).toEqual(['venue_trouble']);
    expect(bench.reason()).toBe(Reason.venue_refuses_account);
  });

  test('maintenance freezes and ends with a read that agrees, not before', () => {
    const bench = quoting();
    expect(alerts(refuse(bench, 'maintenance'))).toEqual(['venue_trouble']);
    expect(bench.reason()).toBe(Reason.venue_maintenance);
    bench.sync();
    expect(bench.reason()).toBe(Reason.venue_maintenance);
    const failed = { kind: RecordKind.connectorInput, channel: 'sync', status: 'down', reason: '40200' } as const;
    bench.tell({ ...failed, trouble: 'maintenance' }, 2_000);
    bench.sync();
    expect(bench.reason()).toBe(Reason.venue_maintenance);
    for (let second = 0; second < 10; second += 1) bench.book(600_000, 600_001, 1_000);
    bench.sync();
    expect(bench.reason()).not.toBe(Reason.venue_maintenance);
  });

  test('a time refused again a minute later is a new finding, not a bot that has to stop', () => {
    const bench = quoting();
    refuse(bench, 'clock');
    bench.clock();
    for (let second = 0; second < 59; second += 1) bench.book(600_000 + (second % 2), 600_002, 1_000);
    expect(alerts(refuse(bench, 'clock', 1_000))).toEqual([]);
    bench.clock();
    for (let second = 0; second < 59; second += 1) bench.book(600_000 + (second % 2), 600_002, 1_000);
    expect(alerts(refuse(bench, 'clock', 999))).toEqual(['venue_trouble']);
  });

  test('is told with its kind; a graver one takes the place of maintenance, and never the other way', () => {
    const bench = quoting();
    const kinds = (effects: readonly Effect[]) =>
      effects.flatMap((effect) =>
        effect.effect === 'record' && effect.event.type === 'alert' ? [effect.event.detail['trouble']] : [],
      );
    expect(kinds(refuse(bench, 'maintenance'))).toEqual(['maintenance']);
    expect(kinds(refuse(bench, 'maintenance', 1_000))).toEqual([]);
    expect(kinds(refuse(bench, 'auth', 1_000))).toEqual(['auth']);
    expect(kinds(refuse(bench, 'maintenance', 1_000))).toEqual([]);
    expect(bench.reason()).toBe(Reason.venue_refuses_account);
    expect(kinds(refuse(bench, 'mode', 1_000))).toEqual(['mode']);
  });

  test('maintenance is waited out longer with every spell that follows soon, and anew after a time of work', () => {
    const bench = new Bench(botConfig({ deadmanS: 600 })).run();
    /** Whole seconds from the venue's word until trading is tried again; reads agree each second. */
    const holds = (): number => {
      expect(bench.reason()).not.toBe(Reason.venue_maintenance);
      refuse(bench, 'maintenance');
      for (let second = 1; second <= 900; second += 1) {
        bench.nowMs += 1_000;
        const effects = bench.sync();
        if (bench.state.venueTrouble !== null) continue;
        expect(effects).toContainEqual(
          expect.objectContaining({ event: expect.objectContaining({ reason: 'the venue works again' }) }),
        );
        return second;
      }
      return Infinity;
    };
    expect([holds(), holds(), holds(), holds(), holds(), holds(), holds(), holds()]).toEqual([
      10, 20, 40, 80, 160, 320, 600, 600,
    ]);
    bench.nowMs += 899_999;
    expect(holds()).toBe(600);
    bench.nowMs += 900_000;
    expect(holds()).toBe(10);
  });

  test('of one kind is waited for from its last word, and is one spell however often it is told', () => {
    const bench = new Bench(botConfig({ deadmanS: 600 })).run();
    const endsAfter = (holdMs: number): void => {
      for (let n = 0; n < 5; n += 1) refuse(bench, 'maintenance', 1_000);
      bench.nowMs += holdMs - 1;
      bench.sync();
      expect(bench.reason()).toBe(Reason.venue_maintenance);
      bench.nowMs += 1;
      bench.sync();
      expect(bench.reason()).not.toBe(Reason.venue_maintenance);
    };
    endsAfter(10_000);
    endsAfter(20_000);
  });

  test('is not lifted by a call that goes through', () => {
    const bench = quoting();
    refuse(bench, 'auth');
    const [order] = bench.state.orders;
    const news = { news: 'cancelAnswered', answer: 'yes', trouble: null } as const;
    bench.tell({ kind: RecordKind.orderInput, clientOrderId: order!.clientOrderId, news });
    expect(bench.reason()).toBe(Reason.venue_refuses_account);
  });

  test('too many requests is the gateway’s matter', () => {
    const bench = quoting();
    expect(alerts(refuse(bench, 'rate'))).toEqual([]);
    expect(bench.reason()).toBe(Reason.quoted);
  });
});

describe('alerts', () => {
  test('an order and a fill of somebody else are told', () => {
    const bench = quoting();
    const order = { side: 'buy', price: 600_000, qty: 7, reduceOnly: false, leg: 'net' } as never;
    const openOrders = [
      ...bench.state.orders.map((own) => ({ clientOrderId: own.clientOrderId, filled: 0 as never, order: own })),
      { clientOrderId: 'stranger', filled: 0 as never, order },
    ];
    expect(alerts(bench.sync({ openOrders }))).toEqual(['external_order']);
    expect(alerts(bench.sync({ openOrders }))).toEqual([]);
    expect(alerts(bench.fill('stranger', 'buy', 600_000, 2, 't1'))).toEqual(['external_fill']);
  });

  test('a fill beyond its limit or far from the market is told', () => {
    const bench = quoting();
    const [bid] = bench.state.orders;
    expect(alerts(bench.fill(bid!.clientOrderId, 'buy', bid!.price, 1, 't1'))).toEqual([]);
    expect(alerts(bench.fill(bid!.clientOrderId, 'buy', bid!.price + 1, 1, 't2'))).toEqual(['fill_price_deviation']);
    expect(alerts(bench.fill(bid!.clientOrderId, 'buy', 590_000, 1, 't3'))).toEqual(['fill_price_deviation']);
  });

  test('a position that differs is told at the first read', () => {
    const bench = quoting();
    expect(alerts(bench.sync({ position: 150, entryPrice: '60000' }))).toEqual(['position_differs']);
    expect(alerts(bench.sync({ position: 150, entryPrice: '60000' }))).toEqual([]);
    expect(bench.reason()).toBe(Reason.reconciling);
  });
});

test('an order whose cancel is on its way takes no place among the active ones', () => {
  const bench = new Bench(botConfig({ risk: { ...botConfig().risk, ordersActiveMax: 2 } })).run();
  const orders = placed(bench.book(600_000, 600_001));
  for (const { clientOrderId } of orders) bench.answer(clientOrderId, 'yes');
  // The bid is cancelled for a new price; the ask is gone: its successor is the second active order, not the third.
  const moved = cancelled(bench.book(599_800, 599_801, 1_000));
  expect(moved).toHaveLength(2);
  const ask = bench.state.orders.find(({ side }) => side === 'sell')!;
  expect(placed(bench.seen(ask.clientOrderId, 'cancelled')).map(({ side }) => side)).toEqual(['sell']);
});

test('a book that was held up on its way is as old as the venue says, by the clock as it was measured', () => {
  const bench = new Bench().run();
  const held = (ageMs: number): void => {
    const frame = bench.frame(600_000, 600_001);
    bench.nowMs += 100;
    frame.venueAtMs = bench.nowMs + bench.state.clockOffsetMs - ageMs;
    bench.tell({ kind: RecordKind.bookInput, book: frame });
  };
  held(2_900);
  expect(bench.reason()).toBe(Reason.quoted);
  held(3_100);
  expect(bench.reason()).toBe(Reason.book_stale);
  bench.clock(-2_000);
  held(2_900);
  expect(bench.reason()).toBe(Reason.quoted);
  held(3_100);
  expect(bench.reason()).toBe(Reason.book_stale);
});
