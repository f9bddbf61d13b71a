/**
 * What one measurement says of the sources: how far each is from its baseline, and what is broken.
 *
 * A source's delta is what its journal got since the baseline less what the store got or an operator accepted as lost, without
 * its sign: too many rows are as wrong as too few. So a delay costs the clock until the store has caught up, while what is
 * lost for good keeps the delta where it is, and the gate at NO-GO, until somebody re-anchors. A baseline taken in the middle
 * of a delay is a bad one for the same reason: once the store has caught up it has more than the baseline explains.
 *
 * Counts are held against the highest ever seen, not against the last ones: a journal or a store that fell back has lost what
 * it had, until it is back.
 */
import type { IntegrityFacts, SourceFacts } from './facts.ts';
import type { Day2Rules } from './rules.ts';
import type { Counts, Finding, KnownSource, ResetCode } from './state.ts';

export interface Judgement {
  /** By name; those that are missing as they were last seen. */
  readonly sources: readonly KnownSource[];
  /** By source and rule. */
  readonly breaks: readonly Finding[];
  /** Whether all known sources were measured: if not, what the missing one got meanwhile is still to be looked at. */
  readonly isWhole: boolean;
}

const NOTHING: Counts = { journalSequence: 0, storedEvents: 0, acceptedLoss: 0 };

/** Facts as a baseline: what they say of the range before it belongs to the past. */
export function judgeBaseline({ sources, ...facts }: IntegrityFacts, rules: Day2Rules): Judgement {
  const present = sources.map((one) => ({ ...one, gaps: [], missingCorrelation: 0 }));
  const known = present.map((one) => unseen(one.source, countsOf(one)));
  return judge({ ...facts, sources: present }, known, rules);
}

export function judge(facts: IntegrityFacts, known: readonly KnownSource[], rules: Day2Rules): Judgement {
  const breaks: Finding[] = [];
  if (facts.sources.length === 0) breaks.push(found('no_sources', null, 0, 1));
  const present = new Map(facts.sources.map((one) => [one.source, one]));
  const added = facts.sources.filter(({ source }) => !known.some((one) => one.source === source));
  const all = [...known, ...added.map(({ source }) => unseen(source, NOTHING))].sort((a, b) =>
    a.source < b.source ? -1 : 1,
  );
  const seen = all.map((one) => {
    const measured = present.get(one.source);
    if (measured === undefined) {
      breaks.push(found('source_missing', one.source, null, null));
      return one;
    }
    const next = measuredSource(one, measured);
    breaks.push(...breaksOf(next, measured, facts.atMs, rules));
    return next;
  });
  const isWhole = present.size === all.length;
  const sources = isWhole ? seen.map((one) => ({ ...one, missingSettled: one.missingCorrelation })) : seen;
  return { sources, breaks, isWhole };
}

function unseen(source: string, counts: Counts): KnownSource {
  return { source, baseline: counts, highest: counts, delta: 0, missingSettled: 0, missingCorrelation: 0 };
}

function countsOf({ journalSequence, storedEvents, acceptedLoss }: SourceFacts): Counts {
  return { journalSequence, storedEvents, acceptedLoss };
}

function measuredSource(known: KnownSource, facts: SourceFacts): KnownSource {
  const { baseline, highest } = known;
  const journaled = facts.journalSequence - baseline.journalSequence;
  const accounted = facts.storedEvents - baseline.storedEvents + facts.acceptedLoss - baseline.acceptedLoss;
  return {
    ...known,
    highest: {
      journalSequence: Math.max(highest.journalSequence, facts.journalSequence),
      storedEvents: Math.max(highest.storedEvents, facts.storedEvents),
      acceptedLoss: Math.max(highest.acceptedLoss, facts.acceptedLoss),
    },
    delta: Math.abs(journaled - accounted),
    missingCorrelation: known.missingSettled + facts.missingCorrelation,
  };
}

function breaksOf(known: KnownSource, facts: SourceFacts, atMs: number, rules: Day2Rules): Finding[] {
  const { source, highest, delta, missingCorrelation } = known;
  const breaks: Finding[] = [];
  const hold = (code: ResetCode, measured: number | null, limit: number, isBroken: boolean, detail?: string): void => {
    if (isBroken) breaks.push(found(code, source, measured, limit, detail));
  };
  const silentMs = facts.newestEventAtMs === null ? null : atMs - facts.newestEventAtMs;
  hold('source_stale', silentMs, rules.silentMsMax, silentMs === null || silentMs > rules.silentMsMax);
  // An event of the future would keep its source fresh however long it is silent.
  const aheadMs = silentMs === null ? 0 : -silentMs;
  hold('event_ahead', aheadMs, rules.clockToleranceMs, aheadMs > rules.clockToleranceMs);
  const fell = (code: ResetCode, now: number, most: number): void => hold(code, now, most, now < most);
  fell('journal_backwards', facts.journalSequence, highest.journalSequence);
  fell('store_backwards', facts.storedEvents, highest.storedEvents);
  fell('loss_backwards', facts.acceptedLoss, highest.acceptedLoss);
  const lacking = facts.gaps.reduce((sum, { fromSequence, toSequence }) => sum + toSequence - fromSequence + 1, 0);
  const first = facts.gaps.reduce((least, { fromSequence }) => Math.min(least, fromSequence), facts.journalSequence);
  hold('gap', lacking, 0, lacking > 0, `from ${first}`);
  hold('missing_correlation', missingCorrelation, 0, missingCorrelation > 0);
  hold('delta_over_tolerance', delta, rules.deltaTolerance, delta > rules.deltaTolerance);
  return breaks;
}

function found(
  code: ResetCode,
  source: string | null,
  measured: number | null,
  limit: number | null,
  detail: string | null = null,
): Finding {
  return { code, source, measured, limit, detail };
}
