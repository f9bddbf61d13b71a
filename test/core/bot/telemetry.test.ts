/** What reports and dashboards are told of a bot: every number of a snapshot, and how often one is taken. */
import { describe, expect, test } from '@jest/globals';
import type { Effect } from '../../../core/bot/effects.ts';
import type { BotSnapshotEvent, BookSampleEvent } from '../../../core/bot/events.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { Bench, botConfig, copyOf, placed, T0 } from '../../support/bots.ts';
import { LivingBench } from './living-bench.ts';

const PATIENT = { deadmanS: 600 };
const PROTECTED = { ...botConfig().risk, protectiveStopEnabled: true, protectiveStopLossPct: 2 };

function snapshots(effects: readonly Effect[]): BotSnapshotEvent[] {
  return effects.flatMap((effect) =>
    effect.effect === 'record' && (effect.event.type === 'BotSnapshot' || effect.event.type === 'BotMinuteSnapshot')
      ? [effect.event]
      : [],
  );
}

function bookSamples(effects: readonly Effect[]): BookSampleEvent[] {
  return effects.flatMap((effect) =>
    effect.effect === 'record' && effect.event.type === 'book_sample' ? [effect.event] : [],
  );
}

/** The snapshot that the next timer takes, five seconds on. */
function next(bench: Bench): BotSnapshotEvent {
  const [snapshot] = snapshots(bench.timer(5_000));
  return snapshot!;
}

