import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { formatPrice, type Instrument } from '../../core/market/instrument.ts';
import { formatQuote } from '../../core/money/decimal.ts';
import * as unified from '../../gateway/bitget/wire-unified.ts';
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
    const page = wire.parsePage(sample('ordersOpen'), 'entrustedList', 'endId');
    expect(page.next).toBe('1190384645049036801');
    expect(wire.parseOrder(page.rows[0], { ...named('BLURUSDT'), tickSize: 0.01, lotSize: 1 }, 'rest')).toEqual({
      clientOrderId: '1190384645074202625',
      venueOrderId: '1190384645049036801',
      symbol: 'BLURUSDT',
      side: 'buy',
      leg: 'net',
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
    expect(wire.parsePage({ entrustedList: null, endId: null }, 'entrustedList', 'endId')).toEqual({
      rows: [],
      next: null,
    });
    expect(() => wire.parsePage({}, 'entrustedList', 'endId')).toThrow(VenueMalformed);
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

describe('sides and legs', () => {
  const hedge = { posMode: 'hedge_mode', posSide: 'long', tradeSide: 'open', side: 'buy' };
  test.each([
    ['one-way', { posMode: 'one_way_mode', posSide: 'net', tradeSide: 'buy_single', side: 'buy' }, 'buy', 'net', false],
    ['one-way, reducing', { posMode: 'one_way_mode', side: 'sell', reduceOnly: 'YES' }, 'sell', 'net', true],
    ['a mode that is not told', { side: 'sell' }, 'sell', 'net', false],
    ['open long', hedge, 'buy', 'long', false],
    ['close long, told as a buy', { ...hedge, tradeSide: 'close' }, 'sell', 'long', true],
    ['open short', { ...hedge, posSide: 'short', side: 'sell' }, 'sell', 'short', false],
    [
      'close short, told as a sell',
      { ...hedge, posSide: 'short', side: 'sell', tradeSide: 'close' },
      'buy',
      'short',
      true,
    ],
    ['liquidated', { ...hedge, tradeSide: 'burst_close_long' }, 'sell', 'long', true],
  ] as const)('%s', (_name, change, side, leg, reduceOnly) => {
    const base = { ...rowOf('streamOrders'), posMode: '', posSide: '', tradeSide: '', reduceOnly: 'no' };
    const order = wire.parseOrder({ ...base, ...change }, BTC, 'stream');
    expect(order).toMatchObject({ side, leg, reduceOnly });
    const { side: fillSide, leg: fillLeg } = wire.parseFill({ ...rowOf('streamFills'), posMode: '', tradeSide: '', ...change, posSide: undefined }, BTC); // prettier-ignore
    expect([fillSide, fillLeg]).toEqual([side, leg]);
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

  test('a fee in another coin is taken at the full rate, and the fill is kept', () => {
    const [row] = wire.parsePage(sample('fillsPaidInBgb'), 'fillList', 'endId').rows;
    const eth = instrument('ETHUSDT');
    expect(wire.isFeeEstimated(row)).toBe(true);
    // 1 ETH at 1900, taker 6 bps.
    expect(formatQuote(wire.parseFill(row, eth).fee)).toBe('1.14');
    const usdt = { ...(row as object), feeDetail: [{ feeCoin: 'USDT', totalFee: '-0.5' }] };
    expect(wire.isFeeEstimated(usdt)).toBe(false);
    const none = { ...(row as object), feeDetail: [{ feeCoin: '', totalFee: '' }] };
    expect([wire.parseFill(none, eth).fee, wire.isFeeEstimated(none)]).toEqual([0n, false]);
  });

  test('of the history', () => {
    const [row] = wire.parsePage(sample('fills'), 'fillList', 'endId').rows;
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
  const legs = (rows: readonly unknown[]) =>
    wire.parsePositions(rows, BTC).map(({ leg, qty, entryPrice }) => [leg, qty, entryPrice]);

  test.each([
    ['long', [row({})], [['net', 10, '25000']]],
    ['short', [row({ holdSide: 'short' })], [['net', -10, '25000']]],
    ['none at all is flat', [], []],
    ['of another symbol is left out', [row({ symbol: 'ETHUSDT' })], []],
    ['a closed one is left out', [row({ total: '0' })], []],
    ['the other side closed', [row({ total: '0' }), row({ holdSide: 'short' })], [['net', -10, '25000']]],
    [
      'both legs of a hedge',
      [row({ posMode: 'hedge_mode' }), row({ posMode: 'hedge_mode', holdSide: 'short' })],
      [
        ['long', 10, '25000'],
        ['short', -10, '25000'],
      ],
    ],
  ])('%s', (_name, rows, expected) => {
    expect(legs(rows)).toEqual(expected);
  });

  test('what the venue says of a leg is kept', () => {
    expect(wire.parsePosition(row({}), BTC)).toEqual({
      symbol: 'BTCUSDT',
      leg: 'net',
      qty: 10,
      entryPrice: '25000',
      markPrice: '25100',
      liquidationPrice: '24144.1124161806977798',
      unrealised: '1',
      leverage: '20',
      marginMode: 'isolated',
      maintenanceRatio: '0.004',
      marginRatio: '0.1082149545822005',
    });
    // The stream has another word for it.
    expect(wire.parsePosition({ ...rowOf('streamPositions'), instId: 'BTCUSDT' }, BTC)).toMatchObject({
      maintenanceRatio: '0.005',
      marginRatio: '0.004416374196',
    });
    expect(wire.parsePosition(row({ total: '0', holdSide: 'short', liquidationPrice: '0' }), BTC)).toMatchObject({
      qty: 0,
      entryPrice: null,
      liquidationPrice: null,
    });
  });

  test.each([
    ['the same leg twice', [row({}), row({ holdSide: 'short' })]],
    ['a net position beside a leg', [row({}), row({ posMode: 'hedge_mode', holdSide: 'short' })]],
    ['no symbol', [row({ symbol: undefined })]],
    ['a mode nobody knows', [row({ posMode: 'both' })]],
  ])('%s is malformed', (_name, rows) => {
    expect(() => wire.parsePositions(rows, BTC)).toThrow(VenueMalformed);
  });

  test('balance is the margin balance in USDT', () => {
    expect(wire.parseBalance(sample('accounts'))).toEqual({
      equity: '10582.90265771',
      available: '10580.56434289',
      marginRatio: '0',
    });
    expect(() => wire.parseBalance([])).toThrow(VenueMalformed);
    // Finer than the desk keeps: never more money than there is.
    for (const [told, kept] of [
      ['59981.7105387860399993', '59981.710538786039'],
      ['-0.0000000000001', '-0.000000000001'],
      ['-5.0000000000010000', '-5.000000000001'],
      ['0.0000000000009', '0'],
    ] as const) {
      const [row] = sample('accounts') as [object];
      const accounts = [{ ...row, accountEquity: told, crossedMaxAvailable: told }];
      expect(wire.parseBalance(accounts)).toMatchObject({ equity: kept, available: kept });
      const assets = [{ coin: 'USDT', equity: told, available: told }];
      expect(unified.parseBalance({ assets })).toEqual({ equity: kept, available: kept, marginRatio: null });
    }
  });

  test.each([
    ['a part of the equity', { mmr: '408.08', effEquity: '4847952.35' }, 408.08 / 4847952.35],
    ['nothing to keep', { mmr: '0', effEquity: '0' }, 0],
    ['more than there is', { mmr: '5', effEquity: '-3' }, 1],
  ])('a unified account keeps %s', (_name, amounts, ratio) => {
    const assets = [{ coin: 'USDT', equity: '1', available: '1' }];
    expect(Number(unified.parseBalance({ assets, ...amounts }).marginRatio)).toBeCloseTo(ratio, 12);
  });

  test.each([
    ['says what it keeps', { crossedRiskRate: '0.25' }, '0.25'],
    ['says nothing', { crossedRiskRate: '' }, null],
  ])('a classic account that %s', (_name, field, ratio) => {
    const [row] = sample('accounts') as [object];
    expect(wire.parseBalance([{ ...row, ...field }]).marginRatio).toBe(ratio);
    expect(() => wire.parseBalance([{ ...row, crossedRiskRate: 'high' }])).toThrow(VenueMalformed);
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
  test('a batch names what was done, not what was not', () => {
    expect(wire.batchNames(sample('batchCancelled'), 'BITGET#121211212122')).toBe(true);
    expect(wire.batchNames(sample('batchCancelled'), '321342')).toBe(false);
    for (const data of [null, '', {}, { successList: null }]) expect(wire.batchNames(data, 'x')).toBe(false);
  });
});
