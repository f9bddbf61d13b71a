/** What one execution comes to: on record, in the reports, for the strategy, and for whoever must hear that it was odd. */
import { describe, expect, test } from '@jest/globals';
import type { FillFact } from '../../../core/bot/input.ts';
import { RecordKind } from '../../../core/events/record.ts';
import type { PriceTicks, QtyLots, QuoteAmount } from '../../../core/money/money.ts';
import { botConfig, copyOf, placed, T0 } from '../../support/bots.ts';
import { LivingBench } from './living-bench.ts';

const PATIENT = { deadmanS: 600 };

/** Quoting around 60,000.50, with both orders acknowledged. */
function quoting(overrides: Record<string, unknown> = {}) {
  const bench = new LivingBench(botConfig({ ...PATIENT, ...overrides })).run();
  const [bid, ask] = placed(bench.book(600_000, 600_010));
  for (const order of [bid!, ask!]) bench.answer(order.clientOrderId, 'yes');
  bench.events.length = 0;
  return { bench, bid: bid!, ask: ask! };
}

/** 4 lots bought at 60,000 for 0.048 USDT, ours; changed by what the test wants. */
function fill(
  bench: LivingBench,
  told: { price?: number; qty?: number; fee?: bigint } & Partial<Omit<FillFact, 'price' | 'qty' | 'fee'>>,
) {
  const { price = 600_000, qty = 4, fee = 48_000_000_000n, ...rest } = told;
  return bench.tell({
    kind: RecordKind.fillInput,
    fill: {
      tradeId: `t${bench.told.length}`,
      clientOrderId: 'bot1_7-z',
      side: 'buy',
      leg: 'net',
      price: price as PriceTicks,
      qty: qty as QtyLots,
      fee: fee as QuoteAmount,
      liquidity: 'maker',
      venueAtMs: bench.nowMs - 30,
      ...rest,
    },
  });
}

const alarms = ({ events }: LivingBench) =>
  events.flatMap((event) => (event.type === 'alert' ? [{ reason: event.reason, ...event.detail }] : []));

