/**
 * What the journals, the event store and the evidence chain say at one moment. What was counted once may only grow: so any
 * earlier snapshot is a lower bound for what comes after a restart.
 */
import { z } from 'zod';
import { EvidenceHead } from '../evidence/record.ts';
import { SequenceRange, SourceName } from '../gates/day2/facts.ts';

const Count = z.int().nonnegative();

const JournalPart = z.strictObject({
  /** Of the last whole record in front of any damage. */
  sequence: Count,
  eventSequence: Count,
  /** The file that ends with it, and how far that file is whole. */
  segment: z.string().nullable(),
  wholeBytes: Count,
  /** Behind it, never acknowledged. */
  tornBytes: Count,
  damage: z.strictObject({ file: z.string(), sequence: Count, reason: z.string() }).nullable(),
});
export type JournalPart = z.infer<typeof JournalPart>;

const StorePart = z.strictObject({
  /** How far the journal is stored, read before the journal was: the last event, and its record. */
  eventOffset: Count,
  recordOffset: Count,
  /** Rows up to the journal's last event or the offset, whichever is later, and those that retention dropped. */
  storedEvents: Count,
  retiredEvents: Count,
  acceptedLoss: Count,
  /** What the store lacked when the last baseline was frozen. */
  lackingAtBaseline: z.int(),
  streams: z.array(z.strictObject({ stream: z.string(), events: Count, lastSequence: Count })),
  consumers: z.array(z.strictObject({ consumer: z.string(), sequence: Count })),
  /** Looked for after a restart only, since that takes a while. */
  checks: z.strictObject({ gaps: z.array(SequenceRange), missingCorrelation: Count }).nullable(),
});
export type StorePart = z.infer<typeof StorePart>;

export const SourceStanding = z.strictObject({
  source: SourceName,
  /** Null where there is none (any more), and where it cannot be read: then `journalUnread` says why. */
  journal: JournalPart.nullable(),
  journalUnread: z.string().nullable(),
  /** Null where the store was not asked. */
  store: StorePart.nullable(),
});
export type SourceStanding = z.infer<typeof SourceStanding>;

export const RESTART_LABELS = ['pre_restart', 'post_restart'] as const;

export const RestartSnapshot = z.strictObject({
  version: z.literal(1),
  label: z.enum(RESTART_LABELS),
  atMs: z.int().positive(),
  codeVersion: z.string(),
  /** Why the store was not asked; null when it was. */
  storeUnread: z.string().nullable(),
  /** In the order of their names. */
  sources: z.array(SourceStanding),
  /** The chain's end by the store's word (null: no record, or not asked) and the highest head that is kept beside it. */
  evidence: z.strictObject({ stored: EvidenceHead.nullable(), kept: EvidenceHead.nullable() }),
  /** The evidence that froze the last baseline. */
  baseline: z.strictObject({ number: Count, atMs: z.int().positive() }).nullable(),
});
export type RestartSnapshot = z.infer<typeof RestartSnapshot>;

/** What may only grow. */
export type CounterName =
  | 'journal_records'
  | 'journal_events'
  | 'event_offset'
  | 'record_offset'
  | 'stored_events'
  | 'retired_events'
  | 'accepted_loss'
  | `stream:${string}`
  | `consumer:${string}`
  | 'evidence_stored'
  | 'evidence_kept';

export interface Counter {
  /** Null: of the desk as a whole. */
  readonly source: string | null;
  readonly counter: CounterName;
  readonly value: number;
}

/** Counts as somebody knew them at a moment. */
export interface Known {
  /** A label, or the kind of evidence that told it. */
  readonly what: string;
  readonly atMs: number;
  readonly counters: readonly Counter[];
}

/** Whatever was not asked is not among them. */
export function countersOf({ sources, evidence }: Pick<RestartSnapshot, 'sources' | 'evidence'>): Counter[] {
  const counters = sources.flatMap(({ source, journal, store }) => {
    const found: Counter[] = [];
    const count = (counter: CounterName, value: number): void => void found.push({ source, counter, value });
    if (journal !== null) {
      count('journal_records', journal.sequence);
      count('journal_events', journal.eventSequence);
    }
    if (store !== null) {
      count('event_offset', store.eventOffset);
      count('record_offset', store.recordOffset);
      count('stored_events', store.storedEvents);
      count('retired_events', store.retiredEvents);
      count('accepted_loss', store.acceptedLoss);
      for (const { stream, events } of store.streams) count(`stream:${stream}`, events);
      for (const { consumer, sequence } of store.consumers) count(`consumer:${consumer}`, sequence);
    }
    return found;
  });
  if (evidence.stored !== null)
    counters.push({ source: null, counter: 'evidence_stored', value: evidence.stored.number });
  if (evidence.kept !== null) counters.push({ source: null, counter: 'evidence_kept', value: evidence.kept.number });
  return counters;
}

export function knownBy(snapshot: RestartSnapshot): Known {
  return { what: snapshot.label, atMs: snapshot.atMs, counters: countersOf(snapshot) };
}

/** The last record of the bot's journal that any of them knew of: in the journal itself, or stored. */
export function lastKnownRecord(known: readonly Known[], source: string): number {
  return highest(known, source, ['journal_records', 'record_offset']);
}

function highest(known: readonly Known[], source: string, names: readonly CounterName[]): number {
  const values = known.flatMap(({ counters }) =>
    counters.filter((one) => one.source === source && names.includes(one.counter)).map(({ value }) => value),
  );
  return Math.max(0, ...values);
}
