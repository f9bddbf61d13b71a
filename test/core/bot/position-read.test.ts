/** What a read of the venue says of what is held and of its funding, and how far the bot follows it. */
import { describe, expect, test } from '@jest/globals';
import type { SyncInput } from '../../../core/bot/input.ts';
import { Reason } from '../../../core/bot/reasons.ts';
import { RecordKind } from '../../../core/events/record.ts';
import type { QuoteAmount, SignedLots } from '../../../core/money/money.ts';
import { alerts, botConfig } from '../../support/bots.ts';
import { LivingBench } from './living-bench.ts';
import { alarms, ask, ours, PATIENT, quoting } from './read-bench.ts';

const HEDGE = botConfig({ ...PATIENT, positionMode: 'hedge' });
const USDT = 1_000_000_000_000n;

const leg = (of: 'net' | 'long' | 'short', qty: number, entryPrice: string | null = '60000') => ({
  leg: of,
  qty: qty as SignedLots,
  entryPrice,
});

describe('a position in a leg that the account should not have', () => {
  test.each([
    ['one way', botConfig(PATIENT), leg('long', 4), leg('net', 0)],
    ['hedge', HEDGE, leg('net', 4), leg('long', 0)],
  ] as const)('%s: is told once, and stops the bot until a read without it', (_name, config, wrong, right) => {
    const { bench } = quoting(config);
    const reads = [wrong, wrong].map((position) => alerts(bench.sync({ legs: [position], openOrders: ours(bench) })));
    expect(reads).toEqual([['position_mode_differs'], []]);
    expect(alarms(bench)).toEqual([{ reason: 'position_mode_differs', leg: wrong.leg }]);
    expect(bench.reason()).toBe(Reason.reconciling);
    for (let n = 0; n < 5; n += 1) bench.sync({ legs: [wrong], openOrders: ours(bench) });
    expect(bench.state.holdings[wrong.leg].qty).toBe(0);
    bench.sync({ legs: [right], openOrders: ours(bench) });
    expect(bench.reason()).toBe(Reason.quoted);
  });

  test('is none while it is flat', () => {
    const { bench } = quoting();
    const legs = [leg('long', 0, null), leg('net', 0, null)];
    expect(alerts(bench.sync({ legs, openOrders: ours(bench) }))).toEqual([]);
    expect(bench.reason()).toBe(Reason.quoted);
  });
});

describe('a position that differs', () => {
  test('is told with how far each leg is off', () => {
    const { bench } = quoting(HEDGE);
    bench.fill('bot1_7-z', 'buy', 600_000, 10, 't1', 'long');
    bench.fill('bot1_7-y', 'sell', 600_000, 5, 't2', 'short');
    bench.events.length = 0;
    bench.sync({ legs: [leg('long', 8), leg('short', -10)], openOrders: ours(bench) });
    expect(alarms(bench)).toEqual([{ reason: 'position_differs', net: 0, long: -2, short: -5 }]);
    // A fifth of the long leg, half of the short one: the worse counts.
    expect(bench.state.positionDriftPct).toBe(50);
    bench.sync({ legs: [leg('long', 5), leg('short', -5)], openOrders: ours(bench) });
    expect(bench.state.positionDriftPct).toBe(50);
    bench.sync({ legs: [leg('long', 10), leg('short', -4)], openOrders: ours(bench) });
    expect(bench.state.positionDriftPct).toBe(20);
    bench.sync({ legs: [leg('long', 10), leg('short', -5)], openOrders: ours(bench) });
    expect(bench.state.positionDriftPct).toBe(0);
  });

  test('by the same lots in three reads in a row is taken over, and a person sees from what to what', () => {
    const { bench } = quoting();
    bench.fill('bot1_7-z', 'buy', 600_000, 2, 't1');
    const read = () => bench.sync({ position: -3, entryPrice: '60010', openOrders: ours(bench) });
    read();
    read();
    expect(bench.state.holdings.net.qty).toBe(2);
    read();
    expect(bench.eventsOf('position_adopted')).toEqual([
      {
        type: 'position_adopted',
        phase: 'running',
        reason: 'the venue holds another position than our fills add up to',
        operator: null,
        detail: { leg: 'net', before: '0.002', after: '-0.003' },
      },
    ]);
    expect(bench.state.holdings.net).toMatchObject({ qty: -3, cost: 180_030_000_000_000n });
    expect(alarms(bench).map(({ reason }) => reason)).toEqual(['position_differs']);
    expect(bench.state.positionDriftPct).toBeGreaterThan(0);
    expect(bench.eventsOf('synced')).toHaveLength(1);
  });

  test('begins anew when the difference becomes another', () => {
    const { bench } = quoting();
    for (const position of [5, 5, 4, 4]) bench.sync({ position, entryPrice: '60000', openOrders: ours(bench) });
    expect(bench.state.holdings.net.qty).toBe(0);
    bench.sync({ position: 4, entryPrice: '60000', openOrders: ours(bench) });
    expect(bench.state.holdings.net.qty).toBe(4);
  });

  test('begins anew after a read that agreed', () => {
    const { bench } = quoting();
    for (const position of [5, 5, 0, 5, 5]) bench.sync({ position, entryPrice: '60000', openOrders: ours(bench) });
    expect(bench.state.holdings.net.qty).toBe(0);
    expect(alarms(bench).map(({ reason }) => reason)).toEqual(['position_differs', 'position_differs']);
  });

  test('is never taken over without a price to hold it at', () => {
    const { bench } = quoting();
    for (let n = 0; n < 6; n += 1) bench.sync({ position: 5, entryPrice: 'n/a', openOrders: ours(bench) });
    expect(bench.state.holdings.net.qty).toBe(0);
    bench.sync({ position: 5, entryPrice: '60000', openOrders: ours(bench) });
    expect(bench.state.holdings.net.qty).toBe(5);
  });

  test('in two legs is not taken over while one of them has no price', () => {
    const { bench } = quoting(HEDGE);
    for (let n = 0; n < 6; n += 1)
      bench.sync({ legs: [leg('long', 3), leg('short', -2, null)], openOrders: ours(bench) });
    expect(bench.state.holdings).toMatchObject({ long: { qty: 0 }, short: { qty: 0 } });
  });

  test('that turns out to be flat costs nothing to hold', () => {
    const { bench } = quoting();
    bench.fill('bot1_7-z', 'buy', 600_000, 2, 't1');
    // Whatever the venue writes where an entry price would stand.
    for (let n = 0; n < 3; n += 1) bench.sync({ legs: [leg('net', 0, '--')], openOrders: ours(bench) });
    expect(bench.state.holdings.net).toMatchObject({ qty: 0, cost: 0n });
    expect(bench.eventsOf('position_adopted')).toMatchObject([{ detail: { before: '0.002', after: '0' } }]);
  });

  test('does not count in a read during which a fill was heard', () => {
    for (const [heardAfterMs, isCounted] of [
      [0, false],
      [200, false],
      [-1, true],
    ] as const) {
      const { bench } = quoting();
      bench.fill('bot1_7-z', 'buy', 600_000, 1, 't1', 'net');
      bench.state.syncDueAtMs = bench.nowMs;
      if (heardAfterMs < 0) {
        bench.timer(1);
        bench.nowMs += 200;
      } else {
        bench.timer(1_000);
        bench.nowMs += heardAfterMs;
        bench.fill('bot1_7-y', 'buy', 600_000, 1, 't2', 'net');
      }
      bench.events.length = 0;
      bench.sync({ legs: [], openOrders: ours(bench) });
      expect([heardAfterMs, bench.state.syncMismatches]).toEqual([heardAfterMs, isCounted ? 1 : 0]);
      expect(alarms(bench)).toHaveLength(isCounted ? 1 : 0);
      expect(bench.state.holdings.net.qty).toBe(isCounted ? 1 : 2);
    }
  });
});

