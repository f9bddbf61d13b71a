/** What the market maker's last answer rests on, for a person who asks why: prices in USDT, distances and costs in bps. */
import { reasonName } from '../bot/reasons.ts';
import type { Instrument } from '../market/instrument.ts';
import type { Explained, StrategyView } from '../strategies/strategy.ts';
import type { Markouts } from './markouts.ts';
import type { MarketMakerMemory, SideMemory } from './memory.ts';
import type { QuotePricer } from './pricer.ts';
import type { RegimeDetector } from './regime.ts';
import type { OrderSizer } from './sizer.ts';

export interface AnswerParts {
  readonly view: StrategyView;
  readonly memory: MarketMakerMemory;
  readonly instrument: Instrument;
  readonly regime: RegimeDetector;
  readonly markouts: Markouts;
  /** Both as measured for `view`. */
  readonly sizer: OrderSizer;
  readonly pricer: QuotePricer;
  readonly isWarm: boolean;
}

export function explainAnswer(parts: AnswerParts): Explained {
  const { view, memory, instrument, regime, markouts, sizer, pricer, isWarm } = parts;
  const { spread, terms, bid, ask } = memory;
  const { midTicks, positionLots, isReducing, fundingRate, atMs } = view;
  const { tickSize, lotSize, quotePerTickLot } = instrument;
  const { driftBps, shockBps, trendAtr, rsi, bollingerPosition, realisedVolBps } = regime.reading;
  const { floorBps, marketBps, components, state, calculatedAtMs } = spread;
  const { feesBps, adverseBps, fundingBps, flattenBps, minNetEdgeBps, atrBps: atrFloorBps } = components;
  const hasMid = midTicks > 0;
  return {
    isWarm,
    regime: regime.regime,
    isShockPending: regime.isShockPending,
    driftBps,
    shockBps,
    atrBps: regime.atrBps(midTicks),
    trendAtr,
    rsi,
    bollingerPosition,
    realisedVolBps,
    isStandingAside: state !== 'quoting',
    floorBps,
    marketBps,
    feesBps,
    adverseBps,
    fundingBps,
    flattenBps,
    minNetEdgeBps,
    atrFloorBps,
    spreadAgeS: calculatedAtMs > 0 ? (atMs - calculatedAtMs) / 1_000 : null,
    makerBps: terms.makerBps,
    takerBps: terms.takerBps,
    fundingRate,
    adverseBidBps: terms.adverseBidBps,
    adverseAskBps: terms.adverseAskBps,
    measuredBidFills: markouts.measuredFills('buy'),
    measuredAskFills: markouts.measuredFills('sell'),
    mid: hasMid ? midTicks * tickSize : null,
    position: positionLots * lotSize,
    positionQuote: positionLots * midTicks * quotePerTickLot,
    isReducing,
    targetRatio: sizer.targetRatio,
    fullness: sizer.fullness,
    bidDistanceBps: isWarm && hasMid ? pricer.bidDistanceBps : null,
    askDistanceBps: isWarm && hasMid ? pricer.askDistanceBps : null,
    ...explainSide('Bid', bid),
    ...explainSide('Ask', ask),
  };
}

function explainSide(name: 'Bid' | 'Ask', { isJudged, edgeBps, edgeBpsMin, withheld }: SideMemory): Explained {
  return {
    [`edge${name}Bps`]: isJudged ? edgeBps : null,
    [`edge${name}BpsMin`]: isJudged ? edgeBpsMin : null,
    [`withheld${name}`]: reasonName(withheld),
  };
}
