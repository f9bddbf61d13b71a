/**
 * Public topics of v3: `books` (snapshot, then what changed), `books1|5|50` (top levels), `publicTrade`, `ticker`,
 * `kline` and `liquidation`. Messages of a topic are made once and sent to all its clients. What the last update of a
 * book showed is kept per symbol, and the next update is the difference: no other feed has to be asked.
 */
import { formatPrice, formatQty } from '../../core/market/instrument.ts';
import { formatQuote } from '../../core/money/decimal.ts';
import type { ExchangeEvent } from '../exchange/changes.ts';
import { nextFundingAtMs } from '../exchange/funding.ts';
import type { Market } from '../exchange/market.ts';
import type { FillRow } from '../exchange/rows.ts';
import { depthRows } from '../rest/public-routes.ts';
import { CANDLE_MS, candlesOf } from '../rest/unified-candles.ts';
import { unifiedTicker } from '../rest/unified-public-routes.ts';
import type { StreamClient } from './client.ts';
import type { Stalled } from './public-feed.ts';
import { topicKey, USDT_FUTURES, type Topic } from './unified-client.ts';

/** As probed: 51 to 64 ms for v3's books, the ticker like v2's. Trades go out at once. */
const PUSH_EVERY_MS: Readonly<Record<string, number>> = {
  books: 60,
  books1: 20,
  books5: 100,
  books50: 100,
  ticker: 100,
  kline: 500,
};
const TOP_DEPTH: Readonly<Record<string, number>> = { books1: 1, books5: 5, books50: 50 };
const LEVELS_MAX = 1_000;
const LIQUIDATION: Topic = { instType: USDT_FUTURES, topic: 'liquidation' };
const TRADES_AT_SUBSCRIPTION = 20;
const CANDLES_AT_SUBSCRIPTION = 200;

export const UNIFIED_PUBLIC_TOPICS: ReadonlySet<string> = new Set([
  'publicTrade',
  'liquidation',
  ...Object.keys(PUSH_EVERY_MS),
]);

type Levels = Map<string, string>;

interface Shown {
  readonly a: Levels;
  readonly b: Levels;
  seq: number;
}

interface Subscription {
  readonly topic: Topic;
  readonly members: Set<StreamClient>;
  pushedAtMs: number;
  /** Text of a top-level topic without its times: unchanged tops are not sent again. */
  lastRows: string;
}

export class UnifiedPublicFeed {
  private readonly markets: ReadonlyMap<string, Market>;
  private readonly nowMs: () => number;
  private readonly steadyMs: () => number;
  private readonly stalled: Stalled;
  private readonly subscriptions = new Map<string, Subscription>();
  private readonly shown = new Map<string, Shown>();
  private readonly lastTradeId = new Map<string, number>();

  /** `nowMs` stamps what is sent, `steadyMs` paces it: the venue's clock may be skewed. A stalled book says nothing here. */
  constructor(
    markets: ReadonlyMap<string, Market>,
    nowMs: () => number,
    steadyMs: () => number,
    stalled: Stalled = () => null,
  ) {
    this.markets = markets;
    this.nowMs = nowMs;
    this.steadyMs = steadyMs;
    this.stalled = stalled;
  }

  subscribe(client: StreamClient, topic: Topic): void {
    // A wrong product type of a real symbol is acknowledged and stays silent, as on v2.
    if (topic.instType !== USDT_FUTURES) return;
    const key = topicKey(topic);
    let subscription = this.subscriptions.get(key);
    if (subscription === undefined) {
      subscription = { topic, members: new Set(), pushedAtMs: 0, lastRows: '' };
      this.subscriptions.set(key, subscription);
    }
    const market = this.markets.get(topic.symbol ?? '');
    // Others' pending changes go out first, so that the newcomer's snapshot and the next update fit together.
    if (market !== undefined) this.pushPending(subscription, market);
    subscription.members.add(client);
    if (market !== undefined) client.send(this.initialMessage(topic, market));
  }

