import { describe, expect, test } from '@jest/globals';
import { Reason } from '../../../core/bot/reasons.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { ARRIVAL_MS_MAX, NOT_FOUND_CONFIRM_MS } from '../../../core/orders/order.ts';
import { Bench, botConfig, cancelled, placed } from '../../support/bots.ts';

const operator = { operator: 'ada', reason: 'test' };

/** Quoting, with both orders acknowledged. */
function quoting(bench = new Bench().run()): { bench: Bench; bid: string; ask: string } {
  const [bid, ask] = placed(bench.book(600_000, 600_001));
  if (bid === undefined || ask === undefined) throw new Error('expected two quotes');
  bench.answer(bid.clientOrderId, 'yes');
  bench.answer(ask.clientOrderId, 'yes');
  return { bench, bid: bid.clientOrderId, ask: ask.clientOrderId };
}

describe('start', () => {
  test('quotes nothing before the venue was read and a supervisor spoke', () => {
    const bench = new Bench();
    bench.tell({ kind: RecordKind.startInput, epoch: 1, configHash: '', codeVersion: '' });
    bench.tell({ kind: RecordKind.connectorInput, channel: 'book', status: 'up', reason: '' });
    expect(placed(bench.book(600_000, 600_001))).toEqual([]);
    expect(bench.reason()).toBe(Reason.startup_position_sync_pending);
    expect(bench.tell({ kind: RecordKind.connectorInput, channel: 'orders', status: 'up', reason: '' })).toContainEqual(
      { effect: 'sync' },
    );
    expect(placed(bench.sync())).toEqual([]);
    expect(bench.reason()).toBe(Reason.paused_without_supervisor);
    expect(placed(bench.tell({ kind: RecordKind.controlInput, command: { command: 'ping' } }))).toEqual([]);
    expect(bench.reason()).toBe(Reason.clock_unknown);
    expect(placed(bench.clock())).toHaveLength(2);
    expect(bench.reason()).toBe(Reason.quoted);
  });

  test('takes the position from the venue and leans against it', () => {
    const flat = placed(new Bench().run().book(600_000, 600_001));
    const long = placed(new Bench().run({ position: 8, entryPrice: '60000' }).book(600_000, 600_001));
    expect(long[0]?.price).toBeLessThan(flat[0]?.price ?? 0);
    expect(long[1]?.price).toBeLessThan(flat[1]?.price ?? 0);
  });

  test('adopts an open order that an earlier run left, and replaces it', () => {
    const bench = new Bench();
    bench.run();
    const order = {
      side: 'buy' as const,
      price: 500_000 as never,
      qty: 4 as never,
      reduceOnly: false,
      leg: 'net' as const,
    };
    const effects = bench.sync({ openOrders: [{ clientOrderId: 'bot1_old-1', filled: 0 as never, order }] });
    expect(cancelled(effects)).toEqual(['bot1_old-1']);
    expect(placed(bench.book(600_000, 600_001)).map(({ side }) => side)).toEqual(['sell']);
    expect(placed(bench.seen('bot1_old-1', 'cancelled')).map(({ side }) => side)).toEqual(['buy']);
  });

  test('counts an order of somebody else as exposure and leaves it alone', () => {
    const bench = new Bench(botConfig());
    bench.run();
    const order = {
      side: 'buy' as const,
      price: 590_000 as never,
      qty: 22 as never,
      reduceOnly: false,
      leg: 'net' as const,
    };
    bench.sync({ openOrders: [{ clientOrderId: 'somebody', filled: 0 as never, order }] });
    const effects = bench.book(600_000, 600_001);
    expect(cancelled(effects)).toEqual([]);
    expect(placed(effects).map(({ side }) => side)).toEqual(['sell']);
    expect(effects).toContainEqual(expect.objectContaining({ effect: 'record', kind: RecordKind.riskDecisionEvent }));
  });

  test('asks again before it believes another position, and adopts it the third time', () => {
    const { bench } = quoting();
    bench.sync({ position: 5, entryPrice: '60000' });
    bench.sync({ position: 5, entryPrice: '60000' });
    expect(bench.state.holdings.net.qty).toBe(0);
    const effects = bench.sync({ position: 5, entryPrice: '60000' });
    expect(bench.state.holdings.net.qty).toBe(5);
    expect(effects).toContainEqual(
      expect.objectContaining({ event: expect.objectContaining({ type: 'position_adopted' }) }),
    );
  });
});

