/**
 * Public channels: `books` (snapshot, then what changed), `books1|5|15|50` (top levels), `trade`, `ticker` and candles
 * (`candle1m`, `candle6Hutc`: days are of UTC here, so both spellings of an interval tell the same).
 * Messages of a channel are made once and sent to all its clients.
 */
import { crc32 } from 'node:zlib';
import type { BookLevels } from '../../core/fill-model/book-levels.ts';
import { formatPrice, formatQty } from '../../core/market/instrument.ts';
import type { PriceTicks, QtyLots } from '../../core/money/money.ts';
import { nextFundingAtMs } from '../exchange/funding.ts';
import type { Market } from '../exchange/market.ts';
import { PRODUCT_TYPE } from '../exchange/wire.ts';
import { depthRows, tickerFields } from '../rest/public-routes.ts';
import { CANDLE_MS, candlesOf } from '../rest/unified-candles.ts';
import { channelKey, type ChannelArgument, type StreamClient } from './client.ts';

/** Bitget's pushes came about every 100 ms when probed; `books1` is its fast channel. */
const PUSH_EVERY_MS: Readonly<Record<string, number>> = {
  books: 100,
  books1: 20,
  books5: 100,
  books15: 100,
  books50: 100,
  ticker: 100,
  ...Object.fromEntries(
    Object.keys(CANDLE_MS).flatMap((name) => candleChannels(name).map((channel) => [channel, 500])),
  ),
};
const TOP_DEPTH: Readonly<Record<string, number>> = { books1: 1, books5: 5, books15: 15, books50: 50 };
const CHECKSUM_LEVELS = 25;
const TRADES_AT_SUBSCRIPTION = 20;
const CANDLES_AT_SUBSCRIPTION = 500;

/** Whether a book channel stands still now: it says nothing, or the same again. */
export type Stalled = (symbol: string, channel: string) => 'mute' | 'repeat' | null;

export const PUBLIC_CHANNELS: ReadonlySet<string> = new Set(['trade', ...Object.keys(PUSH_EVERY_MS)]);

export class PublicFeed {
  private readonly markets: ReadonlyMap<string, Market>;
  private readonly withChecksum: boolean;
  private readonly nowMs: () => number;
  private readonly steadyMs: () => number;
  private readonly stalled: Stalled;
  /** The last checksum that was sent of a book, repeated while it is stalled. */
  private readonly lastChecksum = new Map<string, number>();
  /** Subscribed clients by channel. */
  private readonly clients = new Map<string, { argument: ChannelArgument; members: Set<StreamClient> }>();
  private readonly pushedAtMs = new Map<string, number>();
  /** Last text of a top-level or candle channel without its times: what has not changed is not sent again. */
  private readonly lastTop = new Map<string, string>();
  private readonly seq = new Map<string, number>();

  /** `nowMs` stamps what is sent, `steadyMs` paces it: the venue's clock may be skewed. */
  constructor(
    markets: ReadonlyMap<string, Market>,
    withChecksum: boolean,
    nowMs: () => number,
    steadyMs: () => number,
    stalled: Stalled = () => null,
  ) {
    this.markets = markets;
    this.withChecksum = withChecksum;
    this.nowMs = nowMs;
    this.steadyMs = steadyMs;
    this.stalled = stalled;
    // Sequences go on rising over restarts and stay below 2^53.
    for (const symbol of markets.keys()) this.seq.set(symbol, nowMs() * 1_000);
  }

  subscribe(client: StreamClient, argument: ChannelArgument): void {
    const market = this.markets.get(argument.instId ?? '');
    // The venue acknowledges a wrong product type of a real symbol and stays silent.
    if (market === undefined || argument.instType !== PRODUCT_TYPE) return;
    const key = channelKey(argument);
    const entry = this.clients.get(key) ?? { argument, members: new Set<StreamClient>() };
    this.clients.set(key, entry);
    // Others' pending changes go out first, so that the newcomer's snapshot and the next update fit together.
    if (argument.channel === 'books') this.pushBookChanges(market, entry.members);
    if (argument.channel === 'trade') {
      this.pushTrades(market, argument, entry.members);
      market.unsentTrades = [];
    }
    entry.members.add(client);
    this.updateWatched(market);
    client.send(this.initialMessage(argument, market));
  }

  unsubscribe(client: StreamClient, argument: ChannelArgument): void {
    const key = channelKey(argument);
    const entry = this.clients.get(key);
    if (entry === undefined) return;
    entry.members.delete(client);
    if (entry.members.size > 0) return;
    this.clients.delete(key);
    this.lastTop.delete(key);
    const market = this.markets.get(argument.instId ?? '');
    if (market !== undefined) this.updateWatched(market);
  }

