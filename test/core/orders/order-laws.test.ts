import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { PriceTicks, QtyLots } from '../../../core/money/money.ts';
import {
  adoptOrder,
  applyOrderNews,
  createOrder,
  isSettled,
  openLots,
  type Order,
  type OrderNews,
} from '../../../core/orders/order.ts';
import { T0 } from '../../support/bots.ts';

const QTY = 6;

function sent(): Order {
  return createOrder(
    {
      clientOrderId: 'bot1_1-1',
      symbol: 'BTCUSDT',
      side: 'buy',
      price: 600_000 as PriceTicks,
      qty: QTY as QtyLots,
      kind: 'post_only',
      reduceOnly: false,
      leg: 'net' as const,
      expiresAtMs: T0 + 2_000,
    },
    T0,
  );
}

const lots = (qty: number): QtyLots => qty as QtyLots;

/** What really happened at the venue: parts executed, then the end. All its news, in the order of their making. */
function newsOf(parts: readonly number[]): OrderNews[] {
  const news: OrderNews[] = [{ news: 'acknowledged' }, { news: 'seen', status: 'open', filled: lots(0) }];
  let filled = 0;
  for (const part of parts) {
    filled += part;
    news.push({ news: 'fill', qty: lots(part) });
    if (filled < QTY) news.push({ news: 'seen', status: 'open', filled: lots(filled) });
  }
  news.push({ news: 'seen', status: filled === QTY ? 'filled' : 'cancelled', filled: lots(filled) });
  return news;
}

const executions = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 4 }).map((parts) => {
  const kept: number[] = [];
  for (const part of parts) if (kept.reduce((sum, one) => sum + one, 0) + part <= QTY) kept.push(part);
  return kept;
});

test('all news of an order, in any sequence, end the same way and never understate what may still come', () => {
  fc.assert(
    fc.property(
      executions.chain((parts) => {
        const news = newsOf(parts);
        return fc.tuple(fc.constant(parts), fc.shuffledSubarray(news, { minLength: news.length }));
      }),
      ([parts, news]) => {
        const order = sent();
        const executed = parts.reduce((sum, part) => sum + part, 0);
        let told = 0;
        for (const next of news) {
          applyOrderNews(order, next, T0);
          if (next.news === 'fill') told += next.qty;
          if (order.fillsSeen !== told) throw new Error(`counts ${order.fillsSeen} of ${told} lots`);
          if (openLots(order) < executed - told) throw new Error(`understates what may still come: ${openLots(order)}`);
        }
        expect(order.state).toBe('closed');
        expect(order.venueFilled).toBe(executed);
        expect(isSettled(order)).toBe(true);
        expect(openLots(order)).toBe(0);
      },
    ),
    { numRuns: 5_000 },
  );
});

const anyNews: fc.Arbitrary<OrderNews> = fc.oneof(
  fc.constantFrom<OrderNews>(
    { news: 'acknowledged' },
    { news: 'refused' },
    { news: 'unknown' },
    { news: 'notFound' },
    { news: 'cancelAnswered', answer: 'yes' },
    { news: 'cancelAnswered', answer: 'gone' },
    { news: 'cancelAnswered', answer: 'no' },
    { news: 'cancelAnswered', answer: 'unknown' },
  ),
  fc.record({ news: fc.constant('fill' as const), qty: fc.integer({ min: 1, max: 9 }).map(lots) }),
  fc.record({
    news: fc.constant('seen' as const),
    status: fc.constantFrom('open' as const, 'filled' as const, 'cancelled' as const, 'rejected' as const),
    filled: fc.integer({ min: 0, max: QTY }).map(lots),
  }),
);

test('no news breaks an order: counts stay within it, and what is closed stays closed', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(anyNews, { maxLength: 30 }), (isAdopted, news) => {
      const order = isAdopted ? adoptOrder({ ...sent(), filled: lots(2) }, false, T0, 0) : sent();
      let atMs = T0;
      for (const next of news) {
        const wasClosed = order.state === 'closed';
        applyOrderNews(order, next, (atMs += 1_000));
        expect(order.fillsSeen).toBeLessThanOrEqual(QTY);
        expect(order.venueFilled).toBeLessThanOrEqual(QTY);
        expect(openLots(order)).toBeGreaterThanOrEqual(0);
        if (wasClosed) expect(order.state).toBe('closed');
        expect(order.state === 'closed').toBe(order.closeReason !== null);
      }
    }),
    { numRuns: 2_000 },
  );
});

describe('what only looks like an end', () => {
  test.each([
    ['no answer', [{ news: 'unknown' }]],
    ['one "not found"', [{ news: 'unknown' }, { news: 'notFound' }]],
    ['a cancel that found nothing', [{ news: 'acknowledged' }, { news: 'cancelAnswered', answer: 'gone' }]],
    ['a cancel that was taken', [{ news: 'acknowledged' }, { news: 'cancelAnswered', answer: 'yes' }]],
    ['a refusal after it was seen', [{ news: 'seen', status: 'open', filled: lots(0) }, { news: 'refused' }]],
    ['a refusal after no answer', [{ news: 'unknown' }, { news: 'refused' }]],
  ] as [string, OrderNews[]][])('%s keeps it at full size', (_name, news) => {
    const order = sent();
    for (const next of news) applyOrderNews(order, next, T0);
    expect(openLots(order)).toBe(QTY);
  });
});
