/** What one order may be: which leg it works on in hedge mode, how large it may be, and what risk makes of it beside all others. */
import { describe, expect, test } from '@jest/globals';
import { createInstrument } from '../../../core/market/instrument.ts';
import type { QtyLots } from '../../../core/money/money.ts';
import { BTC, placed } from '../../support/bots.ts';
import { cancelReasons, MID, PACE_MS, QuoteBench } from './quote-bench.ts';
import { eventsOf } from './talk.ts';

const SIDES = [
  ['buy', -1, 'short', 'long'],
  ['sell', 1, 'long', 'short'],
] as const;
type Side = 'buy' | 'sell';
const away = (side: Side, ticks: number): number => (side === 'buy' ? MID - ticks : MID + ticks);
/** Levels of so many lots each, 100 ticks apart. */
const levels = (side: Side, ...lots: number[]) =>
  lots.map((lot, level) => [away(side, 100 * (level + 1)), lot] as const);
const legs = (bench: QuoteBench) =>
  placed(bench.manage(PACE_MS)).map(({ leg, reduceOnly, qty }) => `${reduceOnly ? 'closes' : 'opens'} ${leg} ${qty}`);

describe.each(SIDES)('in hedge mode a %s', (side, sign, closed, opened) => {
  const hedged = (hedgeInventoryRatio = 0, setting = {}) => new QuoteBench({ hedgeInventoryRatio, ...setting });

  test('opens its own leg while the other one holds nothing', () => {
    expect(legs(hedged().want(side, levels(side, 4)))).toEqual([`opens ${opened} 4`]);
  });

  test('closes the other leg first, and no more of it than there is', () => {
    expect(
      legs(
        hedged()
          .holds(closed, 10 * sign)
          .want(side, levels(side, 4)),
      ),
    ).toEqual([`closes ${closed} 4`]);
    expect(
      legs(
        hedged()
          .holds(closed, 3 * sign)
          .want(side, levels(side, 4)),
      ),
    ).toEqual([`closes ${closed} 3`]);
  });

  test('counts what its other levels close already', () => {
    const bench = hedged()
      .holds(closed, 6 * sign)
      .want(side, levels(side, 4, 4, 4));
    expect(legs(bench)).toEqual([`closes ${closed} 4`, `closes ${closed} 2`, `opens ${opened} 4`]);
  });

  test('counts what is left of them: a fill takes as much from the leg as from the order', () => {
    const bench = hedged()
      .holds(closed, 6 * sign)
      .want(side, levels(side, 4))
      .rest();
    bench.news(bench.order(side), { news: 'fill', qty: 1 as QtyLots });
    bench.holds(closed, 5 * sign).want(side, levels(side, 4, 4));
    expect(legs(bench)).toEqual([`closes ${closed} 2`]);
  });

  test('does not count what works on the other side: neither what opens the leg nor what closes its own', () => {
    const opposite = side === 'buy' ? 'sell' : 'buy';
    const opening = hedged().want(opposite, levels(opposite, 4)).rest();
    expect(opening.order(opposite)).toMatchObject({ leg: closed, reduceOnly: false });
    expect(legs(opening.holds(closed, 4 * sign).want(side, levels(side, 4)))).toEqual([`closes ${closed} 4`]);
    const closing = hedged()
      .holds(opened, -4 * sign)
      .want(opposite, levels(opposite, 4))
      .rest();
    expect(closing.order(opposite)).toMatchObject({ leg: opened, reduceOnly: true });
    expect(legs(closing.holds(closed, 4 * sign).want(side, levels(side, 4)))).toEqual([`closes ${closed} 4`]);
  });

  test('keeps the other leg at its share of the one that would grow', () => {
    // Half of 8 is kept of the 7: 3 may go.
    const bench = hedged(0.5)
      .holds(closed, 7 * sign)
      .holds(opened, -8 * sign);
    expect(legs(bench.want(side, levels(side, 4)))).toEqual([`closes ${closed} 3`]);
    bench.holds(closed, 4 * sign);
    expect(legs(bench.want(side, [null, ...levels(side, 4)]))).toEqual([`opens ${opened} 4`]);
  });

  test.each([
    ['the larger leg whole, whatever share of it is to be kept', 8, 4, [4, 4, 4], ['4', '4']],
    ['as large a leg, too: the two may net to nothing', 6, 6, [4, 4], ['4', '2']],
    ['and not the smaller one: the net would grow', 4, 8, [4], []],
    ['and opens nothing', 0, 8, [4], []],
  ])('closes %s while the bot may only reduce', (_name, closing, opening, wanted, closes) => {
    const bench = hedged(0.5)
      .holds(closed, closing * sign)
      .holds(opened, -opening * sign)
      .reducing();
    expect(legs(bench.want(side, levels(side, ...wanted)))).toEqual(closes.map((lots) => `closes ${closed} ${lots}`));
  });

  test('that opens its leg leaves as soon as the bot may only reduce, also where its side may close something', () => {
    const bench = hedged(1)
      .holds(closed, 4 * sign)
      .holds(opened, -4 * sign)
      .want(side, levels(side, 4))
      .rest();
    const { clientOrderId, reduceOnly } = bench.order(side);
    expect(reduceOnly).toBe(false);
    expect(cancelReasons(bench.reducing().manage())).toEqual({ [clientOrderId]: 'reducing_only' });
    bench.news(bench.order(side), { news: 'seen', status: 'cancelled', filled: 0 as QtyLots });
    expect(legs(bench)).toEqual([`closes ${closed} 4`]);
    bench.news(bench.order(side), { news: 'acknowledged' });
    expect(bench.manage(PACE_MS)).toEqual([]);
  });

  test.each([
    ['its smallest order', { qtyMin: '0.003', notionalMin: '5' }, 3],
    // 100 USDT are 1.7 lots of 60.
    ['its smallest value', { qtyMin: '0.001', notionalMin: '100' }, 2],
  ])('leaves what is below %s to rest in the other leg', (_name, minimum, lotsMin) => {
    const instrument = createInstrument({ ...BTC.spec, ...minimum });
    const quotes = levels(side, 4);
    const below = hedged(0, { instrument }).holds(closed, (lotsMin - 1) * sign);
    expect(legs(below.want(side, quotes))).toEqual([`opens ${opened} 4`]);
    const enough = hedged(0, { instrument }).holds(closed, lotsMin * sign);
    expect(legs(enough.want(side, quotes))).toEqual([`closes ${closed} ${lotsMin}`]);
  });

  test('may fill its own leg up to the cap, all that still opens it counted', () => {
    // One lot is 60 USDT, and a little more for an ask above the mid: 10 lots fit.
    const full = () =>
      hedged(1, { exposureQuoteMax: 605 })
        .holds(opened, -3 * sign)
        .holds(closed, 3 * sign);
    expect(legs(full().want(side, levels(side, 4, 3)))).toEqual([`opens ${opened} 4`, `opens ${opened} 3`]);
    expect(legs(full().want(side, levels(side, 4, 4)))).toEqual([`opens ${opened} 4`]);
  });

  test('has room for what closes the leg, and for what works on the other one', () => {
    const bench = hedged(0, { exposureQuoteMax: 605 });
    // The opposite side closes what this one opened: none of it takes room in the leg.
    const opposite = side === 'buy' ? 'sell' : 'buy';
    bench
      .holds(opened, -6 * sign)
      .want(opposite, levels(opposite, 4))
      .rest();
    expect(legs(bench.want(side, levels(side, 4)))).toEqual([`opens ${opened} 4`]);
    const short = hedged(1, { exposureQuoteMax: 605 })
      .holds(opened, -5 * sign)
      .holds(closed, 5 * sign);
    short.want(opposite, levels(opposite, 5)).rest();
    expect(legs(short.want(side, levels(side, 5)))).toEqual([`opens ${opened} 5`]);
  });
});

