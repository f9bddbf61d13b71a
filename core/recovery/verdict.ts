/**
 * Whether a restart lost anything: what was known before it, held against what stands after it. Nothing that was counted may
 * be less; what was never acknowledged, and what a person gave up, is told and no fault.
 */
import type { ChainFault } from '../evidence/chain.ts';
import type { EvidenceHead } from '../evidence/record.ts';
import { INTEGRITY_RULES } from '../gates/integrity.ts';
import { countersOf, type Counter, type Known, type RestartSnapshot, type SourceStanding } from './snapshot.ts';

/**
 * `since_baseline`: what the store lacked when the baseline was frozen is that baseline's, and only the change since counts.
 * `absolute`: all that is lacking counts.
 */
export type DeltaMode = 'since_baseline' | 'absolute';

export interface RestartRules {
  readonly mode: DeltaMode;
  /** Events that journal and store may be apart. */
  readonly deltaTolerance: number;
}

export const RESTART_RULES: RestartRules = {
  mode: 'since_baseline',
  deltaTolerance: INTEGRITY_RULES.deltaTolerance,
};

export type RestartCode =
  | 'counter_back'
  | 'journal_damaged'
  | 'journal_unread'
  | 'store_ahead'
  | 'store_unread'
  | 'gap'
  | 'delta'
  | 'missing_correlation'
  | 'chain_broken';

export interface RestartFinding {
  readonly code: RestartCode;
  readonly source: string | null;
  /** Of `counter_back`: which. */
  readonly counter: string | null;
  readonly measured: number | null;
  /** What was known before, or is allowed. */
  readonly expected: number | null;
  /** Who knew it, or what is wrong in words. */
  readonly detail: string | null;
}

/** Told, and no fault. */
export interface RestartNote {
  readonly code: 'torn_tail' | 'accepted_loss' | 'on_its_way';
  readonly source: string;
  readonly amount: number;
}

export type ChainState =
  | { readonly ok: true; readonly records: number; readonly head: EvidenceHead | null }
  | {
      readonly ok: false;
      readonly records: number;
      readonly fault: Omit<ChainFault, 'rule'> & { readonly rule: string };
    };

export interface SourceVerdict {
  readonly source: string;
  readonly journalEvents: number | null;
  readonly eventOffset: number | null;
  readonly storedEvents: number | null;
  readonly acceptedLoss: number | null;
  readonly lackingAtBaseline: number | null;
  /** As the mode counts it; null where the store was not asked. */
  readonly delta: number | null;
}

export interface RestartReport {
  readonly kind: 'restart_regression';
  readonly version: 1;
  readonly pass: boolean;
  readonly mode: DeltaMode;
  readonly deltaTolerance: number;
  /** What the store after it was held against. */
  readonly before: readonly { readonly what: string; readonly atMs: number }[];
  readonly atMs: number;
  readonly baseline: { readonly number: number; readonly atMs: number } | null;
  readonly max_delta_observed: number;
  readonly findings: readonly RestartFinding[];
  readonly notes: readonly RestartNote[];
  readonly sources: readonly SourceVerdict[];
  /** Null where the store was not asked. */
  readonly chain: ChainState | null;
}

export interface RestartFacts {
  readonly before: readonly Known[];
  /** Torn bytes by source, as they lay before anything was opened. */
  readonly torn: ReadonlyMap<string, number>;
  readonly after: RestartSnapshot;
  readonly chain: ChainState | null;
}

