import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { createBookFrame } from '../../core/market/book.ts';
import { formatPrice, formatQty, type Instrument } from '../../core/market/instrument.ts';
import { formatQuote } from '../../core/money/decimal.ts';
import { fillBookFrame } from '../../gateway/bitget/book.ts';
import * as wire from '../../gateway/bitget/wire.ts';
import { VenueMalformed } from '../../gateway/venue.ts';

type Sample = { data: never };
const samples = JSON.parse(readFileSync('test/gateway/fixtures/bitget-wire.json', 'utf8')) as Record<string, Sample>;
const sample = (name: string): unknown => structuredClone(samples[name]?.data);
const rowOf = (name: string): Record<string, unknown> => (sample(name) as Record<string, unknown>[])[0]!;

function instrument(symbol: string, change: Record<string, string> = {}): Instrument {
  const contract = wire.findContract(sample('contracts'), symbol);
  const changed = { ...contract!, ...change };
  return wire.parseInstrument(changed, wire.parseFeeRates({ makerFeeRate: '0.0002', takerFeeRate: '0.0006' }));
}
const BTC = instrument('BTCUSDT');
const named = (symbol: string): Instrument => ({ ...BTC, symbol });

describe('instrument', () => {
  test('of the venue as it is recorded', () => {
    expect(BTC.spec).toEqual({
      symbol: 'BTCUSDT',
      tick: '0.1',
      lot: '0.001',
      qtyMin: '0.001',
      notionalMin: '5',
      makerFeeRate: '0.0002',
      takerFeeRate: '0.0006',
    });
  });

  test.each([
    ['the end step widens the tick', { pricePlace: '1', priceEndStep: '5' }, '0.5', '0.001'],
    ['a tick of whole units', { pricePlace: '0', priceEndStep: '1' }, '1', '0.001'],
    ['the new size step', { volumePlace: '4', sizeMultiplier: '0.0001' }, '0.1', '0.0001'],
    ['places coarser than the multiplier win', { volumePlace: '2', sizeMultiplier: '0.000001' }, '0.1', '0.01'],
    ['a multiplier coarser than the places wins', { volumePlace: '0', sizeMultiplier: '10' }, '0.1', '10'],
    ['neither divides the other: both must hold', { volumePlace: '1', sizeMultiplier: '0.25' }, '0.1', '0.5'],
  ])('%s', (_name, change, tick, lot) => {
    expect(instrument('BTCUSDT', change).spec).toMatchObject({ tick, lot });
  });

  test('an unlisted symbol is no contract', () => {
    expect(wire.findContract(sample('contracts'), 'NOPEUSDT')).toBeNull();
  });

  test.each([
    ['no list', { BTCUSDT: {} }],
    ['a place that is no number', [{ ...rowOf('contracts'), pricePlace: 'one' }]],
    ['a step of another kind', [{ ...rowOf('contracts'), priceEndStep: '0.5' }]],
    ['a delivery contract', [{ ...rowOf('contracts'), symbolType: 'delivery' }]],
    ['no minimum', [{ ...rowOf('contracts'), minTradeNum: undefined }]],
  ])('%s is malformed', (_name, data) => {
    expect(() => wire.findContract(data, 'BTCUSDT')).toThrow(VenueMalformed);
  });
});

