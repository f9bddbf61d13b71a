/** Evidence that is worth nothing (P26) earns nothing, whatever is wrong with it. */
import { describe, expect, test } from '@jest/globals';
import { GAPS_LISTED_MAX, IntegrityFacts, SOURCES_MAX } from '../../../core/gates/day2/facts.ts';
import { step } from '../../../core/gates/day2/gate.ts';
import { Day2Rules } from '../../../core/gates/day2/rules.ts';
import { statusOf } from '../../../core/gates/day2/status.ts';
import { takes } from '../schemas.ts';
import { Gate, gateAfter, MINUTE_MS, soundFacts, soundSource, START_MS } from './day2-run.ts';

const at = (minutes: number): number => START_MS + minutes * MINUTE_MS;
/** The evaluation that makes it a GO, where it is good. */
const LAST = 1_440;
const gate = gateAfter(LAST - 15);
const facts = soundFacts(at(LAST - 15), at(LAST));
facts.sources[0]!.gaps = [];

/** `root` with something else at `path`; undefined takes the field out. */
function mutated(root: unknown, [key, ...rest]: readonly (string | number)[], value: unknown): unknown {
  const copy = (Array.isArray(root) ? [...(root as unknown[])] : { ...(root as object) }) as Record<
    string | number,
    unknown
  >;
  if (rest.length > 0) copy[key!] = mutated(copy[key!], rest, value);
  else if (value === undefined) delete copy[key!];
  else copy[key!] = value;
  return copy;
}

/** Whether it earns a GO that is worth something. */
function earns(changed: unknown): boolean {
  const { state, faults } = step(gate.state, { kind: 'evaluated', facts: changed });
  if (faults.length > 0) expect(state).toBe(gate.state);
  const { go, rehearsal } = statusOf(state, at(LAST));
  return go && rehearsal.length === 0;
}

test('good evidence earns a GO', () => expect(earns(facts)).toBe(true));

const WORTHLESS = [undefined, null, NaN, Infinity, -1, 0.5, '5', true, [], {}, 1e300, -Infinity, '__proto__'];

describe('no GO on evidence with another', () => {
  test.each([
    ['fromMs'],
    ['atMs'],
    ['sources'],
    ['clock'],
    ['clock', 'workflowMs'],
    ['clock', 'hostMs'],
    ['clock', 'monotonicMs'],
    ['clock', 'venueMs'],
    ['clock', 'timeSkips'],
    ['sources', 0],
    ['sources', 0, 'journalSequence'],
    ['sources', 0, 'storedEvents'],
    ['sources', 0, 'acceptedLoss'],
    ['sources', 0, 'missingCorrelation'],
    ['sources', 0, 'newestEventAtMs'],
  ] as (string | number)[][])('%s %s %s', (...path) => {
    const taken = WORTHLESS.filter((value) =>
      earns(
        mutated(
          facts,
          path.filter((one) => one !== undefined),
          value,
        ),
      ),
    );
    expect(taken).toEqual([]);
  });

  test.each([
    [
      'source',
      ['sources', 0, 'source'],
      [undefined, null, 5, '', 'Bot1', 'x'.repeat(65), 'bot 1', '__proto__', 'bot2', '-'],
    ],
    ['list of gaps', ['sources', 0, 'gaps'], [undefined, null, 5, {}, [5], [{}], [{ fromSequence: 1 }], [{ fromSequence: 3, toSequence: 2 }], [{ fromSequence: 3, toSequence: 3 }], [{ fromSequence: 3, toSequence: 1e9 }]]], // prettier-ignore
    ['process', ['clock', 'processId'], [undefined, null, 5, '', [], 'x'.repeat(129)]],
    ['scenario', ['scenario'], [null, 5, '', [], 'x', 'x'.repeat(65)]],
    ['field of its own', ['evidence'], [1, 'forged']],
    ['field in a source', ['sources', 0, 'verdict'], [1, 'pass']],
    ['field in the clocks', ['clock', 'trusted'], [true]],
  ] as const)('%s', (_name, path, values) => {
    expect(values.filter((value) => earns(mutated(facts, path, value)))).toEqual([]);
  });

  test('event: what is none is refused', () => {
    for (const event of [
      null,
      undefined,
      5,
      'evaluated',
      [],
      {},
      { kind: 'go' },
      { kind: 'evaluated' },
      { kind: 'evaluated', facts, go: true },
    ]) {
      // prettier-ignore
      const { state, faults } = step(gate.state, event);
      expect(state).toBe(gate.state);
      expect(faults.length).toBeGreaterThan(0);
    }
  });

  test('time: stale, future, of another range, or told twice', () => {
    const stale = (fromMs: number, atMs: number): unknown => soundFacts(fromMs, atMs);
    expect(earns(stale(at(LAST - 15), at(LAST - 15)))).toBe(false);
    expect(earns(stale(at(LAST - 15), at(LAST - 14)))).toBe(false);
    expect(earns(stale(at(LAST - 30), at(LAST)))).toBe(false);
    expect(earns(stale(at(LAST - 15) + 1, at(LAST)))).toBe(false);
    expect(earns(stale(at(LAST - 15), at(LAST + 60)))).toBe(false);
    expect(earns(stale(at(LAST) + 1, at(LAST)))).toBe(false);
  });
});

