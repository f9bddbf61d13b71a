/**
 * Strategy orders of a unified account, on the exchange's triggers. `full` TP/SL covers the position (`pos_profit`,
 * `pos_loss`), `partial` a part of it (`profit_plan`, `loss_plan`), `trigger` opens or reduces by a price (`normal_plan`).
 * One request may carry a take-profit and a stop-loss: they become two strategies, of which the stop-loss is answered.
 */
import { closesLeg } from '../../core/accounting/legs.ts';
import type { PriceTicks, QtyLots } from '../../core/money/money.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import type { TriggerChange } from '../exchange/trigger-book.ts';
import { isTpsl, type Preset, type TpslKind, type TriggerRow, type TriggerSource } from '../exchange/rows.ts';
import { wireId } from '../exchange/wire.ts';
import { readPrice, readQty, type Parameters, type PrivateContext, type PrivateHandler } from './request.ts';
import { named, readClientOid, readLeg, readPreset, type Placed } from './unified-orders.ts';
import { pageOf, requireUsdtFutures } from './unified-paging.ts';
import { refuseUnified } from './unified-refusal.ts';
import { isStopLoss, isTakeProfit, unifiedStrategy } from './unified-wire.ts';

export const UNIFIED_STRATEGY_ROUTES: Readonly<Record<string, PrivateHandler>> = {
  'POST /api/v3/trade/place-strategy-order': (context) => {
    requireUsdtFutures(context.parameters);
    const type = context.parameters.choice('type', ['tpsl', 'trigger'], 'tpsl');
    return placed(type === 'trigger' ? placeTrigger(context) : placeTpsl(context));
  },
  'POST /api/v3/trade/modify-strategy-order': (context) => {
    const { exchange, account, parameters } = context;
    const trigger = namedStrategy(context);
    const { instrument } = exchange.marketOf(trigger.symbol);
    const change = isTakeProfit(trigger)
      ? sideChange(parameters, 'tp', readPreset(parameters, 'takeProfit', 'tp', instrument))
      : isStopLoss(trigger)
        ? sideChange(parameters, 'sl', readPreset(parameters, 'stopLoss', 'sl', instrument))
        : triggerChange(context, trigger);
    const qty = parameters.optional('qty');
    const changesQty = qty !== null && trigger.qty !== 0;
    const sized = changesQty ? { ...change, qty: readQty(qty, instrument) } : change;
    return placed(exchange.modifyTrigger(account, trigger, isTpsl(trigger.kind) ? 'tpsl' : 'plan', sized));
  },
  'POST /api/v3/trade/cancel-strategy-order': (context) => {
    context.exchange.cancelTriggers(context.account, [namedStrategy(context)]);
    return null;
  },
  'GET /api/v3/trade/unfilled-strategy-orders': (context) => {
    requireUsdtFutures(context.parameters);
    // The whole list at once, without a page around it: so Bitget's page of the endpoint and its clients have it.
    return strategyPage(context, context.account.waiting.values()).list;
  },
  'GET /api/v3/trade/history-strategy-orders': (context) => {
    requireUsdtFutures(context.parameters);
    return strategyPage(
      context,
      [...context.account.triggers].filter(({ status }) => status !== 'live'),
    );
  },
};

function placed({ id, clientOid }: TriggerRow): Placed {
  return { orderId: wireId(id), clientOid };
}

function placeTpsl({ exchange, account, parameters }: PrivateContext): TriggerRow {
  const { symbol, instrument } = exchange.marketOf(parameters.required('symbol').toUpperCase());
  const direction = parameters.choice('posSide', ['long', 'short']);
  const isFull = parameters.choice('tpslMode', ['full', 'partial'], 'full') === 'full';
  const takeProfit = readPreset(parameters, 'takeProfit', 'tp', instrument);
  const stopLoss = readPreset(parameters, 'stopLoss', 'sl', instrument);
  if (takeProfit === null && stopLoss === null) throw refuseUnified.invalid('takeProfit, stopLoss');
  const qty = isFull ? (0 as QtyLots) : readQty(parameters.required('qty'), instrument);
  const clientOid = readClientOid(parameters);
  const request = (kind: TpslKind, preset: Preset, prefix: 'tp' | 'sl', name: string | null) => ({
    kind,
    symbol,
    clientOid: name,
    direction,
    source: sourceOf(parameters, prefix),
    qty,
    callbackE6: null,
    ...preset,
  });
  const requests = [
    stopLoss && request(isFull ? 'pos_loss' : 'loss_plan', stopLoss, 'sl', clientOid),
    takeProfit &&
      request(isFull ? 'pos_profit' : 'profit_plan', takeProfit, 'tp', stopLoss === null ? clientOid : null),
  ].filter((entry) => entry !== null);
  const [first] = exchange.placeTpsls(account, requests);
  return first!;
}

