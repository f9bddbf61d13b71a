/** When the venue is read: often enough to notice, soon when something needs explaining, and never in a hurry for nothing. */
import { describe, expect, test } from '@jest/globals';
import type { BotConfig } from '../../../core/bot/bot-config.ts';
import type { Effect } from '../../../core/bot/effects.ts';
import type { SyncPart } from '../../../core/bot/input.ts';
import { Reason } from '../../../core/bot/reasons.ts';
import { RecordKind } from '../../../core/events/record.ts';
import type { SignedLots } from '../../../core/money/money.ts';
import type { VenueTrouble } from '../../../core/venue-trouble.ts';
import { alerts, botConfig, placed } from '../../support/bots.ts';
import { LivingBench } from './living-bench.ts';

const PATIENT = { deadmanS: 600 };

const isRead = (effects: readonly Effect[]): boolean => effects.some(({ effect }) => effect === 'sync');
const ping = (bench: LivingBench): Effect[] =>
  bench.tell({ kind: RecordKind.controlInput, command: { command: 'ping' } });
const orders = (bench: LivingBench, status: 'up' | 'down'): Effect[] =>
  bench.tell({ kind: RecordKind.connectorInput, channel: 'orders', status, reason: '' });

/** Seconds of timers until the next read is asked for. */
function secondsToRead(bench: LivingBench, atMost = 400): number {
  for (let second = 1; second <= atMost; second += 1) {
    ping(bench);
    if (second % 60 === 0) bench.clock();
    if (isRead(bench.timer(1_000))) return second;
  }
  return Infinity;
}

/** The read that was asked for fails. */
function fail(bench: LivingBench, trouble: VenueTrouble | null = null, part: SyncPart = 'positions'): Effect[] {
  return bench.tell({ kind: RecordKind.connectorInput, channel: 'sync', status: 'down', reason: 'x', trouble, part });
}

/** Read once, and running; nothing is known that would hurry the next read. */
function running(config: BotConfig = botConfig(PATIENT)): LivingBench {
  const bench = new LivingBench(config).run();
  expect(bench.reason()).toBe(Reason.book_missing);
  bench.events.length = 0;
  return bench;
}

/** A bot whose first read is under way. */
function starting(): LivingBench {
  const bench = new LivingBench(botConfig(PATIENT));
  bench.tell({ kind: RecordKind.startInput, epoch: 1, configHash: '', codeVersion: '' });
  orders(bench, 'up');
  bench.clock();
  ping(bench);
  bench.events.length = 0;
  return bench;
}

describe('a bot that knows what it has', () => {
  test('reads every five minutes', () => {
    const bench = running();
    expect(secondsToRead(bench)).toBe(300);
    bench.sync();
    expect(secondsToRead(bench)).toBe(300);
  });

  test('puts on record that it read, and what it found', () => {
    const bench = running();
    secondsToRead(bench);
    bench.fill('bot1_7-z', 'buy', 600_000, 4, 't1');
    bench.events.length = 0;
    const order = { side: 'buy', price: 600_000, qty: 7, reduceOnly: false, leg: 'net' } as never;
    bench.nowMs += 1;
    bench.state.syncSentAtMs = bench.nowMs;
    bench.sync({
      position: 4,
      entryPrice: '60000',
      openOrders: [{ clientOrderId: '9001', filled: 0 as never, order }],
    });
    expect(bench.eventsOf('synced')).toEqual([
      {
        type: 'synced',
        phase: 'running',
        reason: '',
        operator: null,
        detail: { position: 4, openOrders: 1 },
      },
    ]);
  });

  test('has one read under way at a time, and asks again when none has come for half a minute', () => {
    const bench = running();
    secondsToRead(bench);
    expect(secondsToRead(bench)).toBe(31);
    expect(secondsToRead(bench)).toBe(31);
    // Its supervisor would be told of a bot that stays out: this one only tries on.
    expect(bench.eventsOf('escalation')).toEqual([]);
    bench.sync();
    expect(secondsToRead(bench)).toBe(300);
  });

  test('asks for nothing while the private stream is away, and at once when it is back', () => {
    const bench = running();
    orders(bench, 'down');
    expect(secondsToRead(bench)).toBe(Infinity);
    expect(isRead(orders(bench, 'up'))).toBe(true);
    expect(isRead(orders(bench, 'up'))).toBe(false);
  });

  test('reads again a second after one that failed', () => {
    const bench = running();
    secondsToRead(bench);
    fail(bench);
    expect(secondsToRead(bench)).toBe(1);
    for (let n = 0; n < 20; n += 1) {
      fail(bench);
      expect(secondsToRead(bench)).toBe(1);
    }
    expect(alerts(bench.timer())).toEqual([]);
    expect(bench.reason()).not.toBe(Reason.startup_position_sync_failed);
  });

  test('is not hurried by a person who resumes it', () => {
    const bench = running();
    bench.operator('resume');
    expect(secondsToRead(bench)).toBe(300);
  });
});

