/** The protective stop: always one for what is held, never two calls at once, and the time without it is counted. */
import { describe, expect, test } from '@jest/globals';
import { Reason } from '../../../core/bot/reasons.ts';
import { unprotectedMsAt } from '../../../core/bot/protection.ts';
import type { PriceTicks } from '../../../core/money/money.ts';
import { stopTrigger } from '../../../core/orders/stop.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { alerts, Bench, botConfig, copyOf, placed, stopsCancelled, stopsPlaced } from '../../support/bots.ts';

const PROTECTED = botConfig({
  risk: { ...botConfig().risk, protectiveStopEnabled: true, protectiveStopLossPct: 2 },
  deadmanS: 600,
});

/** Quoting with 4 lots bought at 59,988.0. */
function holding(): { bench: Bench; first: ReturnType<typeof stopsPlaced> } {
  const bench = new Bench(PROTECTED).run();
  const [bid] = placed(bench.book(600_000, 600_001));
  bench.answer(bid!.clientOrderId, 'yes');
  return { bench, first: stopsPlaced(bench.fill(bid!.clientOrderId, 'buy', 599_880, 4, 't1')) };
}

/** The read of the venue that lists what the bot believes. */
function read(bench: Bench, stops: { clientOrderId: string; triggerPrice: number; direction?: 1 | -1 }[]) {
  bench.timer(1_000);
  return bench.sync({
    position: bench.state.holdings.net.qty,
    entryPrice: '59988',
    openOrders: bench.state.orders.map((own) => ({ clientOrderId: own.clientOrderId, filled: 0 as never, order: own })),
    stops: stops.map(({ clientOrderId, triggerPrice, direction = 1 }) => ({
      clientOrderId,
      leg: 'net',
      direction,
      triggerPrice: triggerPrice as PriceTicks,
    })),
  });
}

test('the trigger lies on the tick that loses less than asked, on either side', () => {
  expect(stopTrigger(599_880, 1, 0.02)).toBe(587_883); // 587,882.4
  expect(stopTrigger(599_880, -1, 0.02)).toBe(611_877); // 611,877.6
  expect(stopTrigger(100, 1, 0.5)).toBe(50);
  expect(stopTrigger(1, 1, 0.999)).toBe(1);
});

describe('life', () => {
  test('a position opens: a stop for all of it leaves at once', () => {
    const { bench, first } = holding();
    expect(first).toHaveLength(1);
    expect(first[0]).toMatchObject({ replaces: null, stop: { leg: 'net', positionLots: 4, triggerPrice: 587_883 } });
    bench.stopAnswer(first[0]!.stop.clientOrderId, 'yes');
    expect(bench.state.stops).toMatchObject([{ state: 'open' }]);
    expect(stopsPlaced(bench.timer())).toEqual([]);
  });

  test('a further fill puts a new one in its place, and the old one stands until the venue says so', () => {
    const { bench, first } = holding();
    const old = first[0]!.stop.clientOrderId;
    bench.stopAnswer(old, 'yes');
    // Within a second of the first.
    expect(stopsPlaced(bench.fill('bot1_7-9', 'buy', 590_000, 4, 't2'))).toEqual([]);
    const [next] = stopsPlaced(bench.timer(1_000));
    expect(next).toMatchObject({
      replaces: old,
      stop: { positionLots: 8, triggerPrice: stopTrigger(594_940, 1, 0.02) },
    });
    expect(bench.state.stops.map(({ state }) => state)).toEqual(['open', 'placing']);
    expect(unprotectedMsAt(bench.state, bench.nowMs)).toBe(0);
    bench.stopAnswer(next!.stop.clientOrderId, 'yes');
    expect(bench.state.stops).toMatchObject([{ clientOrderId: next!.stop.clientOrderId, state: 'open' }]);
  });

  test('a closed position takes its stop along', () => {
    const { bench, first } = holding();
    const id = first[0]!.stop.clientOrderId;
    bench.stopAnswer(id, 'yes');
    const ask = bench.state.orders.find(({ side }) => side === 'sell')!;
    expect(stopsCancelled(bench.fill(ask.clientOrderId, 'sell', ask.price, 4, 't2'))).toEqual([id]);
    bench.tell({ kind: RecordKind.stopInput, clientOrderId: id, news: { news: 'cancelAnswered', answer: 'gone' } });
    expect(bench.state.stops).toEqual([]);
  });

  test('a position that flips is protected the other way before the old stop goes', () => {
    const { bench, first } = holding();
    const old = first[0]!.stop.clientOrderId;
    bench.stopAnswer(old, 'yes');
    const effects = bench.fill('stranger', 'sell', 600_000, 10, 't2');
    expect(stopsPlaced(effects)).toMatchObject([{ replaces: null, stop: { positionLots: -6, triggerPrice: 612_000 } }]);
    // The venue has ended the old one with its position: it is cleaned up, and nothing waits for that.
    expect(stopsCancelled(effects)).toEqual([old]);
  });
});

