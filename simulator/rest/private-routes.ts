/** What a signed request may ask for: orders, fills, positions, balance and the few account settings there are. */
import type { Side } from '../../core/orders/order-intent.ts';
import { refuse } from '../exchange/refusal.ts';
import type { FillRow, OrderRow } from '../exchange/rows.ts';
import { LEVERAGE_AT_START, leverageOf } from '../exchange/margin.ts';
import {
  accountAnswer,
  fillAnswer,
  orderAnswer,
  parseWireId,
  positionAnswer,
  positionRows,
  wireId,
} from '../exchange/wire.ts';
import type { OrderRequest } from '../exchange/exchange.ts';
import { readPrice, readQty, type Parameters, type PrivateContext, type PrivateHandler } from './request.ts';

const ROWS_MAX = 100;
const LEVERAGE_MAX = 125;

export const PRIVATE_ROUTES: Readonly<Record<string, PrivateHandler>> = {
  'GET /api/v3/account/settings': () => {
    throw refuse.classicAccount();
  },
  'POST /api/v2/mix/order/place-order': (context) => placed(place(context, context.parameters)),
  'POST /api/v2/mix/order/batch-place-order': batchPlace,
  'POST /api/v2/mix/order/cancel-order': (context) => {
    const { exchange, account, parameters } = context;
    return placed(exchange.cancel(account, namedOrder(context, parameters)));
  },
  'POST /api/v2/mix/order/batch-cancel-orders': batchCancel,
  'POST /api/v2/mix/order/cancel-all-orders': batchCancel,
  'GET /api/v2/mix/order/detail': (context) => {
    const order = namedOrder(context, context.parameters);
    if (order === undefined) throw refuse.orderNotFound();
    return orderAnswer(order, context.exchange.marketOf(order.symbol).instrument, 'state');
  },
  'GET /api/v2/mix/order/orders-pending': (context) => orderList(context, [...context.account.open.values()]),
  'GET /api/v2/mix/order/orders-history': (context) =>
    orderList(
      context,
      [...context.account.orders].filter(({ id }) => !context.account.open.has(id)),
    ),
  'GET /api/v2/mix/order/fills': fillList,
  'GET /api/v2/mix/order/fill-history': fillList,
  // Trigger orders cannot be placed, so there are none to list or cancel.
  'POST /api/v2/mix/order/place-plan-order': () => {
    throw refuse.notSimulated('a trigger order');
  },
  'POST /api/v2/mix/order/place-tpsl-order': () => {
    throw refuse.notSimulated('a stop or take-profit order');
  },
  'POST /api/v2/mix/order/cancel-plan-order': () => ({ successList: [], failureList: [] }),
  'GET /api/v2/mix/order/orders-plan-pending': () => ({ entrustedList: null, endId: null }),
  'GET /api/v2/mix/account/accounts': ({ exchange, account, parameters }) =>
    parameters.isUsdtFutures ? [accountAnswer(account, exchange.markets)] : [],
  'GET /api/v2/mix/account/account': ({ exchange, account, parameters }) => {
    const leverage = String(leverageOf(account, exchange.marketOf(parameters.required('symbol')).symbol));
    return {
      ...accountAnswer(account, exchange.markets),
      crossedMarginLeverage: leverage,
      isolatedLongLever: String(LEVERAGE_AT_START),
      isolatedShortLever: String(LEVERAGE_AT_START),
      marginMode: 'crossed',
      posMode: 'one_way_mode',
    };
  },
  'GET /api/v2/common/trade-rate': ({ exchange, parameters }) => {
    const { spec } = exchange.marketOf(parameters.required('symbol')).instrument;
    return { makerFeeRate: spec.makerFeeRate, takerFeeRate: spec.takerFeeRate };
  },
  'GET /api/v2/mix/account/bill': () => ({ bills: [], endId: null }),
  'POST /api/v2/mix/account/set-leverage': setLeverage,
  'POST /api/v2/mix/account/set-margin-mode': setMarginMode,
  'POST /api/v2/mix/account/set-position-mode': ({ account, parameters }) => {
    if (parameters.required('posMode') !== 'one_way_mode') {
      if (account.open.size > 0 || hasPosition(account.row.positions)) throw refuse.busy();
      throw refuse.notSimulated('hedge_mode');
    }
    return { posMode: 'one_way_mode' };
  },
  'GET /api/v2/mix/position/all-position': (context) => positions(context, null),
  'GET /api/v2/mix/position/single-position': (context) => positions(context, context.parameters.required('symbol')),
  'GET /api/v2/mix/position/history-position': () => ({ list: [], endId: null }),
};