describe('a fill', () => {
  test('is put on record with what it made and what is held after it, in decimals', () => {
    const { bench } = quoting();
    fill(bench, { tradeId: 'a' });
    fill(bench, { tradeId: 'b', side: 'sell', price: 601_000, qty: 1, fee: 36_060_000_000n, liquidity: 'taker' });
    expect(bench.eventsOf('fill')).toEqual([
      {
        type: 'fill',
        clientOrderId: 'bot1_7-z',
        tradeId: 'a',
        symbol: 'BTCUSDT',
        side: 'buy',
        leg: 'net',
        price: '60000',
        qty: '0.004',
        fee: '0.048',
        liquidity: 'maker',
        atMs: T0 + 70,
        positionAfter: '0.004',
        realised: '0',
        external: false,
      },
      expect.objectContaining({
        tradeId: 'b',
        side: 'sell',
        qty: '0.001',
        fee: '0.03606',
        liquidity: 'taker',
        positionAfter: '0.003',
        realised: '0.1',
        external: false,
      }),
    ]);
  });

  test('is told to the reports with what it earned against the mid and cost in fees', () => {
    const { bench } = quoting();
    fill(bench, { tradeId: 'a' });
    fill(bench, { tradeId: 'b', side: 'sell', price: 600_100, qty: 1, fee: -6_001_000_000n });
    const [bought, sold] = bench.eventsOf('BotFill');
    expect(bought).toEqual({
      type: 'BotFill',
      clientOrderId: 'bot1_7-z',
      tradeId: 'a',
      symbol: 'BTCUSDT',
      side: 'buy',
      leg: 'net',
      price: '60000',
      qty: '0.004',
      fee: '0.048',
      liquidity: 'maker',
      atMs: T0 + 70,
      realised: '0',
      positionAfter: '0.004',
      entryPriceAfter: '60000',
      mid: '60000.5',
      // Half a dollar below the mid, and 0.048 of 240 in fees.
      captureBps: expect.closeTo(5 / 60, 9),
      feeBps: expect.closeTo(2, 9),
      regime: null,
      expectedEdgeBps: null,
    });
    // A rebate, and 9.5 dollars above the mid.
    expect(sold).toMatchObject({
      captureBps: expect.closeTo((95 / 600_100) * 1e4, 9),
      feeBps: expect.closeTo(-1, 9),
      realised: '0.01',
      positionAfter: '0.003',
      entryPriceAfter: '60000',
    });
  });

  test('that was worse than the mid paid for it', () => {
    const { bench } = quoting();
    fill(bench, { side: 'buy', price: 600_305 });
    fill(bench, { side: 'sell', price: 599_705 });
    expect(bench.eventsOf('BotFill')).toMatchObject([
      { captureBps: expect.closeTo((-300 / 600_305) * 1e4, 9) },
      { captureBps: expect.closeTo((-300 / 599_705) * 1e4, 9), entryPriceAfter: null, positionAfter: '0' },
    ]);
  });

  test('without a market beside it has neither mid nor capture, and is not called odd', () => {
    const bench = new LivingBench(botConfig(PATIENT)).run();
    fill(bench, { price: 300_000 });
    expect(bench.eventsOf('BotFill')).toMatchObject([{ mid: null, captureBps: null }]);
    expect(alarms(bench)).toEqual([]);
  });

  test.each([
    ['five seconds after it happened', 0, 5_000, true],
    ['later than that', 0, 5_001, false],
    ["five seconds after it happened, by a venue's clock that is ahead of ours", 700, 5_000, true],
    ['later than that, by the same', 700, 5_001, false],
  ])('told %s has the market of its time beside it or none', (_name, offsetMs, ageMs, isFresh) => {
    const { bench } = quoting();
    bench.clock(offsetMs, 0);
    fill(bench, { price: 300_000, venueAtMs: bench.nowMs + offsetMs - ageMs });
    const [told] = bench.eventsOf('BotFill');
    expect(told).toMatchObject(isFresh ? { mid: '60000.5' } : { mid: null, captureBps: null });
    expect(alarms(bench).map(({ reason }) => reason)).toEqual(isFresh ? ['fill_price_deviation'] : []);
  });

  test('teaches the strategy what it cost, as a maker and as a taker', () => {
    const strategy = {
      name: 'epp_v2_4',
      size: { orderQuote: '100', inventoryQuoteMax: '1000', skewBps: 2 },
      spread: { minNetEdgeBps: 0.5, atrFactor: 0.5, adverseSelectionBps: 0.5 },
      requoteBps: 0.5,
      requoteMsMin: 500,
    };
    const bench = new LivingBench(botConfig({ ...PATIENT, strategy })).run();
    bench.book(600_000, 600_010);
    // As listed: 2 bps for a maker, 6 for a taker.
    fill(bench, { fee: 48_000_000_000n });
    fill(bench, { fee: 144_000_000_000n, liquidity: 'taker' });
    expect(bench.eventsOf('fee_differs')).toEqual([]);
    // What others pay is nothing to learn from.
    fill(bench, { fee: 480_000_000_000n, clientOrderId: '9001' });
    expect(bench.eventsOf('fee_differs')).toEqual([]);
    fill(bench, { fee: 72_000_000_000n });
    fill(bench, { fee: 192_000_000_000n, liquidity: 'taker' });
    expect(bench.eventsOf('fee_differs')).toMatchObject([
      { liquidity: 'maker', listedBps: 2, seenBps: expect.closeTo(3, 3) },
      { liquidity: 'taker', listedBps: 6, seenBps: expect.closeTo(8, 3) },
    ]);
    expect(bench.eventsOf('BotFill')[0]).toMatchObject({ regime: 'neutral' });
  });
});

