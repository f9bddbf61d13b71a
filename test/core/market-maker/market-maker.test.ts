import { describe, expect, test } from '@jest/globals';
import { createMarketMaker } from '../../../core/market-maker/market-maker.ts';
import { REGIMES } from '../../../core/market-maker/regime.ts';
import type { StrategyMemory } from '../../../core/strategies/strategy.ts';
import { book, BTC, T0 } from '../../support/bots.ts';
import { MakerHarness, makerParams, MID } from './maker-harness.ts';

describe('when it quotes', () => {
  test('nothing before the indicators are warm, and nothing before the first calculation of a process', () => {
    const maker = new MakerHarness();
    maker.book().timer();
    expect(maker.quote()).toBe('indicators_warming_up');
    maker.bars();
    expect(maker.quote()).toBe('indicators_warming_up');
    expect(maker.lots()).toEqual({ bids: 0, asks: 0 });
    maker.timer();
    expect(maker.quote()).toBe('quoted');
    expect(maker.lots()).toEqual({ bids: 4, asks: 4 });
    // What was calculated before the process ended is old.
    maker.strategy.onStart(maker.view.atMs);
    expect(maker.quote()).toBe('indicators_warming_up');
    expect(maker.timer().quote()).toBe('quoted');
  });

  test('nothing on the indicators of before a hole in the market', () => {
    const maker = new MakerHarness().warm();
    maker.book(MID, 1, 300_000).timer();
    expect(maker.quote()).toBe('indicators_warming_up');
    expect(maker.bars().timer().quote()).toBe('quoted');
  });

  test.each([
    ['flat', {}, 'quoted', { bids: 4, asks: 4 }],
    ['full: the way back is quoted', { positionLots: 20 }, 'inventory_full', { bids: 0, asks: 4 }],
    ['full on the other side', { positionLots: -20 }, 'inventory_full', { bids: 4, asks: 0 }],
    ['reducing', { positionLots: 3, isReducing: true }, 'reducing_only', { bids: 0, asks: 3 }],
    ['reducing a short', { positionLots: -3, isReducing: true }, 'reducing_only', { bids: 3, asks: 0 }],
    ['reducing nothing', { isReducing: true }, 'nothing_to_reduce', { bids: 0, asks: 0 }],
  ])('%s', (_name, seen, reason, lots) => {
    const maker = new MakerHarness().warm();
    Object.assign(maker.view, seen);
    expect(maker.quote()).toBe(reason);
    expect(maker.lots()).toEqual(lots);
  });

  test('orders too small for the venue say so', () => {
    const maker = new MakerHarness({ size: { orderQuote: '59' } }).warm();
    expect(maker.quote()).toBe('order_below_minimum');
    expect(maker.lots()).toEqual({ bids: 0, asks: 0 });
  });

  test('a floor above what the market pays: only the way out', () => {
    // The range pays 6.9 bps, the floor is 8, and 1 bps may be missing.
    const maker = new MakerHarness().warm(6.9);
    expect(maker.quote()).toBe('spread_floor_above_market');
    expect(maker.lots()).toEqual({ bids: 0, asks: 0 });
    maker.view.positionLots = -3;
    expect(maker.quote()).toBe('spread_floor_above_market');
    expect(maker.lots()).toEqual({ bids: 3, asks: 0 });
    // The book's own spread of 2 ticks pays nothing at all.
    expect(new MakerHarness({ spread: { market: 'touch' } }).warm().quote()).toBe('spread_floor_above_market');
    expect(new MakerHarness().warm(7.1).quote()).toBe('quoted');
  });

  /** Adverse selection of 8 bps a fill: a floor of 22, and a way out at the mid leaves 0 - 2 - 8. */
  const informed = {
    spread: { adverseSelectionBps: 8, minNetEdgeBps: 2, fillFactor: 1, market: 'range', atrFactor: 0 },
  };

  test('the best spread counts for as long as it stood', () => {
    const maker = new MakerHarness({ spread: { market: 'touch', standAsideBps: 0 } }).warm();
    // 29 seconds of 10 bps, one of nearly nothing: 9.7 bps pay a floor of 8.
    for (let second = 0; second < 29; second += 1) maker.book(MID, 300, 100).timer(900);
    expect(maker.quote()).toBe('spread_floor_above_market');
    maker.book(MID, 1, 100).timer(1_000);
    expect(maker.quote()).toBe('quoted');
  });

  test('a way out that costs more than to take it is not worth it', () => {
    const maker = new MakerHarness({ ...informed, size: { skewBps: 20 } }).warm(30);
    Object.assign(maker.view, { positionLots: 12, isReducing: true });
    expect(maker.quote()).toBe('edge_below_minimum');
    expect(maker.lots()).toEqual({ bids: 0, asks: 0 });
    maker.view.isReducing = false;
    expect(maker.quote()).toBe('quoted');
    expect(maker.lots()).toEqual({ bids: 1, asks: 0 });
    // To take it would cost 6 fee and 1 slippage.
    expect(maker.timer().signals('quote_withheld')).toEqual([
      { type: 'quote_withheld', side: 'sell', code: 'edge_below_minimum', edgeBps: -10, edgeBpsMin: -7 },
    ]);
    maker.view.positionLots = 5;
    expect(maker.quote()).toBe('quoted');
    expect(maker.lots()).toEqual({ bids: 3, asks: 4 });
  });

  test('levels further out may be worth what the first one is not', () => {
    const size = { skewBps: 20, levels: 3, levelSpacingBps: 3 };
    const maker = new MakerHarness({ ...informed, size }).warm(30);
    Object.assign(maker.view, { positionLots: 12, isReducing: true });
    expect(maker.quote()).toBe('reducing_only');
    // Edges of -10, -8 and -5 bps: the last one is above -7.
    expect([...maker.desired.askLots]).toEqual([0, 0, 4, 0, 0]);
    expect(maker.strategy.explain(maker.view)).toMatchObject({
      edgeAskBps: expect.closeTo(-5, 6),
      withheldAsk: 'none',
    });
  });
});

