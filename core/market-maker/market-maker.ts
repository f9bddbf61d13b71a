/**
 * The market maker: what its parts make of a market, in this order, with the first answer that says no.
 *
 *   not warm             the regime has too few bars, or the spread was not calculated since the start
 *   standing aside       the floor exceeds what the market pays: only the way out of a position is quoted
 *   sizes                inventory full, order too small, nothing to reduce
 *   judge                what is not worth it is left out, level by level
 *
 * Books only feed the parts. Once a second the regime is judged and, when its time has come, the spread is calculated; both
 * are told, as is each change of what is withheld. What quotes are priced and judged by changes with a calculation only. So an
 * answer holds for the books that follow until best prices or position are others, and is not formed again for them.
 */
import { Reason, reasonName, type ReasonCode } from '../bot/reasons.ts';
import type { Bar } from '../market/bars.ts';
import type { Instrument } from '../market/instrument.ts';
import type { Side } from '../orders/order-intent.ts';
import {
  clearLots,
  QUOTE_LEVELS_MAX,
  type DesiredQuotes,
  type Explained,
  type Strategy,
  type StrategyFill,
  type StrategyMemory,
  type StrategyView,
  type TellSignal,
} from '../strategies/strategy.ts';
import { createQuoteVerdict, expectedFundingBps, judgeQuote, quoteEdgeBps, type JudgedQuote } from './edge.ts';
import { explainAnswer } from './explain.ts';
import { FeeManager } from './fees.ts';
import { Markouts } from './markouts.ts';
import { LastAnswer } from './last-answer.ts';
import { adoptMemory, type MarketMakerMemory, type QuoteTerms, type SideMemory } from './memory.ts';
import type { MarketMakerParams } from './params.ts';
import { QuotePricer } from './pricer.ts';
import { RegimeDetector, REGIMES, type Regime } from './regime.ts';
import { OrderSizer, type SizeView } from './sizer.ts';
import { SpreadEngine, type SpreadInput } from './spread.ts';

const BPS = 1e4;

export function createMarketMaker(
  params: MarketMakerParams,
  instrument: Instrument,
  memory: StrategyMemory | null,
): Strategy {
  return new MarketMaker(params, instrument, adoptMemory(memory, params));
}

class MarketMaker implements Strategy {
  readonly name: string;
  readonly memory: MarketMakerMemory;
  readonly requoteMsMin: number;
  private readonly params: MarketMakerParams;
  private readonly instrument: Instrument;
  private readonly regime: RegimeDetector;
  private readonly fees: FeeManager;
  private readonly markouts: Markouts;
  private readonly spread: SpreadEngine;
  private readonly sizer: OrderSizer;
  private readonly pricer: QuotePricer;
  /** Reused by every answer. */
  private readonly sizeView: { -readonly [Key in keyof SizeView]: SizeView[Key] };
  private readonly verdict = createQuoteVerdict();
  /** A quote of each side with the costs of the last calculation. */
  private judgedBid: JudgedQuote;
  private judgedAsk: JudgedQuote;
  private readonly last = new LastAnswer();

  constructor(params: MarketMakerParams, instrument: Instrument, memory: MarketMakerMemory) {
    this.name = params.name;
    this.params = params;
    this.instrument = instrument;
    this.memory = memory;
    this.requoteMsMin = params.requoteMsMin;
    this.regime = new RegimeDetector(params.regime, memory.regime);
    this.fees = new FeeManager(instrument, memory.fees);
    this.markouts = new Markouts(params.spread, memory.markouts);
    this.spread = new SpreadEngine(params.spread, instrument, memory.spread);
    this.sizer = new OrderSizer(params.size, instrument);
    this.pricer = new QuotePricer(params.size);
    this.sizeView = { midTicks: 0, positionLots: 0, isReducing: false, reducibleByBids: 0, reducibleByAsks: 0 };
    this.judgedBid = judgedBy(memory.terms, 'buy');
    this.judgedAsk = judgedBy(memory.terms, 'sell');
  }

  requoteTicks(midTicks: number): number {
    return Math.max(1, Math.floor((midTicks * this.params.requoteBps) / BPS));
  }

