import { expect, test } from '@jest/globals';
import { FillRelay, RELAY_MS_MAX } from '../../../core/fill-model/fill-relay.ts';

const START = 1_000_000;
const MINUTE = RELAY_MS_MAX;

function watching(): FillRelay {
  const relay = new FillRelay();
  relay.watchFrom(START);
  return relay;
}

test.each([
  ['held by accounting', START, ['a'], START + 10 * MINUTE, 0],
  ['missing after exactly a minute', START, [], START + MINUTE, 0],
  ['missing for longer', START, [], START + MINUTE + 1, 1],
  ['from before the watch: it is read, not relayed', START - 1, [], START + 10 * MINUTE, 0],
] as const)('a fill %s', (_name, atMs, booked, nowMs, dropped) => {
  const relay = watching();
  expect(relay.check([{ tradeId: 'a', atMs }], booked, nowMs)).toHaveLength(dropped);
  expect(relay.droppedCount).toBe(dropped);
});

test('is counted once, also when it is brought in later, and beside others', () => {
  const relay = watching();
  const listed = [
    { tradeId: 'a', atMs: START },
    { tradeId: 'b', atMs: START + 5 },
    { tradeId: 'c', atMs: START + 6 },
  ];
  const laterMs = START + 2 * MINUTE;
  expect(relay.check(listed, ['b'], laterMs)).toEqual(['a', 'c']);
  expect(relay.check(listed, ['b'], laterMs)).toEqual([]);
  expect(relay.check(listed, ['a', 'b', 'c'], laterMs)).toEqual([]);
  expect(relay.droppedCount).toBe(2);
});

test('nothing is expected while the stream is down, nor of that time afterwards', () => {
  const relay = new FillRelay();
  const during = [{ tradeId: 'a', atMs: START + 10 }];
  expect(relay.check(during, [], START + 2 * MINUTE)).toEqual([]);
  relay.watchFrom(START);
  relay.pause();
  expect(relay.check(during, [], START + 2 * MINUTE)).toEqual([]);
  relay.watchFrom(START + 20);
  expect(relay.check(during, [], START + 2 * MINUTE)).toEqual([]);
  expect(relay.check([{ tradeId: 'b', atMs: START + 20 }], [], START + 2 * MINUTE)).toEqual(['b']);
});

test('a thousand fills that were lost are counted, and the memory of them is bounded', () => {
  const relay = watching();
  const listed = Array.from({ length: 5_000 }, (_, n) => ({ tradeId: `t${n}`, atMs: START }));
  expect(relay.check(listed, [], START + 2 * MINUTE)).toHaveLength(5_000);
  expect(relay.check(listed.slice(-2_048), [], START + 2 * MINUTE)).toEqual([]);
  expect(relay.droppedCount).toBe(5_000);
  // Of one that is long gone from every list nothing is remembered.
  expect(relay.check(listed.slice(0, 1), [], START + 2 * MINUTE)).toEqual(['t0']);
});
