/** Orders and fills as Bitget's v2 futures protocol spells them, shared by REST answers and private channels. */
import type { Leg } from '../../core/accounting/legs.ts';
import { formatQuote, formatScaled } from '../../core/money/decimal.ts';
import { formatPrice, formatQty, type Instrument } from '../../core/market/instrument.ts';
import { subtractQuote, ZERO_QUOTE, type PriceTicks, type QuoteAmount } from '../../core/money/money.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import { averagePrice } from './margin.ts';
import type { Market } from './market.ts';
import type { FillRow, OrderCause, OrderRow, Preset } from './rows.ts';

export const PRODUCT_TYPE = 'USDT-FUTURES';

/** Venue ids are 19 digits; ours keep their number in the last ones. */
export function wireId(id: number): string {
  return `1${String(id).padStart(18, '0')}`;
}

/** Null when `text` is no id of this exchange. */
export function parseWireId(text: string): number | null {
  return /^1\d{18}$/.test(text) ? Number(text.slice(1)) : null;
}

/** Fees are negative on the wire when they were paid. */
export function wireFee(fee: QuoteAmount): string {
  return formatQuote(subtractQuote(ZERO_QUOTE, fee));
}

interface Traded {
  readonly leg: Leg;
  readonly side: Side;
  readonly reduceOnly: boolean;
  readonly cause: OrderCause;
}

/** In hedge mode the wire's side names the position: closing a long one is `buy` with `close`. */
export function wireSide({ leg, side }: Pick<Traded, 'leg' | 'side'>): Side {
  if (leg === 'net') return side;
  return leg === 'long' ? 'buy' : 'sell';
}

export function positionModeOf(leg: Leg): 'one_way_mode' | 'hedge_mode' {
  return leg === 'net' ? 'one_way_mode' : 'hedge_mode';
}

/** One of the venue's long list: what was asked for, or what the exchange did by itself. */
export function tradeSide({ leg, side, reduceOnly, cause }: Traded): string {
  const forced = cause === 'liquidation' ? 'burst_' : cause === 'forced_reduce' ? 'reduce_' : '';
  if (leg === 'net') return `${forced}${side}_single`;
  if (forced !== '') return `${forced}close_${leg}`;
  return reduceOnly ? 'close' : 'open';
}

export function enterPoint(cause: OrderCause): 'API' | 'SYS' {
  return cause === 'liquidation' || cause === 'forced_reduce' ? 'SYS' : 'API';
}

export function orderSource({ cause, orderType }: Pick<OrderRow, 'cause' | 'orderType'>): string {
  switch (cause) {
    case 'request':
      return orderType === 'market' ? 'market' : 'normal';
    case 'amend':
      return 'modify_order_limit';
    case 'flash_close':
      return 'market';
    case 'normal_plan':
      return `plan_${orderType}`;
    case 'track_plan':
      return `tracking_${orderType}`;
    case 'profit_plan':
      return `profit_${orderType}`;
    case 'loss_plan':
      return `loss_${orderType}`;
    case 'moving_plan':
      return `move_${orderType}`;
    case 'pos_profit':
    case 'pos_loss':
      return `${cause}_${orderType}`;
    case 'liquidation':
    case 'forced_reduce':
      return 'liquidation';
  }
}

function orderAverage(order: OrderRow, instrument: Instrument): string {
  return averagePrice(order.filledValue, order.filled, instrument);
}

export function optionalPrice(price: PriceTicks | undefined, instrument: Instrument): string {
  return price === undefined || price === 0 ? '' : formatPrice(price, instrument);
}

function presetFields(takeProfit: Preset | null, stopLoss: Preset | null, instrument: Instrument) {
  return {
    presetStopSurplusPrice: optionalPrice(takeProfit?.triggerPrice, instrument),
    presetStopSurplusType: takeProfit === null ? '' : 'fill_price',
    presetStopSurplusExecutePrice: optionalPrice(takeProfit?.executePrice, instrument),
    presetStopLossPrice: optionalPrice(stopLoss?.triggerPrice, instrument),
    presetStopLossType: stopLoss === null ? '' : 'fill_price',
    presetStopLossExecutePrice: optionalPrice(stopLoss?.executePrice, instrument),
  };
}

