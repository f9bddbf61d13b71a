/** Price bars: what the regime and the volatility are measured on. */

/** One closed interval; prices in ticks, halves allowed where they are mids. */
export interface Bar {
  readonly openAtMs: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
}

const NUMBER_MAX = Number.MAX_SAFE_INTEGER;

/** What counts as a price in ticks. The middle of a book lies half a tick above nothing at least; NaN and infinities are none. */
export function isPriceTicks(ticks: number): boolean {
  return ticks >= 0.5 && ticks <= NUMBER_MAX;
}

/** False where a price is none, or lies outside the bar's own high and low. */
export function isSoundBar({ openAtMs, open, high, low, close }: Bar): boolean {
  return (
    Number.isSafeInteger(openAtMs) &&
    openAtMs >= 0 &&
    isPriceTicks(low) &&
    isPriceTicks(high) &&
    open >= low &&
    open <= high &&
    close >= low &&
    close <= high
  );
}

/** The bar that is being built, as plain values. */
export interface BarMemory {
  readonly barMs: number;
  /** 0 before the first. */
  openAtMs: number;
  /** When the last mid was taken; earlier ones are late. */
  midAtMs: number;
  /** All 0 while it has no mid. */
  open: number;
  high: number;
  low: number;
  close: number;
}

export function blankBar(barMs: number): BarMemory {
  return { barMs, openAtMs: 0, midAtMs: 0, open: 0, high: 0, low: 0, close: 0 };
}

/**
 * What a mid led to: it was late or no price and changed nothing; it went into the bar; it closed the one before; or bars are
 * missing: more than one passed without a mid, or the clock went back by more than one. What was measured before such a gap
 * says nothing about what follows, so the bar before it is not handed out. A single one that is missing is no gap: a process
 * that starts at the turn of a minute may see it neither in the history nor in its own mids.
 */
export type BarNews = 'ignored' | 'taken' | 'closed' | 'gap';

/**
 * Builds bars of mids, aligned to UTC. A bar closes with the first mid after its end; one without mids is never made up. The
 * first after a start or a gap is what was seen of it.
 */
export class BarBuilder {
  /** The bar that closed last; one object, valid until the next one closes. */
  readonly closed: Bar;
  private readonly last: { -readonly [Key in keyof Bar]: Bar[Key] };
  private readonly memory: BarMemory;

  constructor(memory: BarMemory) {
    this.memory = memory;
    this.last = { openAtMs: 0, open: 0, high: 0, low: 0, close: 0 };
    this.closed = this.last;
  }

  onMid(midTicks: number, atMs: number): BarNews {
    const { memory } = this;
    if (!(isPriceTicks(midTicks) && atMs <= NUMBER_MAX)) return 'ignored';
    if (!(atMs >= memory.midAtMs)) {
      return atMs < memory.midAtMs - memory.barMs ? this.begin(midTicks, atMs, 'gap') : 'ignored';
    }
    if (atMs >= memory.openAtMs + memory.barMs) return this.passOn(midTicks, atMs);
    if (memory.open === 0) return this.begin(midTicks, atMs, 'taken');
    memory.midAtMs = atMs;
    memory.close = midTicks;
    if (midTicks > memory.high) memory.high = midTicks;
    else if (midTicks < memory.low) memory.low = midTicks;
    return 'taken';
  }

  /** A history ends where the bar of `openAtMs` begins: what is built goes on if it joins, and that bar is built next if not. */
  follow(openAtMs: number): void {
    const { memory } = this;
    const ahead = memory.openAtMs - openAtMs;
    if (ahead === 0 || ahead === memory.barMs) return;
    memory.openAtMs = openAtMs;
    memory.midAtMs = openAtMs;
    memory.open = 0;
    memory.high = 0;
    memory.low = 0;
    memory.close = 0;
  }

  /** Whether more than one whole bar has passed without a mid; the one that begins where the history ends counts. */
  hasGap(atMs: number): boolean {
    const { openAtMs, barMs, open } = this.memory;
    return openAtMs > 0 && atMs >= openAtMs + (open === 0 ? 2 : 3) * barMs;
  }

  /** The first mid after the end of a bar. */
  private passOn(midTicks: number, atMs: number): BarNews {
    const { memory, last } = this;
    if (this.hasGap(atMs)) return this.begin(midTicks, atMs, 'gap');
    if (memory.open === 0) return this.begin(midTicks, atMs, 'taken');
    last.openAtMs = memory.openAtMs;
    last.open = memory.open;
    last.high = memory.high;
    last.low = memory.low;
    last.close = memory.close;
    return this.begin(midTicks, atMs, 'closed');
  }

  private begin(midTicks: number, atMs: number, news: BarNews): BarNews {
    const { memory } = this;
    memory.openAtMs = Math.floor(atMs / memory.barMs) * memory.barMs;
    memory.midAtMs = atMs;
    memory.open = midTicks;
    memory.high = midTicks;
    memory.low = midTicks;
    memory.close = midTicks;
    return news;
  }
}