describe('doubt', () => {
  test('an unknown answer is read back before anything else is sent', () => {
    const { bench, first } = holding();
    const { clientOrderId, triggerPrice } = first[0]!.stop;
    bench.stopAnswer(clientOrderId, 'unknown');
    expect(bench.timer()).toContainEqual({ effect: 'sync' });
    expect(stopsPlaced(bench.timer())).toEqual([]);
    read(bench, [{ clientOrderId, triggerPrice }]);
    expect(bench.state.stops).toMatchObject([{ clientOrderId, state: 'open' }]);
  });

  test('a stop that never arrived is placed anew under a new id, but not after one early look', () => {
    const { bench, first } = holding();
    bench.stopAnswer(first[0]!.stop.clientOrderId, 'unknown');
    read(bench, []);
    expect(bench.state.stops).toMatchObject([{ state: 'unknown' }]);
    bench.book(600_000, 600_002, 4_500);
    const [again] = stopsPlaced(read(bench, []));
    expect(again!.stop.clientOrderId).not.toBe(first[0]!.stop.clientOrderId);
  });

  test('a stop that vanished at the venue is placed anew', () => {
    const { bench, first } = holding();
    bench.stopAnswer(first[0]!.stop.clientOrderId, 'yes');
    bench.state.syncDueAtMs = bench.nowMs;
    bench.book(600_000, 600_002, 1_000);
    expect(stopsPlaced(read(bench, []))).toHaveLength(1);
  });

  test('of two stops of ours one is cancelled; a stranger’s is told once and left alone', () => {
    const { bench, first } = holding();
    const { clientOrderId, triggerPrice } = first[0]!.stop;
    bench.stopAnswer(clientOrderId, 'yes');
    bench.state.syncDueAtMs = bench.nowMs;
    const listed = [
      { clientOrderId, triggerPrice },
      { clientOrderId: 'bot1_7-zz', triggerPrice: 580_000 },
      { clientOrderId: 'stranger', triggerPrice: 500_000 },
    ];
    const effects = read(bench, listed);
    expect(stopsCancelled(effects)).toEqual(['bot1_7-zz']);
    expect(alerts(effects)).toEqual(['external_stop']);
    bench.state.syncDueAtMs = bench.nowMs;
    expect(alerts(read(bench, listed))).toEqual([]);
  });

  test('after a restart nothing is placed before the venue was read', () => {
    const { bench, first } = holding();
    const { clientOrderId, triggerPrice } = first[0]!.stop;
    bench.stopAnswer(clientOrderId, 'yes');
    const again = new Bench(bench.config, copyOf(bench.state));
    again.nowMs = bench.nowMs + 60_000;
    expect(stopsPlaced(again.tell({ kind: RecordKind.startInput, epoch: 8, configHash: '', codeVersion: '' }))).toEqual(
      [],
    );
    again.tell({ kind: RecordKind.connectorInput, channel: 'orders', status: 'up', reason: '' });
    expect(stopsPlaced(read(again, [{ clientOrderId, triggerPrice }]))).toEqual([]);
    expect(again.state.stops).toMatchObject([{ clientOrderId, state: 'open' }]);
  });
});

describe('refusal', () => {
  test('is told, tried again after a while, and after 10 s nothing more is risked', () => {
    const { bench, first } = holding();
    const refused = bench.stopAnswer(first[0]!.stop.clientOrderId, 'no');
    expect(alerts(refused)).toEqual(['stop_refused']);
    expect(stopsPlaced(bench.timer(1_000))).toEqual([]);
    expect(stopsPlaced(bench.timer(4_000))).toHaveLength(1);
    const { clientOrderId } = bench.state.stops[0]!;
    bench.stopAnswer(clientOrderId, 'no');
    bench.book(600_000, 600_002, 3_000);
    expect(bench.reason()).toBe(Reason.quoted);
    bench.book(600_000, 600_001, 2_500);
    expect(bench.reason()).toBe(Reason.unprotected);
    const last = bench.timer(1_000);
    expect(alerts(last)).toContain('unprotected');
    const [third] = stopsPlaced(last);
    bench.stopAnswer(third!.stop.clientOrderId, 'yes');
    expect(bench.reason()).toBe(Reason.quoted);
    // From the fill to the answer, all of it.
    expect(unprotectedMsAt(bench.state, bench.nowMs)).toBe(11_500);
  });
});

test('without the option no stop is ever sent', () => {
  const bench = new Bench(botConfig()).run();
  const [bid] = placed(bench.book(600_000, 600_001));
  bench.answer(bid!.clientOrderId, 'yes');
  expect(stopsPlaced(bench.fill(bid!.clientOrderId, 'buy', 599_880, 4, 't1'))).toEqual([]);
  expect(stopsPlaced(bench.timer())).toEqual([]);
  expect(unprotectedMsAt(bench.state, bench.nowMs)).toBe(0);
});
