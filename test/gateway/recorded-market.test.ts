import { afterEach, describe, expect, test } from '@jest/globals';
import { createInstrument } from '../../core/market/instrument.ts';
import { MarketReplay } from '../../core/recording/market-replay.ts';
import { createRecordedMarket, type RecordedMarketOptions } from '../../gateway/recorded/market.ts';
import type { VenueMarket } from '../../gateway/venue.ts';
import { Listener } from './conformance/listener.ts';
import { DATA_DIR, loadOnce, recordedMarkets } from './conformance/recordings.ts';

const SYMBOL = 'BTCUSDT';
const MARKETS = recordedMarkets(SYMBOL, 'ETHUSDT');
const opened: VenueMarket[] = [];
afterEach(async () => {
  for (const market of opened.splice(0)) await market.close();
});

function open(change: Partial<RecordedMarketOptions> = {}) {
  const market = createRecordedMarket({ dataDir: DATA_DIR, markets: MARKETS, speed: 0, load: loadOnce, ...change });
  opened.push(market);
  return market;
}

/** What is told in `totalMs`, played in steps of `stepMs` of a clock that a test moves. */
async function played(totalMs: number, stepMs: number): Promise<unknown[]> {
  const market = open({ now: () => 1_000 });
  const listener = new Listener();
  market.streamMarket(await market.instrument(SYMBOL), listener.sink);
  await listener.next('book');
  for (let at = 0; at < totalMs; at += stepMs) market.advance(Math.min(stepMs, totalMs - at));
  return listener.heard;
}

test('a recording is the same however it is stepped, twice and message by message', async () => {
  const inOne = await played(20_000, 20_000);
  const heard = new Set(inOne.map((item) => (item as { kind: string }).kind));
  expect(heard).toEqual(new Set(['connector', 'book', 'trade', 'ticker']));
  expect(inOne.length).toBeGreaterThan(200);
  expect(await played(20_000, 20_000)).toEqual(inOne);
  expect(await played(20_000, 37)).toEqual(inOne);
});

test('its trades are those of the recording, one for one', async () => {
  const heard = (await played(20_000, 500)) as {
    kind: string;
    value: { price: number; qty: number; takerSide: string };
  }[];
  const told = heard
    .filter(({ kind }) => kind === 'trade')
    .map(({ value }) => [value.takerSide, value.price, value.qty]);
  const recorded: unknown[] = [];
  const instrument = createInstrument(MARKETS[0]!.instrument);
  const replay = new MarketReplay(loadOnce(DATA_DIR, MARKETS[0]!.recordings, instrument), {
    onLevel: () => undefined,
    onTrade: (...trade) => recorded.push(trade),
  });
  replay.seek({ lap: 0, lapAtMs: 0 });
  replay.advance(20_000);
  expect(told.length).toBeGreaterThan(20);
  expect(told).toEqual(recorded);
});

test('by the clock it plays as fast as it is told to', async () => {
  let nowMs = 0;
  const market = open({ speed: 50, now: () => nowMs });
  const listener = new Listener();
  market.streamMarket(await market.instrument(SYMBOL), listener.sink);
  await listener.next('book');
  nowMs += 400;
  await listener.next('trade');
  // 400 ms are 20 recorded seconds, and then the clock stands still.
  const told = listener.all('trade').length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(listener.all('trade').length).toBe(told);
  const expected = (await played(20_000, 1_000)) as { kind: string }[];
  expect(told).toBe(expected.filter(({ kind }) => kind === 'trade').length);
});