/** The calls that count against the order rate. */
export const ORDER_RATE_PATHS: ReadonlySet<string> = new Set([
  'POST /api/v2/mix/order/place-order',
  'POST /api/v2/mix/order/batch-place-order',
  'POST /api/v2/mix/order/cancel-order',
  'POST /api/v2/mix/order/batch-cancel-orders',
  'POST /api/v2/mix/order/cancel-all-orders',
]);

function place({ exchange, account, parameters: outer }: PrivateContext, parameters: Parameters): OrderRow {
  const market = exchange.marketOf(outer.required('symbol').toUpperCase());
  if (!outer.isUsdtFutures) throw refuse.badParameter('productType');
  if (parameters.optional('tradeSide') !== null) throw refuse.wrongPositionMode();
  const clientOid = parameters.optional('clientOid');
  if (clientOid !== null && !/^[\x21-\x7e]{1,50}$/.test(clientOid)) throw refuse.clientOidTooLong();
  if ((outer.optional('marginMode') ?? 'crossed') !== 'crossed') throw refuse.notSimulated('isolated margin');
  const orderType = parameters.choice('orderType', ['limit', 'market']);
  const request: OrderRequest = {
    symbol: market.symbol,
    clientOid,
    side: parameters.choice<Side>('side', ['buy', 'sell']),
    orderType,
    force: orderType === 'market' ? 'gtc' : parameters.choice('force', ['gtc', 'post_only', 'ioc', 'fok'], 'gtc'),
    reduceOnly: parameters.choice('reduceOnly', ['yes', 'no'], 'no') === 'yes',
    price: (orderType === 'market'
      ? 0
      : readPrice(parameters.required('price'), market.instrument)) as OrderRequest['price'],
    qty: readQty(parameters.required('size'), market.instrument),
  };
  return exchange.place(account, request);
}

function batchPlace(context: PrivateContext) {
  const successList: object[] = [];
  const failureList: object[] = [];
  for (const entry of context.parameters.list('orderList')) {
    try {
      successList.push(placed(place(context, entry)));
    } catch (error) {
      failureList.push(failed(error, entry));
    }
  }
  return { successList, failureList };
}

/** Named orders of a symbol, or all open ones. */
function batchCancel(context: PrivateContext) {
  const { exchange, account, parameters } = context;
  const symbol = parameters.optional('symbol');
  const named = parameters.list('orderIdList');
  if (named.length === 0) {
    const cancelled = exchange.cancelAll(account, symbol);
    if (cancelled.length === 0) throw refuse.nothingToCancel();
    return { successList: cancelled.map(placed), failureList: [] };
  }
  const successList: object[] = [];
  const failureList: object[] = [];
  for (const entry of named) {
    try {
      successList.push(placed(exchange.cancel(account, namedOrder(context, entry, symbol))));
    } catch (error) {
      failureList.push(failed(error, entry));
    }
  }
  return { successList, failureList };
}

function namedOrder(
  { account, parameters: outer }: PrivateContext,
  parameters: Parameters,
  symbol = outer.optional('symbol'),
): OrderRow | undefined {
  const orderId = parameters.optional('orderId');
  const clientOid = parameters.optional('clientOid');
  if (orderId === null && clientOid === null) throw refuse.missing('orderId');
  const id = orderId === null ? null : parseWireId(orderId);
  const order =
    orderId === null ? account.orderByClientOid(clientOid ?? '') : id === null ? undefined : account.orderById(id);
  return order !== undefined && symbol !== null && order.symbol !== symbol.toUpperCase() ? undefined : order;
}

function placed(order: OrderRow) {
  return { orderId: wireId(order.id), clientOid: order.clientOid };
}