test('the answer of a read that a later one has overtaken is of the past, and changes nothing', () => {
  const bench = LivingBench.holding(100);
  const asked = (): number => {
    secondsToRead(bench);
    return bench.state.syncSentAtMs;
  };
  const first = asked();
  const second = asked();
  bench.read({ askedAtMs: second });
  bench.events.length = 0;
  bench.read({ askedAtMs: first, legs: [], marginRatio: 0.9 });
  expect(bench.events).toEqual([]);
  expect(bench.live(2).reason()).toBe(Reason.inventory_full);
});

describe('a read that explains not enough is repeated', () => {
  test('a second later while the position differs', () => {
    const bench = running();
    secondsToRead(bench);
    bench.sync({ position: 5, entryPrice: '60000' });
    expect(isRead(bench.timer(999))).toBe(false);
    expect(isRead(bench.timer(1))).toBe(true);
  });

  test('ten seconds after a position was taken over: its fill may still come', () => {
    const bench = running();
    for (let n = 0; n < 3; n += 1) {
      secondsToRead(bench);
      bench.sync({ position: 5, entryPrice: '60000' });
    }
    expect(bench.state.holdings.net.qty).toBe(5);
    expect(secondsToRead(bench)).toBe(10);
    bench.sync({ position: 5, entryPrice: '60000' });
    expect(secondsToRead(bench)).toBe(300);
  });

  test('a second later when the stream came back after it was asked for', () => {
    const bench = running();
    secondsToRead(bench);
    bench.nowMs += 100;
    orders(bench, 'down');
    orders(bench, 'up');
    bench.nowMs += 100;
    bench.sync();
    expect(secondsToRead(bench)).toBe(1);
  });

  test('a second later when what it has to explain was heard as it was asked for', () => {
    const bench = running();
    secondsToRead(bench);
    bench.seen('stranger', 'open');
    bench.sync();
    expect(secondsToRead(bench)).toBe(1);
    bench.sync();
    expect(secondsToRead(bench)).toBe(300);
  });

  test('a second later while a stop has no answer', () => {
    const risk = { ...botConfig().risk, protectiveStopEnabled: true };
    const bench = running(botConfig({ ...PATIENT, risk }));
    bench.fill('bot1_7-z', 'buy', 600_000, 4, 't1');
    bench.state.syncDueAtMs = bench.nowMs;
    bench.timer(500);
    bench.sync({ position: 4, entryPrice: '60000' });
    expect(secondsToRead(bench)).toBe(1);
  });

  test('every ten seconds while the venue has trouble with the account, whatever else is open', () => {
    for (const trouble of ['maintenance', 'auth'] as const) {
      const bench = running();
      const news = { news: 'placeAnswered', answer: 'no', code: '40015', trouble } as const;
      bench.tell({ kind: RecordKind.orderInput, clientOrderId: 'x', news });
      bench.sync();
      expect([trouble, secondsToRead(bench)]).toEqual([trouble, 10]);
      fail(bench);
      expect([trouble, secondsToRead(bench)]).toEqual([trouble, 10]);
    }
  });
});

