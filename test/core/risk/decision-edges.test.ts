import { describe, expect, test } from '@jest/globals';
import { createInstrument, type Instrument } from '../../../core/market/instrument.ts';
import type { PriceTicks, QtyLots } from '../../../core/money/money.ts';
import type { OrderIntent } from '../../../core/orders/order-intent.ts';
import {
  decide,
  type CompiledLimits,
  type DenialCode,
  type RiskDecision,
  type RiskFacts,
} from '../../../core/risk/decision.ts';
import { T0 } from '../../support/bots.ts';

/** One lot at the mid of 800 ticks is worth 100 USDT; all steps are powers of two, so that a bound is met exactly. */
const INSTRUMENT: Instrument = createInstrument({
  symbol: 'BTCUSDT',
  tick: '0.5',
  lot: '0.25',
  qtyMin: '0.5',
  notionalMin: '200',
  makerFeeRate: '0.0002',
  takerFeeRate: '0.0006',
});
const LIMITS: CompiledLimits = { exposureQuoteMax: 1_000, orderQuoteMax: 500, ordersActiveMax: 4 };

const INTENT = {
  clientOrderId: 'bot1_1-1',
  symbol: 'BTCUSDT',
  side: 'buy',
  price: 800,
  qty: 4,
  kind: 'post_only',
  reduceOnly: false,
  leg: 'net',
  expiresAtMs: T0 + 2_000,
};
const FACTS: RiskFacts = {
  atMs: T0,
  midTicks: 800,
  positionLots: 0,
  openBuyLots: 0,
  openSellLots: 0,
  ordersActive: 0,
  legLots: 0,
};

interface Case {
  readonly intent?: Partial<Record<keyof OrderIntent, unknown>>;
  readonly facts?: Partial<RiskFacts>;
  readonly limits?: Partial<CompiledLimits>;
  readonly instrument?: Partial<Instrument>;
}

function decided({ intent, facts, limits, instrument }: Case): RiskDecision {
  return decide(
    { ...INTENT, ...intent } as OrderIntent,
    { ...FACTS, ...facts },
    { ...LIMITS, ...limits },
    { ...INSTRUMENT, ...instrument },
  );
}

function approvedIntent(changes: Case): unknown {
  const decision = decided(changes);
  return decision.approved ? decision.intent : decision.denial;
}

describe('exactly at the bound it may go', () => {
  test.each([
    ['a plain order', {}],
    ['in its last millisecond', { facts: { atMs: T0 + 1_999 } }],
    ['least quantity and least notional', { intent: { qty: 2 } }],
    ['the collar above', { intent: { price: 880 } }],
    ['the collar below', { intent: { price: 720 } }],
    ['the order cap', { intent: { qty: 5 } }],
    ['the order cap, below the mid', { intent: { qty: 5, price: 799 } }],
    ['one order fewer than allowed', { facts: { ordersActive: 3 } }],
    ['exposure of a buy: the position', { facts: { positionLots: 6 } }],
    ['exposure of a buy: open buys', { facts: { positionLots: 2, openBuyLots: 4 } }],
    ['exposure of a sell: the position', { intent: { side: 'sell' }, facts: { positionLots: -6 } }],
    ['exposure of a sell: open sells', { intent: { side: 'sell' }, facts: { positionLots: -2, openSellLots: 4 } }],
    ['a short takes away from a buy', { facts: { positionLots: -3, openBuyLots: 9 } }],
    ['the leg', { intent: { leg: 'long' }, facts: { legLots: 6 } }],
    ['the short leg', { intent: { leg: 'short', side: 'sell' }, facts: { legLots: 6 } }],
    // Closing makes a leg smaller, whatever it holds.
    ['closing a leg above the cap', { intent: { leg: 'short', reduceOnly: true }, facts: { legLots: 50 } }],
    ['no leg counts in one-way mode', { facts: { legLots: 50 } }],
  ] as [string, Case][])('%s', (_name, changes) => {
    expect(approvedIntent(changes)).toEqual({ ...INTENT, ...changes.intent });
  });
});

