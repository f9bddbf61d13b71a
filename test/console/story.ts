/** A bot's past as its journal would hold it: a real bot machine on a small market of its own, with every event it records. */
import type { Effect } from '../../core/bot/effects.ts';
import type { TickTimingsEvent } from '../../core/bot/events.ts';
import { RecordKind } from '../../core/events/record.ts';
import type { JournalRecord } from '../../journal/reader.ts';
import { Bench, botConfig } from '../support/bots.ts';

const MIDS_FROM = 600_000;

export interface StoryOptions {
  readonly bot: string;
  /** The last moment of the story. */
  readonly untilMs: number;
  readonly minutes: number;
  readonly seed?: number;
  /** Where the market never comes to the quotes. */
  readonly withFills?: boolean;
  /** As the venue tells it once, at the beginning. */
  readonly fundingRate?: number;
  readonly config?: Record<string, unknown>;
}

export interface Story {
  readonly records: JournalRecord[];
  readonly bench: Bench;
}

/** Small, fast and the same everywhere: the story is told again from its seed. */
function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export function tellStory(options: StoryOptions): Story {
  const { bot, untilMs, minutes, seed = 7, withFills = true, fundingRate, config = {} } = options;
  const random = chance(seed);
  const bench = new Bench(botConfig({ bot, ...config }));
  const records: JournalRecord[] = [];
  const record = (kind: number, event: object, atMs: number): void => {
    const eventSequence = records.length + 1;
    records.push({
      sequence: bench.told.length + eventSequence,
      eventSequence,
      causeSequence: bench.told.length,
      epoch: 7,
      kind,
      version: 1,
      atMs,
      payload: Buffer.from(JSON.stringify(event)),
      position: { segment: 'story', offset: eventSequence },
    });
  };
  const keep = (effects: readonly Effect[]): readonly Effect[] => {
    for (const effect of effects) if (effect.effect === 'record') record(effect.kind, effect.event, bench.nowMs);
    return effects;
  };
  /** The venue says yes to everything, and takes cancels off at once. */
  const answer = (effects: readonly Effect[]): void => {
    for (const effect of keep(effects)) {
      if (effect.effect === 'place') answer(bench.answer(effect.intent.clientOrderId, 'yes'));
      if (effect.effect === 'cancel') answer(bench.seen(effect.clientOrderId, 'cancelled'));
      if (effect.effect === 'placeStop') answer(bench.stopAnswer(effect.stop.clientOrderId, 'yes'));
    }
  };

  bench.nowMs = untilMs - minutes * 60_000;
  keep(bench.tell({ kind: RecordKind.startInput, epoch: 7, configHash: 'c', codeVersion: 'v' }));
  keep(bench.tell({ kind: RecordKind.connectorInput, channel: 'book', status: 'up', reason: '' }));
  keep(bench.tell({ kind: RecordKind.connectorInput, channel: 'orders', status: 'up', reason: '' }));
  keep(bench.clock());
  answer(bench.sync());
  if (fundingRate !== undefined)
    keep(bench.tell({ kind: RecordKind.tickerInput, fundingRate, markTicks: null, fundingIntervalMs: null, fundingAtMs: bench.nowMs })); // prettier-ignore
  let bid = MIDS_FROM;
  let trades = 0;
  while (bench.nowMs + 1_000 <= untilMs) {
    keep(bench.tell({ kind: RecordKind.controlInput, command: { command: 'ping' } }));
    keep(bench.clock(12));
    bid += Math.round((random() - 0.5) * 160);
    answer(bench.book(bid, bid + 1, 1_000));
    if (withFills && random() < 0.12) {
      const open = bench.state.orders.find(({ state }) => state === 'open');
      if (open !== undefined) {
        trades += 1;
        answer(bench.fill(open.clientOrderId, open.side, open.price, open.qty, `${bot}-${trades}`));
      }
    }
    answer(bench.timer(0));
  }
  const timings: TickTimingsEvent = {
    type: 'TickTimings',
    tick: { count: 900, meanMs: 0.02, p50Ms: 0.016, p99Ms: 0.128, maxMs: 0.9 },
    durable: { count: 12, meanMs: 0.4, p50Ms: 0.512, p99Ms: 1.2, maxMs: 1.2 },
    placeAnswer: { count: 12, meanMs: 1.8, p50Ms: 2.048, p99Ms: 4.1, maxMs: 4.1 },
    evaluate: { count: 15, meanMs: 0.03, p50Ms: 0.032, p99Ms: 0.128, maxMs: 0.2 },
    cancelAnswer: { count: 9, meanMs: 1.6, p50Ms: 2.048, p99Ms: 3.9, maxMs: 3.9 },
    syncRead: { count: 1, meanMs: 9.5, p50Ms: 9.5, p99Ms: 9.5, maxMs: 9.5 },
    memoryRssBytes: 71_300_000,
    droppedRelayCount: 0,
    connector: { reconnects: 1, bookGaps: 1, bookChecksumFailures: 0, malformed: 0 },
  };
  record(RecordKind.telemetryEvent, timings, bench.nowMs);
  return { records, bench };
}
