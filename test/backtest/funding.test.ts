/** A recording with mark prices and funding, over a settlement at midnight. */
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { SequenceCounter } from '../../backtest/recorder.ts';
import { Replay } from '../../backtest/replay.ts';
import type { BotInput, TickerInput } from '../../core/bot/input.ts';
import { RecordKind } from '../../core/events/record.ts';
import { LatencyParams } from '../../core/fill-model/latency.ts';
import { parseQuote, parseScaled } from '../../core/money/decimal.ts';
import { botConfig } from '../support/bots.ts';
import { DATA_DIR, dataNamed, feedNamed } from './harness.ts';

const MIDNIGHT_MS = Date.UTC(2023, 3, 5);
const FEED_MS = 30;
const { feed, instrument } = feedNamed('btcusdt-20230404');

interface Stated {
  readonly E: number;
  readonly p: string;
  readonly r: string;
  readonly T: number;
}

/** As the exchange sent them, read without any of the code under test. */
const stated: Stated[] = dataNamed('btcusdt-20230404')
  .files.flatMap((file) =>
    gunzipSync(readFileSync(join(DATA_DIR, file)))
      .toString()
      .split('\n'),
  )
  .filter((line) => line.includes('"markPriceUpdate"'))
  .map((line) => (JSON.parse(line.slice(line.indexOf(' ') + 1)) as { data: Stated }).data)
  .filter(({ E }) => E >= feed.startedAtMs);

test('the recording has every statement', () => {
  expect(feed.marks.atMs.length).toBe(stated.length);
  expect(stated.length).toBeGreaterThan(500);
});

test('the bot hears each when it can, and pays at midnight what its position at the mark price costs', () => {
  const tickers: TickerInput[] = [];
  class Tickers extends SequenceCounter {
    override input(input?: BotInput): number {
      if (input?.kind === RecordKind.tickerInput) tickers.push({ ...input });
      return super.input();
    }
  }
  const strategy = { ...botConfig().strategy, halfSpreadBps: 0.3, requoteBps: 0.2, skewBps: 0, requoteMsMin: 200 };
  const risk = { ...botConfig().risk, cancelsPerMinuteMax: 600, orderRejectsPerMinuteMax: 600 };
  const replay = new Replay({
    feed,
    instrument,
    config: botConfig({ strategy, risk }),
    latency: LatencyParams.parse({ submitMs: FEED_MS, cancelMs: FEED_MS, feedMs: FEED_MS }),
    fromMs: 30_000,
    fundingIntervalMs: 28_800_000,
    recorder: new Tickers(),
  });
  let heldLots = 0;
  while (replay.play(1)) {
    if (feed.startedAtMs + feed.frameAtMs[replay.framesPlayed - 1]! < MIDNIGHT_MS)
      heldLots = replay.venue.row.holdings.net.qty;
  }
  const { pnl } = replay.finish();
  expect(heldLots).not.toBe(0);

  const startMs = feed.startedAtMs + 30_000;
  const before = stated.findLast(({ E }) => E <= startMs)!;
  const heard = [{ ...before, E: startMs }, ...stated.filter(({ E }) => E > startMs)];
  expect(
    tickers.map(({ atMs, markTicks, fundingRate, fundingAtMs }) => [
      atMs,
      markTicks!.toFixed(6),
      fundingRate,
      fundingAtMs,
    ]),
  ).toEqual(heard.map(({ E, p, r, T }) => [E + FEED_MS, (Number(p) / 0.1).toFixed(6), Number(r), T]));
  expect(new Set(tickers.map(({ fundingIntervalMs }) => fundingIntervalMs))).toEqual(new Set([28_800_000]));

  const last = stated.findLast(({ E, T }) => E < MIDNIGHT_MS && T === MIDNIGHT_MS)!;
  const owedE24 = BigInt(heldLots) * instrument.lotE12 * parseScaled(last.p, 12) * parseScaled(last.r, 12);
  const paid = Number(-owedE24 / 10n ** 24n) / 1e12;
  expect(Number(pnl.funding)).toBeCloseTo(paid, 11);
  expect(Math.sign(Number(pnl.funding))).toBe(-Math.sign(heldLots) * Math.sign(Number(last.r)));
  const { opening, realised, fees, funding, unrealised, equity } = pnl;
  const parts = [opening, realised, funding, unrealised].reduce((sum, part) => sum + parseQuote(part), 0n);
  expect(parts - parseQuote(fees)).toBe(parseQuote(equity));
  expect(replay.venue.exchange.books.payments.map(({ atMs }) => atMs)).toEqual([MIDNIGHT_MS]);
});
