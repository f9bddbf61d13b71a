/** The Day-2 gate as others see it at some moment: what it says, by which checks, and why the clock stands where it does. */
import { assertNever } from '../../invariant.ts';
import { disagreementText } from '../clock-agreement.ts';
import { looserThanPolicy } from './rules.ts';
import type { Day2State, Finding, Hold, Reset, Standing } from './state.ts';

export interface Check {
  readonly pass: boolean;
  /** Milliseconds of time, or a count of events; null before anything was measured. */
  readonly measured: number | null;
  readonly limit: number;
}

export interface Checks {
  readonly elapsed_window: Check;
  readonly missing_correlation: Check;
  readonly delta_since_baseline_tolerance: Check;
}

type Told<T> = T & { readonly text: string };

export interface Day2Status {
  readonly go: boolean;
  readonly checks: Checks;
  /** Largest delta of any source since the baseline, healed or not. */
  readonly max_delta_observed: number;
  readonly baselineAtMs: number | null;
  /** As the last evaluation found it, rounded down: time that nobody has looked at does not count yet. */
  readonly hoursElapsed: number;
  /** Null while the clock stands still. */
  readonly clockStartedAtMs: number | null;
  /** Why it stands still. */
  readonly standing: readonly Told<Standing>[];
  /** Why it was reset, oldest first; those before them only counted. */
  readonly resets: readonly Told<Reset>[];
  readonly resetsBefore: Day2State['resetsBefore'];
  readonly paused: Hold | null;
  /** Why this is a rehearsal, if it is one: nothing with a reason here earns anything. */
  readonly rehearsal: readonly string[];
  readonly lastEvaluatedAtMs: number | null;
}

export function checksOf({ rules, baseline, elapsedMs, sources }: Day2State): Checks {
  const missing = sources.reduce((sum, { missingCorrelation }) => sum + missingCorrelation, 0);
  const deltaMax = sources.reduce((most, { delta }) => Math.max(most, delta), 0);
  const { windowMs, deltaTolerance } = rules;
  const isMeasured = baseline !== null;
  const check = (measured: number, limit: number, isPassed: boolean): Check => ({
    pass: isMeasured && isPassed,
    measured: isMeasured ? measured : null,
    limit,
  });
  return {
    elapsed_window: check(elapsedMs, windowMs, elapsedMs >= windowMs),
    missing_correlation: check(missing, 0, missing === 0),
    delta_since_baseline_tolerance: check(deltaMax, deltaTolerance, deltaMax <= deltaTolerance),
  };
}

/** Why nothing that this gate says may earn anything real. */
export function rehearsalOf({ rules, clocks, scenario }: Day2State): string[] {
  return [
    ...looserThanPolicy(rules).map(({ rule, value, policy }) => `rules.${rule} is ${value}, by policy ${policy}`),
    ...(scenario === null ? [] : [`the facts were made up by scenario ${scenario}`]),
    ...(clocks?.disagreements ?? []).map((one) => `${disagreementText(one)}, at ${exactInstant(one.atMs)}`),
  ];
}

/**
 * Between evaluations nothing gets better: an evaluation that is overdue has broken continuity, whatever it will find, and so
 * has a `nowMs` from before the last one.
 */
export function statusOf(state: Day2State, nowMs: number): Day2Status {
  const seen = overdue(state, nowMs);
  return {
    go: seen.go,
    checks: checksOf(seen),
    max_delta_observed: seen.maxDeltaObserved,
    baselineAtMs: seen.baseline?.atMs ?? null,
    hoursElapsed: Math.floor(seen.elapsedMs / 36) / 100_000,
    clockStartedAtMs: seen.clockStartedAtMs,
    standing: seen.standing.map((one) => ({ ...one, text: findingText(one) })),
    resets: seen.resets.map((one) => ({ ...one, text: findingText(one) })),
    resetsBefore: seen.resetsBefore,
    paused: seen.paused,
    rehearsal: rehearsalOf(seen),
    lastEvaluatedAtMs: seen.evaluatedAtMs,
  };
}

function overdue(state: Day2State, nowMs: number): Day2State {
  const { attemptedAtMs, rules } = state;
  if (attemptedAtMs === null) return state;
  const sinceMs = nowMs - attemptedAtMs;
  if (sinceMs >= 0 && sinceMs <= rules.lateMsMax) return state;
  const late: Standing = {
    code: 'late',
    source: null,
    measured: Number.isFinite(sinceMs) ? sinceMs : null,
    limit: rules.lateMsMax,
    detail: null,
    sinceMs: attemptedAtMs + rules.lateMsMax,
  };
  return { ...state, go: false, clockStartedAtMs: null, elapsedMs: 0, standing: [...state.standing, late] };
}

export function findingText({ code, source, measured, limit, detail }: Finding): string {
  switch (code) {
    case 'no_sources':
      return 'nothing was measured: there was no source';
    case 'source_missing':
      return `${source} was there and is not any more`;
    case 'source_stale':
      return measured === null
        ? `${source} has no event at all`
        : `${source} had no event for ${measured} ms, allowed ${limit}`;
    case 'event_ahead':
      return `${source} has an event ${measured} ms ahead of its time, allowed ${limit}`;
    case 'journal_backwards':
      return `${source}: its journal fell back from event ${limit} to ${measured}`;
    case 'store_backwards':
      return `${source}: the store fell back from ${limit} events to ${measured}`;
    case 'loss_backwards':
      return `${source}: accepted losses fell back from ${limit} to ${measured}`;
    case 'gap':
      return `${source}: ${measured} events are missing in the store, ${detail}`;
    case 'missing_correlation':
      return `${source}: ${measured} events without a correlation id since the baseline`;
    case 'delta_over_tolerance':
      return `${source}: journal and store are ${measured} events apart since the baseline, allowed ${limit}`;
    case 'evaluation_failed':
      return `the evaluation failed: ${detail}`;
    case 'late':
      return measured === null
        ? 'the time of the question is unknown'
        : `${measured} ms since the evaluation before, allowed 0 to ${limit}`;
    case 'reanchored':
      return `re-anchored by ${detail}`;
    default:
      return assertNever(code);
  }
}

/** To the second, UTC. */
export function exactInstant(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
