/**
 * What paper would have filled of this bot's own orders, beside what its venue did fill: the material for the fill factor
 * (live fills over paper-predicted fills at equal quotes). For any bot, live or on paper; it decides nothing.
 *
 *   const shadow = new ShadowFills({ instrument, ownLotsInBook, startedAtMs: now() });
 *   // in the VenueSink, whatever else is done with it:
 *   shadow.onBook(book, atMs); shadow.onTrade(trade, atMs); shadow.onOrder(order, atMs); shadow.onFill(fill);
 *   shadow.onConnector(channel, status, atMs);
 *   // with the fills that a sync has read, before the machine hears of them; answers trade ids that were not relayed:
 *   const dropped = shadow.onFillsRead(fills, machine.state.tradeIds, atMs);
 *   // on each timer; an event once a minute, else null; `takeReport` gives what there is when the bot leaves:
 *   const event = shadow.report(atMs); if (event !== null) record(RecordKind.telemetryEvent, 0, atMs, event);
 *
 * An order is compared from the moment that the venue tells of it until it is over. It is not when it takes what we see,
 * when it has filled before, or while a feed is down: whatever the models cannot judge is left out on both sides.
 */
import type { FillCounts, ShadowFillCounts, ShadowFillsEvent } from '../core/bot/events.ts';
import { RecordedBook } from '../core/fill-model/book-levels.ts';
import { FillRelay } from '../core/fill-model/fill-relay.ts';
import {
  GradedFills,
  noFills,
  type ComparedGrade,
  type FillTotals,
  type OrderPrediction,
} from '../core/fill-model/graded-fills.ts';
import { copyBookFrame, createBookFrame, type BookFrame } from '../core/market/book.ts';
import { formatQty, type Instrument } from '../core/market/instrument.ts';
import { formatQuote } from '../core/money/decimal.ts';
import type { PriceTicks, QtyLots, QuoteAmount } from '../core/money/money.ts';
import type { Side } from '../core/orders/order-intent.ts';
import { BookWindow } from '../core/paper/book-window.ts';
import type { ConnectorChannel, VenueFill, VenueOrder, VenueTrade } from '../gateway/venue.ts';

const REPORT_MS = 60_000;
/** A fill may be heard before the trade that made it: the order goes on being compared this long after its last one. */
const TRADE_LATE_MS = 500;
/** Orders whose late fills are still told apart from those of orders that were not compared. */
const ORDERS_KEPT = 1_024;
/** A stream that begins anew may tell its last fills again: so many are known as told. */
const TRADES_KEPT = 1_024;
/** Without one of these the models miss what the venue saw. */
const NEEDED: readonly ConnectorChannel[] = ['book', 'trades', 'orders'];

interface ShadowedOrder {
  /** Of the models. */
  readonly id: number;
  readonly side: Side;
  price: PriceTicks;
  qty: QtyLots;
  filled: number;
  /** Venue time from which its lots stand in the venue's book. */
  readonly openFromMs: number;
  isCompared: boolean;
}

export interface ShadowFillsOptions {
  readonly instrument: Instrument;
  /** The venue's public book shows our own lots, too: an exchange's does, the simulator's and a paper account's does not. */
  readonly ownLotsInBook: boolean;
  readonly startedAtMs: number;
}

interface Counted {
  orders: number;
  readonly actual: FillTotals;
  readonly touch: FillTotals;
  readonly queue: FillTotals;
  readonly strict: FillTotals;
}

export class ShadowFills {
  private readonly options: ShadowFillsOptions;
  private readonly book = new RecordedBook();
  private readonly graded = new GradedFills(this.book);
  private readonly window = new BookWindow(this.book, this.graded);
  private readonly relay = new FillRelay();
  private readonly up = new Set<ConnectorChannel>();
  /** By the venue's order id, oldest first. */
  private readonly orders = new Map<string, ShadowedOrder>();
  private readonly open = new Set<ShadowedOrder>();
  /** Filled orders, until the trade that filled them must have come. */
  private readonly leaving: { id: number; atMs: number }[] = [];
  private readonly toldTrades = new Set<string>();
  private readonly othersFrame = createBookFrame();
  private readonly counted: Counted;
  private reported: Counted;
  private reportedAtMs: number;
  private lastId = 0;
  private notCompared = 0;

