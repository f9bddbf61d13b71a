/** Normal orders over v2: place, amend, cancel, flash close, and what became of them. */
import type { Leg, MarginMode } from '../../core/accounting/legs.ts';
import type { Instrument } from '../../core/market/instrument.ts';
import type { PriceTicks } from '../../core/money/money.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import type { Account } from '../exchange/account.ts';
import type { OrderRequest } from '../exchange/matching.ts';
import { Refusal, refuse } from '../exchange/refusal.ts';
import type { FillRow, OrderRow, Preset } from '../exchange/rows.ts';
import { fillAnswer, orderAnswer, parseWireId, wireId } from '../exchange/wire.ts';
import { selectPage } from './paging.ts';
import { readPrice, readQty, type Parameters, type PrivateContext } from './request.ts';

/** As documented for the order lists of batches. */
const BATCH_MAX = 50;

/** How one-way mode says it on placing: no `tradeSide`; hedge mode: the side names the position and `tradeSide` the rest. */
export function readDirection(account: Account, parameters: Parameters): { leg: Leg; side: Side } {
  const side = parameters.choice<Side>('side', ['buy', 'sell']);
  const tradeSide = parameters.optional('tradeSide')?.toLowerCase() ?? null;
  if (account.row.positionMode === 'one_way') {
    if (tradeSide !== null) throw refuse.wrongPositionMode();
    return { leg: 'net', side };
  }
  if (tradeSide === null) throw refuse.wrongPositionMode();
  if (tradeSide !== 'open' && tradeSide !== 'close') throw refuse.badParameter('tradeSide');
  const leg = side === 'buy' ? 'long' : 'short';
  if (tradeSide === 'open') return { leg, side };
  return { leg, side: side === 'buy' ? 'sell' : 'buy' };
}

/** Null when absent; throws when it is longer than the venue takes or has characters it does not take. */
export function readClientOid(parameters: Parameters, name = 'clientOid'): string | null {
  const clientOid = parameters.optional(name);
  if (clientOid !== null && !/^[\x21-\x7e]{1,50}$/.test(clientOid)) throw refuse.clientOidTooLong();
  return clientOid;
}

/** 0 and absent are the market. */
export function readExecutePrice(text: string | null, instrument: Instrument): PriceTicks {
  return (text === null || Number(text) === 0 ? 0 : readPrice(text, instrument)) as PriceTicks;
}

/** Null without a trigger price; 0 deletes one. */
export function readPreset(trigger: string | null, execute: string | null, instrument: Instrument): Preset | null {
  if (trigger === null || Number(trigger) === 0) return null;
  return { triggerPrice: readPrice(trigger, instrument), executePrice: readExecutePrice(execute, instrument) };
}

export function placeOrder(context: PrivateContext) {
  const order = place(context, context.parameters);
  // As documented: when older reduce-only orders had to make room the answer names no order.
  return order.madeRoom ? { clientOid: order.clientOid } : named(order);
}

function place({ exchange, account, parameters: outer }: PrivateContext, parameters: Parameters): OrderRow {
  const { instrument } = exchange.marketOf(outer.required('symbol').toUpperCase());
  outer.requireUsdtFutures();
  const orderType = parameters.choice('orderType', ['limit', 'market']);
  const marginMode = outer.choice<MarginMode>('marginMode', ['crossed', 'isolated'], 'crossed');
  const request: OrderRequest = {
    symbol: instrument.symbol,
    clientOid: readClientOid(parameters),
    ...readDirection(account, parameters),
    marginMode,
    orderType,
    force: orderType === 'market' ? 'gtc' : parameters.choice('force', ['gtc', 'post_only', 'ioc', 'fok'], 'gtc'),
    reduceOnly: parameters.choice('reduceOnly', ['yes', 'no'], 'no') === 'yes',
    price: (orderType === 'market' ? 0 : readPrice(parameters.required('price'), instrument)) as PriceTicks,
    qty: readQty(parameters.required('size'), instrument),
    takeProfit: readPreset(
      parameters.optional('presetStopSurplusPrice'),
      parameters.optional('presetStopSurplusExecutePrice'),
      instrument,
    ),
    stopLoss: readPreset(
      parameters.optional('presetStopLossPrice'),
      parameters.optional('presetStopLossExecutePrice'),
      instrument,
    ),
  };
  return exchange.place(account, request);
}

export function batchPlace(context: PrivateContext) {
  const entries = context.parameters.list('orderList');
  if (entries.length > BATCH_MAX) throw refuse.badParameter('orderList');
  const { successList, failureList } = each(entries, (entry) => named(place(context, entry)));
  return { successList, failureList, result: failureList.length === 0 };
}

/**
 * New price and size cancel the order and create another one, whose id the venue does not tell: it answers the old id with
 * the new client id. Presets alone change in place, and the one that is not given goes.
 */