describe('a snapshot', () => {
  test('tells money, position, orders and market of a bot in one-way mode', () => {
    const bench = new Bench(botConfig(PATIENT)).run({ position: 4, entryPrice: '60000' });
    bench.clock(12, 5);
    const quotes = placed(bench.book(600_000, 600_010));
    for (const { clientOrderId } of quotes) bench.answer(clientOrderId, 'yes');
    bench.tell({
      kind: RecordKind.tickerInput,
      markTicks: 600_025,
      fundingRate: 0.0001,
      fundingIntervalMs: 28_800_000,
      fundingAtMs: T0 + 3_600_000,
    });
    bench.timer(900);
    bench.fill('bot1_7-z', 'sell', 601_000, 1, 't1');
    const filledAtMs = bench.nowMs;
    bench.book(600_030, 600_040, 3_900);
    expect(snapshots(bench.timer(1_100))).toEqual([
      {
        type: 'BotSnapshot',
        symbol: 'BTCUSDT',
        phase: 'running',
        reason: 'quoted',
        // 9,999.998 beside 0.002 of profit at the first book's middle; 0.1 realised less a fee of 0.01202; 0.0075 at the mark.
        equity: '10000.09348',
        equityPeak: '10000.09348',
        equityDayStart: expect.any(String),
        position: '0.003',
        positionQuote: expect.closeTo(180.0105, 9),
        entryPrice: '60000',
        legs: [],
        mid: '60003.5',
        bookAgeMs: 1_100,
        realised: '0.1',
        unrealised: '0.0075',
        fees: '0.01202',
        fills: 1,
        lastFillAtMs: filledAtMs,
        ordersActive: 2,
        ordersUnknown: 0,
        cancelsLastMinute: 0,
        supervisorAgeMs: 6_000,
        stops: 0,
        stopPrices: [],
        unprotectedMs: 0,
        alerts: 1,
        clockOffsetMs: 12,
        riskLevel: 'allow',
        riskCode: null,
        marginRatio: null,
        positionDriftPct: 100,
        funding: '0',
        fundingRate: 0.0001,
        regime: null,
      },
    ]);
  });

  test('tells both legs of a bot in hedge mode, and no entry price of their sum', () => {
    const bench = new Bench(botConfig({ ...PATIENT, positionMode: 'hedge' })).run();
    bench.sync({ legs: [] });
    bench.fill('bot1_7-y', 'buy', 600_000, 5, 't1', 'long');
    expect(next(bench)).toMatchObject({
      entryPrice: null,
      legs: [
        { leg: 'long', position: '0.005', entryPrice: '60000' },
        { leg: 'short', position: '0', entryPrice: null },
      ],
    });
    bench.fill('bot1_7-z', 'sell', 601_000, 2, 't2', 'short');
    expect(next(bench)).toMatchObject({
      position: '0.003',
      entryPrice: null,
      legs: [
        { leg: 'long', position: '0.005', entryPrice: '60000' },
        { leg: 'short', position: '-0.002', entryPrice: '60100' },
      ],
    });
    bench.fill('bot1_7-x', 'sell', 602_000, 5, 't3', 'long');
    expect(next(bench)).toMatchObject({
      position: '-0.002',
      entryPrice: null,
      legs: [
        { leg: 'long', position: '0', entryPrice: null },
        { leg: 'short', position: '-0.002', entryPrice: '60100' },
      ],
    });
    bench.fill('bot1_7-w', 'buy', 601_000, 2, 't4', 'short');
    expect(next(bench)).toMatchObject({ position: '0', entryPrice: null, legs: [] });
  });

  test('tells what is held before there is a price, and nothing of what is not known yet', () => {
    const bench = new Bench(botConfig(PATIENT));
    bench.tell({ kind: RecordKind.startInput, epoch: 1, configHash: '', codeVersion: '' });
    bench.tell({ kind: RecordKind.connectorInput, channel: 'orders', status: 'up', reason: '' });
    bench.sync({ position: -3, entryPrice: '60000' });
    const effects = bench.timer(5_000);
    expect(snapshots(effects)[0]).toMatchObject({
      equity: '10000',
      equityPeak: '0',
      equityDayStart: '0',
      position: '-0.003',
      positionQuote: 0,
      entryPrice: '60000',
      mid: null,
      bookAgeMs: null,
      unrealised: '0',
      lastFillAtMs: null,
      clockOffsetMs: null,
      fundingRate: null,
    });
    expect(bookSamples(effects)).toEqual([]);
  });

  test('shows the mid of a book only while both of its sides are there', () => {
    const bench = new Bench(botConfig(PATIENT)).run({ position: 4, entryPrice: '60000' });
    bench.book(600_000, 600_010);
    for (const side of ['bidCount', 'askCount'] as const) {
      const frame = bench.frame(600_000, 600_010);
      frame[side] = 0;
      bench.tell({ kind: RecordKind.bookInput, book: frame });
      const effects = bench.timer(5_000);
      expect(snapshots(effects)[0]).toMatchObject({ mid: null, positionQuote: 0, unrealised: '0' });
      expect(bookSamples(effects)).toEqual([]);
    }
    bench.book(600_000, 600_010);
    expect(next(bench)).toMatchObject({ mid: '60000.5', unrealised: '0.002' });
  });

  test('counts an order whose end is not known as active and as unknown, one that is being cancelled as neither', () => {
    const bench = new Bench(botConfig(PATIENT)).run();
    const [bid, ask] = placed(bench.book(600_000, 600_001));
    bench.answer(bid!.clientOrderId, 'unknown');
    bench.answer(ask!.clientOrderId, 'yes');
    expect(snapshots(bench.timer(1_000))).toMatchObject([{ ordersActive: 2, ordersUnknown: 1, cancelsLastMinute: 0 }]);
    bench.book(590_000, 590_001, 4_500);
    expect(snapshots(bench.timer(500))).toMatchObject([{ ordersActive: 1, ordersUnknown: 1, cancelsLastMinute: 1 }]);
    // Executed by more than the fills that have come: closed, and kept for them.
    bench.seen(ask!.clientOrderId, 'cancelled', 2);
    expect(bench.state.orders).toHaveLength(2);
    expect(next(bench)).toMatchObject({ ordersActive: 1, ordersUnknown: 1 });
  });

  test('lists the triggers of the stops that are known to rest, and the time without one', () => {
    const bench = new Bench(botConfig({ ...PATIENT, risk: PROTECTED })).run({ position: 4, entryPrice: '60000' });
    bench.nowMs += 2_000;
    const [stop] = bench.state.stops;
    expect(next(bench)).toMatchObject({ stops: 1, stopPrices: [], unprotectedMs: 7_000 });
    bench.stopAnswer(stop!.clientOrderId, 'yes');
    expect(next(bench)).toMatchObject({ stops: 1, stopPrices: ['58800'], unprotectedMs: 7_000 });
    // Flat: the venue ends the stop with its position, and here it waits for the word of its cancel.
    bench.fill('bot1_7-z', 'sell', 600_000, 4, 't1');
    bench.tell({
      kind: RecordKind.stopInput,
      clientOrderId: stop!.clientOrderId,
      news: { news: 'cancelAnswered', answer: 'no' },
    });
    expect(bench.state.stops).toMatchObject([{ state: 'open', isOver: true }]);
    bench.state.stopRetryAtMs = bench.nowMs + 60_000;
    expect(next(bench)).toMatchObject({ stops: 1, stopPrices: [] });
  });

  test('tells the step of the ladder with its cause, the margin and how far the venue was from our books', () => {
    const bench = LivingBench.holding(0).read({ marginRatio: 0.6 }).live(6);
    expect(bench.eventsOf('BotSnapshot').at(-1)).toMatchObject({
      phase: 'paused',
      reason: 'margin_ratio_high',
      riskLevel: 'soft_pause',
      riskCode: 'margin_ratio_high',
      marginRatio: 0.6,
      positionDriftPct: 0,
    });
  });

  test('tells what the strategy thinks of the market', () => {
    const strategy = {
      name: 'epp_v2_4',
      size: { orderQuote: '100', inventoryQuoteMax: '1000', skewBps: 2 },
      spread: { minNetEdgeBps: 0.5, atrFactor: 0.5, adverseSelectionBps: 0.5 },
      requoteBps: 0.5,
      requoteMsMin: 500,
    };
    expect(next(new Bench(botConfig({ ...PATIENT, strategy })).run())).toMatchObject({ regime: 'neutral' });
  });
});

