import { describe, expect, test } from '@jest/globals';
import { Day2Rules } from '../../../core/gates/day2/rules.ts';
import { Day2State, RESETS_KEPT } from '../../../core/gates/day2/state.ts';
import { statusOf, type Day2Status } from '../../../core/gates/day2/status.ts';
import { Gate, gateAfter, HOUR_MS, MINUTE_MS, soundFacts, soundSource, START_MS } from './day2-run.ts';

const DAY = 1_440;
const at = (minutes: number): number => START_MS + minutes * MINUTE_MS;
const seen = (gate: Gate, minutes: number): Day2Status => statusOf(gate.state, at(minutes));
const hours = (gate: Gate, minutes: number): number => seen(gate, minutes).hoursElapsed;
const standing = (gate: Gate): string[] => gate.state.standing.map(({ code }) => code);
const resets = (gate: Gate): string[] => gate.state.resets.map(({ code }) => code);
const attributed = (minutes: number): { atMs: number; operator: string; reason: string } => ({
  atMs: at(minutes),
  operator: 'ada',
  reason: 'a look at the disk',
});
const reanchored = (minutes: number, facts = soundFacts(at(minutes), at(minutes))): unknown => ({
  kind: 'reanchored',
  ...attributed(minutes),
  facts,
});

describe('a window', () => {
  test('is passed after 24 hours without a break, and not before', () => {
    const gate = gateAfter(DAY - 15);
    expect(seen(gate, DAY - 15)).toMatchObject({ go: false, hoursElapsed: 23.75 });
    expect(seen(gate.look(DAY), DAY)).toEqual({
      go: true,
      checks: {
        elapsed_window: { pass: true, measured: 24 * HOUR_MS, limit: 24 * HOUR_MS },
        missing_correlation: { pass: true, measured: 0, limit: 0 },
        delta_since_baseline_tolerance: { pass: true, measured: 0, limit: 5 },
      },
      max_delta_observed: 0,
      baselineAtMs: START_MS,
      hoursElapsed: 24,
      clockStartedAtMs: START_MS,
      standing: [],
      resets: [],
      resetsBefore: [],
      paused: null,
      rehearsal: [],
      lastEvaluatedAtMs: at(DAY),
    });
    expect(resets(gate)).toEqual([]);
  });

  test('is passed with the delta that is tolerated', () => {
    const gate = new Gate().look(0);
    for (let minutes = 15; minutes <= DAY; minutes += 15) {
      gate.lookAt(minutes, { storedEvents: soundSource(at(minutes)).storedEvents - 5 });
    }
    expect(seen(gate, DAY)).toMatchObject({ go: true, max_delta_observed: 5 });
  });

  test('a millisecond short of it is none', () => {
    const gate = gateAfter(DAY - 15).look(DAY - 1 / 60_000);
    expect(seen(gate, DAY)).toMatchObject({ go: false, hoursElapsed: 23.99999 });
  });

  test('is not passed by waiting: time that nobody looked at does not count', () => {
    const gate = gateAfter(DAY - 15);
    expect(seen(gate, DAY + 4)).toMatchObject({ go: false, hoursElapsed: 23.75 });
  });

  test('has no verdict before anything was measured', () => {
    const status = statusOf(new Gate().state, START_MS);
    expect(status).toMatchObject({ go: false, baselineAtMs: null, lastEvaluatedAtMs: null, hoursElapsed: 0 });
    const { elapsed_window, missing_correlation, delta_since_baseline_tolerance } = status.checks;
    expect(elapsed_window).toEqual({ pass: false, measured: null, limit: 24 * HOUR_MS });
    expect(missing_correlation).toEqual({ pass: false, measured: null, limit: 0 });
    expect(delta_since_baseline_tolerance).toEqual({ pass: false, measured: null, limit: 5 });
  });

  test.each([
    ['midnight', Date.UTC(2027, 5, 30, 12)],
    ['the end of a year', Date.UTC(2027, 11, 31, 12)],
    ['29 February', Date.UTC(2028, 1, 28, 23, 59, 59)],
    ['28 February of another year', Date.UTC(2027, 1, 28, 12)],
    ['the change to summer time', Date.UTC(2027, 2, 28, 0)],
    ['the change to winter time', Date.UTC(2027, 9, 30, 20)],
  ])('is as long across %s', (_name, startMs) => {
    const gate = new Gate();
    const moved = (minutes: number): void => {
      const atMs = startMs + minutes * MINUTE_MS;
      gate.tell({ kind: 'evaluated', facts: soundFacts(gate.state.measuredToMs ?? atMs, atMs, { sources: [{ ...soundSource(at(minutes)), newestEventAtMs: atMs }] }) }); // prettier-ignore
    };
    for (let minutes = 0; minutes < DAY; minutes += 15) moved(minutes);
    expect(gate.state.go).toBe(false);
    moved(DAY);
    expect(gate.state.go).toBe(true);
  });
});

