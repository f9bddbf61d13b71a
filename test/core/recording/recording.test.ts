import { describe, expect, test } from '@jest/globals';
import { createInstrument } from '../../../core/market/instrument.ts';
import { readRecording, RecordingError } from '../../../core/recording/recording.ts';
import { BTC } from '../../support/bots.ts';
import { framesOf, STARTED_AT_MS } from './builders.ts';

type Message = Record<string, unknown>;

const SNAPSHOT: Message = { lastUpdateId: 100, E: STARTED_AT_MS, bids: [['60000.0', '0.010']], asks: [['60000.1', '0.020'], ['60000.2', '0.030']] }; // prettier-ignore
const depth = (afterMs: number, b: string[][], a: string[][] = [], u = 101): Message => ({ e: 'depthUpdate', E: STARTED_AT_MS + afterMs, u, b, a }); // prettier-ignore
const trade = (afterMs: number, p: string, q: string, m = false): Message => ({ e: 'trade', E: STARTED_AT_MS + afterMs, p, q, m }); // prettier-ignore
const mark = (afterMs: number, p: string, r: string, T = STARTED_AT_MS + 28_800_000): Message => ({ e: 'markPriceUpdate', E: STARTED_AT_MS + afterMs, p, r, T }); // prettier-ignore

/** As a file holds them: the snapshot bare, what was streamed wrapped; each with the time of its receipt in ns. */
function fileOf(messages: readonly Message[], file = 'binance-usdm/a.ndjson.gz') {
  const lines = messages.map((message) =>
    message.lastUpdateId === undefined
      ? `${STARTED_AT_MS}000000 ${JSON.stringify({ stream: 's', data: message })}`
      : `${STARTED_AT_MS + 7}000000 ${JSON.stringify(message)}`,
  );
  return { file, sha256: 'f'.repeat(64), bytes: new TextEncoder().encode(`${lines.join('\n')}\n`) };
}

const read = (...messages: readonly Message[]) => readRecording([fileOf(messages)], BTC);
const START = [0, ['bid', 600_000, 10], ['ask', 600_001, 20], ['ask', 600_002, 30]];
const GOES_ON = depth(50, [['60000.0', '0']]);

