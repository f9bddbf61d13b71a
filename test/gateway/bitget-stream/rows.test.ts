/** Rows of the streams in both dialects, from messages that others' connectors are tested with. */
import { describe, expect, test } from '@jest/globals';
import { createAccountRows } from '../../../gateway/bitget/stream/account-rows.ts';
import { ReplicatedBook, type BookRow } from '../../../gateway/bitget/stream/book.ts';
import { parseTickerRow, parseTradeRow } from '../../../gateway/bitget/stream/public-rows.ts';
import { VenueMalformed } from '../../../gateway/venue.ts';
import { BTC } from './peer.ts';
import { ndjson, type Message } from './samples.ts';

const messages = ndjson<{ case: string; message: Message }>('messages-v2-futures-hummingbot.ndjson');
const rowsOf = (name: string): readonly unknown[] => messages.find((each) => each.case.endsWith(name))!.message.data;

describe('classic', () => {
  const rows = createAccountRows('classic', () => null);

  test.each([
    [
      'order_event_for_partially_filled_websocket_update',
      { status: 'open', filled: 500, side: 'buy', leg: 'long', reduceOnly: false },
    ],
    [
      'order_event_for_full_fill_websocket_update',
      { status: 'filled', filled: 1_000, side: 'sell', leg: 'long', reduceOnly: true },
    ],
    ['order_event_for_canceled_order_websocket_update', { status: 'cancelled', filled: 10, leg: 'long' }],
  ])('%s', (name, expected) => {
    expect(rows.order(rowsOf(name)[0], BTC)).toMatchObject({
      clientOrderId: 'HBOT-client-1',
      qty: 1_000,
      price: 100_000,
      ...expected,
    });
  });

  test('a position of a hedged account, which the rows then know', () => {
    const row = { ...(rowsOf('position_event_for_full_fill_websocket_update')[0] as object), unrealizedPL: '0' };
    const known = createAccountRows('classic', () => null);
    expect(known.positionMode()).toBeNull();
    expect(known.position(row, BTC)).toMatchObject({
      leg: 'short',
      qty: -1_000,
      entryPrice: '10000',
      marginMode: 'crossed',
    });
    expect(known.positionMode()).toBe('hedge');
  });

  test('book, ticker and trades', () => {
    const book = new ReplicatedBook(BTC);
    expect(book.apply('snapshot', rowsOf('ws_order_book_snapshot_mock_response')[0] as BookRow, '')).toBe(true);
    expect(book.frame).toMatchObject({ bidCount: 2, askCount: 2, venueAtMs: 1_695_716_059_516 });
    for (const name of ['ws_ticker_mock_response', 'funding_info_event_for_websocket_update']) {
      expect(parseTickerRow(rowsOf(name)[0], undefined, BTC)).toMatchObject({
        ticker: { symbol: 'BTCUSDT', venueAtMs: 1_695_715_383_021, lastPrice: '27000.5', markPrice: '27000.0' },
        funding: { symbol: 'BTCUSDT', venueAtMs: 1_695_715_383_021, rate: '0.000010', intervalHours: null, nextAtMs: 1_695_722_400_000 },
      }); // prettier-ignore
    }
    const [newest] = rowsOf('ws_trade_mock_response');
    expect(parseTradeRow(newest, 'BTCUSDT', BTC.priceGrid, BTC.qtyGrid)).toEqual({
      tradeId: '1',
      trade: { symbol: 'BTCUSDT', venueAtMs: 1_695_716_760_565, price: 270_005, qty: 1, takerSide: 'buy' },
    });
  });
});

describe('the leg of a unified fill', () => {
  const fill = { symbol: 'BTCUSDT', side: 'sell', orderId: '7', execId: '9', feeDetail: [{ feeCoin: 'USDT', fee: '0.5' }], execTime: '1736378720623', tradeScope: 'maker', execPrice: '27000', execQty: '0.001' }; // prettier-ignore
  const order = { symbol: 'BTCUSDT', orderId: '7', clientOid: '', price: '', qty: '1', side: 'sell', orderStatus: 'new', createdTime: '1742367838101', holdSide: 'long', posSide: 'long' }; // prettier-ignore

  test.each([
    ['one-way, whatever the row names', 'one_way', { holdSide: 'long', tradeSide: 'close' }, 'net'],
    ['hedge, by its side', 'hedge', { holdSide: 'long' }, 'long'],
    ['hedge, by what it did', 'hedge', { tradeSide: 'close' }, 'long'],
    ['nothing known and nothing named', null, {}, 'net'],
  ] as const)('%s', (_name, mode, change, leg) => {
    expect(createAccountRows('unified', () => mode).fill({ ...fill, ...change }, BTC)).toMatchObject({ leg, side: 'sell', fee: 500_000_000_000n }); // prettier-ignore
  });

  test('of a hedged account that names none is refused, not guessed; so is a name while the mode is unknown', () => {
    expect(() => createAccountRows('unified', () => 'hedge').fill(fill, BTC)).toThrow(VenueMalformed);
    expect(() => createAccountRows('unified', () => null).fill({ ...fill, holdSide: 'long' }, BTC)).toThrow(VenueMalformed); // prettier-ignore
  });

  test('follows what an order told of the account', () => {
    const rows = createAccountRows('unified', () => null);
    rows.order({ ...order, holdMode: 'one_way_mode' }, BTC);
    expect(rows.fill({ ...fill, holdSide: 'long' }, BTC).leg).toBe('net');
    rows.order({ ...order, holdMode: 'hedge_mode' }, BTC);
    expect(rows.fill({ ...fill, holdSide: 'long' }, BTC).leg).toBe('long');
  });
});

describe('is refused', () => {
  const grid = BTC.priceGrid;
  const trade = { ts: '1', price: '1', size: '1', side: 'buy', tradeId: '1' };
  test.each([
    [null, /is no record/],
    [{ ...trade, tradeId: 7 }, /has no id/],
    [{ ...trade, price: '1.05' }, /not on the grid/],
    [{ ...trade, size: '0' }, /not on the grid/],
    [{ ...trade, side: 'both' }, /has no side/],
    [{ ...trade, ts: 'x' }, /has no time/],
  ])('trade %j', (row, rule) => {
    expect(() => parseTradeRow(row, 'BTCUSDT', grid, grid)).toThrow(rule);
  });

  test.each([
    [{ lastPr: 'x', ts: '1' }, /no last price/],
    [{ lastPr: '1' }, /no time/],
    [{ lastPr: '1', ts: '1', instId: 'ETHUSDT' }, /another symbol/],
  ])('ticker %j', (row, rule) => {
    expect(() => parseTickerRow(row, undefined, BTC)).toThrow(rule);
  });

  test.each([undefined, null, 7])('%j as a row of an account', (row) => {
    expect(() => createAccountRows('classic', () => null).order(row, BTC)).toThrow(VenueMalformed);
  });
});
