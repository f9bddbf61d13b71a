/**
 * How far apart the quotes must be for a round trip to be worth it, and whether the market pays that. Three states:
 *
 *   unknown  -> quoting | aside   with a calculation: nothing was known before it
 *   quoting  -> aside             when the floor exceeds what the market pays by more than `standAsideBps`
 *   aside    -> quoting           when it exceeds it by `RETURN_BPS` less than that: a market that hovers at the limit
 *                                 does not turn the bot on and off with every calculation
 *   any      -> unknown           when a number of a calculation is not finite; the floor stays the last good one
 *
 * All but `quoting` stands aside. All spreads are full ones, in bps of the mid.
 */
import type { Instrument } from '../market/instrument.ts';
import { expectedFundingBps, flattenCostBps } from './edge.ts';
import type { SpreadParams } from './params.ts';

/** Half of the default `standAsideBps`. */
export const RETURN_BPS = 0.5;
/** A best spread counts for this long at most: after it a silent feed tells no more about the market. */
export const TOUCH_MS_MAX = 5_000;

const BPS = 1e4;
/** A bid and an ask above 0 are at most twice their mid apart; nor is a fee, a range or a loss that is measured more. */
const BPS_MAX = 2 * BPS;

/** What a floor is made of. */
export interface SpreadComponents {
  /** Both makers' fees. */
  feesBps: number;
  /** Adverse selection of both fills. */
  adverseBps: number;
  /** Expected funding while the position is held, taken as paid. */
  fundingBps: number;
  /** Expected loss in what no maker closes. */
  flattenBps: number;
  minNetEdgeBps: number;
  /** The average true range's share: not added to the others, but a floor of its own. */
  atrBps: number;
}

/** Plain JSON values. */
export interface SpreadMemory {
  state: 'unknown' | 'quoting' | 'aside';
  /** 0 before the first. */
  calculatedAtMs: number;
  floorBps: number;
  marketBps: number;
  components: SpreadComponents;
  /** The best spread as last seen; and, since the last calculation, its sum over time and that time. */
  touchBps: number;
  touchAtMs: number;
  touchBpsMs: number;
  touchMs: number;
}

export function blankSpreadMemory(): SpreadMemory {
  return {
    state: 'unknown',
    calculatedAtMs: 0,
    floorBps: 0,
    marketBps: 0,
    components: { feesBps: 0, adverseBps: 0, fundingBps: 0, flattenBps: 0, minNetEdgeBps: 0, atrBps: 0 },
    touchBps: 0,
    touchAtMs: 0,
    touchBpsMs: 0,
    touchMs: 0,
  };
}

/** What a calculation rests on. One object may be filled anew for every one. */
export interface SpreadInput {
  midTicks: number;
  /** Best ask less best bid. */
  touchBps: number;
  /** Average true range of a bar. */
  atrBps: number;
  /** Fee over notional; a rebate is negative. */
  makerBps: number;
  takerBps: number;
  /** Adverse selection of a fill of our bid and of our ask; below 0 counts as 0. */
  adverseBidBps: number;
  adverseAskBps: number;
  /** Fraction of notional for one interval; positive: longs pay. */
  fundingRate: number;
  fundingIntervalMs: number;
  atMs: number;
}

export class SpreadEngine {
  private readonly params: SpreadParams;
  private readonly memory: SpreadMemory;

  /** `memory` is kept and changed in place. Prices are whole ticks here, so nothing else of the instrument matters. */
  constructor(params: SpreadParams, _instrument: Instrument, memory: SpreadMemory) {
    this.params = params;
    this.memory = memory;
  }

  /** Never less than one tick, what a round trip costs with its least edge, or the range's share. 0 before the first. */
  get floorBps(): number {
    return this.memory.floorBps;
  }

  get marketBps(): number {
    return this.memory.marketBps;
  }

  get isStandingAside(): boolean {
    return this.memory.state !== 'quoting';
  }

  get components(): Readonly<SpreadComponents> {
    return this.memory.components;
  }

  /** A clock that was set back does not put it off. */
  isDue(atMs: number): boolean {
    const sinceMs = atMs - this.memory.calculatedAtMs;
    return sinceMs >= this.params.recalculateS * 1_000 || sinceMs < 0;
  }

  /** Hot. The best spread from now on: it is averaged over the time that it stands. */
  observeTouch(touchBps: number, atMs: number): void {
    if (!(touchBps >= 0 && touchBps <= BPS_MAX && atMs > 0 && atMs < Infinity)) return;
    const { memory } = this;
    const stoodMs = Math.min(atMs - memory.touchAtMs, TOUCH_MS_MAX);
    if (stoodMs > 0 && memory.touchAtMs > 0) {
      memory.touchBpsMs += memory.touchBps * stoodMs;
      memory.touchMs += stoodMs;
    }
    memory.touchBps = touchBps;
    memory.touchAtMs = atMs;
  }

  /** Anew from `input`, whether it is due or not. */
  calculate(input: SpreadInput): void {
    const { params, memory } = this;
    const { makerBps, takerBps, fundingRate, fundingIntervalMs } = input;
    this.observeTouch(input.touchBps, input.atMs);
    const touchBps = memory.touchMs > 0 ? memory.touchBpsMs / memory.touchMs : input.touchBps;
    if (Number.isFinite(input.atMs)) memory.calculatedAtMs = input.atMs;
    memory.touchBpsMs = 0;
    memory.touchMs = 0;

    const tickBps = BPS / input.midTicks;
    const feesBps = 2 * makerBps;
    const adverseBps = Math.max(0, input.adverseBidBps) + Math.max(0, input.adverseAskBps);
    const fundingBps = Math.abs(expectedFundingBps('buy', fundingRate, fundingIntervalMs, params.holdMinutes));
    const flattenBps = flattenCostBps(makerBps, takerBps, params.slippageBps, params.fillFactor);
    const atrBps = params.atrFactor * input.atrBps;
    const worthItBps = feesBps + adverseBps + fundingBps + flattenBps + params.minNetEdgeBps;
    const floorBps = Math.max(tickBps, worthItBps, atrBps);
    const marketBps = params.market === 'touch' ? touchBps : input.atrBps;
    // The floor too: funding at no interval is no number, and over a tiny one too large for any.
    if (!isUsable(input) || !Number.isFinite(floorBps)) {
      memory.state = 'unknown';
      return;
    }
    const limitBps = marketBps + params.standAsideBps - (memory.state === 'aside' ? RETURN_BPS : 0);
    memory.state = floorBps > limitBps ? 'aside' : 'quoting';
    memory.floorBps = floorBps;
    memory.marketBps = marketBps;
    const { components } = memory;
    components.feesBps = feesBps;
    components.adverseBps = adverseBps;
    components.fundingBps = fundingBps;
    components.flattenBps = flattenBps;
    components.minNetEdgeBps = params.minNetEdgeBps;
    components.atrBps = atrBps;
  }
}

function isUsable(input: SpreadInput): boolean {
  return (
    Number.isFinite(input.midTicks) &&
    input.midTicks > 0 &&
    input.touchBps >= 0 &&
    input.touchBps <= BPS_MAX &&
    input.atrBps >= 0 &&
    input.atrBps <= BPS_MAX &&
    Math.abs(input.makerBps) <= BPS_MAX &&
    Math.abs(input.takerBps) <= BPS_MAX &&
    Math.abs(input.adverseBidBps) <= BPS_MAX &&
    Math.abs(input.adverseAskBps) <= BPS_MAX &&
    Number.isFinite(input.fundingRate) &&
    Number.isFinite(input.fundingIntervalMs) &&
    Number.isFinite(input.atMs)
  );
}