describe('a break', () => {
  test.each([
    ['a hole in the store', { gaps: [{ fromSequence: 40, toSequence: 42 }, { fromSequence: 7, toSequence: 7 }] }, 'gap', 4, 0, 'bot1: 4 events are missing in the store, from 7'], // prettier-ignore
    ['an event without a correlation id', { missingCorrelation: 1 }, 'missing_correlation', 1, 0, 'bot1: 1 events without a correlation id since the baseline'], // prettier-ignore
    ['too few stored', { storedEvents: 1_000 + 900 - 6 }, 'delta_over_tolerance', 6, 5, 'bot1: journal and store are 6 events apart since the baseline, allowed 5'], // prettier-ignore
    ['too many stored', { storedEvents: 1_000 + 900 + 6 }, 'delta_over_tolerance', 6, 5, 'bot1: journal and store are 6 events apart since the baseline, allowed 5'], // prettier-ignore
    ['too much accepted as lost', { acceptedLoss: 6 }, 'delta_over_tolerance', 6, 5, 'bot1: journal and store are 6 events apart since the baseline, allowed 5'], // prettier-ignore
    ['a silent source', { newestEventAtMs: at(15) - 300_001 }, 'source_stale', 300_001, 300_000, 'bot1 had no event for 300001 ms, allowed 300000'], // prettier-ignore
    [
      'a source without any event',
      { newestEventAtMs: null },
      'source_stale',
      null,
      300_000,
      'bot1 has no event at all',
    ],
    ['an event of the future', { newestEventAtMs: at(15) + 5_001 }, 'event_ahead', 5_001, 5_000, 'bot1 has an event 5001 ms ahead of its time, allowed 5000'], // prettier-ignore
  ] as const)('%s', (_name, change, code, measured, limit, text) => {
    const gate = new Gate().look(0).lookAt(15, { ...change } as object);
    const status = seen(gate, 15);
    expect(status.standing).toEqual([
      expect.objectContaining({ code, source: 'bot1', measured, limit, sinceMs: at(15), text }),
    ]);
    expect(status.resets).toEqual([
      expect.objectContaining({ code, source: 'bot1', measured, limit, atMs: at(15), text }),
    ]);
    expect(status).toMatchObject({ go: false, hoursElapsed: 0, clockStartedAtMs: null });
    expect(Day2State.parse(gate.state)).toEqual(gate.state);
  });

  test.each([
    ['the tolerated delta', { storedEvents: 1_000 + 900 - 5 }],
    ['a delta that an operator accepted', { storedEvents: 1_000 + 900 - 60, acceptedLoss: 57 }],
    ['a source that was silent for as long as it may', { newestEventAtMs: at(15) - 300_000 }],
    ['an event as far ahead as clocks may differ', { newestEventAtMs: at(15) + 5_000 }],
  ])('is not %s', (_name, change) => {
    const gate = new Gate().look(0).lookAt(15, change);
    expect(standing(gate)).toEqual([]);
    expect(hours(gate, 15)).toBe(0.25);
  });

  test('is over with the first good evaluation: the clock starts anew there', () => {
    const gate = gateAfter(60).lookAt(75, { gaps: [{ fromSequence: 5, toSequence: 5 }] });
    expect(hours(gate, 75)).toBe(0);
    expect(seen(gate.look(90), 90)).toMatchObject({ hoursElapsed: 0, clockStartedAtMs: at(90), standing: [] });
    expect(hours(gate.look(105), 105)).toBe(0.25);
    expect(resets(gate)).toEqual(['gap']);
  });

  test('takes a GO back, and the whole window with it', () => {
    const gate = gateAfter(DAY).lookAt(DAY + 15, { newestEventAtMs: null });
    expect(gate.state.go).toBe(false);
    gate.lookOften(DAY + 15, 2 * DAY + 15);
    expect(gate.state.go).toBe(false);
    expect(gate.look(2 * DAY + 30).state.go).toBe(true);
  });

  test('that lasts is told once, with the time since when', () => {
    const gate = gateAfter(15);
    for (const minutes of [30, 45, 60]) gate.lookAt(minutes, { newestEventAtMs: at(15) });
    expect(seen(gate, 60).standing).toMatchObject([
      { code: 'source_stale', measured: 45 * MINUTE_MS, sinceMs: at(30) },
    ]);
    expect(seen(gate, 60).resets).toMatchObject([{ code: 'source_stale', measured: 15 * MINUTE_MS, atMs: at(30) }]);
    gate.look(75).lookAt(90, { newestEventAtMs: at(75) });
    expect(resets(gate)).toEqual(['source_stale', 'source_stale']);
    expect(gate.state.standing[0]?.sinceMs).toBe(at(90));
  });

  test('of one kind is not that of another', () => {
    const gate = new Gate().look(0).lookAt(15, { newestEventAtMs: null });
    gate.lookAt(30, { newestEventAtMs: null, gaps: [{ fromSequence: 8, toSequence: 8 }] });
    expect(gate.state.standing.map(({ code, sinceMs }) => [code, sinceMs])).toEqual([
      ['source_stale', at(15)],
      ['gap', at(30)],
    ]);
    expect(resets(gate)).toEqual(['source_stale', 'gap']);
  });

  test('of one source is not that of another', () => {
    const two = (minutes: number, ...stale: readonly string[]): object => ({
      sources: ['bot2', 'bot1'].map((name) => soundSource(at(minutes), name, stale.includes(name) ? { newestEventAtMs: null } : {})), // prettier-ignore
    });
    const gate = new Gate()
      .look(0, two(0))
      .look(15, two(15, 'bot2'))
      .look(30, two(30, 'bot1', 'bot2'));
    expect(gate.state.standing).toMatchObject([
      { source: 'bot1', sinceMs: at(30) },
      { source: 'bot2', sinceMs: at(15) },
    ]);
    expect(gate.state.resets).toMatchObject([
      { source: 'bot2', atMs: at(15) },
      { source: 'bot1', atMs: at(30) },
    ]);
  });

  test('at the baseline keeps the clock from starting', () => {
    const gate = new Gate().lookAt(0, { newestEventAtMs: null });
    expect(seen(gate, 0)).toMatchObject({ baselineAtMs: at(0), clockStartedAtMs: null });
    expect(seen(gate.look(15), 15).clockStartedAtMs).toBe(at(15));
  });
});