describe('what it does not have is not made up', () => {
  test('another symbol, funding, a mark price', async () => {
    const market = open();
    await expect(market.instrument('DOGEUSDT')).rejects.toMatchObject({ code: 'symbol_not_recorded' });
    await expect(market.funding(SYMBOL)).rejects.toMatchObject({ code: 'funding_not_recorded' });
    const heard = (await played(20_000, 500)) as { kind: string; value: { markPrice?: unknown } }[];
    const marks = heard.filter(({ kind }) => kind === 'ticker').map(({ value }) => value.markPrice);
    expect(new Set(marks)).toEqual(new Set([null]));
  });

  test('an assumed funding rate is told, with its settlements', async () => {
    const nowMs = Date.UTC(2025, 0, 1, 7, 59);
    const market = open({ now: () => nowMs, assumedFunding: { rate: '0.0001', intervalHours: 8 } });
    const listener = new Listener();
    market.streamMarket(await market.instrument(SYMBOL), listener.sink);
    const nextAtMs = Date.UTC(2025, 0, 1, 8);
    const told = { symbol: SYMBOL, venueAtMs: nowMs, rate: '0.0001', intervalHours: 8, nextAtMs };
    expect(await listener.next('funding')).toEqual(told);
    expect(await market.funding(SYMBOL)).toEqual(told);
  });
});

test('a stopped stream is silent, others of the same symbol go on; closed it answers nothing', async () => {
  const market = open();
  const [first, second] = [new Listener(), new Listener()];
  const instrument = await market.instrument(SYMBOL);
  const stream = market.streamMarket(instrument, first.sink);
  market.streamMarket(instrument, second.sink);
  await Promise.all([first.next('book'), second.next('book')]);
  await stream.stop();
  const [heardFirst, heardSecond] = [first.heard.length, second.heard.length];
  market.advance(5_000);
  expect([first.heard.length > heardFirst, second.heard.length > heardSecond]).toEqual([false, true]);
  await market.close();
  await expect(market.instrument(SYMBOL)).rejects.toMatchObject({ name: 'VenueUnavailable' });
});

describe('bars of what was played', () => {
  const STARTED_AT_MS = 1_700_000_010_000;

  async function playedFor(minutes: number) {
    let nowMs = STARTED_AT_MS;
    const market = open({ now: () => nowMs });
    const listener = new Listener();
    market.streamMarket(await market.instrument(SYMBOL), listener.sink);
    await listener.next('book');
    const before = await market.recentBars(SYMBOL, 60_000, 100);
    for (let passedMs = 0; passedMs < minutes * 60_000; passedMs += 100) {
      nowMs += 100;
      market.advance(100);
    }
    return { market, before, trades: listener.all('trade') };
  }

  test('are whole minutes, none of a time before, and what was traded in them', async () => {
    const { market, before, trades } = await playedFor(3.75);
    expect(before).toEqual([]);
    const bars = await market.recentBars(SYMBOL, 60_000, 100);
    // It began half way through a minute, and the last quarter of one is not closed.
    expect(bars.map(({ openAtMs }) => openAtMs - STARTED_AT_MS)).toEqual([30_000, 90_000, 150_000]);
    for (const { openAtMs, open: first, high, low, close, volume } of bars) {
      const inIt = trades.filter(({ venueAtMs }) => venueAtMs >= openAtMs && venueAtMs < openAtMs + 60_000);
      const prices = inIt.map(({ price }) => price / 10);
      expect([first, close].map(Number)).toEqual([prices[0], prices.at(-1)]);
      expect([high, low].map(Number)).toEqual([Math.max(...prices), Math.min(...prices)]);
      expect(Number(volume)).toBeCloseTo(inIt.reduce((sum, { qty }) => sum + qty, 0) / 1_000, 9);
    }
    expect(await market.recentBars(SYMBOL, 60_000, 2)).toEqual(bars.slice(1));
  });

  test('longer ones begin where a whole one does', async () => {
    const { market } = await playedFor(5.6);
    const [bar, ...rest] = await market.recentBars(SYMBOL, 120_000, 10);
    expect(rest).toHaveLength(1);
    expect(bar!.openAtMs % 120_000).toBe(0);
    await expect(market.recentBars(SYMBOL, 90_000, 10)).rejects.toMatchObject({ code: 'interval_not_offered' });
  });
});
