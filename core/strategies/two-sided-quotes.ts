/** One bid and one ask around the mid; the mid leans away from the inventory, so that the position is worked off. */
import { Reason, type ReasonCode } from '../bot/reasons.ts';
import type { TwoSidedQuotesParams } from '../bot/bot-config.ts';
import type { Instrument } from '../market/instrument.ts';
import type { DesiredQuotes, Strategy, StrategyView } from './strategy.ts';

const BPS = 1e-4;

export function createTwoSidedQuotes(params: TwoSidedQuotesParams, instrument: Instrument): Strategy {
  const halfSpreadRatio = params.halfSpreadBps * BPS;
  const skewRatio = params.skewBps * BPS;
  const requoteRatio = params.requoteBps * BPS;
  const orderQuote = Number(params.orderQuote);
  const inventoryQuoteMax = Number(params.inventoryQuoteMax);
  const notionalMin = Number(instrument.notionalMinE12) / 1e12;
  return {
    name: params.name,
    requoteMsMin: params.requoteMsMin,
    requoteTicks: (midTicks) => Math.max(1, Math.floor(midTicks * requoteRatio)),
    onBook(view: StrategyView, desired: DesiredQuotes): ReasonCode {
      const bestBid = view.book.bidTicks[0] as number;
      const bestAsk = view.book.askTicks[0] as number;
      const midTicks = (bestBid + bestAsk) / 2;
      const quotePerLot = midTicks * instrument.quotePerTickLot;
      const lots = Math.floor(orderQuote / quotePerLot);
      if (lots < instrument.qtyMinLots || lots * quotePerLot < notionalMin) return Reason.order_below_minimum;
      const fullness = Math.max(-1, Math.min(1, (view.positionLots * quotePerLot) / inventoryQuoteMax));
      const leanedMid = midTicks * (1 - skewRatio * fullness);
      // Rounded away from the mid and kept behind the other side's best: a quote of ours never takes.
      desired.bidTicks = Math.min(Math.floor(leanedMid * (1 - halfSpreadRatio)), bestAsk - 1);
      desired.askTicks = Math.max(Math.ceil(leanedMid * (1 + halfSpreadRatio)), bestBid + 1);
      desired.bidLots = fullness >= 1 ? 0 : lots;
      desired.askLots = fullness <= -1 ? 0 : lots;
      return fullness >= 1 || fullness <= -1 ? Reason.inventory_full : Reason.quoted;
    },
  };
}