describe('quotes', () => {
  test('never cross the market and never repeat an id', () => {
    const bench = new Bench().run();
    const ids = new Set<string>();
    for (let i = 0; i < 50; i += 1) {
      const bid = 600_000 + ((i * 37) % 400);
      const effects = bench.book(bid, bid + 1, 600);
      for (const id of cancelled(effects)) effects.push(...bench.seen(id, 'cancelled'));
      for (const intent of placed(effects)) {
        expect(ids.has(intent.clientOrderId)).toBe(false);
        ids.add(intent.clientOrderId);
        if (intent.side === 'buy') expect(intent.price).toBeLessThan(bid + 1);
        else expect(intent.price).toBeGreaterThan(bid);
        bench.answer(intent.clientOrderId, 'yes');
      }
    }
    expect(ids.size).toBeGreaterThan(10);
  });

  test('a side is replaced only after its old order is gone', () => {
    const { bench, bid } = quoting();
    const moved = bench.book(600_500, 600_501, 1_000);
    expect(cancelled(moved)).toContain(bid);
    expect(placed(moved)).toEqual([]);
    bench.tell({ kind: RecordKind.orderInput, clientOrderId: bid, news: { news: 'cancelAnswered', answer: 'yes' } });
    expect(placed(bench.book(600_501, 600_502, 1_000)).filter(({ side }) => side === 'buy')).toEqual([]);
    expect(placed(bench.seen(bid, 'cancelled')).map(({ side }) => side)).toEqual(['buy']);
  });

  test.each([
    ['a stale book', (bench: Bench) => bench.timer(3_500), Reason.book_stale],
    ['a crossed book', (bench: Bench) => bench.book(600_002, 600_001), Reason.book_crossed],
    [
      'the private stream down',
      (bench: Bench) => bench.tell({ kind: RecordKind.connectorInput, channel: 'orders', status: 'down', reason: '' }),
      Reason.venue_connection_down,
    ],
    [
      'a pause',
      (bench: Bench) => bench.tell({ kind: RecordKind.controlInput, command: { command: 'pause', ...operator } }),
      Reason.paused_by_operator,
    ],
    [
      'a hard stop',
      (bench: Bench) => bench.tell({ kind: RecordKind.controlInput, command: { command: 'hardStop', ...operator } }),
      Reason.hard_stopped,
    ],
    [
      'a shutdown',
      (bench: Bench) => bench.tell({ kind: RecordKind.controlInput, command: { command: 'shutdown', reason: '' } }),
      Reason.stopping,
    ],
  ] as const)('%s takes both quotes off the book', (_name, disturb, reason) => {
    const { bench, bid, ask } = quoting();
    expect(new Set(cancelled(disturb(bench)))).toEqual(new Set([bid, ask]));
    expect(bench.reason()).toBe(reason);
  });

  test('leaves when nothing is open any more', () => {
    const { bench, bid, ask } = quoting();
    bench.tell({ kind: RecordKind.controlInput, command: { command: 'shutdown', reason: '' } });
    expect(bench.seen(bid, 'cancelled')).not.toContainEqual({ effect: 'leave' });
    expect(bench.seen(ask, 'cancelled')).toContainEqual({ effect: 'leave' });
  });

  test('a hard stop is latched: only its approval lifts it', () => {
    const { bench } = quoting();
    bench.tell({ kind: RecordKind.controlInput, command: { command: 'hardStop', ...operator } });
    bench.tell({ kind: RecordKind.controlInput, command: { command: 'resume', ...operator } });
    bench.book(600_000, 600_001);
    expect(bench.reason()).toBe(Reason.hard_stopped);
    bench.tell({ kind: RecordKind.controlInput, command: { command: 'approveRestart', ...operator } });
    bench.book(600_000, 600_001);
    expect(bench.reason()).toBe(Reason.quoted);
  });

  test('a hard stop sweeps the symbol again until the venue has confirmed it', () => {
    const { bench } = quoting();
    const sweep = { effect: 'cancelAll' } as const;
    const answered = (answer: 'yes' | 'unknown') =>
      bench.tell({ kind: RecordKind.orderInput, clientOrderId: '', news: { news: 'allCancelAnswered', answer } });
    const stop = { command: 'hardStop', ...operator } as const;
    expect(bench.tell({ kind: RecordKind.controlInput, command: stop })).toContainEqual(sweep);
    expect(bench.timer(1_000)).not.toContainEqual(sweep);
    answered('unknown');
    expect(bench.timer(1_000)).toContainEqual(sweep);
    answered('yes');
    expect(bench.timer(2_000)).not.toContainEqual(sweep);
  });

  test('the cancel budget takes the bot off the market until a minute has passed', () => {
    const bench = new Bench(botConfig({ risk: { ...botConfig().risk, cancelsPerMinuteMax: 2 } })).run();
    quoting(bench);
    bench.book(601_000, 601_001, 1_000);
    bench.book(601_000, 601_001, 1_000);
    expect(bench.reason()).toBe(Reason.cancel_budget_used);
  });

  test('the daily loss takes it off until the next UTC day', () => {
    const { bench, bid } = quoting(
      new Bench(botConfig({ risk: { ...botConfig().risk, dailyLossQuoteMax: '0.5' } })).run(),
    );
    bench.timer();
    bench.fill(bid, 'buy', 600_000, 4, 't1');
    bench.book(590_000, 590_001);
    bench.timer();
    expect(bench.reason()).toBe(Reason.daily_loss_reached);
    bench.book(590_000, 590_001, 24 * 3_600_000);
    bench.timer();
    bench.book(590_000, 590_001);
    expect(bench.reason()).not.toBe(Reason.daily_loss_reached);
  });
});

