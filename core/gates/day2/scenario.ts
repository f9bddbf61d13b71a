/**
 * A made-up event flow for rehearsals: what every source writes and what becomes of it, on a time line in whole seconds from
 * the rehearsal's start. `factsAt` answers what a measurement would find at a moment; it looks at nothing else, so the same
 * scenario at the same workflow time always gives the same facts.
 *
 * An event reaches the store at the second in which it is written, unless a delay, a gap or an outage covers that second:
 * then at the end of all that cover it, which for a gap that never heals is never.
 */
import { z } from 'zod';
import { GAPS_LISTED_MAX, SourceName, type IntegrityFacts, type SequenceRange, type SourceFacts } from './facts.ts';

const Second = z.int().min(-100_000_000).max(100_000_000);
const spanned = { fromS: Second, toS: Second };
const isForward = ({ fromS, toS }: Span): boolean => fromS < toS;
const forward = { path: ['toS'], message: 'expected more than fromS' };
const ofSource = z.strictObject({ source: SourceName, ...spanned }).refine(isForward, forward);
const Positive = z.int().positive().max(1e9);

export const Scenario = z
  .strictObject({
    version: z.literal(1),
    name: z.string().regex(/^[a-z0-9-]{1,64}$/, 'expected a name of 1 to 64 of a-z, 0-9 and -'),
    /** One event every `everyS` seconds, the first at `fromS`; a negative one began before the rehearsal. */
    sources: z
      .array(z.strictObject({ source: SourceName, everyS: z.int().min(1).max(86_400), fromS: Second.default(0) }))
      .min(1)
      .max(50),
    /** It writes nothing. */
    silences: z.array(ofSource).default([]),
    /** No measurement sees it, whatever it writes. */
    absences: z.array(ofSource).default([]),
    /** What it writes reaches the store when the delay is over. */
    delays: z.array(ofSource).default([]),
    /** What it writes is missing in the store, until `healedAtS` or for ever. */
    gaps: z
      .array(
        z
          .strictObject({ source: SourceName, ...spanned, healedAtS: Second.nullable().default(null) })
          .refine(isForward, forward),
      )
      .default([]),
    /** What it writes has no correlation id. */
    uncorrelated: z.array(ofSource).default([]),
    /** From then on so many more of its events count as lost by an operator's word. */
    acceptances: z.array(z.strictObject({ source: SourceName, atS: Second, count: Positive })).default([]),
    /** Journal or store is `count` events short meanwhile. */
    rollbacks: z
      .array(
        z
          .strictObject({ source: SourceName, of: z.enum(['journal', 'store']), ...spanned, count: Positive })
          .refine(isForward, forward),
      )
      .default([]),
    /** The database is away: nothing is stored, and measuring fails. */
    outages: z.array(z.strictObject(spanned).refine(isForward, forward)).default([]),
    /** What operators do. */
    actions: z
      .array(
        z.strictObject({
          atS: Second,
          action: z.enum(['pause', 'resume', 'reanchor']),
          operator: z.string().min(1).max(64),
          reason: z.string().min(1).max(500),
        }),
      )
      .default([]),
  })
  .superRefine(({ sources, silences, absences, delays, gaps, uncorrelated, acceptances, rollbacks }, context) => {
    const names = new Set(sources.map(({ source }) => source));
    if (names.size < sources.length) context.addIssue({ code: 'custom', path: ['sources'], message: 'expected each source once' }); // prettier-ignore
    for (const [list, entries] of Object.entries({
      silences,
      absences,
      delays,
      gaps,
      uncorrelated,
      acceptances,
      rollbacks,
    })) {
      entries.forEach(({ source }, at) => {
        if (!names.has(source)) context.addIssue({ code: 'custom', path: [list, at, 'source'], message: 'expected one of sources' }); // prettier-ignore
      });
    }
  });
export type Scenario = z.infer<typeof Scenario>;

/** From `fromS` on and before `toS`. */
interface Span {
  readonly fromS: number;
  readonly toS: number;
}

type Source = Scenario['sources'][number];

/**
 * What is to be measured at `atMs` over (fromMs, atMs]; `startMs` is when the rehearsal began, all workflow time. The clocks
 * agree: whoever rehearses puts those that it has read in their place.
 */
export function factsAt(
  scenario: Scenario,
  { startMs, fromMs, atMs }: { readonly startMs: number; readonly fromMs: number; readonly atMs: number },
): IntegrityFacts | { readonly failed: string } {
  const secondOf = (ms: number): number => Math.floor((ms - startMs) / 1_000);
  const atS = secondOf(atMs);
  if (scenario.outages.some((outage) => includes(outage, atS))) return { failed: `no database (${scenario.name})` };
  const isAbsent = ({ source }: Source): boolean =>
    scenario.absences.some((one) => one.source === source && includes(one, atS));
  return {
    fromMs,
    atMs,
    sources: scenario.sources
      .filter((one) => one.fromS <= atS && !isAbsent(one))
      .map((one) => sourceAt(scenario, one, secondOf(fromMs), atS, startMs)),
    clock: { workflowMs: atMs, hostMs: atMs, monotonicMs: atMs - startMs, processId: scenario.name, venueMs: atMs, timeSkips: 0 }, // prettier-ignore
    scenario: scenario.name,
  };
}

