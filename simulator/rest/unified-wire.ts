/** Rows as the unified account's protocol (v3) spells them, shared by REST answers and private topics. */
import type { PositionMode } from '../../core/accounting/legs.ts';
import { formatQuote } from '../../core/money/decimal.ts';
import { formatPrice, formatQty, type Instrument } from '../../core/market/instrument.ts';
import type { QtyLots } from '../../core/money/money.ts';
import type { Account } from '../exchange/account.ts';
import { averagePrice } from '../exchange/margin.ts';
import type { FillRow, OrderCause, OrderRow, Preset, TriggerRow } from '../exchange/rows.ts';
import { feeCoin, positionModeOf, PRODUCT_TYPE, tradeSide, wireId } from '../exchange/wire.ts';

type Traded = Pick<OrderRow, 'leg' | 'side' | 'reduceOnly'>;

export function wireHoldMode(mode: PositionMode): string {
  return mode === 'hedge' ? 'hedge_mode' : 'one_way_mode';
}

/** The position that a trade belongs to; a reduce-only sell in one-way mode closes a long one. */
export function positionSide({ leg, side, reduceOnly }: Traded): 'long' | 'short' {
  if (leg !== 'net') return leg;
  return (side === 'buy') !== reduceOnly ? 'long' : 'short';
}

/** v2 writes one L. */
function orderStatus({ status }: OrderRow): string {
  return status === 'canceled' ? 'cancelled' : status;
}

function executionType(cause: OrderCause): string {
  if (cause === 'liquidation') return 'liquidation';
  return cause === 'forced_reduce' ? 'reduce' : 'normal';
}

/** Take-profit and stop-loss with their orders, null throughout where there is none. */
function presetFields({ takeProfit, stopLoss }: OrderRow, instrument: Instrument) {
  const by = (preset: Preset | null) => (preset === null ? null : 'market');
  const trigger = (preset: Preset | null) => preset && formatPrice(preset.triggerPrice, instrument);
  const type = (preset: Preset | null) => preset && (preset.executePrice === 0 ? 'market' : 'limit');
  const limit = (preset: Preset | null) =>
    preset && (preset.executePrice === 0 ? '' : formatPrice(preset.executePrice, instrument));
  return {
    tpTriggerBy: by(takeProfit),
    slTriggerBy: by(stopLoss),
    takeProfit: trigger(takeProfit),
    stopLoss: trigger(stopLoss),
    tpOrderType: type(takeProfit),
    slOrderType: type(stopLoss),
    tpLimitPrice: limit(takeProfit),
    slLimitPrice: limit(stopLoss),
  };
}

/** Order as every REST list and the detail have it. Fees are positive when they were paid, other than in v2. */
export function unifiedOrder(order: OrderRow, instrument: Instrument) {
  return {
    orderId: wireId(order.id),
    clientOid: order.clientOid,
    category: PRODUCT_TYPE,
    symbol: order.symbol,
    orderType: order.orderType,
    side: order.side,
    price: order.orderType === 'market' ? '0' : formatPrice(order.price, instrument),
    qty: formatQty(order.qty, instrument),
    amount: '0',
    cumExecQty: formatQty(order.filled, instrument),
    cumExecValue: formatQuote(order.filledValue),
    avgPrice: averagePrice(order.filledValue, order.filled, instrument) || '0',
    timeInForce: order.force,
    orderStatus: orderStatus(order),
    posSide: positionSide(order),
    holdMode: positionModeOf(order.leg),
    reduceOnly: order.reduceOnly ? 'YES' : 'NO',
    feeDetail: order.filled === 0 ? [{ feeCoin: '', fee: '' }] : [{ feeCoin: 'USDT', fee: formatQuote(order.fee) }],
    createdTime: String(order.createdAtMs),
    updatedTime: String(order.updatedAtMs),
    cancelReason: order.cancelReason,
    execType: executionType(order.cause),
    stpMode: 'none',
    ...presetFields(order, instrument),
  };
}

/** Order as the `order` topic pushes it. */
export function unifiedOrderPush(order: OrderRow, instrument: Instrument) {
  return {
    category: PRODUCT_TYPE.toLowerCase(),
    symbol: order.symbol,
    orderId: wireId(order.id),
    clientOid: order.clientOid,
    price: order.orderType === 'market' ? '' : formatPrice(order.price, instrument),
    qty: formatQty(order.qty, instrument),
    amount: '0',
    holdMode: positionModeOf(order.leg),
    holdSide: positionSide(order),
    tradeSide: tradeSide(order),
    orderType: order.orderType,
    timeInForce: order.force,
    side: order.side,
    marginMode: order.marginMode,
    marginCoin: 'USDT',
    reduceOnly: order.reduceOnly ? 'yes' : 'no',
    cumExecQty: formatQty(order.filled, instrument),
    cumExecValue: formatQuote(order.filledValue),
    avgPrice: averagePrice(order.filledValue, order.filled, instrument) || '0',
    totalProfit: formatQuote(order.realised),
    orderStatus: orderStatus(order),
    cancelReason: order.cancelReason,
    leverage: String(order.leverage),
    feeDetail: [{ feeCoin: 'USDT', fee: formatQuote(order.fee) }],
    createdTime: String(order.createdAtMs),
    updatedTime: String(order.updatedAtMs),
    stpMode: 'none',
  };
}

