/**
 * Bybit's public v5 interface on a loopback port, playing one of our recordings: enough of it for live market data of
 * linear perpetuals. It knows nothing of the desk; its shapes are those of bybit-exchange.github.io/docs/v5 (market/time,
 * market/instrument, market/tickers, market/kline, websocket/public/orderbook, trade, ticker) and of the samples in the sources of
 * ccxt 4.5.84 (js/src/bybit.js, js/src/pro/bybit.js).
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import type { BookLevels } from '../../core/fill-model/book-levels.ts';
import { createInstrument, formatPrice, formatQty, type Instrument } from '../../core/market/instrument.ts';
import type { PriceTicks, QtyLots } from '../../core/money/money.ts';
import { minutesBefore } from '../../core/recording/history.ts';
import { MarketReplay } from '../../core/recording/market-replay.ts';
import { foldBars, MINUTE_MS, MinuteBars, type TradeBar } from '../../core/recording/minute-bars.ts';
import { DATA_DIR, loadOnce, recordedMarkets } from './conformance/recordings.ts';

const DEPTH = 50;
const PUSH_MS = 20;
const FUNDING = { fundingRate: '0.0001', fundingIntervalHour: '8' };
const EIGHT_HOURS_MS = 8 * 3_600_000;

type Level = [string, string];
interface Client {
  readonly socket: WebSocket;
  readonly topics: Set<string>;
}

export interface BybitServer {
  readonly httpUrl: string;
  readonly wsUrl: string;
  /** Request lines and WebSocket paths, as they came. */
  readonly asked: string[];
  /** Every message that a client sent. */
  readonly received: unknown[];
  /** Ends every socket and takes no new one until `restore`. */
  interrupt(): void;
  restore(): void;
  /** Leaves out the next update of the book: those after it do not follow. */
  skipUpdate(): void;
  /** Sends `message` to everyone. */
  broadcast(message: object): void;
  close(): Promise<void>;
}

