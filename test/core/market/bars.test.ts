import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BarBuilder, blankBar, isSoundBar, type Bar, type BarMemory } from '../../../core/market/bars.ts';

/** 2025-05-05T10:00:00Z. */
const T0 = 1_746_439_200_000;
const MINUTE = 60_000;
const MEMORY_KEYS = Object.keys(blankBar(MINUTE));

type Mid = readonly [afterMs: number, ticks: number];

/** What each mid led to, with the bar where one closed. */
function told(mids: readonly Mid[], memory: BarMemory = blankBar(MINUTE), builder = new BarBuilder(memory)): string[] {
  return mids.map(([afterMs, ticks]) => {
    const news = builder.onMid(ticks, T0 + afterMs);
    return news === 'closed' ? spelled(builder.closed) : news;
  });
}

function spelled({ openAtMs, open, high, low, close }: Bar): string {
  return `${(openAtMs - T0) / MINUTE}: ${open} ${high} ${low} ${close}`;
}

test.each<[name: string, mids: Mid[], news: string[]]>([
  ['the first mid begins a bar', [[5, 100]], ['taken']],
  [
    'a bar closes with the first mid after its end, with what was seen in it',
    [
      [0, 100],
      [10, 104.5],
      [30_000, 97],
      [59_999, 99],
      [60_000, 101],
      [120_000, 1],
    ],
    ['taken', 'taken', 'taken', 'taken', '0: 100 104.5 97 99', '1: 101 101 101 101'],
  ],
  [
    'bars are aligned to UTC, wherever the first mid falls',
    [
      [59_000, 100],
      [61_000, 101],
    ],
    ['taken', '0: 100 100 100 100'],
  ],
  [
    'silence within two bars is none that matters',
    [
      [1, 100],
      [119_999, 101],
    ],
    ['taken', '0: 100 100 100 100'],
  ],
  [
    'one bar without a mid is left out',
    [
      [59_999, 100],
      [120_000, 101],
      [180_000, 102],
    ],
    ['taken', '0: 100 100 100 100', '2: 101 101 101 101'],
  ],
  [
    'more than one is a gap, and no bar is made of it',
    [
      [59_999, 100],
      [180_000, 101],
      [240_000, 102],
    ],
    ['taken', 'gap', '3: 101 101 101 101'],
  ],
  [
    'a late mid changes nothing, one of the same millisecond counts',
    [
      [10, 100],
      [9, 500],
      [10, 101],
      [60_000, 1],
    ],
    ['taken', 'ignored', 'taken', '0: 100 101 100 101'],
  ],
  [
    'late by a whole bar is late, later than that is another clock',
    [
      [120_000, 100],
      [60_000, 500],
      [59_999, 101],
      [60_000, 102],
    ],
    ['taken', 'ignored', 'gap', '0: 101 101 101 101'],
  ],
  [
    'what is no price is ignored',
    [
      [0, NaN],
      [0, 0],
      [0, -1],
      [0, Infinity],
      [0, 2 ** 53],
      [NaN, 100],
      [Infinity, 100],
      [0, 0.5],
    ],
    ['ignored', 'ignored', 'ignored', 'ignored', 'ignored', 'ignored', 'ignored', 'taken'],
  ],
])('%s', (_name, mids, news) => expect(told(mids)).toEqual(news));

describe('after a history', () => {
  const FOLLOWED = T0 + 10 * MINUTE;
  const atMinute = (minute: number): Mid => [minute * MINUTE, 100];

  test.each<[name: string, before: Mid[], after: Mid[], news: string[]]>([
    ['the bar where it ends is built next', [], [atMinute(10.5), atMinute(11)], ['taken', '10: 100 100 100 100']],
    [
      'the one that is being built goes on',
      [[10 * MINUTE, 90]],
      [atMinute(10.5), atMinute(11)],
      ['taken', '10: 90 100 90 100'],
    ],
    ['what it covers itself is not built again', [atMinute(8)], [atMinute(9.9), atMinute(10)], ['ignored', 'taken']],
    [
      'one bar that is in neither is left out',
      [[11 * MINUTE, 90]],
      [atMinute(11.5), atMinute(12)],
      ['taken', '11: 90 100 90 100'],
    ],
    ['also when nothing was built yet', [], [atMinute(11), atMinute(12)], ['taken', '11: 100 100 100 100']],
    ['more than one without a mid after it is a gap', [], [atMinute(12)], ['gap']],
    ['one that ends long before what is being built leaves a gap', [atMinute(12)], [atMinute(12.5)], ['gap']],
  ])('%s', (_name, before, after, news) => {
    const memory = blankBar(MINUTE);
    const builder = new BarBuilder(memory);
    told(before, memory, builder);
    builder.follow(FOLLOWED);
    expect(told(after, memory, builder)).toEqual(news);
  });

  test.each([
    [11.999, false],
    [12, true],
  ])('with no mid since, there is a gap at minute %d: %s', (minute, hasGap) => {
    const builder = new BarBuilder(blankBar(MINUTE));
    builder.follow(FOLLOWED);
    expect(builder.hasGap(T0 + minute * MINUTE)).toBe(hasGap);
  });
});

