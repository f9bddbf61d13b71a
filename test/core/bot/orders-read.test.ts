/** What a read of the venue says of orders and their fills: what is taken over, looked up, counted or given up. */
import { describe, expect, test } from '@jest/globals';
import type { Effect } from '../../../core/bot/effects.ts';
import type { FillFact, SyncInput } from '../../../core/bot/input.ts';
import { RecordKind } from '../../../core/events/record.ts';
import type { PriceTicks, QtyLots, QuoteAmount } from '../../../core/money/money.ts';
import type { Side } from '../../../core/orders/order-intent.ts';
import { botConfig, cancelled, placed, T0 } from '../../support/bots.ts';
import { LivingBench } from './living-bench.ts';
import { alarms, ask, ours, PATIENT, quoting } from './read-bench.ts';

const listed = (
  clientOrderId: string,
  {
    side = 'buy',
    price = 599_000,
    qty = 4,
    filled = 0,
  }: { side?: Side; price?: number; qty?: number; filled?: number } = {},
): SyncInput['openOrders'][number] => ({
  clientOrderId,
  filled: filled as QtyLots,
  order: { side, price: price as PriceTicks, qty: qty as QtyLots, reduceOnly: false, leg: 'net' },
});

describe('an order that the venue lists and the bot does not know', () => {
  test('of an earlier run is taken over, with a record that says so', () => {
    const { bench } = quoting();
    bench.sync({ openOrders: [...ours(bench), listed('bot1_6-2', { filled: 1 })] });
    expect(bench.eventsOf('order_adopted')).toEqual([
      {
        type: 'order_adopted',
        phase: 'running',
        reason: 'placed by an earlier run',
        operator: null,
        detail: { clientOrderId: 'bot1_6-2', isForeign: false },
      },
    ]);
    expect(bench.eventsOf('order')).toMatchObject([
      { clientOrderId: 'bot1_6-2', state: 'open', filled: '0.001', external: false },
    ]);
    expect(alarms(bench)).toEqual([]);
  });

  test('of somebody else is called that, and a person hears of it with its side', () => {
    const { bench } = quoting();
    bench.sync({ openOrders: [...ours(bench), listed('9001', { side: 'sell' })] });
    expect(bench.eventsOf('order_adopted')).toMatchObject([
      { reason: 'not placed by this bot', detail: { clientOrderId: '9001', isForeign: true } },
    ]);
    expect(bench.eventsOf('order')).toMatchObject([{ clientOrderId: '9001', external: true }]);
    expect(alarms(bench)).toEqual([{ reason: 'external_order', clientOrderId: '9001', side: 'sell' }]);
  });

  test('stands for the first quote of its side that has none; what no quote needs is cancelled', () => {
    const { bench } = quoting();
    const left = ['a', 'b', 'c', 'd', 'e'].map((name) => listed(`bot1_6-${name}`));
    const effects = bench.sync({
      openOrders: [...ours(bench), listed('9001'), listed('bot1_6-s', { side: 'sell' }), ...left],
    });
    const levels = bench.state.orders.map(({ clientOrderId, side, level }) => [clientOrderId, side, level]);
    expect(levels.slice(2)).toEqual([
      ['9001', 'buy', 0],
      ['bot1_6-s', 'sell', 1],
      ['bot1_6-a', 'buy', 1],
      ['bot1_6-b', 'buy', 2],
      ['bot1_6-c', 'buy', 3],
      ['bot1_6-d', 'buy', 4],
      ['bot1_6-e', 'buy', 4],
    ]);
    // The strategy quotes one level a side, and has it.
    expect(cancelled(effects).sort()).toEqual(
      levels
        .slice(3)
        .map(([id]) => id)
        .sort(),
    );
  });

  test('is known from then on: the next read tells nothing new', () => {
    const { bench } = quoting();
    for (let n = 0; n < 2; n += 1) bench.sync({ openOrders: [...ours(bench), listed('9001')].slice(0, 3) });
    expect(bench.eventsOf('order_adopted')).toHaveLength(1);
    expect(bench.state.orders).toHaveLength(3);
  });

  test('counts what the venue says of it in later reads', () => {
    const { bench } = quoting();
    bench.sync({ openOrders: [...ours(bench), listed('bot1_6-2')] });
    bench.sync({ openOrders: [...ours(bench).slice(0, 2), listed('bot1_6-2', { filled: 3 })] });
    expect(bench.state.orders[2]).toMatchObject({ clientOrderId: 'bot1_6-2', venueFilled: 3, state: 'open' });
  });
});

