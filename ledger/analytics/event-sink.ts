/** Where events go to be analysed, beside the event store that stays the record. */

export interface ExportedEvent {
  readonly sequence: bigint;
  readonly journalSequence: bigint;
  readonly epoch: bigint;
  readonly causeSequence: bigint;
  readonly stream: string;
  /** Microseconds since 1970 UTC. */
  readonly atUs: bigint;
  readonly correlationId: string;
  /** JSON as the store spells it: decimals stay the strings that they are. */
  readonly payload: string;
}

/** Events of one source and one UTC day, in sequence, at least one; the last one's sequence is `to`. */
export interface EventBatch {
  readonly source: string;
  /** The sequence after the batch before: accepted losses are holes inside a batch, never between two. */
  readonly from: number;
  readonly to: number;
  /** YYYY-MM-DD */
  readonly day: string;
  readonly events: readonly ExportedEvent[];
}

/** What a range of events adds up to: equal digests, same events. Whole numbers as text, since sums pass 2^53. */
export interface EventDigest {
  readonly events: string;
  readonly sequenceSum: string;
  readonly journalSequenceSum: string;
  readonly atUsSum: string;
  readonly payloadBytes: string;
}

/** One process at a time calls these: `ingest` holds the lock of the sink's name. */
export interface EventSink {
  /** Also the name of its rows in `consumer_offset`. */
  readonly name: string;
  /** Comes first: makes what is missing, clears what a crash left. Idempotent. */
  recover(): Promise<void>;
  /** The last sequence of the source that it holds with all before it, asked of the sink itself; 0 before the first. */
  position(source: string): Promise<number>;
  /** All or nothing, durable when it resolves. Idempotent by (source, from, to); a batch that leaves a gap is a bug. */
  write(batch: EventBatch): Promise<void>;
  /** Of the events with `after` < sequence <= `to`; null where they cannot be read any more. */
  digest(source: string, after: number, to: number): Promise<EventDigest | null>;
  /** Gives up what follows `after`, and maybe some before it: `position` tells. */
  cutBack(source: string, after: number): Promise<void>;
  /** Comes last: housekeeping that changes no answer. */
  compact(): Promise<void>;
  close(): Promise<void>;
}

export function isSameDigest(a: EventDigest, b: EventDigest): boolean {
  return (
    a.events === b.events &&
    a.sequenceSum === b.sequenceSum &&
    a.journalSequenceSum === b.journalSequenceSum &&
    a.atUsSum === b.atUsSum &&
    a.payloadBytes === b.payloadBytes
  );
}
