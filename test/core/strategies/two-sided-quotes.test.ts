import { expect, test } from '@jest/globals';
import { reasonName } from '../../../core/bot/reasons.ts';
import { createStrategy } from '../../../core/strategies/create.ts';
import { createDesiredQuotes, type StrategyView } from '../../../core/strategies/strategy.ts';
import { book, botConfig, BTC, T0 } from '../../support/bots.ts';

/** Half a spread of 2 bps is 120 ticks; 250 USDT are 4 lots; full at 1,000 USDT, 16.7 lots. */
const MID = 600_000;

function quote(seen: Partial<StrategyView>): { reason: string; bid: number[]; ask: number[] } {
  const strategy = createStrategy(botConfig().strategy, BTC, null);
  const desired = createDesiredQuotes();
  desired.bidLots.fill(9);
  desired.askLots.fill(9);
  const view: StrategyView = {
    book: book(MID - 1, MID + 1),
    atMs: T0,
    midTicks: MID,
    positionLots: 0,
    isReducing: false,
    fundingRate: 0,
    fundingIntervalMs: 28_800_000,
    ...seen,
  };
  const reason = reasonName(strategy.quote(view, desired));
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
] as const)('%s', (_name, seen, reason, bid, ask) => {
  expect(quote(seen)).toEqual({ reason, bid, ask });
});

test('at a price that makes an order too small it says so', () => {
  expect(quote({ midTicks: 2_600_000 })).toMatchObject({ reason: 'order_below_minimum', bid: [], ask: [] });
});
