import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { RecordedBook } from '../../../core/fill-model/book-levels.ts';
import { feedOfBars } from '../../../core/recording/bar-feed.ts';
import type { BarSeries } from '../../../core/recording/bar-series.ts';
import { NO_MARKS, OpKind, type Recording } from '../../../core/recording/recording.ts';
import { framesOf } from './builders.ts';

type Row = readonly [openAtMs: number, open: number, high: number, low: number, close: number, volumeLots: number];

const BAR_MS = 60_000;
const T0 = 1_746_403_200_000;
const SOURCES = [{ file: 'bars', sha256: '0'.repeat(64), venue: 'v' }];

function seriesOf(...rows: readonly Row[]): BarSeries {
  const column = (at: number): number[] => rows.map((row) => row[at]!);
  const ticks = (at: number): Int32Array => Int32Array.from(column(at));
  return {
    barMs: BAR_MS,
    openAtMs: Float64Array.from(column(0)),
    open: ticks(1),
    high: ticks(2),
    low: ticks(3),
    close: ticks(4),
    volumeLots: Float64Array.from(column(5)),
  };
}

/** The bid after each frame, while the book is held to be one level a side, a tick apart. */
function bidsOf(feed: Recording): number[] {
  const book = new RecordedBook();
  return framesOf(feed).map(([, ...ops]) => {
    for (const [kind, ticks, lots] of ops) {
      if (kind === 'bid') book.bids.set(ticks, lots);
      else if (kind === 'ask') book.asks.set(ticks, lots);
      // Whoever trades meets what the book shows.
      else expect(ticks).toBe((kind === 'buyTrade' ? book.asks : book.bids).best());
    }
    expect([book.bids.count, book.asks.count, book.asks.best() - book.bids.best()]).toEqual([1, 1, 1]);
    return book.bids.best();
  });
}

describe('a bar is walked', () => {
  test.each([
    ['over the low first, where it is nearer to the open', [100, 112, 96, 108], [100, 99, 98, 97, 96, 100, 104, 107, 111, 110, 109, 108]],
    ['over the high first, where that is nearer', [108, 112, 96, 100], [108, 109, 110, 110, 111, 107, 104, 100, 96, 97, 99, 100]],
    ['over the low first of two as near', [104, 108, 100, 104], [104, 103, 102, 101, 100, 102, 104, 105, 107, 106, 105, 104]],
    ['along one price', [100, 101, 100, 100], Array<number>(12).fill(100)],
    ['and its ask never above the high', [101, 101, 99, 101], [100, 100, 100, 100, 100, 100, 100, 99, 99, 99, 100, 100]],
  ] as const)('%s', (_name, [open, high, low, close], bids) => {
    const feed = feedOfBars(seriesOf([T0, open, high, low, close, 0]), SOURCES);
    expect(bidsOf(feed)).toEqual(bids);
  });

  test('in twelve frames of a twelfth of its length each', () => {
    const feed = feedOfBars(seriesOf([T0, 100, 112, 96, 108, 120]), SOURCES);
    expect([...feed.frameAtMs]).toEqual(Array.from({ length: 12 }, (_, point) => point * 5_000));
    expect([feed.startedAtMs, feed.frameCount, feed.sources, feed.marks]).toEqual([T0, 12, SOURCES, NO_MARKS]);
  });
}); // prettier-ignore

test('who moves the price trades on the way, before the levels show it; who does not, does not', () => {
  const feed = feedOfBars(seriesOf([T0, 100, 101, 100, 100, 36], [T0 + BAR_MS, 102, 103, 102, 102, 36], [T0 + 2 * BAR_MS, 101, 102, 101, 101, 24]), SOURCES); // prettier-ignore
  const frames = framesOf(feed).filter(([, ...ops]) => ops.length > 0);
  expect(frames).toEqual([
    [0, ['bid', 100, 3], ['ask', 101, 3]],
    [60_000, ['buyTrade', 101, 3], ['bid', 100, 0], ['ask', 101, 0], ['bid', 102, 3], ['ask', 103, 3]],
    [120_000, ['sellTrade', 102, 2], ['bid', 102, 0], ['ask', 103, 0], ['bid', 101, 2], ['ask', 102, 2]],
  ]); // prettier-ignore
});

test('a bar with less than a lot for each point of its walk still has one', () => {
  expect(framesOf(feedOfBars(seriesOf([T0, 100, 101, 100, 100, 5]), SOURCES))[0]).toEqual([0, ['bid', 100, 1], ['ask', 101, 1]]); // prettier-ignore
});

test('a part of the bars is a feed of its own, and the bars of a hole are not there', () => {
  const series = seriesOf([T0, 90, 91, 90, 90, 12], [T0 + BAR_MS, 100, 101, 100, 100, 12], [T0 + 5 * BAR_MS, 100, 101, 100, 100, 24], [T0 + 6 * BAR_MS, 7, 8, 7, 7, 12]); // prettier-ignore
  const feed = feedOfBars(series, SOURCES, 1, 3);
  expect([feed.startedAtMs, feed.frameCount]).toEqual([T0 + BAR_MS, 24]);
  expect(feed.frameAtMs[12]).toBe(4 * BAR_MS);
  // The price stays, the size changes.
  expect(framesOf(feed).filter(([, ...ops]) => ops.length > 0)).toEqual([
    [0, ['bid', 100, 1], ['ask', 101, 1]],
    [240_000, ['bid', 100, 2], ['ask', 101, 2]],
  ]); // prettier-ignore
});

test('whatever the bars: every price lies within its bar, each extreme is touched, and what traded is no more than it had', () => {
  const bar = fc.tuple(fc.integer({ min: 50, max: 90 }), fc.nat(40), fc.nat(40), fc.nat(40), fc.integer({ min: 0, max: 600 }));
  fc.assert(
    fc.property(fc.array(bar, { minLength: 1, maxLength: 20 }), (bars) => {
      const rows = bars.map(([low, range, open, close, lots], index): Row => {
        const high = low + Math.max(1, range);
        return [T0 + index * BAR_MS, Math.min(low + open, high), high, low, Math.min(low + close, high), lots];
      });
      const feed = feedOfBars(seriesOf(...rows), SOURCES);
      const bids = bidsOf(feed);
      rows.forEach(([, open, high, low, close, volume], row) => {
        const walked = bids.slice(12 * row, 12 * (row + 1));
        expect([Math.min(...walked), Math.max(...walked)]).toEqual([low, high - 1]);
        expect([walked[0], walked[11]]).toEqual([Math.min(open, high - 1), Math.min(close, high - 1)]);
        const firstOp = feed.firstOp[12 * row]!;
        const traded = [...feed.opLots.slice(firstOp, feed.firstOp[12 * (row + 1)])].filter((_lots, at) => feed.opKind[firstOp + at]! >= OpKind.buyTrade);
        expect(traded.reduce((sum, lots) => sum + lots, 0)).toBeLessThanOrEqual(Math.max(12, volume));
      });
    }),
  );
}); // prettier-ignore
