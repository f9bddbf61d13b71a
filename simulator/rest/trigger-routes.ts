/**
 * Trigger orders over v2. Two families share the paths that cancel and list: plan orders (`normal_plan`, `track_plan`) and
 * the stops and take-profits of positions. The venue's rules on `planType` are kept because clients trip over them: to
 * cancel it is one exact kind and `normal_plan` by default, to list it is required and `profit_loss` stands for all stops.
 */
import { parseScaled } from '../../core/money/decimal.ts';
import type { MarginMode } from '../../core/accounting/legs.ts';
import type { Instrument } from '../../core/market/instrument.ts';
import type { QtyLots } from '../../core/money/money.ts';
import { refuse } from '../exchange/refusal.ts';
import {
  coversPosition,
  isTpsl,
  type PlanKind,
  type TpslKind,
  type TriggerKind,
  type TriggerRow,
  type TriggerSource,
} from '../exchange/rows.ts';
import type { TpslRequest, TriggerChange } from '../exchange/trigger-book.ts';
import { finishedTriggerAnswer, triggerAnswer } from '../exchange/trigger-wire.ts';
import { orderAnswer, parseWireId, wireId } from '../exchange/wire.ts';
import { named, readClientOid, readDirection, readExecutePrice, readPreset } from './order-routes.ts';
import { selectPage } from './paging.ts';
import { readPrice, readQty, type Parameters, type PrivateContext } from './request.ts';

const PLAN_KINDS: readonly PlanKind[] = ['normal_plan', 'track_plan'];
const TPSL_KINDS: readonly TpslKind[] = ['profit_plan', 'loss_plan', 'moving_plan', 'pos_profit', 'pos_loss'];
const KINDS: readonly TriggerKind[] = [...PLAN_KINDS, ...TPSL_KINDS];
const SOURCES: readonly TriggerSource[] = ['fill_price', 'mark_price'];
/** Per cent; the venue takes no larger ones. */
const CALLBACK_MAX = 10;
const CANCEL_MAX = 50;

export function placePlan({ exchange, account, parameters }: PrivateContext) {
  parameters.requireUsdtFutures();
  const { instrument } = exchange.marketOf(parameters.required('symbol').toUpperCase());
  const kind = parameters.choice('planType', PLAN_KINDS);
  const orderType = parameters.choice('orderType', ['limit', 'market']);
  const executePrice = readPlanPrice(parameters, orderType, instrument);
  if (kind === 'track_plan' && executePrice !== 0) throw refuse.badParameter('price');
  const trigger = exchange.placePlan(account, {
    kind,
    symbol: instrument.symbol,
    clientOid: readClientOid(parameters),
    ...readDirection(account, parameters),
    reduceOnly: parameters.choice('reduceOnly', ['yes', 'no'], 'no') === 'yes',
    marginMode: parameters.choice<MarginMode>('marginMode', ['crossed', 'isolated']),
    triggerPrice: readPrice(parameters.required('triggerPrice'), instrument),
    source: parameters.choice('triggerType', SOURCES),
    executePrice,
    qty: readQty(parameters.required('size'), instrument),
    callbackE6: kind === 'track_plan' ? readCallback(parameters.required('callbackRatio')) : null,
    takeProfit: readPreset(
      parameters.optional('stopSurplusTriggerPrice'),
      parameters.optional('stopSurplusExecutePrice'),
      instrument,
    ),
    stopLoss: readPreset(
      parameters.optional('stopLossTriggerPrice'),
      parameters.optional('stopLossExecutePrice'),
      instrument,
    ),
  });
  return named(trigger);
}

/** Documented as `price`; clients also say `executePrice`. */
function readPlanPrice(parameters: Parameters, orderType: 'limit' | 'market', instrument: Instrument) {
  const text = parameters.optional('price') ?? parameters.optional('executePrice');
  if (orderType === 'market') return readExecutePrice(null, instrument);
  if (text === null) throw refuse.missing('price');
  return readPrice(text, instrument);
}

export function placeTpsl(context: PrivateContext) {
  const { exchange, account, parameters } = context;
  parameters.requireUsdtFutures();
  const { instrument } = exchange.marketOf(parameters.required('symbol').toUpperCase());
  const kind = parameters.choice('planType', TPSL_KINDS);
  const executePrice = readExecutePrice(parameters.optional('executePrice'), instrument);
  if (kind === 'moving_plan' && executePrice !== 0) throw refuse.badParameter('executePrice');
  const trigger = exchange.placeTpsl(account, {
    kind,
    symbol: instrument.symbol,
    clientOid: readClientOid(parameters),
    direction: readHoldSide(context),
    triggerPrice: readPrice(parameters.required('triggerPrice'), instrument),
    source: parameters.choice('triggerType', SOURCES, 'fill_price'),
    executePrice,
    // Clients send a size for the whole-position kinds too; it means nothing there.
    qty: coversPosition(kind) ? (0 as QtyLots) : readQty(parameters.required('size'), instrument),
    callbackE6: kind === 'moving_plan' ? readCallback(parameters.required('rangeRate')) : null,
  });
  return named(trigger);
}

