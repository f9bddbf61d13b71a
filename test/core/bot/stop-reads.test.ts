/** What a read of the venue says of protective stops, and the account of the time without one. */
import { describe, expect, test } from '@jest/globals';
import { unprotectedMsAt } from '../../../core/bot/protection.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { alerts, botConfig, stopsCancelled, stopsPlaced } from '../../support/bots.ts';
import { LivingBench } from './living-bench.ts';
import { answer, holding, PROTECTED, protectedBench, read, seen } from './stop-bench.ts';

describe('a read', () => {
  test('five seconds after a stop was sent and not seen says that it never arrived; sooner it may be on its way', () => {
    for (const [afterMs, isGone] of [
      [4_999, false],
      [5_000, true],
    ] as const) {
      const { bench, id } = holding();
      bench.stopAnswer(id, 'unknown');
      read(bench, [], afterMs);
      expect([afterMs, bench.state.stops.some(({ clientOrderId }) => clientOrderId === id)]).toEqual([
        afterMs,
        !isGone,
      ]);
    }
  });

  test('that was asked for as the answer came judges nothing of the stop', () => {
    const { bench, id } = holding();
    bench.state.syncDueAtMs = bench.nowMs;
    bench.timer(500);
    bench.stopAnswer(id, 'yes');
    answer(bench, []);
    expect(bench.state.stops).toMatchObject([{ clientOrderId: id, state: 'open' }]);
    read(bench, [], 1);
    expect(bench.state.stops.map(({ clientOrderId }) => clientOrderId)).not.toContain(id);
  });

  test('does not judge a stop whose call runs', () => {
    const { bench, id } = holding();
    read(bench, [], 6_000);
    expect(bench.state.stops).toMatchObject([{ clientOrderId: id, state: 'placing' }]);
    bench.stopAnswer(id, 'yes');
    bench.fill('bot1_7-y', 'sell', 600_000, 4, 't2');
    expect(stopsCancelled(read(bench, [seen(id, 588_000)], 1_000))).toEqual([]);
    expect(bench.state.stops).toMatchObject([{ clientOrderId: id, state: 'cancelling' }]);
  });

  test('takes over a stop that an earlier run left, and finds the position protected', () => {
    const bench = new LivingBench(PROTECTED);
    bench.tell({ kind: RecordKind.startInput, epoch: 8, configHash: '', codeVersion: '' });
    bench.tell({ kind: RecordKind.connectorInput, channel: 'orders', status: 'up', reason: '' }, 1);
    bench.events.length = 0;
    const effects = bench.sync({ position: 4, entryPrice: '60000', stops: [seen('bot1_7-3', 588_000)] });
    expect(bench.eventsOf('stop')).toMatchObject([
      { clientOrderId: 'bot1_7-3', leg: 'net', triggerPrice: '58800', state: 'open' },
    ]);
    expect([...stopsPlaced(effects), ...stopsCancelled(effects)]).toEqual([]);
    expect(unprotectedMsAt(bench.state, bench.nowMs)).toBe(0);
    expect(alerts(effects)).toEqual(['orphan_position']);
  });

  test('lets a bot that goes without stops take away the one that it left', () => {
    const bench = new LivingBench(botConfig({ deadmanS: 600 })).run({ position: 4, entryPrice: '60000' });
    bench.state.syncDueAtMs = bench.nowMs;
    bench.timer(500);
    expect(stopsCancelled(answer(bench, [seen('bot1_6-3', 588_000)]))).toEqual(['bot1_6-3']);
    expect(bench.state.unprotectedSinceMs).toBe(0);
  });

  test("tells of a stranger's stop with its leg, once for as long as it is there", () => {
    const { bench, id } = protectedBench();
    const own = seen(id, 588_000);
    expect(alerts(read(bench, [own, seen('9001', 500_000), seen('9002', 500_000)]))).toEqual([
      'external_stop',
      'external_stop',
    ]);
    expect(bench.eventsOf('alert')).toMatchObject([
      { detail: { clientOrderId: '9001', leg: 'net' } },
      { detail: { clientOrderId: '9002', leg: 'net' } },
    ]);
    expect(alerts(read(bench, [own, seen('9002', 500_000)]))).toEqual([]);
    expect(bench.state.externalStops).toEqual(['9002']);
    expect(alerts(read(bench, [own, seen('9001', 500_000), seen('9002', 500_000)]))).toEqual(['external_stop']);
    // It protects nothing of ours, and is nobody's to cancel.
    expect(bench.state.stops).toHaveLength(1);
  });

  test('finds a stop that was turned round at the venue, and the position without one', () => {
    const { bench, id } = protectedBench();
    read(bench, [seen(id, 612_000, -1)]);
    expect(bench.state.unprotectedSinceMs).toBe(bench.nowMs);
    expect(bench.state.stops).toMatchObject([
      { clientOrderId: id, direction: -1, state: 'open' },
      { direction: 1, triggerPrice: 588_000, state: 'placing', replaces: null },
    ]);
  });
});

describe('time without a stop', () => {
  test('is told once when it exceeds ten seconds, and anew the next time', () => {
    const { bench, id } = holding();
    bench.timer(10_000);
    expect(alerts(bench.effects.list)).toEqual([]);
    bench.timer(1);
    expect(bench.eventsOf('alert')).toMatchObject([{ reason: 'unprotected', detail: { sinceMs: 10_001 } }]);
    bench.timer(5_000);
    expect(bench.eventsOf('alert')).toHaveLength(1);
    bench.stopAnswer(id, 'yes');
    expect(bench.state).toMatchObject({ unprotectedMs: 15_001, unprotectedSinceMs: 0 });
    answer(bench, [seen(id, 588_000)]);
    read(bench, [], 20_000);
    bench.timer(10_001);
    expect(bench.eventsOf('alert').filter(({ reason }) => reason === 'unprotected')).toHaveLength(2);
  });

  test('adds up, the running stretch included, and never shrinks under a clock set back', () => {
    const { bench, id } = holding();
    bench.timer(3_000);
    expect(unprotectedMsAt(bench.state, bench.nowMs)).toBe(3_000);
    expect(unprotectedMsAt(bench.state, bench.nowMs - 3_600_000)).toBe(0);
    bench.stopAnswer(id, 'yes');
    expect(unprotectedMsAt(bench.state, bench.nowMs + 60_000)).toBe(3_000);
    read(bench, [], 1_000);
    bench.timer(2_000);
    expect(unprotectedMsAt(bench.state, bench.nowMs)).toBe(5_000);
    bench.nowMs -= 3_600_000;
    bench.stopAnswer(bench.state.stops[0]!.clientOrderId, 'yes');
    expect(bench.state).toMatchObject({ unprotectedMs: 3_000, unprotectedSinceMs: 0 });
  });

  test('begins with the first fill, and ends with the position', () => {
    const { bench } = holding();
    expect(bench.state.unprotectedSinceMs).toBe(bench.nowMs);
    bench.nowMs += 700;
    bench.fill('bot1_7-y', 'sell', 600_000, 4, 't2');
    expect(bench.state).toMatchObject({ unprotectedMs: 700, unprotectedSinceMs: 0 });
  });
});