describe('one step beyond it is denied, with what was measured and the limit', () => {
  test.each([
    ['at its expiry', { facts: { atMs: T0 + 2_000 } }, 'expired', T0 + 2_000, T0 + 2_000],
    ['a lot too few', { intent: { qty: 1 } }, 'qty_below_minimum', 1, 2],
    // Its own price counts, as the venue counts it: at the mid it would be enough.
    ['a tick too cheap', { intent: { qty: 2, price: 799 } }, 'notional_below_minimum', 199.75, 200],
    ['the collar above', { intent: { price: 881 } }, 'price_beyond_collar', 81 / 800, 0.1],
    ['the collar below', { intent: { price: 719 } }, 'price_beyond_collar', 81 / 800, 0.1],
    ['a lot too many', { intent: { qty: 6 } }, 'order_notional_above_cap', 600, 500],
    ['a tick too dear', { intent: { qty: 5, price: 801 } }, 'order_notional_above_cap', 500.625, 500],
    ['as many orders as allowed', { facts: { ordersActive: 4 } }, 'orders_active_above_cap', 4, 4],
    ['exposure of a buy: the position', { facts: { positionLots: 7 } }, 'exposure_above_cap', 1_100, 1_000],
    [
      'exposure of a buy: open buys',
      { facts: { positionLots: 2, openBuyLots: 5 } },
      'exposure_above_cap',
      1_100,
      1_000,
    ],
    [
      'exposure of a sell: the position',
      { intent: { side: 'sell' }, facts: { positionLots: -7 } },
      'exposure_above_cap',
      1_100,
      1_000,
    ],
    [
      'exposure of a sell: open sells',
      { intent: { side: 'sell' }, facts: { positionLots: -2, openSellLots: 5 } },
      'exposure_above_cap',
      1_100,
      1_000,
    ],
    [
      'exposure at the dearer of price and mid',
      { intent: { price: 801 }, facts: { positionLots: 6 } },
      'exposure_above_cap',
      1_001.25,
      1_000,
    ],
    // The position says nothing is held, one leg alone is above the cap.
    ['the long leg', { intent: { leg: 'long' }, facts: { legLots: 7 } }, 'exposure_above_cap', 1_100, 1_000],
    [
      'the short leg',
      { intent: { leg: 'short', side: 'sell' }, facts: { legLots: 7 } },
      'exposure_above_cap',
      1_100,
      1_000,
    ],
    [
      'closing a leg still counts as a trade of the symbol',
      { intent: { leg: 'short', reduceOnly: true }, facts: { positionLots: 7 } },
      'exposure_above_cap',
      1_100,
      1_000,
    ],
  ] as [string, Case, DenialCode, number, number][])('%s', (_name, changes, code, measured, limit) => {
    expect(decided(changes)).toEqual({ approved: false, denial: { code, measured, limit } });
  });
});

describe('a number that is none is named, before any limit is', () => {
  test.each([
    ['price of nothing', { intent: { price: 0 } }, 0, 1],
    ['price below zero', { intent: { price: -800 } }, -800, 1],
    ['price between ticks', { intent: { price: 800.5 } }, 800.5, 1],
    ['no price', { intent: { price: NaN } }, NaN, 1],
    ['quantity of nothing', { intent: { qty: 0 } }, 0, 1],
    ['quantity below zero', { intent: { qty: -4 } }, -4, 1],
    ['quantity between lots', { intent: { qty: 4.5 } }, 4.5, 1],
    ['no mid', { facts: { midTicks: 0 } }, 0, 0],
    ['half a lot held', { facts: { positionLots: 0.5 } }, 0.5, 0],
    ['open buys below zero', { facts: { openBuyLots: -1 } }, -1, 0],
    ['open sells below zero', { facts: { openSellLots: -1 } }, -1, 0],
    ['orders below zero', { facts: { ordersActive: -1 } }, -1, 0],
    ['a leg below zero', { facts: { legLots: -1 } }, -1, 0],
    ['half a lot in a leg', { facts: { legLots: 0.5 } }, 0.5, 0],
    ['no exposure cap', { limits: { exposureQuoteMax: 0 } }, 0, 0],
    ['no order cap', { limits: { orderQuoteMax: NaN } }, NaN, 0],
    ['an endless count of orders', { limits: { ordersActiveMax: Infinity } }, Infinity, 0],
    ['no time', { facts: { atMs: 0 } }, 0, 0],
    ['no expiry', { intent: { expiresAtMs: Infinity } }, Infinity, 0],
    ['a lot without value', { instrument: { quotePerTickLot: 0 } }, 0, 0],
    ['a lot of negative value', { instrument: { quotePerTickLot: -0.125 } }, -0.125, 0],
    ['a lot of unknown value', { instrument: { quotePerTickLot: NaN } }, NaN, 0],
  ] as [string, Case, number, number][])('%s', (_name, changes, measured, limit) => {
    expect(decided(changes)).toEqual({ approved: false, denial: { code: 'number_invalid', measured, limit } });
  });

  test('a least quantity that is none denies', () => {
    const denial = { code: 'qty_below_minimum', measured: 4, limit: NaN };
    expect(decided({ instrument: { qtyMinLots: NaN as QtyLots } })).toEqual({ approved: false, denial });
  });

  test('the largest whole numbers are numbers', () => {
    const price = Number.MAX_SAFE_INTEGER as PriceTicks;
    expect(decided({ intent: { price } })).toMatchObject({ denial: { code: 'price_beyond_collar' } });
  });
});
