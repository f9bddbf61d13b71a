/** Calls about a protective stop: what leaves, what is on record, how an answer is taken, and when the next try comes. */
import { describe, expect, test } from '@jest/globals';
import { RecordKind } from '../../../core/events/record.ts';
import { alerts, botConfig, stopsCancelled, stopsPlaced } from '../../support/bots.ts';
import { LivingBench } from './living-bench.ts';
import { answer, cancelAnswer, holding, PROTECTED, protectedBench, refuse, seen, stopEvents } from './stop-bench.ts';

const HEDGE = botConfig({ ...PROTECTED, positionMode: 'hedge' });

describe('what leaves', () => {
  test('a stop is on record before it is sent, and says what it protects', () => {
    const { bench, id, effects } = holding();
    const at = effects.findIndex(({ effect }) => effect === 'placeStop');
    expect(effects[at]).toEqual({
      effect: 'placeStop',
      stop: {
        clientOrderId: id,
        symbol: 'BTCUSDT',
        leg: 'net',
        positionLots: 4,
        triggerPrice: 588_000,
        triggerSource: 'mark',
      },
      replaces: null,
    });
    expect(effects[at - 1]).toEqual({
      effect: 'record',
      kind: RecordKind.executionIntentEvent,
      event: {
        type: 'place_stop',
        clientOrderId: id,
        symbol: 'BTCUSDT',
        leg: 'net',
        triggerPrice: '58800',
        replaces: null,
      },
    });
    bench.stopAnswer(id, 'yes');
    expect(bench.eventsOf('stop')).toEqual([
      {
        type: 'stop',
        clientOrderId: id,
        symbol: 'BTCUSDT',
        leg: 'net',
        triggerPrice: '58800',
        state: 'open',
        code: null,
      },
    ]);
  });

  test('each leg of a hedge has its own stop, on its own side', () => {
    const bench = new LivingBench(HEDGE).run();
    bench.sync({ legs: [] });
    const long = stopsPlaced(bench.fill('bot1_7-y', 'buy', 600_000, 4, 't1', 'long'));
    const short = stopsPlaced(bench.fill('bot1_7-z', 'sell', 600_000, 3, 't2', 'short'));
    expect(long).toMatchObject([{ replaces: null, stop: { leg: 'long', positionLots: 4, triggerPrice: 588_000 } }]);
    expect(short).toMatchObject([{ replaces: null, stop: { leg: 'short', positionLots: -3, triggerPrice: 612_000 } }]);
    bench.stopAnswer(long[0]!.stop.clientOrderId, 'yes');
    // What is short still has none that is known to rest.
    bench.timer(1_000);
    expect(bench.state.unprotectedSinceMs).not.toBe(0);
    bench.stopAnswer(short[0]!.stop.clientOrderId, 'yes');
    expect(bench.state.unprotectedSinceMs).toBe(0);
    expect(stopsCancelled(bench.fill('bot1_7-x', 'sell', 600_000, 4, 't3', 'long'))).toEqual([
      long[0]!.stop.clientOrderId,
    ]);
    expect(bench.state.stops).toMatchObject([
      { leg: 'long', isOver: true },
      { leg: 'short', isOver: false },
    ]);
  });

  test('a stop whose price moved is replaced a second after the last one was sent, no sooner', () => {
    const { bench, id } = holding();
    bench.stopAnswer(id, 'yes');
    expect(stopsPlaced(bench.fill('bot1_7-y', 'buy', 590_000, 4, 't2'))).toEqual([]);
    expect(stopsPlaced(bench.timer(999))).toEqual([]);
    expect(stopsPlaced(bench.timer(1))).toMatchObject([
      { replaces: id, stop: { positionLots: 8, triggerPrice: 583_100 } },
    ]);
  });

  test('a cancel is on record before it is sent', () => {
    const { bench, id } = protectedBench();
    const effects = bench.fill('bot1_7-y', 'sell', 600_000, 4, 't2');
    const at = effects.findIndex(({ effect }) => effect === 'cancelStop');
    expect(effects.slice(at - 1, at + 1)).toEqual([
      {
        effect: 'record',
        kind: RecordKind.executionIntentEvent,
        event: { type: 'cancel_stop', clientOrderId: id, reason: 'not_wanted' },
      },
      { effect: 'cancelStop', clientOrderId: id },
    ]);
  });

  test('a partial close keeps the stop', () => {
    const { bench } = protectedBench();
    const effects = bench.fill('bot1_7-y', 'sell', 600_000, 3, 't2');
    expect([...stopsCancelled(effects), ...stopsPlaced(effects)]).toEqual([]);
    expect(bench.state.stops).toMatchObject([{ isOver: false }]);
  });

  test('a short position is protected above, and a purchase that closes it ends that', () => {
    const bench = new LivingBench(PROTECTED).run();
    const [stop] = stopsPlaced(bench.fill('bot1_7-z', 'sell', 600_000, 4, 't1'));
    expect(stop).toMatchObject({ stop: { positionLots: -4, triggerPrice: 612_000 } });
    bench.stopAnswer(stop!.stop.clientOrderId, 'yes');
    bench.fill('bot1_7-y', 'buy', 600_000, 3, 't2');
    expect(bench.state.stops).toMatchObject([{ isOver: false }]);
    expect(stopsCancelled(bench.fill('bot1_7-x', 'buy', 600_000, 1, 't3'))).toEqual([stop!.stop.clientOrderId]);
    // The venue ended it: what is sold next is protected anew, at the same price.
    expect(stopsPlaced(bench.fill('bot1_7-w', 'sell', 600_000, 2, 't4'))).toMatchObject([
      { replaces: null, stop: { positionLots: -2, triggerPrice: 612_000 } },
    ]);
  });
});

