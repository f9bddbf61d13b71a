/** The trades of a lap, so that any stretch of it is one bar without looking at each of them. */
import type { LapPlan } from './laps.ts';
import { OpKind, type Recording } from './recording.ts';

/** Of a stretch, in recorded prices. */
export interface TradedStretch {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly lots: number;
  readonly tickLots: number;
}

/** Trades whose highest and lowest price are kept together. */
const BLOCK = 64;

export class LapTrades {
  /** Recorded time of each trade, ms since the lap began; never decreasing. */
  private readonly atMs: number[] = [];
  private readonly ticks: number[] = [];
  /** Of all trades before the one with this index. */
  private readonly lotsBefore: number[] = [0];
  private readonly tickLotsBefore: number[] = [0];
  private readonly highs: number[] = [];
  private readonly lows: number[] = [];
  private readonly whole: TradedStretch | null;

  constructor(recording: Recording, { endFrame }: LapPlan) {
    const { frameAtMs, firstOp, opKind, opTicks, opLots } = recording;
    for (let frame = 0; frame <= endFrame; frame += 1) {
      const end = firstOp[frame + 1]!;
      for (let op = firstOp[frame]!; op < end; op += 1) {
        if (opKind[op]! >= OpKind.buyTrade) this.add(frameAtMs[frame]!, opTicks[op]!, opLots[op]!);
      }
    }
    this.whole = this.between(0, this.ticks.length);
  }

  /** Trades at `fromMs` or later, and before `toMs`; null when there were none. */
  stretch(fromMs: number, toMs: number): TradedStretch | null {
    const first = this.countBefore(fromMs);
    const end = this.countBefore(toMs);
    return first === 0 && end === this.ticks.length ? this.whole : this.between(first, end);
  }

  private add(atMs: number, ticks: number, lots: number): void {
    const index = this.ticks.length;
    const block = Math.floor(index / BLOCK);
    this.atMs.push(atMs);
    this.ticks.push(ticks);
    this.lotsBefore.push(this.lotsBefore[index]! + lots);
    this.tickLotsBefore.push(this.tickLotsBefore[index]! + ticks * lots);
    if (index % BLOCK === 0) {
      this.highs.push(ticks);
      this.lows.push(ticks);
      return;
    }
    if (ticks > this.highs[block]!) this.highs[block] = ticks;
    if (ticks < this.lows[block]!) this.lows[block] = ticks;
  }

  private between(first: number, end: number): TradedStretch | null {
    if (first >= end) return null;
    const { ticks, highs, lows } = this;
    let high = ticks[first]!;
    let low = high;
    let index = first;
    while (index < end) {
      const isWholeBlock = index % BLOCK === 0 && index + BLOCK <= end;
      const highest = isWholeBlock ? highs[index / BLOCK]! : ticks[index]!;
      const lowest = isWholeBlock ? lows[index / BLOCK]! : ticks[index]!;
      if (highest > high) high = highest;
      if (lowest < low) low = lowest;
      index += isWholeBlock ? BLOCK : 1;
    }
    return {
      open: ticks[first]!,
      high,
      low,
      close: ticks[end - 1]!,
      lots: this.lotsBefore[end]! - this.lotsBefore[first]!,
      tickLots: this.tickLotsBefore[end]! - this.tickLotsBefore[first]!,
    };
  }

  private countBefore(atMs: number): number {
    let low = 0;
    let high = this.atMs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.atMs[middle]! < atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