describe.each(SIDES)('one way, a %s', (side, sign, _closed, _opened) => {
  const opposite: Side = side === 'buy' ? 'sell' : 'buy';
  const capped = (lots: number) => new QuoteBench({ exposureQuoteMax: 605 }).holds('net', -lots * sign);

  test('fits under the cap with the position and all that may still add to it', () => {
    expect(legs(capped(4).want(side, levels(side, 4, 2)))).toEqual(['opens net 4', 'opens net 2']);
    expect(legs(capped(4).want(side, levels(side, 4, 3)))).toEqual(['opens net 4']);
    expect(legs(capped(-4).want(side, levels(side, 14)))).toEqual(['opens net 14']);
    expect(legs(capped(-4).want(side, levels(side, 15)))).toEqual([]);
  });

  test('has its room whatever the other side does', () => {
    const bench = capped(0).want(opposite, levels(opposite, 10)).rest();
    expect(legs(bench.want(side, levels(side, 10)))).toEqual(['opens net 10']);
  });

  test('is not counted by its leg: what a net position holds is counted once', () => {
    expect(legs(capped(5).want(side, levels(side, 5)))).toEqual(['opens net 5']);
  });

  test('takes a place among the active orders until its cancel is on its way or it is over', () => {
    const bench = new QuoteBench({ ordersActiveMax: 2 }).want(side, levels(side, 4, 4, 4));
    expect(legs(bench)).toHaveLength(2);
    for (const order of [...bench.state.orders]) bench.news(order, { news: 'acknowledged' });
    expect(legs(bench)).toEqual([]);
    // The first one leaves; its cancel alone makes room for the third.
    expect(legs(bench.want(side, [null, ...levels(side, 4, 4, 4).slice(1)]))).toHaveLength(1);
    // The second one is over but for a fill that has not come.
    bench.news(bench.order(side, 1), { news: 'seen', status: 'cancelled', filled: 1 as QtyLots });
    expect(legs(bench.want(side, [null, ...levels(side, 4, 4, 4, 4).slice(1)]))).toHaveLength(1);
  });
});

