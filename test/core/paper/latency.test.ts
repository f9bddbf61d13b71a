/** Orders and cancels that take time to arrive: what they meet is decided then, not when they left. */
import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { NO_LATENCY, type LatencyParams } from '../../../core/fill-model/latency.ts';
import type { OrderIntent, Side } from '../../../core/orders/order-intent.ts';
import type { PaperAnswer } from '../../../core/paper/paper-exchange.ts';
import { RequestLine } from '../../../core/paper/request-line.ts';
import { ASKS, BIDS, Paper, type Levels } from './helpers.ts';

/** A paper account behind a line, on the clock of `paper.atMs`. */
class Distant {
  readonly paper = new Paper();
  readonly sentAtMs = new Map<string, number>();
  readonly placed = new Map<string, { answer: PaperAnswer; atMs: number }>();
  readonly cancelled = new Map<string, { isDone: boolean; fillsBefore: number }>();
  private readonly line: RequestLine;

  constructor(latency: Partial<LatencyParams>) {
    this.line = new RequestLine({ ...NO_LATENCY, ...latency });
    this.paper.book(BIDS, ASKS);
  }

  send(side: Side, price: number, qty: number, change: Partial<OrderIntent> = {}): string {
    const intent = this.paper.intent(side, price, qty, change);
    const { clientOrderId } = intent;
    this.sentAtMs.set(clientOrderId, this.paper.atMs);
    this.line.send('submit', this.paper.atMs, (atMs) =>
      this.placed.set(clientOrderId, { answer: this.paper.exchange.place(intent, atMs), atMs }),
    );
    this.deliver();
    return clientOrderId;
  }

  cancel(clientOrderId: string): this {
    this.line.send('cancel', this.paper.atMs, (atMs) => {
      const isDone = this.paper.exchange.cancel('BTCUSDT', clientOrderId, atMs);
      this.cancelled.set(clientOrderId, { isDone, fillsBefore: this.fillsOf(clientOrderId).length });
    });
    return this.deliver();
  }

  /** Time passes, then the market moves. */
  after(ms: number, move: (paper: Paper) => unknown = () => undefined): this {
    this.paper.atMs += ms;
    this.deliver();
    move(this.paper);
    return this;
  }

  fillsOf(clientOrderId: string) {
    return this.paper.allFills().filter((fill) => fill.clientOrderId === clientOrderId);
  }

  private deliver(): this {
    this.line.deliver(this.paper.atMs);
    return this;
  }
}

describe('an order', () => {
  test('is not there before its own way and that of the feed are over, and is stamped with that time', () => {
    const far = new Distant({ submitMs: 50, feedMs: 20 });
    const startMs = far.paper.atMs;
    const id = far.send('buy', 100, 5);
    far.after(69, (paper) => paper.trade('sell', 90, 50));
    expect([far.placed.size, far.paper.allFills()]).toEqual([0, []]);
    far.after(1);
    expect(far.placed.get(id)).toMatchObject({ answer: { answer: 'yes' }, atMs: startMs + 70 });
    expect(far.paper.exchange.books.orderByClientId(id)).toMatchObject({ updatedAtMs: startMs + 70 });
  });

  test.each([
    ['maker where it would have taken', [[97, 10]], [[104, 10]], { answer: 'yes' }, false],
    ['taker where it would have rested', [[103, 10]], [[101, 10]], { answer: 'yes' }, true],
  ] as const)('is %s, by the book that it meets', (_name, bids, asks, answer, crossed) => {
    const far = new Distant({ submitMs: 50 });
    const id = far.send('buy', crossed ? 101 : 103, 5);
    far.after(30, (paper) => paper.book(bids, asks)).after(30);
    expect(far.placed.get(id)).toMatchObject({ answer });
    expect(far.paper.exchange.books.orderByClientId(id)).toMatchObject({ crossedAtCreation: crossed });
    far.after(1, (paper) => paper.trade('sell', 90, 50));
    expect(far.fillsOf(id)).toMatchObject([
      { price: crossed ? 101 : 103, qty: 5, liquidity: crossed ? 'taker' : 'maker', crossedAtCreation: crossed },
    ]);
  });

  test('that is post-only is refused where the book has come to it meanwhile', () => {
    const far = new Distant({ submitMs: 50 });
    const id = far.send('buy', 100, 5, { kind: 'post_only' });
    far.after(30, (paper) => paper.book([[98, 10]], [[100, 10]])).after(30); // prettier-ignore
    expect(far.placed.get(id)).toMatchObject({ answer: { answer: 'no', code: 'post_only_would_take' } });
    expect(far.paper.allFills()).toEqual([]);
  });

  test('that arrives after its own expiry is refused', () => {
    const far = new Distant({ submitMs: 50 });
    const id = far.send('buy', 100, 5, { expiresAtMs: far.paper.atMs + 40 });
    expect(far.after(60).placed.get(id)).toMatchObject({ answer: { code: 'expired' } });
  });
});