export function modifyOrder(context: PrivateContext) {
  const { exchange, account, parameters } = context;
  parameters.requireUsdtFutures();
  const { instrument } = exchange.marketOf(parameters.required('symbol').toUpperCase());
  const order = namedOrder(context, parameters);
  const clientOid = readClientOid(parameters, 'newClientOid');
  if (clientOid === null) throw refuse.missing('newClientOid');
  const [price, size] = [parameters.optional('newPrice'), parameters.optional('newSize')];
  if ((price === null) !== (size === null)) throw refuse.amendHalf();
  if (price === null || size === null) {
    const [profit, loss] = [
      parameters.optional('newPresetStopSurplusPrice'),
      parameters.optional('newPresetStopLossPrice'),
    ];
    if (profit === null && loss === null) throw refuse.amendNothing();
    const takeProfit = readPreset(profit, null, instrument);
    return named(exchange.setPresets(account, order, { takeProfit, stopLoss: readPreset(loss, null, instrument) }));
  }
  if (order === undefined) throw refuse.orderGone();
  exchange.amend(account, order, { clientOid, price: readPrice(price, instrument), qty: readQty(size, instrument) });
  return { orderId: wireId(order.id), clientOid };
}

export function cancelOrder(context: PrivateContext) {
  const { exchange, account, parameters } = context;
  return named(exchange.cancel(account, namedOrder(context, parameters)));
}

/** Named orders of a symbol, or all open ones. Triggers are another family and stay. */
export function batchCancel(context: PrivateContext) {
  const { exchange, account, parameters } = context;
  const symbol = parameters.optional('symbol')?.toUpperCase() ?? null;
  const entries = parameters.list('orderIdList');
  if (entries.length > BATCH_MAX) throw refuse.cancelTooMany();
  if (entries.length === 0) {
    const cancelled = exchange.cancelAll(account, symbol);
    if (cancelled.length === 0) throw refuse.nothingToCancel();
    return { successList: cancelled.map(named), failureList: [] };
  }
  return each(entries, (entry) => named(exchange.cancel(account, namedOrder(context, entry, symbol))));
}

export function closePositions({ exchange, account, parameters }: PrivateContext) {
  parameters.requireUsdtFutures();
  const symbol = parameters.optional('symbol')?.toUpperCase() ?? null;
  if (symbol !== null) exchange.marketOf(symbol);
  // One-way mode has one position a symbol and ignores the side.
  const isHedge = account.row.positionMode === 'hedge';
  const holdSide = isHedge && parameters.optional('holdSide') !== null;
  const direction = holdSide ? parameters.choice('holdSide', ['long', 'short']) : null;
  const orders = exchange.closePositions(account, symbol, direction);
  return { successList: orders.map((order) => ({ ...named(order), symbol: order.symbol })), failureList: [] };
}

export function orderDetail(context: PrivateContext) {
  const order = namedOrder(context, context.parameters);
  if (order === undefined) throw refuse.orderNotFound();
  return orderAnswer(order, context.exchange.marketOf(order.symbol).instrument, 'state');
}

export function pendingOrders(context: PrivateContext) {
  return orderList(context, context.account.open.values());
}

export function closedOrders(context: PrivateContext) {
  const { account } = context;
  return orderList(
    context,
    [...account.orders].filter(({ id }) => !account.open.has(id)),
  );
}

export function fillList({ exchange, account, parameters }: PrivateContext) {
  const orderId = parameters.optional('orderId');
  const fills = account.fills.filter((fill) => orderId === null || wireId(fill.orderId) === orderId);
  const page = selectPage<FillRow>(parameters, fills, ({ atMs }) => atMs);
  const rows = page.map((fill) => fillAnswer(fill, exchange.marketOf(fill.symbol).instrument));
  return { fillList: rows, endId: rows.at(-1)?.tradeId ?? null };
}

export function named({ id, clientOid }: { readonly id: number; readonly clientOid: string }) {
  return { orderId: wireId(id), clientOid };
}

/** Runs `change` for each entry of a batch; what the venue refuses is listed with its code. */
function each(entries: readonly Parameters[], change: (entry: Parameters) => object) {
  const successList: object[] = [];
  const failureList: object[] = [];
  for (const entry of entries) {
    try {
      successList.push(change(entry));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      failureList.push({
        orderId: entry.optional('orderId') ?? '',
        clientOid: entry.optional('clientOid') ?? '',
        errorMsg: error.message,
        errorCode: error.code,
      });
    }
  }
  return { successList, failureList };
}

function namedOrder(
  { account, parameters: outer }: PrivateContext,
  parameters: Parameters,
  symbol = outer.optional('symbol')?.toUpperCase() ?? null,
): OrderRow | undefined {
  const orderId = parameters.optional('orderId');
  const clientOid = parameters.optional('clientOid');
  if (orderId === null && clientOid === null) throw refuse.missing('orderId');
  const id = orderId === null ? null : parseWireId(orderId);
  const order =
    orderId === null ? account.orderByClientOid(clientOid ?? '') : id === null ? undefined : account.orderById(id);
  return order !== undefined && symbol !== null && order.symbol !== symbol ? undefined : order;
}

function orderList({ exchange, parameters }: PrivateContext, orders: Iterable<OrderRow>) {
  const clientOid = parameters.optional('clientOid');
  const orderId = parameters.optional('orderId');
  const asked = [...orders].filter((order) =>
    orderId === null ? clientOid === null || order.clientOid === clientOid : wireId(order.id) === orderId,
  );
  const rows = selectPage(parameters, asked, ({ createdAtMs }) => createdAtMs).map((order) =>
    orderAnswer(order, exchange.marketOf(order.symbol).instrument, 'status'),
  );
  return { entrustedList: rows, endId: rows.at(-1)?.orderId ?? null };
}
