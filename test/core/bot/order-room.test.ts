/** All orders of a side together: what rests with an older size counts, the nearest levels come first, and nothing is sent beyond. */
import { describe, expect, test } from '@jest/globals';
import type { QtyLots } from '../../../core/money/money.ts';
import { createInstrument } from '../../../core/market/instrument.ts';
import { BTC, placed } from '../../support/bots.ts';
import { cancelReasons, MID, PACE_MS, QuoteBench } from './quote-bench.ts';

const SIDES = ['buy', 'sell'] as const;
type Side = (typeof SIDES)[number];
/** Levels of so many lots each, 100 ticks apart. */
const levels = (side: Side, ...lots: number[]) =>
  lots.map((lot, level) => [MID + (side === 'buy' ? -100 : 100) * (level + 1), lot] as const);
const sent = (bench: QuoteBench, afterMs = PACE_MS) => placed(bench.manage(afterMs)).map(({ qty }) => qty);

describe.each(SIDES)('the %s side', (side) => {
  const other = side === 'buy' ? 'sell' : 'buy';
  const resting = (room: number, ...lots: number[]) =>
    new QuoteBench()
      .want(side, levels(side, ...lots))
      .room(side, room)
      .rest();

  test('keeps all that fits, and what rests on the other side takes none of its room', () => {
    const bench = resting(12, 4, 4, 4).want(other, levels(other, 9)).room(other, 9).rest(PACE_MS);
    expect(bench.manage(PACE_MS)).toEqual([]);
    expect(bench.state.orders).toHaveLength(4);
  });

  test('loses its furthest level at once when its room shrinks, and no more than it has to', () => {
    const bench = resting(12, 4, 4, 4);
    const far = bench.order(side, 2).clientOrderId;
    const { clientOrderId } = bench.order(side, 1);
    // Smaller sizes are wanted; what rests stays as long as it fits.
    bench.want(side, levels(side, 3, 3, 3));
    expect(cancelReasons(bench.room(side, 8).manage())).toEqual({ [far]: 'inventory_full' });
    expect(cancelReasons(bench.room(side, 7).manage())).toEqual({ [clientOrderId]: 'inventory_full' });
  });

  test('gives a level whose order was filled the room of the furthest one, once that is gone', () => {
    const bench = resting(12, 4, 4, 4);
    const far = bench.order(side, 2);
    bench.news(bench.order(side, 0), { news: 'fill', qty: 4 as QtyLots });
    bench.want(side, levels(side, 2, 2, 2)).room(side, 8);
    const effects = bench.manage(PACE_MS);
    expect(cancelReasons(effects)).toEqual({ [far.clientOrderId]: 'inventory_full' });
    expect(placed(effects)).toEqual([]);
    bench.news(far, { news: 'seen', status: 'cancelled', filled: 0 as QtyLots });
    // 4 rest on the second level: 2 on the first, and what is left on the third.
    expect(sent(bench)).toEqual([2, 2]);
  });

  test.each([
    ['is leaving for', false],
    ['leaves now for', true],
  ])(
    'makes room on its furthest level for what a nearer order %s, though all that rests has room',
    (_name, isAtOnce) => {
      const bench = resting(6, 2, 3);
      const near = bench.order(side, 0).clientOrderId;
      const far = bench.order(side, 1).clientOrderId;
      // The nearer one belongs further away than it is kept at.
      const wanting = (lots: number) => bench.want(side, [levels(side, 0, lots)[1]!, levels(side, 0, 3)[1]!]);
      if (!isAtOnce) expect(cancelReasons(wanting(2).manage(PACE_MS))).toEqual({ [near]: 'requote' });
      const leaving = isAtOnce ? { [near]: 'requote' } : {};
      expect(cancelReasons(wanting(4).manage(PACE_MS))).toEqual({ ...leaving, [far]: 'inventory_full' });
    },
  );

  test('counts what may still fill though its cancel is on its way, is in doubt, or not told of yet', () => {
    for (const news of ['cancelling', 'unknown', 'closed'] as const) {
      const bench = resting(8, 4);
      const order = bench.order(side);
      if (news === 'closed') bench.news(order, { news: 'seen', status: 'cancelled', filled: 4 as QtyLots });
      expect(sent(bench.want(side, [null, ...levels(side, 4, 4)]))).toEqual([4]);
      if (news === 'unknown') bench.news(order, { news: 'cancelAnswered', answer: 'gone' });
      expect(sent(bench)).toEqual([]);
      bench.news(order, news === 'closed' ? { news: 'fill', qty: 4 as QtyLots } : { news: 'seen', status: 'cancelled', filled: 0 as QtyLots }); // prettier-ignore
      expect(sent(bench)).toEqual([4]);
    }
  });

  test('sends less where less fits, and nothing where that is below the smallest order', () => {
    const instrument = createInstrument({ ...BTC.spec, qtyMin: '0.003' });
    const wanting = (room: number) => new QuoteBench({ instrument }).want(side, levels(side, 4, 4)).room(side, room);
    expect(sent(wanting(8))).toEqual([4, 4]);
    expect(sent(wanting(7))).toEqual([4, 3]);
    expect(sent(wanting(6))).toEqual([4]);
    expect(sent(wanting(0))).toEqual([]);
    expect(sent(wanting(-5))).toEqual([]);
  });

  test('has no more room than what is held while only reducing is allowed, whatever its strategy wants', () => {
    const sign = side === 'buy' ? -1 : 1;
    const reducing = (lots: number) =>
      new QuoteBench()
        .holds('net', lots * sign)
        .reducing()
        .want(side, levels(side, 4, 4));
    expect(placed(reducing(6).manage()).map(({ qty, reduceOnly }) => [qty, reduceOnly])).toEqual([[4, true], [2, true]]); // prettier-ignore
    expect(sent(reducing(0))).toEqual([]);
    expect(sent(reducing(-6))).toEqual([]);
  });
});