describe('what a baseline starts from', () => {
  test('the past is past: its holes and its events without a correlation id do not count', () => {
    const gate = new Gate().lookAt(0, { storedEvents: 400, gaps: [{ fromSequence: 3, toSequence: 602 }], missingCorrelation: 9 }); // prettier-ignore
    expect(standing(gate)).toEqual([]);
    gate.lookAt(15, { storedEvents: 400 + 900 });
    expect(seen(gate, 15)).toMatchObject({ hoursElapsed: 0.25, max_delta_observed: 0 });
  });

  test('taken in the middle of a delay it is a bad one: the store then has more than it explains', () => {
    const gate = new Gate().lookAt(0, { storedEvents: 1_000 - 30 }).look(15);
    expect(gate.state.standing).toMatchObject([{ code: 'delta_over_tolerance', measured: 30 }]);
  });

  test('nothing to look at is no pass', () => {
    const gate = new Gate().look(0, { sources: [] });
    expect(seen(gate, 0).standing).toMatchObject([{ code: 'no_sources', source: null, text: 'nothing was measured: there was no source' }]); // prettier-ignore
  });
});

describe('what is lost', () => {
  test('a delay costs the clock until it is over', () => {
    const gate = gateAfter(30).lookAt(45, { storedEvents: 2_000 });
    expect(seen(gate, 45).checks.delta_since_baseline_tolerance).toEqual({ pass: false, measured: 1_700, limit: 5 });
    const status = seen(gate.look(60), 60);
    expect(status).toMatchObject({ max_delta_observed: 1_700, clockStartedAtMs: at(60) });
    expect(status.checks.delta_since_baseline_tolerance).toEqual({ pass: true, measured: 0, limit: 5 });
  });

  test('for good keeps the gate at NO-GO until a re-anchor, and the range after it is clean again', () => {
    const lost = (minutes: number): object => ({ storedEvents: soundSource(at(minutes)).storedEvents - 6 });
    const gate = gateAfter(30);
    for (let minutes = 45; minutes <= 3 * DAY; minutes += 15) gate.lookAt(minutes, lost(minutes));
    expect(seen(gate, 3 * DAY)).toMatchObject({ go: false, hoursElapsed: 0, clockStartedAtMs: null });
    const anchor = 3 * DAY + 5;
    const facts = soundFacts(at(anchor), at(anchor), { sources: [soundSource(at(anchor), 'bot1', lost(anchor))] });
    gate.tell(reanchored(anchor, facts));
    for (let minutes = anchor + 15; minutes <= anchor + DAY; minutes += 15) gate.lookAt(minutes, lost(minutes));
    expect(seen(gate, anchor + DAY)).toMatchObject({ go: true, max_delta_observed: 0, baselineAtMs: at(anchor) });
  });

  test('events without a correlation id stay, since nobody can give them one', () => {
    const gate = gateAfter(30).lookAt(45, { missingCorrelation: 2 }).look(60).lookAt(75, { missingCorrelation: 1 });
    gate.look(90);
    expect(seen(gate, 90).checks.missing_correlation).toEqual({ pass: false, measured: 3, limit: 0 });
    expect(standing(gate)).toEqual(['missing_correlation']);
    gate.tell(reanchored(100));
    expect(seen(gate, 100).checks.missing_correlation).toEqual({ pass: true, measured: 0, limit: 0 });
  });

  test.each([
    [
      'its journal',
      { journalSequence: 1_100 },
      'journal_backwards',
      'bot1: its journal fell back from event 2800 to 1100',
    ],
    ['the store', { storedEvents: 1_100 }, 'store_backwards', 'bot1: the store fell back from 2800 events to 1100'],
  ] as const)('%s that fell back is broken until it is where it was', (_name, change, code, text) => {
    const gate = gateAfter(30).lookAt(45, change);
    expect(seen(gate, 45).standing).toContainEqual(
      expect.objectContaining({ code, measured: 1_100, limit: 2_800, text }),
    );
    const less = code === 'journal_backwards' ? { journalSequence: 2_799 } : { storedEvents: 2_799 };
    expect(standing(gate.lookAt(60, less))).toContain(code);
    expect(standing(gate.look(75))).toEqual([]);
  });

  test('both that fell back alike do not hide it: the delta is nothing', () => {
    const gate = gateAfter(30).lookAt(45, { journalSequence: 1_100, storedEvents: 1_100 });
    expect(standing(gate)).toEqual(['journal_backwards', 'store_backwards']);
  });

  test('accepted losses are not taken back', () => {
    const gate = new Gate().look(0).lookAt(15, { acceptedLoss: 4 }).lookAt(30, { acceptedLoss: 3 });
    expect(Day2State.parse(gate.state)).toEqual(gate.state);
    expect(seen(gate, 30).standing).toMatchObject([{ code: 'loss_backwards', measured: 3, limit: 4, text: 'bot1: accepted losses fell back from 4 to 3' }]); // prettier-ignore
  });
});

