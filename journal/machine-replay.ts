/**
 * A journal through the machines that made it, from what it holds itself: state snapshots, and with each start of the bot its
 * configuration and contract. Whoever asks sees every step, and is told where the re-run and the journal part.
 */
import { BotConfig } from '../core/bot/bot-config.ts';
import type { Effects } from '../core/bot/effects.ts';
import type { BotInput, StartInput } from '../core/bot/input.ts';
import { BotMachine } from '../core/bot/machine.ts';
import type { ReasonCode } from '../core/bot/reasons.ts';
import { blankState, decodeState, encodeState, type BotState } from '../core/bot/state.ts';
import { isEvent, RecordKind } from '../core/events/record.ts';
import { createInstrument, InstrumentSpec, type Instrument } from '../core/market/instrument.ts';
import { JournalIndex, type RecordMark, type Waypoint } from './journal-index.ts';
import { readJournal, type JournalRecord } from './reader.ts';
import { inputOf, Rerun, type Divergence } from './rerun.ts';

/** A journal that does not hold what its machine was made of, or holds what today's code does not take. */
export class ReplayImpossible extends Error {
  override readonly name = 'ReplayImpossible';
}

/** One run of the bot, by its start. */
export interface RecordedRun {
  readonly epoch: number;
  readonly startedAtMs: number;
  readonly codeVersion: string;
  readonly configHash: string;
  readonly config: BotConfig;
  readonly instrument: Instrument;
}

/** The machine after one recorded input. `effects` and `machine` live on: take what is wanted before the next step. */
export interface ReplayedStep {
  readonly record: JournalRecord;
  readonly input: BotInput;
  readonly machine: BotMachine;
  readonly reason: ReasonCode;
  readonly effects: Effects;
  readonly run: RecordedRun;
}

export interface ReplayOptions {
  /** One look at the same journal. */
  readonly index?: JournalIndex;
  /** Begins with the last snapshot no later than this record, or with the oldest record. */
  readonly from?: number;
  /** The last record whose input is stepped. */
  readonly until?: number;
  /** Called from the beginning on, `from` or not. `stop` ends the replay with the events of this step. */
  readonly onStep?: (step: ReplayedStep) => void | 'stop';
  /** Each event as it was journaled. */
  readonly onEvent?: (record: JournalRecord) => void;
}

export interface Replay {
  /** After the last input; null when none was replayed. */
  readonly machine: BotMachine | null;
  readonly run: RecordedRun | null;
  /** The first record that was read. */
  readonly begin: RecordMark | null;
  readonly inputs: number;
  readonly eventsEqual: number;
  /** Null when every event came out byte for byte as it was journaled. */
  readonly divergence: Divergence | null;
  /** The first snapshot that differs from the machine's state; null when none does. */
  readonly stateDiffersAt: number | null;
  /** Inputs behind a loss or in front of the first snapshot: what the machine knew then is not in the journal. */
  readonly inputsPassed: number;
}

/**
 * Replays a journal from what it holds itself: state snapshots, and with each start configuration and contract. Throws
 * `ReplayImpossible`, or `JournalDamaged` where a part is damaged and nobody has accepted that.
 */
export async function replayJournal(dir: string, options: ReplayOptions = {}): Promise<Replay> {
  const { index = new JournalIndex(dir), from = 1, until = Infinity, onStep, onEvent } = options;
  const snapshot = index.snapshotBefore(from);
  const begin = snapshot ?? index.first;
  const start = snapshot === null ? null : index.startBefore(snapshot.sequence);
  let run = start === null ? null : await readRun(dir, start);
  let machine: BotMachine | null = null;
  let state: BotState | null = begin?.sequence === 1 ? blankState() : null;
  const rerun = new Rerun();
  let stateDiffersAt: number | null = null;
  let inputsPassed = 0;
  let isEnding = false;
  const onLoss = (): void => {
    rerun.forget();
    machine = null;
    state = null;
  };
  const where = { fromSequence: begin?.sequence ?? 1, after: snapshot?.eventBefore ?? null };
  for await (const record of readJournal(dir, { ...where, onLoss })) {
    const { kind, sequence, epoch, payload } = record;
    if (kind === RecordKind.stateSnapshot) {
      const text = payload.toString('utf8');
      const isOfRun = machine !== null && epoch === rerun.epoch;
      if (isOfRun && machine !== null && encodeState(machine.state) === text) continue;
      if (isOfRun) stateDiffersAt ??= sequence;
      state = decodeState(text);
      machine = run === null || run.epoch !== epoch ? null : new BotMachine(run.config, run.instrument, state);
      continue;
    }
    if (isEvent(kind)) {
      rerun.compare(record);
      onEvent?.(record);
      continue;
    }
    if (isEnding || sequence > until) break;
    const input = inputOf(record);
    if (input.kind === RecordKind.startInput) {
      // What a crash kept from the disk is no difference.
      rerun.forget();
      run = runOf(input);
      const known: BotState | null = machine?.state ?? state;
      machine = known === null ? null : new BotMachine(run.config, run.instrument, known);
    }
    if (machine === null || run === null) {
      inputsPassed += 1;
      continue;
    }
    const reason = rerun.step(machine, input, epoch);
    isEnding = onStep?.({ record, input, machine, reason, effects: rerun.effects, run }) === 'stop';
  }
  const { inputs, eventsEqual, divergence } = rerun;
  return { machine, run, begin, inputs, eventsEqual, divergence, stateDiffersAt, inputsPassed };
}

async function readRun(dir: string, { sequence, eventBefore }: Waypoint): Promise<RecordedRun | null> {
  for await (const record of readJournal(dir, { fromSequence: sequence, after: eventBefore })) {
    const input = inputOf(record);
    return input.kind === RecordKind.startInput ? runOf(input) : null;
  }
  return null;
}

function runOf({ sequence, atMs, epoch, codeVersion, configHash, config, instrument }: StartInput): RecordedRun {
  const at = `the start at ${new Date(atMs).toISOString()} (record ${sequence})`;
  if (config === undefined || instrument === undefined)
    throw new ReplayImpossible(`${at} was recorded by an older version, without its configuration`);
  return {
    epoch,
    startedAtMs: atMs,
    codeVersion,
    configHash,
    config: parsed(BotConfig, config, `${at}: config`),
    instrument: createInstrument(parsed(InstrumentSpec, instrument, `${at}: instrument`)),
  };
}

/** What an older version wrote gets the defaults of what is new since. */
function parsed<T>(schema: { safeParse(value: unknown): Parsed<T> }, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => `${[what, ...path].join('.')}: ${message}`);
  throw new ReplayImpossible(`today's version does not take what was recorded: ${faults.join('; ')}`);
}

type Parsed<T> =
  | { success: true; data: T }
  | { success: false; error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } };
