import { describe, expect, test } from '@jest/globals';
import { foldBars, MINUTE_MS, MinuteBars, type TradeBar } from '../../../core/recording/minute-bars.ts';

describe('bars of minutes', () => {
  const minute = (index: number, price: number, lots = 1): TradeBar => ({
    openAtMs: index * MINUTE_MS,
    open: price,
    high: price + 1,
    low: price - 1,
    close: price,
    lots,
    tickLots: price * lots,
  });

  test('a minute without a trade stands still at the price before, up to now', () => {
    const bars = foldBars([minute(10, 100), minute(13, 90)], MINUTE_MS, 14.5 * MINUTE_MS);
    expect(bars.map(({ openAtMs }) => openAtMs / MINUTE_MS)).toEqual([10, 11, 12, 13, 14]);
    expect(bars[2]).toEqual({ openAtMs: 12 * MINUTE_MS, open: 100, high: 100, low: 100, close: 100, lots: 0, tickLots: 0 }); // prettier-ignore
    expect(bars[4]).toMatchObject({ open: 90, close: 90, lots: 0 });
  });

  test('a longer bar opens with its first minute, closes with its last and sums what was traded', () => {
    const bars = foldBars([minute(10, 100, 2), minute(11, 110, 3), minute(16, 80)], 5 * MINUTE_MS, 16 * MINUTE_MS);
    expect(bars).toMatchObject([
      { openAtMs: 10 * MINUTE_MS, open: 100, high: 111, low: 99, close: 110, lots: 5, tickLots: 530 },
      { openAtMs: 15 * MINUTE_MS, open: 80, close: 80, lots: 1 },
    ]);
  });

  test('what came before the first trade is asked for once, and joins the minute that it ends in', () => {
    let asked = 0;
    const minutes = new MinuteBars(() => {
      asked += 1;
      return [minute(9, 50), minute(10, 60)];
    });
    minutes.add(10.5 * MINUTE_MS, 70, 4);
    minutes.read();
    minutes.add(10.9 * MINUTE_MS, 55, 1);
    expect(asked).toBe(1);
    expect(minutes.read()).toEqual([
      minute(9, 50),
      { openAtMs: 10 * MINUTE_MS, open: 60, high: 70, low: 55, close: 55, lots: 6, tickLots: 60 + 280 + 55 },
    ]);
  });

  test('a clock that is put back rewrites no minute', () => {
    const minutes = new MinuteBars();
    minutes.add(10 * MINUTE_MS, 100, 1);
    minutes.add(3 * MINUTE_MS, 120, 1);
    expect(minutes.read()).toMatchObject([{ openAtMs: 10 * MINUTE_MS, high: 120, close: 120 }]);
  });

  test('a minute has the first, the last, the highest and the lowest price, and all that was traded', () => {
    const minutes = new MinuteBars();
    for (const [afterMs, ticks, lots] of [[0, 100, 1], [1, 103, 2], [2, 98, 3], [59_999, 101, 4], [60_000, 90, 5]] as const) minutes.add(10 * MINUTE_MS + afterMs, ticks, lots);
    expect(minutes.read()).toEqual([
      { openAtMs: 10 * MINUTE_MS, open: 100, high: 103, low: 98, close: 101, lots: 10, tickLots: 100 + 206 + 294 + 404 },
      { openAtMs: 11 * MINUTE_MS, open: 90, high: 90, low: 90, close: 90, lots: 5, tickLots: 450 },
    ]);
  }); // prettier-ignore

  test('a thousand minutes are remembered at least, and twice as many at most', () => {
    const minutes = new MinuteBars();
    for (let index = 0; index < 5_000; index += 1) {
      minutes.add(index * MINUTE_MS, index, 1);
      const bars = minutes.read();
      const kept = Math.min(index + 1, 1_000);
      if (bars.length < kept || bars.length > 2_000) expect(bars.length).toBe(kept);
      if (bars.at(-1)?.open !== index) expect(bars.at(-1)?.open).toBe(index);
    }
    const bars = minutes.read();
    expect(bars.map(({ openAtMs }) => openAtMs)).toEqual(bars.map((_bar, index) => (5_000 - bars.length + index) * MINUTE_MS)); // prettier-ignore
  });

  test('with nothing before them they begin with what was added', () => {
    expect(new MinuteBars().read()).toEqual([]);
    expect(new MinuteBars(() => []).read()).toEqual([]);
    expect(foldBars([], MINUTE_MS, 5 * MINUTE_MS)).toEqual([]);
  });

  test('after a long silence no more still bars are made than a reader gets', () => {
    const bars = foldBars([minute(0, 100), minute(5_000, 90)], MINUTE_MS, 5_000 * MINUTE_MS);
    expect(bars).toHaveLength(1_002);
    expect(bars.slice(0, 2)).toMatchObject([{ openAtMs: 0, lots: 1 }, { openAtMs: 4_000 * MINUTE_MS, lots: 0 }]);
    expect(bars.at(-1)).toMatchObject({ openAtMs: 5_000 * MINUTE_MS, open: 90 });
  }); // prettier-ignore
});
