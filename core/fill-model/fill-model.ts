/**
 * Who would have been filled, and when: price-time priority of our own orders against a recorded book and recorded trades.
 *
 * - An order that does not cross rests behind the size its level shows at that moment (the queue ahead of it). Trades of
 *   the opposite aggressor at its price shorten that queue; what a trade has left over fills the order. A trade at a worse
 *   price fills it before its own price, and so does an opposite level that reaches it.
 * - An order that crosses walks the recorded depth level by level. What it took from a level is not handed out again until
 *   the recording changes that level.
 * - Maker or taker is decided once for the whole order, when it is created: an order that crossed pays taker throughout.
 *
 * One model serves one account and one symbol: accounts do not see, queue behind or trade with each other. Our own resting
 * orders do not trade with our own crossing orders either. There is no clock and no chance here; the same calls in the
 * same order lead to the same fills. Nothing is allocated on `applyLevel` and `applyTrade` unless something fills.
 */
import type { Leg } from '../accounting/legs.ts';
import type { PriceTicks, QtyLots, SignedLots } from '../money/money.ts';
import type { Side } from '../orders/order-intent.ts';
import { invariant } from '../invariant.ts';
import type { RecordedBook } from './book-levels.ts';

/**
 * How hopeful the queue is. `touch`: first in the queue, an upper bound. `queue`: cancels come from behind us unless the
 * level shrinks below what was ahead (risk-averse, the base). `queue_proportional`: a decrease that no trade explains is
 * shared between ahead and behind by size. `strict`: only a price beyond ours fills, a lower bound.
 *
 * Of the same resting orders in the same market each is filled at any time no less by `touch` than by `queue`, and no less
 * by `queue` than by `strict`. That ends where an order's fate hangs on what another one did: a reduce-only order lives as
 * long as its position, and an order that crosses finds what the resting ones have left of a level.
 */
export const FILL_GRADES = ['touch', 'queue', 'queue_proportional', 'strict'] as const;
export type FillGrade = (typeof FILL_GRADES)[number];

export type Liquidity = 'maker' | 'taker';

export interface ModelOrder {
  /** Unique in the model; later orders have larger ids. */
  readonly id: number;
  readonly side: Side;
  /** Worst acceptable price. Null takes any price and never rests. */
  readonly price: PriceTicks | null;
  readonly qty: QtyLots;
  /** `immediate` never rests; `all_or_nothing` fills at once and whole, or not at all. */
  readonly kind: 'limit' | 'post_only' | 'immediate' | 'all_or_nothing';
  readonly reduceOnly: boolean;
  /** Part of the position that it changes; `net` when absent. */
  readonly leg?: Leg;
}

export type CancelCause = 'post_only_would_take' | 'not_filled_at_once' | 'nothing_to_reduce';

/** Told synchronously about each consequence; must not call back into the model. */
export interface FillSink {
  onFill(orderId: number, price: PriceTicks, qty: QtyLots, liquidity: Liquidity): void;
  onCancel(orderId: number, cause: CancelCause): void;
}

interface RestingOrder {
  readonly id: number;
  readonly side: Side;
  readonly leg: Leg;
  readonly price: PriceTicks;
  readonly reduceOnly: boolean;
  readonly liquidity: Liquidity;
  left: number;
  /** Recorded lots that trade before us at our price; Infinity while the feed does not show our level. */
  ahead: number;
  /** Lots traded at our price since the recording last changed our level: the part of a decrease that is explained. */
  traded: number;
}

export class FillModel {
  private readonly book: RecordedBook;
  private readonly sink: FillSink;
  private readonly grade: FillGrade;
  /** Own resting orders, best price first, then oldest first. */
  private readonly bids: RestingOrder[] = [];
  private readonly asks: RestingOrder[] = [];
  /** Lots we took from a recorded level that still shows them, by price. */
  private readonly takenBids = new Map<number, number>();
  private readonly takenAsks = new Map<number, number>();
  private readonly positions: Record<Leg, number>;

