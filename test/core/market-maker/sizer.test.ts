import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Reason, reasonName } from '../../../core/bot/reasons.ts';
import { SizeParams } from '../../../core/market-maker/params.ts';
import type { RegimeSpec } from '../../../core/market-maker/regime.ts';
import { OrderSizer, type SizeView } from '../../../core/market-maker/sizer.ts';
import { createInstrument } from '../../../core/market/instrument.ts';
import { createDesiredQuotes, type DesiredQuotes } from '../../../core/strategies/strategy.ts';
import { BTC } from '../../support/bots.ts';

const CALM: RegimeSpec = {
  spreadFactor: 1,
  sizeFactor: 1,
  levelsMax: 5,
  bidDistanceFactor: 1,
  askDistanceFactor: 1,
  targetShiftRatio: 0,
};
/** 0.1 USDT a tick and 0.001 BTC a lot: at 60,000 USDT a lot is worth 60 USDT. */
const MID = 600_000;

interface Case {
  params?: Record<string, unknown>;
  spec?: Partial<RegimeSpec>;
  mid?: number;
  position?: number;
  isReducing?: boolean;
  /** Distance of each level from the one before, ticks; 0 quotes every level at the mid. */
  spacing?: number;
  instrument?: typeof BTC;
  /** In hedge mode both legs, though they net to the position. */
  reducible?: Pick<SizeView, 'reducibleByBids' | 'reducibleByAsks'>;
}

interface Sized {
  bids: number[];
  asks: number[];
  bidReason: string;
  askReason: string;
  fullness: number;
  quotes: DesiredQuotes;
}

function sized(given: Case): Sized {
  const { mid = MID, position = 0, isReducing = false, spacing = 0, instrument = BTC } = given;
  const params = SizeParams.parse({ orderQuote: '240', inventoryQuoteMax: '1200', skewBps: 1, ...given.params });
  const spec = { ...CALM, ...given.spec };
  const view: SizeView = {
    midTicks: mid,
    positionLots: position,
    isReducing,
    reducibleByBids: Math.max(0, -position),
    reducibleByAsks: Math.max(0, position),
    ...given.reducible,
  };
  const quotes = createDesiredQuotes();
  quotes.bidLots.fill(777);
  quotes.askLots.fill(777);
  for (let level = 0; level < 5; level += 1) {
    quotes.bidTicks[level] = Math.floor(mid - spacing * (level + 1));
    quotes.askTicks[level] = Math.ceil(mid + spacing * (level + 1));
  }
  const sizer = new OrderSizer(params, instrument);
  sizer.measure(view, spec);
  sizer.size(view, spec, quotes);
  return {
    bids: [...quotes.bidLots],
    asks: [...quotes.askLots],
    bidReason: reasonName(sizer.bidReason),
    askReason: reasonName(sizer.askReason),
    fullness: sizer.fullness,
    quotes,
  };
}

const sum = (lots: readonly number[]): number => lots.reduce((total, lot) => total + lot, 0);