describe('orders', () => {
  test('an open order of the list', () => {
    const page = wire.parsePage(sample('ordersOpen'), 'entrustedList');
    expect(page.endId).toBe('1190384645049036801');
    expect(wire.parseOrder(page.rows[0], { ...named('BLURUSDT'), tickSize: 0.01, lotSize: 1 }, 'rest')).toEqual({
      clientOrderId: '1190384645074202625',
      venueOrderId: '1190384645049036801',
      symbol: 'BLURUSDT',
      side: 'buy',
      price: 15,
      qty: 40,
      filled: 0,
      status: 'open',
      reduceOnly: false,
      updatedAtMs: 1719535736393,
    });
  });

  test('a filled market order has no price', () => {
    const order = wire.parseOrder(sample('orderDetail'), { ...named('LTCUSDT'), lotSize: 0.1 }, 'rest');
    expect(order).toMatchObject({ price: 0, qty: 2, filled: 2, status: 'filled', side: 'sell' });
  });

  test('on the stream the sum of fills counts, not the last fill', () => {
    const row = { ...rowOf('streamOrders'), size: '0.03', accBaseVolume: '0.02', baseVolume: '0.01', clientOid: '' };
    const order = wire.parseOrder({ ...row, status: 'partially_filled' }, BTC, 'stream');
    expect(order).toMatchObject({ qty: 30, filled: 20, status: 'open', clientOrderId: null });
  });

  test('an empty list is sent as null', () => {
    expect(wire.parsePage({ entrustedList: null, endId: null }, 'entrustedList')).toEqual({ rows: [], endId: null });
  });

  test.each([
    ['a status nobody knows', { status: 'sleeping' }],
    ['another symbol', { instId: 'ETHUSDT' }],
    ['a quantity that is no number', { size: '1e5' }],
    ['a price between two ticks', { price: '27000.55' }],
    ['a side nobody knows', { side: 'both' }],
    ['no order id', { orderId: undefined }],
    ['a time that is no time', { cTime: 'now' }],
  ])('%s is malformed', (_name, change) => {
    expect(() => wire.parseOrder({ ...rowOf('streamOrders'), ...change }, BTC, 'stream')).toThrow(VenueMalformed);
  });
});

describe('fills', () => {
  test('a fee that was paid is positive, exactly', () => {
    const fill = wire.parseFill(rowOf('streamFills'), BTC);
    expect(fill).toMatchObject({ tradeId: '222', side: 'buy', qty: 10, liquidity: 'taker', atMs: 1703577336606 });
    expect(formatPrice(fill.price, BTC)).toBe('51000.5');
    expect(formatQuote(fill.fee)).toBe('0.183717');
  });

  test('a rebate is negative, and parts add up', () => {
    const part = (totalFee: string) => ({ feeCoin: 'USDT', totalFee });
    const row = { ...rowOf('streamFills'), feeDetail: [part('0.000000000002'), part('-0.000000000001')] };
    expect(wire.parseFill(row, BTC).fee).toBe(-1n);
  });

  test('a fee in another coin is refused, not guessed', () => {
    const [row] = wire.parsePage(sample('fillsPaidInBgb'), 'fillList').rows;
    expect(() => wire.parseFill(row, { ...named('ETHUSDT'), lotSize: 0.01 })).toThrow(/fee is paid in BGB/);
  });

  test('of the history', () => {
    const [row] = wire.parsePage(sample('fills'), 'fillList').rows;
    const eth = { ...named('ETHUSDT'), tickSize: 0.01, lotSize: 0.01 };
    expect(wire.parseFill(row, eth)).toMatchObject({
      price: 180133,
      qty: 2,
      fee: 21_615_960_000n,
      clientOrderId: null,
    });
  });
});

describe('positions and balance', () => {
  const row = (change: object) => ({ ...rowOf('position'), posMode: 'one_way_mode', ...change });

  test.each([
    ['long', [row({})], 10, '25000'],
    ['short', [row({ holdSide: 'short' })], -10, '25000'],
    ['none at all is flat', [], 0, null],
    ['of another symbol is flat', [row({ symbol: 'ETHUSDT' })], 0, null],
    ['a closed one is flat', [row({ total: '0' })], 0, null],
    ['the other side closed', [row({ total: '0' }), row({ holdSide: 'short' })], -10, '25000'],
  ] as const)('%s', (_name, rows, qty, entryPrice) => {
    expect(wire.parsePosition(rows, BTC)).toEqual({ symbol: 'BTCUSDT', qty, entryPrice });
  });

  test('hedge mode is refused: its two sides are two positions', () => {
    expect(() => wire.parsePosition(sample('position') as unknown[], BTC)).toThrow(/hedge mode/);
    expect(() => wire.parsePosition([row({}), row({ holdSide: 'short' })], BTC)).toThrow(/hedge mode/);
  });

  test('balance is the margin balance in USDT', () => {
    expect(wire.parseBalance(sample('accounts'))).toEqual({ equity: '10582.90265771', available: '10580.56434289' });
    expect(() => wire.parseBalance([])).toThrow(VenueMalformed);
  });
});

