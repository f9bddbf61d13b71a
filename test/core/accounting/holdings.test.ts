import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chooseLeg, closableLots, flatHoldings, netLots } from '../../../core/accounting/holdings.ts';
import { applyFill } from '../../../core/accounting/position.ts';
import { closesLeg, type Leg } from '../../../core/accounting/legs.ts';
import type { PriceTicks, QtyLots, QuoteAmount, SignedLots } from '../../../core/money/money.ts';
import type { Side } from '../../../core/orders/order-intent.ts';
import { BTC } from '../../support/bots.ts';

const lots = (count: number): QtyLots => count as QtyLots;

function holding(long: number, short: number) {
  const holdings = flatHoldings();
  holdings.long.qty = long as SignedLots;
  holdings.short.qty = -short as SignedLots;
  return holdings;
}

describe('which leg a quote works on', () => {
  test.each([
    // held long, held short, side, wanted, ratio -> leg, closes, quantity
    [0, 0, 'buy', 4, 0, 'long', false, 4],
    [0, 0, 'sell', 4, 0, 'short', false, 4],
    [10, 0, 'sell', 4, 0, 'long', true, 4],
    [3, 0, 'sell', 4, 0, 'long', true, 3],
    [0, 10, 'buy', 4, 0, 'short', true, 4],
    [10, 0, 'buy', 4, 0, 'long', false, 4],
    // Half of the growing leg is kept on the other side.
    [10, 5, 'buy', 4, 0.5, 'long', false, 4],
    [10, 7, 'buy', 4, 0.5, 'short', true, 2],
    [10, 10, 'buy', 4, 1, 'long', false, 4],
    // An excess below the smallest order is left.
    [0, 1, 'buy', 4, 0, 'long', false, 4],
  ] as const)('long %d, short %d, %s %d at ratio %d', (long, short, side, qty, ratio, leg, reduceOnly, chosen) => {
    expect(chooseLeg(holding(long, short), 'hedge', side, lots(qty), ratio, lots(2))).toEqual({
      leg,
      reduceOnly,
      qty: chosen,
    });
  });

  test('one-way mode has one position', () => {
    const choice = { leg: 'net', reduceOnly: false, qty: 4 };
    expect(chooseLeg(holding(10, 10), 'one_way', 'sell', lots(4), 0.5, lots(1))).toEqual(choice);
  });
});

test.each([
  ['nothing', { net: 0 }, 0, 0],
  ['a long position', { net: 5 }, 0, 5],
  ['a short position', { net: -5 }, 5, 0],
  ['two legs that net to nothing', { long: 7, short: -7 }, 7, 7],
  ['a larger long leg', { long: 7, short: -6 }, 0, 7],
  ['a larger short leg', { long: 6, short: -7 }, 7, 0],
  ['one leg', { short: -7 }, 7, 0],
  ['a leg on the wrong side of zero is a message that is missing', { long: -3, short: 4 }, 0, 0],
])('what may be closed of %s', (_name, legs: { net?: number; long?: number; short?: number }, byBids, byAsks) => {
  const holdings = flatHoldings();
  for (const leg of ['net', 'long', 'short'] as const) holdings[leg].qty = (legs[leg] ?? 0) as SignedLots;
  expect([closableLots(holdings, 'buy'), closableLots(holdings, 'sell')]).toEqual([byBids, byAsks]);
});

test('two legs hold the same as one net position, and realise and cost the same in all', () => {
  const step = fc.record({
    side: fc.constantFrom<Side>('buy', 'sell'),
    price: fc.integer({ min: 590_000, max: 610_000 }),
    qty: fc.integer({ min: 1, max: 20 }),
    ratio: fc.constantFrom(0, 0.5, 1),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 590_000, max: 610_000 }), (steps, markTicks) => {
      const hedged = flatHoldings();
      const oneWay = flatHoldings();
      const worth = (holdings: typeof hedged): bigint => {
        const legs: Leg[] = ['net', 'long', 'short'];
        return legs.reduce((sum, leg) => {
          const { qty, cost, realised } = holdings[leg];
          const value = BigInt(Math.abs(qty)) * BigInt(markTicks) * BTC.quotePerTickLotE12;
          return sum + realised + (qty === 0 ? 0n : qty > 0 ? value - cost : cost - value);
        }, 0n);
      };
      for (const { side, price, qty, ratio } of steps) {
        const choice = chooseLeg(hedged, 'hedge', side, lots(qty), ratio, lots(1));
        expect(closesLeg(choice.leg, side)).toBe(choice.reduceOnly);
        const none = 0n as QuoteAmount;
        applyFill(hedged[choice.leg], side, price as PriceTicks, choice.qty, none, BTC);
        applyFill(oneWay.net, side, price as PriceTicks, choice.qty, none, BTC);
        expect(hedged.long.qty).toBeGreaterThanOrEqual(0);
        expect(hedged.short.qty).toBeLessThanOrEqual(0);
      }
      expect(netLots(hedged)).toBe(netLots(oneWay));
      // Realised and unrealised are split otherwise, but at any mark they add up to the same money, exactly.
      expect(worth(hedged)).toBe(worth(oneWay));
    }),
    { numRuns: 300 },
  );
});
