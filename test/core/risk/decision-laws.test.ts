import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Instrument } from '../../../core/market/instrument.ts';
import type { PriceTicks, QtyLots } from '../../../core/money/money.ts';
import type { OrderIntent, Side } from '../../../core/orders/order-intent.ts';
import { decide, type CompiledLimits, type RiskDecision, type RiskFacts } from '../../../core/risk/decision.ts';
import { BTC, T0 } from '../../support/bots.ts';

const INTENT: OrderIntent = {
  clientOrderId: 'bot1_1-1',
  symbol: 'BTCUSDT',
  side: 'buy',
  price: 600_000 as PriceTicks,
  qty: 4 as QtyLots,
  kind: 'post_only',
  reduceOnly: false,
  leg: 'net' as const,
  expiresAtMs: T0 + 2_000,
};
const FACTS: RiskFacts = {
  atMs: T0,
  midTicks: 600_000,
  positionLots: 0,
  openBuyLots: 0,
  openSellLots: 0,
  ordersActive: 0,
  legLots: 0,
};
const LIMITS: CompiledLimits = { exposureQuoteMax: 1_500, orderQuoteMax: 300, ordersActiveMax: 4 };

interface Case {
  intent?: Partial<OrderIntent>;
  facts?: Partial<RiskFacts>;
  limits?: Partial<CompiledLimits>;
  instrument?: Partial<Instrument>;
}

function decided({ intent, facts, limits, instrument }: Case): RiskDecision {
  return decide({ ...INTENT, ...intent }, { ...FACTS, ...facts }, { ...LIMITS, ...limits }, { ...BTC, ...instrument });
}

function codeOf(decision: RiskDecision): string {
  return decision.approved ? 'approved' : decision.denial.code;
}

test.each([
  ['a plain quote', {}, 'approved'],
  ['up to the cap', { facts: { positionLots: 21 } }, 'approved'],
  ['one lot above the cap', { facts: { positionLots: 22 } }, 'exposure_above_cap'],
  ['open orders count', { facts: { positionLots: 10, openBuyLots: 12 } }, 'exposure_above_cap'],
  ['the other side does not', { facts: { openSellLots: 1_000 } }, 'approved'],
  ['a short beyond the cap may be bought back', { facts: { positionLots: -1_000 } }, 'approved'],
  ['and not sold further', { intent: { side: 'sell' as Side }, facts: { positionLots: -22 } }, 'exposure_above_cap'],
  [
    'a long may be sold through to the cap',
    { intent: { side: 'sell' as Side }, facts: { positionLots: 1 } },
    'approved',
  ],
  ['too large', { intent: { qty: 6 as QtyLots } }, 'order_notional_above_cap'],
  ['too small', { intent: { qty: 0.5 as QtyLots } }, 'number_invalid'],
  ['as many orders as allowed', { facts: { ordersActive: 4 } }, 'orders_active_above_cap'],
  ['on its last instant', { facts: { atMs: T0 + 2_000 } }, 'expired'],
  ['a digit too few', { intent: { price: 60_000 as PriceTicks } }, 'price_beyond_collar'],
] as const)('%s: %s', (_name, changes, code) => expect(codeOf(decided(changes as Case))).toBe(code));

const broken = fc.oneof(
  fc.constantFrom(NaN, Infinity, -Infinity, -1, -0.5, 0.5, 5e-324, 1e308, -1e308, 2 ** 53, 2 ** 60, undefined, null),
  fc.double({ max: -Number.MIN_VALUE, noDefaultInfinity: false, noNaN: false }),
) as fc.Arbitrary<number>;

describe('a number that is none denies', () => {
  test.each([
    ['price', (value: number): Case => ({ intent: { price: value as PriceTicks } })],
    ['quantity', (value: number): Case => ({ intent: { qty: value as QtyLots } })],
    ['orders active', (value: number): Case => ({ facts: { ordersActive: value } })],
    ['least quantity', (value: number): Case => ({ instrument: { qtyMinLots: Math.min(value, NaN) as QtyLots } })],
    ['open buys', (value: number): Case => ({ facts: { openBuyLots: value } })],
  ] as const)('%s', (_name, change) => {
    fc.assert(
      fc.property(broken, (value) => decided(change(value)).approved === false),
      { numRuns: 5_000 },
    );
  });

  const unbounded = fc
    .oneof(fc.constantFrom(NaN, Infinity, -Infinity, 0, -0, -1), broken)
    .filter((value) => !(Number.isFinite(value) && value > 0));
  test.each([
    ['mid', (value: number): Case => ({ facts: { midTicks: value } })],
    ['now', (value: number): Case => ({ facts: { atMs: value } })],
    ['expiry', (value: number): Case => ({ intent: { expiresAtMs: value } })],
    ['exposure cap', (value: number): Case => ({ limits: { exposureQuoteMax: value } })],
    ['order cap', (value: number): Case => ({ limits: { orderQuoteMax: value } })],
    ['count cap', (value: number): Case => ({ limits: { ordersActiveMax: value } })],
    ['value of a lot', (value: number): Case => ({ instrument: { quotePerTickLot: value } })],
  ] as const)('%s', (_name, change) => {
    fc.assert(
      fc.property(unbounded, (value) => decided(change(value)).approved === false),
      { numRuns: 5_000 },
    );
  });

  test('position', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.constantFrom(NaN, Infinity, -Infinity, 2 ** 53, 0.5), fc.double({ noInteger: true })),
        fc.constantFrom<Side>('buy', 'sell'),
        (positionLots, side) => decided({ facts: { positionLots }, intent: { side } }).approved === false,
      ),
      { numRuns: 5_000 },
    );
  });
});

test('whatever is approved leaves position, open orders and itself within the cap', () => {
  const lots = fc.integer({ min: 0, max: 60 });
  fc.assert(
    fc.property(
      fc.integer({ min: -60, max: 60 }),
      lots,
      lots,
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 500_000, max: 700_000 }),
      fc.constantFrom<Side>('buy', 'sell'),
      (positionLots, openBuyLots, openSellLots, qty, price, side) => {
        const facts = { positionLots, openBuyLots, openSellLots };
        if (!decided({ facts, intent: { qty: qty as QtyLots, price: price as PriceTicks, side } }).approved) return;
        const worst = side === 'buy' ? positionLots + openBuyLots + qty : openSellLots + qty - positionLots;
        expect(worst * Math.max(price, 600_000) * BTC.quotePerTickLot).toBeLessThanOrEqual(1_500);
        expect(qty * price * BTC.quotePerTickLot).toBeLessThanOrEqual(300);
      },
    ),
    { numRuns: 20_000 },
  );
});
