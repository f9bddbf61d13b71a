/** Where the inputs and events of a replay go, and the sequences that they get: those of a journal that holds nothing else. */
import { encodeInput } from '../core/bot/input-codec.ts';
import type { BotEvent } from '../core/bot/events.ts';
import type { BotInput } from '../core/bot/input.ts';
import type { RecordKind } from '../core/events/record.ts';
import type { Journal } from '../journal/journal.ts';

export interface ReplayRecorder {
  /** Answers the sequence of the input. */
  input(input: BotInput): number;
  event(kind: RecordKind, causeSequence: number, atMs: number, event: BotEvent): void;
}

const EPOCH = 1;

/** Counts as a journal would, and keeps nothing. */
export class SequenceCounter implements ReplayRecorder {
  private sequence = 0;

  input(): number {
    this.sequence += 1;
    return this.sequence;
  }

  event(): void {
    this.sequence += 1;
  }
}

/** Everything into `journal`, as the bot's process writes it; who plays waits for `durable()` now and then. */
export class JournalRecorder implements ReplayRecorder {
  private readonly journal: Journal;
  private readonly encoder = new TextEncoder();

  constructor(journal: Journal) {
    this.journal = journal;
  }

  input(input: BotInput): number {
    return this.journal.append(input.kind, EPOCH, 0, input.atMs, encodeInput(input));
  }

  event(kind: RecordKind, causeSequence: number, atMs: number, event: BotEvent): void {
    this.journal.append(kind, EPOCH, causeSequence, atMs, this.encoder.encode(JSON.stringify(event)));
  }
}
