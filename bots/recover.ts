/**
 * What a bot knew before it ended: the last state snapshot and every input after it, through the same machine. Outputs are
 * compared with what was journaled, so a change of behaviour shows as the first record that differs.
 */
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { Effects } from '../core/bot/effects.ts';
import type { BotConfig } from '../core/bot/bot-config.ts';
import { decodeInput } from '../core/bot/input-codec.ts';
import { BotMachine } from '../core/bot/machine.ts';
import { decodeState } from '../core/bot/state.ts';
import type { Instrument } from '../core/market/instrument.ts';
import { isEvent, RecordKind } from '../core/events/record.ts';
import { readJournal, type JournalLoss } from '../journal/reader.ts';

const SnapshotPointer = z.strictObject({ sequence: z.int().positive() });

export interface MissingEvent {
  readonly kind: RecordKind;
  readonly payload: string;
}

export interface Recovered {
  readonly machine: BotMachine;
  readonly inputsReplayed: number;
  /** Journal sequence of the first event that came out otherwise; null when all agree. */
  readonly divergedAt: number | null;
  /** What the last input led to and a crash kept from the disk: to be journaled under that input. None after a divergence. */
  readonly missing: {
    readonly causeSequence: number;
    readonly epoch: number;
    readonly events: readonly MissingEvent[];
  };
}

/** Sequence to start reading from: the last snapshot, or the beginning. A pointer file that is damaged is no error. */
export function snapshotSequence(file: string): number {
  if (!existsSync(file)) return 1;
  try {
    return SnapshotPointer.parse(JSON.parse(readFileSync(file, 'utf8'))).sequence;
  } catch {
    return 1;
  }
}

export async function recoverMachine(
  journalDir: string,
  fromSequence: number,
  config: BotConfig,
  instrument: Instrument,
): Promise<Recovered> {
  let machine = new BotMachine(config, instrument);
  const effects = new Effects();
  let expected: MissingEvent[] = [];
  let cause = 0;
  let epoch = 0;
  let inputsReplayed = 0;
  let divergedAt: number | null = null;
  // A person accepted it. What it held is read from the venue, and nothing in front of it is completed: that may have
  // stood in it.
  const onLoss = (loss: JournalLoss): void => {
    divergedAt ??= loss.fromSequence;
    expected = [];
    cause = 0;
  };
  for await (const record of readJournal(journalDir, { fromSequence, onLoss })) {
    if (record.kind === RecordKind.stateSnapshot) {
      machine = new BotMachine(config, instrument, decodeState(record.payload.toString('utf8')));
      continue;
    }
    if (isEvent(record.kind)) {
      // What the process measured around the machine has no cause among the inputs.
      if (record.causeSequence !== cause || record.causeSequence === 0) continue;
      const next = expected.shift();
      const agrees =
        next !== undefined && next.kind === record.kind && next.payload === record.payload.toString('utf8');
      if (!agrees) divergedAt ??= record.sequence;
      continue;
    }
    if (expected.length > 0) divergedAt ??= record.sequence;
    machine.step(decodeInput(record.kind, record.sequence, record.atMs, record.payload), effects);
    cause = record.sequence;
    epoch = record.epoch;
    inputsReplayed += 1;
    expected = [];
    for (const effect of effects.list) {
      if (effect.effect === 'record') expected.push({ kind: effect.kind, payload: JSON.stringify(effect.event) });
    }
  }
  // Under another configuration or code the replay is a guess at what was decided: nothing of it becomes a record.
  const events = divergedAt === null ? expected : [];
  return { machine, inputsReplayed, divergedAt, missing: { causeSequence: cause, epoch, events } };
}
