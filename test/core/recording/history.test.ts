/** What was traded before a place of a recording, told without playing it, held against playing it. */
import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { minutesBefore } from '../../../core/recording/history.ts';
import { LapTrades } from '../../../core/recording/lap-trades.ts';
import { MarketReplay } from '../../../core/recording/market-replay.ts';
import { MINUTE_MS, MinuteBars, type TradeBar } from '../../../core/recording/minute-bars.ts';
import type { Recording } from '../../../core/recording/recording.ts';
import { recordingOf, type Frame } from './builders.ts';

const START: Frame = [0, ['bid', 1_000, 5], ['ask', 1_001, 5]];
const trade = fc.tuple(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 900, max: 1_100 }), fc.integer({ min: 1, max: 9 }), fc.boolean()); // prettier-ignore

/** Trades between a start and an end of the same book. */
const recordings = (most: number, least = 1): fc.Arbitrary<Recording> =>
  fc.array(trade, { minLength: least, maxLength: most }).map((trades) => {
    let atMs = 0;
    const frames = trades.map(([afterMs, ticks, lots, isBuy]): Frame => [(atMs += afterMs), [isBuy ? 'buyTrade' : 'sellTrade', ticks, lots]]); // prettier-ignore
    return recordingOf(START, ...frames, [atMs + 500, ['bid', 1_000, 6], ['ask', 1_001, 6]]);
  });

test('a stretch of a lap is what its trades say, one by one', () => {
  fc.assert(
    fc.property(fc.oneof(recordings(300, 150), recordings(20)), fc.array(fc.tuple(fc.nat(400_000), fc.nat(200_000)), { minLength: 20, maxLength: 20 }), (recording, stretches) => {
      const { plan } = new MarketReplay(recording, { onLevel: () => {}, onTrade: () => {} });
      const trades = new LapTrades(recording, plan);
      const told: number[][] = [];
      for (let frame = 0; frame <= plan.endFrame; frame++) {
        for (let op = recording.firstOp[frame]!; op < recording.firstOp[frame + 1]!; op++) {
          if (recording.opKind[op]! >= 2) told.push([recording.frameAtMs[frame]!, recording.opTicks[op]!, recording.opLots[op]!]);
        }
      }
      const first = told[0]![0]!;
      const last = told.at(-1)![0]!;
      for (const [fromMs, lastsMs] of [[0, 1e9], [first, 1], [first + 1, last - first], [last, 1], [0, last], ...stretches] as number[][]) {
        const within = told.filter(([atMs]) => atMs! >= fromMs! && atMs! < fromMs! + lastsMs!);
        const ticks = within.map(([, price]) => price!);
        const sum = (of: (row: number[]) => number): number => within.reduce((total, row) => total + of(row), 0);
        expect(trades.stretch(fromMs!, fromMs! + lastsMs!)).toEqual(
          within.length === 0
            ? null
            : { open: ticks[0], high: Math.max(...ticks), low: Math.min(...ticks), close: ticks.at(-1), lots: sum(([, , lots]) => lots!), tickLots: sum(([, price, lots]) => price! * lots!) },
        );
      }
    }),
    { numRuns: 150 },
  );
}); // prettier-ignore

const whole = (bars: readonly TradeBar[], fromMs: number) => bars.filter(({ openAtMs }) => openAtMs >= fromMs);

test.each([1, 3])('at %d times the pace, the minutes before a place are those of playing up to it, over any number of laps', (speed) => {
  fc.assert(
    fc.property(recordings(60), fc.integer({ min: 1, max: 8 * MINUTE_MS }), fc.nat(MINUTE_MS), (recording, playedMs, beganAfterMs) => {
      const beganAtMs = 1_700_000_000_000 + beganAfterMs;
      let nowMs = beganAtMs;
      const played = new MinuteBars();
      const replay: MarketReplay = new MarketReplay(recording, {
        onLevel: () => {},
        onTrade: (_side, price, lots) => played.add(nowMs - replay.stepLeftAtFrameMs / speed, price, lots),
      });
      replay.seek({ lap: 0, lapAtMs: 0 });
      nowMs += playedMs;
      replay.advance(playedMs * speed);
      const told = minutesBefore(recording, replay.plan, { position: replay.position, atMs: nowMs, speed });
      const fromMs = Math.ceil(beganAtMs / MINUTE_MS) * MINUTE_MS;
      expect(whole(told, fromMs)).toEqual(whole(played.read(), fromMs));
    }),
    { numRuns: 100 },
  );
}); // prettier-ignore

describe('before the beginning', () => {
  const small = recordingOf(START, [10_000, ['buyTrade', 1_003, 2]], [20_000, ['bid', 1_000, 6], ['ask', 1_001, 6]]);
  const { plan } = new MarketReplay(small, { onLevel: () => {}, onTrade: () => {} });
  const AT_MS = 1_700_000_070_000;
  const before = (lapAtMs: number): TradeBar[] => minutesBefore(small, plan, { position: { lap: 0, lapAtMs }, atMs: AT_MS, speed: 1 }); // prettier-ignore

  test('laps go on as after the end: mirrored and recorded in turn, for a thousand minutes and the one that runs', () => {
    const bars = before(0);
    expect(plan).toEqual({ endFrame: 2, mirrorTicks: 2_001, lapMs: 20_050 });
    expect(bars).toHaveLength(1_001);
    expect(bars.at(-1)!.openAtMs).toBe(Math.floor(AT_MS / MINUTE_MS) * MINUTE_MS);
    // Three laps a minute, of one trade of two lots each, at 1,003 or, in the mirror, at 998.
    for (const { high, low, lots } of bars.slice(1, -1)) {
      expect([high, low]).toEqual([1_003, 998]);
      expect([4, 6]).toContain(lots);
    }
  });

  test('what is to come is no part of it; what happened at this very place is', () => {
    const lots = (lapAtMs: number): number => before(lapAtMs).reduce((sum, bar) => sum + bar.lots, 0);
    const newest = (lapAtMs: number): number => before(lapAtMs).at(-1)!.close;
    expect([newest(9_999), newest(10_000)]).toEqual([998, 1_003]);
    expect(lots(10_000) - lots(9_999)).toBeLessThanOrEqual(2);
  });

  test('a minute without a trade is left out', () => {
    const rare = recordingOf(START, [10_000, ['sellTrade', 1_000, 1]], [400_000, ['bid', 1_000, 6], ['ask', 1_001, 6]]);
    const { plan: long } = new MarketReplay(rare, { onLevel: () => {}, onTrade: () => {} });
    const bars = minutesBefore(rare, long, { position: { lap: 2, lapAtMs: 390_000 }, atMs: AT_MS, speed: 1 });
    expect(bars.length).toBeGreaterThan(140);
    expect(bars.length).toBeLessThan(155);
    expect(bars.at(-1)!.openAtMs).toBe(Math.floor((AT_MS - 380_000) / MINUTE_MS) * MINUTE_MS);
    expect(bars.at(-1)).toMatchObject({ open: 1_000, close: 1_000, lots: 1, tickLots: 1_000 });
    expect(bars.at(-2)).toMatchObject({ open: 1_001, close: 1_001, lots: 1, tickLots: 1_001 });
  });
});
