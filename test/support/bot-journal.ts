/** A bot's journal as its process writes it, of inputs that a test makes up: each one recorded, stepped, its events behind it. */
import type { BotConfig } from '../../core/bot/bot-config.ts';
import type { Effect } from '../../core/bot/effects.ts';
import type { SyncInput } from '../../core/bot/input.ts';
import { encodeInput } from '../../core/bot/input-codec.ts';
import { encodeState, type BotState } from '../../core/bot/state.ts';
import { RecordKind } from '../../core/events/record.ts';
import { SILENT } from '../../core/log.ts';
import type { QtyLots } from '../../core/money/money.ts';
import type { ApprovedIntent } from '../../core/risk/decision.ts';
import { openJournal, type Journal } from '../../journal/journal.ts';
import { readJournal, type JournalRecord } from '../../journal/reader.ts';
import { seeded } from '../journal/helpers.ts';
import { Bench, botConfig, BTC, copyOf } from './bots.ts';

export interface RecordingOptions {
  readonly config?: BotConfig;
  /** What an earlier run left. */
  readonly state?: BotState;
  /** Inputs between two state snapshots. */
  readonly snapshotInputs?: number;
  readonly segmentBytes?: number;
  /** As an older version wrote it: without the state in front of a start, and without what the start was made of. */
  readonly isOld?: boolean;
}

/** Appends to the journal in `dir`. */
export async function recordBench(dir: string, options: RecordingOptions = {}): Promise<RecordingBench> {
  const { segmentBytes } = options;
  const { journal } = await openJournal({ dir, log: SILENT, ...(segmentBytes === undefined ? {} : { segmentBytes }) });
  return new RecordingBench(journal, options);
}

export class RecordingBench extends Bench {
  readonly journal: Journal;
  private readonly options: RecordingOptions;
  private epoch = 0;
  private sinceSnapshot = 0;

  constructor(journal: Journal, options: RecordingOptions) {
    super(options.config ?? botConfig(), options.state === undefined ? undefined : copyOf(options.state));
    this.journal = journal;
    this.options = options;
  }

  override tell(untimed: Parameters<Bench['tell']>[0], afterMs = 0): Effect[] {
    const { journal, machine, effects, config } = this;
    const { snapshotInputs = 5_000, isOld = false } = this.options;
    this.nowMs += afterMs;
    const atMs = this.nowMs;
    let input = { ...untimed, sequence: 0, atMs };
    if (input.kind === RecordKind.startInput) {
      this.epoch = input.epoch;
      if (!isOld) {
        this.snapshot();
        input = { ...input, config, instrument: BTC.spec };
      }
    }
    input.sequence = journal.append(input.kind, this.epoch, 0, atMs, encodeInput(input));
    machine.step(input, effects);
    for (const effect of effects.list)
      if (effect.effect === 'record')
        journal.append(effect.kind, this.epoch, input.sequence, atMs, JSON.stringify(effect.event));
    this.sinceSnapshot += 1;
    if (this.sinceSnapshot >= snapshotInputs) this.snapshot();
    return [...effects.list];
  }

  snapshot(): void {
    this.journal.append(RecordKind.stateSnapshot, this.epoch, 0, this.nowMs, encodeState(this.state));
    this.sinceSnapshot = 0;
  }

  async close(): Promise<void> {
    await this.journal.durable();
    await this.journal.close();
  }
}

type Resting = Pick<ApprovedIntent, 'side' | 'price' | 'qty'>;

/**
 * A market that walks and a venue that answers: ten books a second, orders acknowledged, some filled, cancels confirmed, a
 * supervisor there. Goes on from wherever the bench stands.
 */
export async function trade(bench: RecordingBench, books: number, seed = 1): Promise<void> {
  const random = seeded(seed);
  let mid = 600_000;
  const resting = new Map<string, Resting>();
  let trades = 0;
  const answer = (effects: readonly Effect[]): void => {
    for (const effect of effects) {
      if (effect.effect === 'place') {
        const { clientOrderId, side, price, qty } = effect.intent;
        resting.set(clientOrderId, { side, price, qty });
        answer(bench.answer(clientOrderId, 'yes'));
      } else if (effect.effect === 'cancel') {
        resting.delete(effect.clientOrderId);
        answer(bench.seen(effect.clientOrderId, 'cancelled'));
      } else if (effect.effect === 'sync') {
        const { net } = bench.state.holdings;
        const entryPrice = net.qty === 0 ? null : String(mid / 10);
        answer(bench.sync({ position: net.qty, entryPrice, openOrders: openOrdersOf(resting) }));
      } else if (effect.effect === 'lookup')
        answer(bench.seen(effect.clientOrderId, resting.has(effect.clientOrderId) ? 'open' : 'cancelled'));
    }
  };
  for (let book = 0; book < books; book += 1) {
    mid += random(41) - 20;
    answer(bench.book(mid, mid + 1));
    for (const [id, { side, price, qty }] of resting) {
      const isHit = side === 'buy' ? mid <= price : mid >= price;
      if (!isHit && random(80) !== 0) continue;
      trades += 1;
      resting.delete(id);
      answer(bench.fill(id, side, price, qty, `t${seed}-${trades}`));
    }
    if (book % 10 === 9) {
      answer(bench.timer(0));
      answer(bench.tell({ kind: RecordKind.controlInput, command: { command: 'ping' } }));
    }
    if (book % 300 === 299) answer(bench.clock());
    if (book % 2_000 === 1_999) await bench.journal.durable();
  }
  await bench.journal.durable();
}

function openOrdersOf(resting: ReadonlyMap<string, Resting>): SyncInput['openOrders'] {
  return [...resting].map(([clientOrderId, { side, price, qty }]) => ({
    clientOrderId,
    filled: 0 as QtyLots,
    order: { side, price, qty, reduceOnly: false, leg: 'net' },
  }));
}

/**
 * A copy of a journal with other records in it, whole to every checksum: each one as `change` gives it, or left out where
 * that is null. Causes go with their inputs.
 */
export async function rewriteJournal(
  from: string,
  to: string,
  change: (record: JournalRecord) => Pick<JournalRecord, 'kind' | 'payload'> | null,
  segmentBytes?: number,
): Promise<void> {
  const { journal } = await openJournal({
    dir: to,
    log: SILENT,
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
  });
  const sequences = new Map<number, number>([[0, 0]]);
  for await (const record of readJournal(from)) {
    const changed = change(record);
    if (changed === null) continue;
    const cause = sequences.get(record.causeSequence) ?? 0;
    const { kind, payload } = changed;
    sequences.set(record.sequence, journal.append(kind, record.epoch, cause, record.atMs, payload));
  }
  await journal.durable();
  await journal.close();
}
