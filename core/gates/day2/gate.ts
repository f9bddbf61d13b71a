/**
 * The Day-2 gate: are the event store's events since its baseline complete, for a window without a break?
 *
 *   no baseline -- first facts --> counting <-- break / good facts --> stopped        re-anchor: a baseline anew, from any
 *
 * - Time counts from one good measurement to the next, and only as much of it as all clocks saw pass. A break takes all of it
 *   back; the clock starts anew at the first good measurement after it. A measurement that comes late is itself good: it is
 *   the time before it that nobody vouches for, so the clock starts anew there and then.
 * - What is missing and comes later costs the clock. What is lost, and events without a correlation id (the store is
 *   append-only, so they stay), keep the gate at NO-GO until a person re-anchors.
 * - GO is given by an evaluation and by nothing else. Resuming a paused gate therefore is no GO yet: the next evaluation is.
 *   NO-GO needs nobody: a pause, a failure, or silence (`statusOf`) is enough.
 * - Ranges join without a hole: facts begin where the last complete ones ended (`measuredToMs`). While a known source is missing that
 *   does not move on, so what it got meanwhile is looked at when it is back.
 * - Where the server skips time, or a scenario makes the facts up, the host's clocks have no part in it and the server's time
 *   counts alone. Either makes everything a rehearsal, until a re-anchor or, since a history keeps its skips, for good.
 *
 * Measurements must come one after the other: facts from before the last ones are refused.
 */
import { assertNever } from '../../invariant.ts';
import { faultsOf, showValue, type Fault } from '../../faults.ts';
import { applyClocks, beginAgreement, provenMs } from '../clock-agreement.ts';
import { Day2Event, SOURCES_MAX, type IntegrityFacts } from './facts.ts';
import { judge, judgeBaseline } from './judge.ts';
import {
  RESETS_KEPT,
  type Attribution,
  type Baseline,
  type Day2State,
  type Finding,
  type KnownSource,
} from './state.ts';
import { checksOf } from './status.ts';

/** What a re-anchor did away with: evidence, to be written down. */
export interface ReplacedBaseline extends Baseline {
  readonly replacedAtMs: number;
  readonly maxDeltaObserved: number;
  readonly sources: readonly KnownSource[];
}

export interface Step {
  readonly state: Day2State;
  /** Why the event was refused; the state is what it was. Facts that are refused are worth an `evaluationFailed`. */
  readonly faults: readonly Fault[];
  readonly replaced: ReplacedBaseline | null;
}

const WHY_LENGTH_MAX = 200;

/** Anything may come as an event; what is none, or comes in the wrong order, is refused. */
export function step(state: Day2State, raw: unknown): Step {
  const parsed = Day2Event.safeParse(raw);
  if (!parsed.success) return refused(state, faultsOf(parsed.error, raw));
  const event = parsed.data;
  switch (event.kind) {
    case 'evaluated': {
      const faults = orderFaults(state, event.facts);
      return faults.length > 0 ? refused(state, faults) : done(evaluated(state, event.facts));
    }
    case 'evaluationFailed': {
      if (event.atMs < (state.attemptedAtMs ?? 0)) {
        return refused(state, [fault('atMs', `expected no earlier than ${state.attemptedAtMs}`, event.atMs)]);
      }
      return done(failed(state, event.atMs, event.why));
    }
    case 'paused': {
      const { atMs, operator, reason } = event;
      if (state.paused !== null)
        return refused(state, [fault('kind', 'expected a gate that is not paused', event.kind)]);
      return done({ ...state, paused: { atMs, operator, reason }, go: false });
    }
    case 'resumed': {
      if (state.paused === null) return refused(state, [fault('kind', 'expected a paused gate', event.kind)]);
      if (event.atMs < state.paused.atMs) {
        return refused(state, [fault('atMs', `expected no earlier than ${state.paused.atMs}`, event.atMs)]);
      }
      return done({ ...state, paused: null });
    }
    case 'reanchored': {
      const { atMs, operator, reason, facts } = event;
      const faults = anchorFaults(state, atMs, facts);
      if (faults.length > 0) return refused(state, faults);
      return { state: anchored(state, facts, { operator, reason }), faults: [], replaced: replacedBy(state, atMs) };
    }
    default:
      return assertNever(event);
  }
}

function refused(state: Day2State, faults: readonly Fault[]): Step {
  return { state, faults, replaced: null };
}

function done(state: Day2State): Step {
  return { state, faults: [], replaced: null };
}

function fault(path: string, rule: string, value: unknown): Fault {
  return { path, rule, value: showValue(value) };
}

function orderFaults(state: Day2State, { fromMs, atMs, sources }: IntegrityFacts): Fault[] {
  const { attemptedAtMs, evaluatedAtMs, measuredToMs } = state;
  const faults: Fault[] = [];
  const earliestMs = Math.max(attemptedAtMs ?? 0, (evaluatedAtMs ?? -1) + 1);
  if (atMs < earliestMs) faults.push(fault('facts.atMs', `expected no earlier than ${earliestMs}`, atMs));
  if (measuredToMs !== null && fromMs !== measuredToMs) {
    faults.push(fault('facts.fromMs', `expected ${measuredToMs}, where the last range ended`, fromMs));
  }
  const names = new Set([...state.sources, ...sources].map(({ source }) => source));
  if (names.size > SOURCES_MAX) {
    faults.push(fault('facts.sources', `expected at most ${SOURCES_MAX} since the baseline`, names.size));
  }
  return faults;
}

/** A baseline of facts from long ago would begin with a delta. */
function anchorFaults({ attemptedAtMs, rules }: Day2State, atMs: number, facts: IntegrityFacts): Fault[] {
  const earliestMs = Math.max(attemptedAtMs ?? 0, atMs - rules.lateMsMax);
  if (facts.atMs >= earliestMs && facts.atMs <= atMs) return [];
  return [fault('facts.atMs', `expected ${earliestMs} to ${atMs}`, facts.atMs)];
}

function evaluated(state: Day2State, facts: IntegrityFacts): Day2State {
  const { rules, attemptedAtMs, measuredToMs, clocks } = state;
  if (clocks === null || attemptedAtMs === null) return anchored(state, facts, null);
  const { atMs } = facts;
  const { sources, breaks, isWhole } = judge(facts, state.sources, rules);
  const sinceMs = atMs - attemptedAtMs;
  const late: Finding = { code: 'late', source: null, measured: sinceMs, limit: rules.lateMsMax, detail: null };
  const joined = sinceMs > rules.lateMsMax ? stopped(withReset(state, atMs, late)) : state;
  const measured: Day2State = {
    ...joined,
    sources,
    maxDeltaObserved: sources.reduce((most, { delta }) => Math.max(most, delta), state.maxDeltaObserved),
    measuredToMs: isWhole ? atMs : measuredToMs,
    attemptedAtMs: atMs,
    evaluatedAtMs: atMs,
    clocks: applyClocks(clocks, facts.clock, rules.clockToleranceMs),
    scenario: state.scenario ?? facts.scenario ?? null,
  };
  return judged(measured, atMs, breaks, elapsedSince(clocks.last, measured));
}

/** From the reading before the last one to the last one. */
function elapsedSince(before: IntegrityFacts['clock'], { clocks, scenario }: Day2State): number {
  if (clocks === null) return 0;
  const isSkipping = clocks.disagreements.some(({ code }) => code === 'time_skipped');
  return isSkipping || scenario !== null ? clocks.last.workflowMs - before.workflowMs : provenMs(before, clocks.last);
}

function anchored(state: Day2State, facts: IntegrityFacts, by: Attribution | null): Day2State {
  const { rules } = state;
  const { atMs } = facts;
  const { sources, breaks } = judgeBaseline(facts, rules);
  const anew: Day2State = {
    ...(by === null ? state : withReset(state, atMs, reanchor(by))),
    baseline: { atMs, by },
    sources,
    maxDeltaObserved: 0,
    measuredToMs: atMs,
    attemptedAtMs: atMs,
    evaluatedAtMs: atMs,
    clocks: beginAgreement(facts.clock, rules.clockToleranceMs),
    scenario: facts.scenario ?? null,
  };
  return judged(stopped(anew), atMs, breaks, 0);
}

function reanchor({ operator, reason }: Attribution): Finding {
  return { code: 'reanchored', source: null, measured: null, limit: null, detail: `${operator}: ${reason}` };
}

function replacedBy({ baseline, maxDeltaObserved, sources }: Day2State, replacedAtMs: number): ReplacedBaseline | null {
  return baseline === null ? null : { ...baseline, replacedAtMs, maxDeltaObserved, sources };
}

/** What was broken before still is, as far as anybody knows. */
function failed(state: Day2State, atMs: number, why: string): Day2State {
  const others = state.standing.filter(({ code }) => code !== 'evaluation_failed');
  const detail = why.slice(0, WHY_LENGTH_MAX);
  const failure: Finding = { code: 'evaluation_failed', source: null, measured: null, limit: null, detail };
  return judged({ ...state, attemptedAtMs: atMs }, atMs, [...others, failure], 0);
}

/** Takes the breaks of an evaluation over: the clock stops, starts or goes on, and the verdict is given. */
function judged(state: Day2State, atMs: number, breaks: readonly Finding[], elapsedMs: number): Day2State {
  const isStanding = (one: Finding): number | undefined =>
    state.standing.find(({ code, source }) => code === one.code && source === one.source)?.sinceMs;
  const begun = breaks.filter((one) => isStanding(one) === undefined);
  const standing = breaks.map(({ code, source, measured, limit, detail }, at) => {
    const sinceMs = isStanding(breaks[at]!) ?? atMs;
    return { code, source, measured, limit, detail, sinceMs };
  });
  const next = { ...begun.reduce((all, one) => withReset(all, atMs, one), state), standing };
  if (breaks.length > 0) return stopped(next);
  if (next.clockStartedAtMs === null) return { ...next, clockStartedAtMs: atMs, elapsedMs: 0, go: false };
  const counted = { ...next, elapsedMs: next.elapsedMs + elapsedMs };
  const { elapsed_window, missing_correlation, delta_since_baseline_tolerance } = checksOf(counted);
  const isPassed = elapsed_window.pass && missing_correlation.pass && delta_since_baseline_tolerance.pass;
  return { ...counted, go: isPassed && state.paused === null };
}

function stopped(state: Day2State): Day2State {
  return { ...state, clockStartedAtMs: null, elapsedMs: 0, go: false };
}

function withReset(state: Day2State, atMs: number, { code, source, measured, limit, detail }: Finding): Day2State {
  const resets = [...state.resets, { code, source, measured, limit, detail, atMs }];
  const oldest = resets[0];
  if (resets.length <= RESETS_KEPT || oldest === undefined) return { ...state, resets };
  const before = state.resetsBefore.find((one) => one.code === oldest.code)?.count ?? 0;
  const others = state.resetsBefore.filter((one) => one.code !== oldest.code);
  const resetsBefore = [...others, { code: oldest.code, count: before + 1 }].sort((a, b) => (a.code < b.code ? -1 : 1));
  return { ...state, resets: resets.slice(1), resetsBefore };
}
