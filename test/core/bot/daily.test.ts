import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { feesOf, realisedOf } from '../../../core/accounting/holdings.ts';
import { blankDaily } from '../../../core/bot/daily.ts';
import { Reason } from '../../../core/bot/reasons.ts';
import { stateHash } from '../../../core/bot/state.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { formatQuote, parseQuote } from '../../../core/money/decimal.ts';
import type { QuoteAmount, SignedLots } from '../../../core/money/money.ts';
import { copyOf, T0 } from '../../support/bots.ts';
import { LivingBench } from './living-bench.ts';

const DAY_MS = 86_400_000;
const USDT = 1_000_000_000_000n;

/** Days as they were closed. */
const closed = (bench: LivingBench) =>
  bench.events.flatMap((event) => (event.type === 'day_closed' ? [event.detail] : []));

/** `seconds` before the midnight that ends the first day, alive and read anew. */
function beforeMidnight(bench: LivingBench, seconds: number): LivingBench {
  bench.nowMs = T0 + DAY_MS - (seconds + 5) * 1_000;
  return bench.restartProcess().live(5);
}

test('a bot that was told nothing has earned, paid and traded nothing', () => {
  expect(blankDaily()).toMatchObject({
    realisedBefore: '0',
    feesBefore: '0',
    fundingBefore: '0',
    volumeQuote: '0',
    transferred: '0',
    capital: null,
  });
});