describe('sources that come and go', () => {
  const both = (minutes: number, later = {}): object => ({
    sources: [soundSource(at(minutes)), soundSource(at(minutes), 'bot2', later)],
  });

  test('one that comes later counts from its beginning', () => {
    const whole = new Gate().look(0).look(15, both(15));
    expect(hours(whole, 15)).toBe(0.25);
    const lacking = new Gate().look(0).look(15, both(15, { storedEvents: 1_000 + 900 - 6 }));
    expect(standing(lacking)).toEqual(['delta_over_tolerance']);
  });

  test('one that is gone is a break as long as it is', () => {
    const gate = new Gate().look(0, both(0)).look(15, both(15)).look(30);
    expect(seen(gate, 30).standing).toMatchObject([
      {
        code: 'source_missing',
        source: 'bot2',
        measured: null,
        limit: null,
        text: 'bot2 was there and is not any more',
      },
    ]);
    expect(standing(gate.look(45))).toEqual(['source_missing']);
    expect(seen(gate.look(60, both(60)), 60)).toMatchObject({ standing: [], clockStartedAtMs: at(60) });
  });

  test('what it got meanwhile is looked at when it is back: the range begins where all were there', () => {
    const gate = new Gate().look(0, both(0)).look(15, both(15)).look(30, { sources: [soundSource(at(30), 'bot1', { missingCorrelation: 2 })] }); // prettier-ignore
    expect(gate.state.measuredToMs).toBe(at(15));
    const back = [
      soundSource(at(45), 'bot1', { missingCorrelation: 2 }),
      soundSource(at(45), 'bot2', { missingCorrelation: 1 }),
    ];
    gate.look(45, { sources: back });
    expect(gate.state.measuredToMs).toBe(at(45));
    expect(seen(gate, 45).checks.missing_correlation.measured).toBe(3);
    expect(seen(gate.look(60, both(60)), 60).checks.missing_correlation.measured).toBe(3);
  });

  test('a re-anchor forgets those that are gone', () => {
    const gate = new Gate().look(0, both(0)).tell(reanchored(10));
    expect(standing(gate.look(25))).toEqual([]);
    expect(gate.state.sources.map(({ source }) => source)).toEqual(['bot1']);
  });
});