describe('a quote that risk denies', () => {
  const denials = (bench: QuoteBench, afterMs = PACE_MS) =>
    eventsOf(bench.manage(afterMs)).filter((event) => event.type === 'denied');
  const tooLarge = () => new QuoteBench({ exposureQuoteMax: 605 });

  test.each(['buy', 'sell'] as const)('on the %s side is on record with the number and the limit it broke', (side) => {
    const bench = tooLarge().want(side, [[MID, 11]]);
    expect(denials(bench)).toEqual([
      { type: 'denied', clientOrderId: 'bot1_7-1', side, code: 'exposure_above_cap', measured: 660, limit: 605 },
    ]);
  });

  test('is told once until its reason changes', () => {
    const bench = tooLarge().want('buy', [[MID, 11]]);
    expect(denials(bench)).toHaveLength(1);
    expect(denials(bench)).toEqual([]);
    expect(denials(bench.want('buy', [[MID / 2, 11]]))).toMatchObject([{ code: 'price_beyond_collar' }]);
    expect(denials(bench.want('buy', [[MID, 11]]))).toMatchObject([{ code: 'exposure_above_cap' }]);
  });

  test('is told again when one was sent in between', () => {
    const bench = tooLarge()
      .want('buy', [[MID, 11]])
      .want('sell', [[MID, 11]]);
    expect(denials(bench)).toHaveLength(2);
    expect(placed(bench.want('buy', [[MID, 10]]).manage())).toHaveLength(1);
    bench.news(bench.order('buy'), { news: 'refused' });
    expect(denials(bench.want('buy', [[MID, 11]]))).toMatchObject([{ side: 'buy' }]);
    expect(placed(bench.want('sell', [[MID, 10]]).manage())).toHaveLength(1);
    bench.news(bench.order('sell'), { news: 'refused' });
    expect(denials(bench.want('sell', [[MID, 11]]))).toMatchObject([{ side: 'sell' }]);
  });

  test('is told of each level and each side by itself', () => {
    const bench = tooLarge()
      .want('buy', [
        [MID, 11],
        [MID, 11],
      ])
      .want('sell', [[MID, 11]]);
    expect(denials(bench)).toHaveLength(3);
    expect(denials(bench)).toEqual([]);
  });

  test('costs no id and no time: the next one that fits leaves at once', () => {
    const bench = tooLarge().want('buy', [[MID, 11]]);
    bench.manage();
    expect(placed(bench.want('buy', [[MID, 10]]).manage(1))).toMatchObject([{ clientOrderId: 'bot1_7-1' }]);
  });
});