  onStart(atMs: number): void {
    this.regime.onStart(atMs);
    this.memory.isSpreadKnown = false;
    this.last.forget();
  }

  onBars(bars: readonly Bar[]): void {
    this.regime.onBars(bars);
    this.last.forget();
  }

  onBook(view: StrategyView, tell: TellSignal): void {
    const { midTicks, atMs } = view;
    if (this.regime.onMid(midTicks, atMs)) this.last.forget();
    this.spread.observeTouch(touchBps(view), atMs);
    this.markouts.onBook(view, tell);
  }

  onTimer(view: StrategyView, tell: TellSignal): void {
    const { memory, regime } = this;
    const isFlip = regime.evaluate(view.midTicks, view.atMs) !== memory.regimeTold;
    if (isFlip) this.tellFlip(tell);
    const isDue = isFlip || memory.isSpreadDue || !memory.isSpreadKnown || this.spread.isDue(view.atMs);
    if (isDue && regime.isReady && view.midTicks > 0) this.calculateSpread(view, tell);
    this.last.forget();
    this.tellWithheld('buy', memory.bid, tell);
    this.tellWithheld('sell', memory.ask, tell);
  }

  onFill(fill: StrategyFill, _view: StrategyView, tell: TellSignal): void {
    const { makerBps, takerBps } = this.fees;
    const difference = this.fees.observe(fill);
    if (difference !== null) tell({ type: 'fee_differs', ...difference });
    if (this.fees.makerBps !== makerBps || this.fees.takerBps !== takerBps) this.memory.isSpreadDue = true;
    const quote = fill.priceTicks * fill.lots * this.instrument.quotePerTickLot;
    this.markouts.onFill(fill, this.regime.regime, Math.min(1, quote / Number(this.params.size.orderQuote)));
  }

  quote(view: StrategyView, desired: DesiredQuotes): ReasonCode {
    const { memory, last } = this;
    const { areBidsStale, areAsksStale } = memory;
    desired.stale = areBidsStale ? (areAsksStale ? 'both' : 'bids') : areAsksStale ? 'asks' : 'none';
    memory.areBidsStale = false;
    memory.areAsksStale = false;
    if (!last.holdsFor(view, desired)) last.keep(view, desired, this.formAnswer(view, desired));
    return last.reason;
  }

  regimeName(): string {
    return this.regime.regime;
  }

  /** From where the mid was just before the fill, as adverse selection is measured from there: what differs is that one alone. */
  expectedEdgeBps({ side, priceTicks, atMs }: Pick<StrategyFill, 'side' | 'priceTicks' | 'atMs'>): number | null {
    const beforeTicks = this.markouts.midBefore(atMs);
    if (beforeTicks === 0 || !this.memory.isSpreadKnown) return null;
    const awayTicks = side === 'buy' ? beforeTicks - priceTicks : priceTicks - beforeTicks;
    return quoteEdgeBps({ ...judgedBy(this.memory.terms, side), captureBps: (awayTicks / beforeTicks) * 1e4 });
  }

  explain(view: StrategyView): Explained {
    this.measure(view);
    const { memory, instrument, regime, markouts, sizer, pricer } = this;
    return explainAnswer({ view, memory, instrument, regime, markouts, sizer, pricer, isWarm: this.isWarm() });
  }

  private formAnswer(view: StrategyView, desired: DesiredQuotes): ReasonCode {
    const { memory, sizer } = this;
    if (!this.isWarm()) {
      clearLots(desired);
      memory.bid.withheld = Reason.none;
      memory.ask.withheld = Reason.none;
      return Reason.indicators_warming_up;
    }
    this.measure(view);
    desired.isReducing = this.sizeView.isReducing;
    this.pricer.price(view.book, view.midTicks, desired);
    sizer.size(this.sizeView, REGIMES[this.regime.regime], desired);
    const bidReason = this.judgeSide(true, desired.bidTicks, desired.bidLots, sizer.bidReason);
    const askReason = this.judgeSide(false, desired.askTicks, desired.askLots, sizer.askReason);
    return this.answer(bidReason, askReason);
  }

  private isWarm(): boolean {
    return this.memory.isSpreadKnown && this.spread.floorBps > 0 && this.regime.isReady;
  }