export function judgeRestart({ before, torn, after, chain }: RestartFacts, rules: RestartRules): RestartReport {
  const findings: RestartFinding[] = [];
  const notes: RestartNote[] = [];
  const find = (code: RestartCode, source: string | null, more: Partial<RestartFinding> = {}): void =>
    void findings.push({ code, source, counter: null, measured: null, expected: null, detail: null, ...more });

  if (after.storeUnread !== null) find('store_unread', null, { detail: after.storeUnread });
  for (const { counter, source, value, known } of backwards(before, after))
    find('counter_back', source, { counter, measured: value, expected: known.value, detail: known.what });

  const sources = after.sources.map((one) => verdictOf(one, rules.mode));
  for (const [index, { source, journal, journalUnread, store }] of after.sources.entries()) {
    if (journalUnread !== null) find('journal_unread', source, { detail: journalUnread });
    const damage = journal?.damage ?? null;
    if (damage !== null) {
      const { file, sequence, reason } = damage;
      find('journal_damaged', source, { measured: sequence, detail: `${file}: ${reason}` });
    }
    if (store === null) continue;
    const journalEvents = journal?.eventSequence ?? 0;
    if (journalUnread === null && store.eventOffset > journalEvents)
      find('store_ahead', source, { measured: journalEvents, expected: store.eventOffset });
    // Behind the offset an event is on its way; in front of it nothing comes any more.
    const lacking = (store.checks?.gaps ?? [])
      .filter(({ toSequence }) => toSequence <= store.eventOffset)
      .reduce((sum, { fromSequence, toSequence }) => sum + toSequence - fromSequence + 1, 0);
    if (lacking > 0) find('gap', source, { measured: lacking, expected: 0 });
    const uncorrelated = store.checks?.missingCorrelation ?? 0;
    if (uncorrelated > 0) find('missing_correlation', source, { measured: uncorrelated, expected: 0 });
    const { delta } = sources[index]!;
    if (delta !== null && delta > rules.deltaTolerance)
      find('delta', source, { measured: delta, expected: rules.deltaTolerance });
    else if (delta !== null && delta > 0 && lacking === 0) notes.push({ code: 'on_its_way', source, amount: delta });
    if (store.acceptedLoss > 0) notes.push({ code: 'accepted_loss', source, amount: store.acceptedLoss });
  }
  // What a journal that lost its end has left of its last record was acknowledged.
  const ended = new Set(
    findings.filter(({ code, counter }) => code === 'store_ahead' || counter?.startsWith('journal_') === true).map(({ source }) => source), // prettier-ignore
  );
  for (const [source, amount] of torn)
    if (amount > 0 && !ended.has(source)) notes.push({ code: 'torn_tail', source, amount });
  if (chain !== null && !chain.ok) {
    const { number, rule, expected, found } = chain.fault;
    find('chain_broken', null, { measured: number, detail: `${rule}: expected ${expected}, found ${found}` });
  }
  return {
    kind: 'restart_regression',
    version: 1,
    pass: findings.length === 0,
    mode: rules.mode,
    deltaTolerance: rules.deltaTolerance,
    before: before.map(({ what, atMs }) => ({ what, atMs })),
    atMs: after.atMs,
    baseline: after.baseline,
    max_delta_observed: sources.reduce((most, { delta }) => Math.max(most, delta ?? 0), 0),
    findings,
    notes,
    sources,
    chain,
  };
}

function verdictOf({ source, journal, store }: SourceStanding, mode: DeltaMode): SourceVerdict {
  // Events that are stored were there, whatever the journal has left.
  const events = store === null ? null : Math.max(journal?.eventSequence ?? 0, store.eventOffset);
  const lacking = store === null || events === null ? null : events - store.storedEvents - store.acceptedLoss;
  const credit = mode === 'absolute' ? 0 : (store?.lackingAtBaseline ?? 0);
  return {
    source,
    journalEvents: journal?.eventSequence ?? null,
    eventOffset: store?.eventOffset ?? null,
    storedEvents: store?.storedEvents ?? null,
    acceptedLoss: store?.acceptedLoss ?? null,
    lackingAtBaseline: store?.lackingAtBaseline ?? null,
    delta: lacking === null ? null : Math.abs(lacking - credit),
  };
}

interface Backwards extends Counter {
  readonly known: { readonly value: number; readonly what: string };
}

/** Each counter that is less than the most that was known of it. What nobody could ask afterwards is none of them. */
function backwards(before: readonly Known[], after: RestartSnapshot): Backwards[] {
  const keyOf = ({ source, counter }: Counter): string => `${source ?? ''}\n${counter}`;
  const now = new Map(countersOf(after).map((one) => [keyOf(one), one.value]));
  const most = new Map<string, Backwards>();
  for (const { what, counters } of before) {
    const retired = (source: string | null): number =>
      counters.find((one) => one.source === source && one.counter === 'retired_events')?.value ?? 0;
    for (const one of counters) {
      if (!wasAsked(one, after)) continue;
      const value = now.get(keyOf(one)) ?? 0;
      // Rows of a stream that retention dropped meanwhile are gone for a reason; which stream's is not written down.
      const dropped = one.counter.startsWith('stream:')
        ? Math.max(0, (now.get(keyOf({ ...one, counter: 'retired_events' })) ?? 0) - retired(one.source))
        : 0;
      const expected = one.value - dropped;
      if (value >= expected || (most.get(keyOf(one))?.known.value ?? 0) >= expected) continue;
      most.set(keyOf(one), { ...one, value, known: { value: expected, what } });
    }
  }
  return [...most.values()];
}

function wasAsked({ source, counter }: Counter, { sources, storeUnread }: RestartSnapshot): boolean {
  if (counter === 'evidence_kept') return true;
  if (counter !== 'journal_records' && counter !== 'journal_events') return storeUnread === null;
  return (sources.find((one) => one.source === source)?.journalUnread ?? null) === null;
}
