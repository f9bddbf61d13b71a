/**
 * Answers that the venue really gave, read by the gateway and by the most used client: every published case of an answer
 * that the gateway reads, in every field that its contract has.
 */
import { describe, expect, test } from '@jest/globals';
import { formatPrice, formatQty, type Instrument } from '../../core/market/instrument.ts';
import { formatQuote } from '../../core/money/decimal.ts';
import type { PriceTicks, SignedLots } from '../../core/money/money.ts';
import { findContract, parseInstrument } from '../../gateway/bitget/contract.ts';
import * as unified from '../../gateway/bitget/wire-unified.ts';
import * as classic from '../../gateway/bitget/wire.ts';
import type { Venue, VenueOrder } from '../../gateway/venue.ts';
import { CONTRACTS, openFixturePeer, staticCases, UNIFIED_SETTINGS, type StaticCase } from './fixture-peer.ts';
import { intent } from './raw-peer.ts';

type Parsed = Record<string, unknown>;
interface Body {
  readonly data: unknown;
  readonly requestTime: unknown;
}

const num = (text: unknown): number | null => (text === null || text === undefined ? null : Number(text));
const unifiedName = (symbol: string): string => symbol.replace(/USDT$/, '/USDT:USDT');

/** The instruments of the cases, on the finest size step any of them uses. */
function instrumentOf(symbol: string): Instrument {
  const row = findContract(CONTRACTS, symbol)!;
  const finest = symbol === 'BTCUSDT' ? { ...row, volumePlace: '4', sizeMultiplier: '0.0001' } : row;
  return parseInstrument(finest, row);
}

/** What of an order both sides tell, in the words of the parsed response. */
function told(order: VenueOrder) {
  const instrument = instrumentOf(order.symbol);
  return {
    id: order.venueOrderId,
    clientOrderId: order.clientOrderId,
    symbol: unifiedName(order.symbol),
    side: order.side,
    price: num(formatPrice(order.price, instrument)),
    amount: num(formatQty(order.qty, instrument)),
    filled: num(formatQty(order.filled, instrument)),
    status: order.status === 'filled' ? 'closed' : order.status,
    reduceOnly: order.reduceOnly,
    lastUpdateTimestamp: order.updatedAtMs,
  };
}
const only = (keys: object, record: Parsed): Parsed =>
  Object.fromEntries(Object.keys(keys).map((key) => [key, record[key]]));
/** An order at market has no price of its own: theirs tells the average instead, ours says 0. */
const ofOrder = (record: Parsed, ours: object): Parsed => ({
  ...only(ours, record),
  ...(record.type === 'market' ? { price: 0 } : {}),
});

const signed = (lots: SignedLots, instrument: Instrument): number => Number(formatQty(lots, instrument));

type Check = (one: StaticCase, body: Body, parsed: never) => Promise<void> | void;

async function answered<T>(
  path: string,
  body: Body,
  ask: (venue: Venue) => Promise<T>,
  more: Record<string, () => { data: unknown }> = {},
): Promise<T> {
  const peer = await openFixturePeer(
    { [path]: () => ({ body }), ...more },
    { accountKind: path.startsWith('/api/v3') ? 'unified' : 'classic', finest: true },
  );
  try {
    await peer.venue.instrument('BTCUSDT');
    return await ask(peer.venue);
  } finally {
    await peer.close();
  }
}
const clientIdOf = (body: Body): string => (body.data as { clientOid: string }).clientOid;
const hedged = { '/api/v3/account/settings': () => ({ data: { ...UNIFIED_SETTINGS, holdMode: 'hedge_mode' } }) };
const protectiveStop = (clientOrderId: string) => ({
  clientOrderId,
  symbol: 'BTCUSDT',
  leg: 'net' as const,
  positionLots: 10 as SignedLots,
  triggerPrice: 1_140_000 as PriceTicks,
  triggerSource: 'mark' as const,
});

