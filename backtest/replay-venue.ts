/**
 * The venue of a replay: a paper account in recorded time. What the machine asks for is on its way to the market, what the
 * market answers and executes is on its way back; in between nothing is known of it.
 */
import { LEGS, feesOf, realisedOf } from '../core/accounting/holdings.ts';
import type { Leg } from '../core/accounting/legs.ts';
import type { BotConfig } from '../core/bot/bot-config.ts';
import type { Effect } from '../core/bot/effects.ts';
import type {
  BotInput,
  FillFact,
  OrderInput,
  PlaceAnswered,
  SeenOrder,
  StopInput,
  SyncInput,
} from '../core/bot/input.ts';
import { RecordKind } from '../core/events/record.ts';
import type { RecordedBook } from '../core/fill-model/book-levels.ts';
import type { FillGrade, FillModel } from '../core/fill-model/fill-model.ts';
import { DelayLine, Latency, type LatencyParams } from '../core/fill-model/latency.ts';
import { invariant } from '../core/invariant.ts';
import { createBookFrame } from '../core/market/book.ts';
import type { Instrument } from '../core/market/instrument.ts';
import { formatScaled } from '../core/money/decimal.ts';
import type { QuoteAmount, SignedLots } from '../core/money/money.ts';
import { entryPriceOf } from '../core/paper/figures.ts';
import { PaperExchange, type PaperAnswer, type PaperEvent } from '../core/paper/paper-exchange.ts';
import type { PaperFill, PaperOrder, PaperStop, PaperSymbol } from '../core/paper/rows.ts';
import { Due, type DueTimes } from './due.ts';

/** A sync reads fills from this long before the last one: as a bot's process does. */
const FILLS_OVERLAP_MS = 60_000;
const LEVERAGE_MAX = 20;

/** An effect that goes to the venue. */
export type Request = Exclude<Effect, { effect: 'record' | 'leave' }>;

export interface ReplayVenueOptions {
  readonly instrument: Instrument;
  readonly config: BotConfig;
  readonly grade: FillGrade;
  readonly latency: LatencyParams;
  readonly openingBalance: QuoteAmount;
  /** Null where it is not known. */
  readonly fundingIntervalMs: number | null;
  /** Kept of requests and replies. */
  readonly due: DueTimes;
  /** Told of each fill when it happens, before the bot hears of it. */
  readonly onFill: (fill: PaperFill) => void;
}

export class ReplayVenue {
  readonly book: RecordedBook;
  readonly model: FillModel;
  /** The account; `exchange.books` holds its rows. */
  readonly exchange: PaperExchange;
  private readonly symbol: string;
  private readonly instrument: Instrument;
  private readonly latency: Latency;
  private readonly feedMs: number;
  private readonly fundingIntervalMs: number | null;
  private readonly due: DueTimes;
  private readonly requests = new DelayLine<Request>();
  private readonly replies = new DelayLine<BotInput>();
  private readonly onFill: (fill: PaperFill) => void;
  /** Twice the mids at which the nearest stops are reached; beyond any price while there is none. */
  private stopBelowDoubled = -Infinity;
  private stopAboveDoubled = Infinity;
  private fillsReadAtMs = 0;

  constructor(options: ReplayVenueOptions) {
    const { instrument, config, grade, latency, openingBalance, onFill } = options;
    const exchange = new PaperExchange(grade, openingBalance);
    const { symbol } = instrument;
    exchange.learn(instrument);
    exchange.setPositionMode(config.positionMode);
    exchange.setLeverage(symbol, Math.min(LEVERAGE_MAX, Math.floor(config.leverageMax)));
    // A frame with free places says that the feed shows all there is.
    exchange.applyBook(symbol, createBookFrame(), 0);
    exchange.take();
    const market = exchange.market(symbol);
    invariant(market !== undefined, 'a learned symbol has a market');
    this.book = market.book;
    this.model = market.model;
    this.exchange = exchange;
    this.symbol = symbol;
    this.instrument = instrument;
    this.latency = new Latency(latency);
    this.feedMs = latency.feedMs;
    this.fundingIntervalMs = options.fundingIntervalMs;
    this.due = options.due;
    this.onFill = onFill;
  }

  get row(): PaperSymbol {
    return this.exchange.rowOf(this.symbol);
  }

  send(request: Request, atMs: number): void {
    const isCancel = request.effect === 'cancel' || request.effect === 'cancelAll' || request.effect === 'cancelStop';
    this.requests.send(request, this.latency.arrivalOf(isCancel ? 'cancel' : 'submit', atMs));
    this.due[Due.request] = this.requests.nextAtMs;
  }

