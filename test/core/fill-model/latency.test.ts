import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { DelayLine, Latency, LatencyParams, NO_LATENCY, type RequestKind } from '../../../core/fill-model/latency.ts';

const params = (change: Partial<LatencyParams>): LatencyParams => ({ ...NO_LATENCY, ...change });

describe('when a request arrives', () => {
  test.each([
    ['an order after its way', 'submit', 1_040],
    ['a cancel after its own', 'cancel', 1_015],
  ] as const)('%s', (_name, kind, arrivesAtMs) => {
    expect(new Latency(params({ submitMs: 40, cancelMs: 15 })).arrivalOf(kind, 1_000)).toBe(arrivesAtMs);
  });

  test('a cancel does not overtake the order that left before it', () => {
    const latency = new Latency(params({ submitMs: 40, cancelMs: 15 }));
    expect([latency.arrivalOf('submit', 1_000), latency.arrivalOf('cancel', 1_010)]).toEqual([1_040, 1_040]);
    expect(latency.arrivalOf('cancel', 1_030)).toBe(1_045);
  });

  const sends = fc.array(
    fc.record({ kind: fc.constantFrom<RequestKind>('submit', 'cancel'), afterMs: fc.integer({ min: 0, max: 60 }) }),
    { minLength: 1, maxLength: 40 },
  );
  const anyParams = fc.record({
    submitMs: fc.integer({ min: 0, max: 100 }),
    cancelMs: fc.integer({ min: 0, max: 100 }),
    feedMs: fc.constant(0),
    jitterMs: fc.integer({ min: 0, max: 50 }),
    jitterSeed: fc.integer({ min: 0, max: 0xffff_ffff }),
  });
  const arrivals = (chosen: LatencyParams, all: readonly { kind: RequestKind; afterMs: number }[]) => {
    const latency = new Latency(chosen);
    let sentAtMs = 0;
    return all.map(({ kind, afterMs }) => {
      sentAtMs += afterMs;
      return { kind, sentAtMs, atMs: latency.arrivalOf(kind, sentAtMs) };
    });
  };

  test('never before its way is over, never out of turn, and late only by jitter or by who is in front', () => {
    fc.assert(
      fc.property(anyParams, sends, (chosen, all) => {
        let beforeMs = -Infinity;
        for (const { kind, sentAtMs, atMs } of arrivals(chosen, all)) {
          const wayMs = kind === 'submit' ? chosen.submitMs : chosen.cancelMs;
          expect(Number.isInteger(atMs)).toBe(true);
          expect(atMs).toBeGreaterThanOrEqual(Math.max(sentAtMs + wayMs, beforeMs));
          expect(atMs).toBeLessThanOrEqual(Math.max(sentAtMs + wayMs + chosen.jitterMs, beforeMs));
          beforeMs = atMs;
        }
      }),
    );
  });

  test('the same seed gives the same arrivals, another one others, and all of the jitter comes up', () => {
    const all = Array.from({ length: 400 }, () => ({ kind: 'submit' as const, afterMs: 1_000 }));
    const late = (jitterSeed: number) =>
      arrivals(params({ jitterMs: 4, jitterSeed }), all).map(({ sentAtMs, atMs }) => atMs - sentAtMs);
    expect(late(7)).toEqual(late(7));
    expect(late(7)).not.toEqual(late(8));
    expect([...new Set(late(7))].sort()).toEqual([0, 1, 2, 3, 4]);
  });
});

test('a line hands out what has arrived, in turn, and says when the next one will', () => {
  const line = new DelayLine<string>();
  expect([line.nextAtMs, line.take(1e15)]).toEqual([Infinity, null]);
  line.send('first', 30);
  line.send('second', 20);
  expect([line.nextAtMs, line.length, line.take(29)]).toEqual([30, 2, null]);
  expect(line.take(30)).toEqual({ message: 'first', arrivedAtMs: 30 });
  expect(line.take(30)).toEqual({ message: 'second', arrivedAtMs: 30 });
  expect([line.nextAtMs, line.length]).toEqual([Infinity, 0]);
});

test.each([
  ['nothing is a quarter of a second there and back', {}, true],
  ['no delay at all', { submitMs: 0, cancelMs: 0, feedMs: 0 }, true],
  ['half a millisecond', { submitMs: 0.5 }, false],
  ['backwards in time', { feedMs: -1 }, false],
  ['longer than an intent lives', { submitMs: 1_501 }, false],
  ['the first seed', { jitterSeed: 0 }, true],
  ['the last seed', { jitterSeed: 0xffff_ffff }, true],
  ['a seed below the first', { jitterSeed: -1 }, false],
  ['a seed beyond the last', { jitterSeed: 0x1_0000_0000 }, false],
  ['a misspelt name', { submitMS: 10 }, false],
] as const)('settings: %s', (_name, written, isFine) => {
  expect(LatencyParams.safeParse(written).success).toBe(isFine);
});
