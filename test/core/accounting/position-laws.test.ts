import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { applyFill, flatPosition, unrealisedAt, type Position } from '../../../core/accounting/position.ts';
import { notional, type PriceTicks, type QtyLots, type QuoteAmount } from '../../../core/money/money.ts';
import type { Side } from '../../../core/orders/order-intent.ts';
import { BTC } from '../../support/bots.ts';

interface Trade {
  side: Side;
  price: number;
  qty: number;
  fee: bigint;
}

const trade: fc.Arbitrary<Trade> = fc.record({
  side: fc.constantFrom<Side>('buy', 'sell'),
  price: fc.integer({ min: 1, max: 2_000_000 }),
  qty: fc.integer({ min: 1, max: 100_000 }),
  fee: fc.bigInt({ min: -1_000_000_000_000n, max: 1_000_000_000_000n }),
});

function apply(position: Position, { side, price, qty, fee }: Trade): void {
  applyFill(position, side, price as PriceTicks, qty as QtyLots, fee as QuoteAmount, BTC);
}

function folded(trades: readonly Trade[]): Position {
  const position = flatPosition();
  for (const next of trades) apply(position, next);
  return position;
}

/** What the fills moved in and out, fees aside. */
function cashOf(trades: readonly Trade[]): bigint {
  let cash = 0n;
  for (const { side, price, qty } of trades) {
    const value = notional(price as PriceTicks, qty as QtyLots, BTC);
    cash += side === 'buy' ? 0n - value : value;
  }
  return cash;
}

test('cash is exact: what came in is what was realised less what is held', () => {
  fc.assert(
    fc.property(fc.array(trade, { maxLength: 100 }), (trades) => {
      const { qty, cost, realised, fees } = folded(trades);
      expect(qty < 0 ? realised + cost : realised - cost).toBe(cashOf(trades));
      expect(fees).toBe(trades.reduce((sum, { fee }) => sum + fee, 0n));
      expect(qty).toBe(trades.reduce((sum, next) => sum + (next.side === 'buy' ? next.qty : 0 - next.qty), 0));
      expect(cost >= 0n && (qty !== 0 || cost === 0n)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test('a fill in any split gives one position; realised differs by the truncation of a part at most', () => {
  const parts = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 2, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(trade, { maxLength: 20 }), trade, parts, (before, last, sizes) => {
      const qty = sizes.reduce((sum, size) => sum + size, 0);
      const whole = folded([...before, { ...last, qty }]);
      const split = folded([
        ...before,
        ...sizes.map((size, index) => ({ ...last, qty: size, fee: index === 0 ? last.fee : 0n })),
      ]);
      expect(split.qty).toBe(whole.qty);
      expect(split.fees).toBe(whole.fees);
      const difference = split.realised - whole.realised;
      expect(difference <= BigInt(sizes.length) && difference >= -BigInt(sizes.length)).toBe(true);
      if (whole.qty === 0) expect(split.realised).toBe(whole.realised);
    }),
    { numRuns: 1_000 },
  );
});

describe('reduce and flip', () => {
  const trades = (...rows: [Side, number, number][]): Trade[] =>
    rows.map(([side, price, qty]) => ({ side, price, qty, fee: 0n }));
  // One lot of 0.001 at one tick of 0.1 is worth 0.0001 USDT.
  test.each([
    ['a part sold', trades(['buy', 1_000, 4], ['sell', 1_100, 1]), 3, 300_000_000_000n, 10_000_000_000n],
    ['all sold', trades(['buy', 1_000, 4], ['sell', 1_100, 4]), 0, 0n, 40_000_000_000n],
    ['through zero', trades(['buy', 1_000, 4], ['sell', 1_100, 6]), -2, 220_000_000_000n, 40_000_000_000n],
    ['a short bought back', trades(['sell', 1_000, 4], ['buy', 900, 4]), 0, 0n, 40_000_000_000n],
    ['short through zero', trades(['sell', 1_000, 4], ['buy', 1_100, 5]), 1, 110_000_000_000n, -40_000_000_000n],
  ] as const)('%s', (_name, rows, qty, cost, realised) => {
    const position = folded(rows);
    expect(position).toMatchObject({ qty, cost, realised });
  });

  test('a price between ticks values what is held, whichever side', () => {
    expect(unrealisedAt(folded(trades(['buy', 1_000, 4])), 1_000.5, BTC.quotePerTickLot)).toBeCloseTo(0.0002, 12);
    expect(unrealisedAt(folded(trades(['sell', 1_000, 4])), 1_000.5, BTC.quotePerTickLot)).toBeCloseTo(-0.0002, 12);
  });
});