  constructor(options: ShadowFillsOptions) {
    this.options = options;
    this.counted = { orders: 0, actual: noFills(), ...this.graded.totals };
    this.reported = structuredClone(this.counted);
    this.reportedAtMs = options.startedAtMs;
  }

  /** Orders that the models follow now, and the last ones that they did. */
  predictions(): OrderPrediction[] {
    return this.graded.predictions();
  }

  get droppedRelayCount(): number {
    return this.relay.droppedCount;
  }

  onBook(frame: BookFrame, atMs: number): void {
    this.letGo(atMs);
    this.window.applyBook(this.options.ownLotsInBook ? this.withoutOwn(frame) : frame);
  }

  onTrade({ takerSide, price, qty, venueAtMs }: VenueTrade, atMs: number): void {
    this.letGo(atMs);
    this.window.applyTrade(takerSide, price, qty, venueAtMs);
  }

  onConnector(channel: ConnectorChannel, status: 'up' | 'down', atMs: number): void {
    if (status === 'up') this.up.add(channel);
    else this.up.delete(channel);
    if (channel === 'orders') {
      if (status === 'up') this.relay.watchFrom(atMs);
      else this.relay.pause();
    }
    if (channel === 'book' && status === 'down') this.window.interrupt();
    if (status === 'down' && NEEDED.includes(channel)) this.stopComparing();
  }

  onOrder(order: VenueOrder, atMs: number): void {
    const known = this.orders.get(order.venueOrderId);
    if (order.status !== 'open') this.end(known, order.status === 'filled', atMs);
    else if (known === undefined) this.begin(order);
    else if (known.isCompared && (known.price !== order.price || known.qty !== order.qty)) {
      known.price = order.price;
      known.qty = order.qty;
      this.window.accept();
      this.graded.amend(known.id, order.price, order.qty);
    }
  }

  onFill({ tradeId, venueOrderId, side, liquidity, price, qty, atMs }: VenueFill): void {
    if (this.wasTold(tradeId)) return;
    let known = this.orders.get(venueOrderId);
    if (known === undefined) {
      // It filled before it was seen to rest: what its order message then says comes too late for a comparison.
      known = this.remember(venueOrderId, { side, price, qty, updatedAtMs: atMs });
      this.notCompared += 1;
    }
    const isFirst = known.filled === 0;
    known.filled += qty;
    if (!known.isCompared) return;
    if (liquidity === 'taker') return this.leaveOut(known);
    const { actual } = this.counted;
    if (isFirst) actual.orders += 1;
    actual.fills += 1;
    actual.lots += qty;
    actual.tickLots += price * qty;
  }

  onFillsRead(fills: readonly VenueFill[], bookedTradeIds: readonly string[], atMs: number): string[] {
    return this.relay.check(fills, bookedTradeIds, atMs);
  }

  /** Null until a minute has passed since the last one. */
  report(atMs: number): ShadowFillsEvent | null {
    return atMs - this.reportedAtMs < REPORT_MS ? null : this.takeReport(atMs);
  }

  takeReport(atMs: number): ShadowFillsEvent {
    const { counted, reported, notCompared, relay } = this;
    const { instrument } = this.options;
    const event: ShadowFillsEvent = {
      type: 'shadow_fills',
      symbol: instrument.symbol,
      spanMs: atMs - this.reportedAtMs,
      minute: countsBetween(reported, counted, instrument),
      sinceStart: countsBetween(NOTHING, counted, instrument),
      ordersNotCompared: notCompared,
      droppedRelayCount: relay.droppedCount,
    };
    this.reported = structuredClone(counted);
    this.reportedAtMs = atMs;
    return event;
  }

  private wasTold(tradeId: string): boolean {
    if (this.toldTrades.has(tradeId)) return true;
    this.toldTrades.add(tradeId);
    for (const oldest of this.toldTrades) {
      if (this.toldTrades.size <= TRADES_KEPT) break;
      this.toldTrades.delete(oldest);
    }
    return false;
  }

