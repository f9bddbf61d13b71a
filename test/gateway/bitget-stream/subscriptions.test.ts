/** What a socket says over a simulated hour, when its channels are lost again and again. */
import { expect, test } from '@jest/globals';
import { createChance } from '../../../core/simulation/chance.ts';
import { createRetryDelay } from '../../../gateway/retry-delay.ts';
import { Subscriptions, type Channel } from '../../../gateway/bitget/stream/subscriptions.ts';
import { STREAM_TIMING } from '../../../gateway/bitget/stream/timing.ts';

const HOUR_MS = 3_600_000;

function channel(symbol: string): Channel {
  const nothing = (): void => undefined;
  const arg = { instType: 'USDT-FUTURES', channel: 'books', instId: symbol };
  return { arg, quietMsMax: Infinity, isUp: true, acknowledged: nothing, frame: nothing, lost: nothing };
}

test.each([1, 7, 60])('%d channels that are lost at once each time stay within 240 subscriptions an hour', (count) => {
  const chance = createChance(count);
  const subscriptions = new Subscriptions(chance, STREAM_TIMING, 0);
  const channels = Array.from({ length: count }, (_, n) => channel(`COIN${n}USDT`));
  for (const each of channels) subscriptions.add(each, 0);
  const saidAtMs: number[] = [];
  for (let nowMs = 0; nowMs < HOUR_MS;) {
    const next = subscriptions.next(nowMs);
    if (typeof next === 'number') {
      nowMs += Math.max(1, Math.min(next, 1_000));
      continue;
    }
    expect(next.args.length).toBeLessThan(20);
    if (next.op === 'unsubscribe') continue;
    for (const _ of next.args) saidAtMs.push(nowMs);
    for (const entry of subscriptions.all()) {
      if (entry.state !== 'asked') continue;
      entry.state = 'live';
      // At once the first time, as the socket does.
      subscriptions.askAnew(entry, nowMs, entry.backoff.failures === 0 ? 0 : entry.backoff.nextMs(0));
    }
  }
  expect(saidAtMs.length).toBeGreaterThan(50);
  expect(saidAtMs.length).toBeLessThanOrEqual(240);
  for (const each of channels) expect(subscriptions.find(`books/${each.arg.instId}`)).toBeDefined();
});

test('delays double, lie in the upper half, end at the most, and start again after a stable time', () => {
  const delays = (random: () => number): number[] => {
    const delay = createRetryDelay({ random, minMs: 1_000, maxMs: 30_000, stableMs: 60_000 });
    return [0, 0, 0, 59_999, 0, 0, 0, 60_000, 0].map((heldMs) => delay.nextMs(heldMs));
  };
  expect(delays(() => 0)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 500, 1_000]);
  expect(delays(() => 1)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 1_000, 2_000]);
});
