/**
 * What kind of market this is: the price goes nowhere, up or down over minutes, or it jumps. Trends are judged on closed
 * bars, a shock on the last seconds. The market is judged once a second; the regime follows when `holdTicks` judgements in a
 * row agree, into a shock, too, but the first judgement of a shock shows in `isShockPending` at once. What has begun ends
 * only well below where it began, so that a market on an edge does not flap.
 */
import { bollingerPosition } from '../indicators/bollinger.ts';
import { BarBuilder, blankBar, isPriceTicks, isSoundBar, type Bar, type BarMemory } from '../market/bars.ts';
import { blankDriftWindow, driftTo, sampleMid, type DriftWindow } from '../market/drift-window.ts';
import type { RegimeParams } from './params.ts';
import { areIndicatorsReady, blankIndicators, takeBar, type RegimeIndicators } from './regime-indicators.ts';

export type Regime = 'neutral' | 'up' | 'down' | 'high_volatility_shock';

/** What a regime changes in the quotes; factors multiply what the parameters say. */
export interface RegimeSpec {
  readonly spreadFactor: number;
  readonly sizeFactor: number;
  /** Quotes on each side at most. */
  readonly levelsMax: number;
  /** Of one side's distance from the mid. */
  readonly bidDistanceFactor: number;
  readonly askDistanceFactor: number;
  /** Added to the position that is aimed at, as a share of the largest. */
  readonly targetShiftRatio: number;
}

/**
 * The numbers rest on 30 days of BTC and ETH minutes (data/binance-usdm) and on a day of BTC seconds, which the regime's
 * replay test plays. Half a minute after a shock the price has moved about twice as far as in a neutral market, in a trend
 * up to a fifth further. Trends did not go on: five minutes later the price was, on average, within a basis point of where
 * it had been. So a trend leans the quotes only as far as keeps the bot from collecting inventory against it.
 */
export const REGIMES: Readonly<Record<Regime, RegimeSpec>> = Object.freeze({
  /** What the parameters say; five levels are all there are. */
  neutral: Object.freeze({
    spreadFactor: 1,
    sizeFactor: 1,
    levelsMax: 5,
    bidDistanceFactor: 1,
    askDistanceFactor: 1,
    targetShiftRatio: 0,
  }),
  up: Object.freeze({
    // A fifth more movement, a fifth more spread, and less size by as much: a fill risks what it risks when neutral.
    spreadFactor: 1.2,
    sizeFactor: 0.8,
    // The far levels are what a move runs through: three leave room for a pull-back and not for a ladder against the trend.
    levelsMax: 3,
    bidDistanceFactor: 1,
    // Asks are what the trend takes; those taken lost hardly more than bids did, so a quarter further away and no more.
    askDistanceFactor: 1.25,
    // With the asks taken first the inventory drifts short; aiming at a tenth long works against that and is no bet.
    targetShiftRatio: 0.1,
  }),
  /** The mirror of `up`. */
  down: Object.freeze({
    spreadFactor: 1.2,
    sizeFactor: 0.8,
    levelsMax: 3,
    bidDistanceFactor: 1.25,
    askDistanceFactor: 1,
    targetShiftRatio: -0.1,
  }),
  high_volatility_shock: Object.freeze({
    // Twice the movement, twice the spread, half the size.
    spreadFactor: 2,
    sizeFactor: 0.5,
    // What stands behind the first level is run through in the same move.
    levelsMax: 1,
    // Which way it goes on was not to be seen: both sides alike, and no view on the inventory.
    bidDistanceFactor: 1,
    askDistanceFactor: 1,
    targetShiftRatio: 0,
  }),
});

/** What the last judgement rests on. */
export interface RegimeReading {
  /** Signed way from the farthest mid of the shock window, and from where on it is a shock; bps of the mid. */
  driftBps: number;
  shockBps: number;
  /** Average true range of a bar, bps of the mid. */
  atrBps: number;
  /** Fast less slow average, in average true ranges. */
  trendAtr: number;
  rsi: number;
  /** -1 on the lower band, 1 on the upper one. */
  bollingerPosition: number;
  /** Deviation of the return of a bar. */
  realisedVolBps: number;
}

