import { expect, test } from '@jest/globals';
import { reasonName } from '../../../core/bot/reasons.ts';
import { createStrategy } from '../../../core/strategies/create.ts';
import { createDesiredQuotes, type StrategyView } from '../../../core/strategies/strategy.ts';
import { book, botConfig, BTC, T0 } from '../../support/bots.ts';

/** Half a spread of 2 bps is 120 ticks; 250 USDT are 4 lots; full at 1,000 USDT, 16.7 lots. */
const MID = 600_000;

function viewOf(seen: Partial<StrategyView>): StrategyView {
  const { positionLots = 0 } = seen;
  return {
    book: book(MID - 1, MID + 1),
    atMs: T0,
    midTicks: MID,
    positionLots: 0,
    isReducing: false,
    closableByBidsLots: Math.max(0, -positionLots),
    closableByAsksLots: Math.max(0, positionLots),
    fundingRate: 0,
    fundingIntervalMs: 28_800_000,
    ...seen,
  };
}

function quote(seen: Partial<StrategyView>): { reason: string; bid: number[]; ask: number[] } {
  const strategy = createStrategy(botConfig().strategy, BTC, null);
  const desired = createDesiredQuotes();
  desired.bidLots.fill(9);
  desired.askLots.fill(9);
  const reason = reasonName(strategy.quote(viewOf(seen), desired));
  expect([...desired.bidLots.slice(1), ...desired.askLots.slice(1)].every((lots) => lots === 0)).toBe(true);
  const { bidTicks, bidLots, askTicks, askLots } = desired;
  const first = (ticks: Float64Array, lots: Float64Array): number[] =>
    lots[0] === 0 ? [] : [(ticks[0] as number) - MID, lots[0] as number];
  return { reason, bid: first(bidTicks, bidLots), ask: first(askTicks, askLots) };
}

test.each([
  ['flat: both sides', {}, 'quoted', [-120, 4], [120, 4]],
  ['full: only the way back, leaning', { positionLots: 17 }, 'inventory_full', [], [0, 4]],
  ['short and full', { positionLots: -17 }, 'inventory_full', [-1, 4], []],
  [
    'reducing: only the side that makes it smaller',
    { positionLots: 10, isReducing: true },
    'reducing_only',
    [],
    [48, 4],
  ],
  ['... and never more than is held', { positionLots: -2, isReducing: true }, 'reducing_only', [-106, 2], []],
  ['reducing nothing', { isReducing: true }, 'nothing_to_reduce', [], []],
  [
    'reducing two legs that net to nothing: both sides, no more than is in each',
    { isReducing: true, closableByBidsLots: 3, closableByAsksLots: 10 },
    'reducing_only',
    [-120, 3],
    [120, 4],
  ],
] as const)('%s', (_name, seen, reason, bid, ask) => {
  expect(quote(seen)).toEqual({ reason, bid, ask });
});

test.each([
  ['below the mid of a book that is wide on top', MID - 300, MID + 20, [-120, 4], [120, 4]],
  ['never at the other side', MID - 1, MID - 130, [-131, 4], [120, 4]],
  ['never at the other side, seen from above', MID + 130, MID + 140, [-120, 4], [131, 4]],
])('quotes stay behind the best of the other side: %s', (_name, bestBid, bestAsk, bid, ask) => {
  expect(quote({ book: book(bestBid, bestAsk) })).toEqual({ reason: 'quoted', bid, ask });
});

test('full at exactly what may be held, and not a lot before', () => {
  // 1,000 USDT at 62,500 are 16 lots.
  const midTicks = 625_000;
  const reasons = [15, 16, -15, -16].map((positionLots) => quote({ midTicks, positionLots }).reason);
  expect(reasons).toEqual(['quoted', 'inventory_full', 'quoted', 'inventory_full']);
});

test('what is left of a position below the smallest order cannot be worked off', () => {
  // At 4,000 a lot is 4 USDT: two are the least that the venue takes.
  const midTicks = 40_000;
  const reducing = (positionLots: number): string => quote({ midTicks, positionLots, isReducing: true }).reason;
  expect([1, 2, -1, -2].map(reducing)).toEqual(['nothing_to_reduce', 'reducing_only', 'nothing_to_reduce', 'reducing_only']); // prettier-ignore
});

test('an order of exactly the least is placed', () => {
  expect(quote({ midTicks: 2_500_000 })).toMatchObject({ reason: 'quoted', bid: [expect.anything(), 1] });
  expect(quote({ midTicks: 2_500_001 })).toMatchObject({ reason: 'order_below_minimum' });
});

test('a quote is replaced when it is off by the configured bps, of a tick at least', () => {
  const strategy = createStrategy(botConfig().strategy, BTC, null);
  expect([...[MID, 619_999, 9_999, 20_000].map((mid) => strategy.requoteTicks(mid)), strategy.requoteMsMin]).toEqual([60, 61, 1, 2, 500]); // prettier-ignore
});

test('a person who asks why is told mid, lean and fullness, in quote currency', () => {
  const strategy = createStrategy(botConfig().strategy, BTC, null);
  const told = strategy.explain(viewOf({ positionLots: -5, isReducing: true }));
  expect(told).toEqual({ mid: 60_000, leanedMid: expect.any(Number), halfSpreadBps: 2, skewBps: 2, fullness: -0.3, orderQuote: 250, isReducing: true }); // prettier-ignore
  // 2 bps of 60,000 are 12 USDT; 0.3 full short leans up by 0.3 of it.
  expect(told.leanedMid).toBeCloseTo(60_003.6, 6);
});

test('it has no view of the market to put on record', () => {
  const strategy = createStrategy(botConfig().strategy, BTC, null);
  expect(strategy.regimeName()).toBeNull();
  expect(strategy.expectedEdgeBps({ side: 'buy', priceTicks: 600_000, atMs: T0 })).toBeNull();
});

test('orders that rest are never called stale: each quote says anew where they belong', () => {
  const desired = createDesiredQuotes();
  expect(desired.stale).toBe('none');
  desired.stale = 'both';
  createStrategy(botConfig().strategy, BTC, null).quote(viewOf({}), desired);
  expect(desired.stale).toBe('none');
});

test('at a price that makes an order too small it says so', () => {
  expect(quote({ midTicks: 2_600_000 })).toMatchObject({ reason: 'order_below_minimum', bid: [], ask: [] });
});