describe('a quote larger than what there is to close', () => {
  /** A quarter of the inventory leans 2 of the 4 bps away: enough to close for, and 2 bps too little to open for. */
  const leaning = (size: object = {}, positionLots = -5): MakerHarness => {
    const maker = new MakerHarness({ size: { skewBps: 8, levels: 3, levelSpacingBps: 1, ...size } }).warm();
    maker.view.positionLots = positionLots;
    return maker;
  };

  test('is cut to what it closes where the rest is not worth opening', () => {
    const maker = leaning();
    expect(maker.quote()).toBe('quoted');
    // Closes 4 and 1; the third level, 4 bps away, would open everything it fills and is worth it.
    expect(maker.bids()).toEqual([120, 180, 240]);
    expect([...maker.desired.bidLots]).toEqual([4, 1, 4, 0, 0]);
    expect(maker.strategy.explain(maker.view)).toMatchObject({
      withheldBid: 'none',
      edgeBidBps: expect.closeTo(-1, 6),
    });
    const mirrored = leaning({}, 5);
    mirrored.quote();
    expect([...mirrored.desired.askLots]).toEqual([4, 1, 4, 0, 0]);
  });

  test('stays whole where all of it is worth opening', () => {
    const maker = leaning({ levelSpacingBps: 2 });
    maker.quote();
    expect([...maker.desired.bidLots]).toEqual([4, 4, 4, 0, 0]);
  });

  test('is left out where nothing of it closes and it is not worth opening', () => {
    const maker = leaning({ levelSpacingBps: 0.5 });
    maker.quote();
    expect([...maker.desired.bidLots]).toEqual([4, 1, 0, 0, 0]);
  });

  test('leans nowhere for a position that no order could close', () => {
    // At 600 USDT a lot is 0.6, the smallest order 9 lots; 7 are held, a fifth of the largest position.
    const maker = leaning({ orderQuote: '10', inventoryQuoteMax: '20', levels: 1 });
    Object.assign(maker.view, { midTicks: 6_000, book: book(5_999, 6_001), positionLots: -7 });
    expect(maker.quote()).toBe('quoted');
    expect(maker.bids()).toEqual([3]);
    maker.view.positionLots = -9;
    maker.quote();
    expect([maker.bids(), maker.desired.bidLots[0]]).toEqual([[2], 9]);
  });
});