describe('evaluations', () => {
  test('that fail stop the clock, and leave standing what stood', () => {
    const gate = gateAfter(15).lookAt(30, { newestEventAtMs: null });
    gate.tell({ kind: 'evaluationFailed', atMs: at(45), why: 'no database' });
    gate.tell({ kind: 'evaluationFailed', atMs: at(60), why: 'still no database' });
    expect(seen(gate, 60).standing).toMatchObject([
      { code: 'source_stale', sinceMs: at(30) },
      { code: 'evaluation_failed', source: null, sinceMs: at(45), text: 'the evaluation failed: still no database' },
    ]);
    expect(resets(gate)).toEqual(['source_stale', 'evaluation_failed']);
    expect(gate.state.evaluatedAtMs).toBe(at(30));
    expect(seen(gate.look(75), 75)).toMatchObject({ standing: [], clockStartedAtMs: at(75) });
    expect(resets(gate)).toHaveLength(2);
  });

  test('that fail take a GO back', () => {
    const gate = gateAfter(DAY).tell({ kind: 'evaluationFailed', atMs: at(DAY + 15), why: 'no database' });
    expect(seen(gate, DAY + 15)).toMatchObject({ go: false, hoursElapsed: 0, clockStartedAtMs: null });
  });

  test('that fail before the first good one leave the gate without a baseline', () => {
    const gate = new Gate().tell({ kind: 'evaluationFailed', atMs: at(0), why: 'x'.repeat(300) });
    expect(gate.state.baseline).toBeNull();
    expect(gate.state.standing[0]?.detail).toHaveLength(200);
    expect(seen(gate.look(15), 15)).toMatchObject({ baselineAtMs: at(15), standing: [] });
  });

  test('that are late break the time before them, and start the clock there and then', () => {
    const gate = gateAfter(60).look(80);
    expect(hours(gate, 80)).toBe(1.33333);
    gate.look(100 + 1 / 60_000);
    expect(gate.state).toMatchObject({ clockStartedAtMs: at(100) + 1, elapsedMs: 0, standing: [] });
    expect(seen(gate, 101).resets).toMatchObject([
      { code: 'late', source: null, measured: 1_200_001, limit: 1_200_000, text: '1200001 ms since the evaluation before, allowed 0 to 1200000' }, // prettier-ignore
    ]);
  });

  test('that are overdue make it NO-GO without anybody saying so', () => {
    const gate = gateAfter(DAY);
    expect(seen(gate, DAY + 20)).toMatchObject({ go: true, hoursElapsed: 24 });
    const status = statusOf(gate.state, at(DAY + 20) + 1);
    expect(status).toMatchObject({ go: false, hoursElapsed: 0, clockStartedAtMs: null, resets: [] });
    expect(status.checks.elapsed_window).toEqual({ pass: false, measured: 0, limit: 24 * HOUR_MS });
    expect(status.standing).toMatchObject([{ code: 'late', source: null, measured: 1_200_001, limit: 1_200_000, sinceMs: at(DAY + 20) }]); // prettier-ignore
  });

  test.each([
    ['from before the last evaluation', -1],
    ['that is no number', NaN],
    ['that never comes', Infinity],
  ])('asked at a time %s it says NO-GO', (_name, ms) => {
    const gate = gateAfter(DAY);
    const status = statusOf(gate.state, at(DAY) + ms);
    expect(status.go).toBe(false);
    expect(status.standing[0]?.measured).toBe(ms === -1 ? -1 : null);
    if (ms !== -1) expect(status.standing[0]?.text).toBe('the time of the question is unknown');
    expect(statusOf(gate.state, at(DAY)).go).toBe(true);
  });
});