test('a fault names path, rule and value', () => {
  const told = (change: unknown): string[] =>
    step(gate.state, { kind: 'evaluated', facts: change }).faults.map(
      ({ path, rule, value }) => `${path}: ${rule}, was ${value}`,
    );
  expect(told(mutated(facts, ['sources', 0, 'storedEvents'], -4))).toEqual([
    'facts.sources[0].storedEvents: expected at least 0, was -4',
  ]);
  expect(told(soundFacts(at(LAST - 30), at(LAST - 15)))).toEqual([
    `facts.atMs: expected no earlier than ${at(LAST - 15) + 1}, was ${at(LAST - 15)}`,
    `facts.fromMs: expected ${at(LAST - 15)}, where the last range ended, was ${at(LAST - 30)}`,
  ]);
  expect(told(mutated(facts, ['clock', 'workflowMs'], 5))).toEqual(['facts.clock.workflowMs: expected atMs, was 5']);
  expect(told(mutated(facts, ['fromMs'], at(LAST) + 1))).toEqual([
    `facts.fromMs: expected no later than atMs, was ${at(LAST) + 1}`,
  ]);
  expect(told(mutated(facts, ['sources'], [facts.sources[0], facts.sources[0]]))[0]).toMatch(
    /^facts\.sources: expected each source once, /,
  );
  expect(told(mutated(facts, ['sources', 0, 'gaps'], [{ fromSequence: 3, toSequence: 2 }]))).toEqual([
    'facts.sources[0].gaps[0].toSequence: expected no less than fromSequence, was 2',
  ]);
  expect(told(mutated(facts, ['sources', 0, 'gaps'], [{ fromSequence: 3, toSequence: 1e9 }]))[0]).toMatch(/^facts\.sources\[0\]\.gaps: expected gaps up to journalSequence, /); // prettier-ignore
  expect(told(mutated(facts, ['sources', 0, 'source'], 'a b'))[0]).toMatch(
    /^facts\.sources\[0\]\.source: expected a source of 1 to 64 /,
  );
});

test('a failure from before the last evaluation is refused; one at its time is not', () => {
  const { state, faults } = step(gate.state, { kind: 'evaluationFailed', atMs: at(LAST - 15) - 1, why: 'no database' });
  expect(state).toBe(gate.state);
  expect(faults).toEqual([
    { path: 'atMs', rule: `expected no earlier than ${at(LAST - 15)}`, value: `${at(LAST - 15) - 1}` },
  ]);
  expect(step(gate.state, { kind: 'evaluationFailed', atMs: at(LAST - 15), why: '' }).faults).toEqual([]);
});

