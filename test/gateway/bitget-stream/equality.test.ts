/** The recorded messages of the venue through the library's handlers and through ours: every book, trade and ticker is the same. */
import { expect, test } from '@jest/globals';
import bitget from '../../../node_modules/ccxt/js/src/pro/bitget.js';
import { formatPrice, formatQty, type Instrument } from '../../../core/market/instrument.ts';
import type { PriceTicks, QtyLots } from '../../../core/money/money.ts';
import { ReplicatedBook, type BookRow } from '../../../gateway/bitget/stream/book.ts';
import type { BookSide } from '../../../gateway/bitget/stream/book-side.ts';
import { parseTickerRow, parseTradeRow } from '../../../gateway/bitget/stream/public-rows.ts';
import { instrument, ndjson, recordingAsV2, type Message } from './samples.ts';

type Level = [number, number];
interface CcxtStub {
  readonly orderbooks: Record<string, { bids: Level[]; asks: Level[]; timestamp: number }>;
  readonly trades: Record<
    string,
    { id: string; price?: number; amount: number; side: string; timestamp: number; info: Record<string, string> }[]
  >;
  readonly tickers: Record<string, { last: number; timestamp: number; info: Record<string, string> }>;
  handleMessage(client: object, message: unknown): void;
}

/** ccxt as it comes; `client` is where its handlers put answers for callers that wait, and nobody waits here. */
function library(instruments: readonly Instrument[]): (message: unknown) => CcxtStub {
  const exchange = new bitget({ enableRateLimit: false, newUpdates: true });
  exchange.setMarkets(
    instruments.map(({ symbol, spec }) => {
      const base = symbol.replace(/USDT$/, '');
      return exchange.safeMarketStructure({
        id: symbol, symbol: `${base}/USDT:USDT`, base, quote: 'USDT', settle: 'USDT', type: 'swap', spot: false, swap: true, contract: true,
        linear: true, contractSize: 1, precision: { amount: Number(spec.lot), price: Number(spec.tick) },
      }); // prettier-ignore
    }),
  );
  const client = { url: 'ws', resolve: () => undefined, reject: () => undefined, futures: {}, subscriptions: {} };
  const stub = exchange as unknown as CcxtStub;
  return (message) => {
    stub.handleMessage(client, structuredClone(message));
    return stub;
  };
}

const unified = (symbol: string): string => `${symbol.replace(/USDT$/, '')}/USDT:USDT`;
const symbolOf = ({ arg }: Message): string => (arg.instId ?? arg.symbol) as string;

function levels(side: BookSide, { symbol, ...rest }: Instrument): Level[] {
  const at = { symbol, ...rest };
  return Array.from({ length: side.count }, (_, depth) => [
    Number(formatPrice(side.ticksAt(depth) as PriceTicks, at)),
    Number(formatQty(side.lotsAt(depth) as QtyLots, at)),
  ]);
}

