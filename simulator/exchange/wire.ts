/** Rows as Bitget's v2 futures protocol spells them, shared by REST answers and private channels. */
import { formatQuote, formatScaled } from '../../core/money/decimal.ts';
import { formatPrice, formatQty, type Instrument } from '../../core/market/instrument.ts';
import { subtractQuote, ZERO_QUOTE, type QuoteAmount } from '../../core/money/money.ts';
import type { Account } from './account.ts';
import { entryPrice, figuresOf, leverageOf, unrealisedAt, valueAt } from './margin.ts';
import type { Market } from './market.ts';
import type { FillRow, OrderRow, PositionRow } from './rows.ts';

export const PRODUCT_TYPE = 'USDT-FUTURES';
/** Applied nowhere yet: liquidation is not simulated, but clients expect a rate. */
const KEEP_MARGIN_RATE = '0.004';

/** Venue ids are 19 digits; ours keep their number in the last ones. */
export function wireId(id: number): string {
  return `1${String(id).padStart(18, '0')}`;
}

/** Null when `text` is no id of this exchange. */
export function parseWireId(text: string): number | null {
  return /^1\d{18}$/.test(text) ? Number(text.slice(1)) : null;
}

/** Fees are negative on the wire when they were paid. */
function wireFee(fee: QuoteAmount): string {
  return formatQuote(subtractQuote(ZERO_QUOTE, fee));
}

function averagePrice(order: OrderRow, { lotE12 }: Instrument): string {
  if (order.filled === 0) return '';
  return formatScaled((order.filledValue * 1_000_000_000_000n) / (BigInt(order.filled) * lotE12), 12);
}

function tradeSide(order: { side: 'buy' | 'sell' }): string {
  return order.side === 'buy' ? 'buy_single' : 'sell_single';
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
    priceAvg: averagePrice(order, instrument),
    [statusKey]: order.status,
    side: order.side,
    force: order.force,
    totalProfits: formatQuote(order.realised),
    posSide: 'net',
    marginCoin: 'USDT',
    presetStopSurplusPrice: '',
    presetStopLossPrice: '',
    quoteVolume: formatQuote(order.filledValue),
    orderType: order.orderType,
    leverage: String(order.leverage),
    marginMode: 'crossed',
    reduceOnly: order.reduceOnly ? 'YES' : 'NO',
    enterPointSource: 'API',
    tradeSide: tradeSide(order),
    posMode: 'one_way_mode',
    orderSource: 'normal',
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
    side: order.side,
    tradeSide: tradeSide(order),
    posSide: 'net',
    posMode: 'one_way_mode',
    marginMode: 'crossed',
    marginCoin: 'USDT',
    leverage: String(order.leverage),
    reduceOnly: order.reduceOnly ? 'yes' : 'no',
    accBaseVolume: formatQty(order.filled, instrument),
    priceAvg: averagePrice(order, instrument) || '0',
    status: order.status,
    cancelReason: order.cancelReason,
    feeDetail: [{ feeCoin: 'USDT', fee: wireFee(order.fee) }],
    enterPointSource: 'API',
    stpMode: 'none',
    cTime: String(order.createdAtMs),
    uTime: String(order.updatedAtMs),
  };
  if (fill === null) return base;
  return {
    ...base,
    baseVolume: formatQty(fill.qty, instrument),
    fillPrice: formatPrice(fill.price, instrument),
    fillFee: wireFee(fill.fee),
    fillFeeCoin: 'USDT',
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
    orderId: wireId(fill.orderId),
    clientOid: fill.clientOid,
    price: formatPrice(fill.price, instrument),
    baseVolume: formatQty(fill.qty, instrument),
    feeDetail: [{ deduction: 'no', feeCoin: 'USDT', totalDeductionFee: '0', totalFee: wireFee(fill.fee) }],
    side: fill.side,
    quoteVolume: formatQuote(fill.value),
    profit: formatQuote(fill.realised),
    enterPointSource: 'api',
    tradeSide: tradeSide(fill),
    posMode: 'one_way_mode',
    tradeScope: fill.liquidity,
    orderType: fill.orderType,
    cTime: String(fill.atMs),
    uTime: String(fill.atMs),
  };
}