  /** Sends what is due. Called after each step of the replay. */
  flush(): void {
    const nowMs = this.steadyMs();
    for (const [key, { argument, members }] of this.clients) {
      const market = this.markets.get(argument.instId ?? '');
      if (market === undefined) continue;
      if (argument.channel === 'trade') {
        this.pushTrades(market, argument, members);
        continue;
      }
      if (nowMs - (this.pushedAtMs.get(key) ?? 0) < (PUSH_EVERY_MS[argument.channel] ?? 0)) continue;
      this.pushedAtMs.set(key, nowMs);
      const stalled = argument.channel.startsWith('books') ? this.stalled(market.symbol, argument.channel) : null;
      if (stalled === 'mute') continue;
      if (stalled === 'repeat') this.repeat(key, argument, market, members);
      else if (argument.channel === 'books') this.pushBookChanges(market, members);
      else if (argument.channel === 'ticker') sendAll(members, this.tickerMessage(argument, market));
      else if (isCandle(argument)) this.pushCandle(key, argument, market, members);
      else this.pushTop(key, argument, market, members);
    }
    for (const market of this.markets.values()) {
      if (market.unsentTrades.length > 0) market.unsentTrades = [];
    }
  }

  private updateWatched(market: Market): void {
    const watches = (channel: string) =>
      this.clients.has(channelKey({ instType: PRODUCT_TYPE, channel, instId: market.symbol }));
    market.bookWatched = watches('books');
    market.tradesWatched = watches('trade');
    if (market.bookWatched) return;
    market.changed.buy.clear();
    market.changed.sell.clear();
  }

  private initialMessage(argument: ChannelArgument, market: Market): string {
    switch (argument.channel) {
      case 'books':
        return this.bookSnapshot(market);
      case 'ticker':
        return this.tickerMessage(argument, market);
      case 'trade':
        return this.tradeMessage('snapshot', argument, market, market.recentTrades.slice(-TRADES_AT_SUBSCRIPTION));
      default:
        return isCandle(argument)
          ? this.candleMessage('snapshot', argument, this.candleRows(argument, market, CANDLES_AT_SUBSCRIPTION))
          : this.topMessage(argument, this.topRows(argument, market));
    }
  }

  private bookSnapshot(market: Market): string {
    const nowMs = this.nowMs();
    const { bids, asks } = market.replay.book;
    const seq = this.seq.get(market.symbol)!;
    const data = {
      asks: depthRows(asks, market, asks.count),
      bids: depthRows(bids, market, bids.count),
      ...(this.withChecksum ? { checksum: 0 } : {}),
      ts: String(nowMs),
      seq,
      pseq: 0,
    };
    return JSON.stringify({ action: 'snapshot', arg: bookArgument(market), data: [data], ts: nowMs });
  }

  private pushBookChanges(market: Market, members: ReadonlySet<StreamClient>): void {
    const { changed } = market;
    if (members.size === 0 || (changed.buy.size === 0 && changed.sell.size === 0)) return;
    const nowMs = this.nowMs();
    const pseq = this.seq.get(market.symbol)!;
    const seq = pseq + 1;
    this.seq.set(market.symbol, seq);
    const { bids, asks } = market.replay.book;
    const checksum = this.withChecksum ? bookChecksum(market) : 0;
    this.lastChecksum.set(market.symbol, checksum);
    const data = {
      asks: changedRows(changed.sell, asks, market),
      bids: changedRows(changed.buy, bids, market),
      ...(this.withChecksum ? { checksum } : {}),
      ts: String(nowMs),
      seq,
      pseq,
    };
    changed.buy.clear();
    changed.sell.clear();
    sendAll(members, JSON.stringify({ action: 'update', arg: bookArgument(market), data: [data], ts: nowMs }));
  }

  /** A stalled book says again what it said last; what changed meanwhile waits and goes out when it moves again. */
  private repeat(key: string, argument: ChannelArgument, market: Market, members: ReadonlySet<StreamClient>): void {
    if (argument.channel !== 'books') {
      const rows = this.lastTop.get(key);
      if (rows !== undefined) sendAll(members, this.topMessage(argument, JSON.parse(rows) as object));
      return;
    }
    const nowMs = this.nowMs();
    const pseq = this.seq.get(market.symbol)!;
    const seq = pseq + 1;
    this.seq.set(market.symbol, seq);
    const checksum = this.lastChecksum.get(market.symbol);
    const data = {
      asks: [],
      bids: [],
      ...(this.withChecksum && checksum !== undefined ? { checksum } : {}),
      ts: String(nowMs),
      seq,
      pseq,
    };
    sendAll(members, JSON.stringify({ action: 'update', arg: argument, data: [data], ts: nowMs }));
  }

