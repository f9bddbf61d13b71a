/** What the Day-2 gate is told: facts measured over a range of time, and what operators did. */
import { z } from 'zod';
import { AtMs, ClockFacts } from '../clock-agreement.ts';

// Part of the facts' shape, although its rules live elsewhere.
export { ClockFacts } from '../clock-agreement.ts';

export const GAPS_LISTED_MAX = 20;
export const SOURCES_MAX = 200;

/** More than any desk writes, and far from where sums of them stop being exact. */
const Count = z.int().nonnegative().max(1e12);
export const SourceName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._:/-]{0,63}$/, 'expected a source of 1 to 64 of a-z, 0-9 and . _ : / -');

/** Both ends are missing, too. */
export const SequenceRange = z
  .strictObject({ fromSequence: Count, toSequence: Count })
  .refine(({ fromSequence, toSequence }) => fromSequence <= toSequence, {
    path: ['toSequence'],
    message: 'expected no less than fromSequence',
  });
export type SequenceRange = z.infer<typeof SequenceRange>;

/** One writer of events, which numbers them 1, 2, 3, ...: a bot's journal. */
export const SourceFacts = z
  .strictObject({
    source: SourceName,
    /** Number of the last event in the journal; 0 before the first. */
    journalSequence: Count,
    /** Rows of the store up to `journalSequence`, of all time. */
    storedEvents: Count,
    /** Events that an operator accepted as lost, of all time. */
    acceptedLoss: Count,
    /** What the store lacks of the range, and nobody accepted as lost; only the first ones where there are more. */
    gaps: z.array(SequenceRange).max(GAPS_LISTED_MAX),
    /** Events that came into the store within the range without a correlation id: late ones count when they come. */
    missingCorrelation: Count,
    newestEventAtMs: AtMs.nullable(),
  })
  .refine(({ gaps, journalSequence }) => gaps.every(({ toSequence }) => toSequence <= journalSequence), {
    path: ['gaps'],
    message: 'expected gaps up to journalSequence',
  });
export type SourceFacts = z.infer<typeof SourceFacts>;

/** The range is (fromMs, atMs]; all of it was measured at `atMs`, workflow time. */
export const IntegrityFacts = z
  .strictObject({
    fromMs: AtMs,
    atMs: AtMs,
    sources: z.array(SourceFacts).max(SOURCES_MAX),
    clock: ClockFacts,
    /** Name of the scenario that made the sources up; left out where they were measured. */
    scenario: z.string().min(1).max(64).optional(),
  })
  .refine(({ fromMs, atMs }) => fromMs <= atMs, { path: ['fromMs'], message: 'expected no later than atMs' })
  .refine(({ atMs, clock }) => clock.workflowMs === atMs, { path: ['clock', 'workflowMs'], message: 'expected atMs' })
  .refine(({ sources }) => new Set(sources.map(({ source }) => source)).size === sources.length, {
    path: ['sources'],
    message: 'expected each source once',
  });
export type IntegrityFacts = z.infer<typeof IntegrityFacts>;

/** Who did something, when and why. */
export const Attributed = { atMs: AtMs, operator: z.string().min(1).max(64), reason: z.string().min(1).max(500) };

export const Day2Event = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('evaluated'), facts: IntegrityFacts }),
  z.strictObject({ kind: z.literal('evaluationFailed'), atMs: AtMs, why: z.string() }),
  /** Holds the verdict at NO-GO and not the clock. */
  z.strictObject({ kind: z.literal('paused'), ...Attributed }),
  z.strictObject({ kind: z.literal('resumed'), ...Attributed }),
  z.strictObject({ kind: z.literal('reanchored'), ...Attributed, facts: IntegrityFacts }),
]);
export type Day2Event = z.infer<typeof Day2Event>;

/** What of each source was looked at, in the order of their names; `since` is what had been before, by source. */
export function rangesOf(
  sources: readonly SourceFacts[],
  since: ReadonlyMap<string, number>,
): { source: string; fromSequence: number; toSequence: number }[] {
  return sources
    .map(({ source, journalSequence }) => ({
      source,
      // A journal that was set back is looked at from where it stands.
      fromSequence: Math.min(since.get(source) ?? 0, journalSequence) + 1,
      toSequence: journalSequence,
    }))
    .sort((a, b) => (a.source < b.source ? -1 : 1));
}