function sourceAt(scenario: Scenario, one: Source, sinceS: number, atS: number, startMs: number): SourceFacts {
  const { source } = one;
  const mine = <T extends { readonly source: string }>(all: readonly T[]): T[] =>
    all.filter((entry) => entry.source === source);
  const silences = union(mine(scenario.silences));
  /** Events written in `span`. */
  const written = (span: Span): number =>
    onGrid(one, span) - silences.reduce((sum, silence) => sum + onGrid(one, intersection(silence, span)), 0);
  const upTo = (second: number): Span => ({ fromS: one.fromS, toS: second + 1 });
  const writtenIn = (spans: readonly Span[], within: Span): number =>
    spans.reduce((sum, span) => sum + written(intersection(span, within)), 0);
  const coversOf = (second: number): Span[] =>
    union([...[...mine(scenario.delays), ...scenario.outages].filter(({ toS }) => toS > second), ...openGaps(second)]);
  const openGaps = (second: number): Span[] =>
    mine(scenario.gaps).filter(({ healedAtS }) => healedAtS === null || healedAtS > second);
  const uncorrelated = union(mine(scenario.uncorrelated));
  const uncorrelatedStored = (second: number): number =>
    writtenIn(uncorrelated, upTo(second)) -
    coversOf(second).reduce((sum, cover) => sum + writtenIn(uncorrelated, intersection(cover, upTo(second))), 0);
  const short = (of: 'journal' | 'store'): number =>
    mine(scenario.rollbacks)
      .filter((rollback) => rollback.of === of && includes(rollback, atS))
      .reduce((sum, { count }) => sum + count, 0);
  const journaled = written(upTo(atS));
  const stored = journaled - writtenIn(coversOf(atS), upTo(atS));
  const newestS = newestAt(one, silences, atS);
  return {
    source,
    journalSequence: Math.max(0, journaled - short('journal')),
    storedEvents: Math.max(0, stored - short('store')),
    acceptedLoss: mine(scenario.acceptances)
      .filter((acceptance) => acceptance.atS <= atS)
      .reduce((sum, { count }) => sum + count, 0),
    gaps: missing(openGaps(atS), { fromS: sinceS + 1, toS: atS + 1 }, (second) => written(upTo(second - 1)), journaled - short('journal')), // prettier-ignore
    missingCorrelation: uncorrelatedStored(atS) - uncorrelatedStored(sinceS),
    newestEventAtMs: newestS === null ? null : startMs + newestS * 1_000,
  };
}

/** The first runs of numbers of the events written in `gaps` within `range`. */
function missing(
  gaps: readonly Span[],
  range: Span,
  before: (second: number) => number,
  last: number,
): SequenceRange[] {
  return union(gaps.map((gap) => intersection(gap, range)))
    .map(({ fromS, toS }) => ({ fromSequence: before(fromS) + 1, toSequence: Math.min(before(toS), last) }))
    .filter(({ fromSequence, toSequence }) => fromSequence <= toSequence)
    .slice(0, GAPS_LISTED_MAX);
}

function newestAt({ everyS, fromS }: Source, silences: readonly Span[], atS: number): number | null {
  let newestS = atS;
  for (;;) {
    newestS = fromS + Math.floor((newestS - fromS) / everyS) * everyS;
    if (newestS < fromS) return null;
    const silence = silences.find((one) => includes(one, newestS));
    if (silence === undefined) return newestS;
    newestS = silence.fromS - 1;
  }
}

function onGrid({ everyS, fromS }: Source, span: Span): number {
  const before = (second: number): number => Math.max(0, Math.ceil((second - fromS) / everyS));
  return Math.max(0, before(span.toS) - before(span.fromS));
}

function includes({ fromS, toS }: Span, second: number): boolean {
  return fromS <= second && second < toS;
}

/** Of no length where they do not meet. */
function intersection(a: Span, b: Span): Span {
  const fromS = Math.max(a.fromS, b.fromS);
  return { fromS, toS: Math.max(fromS, Math.min(a.toS, b.toS)) };
}

/** In order and apart. */
function union(spans: readonly Span[]): Span[] {
  const apart: Span[] = [];
  for (const { fromS, toS } of [...spans].sort((a, b) => a.fromS - b.fromS)) {
    const last = apart.at(-1);
    if (last !== undefined && fromS <= last.toS) apart[apart.length - 1] = { ...last, toS: Math.max(last.toS, toS) };
    else if (fromS < toS) apart.push({ fromS, toS });
  }
  return apart;
}