describe('an order of ours that the venue does not list', () => {
  const lookups = (effects: readonly Effect[]): string[] =>
    effects.flatMap((effect) => (effect.effect === 'lookup' ? [effect.clientOrderId] : []));

  test('is looked up: it is over, and nobody has said how', () => {
    const { bench, bid, ask: offer } = quoting();
    ask(bench);
    bench.sync();
    expect(bench.state.orders.map(({ state }) => state)).toEqual(['unknown', 'unknown']);
    expect(lookups(bench.timer(500)).sort()).toEqual([bid, offer].sort());
  });

  test('is found out beside one that it does list', () => {
    const { bench, bid, ask: offer } = quoting();
    ask(bench);
    bench.sync({ openOrders: ours(bench).filter(({ clientOrderId }) => clientOrderId === offer) });
    expect(bench.state.orders).toMatchObject([
      { clientOrderId: bid, state: 'unknown' },
      { clientOrderId: offer, state: 'open' },
    ]);
  });

  test('and was sent as the read began, or later, may be on its way', () => {
    for (const afterMs of [0, 1]) {
      const bench = new LivingBench(botConfig(PATIENT)).run();
      ask(bench);
      for (const { clientOrderId } of placed(bench.book(600_000, 600_010, afterMs))) bench.answer(clientOrderId, 'yes');
      bench.sync();
      expect(bench.state.orders.map(({ state }) => state)).toEqual(['open', 'open']);
    }
  });

  test('and has no answer yet is left to its answer', () => {
    const bench = new LivingBench(botConfig(PATIENT)).run();
    expect(placed(bench.book(600_000, 600_010))).toHaveLength(2);
    ask(bench);
    bench.sync();
    expect(bench.state.orders.map(({ state }) => state)).toEqual(['in_flight', 'in_flight']);
  });
});

describe('fills that only a read tells', () => {
  const missed = (tradeId: string): FillFact => ({
    tradeId,
    clientOrderId: 'bot1_7-z',
    side: 'buy',
    leg: 'net',
    price: 600_000 as PriceTicks,
    qty: 2 as QtyLots,
    fee: 0n as QuoteAmount,
    liquidity: 'maker',
    venueAtMs: T0,
  });

  test('count like any other, once', () => {
    const { bench } = quoting();
    for (let n = 0; n < 2; n += 1)
      bench.sync({ position: 4, entryPrice: '60000', fills: [missed('a'), missed('b')], openOrders: ours(bench) });
    expect(bench.eventsOf('fill').map(({ tradeId }) => tradeId)).toEqual(['a', 'b']);
    expect(bench.state.holdings.net.qty).toBe(4);
    expect(bench.events.some(({ type }) => type === 'position_adopted')).toBe(false);
  });

  test('in the first one are in the position already, and are remembered once', () => {
    const bench = new LivingBench(botConfig(PATIENT));
    bench.tell({ kind: RecordKind.startInput, epoch: 1, configHash: '', codeVersion: '' });
    bench.tell({ kind: RecordKind.connectorInput, channel: 'orders', status: 'up', reason: '' });
    // The position has no price to hold it at, so the first read has to be repeated.
    bench.sync({ position: 2, entryPrice: null, fills: [missed('a')] });
    bench.sync({ position: 2, entryPrice: '60000', fills: [missed('a')] });
    expect(bench.state).toMatchObject({ synced: true, fills: 0, tradeIds: ['a'] });
    bench.sync({ position: 2, entryPrice: '60000', fills: [missed('a')] });
    expect(bench.state.holdings.net.qty).toBe(2);
  });
});

describe('fills that the venue told of and never sent', () => {
  /** The bid is over, three lots of it were executed, and no fill has come. */
  function missing() {
    const { bench, bid, ask: offer } = quoting();
    bench.seen(bid, 'cancelled', 3);
    bench.fill(bid, 'buy', 600_000, 1, 't1');
    bench.state.syncSentAtMs = 0;
    bench.events.length = 0;
    return { bench, bid, offer };
  }
  const told = (bench: LivingBench) =>
    bench.sync({ position: 1, entryPrice: '60000', openOrders: ours(bench).slice(1) });

  test('are given up by a read that was asked for ten seconds later, and that is on record', () => {
    const { bench, bid } = missing();
    ask(bench, 10_000);
    told(bench);
    expect(bench.eventsOf('fills_missing')).toEqual([
      {
        type: 'fills_missing',
        phase: 'running',
        reason: 'the venue told of more than its fills add up to',
        operator: null,
        detail: { clientOrderId: bid, told: '0.003', seen: '0.001' },
      },
    ]);
    expect(bench.state.orders.map(({ clientOrderId }) => clientOrderId)).not.toContain(bid);
  });

  test('are waited for by one that was asked for sooner, however late its answer', () => {
    const { bench, bid } = missing();
    ask(bench, 9_999);
    bench.nowMs += 20_000;
    told(bench);
    expect(bench.eventsOf('fills_missing')).toEqual([]);
    expect(bench.state.orders.map(({ clientOrderId }) => clientOrderId)).toContain(bid);
  });

  test('make the bot ask for such a read', () => {
    const { bench } = missing();
    for (const afterMs of [...Array<number>(9).fill(1_000), 999])
      expect(bench.timer(afterMs)).not.toContainEqual({ effect: 'sync' });
    expect(bench.timer(1)).toContainEqual({ effect: 'sync' });
  });
});
