import { describe, expect, test } from '@jest/globals';
import type { Effect } from '../../../core/bot/effects.ts';
import type { SyncPart } from '../../../core/bot/input.ts';
import { Reason } from '../../../core/bot/reasons.ts';
import { RecordKind } from '../../../core/events/record.ts';
import type { QuoteAmount } from '../../../core/money/money.ts';
import { alerts, Bench, botConfig, copyOf, placed } from '../../support/bots.ts';

/** A bot whose start-up read is under way. */
function starting(config = botConfig()): Bench {
  const bench = new Bench(config);
  bench.tell({ kind: RecordKind.startInput, epoch: 1, configHash: '', codeVersion: '' });
  for (const channel of ['book', 'orders'] as const)
    bench.tell({ kind: RecordKind.connectorInput, channel, status: 'up', reason: '' });
  bench.clock();
  bench.tell({ kind: RecordKind.controlInput, command: { command: 'ping' } });
  return bench;
}

const fail = (bench: Bench, part: SyncPart = 'positions'): Effect[] =>
  bench.tell({ kind: RecordKind.connectorInput, channel: 'sync', status: 'down', reason: 'no answer', part });

/** Lets the bot ask again; how long that took, in ms. */
function untilAsked(bench: Bench): number {
  for (let waitedMs = 0; waitedMs <= 120_000; waitedMs += 1_000) {
    bench.tell({ kind: RecordKind.controlInput, command: { command: 'ping' } });
    if (bench.timer().some(({ effect }) => effect === 'sync')) return waitedMs + 1_000;
  }
  return Infinity;
}

describe('the read at the start', () => {
  test('is tried ten times, ever later; then the bot stays out, says so, and a person starts it anew', () => {
    const bench = starting();
    const waits: number[] = [];
    for (let tries = 1; tries < 10; tries += 1) {
      expect(alerts(fail(bench))).toEqual([]);
      expect(bench.reason()).toBe(Reason.startup_position_sync_pending);
      waits.push(untilAsked(bench));
    }
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
    const last = fail(bench);
    expect(alerts(last)).toEqual(['startup_position_sync_failed']);
    expect(last).toContainEqual(
      expect.objectContaining({ event: expect.objectContaining({ type: 'escalation', reason: 'startup_position_sync_failed' }) }), // prettier-ignore
    );
    expect(bench.reason()).toBe(Reason.startup_position_sync_failed);
    expect(untilAsked(bench)).toBe(Infinity);
    const operator = { operator: 'ada', reason: 'the venue is back' };
    bench.tell({ kind: RecordKind.controlInput, command: { command: 'resume', ...operator } });
    expect(untilAsked(bench)).toBe(1_000);
    bench.sync();
    bench.clock();
    expect(placed(bench.book(600_000, 600_001))).toHaveLength(2);
  });

  describe('of a bot whose private stream is not there', () => {
    const starts = (config = botConfig()): Bench => {
      const bench = new Bench(config);
      bench.tell({ kind: RecordKind.startInput, epoch: 1, configHash: '', codeVersion: '' });
      bench.tell({ kind: RecordKind.connectorInput, channel: 'book', status: 'up', reason: '' });
      return bench;
    };
    const stream = (bench: Bench, status: 'up' | 'down'): Effect[] =>
      bench.tell({ kind: RecordKind.connectorInput, channel: 'orders', status, reason: '' });
    /** What was put on record in so many seconds. */
    const wait = (bench: Bench, seconds: number): Effect[] =>
      Array.from({ length: seconds }, () => [
        ...bench.tell({ kind: RecordKind.controlInput, command: { command: 'ping' } }),
        ...bench.timer(),
      ]).flat();

    test('is waited for as long as ten tries take; then the bot stays out, says so once, and a person starts it anew', () => {
      const bench = starts();
      expect(alerts(wait(bench, 120))).toEqual([]);
      expect(bench.reason()).toBe(Reason.startup_position_sync_pending);
      const effects = wait(bench, 60);
      expect(effects).not.toContainEqual({ effect: 'sync' });
      expect(effects).toContainEqual(
        expect.objectContaining({ event: expect.objectContaining({ type: 'alert', reason: 'startup_position_sync_failed', detail: { tries: 10, part: null, privateStream: 'down' } }) }), // prettier-ignore
      );
      expect(effects).toContainEqual(
        expect.objectContaining({ event: expect.objectContaining({ type: 'escalation', reason: 'startup_position_sync_failed' }) }), // prettier-ignore
      );
      expect(bench.reason()).toBe(Reason.startup_position_sync_failed);
      // Nor does a stream that comes now start it: whoever looked has to say so.
      expect([...wait(bench, 300), ...stream(bench, 'up'), ...wait(bench, 60)].filter(({ effect }) => effect === 'sync')).toEqual([]); // prettier-ignore
      expect(bench.state.alerts).toBe(1);
      stream(bench, 'down');
      const operator = { operator: 'ada', reason: 'the key works again' };
      bench.tell({ kind: RecordKind.controlInput, command: { command: 'resume', ...operator } });
      expect(alerts(wait(bench, 120))).toEqual([]);
      expect(alerts(wait(bench, 60))).toEqual(['startup_position_sync_failed']);
      bench.tell({ kind: RecordKind.controlInput, command: { command: 'resume', ...operator } });
      expect(stream(bench, 'up')).toContainEqual({ effect: 'sync' });
      bench.sync();
      bench.clock();
      expect(placed(bench.book(600_000, 600_001))).toHaveLength(2);
    });

    test('is read as soon as it comes', () => {
      const bench = starts();
      wait(bench, 100);
      expect(stream(bench, 'up')).toContainEqual({ effect: 'sync' });
    });

    test('does not count against a read that is under way, nor while the venue is in maintenance', () => {
      const bench = starts();
      stream(bench, 'up');
      stream(bench, 'down');
      wait(bench, 20);
      expect(bench.state.syncTries).toBe(0);
      bench.sync();
      expect(bench.state.synced).toBe(true);
      const closed = starts();
      const trouble = 'maintenance' as const;
      closed.tell({ kind: RecordKind.connectorInput, channel: 'sync', status: 'down', reason: '40015', trouble });
      expect(alerts(wait(closed, 590))).toEqual([]);
      expect(closed.state.syncTries).toBe(0);
      // Ten minutes on nobody knows whether it lasts, and without the stream nobody finds out.
      expect(alerts(wait(closed, 300))).toEqual(['startup_position_sync_failed']);
    });

    test('is nothing to a bot that has read the venue: a stream that is lost later is another reason', () => {
      const bench = new Bench().run();
      stream(bench, 'down');
      wait(bench, 300);
      expect(bench.state).toMatchObject({ syncTries: 0, isSyncGivenUp: false, reason: Reason.venue_connection_down });
    });
  });

  test('that got no balance says that, and the bot has no equity of zero', () => {
    const bench = starting();
    fail(bench, 'balance');
    expect(bench.reason()).toBe(Reason.balance_read_failed);
    const telemetry = bench.timer(5_000).find((effect) => effect.effect === 'record' && effect.event.type === 'BotMinuteSnapshot'); // prettier-ignore
    expect(telemetry).toMatchObject({ event: { phase: 'starting', reason: 'balance_read_failed' } });
    untilAsked(bench);
    bench.sync();
    expect(bench.reason()).not.toBe(Reason.balance_read_failed);
  });

  test('during maintenance is tried for as long as that lasts', () => {
    const bench = starting();
    for (let tries = 0; tries < 20; tries += 1) {
      bench.tell({
        kind: RecordKind.connectorInput,
        channel: 'sync',
        status: 'down',
        reason: '40015',
        trouble: 'maintenance',
      });
      expect(untilAsked(bench)).toBeLessThan(60_000);
    }
    expect(bench.state.isSyncGivenUp).toBe(false);
  });

  test('may be left out by a bot on paper that knows what it holds, and by no other', () => {
    const paper = botConfig({ mode: 'paper_only', startupPositionSync: false });
    const first = starting(paper);
    expect(placed(first.book(600_000, 600_001))).toEqual([]);
    expect(placed(first.sync())).toHaveLength(2);
    const again = new Bench(paper, copyOf(first.state));
    again.nowMs = first.nowMs;
    again.tell({ kind: RecordKind.startInput, epoch: 2, configHash: '', codeVersion: '' });
    expect(again.state.synced).toBe(true);
    expect(() => botConfig({ startupPositionSync: false })).toThrow(/expected true in mode live/);
  });
});

