/** When public trades are said to have happened: a step of the replay plays many at once. */
import { expect, test } from '@jest/globals';
import { createInstrument } from '../../core/market/instrument.ts';
import { Market } from '../../simulator/exchange/market.ts';
import { loadRecording } from '../../simulator/recordings.ts';
import { DATA_DIR, markets } from './harness.ts';

const NOW_MS = 1_700_000_000_000;

test.each([
  ['in real time', 20_000, 20_000],
  ['at a hundred times the pace', 20_000, 200],
])('%s, the trades of one long step are spread over it as they were recorded', (_name, recordedMs, realMs) => {
  const [{ instrument: spec, recordings }] = markets('BTCUSDT') as [ReturnType<typeof markets>[number]];
  const instrument = createInstrument(spec);
  const market = new Market(instrument, loadRecording(DATA_DIR, recordings, instrument), () => NOW_MS);
  market.advance(recordedMs, realMs);
  const times = market.recentTrades.map(({ atMs }) => atMs);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(times[0]).toBeGreaterThan(NOW_MS - realMs);
  expect(times.at(-1)).toBeLessThanOrEqual(NOW_MS);
  // At least half of the step lies between the first and the last of them.
  expect(times.at(-1)! - times[0]!).toBeGreaterThan(realMs / 2);
});

test('a clock that jumps back is followed, one that jitters is not', () => {
  const [{ instrument: spec, recordings }] = markets('BTCUSDT') as [ReturnType<typeof markets>[number]];
  const instrument = createInstrument(spec);
  let nowMs = NOW_MS;
  const market = new Market(instrument, loadRecording(DATA_DIR, recordings, instrument), () => nowMs);
  const last = () => {
    market.advance(20_000, 0);
    return market.recentTrades.at(-1)!.atMs;
  };
  expect(last()).toBe(NOW_MS);
  nowMs -= 5;
  expect(last()).toBe(NOW_MS);
  nowMs -= 3_600_000;
  expect(last()).toBe(nowMs);
});