  /** Before the book and the model are told a frame. */
  moveTo(atMs: number): void {
    this.exchange.moveTo(this.symbol, atMs);
  }

  /** After it: what filled is on its way to the bot. */
  settle(atMs: number): void {
    const midDoubled = this.book.midDoubled();
    if (midDoubled !== 0 && (midDoubled <= this.stopBelowDoubled || midDoubled >= this.stopAboveDoubled)) {
      this.exchange.lookAtStops(this.symbol);
    }
    this.tellChanges(atMs);
  }

  /** The venue states its mark price and the next funding; both are decimals of 1e-8. */
  state(priceE8: number, rateE8: number, fundingAtMs: number, atMs: number): void {
    const { exchange, symbol, instrument } = this;
    const rate = formatScaled(BigInt(rateE8), 8);
    exchange.applyFunding(symbol, { rate, atMs: fundingAtMs }, atMs, atMs);
    // No price of a trade is told with it: `0` is none.
    exchange.applyPrices(symbol, '0', formatScaled(BigInt(priceE8), 8), atMs, atMs);
    this.tellChanges(atMs);
    const markTicks = priceE8 / 1e8 / instrument.tickSize;
    const fundingIntervalMs = this.fundingIntervalMs;
    const told = { markTicks, fundingRate: rateE8 / 1e8, fundingIntervalMs, fundingAtMs };
    this.reply({ kind: RecordKind.tickerInput, sequence: 0, atMs: 0, ...told }, atMs);
  }

  /** Carries out the requests that have arrived by `atMs`. */
  serve(atMs: number): void {
    for (let due = this.requests.take(atMs); due !== null; due = this.requests.take(atMs)) {
      const reply = this.answer(due.message, due.arrivedAtMs);
      this.tellChanges(due.arrivedAtMs);
      this.reply(reply, due.arrivedAtMs);
    }
    this.due[Due.request] = this.requests.nextAtMs;
  }

  /** The next thing that the bot hears by `atMs`, with the time it does. */
  hear(atMs: number): BotInput | null {
    const due = this.replies.take(atMs);
    if (due === null) return null;
    this.due[Due.reply] = this.replies.nextAtMs;
    due.message.atMs = due.arrivedAtMs;
    return due.message;
  }

  private reply(input: BotInput, atMs: number): void {
    this.replies.send(input, atMs + this.feedMs);
    this.due[Due.reply] = this.replies.nextAtMs;
  }

  private tellChanges(atMs: number): void {
    const taken = this.exchange.take();
    if (taken === null) return;
    for (const event of taken.events) this.reply(this.news(event), atMs);
    this.noteStops();
  }

  private news(event: PaperEvent): BotInput {
    switch (event.type) {
      case 'order':
        return seenInput(event.order);
      case 'fill':
        this.onFill(event.fill);
        return { kind: RecordKind.fillInput, sequence: 0, atMs: 0, fill: fillFact(event.fill) };
      case 'position': {
        const { leg } = event;
        return { kind: RecordKind.toldPositionInput, sequence: 0, atMs: 0, leg, qty: this.row.holdings[leg].qty };
      }
    }
  }

  private noteStops(): void {
    this.stopBelowDoubled = -Infinity;
    this.stopAboveDoubled = Infinity;
    for (const { side, triggerPrice } of this.exchange.books.waitingStops.values()) {
      if (side === 'sell') this.stopBelowDoubled = Math.max(this.stopBelowDoubled, 2 * triggerPrice);
      else this.stopAboveDoubled = Math.min(this.stopAboveDoubled, 2 * triggerPrice);
    }
  }

  private answer(request: Request, atMs: number): BotInput {
    const { exchange, symbol } = this;
    switch (request.effect) {
      case 'place': {
        const news = placeNews(exchange.place(request.intent, atMs));
        return orderInput(request.intent.clientOrderId, news);
      }
      case 'cancel': {
        const answer = exchange.cancel(symbol, request.clientOrderId, atMs) ? 'yes' : 'gone';
        return orderInput(request.clientOrderId, { news: 'cancelAnswered', answer });
      }
      case 'cancelAll': {
        // The protective stop stays: what is held is still to be protected.
        const answer = exchange.cancelAll(symbol, { orders: true, stops: false }, atMs) > 0 ? 'yes' : 'gone';
        return orderInput('', { news: 'allCancelAnswered', answer });
      }
      case 'lookup': {
        const order = exchange.books.orderByClientId(request.clientOrderId);
        return order === undefined ? orderInput(request.clientOrderId, { news: 'notFound' }) : seenInput(order);
      }
      case 'placeStop': {
        const { stop, replaces } = request;
        const asked = { ...stop, isLong: stop.positionLots > 0 };
        const placed =
          replaces === null ? exchange.placeStop(asked, atMs) : exchange.replaceStop(replaces, asked, atMs);
        return stopInput(stop.clientOrderId, placeNews(placed));
      }
      case 'cancelStop': {
        const answer = exchange.cancelStop(symbol, request.clientOrderId) ? 'yes' : 'gone';
        return stopInput(request.clientOrderId, { news: 'cancelAnswered', answer });
      }
      case 'measureClock':
        return { kind: RecordKind.clockInput, sequence: 0, atMs: 0, offsetMs: 0, uncertaintyMs: this.feedMs };
      case 'sync':
        return this.read(atMs);
    }
  }