describe('a pause', () => {
  const pause = { kind: 'paused', ...attributed(100) };
  const resume = (minutes: number): unknown => ({ kind: 'resumed', ...attributed(minutes) });

  test('holds the verdict and not the clock; the evaluation after the resume gives it', () => {
    const gate = gateAfter(90)
      .tell(pause)
      .lookOften(90, DAY + 15);
    expect(seen(gate, DAY + 15)).toMatchObject({
      go: false,
      hoursElapsed: 24.25,
      clockStartedAtMs: START_MS,
      paused: attributed(100),
    });
    expect(seen(gate, DAY + 15).checks.elapsed_window.pass).toBe(true);
    gate.tell(resume(DAY + 16));
    expect(seen(gate, DAY + 16)).toMatchObject({ go: false, paused: null });
    expect(gate.look(DAY + 30).state.go).toBe(true);
    expect(gate.state.resets).toEqual([]);
  });

  test('takes a GO back at once', () => {
    const gate = gateAfter(DAY).tell({ kind: 'paused', ...attributed(DAY + 1) });
    expect(gate.state.go).toBe(false);
    expect(gate.tell(resume(DAY + 2)).state.go).toBe(false);
  });

  test('stays with its first operator; a resume needs one', () => {
    const gate = gateAfter(90).tell(pause);
    const before = gate.state;
    gate.tell({ ...pause, operator: 'bob' });
    expect(gate.faults).toEqual([{ path: 'kind', rule: 'expected a gate that is not paused', value: '"paused"' }]);
    expect(gate.state).toEqual(before);
    gate.tell(resume(99));
    expect(gate.faults).toEqual([{ path: 'atMs', rule: `expected no earlier than ${at(100)}`, value: `${at(99)}` }]);
    expect(gate.tell(resume(100)).state.paused).toBeNull();
    gate.tell(resume(101));
    expect(gate.faults).toEqual([{ path: 'kind', rule: 'expected a paused gate', value: '"resumed"' }]);
  });

  test('outlasts a re-anchor', () => {
    const gate = gateAfter(90).tell(pause).tell(reanchored(101));
    expect(gate.state.paused).not.toBeNull();
    expect(gate.lookOften(101, 101 + DAY + 15).state.go).toBe(false);
  });
});

describe('a re-anchor', () => {
  test('is a baseline anew and gives back the old one; who did it and why is kept', () => {
    const gate = gateAfter(30).lookAt(45, { storedEvents: 1_700 });
    const { sources } = gate.state;
    gate.tell(reanchored(50));
    expect(gate.replaced).toEqual({ atMs: at(0), by: null, replacedAtMs: at(50), maxDeltaObserved: 2_000, sources });
    expect(seen(gate, 50)).toMatchObject({
      baselineAtMs: at(50),
      clockStartedAtMs: at(50),
      hoursElapsed: 0,
      max_delta_observed: 0,
    });
    expect(seen(gate, 50).resets.at(-1)).toMatchObject({ code: 'reanchored', source: null, atMs: at(50), text: 're-anchored by ada: a look at the disk' }); // prettier-ignore
    gate.tell(reanchored(60));
    expect(gate.replaced).toMatchObject({ atMs: at(50), by: { operator: 'ada', reason: 'a look at the disk' } });
  });

  test('resets the clock and takes a GO back', () => {
    const gate = gateAfter(DAY).tell(reanchored(DAY + 1));
    expect(gate.state).toMatchObject({ go: false, elapsedMs: 0 });
    expect(gate.lookOften(DAY + 1, 2 * DAY).state.go).toBe(false);
    expect(gate.look(2 * DAY + 1).state.go).toBe(true);
  });

  test('may be the first thing that happens', () => {
    const gate = new Gate().tell(reanchored(0));
    expect(gate.replaced).toBeNull();
    expect(gate.state.baseline).toEqual({ atMs: at(0), by: { operator: 'ada', reason: 'a look at the disk' } });
  });

  test('wants facts of now', () => {
    const gate = gateAfter(60);
    for (const [factsAt, eventAt] of [
      [59, 60],
      [61, 60],
      [60, 80.01],
    ] as const) {
      gate.tell({ ...(reanchored(eventAt) as object), facts: soundFacts(at(factsAt), at(factsAt)) });
      expect(gate.faults.map(({ path }) => path)).toEqual(['facts.atMs']);
      expect(gate.replaced).toBeNull();
    }
    gate.tell({ ...(reanchored(80) as object), facts: soundFacts(at(60), at(60)) });
    expect(gate.faults).toEqual([]);
  });
});

