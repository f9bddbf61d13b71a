/**
 * What paper would have said: the same resting orders under three grades of the fill model, side by side on one book.
 *
 *   const graded = new GradedFills(book);            // the caller keeps the book, and tells what changed in it
 *   graded.place({ id, side, price, qty });          // when the real order rests
 *   graded.applyLevel(...); graded.applyTrade(...);  // as a FillModel
 *   graded.amend(id, price, qty); graded.close(id);  // as the real one
 *   graded.totals.queue.lots; graded.predictions();
 *
 * It decides nothing and reports only makers: an order that took when it was placed is not given to it. Reduce-only is not
 * asked for either: each grade would have a position of its own, and the real order tells when it is over. So each order is
 * filled no less by `touch` than by `queue`, and no less by `queue` than by `strict`.
 */
import { invariant } from '../invariant.ts';
import type { PriceTicks, QtyLots } from '../money/money.ts';
import type { Side } from '../orders/order-intent.ts';
import type { RecordedBook } from './book-levels.ts';
import { FillModel, type FillGrade } from './fill-model.ts';

export const COMPARED_GRADES = ['touch', 'queue', 'strict'] as const satisfies readonly FillGrade[];
export type ComparedGrade = (typeof COMPARED_GRADES)[number];

export interface FillTotals {
  /** Orders with at least one fill. */
  orders: number;
  fills: number;
  lots: number;
  /** Ticks times lots. */
  tickLots: number;
}

export interface GradedOrder {
  readonly id: number;
  readonly side: Side;
  readonly price: PriceTicks;
  readonly qty: QtyLots;
}

/** What each grade filled of one order, in lots. */
export interface OrderPrediction {
  readonly orderId: number;
  readonly side: Side;
  price: PriceTicks;
  qty: QtyLots;
  readonly filledByGrade: Record<ComparedGrade, number>;
}

/** An order that nobody closes is forgotten when so many younger ones are open: a bot has ten. */
const OPEN_MAX = 256;
const CLOSED_KEPT = 512;

export class GradedFills {
  readonly totals: Readonly<Record<ComparedGrade, FillTotals>>;
  private readonly models: readonly [FillModel, FillModel, FillModel];
  private readonly open = new Map<number, OrderPrediction>();
  /** Oldest first. */
  private readonly closed: OrderPrediction[] = [];

  constructor(book: RecordedBook) {
    this.totals = { touch: noFills(), queue: noFills(), strict: noFills() };
    const modelOf = (grade: ComparedGrade): FillModel => {
      const onFill = (id: number, price: number, lots: number): void => this.fill(grade, id, price, lots);
      return new FillModel(book, { onFill, onCancel: () => {} }, grade);
    };
    this.models = [modelOf('touch'), modelOf('queue'), modelOf('strict')];
  }

  get openCount(): number {
    return this.open.size;
  }

  /** The order rests at the back of its level, whatever the book says of its price. */
  place({ id, side, price, qty }: GradedOrder): void {
    this.open.set(id, { orderId: id, side, price, qty, filledByGrade: { touch: 0, queue: 0, strict: 0 } });
    for (const model of this.models) rest(model, id, side, price, qty);
    if (this.open.size > OPEN_MAX) for (const oldest of this.open.keys()) return this.close(oldest);
  }

  /** The order has another price or size and goes to the back of its queue; what it filled counts towards the new size. */
  amend(id: number, price: PriceTicks, qty: QtyLots): void {
    const order = this.open.get(id);
    if (order === undefined) return;
    order.price = price;
    order.qty = qty;
    this.models.forEach((model, index) => {
      model.cancel(id);
      const left = qty - order.filledByGrade[COMPARED_GRADES[index]!];
      if (left > 0) rest(model, id, order.side, price, left as QtyLots);
    });
  }

  /** The real order is over, or not followed any more. */
  close(id: number): void {
    const order = this.open.get(id);
    if (order === undefined) return;
    this.open.delete(id);
    for (const model of this.models) model.cancel(id);
    this.closed.push(order);
    if (this.closed.length > CLOSED_KEPT * 1.1) this.closed.splice(0, this.closed.length - CLOSED_KEPT);
  }

  closeAll(): void {
    for (const id of [...this.open.keys()]) this.close(id);
  }

  /** Of the orders that were closed last, then of those that are open; oldest first. */
  predictions(): OrderPrediction[] {
    return [...this.closed, ...this.open.values()];
  }

  applyLevel(side: Side, price: PriceTicks, before: number, after: number): void {
    const [touch, queue, strict] = this.models;
    touch.applyLevel(side, price, before, after);
    queue.applyLevel(side, price, before, after);
    strict.applyLevel(side, price, before, after);
  }

  applyTrade(takerSide: Side, price: PriceTicks, qty: QtyLots, isInBook = false): void {
    if (this.open.size === 0) return;
    const [touch, queue, strict] = this.models;
    touch.applyTrade(takerSide, price, qty, isInBook);
    queue.applyTrade(takerSide, price, qty, isInBook);
    strict.applyTrade(takerSide, price, qty, isInBook);
  }

  reveal(): void {
    if (this.open.size === 0) return;
    const [touch, queue, strict] = this.models;
    touch.reveal();
    queue.reveal();
    strict.reveal();
  }

  requeue(): void {
    for (const model of this.models) model.requeue();
  }

  private fill(grade: ComparedGrade, id: number, price: number, lots: number): void {
    const total = this.totals[grade];
    total.fills += 1;
    total.lots += lots;
    total.tickLots += price * lots;
    const order = this.open.get(id);
    invariant(order !== undefined, 'the models know only orders that are open');
    if (order.filledByGrade[grade] === 0) total.orders += 1;
    order.filledByGrade[grade] += lots;
  }
}

export function noFills(): FillTotals {
  return { orders: 0, fills: 0, lots: 0, tickLots: 0 };
}

function rest(model: FillModel, id: number, side: Side, price: PriceTicks, qty: QtyLots): void {
  model.restore({ id, side, price, qty, kind: 'post_only', reduceOnly: false }, qty, 'maker');
}