describe('the read at the start', () => {
  test('waits twice as long after each failure, half a minute at most; one without an answer counts too', () => {
    const bench = starting();
    const waits: number[] = [];
    for (let tries = 1; tries <= 9; tries += 1) {
      if (tries === 4) bench.nowMs += 30_000;
      else fail(bench);
      waits.push(secondsToRead(bench));
    }
    expect(waits).toEqual([1, 2, 4, 9, 16, 30, 30, 30, 30]);
    expect(bench.state.syncTries).toBe(9);
  });

  test('that fails ten times is told with how often and where it failed', () => {
    const bench = starting();
    for (let tries = 1; tries <= 10; tries += 1) {
      if (tries > 1) secondsToRead(bench);
      expect(bench.eventsOf('alert')).toEqual([]);
      fail(bench, null, 'funding');
    }
    expect(bench.eventsOf('alert')).toMatchObject([
      { reason: 'startup_position_sync_failed', phase: 'starting', detail: { tries: 10, part: 'funding' } },
    ]);
    expect(bench.eventsOf('escalation')).toMatchObject([
      {
        reason: 'startup_position_sync_failed',
        detail: { from: 'allow', to: 'soft_pause', measured: 10, limit: 10 },
      },
    ]);
    expect(secondsToRead(bench)).toBe(Infinity);
    // Nor does the stream's return begin it anew: a person does, and has all tries again.
    orders(bench, 'down');
    expect(isRead(orders(bench, 'up'))).toBe(false);
    bench.operator('resume');
    expect(secondsToRead(bench)).toBe(1);
    fail(bench);
    expect(secondsToRead(bench)).toBe(1);
  });

  test('that works after failures leaves nothing of them', () => {
    const bench = starting();
    for (let tries = 1; tries <= 5; tries += 1) {
      fail(bench, null, 'balance');
      secondsToRead(bench);
    }
    expect(bench.reason()).toBe(Reason.balance_read_failed);
    bench.sync();
    bench.tell({ kind: RecordKind.startInput, epoch: 2, configHash: '', codeVersion: '' });
    orders(bench, 'up');
    expect(bench.reason()).toBe(Reason.startup_position_sync_pending);
    fail(bench);
    expect(secondsToRead(bench)).toBe(1);
  });

  test('during maintenance counts no try', () => {
    const bench = starting();
    for (let tries = 1; tries <= 12; tries += 1) {
      fail(bench, 'maintenance');
      expect(secondsToRead(bench)).toBe(10);
    }
    expect(bench.state.syncTries).toBe(0);
  });
});

describe("the stream's word on what is held", () => {
  const told = (bench: LivingBench, qty: number, leg: 'net' | 'long' = 'net'): Effect[] =>
    bench.tell({ kind: RecordKind.toldPositionInput, leg, qty: qty as SignedLots });
  /** Half seconds until a read is asked for. */
  const halvesToRead = (bench: LivingBench): number => {
    for (let half = 1; half <= 20; half += 1) if (isRead(bench.timer(500))) return half;
    return Infinity;
  };

  test('that is not ours for a second and a half makes the bot read', () => {
    const bench = running();
    told(bench, 4);
    // From the first timer that sees it.
    expect(halvesToRead(bench)).toBe(4);
    // ... and again while it stays so.
    bench.sync({ position: 0 });
    expect(halvesToRead(bench)).toBeLessThanOrEqual(3);
  });

  test('that comes before its fill hurries nothing', () => {
    const bench = running();
    told(bench, 4);
    bench.timer(500);
    bench.timer(500);
    bench.fill('bot1_7-z', 'buy', 600_000, 4, 't1');
    expect(halvesToRead(bench)).toBe(Infinity);
    // ... and the next difference is measured from its own beginning.
    told(bench, 5);
    expect(halvesToRead(bench)).toBe(4);
  });

  test('on one leg says nothing of the others', () => {
    const bench = running(botConfig({ ...PATIENT, positionMode: 'hedge' }));
    secondsToRead(bench);
    bench.sync({ legs: [] });
    bench.fill('bot1_7-z', 'sell', 600_000, 4, 't1', 'short');
    told(bench, 0, 'long');
    expect(halvesToRead(bench)).toBe(Infinity);
    told(bench, 1, 'long');
    expect(halvesToRead(bench)).toBe(4);
  });
});

test('a drift of the position counts until it is taken over', () => {
  const bench = LivingBench.holding(100, { positionDriftPctMax: 5 });
  const other = [{ leg: 'net' as const, qty: 90 as SignedLots, entryPrice: '60000' }];
  for (let n = 0; n < 2; n += 1) bench.read({ legs: other }).live(1);
  expect(bench.steps()).toEqual(['allow soft_pause position_drift']);
  bench.read({ legs: other });
  expect(bench.state.holdings.net.qty).toBe(90);
  bench.live(125);
  expect(bench.steps().at(-1)).toBe('reduce_exposure allow position_drift');
  expect(placed(bench.done).length).toBeGreaterThan(0);
});
