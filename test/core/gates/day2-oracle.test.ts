import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { oracleOf } from '../../../core/gates/day2/oracle.ts';
import { Day2Rules } from '../../../core/gates/day2/rules.ts';
import { Scenario } from '../../../core/gates/day2/scenario.ts';
import type { ResetCode } from '../../../core/gates/day2/state.ts';
import { statusOf } from '../../../core/gates/day2/status.ts';
import { playScenario, START_MS, type Turn } from './day2-run.ts';

interface World {
  readonly scenario: Scenario;
  readonly evaluationsAtS: readonly number[];
}

/** `unitS`: from one evaluation to the next; about `troubles` of each kind over the whole time. */
function worlds(lengthS: number, unitS: number, troubles: number): fc.Arbitrary<World> {
  const names = ['bot1', 'bot2', 'desk'] as const;
  const span = (unitsMax: number): fc.Arbitrary<{ fromS: number; toS: number }> =>
    fc
      .tuple(fc.integer({ min: -unitS, max: lengthS }), fc.integer({ min: 1, max: Math.floor(unitsMax * unitS) }))
      .map(([fromS, forS]) => ({ fromS, toS: fromS + forS }));
  const some = <T>(one: fc.Arbitrary<T>, share = 1): fc.Arbitrary<T[]> =>
    fc.array(one, { maxLength: Math.ceil(troubles * share), size: 'max' });
  const source = fc.constantFrom(...names);
  const ofSource = (unitsMax: number): fc.Arbitrary<{ source: string; fromS: number; toS: number }> =>
    fc.tuple(source, span(unitsMax)).map(([name, at]) => ({ source: name, ...at }));
  const count = fc.integer({ min: 1, max: 30 });
  const atS = fc.integer({ min: 0, max: lengthS });
  const scenario = fc.record({
    version: fc.constant(1),
    name: fc.constant('random'),
    sources: fc.tuple(
      ...names.map((name, at) =>
        fc.record({
          source: fc.constant(name),
          everyS: fc.integer({ min: Math.ceil(unitS / 40), max: Math.ceil(unitS / 6) }),
          // The last one may come later.
          fromS: fc.integer({ min: -5 * unitS, max: at === 2 ? Math.floor(lengthS / 4) : 0 }),
        }),
      ),
    ),
    silences: some(ofSource(0.8)),
    absences: some(ofSource(1.5), 0.3),
    delays: some(ofSource(2)),
    gaps: some(
      fc
        .tuple(ofSource(0.3), fc.option(fc.integer({ min: -10, max: 4 * unitS }), { freq: 4 }))
        .map(([one, healS]) => ({ ...one, healedAtS: healS === null ? null : one.toS + healS })),
    ),
    uncorrelated: some(ofSource(0.3), 0.2),
    acceptances: some(fc.record({ source, atS, count }), 0.2),
    rollbacks: some(
      fc
        .tuple(ofSource(2), fc.constantFrom('journal' as const, 'store' as const), fc.integer({ min: 1, max: 200 }))
        .map(([one, of, short]) => ({ ...one, of, count: short })),
      1,
    ),
    outages: some(span(3), 0.5),
    // What is lost for good waits for a re-anchor: without many of them no window would ever be whole.
    actions: some(
      fc.record({
        atS,
        action: fc.constantFrom('pause', 'resume', 'resume', ...Array<'reanchor'>(5).fill('reanchor')),
        operator: fc.constant('ada'),
        reason: fc.constant('a try'),
      }),
      8,
    ),
  });
  // Now and then an evaluation is not made, or not in time.
  const evaluations = fc
    .array(
      fc.tuple(
        fc.integer({ min: 0, max: Math.floor(lengthS / unitS / troubles) * 2 }),
        fc.integer({ min: 0, max: Math.floor(unitS / 2) }),
      ),
      {
        minLength: Math.floor(lengthS / unitS),
        maxLength: Math.floor(lengthS / unitS),
        size: 'max',
      },
    )
    .map((chances) =>
      chances.flatMap(([chance, lateS], at) => (chance === 0 ? [] : [at * unitS + (chance < 3 ? lateS : 0)])),
    );
  return fc
    .tuple(scenario, evaluations)
    .map(([raw, evaluationsAtS]) => ({ scenario: Scenario.parse(raw), evaluationsAtS }));
}

