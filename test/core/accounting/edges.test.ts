import { describe, expect, test } from '@jest/globals';
import {
  chooseLeg,
  feesOf,
  flatHoldings,
  isFlat,
  legsOf,
  netLots,
  realisedOf,
  unrealisedOf,
  type Holdings,
} from '../../../core/accounting/holdings.ts';
import { closesLeg, type Leg } from '../../../core/accounting/legs.ts';
import { applyFill, flatPosition, unrealisedAt, type Position } from '../../../core/accounting/position.ts';
import type { PriceTicks, QtyLots, QuoteAmount, SignedLots } from '../../../core/money/money.ts';
import type { Side } from '../../../core/orders/order-intent.ts';

const lots = (count: number): QtyLots => count as QtyLots;
const ticks = (count: number): PriceTicks => count as PriceTicks;
const quote = (amount: bigint): QuoteAmount => amount as QuoteAmount;

/** One lot at one tick is worth 1 USDT, so that the tables below read as they are. */
const VALUE = { quotePerTickLotE12: 10n ** 12n };
const usdt = (count: number): QuoteAmount => quote(BigInt(count) * VALUE.quotePerTickLotE12);

type Fill = readonly [side: Side, qty: number, price: number];

function filled(...fills: readonly Fill[]): Position {
  const position = flatPosition();
  for (const [side, qty, price] of fills) applyFill(position, side, ticks(price), lots(qty), quote(0n), VALUE);
  return position;
}

describe('one fill', () => {
  test.each([
    // held before, fill -> held, cost, realised by it
    ['opens a long', [], ['buy', 3, 100], 3, 300, 0],
    ['opens a short', [], ['sell', 3, 100], -3, 300, 0],
    ['adds to a long', [['buy', 3, 100]], ['buy', 1, 140], 4, 440, 0],
    ['adds to a short', [['sell', 3, 100]], ['sell', 1, 140], -4, 440, 0],
    ['closes part of a long', [['buy', 3, 100]], ['sell', 1, 110], 2, 200, 10],
    ['closes part of a short', [['sell', 3, 100]], ['buy', 1, 110], -2, 200, -10],
    ['closes all of a long', [['buy', 3, 100]], ['sell', 3, 90], 0, 0, -30],
    ['closes all of a short', [['sell', 3, 100]], ['buy', 3, 90], 0, 0, 30],
    ['turns a long by one lot', [['buy', 3, 100]], ['sell', 4, 110], -1, 110, 30],
    ['turns a short by one lot', [['sell', 3, 100]], ['buy', 4, 110], 1, 110, -30],
  ] as [string, Fill[], Fill, number, number, number][])(
    '%s',
    (_name, before, [side, qty, price], held, cost, gain) => {
      const position = filled(...before);
      expect(applyFill(position, side, ticks(price), lots(qty), usdt(2), VALUE)).toBe(usdt(gain));
      expect(position).toEqual({ qty: held, cost: usdt(cost), realised: usdt(gain), fees: usdt(2) });
    },
  );

  test('a cost that does not divide stays whole: what is cut off leaves last', () => {
    const position: Position = { ...flatPosition(), qty: 3 as SignedLots, cost: quote(100n) };
    const tiny = { quotePerTickLotE12: 1n };
    const gains = [1, 1, 1].map((qty) => applyFill(position, 'sell', ticks(40), lots(qty), quote(0n), tiny));
    expect(gains).toEqual([40n - 33n, 40n - 33n, 40n - 34n]);
    expect(position).toMatchObject({ qty: 0, cost: 0n, realised: 20n });
  });

  test('rebates reduce the fees', () => {
    const position = filled();
    applyFill(position, 'buy', ticks(1), lots(1), quote(5n), VALUE);
    applyFill(position, 'buy', ticks(1), lots(1), quote(-8n), VALUE);
    expect(position.fees).toBe(-3n);
  });

  test.each([0, -1])('of %d lots is a bug, and folds nothing', (qty) => {
    const position = filled(['buy', 3, 100]);
    expect(() => applyFill(position, 'sell', ticks(100), lots(qty), usdt(1), VALUE)).toThrow('a fill has a quantity');
    expect(position).toEqual(filled(['buy', 3, 100]));
  });
});