  private topRows({ channel }: ChannelArgument, market: Market) {
    const depth = TOP_DEPTH[channel] ?? 1;
    const { bids, asks } = market.replay.book;
    return { asks: depthRows(asks, market, depth), bids: depthRows(bids, market, depth) };
  }

  private topMessage(argument: ChannelArgument, rows: object): string {
    const nowMs = this.nowMs();
    const seq = this.seq.get(argument.instId ?? '') ?? 0;
    const data = { ...rows, ...(this.withChecksum ? { checksum: 0 } : {}), ts: String(nowMs), seq };
    return JSON.stringify({ action: 'snapshot', arg: argument, data: [data], ts: nowMs });
  }

  private pushTop(key: string, argument: ChannelArgument, market: Market, members: ReadonlySet<StreamClient>): void {
    const rows = this.topRows(argument, market);
    const text = JSON.stringify(rows);
    if (this.lastTop.get(key) === text) return;
    this.lastTop.set(key, text);
    sendAll(members, this.topMessage(argument, rows));
  }

  /** The candle that is being made, when it has changed. */
  private pushCandle(key: string, argument: ChannelArgument, market: Market, members: ReadonlySet<StreamClient>): void {
    const rows = this.candleRows(argument, market, 1);
    const text = JSON.stringify(rows);
    if (rows.length === 0 || this.lastTop.get(key) === text) return;
    this.lastTop.set(key, text);
    sendAll(members, this.candleMessage('update', argument, rows));
  }

  /** Start, open, high, low, close, base volume, quote volume, and the same in USDT; the newest `count`, oldest first. */
  private candleRows({ channel }: ChannelArgument, market: Market, count: number): string[][] {
    const interval = channel.slice('candle'.length).replace(/utc$/, '');
    const candles = candlesOf(market, CANDLE_MS[interval]!, { nowMs: this.nowMs(), count });
    return candles.map(({ startMs, open, high, low, close, volume, turnover }) => [
      String(startMs),
      open,
      high,
      low,
      close,
      volume,
      turnover,
      turnover,
    ]);
  }

  private candleMessage(action: string, argument: ChannelArgument, data: readonly string[][]): string {
    return JSON.stringify({ action, arg: argument, data, ts: this.nowMs() });
  }

  private pushTrades(market: Market, argument: ChannelArgument, members: ReadonlySet<StreamClient>): void {
    if (market.unsentTrades.length === 0) return;
    sendAll(members, this.tradeMessage('update', argument, market, market.unsentTrades));
  }

  private tradeMessage(
    action: string,
    argument: ChannelArgument,
    market: Market,
    trades: Market['recentTrades'],
  ): string {
    const { instrument } = market;
    const data = trades
      .map(({ id, atMs, price, qty, takerSide }) => ({
        ts: String(atMs),
        price: formatPrice(price, instrument),
        size: formatQty(qty, instrument),
        side: takerSide,
        tradeId: String(id),
      }))
      .reverse();
    return JSON.stringify({ action, arg: argument, data, ts: this.nowMs() });
  }

  private tickerMessage(argument: ChannelArgument, market: Market): string {
    const nowMs = this.nowMs();
    const data = {
      instId: market.symbol,
      ...tickerFields(market, nowMs),
      nextFundingTime: String(nextFundingAtMs(market, nowMs)),
      symbolType: '1',
      symbol: market.symbol,
      deliveryPrice: '0',
    };
    return JSON.stringify({ action: 'snapshot', arg: argument, data: [data], ts: nowMs });
  }
}

function candleChannels(interval: string): string[] {
  return [`candle${interval}`, `candle${interval}utc`];
}

function isCandle({ channel }: ChannelArgument): boolean {
  return channel.startsWith('candle');
}

function bookArgument({ symbol }: Market): ChannelArgument {
  return { instType: PRODUCT_TYPE, channel: 'books', instId: symbol };
}

function changedRows(prices: ReadonlySet<PriceTicks>, levels: BookLevels, { instrument }: Market): [string, string][] {
  return [...prices].map((price) => [
    formatPrice(price, instrument),
    formatQty(levels.sizeOf(price) as QtyLots, instrument),
  ]);
}

/** CRC-32 as a signed number over bid and ask in turn, price and size as sent, of the best 25 levels. */
export function bookChecksum(market: Market): number {
  const bids = depthRows(market.replay.book.bids, market, CHECKSUM_LEVELS);
  const asks = depthRows(market.replay.book.asks, market, CHECKSUM_LEVELS);
  const parts: string[] = [];
  for (let depth = 0; depth < CHECKSUM_LEVELS; depth++) {
    parts.push(...(bids[depth] ?? []), ...(asks[depth] ?? []));
  }
  return crc32(parts.join(':')) | 0;
}

function sendAll(members: ReadonlySet<StreamClient>, text: string): void {
  for (const client of members) client.send(text);
}
