/**
 * Plays one market's recording into its book. Modes: recorded (lap 0) and derived (every later lap, see `laps.ts`).
 * It has no clock: `advance` is told how many recorded milliseconds have passed.
 */
import { RecordedBook } from '../fill-model/book-levels.ts';
import type { PriceTicks, QtyLots } from '../money/money.ts';
import type { Side } from '../orders/order-intent.ts';
import { planLaps, type LapPlan } from './laps.ts';
import { OpKind, type Recording } from './recording.ts';

/** Where a replay stands; enough to go on after a restart. */
export interface ReplayPosition {
  /** 0 is the recording itself, odd laps are mirrored. */
  readonly lap: number;
  /** Recorded milliseconds since the lap began. */
  readonly lapAtMs: number;
}

/** Told about each change, in the order of the recording, after the book was changed. */
export interface ReplaySink {
  onLevel(side: Side, price: PriceTicks, before: number, after: number): void;
  onTrade(takerSide: Side, price: PriceTicks, qty: QtyLots): void;
  /** All of one recorded frame was told; only now the two sides of the book fit together. */
  onFrame?(): void;
}

export class MarketReplay {
  readonly book = new RecordedBook();
  readonly recording: Recording;
  readonly plan: LapPlan;
  private readonly sink: ReplaySink;
  private lap = 0;
  private lapAtMs = 0;
  /** Next frame to be played. */
  private frame = 0;
  private stepLeftMs = 0;
  /** Ticks that all prices are moved by; 0 unless `shift` was called. */
  private shiftedBy = 0;

  constructor(recording: Recording, sink: ReplaySink) {
    this.recording = recording;
    this.plan = planLaps(recording);
    this.sink = sink;
  }

  get position(): ReplayPosition {
    return { lap: this.lap, lapAtMs: this.lapAtMs };
  }

  /** What is shown now was seen on the venue, or is derived from it by the mirror. */
  get origin(): 'recorded' | 'derived' {
    return this.lap === 0 ? 'recorded' : 'derived';
  }

  /** Recorded milliseconds from the frame that is being played to the end of the `advance` that plays it. */
  get stepLeftAtFrameMs(): number {
    return this.stepLeftMs;
  }

  /** Moves to a saved position by playing the lap's frames silently. */
  seek({ lap, lapAtMs }: ReplayPosition): void {
    this.lap = lap;
    this.lapAtMs = 0;
    this.frame = 0;
    this.book.clear();
    this.playUntil(Math.min(lapAtMs, this.plan.lapMs), SILENT_SINK);
  }

  /** Plays every frame of the next `elapsedMs` recorded milliseconds. */
  advance(elapsedMs: number): void {
    let left = elapsedMs;
    while (left > 0) {
      const lapLeft = this.plan.lapMs - this.lapAtMs;
      if (left < lapLeft) return this.playUntil(this.lapAtMs + left, this.sink);
      this.playUntil(this.plan.lapMs, this.sink, left - lapLeft);
      left -= lapLeft;
      this.lap += 1;
      this.lapAtMs = 0;
      this.frame = 0;
    }
  }

  /** Moves the book, and all that is played from now on, by so many ticks: a jump of the price, which is not in `position`. */
  shift(ticks: number): void {
    const { bids, asks } = this.book;
    const before = [bids, asks].flatMap((levels) =>
      Array.from({ length: levels.count }, (_unused, depth) => ({
        side: levels.side,
        price: levels.priceAt(depth),
        lots: levels.sizeAt(depth),
      })),
    );
    // First everything goes, so that the book never crosses itself on the way.
    for (const { side, price } of before) this.setLevel(side, price, 0, this.sink);
    for (const { side, price, lots } of before) {
      if (price + ticks > 0) this.setLevel(side, (price + ticks) as PriceTicks, lots, this.sink);
    }
    this.shiftedBy += ticks;
    this.sink.onFrame?.();
  }

  /** Recorded milliseconds until the next frame is due. */
  nextFrameInMs(): number {
    const { endFrame, lapMs } = this.plan;
    const nextAtMs = this.frame > endFrame ? lapMs : this.recording.frameAtMs[this.frame]!;
    return Math.max(0, nextAtMs - this.lapAtMs);
  }

  /** `afterMs` is what the step still plays afterwards, in the next lap. */
  private playUntil(lapAtMs: number, sink: ReplaySink, afterMs = 0): void {
    const { frameAtMs } = this.recording;
    while (this.frame <= this.plan.endFrame && frameAtMs[this.frame]! <= lapAtMs) {
      this.stepLeftMs = lapAtMs - frameAtMs[this.frame]! + afterMs;
      if (this.frame === 0) this.dropStaleLevels(sink);
      this.playFrame(this.frame, sink);
      this.frame += 1;
      sink.onFrame?.();
    }
    this.lapAtMs = lapAtMs;
  }

  private playFrame(frame: number, sink: ReplaySink): void {
    const { firstOp, opKind, opTicks, opLots } = this.recording;
    const mirrored = this.lap % 2 === 1;
    const end = firstOp[frame + 1]!;
    for (let op = firstOp[frame]!; op < end; op++) {
      const recorded = mirrored ? this.plan.mirrorTicks - opTicks[op]! : opTicks[op]!;
      const price = (recorded + this.shiftedBy) as PriceTicks;
      // Far asks have no mirror image above zero.
      if (price <= 0) continue;
      const kind = opKind[op]!;
      const lots = opLots[op]!;
      const side: Side = ((kind & 1) === 0) === mirrored ? 'sell' : 'buy';
      if (kind >= OpKind.buyTrade) sink.onTrade(side, price, lots as QtyLots);
      else this.setLevel(side, price, lots, sink);
    }
  }

  private setLevel(side: Side, price: PriceTicks, lots: number, sink: ReplaySink): void {
    const before = this.book.levels(side).set(price, lots);
    if (before !== lots) sink.onLevel(side, price, before, lots);
  }

  /** At a join, levels that the first frame does not have leave the book before it is played. */
  private dropStaleLevels(sink: ReplaySink): void {
    const { firstOp, opKind, opTicks } = this.recording;
    const mirrored = this.lap % 2 === 1;
    const kept = { buy: new Set<number>(), sell: new Set<number>() };
    for (let op = firstOp[0]!; op < firstOp[1]!; op++) {
      const price = (mirrored ? this.plan.mirrorTicks - opTicks[op]! : opTicks[op]!) + this.shiftedBy;
      kept[(opKind[op] === OpKind.bid) === mirrored ? 'sell' : 'buy'].add(price);
    }
    for (const levels of [this.book.bids, this.book.asks]) {
      for (let depth = levels.count - 1; depth >= 0; depth--) {
        const price = levels.priceAt(depth);
        if (!kept[levels.side].has(price)) this.setLevel(levels.side, price, 0, sink);
      }
    }
  }
}

const SILENT_SINK: ReplaySink = { onLevel: () => {}, onTrade: () => {} };
