/** A window is elapsed time that nothing local can shorten (P27), and the same evidence gives the same verdict (P28). */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { reportOf } from '../../../core/gates/day2/report.ts';
import { Day2Rules } from '../../../core/gates/day2/rules.ts';
import { statusOf } from '../../../core/gates/day2/status.ts';
import type { IntegrityFacts } from '../../../core/gates/day2/facts.ts';
import { Gate, soundFacts, soundSource, START_MS } from './day2-run.ts';

const QUARTER_MS = 900_000;
const RULES = Day2Rules.parse({ windowMs: 4 * QUARTER_MS });

/** What somebody does to the machine between two evaluations; ms. */
interface Attack {
  /** By how much the real time between two evaluations is cut down. */
  readonly hurriedMs: number;
  readonly hostJumpMs: number;
  /** The server lives on the same host and its clock jumps, too. */
  readonly isServerSet: boolean;
  readonly skippedMs: number;
  readonly isRestarted: boolean;
  readonly isVenueAway: boolean;
  readonly pause: 'paused' | 'resumed' | null;
}

const jump = fc.oneof(fc.constant(0), fc.integer({ min: -QUARTER_MS, max: 4 * QUARTER_MS }), fc.integer({ min: -6_000, max: 6_000 })); // prettier-ignore
const rarely = fc.integer({ min: 0, max: 5 }).map((chance) => chance === 0);
const attacks = fc.array(
  fc.record<Attack>({
    hurriedMs: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: QUARTER_MS - 1 }) }), // prettier-ignore
    hostJumpMs: fc.tuple(rarely, jump).map(([isIt, ms]) => (isIt ? ms : 0)),
    isServerSet: fc.boolean(),
    skippedMs: fc.tuple(rarely, rarely).map(([one, other]) => (one && other ? QUARTER_MS : 0)),
    isRestarted: rarely,
    isVenueAway: rarely,
    pause: fc.constantFrom(null, null, null, 'paused' as const, 'resumed' as const),
  }),
  { minLength: 6, maxLength: 16 },
);

test('clock jumps, restarts, pauses and skips: no GO before its time has really passed, but in a rehearsal that skipped', () => {
  const met = { go: 0, clean: 0, rehearsal: 0, skipped: 0 };
  fc.assert(
    fc.property(attacks, (all) => {
      const gate = new Gate(RULES);
      let [realMs, hostAheadMs, serverAheadMs, bootMs, boots, skips] = [0, 0, 0, -7, 0, 0];
      /** Real times at which the gate was evaluated, by the workflow's. */
      const realAt = new Map<number, number>();
      const evaluate = (isVenueAway: boolean): void => {
        const workflowMs = START_MS + realMs + serverAheadMs;
        const clock = {
          workflowMs,
          hostMs: START_MS + realMs + hostAheadMs,
          monotonicMs: realMs - bootMs,
          processId: `p${boots}`,
          venueMs: isVenueAway ? null : START_MS + realMs,
          timeSkips: skips,
        };
        const sources = [soundSource(START_MS + realMs, 'bot1', { newestEventAtMs: workflowMs })];
        gate.tell({
          kind: 'evaluated',
          facts: { fromMs: gate.state.measuredToMs ?? workflowMs, atMs: workflowMs, clock, sources },
        });
        // Refused facts are worth a failure.
        if (gate.faults.length > 0)
          gate.tell({ kind: 'evaluationFailed', atMs: Math.max(workflowMs, gate.state.attemptedAtMs ?? 0), why: 'refused' }); // prettier-ignore
        else realAt.set(workflowMs, realMs);
        const { go, clockStartedAtMs, rehearsal, checks } = statusOf(gate.state, workflowMs);
        const passedMs = clockStartedAtMs === null ? 0 : realMs - realAt.get(clockStartedAtMs)!;
        const isSkipped = rehearsal.some((text) => text.startsWith('the server skipped'));
        if (!isSkipped && checks.elapsed_window.measured! > passedMs) throw new Error(`${checks.elapsed_window.measured} ms counted of ${passedMs}`); // prettier-ignore
        if (go && !isSkipped && passedMs < RULES.windowMs) throw new Error(`GO after ${passedMs} ms`);
        if (skips > 0 && !isSkipped) throw new Error('a skip was forgotten');
        if (go) met.go += 1;
        if (go && rehearsal.length === 1) met.clean += 1;
        if (go && rehearsal.length > 1) met.rehearsal += 1;
        if (isSkipped) met.skipped += 1;
      };
      evaluate(false);
      for (const { hurriedMs, hostJumpMs, isServerSet, skippedMs, isRestarted, isVenueAway, pause } of all) {
        realMs += QUARTER_MS - hurriedMs;
        hostAheadMs += hostJumpMs;
        serverAheadMs += (isServerSet ? hostJumpMs : 0) + skippedMs;
        if (skippedMs > 0) skips += 1;
        if (isRestarted) {
          bootMs = realMs - 3;
          boots += 1;
        }
        if (pause !== null)
          gate.tell({ kind: pause, atMs: START_MS + realMs + serverAheadMs, operator: 'ada', reason: 'a try' });
        evaluate(isVenueAway);
      }
    }),
    { numRuns: 2_000 },
  );
  // Each end was met, or the law says nothing.
  for (const times of Object.values(met)) expect(times).toBeGreaterThan(0);
});