test('facts from before a failure are refused, those of its time are not', () => {
  const after = gateAfter(15).tell({ kind: 'evaluationFailed', atMs: at(30), why: 'no database' });
  expect(after.look(29.99).faults).toHaveLength(1);
  expect(after.look(30).faults).toEqual([]);
  const first = new Gate().tell({ kind: 'evaluationFailed', atMs: at(30), why: 'no database' });
  expect(first.look(29.99).faults).toHaveLength(1);
});

test('a range of no length is one', () => {
  expect(takes(IntegrityFacts, soundFacts(at(1), at(1)))).toBe(true);
});

test('what operators do needs a name and a reason', () => {
  for (const kind of ['paused', 'reanchored']) {
    const told = (operator: string, reason: string): number =>
      step(gate.state, { kind, atMs: at(LAST - 15), operator, reason, ...(kind === 'paused' ? {} : { facts: soundFacts(0, at(LAST - 15)) }) }).faults.length; // prettier-ignore
    expect(told('a', 'b')).toBe(0);
    expect(told('a'.repeat(64), 'b'.repeat(500))).toBe(0);
    for (const [operator, reason] of [['', 'b'], ['a', ''], ['a'.repeat(65), 'b'], ['a', 'b'.repeat(501)]] as const) expect(told(operator, reason)).toBe(1); // prettier-ignore
  }
});

test('a list has an end', () => {
  const many = (count: number, from = 0): object => ({
    sources: Array.from({ length: count }, (_, one) => soundSource(at(0), `s${from + one}`)),
  });
  expect(takes(IntegrityFacts, soundFacts(at(0), at(0), many(SOURCES_MAX)))).toBe(true);
  expect(takes(IntegrityFacts, soundFacts(at(0), at(0), many(SOURCES_MAX + 1)))).toBe(false);
  const full = new Gate().look(0, many(SOURCES_MAX));
  expect(full.look(15, many(1)).faults).toEqual([]);
  full.look(30, many(1, SOURCES_MAX));
  expect(full.faults).toEqual([{ path: 'facts.sources', rule: `expected at most ${SOURCES_MAX} since the baseline`, value: `${SOURCES_MAX + 1}` }]); // prettier-ignore
  const gaps = (count: number): object => ({ sources: [soundSource(at(0), 'bot1', { gaps: Array.from({ length: count }, () => ({ fromSequence: 1, toSequence: 1 })) })] }); // prettier-ignore
  expect(takes(IntegrityFacts, soundFacts(at(0), at(0), gaps(GAPS_LISTED_MAX)))).toBe(true);
  expect(takes(IntegrityFacts, soundFacts(at(0), at(0), gaps(GAPS_LISTED_MAX + 1)))).toBe(false);
});

test('rules are whole numbers within bounds, and an evaluation is not late before its time', () => {
  expect(Day2Rules.parse({})).toEqual({
    windowMs: 86_400_000,
    intervalMs: 900_000,
    deltaTolerance: 5,
    silentMsMax: 300_000,
    lateMsMax: 1_200_000,
    clockToleranceMs: 5_000,
  });
  expect(takes(Day2Rules, { windowMs: 31 * 86_400_000 })).toBe(true);
  expect(takes(Day2Rules, { windowMs: 31 * 86_400_000 + 1 })).toBe(false);
  expect(takes(Day2Rules, { intervalMs: 1_199_999 })).toBe(true);
  const late = Day2Rules.safeParse({ intervalMs: 1_200_000 });
  expect(late.error?.issues.map(({ path, message }) => [path, message])).toEqual([
    [['lateMsMax'], 'expected more than intervalMs'],
  ]);
  for (const rule of ['windowMs', 'intervalMs', 'silentMsMax', 'lateMsMax']) {
    for (const value of [0, 999, 1.5, NaN, -1, '5', 1e12]) expect(takes(Day2Rules, { [rule]: value })).toBe(false);
  }
  for (const rule of ['deltaTolerance', 'clockToleranceMs']) for (const value of [-1, 0.5, NaN]) expect(takes(Day2Rules, { [rule]: value })).toBe(false); // prettier-ignore
  expect(takes(Day2Rules, { window: 5 })).toBe(false);
});
