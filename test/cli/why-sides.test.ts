/** Each side is told in the numbers of its own decision, and one without a quote says why. */
import { describe, expect, test } from '@jest/globals';
import { sharedExplained, sideOf, sideText } from '../../cli/why/sides.ts';
import { Reason } from '../../core/bot/reasons.ts';
import { createDesiredQuotes, type Explained } from '../../core/strategies/strategy.ts';

/** What a market maker explains: the edges may be of an earlier decision. */
const EXPLAINED: Explained = {
  isReducing: false,
  fullness: 0.4,
  floorBps: 17.25,
  marketBps: 14,
  edgeBidBps: 0.5,
  edgeBidBpsMin: 0.125,
  withheldBid: 'none',
  edgeAskBps: -0.25,
  edgeAskBpsMin: 0.125,
  withheldAsk: 'none',
};

/** `wanted` are the sides with a quote. */
function told(reason: keyof typeof Reason, wanted: string, side: 'buy' | 'sell', explained: Explained = {}): string {
  const desired = createDesiredQuotes();
  if (wanted.includes('bid')) desired.bidLots[0] = 1;
  if (wanted.includes('ask')) desired.askLots[1] = 1;
  return sideText(sideOf({ machine: { desired }, reason: Reason[reason] }, { ...EXPLAINED, ...explained }, side));
}

describe('a side', () => {
  test.each([
    ['with a quote: its edge', told('quoted', 'bid', 'buy'), 'quote wanted: edge 0.5 bps, at least 0.125 wanted'],
    [
      'that is not worth it: its edge',
      told('quoted', 'bid', 'sell', { withheldAsk: 'edge_below_minimum' }),
      'no quote: not worth it: edge -0.25 bps, at least 0.125 wanted',
    ],
    [
      'that stands aside: floor and market, and no edge',
      told('spread_floor_above_market', '', 'buy', { withheldBid: 'spread_floor_above_market' }),
      'no quote: a round trip costs 17.25 bps (the floor), and the market pays 14 bps',
    ],
    [
      'that leads out while the bot stands aside',
      told('spread_floor_above_market', 'ask', 'sell', { edgeAskBps: 1, edgeAskBpsMin: -7 }),
      'quote wanted: edge 1 bps, at least -7 wanted',
    ],
    [
      'that is full',
      told('inventory_full', 'ask', 'buy'),
      'no quote: the position is as large as it may be in this direction',
    ],
    [
      'without a size, beside one that is not worth it: full where the position leads',
      told('edge_below_minimum', '', 'buy', { withheldAsk: 'edge_below_minimum' }),
      'no quote: the position is as large as it may be in this direction',
    ],
    [
      '... and too small on the other side',
      told('edge_below_minimum', '', 'sell', { withheldBid: 'edge_below_minimum' }),
      'no quote: its size is less than the contract takes',
    ],
    [
      'that would open something while only the way out is wanted',
      told('reducing_only', 'ask', 'buy', { isReducing: true }),
      'no quote: only a smaller position is wanted, and this side makes none smaller',
    ],
    [
      'of a tick that did not ask the strategy: nothing of an earlier answer',
      told('paused_by_operator', 'bid ask', 'buy'),
      'no quote: paused_by_operator keeps the strategy from being asked',
    ],
  ])('%s', (_name, text, expected) => expect(text).toBe(expected));
});

test('what is told side by side is not told again among the rest', () => {
  expect(Object.keys(sharedExplained(EXPLAINED))).toEqual(['isReducing', 'fullness', 'floorBps', 'marketBps']);
});
