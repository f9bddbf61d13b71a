/** Orders and fills of a unified account: place, modify, cancel, list. */
import { refuse } from '../exchange/refusal.ts';
import type { OrderRow } from '../exchange/rows.ts';
import { readPrice, readQty, type Parameters, type PrivateContext, type PrivateHandler } from './request.ts';
import { eachEntry, namedOrder, placed, readOrder, type Placed } from './unified-orders.ts';
import { pageOf, requireUsdtFutures } from './unified-paging.ts';
import { refuseUnified } from './unified-refusal.ts';
import { unifiedFill, unifiedOrder } from './unified-wire.ts';

const BATCH_MAX = 20;

export const UNIFIED_ORDER_ROUTES: Readonly<Record<string, PrivateHandler>> = {
  'POST /api/v3/trade/place-order': (context) => place(context, context.parameters),
  'POST /api/v3/trade/place-batch': (context) => eachEntry(batchOf(context), (entry) => place(context, entry)),
  'POST /api/v3/trade/modify-order': (context) => modify(context, context.parameters),
  'POST /api/v3/trade/batch-modify-order': (context) => eachEntry(batchOf(context), (entry) => modify(context, entry)),
  'POST /api/v3/trade/cancel-order': (context) => cancel(context, context.parameters),
  'POST /api/v3/trade/cancel-batch': (context) => eachEntry(batchOf(context), (entry) => cancel(context, entry)),
  'POST /api/v3/trade/cancel-symbol-order': ({ exchange, account, parameters }) => {
    requireUsdtFutures(parameters);
    const symbol = parameters.optional('symbol')?.toUpperCase() ?? null;
    return { list: exchange.cancelAll(account, symbol).map(placed) };
  },
  'GET /api/v3/trade/order-info': ({ exchange, account, parameters }) => {
    const order = namedOrder(account, parameters);
    if (order === undefined) throw refuse.orderNotFound();
    return unifiedOrder(order, exchange.marketOf(order.symbol).instrument);
  },
  'GET /api/v3/trade/unfilled-orders': (context) => orderPage(context, context.account.open.values()),
  'GET /api/v3/trade/history-orders': (context) => {
    requireUsdtFutures(context.parameters);
    const { account } = context;
    return orderPage(
      context,
      [...account.orders].filter(({ id }) => !account.open.has(id)),
    );
  },
  'GET /api/v3/trade/fills': ({ exchange, account, parameters }) => {
    const orderId = parameters.optional('orderId');
    const order = orderId === null ? null : namedOrder(account, parameters);
    const fills = orderId === null ? account.fills : account.fills.filter((fill) => fill.orderId === order?.id);
    return pageOf(
      parameters,
      fills,
      ({ atMs }) => atMs,
      (fill) => unifiedFill(fill, exchange.marketOf(fill.symbol).instrument),
    );
  },
};

/** The calls that count against the order rate. */
export const UNIFIED_ORDER_RATE_PATHS: readonly string[] = Object.keys(UNIFIED_ORDER_ROUTES).filter((route) =>
  route.startsWith('POST '),
);

function place(context: PrivateContext, parameters: Parameters): Placed {
  return placed(context.exchange.place(context.account, readOrder(context, parameters)));
}

function cancel({ exchange, account }: PrivateContext, parameters: Parameters): Placed {
  return placed({ ...exchange.cancel(account, namedOrder(account, parameters)), madeRoom: false });
}

/** Price, quantity or both; the order keeps its ids. With `autoCancel` a modification that is refused ends the order. */
function modify({ exchange, account }: PrivateContext, parameters: Parameters): Placed {
  const order = namedOrder(account, parameters);
  if (order === undefined || !account.open.has(order.id)) throw refuse.orderGone();
  const { instrument } = exchange.marketOf(order.symbol);
  const price = parameters.optional('price');
  const qty = parameters.optional('qty');
  if (price === null && qty === null) throw refuseUnified.invalid('qty');
  try {
    const changed = exchange.modify(account, order, {
      price: price === null ? order.price : readPrice(price, instrument),
      qty: qty === null ? order.qty : readQty(qty, instrument),
    });
    return placed({ ...changed, madeRoom: false });
  } catch (error) {
    const endsOrder = parameters.choice('autoCancel', ['yes', 'no'], 'no') === 'yes' && account.open.has(order.id);
    if (endsOrder) exchange.cancel(account, order);
    throw error;
  }
}

function batchOf({ parameters }: PrivateContext): Parameters[] {
  const entries = parameters.list('list');
  if (entries.length === 0) throw refuse.missing('list');
  if (entries.length > BATCH_MAX) throw refuseUnified.tooManyInBatch();
  return entries;
}

function orderPage({ exchange, parameters }: PrivateContext, orders: Iterable<OrderRow>) {
  return pageOf(
    parameters,
    orders,
    ({ createdAtMs }) => createdAtMs,
    (order) => unifiedOrder(order, exchange.marketOf(order.symbol).instrument),
  );
}