describe('market data', () => {
  test('ticker with funding', () => {
    expect(wire.parseTicker(rowOf('streamTicker'), BTC)).toEqual({
      symbol: 'BTCUSDT',
      venueAtMs: 1695715383021,
      lastPrice: '27000.5',
      markPrice: '27000.0',
      fundingRate: '0.000010',
      nextFundingAtMs: 1695722400000,
    });
  });

  test('trade', () => {
    const { tradeId, trade } = wire.parseTrade(rowOf('streamTrades'), BTC);
    expect(tradeId).toBe('1111111111');
    expect(trade).toEqual({ symbol: 'BTCUSDT', venueAtMs: 1695716760565, price: 270005, qty: 1, takerSide: 'buy' });
    expect(formatQty(trade.qty, BTC)).toBe('0.001');
  });

  const numbers = (levels: [string, string][]): [number, number][] => levels.map(([p, q]) => [Number(p), Number(q)]);
  const book = () => {
    const row = rowOf('streamBook5') as { asks: [string, string][]; bids: [string, string][]; ts: string };
    return { asks: numbers(row.asks), bids: numbers(row.bids), timestamp: Number(row.ts) };
  };

  test('book in ticks and lots, one side may be empty', () => {
    const frame = createBookFrame();
    fillBookFrame(frame, book(), BTC);
    expect(frame).toMatchObject({ venueAtMs: 1695716059516, bidCount: 2, askCount: 2 });
    expect([...frame.bidTicks.slice(0, 2), ...frame.askTicks.slice(0, 2)]).toEqual([270000, 269995, 270005, 270010]);
    expect([...frame.bidLots.slice(0, 2), ...frame.askLots.slice(0, 2)]).toEqual([2710, 1460, 8760, 400]);
    fillBookFrame(frame, { ...book(), asks: [] }, BTC);
    expect(frame).toMatchObject({ bidCount: 2, askCount: 0 });
  });

  test.each<[string, object]>([
    ['no time', { timestamp: undefined }],
    ['a time that is no number', { timestamp: NaN }],
    ['a crossed top', { bids: [[27000.5, 1]] }],
    ['a price that is no number', { bids: [[NaN, 1]] }],
    ['a price below zero', { bids: [[-1, 1]] }],
    ['an infinite price', { asks: [[Infinity, 1]] }],
    ['a price between two ticks', { bids: [[26999.95, 1]] }],
    ['a quantity of zero', { bids: [[27000, 0]] }],
    ['a quantity between two lots', { bids: [[27000, 0.0005]] }],
    ['bids out of order', { bids: [[26999, 1], [27000, 1]] }], // prettier-ignore
    ['a price twice', { asks: [[27001, 1], [27001, 2]] }], // prettier-ignore
    ['a level that is no pair', { asks: [[27001]] }],
  ])('a book with %s is malformed', (_name, change) => {
    const broken = { ...book(), ...change } as Parameters<typeof fillBookFrame>[1];
    expect(() => fillBookFrame(createBookFrame(), broken, BTC)).toThrow(VenueMalformed);
  });
});

describe('answers to calls', () => {
  test('a placed order is named', () => {
    expect(wire.parsePlaced(sample('placed'), '121211212122')).toBe('121211212122');
    expect(wire.parsePlaced({ orderId: '7', clientOid: '' }, 'mine')).toBe('7');
  });
  test.each([[null], [''], [{}], [{ orderId: '' }], [{ orderId: '7', clientOid: 'of another' }]])(
    '%j does not name the order',
    (data) => expect(wire.parsePlaced(data, 'mine')).toBeNull(),
  );
  test('a batch cancel counts both lists', () => {
    expect(wire.parseBatchCancelled(sample('batchCancelled'))).toEqual({ cancelled: 1, left: 1 });
    expect(wire.parseBatchCancelled({ successList: null })).toEqual({ cancelled: 0, left: 0 });
    expect(wire.parseBatchCancelled('')).toBeNull();
  });
});