/** Plain JSON values. */
export interface RegimeMemory {
  readonly bar: BarMemory;
  readonly drift: DriftWindow;
  indicators: RegimeIndicators;
  regime: Regime;
  /** What the last judgements say when that is not the regime, and how many of them in a row. */
  candidate: Regime;
  agreeing: number;
  readonly reading: RegimeReading;
}

export function blankRegime(params: RegimeParams): RegimeMemory {
  return {
    bar: blankBar(params.barS * 1_000),
    drift: blankDriftWindow(params.shockDriftS),
    indicators: blankIndicators(params),
    regime: 'neutral',
    candidate: 'neutral',
    agreeing: 0,
    reading: blankReading(),
  };
}

function blankReading(): RegimeReading {
  return { driftBps: 0, shockBps: 0, atrBps: 0, trendAtr: 0, rsi: 0, bollingerPosition: 0, realisedVolBps: 0 };
}

/** A regime that has begun lasts until its cause is below this share of what begins it. */
const LEAVE_RATIO = 0.5;
/** A trend begins with the RSI on its side of the middle, and is over when that is so far on the other side. */
const RSI_MIDDLE = 50;
const RSI_SLACK = 5;
/** A smaller range is the grid of prices and not the market: a flat book must make neither trends nor shocks. */
const RANGE_TICKS_MIN = 1;

export class RegimeDetector {
  readonly params: RegimeParams;
  private readonly memory: RegimeMemory;
  private readonly builder: BarBuilder;
  private readonly shockAtr: number;

  /** A memory of other lengths than these parameters have starts anew: they were changed. */
  constructor(params: RegimeParams, memory: RegimeMemory) {
    this.params = params;
    this.memory = memory;
    const blank = blankRegime(params);
    if (shapeOf(memory) !== shapeOf(blank)) Object.assign(memory, blank);
    this.builder = new BarBuilder(memory.bar);
    // A range grows with the square root of time, so the multiplier means the same for every window and every bar.
    this.shockAtr = params.shockDriftAtrMultiplier * Math.sqrt(params.shockDriftS / params.barS);
  }

  get regime(): Regime {
    return this.memory.regime;
  }

  /** Whether every indicator has its first value; before that the regime is neutral and nothing should be quoted on it. */
  get isReady(): boolean {
    return areIndicatorsReady(this.memory.indicators);
  }

  /** The last judgement was a shock and the regime is not one yet: the quotes widen now. */
  get isShockPending(): boolean {
    return this.memory.candidate === 'high_volatility_shock' && this.memory.agreeing > 0;
  }

  /** One object, written by each `evaluate` that judges; all 0 before the first. */
  get reading(): RegimeReading {
    return this.memory.reading;
  }

  /** 0 before it is known. */
  atrBps(midTicks: number): number {
    return isPriceTicks(midTicks) ? (this.memory.indicators.atr.value / midTicks) * 1e4 : 0;
  }

  /** After a restart: what was measured still holds when no more than one bar was missed. */
  onStart(atMs: number): void {
    if (this.builder.hasGap(atMs)) this.startAnew();
  }

  /**
   * Closed bars in a row, oldest first: they replace all that was measured on bars. After a hole, or a bar that is none, the
   * indicators start anew; bars of another length so never warm them up. No bars at all change nothing.
   */
  onBars(bars: readonly Bar[]): void {
    if (bars.length === 0) return;
    const { memory, builder, params } = this;
    const barMs = params.barS * 1_000;
    memory.indicators = blankIndicators(params);
    let nextAtMs = 0;
    for (const bar of bars) {
      const isSound = isSoundBar(bar) && bar.openAtMs % barMs === 0;
      if (nextAtMs !== 0 && (!isSound || bar.openAtMs !== nextAtMs)) memory.indicators = blankIndicators(params);
      nextAtMs = isSound ? bar.openAtMs + barMs : 0;
      if (isSound) takeBar(memory.indicators, bar);
    }
    if (nextAtMs !== 0) builder.follow(nextAtMs);
    if (!this.isReady) this.forgetRegime();
  }

