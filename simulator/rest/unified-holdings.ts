/** Positions and balance as the unified account's protocol (v3) spells them. USDT counts as one USD. */
import { formatQuote, formatScaled } from '../../core/money/decimal.ts';
import { formatQty } from '../../core/market/instrument.ts';
import type { QtyLots, QuoteAmount } from '../../core/money/money.ts';
import type { Account } from '../exchange/account.ts';
import {
  averagePrice,
  directionOf,
  entryPrice,
  figuresOf,
  leverageOf,
  liquidationPrice,
  openPositions,
  positionMargin,
  tierOfPosition,
  unrealisedAt,
  type AccountFigures,
  type OpenPosition,
} from '../exchange/margin.ts';
import type { Market } from '../exchange/market.ts';
import type { ClosedPositionRow } from '../exchange/rows.ts';
import { positionModeOf, PRODUCT_TYPE, wireFee, wireId } from '../exchange/wire.ts';
import { wireHoldMode } from './unified-wire.ts';

/** What both the answer and the push tell of an open position. */
function positionFields(account: Account, open: OpenPosition) {
  const { symbol, position, market } = open;
  const { instrument } = market;
  const direction = directionOf(position);
  const lots = Math.abs(position.qty);
  const closing = account.closersOf(symbol, open.leg).reduce((sum, { qty, filled }) => sum + qty - filled, 0);
  const frozen = Math.min(lots, closing);
  const quantity = (value: number) => formatQty(value as QtyLots, instrument);
  const unrealised = unrealisedAt(position, market.midDoubled, instrument);
  const margin = positionMargin(account, open);
  return {
    direction,
    total: quantity(lots),
    frozen: quantity(frozen),
    available: quantity(lots - frozen),
    leverage: String(leverageOf(account, symbol, direction)),
    marginMode: account.settings(symbol).marginMode,
    holdMode: wireHoldMode(account.row.positionMode),
    margin: formatQuote(margin),
    avgPrice: entryPrice(position, instrument),
    realised: formatQuote(position.realised),
    unrealised: formatQuote(unrealised),
    profitRate: margin === 0n ? '0' : (Number(unrealised) / Number(margin)).toFixed(16),
    mmr: tierOfPosition(open).keepMarginRate,
    markPrice: market.markPrice,
    breakEvenPrice: breakEvenPrice(open),
    funding: formatQuote(position.funding),
    openFees: wireFee(position.openFees),
    closeFees: wireFee((position.fees - position.openFees) as QuoteAmount),
    createdTime: String(position.openedAtMs),
    updatedTime: String(position.updatedAtMs),
  };
}

/** Entry moved by the taker fee of both ways. */
function breakEvenPrice({ position, market: { instrument } }: OpenPosition): string {
  const fees = (2n * position.cost * instrument.takerFeeE6) / 1_000_000n;
  const cost = position.qty > 0 ? position.cost + fees : position.cost - fees;
  return averagePrice(cost as QuoteAmount, Math.abs(position.qty) as QtyLots, instrument);
}

export function unifiedPosition(account: Account, open: OpenPosition, figures: AccountFigures) {
  const fields = positionFields(account, open);
  return {
    category: PRODUCT_TYPE,
    symbol: open.symbol,
    marginCoin: 'USDT',
    holdMode: fields.holdMode,
    posSide: fields.direction,
    marginMode: fields.marginMode,
    positionBalance: fields.margin,
    available: fields.available,
    frozen: fields.frozen,
    total: fields.total,
    leverage: fields.leverage,
    curRealisedPnl: fields.realised,
    avgPrice: fields.avgPrice,
    positionStatus: 'normal',
    unrealisedPnl: fields.unrealised,
    liquidationPrice: liquidationPrice(account, open, figures),
    mmr: fields.mmr,
    profitRate: fields.profitRate,
    markPrice: fields.markPrice,
    breakEvenPrice: fields.breakEvenPrice,
    totalFunding: fields.funding,
    openFeeTotal: fields.openFees,
    closeFeeTotal: fields.closeFees,
    createdTime: fields.createdTime,
    updatedTime: fields.updatedTime,
  };
}

export function unifiedPositionPush(account: Account, open: OpenPosition, figures: AccountFigures) {
  const fields = positionFields(account, open);
  return {
    symbol: open.symbol,
    leverage: fields.leverage,
    openFeeTotal: fields.openFees,
    mmr: fields.mmr,
    breakEvenPrice: fields.breakEvenPrice,
    available: fields.available,
    liqPrice: liquidationPrice(account, open, figures),
    marginMode: fields.marginMode,
    unrealisedPnl: fields.unrealised,
    markPrice: fields.markPrice,
    createdTime: fields.createdTime,
    avgPrice: fields.avgPrice,
    totalFundingFee: fields.funding,
    updatedTime: fields.updatedTime,
    marginCoin: 'USDT',
    frozen: fields.frozen,
    profitRate: fields.profitRate,
    closeFeeTotal: fields.closeFees,
    marginSize: fields.margin,
    curRealisedPnl: fields.realised,
    size: fields.total,
    positionStatus: 'opening',
    posSide: fields.direction,
    holdMode: fields.holdMode,
  };
}

