/** Ways in which exposure could go untracked or money be counted wrongly, each played against the machine. */
import { describe, expect, test } from '@jest/globals';
import type { Effect } from '../../../core/bot/effects.ts';
import type { FillFact } from '../../../core/bot/input.ts';
import { Reason } from '../../../core/bot/reasons.ts';
import { quoteToNumber } from '../../../core/money/decimal.ts';
import type { PriceTicks, QtyLots, QuoteAmount } from '../../../core/money/money.ts';
import { ARRIVAL_MS_MAX, openLots } from '../../../core/orders/order.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { Bench, botConfig, cancelled, copyOf, placed } from '../../support/bots.ts';

const by = { operator: 'ada', reason: 'test' };

function quoting(bench = new Bench().run()): { bench: Bench; bid: string; ask: string } {
  const [bid, ask] = placed(bench.book(600_000, 600_001));
  if (bid === undefined || ask === undefined) throw new Error('expected two quotes');
  bench.answer(bid.clientOrderId, 'yes');
  bench.answer(ask.clientOrderId, 'yes');
  return { bench, bid: bid.clientOrderId, ask: ask.clientOrderId };
}

const control = (bench: Bench, command: 'pause' | 'hardStop' | 'approveRestart'): Effect[] =>
  bench.tell({ kind: RecordKind.controlInput, command: { command, ...by } });
const ping = (bench: Bench): Effect[] => bench.tell({ kind: RecordKind.controlInput, command: { command: 'ping' } });
const orders = (bench: Bench, status: 'up' | 'down'): Effect[] =>
  bench.tell({ kind: RecordKind.connectorInput, channel: 'orders', status, reason: '' });
const cancelAnswer = (bench: Bench, clientOrderId: string, answer: 'yes' | 'gone' | 'no' | 'unknown'): Effect[] =>
  bench.tell({ kind: RecordKind.orderInput, clientOrderId, news: { news: 'cancelAnswered', answer } });
const notFound = (bench: Bench, clientOrderId: string, afterMs: number): Effect[] =>
  bench.tell({ kind: RecordKind.orderInput, clientOrderId, news: { news: 'notFound' } }, afterMs);

function fillFact(bench: Bench, clientOrderId: string, tradeId: string, qty: number): FillFact {
  return {
    tradeId,
    clientOrderId,
    side: 'buy',
    leg: 'net',
    price: 600_000 as PriceTicks,
    qty: qty as QtyLots,
    fee: 0n as QuoteAmount,
    liquidity: 'maker',
    venueAtMs: bench.nowMs,
  };
}

/** A sync as the machine asks for it, answered at once. */
function asked(bench: Bench, answer: Parameters<Bench['sync']>[0], afterMs = 1_000): Effect[] {
  expect(bench.timer(afterMs)).toContainEqual({ effect: 'sync' });
  return bench.sync(answer);
}

describe('cancels', () => {
  test.each(['gone', 'no', 'unknown'] as const)(
    'one answered "%s" at once is tried again, and no faster than once a second',
    (answer) => {
      const { bench, bid } = quoting();
      let sent = 0;
      let isAsked = cancelled(control(bench, 'pause')).includes(bid);
      for (let i = 0; i < 50; i += 1) {
        sent += isAsked ? 1 : 0;
        const effects = isAsked ? cancelAnswer(bench, bid, answer) : bench.timer(100);
        isAsked = cancelled(effects).includes(bid);
      }
      expect(sent).toBeGreaterThanOrEqual(4);
      expect(sent).toBeLessThanOrEqual(6);
    },
  );

  test('the same while it only moves its quotes', () => {
    const { bench, ask } = quoting();
    let sent = 0;
    for (let i = 0; i < 50; i += 1) {
      const effects = [...bench.book(605_000, 605_001, 10), ...cancelAnswer(bench, ask, 'no')];
      sent += cancelled(effects).filter((id) => id === ask).length;
    }
    expect(sent).toBe(1);
  });
});