describe('where it quotes', () => {
  test('half of the floor from the mid, rounded away from it', () => {
    const maker = new MakerHarness().warm();
    maker.quote();
    expect([maker.bids(), maker.asks()]).toEqual([[240], [240]]);
    maker.book(MID + 0.5).quote();
    expect([maker.bids(), maker.asks()]).toEqual([[240.5], [240.5]]);
  });

  test('levels are apart by their spacing, and by a tick at least', () => {
    const wide = new MakerHarness({ size: { levels: 3, levelSpacingBps: 1 } }).warm();
    wide.quote();
    expect([wide.bids(), wide.asks()]).toEqual([
      [240, 300, 360],
      [240, 300, 360],
    ]);
    const narrow = new MakerHarness({ size: { levels: 3, levelSpacingBps: 0.1 } }).warm();
    Object.assign(narrow.view, { midTicks: 600, book: narrow.book(600, 1).view.book });
    narrow.quote();
    expect(new Set(narrow.bids()).size).toBe(3);
    expect(new Set(narrow.asks()).size).toBe(3);
  });

  test('a quote never takes: at a wide book it stays behind the other side', () => {
    const maker = new MakerHarness({ size: { skewBps: 8 } }).warm();
    maker.view.positionLots = -20;
    maker.book(MID, 1).quote();
    // The bid leans 8 bps upwards from 4 below the mid and stops a tick below the best ask.
    expect(maker.bids()).toEqual([0]);
    expect(maker.desired.bidTicks[0]).toBe((maker.view.book.askTicks[0] as number) - 1);
  });

  test('the mid leans away from what is held', () => {
    const maker = new MakerHarness().warm();
    maker.view.positionLots = 10;
    maker.quote();
    // Half full: 1 bps, 60 ticks.
    expect([maker.bids(), maker.asks()]).toEqual([[300], [180]]);
  });

  test('nothing is opened below its worth: towards a target only the other side moves', () => {
    const maker = new MakerHarness({ size: { targetBaseRatio: 0.5 } }).warm();
    maker.quote();
    expect([maker.bids(), maker.asks()]).toEqual([[240], [300]]);
    expect(maker.lots()).toEqual({ bids: 4, asks: 2 });
    maker.view.positionLots = -5;
    maker.quote();
    expect([maker.bids(), maker.asks()]).toEqual([[150], [330]]);
  });

  test('the side that is hit by those who know more stays further away', () => {
    const maker = new MakerHarness({ spread: { adverseSelectionFills: 5, adverseSelectionHorizonS: 5 } }).warm(20);
    for (let fills = 0; fills < 8; fills += 1) {
      maker.fill('buy', MID);
      maker.seconds(6, MID - 180).seconds(6, MID);
    }
    maker.seconds(31);
    maker.quote();
    const { adverseBidBps, adverseAskBps, floorBps } = maker.strategy.explain(maker.view) as Record<string, number>;
    expect(adverseBidBps).toBeGreaterThan(2);
    expect(adverseAskBps).toBe(1);
    expect(maker.bids()[0]).toBeGreaterThan((maker.asks()[0] as number) + 30);
    expect(maker.asks()[0]).toBeGreaterThanOrEqual(Math.floor((floorBps as number) * 30));
    // Both are still worth it.
    const edges = maker.strategy.explain(maker.view) as Record<string, number>;
    expect(edges['edgeBidBps']).toBeGreaterThanOrEqual(1 - 1e-9);
    expect(edges['edgeAskBps']).toBeGreaterThanOrEqual(1 - 1e-9);
  });

  test('resting quotes move by the configured share of the price, and by a tick at least', () => {
    const { strategy } = new MakerHarness({ requoteBps: 0.5 });
    expect(strategy.requoteTicks(MID)).toBe(30);
    expect(strategy.requoteTicks(100)).toBe(1);
    expect(strategy.requoteMsMin).toBe(500);
  });
});