describe('sizes', () => {
  test.each([
    ['flat: both sides whole', {}, [4], [4]],
    ['whole lots, rounded down', { params: { orderQuote: '299.99' } }, [4], [4]],
    ['half full: the growing side shrinks', { position: 10 }, [2], [4]],
    ['short half full: the other side does', { position: -10 }, [4], [2]],
    ['full: only the way back', { position: 20 }, [0], [4]],
    ['above full: only the way back', { position: 25 }, [0], [4]],
    ['a level each', { params: { levels: 3 } }, [4, 4, 4], [4, 4, 4]],
    ['levels grow', { params: { levels: 3, levelSizeFactor: 1.5 } }, [4, 6, 9], [4, 6, 9]],
    [
      'a small level is left out, the next one is not',
      { params: { levels: 2, orderQuote: '50', levelSizeFactor: 2 } },
      [0, 1],
      [0, 1],
    ],
    ['room is shared, nearest first', { params: { levels: 5, orderQuote: '600' } }, [10, 10], [10, 10]],
    ['the regime makes them smaller', { spec: { sizeFactor: 0.5 } }, [2], [2]],
    ['and fewer', { params: { levels: 4 }, spec: { levelsMax: 2 } }, [4, 4], [4, 4]],
    ['an ask counts at its price, a bid at the mid, as risk counts them', { spacing: 1 }, [4], [3]],
    ['a target: at it neither side shrinks', { params: { targetBaseRatio: 0.5 }, position: 10 }, [4], [4]],
    ['below it selling is what leads away', { params: { targetBaseRatio: 0.5 } }, [4], [2]],
    ['a regime shifts the target', { spec: { targetShiftRatio: -0.5 } }, [2], [4]],
    [
      'the target stays within the inventory',
      { params: { targetBaseRatio: 0.9 }, spec: { targetShiftRatio: 0.9 }, position: 20 },
      [0],
      [4],
    ],
    ['too small to reduce: the smallest order', { params: { orderQuote: '30' }, position: 3 }, [0], [1]],
    ['reducing: only that, and no more than is held', { position: 3, isReducing: true }, [0], [3]],
    ['reducing a short', { position: -9, isReducing: true, params: { levels: 3 } }, [4, 4, 1], [0]],
    ['reducing knows no target', { position: 10, isReducing: true, params: { targetBaseRatio: 1 } }, [0], [4]],
    ['reducing when flat', { isReducing: true }, [0], [0]],
  ] as [string, Case, number[], number[]][])('%s', (_name, given, bids, asks) => {
    const pad = (lots: number[]): number[] => [...lots, 0, 0, 0, 0, 0].slice(0, 5);
    const { bids: bidLots, asks: askLots } = sized(given);
    expect({ bidLots, askLots }).toEqual({ bidLots: pad(bids), askLots: pad(asks) });
  });

  test('the smallest notional counts at the price of the level, not at the mid', () => {
    const cheap = createInstrument({ ...BTC.spec, tick: '1', lot: '1', qtyMin: '1' });
    // Five lots at a mid of 1 USDT would do; at the bid's price they would not.
    const dear = { instrument: cheap, mid: 100, params: { orderQuote: '101', inventoryQuoteMax: '1000' } };
    expect(sized({ ...dear, spacing: 1 })).toMatchObject({ bids: [1, 0, 0, 0, 0] });
    const five = createInstrument({ ...BTC.spec, tick: '0.01', lot: '1', qtyMin: '1' });
    const small = { instrument: five, mid: 100, params: { orderQuote: '5', inventoryQuoteMax: '1000' } };
    expect(sized(small)).toMatchObject({ bids: [5, 0, 0, 0, 0] });
    expect(sized({ ...small, spacing: 1 })).toMatchObject({ bids: [0, 0, 0, 0, 0], bidReason: 'order_below_minimum' });
  });

  test.each([
    ['quoted', {}, 'quoted', 'quoted'],
    ['full', { position: 20 }, 'inventory_full', 'quoted'],
    ['nearly full: what is left is no order', { position: 19 }, 'inventory_full', 'quoted'],
    ['too small', { params: { orderQuote: '59' } }, 'order_below_minimum', 'order_below_minimum'],
    ['nothing held', { isReducing: true }, 'nothing_to_reduce', 'nothing_to_reduce'],
    ['reducing', { isReducing: true, position: 2 }, 'nothing_to_reduce', 'quoted'],
  ] as [string, Case, string, string][])('%s: each side says why', (_name, given, bidReason, askReason) => {
    expect(sized(given)).toMatchObject({ bidReason, askReason });
  });

  test.each([NaN, Infinity, 0, -1])('a mid of %d is quoted from by nobody', (mid) => {
    expect(sized({ mid, position: 3 })).toMatchObject({ bids: [0, 0, 0, 0, 0], asks: [0, 0, 0, 0, 0] });
  });
});