describe('profit of what is held', () => {
  test.each([
    ['a long above its cost', [['buy', 2, 100]], 110, 20],
    ['a long below', [['buy', 2, 100]], 99.5, -1],
    ['a short above its cost', [['sell', 2, 100]], 110, -20],
    ['a short below', [['sell', 2, 100]], 99.5, 1],
    ['nothing', [], 100, 0],
    // It needs no price: one leg of two is often empty before a book has come.
    ['nothing at no price', [], NaN, 0],
  ] as [string, Fill[], number, number][])('%s', (_name, fills, priceTicks, profit) => {
    expect(unrealisedAt(filled(...fills), priceTicks, 1)).toBe(profit);
  });
});

describe('several legs', () => {
  const held = (legs: Partial<Holdings>): Holdings => ({ ...flatHoldings(), ...legs });

  test.each([
    [{}, true, 0],
    [{ net: filled(['buy', 1, 100]) }, false, 1],
    [{ net: filled(['sell', 1, 100]) }, false, -1],
    [{ long: filled(['buy', 1, 100]) }, false, 1],
    [{ short: filled(['sell', 1, 100]) }, false, -1],
    // They net to nothing, but something is held.
    [{ long: filled(['buy', 1, 100]), short: filled(['sell', 1, 100]) }, false, 0],
    [{ long: filled(['buy', 1, 100], ['sell', 1, 120]) }, true, 0],
  ] as [Partial<Holdings>, boolean, number][])('row %#: flat only when every leg is', (legs, flat, net) => {
    expect(isFlat(held(legs))).toBe(flat);
    expect(netLots(held(legs))).toBe(net);
  });

  test('money of all legs adds up', () => {
    const leg = (qty: number, cost: number, realised: number, fees: number): Position => ({
      qty: qty as SignedLots,
      cost: usdt(cost),
      realised: usdt(realised),
      fees: usdt(fees),
    });
    const holdings = { net: leg(1, 90, 1, 2), long: leg(2, 170, 10, 20), short: leg(-3, 450, 100, 200) };
    expect(unrealisedOf(holdings, 100, 1)).toBe(10 + 30 + 150);
    expect(realisedOf(holdings)).toBe(usdt(111));
    expect(feesOf(holdings)).toBe(usdt(222));
  });

  test.each([
    ['one_way', ['net']],
    ['hedge', ['long', 'short']],
  ] as const)('%s has %j', (mode, legs) => expect(legsOf(mode)).toEqual(legs));

  test.each([
    ['net', 'buy', false],
    ['net', 'sell', false],
    ['long', 'buy', false],
    ['long', 'sell', true],
    ['short', 'buy', true],
    ['short', 'sell', false],
  ] as [Leg, Side, boolean][])('%s, %s: closes %s', (leg, side, closes) => expect(closesLeg(leg, side)).toBe(closes));
});

describe('which leg a quote works on', () => {
  const QTY = 4;
  const QTY_MIN = 2;

  test.each([
    // held long and short, ratio, being closed already -> leg, closes, quantity
    ['a sell closes what a short does not keep', 'sell', 7, 10, 0.5, 0, 'long', true, 2],
    ['half of an odd leg is rounded down', 'sell', 7, 11, 0.5, 0, 'long', true, 2],
    ['a sell leaves an excess of one', 'sell', 6, 10, 0.5, 0, 'short', false, QTY],
    ['a buy closes what a long does not keep', 'buy', 10, 7, 0.5, 0, 'short', true, 2],
    ['a buy leaves an excess of one', 'buy', 10, 6, 0.5, 0, 'long', false, QTY],
    ['what is being closed is no excess', 'sell', 5, 0, 0, 2, 'long', true, 3],
    ['down to the smallest order', 'sell', 5, 0, 0, 3, 'long', true, 2],
    ['and not below it', 'sell', 5, 0, 0, 4, 'short', false, QTY],
    ['the same on the other side', 'buy', 0, 5, 0, 3, 'short', true, 2],
    ['and below it', 'buy', 0, 5, 0, 4, 'long', false, QTY],
    ['an excess of exactly the quote', 'sell', 4, 0, 0, 0, 'long', true, QTY],
    ['more is being closed than is held', 'sell', 5, 0, 0, 9, 'short', false, QTY],
  ] as const)('%s', (_name, side, long, short, ratio, closing, leg, reduceOnly, qty) => {
    const holdings = flatHoldings();
    holdings.long.qty = long as SignedLots;
    holdings.short.qty = (0 - short) as SignedLots;
    const choice = chooseLeg(holdings, 'hedge', side, lots(QTY), ratio, lots(QTY_MIN), closing);
    expect(choice).toEqual({ leg, reduceOnly, qty });
  });
});