function fillFields(fill: FillRow, instrument: Instrument) {
  return {
    execId: wireId(fill.id),
    execLinkId: wireId(fill.id),
    orderId: wireId(fill.orderId),
    clientOid: fill.clientOid,
    category: PRODUCT_TYPE,
    symbol: fill.symbol,
    orderType: fill.orderType,
    side: fill.side,
    execPrice: formatPrice(fill.price, instrument),
    execQty: formatQty(fill.qty, instrument),
    execValue: formatQuote(fill.value),
    tradeScope: fill.liquidity,
    tradeSide: tradeSide(fill),
    feeDetail: [{ feeCoin: feeCoin(fill), fee: formatQuote(fill.deducted ?? fill.fee) }],
    updatedTime: String(fill.atMs),
    execPnl: formatQuote(fill.realised),
  };
}

export function unifiedFill(fill: FillRow, instrument: Instrument) {
  return { ...fillFields(fill, instrument), createdTime: String(fill.atMs) };
}

export function unifiedFillPush(fill: FillRow, instrument: Instrument) {
  return { ...fillFields(fill, instrument), holdSide: positionSide(fill), execTime: String(fill.atMs) };
}

/** A trigger as the strategy lists have it: one that is set off by a plain price has its own fields, the others a side of TP and SL. */
export function unifiedStrategy(account: Account, trigger: TriggerRow, instrument: Instrument) {
  const { takeProfit, stopLoss, tpOrderType, slOrderType, tpLimitPrice, slLimitPrice } = strategySides(
    trigger,
    instrument,
  );
  const by = trigger.source === 'mark_price' ? 'mark' : 'market';
  // One that covers the position is as large as the position is now.
  const held = Math.abs(account.positionLots(trigger.symbol, trigger.leg));
  const base = {
    orderId: wireId(trigger.id),
    clientOid: trigger.clientOid,
    symbol: trigger.symbol,
    category: PRODUCT_TYPE,
    qty: formatQty((trigger.qty || held) as QtyLots, instrument),
    posSide: positionSide(trigger),
    tpTriggerBy: takeProfit === '' ? 'market' : by,
    slTriggerBy: stopLoss === '' ? 'market' : by,
    takeProfit,
    stopLoss,
    tpOrderType,
    slOrderType,
    tpLimitPrice,
    slLimitPrice,
    createdTime: String(trigger.createdAtMs),
    updatedTime: String(trigger.updatedAtMs),
  };
  if (trigger.kind !== 'normal_plan') return base;
  return {
    ...base,
    side: trigger.side,
    reduceOnly: trigger.reduceOnly ? 'yes' : 'no',
    triggerBy: by,
    triggerPrice: formatPrice(trigger.triggerPrice, instrument),
    triggerOrderType: trigger.executePrice === 0 ? 'market' : 'limit',
    triggerOrderPrice: trigger.executePrice === 0 ? '' : formatPrice(trigger.executePrice, instrument),
  };
}

const STRATEGY_STATUS: Readonly<Record<TriggerRow['status'], string>> = {
  live: 'pending',
  executed: 'triggered',
  cancelled: 'cancelled',
  fail_execute: 'failed',
};

/** A trigger as the `strategy-order` topic pushes it. */
export function unifiedStrategyPush(account: Account, trigger: TriggerRow, instrument: Instrument) {
  return {
    ...unifiedStrategy(account, trigger, instrument),
    category: PRODUCT_TYPE.toLowerCase(),
    side: trigger.side,
    reduceOnly: trigger.reduceOnly ? 'yes' : 'no',
    type: trigger.kind === 'normal_plan' ? 'trigger' : 'tpsl',
    status: STRATEGY_STATUS[trigger.status],
    triggerType: isTakeProfit(trigger) ? 'takeProfit' : isStopLoss(trigger) ? 'stopLoss' : '',
  };
}

export function isTakeProfit({ kind }: TriggerRow): boolean {
  return kind === 'pos_profit' || kind === 'profit_plan';
}

export function isStopLoss({ kind }: TriggerRow): boolean {
  return kind === 'pos_loss' || kind === 'loss_plan';
}

/** A trigger covers one side of the pair; the other side is empty. */
function strategySides(trigger: TriggerRow, instrument: Instrument) {
  const price = formatPrice(trigger.triggerPrice, instrument);
  const type = trigger.executePrice === 0 ? 'market' : 'limit';
  const limit = trigger.executePrice === 0 ? '' : formatPrice(trigger.executePrice, instrument);
  const isProfit = isTakeProfit(trigger);
  const isLoss = isStopLoss(trigger);
  return {
    takeProfit: isProfit ? price : '',
    stopLoss: isLoss ? price : '',
    tpOrderType: isProfit ? type : 'market',
    slOrderType: isLoss ? type : 'market',
    tpLimitPrice: isProfit ? limit : '',
    slLimitPrice: isLoss ? limit : '',
  };
}
