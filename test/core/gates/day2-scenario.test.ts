import { describe, expect, test } from '@jest/globals';
import { IntegrityFacts, type SourceFacts } from '../../../core/gates/day2/facts.ts';
import { oracleOf } from '../../../core/gates/day2/oracle.ts';
import { Day2Rules } from '../../../core/gates/day2/rules.ts';
import { factsAt, Scenario } from '../../../core/gates/day2/scenario.ts';
import { describeFaults } from '../../../core/faults.ts';
import { takes } from '../schemas.ts';
import { playScenario, START_MS } from './day2-run.ts';

const base = { version: 1, name: 'a-day', sources: [{ source: 'bot1', everyS: 10 }] };

function factsOf(change: object, atS: number, fromS = 0): IntegrityFacts {
  const scenario = Scenario.parse({ ...base, ...change });
  const facts = factsAt(scenario, {
    startMs: START_MS,
    fromMs: START_MS + fromS * 1_000,
    atMs: START_MS + atS * 1_000,
  });
  if ('failed' in facts) throw new Error(facts.failed);
  return IntegrityFacts.parse(facts);
}

const sourceOf = (change: object, atS: number, fromS = 0): SourceFacts => factsOf(change, atS, fromS).sources[0]!;
const mine = (fromS: number, toS: number): object[] => [{ source: 'bot1', fromS, toS }];

test('a sound source writes an event every ten seconds, and clocks agree', () => {
  expect(factsOf({}, 25)).toEqual({
    fromMs: START_MS,
    atMs: START_MS + 25_000,
    sources: [
      {
        source: 'bot1',
        journalSequence: 3,
        storedEvents: 3,
        acceptedLoss: 0,
        gaps: [],
        missingCorrelation: 0,
        newestEventAtMs: START_MS + 20_000,
      },
    ],
    clock: { workflowMs: START_MS + 25_000, hostMs: START_MS + 25_000, monotonicMs: 25_000, processId: 'a-day', venueMs: START_MS + 25_000, timeSkips: 0 }, // prettier-ignore
    scenario: 'a-day',
  });
});

test('the second that a moment lies in is what counts', () => {
  const scenario = Scenario.parse(base);
  const sequence = (ms: number): number | undefined => {
    const facts = factsAt(scenario, { startMs: START_MS, fromMs: START_MS, atMs: START_MS + ms });
    return 'failed' in facts ? undefined : facts.sources[0]?.journalSequence;
  };
  expect([0, 9_999, 10_000].map(sequence)).toEqual([1, 1, 2]);
});

