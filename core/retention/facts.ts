/** What a retention plan is made of: what lies where, how old it is, and how far whoever needs it has come. */

/** A segment of a bot's journal, as its own header and that of its follower tell; its records are checked when it is archived. */
export interface SegmentFacts {
  /** File name, without its folder. */
  readonly file: string;
  readonly bytes: number;
  readonly writtenAtMs: number;
  readonly firstSequence: number;
  /** By the follower's header; null for the newest, and where the follower has none that can be read. */
  readonly lastSequence: number | null;
  readonly lastEventSequence: number | null;
}

export interface JournalFacts {
  readonly bot: string;
  /** In order. */
  readonly segments: readonly SegmentFacts[];
  /** How far the event store has it; null when it knows nothing of this bot. */
  readonly stored: {
    readonly sequence: number;
    readonly eventSequence: number;
    /** Shipping goes on from here: the segment has to stay, and it is read first after a restart. */
    readonly segment: string;
  } | null;
  /** First record that a restarted bot reads: its last state snapshot, or 1 where none is known. */
  readonly neededFrom: number;
  /** A quarantined segment: nothing of such a journal is touched before a person has looked. */
  readonly isQuarantined: boolean;
}

export interface ArchiveFacts {
  readonly bot: string;
  readonly file: string;
  readonly bytes: number;
  readonly writtenAtMs: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Last event in front of it. */
  readonly eventSequenceBefore: number;
  readonly lastEventSequence: number;
}

/** A UTC day of the event store. */
export interface EventDayFacts {
  readonly day: string;
  readonly bytes: number;
  /** In the order of their names; null where the day is too young for anybody to count. */
  readonly sources: readonly EventRange[] | null;
}

export interface EventRange {
  readonly source: string;
  readonly events: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
}

/** A reader of the event store, and how far it has read a source. */
export interface ConsumerFacts {
  readonly consumer: string;
  readonly source: string;
  readonly sequence: number;
}

export interface FileFacts {
  /** Path from the folder that it is one of. */
  readonly file: string;
  readonly bytes: number;
  readonly writtenAtMs: number;
}

/** A report by its family: the newest of each stays. */
export interface ReportFacts extends FileFacts {
  readonly family: string;
}

export interface BackupFacts {
  readonly name: string;
  readonly bytes: number;
  readonly finishedAtMs: number;
  /** Last event of each source that it holds. */
  readonly sources: readonly { readonly source: string; readonly lastSequence: number }[];
}

export interface RetentionFacts {
  readonly nowMs: number;
  readonly journals: readonly JournalFacts[];
  readonly archives: readonly ArchiveFacts[];
  readonly eventDays: readonly EventDayFacts[];
  readonly consumers: readonly ConsumerFacts[];
  /** At least the newest of each family, and all that are old enough. */
  readonly reports: readonly ReportFacts[];
  readonly logs: readonly FileFacts[];
  /** Whole ones only. */
  readonly backups: readonly BackupFacts[];
}