  /** Each mid of a two-sided book. True when it changed what is measured on bars. */
  onMid(midTicks: number, atMs: number): boolean {
    const { memory, builder } = this;
    const news = builder.onMid(midTicks, atMs);
    if (news === 'ignored') return false;
    sampleMid(memory.drift, midTicks, atMs);
    if (news === 'taken') return false;
    if (news === 'closed') takeBar(memory.indicators, builder.closed);
    else this.startAnew();
    return true;
  }

  /** Once a second. Without a mid, or before it is ready, nothing is judged. */
  evaluate(midTicks: number, atMs: number): Regime {
    const { memory, params } = this;
    if (!isPriceTicks(midTicks) || !this.isReady) return memory.regime;
    this.read(midTicks, atMs);
    const judged = judgeRegime(memory.reading, memory.regime, params.trendAtr);
    memory.agreeing = judged === memory.regime ? 0 : judged === memory.candidate ? memory.agreeing + 1 : 1;
    memory.candidate = judged;
    if (memory.agreeing >= params.holdTicks) {
      memory.regime = judged;
      memory.agreeing = 0;
    }
    return memory.regime;
  }

  private read(midTicks: number, atMs: number): void {
    const { reading, drift, indicators } = this.memory;
    const { emaFast, emaSlow, atr, rsi, bollinger, realisedVolatility } = indicators;
    const rangeTicks = Math.max(atr.value, RANGE_TICKS_MIN);
    const bpsPerTick = 1e4 / midTicks;
    reading.driftBps = driftTo(drift, midTicks, atMs) * bpsPerTick;
    reading.shockBps = Math.max(this.shockAtr * rangeTicks * bpsPerTick, this.params.shockDriftBpsMin);
    reading.atrBps = atr.value * bpsPerTick;
    reading.trendAtr = (emaFast.value - emaSlow.value) / rangeTicks;
    reading.rsi = rsi.value;
    reading.bollingerPosition = bollingerPosition(bollinger, midTicks);
    reading.realisedVolBps = realisedVolatility.value * 1e4;
  }

  /** What was measured on bars no longer holds. */
  private startAnew(): void {
    this.memory.indicators = blankIndicators(this.params);
    this.forgetRegime();
  }

  private forgetRegime(): void {
    const { memory } = this;
    memory.regime = 'neutral';
    memory.candidate = 'neutral';
    memory.agreeing = 0;
    Object.assign(memory.reading, blankReading());
  }
}

/** One judgement: what the reading says in a market whose regime is `current`. */
export function judgeRegime(reading: RegimeReading, current: Regime, trendAtr: number): Regime {
  const shockBps = reading.shockBps * (current === 'high_volatility_shock' ? LEAVE_RATIO : 1);
  if (Math.abs(reading.driftBps) >= shockBps) return 'high_volatility_shock';
  if (isTrend(reading.trendAtr, reading.rsi - RSI_MIDDLE, trendAtr, current === 'up')) return 'up';
  if (isTrend(-reading.trendAtr, RSI_MIDDLE - reading.rsi, trendAtr, current === 'down')) return 'down';
  return 'neutral';
}

/** Towards one side: how far the averages are apart, and how far the RSI is from the middle. */
function isTrend(apart: number, lean: number, trendAtr: number, hasBegun: boolean): boolean {
  return hasBegun ? apart >= trendAtr * LEAVE_RATIO && lean > -RSI_SLACK : apart >= trendAtr && lean > 0;
}

/** Which parameters a memory was made for: a change of any other can go on with it. */
function shapeOf({ bar, drift, indicators }: RegimeMemory): string {
  const { emaFast, emaSlow, atr, rsi, bollinger } = indicators;
  return [bar.barMs, drift.windowS, emaFast.n, emaSlow.n, atr.n, rsi.n, bollinger.n, bollinger.width].join();
}