describe('a source', () => {
  test('that began before the rehearsal', () => {
    expect(sourceOf({ sources: [{ source: 'bot1', everyS: 10, fromS: -100 }] }, 0).journalSequence).toBe(11);
  });

  test('that comes later is not there before', () => {
    const later = { sources: [...base.sources, { source: 'bot2', everyS: 5, fromS: 30 }] };
    expect(factsOf(later, 29).sources).toHaveLength(1);
    expect(factsOf(later, 30).sources[1]).toMatchObject({ source: 'bot2', journalSequence: 1 });
  });

  test('that is silent', () => {
    const silent = { silences: [...mine(70, 71), ...mine(30, 50), ...mine(20, 30), ...mine(35, 40)] };
    expect([15, 25, 49, 50, 75, 80].map((atS) => sourceOf(silent, atS).journalSequence)).toEqual([2, 2, 2, 3, 4, 5]);
    expect([15, 49, 50, 75].map((atS) => (sourceOf(silent, atS).newestEventAtMs! - START_MS) / 1_000)).toEqual([10, 10, 50, 60]); // prettier-ignore
    expect(sourceOf({ silences: mine(-5, 100) }, 50)).toMatchObject({ journalSequence: 0, newestEventAtMs: null });
  });

  test('that no measurement sees', () => {
    const absences = { absences: mine(20, 30) };
    expect([19, 20, 29, 30].map((atS) => factsOf(absences, atS).sources.length)).toEqual([1, 0, 0, 1]);
  });

  test('whose events are delayed', () => {
    const delayed = { delays: [...mine(20, 45), ...mine(35, 65)] };
    expect([19, 20, 44, 45, 64, 65].map((atS) => sourceOf(delayed, atS).storedEvents)).toEqual([2, 2, 2, 4, 4, 7]);
    expect(sourceOf(delayed, 64)).toMatchObject({ journalSequence: 7, gaps: [] });
  });

  test('of which events are missing, for a time or for good', () => {
    const gaps = {
      gaps: [
        { source: 'bot1', fromS: 20, toS: 50, healedAtS: 100 },
        { source: 'bot1', fromS: 70, toS: 71 },
      ],
    };
    expect(sourceOf(gaps, 80)).toMatchObject({
      journalSequence: 9,
      storedEvents: 5,
      gaps: [
        { fromSequence: 3, toSequence: 5 },
        { fromSequence: 8, toSequence: 8 },
      ],
    });
    expect(sourceOf(gaps, 80, 30).gaps[0]).toEqual({ fromSequence: 5, toSequence: 5 });
    expect(sourceOf(gaps, 80, 70).gaps).toEqual([]);
    expect(sourceOf(gaps, 99).storedEvents).toBe(6);
    expect(sourceOf(gaps, 100)).toMatchObject({ storedEvents: 10, gaps: [{ fromSequence: 8, toSequence: 8 }] });
    const many = Array.from({ length: 30 }, (_, at) => ({ source: 'bot1', fromS: at * 20, toS: at * 20 + 1 }));
    expect(sourceOf({ gaps: many }, 900, -1).gaps).toHaveLength(20);
  });

  test('whose events have no correlation id: they count when they are stored', () => {
    const uncorrelated = { uncorrelated: [...mine(20, 41), ...mine(35, 51)], delays: mine(38, 60) };
    expect([15, 25, 35, 59, 60].map((atS) => sourceOf(uncorrelated, atS, -1).missingCorrelation)).toEqual([
      0, 1, 2, 2, 4,
    ]);
    expect(sourceOf(uncorrelated, 65, 30).missingCorrelation).toBe(2);
  });

  test('whose losses are accepted', () => {
    const acceptances = {
      acceptances: [
        { source: 'bot1', atS: 20, count: 3 },
        { source: 'bot1', atS: 30, count: 1 },
      ],
    };
    expect([19, 20, 30].map((atS) => sourceOf(acceptances, atS).acceptedLoss)).toEqual([0, 3, 4]);
  });

  test('that falls back', () => {
    const of = (what: string, count: number): object => ({
      rollbacks: [{ source: 'bot1', of: what, fromS: 20, toS: 40, count }],
    });
    expect(sourceOf(of('journal', 2), 39)).toMatchObject({ journalSequence: 2, storedEvents: 4 });
    expect(sourceOf(of('store', 2), 39)).toMatchObject({ journalSequence: 4, storedEvents: 2 });
    expect(sourceOf(of('store', 99), 39).storedEvents).toBe(0);
    expect(sourceOf(of('journal', 99), 39).journalSequence).toBe(0);
    expect(sourceOf(of('store', 2), 40).storedEvents).toBe(5);
    // What its journal has forgotten cannot be missing.
    const gap = { gaps: mine(10, 35), ...of('journal', 2) };
    expect(sourceOf(gap, 39).gaps).toEqual([{ fromSequence: 2, toSequence: 2 }]);
  });

  test('is not touched by what happens to another', () => {
    const sources = [{ source: 'bot2', everyS: 10 }, ...base.sources];
    const all = { sources, silences: mine(0, 9), delays: mine(0, 99), gaps: mine(0, 99), uncorrelated: mine(0, 9), rollbacks: [{ source: 'bot1', of: 'store', fromS: 0, toS: 99, count: 1 }], acceptances: [{ source: 'bot1', atS: 0, count: 2 }] }; // prettier-ignore
    expect(sourceOf(all, 50)).toEqual({ ...sourceOf({}, 50), source: 'bot2' });
  });
});

test('without a database nothing is measured, and nothing is stored before it is back', () => {
  const scenario = Scenario.parse({ ...base, outages: [{ fromS: 20, toS: 45 }] });
  const facts = (atS: number): unknown =>
    factsAt(scenario, { startMs: START_MS, fromMs: START_MS, atMs: START_MS + atS * 1_000 });
  expect(facts(19)).toHaveProperty('sources');
  expect([facts(20), facts(44)]).toEqual(Array(2).fill({ failed: 'no database (a-day)' }));
  expect(facts(45)).toMatchObject({ sources: [{ journalSequence: 5, storedEvents: 5 }] });
});

test('a day with an outage, a pause and a re-anchor: when it is a GO', () => {
  const scenario = Scenario.parse({
    ...base,
    outages: [{ fromS: 3_000, toS: 4_000 }],
    actions: [
      { atS: 9_000, action: 'pause', operator: 'ada', reason: 'a look' },
      { atS: 9_500, action: 'resume', operator: 'ada', reason: 'looked' },
      { atS: 12_000, action: 'reanchor', operator: 'ada', reason: 'anew' },
    ],
  });
  const rules = Day2Rules.parse({ windowMs: 3_600_000 });
  const evaluationsAtS = Array.from({ length: 20 }, (_, at) => at * 900);
  const spans = oracleOf(scenario, evaluationsAtS, rules);
  const turns = spans.filter(({ isGo }, at) => isGo !== (spans[at - 1]?.isGo ?? false));
  expect(turns.map(({ fromS, isGo }) => [fromS, isGo])).toEqual([
    // The outage took what had been counted; the evaluation at 4,500 s began anew.
    [8_100, true],
    [9_000, false],
    [9_900, true],
    [12_000, false],
    // 3,600 s after the re-anchor nobody looks; at 16,200 s somebody does.
    [16_200, true],
    [17_100 + 1_201, false],
  ]);
  const goes = playScenario(scenario, evaluationsAtS, { rules }).filter(({ state }) => state.go);
  expect(goes.map(({ atS }) => atS)).toEqual([8_100, 9_900, 10_800, 11_700, 16_200, 17_100]);
});