/** Stop and take-profit at once, each partial when it has a size. Answers one entry for each. */
export function placePositionTpsl(context: PrivateContext) {
  const { exchange, account, parameters } = context;
  parameters.requireUsdtFutures();
  const { instrument } = exchange.marketOf(parameters.required('symbol').toUpperCase());
  const direction = readHoldSide(context);
  const read = (prefix: 'stopSurplus' | 'stopLoss'): TpslRequest[] => {
    const triggerPrice = parameters.optional(`${prefix}TriggerPrice`);
    if (triggerPrice === null) return [];
    const size = parameters.optional(`${prefix}Size`);
    const isProfit = prefix === 'stopSurplus';
    return [
      {
        kind: size === null ? (isProfit ? 'pos_profit' : 'pos_loss') : isProfit ? 'profit_plan' : 'loss_plan',
        symbol: instrument.symbol,
        clientOid: readClientOid(parameters, `${prefix}ClientOid`),
        direction,
        triggerPrice: readPrice(triggerPrice, instrument),
        source: parameters.choice(`${prefix}TriggerType`, SOURCES, 'fill_price'),
        executePrice: readExecutePrice(parameters.optional(`${prefix}ExecutePrice`), instrument),
        qty: size === null ? (0 as QtyLots) : readQty(size, instrument),
        callbackE6: null,
      },
    ];
  };
  const requests = [...read('stopSurplus'), ...read('stopLoss')];
  if (requests.length === 0) throw refuse.missing('stopSurplusTriggerPrice');
  return exchange.placeTpsls(account, requests).map(({ id, kind, clientOid }) => {
    const isProfit = kind === 'pos_profit' || kind === 'profit_plan';
    return {
      orderId: wireId(id),
      stopSurplusClientOid: isProfit ? clientOid : '',
      stopLossClientOid: isProfit ? '' : clientOid,
    };
  });
}

export function modifyPlan(context: PrivateContext) {
  const { exchange, account, parameters } = context;
  parameters.requireUsdtFutures();
  const trigger = namedTrigger(context, parameters);
  if (trigger === undefined) throw refuse.planGone();
  const { instrument } = exchange.marketOf(trigger.symbol);
  const size = parameters.optional('newSize');
  const price = parameters.optional('newPrice');
  const triggerPrice = parameters.optional('newTriggerPrice');
  const source = parameters.optional('newTriggerType');
  const callback = parameters.optional('newCallbackRatio');
  if (source !== null && triggerPrice === null) throw refuse.missing('newTriggerPrice');
  if (price !== null && trigger.executePrice === 0) throw refuse.badParameter('newPrice');
  if (trigger.kind === 'track_plan' && callback === null) throw refuse.missing('newCallbackRatio');
  if (trigger.kind !== 'track_plan' && callback !== null) throw refuse.badParameter('newCallbackRatio');
  const profit = parameters.optional('newStopSurplusTriggerPrice');
  const loss = parameters.optional('newStopLossTriggerPrice');
  const change: TriggerChange = {
    ...(size === null ? {} : { qty: readQty(size, instrument) }),
    ...(price === null ? {} : { executePrice: readPrice(price, instrument) }),
    ...(triggerPrice === null ? {} : { triggerPrice: readPrice(triggerPrice, instrument) }),
    ...(source === null ? {} : { source: parameters.choice('newTriggerType', SOURCES) }),
    ...(callback === null ? {} : { callbackE6: readCallback(callback) }),
    ...(profit === null
      ? {}
      : { takeProfit: readPreset(profit, parameters.optional('newStopSurplusExecutePrice'), instrument) }),
    ...(loss === null
      ? {}
      : { stopLoss: readPreset(loss, parameters.optional('newStopLossExecutePrice'), instrument) }),
  };
  return named(exchange.modifyTrigger(account, trigger, 'plan', change));
}

export function modifyTpsl(context: PrivateContext) {
  const { exchange, account, parameters } = context;
  parameters.requireUsdtFutures();
  const { instrument } = exchange.marketOf(parameters.required('symbol').toUpperCase());
  const trigger = namedTrigger(context, parameters);
  if (trigger === undefined) throw refuse.tpslGone();
  const size = parameters.optional('size');
  if (coversPosition(trigger.kind) && size !== null) throw refuse.positionSizeFixed();
  const callback = parameters.optional('rangeRate');
  const change: TriggerChange = {
    triggerPrice: readPrice(parameters.required('triggerPrice'), instrument),
    executePrice: readExecutePrice(parameters.optional('executePrice'), instrument),
    ...(parameters.optional('triggerType') === null ? {} : { source: parameters.choice('triggerType', SOURCES) }),
    ...(coversPosition(trigger.kind) ? {} : { qty: readQty(parameters.required('size'), instrument) }),
    ...(trigger.kind === 'moving_plan' && callback !== null ? { callbackE6: readCallback(callback) } : {}),
  };
  return named(exchange.modifyTrigger(account, trigger, 'tpsl', change));
}