  unsubscribe(client: StreamClient, topic: Topic): void {
    const key = topicKey(topic);
    const subscription = this.subscriptions.get(key);
    if (subscription === undefined) return;
    subscription.members.delete(client);
    if (subscription.members.size > 0) return;
    this.subscriptions.delete(key);
    if (topic.topic === 'books') this.shown.delete(topic.symbol ?? '');
    if (topic.topic === 'publicTrade') this.lastTradeId.delete(topic.symbol ?? '');
  }

  /** Sends what is due. Called after each step of the replay. */
  flush(): void {
    const nowMs = this.steadyMs();
    for (const subscription of this.subscriptions.values()) {
      const market = this.markets.get(subscription.topic.symbol ?? '');
      if (market === undefined) continue;
      if (nowMs - subscription.pushedAtMs < (PUSH_EVERY_MS[subscription.topic.topic] ?? 0)) continue;
      subscription.pushedAtMs = nowMs;
      const { topic } = subscription.topic;
      if (topic.startsWith('books') && this.stalled(market.symbol, topic) !== null) continue;
      this.pushPending(subscription, market);
    }
  }

  /** Tells everybody of positions that the exchange closed by force, by symbol and without a name. */
  push(events: readonly ExchangeEvent[]): void {
    const subscription = this.subscriptions.get(topicKey(LIQUIDATION));
    if (subscription === undefined) return;
    const rows = events.flatMap((event) => {
      if (event.kind !== 'order' || event.fill?.cause !== 'liquidation') return [];
      return [liquidationRow(event.fill, this.markets.get(event.fill.symbol)!)];
    });
    if (rows.length > 0) sendAll(subscription, this.message('update', LIQUIDATION, rows));
  }

  private pushPending(subscription: Subscription, market: Market): void {
    const { topic, members } = subscription;
    if (members.size === 0) return;
    switch (topic.topic) {
      case 'books':
        return this.pushBookChanges(subscription, market);
      case 'publicTrade':
        return this.pushTrades(subscription, market);
      case 'ticker':
        return sendAll(subscription, this.message('snapshot', topic, [this.ticker(market)]));
      case 'kline':
        return sendAll(subscription, this.message('update', topic, this.candleRows(topic, market, 1)));
      default:
        return this.pushTop(subscription, market);
    }
  }

  private initialMessage(topic: Topic, market: Market): string {
    switch (topic.topic) {
      case 'books':
        return this.message('snapshot', topic, [this.bookSnapshot(market)]);
      case 'publicTrade':
        return this.message('snapshot', topic, tradeRows(market, this.firstTrades(market)));
      case 'ticker':
        return this.message('snapshot', topic, [this.ticker(market)]);
      case 'kline':
        return this.message('snapshot', topic, this.candleRows(topic, market, CANDLES_AT_SUBSCRIPTION));
      default:
        return this.message('snapshot', topic, [this.top(topic, market)]);
    }
  }

  private bookSnapshot(market: Market) {
    const shown = this.shown.get(market.symbol) ?? { ...levelsOf(market), seq: this.nowMs() * 1_000 };
    this.shown.set(market.symbol, shown);
    const { a, b, seq } = shown;
    return { a: [...a], b: [...b], seq, pseq: 0, ts: String(this.nowMs()), maxdepth: String(LEVELS_MAX) };
  }

  private pushBookChanges(subscription: Subscription, market: Market): void {
    const before = this.shown.get(market.symbol);
    if (before === undefined) return;
    const { a, b } = levelsOf(market);
    const changes = { a: changedLevels(before.a, a), b: changedLevels(before.b, b) };
    if (changes.a.length === 0 && changes.b.length === 0) return;
    const seq = before.seq + 1;
    this.shown.set(market.symbol, { a, b, seq });
    const data = { ...changes, seq, pseq: before.seq, ts: String(this.nowMs()), maxdepth: String(LEVELS_MAX) };
    sendAll(subscription, this.message('update', subscription.topic, [data]));
  }

