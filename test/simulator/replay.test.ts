import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createInstrument } from '../../core/market/instrument.ts';
import { COMPARED_LEVELS, sizeDistance } from '../../core/recording/laps.ts';
import { MarketReplay, type ReplaySink } from '../../core/recording/market-replay.ts';
import { loadRecording } from '../../simulator/recordings.ts';
import { DATA_DIR, markets, withSimulator } from './harness.ts';

const NOTHING: ReplaySink = { onLevel: () => {}, onTrade: () => {} };

function replayOf(symbol: string, sink = NOTHING): MarketReplay {
  const [market] = markets(symbol);
  const instrument = createInstrument(market!.instrument);
  return new MarketReplay(loadRecording(DATA_DIR, market!.recordings, instrument), sink);
}

function topSizes(replay: MarketReplay): number[] {
  const { bids, asks } = replay.book;
  return Array.from({ length: COMPARED_LEVELS }, (_unused, depth) => [bids.sizeAt(depth), asks.sizeAt(depth)]).flat();
}

describe.each(['BTCUSDT', 'ETHUSDT', 'NEXOUSDT'])('the replay of %s', (symbol) => {
  test('goes on over the joins of four laps without a jump, a drift or a crossed book', () => {
    const replay = replayOf(symbol);
    replay.advance(1);
    const startMid = replay.book.midDoubled();
    const { lapMs } = replay.plan;
    const stepMs = lapMs / 7_000;
    const joins: { move: number; sizeMove: number; mid: number }[] = [];
    const sizeMoves: number[] = [];
    let crossedCount = 0;
    while (joins.length < 4) {
      const mid = replay.book.midDoubled();
      const sizes = topSizes(replay);
      const left = lapMs - replay.position.lapAtMs;
      // The last step of a lap ends just before the join, and the join is a step of its own of a millisecond.
      const isJoin = left <= 0.5;
      replay.advance(isJoin ? 1 : Math.min(stepMs, left - 0.25));
      if (replay.book.bids.best() >= replay.book.asks.best()) crossedCount += 1;
      const sizeMove = sizeDistance(sizes, topSizes(replay));
      if (!isJoin) sizeMoves.push(sizeMove);
      else joins.push({ move: Math.abs(replay.book.midDoubled() - mid), sizeMove, mid: replay.book.midDoubled() });
    }
    expect(crossedCount).toBe(0);
    // The mid of a join does not move at all, its sizes no more than in an ordinary busy step of the recording.
    const busy = sizeMoves.sort((a, b) => a - b)[Math.floor(sizeMoves.length * 0.99)]!;
    for (const { move, sizeMove } of joins) {
      expect(move).toBe(0);
      expect(sizeMove).toBeGreaterThan(0);
      expect(sizeMove).toBeLessThanOrEqual(busy);
    }
    expect(joins[1]!.mid).toBe(startMid);
    expect(joins[3]!.mid).toBe(startMid);
  });

  test('a mirrored lap is the recording with sides swapped: as many trades and volume, no net direction over two laps', () => {
    const volume = { buy: 0, sell: 0 };
    let count = 0;
    const replay = replayOf(symbol, {
      onLevel: () => {},
      onTrade: (side, _price, qty) => {
        volume[side] += qty;
        count += 1;
      },
    });
    replay.advance(replay.plan.lapMs);
    const firstLap = { ...volume, count };
    expect(replay.origin).toBe('derived');
    replay.advance(replay.plan.lapMs);
    expect(count).toBe(firstLap.count * 2);
    expect(volume.buy).toBeCloseTo(volume.sell, 6);
    expect(volume.buy).toBeCloseTo(firstLap.buy + firstLap.sell, 6);
  });
});

test('seeking to a position gives the book that playing there gives', () => {
  const played = replayOf('BTCUSDT');
  played.advance(played.plan.lapMs + 100_000);
  const sought = replayOf('BTCUSDT');
  sought.seek(played.position);
  for (const side of ['buy', 'sell'] as const) {
    const [a, b] = [played.book.levels(side), sought.book.levels(side)];
    expect(b.count).toBe(a.count);
    for (let depth = 0; depth < a.count; depth++) {
      expect([b.priceAt(depth), b.sizeAt(depth)]).toEqual([a.priceAt(depth), a.sizeAt(depth)]);
    }
  }
});

test('the rebuilt book agrees with the best bid and offer that the venue sent for the same update', () => {
  const file = gunzipSync(readFileSync(join(DATA_DIR, 'binance-usdm/BTCUSDT-20240808.ndjson.gz'))).toString('latin1');
  const best = new Map<number, [string, string]>();
  const depthIds: { at: number; u: number }[] = [];
  let snapshot: { at: number; id: number } | null = null;
  for (const line of file.split('\n')) {
    if (line === '') continue;
    const parsed = JSON.parse(line.slice(line.indexOf(' ') + 1)) as {
      lastUpdateId?: number;
      E: number;
      data?: { e: string; E: number; u: number; b: string; a: string };
    };
    if (parsed.lastUpdateId !== undefined) snapshot = { at: parsed.E, id: parsed.lastUpdateId };
    else if (parsed.data?.e === 'bookTicker') best.set(parsed.data.u, [parsed.data.b, parsed.data.a]);
    else if (parsed.data?.e === 'depthUpdate') depthIds.push({ at: parsed.data.E, u: parsed.data.u });
  }
  const replay = replayOf('BTCUSDT');
  replay.advance(0.5);
  let compared = 0;
  for (const { at, u } of depthIds) {
    const expected = best.get(u);
    if (expected === undefined || u <= snapshot!.id || at - snapshot!.at >= replay.plan.lapMs - 100) continue;
    replay.advance(Math.max(0, at - snapshot!.at - replay.position.lapAtMs));
    // Several depth messages may carry the same millisecond; only the last of them is comparable.
    if (depthIds.some((other) => other.at === at && other.u > u)) continue;
    const shown = [replay.book.bids.best(), replay.book.asks.best()].map((ticks) => (ticks / 10).toFixed(2));
    expect(shown).toEqual(expected);
    compared += 1;
  }
  expect(compared).toBeGreaterThan(50);
});

test('status tells what is recorded and what is derived, and shows no secret', async () => {
  await withSimulator({ speed: 1_000 }, async ({ port }) => {
    const origins = new Set<string>();
    let text = '';
    while (!origins.has('derived')) {
      text = await (await fetch(`http://127.0.0.1:${port}/simulator/status`)).text();
      const status = JSON.parse(text) as { symbols: Record<string, { origin: string; sources: object[] }> };
      origins.add(status.symbols.BTCUSDT!.origin);
      expect(status.symbols.BTCUSDT!.sources).toMatchObject([{ venue: 'Binance USD-M perpetual, recorded' }]);
    }
    expect(text).not.toContain('secret');
    const health = await fetch(`http://127.0.0.1:${port}/simulator/health`);
    expect(await health.json()).toMatchObject({ status: 'ok' });
  });
});
