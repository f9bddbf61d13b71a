/** Which prices and rates a machine is told, by the clock. */
import { expect, test } from '@jest/globals';
import { TickerFeed } from '../../bots/ticker-feed.ts';
import { BTC } from '../support/bots.ts';

type Step =
  | { readonly atMs: number; readonly mark: string | null }
  | { readonly atMs: number; readonly rate: string; readonly hours?: number | null; readonly nextAtMs?: number | null };

const T0 = 1_700_000_000_000;
const NEXT = T0 + 3_600_000;
const HOURS_8 = 8 * 3_600_000;

/** When the machine is told, and what. */
function told(steps: readonly Step[]): unknown[] {
  const feed = new TickerFeed(BTC);
  const common = { symbol: 'BTCUSDT', venueAtMs: T0 };
  return steps.flatMap((step) => {
    const now = T0 + step.atMs;
    const { hours = 8, nextAtMs = NEXT } = 'rate' in step ? step : {};
    const news =
      'rate' in step
        ? feed.onFunding({ ...common, rate: step.rate, intervalHours: hours, nextAtMs }, now)
        : feed.onTicker({ ...common, lastPrice: '60000', markPrice: step.mark }, now);
    if (news === null) return [];
    return [[step.atMs, news.markTicks, news.fundingRate, news.fundingIntervalMs, news.fundingAtMs]];
  });
}

const quiet = (fromMs: number, toMs: number, stepMs: number, mark: string): Step[] =>
  Array.from({ length: (toMs - fromMs) / stepMs }, (_, index) => ({ atMs: fromMs + index * stepMs, mark }));

test.each<[string, Step[], unknown[]]>([
  ['the first mark is told at once', [{ atMs: 0, mark: '60000.05' }], [[0, 600_000.5, null, null, null]]],
  [
    'a mark that moves is told once a second, with the newest price',
    [0, 300, 600, 900, 1_000, 1_300, 2_100].map((atMs, index) => ({ atMs, mark: `6000${index}` })),
    [
      [0, 600_000, null, null, null],
      [1_000, 600_040, null, null, null],
      [2_100, 600_060, null, null, null],
    ],
  ],
  [
    'the same again is told every 15 s',
    quiet(0, 31_000, 100, '60000'),
    [0, 15_000, 30_000].map((atMs) => [atMs, 600_000, null, null, null]),
  ],
  [
    'funding is told at once, whatever was told just before',
    [
      { atMs: 0, mark: '60000' },
      { atMs: 10, rate: '0.0001' },
      { atMs: 20, rate: '0.0001' },
      { atMs: 30, rate: '-0.0002' },
      { atMs: 40, mark: '60001' },
    ],
    [
      [0, 600_000, null, null, null],
      [10, 600_000, 0.0001, HOURS_8, NEXT],
      [30, 600_000, -0.0002, HOURS_8, NEXT],
    ],
  ],
  [
    'so are another settlement and another interval',
    [
      { atMs: 0, rate: '0.0001' },
      { atMs: 10, rate: '0.0001', nextAtMs: NEXT + HOURS_8 },
      { atMs: 20, rate: '0.0001', nextAtMs: NEXT + HOURS_8, hours: 4 },
    ],
    [
      [0, null, 0.0001, HOURS_8, NEXT],
      [10, null, 0.0001, HOURS_8, NEXT + HOURS_8],
      [20, null, 0.0001, HOURS_8 / 2, NEXT + HOURS_8],
    ],
  ],
  [
    'what a message leaves out is kept',
    [
      { atMs: 0, rate: '0.0001' },
      { atMs: 10, mark: null },
      { atMs: 20, rate: '0.0003', hours: null, nextAtMs: null },
      { atMs: 2_000, mark: '60000' },
      { atMs: 4_000, mark: null },
    ],
    [
      [0, null, 0.0001, HOURS_8, NEXT],
      [20, null, 0.0003, HOURS_8, NEXT],
      [2_000, 600_000, 0.0003, HOURS_8, NEXT],
    ],
  ],
])('%s', (_name, steps, expected) => {
  expect(told(steps)).toEqual(expected);
});

test('an interval that the stream does not tell is to be read once a settlement, and again after a failure', () => {
  const feed = new TickerFeed(BTC);
  const wanted: number[] = [];
  const stream = (atMs: number, nextAtMs: number): void => {
    feed.onFunding({ symbol: 'BTCUSDT', venueAtMs: T0, rate: '0.0001', intervalHours: null, nextAtMs }, T0 + atMs);
    if (feed.wantsFunding(T0 + atMs)) wanted.push(atMs);
  };
  const read = (atMs: number, nextAtMs: number): void =>
    void feed.onFunding({ symbol: 'BTCUSDT', venueAtMs: T0, rate: '0.0001', intervalHours: 8, nextAtMs }, T0 + atMs);
  for (const atMs of [0, 100, 9_900, 10_000, 10_100]) stream(atMs, NEXT);
  expect(wanted).toEqual([0, 10_000]);
  read(10_200, NEXT);
  for (const atMs of [10_300, 40_000]) stream(atMs, NEXT);
  expect(wanted).toEqual([0, 10_000]);
  stream(50_000, NEXT + HOURS_8);
  read(50_100, NEXT + HOURS_8);
  stream(90_000, NEXT + HOURS_8);
  expect(wanted).toEqual([0, 10_000, 50_000]);
});

test('before anything is known of a settlement there is nothing to read for it', () => {
  const feed = new TickerFeed(BTC);
  feed.onTicker({ symbol: 'BTCUSDT', venueAtMs: T0, lastPrice: '60000', markPrice: '60000' }, T0);
  expect(feed.wantsFunding(T0)).toBe(false);
});

test('ticks of prices on the grid are whole, whatever the division says', () => {
  for (const mark of ['61754.3', '0.1', '58000.7', '123456.9']) {
    const news = new TickerFeed(BTC).onTicker(
      { symbol: 'BTCUSDT', venueAtMs: T0, lastPrice: mark, markPrice: mark },
      T0,
    );
    expect(news?.markTicks).toBe(Number(mark.replace('.', '')));
  }
});