const said = (turns: readonly Turn[], atS: number, startMs = START_MS): { isGo: boolean; elapsedS: number } => {
  const turn = turns.findLast((one) => one.atS <= atS);
  if (turn === undefined) return { isGo: false, elapsedS: 0 };
  const { go, checks } = statusOf(turn.state, startMs + atS * 1_000);
  return { isGo: go, elapsedS: (checks.elapsed_window.measured ?? 0) / 1_000 };
};

/** Fails at the first second in which gate and oracle differ; both only change where one of them says so. */
function compare(turns: readonly Turn[], spans: ReturnType<typeof oracleOf>, endS: number): void {
  const seconds = new Set([...spans.flatMap(({ fromS }) => [fromS - 1, fromS]), ...turns.map(({ atS }) => atS), endS]);
  let [turn, span] = [-1, -1];
  for (const atS of [...seconds].sort((a, b) => a - b)) {
    while (turns[turn + 1] !== undefined && turns[turn + 1]!.atS <= atS) turn += 1;
    while (spans[span + 1] !== undefined && spans[span + 1]!.fromS <= atS) span += 1;
    const { isGo, elapsedS } = spans[span] ?? { isGo: false, elapsedS: 0 };
    const now = said(turn < 0 ? [] : [turns[turn]!], atS);
    if (now.isGo !== isGo || now.elapsedS !== elapsedS) {
      throw new Error(`second ${atS}: ${JSON.stringify(now)}, by the oracle ${JSON.stringify({ isGo, elapsedS })}`);
    }
  }
}

const WEEK_S = 7 * 86_400;
const TEN_WEEK_SEEDS = [1, 2, 3, 4, 5];
const SHORT = Day2Rules.parse({ windowMs: 600_000, intervalMs: 60_000, silentMsMax: 20_000, lateMsMax: 80_000 });

test('says of hundreds of short scenarios in every second what the oracle says', () => {
  const codes = new Set<ResetCode>();
  let goes = 0;
  fc.assert(
    fc.property(worlds(3_600, 60, 2), fc.boolean(), ({ scenario, evaluationsAtS }, isMeasured) => {
      const turns = playScenario(scenario, evaluationsAtS, { rules: SHORT, isMeasured });
      const spans = oracleOf(scenario, evaluationsAtS, SHORT);
      if (spans.some(({ isGo }) => isGo)) goes += 1;
      for (const { state } of turns) for (const { code } of state.standing) codes.add(code);
      compare(turns, spans, 3_900);
    }),
    { numRuns: 500 },
  );
  // Every break that a scenario knows was met, and windows became whole in spite of it.
  expect(goes).toBeGreaterThan(0);
  expect([...codes].sort()).toEqual([
    'delta_over_tolerance',
    'evaluation_failed',
    'gap',
    'journal_backwards',
    'missing_correlation',
    'source_missing',
    'source_stale',
    'store_backwards',
  ]);
});

test('the oracle changes only where it says so: looked at in each second', () => {
  const [world] = fc.sample(worlds(3_600, 60, 2), { seed: 11, numRuns: 1 });
  const { scenario, evaluationsAtS } = world!;
  const turns = playScenario(scenario, evaluationsAtS, { rules: SHORT });
  const spans = oracleOf(scenario, evaluationsAtS, SHORT);
  for (let atS = -5; atS < 3_900; atS++) {
    const { isGo, elapsedS } = spans.findLast(({ fromS }) => fromS <= atS) ?? { isGo: false, elapsedS: 0 };
    expect({ atS, ...said(turns, atS) }).toEqual({ atS, isGo, elapsedS });
  }
});

test('says over ten weeks what the oracle says to the second, whatever the troubles', () => {
  const rules = Day2Rules.parse({});
  let goes = 0;
  for (const seed of TEN_WEEK_SEEDS) {
    const [world] = fc.sample(worlds(10 * WEEK_S, 900, 3), { seed, numRuns: 1 });
    const { scenario, evaluationsAtS } = world!;
    const turns = playScenario(scenario, evaluationsAtS, { rules, isMeasured: true });
    const spans = oracleOf(scenario, evaluationsAtS, rules);
    compare(turns, spans, 10 * WEEK_S + 3_600);
    goes += spans.filter(({ isGo }, at) => isGo && spans[at - 1]?.isGo !== true).length;
  }
  // Windows became whole in spite of them.
  expect(goes).toBeGreaterThan(TEN_WEEK_SEEDS.length);
});