test('a cancel loses against the fill that came first, and the fill stands', () => {
  const far = new Distant({ cancelMs: 50 });
  const id = far.send('buy', 100, 5);
  far.cancel(id).after(40, (paper) => paper.trade('sell', 90, 50)).after(20); // prettier-ignore
  expect(far.cancelled.get(id)).toEqual({ isDone: false, fillsBefore: 1 });
  expect([far.paper.held(), far.paper.exchange.books.orderByClientId(id)?.status]).toEqual([5, 'filled']);
});

test('a cancel sent right behind its order finds it, however much faster it is', () => {
  const far = new Distant({ submitMs: 80, cancelMs: 5 });
  const id = far.send('buy', 100, 5);
  far.cancel(id).after(79);
  expect(far.cancelled.size).toBe(0);
  far.after(1);
  expect(far.cancelled.get(id)).toEqual({ isDone: true, fillsBefore: 0 });
});

const side = fc.constantFrom<Side>('buy', 'sell');
const ms = fc.integer({ min: 0, max: 40 });
const lots = fc.integer({ min: 1, max: 20 });
const price = fc.integer({ min: 96, max: 105 });
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ step: fc.constant('book' as const), ms, bid: fc.integer({ min: 97, max: 103 }), lots }) }, // prettier-ignore
  { weight: 5, arbitrary: fc.record({ step: fc.constant('trade' as const), ms, side, price, lots }) },
  {
    weight: 6,
    arbitrary: fc.record({ step: fc.constant('send' as const), side, price, lots, postOnly: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ step: fc.constant('cancel' as const), which: fc.nat(20) }) },
);
const way = fc.integer({ min: 0, max: 60 });
const latency = fc.record({
  submitMs: way,
  cancelMs: way,
  feedMs: way,
  jitterMs: fc.integer({ min: 0, max: 20 }),
  jitterSeed: fc.nat(),
});

function levels(best: number, sign: 1 | -1, size: number): Levels {
  return Array.from({ length: 5 }, (_, depth) => [best + sign * depth, size + depth]);
}

test('nothing fills before it has arrived or after it was cancelled; makers at their limit, takers at no worse', () => {
  const seen = { fills: 0, makers: 0, takers: 0, lostRaces: 0, refusedPostOnly: 0 };
  fc.assert(
    fc.property(latency, fc.array(step, { minLength: 20, maxLength: 80 }), (chosen, steps) => {
      const far = new Distant(chosen);
      for (const next of steps) {
        if (next.step === 'send') far.send(next.side, next.price, next.lots, { kind: next.postOnly ? 'post_only' : 'limit' }); // prettier-ignore
        else if (next.step === 'cancel') far.cancel(`o${next.which}`);
        else if (next.step === 'trade') far.after(next.ms, (paper) => paper.trade(next.side, next.price, next.lots));
        else far.after(next.ms, (paper) => paper.book(levels(next.bid, -1, next.lots), levels(next.bid + 1, 1, next.lots))); // prettier-ignore
        far.paper.take();
      }
      const { books } = far.paper.exchange;
      for (const fill of books.fills) {
        const order = books.orderById(fill.orderId)!;
        const id = order.clientOrderId!;
        expect(fill.atMs).toBeGreaterThanOrEqual(far.sentAtMs.get(id)! + chosen.submitMs + chosen.feedMs);
        expect([fill.crossedAtCreation, fill.liquidity]).toEqual(order.crossedAtCreation ? [true, 'taker'] : [false, 'maker']); // prettier-ignore
        if (!order.crossedAtCreation) expect(fill.price).toBe(order.price);
        else expect(order.side === 'buy' ? fill.price <= order.price : fill.price >= order.price).toBe(true);
        if (order.kind === 'post_only') expect(fill.liquidity).toBe('maker');
        seen.fills += 1;
        seen[order.crossedAtCreation ? 'takers' : 'makers'] += 1;
      }
      for (const [id, { isDone, fillsBefore }] of far.cancelled) {
        const fills = far.fillsOf(id);
        const order = books.orderByClientId(id);
        if (isDone) expect([order?.status, fills.length]).toEqual(['cancelled', fillsBefore]);
        else if (order?.status === 'filled') seen.lostRaces += 1;
        expect(fills.reduce((sum, { qty }) => sum + qty, 0)).toBe(order?.filled ?? 0);
      }
      for (const { answer } of far.placed.values()) {
        if (answer.answer === 'no' && answer.code === 'post_only_would_take') seen.refusedPostOnly += 1;
      }
    }),
    { numRuns: 400 },
  );
  expect(Math.min(seen.makers, seen.takers, seen.lostRaces, seen.refusedPostOnly)).toBeGreaterThan(50);
});