const CHECKS: Readonly<Record<string, Check>> = {
  async fetchLeverage(_one, body, parsed: Parsed) {
    const settings = await answered('/api/v2/mix/account/account', body, (venue) => venue.settings('BTCUSDT'));
    expect(settings).toEqual({ positionMode: 'one_way', marginMode: 'crossed', leverage: String(parsed.longLeverage) });
    expect(parsed.marginMode).toBe('cross');
  },
  fetchMarginMode(_one, body, parsed: Parsed) {
    expect(classic.parseSettings(body.data).marginMode).toBe(
      parsed.marginMode === 'cross' ? 'crossed' : parsed.marginMode,
    );
  },
  async createOrder({ description }, body, parsed: Parsed) {
    const clientOrderId = clientIdOf(body);
    const answer = description.includes('strategy')
      ? await answered('/api/v3/trade/place-strategy-order', body, (venue) =>
          venue.placeStop(protectiveStop(clientOrderId)),
        )
      : await answered('/api/v3/trade/place-order', body, (venue) => venue.place(intent({ clientOrderId })));
    expect(answer).toEqual({ answer: 'yes', venueOrderId: parsed.id });
    expect(clientOrderId).toBe(parsed.clientOrderId);
  },
  async editOrder(_one, body, parsed: Parsed) {
    const clientOrderId = clientIdOf(body);
    const answer = await answered('/api/v3/trade/modify-strategy-order', body, (venue) =>
      venue.replaceStop(clientOrderId, protectiveStop('new-name')),
    );
    expect(answer).toEqual({ answer: 'yes', venueOrderId: parsed.id });
  },
  async cancelOrder({ input }, body, parsed: Parsed) {
    const path = (input[2] as Parsed).uta === true ? '/api/v3/trade/cancel-order' : '/api/v2/mix/order/cancel-order';
    expect(await answered(path, body, (venue) => venue.cancel('BTCUSDT', clientIdOf(body)))).toEqual({ answer: 'yes' });
    expect(clientIdOf(body)).toBe(parsed.clientOrderId);
  },
  async cancelAllOrders(_one, body, parsed: Parsed[]) {
    const scope = { symbol: 'BTCUSDT', families: ['normal'] } as const;
    const answer = await answered('/api/v3/trade/cancel-symbol-order', body, (venue) => venue.cancelAll(scope));
    expect(parsed).toHaveLength(1);
    expect(answer).toEqual({ answer: 'yes' });
  },
  async fetchMyTrades(_one, body, parsed: Parsed[]) {
    const rows = (body.data as { list: Parsed[] }).list.map((row) => ({ ...row, tradeSide: 'open' }));
    const asked = { ...body, data: { list: rows, cursor: null } };
    // Old fills: the window begins before them.
    const fills = rows
      .map((row) => unified.parseFill(row, instrumentOf('BTCUSDT'), 'net'))
      .sort((a, b) => a.atMs - b.atMs);
    expect(
      fills.map((fill) => ({
        id: fill.tradeId,
        order: fill.venueOrderId,
        symbol: unifiedName(fill.symbol),
        side: fill.side,
        price: num(formatPrice(fill.price, instrumentOf(fill.symbol))),
        amount: num(formatQty(fill.qty, instrumentOf(fill.symbol))),
        takerOrMaker: fill.liquidity,
        timestamp: fill.atMs,
        // Theirs turns the sign of v2 for v3 rows as well, and calls a taker's fee a rebate; the amount is the same.
        fee: { currency: 'USDT', cost: -Number(formatQuote(fill.fee)) },
      })),
    ).toEqual(
      parsed.map(({ id, order, symbol, side, price, amount, takerOrMaker, timestamp, fee }) => ({
        id, order, symbol, side, price, amount, takerOrMaker, timestamp, fee,
      })), // prettier-ignore
    );
    expect(fills.every(({ fee }) => fee > 0n)).toBe(true);
    const since = await answered('/api/v3/trade/fills', asked, (venue) =>
      venue.fillsSince('BTCUSDT', 1_751_000_000_000),
    );
    expect(since.map(({ tradeId }) => tradeId)).toEqual(parsed.map(({ id }) => id));
  },
  async fetchOpenOrders(_one, body, parsed: Parsed[]) {
    const orders = await answered('/api/v3/trade/unfilled-orders', body, (venue) => venue.openOrders('BTCUSDT'));
    expect(orders.map(told)).toEqual(parsed.map((record, n) => ofOrder(record, told(orders[n]!))));
    expect(orders.map(({ leg }) => leg)).toEqual(['long']);
  },
  fetchOrder(_one, body, parsed: Parsed) {
    const order = classic.parseOrder(body.data, instrumentOf('LTCUSDT'), 'rest');
    expect(told(order)).toEqual(ofOrder(parsed, told(order)));
    expect(order.leg).toBe('short');
  },
  fetchClosedOrders(_one, body, parsed: Parsed[]) {
    const { rows } = classic.parsePage(body.data, 'entrustedList', 'endId');
    const orders = rows.map((row) => classic.parseOrder(row, instrumentOf('LTCUSDT'), 'rest'));
    expect(orders.map(told)).toEqual(parsed.map((record, n) => ofOrder(record, told(orders[n]!))));
    expect(orders.map(({ leg }) => leg)).toEqual(['long']);
  },
  async fetchBalance(_one, body, parsed: { USDT: { total: number; free: number } }) {
    const { equity, available, marginRatio } = await answered('/api/v3/account/assets', body, (venue) =>
      venue.balance(),
    );
    expect(marginRatio).toBe('0');
    expect({ total: Number(equity), free: Number(available) }).toEqual({
      total: parsed.USDT.total,
      free: parsed.USDT.free,
    });
  },
  async fetchPosition(_one, body, parsed: Parsed) {
    const path = '/api/v3/position/current-position';
    const [position, ...rest] = await answered(path, body, (venue) => venue.positions('BTCUSDT'));
    expect(rest).toEqual([]);
    expect(parsed.hedged).toBe(true);
    expect(Number(position!.maintenanceRatio)).toBe(parsed.maintenanceMarginPercentage ?? 0.004);
    expect({
      symbol: unifiedName(position!.symbol),
      side: position!.leg,
      contracts: signed(position!.qty, instrumentOf('BTCUSDT')),
      entryPrice: num(position!.entryPrice),
      markPrice: num(position!.markPrice),
      unrealizedPnl: num(position!.unrealised),
      leverage: num(position!.leverage),
      marginMode: position!.marginMode === 'crossed' ? 'cross' : position!.marginMode,
      liquidationPrice: position!.liquidationPrice,
    }).toEqual({
      ...only({ symbol: 0, side: 0, contracts: 0, entryPrice: 0, markPrice: 0, unrealizedPnl: 0, leverage: 0, marginMode: 0 }, parsed), // prettier-ignore
      liquidationPrice: null,
    });
  },
  async fetchOHLCV(_one, body, parsed: number[][]) {
    const bars = (at: Body) =>
      answered('/api/v3/market/candles', at, (venue) => venue.recentBars('BTCUSDT', 60_000, 1));
    // The recorded one was growing yet, by the venue's own time of the answer; a minute later it is closed.
    expect(await bars(body)).toEqual([]);
    const later = { ...body, requestTime: String(Number(body.requestTime) + 60_000) };
    const [bar] = await bars(later);
    const { openAtMs, open, high, low, close, volume } = bar!;
    expect([[openAtMs, ...[open, high, low, close, volume].map(Number)]]).toEqual(parsed);
  },
  fetchFundingRate: (one, body, parsed) => fundingAgrees(one, body, parsed),
  fetchFundingInterval: (one, body, parsed) => fundingAgrees(one, body, parsed),
  async fetchFundingHistory(_one, body, parsed: Parsed[]) {
    const payments = (body.data as { list: unknown[] }).list.map(unified.parseFundingPayment);
    expect(
      payments.map((payment) => ({
        id: payment!.paymentId,
        symbol: unifiedName(payment!.symbol),
        amount: Number(formatQuote(payment!.amount)),
        timestamp: payment!.atMs,
      })),
    ).toEqual(parsed.map(({ id, symbol, amount, timestamp }) => ({ id, symbol, amount, timestamp })));
    const last = { ...body, data: { ...(body.data as object), cursor: null } };
    const path = '/api/v3/account/financial-records';
    expect(await answered(path, last, (venue) => venue.fundingPaymentsSince('BTCUSDT', 1_772_000_000_000))).toEqual(
      payments,
    );
  },
  async setLeverage(_one, body) {
    const answer = await answered('/api/v3/account/set-leverage', body, (venue) => venue.setLeverage('BTCUSDT', 20));
    expect(answer).toEqual({ answer: 'yes' });
  },
  async setPositionMode(_one, body) {
    const path = '/api/v3/account/set-hold-mode';
    expect(await answered(path, body, (venue) => venue.setPositionMode('one_way'))).toEqual({ answer: 'yes' });
  },
  /** Theirs finds no cancelled one in a list of triggers; the rows are those of what waits. */
  async fetchCanceledOrders(_one, body) {
    const { list } = body.data as { list: Parsed[] };
    const asked = { ...body, data: { list, cursor: null } };
    const path = '/api/v3/trade/unfilled-strategy-orders';
    const stops = await answered(path, asked, (venue) => venue.triggerOrders('BTCUSDT'), hedged);
    const instrument = instrumentOf('BTCUSDT');
    expect(
      stops.map(({ venueOrderId, leg, side, family, triggerPrice, clientOrderId }) => ({
        venueOrderId,
        leg,
        side,
        family,
        clientOrderId,
        stopLoss: formatPrice(triggerPrice, instrument), // prettier-ignore
      })),
    ).toEqual(
      list
        .filter(({ stopLoss }) => stopLoss !== '')
        .map(({ orderId, clientOid, posSide, stopLoss }) => ({
          venueOrderId: orderId,
          leg: posSide,
          side: posSide === 'long' ? 'sell' : 'buy',
          family: 'tpsl',
          clientOrderId: clientOid,
          stopLoss,
        })),
    );
  },
};