export async function startBybitServer(symbol: string, speed: number): Promise<BybitServer> {
  const [listed] = recordedMarkets(symbol);
  const instrument = createInstrument(listed!.instrument);
  const clients = new Set<Client>();
  const asked: string[] = [];
  const received: unknown[] = [];
  let trades: object[] = [];
  let lastTicks = 0 as PriceTicks;
  let tradeId = 0;
  let updateId = 1_000;
  let isInterrupted = false;
  let skips = 0;

  const recording = loadOnce(DATA_DIR, listed!.recordings, instrument);
  const beganAtMs = Date.now();
  const minutes = new MinuteBars(() => minutesBefore(recording, replay.plan, { position: { lap: 0, lapAtMs: 0 }, atMs: beganAtMs, speed })); // prettier-ignore
  const replay: MarketReplay = new MarketReplay(recording, {
    onLevel: () => undefined,
    onTrade(takerSide, price, qty) {
      lastTicks = price;
      minutes.add(Date.now(), price, qty);
      const S = takerSide === 'buy' ? 'Buy' : 'Sell';
      const common = { T: Date.now(), s: symbol, S, v: formatQty(qty, instrument), p: formatPrice(price, instrument) };
      trades.push({ ...common, L: 'ZeroMinusTick', i: `5c1ac0ef-0000-5000-8000-${String((tradeId += 1)).padStart(12, '0')}`, BT: false }); // prettier-ignore
    },
  });
  replay.seek({ lap: 0, lapAtMs: 0 });
  let shown = { b: topOf(replay.book.bids, instrument), a: topOf(replay.book.asks, instrument) };

  const price = (ticks: number): string => formatPrice(ticks as PriceTicks, instrument);
  const midTicks = (): number => Math.floor(replay.book.midDoubled() / 2);
  const prices = () => ({
    lastPrice: price(lastTicks === 0 ? replay.book.bids.best() : lastTicks),
    markPrice: price(midTicks()),
    indexPrice: price(midTicks()),
  });
  const nextFundingTime = (): string => String((Math.floor(Date.now() / EIGHT_HOURS_MS) + 1) * EIGHT_HOURS_MS);
  const tickerRow = () => ({
    symbol,
    tickDirection: 'ZeroMinusTick',
    price24hPcnt: '0.017103',
    ...prices(),
    prevPrice24h: price(midTicks()),
    highPrice24h: price(midTicks()),
    lowPrice24h: price(midTicks()),
    prevPrice1h: price(midTicks()),
    openInterest: '68744.761',
    openInterestValue: '1183601235.91',
    turnover24h: '1570383121.943499',
    volume24h: '91705.276',
    nextFundingTime: nextFundingTime(),
    ...FUNDING,
    bid1Price: price(replay.book.bids.best()),
    bid1Size: '84.489',
    ask1Price: price(replay.book.asks.best()),
    ask1Size: '83.020',
  });

  const sendTo = ({ socket, topics }: Client, message: { topic: string }): void => {
    if (topics.has(message.topic)) socket.send(JSON.stringify(message));
  };
  const push = (message: { topic: string }): void => clients.forEach((client) => sendTo(client, message));
  const bookMessage = (type: 'snapshot' | 'delta', levels: { b: Level[]; a: Level[] }) => {
    const ts = Date.now();
    return { topic: `orderbook.${DEPTH}.${symbol}`, type, ts, data: { s: symbol, ...levels, u: updateId, seq: updateId * 7 }, cts: ts - 2 }; // prettier-ignore
  };
  const tickerMessage = (type: 'snapshot' | 'delta', data: object) => ({
    topic: `tickers.${symbol}`,
    type,
    data,
    cs: 24987956059 + updateId,
    ts: Date.now(),
  });

  let playedAtMs = Date.now();
  let pushes = 0;
  const timer = setInterval(() => {
    const atMs = Date.now();
    replay.advance((atMs - playedAtMs) * speed);
    playedAtMs = atMs;
    if (trades.length > 0) push({ topic: `publicTrade.${symbol}`, type: 'snapshot', ts: atMs, data: trades } as { topic: string }); // prettier-ignore
    trades = [];
    const top = { b: topOf(replay.book.bids, instrument), a: topOf(replay.book.asks, instrument) };
    const changes = { b: changesOf(shown.b, top.b), a: changesOf(shown.a, top.a) };
    shown = top;
    if (changes.b.length + changes.a.length > 0) {
      updateId += 1;
      if (skips > 0) skips -= 1;
      else push(bookMessage('delta', changes));
    }
    if ((pushes += 1) % 5 === 0) push(tickerMessage('delta', { symbol, ...prices() }));
  }, PUSH_MS);

  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const answer = answerTo(request, symbol, instrument, { tickerRow, minutes: () => minutes.read() });
    response.statusCode = answer === null ? 404 : 200;
    response.end(answer === null ? '' : JSON.stringify(answer));
  });
  const upgrades = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    asked.push(`WS ${request.url}`);
    if (isInterrupted || request.url !== '/v5/public/linear') return void socket.destroy();
    upgrades.handleUpgrade(request, socket, head, (accepted) => {
      const client = { socket: accepted, topics: new Set<string>() };
      clients.add(client);
      accepted.on('close', () => clients.delete(client));
      accepted.on('error', () => undefined);
      accepted.on('message', (data: Buffer) => {
        const message = JSON.parse(data.toString()) as { op: string; req_id?: string; args?: string[] };
        received.push(message);
        const head = { success: true, conn_id: 'cejreaspqfh3sjdnldmg-p', req_id: message.req_id ?? '' };
        if (message.op === 'ping') return accepted.send(JSON.stringify({ ...head, ret_msg: 'pong', op: 'ping' }));
        if (message.op !== 'subscribe') {
          return accepted.send(JSON.stringify({ ...head, success: false, ret_msg: 'error:invalid op', op: '' }));
        }
        for (const topic of message.args ?? []) client.topics.add(topic);
        accepted.send(JSON.stringify({ ...head, ret_msg: '', op: 'subscribe' }));
        for (const topic of message.args ?? []) {
          if (topic.startsWith('orderbook.')) sendTo(client, bookMessage('snapshot', shown));
          if (topic.startsWith('tickers.')) sendTo(client, tickerMessage('snapshot', tickerRow()));
        }
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  function dropAll(): void {
    for (const { socket } of clients) socket.terminate();
  }
  return {
    httpUrl: `http://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${port}`,
    asked,
    received,
    interrupt() {
      isInterrupted = true;
      dropAll();
    },
    restore() {
      isInterrupted = false;
    },
    skipUpdate() {
      skips += 1;
    },
    broadcast(message) {
      for (const { socket } of clients) socket.send(JSON.stringify(message));
    },
    async close() {
      clearInterval(timer);
      dropAll();
      upgrades.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Shown {
  readonly tickerRow: () => object;
  readonly minutes: () => readonly TradeBar[];
}

function answerTo(request: IncomingMessage, symbol: string, instrument: Instrument, shown: Shown): unknown {
  const url = new URL(request.url ?? '/', 'http://loopback');
  const query = Object.fromEntries(url.searchParams);
  const time = Date.now();
  const ok = (result: object) => ({ retCode: 0, retMsg: 'OK', result, retExtInfo: {}, time });
  switch (url.pathname) {
    case '/v5/market/time':
      return ok({ timeSecond: String(Math.floor(time / 1_000)), timeNano: `${time}000000` });
    case '/v5/market/instruments-info':
      if (query.category !== 'linear') return { retCode: 10001, retMsg: 'params error: category invalid', result: {}, retExtInfo: {}, time }; // prettier-ignore
      return ok({ category: 'linear', list: query.status === 'PreLaunch' ? [] : [instrumentRow(symbol, instrument)], nextPageCursor: '' }); // prettier-ignore
    case '/v5/market/tickers':
      if (query.symbol !== symbol) return { retCode: 10001, retMsg: 'params error: symbol invalid', result: {}, retExtInfo: {}, time }; // prettier-ignore
      return ok({ category: 'linear', list: [shown.tickerRow()] });
    case '/v5/market/kline':
      if (query.symbol !== symbol) return { retCode: 10001, retMsg: 'params error: symbol invalid', result: {}, retExtInfo: {}, time }; // prettier-ignore
      return ok({ category: 'linear', symbol, list: klineRows(shown.minutes(), instrument, query) });
    default:
      return null;
  }
}

/** Newest first, the one that still grows among them. */
function klineRows(minutes: readonly TradeBar[], instrument: Instrument, query: NodeJS.Dict<string>): string[][] {
  const price = (ticks: number): string => formatPrice(ticks as PriceTicks, instrument);
  return foldBars(minutes, Number(query.interval) * MINUTE_MS, Date.now())
    .slice(-Number(query.limit))
    .reverse()
    .map(({ openAtMs, open, high, low, close, lots, tickLots }) => [
      String(openAtMs),
      ...[open, high, low, close].map(price),
      formatQty(lots as QtyLots, instrument),
      (tickLots * instrument.quotePerTickLot).toFixed(4),
    ]);
}

function instrumentRow(symbol: string, { spec }: Instrument): object {
  return {
    symbol,
    contractType: 'LinearPerpetual',
    status: 'Trading',
    baseCoin: symbol.replace(/USDT$/, ''),
    quoteCoin: 'USDT',
    launchTime: '1584230400000',
    deliveryTime: '0',
    deliveryFeeRate: '',
    priceScale: '2',
    leverageFilter: { minLeverage: '1', maxLeverage: '100.00', leverageStep: '0.01' },
    priceFilter: { minPrice: '0.10', maxPrice: '1999999.80', tickSize: `${spec.tick}0` },
    lotSizeFilter: {
      maxOrderQty: '1190.000',
      minOrderQty: spec.qtyMin,
      qtyStep: spec.lot,
      postOnlyMaxOrderQty: '1190.000',
      maxMktOrderQty: '500.000',
      minNotionalValue: spec.notionalMin,
    },
    unifiedMarginTrade: true,
    fundingInterval: 480,
    settleCoin: 'USDT',
    copyTrading: 'both',
    upperFundingRate: '0.00375',
    lowerFundingRate: '-0.00375',
    isPreListing: false,
    preListingInfo: null,
  };
}

function topOf(levels: BookLevels, instrument: Instrument): Level[] {
  return Array.from({ length: Math.min(DEPTH, levels.count) }, (_, depth) => [
    formatPrice(levels.priceAt(depth), instrument),
    formatQty(levels.sizeAt(depth), instrument),
  ]);
}

/** A level that left the shown depth is sent with size 0, as the venue does. */
function changesOf(before: readonly Level[], after: readonly Level[]): Level[] {
  const old = new Map(before);
  const kept = new Set(after.map(([priceText]) => priceText));
  const gone = before.filter(([priceText]) => !kept.has(priceText)).map(([priceText]): Level => [priceText, '0']);
  return [...gone, ...after.filter(([priceText, size]) => old.get(priceText) !== size)];
}