  /** A number as `position` is the net one of one-way mode. */
  constructor(
    book: RecordedBook,
    sink: FillSink,
    grade: FillGrade = 'queue',
    position: SignedLots | Readonly<Partial<Record<Leg, SignedLots>>> = 0 as SignedLots,
  ) {
    this.book = book;
    this.sink = sink;
    this.grade = grade;
    this.positions = { net: 0, long: 0, short: 0, ...(typeof position === 'number' ? { net: position } : position) };
  }

  /** Sum of all fills, and the position it started with, over all legs. */
  get positionLots(): SignedLots {
    return (this.positions.net + this.positions.long + this.positions.short) as SignedLots;
  }

  get openCount(): number {
    return this.bids.length + this.asks.length;
  }

  /** Recorded lots ahead of an open order, null when it is not open. */
  queueAhead(orderId: number): QtyLots | null {
    const order = this.bids.find(({ id }) => id === orderId) ?? this.asks.find(({ id }) => id === orderId);
    return order === undefined ? null : (order.ahead as QtyLots);
  }

  /** Takes what it may take at once; the rest waits in the queue or is cancelled, by its kind. Answers what it pays. */
  place(order: ModelOrder): Liquidity {
    invariant(order.qty > 0, 'an order has a quantity');
    const liquidity = this.crosses(order) ? 'taker' : 'maker';
    if (liquidity === 'taker' && order.kind === 'post_only') {
      this.sink.onCancel(order.id, 'post_only_would_take');
      return liquidity;
    }
    if (order.kind === 'all_or_nothing' && this.takeable(order) < order.qty) {
      this.sink.onCancel(order.id, 'not_filled_at_once');
      return liquidity;
    }
    const left = liquidity === 'taker' ? this.take(order) : order.qty;
    if (left > 0) {
      if (order.price === null || order.kind === 'immediate') this.sink.onCancel(order.id, 'not_filled_at_once');
      else this.rest(order, order.price, left, liquidity);
    }
    if (liquidity === 'taker') this.cancelWithoutPosition();
    return liquidity;
  }

  /** Puts back an order that was open before a restart, at the back of its queue: its old place is not known any more. */
  restore(order: ModelOrder & { readonly price: PriceTicks }, left: QtyLots, liquidity: Liquidity): void {
    this.rest(order, order.price, left, liquidity);
  }

  /** False when the order is not open. */
  cancel(orderId: number): boolean {
    return removeById(this.bids, orderId) || removeById(this.asks, orderId);
  }

  /** Fills an open order at its own price, as if somebody had wanted it, whatever the book says. Answers the lots. */
  fillNow(orderId: number, qty: QtyLots): QtyLots {
    const own = this.bids.some(({ id }) => id === orderId) ? this.bids : this.asks;
    const order = own.find(({ id }) => id === orderId);
    const lots = order === undefined ? 0 : Math.min(qty, this.fillable(order));
    if (order !== undefined && lots > 0) {
      this.fill(order, lots);
      this.removeFilled(own);
    }
    return lots as QtyLots;
  }

  /** Every order goes to the back of its level: what happened meanwhile was not seen. */
  requeue(): void {
    for (const order of [...this.bids, ...this.asks]) {
      order.ahead = this.aheadOf(order.side, order.price);
      order.traded = 0;
    }
  }

  /** The feed shows other levels than before: orders whose level was hidden stand behind what it shows now. */
  reveal(): void {
    this.revealOf(this.bids);
    this.revealOf(this.asks);
  }

  /** The recording changed a level of `book` from `before` to `after` lots. Call it after the book was changed. */
  applyLevel(side: Side, price: PriceTicks, before: number, after: number): void {
    if (before === after) return;
    const taken = side === 'buy' ? this.takenBids : this.takenAsks;
    if (taken.size > 0) taken.delete(price);
    this.shortenQueue(side === 'buy' ? this.bids : this.asks, price, before, after);
    const crossed = side === 'buy' ? this.asks : this.bids;
    if (after > 0 && crossed.length > 0) this.fillCrossed(crossed, side, price, after, taken);
  }

