import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { feesOf, realisedOf } from '../../../core/accounting/holdings.ts';
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
    expect(bench.eventsOf('transfer_seen')).toMatchObject([{ detail: { amount: '-5000' } }]);
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
    bench.live(3);
    expect(bench.state.daily).toMatchObject({ equityStart: 10_500, transferred: '0' });
  });

  test('is not the difference between mark and mid', () => {
    const bench = LivingBench.holding(100);
    bench.read().live(1);
    bench.read({ moved: 50n * USDT }).live(1);
    bench.read({ moved: -50n * USDT }).live(1);
    expect(bench.eventsOf('transfer_seen')).toEqual([]);
  });
});