async function fundingAgrees({ input }: StaticCase, body: Body, parsed: Parsed): Promise<void> {
  // Asked by another endpoint, which tells no rate.
  if ((input[1] as Parsed).method !== undefined) return;
  const path = '/api/v3/market/current-fund-rate';
  const funding = await answered(path, body, (venue) => venue.funding('BTCUSDT'));
  expect(Number(funding.rate)).toBe(parsed.fundingRate);
  expect(funding).toEqual({
    symbol: 'BTCUSDT',
    venueAtMs: Number(body.requestTime),
    rate: expect.any(String),
    intervalHours: Number.parseInt(String(parsed.interval), 10),
    nextAtMs: parsed.fundingTimestamp,
  });
}

const cases = staticCases('response');

describe('answers as recorded', () => {
  test.each(
    cases
      .filter(([method]) => method in CHECKS)
      .map(([method, one]) => [`${method}: ${one.description}`, CHECKS[method]!, one] as const),
  )('%s', async (_name, check, one) => {
    await check(one, one.httpResponse as Body, one.parsedResponse as never);
  });

  test('the recorded cases of answers that the gateway does not read', () => {
    const others = cases.map(([method]) => method).filter((method) => !(method in CHECKS));
    expect([...new Set(others)].sort()).toMatchInlineSnapshot(`
     [
       "cancelOrders",
       "closeAllPositions",
       "closePosition",
       "createOrders",
       "fetchFundingRateHistory",
       "fetchMarketLeverageTiers",
       "fetchTicker",
       "fetchTickers",
       "fetchTrades",
     ]
    `);
  });
});
