/** How long events may wait for the store: what a ping tells of it, and what the bot does at its limit. */
import { expect, test } from '@jest/globals';
import type { Effect } from '../../../core/bot/effects.ts';
import { Reason, reasonName } from '../../../core/bot/reasons.ts';
import { encodeState } from '../../../core/bot/state.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { alerts, type Bench, botConfig, cancelled, copyOf, placed } from '../../support/bots.ts';
import { quoting, started, up } from './talk.ts';

const MAX_MS = 10_000;
const LIMITED = botConfig({ deadmanS: 600, risk: { ...botConfig().risk, eventsUnstoredMsMax: MAX_MS } });

function hear(bench: Bench, storedAgeMs?: number | null): Effect[] {
  return bench.tell({ kind: RecordKind.controlInput, command: { command: 'ping', storedAgeMs } });
}

/** Seconds with a book and the same word in each. */
function seconds(bench: Bench, count: number, storedAgeMs?: (ms: number) => number | null): Effect[] {
  const all: Effect[] = [];
  for (let second = 0; second < count; second += 1) {
    all.push(...bench.timer(1_000), ...bench.book(600_000, 600_001, 0));
    if (storedAgeMs !== undefined) all.push(...hear(bench, storedAgeMs((second + 1) * 1_000)));
  }
  return all;
}

test('events that wait longer than they may take the quotes off the book, once told; stored again, the bot goes on', () => {
  const { bench, bid, ask } = quoting(LIMITED);
  hear(bench, 0);
  expect(alerts(seconds(bench, 10, (ms) => ms))).toEqual([]);
  expect(bench.reason()).toBe(Reason.quoted);
  const effects = seconds(bench, 3, (ms) => 10_000 + ms);
  expect(alerts(effects)).toEqual(['events_not_stored']);
  expect(new Set(cancelled(effects))).toEqual(new Set([bid, ask]));
  expect(reasonName(bench.reason())).toBe('events_not_stored');
  for (const id of [bid, ask]) bench.seen(id, 'cancelled');
  expect(placed(seconds(bench, 5, (ms) => 13_000 + ms))).toEqual([]);
  expect(placed(hear(bench, 200))).toHaveLength(2);
  expect(bench.reason()).toBe(Reason.quoted);
});

test('the limit is allowed, and not a millisecond more', () => {
  const { bench } = quoting(LIMITED);
  hear(bench, MAX_MS);
  expect(bench.reason()).toBe(Reason.quoted);
  hear(bench, MAX_MS + 1);
  expect(reasonName(bench.reason())).toBe('events_not_stored');
});

test('the wait goes on without another word, and over shippers that have seen nothing stored yet', () => {
  const { bench } = quoting(LIMITED);
  hear(bench, 4_000);
  seconds(bench, 3);
  seconds(bench, 3, () => null);
  expect(bench.reason()).toBe(Reason.quoted);
  expect(alerts(seconds(bench, 1, () => null))).toEqual(['events_not_stored']);
});

test('a shipper that never knew begins the wait; nobody who ships, none', () => {
  const { bench } = quoting(LIMITED);
  hear(bench, null);
  expect(alerts(seconds(bench, 11, () => null))).toEqual(['events_not_stored']);
  const { bench: alone } = quoting(LIMITED);
  hear(alone);
  expect(alerts(seconds(alone, 60))).toEqual([]);
  expect(JSON.parse(encodeState(alone.state))).not.toHaveProperty('eventStore');
});

test('the wait outlives the process, without the time that no process was there', () => {
  const { bench: before } = quoting(LIMITED);
  hear(before, 8_000);
  const { bench, effects } = started(before, 3_600_000);
  expect(copyOf(bench.state).eventStore).toEqual({ storedAtMs: bench.nowMs - 8_000, isBehind: false });
  expect(alerts(effects)).toEqual([]);
  up(bench);
  hear(bench, null);
  expect(alerts(seconds(bench, 3, () => null))).toEqual(['events_not_stored']);
});

test('a clock set back begins no wait that lasts until it has caught up', () => {
  const { bench: before } = quoting(LIMITED);
  hear(before, 0);
  const { bench } = started(before, -3_600_000);
  up(bench);
  expect(alerts(seconds(bench, 12, () => null))).toEqual(['events_not_stored']);
});
