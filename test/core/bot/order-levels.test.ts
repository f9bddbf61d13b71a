/** What rests is brought to what should rest, level by level: what is kept, what leaves and why, and when its successor comes. */
import { describe, expect, test } from '@jest/globals';
import type { QtyLots } from '../../../core/money/money.ts';
import { adoptOrder } from '../../../core/orders/order.ts';
import type { PriceTicks } from '../../../core/money/money.ts';
import { cancelled, placed } from '../../support/bots.ts';
import { cancelReasons, MID, PACE_MS, QuoteBench } from './quote-bench.ts';

const SIDES = ['buy', 'sell'] as const;
type Side = (typeof SIDES)[number];
/** Price of a quote `ticks` away from the mid. */
const away = (side: Side, ticks: number): number => (side === 'buy' ? MID - ticks : MID + ticks);
const other = (side: Side): Side => (side === 'buy' ? 'sell' : 'buy');

/** One order of 4 lots on `side`, 300 ticks from the mid, taken by the venue. */
const resting = (side: Side): QuoteBench => new QuoteBench().want(side, [[away(side, 300), 4]]).rest();

/** An order of this bot's that a read of the venue found, or somebody else's. */
function found(
  bench: QuoteBench,
  side: Side,
  { id = 'bot1_6-9', isForeign = false, ticks = 300, level = 0 } = {},
): void {
  const price = away(side, ticks) as PriceTicks;
  const seen = { clientOrderId: id, side, price, qty: 4 as QtyLots, reduceOnly: false, leg: 'net', filled: 0 } as const;
  bench.state.orders.push(adoptOrder({ ...seen, filled: 0 as QtyLots }, isForeign, bench.nowMs, level));
}

describe('what is wanted and does not rest', () => {
  test('is sent on every level of both sides, at its price and size; what is not wanted is not', () => {
    const bench = new QuoteBench()
      .want('buy', [[MID - 100, 4], [MID - 200, 5], null, [MID - 400, 7], [MID - 500, 8]])
      .want('sell', [[MID + 100, 3], null, [MID + 300, 5], [MID + 400, 6], [MID + 500, 7]]);
    expect(placed(bench.manage()).map(({ side, price, qty }) => [side, price, qty])).toEqual([
      ['buy', MID - 100, 4],
      ['buy', MID - 200, 5],
      ['buy', MID - 400, 7],
      ['buy', MID - 500, 8],
      ['sell', MID + 100, 3],
      ['sell', MID + 300, 5],
      ['sell', MID + 400, 6],
      ['sell', MID + 500, 7],
    ]);
    expect(placed(bench.manage(PACE_MS))).toEqual([]);
  });

  test('is on record before it leaves, as it leaves, and lives for two seconds', () => {
    const bench = new QuoteBench().want('buy', [[MID - 100, 4]]);
    expect(bench.manage()).toEqual([
      {
        effect: 'record',
        kind: expect.any(Number),
        event: {
          type: 'place',
          clientOrderId: 'bot1_7-1',
          symbol: 'BTCUSDT',
          side: 'buy',
          price: '59990',
          qty: '0.004',
          kind: 'post_only',
          reduceOnly: false,
          expiresAtMs: bench.nowMs + 2_000,
        },
      },
      {
        effect: 'place',
        intent: {
          clientOrderId: 'bot1_7-1',
          symbol: 'BTCUSDT',
          side: 'buy',
          price: MID - 100,
          qty: 4,
          kind: 'post_only',
          reduceOnly: false,
          leg: 'net',
          expiresAtMs: bench.nowMs + 2_000,
        },
      },
    ]);
    expect(placed(bench.want('sell', [[MID + 100, 4]]).manage())).toMatchObject([{ clientOrderId: 'bot1_7-2' }]);
  });
});

