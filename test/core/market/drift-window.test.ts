import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { blankDriftWindow, driftTo, sampleMid, type DriftWindow } from '../../../core/market/drift-window.ts';

const T0 = 1_746_439_200_000;
type Mid = readonly [afterMs: number, ticks: number];

function windowOf(windowS: number, mids: readonly Mid[]): DriftWindow {
  const window = blankDriftWindow(windowS);
  for (const [afterMs, ticks] of mids) sampleMid(window, ticks, T0 + afterMs);
  return window;
}

test.each<[name: string, mids: Mid[], now: Mid, drift: number]>([
  ['nothing seen', [], [0, 100], 0],
  ['nothing moved', [[0, 100]], [1_000, 100], 0],
  ['up', [[0, 100]], [1_000, 103], 3],
  ['down', [[0, 100]], [1_000, 97.5], -2.5],
  [
    'there and back: from the far end',
    [
      [0, 100],
      [1_000, 120],
    ],
    [2_000, 101],
    -19,
  ],
  [
    'the farther of two ends',
    [
      [0, 90],
      [1_000, 120],
    ],
    [2_000, 100],
    -20,
  ],
  [
    'a second counts with its last mid',
    [
      [0, 100],
      [900, 105],
    ],
    [1_000, 110],
    5,
  ],
  ['where it stood five seconds ago', [[0, 100]], [6_999, 110], 10],
  ['and not before', [[0, 100]], [7_000, 110], 0],
  [
    'a quiet second has the price of the one before',
    [
      [0, 100],
      [4_000, 101],
    ],
    [8_500, 110],
    10,
  ],
  [
    'a silence longer than the window leaves nothing to compare with',
    [
      [0, 100],
      [7_000, 110],
    ],
    [7_000, 110],
    0,
  ],
  [
    'a silence as long as the window does',
    [
      [0, 100],
      [6_000, 110],
    ],
    [6_000, 110],
    10,
  ],
  [
    'time that went back starts anew',
    [
      [9_000, 100],
      [3_000, 110],
    ],
    [3_000, 111],
    1,
  ],
])('%s', (_name, mids, [afterMs, ticks], drift) => {
  expect(driftTo(windowOf(5, mids), ticks, T0 + afterMs)).toBe(drift);
});

/** The same told from the whole list: what stood at the end of each second of the window, from the newest back. */
function literalDrift(mids: readonly Mid[], windowS: number, [afterMs, ticks]: Mid): number {
  const secondOf = (ms: number): number => Math.floor((T0 + ms) / 1_000);
  const now = secondOf(afterMs);
  let known = mids;
  for (let index = mids.length - 1; index > 0; index -= 1) {
    const passed = secondOf(mids[index]![0]) - secondOf(mids[index - 1]![0]);
    if (passed > windowS + 1 || passed < 0) {
      known = mids.slice(index);
      break;
    }
  }
  // Between two that are as far, the lower one counts: the price rose from there.
  let drift = 0;
  for (let second = now; second >= now - windowS - 1; second -= 1) {
    const newest = known.at(-1);
    if (newest === undefined || second > secondOf(newest[0])) continue;
    const stood = known.filter(([ms]) => secondOf(ms) <= second).at(-1);
    if (stood === undefined) continue;
    const way = ticks - stood[1];
    if (Math.abs(way) > Math.abs(drift) || (way > 0 && way === -drift)) drift = way;
  }
  return drift;
}

test('it is what the list of all mids says, before and after a restart', () => {
  const step = fc.oneof(
    { weight: 30, arbitrary: fc.integer({ min: 0, max: 4_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: -12_000, max: 0 }) },
  );
  const rows = fc.array(fc.tuple(step, fc.integer({ min: 1, max: 50 })), {
    minLength: 1,
    maxLength: 80,
  });
  const windowLength = fc.integer({ min: 1, max: 9 });
  fc.assert(
    fc.property(windowLength, rows, fc.integer({ min: 0, max: 12_000 }), fc.nat(), (windowS, steps, later, where) => {
      let afterMs = 0;
      const mids = steps.map(([step, ticks]): Mid => [(afterMs += step), ticks]);
      const now: Mid = [afterMs + later, 25];
      const window = windowOf(windowS, mids);
      expect(driftTo(window, now[1], T0 + now[0])).toBe(literalDrift(mids, windowS, now));
      const cut = where % mids.length;
      const saved = JSON.parse(JSON.stringify(windowOf(windowS, mids.slice(0, cut)))) as DriftWindow;
      for (const [ms, ticks] of mids.slice(cut)) sampleMid(saved, ticks, T0 + ms);
      expect(JSON.stringify(saved)).toBe(JSON.stringify(window));
    }),
    { numRuns: 1_000 },
  );
});
