/** The regime on real markets: what it says, second by second, and whether that means what it should. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { RegimeParams } from '../../../core/market-maker/params.ts';
import { barsToWarmUp } from '../../../core/market-maker/regime-indicators.ts';
import { blankRegime, RegimeDetector, type Regime } from '../../../core/market-maker/regime.ts';

const FIXTURES = join(process.cwd(), 'test/core/market-maker/fixtures');
const GOLDEN = join(FIXTURES, 'regimes-20220115.txt');
const BARS = join(process.cwd(), 'data/binance-usdm');
const DAY_AT_S = 1_642_204_800;
/** Of the 30 that are recorded. */
const DAYS = 10;
const SHOCK = 'high_volatility_shock';

type Said = Regime | 'warming_up';
/** A price and the second in which it was the last. */
type Price = readonly [second: number, ticks: number];

/** The defaults, with a distance of the averages that a coin's walk seldom has. */
const PARAMS = RegimeParams.parse({ trendAtr: 1.5 });

function daySeconds(): Price[] {
  const lines = gunzipSync(readFileSync(join(FIXTURES, 'BTCUSDT-seconds-20220115.txt.gz')))
    .toString()
    .trim()
    .split('\n');
  let second = DAY_AT_S - 1;
  let ticks = 0;
  return lines.map((line) => {
    const [passed, change] = line.split(' ') as [string, string];
    return [(second += Number(passed)), (ticks += Number(change))];
  });
}

/**
 * Recorded minutes as seconds. Between its four prices a bar is drawn as a straight way, the nearer extreme first: right in
 * its ranges and closes, an assumption within.
 */
function barSeconds(symbol: string, ticksPerUsd: number): Price[] {
  const file = join(BARS, `${symbol}-1m-20250504-20250603.csv.gz`);
  const lines = gunzipSync(readFileSync(file))
    .toString()
    .split('\n')
    .slice(1, 1 + DAYS * 1_440);
  const corners = [0, 15, 44, 59] as const;
  return lines.flatMap((line) => {
    const [openAtMs, open, high, low, close] = line.split(',').map(Number) as [number, number, number, number, number];
    const way = close >= open ? [open, low, high, close] : [open, high, low, close];
    return Array.from({ length: 60 }, (_, second): Price => {
      const leg = second <= corners[1] ? 0 : second <= corners[2] ? 1 : 2;
      const share = (second - corners[leg]) / (corners[leg + 1]! - corners[leg]);
      return [openAtMs / 1_000 + second, (way[leg]! + (way[leg + 1]! - way[leg]!) * share) * ticksPerUsd];
    });
  });
}

/** A market without memory: the same steps up and down, thrown by a small generator (Lehmer). */
function coinSeconds(count: number): Price[] {
  let seed = 7;
  const chance = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  let ticks = 1_000_000;
  return Array.from({ length: count }, (_, second) => {
    for (let part = 0; part < 4; part += 1) ticks += Math.round((chance() - 0.5) * 100);
    return [DAY_AT_S + second, ticks];
  });
}

/** What is said at the end of each second, and the price then. */
function play(prices: readonly Price[], params = PARAMS): { said: Said[]; mids: number[] } {
  const detector = new RegimeDetector(params, blankRegime(params));
  const said: Said[] = [];
  const mids: number[] = [];
  const [[begin]] = prices as [Price];
  let next = 0;
  let mid = 0;
  for (let second = begin; next < prices.length; second += 1) {
    if (prices[next]![0] === second) {
      mid = prices[next]![1];
      next += 1;
      detector.onMid(mid, second * 1_000 + 999);
    }
    const regime = detector.evaluate(mid, (second + 1) * 1_000);
    said.push(detector.isReady ? regime : 'warming_up');
    mids.push(mid);
  }
  return { said, mids };
}

function changesOf(said: readonly Said[]): number[] {
  return said.map((_, index) => index).filter((index) => index > 0 && said[index] !== said[index - 1]);
}

function shareOf(said: readonly Said[], ...wanted: Said[]): number {
  return said.filter((one) => wanted.includes(one)).length / said.length;
}

/** How far, in bps, the price is from here after `afterS` seconds: on average over all seconds of a regime. */
function movementAfter({ said, mids }: ReturnType<typeof play>, regime: Said, afterS: number): number {
  let sum = 0;
  let count = 0;
  for (let index = 0; index + afterS < said.length; index += 1) {
    if (said[index] !== regime) continue;
    sum += Math.abs(mids[index + afterS]! / mids[index]! - 1) * 1e4;
    count += 1;
  }
  return sum / count;
}