describe('a recorded feed', () => {
  test('is the snapshot and what followed, in ticks, lots and ms after it', () => {
    const recording = read(
      SNAPSHOT,
      depth(50, [['59999.9', '0.001']], [['60000.1', '0.000']]),
      trade(60, '60000.1', '0.005'),
      trade(60, '60000.0', '0.004', true),
    );
    expect(framesOf(recording)).toEqual([
      START,
      [50, ['bid', 599_999, 1], ['ask', 600_001, 0]],
      [60, ['buyTrade', 600_001, 5]],
      [60, ['sellTrade', 600_000, 4]],
    ]);
    expect([recording.startedAtMs, recording.frameCount]).toEqual([STARTED_AT_MS, 4]);
    expect(recording.sources).toEqual([
      { file: 'binance-usdm/a.ndjson.gz', sha256: 'f'.repeat(64), venue: 'Binance USD-M perpetual, recorded' },
    ]);
  });

  test('begins with the snapshot: what came before it, or is in it already, is not played', () => {
    const frames = framesOf(
      read(trade(-9, '60000.0', '1'), mark(-9, '1', '0'), depth(-5, [['1', '1']]), SNAPSHOT, depth(9, [['2', '1']], [], 99), depth(9, [['3', '1']], [], 100)),
    ); // prettier-ignore
    expect(frames).toEqual([START, [9, ['bid', 30, 1_000]]]);
  });

  test('leaves out best offers, messages of no known kind, empty lines and trades at no price', () => {
    const ticker = { e: 'bookTicker', E: STARTED_AT_MS, u: 101, b: '1', B: '1', a: '2', A: '1' };
    const { bytes, ...rest } = fileOf([
      SNAPSHOT,
      ticker,
      { e: 'forceOrder', E: STARTED_AT_MS + 9, u: 200 },
      trade(10, '0', '0'),
      GOES_ON,
    ]);
    const text = new TextDecoder().decode(bytes).replaceAll('\n', '\n\n').trimEnd();
    const recording = readRecording([{ ...rest, bytes: new TextEncoder().encode(text) }], BTC);
    expect(framesOf(recording)).toEqual([START, [50, ['bid', 600_000, 0]]]);
  });

  test('keeps the order of receipt where event times step back', () => {
    const steps = read(SNAPSHOT, trade(60, '60000.1', '0.005'), depth(50, [['59999.9', '0.001']]), trade(61, '60000', '1'));
    expect(framesOf(steps).map(([atMs]) => atMs)).toEqual([0, 60, 60, 61]);
  }); // prettier-ignore

  test('takes the time of receipt for a snapshot without its own, in ns or us', () => {
    const { E: _E, ...timeless } = SNAPSHOT;
    const later = depth(57, [['59999.9', '0.001']]);
    expect(read(timeless, later).startedAtMs).toBe(STARTED_AT_MS + 7);
    expect(framesOf(read(timeless, later))[1]![0]).toBe(50);
    const file = fileOf([timeless, later]);
    const micros = new TextDecoder().decode(file.bytes).replaceAll('000000 ', '000 ');
    expect(readRecording([{ ...file, bytes: new TextEncoder().encode(micros) }], BTC).startedAtMs).toBe(
      STARTED_AT_MS + 7,
    );
  });

  test('goes on in the next file, up to a minute later', () => {
    const files = (afterMs: number) => [fileOf([SNAPSHOT, GOES_ON]), fileOf([depth(50 + afterMs, [['59999.9', '0.001']])], 'binance-spot/b.gz')]; // prettier-ignore
    const recording = readRecording(files(60_000), BTC);
    expect(framesOf(recording).map(([atMs]) => atMs)).toEqual([0, 50, 60_050]);
    expect(recording.sources.map(({ venue }) => venue)).toEqual(['Binance USD-M perpetual, recorded', 'Binance spot, recorded']); // prettier-ignore
    expect(() => readRecording(files(60_001), BTC)).toThrow(
      'binance-spot/b.gz: 60001 ms without a message, at most 60000 are played',
    );
  });

  test('from a folder of no known venue says so', () => {
    expect(readRecording([fileOf([SNAPSHOT, GOES_ON], 'a.gz')], BTC).sources[0]?.venue).toBe('unknown venue, recorded');
  });

  test('has the marks of the venue, exact, at times that never fall', () => {
    const { marks, frameCount } = read(SNAPSHOT, mark(1_000, '60000.12345678', '-0.0001'), mark(999, '60001', '0.00010000', 5), mark(2_000, '1', '0'), GOES_ON); // prettier-ignore
    expect([...marks.atMs]).toEqual([1_000, 1_000, 2_000]);
    expect([...marks.priceE8]).toEqual([6_000_012_345_678, 6_000_100_000_000, 100_000_000]);
    expect([...marks.rateE8]).toEqual([-10_000, 10_000, 0]);
    expect([...marks.fundingAtMs]).toEqual([STARTED_AT_MS + 28_800_000, 5, STARTED_AT_MS + 28_800_000]);
    expect(frameCount).toBe(2);
  });

  test('may be long', () => {
    const levels = Array.from({ length: 30_000 }, (_, index) => [String(index + 1), '0.001']);
    const recording = read(SNAPSHOT, depth(50, levels), depth(100, levels), depth(150, levels, [['7', '0.002']]));
    const { opKind, opTicks, opLots } = recording;
    expect([opKind, opTicks, opLots].map(({ length }) => length)).toEqual([90_004, 90_004, 90_004]);
    expect(framesOf(recording)[3]!.slice(-3)).toEqual([['bid', 299_990, 1], ['bid', 300_000, 1], ['ask', 70, 2]]);
  }); // prettier-ignore
});

test.each([
  ['no snapshot', [GOES_ON, GOES_ON], 'expected a depth snapshot and changes after it'],
  ['nothing after it', [SNAPSHOT], 'expected a depth snapshot and changes after it'],
  ['a second snapshot', [SNAPSHOT, GOES_ON, SNAPSHOT], 'a second depth snapshot would tear the book; only the first file may have one'],
  ['a price off the grid', [SNAPSHOT, depth(9, [['60000.05', '1']])], 'price "60000.05" is not on the grid of BTCUSDT'],
  ['a size off the grid', [SNAPSHOT, trade(9, '60000', '0.0005')], 'size "0.0005" is not on the grid of BTCUSDT'],
  ['a price that is none', [SNAPSHOT, depth(9, [['x', '1']])], 'price "x" is not on the grid of BTCUSDT'],
  ['a mark that is none', [SNAPSHOT, mark(9, '', '0')], 'mark price: "" is not a plain decimal number'],
  ['a rate that is too fine', [SNAPSHOT, mark(9, '1', '0.000000001')], 'funding rate: "0.000000001" has more than 8 decimals'],
] as const)('a feed with %s is refused with file, rule and value', (_name, messages, rule) => {
  expect(() => read(...messages)).toThrow(RecordingError);
  expect(() => read(...messages)).toThrow(`binance-usdm/a.ndjson.gz: ${rule}`);
}); // prettier-ignore

test('prices are held against the grid of the instrument that is asked for', () => {
  const fine = createInstrument({ ...BTC.spec, tick: '0.01', lot: '0.0001', qtyMin: '0.0001' });
  const recording = readRecording([fileOf([SNAPSHOT, depth(9, [['60000.05', '0.0002']])])], fine);
  expect(framesOf(recording)[1]).toEqual([9, ['bid', 6_000_005, 2]]);
});
