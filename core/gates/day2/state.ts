/** What the Day-2 gate remembers: plain JSON values of bounded size, so that it outlives restarts and continued runs. */
import { z } from 'zod';
import { AtMs, ClockAgreement } from '../clock-agreement.ts';
import { Attributed, SourceName, SOURCES_MAX } from './facts.ts';
import { Day2Rules } from './rules.ts';

/**
 * What ends a window; the clock stands still as long as it is found. Two are over at once: `late`, since what is measured now
 * is good, and `reanchored`, since somebody asked for it.
 */
export const ResetCode = z.enum([
  'no_sources',
  'source_missing',
  'source_stale',
  'event_ahead',
  'journal_backwards',
  'store_backwards',
  'loss_backwards',
  'gap',
  'missing_correlation',
  'delta_over_tolerance',
  'evaluation_failed',
  'late',
  'reanchored',
]);
export type ResetCode = z.infer<typeof ResetCode>;

const Count = z.int().nonnegative();

const Finding = z.strictObject({
  code: ResetCode,
  /** Null where it concerns the whole. */
  source: SourceName.nullable(),
  /** Null where nothing was measured. */
  measured: z.int().nullable(),
  limit: z.int().nullable(),
  /** In words, what the numbers do not say. */
  detail: z.string().nullable(),
});
export type Finding = Readonly<z.infer<typeof Finding>>;

export const Standing = z.strictObject({ ...Finding.shape, sinceMs: AtMs });
export type Standing = Readonly<z.infer<typeof Standing>>;

export const Reset = z.strictObject({ ...Finding.shape, atMs: AtMs });
export type Reset = Readonly<z.infer<typeof Reset>>;

const Counts = z.strictObject({ journalSequence: Count, storedEvents: Count, acceptedLoss: Count });
export type Counts = Readonly<z.infer<typeof Counts>>;

/** A source since the baseline. */
export const KnownSource = z.strictObject({
  source: SourceName,
  /** Its counts at the baseline; all 0 where it came later. */
  baseline: Counts,
  /** Highest counts seen: what was there once and is not is lost. */
  highest: Counts,
  /** As last measured. */
  delta: Count,
  /** Events without a correlation id, up to `measuredToMs` and in all. */
  missingSettled: Count,
  missingCorrelation: Count,
});
export type KnownSource = Readonly<z.infer<typeof KnownSource>>;

const Attribution = z.strictObject({ operator: Attributed.operator, reason: Attributed.reason });
export type Attribution = Readonly<z.infer<typeof Attribution>>;

const Hold = z.strictObject(Attributed);
export type Hold = Readonly<z.infer<typeof Hold>>;

/** `by`: who anchored it anew; null for the first one. */
const Baseline = z.strictObject({ atMs: AtMs, by: Attribution.nullable() });
export type Baseline = Readonly<z.infer<typeof Baseline>>;

export const RESETS_KEPT = 50;

export const Day2State = z.strictObject({
  version: z.literal(1),
  rules: Day2Rules,
  baseline: Baseline.nullable(),
  /** By name. */
  sources: z.array(KnownSource).max(SOURCES_MAX).readonly(),
  maxDeltaObserved: Count,
  /** Up to when every known source was measured: the next range begins here. */
  measuredToMs: AtMs.nullable(),
  /** Last evaluation, good, bad or failed. */
  attemptedAtMs: AtMs.nullable(),
  evaluatedAtMs: AtMs.nullable(),
  clocks: ClockAgreement.nullable(),
  /** Name of the first scenario that made facts up since the baseline. */
  scenario: z.string().nullable(),
  /** Null while something is broken. */
  clockStartedAtMs: AtMs.nullable(),
  elapsedMs: Count,
  /** What is broken, as last measured. */
  standing: z.array(Standing).readonly(),
  /** Oldest first; those before them only counted, by code. */
  resets: z.array(Reset).max(RESETS_KEPT).readonly(),
  resetsBefore: z.array(z.strictObject({ code: ResetCode, count: Count })).readonly(),
  paused: Hold.nullable(),
  /** As given by the last evaluation, unless somebody paused the gate since. */
  go: z.boolean(),
});
export type Day2State = Readonly<z.infer<typeof Day2State>>;

export function blankDay2(rules: Day2Rules): Day2State {
  return {
    version: 1,
    rules,
    baseline: null,
    sources: [],
    maxDeltaObserved: 0,
    measuredToMs: null,
    attemptedAtMs: null,
    evaluatedAtMs: null,
    clocks: null,
    scenario: null,
    clockStartedAtMs: null,
    elapsedMs: 0,
    standing: [],
    resets: [],
    resetsBefore: [],
    paused: null,
    go: false,
  };
}