describe('midnight', () => {
  test('closes the day with what it came to, and what is held goes through it untouched', () => {
    const bench = LivingBench.holding(10);
    bench.fill('x1', 'buy', 600_000, 4, 't1');
    bench.fill('x2', 'sell', 602_000, 6, 't2');
    beforeMidnight(bench, 3);
    const held = { ...bench.state.holdings.net };
    expect(held.qty).toBe(8);
    expect(closed(bench)).toEqual([]);
    bench.live(4);
    // 14 bought for 840.005, of which 6 cost 360.002142857142 and were sold for 361.2.
    expect(closed(bench)).toEqual([
      {
        day: '2024-08-09',
        equityStart: '10000',
        equityEnd: '10001.07876',
        transferred: '0',
        realised: '1.197857142858',
        fees: '0.12024',
        funding: '0',
        fills: 2,
        volumeQuote: '601.2',
        lossQuoteMax: expect.any(String),
        drawdownPctMax: expect.any(Number),
        position: '0.008',
      },
    ]);
    expect(bench.events.find(({ type }) => type === 'day_closed')).toMatchObject({ reason: '', operator: null });
    expect(bench.state.holdings.net).toEqual(held);
    expect(bench.reason()).toBe(Reason.quoted);
  });

  test('the new day counts from nothing', () => {
    const bench = LivingBench.holding(0);
    bench.fill('x1', 'buy', 600_000, 4, 't1');
    beforeMidnight(bench, 1).live(3);
    bench.fill('x2', 'sell', 600_000, 3, 't2');
    bench.nowMs += DAY_MS - 60_000;
    bench.restartProcess().live(70);
    expect(closed(bench)[1]).toMatchObject({ day: '2024-08-10', fills: 1, volumeQuote: '180', fees: '0.036' });
    expect(closed(bench)[1]?.['equityStart']).toBe(closed(bench)[0]?.['equityEnd']);
  });

  test('is the first millisecond of the new day', () => {
    const bench = LivingBench.holding(0);
    bench.nowMs = T0 + DAY_MS - 1;
    bench.timer(0);
    expect(closed(bench)).toEqual([]);
    bench.timer(1);
    expect(closed(bench)).toMatchObject([{ day: '2024-08-09' }]);
  });

  test('closes the day with the deepest loss and the deepest fall of it, not with the last', () => {
    const bench = beforeMidnight(LivingBench.holding(100), 8);
    bench.live(1, 606_000).live(1, 591_000).live(1, 600_000).live(6, 600_000);
    const [day] = closed(bench);
    // 0.1 BTC: 900 below the start, 1,500 below a peak of 10,060.
    expect(Number(day!['lossQuoteMax'])).toBeCloseTo(90, 0);
    expect(day!['drawdownPctMax']).toBeCloseTo((150 / 10_060) * 100, 1);
    expect(bench.state.daily.lossQuoteMax).toBeLessThan(1);
  });

  test('of a bot that was never told its equity closes a day without one', () => {
    const bench = new LivingBench();
    bench.tell({ kind: RecordKind.startInput, epoch: 1, configHash: '', codeVersion: '' });
    bench.nowMs += DAY_MS;
    bench.timer();
    expect(closed(bench)).toMatchObject([{ equityStart: null, equityEnd: null, fills: 0, position: '0' }]);
    expect(bench.state.daily).toMatchObject({ equityStart: null, equityLast: null, equityPeak: null });
  });

  test('while the bot is away closes the day once, with the last equity known', () => {
    const bench = LivingBench.holding(100).live(3, 601_000);
    const last = bench.state.daily.equityLast;
    bench.nowMs += 3 * DAY_MS;
    bench.restartProcess().live(2, 590_000);
    expect(closed(bench)).toMatchObject([{ day: '2024-08-09', equityEnd: String(last) }]);
    expect(bench.state.daily.day).toBe(Math.floor(T0 / DAY_MS) + 3);
  });

  test('is not undone by a clock set back: neither the loss nor the day begins anew', () => {
    const bench = beforeMidnight(LivingBench.holding(100), 1);
    bench.live(3).live(1, 598_000);
    const { day, equityStart, lossQuoteMax } = bench.state.daily;
    expect(lossQuoteMax).toBeGreaterThan(19);
    bench.nowMs -= 7_200_000;
    bench.live(3, 600_000);
    bench.nowMs += 7_200_000;
    bench.live(3, 600_000);
    expect(bench.state.daily).toMatchObject({ day, equityStart, lossQuoteMax });
    expect(closed(bench)).toHaveLength(1);
  });

  test('that a wrong clock brought is taken back by the person who approves', () => {
    const bench = LivingBench.holding(0);
    const { day } = bench.state.daily;
    bench.nowMs += 40 * DAY_MS;
    bench.timer();
    bench.nowMs -= 40 * DAY_MS;
    bench.live(2);
    expect(bench.state.daily.day).toBe(day + 40);
    // Only what is held can be approved: whoever finds the day wrong stops the bot first.
    bench.operator('hardStop');
    bench.operator('approveRestart');
    expect(bench.state.daily.day).toBe(day);
    beforeMidnight(bench, 1).live(3);
    expect(closed(bench)).toHaveLength(2);
  });

  test("of any number of days adds up to the bot's whole life, exactly", () => {
    const fills = fc.array(
      fc.record({
        afterMs: fc.integer({ min: 0, max: DAY_MS }),
        isBuy: fc.boolean(),
        price: fc.integer({ min: 590_000, max: 610_000 }),
        qty: fc.integer({ min: 1, max: 9 }),
        paid: fc.bigInt({ min: -USDT, max: USDT }),
      }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(fills, (made) => {
        const bench = LivingBench.holding(0);
        made.forEach(({ afterMs, isBuy, price, qty, paid }, index) => {
          bench.nowMs += afterMs;
          bench.fill(`x${index}`, isBuy ? 'buy' : 'sell', price, qty, `t${index}`);
          bench.read({ fundingPayments: [{ paymentId: `p${index}`, amount: paid as QuoteAmount, atMs: bench.nowMs }] });
          expect(stateHash(copyOf(bench.state))).toBe(stateHash(bench.state));
        });
        bench.nowMs += DAY_MS;
        bench.timer();
        const sum = (field: string): string =>
          formatQuote(closed(bench).reduce((total, day) => total + parseQuote(String(day[field])), 0n) as QuoteAmount);
        expect(sum('realised')).toBe(formatQuote(realisedOf(bench.state.holdings)));
        expect(sum('fees')).toBe(formatQuote(feesOf(bench.state.holdings)));
        expect(sum('funding')).toBe(formatQuote(bench.state.funding));
        expect(closed(bench).reduce((total, { fills: count }) => total + Number(count), 0)).toBe(made.length);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a restart', () => {
  test('forgets neither the loss of the day nor the peak', () => {
    const bench = LivingBench.holding(100).live(2, 610_000).live(2, 590_000);
    const before = { ...bench.state.daily };
    expect(before.lossQuoteMax).toBeGreaterThan(99);
    expect(before.equityPeak).toBeGreaterThan(10_099);
    bench.restartProcess();
    const again = new LivingBench(bench.config, copyOf(bench.state));
    again.nowMs = bench.nowMs;
    again.restartProcess().live(3, 590_000);
    expect(again.state.daily).toMatchObject({ equityPeak: before.equityPeak, equityStart: before.equityStart });
    expect(again.state.daily.lossQuoteMax).toBeGreaterThan(99);
  });

  test('without a price for what is held knows no equity, whether the venue was read or not', () => {
    const bench = LivingBench.holding(100).live(2, 590_000);
    const { equityPeak, equityLast } = bench.state.daily;
    const { epoch } = bench.state;
    bench.tell({ kind: RecordKind.startInput, epoch: epoch + 1, configHash: '', codeVersion: '' });
    bench.timer();
    expect(bench.state.daily).toMatchObject({ equityPeak, equityLast });
    bench.restartProcess();
    bench.timer();
    expect(bench.state.daily).toMatchObject({ equityPeak, equityLast });
    bench.live(2, 590_000);
    bench.live(1, 591_000);
    expect(bench.state.daily.equityLast).toBeCloseTo((equityLast as number) + 10, 1);
  });
});

describe('a transfer', () => {
  test('out is no loss', () => {
    const bench = LivingBench.holding(100).live(2, 598_000);
    const { lossQuoteMax } = bench.state.daily;
    bench.read({ moved: -5_000n * USDT }).live(3, 598_000);
    expect(bench.state.daily.equityStart).toBeCloseTo(5_000, 6);
    expect(bench.state.daily.lossQuoteMax).toBeCloseTo(lossQuoteMax, 6);
    expect(bench.steps()).toEqual([]);
    expect(bench.eventsOf('transfer_seen')).toMatchObject([
      { reason: '', operator: null, detail: { amount: '-5000' } },
    ]);
  });

  test('of everything is no drawdown, and what comes back is no profit', () => {
    const bench = LivingBench.holding(0);
    bench.read({ moved: -10_000n * USDT }).live(3);
    bench.read({ moved: 3_000n * USDT }).live(3);
    expect(bench.steps()).toEqual([]);
    expect(bench.state.daily).toMatchObject({
      equityPeak: 3_000,
      equityStart: 3_000,
      lossQuoteMax: 0,
      transferred: '-7000',
    });
  });

  test('in hides no loss: the day pauses as it would have', () => {
    const bench = LivingBench.holding(100).live(2, 585_000);
    bench.read({ moved: 50_000n * USDT }).live(2, 585_000);
    expect(bench.reason()).not.toBe(Reason.daily_loss_reached);
    bench.live(2, 579_000);
    expect(bench.reason()).toBe(Reason.daily_loss_reached);
  });

  test('leaves the drawdown what it was, in either direction', () => {
    for (const moved of [-9_000n, 40_000n]) {
      const bench = LivingBench.holding(100, { dailyLossQuoteMax: '100000' }).live(2, 560_000);
      const { drawdownPctMax } = bench.state.daily;
      expect(drawdownPctMax).toBeGreaterThan(3.9);
      bench.read({ moved: moved * USDT }).live(5, 560_000);
      expect(bench.state.daily.drawdownPctMax).toBeCloseTo(drawdownPctMax, 3);
      expect(bench.steps()).toEqual([]);
    }
  });

  test('is found through fills and funding, which are none', () => {
    const bench = LivingBench.holding(0);
    bench.read().live(2);
    bench.fill('x1', 'buy', 600_000, 10, 't1');
    bench.fill('x2', 'sell', 640_000, 10, 't2');
    const paid = { paymentId: 'p1', amount: (-7n * USDT) as QuoteAmount, atMs: bench.nowMs };
    bench.read({ moved: -7n * USDT, fundingPayments: [paid] }).live(2);
    expect(bench.eventsOf('transfer_seen')).toEqual([]);
    bench.read({ moved: -300n * USDT }).live(2);
    expect(bench.eventsOf('transfer_seen')).toMatchObject([{ detail: { amount: '-300' } }]);
  });

  test('made while the bot was away is seen by its first read', () => {
    const bench = LivingBench.holding(0);
    bench.read().live(1);
    bench.nowMs += 3_600_000;
    bench
      .restartProcess()
      .read({ moved: -4_000n * USDT })
      .live(3);
    expect(bench.steps()).toEqual([]);
    expect(bench.state.daily.lossQuoteMax).toBe(0);
  });

  test('is not what a corrected position cost: that is a loss', () => {
    const bench = LivingBench.holding(100);
    bench.read().live(1);
    const flat = [{ leg: 'net' as const, qty: 0 as SignedLots, entryPrice: null }];
    for (let time = 0; time < 3; time += 1) bench.read({ legs: flat, moved: -300n * USDT }).timer();
    bench.live(3);
    expect(bench.state.holdings.net.qty).toBe(0);
    expect(bench.eventsOf('transfer_seen')).toEqual([]);
    expect(bench.state.daily.lossQuoteMax).toBeGreaterThan(299);
    expect(bench.reason()).not.toBe(Reason.quoted);
  });

  test('is not what a corrected position cost, though the next read agrees before there is a price', () => {
    const bench = LivingBench.holding(100);
    bench.read().live(1);
    const { wallet } = bench.state;
    const half = [{ leg: 'net' as const, qty: 50 as SignedLots, entryPrice: '60000.5' }];
    const equity = (wallet - 300n * USDT) as QuoteAmount;
    bench.state.book.bidCount = 0;
    for (let time = 0; time < 4; time += 1) bench.read({ legs: half, equity }).timer();
    bench.live(3);
    expect(bench.eventsOf('transfer_seen')).toEqual([]);
    expect(bench.state.daily.lossQuoteMax).toBeGreaterThan(299);
  });

  test('just before midnight belongs to the day that ends', () => {
    const bench = beforeMidnight(LivingBench.holding(0), 1);
    bench.read({ moved: 500n * USDT });
    bench.book(600_000, 600_010, 2_000);
    expect(closed(bench)).toMatchObject([{ transferred: '500', equityStart: '10500', equityEnd: '10500' }]);
    expect(bench.state.daily.equityLast).toBe(10_500);
    bench.live(3);
    expect(bench.state.daily).toMatchObject({ equityStart: 10_500, transferred: '0' });
  });

  test.each([
    ['a dollar beside nothing held', 0, 1_000_000n, []],
    ['more than a dollar beside nothing held', 0, 1_000_001n, ['1.000001']],
    ['a dollar less', 0, -1_000_000n, []],
    ['more than a dollar less', 0, -1_000_001n, ['-1.000001']],
    // 0.1 BTC at 60,000.50: a dollar, and one of each hundred.
    ['a hundredth of what is held', 100, 61_000_500n, []],
    ['more than that', 100, 61_010_000n, ['61.01']],
    ['a hundredth of what is owed', -100, 61_000_500n, []],
    ['more than that, owed', -100, 61_010_000n, ['61.01']],
  ] as const)('is none within the noise of a read: %s', (_name, lots, movedE6, told) => {
    const bench = LivingBench.holding(lots);
    bench.book(600_000, 600_010);
    bench.read();
    bench.timer();
    bench.read({ moved: movedE6 * 1_000_000n });
    bench.timer();
    const transfers = bench.events.flatMap((event) => (event.type === 'transfer_seen' ? [event.detail] : []));
    expect(transfers.map(({ amount }) => amount)).toEqual(told);
    if (told.length > 0) expect(transfers[0]!['equity']).toBe(String(10_000 + Number(told[0])));
  });

  test('is not the difference between mark and mid', () => {
    const bench = LivingBench.holding(100);
    bench.read().live(1);
    bench.read({ moved: 50n * USDT }).live(1);
    bench.read({ moved: -50n * USDT }).live(1);
    expect(bench.eventsOf('transfer_seen')).toEqual([]);
  });
});

describe('equity', () => {
  test('is known without a market while nothing is held, and not known while something is', () => {
    const flat = LivingBench.holding(0);
    flat.state.book.askCount = 0;
    flat.state.daily.equityLast = null;
    flat.timer();
    expect(flat.state.daily.equityLast).toBe(10_000);
    const held = LivingBench.holding(10);
    held.state.book.askCount = 0;
    held.state.daily.equityLast = null;
    held.timer();
    expect(held.state.daily.equityLast).toBeNull();
  });

  test('that is no number pauses the bot and touches neither peak nor loss', () => {
    const bench = LivingBench.holding(10);
    const { equityLast, equityPeak, lossQuoteMax } = bench.state.daily;
    bench.state.book.bidTicks[0] = Number.NaN;
    bench.timer();
    expect(bench.reason()).toBe(Reason.balance_unknown);
    expect(bench.state.daily).toMatchObject({ equityLast, equityPeak, lossQuoteMax });
  });

  test('of an account with nothing in it has no drawdown, and money that comes to it is none either', () => {
    const bench = LivingBench.holding(0);
    bench.read({ moved: -10_000n * USDT }).live(3);
    expect(bench.state.daily).toMatchObject({ equityPeak: 0, equityLast: 0, drawdownPctMax: 0 });
    expect(copyOf(bench.state).daily).toEqual(bench.state.daily);
    bench.read({ moved: 500n * USDT }).live(3);
    expect(bench.state.daily).toMatchObject({ equityPeak: 500, equityLast: 500, drawdownPctMax: 0 });
  });

  test('that fell is its own peak again once a person accepts the fall, also while it has no price', () => {
    for (const isPriced of [true, false]) {
      const bench = LivingBench.holding(100, { dailyLossQuoteMax: '100000' }).live(2, 610_000).live(2, 560_000);
      const { equityLast, equityPeak, lossQuoteMax } = bench.state.daily;
      expect(equityPeak! - equityLast!).toBeGreaterThan(490);
      if (!isPriced) bench.state.book.bidCount = 0;
      bench.operator('hardStop');
      bench.operator('approveRestart');
      expect(bench.state.daily.equityPeak).toBeCloseTo(equityLast!, 6);
      // The day's loss is no one's to accept.
      expect(bench.state.daily.lossQuoteMax).toBe(lossQuoteMax);
    }
  });
});

describe('what is held is worth the mark of the venue', () => {
  /** Holds 0.1 BTC bought at 60,000.05; a tick is 0.1, so 10,000 ticks of a book are 1,000 USDT a coin. */
  const holding = (): LivingBench => LivingBench.holding(100).live(3);
  const mark = (bench: LivingBench, markTicks: number): void =>
    void bench.tell({ kind: RecordKind.tickerInput, markTicks, fundingRate: null, fundingIntervalMs: null, fundingAtMs: null }); // prettier-ignore

  test('a book that is wide or thin for a moment makes no peak, and no loss', () => {
    const bench = holding();
    mark(bench, 600_005);
    bench.live(1);
    const { equityPeak, lossQuoteMax } = bench.state.daily;
    bench.live(1, 610_000).live(1, 590_000);
    expect(bench.state.daily.equityPeak! - equityPeak!).toBeLessThan(1);
    expect(bench.state.daily.lossQuoteMax - lossQuoteMax).toBeLessThan(1);
  });

  test('it follows the mark', () => {
    const bench = holding();
    mark(bench, 600_005);
    bench.live(1);
    const before = bench.state.daily.equityLast!;
    mark(bench, 610_005);
    bench.live(1);
    expect(bench.state.daily.equityLast! - before).toBeCloseTo(100, 6);
  });

  test('a mark that is not told any more says nothing: the book does', () => {
    const bench = holding();
    mark(bench, 600_005);
    bench.live(10, 610_000);
    expect(bench.state.daily.equityPeak!).toBeGreaterThan(10_090);
  });

  test('an equity that was read is taken apart by the same price as the venue put it together', () => {
    const bench = holding();
    mark(bench, 610_005);
    bench.live(1);
    const wallet = bench.state.wallet;
    bench.read();
    expect(bench.state.wallet).toBe(wallet);
    expect(bench.eventsOf('transfer_seen')).toEqual([]);
  });
});