describe('regimes', () => {
  const shock = REGIMES.high_volatility_shock;

  /** Prices climb by 2 bps a minute: an uptrend of small steps. */
  function climb(maker: MakerHarness, minutes: number, stepTicks = 120, from = MID): number {
    for (let second = 0; second < minutes * 60; second += 1)
      maker.book(Math.round(from + ((second + 1) * stepTicks) / 60), 1, 100).timer(900);
    return from + minutes * stepTicks;
  }

  test('an uptrend is told, and the asks that rest in its way leave once', () => {
    const maker = new MakerHarness({ spread: { standAsideBps: 50 } }).warm();
    maker.signals('spread');
    climb(maker, 20);
    const { told } = maker;
    const flips = told.filter((event) => event.type === 'regime');
    expect(flips).toMatchObject([{ from: 'neutral', to: 'up' }]);
    // Calculated anew with the flip, whenever the last time was.
    expect(told[told.indexOf(flips[0]!) + 1]).toMatchObject({ type: 'spread' });
    maker.quote();
    expect(maker.desired.stale).toBe('asks');
    maker.quote();
    expect(maker.desired.stale).toBe('none');
    const { targetRatio, regime } = maker.strategy.explain(maker.view);
    const { targetShiftRatio, askDistanceFactor, spreadFactor } = REGIMES.up;
    expect({ targetRatio, regime }).toEqual({ targetRatio: targetShiftRatio, regime: 'up' });
    const half = Math.ceil(maker.view.midTicks * 4e-4 * spreadFactor);
    expect(maker.bids()).toEqual([half]);
    // The target is above what is held: the asks lean away by its share of 2 bps.
    const lean = maker.view.midTicks * 2e-4 * targetShiftRatio;
    expect(maker.asks()[0]).toBeCloseTo(half * askDistanceFactor + lean, -1);
  });

  test('a downtrend takes the bids', () => {
    const maker = new MakerHarness().warm();
    climb(maker, 20, -120);
    expect(maker.signals('regime')).toMatchObject([{ from: 'neutral', to: 'down' }]);
    maker.quote();
    expect(maker.desired.stale).toBe('bids');
    maker.quote();
    expect(maker.desired.stale).toBe('none');
  });

  test('a jump widens at once, is a regime when it holds, and then takes all that rests', () => {
    const maker = new MakerHarness({ spread: { standAsideBps: 50 } }).warm().seconds(35);
    maker.quote();
    expect(maker.bids()).toEqual([240]);
    maker.signals('spread');
    maker.book(MID + 1_800).timer();
    maker.quote();
    expect(maker.bids()[0]).toBeGreaterThanOrEqual(240 * shock.spreadFactor);
    expect(maker.desired.stale).toBe('none');
    expect(maker.signals('regime')).toEqual([]);
    maker.timer().timer();
    expect(maker.signals('regime')).toMatchObject([{ from: 'neutral', to: 'high_volatility_shock' }]);
    maker.quote();
    expect(maker.desired.stale).toBe('both');
    expect(maker.bids()[0]).toBeGreaterThanOrEqual(240 * shock.spreadFactor);
    const lots = Math.floor((250 * shock.sizeFactor) / 60.2);
    expect(maker.lots()).toEqual({ bids: lots, asks: lots });
  });

  test('what is stale is not forgotten while nothing may be quoted', () => {
    const maker = new MakerHarness({ spread: { standAsideBps: 50 } }).warm().seconds(35);
    maker
      .book(MID + 1_800)
      .timer()
      .timer()
      .timer();
    expect(maker.signals('regime')).toHaveLength(1);
    maker.restore().timer();
    maker.quote();
    expect(maker.desired.stale).toBe('both');
  });
});