  /** Brings what depends on position, regime and mid up to `view`. */
  private measure(view: StrategyView): void {
    const { sizeView, regime, sizer, memory } = this;
    const { midTicks, positionLots, isReducing } = view;
    const spec = REGIMES[regime.regime];
    sizeView.midTicks = midTicks;
    sizeView.positionLots = positionLots;
    sizeView.isReducing = isReducing || this.spread.isStandingAside;
    sizeView.reducibleByBids = isReducing ? view.closableByBidsLots : Math.max(0, 0 - positionLots);
    sizeView.reducibleByAsks = isReducing ? view.closableByAsksLots : Math.max(0, positionLots);
    sizer.measure(sizeView, spec);
    // What is too little to be closed by an order leans no quote towards the market: all of that quote would open.
    const heldRatio = Math.abs(positionLots) < sizer.lotsMinAt(midTicks) ? 0 : sizer.heldRatio;
    this.pricer.measure(memory.terms, spec, regime.isShockPending, sizer.fullness, heldRatio);
  }

  /**
   * Takes out what is not worth it, the nearest level first. Lots that close something may cost what taking would; all beyond
   * them open and must be worth opening. So a quote that does both is judged as one that opens, and where that is not worth it,
   * cut to what it closes. Further levels capture more: with the first that is worth opening, all are.
   */
  private judgeSide(isBid: boolean, ticks: Float64Array, lots: Float64Array, sized: ReasonCode): ReasonCode {
    const { verdict, sizeView, memory, sizer } = this;
    const { midTicks } = sizeView;
    const side = isBid ? memory.bid : memory.ask;
    const judged = isBid ? this.judgedBid : this.judgedAsk;
    side.withheld = this.spread.isStandingAside ? Reason.spread_floor_above_market : Reason.none;
    if (sized !== Reason.quoted) return sized;
    let reducible = isBid ? sizeView.reducibleByBids : sizeView.reducibleByAsks;
    let isQuoted = false;
    for (let level = 0; level < QUOTE_LEVELS_MAX; level += 1) {
      const wanted = lots[level] as number;
      if (wanted === 0) continue;
      const price = ticks[level] as number;
      judged.captureBps = ((isBid ? midTicks - price : price - midTicks) / midTicks) * BPS;
      judged.isReducing = wanted <= reducible;
      judgeQuote(judged, verdict);
      if (!verdict.isWorthIt && !judged.isReducing && reducible >= sizer.lotsMinAt(price)) {
        judged.isReducing = true;
        judgeQuote(judged, verdict);
      }
      if (Number.isFinite(verdict.edgeBps) && !isQuoted) {
        side.isJudged = true;
        side.edgeBps = verdict.edgeBps;
        side.edgeBpsMin = verdict.edgeBpsMin;
      }
      if (!verdict.isWorthIt) {
        lots[level] = 0;
        continue;
      }
      isQuoted = true;
      if (!judged.isReducing) break;
      lots[level] = Math.min(wanted, reducible);
      reducible -= lots[level] as number;
    }
    const reason = isQuoted ? Reason.quoted : Reason.edge_below_minimum;
    side.withheld = isQuoted ? Reason.none : reason;
    return reason;
  }

  /** One reason of two sides. */
  private answer(bid: ReasonCode, ask: ReasonCode): ReasonCode {
    if (this.spread.isStandingAside) return Reason.spread_floor_above_market;
    const isQuoted = either(bid, ask, Reason.quoted);
    if (!isQuoted && either(bid, ask, Reason.edge_below_minimum)) return Reason.edge_below_minimum;
    if (either(bid, ask, Reason.inventory_full)) return Reason.inventory_full;
    if (either(bid, ask, Reason.order_below_minimum)) return Reason.order_below_minimum;
    if (this.sizeView.isReducing) return isQuoted ? Reason.reducing_only : Reason.nothing_to_reduce;
    return Reason.quoted;
  }