const clock = (second: number): string => new Date((DAY_AT_S + second) * 1_000).toISOString().slice(11, 19);

describe('a day of seconds', () => {
  const prices = daySeconds();
  const day = play(prices);
  const hours = day.said.length / 3_600;

  test('says what it said when the file was written', () => {
    const begin = prices[0]![0] - DAY_AT_S;
    const lines = [0, ...changesOf(day.said)].map((index) => `${clock(begin + index + 1)} ${day.said[index]}`);
    const text = `${lines.join('\n')}\n`;
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(GOLDEN, text);
    expect(text).toBe(readFileSync(GOLDEN, 'utf8'));
  });

  test('it warms up on as many bars as it takes, at the start and after the hole of 315 seconds', () => {
    const spells = changesOf(day.said)
      .filter((index) => day.said[index] === 'warming_up')
      .map((index) => clock(prices[0]![0] - DAY_AT_S + index));
    expect(spells).toEqual(['14:47:55']);
    const warming = day.said.filter((said) => said === 'warming_up').length;
    const bars = barsToWarmUp(PARAMS);
    expect(warming).toBeGreaterThan((2 * bars - 1) * 60);
    expect(warming).toBeLessThanOrEqual(2 * bars * 60 + 10);
  });

  test('most of it is neutral, a part trends, little is a shock', () => {
    expect(shareOf(day.said, 'neutral')).toBeGreaterThan(0.7);
    expect(shareOf(day.said, 'up', 'down')).toBeGreaterThan(0.05);
    expect(shareOf(day.said, 'up')).toBeGreaterThan(0.01);
    expect(shareOf(day.said, 'down')).toBeGreaterThan(0.01);
    expect(shareOf(day.said, SHOCK)).toBeGreaterThan(0.002);
    expect(shareOf(day.said, SHOCK)).toBeLessThan(0.02);
  });

  test('it does not flap: few changes an hour, and none that lasts less than it takes to make one', () => {
    const changes = changesOf(day.said);
    expect(changes.length / hours).toBeLessThan(6);
    const shortest = Math.min(...changes.slice(1).map((index, place) => index - changes[place]!));
    expect(shortest).toBeGreaterThanOrEqual(PARAMS.holdTicks);
  });

  test('what it fears moves: twice as far within half a minute as a neutral market', () => {
    expect(movementAfter(day, SHOCK, 30) / movementAfter(day, 'neutral', 30)).toBeGreaterThan(1.8);
    expect(movementAfter(day, SHOCK, 5) / movementAfter(day, 'neutral', 5)).toBeGreaterThan(1.8);
  });

  test('control: without the hold it would change more often', () => {
    const hasty = play(prices, { ...PARAMS, holdTicks: 1 });
    expect(changesOf(hasty.said).length).toBeGreaterThan(changesOf(day.said).length);
  });
});

describe.each([
  ['BTCUSDT', 10],
  ['ETHUSDT', 100],
] as const)('ten days of %s minutes', (symbol, ticksPerUsd) => {
  const days = play(barSeconds(symbol, ticksPerUsd));

  test('each regime has its share', () => {
    expect(shareOf(days.said, 'neutral')).toBeGreaterThan(0.7);
    for (const trend of ['up', 'down'] as const) {
      expect(shareOf(days.said, trend)).toBeGreaterThan(0.02);
      expect(shareOf(days.said, trend)).toBeLessThan(0.15);
    }
    expect(shareOf(days.said, SHOCK)).toBeGreaterThan(0.002);
    expect(shareOf(days.said, SHOCK)).toBeLessThan(0.03);
    expect(changesOf(days.said).length / (days.said.length / 3_600)).toBeLessThan(8);
  });

  test('a shock goes on moving', () => {
    expect(movementAfter(days, SHOCK, 30) / movementAfter(days, 'neutral', 30)).toBeGreaterThan(1.5);
  });
});

test('control: a coin is almost never a shock; averages half a range apart say nothing, its own are so most of the time', () => {
  const { said } = play(coinSeconds(3 * 86_400));
  expect(shareOf(said, 'neutral')).toBeGreaterThan(0.8);
  expect(shareOf(said, SHOCK)).toBeLessThan(0.0005);
  const eager = play(coinSeconds(86_400), { ...PARAMS, trendAtr: 0.5 });
  expect(shareOf(eager.said, 'up', 'down')).toBeGreaterThan(0.5);
});