function placeTrigger({ exchange, account, parameters }: PrivateContext): TriggerRow {
  const { symbol, instrument } = exchange.marketOf(parameters.required('symbol').toUpperCase());
  const leg = readLeg(account, parameters);
  const side = parameters.choice<Side>('side', ['buy', 'sell']);
  const isMarket = parameters.choice('triggerOrderType', ['limit', 'market'], 'market') === 'market';
  const askedReduceOnly = parameters.choice('reduceOnly', ['yes', 'no'], 'no') === 'yes';
  return exchange.placePlan(account, {
    kind: 'normal_plan',
    symbol,
    clientOid: readClientOid(parameters),
    leg,
    side,
    reduceOnly: leg === 'net' ? askedReduceOnly : closesLeg(leg, side),
    marginMode: account.settings(symbol).marginMode,
    triggerPrice: readPrice(parameters.required('triggerPrice'), instrument),
    source: sourceOf(parameters, 'trigger'),
    executePrice: isMarket ? (0 as PriceTicks) : readPrice(parameters.required('triggerOrderPrice'), instrument),
    qty: readQty(parameters.required('qty'), instrument),
    callbackE6: null,
    takeProfit: null,
    stopLoss: null,
  });
}

/** The last price unless the mark is asked for: `tpTriggerBy`, `slTriggerBy`, `triggerBy`. */
function sourceOf(parameters: Parameters, prefix: 'tp' | 'sl' | 'trigger'): TriggerSource {
  const name = prefix === 'trigger' ? 'triggerBy' : `${prefix}TriggerBy`;
  return parameters.choice(name, ['market', 'mark'], 'market') === 'mark' ? 'mark_price' : 'fill_price';
}

/** What a modification says about a trigger's own side; without a new trigger price only its source may change. */
function sideChange(parameters: Parameters, prefix: 'tp' | 'sl', preset: Preset | null): TriggerChange {
  const saysSource = parameters.optional(`${prefix}TriggerBy`) !== null;
  return { ...preset, ...(saysSource ? { source: sourceOf(parameters, prefix) } : {}) };
}

function triggerChange({ exchange, parameters }: PrivateContext, { symbol }: TriggerRow): TriggerChange {
  const { instrument } = exchange.marketOf(symbol);
  const triggerPrice = parameters.optional('triggerPrice');
  const executePrice = parameters.optional('triggerOrderPrice');
  return {
    ...(triggerPrice === null ? {} : { triggerPrice: readPrice(triggerPrice, instrument) }),
    ...(executePrice === null ? {} : { executePrice: readPrice(executePrice, instrument) }),
    ...(parameters.optional('triggerBy') === null ? {} : { source: sourceOf(parameters, 'trigger') }),
  };
}

function namedStrategy({ account, parameters }: PrivateContext): TriggerRow {
  const trigger = named(
    parameters,
    (id) => account.triggerById(id),
    (clientOid) => account.triggerByClientOid(clientOid),
  );
  if (trigger === undefined || trigger.status !== 'live') throw refuseUnified.strategyGone();
  return trigger;
}

function strategyPage({ exchange, account, parameters }: PrivateContext, triggers: Iterable<TriggerRow>) {
  const type = parameters.choice('type', ['tpsl', 'trigger', 'all'], 'all');
  const ofType = [...triggers].filter(
    ({ kind }) => type === 'all' || (kind === 'normal_plan') === (type === 'trigger'),
  );
  return pageOf(
    parameters,
    ofType,
    ({ createdAtMs }) => createdAtMs,
    (trigger) => unifiedStrategy(account, trigger, exchange.marketOf(trigger.symbol).instrument),
  );
}