/** The last push of a position: it is flat and `ended`. */
export function unifiedPositionEnd(closed: ClosedPositionRow, market: Market) {
  const { instrument } = market;
  return {
    symbol: closed.symbol,
    leverage: '',
    openFeeTotal: wireFee(closed.openFees),
    mmr: '',
    breakEvenPrice: '',
    available: '0',
    liqPrice: '',
    marginMode: closed.marginMode,
    unrealisedPnl: '0',
    markPrice: market.markPrice,
    createdTime: String(closed.openedAtMs),
    avgPrice: averagePrice(closed.openedValue, closed.openedQty, instrument) || '0',
    totalFundingFee: formatQuote(closed.funding),
    updatedTime: String(closed.updatedAtMs),
    marginCoin: 'USDT',
    frozen: '0',
    profitRate: '',
    closeFeeTotal: wireFee((closed.fees - closed.openFees) as QuoteAmount),
    marginSize: '0',
    curRealisedPnl: formatQuote(closed.realised),
    size: '0',
    positionStatus: 'ended',
    posSide: closed.direction,
    holdMode: positionModeOf(closed.leg),
  };
}

export function unifiedClosedPosition(closed: ClosedPositionRow, { instrument }: Market) {
  const { realised, funding, fees, openFees } = closed;
  return {
    positionId: wireId(closed.id),
    category: PRODUCT_TYPE,
    symbol: closed.symbol,
    marginCoin: 'USDT',
    holdMode: positionModeOf(closed.leg),
    posSide: closed.direction,
    marginMode: closed.marginMode,
    openPriceAvg: averagePrice(closed.openedValue, closed.openedQty, instrument),
    closePriceAvg: averagePrice(closed.closedValue, closed.closedQty, instrument),
    openTotalPos: formatQty(closed.openedQty, instrument),
    closeTotalPos: formatQty(closed.closedQty, instrument),
    cumRealisedPnl: formatQuote(realised),
    netProfit: formatQuote((realised + funding - fees) as QuoteAmount),
    totalFunding: formatQuote(funding),
    openFeeTotal: wireFee(openFees),
    closeFeeTotal: wireFee((fees - openFees) as QuoteAmount),
    createdTime: String(closed.openedAtMs),
    updatedTime: String(closed.updatedAtMs),
  };
}

function accountFields(account: Account, markets: ReadonlyMap<string, Market>) {
  const figures = figuresOf(account, markets);
  const { equity, unrealised, crossedMaintenance, crossedMargin, isolatedMargin, crossedEquity } = figures;
  const owed = crossedMaintenance === 0n ? 0 : 1;
  const ratio = crossedEquity <= 0n ? owed : Number(crossedMaintenance) / Number(crossedEquity);
  return {
    equity: formatQuote(equity),
    unrealised: formatQuote(unrealised),
    maintenance: formatQuote(crossedMaintenance),
    initial: formatQuote((crossedMargin + isolatedMargin) as QuoteAmount),
    ratio: formatScaled(BigInt(Math.round(ratio * 1e8)), 8),
    coin: {
      coin: 'USDT',
      equity: formatQuote(equity),
      usdValue: formatQuote(equity),
      balance: formatQuote(account.row.cash),
      available: formatQuote(figures.available),
      // Only spot orders lock a coin; what futures orders hold is missing from `available`.
      locked: '0',
    },
  };
}

/** What `GET /api/v3/account/assets` tells. */
export function unifiedAssets(account: Account, markets: ReadonlyMap<string, Market>) {
  const { equity, unrealised, maintenance, initial, ratio, coin } = accountFields(account, markets);
  return {
    accountEquity: equity,
    usdtEquity: equity,
    btcEquity: '0',
    unrealisedPnl: unrealised,
    usdtUnrealisedPnl: unrealised,
    btcUnrealizedPnl: '0',
    effEquity: equity,
    mmr: maintenance,
    imr: initial,
    mgnRatio: ratio,
    positionMgnRatio: ratio,
    assets: [{ ...coin, debt: '0' }],
  };
}

/** The same as the `account` topic pushes it. */
export function unifiedAccountPush(account: Account, markets: ReadonlyMap<string, Market>) {
  const { equity, unrealised, maintenance, initial, ratio, coin } = accountFields(account, markets);
  return {
    unrealisedPnL: unrealised,
    totalEquity: equity,
    positionMgnRatio: ratio,
    mmr: maintenance,
    effEquity: equity,
    imr: initial,
    mgnRatio: ratio,
    coin: [{ ...coin, debts: '0', borrow: '0' }],
  };
}

export function unifiedPositions(account: Account, markets: ReadonlyMap<string, Market>, symbol: string | null) {
  const figures = figuresOf(account, markets);
  return openPositions(account, markets)
    .filter((open) => symbol === null || open.symbol === symbol)
    .map((open) => unifiedPosition(account, open, figures));
}
