/** Trigger orders as Bitget's v2 futures protocol spells them. */
import { formatScaled } from '../../core/money/decimal.ts';
import { formatPrice, formatQty, type Instrument } from '../../core/market/instrument.ts';
import type { Account } from './account.ts';
import { averagePrice } from './margin.ts';
import { isTpsl, type Preset, type TriggerKind, type TriggerRow } from './rows.ts';
import { optionalPrice, positionModeOf, tradeSide, wireId, wireSide } from './wire.ts';

/** The channel's short names. */
const CHANNEL_KINDS: Readonly<Record<TriggerKind, string>> = {
  normal_plan: 'pl',
  track_plan: 'track',
  profit_plan: 'tp',
  loss_plan: 'sl',
  moving_plan: 'mtpsl',
  pos_profit: 'ptp',
  pos_loss: 'psl',
};

/** Trigger as REST lists it while it waits. */
export function triggerAnswer(trigger: TriggerRow, instrument: Instrument) {
  const price = trigger.executePrice || (isTpsl(trigger.kind) ? trigger.triggerPrice : trigger.executePrice);
  return {
    planType: trigger.kind,
    symbol: trigger.symbol,
    size: formatQty(trigger.qty, instrument),
    orderId: wireId(trigger.id),
    clientOid: trigger.clientOid,
    price: optionalPrice(price, instrument),
    executePrice: trigger.executePrice === 0 ? '0' : formatPrice(trigger.executePrice, instrument),
    callbackRatio: callbackPercent(trigger),
    triggerPrice: formatPrice(trigger.triggerPrice, instrument),
    triggerType: trigger.source,
    planStatus: trigger.status,
    side: wireSide(trigger),
    posSide: trigger.leg,
    marginCoin: 'USDT',
    marginMode: trigger.marginMode,
    enterPointSource: 'API',
    tradeSide: tradeSide({ ...trigger, cause: trigger.kind }),
    posMode: positionModeOf(trigger.leg),
    orderType: trigger.executePrice === 0 ? 'market' : 'limit',
    reduceOnly: trigger.reduceOnly ? 'YES' : 'NO',
    orderSource: 'normal',
    cTime: String(trigger.createdAtMs),
    uTime: String(trigger.updatedAtMs),
    ...stopFields(trigger, instrument),
  };
}

/** Trigger as REST lists it when it is over: with the order it became. */
export function finishedTriggerAnswer(trigger: TriggerRow, account: Account, instrument: Instrument) {
  const order = trigger.executeOrderId === null ? undefined : account.orderById(trigger.executeOrderId);
  return {
    ...triggerAnswer(trigger, instrument),
    executeOrderId: trigger.executeOrderId === null ? '' : wireId(trigger.executeOrderId),
    priceAvg: order === undefined ? '' : averagePrice(order.filledValue, order.filled, instrument),
    baseVolume: order === undefined ? '0' : formatQty(order.filled, instrument),
  };
}

/** Trigger as the private `orders-algo` channel pushes it. */
export function triggerPush(trigger: TriggerRow, account: Account, instrument: Instrument) {
  const order = trigger.executeOrderId === null ? undefined : account.orderById(trigger.executeOrderId);
  return {
    instId: trigger.symbol,
    orderId: wireId(trigger.id),
    clientOid: trigger.clientOid,
    triggerPrice: formatPrice(trigger.triggerPrice, instrument),
    triggerType: trigger.source,
    triggerTime: String(trigger.updatedAtMs),
    planType: CHANNEL_KINDS[trigger.kind],
    price: trigger.executePrice === 0 ? '0' : formatPrice(trigger.executePrice, instrument),
    size: formatQty(trigger.qty, instrument),
    actualSize: order === undefined ? '0' : formatQty(order.filled, instrument),
    orderType: trigger.executePrice === 0 ? 'market' : 'limit',
    side: wireSide(trigger),
    tradeSide: tradeSide({ ...trigger, cause: trigger.kind }),
    posSide: trigger.leg,
    marginCoin: 'USDT',
    status: trigger.status,
    posMode: positionModeOf(trigger.leg),
    enterPointSource: 'api',
    ...stopFields(trigger, instrument),
    cTime: String(trigger.createdAtMs),
    uTime: String(trigger.updatedAtMs),
  };
}

/** A stop or take-profit names itself there; a plan order names what it brings along. */
function stopFields(trigger: TriggerRow, instrument: Instrument) {
  const own: Preset = trigger;
  const isLoss = trigger.kind === 'loss_plan' || trigger.kind === 'pos_loss';
  const isProfit = trigger.kind === 'profit_plan' || trigger.kind === 'pos_profit';
  const takeProfit = isProfit ? own : trigger.takeProfit;
  const stopLoss = isLoss ? own : trigger.stopLoss;
  const source = isTpsl(trigger.kind) ? trigger.source : 'fill_price';
  return {
    // Under these older names the venue gives the prices at which they execute.
    presetStopSurplusPrice: optionalPrice(takeProfit?.executePrice, instrument),
    presetStopLossPrice: optionalPrice(stopLoss?.executePrice, instrument),
    stopSurplusTriggerPrice: optionalPrice(takeProfit?.triggerPrice, instrument),
    stopSurplusExecutePrice: optionalPrice(takeProfit?.executePrice, instrument),
    stopSurplusTriggerType: takeProfit === null ? '' : source,
    stopLossTriggerPrice: optionalPrice(stopLoss?.triggerPrice, instrument),
    stopLossExecutePrice: optionalPrice(stopLoss?.executePrice, instrument),
    stopLossTriggerType: stopLoss === null ? '' : source,
  };
}

function callbackPercent({ callbackE6 }: TriggerRow): string {
  return callbackE6 === null ? '' : formatScaled(BigInt(callbackE6), 4);
}
