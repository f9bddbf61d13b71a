/**
 * What a fill costs: the dearest of what the instrument lists (the account's own rates where the venue states them), what
 * the last fills cost on average by notional, and what the newest one cost. So a cost is never taken for too small: a fee
 * that rose counts at once, one that fell has to show it in every fill.
 */
import type { Instrument } from '../market/instrument.ts';
import type { StrategyFill } from '../strategies/strategy.ts';

/** Fills of one liquidity that the average looks back on. */
export const SEEN_FILLS = 20;
/** Between what is seen and what is listed, or was told: smaller ones are a venue's rounding. */
export const DIFFERENCE_BPS = 0.1;
/** What doubles differ by is no change: whoever asks compares a rate with the one before. */
const GRAIN_BPS = 2 ** -20;

interface SeenFees {
  /** Oldest first; `tickLots` is price x quantity, notional up to the instrument's constant. */
  fills: { feeBps: number; tickLots: number }[];
  /** What was last told to differ from the list; null while they agree. */
  toldBps: number | null;
}

/** Plain JSON values. */
export interface FeeMemory {
  maker: SeenFees;
  taker: SeenFees;
}

export function blankFeeMemory(): FeeMemory {
  return {
    maker: { fills: [], toldBps: null },
    taker: { fills: [], toldBps: null },
  };
}

/** The venue charges something else than it lists. */
export interface FeeDifference {
  liquidity: 'maker' | 'taker';
  listedBps: number;
  seenBps: number;
}

export class FeeManager {
  /** Fee over notional that is reckoned with; a rebate is negative. */
  makerBps: number;
  takerBps: number;
  private readonly listedMakerBps: number;
  private readonly listedTakerBps: number;
  private readonly memory: FeeMemory;

  /** `memory` is kept and changed in place. */
  constructor(instrument: Instrument, memory: FeeMemory) {
    // Millionths of notional to 1/10,000.
    this.listedMakerBps = Number(instrument.makerFeeE6) / 100;
    this.listedTakerBps = Number(instrument.takerFeeE6) / 100;
    this.memory = memory;
    this.makerBps = Math.max(this.listedMakerBps, seenBpsOf(memory.maker));
    this.takerBps = Math.max(this.listedTakerBps, seenBpsOf(memory.taker));
  }

  /** Takes what `fill` cost. Non-null once for each change of the difference; a fill without size or fee tells nothing. */
  observe(fill: StrategyFill): FeeDifference | null {
    const { isMaker, feeBps } = fill;
    const tickLots = fill.priceTicks * fill.lots;
    if (!Number.isFinite(feeBps) || !Number.isFinite(tickLots) || !(tickLots > 0)) return null;
    const seen = isMaker ? this.memory.maker : this.memory.taker;
    const listedBps = isMaker ? this.listedMakerBps : this.listedTakerBps;
    seen.fills.push({ feeBps, tickLots });
    if (seen.fills.length > SEEN_FILLS) seen.fills.shift();
    const seenBps = seenBpsOf(seen);
    if (isMaker) this.makerBps = Math.max(listedBps, seenBps);
    else this.takerBps = Math.max(listedBps, seenBps);
    if (!isNews(seen, seenBps, feeBps, listedBps)) return null;
    seen.toldBps = seenBps;
    return { liquidity: isMaker ? 'maker' : 'taker', listedBps, seenBps };
  }
}

/** A rise is told at once. An average that falls passes many values on its way: it is told when it has arrived. */
function isNews(seen: SeenFees, seenBps: number, newestBps: number, listedBps: number): boolean {
  if (Math.abs(seenBps - listedBps) <= DIFFERENCE_BPS) {
    seen.toldBps = null;
    return false;
  }
  const knownBps = seen.toldBps ?? listedBps;
  if (seenBps > knownBps + DIFFERENCE_BPS) return true;
  return seenBps < knownBps - DIFFERENCE_BPS && seenBps - newestBps <= DIFFERENCE_BPS;
}

/** The larger of sum(fee x notional) / sum(notional) and the newest fee, bps; below every rate before the first fill. */
function seenBpsOf({ fills }: SeenFees): number {
  let fees = 0;
  let tickLots = 0;
  let newestBps = -Infinity;
  for (const fill of fills) {
    fees += fill.feeBps * fill.tickLots;
    tickLots += fill.tickLots;
    newestBps = fill.feeBps;
  }
  return tickLots > 0 ? Math.round(Math.max(fees / tickLots, newestBps) / GRAIN_BPS) * GRAIN_BPS : newestBps;
}