  private pushTop(subscription: Subscription, market: Market): void {
    const rows = JSON.stringify(topRows(subscription.topic, market));
    if (rows === subscription.lastRows) return;
    subscription.lastRows = rows;
    sendAll(subscription, this.message('snapshot', subscription.topic, [this.top(subscription.topic, market)]));
  }

  private top(topic: Topic, market: Market) {
    const nowMs = this.nowMs();
    return { ...topRows(topic, market), seq: nowMs * 1_000, pseq: 0, ts: String(nowMs) };
  }

  private firstTrades(market: Market): Market['recentTrades'] {
    if (!this.lastTradeId.has(market.symbol)) this.lastTradeId.set(market.symbol, market.recentTrades.at(-1)?.id ?? 0);
    return market.recentTrades.slice(-TRADES_AT_SUBSCRIPTION);
  }

  private pushTrades(subscription: Subscription, market: Market): void {
    const lastId = this.lastTradeId.get(market.symbol) ?? 0;
    const last = market.recentTrades.at(-1);
    if (last === undefined || last.id <= lastId) return;
    this.lastTradeId.set(market.symbol, last.id);
    const trades = market.recentTrades.filter(({ id }) => id > lastId);
    sendAll(subscription, this.message('update', subscription.topic, tradeRows(market, trades)));
  }

  private ticker(market: Market) {
    const nowMs = this.nowMs();
    return { ...unifiedTicker(market, nowMs), nextFundingTime: String(nextFundingAtMs(market, nowMs)) };
  }

  /** The newest `count`, oldest first. */
  private candleRows({ interval }: Topic, market: Market, count: number): object[] {
    const intervalMs = CANDLE_MS[interval ?? ''] ?? CANDLE_MS['1m']!;
    return candlesOf(market, intervalMs, { nowMs: this.nowMs(), count }).map(({ startMs, ...candle }) => ({
      start: String(startMs),
      ...candle,
    }));
  }

  private message(action: 'snapshot' | 'update', arg: Topic, data: readonly object[]): string {
    return JSON.stringify({ action, arg, data, ts: this.nowMs() });
  }
}

/** `side` is that of the position: buy was long. `amount` is in USDT: the captured ones are no multiples of a lot. */
function liquidationRow({ symbol, side, price, value, atMs }: FillRow, { instrument }: Market): object {
  return {
    symbol,
    side: side === 'sell' ? 'buy' : 'sell',
    price: formatPrice(price, instrument),
    amount: formatQuote(value),
    ts: String(atMs),
  };
}

function levelsOf(market: Market): { a: Levels; b: Levels } {
  const { asks, bids } = market.replay.book;
  return { a: new Map(depthRows(asks, market, LEVELS_MAX)), b: new Map(depthRows(bids, market, LEVELS_MAX)) };
}

/** A level that is gone, or has left the depth that is shown, comes with size 0. */
function changedLevels(before: Levels, after: Levels): [string, string][] {
  const changed = [...after].filter(([price, size]) => before.get(price) !== size);
  for (const price of before.keys()) if (!after.has(price)) changed.push([price, '0']);
  return changed;
}

function topRows({ topic }: Topic, market: Market) {
  const depth = TOP_DEPTH[topic] ?? 1;
  const { asks, bids } = market.replay.book;
  return { a: depthRows(asks, market, depth), b: depthRows(bids, market, depth) };
}

/** Newest first. */
function tradeRows({ instrument }: Market, trades: Market['recentTrades']): object[] {
  return trades
    .map(({ id, atMs, price, qty, takerSide }) => ({
      i: String(id),
      p: formatPrice(price, instrument),
      v: formatQty(qty, instrument),
      S: takerSide,
      T: String(atMs),
      L: String(id),
      isRPI: 'no',
    }))
    .reverse();
}

function sendAll({ members }: Subscription, text: string): void {
  for (const client of members) client.send(text);
}