test('a restart of everything costs no time: state through JSON, another process, and the window goes on', () => {
  const gate = new Gate(RULES);
  for (let quarter = 0; quarter <= 4; quarter++) {
    const atMs = START_MS + quarter * QUARTER_MS;
    const facts = soundFacts(gate.state.measuredToMs ?? atMs, atMs);
    gate.tell({
      kind: 'evaluated',
      facts: { ...facts, clock: { ...facts.clock, monotonicMs: quarter, processId: `p${quarter}` } },
    });
  }
  expect(statusOf(gate.state, START_MS + 4 * QUARTER_MS)).toMatchObject({ go: true, rehearsal: ['rules.windowMs is 3600000, by policy 86400000'] }); // prettier-ignore
});

const troubled = fc.array(
  fc.record({
    lost: fc.integer({ min: 0, max: 9 }),
    silent: fc.boolean(),
    gaps: fc.uniqueArray(fc.integer({ min: 1, max: 900 }), { maxLength: 4 }),
    isFailed: rarely,
  }),
  { minLength: 1, maxLength: 8 },
);

test('the same evidence gives the same verdict to the byte, in whatever order it is listed and wherever it is judged', () => {
  const zone = process.env['TZ'];
  const said = (
    all: readonly (typeof troubled extends fc.Arbitrary<infer T> ? T : never)[0][],
    isShuffled: boolean,
  ): string => {
    const turn = <T>(list: readonly T[]): T[] => (isShuffled ? [...list].reverse() : [...list]);
    const shuffled = <T extends object>(one: T): T => Object.fromEntries(turn(Object.entries(one))) as T;
    const gate = new Gate(RULES);
    let atMs = START_MS;
    for (const { lost, silent, gaps, isFailed } of all) {
      atMs += QUARTER_MS;
      const sources: IntegrityFacts['sources'] = ['bot10', 'bot2', 'desk'].map((source) =>
        shuffled(
          soundSource(atMs, source, {
            storedEvents: soundSource(atMs).storedEvents - (source === 'bot2' ? lost : 0),
            newestEventAtMs: silent && source === 'desk' ? null : atMs,
            gaps: source === 'bot10' ? turn(gaps).map((one) => shuffled({ fromSequence: one, toSequence: one })) : [],
          }),
        ),
      );
      const facts = soundFacts(gate.state.measuredToMs ?? atMs, atMs, { sources: turn(sources) });
      gate.tell(isFailed ? { kind: 'evaluationFailed', atMs, why: 'no database' } : shuffled({ kind: 'evaluated', facts: shuffled(facts) })); // prettier-ignore
    }
    return JSON.stringify([gate.state, reportOf(gate.state, atMs)]);
  };
  try {
    fc.assert(
      fc.property(
        troubled,
        fc.constantFrom('Pacific/Kiritimati', 'America/St_Johns', 'Asia/Kathmandu'),
        (all, other) => {
          process.env['TZ'] = 'UTC';
          const once = said(all, false);
          process.env['TZ'] = other;
          expect(said(all, true)).toBe(once);
        },
      ),
      { numRuns: 500 },
    );
  } finally {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  }
});
