/** Protective stops where answers, reads and restarts cross: what is known to rest must rest, and nothing is said for ever. */
import { describe, expect, test } from '@jest/globals';
import { unprotectedMsAt } from '../../../core/bot/protection.ts';
import { Reason } from '../../../core/bot/reasons.ts';
import { RecordKind } from '../../../core/events/record.ts';
import type { PriceTicks } from '../../../core/money/money.ts';
import { alerts, Bench, botConfig, copyOf, placed, stopsCancelled, stopsPlaced } from '../../support/bots.ts';

const RISK = botConfig().risk;
const PROTECTED = botConfig({
  risk: { ...RISK, protectiveStopEnabled: true, protectiveStopLossPct: 2 },
  deadmanS: 600,
});

/** Quoting with 4 lots bought, the stop for them on its way. */
function holding(bench = new Bench(PROTECTED).run()): { bench: Bench; id: string; triggerPrice: PriceTicks } {
  const [bid] = placed(bench.book(600_000, 600_001));
  bench.answer(bid!.clientOrderId, 'yes');
  const [first] = stopsPlaced(bench.fill(bid!.clientOrderId, 'buy', 599_880, 4, 't1'));
  return { bench, id: first!.stop.clientOrderId, triggerPrice: first!.stop.triggerPrice };
}

/** The answer of a read that finds what the bot believes, and these stops. */
function answerRead(bench: Bench, stops: { clientOrderId: string; triggerPrice: PriceTicks }[]) {
  const { orders, holdings } = bench.state;
  const { qty } = holdings.net;
  return bench.sync({
    position: qty,
    entryPrice: qty === 0 ? null : '59988',
    openOrders: orders.map((own) => ({ clientOrderId: own.clientOrderId, filled: own.venueFilled, order: own })),
    stops: stops.map((stop) => ({ ...stop, leg: 'net', direction: 1 })),
  });
}

function askRead(bench: Bench): void {
  bench.state.syncDueAtMs = bench.nowMs;
  expect(bench.timer(500)).toContainEqual({ effect: 'sync' });
}

describe('a read that was asked for before the answer of a stop', () => {
  test('does not take a stop away that arrived while it ran', () => {
    const { bench, id } = holding();
    askRead(bench);
    // The list is read before the stop reaches the venue, its yes is here before the read is over.
    bench.stopAnswer(id, 'yes');
    expect(stopsPlaced(answerRead(bench, []))).toEqual([]);
    expect(bench.state.stops).toMatchObject([{ clientOrderId: id, state: 'open' }]);
  });

  test('nor does one that the machine never asked for: nobody knows when it began', () => {
    const { bench, id } = holding();
    bench.nowMs += 300;
    bench.stopAnswer(id, 'yes');
    expect(bench.state.syncSentAtMs).toBe(0);
    expect(stopsPlaced(answerRead(bench, []))).toEqual([]);
  });

  test('does not call a stop resting whose cancel has come to nothing known since', () => {
    const { bench, id, triggerPrice } = holding();
    bench.stopAnswer(id, 'yes');
    askRead(bench);
    const ask = bench.state.orders.find(({ side }) => side === 'sell')!;
    expect(stopsCancelled(bench.fill(ask.clientOrderId, 'sell', ask.price, 4, 't2'))).toEqual([id]);
    bench.tell({ kind: RecordKind.stopInput, clientOrderId: id, news: { news: 'cancelAnswered', answer: 'unknown' } });
    // Bought again: whether anything protects it is not known.
    bench.fill('bot1_7-z', 'buy', 599_880, 4, 't3');
    answerRead(bench, [{ clientOrderId: id, triggerPrice }]);
    bench.timer(2_000);
    expect(unprotectedMsAt(bench.state, bench.nowMs)).toBeGreaterThanOrEqual(2_000);
  });
});

test('a stop that was moved at the venue is seen to have moved, and is put back', () => {
  const { bench, id } = holding();
  bench.stopAnswer(id, 'yes');
  bench.book(600_000, 600_002, 2_000);
  askRead(bench);
  // In place: the venue keeps its name.
  const [again] = stopsPlaced(answerRead(bench, [{ clientOrderId: id, triggerPrice: 300_000 as PriceTicks }]));
  expect(again).toMatchObject({ replaces: id });
});