function failed(error: unknown, entry: Parameters) {
  if (!isRefusal(error)) throw error;
  return {
    orderId: entry.optional('orderId') ?? '',
    clientOid: entry.optional('clientOid') ?? '',
    errorMsg: error.message,
    errorCode: error.code,
  };
}

function isRefusal(error: unknown): error is { code: string; message: string } {
  return error instanceof Error && error.name === 'Refusal';
}

function orderList({ exchange, parameters }: PrivateContext, orders: OrderRow[]) {
  const page = selectPage(parameters, orders, ({ createdAtMs }) => createdAtMs);
  const clientOid = parameters.optional('clientOid');
  const orderId = parameters.optional('orderId');
  const rows = page
    .filter((order) => clientOid === null || order.clientOid === clientOid)
    .filter((order) => orderId === null || wireId(order.id) === orderId)
    .map((order) => orderAnswer(order, exchange.marketOf(order.symbol).instrument, 'status'));
  return { entrustedList: rows, endId: rows.at(-1)?.orderId ?? null };
}

function fillList({ exchange, account, parameters }: PrivateContext) {
  const orderId = parameters.optional('orderId');
  const fills = account.fills.filter((fill) => orderId === null || wireId(fill.orderId) === orderId);
  const page = selectPage<FillRow>(parameters, fills, ({ atMs }) => atMs);
  const rows = page.map((fill) => fillAnswer(fill, exchange.marketOf(fill.symbol).instrument));
  return { fillList: rows, endId: rows.at(-1)?.tradeId ?? null };
}

/** Newest first, at most 100, as the venue pages: by symbol, time range and the id to go on below. */
function selectPage<T extends { id: number; symbol: string }>(
  parameters: Parameters,
  rows: readonly T[],
  atMs: (row: T) => number,
): T[] {
  if (!parameters.isUsdtFutures) return [];
  const symbol = parameters.optional('symbol')?.toUpperCase() ?? null;
  const fromMs = parameters.whole('startTime', 0);
  const toMs = parameters.whole('endTime', Number.MAX_SAFE_INTEGER);
  const below = parameters.optional('idLessThan');
  const idMax = (below === null ? null : parseWireId(below)) ?? Infinity;
  return rows
    .filter((row) => symbol === null || row.symbol === symbol)
    .filter((row) => row.id < idMax && atMs(row) >= fromMs && atMs(row) <= toMs)
    .sort((a, b) => b.id - a.id)
    .slice(0, Math.min(parameters.whole('limit', ROWS_MAX), ROWS_MAX));
}

function positions({ exchange, account, parameters }: PrivateContext, only: string | null) {
  if (!parameters.isUsdtFutures) return [];
  return positionRows(account, exchange.markets)
    .filter(({ symbol }) => only === null || symbol === only.toUpperCase())
    .map(({ symbol, position, market }) => positionAnswer(account, symbol, position, market));
}

function setLeverage({ exchange, account, parameters }: PrivateContext) {
  const { symbol } = exchange.marketOf(parameters.required('symbol').toUpperCase());
  const leverage = parameters.whole('leverage', 0);
  if (leverage < 1 || leverage > LEVERAGE_MAX) throw refuse.badParameter('leverage');
  exchange.setLeverage(account, symbol, leverage);
  const text = String(leverage);
  return {
    symbol,
    marginCoin: 'USDT',
    longLeverage: text,
    shortLeverage: text,
    crossMarginLeverage: text,
    marginMode: 'crossed',
  };
}

function setMarginMode({ exchange, account, parameters }: PrivateContext) {
  const { symbol } = exchange.marketOf(parameters.required('symbol').toUpperCase());
  const mode = parameters.choice('marginMode', ['crossed', 'isolated']);
  if (mode === 'isolated') {
    if (account.openOf(symbol).length > 0 || exchange.positionLots(account, symbol) !== 0) throw refuse.busy();
    throw refuse.notSimulated('isolated margin');
  }
  const leverage = String(leverageOf(account, symbol));
  return { symbol, marginCoin: 'USDT', longLeverage: leverage, shortLeverage: leverage, marginMode: 'crossed' };
}

function hasPosition(rows: Readonly<Record<string, { qty: number }>>): boolean {
  return Object.values(rows).some(({ qty }) => qty !== 0);
}
