/** The one place that knows the fill model's calls: a small book, a model and what it said. */
import { RecordedBook } from '../../../core/fill-model/book-levels.ts';
import { FillModel, type FillGrade, type ModelOrder } from '../../../core/fill-model/fill-model.ts';
import type { PriceTicks, QtyLots, SignedLots } from '../../../core/money/money.ts';
import type { Side } from '../../../core/orders/order-intent.ts';

export type Level = readonly [price: number, lots: number];

export class ModelBench {
  readonly book = new RecordedBook();
  /** `id side... ` as plain tuples: [order id, price, lots, liquidity]. */
  readonly fills: [number, number, number, string][] = [];
  readonly cancels: [number, string][] = [];
  readonly model: FillModel;

  constructor(grade: FillGrade = 'queue', position = 0, bids: readonly Level[] = BIDS, asks: readonly Level[] = ASKS) {
    for (const [price, lots] of bids) this.book.bids.set(price, lots);
    for (const [price, lots] of asks) this.book.asks.set(price, lots);
    const sink = {
      onFill: (id: number, price: number, lots: number, liquidity: string) =>
        void this.fills.push([id, price, lots, liquidity]),
      onCancel: (id: number, cause: string) => void this.cancels.push([id, cause]),
    };
    this.model = new FillModel(this.book, sink, grade, position as SignedLots);
  }

  place(id: number, side: Side, price: number | null, qty: number, changes: Partial<ModelOrder> = {}): this {
    const order: ModelOrder = {
      id,
      side,
      price: price as PriceTicks | null,
      qty: qty as QtyLots,
      kind: 'limit',
      reduceOnly: false,
      ...changes,
    };
    this.model.place(order);
    return this;
  }

  level(side: Side, price: number, lots: number): this {
    const before = this.book.levels(side).set(price, lots);
    this.model.applyLevel(side, price as PriceTicks, before, lots);
    return this;
  }

  trade(takerSide: Side, price: number, lots: number): this {
    this.model.applyTrade(takerSide, price as PriceTicks, lots as QtyLots);
    return this;
  }
}

export const BIDS: readonly Level[] = [
  [100, 10],
  [99, 20],
  [98, 30],
];
export const ASKS: readonly Level[] = [
  [102, 10],
  [103, 20],
  [104, 30],
];