describe('what is told', () => {
  test('each calculation of the spread, every 30 seconds, with what it is made of', () => {
    const maker = new MakerHarness().warm();
    expect(maker.signals('spread')).toEqual([
      {
        type: 'spread',
        floorBps: 8,
        marketBps: expect.closeTo(10, 6),
        isStandingAside: false,
        feesBps: 4,
        adverseBps: 2,
        fundingBps: 0,
        flattenBps: 0,
        minNetEdgeBps: 2,
        atrBps: 0,
      },
    ]);
    expect(maker.seconds(29).signals('spread')).toHaveLength(0);
    expect(maker.seconds(1).signals('spread')).toHaveLength(1);
  });

  test('numbers that are none lead to no floor: it stands aside, and tells nothing before it ever had one', () => {
    const maker = new MakerHarness();
    maker.view.fundingRate = NaN;
    maker.warm().seconds(40);
    expect(maker.signals('spread')).toEqual([]);
    expect(maker.quote()).toBe('indicators_warming_up');
    maker.view.fundingRate = 0;
    expect(maker.timer().quote()).toBe('quoted');
    maker.view.fundingRate = NaN;
    expect(maker.seconds(31).quote()).toBe('spread_floor_above_market');
    expect(maker.signals('spread')).toMatchObject([{ isStandingAside: false }, { isStandingAside: true, floorBps: 8 }]);
    expect(maker.lots()).toEqual({ bids: 0, asks: 0 });
  });

  test('a venue that charges more is told, and reckoned with from the next second on', () => {
    const maker = new MakerHarness().warm();
    maker.signals('spread');
    maker.fill('buy', MID, { feeBps: 3 });
    expect(maker.signals('fee_differs')).toEqual([
      { type: 'fee_differs', liquidity: 'maker', listedBps: 2, seenBps: 3 },
    ]);
    expect(maker.timer().signals('spread')).toMatchObject([{ feesBps: 6, floorBps: 10 }]);
    maker.quote();
    expect(maker.bids()).toEqual([300]);
  });

  test('who receives funding expects more of a fill than who pays it', () => {
    const maker = new MakerHarness();
    maker.view.fundingRate = 0.001;
    maker.warm().quote();
    // 10 bps in 8 hours, held for half an hour. The floor takes it as paid by both.
    const fundingBps = 10 / 16;
    expect(maker.signals('spread')).toMatchObject([{ fundingBps, floorBps: 8 + fundingBps }]);
    expect(maker.expectedEdgeBps('buy', maker.bids()[0])).toBeCloseTo(1, 1);
    expect(maker.expectedEdgeBps('sell', maker.asks()[0])).toBeCloseTo(1 + fundingBps, 1);
  });

  test('a withheld side once for each change of code, with what a quote would have left', () => {
    const maker = new MakerHarness({ spread: { recalculateS: 1 } }).warm(4);
    maker.quote();
    maker.timer();
    const [buy, sell, ...more] = maker.signals('quote_withheld');
    // At half of the market's 4 bps: 2 - fee 2 - adverse selection 1.
    const left = { code: 'spread_floor_above_market', edgeBps: expect.closeTo(-1, 6), edgeBpsMin: 1 };
    expect(buy).toEqual({ type: 'quote_withheld', side: 'buy', ...left });
    expect(sell).toEqual({ type: 'quote_withheld', side: 'sell', ...left });
    expect(more).toEqual([]);
    maker.quote();
    expect(maker.timer().signals('quote_withheld')).toEqual([]);
    // A position: the way out is quoted again, and later withheld again.
    maker.view.positionLots = 4;
    maker.quote();
    expect(maker.timer().signals('quote_withheld')).toEqual([]);
    maker.view.positionLots = 0;
    maker.quote();
    expect(maker.timer().signals('quote_withheld')).toMatchObject([{ side: 'sell' }]);
  });

  test('the markout of a fill, a minute after it, with its regime', () => {
    const maker = new MakerHarness().warm();
    maker.fill('buy', MID - 60);
    maker.seconds(62);
    const [markout] = maker.signals('markout');
    expect(markout).toMatchObject({ tradeId: 't1', side: 'buy', regime: 'neutral' });
    expect(markout?.bps.s60).toBeCloseTo(1, 3);
  });

  test('a fill knows what was expected of it', () => {
    const maker = new MakerHarness();
    expect(maker.expectedEdgeBps('buy', 10)).toBeNull();
    maker.warm();
    maker.quote();
    // Its distance less fee and adverse selection, wherever the quotes of now would lie.
    const [away] = maker.bids();
    expect(maker.expectedEdgeBps('buy', away)).toBeCloseTo(1, 6);
    expect(maker.expectedEdgeBps('buy', away! + 60)).toBeCloseTo(2, 3);
    expect(maker.expectedEdgeBps('buy', 0)).toBeCloseTo(-3, 6);
  });

  test('nothing was expected of a fill before which no mid was known', () => {
    const maker = new MakerHarness().warm();
    maker.quote();
    maker.view.atMs += 60_000;
    expect(maker.expectedEdgeBps('buy', 300)).toBeNull();
  });

  test('why: every number behind the answer, all of them finite, with or without a market', () => {
    const maker = new MakerHarness();
    const isPlain = (): boolean =>
      Object.values(maker.strategy.explain(maker.view)).every((value) => value === null || typeof value !== 'number' || Number.isFinite(value)); // prettier-ignore
    maker.view.midTicks = 0;
    expect(isPlain()).toBe(true);
    maker.view.midTicks = MID;
    maker.warm();
    maker.view.positionLots = 10;
    maker.quote();
    expect(isPlain()).toBe(true);
    const before = maker.memoryText();
    expect(maker.strategy.explain(maker.view)).toMatchObject({
      isWarm: true,
      regime: 'neutral',
      floorBps: 8,
      isStandingAside: false,
      mid: 60_000,
      positionQuote: 600,
      fullness: 0.5,
      bidDistanceBps: 5,
      askDistanceBps: 3,
      edgeBidBps: expect.closeTo(2, 6),
      edgeBidBpsMin: 1,
      edgeAskBps: expect.closeTo(0, 6),
      edgeAskBpsMin: -7,
      withheldBid: 'none',
    });
    expect(maker.memoryText()).toBe(before);
  });
});