describe('laws', () => {
  const given = fc.record({
    params: fc.record({
      levels: fc.integer({ min: 1, max: 5 }),
      orderQuote: fc.double({ min: 1, max: 5_000, noNaN: true }).map((quote) => quote.toFixed(2)),
      levelSizeFactor: fc.double({ min: 0.1, max: 5, noNaN: true }),
      inventoryQuoteMax: fc.double({ min: 1, max: 20_000, noNaN: true }).map((quote) => quote.toFixed(2)),
      targetBaseRatio: fc.double({ min: -1, max: 1, noNaN: true }),
    }),
    spec: fc.record({
      sizeFactor: fc.double({ min: 0, max: 2, noNaN: true }),
      levelsMax: fc.integer({ min: 0, max: 5 }),
      targetShiftRatio: fc.double({ min: -1, max: 1, noNaN: true }),
    }),
    mid: fc.integer({ min: 2_000, max: 4_000_000 }).map((half) => half / 2),
    position: fc.integer({ min: -400, max: 400 }),
    isReducing: fc.boolean(),
    spacing: fc.integer({ min: 0, max: 300 }),
  });
  const quoteOf = (lots: number, mid: number): number => lots * mid * BTC.quotePerTickLot;

  test('what is quoted is a whole order that the venue takes', () => {
    fc.assert(
      fc.property(given, (random) => {
        const { bids, asks, quotes } = sized(random);
        for (const [lots, ticks] of [
          [bids, quotes.bidTicks],
          [asks, quotes.askTicks],
        ] as const) {
          lots.forEach((lot, level) => {
            expect(Number.isSafeInteger(lot)).toBe(true);
            if (lot === 0) return;
            expect(lot).toBeGreaterThanOrEqual(BTC.qtyMinLots);
            expect(quoteOf(lot, ticks[level] as number)).toBeGreaterThanOrEqual(5);
          });
        }
      }),
    );
  });

  test('all levels filled at once do not lead beyond the inventory limit', () => {
    fc.assert(
      fc.property(given, (random) => {
        const { bids, asks } = sized(random);
        const limit = Number(random.params.inventoryQuoteMax) * (1 + 1e-12);
        if (sum(bids) > 0) expect(quoteOf(random.position + sum(bids), random.mid)).toBeLessThanOrEqual(limit);
        if (sum(asks) > 0) expect(quoteOf(sum(asks) - random.position, random.mid)).toBeLessThanOrEqual(limit);
      }),
    );
  });

  test('reducing never flips the position', () => {
    fc.assert(
      fc.property(given, (random) => {
        const { bids, asks } = sized({ ...random, isReducing: true });
        expect(sum(bids)).toBeLessThanOrEqual(Math.max(0, -random.position));
        expect(sum(asks)).toBeLessThanOrEqual(Math.max(0, random.position));
      }),
    );
  });

  test('two legs that net to nothing are reduced by both sides, each by no more than its leg and the largest position', () => {
    const hedged = (reducibleByBids: number, reducibleByAsks: number) =>
      sized({ params: { levels: 3 }, isReducing: true, reducible: { reducibleByBids, reducibleByAsks } });
    expect(hedged(6, 100)).toMatchObject({ bids: [4, 2, 0, 0, 0], asks: [4, 4, 4, 0, 0] });
    expect(hedged(6, 0)).toMatchObject({
      bids: [4, 2, 0, 0, 0],
      asks: [0, 0, 0, 0, 0],
      askReason: 'nothing_to_reduce',
    });
    const large = { params: { levels: 5, orderQuote: '600' }, isReducing: true };
    const { bids, quotes } = sized({ ...large, reducible: { reducibleByBids: 100, reducibleByAsks: 100 } });
    expect([sum(bids), quotes.bidRoomLots, quotes.askRoomLots]).toEqual([20, 20, 20]);
  });

  test('what all orders of a side together may fill is told, for those that rest with an older size', () => {
    const { quotes } = sized({ position: 5 });
    expect([quotes.bidRoomLots, quotes.askRoomLots]).toEqual([15, 25]);
    expect(sized({ position: 25 }).quotes.bidRoomLots).toBeLessThanOrEqual(0);
    expect(sized({ position: 5, isReducing: true }).quotes).toMatchObject({ bidRoomLots: 0, askRoomLots: 5 });
  });

  test('no level is worth more than its share, unless the smallest order is', () => {
    fc.assert(
      fc.property(given, (random) => {
        const { bids, asks, quotes } = sized(random);
        const { orderQuote, levelSizeFactor } = random.params;
        for (const [lots, ticks] of [
          [bids, quotes.bidTicks],
          [asks, quotes.askTicks],
        ] as const) {
          lots.forEach((lot, level) => {
            const share = Number(orderQuote) * levelSizeFactor ** level * random.spec.sizeFactor * (1 + 1e-12);
            const price = ticks[level] as number;
            const smallest = Math.max(BTC.qtyMinLots, Math.ceil(5 / quoteOf(1, price)));
            if (lot > smallest) expect(quoteOf(lot, Math.max(price, random.mid))).toBeLessThanOrEqual(share);
          });
        }
      }),
    );
  });

  test('long and short are mirror images', () => {
    fc.assert(
      fc.property(given, (random) => {
        const mirrored = sized({
          ...random,
          params: { ...random.params, targetBaseRatio: -random.params.targetBaseRatio },
          spec: { ...random.spec, targetShiftRatio: -random.spec.targetShiftRatio },
          position: -random.position,
          spacing: 0,
          mid: Math.floor(random.mid),
        });
        const straight = sized({ ...random, spacing: 0, mid: Math.floor(random.mid) });
        expect(mirrored.bids).toEqual(straight.asks);
        expect(mirrored.bidReason).toBe(straight.askReason);
      }),
    );
  });

  test('the fuller the inventory, the smaller the side that fills it; the way back keeps its size', () => {
    fc.assert(
      fc.property(given, fc.integer({ min: 1, max: 100 }), (random, more) => {
        const fuller = sized({ ...random, isReducing: false, position: random.position + more });
        const emptier = sized({ ...random, isReducing: false });
        if (emptier.fullness >= 0) expect(fuller.bids[0]).toBeLessThanOrEqual(emptier.bids[0] as number);
        if (emptier.fullness >= 0 && emptier.asks[0] !== 0)
          expect(fuller.asks[0]).toBeGreaterThanOrEqual(emptier.asks[0] as number);
      }),
    );
  });

  test('the reasons tell whether there are quotes', () => {
    fc.assert(
      fc.property(given, (random) => {
        const { bids, asks, bidReason, askReason } = sized(random);
        expect(bidReason === 'quoted').toBe(sum(bids) > 0);
        expect(askReason === 'quoted').toBe(sum(asks) > 0);
        expect(Reason).toHaveProperty(bidReason);
      }),
    );
  });
});
