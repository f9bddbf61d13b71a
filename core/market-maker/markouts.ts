/**
 * What the market does after a maker's fill, and what that says of the next one. The markout of a fill at `tau` is
 * s x (mid(t + tau) - price) / price x 1e4 bps, s = +1 for a buy and -1 for a sell (facts: Markout): positive is the
 * market moving our way.
 *
 * Adverse selection is how far the mid moves against a fill from just before it to one of these times, averaged
 * exponentially a side. It is not the negative markout: a markout begins at the fill's price and so holds what the quote
 * captured already, which the edge of a quote counts by itself (docs/decisions/0017).
 *
 * A fill waits here for its four times. The mid at such a time is the last one known at or before it, so a time counts
 * as past with the first book after it. Without fills nothing new is measured, and one bad hour must not keep the bot out for
 * good: what was measured lately loses weight with time, and what fills here have cost on the whole takes its place, the
 * configured prior being as many fills of it as the average looks back on.
 */
import type { SignalEvent } from '../bot/events.ts';
import type { Side } from '../orders/order-intent.ts';
import type { StrategyFill, StrategyView, TellSignal } from '../strategies/strategy.ts';
import type { SpreadParams } from './params.ts';

type MarkoutBps = Extract<SignalEvent, { type: 'markout' }>['bps'];

/** Seconds after a fill, in order, and where their markout is kept. */
const HORIZONS = [
  { s: 1, key: 's1' },
  { s: 5, key: 's5' },
  { s: 30, key: 's30' },
  { s: 60, key: 's60' },
] as const satisfies readonly { s: number; key: keyof MarkoutBps }[];

const BPS = 1e4;
/** A mid older than this at the time of a markout says nothing about it. */
export const MID_AGE_MS_MAX = 5_000;
/** Fills that wait; beyond it the next book completes the oldest with what they have. Three a second for a minute. */
export const PENDING_MAX = 200;
/** From this long ago on, what was measured lately has no weight left beside the whole. */
export const MEASURED_MS_MAX = 4 * 3_600_000;
/** The whole are so many times the fills that the average looks back on: a market may become another one. */
export const WHOLE_LENGTHS = 10;

/** A mid from so long before a fill has nothing of the fill in it ... */
const BEFORE_MS = 1_000;
/** ... and one from longer ago says nothing about it. */
export const BEFORE_MS_MAX = 10_000;

interface PendingMarkout {
  clientOrderId: string;
  tradeId: string;
  side: Side;
  regime: string;
  priceTicks: number;
  atMs: number;
  /** Mid from just before it; 0 when none was known. */
  beforeTicks: number;
  /** Of a whole order, 0..1: what it cost counts for so much. */
  share: number;
  /** Of its horizons, how many are past. */
  past: number;
  bps: MarkoutBps;
}

interface MeasuredSide {
  /** Average as of the last fill that was measured; may be negative. */
  adverseBps: number;
  /** Mean of all fills and the prior; may be negative. */
  wholeBps: number;
  measuredAtMs: number;
  fills: number;
}

/** Plain JSON values; mids are 0 before the first. */
export interface MarkoutMemory {
  midTicks: number;
  midAtMs: number;
  /** Two mids at least a second apart, the newer one at least as old as the last second began. */
  sampleTicks: number;
  sampleAtMs: number;
  sampleBeforeTicks: number;
  sampleBeforeAtMs: number;
  buy: MeasuredSide;
  sell: MeasuredSide;
  pending: PendingMarkout[];
}

export function blankMarkoutMemory(): MarkoutMemory {
  return {
    midTicks: 0,
    midAtMs: 0,
    sampleTicks: 0,
    sampleAtMs: 0,
    sampleBeforeTicks: 0,
    sampleBeforeAtMs: 0,
    buy: { adverseBps: 0, wholeBps: 0, measuredAtMs: 0, fills: 0 },
    sell: { adverseBps: 0, wholeBps: 0, measuredAtMs: 0, fills: 0 },
    pending: [],
  };
}

export class Markouts {
  private readonly params: SpreadParams;
  private readonly memory: MarkoutMemory;
  /** A book after this has something to complete. */
  private dueAtMs: number;

  /** `memory` is kept and changed in place. */
  constructor(params: SpreadParams, memory: MarkoutMemory) {
    this.params = params;
    this.memory = memory;
    this.dueAtMs = nextDueAtMs(memory.pending);
  }

  /** A taker's fill, or one without a price, is not measured. `share` is what it is of a whole order. */
  onFill(fill: StrategyFill, regime: string, share: number): void {
    const { clientOrderId, tradeId, side, priceTicks, atMs } = fill;
    if (!fill.isMaker || !(priceTicks > 0) || !Number.isFinite(priceTicks) || !Number.isFinite(atMs)) return;
    const { pending } = this.memory;
    const bps: MarkoutBps = { s1: null, s5: null, s30: null, s60: null };
    const beforeTicks = this.midBefore(atMs);
    pending.push({ clientOrderId, tradeId, side, regime, priceTicks, atMs, beforeTicks, share, past: 0, bps });
    // Only while no book comes at all: then nobody can be told either.
    if (pending.length > 2 * PENDING_MAX) pending.shift();
    this.dueAtMs = nextDueAtMs(pending);
  }