/** Open positions only: like the venue, a closed position is simply not listed. */
export function positionRows(account: Account, markets: ReadonlyMap<string, Market>) {
  return Object.entries(account.row.positions).flatMap(([symbol, position]) => {
    const market = markets.get(symbol);
    return market === undefined || position.qty === 0 ? [] : [{ symbol, position, market }];
  });
}

function positionFields(account: Account, symbol: string, position: PositionRow, market: Market) {
  const { instrument, replay } = market;
  const midDoubled = replay.book.midDoubled();
  const leverage = leverageOf(account, symbol);
  const unrealised = unrealisedAt(position, midDoubled, instrument);
  const margin = valueAt(position, midDoubled, instrument) / BigInt(leverage);
  const total = formatQty(Math.abs(position.qty) as typeof position.qty, instrument);
  return {
    marginCoin: 'USDT',
    marginSize: formatQuote(margin as QuoteAmount),
    marginMode: 'crossed',
    holdSide: position.qty > 0 ? 'long' : 'short',
    posMode: 'one_way_mode',
    total,
    available: total,
    openPriceAvg: entryPrice(position, instrument),
    leverage: String(leverage),
    achievedProfits: formatQuote(position.realised),
    unrealizedPL: formatQuote(unrealised),
    liquidationPrice: '',
    keepMarginRate: KEEP_MARGIN_RATE,
    markPrice: markPrice(market),
    totalFee: formatQuote(position.fees),
    cTime: String(position.openedAtMs),
    uTime: String(position.updatedAtMs),
    unrealised,
    margin,
  };
}

export function positionAnswer(account: Account, symbol: string, position: PositionRow, market: Market) {
  const { unrealised: _unrealised, margin: _margin, ...fields } = positionFields(account, symbol, position, market);
  return {
    ...fields,
    symbol,
    openDelegateSize: '0',
    locked: '0',
    breakEvenPrice: fields.openPriceAvg,
    deductedFee: '0',
    marginRatio: '0',
    assetMode: 'single',
    autoMargin: 'off',
  };
}

export function positionPush(account: Account, symbol: string, position: PositionRow, market: Market) {
  const { unrealised, margin, ...fields } = positionFields(account, symbol, position, market);
  const ratio = margin === 0n ? 0 : Number(unrealised) / Number(margin);
  return {
    ...fields,
    posId: `${account.name}-${symbol}`,
    instId: symbol,
    frozen: '0',
    unrealizedPLR: ratio.toFixed(8),
    marginRate: '0',
    autoMargin: 'off',
  };
}

export function accountAnswer(account: Account, markets: ReadonlyMap<string, Market>) {
  const { equity, unrealised, frozen, available } = figuresOf(account, markets);
  return {
    marginCoin: 'USDT',
    locked: formatQuote(frozen),
    available: formatQuote(available),
    crossedMaxAvailable: formatQuote(available),
    isolatedMaxAvailable: formatQuote(available),
    maxTransferOut: formatQuote(available),
    accountEquity: formatQuote(equity),
    usdtEquity: formatQuote(equity),
    btcEquity: '0',
    crossedRiskRate: '0',
    unrealizedPL: formatQuote(unrealised),
    coupon: '0',
    crossedUnrealizedPL: formatQuote(unrealised),
    isolatedUnrealizedPL: '0',
    assetMode: 'single',
  };
}

export function accountPush(account: Account, markets: ReadonlyMap<string, Market>) {
  const { equity, unrealised, frozen, available } = figuresOf(account, markets);
  return {
    marginCoin: 'USDT',
    frozen: formatQuote(frozen),
    available: formatQuote(available),
    maxOpenPosAvailable: formatQuote(available),
    maxTransferOut: formatQuote(available),
    equity: formatQuote(equity),
    usdtEquity: formatQuote(equity),
    crossedRiskRate: '0',
    unrealizedPL: formatQuote(unrealised),
    assetMode: 'single',
  };
}

/** The mark is the mid of the replayed book. */
export function markPrice({ replay, instrument }: Market): string {
  return formatScaled((BigInt(replay.book.midDoubled()) * instrument.tickE12) / 2n, 12);
}