  /**
   * Somebody took `qty` at `price`. A trade that the book shows already (`isInBook`) has shortened the queue through the
   * level's size: it fills only orders with a better price than its own, and who has no queue.
   */
  applyTrade(takerSide: Side, price: PriceTicks, qty: QtyLots, isInBook = false): void {
    const own = takerSide === 'sell' ? this.bids : this.asks;
    if (own.length === 0) return;
    const sign = takerSide === 'sell' ? 1 : -1;
    let left: number = qty;
    let queueTraded = 0;
    let filledAny = false;
    for (let index = 0; index < own.length; index++) {
      const order = own[index]!;
      const betterBy = (order.price - price) * sign;
      if (betterBy < 0) break;
      if (betterBy === 0) {
        if (this.grade === 'strict' || (isInBook && this.grade !== 'touch')) break;
        const queueTaken = Math.min(Math.max(0, order.ahead - queueTraded), left);
        queueTraded += queueTaken;
        left -= queueTaken;
        order.ahead = Math.max(0, order.ahead - queueTraded);
        order.traded += qty;
      } else {
        order.ahead = 0;
      }
      const filled = Math.min(left, this.fillable(order));
      if (filled === 0) continue;
      left -= filled;
      filledAny = true;
      this.fill(order, filled);
    }
    if (filledAny) this.removeFilled(own);
  }

  /** Whether an order would take now. */
  crosses({ side, price }: Pick<ModelOrder, 'side' | 'price'>): boolean {
    const opposite = side === 'buy' ? this.book.asks : this.book.bids;
    if (opposite.count === 0) return false;
    return price === null || (side === 'buy' ? price >= opposite.best() : price <= opposite.best());
  }

  /** Lots that `order` could take now. */
  private takeable(order: ModelOrder): number {
    const { levels, taken, depthEnd } = this.reach(order);
    let lots = 0;
    for (let depth = 0; depth < depthEnd && lots < order.qty; depth++) {
      lots += Math.max(0, levels.sizeAt(depth) - (taken.get(levels.priceAt(depth)) ?? 0));
    }
    return order.reduceOnly ? Math.min(lots, this.reducible(order)) : lots;
  }

  /** Walks the recorded depth; answers the lots that are left. */
  private take(order: ModelOrder): number {
    const { levels, taken, depthEnd } = this.reach(order);
    let left: number = order.qty;
    for (let depth = 0; depth < depthEnd && left > 0; depth++) {
      const price = levels.priceAt(depth);
      const takenHere = taken.get(price) ?? 0;
      const wanted = order.reduceOnly ? Math.min(left, this.reducible(order)) : left;
      const lots = Math.min(wanted, levels.sizeAt(depth) - takenHere);
      if (lots <= 0) continue;
      taken.set(price, takenHere + lots);
      left -= lots;
      this.positions[order.leg ?? 'net'] += order.side === 'buy' ? lots : -lots;
      this.sink.onFill(order.id, price, lots as QtyLots, 'taker');
    }
    return left;
  }

  private reach({ side, price }: ModelOrder) {
    const levels = side === 'buy' ? this.book.asks : this.book.bids;
    const sign = side === 'buy' ? 1 : -1;
    let depthEnd = 0;
    while (depthEnd < levels.count && (price === null || (price - levels.priceAt(depthEnd)) * sign >= 0)) depthEnd += 1;
    return { levels, taken: side === 'buy' ? this.takenAsks : this.takenBids, depthEnd };
  }