describe('a fill counts once', () => {
  test('however many come between the two times that it is told', () => {
    const { bench } = quoting();
    for (let n = 0; n < 2_048; n += 1) fill(bench, { tradeId: `n${n}`, qty: 1, side: n % 2 === 0 ? 'buy' : 'sell' });
    fill(bench, { tradeId: 'n0', qty: 1 });
    expect(bench.state.fills).toBe(2_048);
    expect(bench.state.holdings.net.qty).toBe(0);
  });

  test('and what is remembered for it does not grow for ever', () => {
    const { bench } = quoting();
    for (let n = 0; n < 2_100; n += 1) fill(bench, { tradeId: `n${n}`, qty: 1, side: n % 2 === 0 ? 'buy' : 'sell' });
    expect(bench.state.tradeIds).toHaveLength(2_048);
    expect(bench.state.tradeIds.at(-1)).toBe('n2099');
  });

  test('by what its list remembers, also with other parameters and in the process after this one', () => {
    const { bench } = quoting();
    for (let n = 0; n < 2_100; n += 1) fill(bench, { tradeId: `n${n}`, qty: 1, side: n % 2 === 0 ? 'buy' : 'sell' });
    const tuned = (told: LivingBench): LivingBench => {
      const changes = { 'risk.cancelsPerMinuteMax': 50 };
      told.tell({ kind: RecordKind.controlInput, command: { command: 'setParameters', operator: 'ana', reason: 'x', changes } }); // prettier-ignore
      return told;
    };
    const restored = new LivingBench(bench.config, copyOf(bench.state));
    restored.nowMs = bench.nowMs;
    for (const told of [bench, tuned(bench), restored, tuned(restored)]) {
      const { fills, tradeIds } = told.state;
      for (const tradeId of [tradeIds[0]!, tradeIds[1_000]!, tradeIds.at(-1)!]) fill(told, { tradeId, qty: 1 });
      expect(told.state.fills).toBe(fills);
      // Forgotten: the oldest makes room for each new one.
      const oldest = tradeIds[0]!;
      fill(told, { tradeId: `new${fills}`, qty: 1 });
      fill(told, { tradeId: oldest, qty: 1 });
      expect(told.state.fills).toBe(fills + 2);
      expect(told.state.tradeIds).toHaveLength(2_048);
    }
  });

  test('and one that comes late does not set back when the last one was', () => {
    const { bench } = quoting();
    fill(bench, { tradeId: 'a', venueAtMs: T0 + 90 });
    fill(bench, { tradeId: 'b', venueAtMs: T0 + 20 });
    expect(bench.state.lastFillAtMs).toBe(T0 + 90);
    fill(bench, { tradeId: 'c', venueAtMs: T0 + 95 });
    expect(bench.state.lastFillAtMs).toBe(T0 + 95);
  });
});

describe('what somebody has to hear of', () => {
  test('a fill of an order that is not ours, with its ids and the stops that stand', () => {
    const risk = { ...botConfig().risk, protectiveStopEnabled: true, protectiveStopLossPct: 2 };
    const { bench } = quoting({ risk });
    fill(bench, {});
    expect(bench.state.stops).toHaveLength(1);
    fill(bench, { clientOrderId: '9001', tradeId: 'x1' });
    expect(alarms(bench)).toEqual([{ reason: 'external_fill', clientOrderId: '9001', tradeId: 'x1', stops: 1 }]);
    expect(bench.eventsOf('fill').map(({ external }) => external)).toEqual([false, true]);
  });

  test.each([
    ['bought below its limit', 'bid', -1, []],
    ['bought at its limit', 'bid', 0, []],
    ['bought above its limit', 'bid', 1, ['fill_price_deviation']],
    ['sold above its limit', 'ask', 1, []],
    ['sold at its limit', 'ask', 0, []],
    ['sold below its limit', 'ask', -1, ['fill_price_deviation']],
  ] as const)('an order %s', (_name, which, ticks, told) => {
    const quotes = quoting();
    const { side, price, clientOrderId } = quotes[which];
    fill(quotes.bench, { clientOrderId, tradeId: 't9', side, price: price + ticks, qty: 1 });
    expect(alarms(quotes.bench).map(({ reason }) => reason)).toEqual(told);
    if (told.length === 0) return;
    const deviationBps = expect.closeTo((Math.abs(price + ticks - 600_005) / 600_005) * 1e4, 9);
    expect(alarms(quotes.bench)).toEqual([
      {
        reason: 'fill_price_deviation',
        clientOrderId,
        tradeId: 't9',
        price: String((price + ticks) / 10),
        isWorse: true,
        deviationBps,
      },
    ]);
  });

  test.each([
    ['as far from the mid as allowed', 606_000, 0],
    ['further above it', 606_001, 1],
    ['as far below', 594_000, 0],
    ['further below it', 593_999, 1],
  ])('a fill %s, whichever way', (_name, price, told) => {
    const bench = new LivingBench(botConfig(PATIENT)).run();
    bench.book(599_999, 600_001);
    fill(bench, { price });
    expect(alarms(bench)).toHaveLength(told);
    if (told > 0) expect(alarms(bench)).toMatchObject([{ reason: 'fill_price_deviation', isWorse: false }]);
  });
});

test('cash moves by what was realised less fees, exactly', () => {
  const { bench } = quoting();
  const before = bench.state.wallet;
  fill(bench, { fee: 48_000_000_001n });
  expect(bench.state.wallet - before).toBe(-48_000_000_001n);
  fill(bench, { side: 'sell', price: 601_000, fee: 7n });
  // 4 lots of 0.001 BTC, 100 USDT apart.
  expect(bench.state.wallet - before).toBe(400_000_000_000n - 48_000_000_008n);
  bench.live(1);
  expect(bench.state.daily.volumeQuote).toBe('480.4');
});