test.each([
  ['starting', (bench: LivingBench) => bench.tell({ kind: RecordKind.startInput, epoch: 8, configHash: '', codeVersion: '' })], // prettier-ignore
  ['running', () => {}],
  ['paused', (bench: LivingBench) => bench.operator('pause')],
  ['paused', (bench: LivingBench) => (bench.nowMs += 600_000)],
  ['paused', (bench: LivingBench) => bench.read({ marginRatio: 0.6 })],
  ['hard_stopped', (bench: LivingBench) => bench.operator('hardStop')],
  [
    'stopping',
    (bench: LivingBench) => bench.tell({ kind: RecordKind.controlInput, command: { command: 'shutdown', reason: '' } }),
  ],
  [
    'hard_stopped',
    (bench: LivingBench) => {
      bench.operator('hardStop');
      bench.tell({ kind: RecordKind.controlInput, command: { command: 'shutdown', reason: '' } });
    },
  ],
] as const)('a bot says that it is %s', (phase, happens) => {
  const bench = LivingBench.holding(0);
  happens(bench);
  bench.timer(6_000);
  // The ladder moves within a timer: the next one shows it.
  expect(next(bench).phase).toBe(phase);
});

describe('snapshots are taken', () => {
  test('every five seconds, and the first of each UTC minute is the one that reports count', () => {
    const bench = new Bench(botConfig(PATIENT)).run();
    const taken: [number, string][] = [];
    for (let second = 1; second <= 125; second += 1) {
      for (const { type } of snapshots(bench.timer(1_000))) taken.push([(bench.nowMs - T0) / 1_000, type]);
    }
    expect(taken.map(([second]) => second)).toEqual(Array.from({ length: 25 }, (_, index) => 1 + 5 * index));
    const ofReports = taken.flatMap(([second, type]) => (type === 'BotMinuteSnapshot' ? [second] : []));
    expect(ofReports).toEqual([1, 61, 121]);
  });

  test('by no machine that was never started', () => {
    const bench = new Bench();
    expect(bench.timer(60_000)).toEqual([]);
  });

  test('at once again after a restart with a clock set back', () => {
    const bench = new Bench(botConfig(PATIENT)).run();
    bench.timer(5_000);
    const again = new Bench(bench.config, copyOf(bench.state));
    again.nowMs = bench.nowMs - 3_600_000;
    again.run();
    expect(snapshots(again.timer(5_000))).toHaveLength(1);
  });

  test('with the best prices of the book beside them, in prices and coins', () => {
    const bench = new Bench(botConfig(PATIENT)).run();
    const frame = bench.frame(600_000, 600_015);
    frame.venueAtMs = T0 + 70;
    frame.bidLots[0] = 1_500;
    frame.askLots[0] = 20;
    bench.tell({ kind: RecordKind.bookInput, book: frame }, 100);
    expect(bookSamples(bench.timer(5_000))).toEqual([
      {
        type: 'book_sample',
        symbol: 'BTCUSDT',
        venueAtMs: T0 + 70,
        bid: '60000',
        bidQty: '1.5',
        ask: '60001.5',
        askQty: '0.02',
      },
    ]);
  });
});

test('a short position without a price counts at its entry, and with one at the market', () => {
  const bench = new Bench(botConfig(PATIENT)).run({ position: -10, entryPrice: '60000' });
  bench.book(600_000, 600_010);
  const before = Number(next(bench).equity);
  bench.book(590_000, 590_010);
  const after = next(bench);
  expect(after).toMatchObject({ position: '-0.01', entryPrice: '60000', unrealised: '9.995' });
  expect(Number(after.equity) - before).toBeCloseTo(10, 6);
  expect(bench.state.holdings.net.qty).toBe(-10);
  expect(bench.state.book.bidTicks[0]).toBe(590_000);
});