describe.each(SIDES)('a quote on the %s side', (side) => {
  // One bps of the mid is 60 ticks.
  test.each([
    ['in its place is kept', 300, PACE_MS, null],
    ['60 ticks too close to the market is kept', 360, PACE_MS, null],
    ['61 ticks too close leaves', 361, PACE_MS, 'requote'],
    ['61 ticks too close leaves at once', 361, 0, 'requote'],
    ['60 ticks too far from the market is kept', 240, PACE_MS, null],
    ['61 ticks too far leaves', 239, PACE_MS, 'requote'],
    ['61 ticks too far is kept until its time has come', 239, PACE_MS - 1, null],
  ])('%s', (_name, wantedAway, afterMs, reason) => {
    const bench = resting(side);
    const { clientOrderId } = bench.order(side);
    const effects = bench.want(side, [[away(side, wantedAway), 4]]).manage(afterMs);
    expect(cancelReasons(effects)).toEqual(reason === null ? {} : { [clientOrderId]: reason });
    expect(cancelled(effects)).toEqual(reason === null ? [] : [clientOrderId]);
    expect(placed(effects)).toEqual([]);
  });

  test('that is not wanted any more leaves', () => {
    const bench = resting(side);
    const { clientOrderId } = bench.order(side);
    expect(cancelReasons(bench.want(side, []).manage())).toEqual({ [clientOrderId]: 'not_wanted' });
  });

  test('is replaced when it is gone, and no sooner than its pace allows', () => {
    const bench = resting(side);
    const first = bench.order(side);
    bench.want(side, [[away(side, 400), 5]]).manage(100);
    expect(placed(bench.manage(100))).toEqual([]);
    bench.news(first, { news: 'seen', status: 'cancelled', filled: 0 as QtyLots });
    expect(placed(bench.manage(PACE_MS - 201))).toEqual([]);
    expect(placed(bench.manage(1))).toMatchObject([{ side, price: away(side, 400), qty: 5 }]);
    // From then on its pace counts anew.
    bench.news(bench.order(side), { news: 'refused' });
    expect(placed(bench.manage(PACE_MS - 1))).toEqual([]);
    expect(placed(bench.manage(1))).toHaveLength(1);
  });

  test('neither waits for the pace of the other side nor of another level', () => {
    const bench = resting(side);
    bench
      .want(side, [
        [away(side, 300), 4],
        [away(side, 500), 4],
      ])
      .want(other(side), [[away(other(side), 300), 4]]);
    expect(placed(bench.manage(1))).toHaveLength(2);
  });

  test.each([
    ['in flight', { news: 'unknown' }, 'unknown'],
    ['in doubt', { news: 'cancelAnswered', answer: 'gone' }, 'unknown'],
    ['closed, with a fill still on its way', { news: 'seen', status: 'cancelled', filled: 2 as QtyLots }, 'closed'],
  ] as const)('has no successor while it is %s', (_name, news, state) => {
    const bench = new QuoteBench().want(side, [[away(side, 300), 4]]);
    bench.manage();
    expect(bench.order(side).state).toBe('in_flight');
    expect(placed(bench.manage(PACE_MS))).toEqual([]);
    bench.news(bench.order(side), news);
    expect(bench.order(side).state).toBe(state);
    const effects = bench.want(side, []).manage(PACE_MS);
    expect(cancelled(effects)).toEqual([]);
    expect(placed(bench.want(side, [[away(side, 400), 4]]).manage(PACE_MS))).toEqual([]);
  });

  test('is cancelled once, however often it is out of place', () => {
    const bench = resting(side).want(side, [[away(side, 400), 4]]);
    expect(cancelled(bench.manage())).toHaveLength(1);
    expect(bench.manage(1)).toEqual([]);
    expect(bench.manage(4_000)).toEqual([]);
  });

  test('of one level moves alone', () => {
    const bench = new QuoteBench()
      .want(side, [
        [away(side, 100), 4],
        [away(side, 200), 4],
        [away(side, 300), 4],
      ])
      .rest();
    const middle = bench.order(side, 1);
    bench.want(side, [
      [away(side, 100), 4],
      [away(side, 261), 4],
      [away(side, 300), 4],
    ]);
    expect(cancelled(bench.manage())).toEqual([middle.clientOrderId]);
    bench.news(middle, { news: 'seen', status: 'cancelled', filled: 0 as QtyLots });
    expect(placed(bench.manage(PACE_MS))).toMatchObject([{ price: away(side, 261) }]);
    expect(bench.order(side, 1).price).toBe(away(side, 261));
  });

  test('that shares its level with another leaves: a level has one order', () => {
    const bench = resting(side);
    found(bench, side);
    expect(cancelReasons(bench.manage())).toEqual({ 'bot1_6-9': 'not_wanted' });
  });

  test('takes no notice of orders of others, nor they of it', () => {
    const bench = new QuoteBench().want(side, [[away(side, 300), 4]]);
    found(bench, side, { id: 'stranger', isForeign: true, ticks: 50_000 });
    const effects = bench.manage();
    expect(cancelled(effects)).toEqual([]);
    expect(placed(effects)).toHaveLength(1);
  });

  test.each([
    ['bids', side === 'buy'],
    ['asks', side === 'sell'],
    ['both', true],
    ['none', false],
  ] as const)('with %s from an older view of the market', (stale, isLeaving) => {
    const bench = resting(side);
    bench.desired.stale = stale;
    const { clientOrderId } = bench.order(side);
    expect(cancelReasons(bench.manage())).toEqual(isLeaving ? { [clientOrderId]: 'regime_flip' } : {});
  });
});

describe.each([
  ['buy', -1],
  ['sell', 1],
] as const)('while the bot may only reduce, on the %s side', (side, sign) => {
  test('an order larger than what is left to reduce leaves, one as large is kept', () => {
    const bench = new QuoteBench()
      .holds('net', 4 * sign)
      .want(side, [[away(side, 300), 4]])
      .rest();
    const { clientOrderId } = bench.order(side);
    expect(bench.reducing().manage()).toEqual([]);
    bench.want(side, [[away(side, 300), 3]]);
    expect(cancelReasons(bench.manage())).toEqual({ [clientOrderId]: 'reducing_only' });
  });

  test('what was filled of it does not count against it', () => {
    const bench = new QuoteBench()
      .holds('net', 4 * sign)
      .want(side, [[away(side, 300), 4]])
      .rest();
    bench.news(bench.order(side), { news: 'fill', qty: 1 as QtyLots });
    expect(
      bench
        .reducing()
        .want(side, [[away(side, 300), 3]])
        .manage(),
    ).toEqual([]);
  });

  test('its orders say so to the venue, and at other times not', () => {
    const bench = new QuoteBench().holds('net', 4 * sign).want(side, [[away(side, 300), 3]]);
    expect(placed(bench.reducing().manage())).toMatchObject([{ leg: 'net', reduceOnly: true, qty: 3 }]);
    bench.want(side, [null, [away(side, 400), 3]]).reducing(false);
    expect(placed(bench.manage())).toMatchObject([{ leg: 'net', reduceOnly: false }]);
  });
});

test.each(SIDES)('a larger order than wanted is kept on the %s side while the bot may do more than reduce', (side) => {
  expect(
    resting(side)
      .want(side, [[away(side, 300), 1]])
      .manage(),
  ).toEqual([]);
});
