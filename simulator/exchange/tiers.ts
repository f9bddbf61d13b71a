/** Leverage tiers: the larger a position, the less leverage it may have and the more margin must stay. */
import type { SimulatedMarket } from '../../core/simulation/options.ts';
import { parseQuote, parseScaled } from '../../core/money/decimal.ts';
import type { QuoteAmount } from '../../core/money/money.ts';

export interface LeverageTier {
  /** Position value from which it holds, included, and up to which, excluded. */
  readonly from: QuoteAmount;
  readonly upTo: QuoteAmount;
  readonly leverageMax: number;
  /** Maintenance margin, in millionths of the value. */
  readonly keepMarginRateE6: bigint;
  /** As stated. */
  readonly keepMarginRate: string;
}

export type LeverageTiers = readonly [LeverageTier, ...LeverageTier[]];

/** Tiers follow each other without a gap; the first begins at 0. */
export function createTiers(specs: SimulatedMarket['leverageTiers']): LeverageTiers {
  let from = 0n;
  const tiers = specs.map(({ upTo, leverageMax, keepMarginRate }) => {
    const tier = {
      from: from as QuoteAmount,
      upTo: parseQuote(upTo),
      leverageMax,
      keepMarginRateE6: parseScaled(keepMarginRate, 6),
      keepMarginRate,
    };
    from = tier.upTo;
    return tier;
  });
  return tiers as unknown as LeverageTiers;
}

/** The tier of a position worth `value`; beyond the last one the last one holds. */
export function tierOf(tiers: LeverageTiers, value: bigint): LeverageTier {
  return tiers.find(({ upTo }) => value < upTo) ?? tiers.at(-1)!;
}

/** The largest position that `leverage` may hold. */
export function valueMaxAt(tiers: LeverageTiers, leverage: number): QuoteAmount {
  const allowed = tiers.filter(({ leverageMax }) => leverageMax >= leverage);
  return (allowed.at(-1)?.upTo ?? 0n) as QuoteAmount;
}