describe('dead-man', () => {
  test('without a supervisor for deadmanS it cancels and pauses; its return lifts that and no other pause', () => {
    const { bench, bid, ask } = quoting();
    for (let i = 0; i < 14; i += 1) {
      bench.timer();
      bench.book(600_000, 600_001, 0);
    }
    expect(bench.reason()).toBe(Reason.quoted);
    expect(new Set(cancelled(bench.timer()))).toEqual(new Set([bid, ask]));
    expect(bench.reason()).toBe(Reason.paused_without_supervisor);
    bench.tell({ kind: RecordKind.controlInput, command: { command: 'pause', ...operator } });
    bench.tell({ kind: RecordKind.controlInput, command: { command: 'ping' } });
    expect(bench.reason()).toBe(Reason.paused_by_operator);
    bench.tell({ kind: RecordKind.controlInput, command: { command: 'resume', ...operator } });
    bench.book(600_000, 600_001);
    expect(bench.reason()).toBe(Reason.quoted);
  });
});

describe('unknown orders', () => {
  test('block their side at full size until they are found', () => {
    const bench = new Bench().run();
    const [bid] = placed(bench.book(600_000, 600_001));
    const effects = bench.answer(bid?.clientOrderId ?? '', 'unknown');
    expect(effects).toContainEqual({ effect: 'lookup', clientOrderId: bid?.clientOrderId });
    expect(placed(bench.book(601_000, 601_001, 1_000)).filter(({ side }) => side === 'buy')).toEqual([]);
    expect(cancelled(bench.seen(bid?.clientOrderId ?? '', 'open'))).toContain(bid?.clientOrderId);
  });

  test('"not found" is believed when nothing can arrive any more', () => {
    const bench = new Bench().run();
    const id = placed(bench.book(600_000, 600_001))[0]?.clientOrderId ?? '';
    bench.answer(id, 'unknown');
    const sentAtMs = bench.nowMs;
    const isFollowed = (): boolean => bench.state.orders.some(({ clientOrderId }) => clientOrderId === id);
    const lookedUpAtMs: number[] = [];
    while (isFollowed() && bench.nowMs < sentAtMs + 120_000) {
      const asks = bench.timer(1_000).some((each) => each.effect === 'lookup' && each.clientOrderId === id);
      if (!asks) continue;
      lookedUpAtMs.push(bench.nowMs);
      bench.tell({ kind: RecordKind.orderInput, clientOrderId: id, news: { news: 'notFound' } }, 100);
    }
    // The look-up that is believed was asked for when the venue would have refused the order as too old.
    expect(lookedUpAtMs.at(-1)! - sentAtMs).toBeGreaterThanOrEqual(ARRIVAL_MS_MAX);
    expect(lookedUpAtMs.at(-2)! - sentAtMs).toBeLessThan(ARRIVAL_MS_MAX);
    const pauses = lookedUpAtMs.slice(1).map((atMs, index) => atMs - lookedUpAtMs[index]!);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(NOT_FOUND_CONFIRM_MS);
  });

  test('a restart makes what was in flight unknown, and looks it up', () => {
    const bench = new Bench().run();
    const ids = placed(bench.book(600_000, 600_001)).map(({ clientOrderId }) => clientOrderId);
    bench.tell({ kind: RecordKind.startInput, epoch: 8, configHash: '', codeVersion: '' }, 2_000);
    const looked = bench.timer().flatMap((effect) => (effect.effect === 'lookup' ? [effect.clientOrderId] : []));
    expect(new Set(looked)).toEqual(new Set(ids));
  });
});

describe('fills', () => {
  test('count once, whoever tells them, and move position and cash exactly', () => {
    const { bench, bid, ask } = quoting();
    bench.fill(bid, 'buy', 600_000, 3, 't1');
    bench.fill(bid, 'buy', 600_000, 3, 't1');
    bench.fill(ask, 'sell', 600_500, 3, 't2');
    expect(bench.state.holdings.net.qty).toBe(0);
    // 3 lots of 0.001 BTC, 50 USDT apart; fees 2 bps of both sides.
    expect(bench.state.holdings.net.realised).toBe(150_000_000_000n);
    expect(bench.state.holdings.net.fees).toBe(36_000_000_000n + 36_030_000_000n);
  });

  test('one after its cancel still counts', () => {
    const { bench, bid } = quoting();
    bench.seen(bid, 'cancelled', 2);
    bench.fill(bid, 'buy', 600_000, 2, 't1');
    expect(bench.state.holdings.net.qty).toBe(2);
    expect(bench.state.orders.some(({ clientOrderId }) => clientOrderId === bid)).toBe(false);
  });
});
