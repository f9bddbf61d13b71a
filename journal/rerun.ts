/**
 * Recorded inputs through the machine again. What it decides is held against what was journaled, so a change of behaviour,
 * of configuration or of a record shows as the first event that differs.
 */
import { Effects } from '../core/bot/effects.ts';
import type { BotInput } from '../core/bot/input.ts';
import { decodeInput } from '../core/bot/input-codec.ts';
import type { BotMachine } from '../core/bot/machine.ts';
import type { ReasonCode } from '../core/bot/reasons.ts';
import type { RecordKind } from '../core/events/record.ts';
import type { JournalRecord } from './reader.ts';

/** An event as its record holds it. */
export interface DecidedEvent {
  readonly kind: RecordKind;
  readonly payload: string;
}

/** The first place where the re-run and the journal part. */
export interface Divergence {
  /** Record at which it shows, and the input that both speak of. */
  readonly sequence: number;
  readonly causeSequence: number;
  readonly atMs: number;
  /** What the machine decides now, and what was journaled; null: nothing. */
  readonly decided: DecidedEvent | null;
  readonly journaled: DecidedEvent | null;
}

/** Steps inputs and holds the events that follow against what the machine decided. */
export class Rerun {
  readonly effects = new Effects();
  divergence: Divergence | null = null;
  inputs = 0;
  /** Events that came out byte for byte as they were journaled. */
  eventsEqual = 0;
  /** Sequence and epoch of the last input, and what it led to that no record has held yet. */
  cause = 0;
  epoch = 0;
  outstanding: DecidedEvent[] = [];

  step(machine: BotMachine, input: BotInput, epoch: number): ReasonCode {
    const [missing] = this.outstanding;
    if (missing !== undefined) this.diverge(input, missing, null);
    const reason = machine.step(input, this.effects);
    this.inputs += 1;
    this.cause = input.sequence;
    this.epoch = epoch;
    this.outstanding = [];
    for (const effect of this.effects.list)
      if (effect.effect === 'record')
        this.outstanding.push({ kind: effect.kind, payload: JSON.stringify(effect.event) });
    return reason;
  }

  /** What the process measured around the machine has no cause among the inputs, and is not compared. */
  compare(record: JournalRecord): void {
    if (record.causeSequence !== this.cause || record.causeSequence === 0) return;
    const decided = this.outstanding.shift() ?? null;
    const journaled = { kind: record.kind as RecordKind, payload: record.payload.toString('utf8') };
    if (decided !== null && decided.kind === journaled.kind && decided.payload === journaled.payload)
      this.eventsEqual += 1;
    else this.diverge(record, decided, journaled);
  }

  /** Nothing that the last input led to is waited for any more. */
  forget(): void {
    this.outstanding = [];
    this.cause = 0;
  }

  private diverge(
    { sequence, atMs }: Pick<JournalRecord, 'sequence' | 'atMs'>,
    decided: DecidedEvent | null,
    journaled: DecidedEvent | null,
  ): void {
    this.divergence ??= { sequence, causeSequence: this.cause, atMs, decided, journaled };
  }
}

export function inputOf({ kind, sequence, atMs, payload }: JournalRecord): BotInput {
  return decodeInput(kind, sequence, atMs, payload);
}