  private begin(order: VenueOrder): void {
    const { side, price, qty } = order;
    const entry = this.remember(order.venueOrderId, order);
    this.open.add(entry);
    const opposite = this.book.levels(side === 'buy' ? 'sell' : 'buy');
    // It took, or came between two frames: from here nobody can tell.
    const crosses = opposite.count > 0 && (side === 'buy' ? price >= opposite.best() : price <= opposite.best());
    if (!this.isWatching() || order.filled > 0 || crosses) {
      this.notCompared += 1;
      return;
    }
    entry.isCompared = true;
    this.counted.orders += 1;
    this.window.accept();
    this.graded.place({ id: entry.id, side, price, qty });
  }

  private end(known: ShadowedOrder | undefined, isFilled: boolean, atMs: number): void {
    if (known === undefined || !this.open.delete(known) || !known.isCompared) return;
    if (isFilled) this.leaving.push({ id: known.id, atMs });
    else this.graded.close(known.id);
  }

  private leaveOut(order: ShadowedOrder): void {
    order.isCompared = false;
    this.notCompared += 1;
    this.graded.close(order.id);
  }

  private stopComparing(): void {
    for (const order of this.orders.values()) {
      if (order.isCompared && this.open.has(order)) this.notCompared += 1;
      order.isCompared = false;
    }
    this.leaving.length = 0;
    this.graded.closeAll();
  }

  private letGo(atMs: number): void {
    while (this.leaving.length > 0 && atMs - this.leaving[0]!.atMs > TRADE_LATE_MS) {
      this.graded.close(this.leaving.shift()!.id);
    }
  }

  private isWatching(): boolean {
    return this.window.isLive && NEEDED.every((channel) => this.up.has(channel));
  }

  private remember(
    venueOrderId: string,
    { side, price, qty, updatedAtMs }: Pick<VenueOrder, 'side' | 'price' | 'qty' | 'updatedAtMs'>,
  ): ShadowedOrder {
    this.lastId += 1;
    const entry = { id: this.lastId, side, price, qty, filled: 0, openFromMs: updatedAtMs, isCompared: false };
    this.orders.set(venueOrderId, entry);
    for (const [oldestId, oldest] of this.orders) {
      if (this.orders.size <= ORDERS_KEPT) break;
      this.orders.delete(oldestId);
      this.end(oldest, false, 0);
    }
    return entry;
  }

  /** The models are to see what others want to trade. */
  private withoutOwn(frame: BookFrame): BookFrame {
    const { othersFrame } = this;
    copyBookFrame(othersFrame, frame);
    for (const { side, price, qty, filled, openFromMs } of this.open) {
      if (openFromMs > frame.venueAtMs) continue;
      const ticks = side === 'buy' ? othersFrame.bidTicks : othersFrame.askTicks;
      const lots = side === 'buy' ? othersFrame.bidLots : othersFrame.askLots;
      const at = ticks.indexOf(price);
      // A level of ours alone stays in the frame with nothing on it: without it the window would seem to end earlier.
      if (at >= 0) lots[at] = Math.max(0, lots[at]! - Math.max(0, qty - filled));
    }
    return othersFrame;
  }
}

const NOTHING: Counted = {
  orders: 0,
  actual: noFills(),
  touch: noFills(),
  queue: noFills(),
  strict: noFills(),
};

function countsBetween(from: Counted, to: Counted, instrument: Instrument): ShadowFillCounts {
  const of = (source: 'actual' | ComparedGrade): FillCounts => {
    const lots = (to[source].lots - from[source].lots) as QtyLots;
    const tickLots = to[source].tickLots - from[source].tickLots;
    return {
      orders: to[source].orders - from[source].orders,
      fills: to[source].fills - from[source].fills,
      qty: formatQty(lots, instrument),
      notional: formatQuote((BigInt(tickLots) * instrument.quotePerTickLotE12) as QuoteAmount),
    };
  };
  const orders = to.orders - from.orders;
  return { orders, actual: of('actual'), touch: of('touch'), queue: of('queue'), strict: of('strict') };
}