describe('a position that the venue holds', () => {
  test('and we do not is ours from the start, with a warning', () => {
    const bench = starting();
    expect(alerts(bench.sync({ position: 7, entryPrice: '60000' }))).toEqual(['orphan_position']);
    expect(bench.state.holdings.net.qty).toBe(7);
    expect(bench.state.positionDriftPct).toBe(100);
    expect(alerts(bench.sync({ position: 7, entryPrice: '60000' }))).toEqual([]);
    expect(bench.state.positionDriftPct).toBe(0);
  });

  test('is told of when the process leaves', () => {
    const bench = new Bench().run({ position: 3, entryPrice: '60000' });
    const effects = bench.tell({ kind: RecordKind.controlInput, command: { command: 'shutdown', reason: '' } });
    expect(effects).toContainEqual({ effect: 'leave' });
    expect(alerts(effects)).toEqual(['open_position_at_shutdown']);
    const flat = new Bench().run();
    expect(alerts(flat.tell({ kind: RecordKind.controlInput, command: { command: 'shutdown', reason: '' } }))).toEqual([]); // prettier-ignore
  });
});

test('each settlement of funding counts once, and none from before the first read', () => {
  const amount = (quote: number): QuoteAmount => (BigInt(quote) * 1_000_000_000_000n) as QuoteAmount;
  const bench = starting();
  bench.sync({ fundingPayments: [{ paymentId: 'a', amount: amount(-5), atMs: 1 }] });
  expect(bench.state.funding).toBe(0n);
  bench.sync({
    fundingPayments: [
      { paymentId: 'a', amount: amount(-5), atMs: 1 },
      { paymentId: 'b', amount: amount(2), atMs: 2 },
    ],
  });
  bench.sync({ fundingPayments: [{ paymentId: 'b', amount: amount(2), atMs: 2 }] });
  expect(bench.state.funding).toBe(amount(2));
  expect(copyOf(bench.state).funding).toBe(amount(2));
});
