/** What holds whatever the market does and whatever is asked; fast-check prints the seed of a failure. */
import fc from 'fast-check';
import { expect, test } from '@jest/globals';
import type { Leg } from '../../../core/accounting/legs.ts';
import type { FillGrade } from '../../../core/fill-model/fill-model.ts';
import type { PriceTicks } from '../../../core/money/money.ts';
import { decodeChange, encodeChange } from '../../../core/paper/rows.ts';
import { Paper, type Levels } from './helpers.ts';

const side = fc.constantFrom('buy' as const, 'sell' as const);
const price = fc.integer({ min: 90, max: 110 });
const lots = fc.integer({ min: 1, max: 20 });
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('book' as const), bid: fc.integer({ min: 92, max: 107 }), size: lots }) }, // prettier-ignore
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('trade' as const), side, price, lots, lateMs: fc.integer({ min: 0, max: 3 }) }) }, // prettier-ignore
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('place' as const), side, price, lots, postOnly: fc.boolean(), reduceOnly: fc.boolean(), leg: fc.constantFrom<Leg>('long', 'short') }) }, // prettier-ignore
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), which: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stop' as const), isLong: fc.boolean(), price }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('interrupt' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function levels(best: number, sign: 1 | -1, size: number): Levels {
  return Array.from({ length: 5 }, (_, depth) => [best + sign * depth, size + depth]);
}

function play(paper: Paper, steps: readonly Step[], isHedge: boolean): void {
  if (isHedge) paper.exchange.setPositionMode('hedge');
  paper.book(levels(99, -1, 5), levels(100, 1, 5));
  let stops = 0;
  for (const next of steps) {
    const leg = isHedge && 'leg' in next ? next.leg : 'net';
    if (next.kind === 'book') paper.book(levels(next.bid, -1, next.size), levels(next.bid + 1, 1, next.size));
    else if (next.kind === 'trade') paper.trade(next.side, next.price, next.lots, (paper.atMs += 1) - next.lateMs);
    else if (next.kind === 'interrupt') paper.exchange.interrupt('BTCUSDT');
    else if (next.kind === 'cancel') paper.exchange.cancel('BTCUSDT', `o${next.which}`, paper.atMs);
    else if (next.kind === 'stop') {
      const request = { clientOrderId: `s${(stops += 1)}`, symbol: 'BTCUSDT', isLong: next.isLong, triggerPrice: next.price as PriceTicks } as const; // prettier-ignore
      const of: Leg = isHedge ? (next.isLong ? 'long' : 'short') : 'net';
      paper.exchange.placeStop({ ...request, leg: of, triggerSource: 'last' }, paper.atMs);
    } else {
      const kind = next.postOnly ? 'post_only' : 'limit';
      paper.place(next.side, next.price, next.lots, { kind, leg, reduceOnly: next.reduceOnly });
    }
    paper.take();
  }
}

const runs = fc.record({
  grade: fc.constantFrom<FillGrade>('touch', 'queue', 'queue_proportional', 'strict'),
  isHedge: fc.boolean(),
  steps: fc.array(step, { minLength: 10, maxLength: 60 }),
});

test('fills add up to orders, positions and cash; nothing fills beyond its limit or its size', () => {
  let fillCount = 0;
  fc.assert(
    fc.property(runs, ({ grade, isHedge, steps }) => {
      const paper = new Paper(grade);
      play(paper, steps, isHedge);
      const { books } = paper.exchange;
      const filled = new Map<number, number>();
      const held = { net: 0, long: 0, short: 0 };
      for (const { orderId, qty, side: taken, leg, price: paid } of books.fills) {
        const order = books.orderById(orderId)!;
        filled.set(orderId, (filled.get(orderId) ?? 0) + qty);
        held[leg] += taken === 'buy' ? qty : -Number(qty);
        if (order.kind !== 'stop') expect(taken === 'buy' ? paid <= order.price : paid >= order.price).toBe(true);
        if (isHedge) expect(held.long >= 0 && held.short <= 0).toBe(true);
      }
      for (const [id, qty] of filled) {
        const order = books.orderById(id)!;
        expect([order.filled, order.filled <= order.qty]).toEqual([qty, true]);
      }
      expect(held).toEqual({ net: paper.held('net'), long: paper.held('long'), short: paper.held('short') });
      const { net, long, short } = paper.exchange.rowOf('BTCUSDT').holdings;
      const made = [net, long, short].reduce((sum, { realised, fees }) => sum + realised - fees, 0n);
      expect(books.account.cash).toBe(1_000_000_000_000_000n + made);
      fillCount += books.fills.length;
    }),
    { numRuns: 400 },
  );
  expect(fillCount).toBeGreaterThan(400);
});

test('what was saved step by step is the whole, and so is the whole', () => {
  fc.assert(
    fc.property(runs, ({ grade, isHedge, steps }) => {
      const paper = new Paper(grade);
      play(paper, steps, isHedge);
      const whole = paper.exchange.books.all();
      const again = new Paper(grade, paper.changes.map(encodeChange).map(decodeChange));
      expect(sorted(again.exchange.books.all())).toEqual(sorted(whole));
    }),
    { numRuns: 150 },
  );
});

/** Rows by id: maps keep the order in which rows came, which may differ where several changed in one step. */
function sorted(whole: ReturnType<Paper['exchange']['books']['all']>): object {
  const byId = <Row extends { id: number }>(rows: readonly Row[]): Row[] => [...rows].sort((a, b) => a.id - b.id);
  return { ...whole, orders: byId(whole.orders), stops: byId(whole.stops) };
}
