/** One bid and one ask around the mid; the mid leans away from the inventory, so that the position is worked off. */
import { Reason, type ReasonCode } from '../bot/reasons.ts';
import type { TwoSidedQuotesParams } from '../bot/bot-config.ts';
import type { Instrument } from '../market/instrument.ts';
import { clearLots, type DesiredQuotes, type Explained, type Strategy, type StrategyView } from './strategy.ts';

const BPS = 1e-4;

export function createTwoSidedQuotes(params: TwoSidedQuotesParams, instrument: Instrument): Strategy {
  const halfSpreadRatio = params.halfSpreadBps * BPS;
  const skewRatio = params.skewBps * BPS;
  const requoteRatio = params.requoteBps * BPS;
  const orderQuote = Number(params.orderQuote);
  const inventoryQuoteMax = Number(params.inventoryQuoteMax);
  const notionalMin = Number(instrument.notionalMinE12) / 1e12;
  const ignore = (): void => {};

  const fullnessOf = ({ positionLots, midTicks }: StrategyView): number =>
    Math.max(-1, Math.min(1, (positionLots * midTicks * instrument.quotePerTickLot) / inventoryQuoteMax));

  function quote(view: StrategyView, desired: DesiredQuotes): ReasonCode {
    clearLots(desired);
    desired.stale = 'none';
    const { midTicks, isReducing, closableByBidsLots, closableByAsksLots } = view;
    desired.isReducing = isReducing;
    const quotePerLot = midTicks * instrument.quotePerTickLot;
    const lotsMin = Math.max(instrument.qtyMinLots, Math.ceil(notionalMin / quotePerLot));
    if (isReducing && Math.max(closableByBidsLots, closableByAsksLots) < lotsMin) return Reason.nothing_to_reduce;
    const lots = Math.floor(orderQuote / quotePerLot);
    if (lots < lotsMin) return Reason.order_below_minimum;
    const fullness = fullnessOf(view);
    const leanedMid = midTicks * (1 - skewRatio * fullness);
    // Rounded away from the mid and kept behind the other side's best: a quote of ours never takes.
    const bestBid = view.book.bidTicks[0] as number;
    const bestAsk = view.book.askTicks[0] as number;
    desired.bidTicks[0] = Math.min(Math.floor(leanedMid * (1 - halfSpreadRatio)), bestAsk - 1);
    desired.askTicks[0] = Math.max(Math.ceil(leanedMid * (1 + halfSpreadRatio)), bestBid + 1);
    const bidLots = isReducing ? Math.min(lots, closableByBidsLots) : fullness < 1 ? lots : 0;
    const askLots = isReducing ? Math.min(lots, closableByAsksLots) : fullness > -1 ? lots : 0;
    if (bidLots >= lotsMin) desired.bidLots[0] = bidLots;
    if (askLots >= lotsMin) desired.askLots[0] = askLots;
    if (isReducing) return Reason.reducing_only;
    return bidLots > 0 && askLots > 0 ? Reason.quoted : Reason.inventory_full;
  }

  function explain(view: StrategyView): Explained {
    const { midTicks, isReducing } = view;
    const { tickSize } = instrument;
    const fullness = fullnessOf(view);
    const leanedMid = midTicks * (1 - skewRatio * fullness) * tickSize;
    const { halfSpreadBps, skewBps } = params;
    return { mid: midTicks * tickSize, leanedMid, halfSpreadBps, skewBps, fullness, orderQuote, isReducing };
  }

  return {
    name: params.name,
    memory: { name: params.name },
    requoteMsMin: params.requoteMsMin,
    requoteTicks: (midTicks) => Math.max(1, Math.floor(midTicks * requoteRatio)),
    onStart: ignore,
    onBars: ignore,
    onBook: ignore,
    onTimer: ignore,
    onFill: ignore,
    quote,
    regimeName: () => null,
    expectedEdgeBps: () => null,
    explain,
  };
}
