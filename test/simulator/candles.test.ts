/** Candles: those of before the simulator began, those that it made, and both as one row. */
import { describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { createInstrument } from '../../core/market/instrument.ts';
import { minutesBefore } from '../../core/recording/history.ts';
import { MarketReplay } from '../../core/recording/market-replay.ts';
import { BARS_KEPT, foldBars, MINUTE_MS, MinuteBars, type TradeBar } from '../../core/recording/minute-bars.ts';
import { loadRecording } from '../../simulator/recordings.ts';
import { startSimulator } from '../../simulator/server.ts';
import { BOT4, DATA_DIR, markets, simulatorOptions, tempDir, withSimulator } from './harness.ts';
import { UNIFIED } from './unified-harness.ts';

const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'NEXOUSDT'];
const PATHS = {
  classic: '/api/v2/mix/market/candles?productType=USDT-FUTURES&granularity=1m&limit=1000',
  'classic history': '/api/v2/mix/market/history-candles?productType=USDT-FUTURES&granularity=1m&limit=1000',
  unified: '/api/v3/market/candles?category=USDT-FUTURES&interval=1m&limit=1000',
};

function recorded(symbol: string) {
  const [market] = markets(symbol);
  const instrument = createInstrument(market!.instrument);
  return loadRecording(DATA_DIR, market!.recordings, instrument);
}

interface Candle {
  readonly startMs: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
}

async function candlesAt(port: number, path: string, symbol: string): Promise<Candle[]> {
  const response = await fetch(`http://127.0.0.1:${port}${path}&symbol=${symbol}`);
  const { data } = (await response.json()) as { data: string[][] };
  return data.map((row) => {
    const [startMs, open, high, low, close] = row.map(Number) as [number, number, number, number, number];
    return { startMs, open, high, low, close };
  });
}

async function lastPrice(port: number, symbol: string): Promise<number> {
  const path = `/api/v2/mix/market/ticker?productType=USDT-FUTURES&symbol=${symbol}`;
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  const { data } = (await response.json()) as { data: { lastPr: string }[] };
  return Number(data[0]!.lastPr);
}

describe('what a recording traded before a place', () => {
  test('is what playing it up to there would have told, over recorded and mirrored laps', () => {
    const recording = recorded('BTCUSDT');
    const beganAtMs = 1_700_000_012_345;
    const stepMs = 250;
    const playedMs = 25 * MINUTE_MS + 777;
    let nowMs = beganAtMs;
    const played = new MinuteBars();
    const replay: MarketReplay = new MarketReplay(recording, {
      onLevel: () => {},
      onTrade: (_side, price, lots) => played.add(nowMs - replay.stepLeftAtFrameMs, price, lots),
    });
    replay.seek({ lap: 0, lapAtMs: 0 });
    for (let leftMs = playedMs; leftMs > 0; leftMs -= stepMs) {
      nowMs += Math.min(stepMs, leftMs);
      replay.advance(Math.min(stepMs, leftMs));
    }
    const told = minutesBefore(recording, replay.plan, { position: replay.position, atMs: nowMs, speed: 1 });
    const wholeFromMs = Math.ceil(beganAtMs / MINUTE_MS) * MINUTE_MS;
    const whole = (bars: readonly TradeBar[]) => bars.filter(({ openAtMs }) => openAtMs >= wholeFromMs);
    expect(replay.position.lap).toBeGreaterThanOrEqual(4);
    expect(whole(told)).toHaveLength(25);
    expect(whole(told)).toEqual(whole(played.read()));
  });

  test.each(SYMBOLS)('leads up to the first price of %s without a jump', (symbol) => {
    const recording = recorded(symbol);
    const replay = new MarketReplay(recording, { onLevel: () => {}, onTrade: () => {} });
    replay.seek({ lap: 0, lapAtMs: 0 });
    const atMs = 1_700_000_030_000;
    const told = minutesBefore(recording, replay.plan, { position: replay.position, atMs, speed: 1 });
    const bars = foldBars(told, MINUTE_MS, atMs);
    expect(bars.length).toBeGreaterThan(BARS_KEPT * 0.9);
    // As far as a minute moves at most, and no further, the last price lies from the book that is shown first.
    const rangeMax = Math.max(...bars.map(({ high, low }) => high - low));
    expect(Math.abs(bars.at(-1)!.close - replay.book.midDoubled() / 2)).toBeLessThanOrEqual(rangeMax);
    for (const [index, bar] of bars.slice(1).entries()) {
      expect(Math.abs(bar.open - bars[index]!.close)).toBeLessThanOrEqual(rangeMax);
    }
  });
});

describe('a simulator that has just begun', () => {
  test('has candles without a gap for all that a client may ask for, in both protocols alike', async () => {
    const all = { markets: markets(...SYMBOLS), accounts: [UNIFIED, BOT4] } as never;
    await withSimulator(all, async ({ port }) => {
      for (const symbol of SYMBOLS) {
        const rows = await Promise.all(Object.values(PATHS).map((path) => candlesAt(port, path, symbol)));
        const [first] = rows;
        expect(first!.length).toBeGreaterThan(500);
        for (const candles of rows) expect(candles.slice(0, -2)).toEqual(first!.slice(0, candles.length - 2));
        for (const [index, { startMs, open, high, low, close }] of first!.entries()) {
          expect(startMs).toBe(first![0]!.startMs + index * MINUTE_MS);
          expect(high).toBeGreaterThanOrEqual(Math.max(open, close, low));
          expect(low).toBeLessThanOrEqual(Math.min(open, close));
        }
        expect(Date.now() - first!.at(-1)!.startMs).toBeLessThan(2 * MINUTE_MS);
        const price = await lastPrice(port, symbol);
        expect(Math.abs(price / first!.at(-1)!.close - 1)).toBeLessThan(0.01);
      }
    });
  });

  test('after a restart they lead up to the price where the recording goes on', async () => {
    const dir = tempDir();
    const options = simulatorOptions(dir, { speed: 40 });
    try {
      const before = await startSimulator(options);
      const closes = new Set<number>();
      while (closes.size < 5) closes.add((await candlesAt(before.port, PATHS.classic, 'BTCUSDT')).at(-1)!.close);
      const wasAt = await lastPrice(before.port, 'BTCUSDT');
      await before.stop();
      const after = await startSimulator({ ...options, speed: 1 });
      const candles = await candlesAt(after.port, PATHS.classic, 'BTCUSDT');
      await after.stop();
      expect(candles.length).toBeGreaterThan(500);
      const range = Math.max(...candles.map(({ high, low }) => high - low));
      expect(Math.abs(candles.at(-1)!.close - wasAt)).toBeLessThanOrEqual(range);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
