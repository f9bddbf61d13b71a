/**
 * How much each level quotes. The side that leads away from the target position shrinks as the inventory fills; the side
 * that leads back keeps its size. All in whole lots of the net position; which leg trades is not decided here.
 */
import { Reason, type ReasonCode } from '../bot/reasons.ts';
import type { Instrument } from '../market/instrument.ts';
import { isFinitePositive } from '../risk/numbers.ts';
import { QUOTE_LEVELS_MAX, type DesiredQuotes } from '../strategies/strategy.ts';
import type { SizeParams } from './params.ts';
import type { RegimeSpec } from './regime.ts';

/** What sizes depend on, as the strategy's view has it. */
export interface SizeView {
  readonly midTicks: number;
  /** Signed lots held. */
  readonly positionLots: number;
  /** Only the side that makes the position smaller, and no more of it than is reducible. */
  readonly isReducing: boolean;
  /** Lots of a side's orders that close something. */
  readonly reducibleByBids: number;
  readonly reducibleByAsks: number;
}

export class OrderSizer {
  /** Position less its target over the largest, -1..1; as `measure` last found it. */
  fullness = 0;
  /** Target position over the largest, -1..1. */
  targetRatio = 0;
  /** Position over the largest, -1..1. */
  heldRatio = 0;
  /** `quoted`, or why the side has no quote at all; as `size` last found it. */
  bidReason: ReasonCode = Reason.none;
  askReason: ReasonCode = Reason.none;

  private readonly instrument: Instrument;
  private readonly params: SizeParams;
  private readonly inventoryQuoteMax: number;
  private readonly notionalMin: number;
  /** USDT of each level in a neutral regime. */
  private readonly levelQuotes: Float64Array;

  constructor(params: SizeParams, instrument: Instrument) {
    this.params = params;
    this.instrument = instrument;
    this.inventoryQuoteMax = Number(params.inventoryQuoteMax);
    this.notionalMin = Number(instrument.notionalMinE12) / 1e12;
    const orderQuote = Number(params.orderQuote);
    this.levelQuotes = Float64Array.from(
      { length: QUOTE_LEVELS_MAX },
      (_, level) => orderQuote * params.levelSizeFactor ** level,
    );
  }

  /** How full the inventory is, before any price is formed. */
  measure(view: SizeView, spec: RegimeSpec): void {
    this.targetRatio = withinOne(this.params.targetBaseRatio + spec.targetShiftRatio);
    const positionQuote = view.positionLots * view.midTicks * this.instrument.quotePerTickLot;
    this.heldRatio = withinOne(positionQuote / this.inventoryQuoteMax);
    this.fullness = withinOne(positionQuote / this.inventoryQuoteMax - this.targetRatio);
  }

  /** The smallest order that the contract takes at `price`. */
  lotsMinAt(price: number): number {
    const { qtyMinLots, quotePerTickLot } = this.instrument;
    return Math.max(qtyMinLots, Math.ceil(this.notionalMin / (price * quotePerTickLot)));
  }

  /** Writes the room of both sides and the lots of every level of `quotes`, whose prices are set. After `measure`. */
  size(view: SizeView, spec: RegimeSpec, quotes: DesiredQuotes): void {
    const { positionLots, isReducing, reducibleByBids, reducibleByAsks } = view;
    const lotsMax = Math.floor(this.inventoryQuoteMax / (view.midTicks * this.instrument.quotePerTickLot));
    // Legs that net to nothing are closed by both sides, and neither makes a position beyond the largest.
    quotes.bidRoomLots = Math.min(lotsMax - positionLots, isReducing ? reducibleByBids : Infinity);
    quotes.askRoomLots = Math.min(lotsMax + positionLots, isReducing ? reducibleByAsks : Infinity);
    const { bidTicks, bidLots, askTicks, askLots, bidRoomLots, askRoomLots } = quotes;
    this.bidReason = this.sizeSide(view, spec, bidTicks, bidLots, bidRoomLots, reducibleByBids, true);
    this.askReason = this.sizeSide(view, spec, askTicks, askLots, askRoomLots, reducibleByAsks, false);
  }

  /** `room`: lots that all levels together may have; `reducible`: lots of them that make the position smaller. */
  private sizeSide(
    view: SizeView,
    spec: RegimeSpec,
    ticks: Float64Array,
    lots: Float64Array,
    room: number,
    reducible: number,
    isBid: boolean,
  ): ReasonCode {
    const { midTicks, isReducing } = view;
    const { quotePerTickLot } = this.instrument;
    const fullness = isBid ? this.fullness : -this.fullness;
    const growth = isReducing ? 1 : 1 - Math.max(0, fullness);
    const levels = Math.min(this.params.levels, spec.levelsMax);
    reducible = Math.min(reducible, room);
    let reason: ReasonCode = isReducing ? Reason.nothing_to_reduce : Reason.inventory_full;
    for (let level = 0; level < QUOTE_LEVELS_MAX; level += 1) {
      lots[level] = 0;
      if (level >= levels) continue;
      const price = ticks[level] as number;
      if (!isFinitePositive(price)) continue;
      // As risk values an order: at the mid or its own price, whichever is higher.
      const quotePerLot = Math.max(price, midTicks) * quotePerTickLot;
      const fullLots = ((this.levelQuotes[level] as number) * spec.sizeFactor) / quotePerLot;
      const lotsMin = this.lotsMinAt(price);
      let wanted = Math.min(Math.floor(fullLots * growth), room);
      // The smallest order is a fair way back as long as there is that much to take back.
      if (wanted < lotsMin && growth === 1 && reducible >= lotsMin) wanted = lotsMin;
      if (wanted >= lotsMin && Number.isSafeInteger(wanted)) {
        lots[level] = wanted;
        room -= wanted;
        reducible = Math.max(0, reducible - wanted);
        reason = Reason.quoted;
      } else if (reason !== Reason.quoted && room >= lotsMin && fullLots < lotsMin) {
        reason = Reason.order_below_minimum;
      }
    }
    return reason;
  }
}

function withinOne(ratio: number): number {
  return Math.max(-1, Math.min(1, ratio));
}
