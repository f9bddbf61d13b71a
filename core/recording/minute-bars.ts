/** Bars of what was traded, in ticks and lots, minute by minute. */
import type { Bar } from '../market/bars.ts';

export interface TradeBar extends Bar {
  /** 0 where nothing was traded. */
  readonly lots: number;
  /** Sum of price times size. */
  readonly tickLots: number;
}

export type GrowingBar = { -readonly [Field in keyof TradeBar]: TradeBar[Field] };

export const MINUTE_MS = 60_000;
/** Minutes that are remembered at least, and bars that a reader gets at most. */
export const BARS_KEPT = 1_000;

/** A minute without a trade has no bar here: `foldBars` fills it. */
export class MinuteBars {
  private bars: GrowingBar[] = [];
  private before: (() => TradeBar[]) | null;

  /** `before` tells what was traded before the first trade that is added; asked once, by the first reader. */
  constructor(before: (() => TradeBar[]) | null = null) {
    this.before = before;
  }

  /** A trade whose time lies before the newest bar is added to that bar: clocks are put back, the past is not. */
  add(atMs: number, ticks: number, lots: number): void {
    const { bars } = this;
    const openAtMs = Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
    const last = bars[bars.length - 1];
    if (last === undefined || openAtMs > last.openAtMs) {
      bars.push({ openAtMs, open: ticks, high: ticks, low: ticks, close: ticks, lots, tickLots: ticks * lots });
      if (bars.length > BARS_KEPT * 2) bars.splice(0, BARS_KEPT);
      return;
    }
    if (ticks > last.high) last.high = ticks;
    if (ticks < last.low) last.low = ticks;
    last.close = ticks;
    last.lots += lots;
    last.tickLots += ticks * lots;
  }

  /** Oldest first; the newest may still be growing. */
  read(): readonly TradeBar[] {
    if (this.before !== null) {
      this.bars = joined([...this.before(), ...this.bars]);
      this.before = null;
    }
    return this.bars;
  }
}

function joined(parts: readonly TradeBar[]): GrowingBar[] {
  const bars: GrowingBar[] = [];
  for (const part of parts) {
    const last = bars.at(-1);
    if (last === undefined || part.openAtMs > last.openAtMs) bars.push({ ...part });
    else joinBar(last, part);
  }
  return bars;
}

/** Makes `bar` longer by what was traded after it. */
export function joinBar(bar: GrowingBar, later: Omit<TradeBar, 'openAtMs'>): void {
  bar.high = Math.max(bar.high, later.high);
  bar.low = Math.min(bar.low, later.low);
  bar.close = later.close;
  bar.lots += later.lots;
  bar.tickLots += later.tickLots;
}

/**
 * Bars of `barMs`, a whole number of minutes, the last one holding `untilMs`. Where nothing was traded the price before
 * stands still.
 */
export function foldBars(minutes: readonly TradeBar[], barMs: number, untilMs: number): TradeBar[] {
  const bars: GrowingBar[] = [];
  const lastOpenAtMs = Math.floor(untilMs / barMs) * barMs;
  const standStill = (toMs: number): void => {
    const last = bars.at(-1);
    if (last === undefined) return;
    const { close } = last;
    const flat = { open: close, high: close, low: close, close, lots: 0, tickLots: 0 };
    const fromMs = Math.max(last.openAtMs + barMs, toMs - BARS_KEPT * barMs);
    for (let openAtMs = fromMs; openAtMs < toMs; openAtMs += barMs) bars.push({ openAtMs, ...flat });
  };
  for (const minute of minutes) {
    const openAtMs = Math.floor(minute.openAtMs / barMs) * barMs;
    const last = bars.at(-1);
    if (last !== undefined && openAtMs <= last.openAtMs) {
      joinBar(last, minute);
      continue;
    }
    standStill(openAtMs);
    bars.push({ ...minute, openAtMs });
  }
  standStill(lastOpenAtMs + barMs);
  return bars;
}
