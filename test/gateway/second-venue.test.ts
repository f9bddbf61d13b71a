/** Bybit's market data through the unified interface: what is asked of whom, and what is done with bad answers. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { SILENT } from '../../core/log.ts';
import { createHttpClient, TransportFailure, type HttpClient, type HttpReply } from '../../gateway/http.ts';
import { BYBIT } from '../../gateway/ccxt/bybit.ts';
import { createUnifiedMarket, type UnifiedMarketOptions } from '../../gateway/ccxt/market.ts';
import type { VenueMarket } from '../../gateway/venue.ts';
import { startBybitServer, type BybitServer } from './bybit-server.ts';
import { Listener } from './conformance/listener.ts';
import { RecordingAgent, RefusingAgent, recordHttp } from './recording-agent.ts';

const SYMBOL = 'BTCUSDT';
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function serve(): Promise<BybitServer> {
  const server = await startBybitServer(SYMBOL, 5);
  ends.push(() => server.close());
  return server;
}

async function connect(server: BybitServer, change: Partial<UnifiedMarketOptions> = {}): Promise<VenueMarket> {
  const profile = { ...BYBIT, httpOrigin: server.httpUrl, wsOrigin: server.wsUrl };
  const market = await createUnifiedMarket({ profile, log: SILENT, random: () => 0, ...change });
  ends.push(() => market.close());
  return market;
}

async function streaming(server: BybitServer) {
  const market = await connect(server);
  const instrument = await market.instrument(SYMBOL);
  const listener = new Listener();
  const stream = market.streamMarket(instrument, listener.sink);
  await Promise.all(['book', 'trades', 'ticker'].map((channel) => listener.connector(channel, 'up')));
  return { market, instrument, listener, stream };
}

test('the rules are those that the venue states, the rates those that it lists', async () => {
  const { spec } = await (await connect(await serve())).instrument(SYMBOL);
  expect(spec).toEqual({
    symbol: SYMBOL,
    tick: '0.1',
    lot: '0.001',
    qtyMin: '0.001',
    notionalMin: '5',
    makerFeeRate: '0.0002',
    takerFeeRate: '0.00055',
  });
});

test('it asks for market data and nothing else', async () => {
  const server = await serve();
  const { market } = await streaming(server);
  await market.serverTimeMs();
  await market.funding(SYMBOL);
  await market.recentBars(SYMBOL, 60_000, 5);
  expect(new Set(server.asked.map((line) => line.split('?')[0]))).toEqual(
    new Set([
      'GET /v5/market/instruments-info',
      'GET /v5/market/kline',
      'GET /v5/market/time',
      'GET /v5/market/tickers',
      'WS /v5/public/linear',
    ]),
  );
  const topics = server.received.flatMap((message) => (message as { args?: string[] }).args ?? []);
  expect(topics.sort()).toEqual([`orderbook.50.${SYMBOL}`, `publicTrade.${SYMBOL}`, `tickers.${SYMBOL}`]);
});

test('prices, marks and funding arrive as the venue sent them', async () => {
  const { listener } = await streaming(await serve());
  const { markPrice, lastPrice } = await listener.next('ticker');
  expect([markPrice, lastPrice]).toEqual([
    expect.stringMatching(/^\d+(\.\d)?$/),
    expect.stringMatching(/^\d+(\.\d)?$/),
  ]);
  const funding = await listener.next('funding');
  expect(funding).toMatchObject({ symbol: SYMBOL, rate: '0.0001', intervalHours: 8 });
  expect(funding.nextAtMs! % (8 * 3_600_000)).toBe(0);
  // Told again with each ticker, it is news once.
  while (listener.all('ticker').length < 4) await listener.fresh('ticker');
  expect(listener.all('funding')).toHaveLength(1);
});

test('bars are the closed ones, as many as an answer holds', async () => {
  const server = await serve();
  const market = await connect(server);
  const bars = await market.recentBars(SYMBOL, 5 * 60_000, 12);
  expect(bars).toHaveLength(12);
  expect(server.asked.at(-1)).toMatch(/interval=5&/);
  expect(server.asked.at(-1)).toMatch(/limit=13/);
  const steps = bars.slice(1).map(({ openAtMs }, index) => openAtMs - bars[index]!.openAtMs);
  expect(new Set(steps)).toEqual(new Set([5 * 60_000]));
  expect(bars.at(-1)!.openAtMs + 5 * 60_000).toBeLessThanOrEqual(Date.now());
  await market.recentBars(SYMBOL, 60_000, 5_000);
  expect(server.asked.at(-1)).toMatch(/limit=1000/);
});

test.each([
  ['a hole in it', ['1670608800000', '17071', '', '17027', '17055.5', '268611', '15.7']],
  ['a close above the high', ['1670608800000', '17071', '17073', '17027', '18000', '268611', '15.7']],
  ['a price of nothing', ['1670608800000', '0', '0', '0', '0', '0', '0']],
])('a bar with %s is malformed', async (_name, row) => {
  const server = await serve();
  const inner = createHttpClient(server.httpUrl, 5_000);
  const result = { category: 'linear', symbol: SYMBOL, list: [row] };
  const http: HttpClient = {
    send: async (url, request) =>
      url.includes('/kline')
        ? { status: 200, body: JSON.stringify({ retCode: 0, retMsg: 'OK', result, time: Date.now() }) }
        : inner.send(url, request),
    close: () => inner.close(),
  };
  const market = await connect(server, { http });
  await expect(market.recentBars(SYMBOL, 60_000, 3)).rejects.toMatchObject({ name: 'VenueMalformed' });
});

test('the book is what was sent, levels that left it included', async () => {
  const { listener } = await streaming(await serve());
  while (listener.all('book').length < 60) await listener.fresh('book');
  expect(listener.all('book').filter(({ isOrdered, bid, ask }) => !isOrdered || bid >= ask)).toEqual([]);
});

describe('faults of the feed', () => {
  test('a lost update of the book is noticed: it is asked for anew, and counted', async () => {
    const server = await serve();
    const { listener, stream } = await streaming(server);
    const from = listener.heard.length;
    server.skipUpdate();
    await listener.connector('book', 'down', from);
    const reason = listener.all('connector', from).find(({ channel }) => channel === 'book')?.reason;
    expect(reason).toMatch(/^book gap: orderbook\.50\.BTCUSDT: update \d+ after \d+$/);
    await listener.connector('book', 'up', from);
    await listener.next('book', undefined, listener.heard.length);
    expect(stream.health()).toMatchObject({ bookGaps: 1, reconnects: 1, malformed: 0 });
  });

  test.each([
    ['a trade beside the grid of prices', { topic: `publicTrade.${SYMBOL}`, type: 'snapshot', ts: 1, data: [{ T: 1, s: SYMBOL, S: 'Buy', v: '0.001', p: '100.05', i: 'x', BT: false }] }], // prettier-ignore
    ['a book that is crossed', { topic: `orderbook.50.${SYMBOL}`, type: 'snapshot', ts: 1, data: { s: SYMBOL, b: [['101', '1']], a: [['100', '1']], u: 1, seq: 1 } }], // prettier-ignore
    ['a book with one side', { topic: `orderbook.50.${SYMBOL}`, type: 'snapshot', ts: 1, data: { s: SYMBOL, b: [['101', '1']], a: [], u: 1, seq: 1 } }], // prettier-ignore
  ])('%s is not told: the channel goes down and comes back', async (_name, message) => {
    const server = await serve();
    const { listener, stream } = await streaming(server);
    const channel = message.topic.startsWith('publicTrade') ? 'trades' : 'book';
    const from = listener.heard.length;
    server.broadcast(message);
    await listener.connector(channel, 'down', from);
    await listener.connector(channel, 'up', from);
    expect(listener.all('trade').filter(({ venueAtMs }) => venueAtMs === 1)).toEqual([]);
    expect(listener.all('book').filter(({ venueAtMs }) => venueAtMs === 1)).toEqual([]);
    expect(stream.health().malformed).toBe(1);
  });

  test('while the venue is away it tries again, and tells nothing', async () => {
    const server = await serve();
    const { listener } = await streaming(server);
    const from = listener.heard.length;
    server.interrupt();
    await listener.connector('book', 'down', from);
    const books = listener.all('book').length;
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(listener.all('book').length).toBe(books);
    server.restore();
    await listener.connector('book', 'up', from);
  });
});

describe('answers that are none', () => {
  const body = (retCode: number): string => JSON.stringify({ retCode, retMsg: 'x', result: {} });
  test.each<[string, HttpReply | TransportFailure, object]>([
    ['a refusal', { status: 200, body: body(10001) }, { name: 'VenueRefused', code: '10001' }],
    ['too many requests', { status: 429, body: body(10006) }, { name: 'VenueUnavailable' }],
    ['a broken server', { status: 502, body: '<html>' }, { name: 'VenueUnavailable' }],
    ['no JSON', { status: 200, body: '<html>' }, { name: 'VenueUnavailable' }],
    ['nothing at all', new TransportFailure('connection failed: ECONNRESET'), { name: 'VenueUnavailable' }],
    ['a list without our fields', { status: 200, body: JSON.stringify({ retCode: 0, result: { list: [{ symbol: SYMBOL, contractType: 'LinearPerpetual', status: 'Trading', baseCoin: 'BTC', quoteCoin: 'USDT', settleCoin: 'USDT', priceFilter: {}, lotSizeFilter: {} }], category: 'linear' } }) }, { name: 'VenueMalformed' }], // prettier-ignore
  ])('%s', async (_name, reply, error) => {
    const http: HttpClient = {
      send: async () => {
        if (reply instanceof Error) throw reply;
        return reply;
      },
      close: () => undefined,
    };
    const market = await connect(await serve(), { http });
    await expect(market.instrument(SYMBOL)).rejects.toMatchObject(error);
  });
});

test('live, it would dial the venue and nobody else', async () => {
  const server = await serve();
  // Answers come from the loopback server, whatever the address; no socket leaves.
  const inner = createHttpClient(server.httpUrl, 5_000);
  const rerouted: HttpClient = {
    send: (url, request) => inner.send(server.httpUrl + new URL(url).pathname + new URL(url).search, request),
    close: () => inner.close(),
  };
  const http = recordHttp(rerouted);
  const agent = new RefusingAgent();
  const market = await createUnifiedMarket({ profile: BYBIT, http, agent, log: SILENT, random: () => 0 });
  ends.push(() => market.close());
  const instrument = await market.instrument(SYMBOL);
  await market.funding(SYMBOL);
  await market.serverTimeMs();
  market.streamMarket(instrument, new Listener().sink);
  while (agent.dialled.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(http.urls.map((url) => url.split('?')[0]).sort()).toEqual([
    'https://api.bybit.com/v5/market/instruments-info',
    'https://api.bybit.com/v5/market/instruments-info',
    'https://api.bybit.com/v5/market/tickers',
    'https://api.bybit.com/v5/market/time',
  ]);
  expect(new Set(agent.dialled)).toEqual(new Set(['wss://stream.bybit.com:443/v5/public/linear']));
});

test('in all of this no host but the loopback was dialled', async () => {
  const server = await serve();
  const agent = new RecordingAgent();
  const http = recordHttp(createHttpClient(server.httpUrl, 5_000));
  const market = await connect(server, { http, agent });
  const listener = new Listener();
  market.streamMarket(await market.instrument(SYMBOL), listener.sink);
  await listener.next('book');
  expect(agent.dialled.length).toBeGreaterThan(0);
  expect(new Set(agent.dialled)).toEqual(new Set(['127.0.0.1']));
  expect(new Set(http.urls.map((url) => new URL(url).hostname))).toEqual(new Set(['127.0.0.1']));
});

test('one file of the folder names the library, and it is small', () => {
  const folder = join(process.cwd(), 'gateway', 'ccxt');
  const texts = readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')] as const);
  const naming = texts.filter(([, text]) => /ccxt/i.test(text));
  expect(naming.map(([file]) => file)).toEqual(['session.ts']);
  expect(naming[0]![1].split('\n').length).toBeLessThanOrEqual(220);
});