  private calculateSpread(view: StrategyView, tell: TellSignal): void {
    const { memory, fees, markouts, spread, params } = this;
    const { midTicks, fundingRate, fundingIntervalMs, atMs } = view;
    const { makerBps, takerBps } = fees;
    const input: SpreadInput = {
      midTicks,
      touchBps: touchBps(view),
      atrBps: this.regime.atrBps(midTicks),
      makerBps,
      takerBps,
      adverseBidBps: markouts.adverseBps('buy'),
      adverseAskBps: markouts.adverseBps('sell'),
      fundingRate,
      fundingIntervalMs,
      atMs,
    };
    spread.calculate(input);
    memory.isSpreadDue = false;
    const { floorBps, marketBps, isStandingAside, components } = spread;
    const isUsable = memory.spread.state !== 'unknown';
    // Before the first that can be used there is nothing to tell, and a try every second.
    if (isUsable || memory.isSpreadKnown) tell({ type: 'spread', floorBps, marketBps, isStandingAside, ...components });
    if (!isUsable) return;
    memory.isSpreadKnown = true;
    const { adverseBidBps, adverseAskBps } = input;
    const { fillFactor, slippageBps, minNetEdgeBps, holdMinutes } = params.spread;
    const { fundingBps, flattenBps } = components;
    const sharedBps = makerBps + (fundingBps + flattenBps + minNetEdgeBps) / 2;
    Object.assign(memory.terms, {
      bidHalfBps: Math.max(floorBps / 2, sharedBps + adverseBidBps),
      askHalfBps: Math.max(floorBps / 2, sharedBps + adverseAskBps),
      makerBps,
      takerBps,
      adverseBidBps,
      adverseAskBps,
      fundingBidBps: expectedFundingBps('buy', fundingRate, fundingIntervalMs, holdMinutes),
      fundingAskBps: expectedFundingBps('sell', fundingRate, fundingIntervalMs, holdMinutes),
      fillFactor,
      slippageBps,
      minNetEdgeBps,
    });
    this.judgedBid = judgedBy(memory.terms, 'buy');
    this.judgedAsk = judgedBy(memory.terms, 'sell');
  }

  /** Asks that an uptrend runs into leave now, bids of a downtrend, and all of a shock. */
  private tellFlip(tell: TellSignal): void {
    const { memory, regime } = this;
    const { driftBps, atrBps, trendAtr, rsi } = regime.reading;
    const to: Regime = regime.regime;
    tell({ type: 'regime', from: memory.regimeTold, to, driftBps, atrBps, trendAtr, rsi });
    memory.regimeTold = to;
    if (to === 'up' || to === 'high_volatility_shock') memory.areAsksStale = true;
    if (to === 'down' || to === 'high_volatility_shock') memory.areBidsStale = true;
  }

  /** Of a side that stands aside: what a quote at the market's own spread would have left. */
  private tellWithheld(name: Side, side: SideMemory, tell: TellSignal): void {
    if (side.withheld === side.withheldTold) return;
    side.withheldTold = side.withheld;
    if (side.withheld === Reason.none) return;
    const code = reasonName(side.withheld);
    let { edgeBps, edgeBpsMin } = side;
    if (side.withheld === Reason.spread_floor_above_market) {
      const atMarket = { ...judgedBy(this.memory.terms, name), captureBps: this.spread.marketBps / 2 };
      edgeBps = quoteEdgeBps(atMarket);
      edgeBpsMin = atMarket.minNetEdgeBps / 2;
    }
    tell({ type: 'quote_withheld', side: name, code, edgeBps, edgeBpsMin });
  }
}

/** Everything of a quote on `side` but where it lies and whether it reduces. */
function judgedBy(terms: QuoteTerms, side: Side): JudgedQuote {
  const { makerBps, takerBps, fillFactor, slippageBps, minNetEdgeBps } = terms;
  const isBid = side === 'buy';
  return {
    makerBps,
    takerBps,
    adverseBps: isBid ? terms.adverseBidBps : terms.adverseAskBps,
    fundingBps: isBid ? terms.fundingBidBps : terms.fundingAskBps,
    fillFactor,
    slippageBps,
    minNetEdgeBps,
    captureBps: 0,
    isReducing: false,
  };
}

function either(bid: ReasonCode, ask: ReasonCode, reason: ReasonCode): boolean {
  return bid === reason || ask === reason;
}

function touchBps({ book, midTicks }: StrategyView): number {
  return (((book.askTicks[0] as number) - (book.bidTicks[0] as number)) / midTicks) * BPS;
}