describe('a call without an answer', () => {
  test('to place is read back after ten seconds', () => {
    const { bench } = holding();
    for (const afterMs of [5_000, 4_999]) expect(bench.timer(afterMs)).not.toContainEqual({ effect: 'sync' });
    expect(bench.state.stops).toMatchObject([{ state: 'placing' }]);
    bench.timer(1);
    expect(bench.state.stops).toMatchObject([{ state: 'unknown' }]);
    expect(bench.timer(500)).toContainEqual({ effect: 'sync' });
  });

  test('to cancel is read back after ten seconds', () => {
    const { bench, id } = protectedBench();
    bench.fill('bot1_7-y', 'sell', 600_000, 4, 't2');
    for (const afterMs of [5_000, 4_999]) bench.timer(afterMs);
    expect(bench.state.stops).toMatchObject([{ clientOrderId: id, state: 'cancelling' }]);
    bench.timer(1);
    expect(bench.state.stops).toMatchObject([{ state: 'unknown' }]);
  });

  test('does not make one that rests any less known', () => {
    const { bench, id } = protectedBench();
    for (let n = 0; n < 20; n += 1) bench.timer(1_000);
    expect(bench.state.stops).toMatchObject([{ clientOrderId: id, state: 'open' }]);
    expect(bench.eventsOf('stop')).toEqual([]);
  });
});

describe('an answer', () => {
  test.each(['unknown', 'duplicate'] as const)(
    '"%s" leaves nothing known of the stop and of the one it replaces',
    (what) => {
      const { bench, id } = protectedBench();
      bench.fill('bot1_7-y', 'buy', 590_000, 4, 't2');
      const [next] = stopsPlaced(bench.timer(1_000));
      const nextId = next!.stop.clientOrderId;
      bench.events.length = 0;
      bench.stopAnswer(nextId, what);
      expect(bench.state.stops).toMatchObject([
        { clientOrderId: id, state: 'unknown' },
        { clientOrderId: nextId, state: 'unknown' },
      ]);
      expect(stopEvents(bench)).toEqual([{ clientOrderId: nextId, state: 'unknown', code: null }]);
      expect(bench.timer(5_000)).toContainEqual({ effect: 'sync' });
      // The read finds the new one in the old one's place.
      bench.events.length = 0;
      answer(bench, [seen(nextId, next!.stop.triggerPrice)]);
      expect(bench.state.stops).toMatchObject([{ clientOrderId: nextId, state: 'open' }]);
      expect(stopEvents(bench)).toEqual([{ clientOrderId: id, state: 'gone', code: null }]);
    },
  );

  test('"yes" to a replacement ends the one before, on record', () => {
    const { bench, id } = protectedBench();
    bench.fill('bot1_7-y', 'buy', 590_000, 4, 't2');
    const nextId = stopsPlaced(bench.timer(1_000))[0]!.stop.clientOrderId;
    bench.stopAnswer(nextId, 'yes');
    expect(stopEvents(bench)).toEqual([
      { clientOrderId: nextId, state: 'open', code: null },
      { clientOrderId: id, state: 'replaced', code: null },
    ]);
  });

  test.each(['yes', 'gone'] as const)('"%s" to a cancel forgets the stop, on record', (what) => {
    const { bench, id } = protectedBench();
    bench.fill('bot1_7-y', 'sell', 600_000, 4, 't2');
    cancelAnswer(bench, id, what);
    expect(bench.state.stops).toEqual([]);
    expect(stopEvents(bench)).toEqual([{ clientOrderId: id, state: 'gone', code: null }]);
  });

  test('"no" to a cancel leaves the stop, and it is tried again after five seconds', () => {
    const { bench, id } = protectedBench();
    bench.fill('bot1_7-y', 'sell', 600_000, 4, 't2');
    cancelAnswer(bench, id, 'no');
    expect(stopEvents(bench)).toEqual([{ clientOrderId: id, state: 'open', code: null }]);
    expect(bench.state.stops).toMatchObject([{ state: 'open' }]);
    expect(stopsCancelled(bench.timer(4_999))).toEqual([]);
    expect(stopsCancelled(bench.timer(1))).toEqual([id]);
  });

  test('about a stop that nobody knows changes nothing', () => {
    const { bench, id } = protectedBench();
    expect(bench.stopAnswer('bot1_1-1', 'unknown')).toEqual([]);
    expect(bench.state.stops).toMatchObject([{ clientOrderId: id, state: 'open' }]);
  });
});

