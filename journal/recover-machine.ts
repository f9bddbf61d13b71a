/**
 * What a bot knew before it ended: the last state snapshot and every input after it, through the machine that today's
 * configuration makes.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { BotConfig } from '../core/bot/bot-config.ts';
import { BotMachine } from '../core/bot/machine.ts';
import type { ControlEvent } from '../core/bot/events.ts';
import { settleLatch } from '../core/bot/risk-watch.ts';
import { decodeState, type BotState } from '../core/bot/state.ts';
import { LADDER, type Level } from '../core/escalation/ladder.ts';
import { isEvent, RecordKind } from '../core/events/record.ts';
import type { Instrument } from '../core/market/instrument.ts';
import type { RiskCode } from '../core/risk/policy.ts';
import { readJournal, type JournalLoss, type JournalRecord } from './reader.ts';
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
  let latched: Latch = null;
  // A person accepted it. What it held is read from the venue, and nothing in front of it is completed: that may have
  // stood in it.
  const onLoss = (loss: JournalLoss): void => {
    lostAt ??= rerun.divergence?.sequence ?? loss.fromSequence;
    rerun.forget();
  };
  for await (const record of readJournal(journalDir, { fromSequence, onLoss })) {
    if (record.kind === RecordKind.stateSnapshot) {
      machine = new BotMachine(config, instrument, decodeState(record.payload.toString('utf8')));
      latched = latchOf(machine.state);
    } else if (isEvent(record.kind)) {
      rerun.compare(record);
      latched = latchAfter(latched, record);
    } else rerun.step(machine, inputOf(record), record.epoch);
  }
  const divergedAt = lostAt ?? rerun.divergence?.sequence ?? null;
  if (divergedAt !== null) settleLatch(machine.state, latched);
  // Under another configuration or code the replay is a guess at what was decided: nothing of it becomes a record.
  const events = divergedAt === null ? rerun.outstanding : [];
  return {
    machine,
    inputsReplayed: rerun.inputs,
    divergedAt,
    missing: { causeSequence: rerun.cause, epoch: rerun.epoch, events },
  };
}

/** The hard stop of the bot's own that holds by what was put on record; null when none does. */
type Latch = BotState['risk']['ladder'] | null;

function latchOf({ risk: { ladder } }: BotState): Latch {
  return LADDER[ladder.level].isLatched ? { ...ladder } : null;
}

function latchAfter(before: Latch, { kind, payload, atMs }: JournalRecord): Latch {
  if (kind !== RecordKind.controlEvent || !payload.includes('"type":"escalation"')) return before;
  const { reason, detail } = JSON.parse(payload.toString('utf8')) as ControlEvent;
  const { to, from, measured, limit } = detail as Record<'to' | 'from', Level> &
    Record<'measured' | 'limit', number | null>;
  if (LADDER[to].isLatched) return { level: to, code: reason as RiskCode, measured, limit, causeAtMs: atMs };
  return LADDER[from].isLatched ? null : before;
}