test.each([
  [2.999, false],
  [3, true],
])('with a mid in minute 0, there is a gap at minute %d: %s', (minute, hasGap) => {
  const builder = new BarBuilder(blankBar(MINUTE));
  expect(builder.hasGap(T0)).toBe(false);
  builder.onMid(100, T0);
  expect(builder.hasGap(T0 + minute * MINUTE)).toBe(hasGap);
});

describe('laws', () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: -200_000, max: 400_000 }) },
  );
  const mids = fc
    .array(fc.tuple(step, fc.integer({ min: 1, max: 1_000 })), { minLength: 1, maxLength: 300 })
    .map((rows) => {
      let afterMs = 0;
      return rows.map(([stepMs, halves]): Mid => [(afterMs += stepMs), halves / 2]);
    });

  test('each bar is exactly what fell into its minute, in order', () => {
    fc.assert(
      fc.property(mids, (all) => {
        const memory = blankBar(MINUTE);
        const builder = new BarBuilder(memory);
        let seen: number[] = [];
        let openAtMs = 0;
        for (const [afterMs, ticks] of all) {
          const atMs = T0 + afterMs;
          const minute = Math.floor(atMs / MINUTE) * MINUTE;
          const news = builder.onMid(ticks, atMs);
          if (news === 'ignored') continue;
          if (news === 'closed') {
            const { closed } = builder;
            expect(closed).toEqual({
              openAtMs,
              open: seen[0],
              high: Math.max(...seen),
              low: Math.min(...seen),
              close: seen.at(-1),
            });
            expect(isSoundBar(closed)).toBe(true);
            expect([MINUTE, 2 * MINUTE]).toContain(minute - openAtMs);
          }
          if (news === 'gap') expect(minute - openAtMs >= 3 * MINUTE || minute < openAtMs).toBe(true);
          if (news === 'taken' && seen.length > 0) expect(minute).toBe(openAtMs);
          seen = news === 'taken' ? [...seen, ticks] : [ticks];
          openAtMs = minute;
        }
      }),
      { numRuns: 500 },
    );
  });

  test('a restart at any mid changes nothing', () => {
    fc.assert(
      fc.property(mids, fc.nat(), (all, where) => {
        const cut = where % all.length;
        const whole = blankBar(MINUTE);
        const before = blankBar(MINUTE);
        const news = told(all, whole);
        const firstNews = told(all.slice(0, cut), before);
        const after = JSON.parse(JSON.stringify(before)) as BarMemory;
        expect([...firstNews, ...told(all.slice(cut), after)]).toEqual(news);
        expect(JSON.stringify(after)).toBe(JSON.stringify(whole));
        expect(Object.keys(whole)).toEqual(MEMORY_KEYS);
      }),
    );
  });
});

test.each<[name: string, isSound: boolean, change: Partial<Bar>]>([
  ['a bar', true, {}],
  ['one price all along', true, { open: 9, high: 9, low: 9, close: 9 }],
  ['high below its open', false, { high: 9 }],
  ['low above its close', false, { low: 11.5 }],
  ['upside down', false, { high: 8, low: 12 }],
  ['no price', false, { low: 0 }],
  ['NaN', false, { close: NaN }],
  ['endless', false, { high: Infinity }],
  ['no time', false, { openAtMs: NaN }],
])('%s: sound %s', (_name, isSound, change) => {
  expect(isSoundBar({ openAtMs: T0, open: 10, high: 12, low: 8, close: 11, ...change })).toBe(isSound);
});