describe('a refusal', () => {
  /** Refuses every stop that is tried, answers every read; seconds between the tries. */
  function waits(bench: LivingBench, tries: number): number[] {
    const between: number[] = [];
    let second = 0;
    while (between.length < tries && second < 400) {
      second += 1;
      if (bench.state.syncSentAtMs !== 0) answer(bench, []);
      const [next] = stopsPlaced(bench.timer(1_000));
      if (next === undefined) continue;
      between.push(second);
      second = 0;
      refuse(bench, next.stop.clientOrderId);
    }
    return between;
  }

  test('is on record with the venue’s code, and the venue is read before the next try', () => {
    const { bench, id } = holding();
    const effects = refuse(bench, id, '43012');
    expect(stopEvents(bench)).toEqual([{ clientOrderId: id, state: 'refused', code: '43012' }]);
    expect(bench.eventsOf('alert')).toMatchObject([
      { reason: 'stop_refused', detail: { clientOrderId: id, code: '43012' } },
    ]);
    expect(stopsPlaced(effects)).toEqual([]);
    expect(bench.timer(1)).toContainEqual({ effect: 'sync' });
  });

  test('is followed by a try after five seconds, twice; then ever later, a minute at most', () => {
    const { bench, id } = holding();
    refuse(bench, id);
    expect(waits(bench, 7)).toEqual([5, 5, 10, 20, 40, 60, 60]);
    // One that is taken ends it: the next refusal begins anew.
    let placed = stopsPlaced(bench.timer(60_000));
    bench.stopAnswer(placed[0]!.stop.clientOrderId, 'yes');
    bench.fill('bot1_7-y', 'buy', 590_000, 4, 't2');
    placed = stopsPlaced(bench.timer(1_000));
    refuse(bench, placed[0]!.stop.clientOrderId);
    expect(waits(bench, 1)).toEqual([5]);
  });

  test('is told once, again when the code is another, and after an hour', () => {
    const { bench, id } = holding();
    const again = (afterMs: number, code: string): string[] => {
      bench.state.stopRetryAtMs = 0;
      const [next] = stopsPlaced(bench.timer(afterMs));
      return alerts(refuse(bench, next!.stop.clientOrderId, code)).filter((reason) => reason === 'stop_refused');
    };
    expect(alerts(refuse(bench, id, 'a'))).toEqual(['stop_refused']);
    expect(again(1_000, 'a')).toEqual([]);
    expect(again(1_000, 'b')).toEqual(['stop_refused']);
    expect(again(3_599_999, 'b')).toEqual([]);
    expect(again(1, 'b')).toEqual(['stop_refused']);
  });

  test('after one that was taken is told though it says the same', () => {
    const { bench, id } = holding();
    refuse(bench, id, 'a');
    const [next] = stopsPlaced(bench.timer(5_000));
    bench.stopAnswer(next!.stop.clientOrderId, 'yes');
    bench.fill('bot1_7-y', 'buy', 590_000, 4, 't2');
    const [third] = stopsPlaced(bench.timer(1_000));
    expect(alerts(refuse(bench, third!.stop.clientOrderId, 'a'))).toEqual(['stop_refused']);
  });

  test('of a replacement leaves the stop that stands', () => {
    const { bench, id } = protectedBench();
    bench.fill('bot1_7-y', 'buy', 590_000, 4, 't2');
    const [next] = stopsPlaced(bench.timer(1_000));
    refuse(bench, next!.stop.clientOrderId);
    expect(bench.state.stops).toMatchObject([{ clientOrderId: id, state: 'open' }]);
    expect(bench.state.unprotectedSinceMs).toBe(0);
  });
});