  private rest(order: ModelOrder, price: PriceTicks, left: number, liquidity: Liquidity): void {
    const own = order.side === 'buy' ? this.bids : this.asks;
    const sign = order.side === 'buy' ? 1 : -1;
    let at = own.length;
    while (at > 0 && (price - own[at - 1]!.price) * sign > 0) at -= 1;
    const { id, side, leg = 'net', reduceOnly } = order;
    const ahead = this.aheadOf(side, price);
    own.splice(at, 0, { id, side, leg, price, reduceOnly, liquidity, left, ahead, traded: 0 });
  }

  private aheadOf(side: Side, price: number): number {
    return this.grade === 'touch' ? 0 : this.book.levels(side).queueAt(price);
  }

  private revealOf(own: readonly RestingOrder[]): void {
    for (let index = 0; index < own.length; index++) {
      const order = own[index]!;
      if (order.ahead === Infinity) order.ahead = this.aheadOf(order.side, order.price);
    }
  }

  private shortenQueue(own: readonly RestingOrder[], price: number, before: number, after: number): void {
    for (let index = 0; index < own.length; index++) {
      const order = own[index]!;
      if (order.price !== price) continue;
      const untraded = before - order.traded;
      const unexplained = untraded - after;
      if (this.grade === 'queue_proportional' && unexplained > 0 && order.ahead < untraded) {
        order.ahead -= Math.floor((unexplained * order.ahead) / untraded);
      }
      order.ahead = Math.min(order.ahead, after);
      order.traded = 0;
    }
  }

  /** An opposite level reaches our orders: whoever wanted that price would have traded with us first. */
  private fillCrossed(
    own: RestingOrder[],
    levelSide: Side,
    price: number,
    size: number,
    taken: Map<number, number>,
  ): void {
    const sign = levelSide === 'buy' ? 1 : -1;
    const reachMin = this.grade === 'strict' ? 1 : 0;
    let left = size;
    let filledAny = false;
    for (let index = 0; index < own.length && left > 0; index++) {
      const order = own[index]!;
      if ((price - order.price) * sign < reachMin) break;
      const filled = Math.min(left, this.fillable(order));
      if (filled === 0) continue;
      left -= filled;
      filledAny = true;
      this.fill(order, filled);
    }
    if (!filledAny) return;
    taken.set(price, size - left);
    this.removeFilled(own);
  }

  private fillable(order: RestingOrder): number {
    return order.reduceOnly ? Math.min(order.left, this.reducible(order)) : order.left;
  }

  /** Lots that `order` may close without opening the other way. */
  private reducible({ side, leg = 'net' }: Pick<ModelOrder, 'side' | 'leg'>): number {
    return Math.max(0, side === 'buy' ? -this.positions[leg] : this.positions[leg]);
  }

  private fill(order: RestingOrder, lots: number): void {
    invariant(lots > 0 && lots <= order.left, 'a fill never exceeds its order');
    order.left -= lots;
    this.positions[order.leg] += order.side === 'buy' ? lots : -lots;
    this.sink.onFill(order.id, order.price, lots as QtyLots, order.liquidity);
  }

  private removeFilled(own: RestingOrder[]): void {
    for (let index = own.length - 1; index >= 0; index--) {
      if (own[index]!.left === 0) own.splice(index, 1);
    }
    this.cancelWithoutPosition();
  }

  /** Reduce-only orders go when the position that they would reduce is gone. */
  private cancelWithoutPosition(): void {
    this.cancelReduceOnly(this.bids);
    this.cancelReduceOnly(this.asks);
  }

  private cancelReduceOnly(own: RestingOrder[]): void {
    for (let index = own.length - 1; index >= 0; index--) {
      const order = own[index]!;
      if (!order.reduceOnly || this.reducible(order) > 0) continue;
      own.splice(index, 1);
      this.sink.onCancel(order.id, 'nothing_to_reduce');
    }
  }
}

function removeById(own: RestingOrder[], orderId: number): boolean {
  const at = own.findIndex(({ id }) => id === orderId);
  if (at < 0) return false;
  own.splice(at, 1);
  return true;
}