describe('a memory of others', () => {
  const blank = createMarketMaker(makerParams(), BTC, null).memory;
  const warm = new MakerHarness().warm().strategy.memory as unknown as Record<string, unknown>;

  test.each([
    ['of another strategy', { name: 'two_sided_quotes' }],
    ['with nothing in it', { name: 'epp_v2_4' }],
    ['without a part', { ...warm, spread: undefined }],
    ['with a part of another shape', { ...warm, fees: { maker: [], taker: [] } }],
    ['with numbers that are none', { ...warm, terms: { ...(warm['terms'] as object), bidHalfBps: null } }],
    ['with a part too many', { ...warm, terms: { ...(warm['terms'] as object), hedgeBps: 1 } }],
    ['of another version', { ...warm, version: 0 }],
  ])('%s is left behind', (_name, memory) => {
    const maker = new MakerHarness({}, memory as StrategyMemory);
    expect(maker.strategy.memory).toEqual(blank);
    expect(maker.quote()).toBe('indicators_warming_up');
  });

  test('its own is kept as the very object, and bars of another length start anew', () => {
    const { memory } = new MakerHarness().warm().strategy;
    expect(createMarketMaker(makerParams(), BTC, memory).memory).toBe(memory);
    const other = new MakerHarness(
      { regime: { emaSlowBars: 30 } },
      JSON.parse(JSON.stringify(memory)) as StrategyMemory,
    );
    other.view.atMs = T0 + 1_100;
    expect(other.quote()).toBe('indicators_warming_up');
  });
});

describe('a target far away from a small position', () => {
  test.each([
    ['sell', 1, -0.5],
    ['buy', -1, 0.5],
  ] as const)('draws the %s side to the market only as far as what is held asks for', (side, lots, targetBaseRatio) => {
    const distanceAt = (target: number, positionLots: number): number => {
      const maker = new MakerHarness({ size: { skewBps: 30, targetBaseRatio: target } }).warm();
      maker.view.positionLots = positionLots;
      expect(maker.quote()).toBe('quoted');
      return (side === 'sell' ? maker.asks() : maker.bids())[0]!;
    };
    // The order is of four lots: with one held, three of them would open another position.
    expect(distanceAt(targetBaseRatio, lots)).toBe(distanceAt(0, lots));
    expect(distanceAt(targetBaseRatio, lots)).toBeLessThan(distanceAt(targetBaseRatio, 0));
  });
});