test.each(['journal', 'store'] as const)('where journal and store fell back alike, the %s alone tells', (of) => {
  const rollback = (what: string, count: number): object => ({
    source: 'bot1',
    of: what,
    fromS: 1_700,
    toS: 2_600,
    count,
  });
  const rules = Day2Rules.parse({ windowMs: 900_000 });
  const looks = [0, 900, 1_800, 2_700, 3_600];
  const goAtS = (change: object): number[] => {
    const scenario = Scenario.parse({ ...base, ...change });
    const goes = playScenario(scenario, looks, { rules }).filter(({ state }) => state.go);
    const spans = oracleOf(scenario, looks, rules);
    expect(looks.filter((atS) => spans.findLast(({ fromS }) => fromS <= atS)!.isGo)).toEqual(
      goes.map(({ atS }) => atS),
    );
    return goes.map(({ atS }) => atS);
  };
  expect(goAtS({})).toEqual([900, 1_800, 2_700, 3_600]);
  expect(goAtS({ rollbacks: [rollback('journal', 100), rollback('store', 100)] })).toEqual([900, 3_600]);
  // By 90 events each writes between two looks: back to where it was is no fall, one event more is.
  const [other, short] = of === 'journal' ? ['store', 91] : ['journal', 91];
  expect(goAtS({ rollbacks: [rollback(of, 90), rollback(other, 90)] })).toEqual([900, 1_800, 2_700, 3_600]);
  expect(goAtS({ rollbacks: [rollback(of, short), rollback(other, 90)] })).toEqual([900, 3_600]);
});

test('the oracle says nothing of a gate that nobody evaluated', () => {
  expect(oracleOf(Scenario.parse(base), [], Day2Rules.parse({}))).toEqual([]);
});

test('a scenario is refused with path, rule and value', () => {
  const faults = (change: object): string => {
    const raw = { ...base, ...change };
    const parsed = Scenario.safeParse(raw);
    return parsed.success ? '' : describeFaults(parsed.error, raw);
  };
  expect(faults({})).toBe('');
  expect(faults({ name: 'A day' })).toBe('name: expected a name of 1 to 64 of a-z, 0-9 and -, was "A day"');
  for (const name of ['a-day!', '', 'x'.repeat(65)]) expect(faults({ name })).toMatch(/^name: expected a name/);
  expect(faults({ outages: [{ fromS: 5, toS: 5 }] })).toBe('outages[0].toS: expected more than fromS, was 5');
  expect(faults({ sources: [...base.sources, ...base.sources] })).toMatch(/^sources: expected each source once, was /);
  for (const list of ['silences', 'absences', 'delays', 'gaps', 'uncorrelated']) {
    expect(faults({ [list]: mine(5, 6) })).toBe('');
    expect(faults({ [list]: mine(6, 6) })).toBe(`${list}[0].toS: expected more than fromS, was 6`);
    expect(faults({ [list]: [...mine(5, 6), { source: 'bot9', fromS: 1, toS: 2 }] })).toBe(`${list}[1].source: expected one of sources, was "bot9"`); // prettier-ignore
  }
  expect(faults({ acceptances: [{ source: 'bot9', atS: 1, count: 2 }] })).toMatch(/^acceptances\[0\]\.source: /);
  expect(faults({ rollbacks: [{ source: 'bot9', of: 'store', fromS: 1, toS: 2, count: 2 }] })).toMatch(
    /^rollbacks\[0\]\.source: /,
  );
  expect(faults({ rollbacks: [{ source: 'bot1', of: 'store', fromS: 2, toS: 2, count: 2 }] })).toMatch(
    /^rollbacks\[0\]\.toS: /,
  );
  for (const bad of [
    { version: 2 },
    { sources: [] },
    { speed: 2 },
    { actions: [{ atS: 5, action: 'go', operator: 'a', reason: 'b' }] },
    { sources: [{ source: 'bot1', everyS: 0 }] },
    { acceptances: [{ source: 'bot1', atS: 1, count: 0 }] },
    { actions: [{ atS: 5, action: 'pause', operator: '', reason: 'b' }] },
    { actions: [{ atS: 5, action: 'pause', operator: 'a', reason: '' }] },
  ]) {
    // prettier-ignore
    expect(takes(Scenario, { ...base, ...bad })).toBe(false);
  }
});