/** Feeds both and compares after each message. Tells how many of each kind were compared. */
function compare(messages: readonly Message[], instruments: readonly Instrument[]) {
  const tell = library(instruments);
  const books = new Map(instruments.map((each) => [each.symbol, new ReplicatedBook(each)]));
  const counts = { snapshots: 0, updates: 0, checksums: 0, trades: 0, tickers: 0 };
  for (const message of messages) {
    const at = instruments.find(({ symbol }) => symbol === symbolOf(message));
    if (at === undefined || message.event !== undefined) continue;
    const theirs = tell(message);
    const channel = (message.arg.channel ?? message.arg.topic) as string;
    if (channel === 'books') {
      const book = books.get(at.symbol)!;
      const row = message.data[0] as BookRow;
      expect(book.apply(message.action, row, JSON.stringify(message))).toBe(true);
      const { bids, asks, timestamp } = theirs.orderbooks[unified(at.symbol)]!;
      expect(levels(book.bids, at)).toEqual([...bids].map(([price, size]) => [price, size]));
      expect(levels(book.asks, at)).toEqual([...asks].map(([price, size]) => [price, size]));
      expect(book.frame.venueAtMs).toBe(timestamp);
      counts[message.action === 'snapshot' ? 'snapshots' : 'updates'] += 1;
      if (Number(row.checksum ?? 0) !== 0) {
        counts.checksums += 1;
        expect(book.checksum()).toBe(row.checksum);
      }
    } else if (channel === 'trade' || channel === 'publicTrade') {
      const known = theirs.trades[unified(at.symbol)]!;
      const newest = [...known].slice(-message.data.length);
      const ours = [...message.data].reverse().map((row) => parseTradeRow(row, at.symbol, at.priceGrid, at.qtyGrid));
      expect(
        ours.map(({ tradeId, trade }) => ({
          id: tradeId,
          price: Number(formatPrice(trade.price, at)),
          amount: Number(formatQty(trade.qty, at)),
          side: trade.takerSide,
          timestamp: trade.venueAtMs,
        })),
      ).toEqual(
        newest.map(({ id, price, amount, side, timestamp, info }) => ({
          id,
          // The library does not read the price of a v3 trade.
          price: price ?? Number(info.p),
          amount,
          side,
          timestamp,
        })),
      );
      counts.trades += ours.length;
    } else if (channel === 'ticker') {
      const { last, timestamp, info } = theirs.tickers[unified(at.symbol)]!;
      const { ticker, funding } = parseTickerRow(message.data[0], message.ts, at);
      expect({ last: Number(ticker.lastPrice), mark: ticker.markPrice, atMs: ticker.venueAtMs }).toEqual({
        last,
        mark: info.markPrice,
        // The library knows no time of a v3 ticker; ours is that of its frame.
        atMs: timestamp ?? message.ts,
      });
      expect(funding).toMatchObject({ rate: info.fundingRate, nextAtMs: Number(info.nextFundingTime) });
      counts.tickers += 1;
    }
  }
  return counts;
}

test('30 seconds of two markets: 192 updates with their checksums', () => {
  const instruments = [instrument('DASHUSDT', '0.01', '0.01'), instrument('UNIUSDT', '0.001', '1')];
  const counts = compare(recordingAsV2(), instruments);
  expect(counts).toMatchObject({ snapshots: 2, updates: 192, checksums: 194 });
  expect(counts.trades).toBeGreaterThan(50);
  expect(counts.tickers).toBeGreaterThan(50);
});

test('single captures of v2 and v3', () => {
  const instruments = [
    instrument('BTCUSDT', '0.1', '0.0001'),
    instrument('BELUSDT', '0.0001', '1'),
    instrument('STORJUSDT', '0.0001', '0.1'),
  ];
  const isStart = ({ arg, action }: Message): boolean =>
    (arg.channel ?? arg.topic) !== 'books' || action === 'snapshot';
  const v2 = ndjson<Message>('ws-v2-futures-captures-tardis.ndjson').filter(
    (message) => message.event !== undefined || isStart(message),
  );
  expect(compare(v2, instruments)).toMatchObject({ snapshots: 1, tickers: 1 });
  const v3 = ndjson<Message>('ws-v3-futures-captures-tardis.ndjson').filter(isStart);
  expect(compare(v3, instruments)).toMatchObject({ snapshots: 1, trades: 2, tickers: 1 });
});

test('a snapshot of 2026 and the two updates that follow it by pseq, in both dialects', () => {
  const probe = ndjson<{ case: string; raw: string }>('ws-v2-v3-frames-probe-20260915.ndjson');
  const raw = (start: string): Message =>
    JSON.parse(probe.find((frame) => frame.case.startsWith(start))!.raw) as Message;
  const [snapshot, first, second] = [raw('v2 books snapshot'), raw('v2 books update 1'), raw('v2 books update 2')];
  const mav = [instrument('MAVUSDT', '0.00001', '0.01')];
  expect(compare([snapshot, first, second], mav)).toMatchObject({ snapshots: 1, updates: 2, checksums: 0 });
  // The same update in its v3 form; a v3 snapshot names its sides `a` and `b`.
  const { asks, bids, ...rest } = snapshot.data[0] as { asks: unknown; bids: unknown };
  const v3Snapshot = { ...snapshot, arg: raw('v3 form').arg, data: [{ a: asks, b: bids, ...rest }] };
  expect(compare([v3Snapshot, raw('v3 form')], mav)).toMatchObject({ snapshots: 1, updates: 1 });
});