test('a position that flips there and back takes its stops along: the venue did', () => {
  const { bench, id } = holding();
  bench.stopAnswer(id, 'yes');
  // Within one round trip: short, and long again at the old price. The venue has ended both stops by now.
  const [other] = stopsPlaced(bench.fill('bot1_7-x', 'sell', 600_000, 8, 't2'));
  const effects = bench.fill('bot1_7-y', 'buy', 599_880, 8, 't3');
  effects.push(...bench.stopAnswer(other!.stop.clientOrderId, 'yes'));
  for (let second = 0; second < 3; second += 1) effects.push(...bench.timer(1_000));
  const isSeenTo = effects.some(({ effect }) => effect === 'sync' || effect === 'placeStop');
  expect(isSeenTo).toBe(true);
});

test('a stop that is not known does not hurry the reads of a venue in maintenance', () => {
  const { bench, id } = holding();
  bench.stopAnswer(id, 'unknown');
  let reads = 0;
  const failed = { kind: RecordKind.connectorInput, channel: 'sync', status: 'down', reason: '40200' } as const;
  for (let second = 0; second < 120; second += 1) {
    if (!bench.timer(1_000).some(({ effect }) => effect === 'sync')) continue;
    reads += 1;
    bench.tell({ ...failed, trouble: 'maintenance' });
  }
  expect(reads).toBeLessThanOrEqual(20);
});

test('one refusal after the other is told as one fact', () => {
  const { bench, id } = holding();
  let told = alerts(bench.stopAnswer(id, 'no')).length;
  for (let second = 0; second < 600; second += 1) {
    if (bench.state.syncSentAtMs !== 0) answerRead(bench, []);
    const effects = bench.timer(1_000);
    told += alerts(effects).filter((code) => code === 'stop_refused').length;
    for (const { stop } of stopsPlaced(effects)) told += alerts(bench.stopAnswer(stop.clientOrderId, 'no')).length;
  }
  // `stop_refused` and `unprotected`, and again now and then; not every five seconds.
  expect(told).toBeLessThanOrEqual(20);
});

test('a bot that is told to go without a stop quotes again', () => {
  const { bench, id } = holding();
  bench.stopAnswer(id, 'no');
  bench.timer(4_000);
  const without = botConfig({ risk: { ...RISK, protectiveStopEnabled: false }, deadmanS: 600 });
  const again = new Bench(without, copyOf(bench.state));
  again.nowMs = bench.nowMs + 60_000;
  again.run({ position: 4, entryPrice: '59988' });
  again.book(600_000, 600_001);
  expect(again.reason()).not.toBe(Reason.unprotected);
  const before = unprotectedMsAt(again.state, again.nowMs);
  again.timer(5_000);
  expect(unprotectedMsAt(again.state, again.nowMs)).toBe(before);
});

test('hedge: a close that is told before its opening asks for no stop the wrong way round', () => {
  const bench = new Bench(botConfig({ ...PROTECTED, positionMode: 'hedge' }));
  bench.run();
  bench.sync({ legs: [] });
  const effects = bench.fill('bot1_7-z', 'sell', 600_000, 4, 't2', 'long');
  // A long leg below zero is a message that is missing, not something held.
  expect(stopsPlaced(effects)).toEqual([]);
});

describe('leaving', () => {
  test('what is held has its stop at the venue before the process goes', () => {
    const bench = new Bench(PROTECTED).run();
    const orders = placed(bench.book(600_000, 600_001));
    for (const { clientOrderId } of orders) bench.answer(clientOrderId, 'yes');
    bench.tell({ kind: RecordKind.controlInput, command: { command: 'shutdown', reason: '' } });
    const [bid, ask] = orders;
    bench.seen(ask!.clientOrderId, 'cancelled');
    // The cancel lost the race: filled.
    const effects = bench.fill(bid!.clientOrderId, 'buy', bid!.price, bid!.qty, 't1');
    expect(stopsPlaced(effects)).toHaveLength(1);
    expect(effects).not.toContainEqual({ effect: 'leave' });
    expect(bench.stopAnswer(stopsPlaced(effects)[0]!.stop.clientOrderId, 'yes')).toContainEqual({ effect: 'leave' });
  });

  test('fills that the venue has told of are waited for', () => {
    const bench = new Bench(PROTECTED).run();
    const orders = placed(bench.book(600_000, 600_001));
    for (const { clientOrderId } of orders) bench.answer(clientOrderId, 'yes');
    bench.tell({ kind: RecordKind.controlInput, command: { command: 'shutdown', reason: '' } });
    const [bid, ask] = orders;
    bench.seen(ask!.clientOrderId, 'cancelled');
    // Executed by 3 lots before it was cancelled; the fill itself is still on its way.
    expect(bench.seen(bid!.clientOrderId, 'cancelled', 3)).not.toContainEqual({ effect: 'leave' });
  });
});