describe('start', () => {
  test('a new process quotes only after a supervisor spoke: what is wanted may have changed meanwhile', () => {
    const { bench } = quoting();
    const restarted = new Bench(botConfig(), copyOf(bench.state));
    restarted.nowMs = bench.nowMs + 60_000;
    restarted.tell({ kind: RecordKind.startInput, epoch: 8, configHash: '', codeVersion: '' });
    restarted.tell({ kind: RecordKind.connectorInput, channel: 'book', status: 'up', reason: '' });
    orders(restarted, 'up');
    restarted.sync();
    expect(placed(restarted.book(600_000, 600_001))).toEqual([]);
    expect(restarted.reason()).toBe(Reason.paused_without_supervisor);
    control(restarted, 'hardStop');
    expect(placed([...ping(restarted), ...restarted.book(600_000, 600_001)])).toEqual([]);
    expect(restarted.reason()).toBe(Reason.hard_stopped);
  });

  test('fills from before the first sync are in the position already and are never counted', () => {
    const bench = new Bench();
    const old = fillFact(bench, 'bot1_old-1', 'old', 4);
    bench.nowMs += 5_000;
    bench.tell({ kind: RecordKind.startInput, epoch: 1, configHash: '', codeVersion: '' });
    orders(bench, 'up');
    bench.sync({ position: 4, entryPrice: '60000', fills: [old] });
    asked(bench, { position: 4, entryPrice: '60000', fills: [old] }, 300_000);
    expect(bench.state.holdings.net.qty).toBe(4);
    expect(bench.state.fills).toBe(0);
  });

  test('a clock that was set back while the bot was away blocks nothing', () => {
    const { bench, bid } = quoting();
    bench.answer(bid, 'unknown');
    notFound(bench, bid, 0);
    const restarted = new Bench(botConfig(), copyOf(bench.state));
    restarted.nowMs = bench.nowMs - 3_600_000;
    restarted.run();
    const ids = restarted.state.orders.map(({ clientOrderId }) => clientOrderId);
    for (const id of ids) notFound(restarted, id, 0);
    restarted.timer();
    for (let waitedMs = 0; waitedMs < ARRIVAL_MS_MAX; waitedMs += 5_000) {
      ping(restarted);
      for (const [index, id] of ids.entries()) notFound(restarted, id, index === 0 ? 5_000 : 0);
    }
    expect(placed(restarted.book(600_000, 600_001))).toHaveLength(2);
  });

  test('a position without a usable entry price is no answer, and no crash', () => {
    const bench = new Bench();
    bench.tell({ kind: RecordKind.startInput, epoch: 1, configHash: '', codeVersion: '' });
    orders(bench, 'up');
    for (const entryPrice of [null, '', 'x', '0']) bench.sync({ position: 5, entryPrice });
    expect(bench.state.synced).toBe(false);
    bench.sync({ position: 5, entryPrice: '60000' });
    expect(bench.state.synced).toBe(true);
  });
});

