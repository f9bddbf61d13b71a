/**
 * What a bot knew before it ended: the last state snapshot and every input after it, through the machine that today's
 * configuration makes.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { BotConfig } from '../core/bot/bot-config.ts';
import { BotMachine } from '../core/bot/machine.ts';
import { decodeState } from '../core/bot/state.ts';
import { isEvent, RecordKind } from '../core/events/record.ts';
import type { Instrument } from '../core/market/instrument.ts';
import { readJournal, type JournalLoss } from './reader.ts';
import { inputOf, Rerun, type DecidedEvent } from './rerun.ts';

export interface Recovered {
  readonly machine: BotMachine;
  readonly inputsReplayed: number;
  /** Journal sequence of the first event that came out otherwise; null when all agree. */
  readonly divergedAt: number | null;
  /** What the last input led to and a crash kept from the disk: to be journaled under that input. None after a divergence. */
  readonly missing: {
    readonly causeSequence: number;
    readonly epoch: number;
    readonly events: readonly DecidedEvent[];
  };
}

/** Sequence to start reading from: the last snapshot, or the beginning. A pointer file that is damaged is no error. */
export function snapshotSequence(file: string): number {
  if (!existsSync(file)) return 1;
  try {
    const { sequence } = JSON.parse(readFileSync(file, 'utf8')) as { sequence?: unknown };
    return Number.isSafeInteger(sequence) && (sequence as number) > 0 ? (sequence as number) : 1;
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
  const rerun = new Rerun();
  let lostAt: number | null = null;
  // A person accepted it. What it held is read from the venue, and nothing in front of it is completed: that may have
  // stood in it.
  const onLoss = (loss: JournalLoss): void => {
    lostAt ??= rerun.divergence?.sequence ?? loss.fromSequence;
    rerun.forget();
  };
  for await (const record of readJournal(journalDir, { fromSequence, onLoss })) {
    if (record.kind === RecordKind.stateSnapshot)
      machine = new BotMachine(config, instrument, decodeState(record.payload.toString('utf8')));
    else if (isEvent(record.kind)) rerun.compare(record);
    else rerun.step(machine, inputOf(record), record.epoch);
  }
  const divergedAt = lostAt ?? rerun.divergence?.sequence ?? null;
  // Under another configuration or code the replay is a guess at what was decided: nothing of it becomes a record.
  const events = divergedAt === null ? rerun.outstanding : [];
  return {
    machine,
    inputsReplayed: rerun.inputs,
    divergedAt,
    missing: { causeSequence: rerun.cause, epoch: rerun.epoch, events },
  };
}