describe('a rehearsal', () => {
  const off = { clock: { ...soundFacts(at(15), at(15)).clock, venueMs: null } };

  test('is what clocks that disagreed make of everything, until a re-anchor', () => {
    const gate = new Gate().look(0).look(15, off).lookOften(15, DAY);
    expect(seen(gate, DAY)).toMatchObject({ go: true, rehearsal: ["the venue's time was not known, at 2028-02-28 22:32:03 UTC"] }); // prettier-ignore
    expect(seen(gate.tell(reanchored(DAY + 1)), DAY + 1).rehearsal).toEqual([]);
  });

  test('is what made-up facts make of everything, until a re-anchor with measured ones', () => {
    const gate = new Gate().look(0).look(15, { scenario: 'an-outage' }).look(30);
    expect(seen(gate, 30).rehearsal).toEqual(['the facts were made up by scenario an-outage']);
    gate.tell(reanchored(31, soundFacts(at(31), at(31), { scenario: 'another' })));
    expect(seen(gate, 31).rehearsal).toEqual(['the facts were made up by scenario another']);
    expect(seen(gate.tell(reanchored(32)), 32).rehearsal).toEqual([]);
  });

  test('counts in the time of the server where that skips, while the host stands still', () => {
    const still = (minutes: number, timeSkips: number): object => ({
      clock: {
        workflowMs: at(minutes),
        hostMs: START_MS,
        monotonicMs: 0,
        processId: 'p1',
        venueMs: START_MS,
        timeSkips,
      },
    });
    expect(hours(new Gate().look(0).look(15, still(15, 0)), 15)).toBe(0);
    const gate = new Gate().look(0).look(15, still(15, 1)).look(30, still(30, 1));
    expect(hours(gate, 30)).toBe(0.5);
    expect(seen(gate, 30).rehearsal.length).toBeGreaterThan(0);
    expect(hours(new Gate().look(0, { scenario: 'x' }).look(15, still(15, 0)), 15)).toBe(0.25);
  });

  test.each([
    ['windowMs', 86_399_999],
    ['intervalMs', 900_001],
    ['deltaTolerance', 6],
    ['silentMsMax', 300_001],
    ['lateMsMax', 1_200_001],
    ['clockToleranceMs', 5_001],
  ] as const)('is what a looser %s makes of it', (rule, value) => {
    const gate = new Gate(Day2Rules.parse({ [rule]: value })).look(0);
    const { [rule]: policy } = Day2Rules.parse({});
    expect(seen(gate, 0).rehearsal).toEqual([`rules.${rule} is ${value}, by policy ${policy}`]);
  });

  test('is not what stricter rules make of it', () => {
    const rules = Day2Rules.parse({ windowMs: 86_400_001, intervalMs: 1_000, deltaTolerance: 0, silentMsMax: 1_000, lateMsMax: 1_001, clockToleranceMs: 0 }); // prettier-ignore
    expect(seen(new Gate(rules).look(0), 0).rehearsal).toEqual([]);
  });

  test('of a shorter window may pass', () => {
    const gate = gateAfter(30, Day2Rules.parse({ windowMs: 30 * MINUTE_MS }));
    expect(seen(gate, 30)).toMatchObject({ go: true, rehearsal: ['rules.windowMs is 1800000, by policy 86400000'] });
  });
});

test('only the last resets are kept, those before them are counted', () => {
  const gate = new Gate().look(0);
  for (let turn = 1; turn <= RESETS_KEPT + 5; turn++) {
    gate.lookAt(
      turn * 30 - 15,
      turn <= 2 ? { newestEventAtMs: null } : { gaps: [{ fromSequence: turn, toSequence: turn }] },
    );
    gate.look(turn * 30);
  }
  expect(gate.state.resets).toHaveLength(RESETS_KEPT);
  expect(gate.state.resets[0]?.detail).toBe('from 6');
  expect(gate.state.resets.at(-1)?.detail).toBe('from 55');
  expect(gate.state.resetsBefore).toEqual([
    { code: 'gap', count: 3 },
    { code: 'source_stale', count: 2 },
  ]);
  expect(resets(gate).slice(0, 2)).toEqual(['gap', 'gap']);
});