describe('reconciliation', () => {
  test('quotes nothing while the venue holds another position', () => {
    const { bench, bid, ask } = quoting();
    expect(new Set(cancelled(bench.sync({ position: 20, entryPrice: '60000' })))).toEqual(new Set([bid, ask]));
    expect(bench.reason()).toBe(Reason.reconciling);
  });

  test('reads that race with fills differ by something else each time and are never adopted', () => {
    const { bench, bid } = quoting();
    bench.sync({ position: 1, entryPrice: '60000' });
    bench.fill(bid, 'buy', 600_000, 1, 't1');
    bench.sync({ position: 3, entryPrice: '60000' });
    bench.fill(bid, 'buy', 600_000, 2, 't2');
    bench.sync({ position: 4, entryPrice: '60000' });
    bench.fill(bid, 'buy', 600_000, 1, 't3');
    expect(bench.state.holdings.net.qty).toBe(4);
    bench.sync({ position: 4, entryPrice: '60000' });
    expect(bench.state.syncMismatches).toBe(0);
  });

  test('an adopted position is compared again soon: its fill may come late', () => {
    const { bench } = quoting();
    for (let i = 0; i < 3; i += 1) bench.sync({ position: 4, entryPrice: '60000' });
    bench.fill('bot1_lost', 'buy', 600_000, 4, 'late');
    expect(bench.state.holdings.net.qty).toBe(8);
    for (let i = 0; i < 3; i += 1) asked(bench, { position: 4, entryPrice: '60000' }, i === 0 ? 10_000 : 1_000);
    expect(bench.state.holdings.net.qty).toBe(4);
  });

  test('after the private stream was away the venue is read before the next quote', () => {
    const { bench, bid, ask } = quoting();
    orders(bench, 'down');
    for (const id of [bid, ask]) bench.seen(id, 'cancelled');
    expect(orders(bench, 'up')).toContainEqual({ effect: 'sync' });
    expect(placed(bench.book(600_000, 600_001, 1_000))).toEqual([]);
    expect(bench.reason()).toBe(Reason.reconciling);
    expect(placed(bench.sync())).toHaveLength(2);
  });

  test('a read that was asked for before the stream came back proves nothing about the time between', () => {
    const { bench } = quoting();
    bench.timer(300_000);
    ping(bench);
    orders(bench, 'down');
    bench.nowMs += 500;
    orders(bench, 'up');
    bench.clock();
    bench.sync();
    bench.book(600_000, 600_001);
    expect(bench.reason()).toBe(Reason.reconciling);
    asked(bench, {});
    ping(bench);
    bench.book(600_000, 600_001);
    expect(bench.reason()).toBe(Reason.quoted);
  });

  test('a process that stood still cancels first, whatever it reads first', () => {
    const { bench, bid, ask } = quoting();
    const effects = bench.book(650_000, 650_001, 60_000);
    expect(placed(effects)).toEqual([]);
    expect(new Set(cancelled(effects))).toEqual(new Set([bid, ask]));
    expect(placed(ping(bench))).toEqual([]);
    for (const id of [bid, ask]) expect(placed(bench.seen(id, 'cancelled'))).toEqual([]);
    expect(bench.reason()).toBe(Reason.reconciling);
    expect(placed(asked(bench, {}))).toHaveLength(2);
  });

  test('a closed order keeps its missing fills as exposure until a later read proves them absent', () => {
    const { bench, bid } = quoting();
    bench.timer(300_000);
    bench.seen(bid, 'cancelled', 3);
    bench.sync();
    const order = (): number => {
      const found = bench.state.orders.find(({ clientOrderId }) => clientOrderId === bid);
      return found === undefined ? 0 : openLots(found);
    };
    expect(order()).toBe(3);
    asked(bench, {}, 10_000);
    expect(order()).toBe(0);
  });

  test('equity counts unrealised profit once when the venue is read before the first book', () => {
    const bench = new Bench();
    bench.tell({ kind: RecordKind.startInput, epoch: 1, configHash: '', codeVersion: '' });
    bench.tell({ kind: RecordKind.connectorInput, channel: 'book', status: 'up', reason: '' });
    orders(bench, 'up');
    bench.sync({ position: -10, entryPrice: '50000' });
    bench.timer();
    bench.book(600_000, 600_002);
    bench.timer();
    expect(bench.state.daily.equityStart).toBeCloseTo(10_000, 6);
    expect(bench.state.daily.equityPeak).toBeCloseTo(10_000, 6);
    expect(quoteToNumber(bench.state.wallet)).toBeCloseTo(10_000 + 100.001, 6);
  });
});

describe('orders found at the venue', () => {
  test('a late fill that its adoption counted already never hides what still rests', () => {
    const bench = new Bench().run();
    const order = {
      side: 'buy' as const,
      price: 600_000 as PriceTicks,
      qty: 4 as QtyLots,
      reduceOnly: false,
      leg: 'net' as const,
    };
    bench.sync({ openOrders: [{ clientOrderId: 'bot1_old-1', filled: 2 as QtyLots, order }] });
    bench.fill('bot1_old-1', 'buy', 600_000, 2, 'early');
    const [adopted] = bench.state.orders;
    expect(adopted && openLots(adopted)).toBe(2);
    const looked = bench.timer().filter(({ effect }) => effect === 'lookup');
    expect(looked).toHaveLength(1);
    bench.seen('bot1_old-1', 'open', 2);
    expect(bench.state.orders).toHaveLength(1);
    bench.fill('bot1_old-1', 'buy', 600_000, 2, 'rest');
    bench.seen('bot1_old-1', 'filled', 4);
    expect(bench.state.orders.filter(({ clientOrderId }) => clientOrderId === 'bot1_old-1')).toEqual([]);
    expect(bench.state.holdings.net.qty).toBe(4);
  });

  test('more executed than an order asked for is the venue speaking, not a crash', () => {
    const { bench, bid } = quoting();
    bench.fill(bid, 'buy', 600_000, 9, 't1');
    expect(bench.state.holdings.net.qty).toBe(9);
    expect(bench.state.orders.some(({ clientOrderId }) => clientOrderId === bid)).toBe(false);
  });

  test('"not found" said long ago and disproved since does not count for the second time', () => {
    const bench = new Bench().run();
    const id = placed(bench.book(600_000, 600_001))[0]?.clientOrderId ?? '';
    bench.answer(id, 'unknown');
    notFound(bench, id, 0);
    bench.fill(id, 'buy', 600_000, 1, 't1');
    notFound(bench, id, 60_000);
    expect(bench.state.orders.some(({ clientOrderId }) => clientOrderId === id)).toBe(true);
  });
});
