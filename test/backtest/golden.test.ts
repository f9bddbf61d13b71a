/**
 * What the bots do in recorded markets, written down. A change of behaviour shows here as a difference; when it is meant,
 *
 *   RENEW_GOLDEN=1 ./desk test test/backtest/golden.test.ts
 *
 * writes the files anew, and their difference belongs into the change that made it.
 */
import { expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { derivedBars } from '../../backtest/derived-bars.ts';
import { barMsOf, runReplay } from '../../backtest/replay.ts';
import { LatencyParams } from '../../core/fill-model/latency.ts';
import { botConfig } from '../support/bots.ts';
import { feedNamed } from './harness.ts';
import { MAKER, QUOTES } from './strategies.ts';

const RISK = {
  exposureQuoteMax: '1500',
  orderQuoteMax: '300',
  ordersActiveMax: 8,
  cancelsPerMinuteMax: 300,
  bookAgeMsMax: 3_000,
  dailyLossQuoteMax: '200',
  orderRejectsPerMinuteMax: 60,
  protectiveStopEnabled: true,
};
const GOLDEN_DIR = join(process.cwd(), 'test/backtest/golden');

test.each([
  ['quotes-btc', 'btcusdt-20240808', QUOTES],
  ['quotes-eth', 'ethusdt-20240808', QUOTES],
  ['maker-btc', 'btcusdt-20240808', MAKER],
  ['maker-eth', 'ethusdt-20240808', MAKER],
] as const)('%s does what it did', (name, data, strategy) => {
  const { feed, instrument } = feedNamed(data);
  const config = botConfig({ symbol: instrument.symbol, strategy, risk: RISK });
  const fills: string[] = [];
  const { speed: _speed, ...result } = runReplay({
    feed,
    instrument,
    config,
    latency: LatencyParams.parse({ submitMs: 40, cancelMs: 40, feedMs: 40, jitterMs: 10 }),
    bars: derivedBars(feed, 0, barMsOf(config)),
    onEvent: (event) => {
      if (event.type !== 'fill') return;
      const { atMs, side, qty, price, liquidity, positionAfter } = event;
      fills.push(
        `${new Date(atMs).toISOString().slice(11, 23)} ${side} ${qty} at ${price}, ${liquidity} -> ${positionAfter}`,
      );
    },
  });
  const found = { data, ...result, fillList: fills };
  const path = join(GOLDEN_DIR, `${name}.json`);
  if (process.env['RENEW_GOLDEN'] === '1') writeFileSync(path, `${JSON.stringify(found, null, 2)}\n`);
  expect(found).toEqual(JSON.parse(readFileSync(path, 'utf8')));
  expect(result.fills.count).toBeGreaterThan(5);
});