/** By id, or all of one kind. What is of another kind is not found: nothing is cancelled and nothing is in the list. */
export function cancelTriggers(context: PrivateContext) {
  const { exchange, account, parameters } = context;
  parameters.requireUsdtFutures();
  const kind = parameters.choice('planType', KINDS, 'normal_plan');
  const symbol = parameters.optional('symbol')?.toUpperCase() ?? null;
  const entries = parameters.list('orderIdList');
  const inScope = (trigger: TriggerRow) =>
    trigger.status === 'live' && trigger.kind === kind && (symbol === null || trigger.symbol === symbol);
  if (entries.length === 0) {
    const chosen = [...account.waiting.values()].filter(inScope);
    return { successList: exchange.cancelTriggers(account, chosen).map(named), failureList: [] };
  }
  if (entries.length > CANCEL_MAX) throw refuse.cancelTooMany();
  if (symbol === null) throw refuse.missing('symbol');
  const found: TriggerRow[] = [];
  const failureList: object[] = [];
  for (const entry of entries) {
    const trigger = namedTrigger(context, entry);
    if (trigger !== undefined && inScope(trigger)) found.push(trigger);
    else {
      const [orderId, clientOid] = [entry.optional('orderId') ?? '', entry.optional('clientOid') ?? ''];
      // Spelled so by the venue.
      failureList.push({ orderId, clientOid, errorMsg: 'notExistend' });
    }
  }
  return { successList: exchange.cancelTriggers(account, found).map(named), failureList };
}

export function pendingTriggers({ exchange, account, parameters }: PrivateContext) {
  const rows = triggerPage(parameters, account.waiting.values()).map((trigger) =>
    triggerAnswer(trigger, exchange.marketOf(trigger.symbol).instrument),
  );
  return { entrustedList: rows, endId: rows.at(-1)?.orderId ?? null };
}

export function closedTriggers({ exchange, account, parameters }: PrivateContext) {
  const status = parameters.optional('planStatus');
  const finished = [...account.triggers].filter(
    (trigger) => trigger.status !== 'live' && (status === null || trigger.status === status),
  );
  const rows = triggerPage(parameters, finished).map((trigger) =>
    finishedTriggerAnswer(trigger, account, exchange.marketOf(trigger.symbol).instrument),
  );
  return { entrustedList: rows, endId: rows.at(-1)?.orderId ?? null };
}

/** What a plan order became. */
export function planSubOrder({ exchange, account, parameters }: PrivateContext) {
  const kind = parameters.choice('planType', PLAN_KINDS);
  const id = parseWireId(parameters.required('planOrderId'));
  const trigger = id === null ? undefined : account.triggerById(id);
  if (trigger?.kind !== kind) throw refuse.planGone();
  const order = trigger.executeOrderId === null ? undefined : account.orderById(trigger.executeOrderId);
  if (order === undefined) return [];
  const { orderId, price } = orderAnswer(order, exchange.marketOf(order.symbol).instrument, 'state');
  return [{ orderId, price, type: order.orderType, status: 'success' }];
}

function triggerPage(parameters: Parameters, triggers: Iterable<TriggerRow>): TriggerRow[] {
  const asked = parameters.choice('planType', [...PLAN_KINDS, 'profit_loss'] as const);
  const orderId = parameters.optional('orderId');
  const clientOid = parameters.optional('clientOid');
  const chosen = [...triggers]
    .filter(({ kind }) => (asked === 'profit_loss' ? isTpsl(kind) : kind === asked))
    .filter((trigger) =>
      orderId === null ? clientOid === null || trigger.clientOid === clientOid : wireId(trigger.id) === orderId,
    );
  return selectPage(parameters, chosen, ({ createdAtMs }) => createdAtMs);
}

/** One-way: `buy` is the long position; hedge: `long`. The other mode's words are refused. */
function readHoldSide({ account, parameters }: PrivateContext): 'long' | 'short' {
  const holdSide = parameters.required('holdSide').toLowerCase();
  const words = account.row.positionMode === 'one_way' ? ['buy', 'sell'] : ['long', 'short'];
  if (!words.includes(holdSide)) throw refuse.badParameter('holdSide');
  return holdSide === words[0] ? 'long' : 'short';
}

function namedTrigger({ account }: PrivateContext, parameters: Parameters): TriggerRow | undefined {
  const orderId = parameters.optional('orderId');
  const clientOid = parameters.optional('clientOid');
  if (orderId === null && clientOid === null) throw refuse.missing('orderId');
  if (orderId === null) return account.triggerByClientOid(clientOid ?? '');
  const id = parseWireId(orderId);
  return id === null ? undefined : account.triggerById(id);
}

/** Per cent with at most 4 decimals, as millionths. */
function readCallback(text: string): number {
  if (!/^\d{1,2}(\.\d{1,4})?$/.test(text)) throw refuse.badParameter('callbackRatio');
  const callbackE6 = Number(parseScaled(text, 4));
  if (callbackE6 <= 0 || callbackE6 > CALLBACK_MAX * 10_000) throw refuse.badParameter('callbackRatio');
  return callbackE6;
}