  /** Hot: takes the view as it is, since each of its numbers on its own would be one more on the heap. Each two-sided book. */
  onBook({ midTicks, atMs }: Pick<StrategyView, 'midTicks' | 'atMs'>, tell: TellSignal): void {
    if (!(midTicks > 0 && midTicks < Infinity && atMs > 0 && atMs < Infinity)) return;
    if (atMs > this.dueAtMs) this.complete(atMs, tell);
    const { memory } = this;
    if (atMs - memory.sampleAtMs >= BEFORE_MS || atMs < memory.sampleAtMs) {
      memory.sampleBeforeTicks = memory.sampleTicks;
      memory.sampleBeforeAtMs = memory.sampleAtMs;
      memory.sampleTicks = midTicks;
      memory.sampleAtMs = atMs;
    }
    memory.midTicks = midTicks;
    memory.midAtMs = atMs;
  }

  /** Expected loss of a fill of `side` to those who know more, bps of its price; never below 0. */
  adverseBps(side: Side): number {
    return Math.max(0, this.believedBps(this.memory[side], this.memory.midAtMs));
  }

  /** Fills of `side` that `adverseBps` has learned from, ever. */
  measuredFills(side: Side): number {
    return this.memory[side].fills;
  }

  /** The newest mid from at least a second before `atMs`: the fill's own move is not in it. 0 when there is none that fresh. */
  midBefore(atMs: number): number {
    const { memory } = this;
    if (isBefore(memory.midAtMs, atMs)) return memory.midTicks;
    if (isBefore(memory.sampleAtMs, atMs)) return memory.sampleTicks;
    return isBefore(memory.sampleBeforeAtMs, atMs) ? memory.sampleBeforeTicks : 0;
  }

  /** What was measured lately, drawn to the whole in proportion to its age. */
  private believedBps({ fills, adverseBps, wholeBps, measuredAtMs }: MeasuredSide, atMs: number): number {
    if (fills === 0) return this.params.adverseSelectionBps;
    const age = Math.max(0, atMs - measuredAtMs) / MEASURED_MS_MAX;
    return age >= 1 ? wholeBps : wholeBps + (adverseBps - wholeBps) * (1 - age);
  }

  /** Marks every time before `atMs`, by the last mid, and tells the fills that have all of theirs. */
  private complete(atMs: number, tell: TellSignal): void {
    const { pending } = this.memory;
    const tooMany = pending.length - PENDING_MAX;
    let kept = 0;
    for (let index = 0; index < pending.length; index += 1) {
      const fill = pending[index] as PendingMarkout;
      this.mark(fill, atMs);
      if (fill.past < HORIZONS.length && index >= tooMany) {
        pending[kept] = fill;
        kept += 1;
      } else {
        const { clientOrderId, tradeId, side, regime, bps } = fill;
        tell({ type: 'markout', clientOrderId, tradeId, side, regime, bps });
      }
    }
    pending.length = kept;
    this.dueAtMs = nextDueAtMs(pending);
  }

  private mark(fill: PendingMarkout, atMs: number): void {
    const { midTicks, midAtMs } = this.memory;
    for (let past = fill.past; past < HORIZONS.length; past += 1) {
      const horizon = HORIZONS[past] as (typeof HORIZONS)[number];
      const dueAtMs = fill.atMs + horizon.s * 1_000;
      if (atMs <= dueAtMs) return;
      fill.past = past + 1;
      const ageMs = dueAtMs - midAtMs;
      // Negative: the fill was told so late that the mid of its time is gone.
      if (midTicks === 0 || ageMs < 0 || ageMs > MID_AGE_MS_MAX) continue;
      const movedBps = ((midTicks - fill.priceTicks) / fill.priceTicks) * BPS;
      const bps = fill.side === 'buy' ? movedBps : 0 - movedBps;
      fill.bps[horizon.key] = bps;
      if (horizon.s !== this.params.adverseSelectionHorizonS || fill.beforeTicks === 0) continue;
      const againstTicks = fill.side === 'buy' ? fill.beforeTicks - midTicks : midTicks - fill.beforeTicks;
      this.learn(this.memory[fill.side], (againstTicks / fill.priceTicks) * BPS, fill.share, dueAtMs);
    }
  }

  /** Lately: an exponential average over n fills, weight of the newest 2 / (n + 1), for its share of an order. Both begin at the prior. */
  private learn(measured: MeasuredSide, adverseBps: number, share: number, atMs: number): void {
    const { adverseSelectionBps: prior, adverseSelectionFills: length } = this.params;
    const before = this.believedBps(measured, atMs);
    measured.adverseBps = before + share * (2 / (length + 1)) * (adverseBps - before);
    const whole = measured.fills === 0 ? prior : measured.wholeBps;
    const counted = Math.min(length + measured.fills, WHOLE_LENGTHS * length);
    measured.wholeBps = whole + (share * (adverseBps - whole)) / (counted + 1);
    measured.measuredAtMs = atMs;
    measured.fills += 1;
  }
}

function isBefore(midAtMs: number, fillAtMs: number): boolean {
  const ageMs = fillAtMs - midAtMs;
  return midAtMs > 0 && ageMs >= BEFORE_MS && ageMs <= BEFORE_MS_MAX;
}

/** Never is Infinity; while too many wait, every book is late. */
function nextDueAtMs(pending: readonly PendingMarkout[]): number {
  if (pending.length > PENDING_MAX) return 0;
  let dueAtMs = Infinity;
  for (const { atMs, past } of pending) {
    const horizon = HORIZONS[past];
    if (horizon !== undefined) dueAtMs = Math.min(dueAtMs, atMs + horizon.s * 1_000);
  }
  return dueAtMs;
}
