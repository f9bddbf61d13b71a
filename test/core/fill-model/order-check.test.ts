import { expect, test } from '@jest/globals';
import { refuseOrder } from '../../../core/fill-model/order-check.ts';
import { createInstrument } from '../../../core/market/instrument.ts';
import type { PriceTicks, QtyLots, SignedLots } from '../../../core/money/money.ts';

/** Tick 0.1, lot 0.001: 1 lot at 50,000 ticks is 5 USDT. */
const BTC = createInstrument({
  symbol: 'BTCUSDT',
  tick: '0.1',
  lot: '0.001',
  qtyMin: '0.002',
  notionalMin: '20',
  makerFeeRate: '0.0002',
  takerFeeRate: '0.0006',
});

test.each([
  ['at both minima', 'buy', 100_000, 2, false, 0, undefined],
  ['below the notional minimum', 'buy', 99_999, 2, false, 0, 'notional_below_min'],
  ['below the size minimum', 'buy', 900_000, 1, false, 0, 'qty_below_min'],
  ['a small remainder may be closed', 'sell', 10, 2, true, 5, undefined],
  ['reduce-only without a position', 'sell', 100_000, 2, true, 0, 'nothing_to_reduce'],
  ['reduce-only, to buy, without a position', 'buy', 100_000, 2, true, 0, 'nothing_to_reduce'],
  ['reduce-only in the direction of the position', 'buy', 100_000, 2, true, 5, 'nothing_to_reduce'],
  ['reduce-only against a short', 'buy', 100_000, 2, true, -5, undefined],
] as const)('%s', (_name, side, price, qty, reduceOnly, position, code) => {
  const order = { side, price: price as PriceTicks, qty: qty as QtyLots, reduceOnly };
  expect(refuseOrder(order, BTC, position as SignedLots)?.code).toBe(code);
});