  /** Everything at one instant. */
  private read(atMs: number): SyncInput {
    const { exchange, symbol, instrument } = this;
    const { holdings } = this.row;
    const sinceMs = this.fillsReadAtMs - FILLS_OVERLAP_MS;
    this.fillsReadAtMs = atMs;
    const { books } = exchange;
    return {
      kind: RecordKind.positionInput,
      sequence: 0,
      atMs: 0,
      openOrders: books.ordersOf(symbol).map((order) => ({
        clientOrderId: order.clientOrderId ?? String(order.id),
        filled: order.filled,
        order: seenOrder(order),
      })),
      fills: books.fills.filter((fill) => fill.atMs >= sinceMs).map(fillFact),
      positions: LEGS.filter((leg) => holdings[leg].qty !== 0).map((leg) => ({
        leg,
        qty: holdings[leg].qty,
        entryPrice: entryPriceOf(holdings[leg], instrument),
      })),
      stops: books.stopsOf(symbol).map(seenStop),
      equity: this.equity(),
      marginRatio: null,
      maintenanceRatio: null,
      fundingPayments: books.payments
        .filter((payment) => payment.atMs >= sinceMs)
        .map(({ id: paymentId, amount, atMs: paidAtMs }) => ({ paymentId, amount, atMs: paidAtMs })),
    };
  }

  /** Cash and unrealised result at the mark price, or the middle of the book where none was recorded. */
  equity(): QuoteAmount {
    const figures = this.exchange.figures();
    invariant(figures !== null, 'a replayed book has a price while something is held');
    return figures.equity;
  }

  get cash(): QuoteAmount {
    return this.exchange.books.account.cash;
  }

  /** Of all fills, before fees. */
  get realised(): QuoteAmount {
    return realisedOf(this.row.holdings);
  }

  get fees(): QuoteAmount {
    return feesOf(this.row.holdings);
  }

  /** Signed lots of each leg that is not flat. */
  held(): { leg: Leg; qty: SignedLots }[] {
    const { holdings } = this.row;
    return LEGS.filter((leg) => holdings[leg].qty !== 0).map((leg) => ({ leg, qty: holdings[leg].qty }));
  }
}

function placeNews(placed: PaperAnswer): PlaceAnswered {
  const code = placed.answer === 'no' ? placed.code : null;
  return { news: 'placeAnswered', answer: placed.answer, code, trouble: null };
}

function orderInput(clientOrderId: string, news: OrderInput['news']): OrderInput {
  return { kind: RecordKind.orderInput, sequence: 0, atMs: 0, clientOrderId, news };
}

function stopInput(clientOrderId: string, news: StopInput['news']): StopInput {
  return { kind: RecordKind.stopInput, sequence: 0, atMs: 0, clientOrderId, news };
}

/** An order that a stop sent has no id of ours: the venue's stands in. */
function seenInput(order: PaperOrder): OrderInput {
  const { status, filled } = order;
  const clientOrderId = order.clientOrderId ?? String(order.id);
  return orderInput(clientOrderId, { news: 'seen', status, filled, order: seenOrder(order) });
}

function seenOrder({ side, price, qty, reduceOnly, leg }: PaperOrder): SeenOrder {
  return { side, price, qty, reduceOnly, leg };
}

function seenStop({ clientOrderId, leg, side, triggerPrice }: PaperStop): SyncInput['stops'][number] {
  return { clientOrderId, leg, direction: side === 'sell' ? 1 : -1, triggerPrice };
}

function fillFact({ id, orderId, clientOrderId, side, leg, price, qty, fee, liquidity, atMs }: PaperFill): FillFact {
  return {
    tradeId: String(id),
    clientOrderId: clientOrderId ?? String(orderId),
    side,
    leg,
    price,
    qty,
    fee,
    liquidity,
    venueAtMs: atMs,
  };
}