describe('the first read', () => {
  function first(legs: SyncInput['positions']): LivingBench {
    const bench = new LivingBench(HEDGE);
    bench.tell({ kind: RecordKind.startInput, epoch: 1, configHash: '', codeVersion: '' });
    bench.tell({ kind: RecordKind.connectorInput, channel: 'orders', status: 'up', reason: '' }, 250);
    bench.events.length = 0;
    bench.nowMs += 40;
    bench.sync({ legs });
    return bench;
  }

  test('takes over what is held at its entry price, and a person hears of each leg', () => {
    const bench = first([leg('long', 4, '60000.05'), leg('short', -2, '60100')]);
    expect(bench.state.holdings).toMatchObject({
      long: { qty: 4, cost: 240_000_200_000_000n },
      short: { qty: -2, cost: 120_200_000_000_000n },
    });
    expect(alarms(bench)).toEqual([
      { reason: 'orphan_position', leg: 'long', qty: '0.004' },
      { reason: 'orphan_position', leg: 'short', qty: '-0.002' },
    ]);
    expect(bench.eventsOf('position_adopted')).toMatchObject([
      { phase: 'starting', reason: 'first sync', detail: { leg: 'long', before: '0', after: '0.004' } },
      { phase: 'starting', reason: 'first sync', detail: { leg: 'short', before: '0', after: '-0.002' } },
    ]);
  });

  test('of an account that holds nothing is nothing to report', () => {
    const bench = first([]);
    expect(bench.events.map(({ type }) => type)).toEqual(['synced']);
  });

  test('vouches for fills up to when it was asked for, not to when it came', () => {
    const bench = first([]);
    expect(bench.state.fillsReadAtMs).toBe(bench.nowMs - 40);
    // One that nobody asked for is as old as its arrival.
    bench.nowMs += 70;
    bench.sync({ legs: [] });
    expect(bench.state.fillsReadAtMs).toBe(bench.nowMs);
  });
});

test('a read that was given up does not end the one that runs', () => {
  const { bench } = quoting();
  ask(bench);
  const askedAtMs = bench.nowMs;
  for (let second = 0; second < 31; second += 1) bench.timer(1_000);
  const runsSinceMs = bench.state.syncSentAtMs;
  expect(runsSinceMs).toBeGreaterThan(askedAtMs);
  bench.read({ askedAtMs, openOrders: ours(bench) });
  expect(bench.state.syncSentAtMs).toBe(runsSinceMs);
  bench.read({ askedAtMs: runsSinceMs, openOrders: ours(bench) });
  expect(bench.state.syncSentAtMs).toBe(0);
});

describe('funding', () => {
  const paid = (paymentId: string, quote: bigint) => ({ paymentId, amount: (quote * USDT) as QuoteAmount, atMs: 1 });

  test('of as many settlements as a read reaches back over counts once, however often it is told', () => {
    const { bench } = quoting();
    const fundingPayments = Array.from({ length: 64 }, (_, n) => paid(`p${n}`, 2n));
    for (let n = 0; n < 3; n += 1) bench.sync({ openOrders: ours(bench), fundingPayments });
    expect(bench.state.funding).toBe(128n * USDT);
  });

  test('is remembered for as long as it can be told again, and no longer', () => {
    const { bench } = quoting();
    for (let n = 0; n < 200; n += 1) bench.sync({ openOrders: ours(bench), fundingPayments: [paid(`p${n}`, -1n)] });
    expect(bench.state.funding).toBe(-200n * USDT);
    expect(bench.state.fundingIds).toHaveLength(64);
  });
});