/** Order as REST gives it; `state` in the detail, `status` in the lists. */
export function orderAnswer(order: OrderRow, instrument: Instrument, statusKey: 'state' | 'status') {
  return {
    symbol: order.symbol,
    size: formatQty(order.qty, instrument),
    orderId: wireId(order.id),
    clientOid: order.clientOid,
    baseVolume: formatQty(order.filled, instrument),
    fee: wireFee(order.fee),
    price: order.orderType === 'market' ? '' : formatPrice(order.price, instrument),
    priceAvg: orderAverage(order, instrument),
    [statusKey]: order.status,
    side: wireSide(order),
    force: order.force,
    totalProfits: formatQuote(order.realised),
    posSide: order.leg,
    marginCoin: 'USDT',
    ...presetFields(order.takeProfit, order.stopLoss, instrument),
    quoteVolume: formatQuote(order.filledValue),
    orderType: order.orderType,
    leverage: String(order.leverage),
    marginMode: order.marginMode,
    reduceOnly: order.reduceOnly ? 'YES' : 'NO',
    enterPointSource: enterPoint(order.cause),
    tradeSide: tradeSide(order),
    posMode: positionModeOf(order.leg),
    orderSource: orderSource(order),
    cancelReason: order.cancelReason,
    cTime: String(order.createdAtMs),
    uTime: String(order.updatedAtMs),
  };
}

/** Order as the private `orders` channel pushes it; with a fill, the fields of that fill. */
export function orderPush(order: OrderRow, fill: FillRow | null, instrument: Instrument) {
  const notionalUsd = formatScaled(BigInt(order.price) * BigInt(order.qty) * instrument.quotePerTickLotE12, 12);
  const base = {
    instId: order.symbol,
    orderId: wireId(order.id),
    clientOid: order.clientOid,
    price: formatPrice(order.price, instrument),
    size: formatQty(order.qty, instrument),
    notionalUsd,
    orderType: order.orderType,
    force: order.force,
    side: wireSide(order),
    tradeSide: tradeSide(order),
    posSide: order.leg,
    posMode: positionModeOf(order.leg),
    marginMode: order.marginMode,
    marginCoin: 'USDT',
    leverage: String(order.leverage),
    reduceOnly: order.reduceOnly ? 'yes' : 'no',
    accBaseVolume: formatQty(order.filled, instrument),
    priceAvg: orderAverage(order, instrument) || '0',
    status: order.status,
    cancelReason: order.cancelReason,
    totalProfits: formatQuote(order.realised),
    ...presetFields(order.takeProfit, order.stopLoss, instrument),
    feeDetail: [{ feeCoin: 'USDT', fee: wireFee(order.fee) }],
    enterPointSource: enterPoint(order.cause),
    orderSource: orderSource(order),
    stpMode: 'none',
    cTime: String(order.createdAtMs),
    uTime: String(order.updatedAtMs),
  };
  if (fill === null) return base;
  return {
    ...base,
    baseVolume: formatQty(fill.qty, instrument),
    fillPrice: formatPrice(fill.price, instrument),
    fillFee: wireFee(fill.deducted ?? fill.fee),
    fillFeeCoin: feeCoin(fill),
    fillNotionalUsd: formatQuote(fill.value),
    fillTime: String(fill.atMs),
    pnl: formatQuote(fill.realised),
    tradeId: wireId(fill.id),
    tradeScope: fill.liquidity === 'maker' ? 'M' : 'T',
  };
}

/** The same for REST and for the `fill` channel. */
export function fillAnswer(fill: FillRow, instrument: Instrument) {
  return {
    tradeId: wireId(fill.id),
    symbol: fill.symbol,
    marginCoin: 'USDT',
    orderId: wireId(fill.orderId),
    clientOid: fill.clientOid,
    price: formatPrice(fill.price, instrument),
    baseVolume: formatQty(fill.qty, instrument),
    feeDetail: [feeDetail(fill)],
    side: wireSide(fill),
    quoteVolume: formatQuote(fill.value),
    profit: formatQuote(fill.realised),
    enterPointSource: enterPoint(fill.cause).toLowerCase(),
    tradeSide: tradeSide(fill),
    posMode: positionModeOf(fill.leg),
    tradeScope: fill.liquidity,
    orderType: fill.orderType,
    cTime: String(fill.atMs),
    uTime: String(fill.atMs),
  };
}

export function feeCoin({ deducted }: FillRow): 'USDT' | 'BGB' {
  return deducted === null ? 'USDT' : 'BGB';
}

function feeDetail(fill: FillRow) {
  if (fill.deducted === null) {
    return { deduction: 'no', feeCoin: 'USDT', totalDeductionFee: '0', totalFee: wireFee(fill.fee) };
  }
  const paid = wireFee(fill.deducted);
  return { deduction: 'yes', feeCoin: feeCoin(fill), totalDeductionFee: paid, totalFee: paid };
}

/** The mark is the mid of the replayed book. */
export function markPrice(market: Market): string {
  return market.markPrice;
}
