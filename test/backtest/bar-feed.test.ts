import { expect, test } from '@jest/globals';
import { loadBars } from '../../backtest/market-data.ts';
import { runReplay } from '../../backtest/replay.ts';
import { RecordedBook } from '../../core/fill-model/book-levels.ts';
import { feedOfBars } from '../../core/recording/bar-feed.ts';
import { barsBefore, type BarSeries } from '../../core/recording/bar-series.ts';
import { OpKind, type Recording } from '../../core/recording/recording.ts';
import { botConfig } from '../support/bots.ts';
import { DATA_DIR, dataNamed, withScratch } from './harness.ts';

const data = dataNamed('btcusdt-1m-202505');
const series = withScratch((cacheDir) => loadBars(data, { dataDir: DATA_DIR, cacheDir }));

interface Shown {
  readonly bids: number[];
  readonly asks: number[];
  readonly trades: { readonly atMs: number; readonly ticks: number; readonly best: number }[];
}

/** Best prices after each frame of each bar, and the trades beside the price that the book showed for them. */
function shownByBar(feed: Recording, { barMs }: BarSeries): Map<number, Shown> {
  const book = new RecordedBook();
  const shown = new Map<number, Shown>();
  for (let frame = 0; frame < feed.frameCount; frame++) {
    const atMs = feed.startedAtMs + feed.frameAtMs[frame]!;
    const openAtMs = atMs - (atMs % barMs);
    const bar = shown.get(openAtMs) ?? { bids: [], asks: [], trades: [] };
    shown.set(openAtMs, bar);
    for (let op = feed.firstOp[frame]!; op < feed.firstOp[frame + 1]!; op++) {
      const [kind, ticks, lots] = [feed.opKind[op]!, feed.opTicks[op]!, feed.opLots[op]!];
      if (kind === OpKind.bid) book.bids.set(ticks, lots);
      else if (kind === OpKind.ask) book.asks.set(ticks, lots);
      else bar.trades.push({ atMs, ticks, best: (kind === OpKind.buyTrade ? book.asks : book.bids).best() });
    }
    expect(book.bids.count).toBe(1);
    expect(book.asks.best()).toBe(book.bids.best() + 1);
    bar.bids.push(book.bids.best());
    bar.asks.push(book.asks.best());
  }
  return shown;
}

test('the walk begins, turns and ends where each bar says, and leaves no bar', () => {
  const [fromRow, toRow] = [20_000, 22_000];
  const shown = shownByBar(feedOfBars(series, data.origins, fromRow, toRow), series);
  expect(shown.size).toBe(toRow - fromRow);
  for (let row = fromRow; row < toRow; row++) {
    const { bids, asks, trades } = shown.get(series.openAtMs[row]!)!;
    const [low, high] = [series.low[row]!, Math.max(series.high[row]!, series.low[row]! + 1)];
    expect(Math.min(...bids)).toBe(low);
    expect(Math.max(...asks)).toBe(high);
    const touches = (ticks: number, at: number): boolean => ticks === bids[at]! || ticks === asks[at]!;
    expect(touches(series.open[row]!, 0)).toBe(true);
    expect(touches(series.close[row]!, bids.length - 1)).toBe(true);
    for (const { ticks, best } of trades) expect(ticks).toBe(best);
  }
});

test('a bot trades in a day of it, and what it is given beforehand is over', () => {
  const row = 10_000;
  const feed = feedOfBars(series, data.origins, row, row + 1_440);
  const bars = barsBefore(series, row, 60);
  expect(bars).toHaveLength(60);
  expect(bars.at(-1)!.openAtMs + 60_000).toBe(feed.startedAtMs);
  const config = botConfig({ strategy: { ...botConfig().strategy, halfSpreadBps: 3 } });
  const { fills, reasons, marketEvents } = runReplay({ feed, instrument: data.instrument, config, bars });
  expect(fills.count).toBeGreaterThan(20);
  expect(reasons['quoted']!.ms).toBeGreaterThan(3_600_000);
  expect(marketEvents).toBeGreaterThan(20_000);
});
