/** How a process goes: with nothing of ours that could still execute, with what it holds protected, and told of. */
import { describe, expect, test } from '@jest/globals';
import type { Effect } from '../../../core/bot/effects.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { stopsPlaced } from '../../support/bots.ts';
import { eventsOf, isLeft, PROTECTED, quoting, shutdown } from './talk.ts';

test('what is still held is told of, with its stops, and only when something is', () => {
  const { bench, bid, ask } = quoting(PROTECTED);
  const [stop] = stopsPlaced(bench.fill(bid, 'buy', 599_880, 4, 't1'));
  bench.stopAnswer(stop!.stop.clientOrderId, 'yes');
  shutdown(bench);
  const effects = bench.seen(ask, 'cancelled');
  expect(isLeft(effects)).toBe(true);
  expect(eventsOf(effects)).toContainEqual({
    type: 'alert',
    phase: 'stopping',
    reason: 'open_position_at_shutdown',
    operator: null,
    detail: { position: '0.004', stops: 1 },
  });
  expect(bench.state.alerts).toBe(1);
  const flat = quoting(PROTECTED);
  shutdown(flat.bench);
  flat.bench.seen(flat.bid, 'cancelled');
  expect(eventsOf(flat.bench.seen(flat.ask, 'cancelled')).map(({ type }) => type)).not.toContain('alert');
});

describe('a process waits', () => {
  test('for a stop that is being taken away', () => {
    const { bench, bid, ask } = quoting(PROTECTED);
    const [stop] = stopsPlaced(bench.fill(bid, 'buy', 599_880, 4, 't1'));
    const id = stop!.stop.clientOrderId;
    bench.stopAnswer(id, 'yes');
    bench.fill(ask, 'sell', 600_121, 4, 't2');
    expect(isLeft(shutdown(bench))).toBe(false);
    const news = { news: 'cancelAnswered', answer: 'yes' } as const;
    expect(isLeft(bench.tell({ kind: RecordKind.stopInput, clientOrderId: id, news }))).toBe(true);
  });

  test('for a stop to be placed again that was refused', () => {
    const { bench, bid, ask } = quoting(PROTECTED);
    const [stop] = stopsPlaced(bench.fill(bid, 'buy', 599_880, 4, 't1'));
    bench.stopAnswer(stop!.stop.clientOrderId, 'no');
    shutdown(bench);
    expect(isLeft(bench.seen(ask, 'cancelled'))).toBe(false);
    const again: Effect[] = [];
    for (let second = 0; second < 10; second += 1) again.push(...bench.timer());
    expect(isLeft(again)).toBe(false);
    expect(isLeft(bench.stopAnswer(stopsPlaced(again)[0]!.stop.clientOrderId, 'yes'))).toBe(true);
  });
});

test('a process leaves once: nothing that it is told on its way out makes it leave, or act, again', () => {
  const { bench, bid, ask } = quoting(PROTECTED);
  shutdown(bench);
  bench.seen(bid, 'cancelled');
  expect(isLeft(bench.seen(ask, 'cancelled'))).toBe(true);
  const late = [...bench.timer(), ...bench.book(600_000, 600_001), ...shutdown(bench)];
  // A fill that comes now belongs to the next process: no stop is placed that nobody would hear the answer of.
  late.push(...bench.fill(bid, 'buy', 599_880, 4, 't1'), ...bench.timer());
  expect(isLeft(late)).toBe(false);
  expect(stopsPlaced(late)).toEqual([]);
});
