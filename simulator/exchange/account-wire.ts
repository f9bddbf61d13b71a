/** Positions, balances and bills as Bitget's v2 futures protocol spells them. */
import { formatQuote, formatScaled } from '../../core/money/decimal.ts';
import { formatQty } from '../../core/market/instrument.ts';
import { addQuote, subtractQuote, ZERO_QUOTE, type QtyLots } from '../../core/money/money.ts';
import type { Account } from './account.ts';
import {
  averagePrice,
  directionOf,
  entryPrice,
  figuresOf,
  leverageOf,
  liquidationPrice,
  marginRatio,
  openPositions,
  positionMargin,
  tierOfPosition,
  unrealisedAt,
  type AccountFigures,
  type OpenPosition,
} from './margin.ts';
import type { Market } from './market.ts';
import type { BillRow, ClosedPositionRow } from './rows.ts';
import { positionModeOf, wireFee, wireId } from './wire.ts';

type Markets = ReadonlyMap<string, Market>;

/** Open positions only: like the venue, a closed position is simply not listed. */
export function positionAnswers(account: Account, markets: Markets, symbol: string | null) {
  const figures = figuresOf(account, markets);
  return openPositions(account, markets)
    .filter((open) => symbol === null || open.symbol === symbol)
    .map((open) => positionAnswer(account, open, figures));
}

function positionFields(account: Account, open: OpenPosition, figures: AccountFigures) {
  const { symbol, leg, position, market } = open;
  const { instrument } = market;
  const direction = directionOf(position);
  const locked = account.closersOf(symbol, leg).reduce((sum, { qty, filled }) => sum + qty - filled, 0);
  const held = Math.abs(position.qty);
  const closable = Math.max(0, held - locked);
  return {
    marginCoin: 'USDT',
    marginSize: formatQuote(positionMargin(account, open)),
    marginMode: account.settings(symbol).marginMode,
    holdSide: direction,
    posMode: positionModeOf(leg),
    total: formatQty(held as QtyLots, instrument),
    available: formatQty(closable as QtyLots, instrument),
    openPriceAvg: entryPrice(position, instrument),
    leverage: String(leverageOf(account, symbol, direction)),
    achievedProfits: formatQuote(position.realised),
    unrealizedPL: formatQuote(unrealisedAt(position, market.midDoubled, instrument)),
    liquidationPrice: liquidationPrice(account, open, figures),
    keepMarginRate: tierOfPosition(open).keepMarginRate,
    markPrice: market.markPrice,
    breakEvenPrice: breakEvenPrice(open),
    // Empty until the first settlement, as the venue documents it.
    totalFee: position.funding === ZERO_QUOTE ? '' : formatQuote(position.funding),
    deductedFee: formatQuote(position.fees),
    assetMode: 'single',
    autoMargin: 'off',
    cTime: String(position.openedAtMs),
    uTime: String(position.updatedAtMs),
    locked: formatQty((held - closable) as QtyLots, instrument),
  };
}

function positionAnswer(account: Account, open: OpenPosition, figures: AccountFigures) {
  const { symbol, leg, market } = open;
  const opening = account
    .openOf(symbol)
    .filter((order) => order.leg === leg && !order.reduceOnly)
    .reduce((sum, { qty, filled }) => sum + qty - filled, 0);
  return {
    symbol,
    ...positionFields(account, open, figures),
    openDelegateSize: formatQty(opening as QtyLots, market.instrument),
    marginRatio: marginRatio(account, open, figures),
  };
}

export function positionPushes(account: Account, markets: Markets) {
  const figures = figuresOf(account, markets);
  return openPositions(account, markets).map((open) => {
    const { locked, ...fields } = positionFields(account, open, figures);
    const margin = Number(positionMargin(account, open));
    const unrealised = Number(unrealisedAt(open.position, open.market.midDoubled, open.market.instrument));
    return {
      posId: wireId(open.position.id),
      instId: open.symbol,
      ...fields,
      frozen: locked,
      unrealizedPLR: (margin === 0 ? 0 : unrealised / margin).toFixed(8),
      marginRate: marginRatio(account, open, figures),
    };
  });
}

/** Price at which closing at market would just earn the position's fees and funding back. */
function breakEvenPrice({ position, market }: OpenPosition): string {
  const { instrument } = market;
  const spent = position.fees - position.funding;
  const isLong = position.qty > 0;
  const share = 1_000_000n + (isLong ? -instrument.takerFeeE6 : instrument.takerFeeE6);
  const worth = isLong ? position.cost + spent : position.cost - spent;
  const lots = BigInt(Math.abs(position.qty));
  return formatScaled((worth * 1_000_000n * 1_000_000_000_000n) / (share * lots * instrument.lotE12), 12);
}

export function accountAnswer(account: Account, markets: Markets) {
  const figures = figuresOf(account, markets);
  const available = formatQuote(figures.available);
  return {
    marginCoin: 'USDT',
    locked: formatQuote(figures.frozen),
    available,
    crossedMaxAvailable: available,
    isolatedMaxAvailable: available,
    maxTransferOut: available,
    accountEquity: formatQuote(figures.equity),
    usdtEquity: formatQuote(figures.equity),
    btcEquity: '0',
    crossedRiskRate: riskRate(figures),
    unrealizedPL: formatQuote(figures.unrealised),
    coupon: '0',
    crossedUnrealizedPL: formatQuote(figures.crossedUnrealised),
    isolatedUnrealizedPL: formatQuote(subtractQuote(figures.unrealised, figures.crossedUnrealised)),
    isolatedMargin: formatQuote(figures.isolatedMargin),
    crossedMargin: formatQuote(figures.crossedMargin),
    grant: '',
    assetMode: 'single',
  };
}

/** The account as one symbol sees it: with the modes and leverage that hold there. */
export function symbolAccountAnswer(account: Account, markets: Markets, symbol: string) {
  const { marginMode, leverage } = account.settings(symbol);
  return {
    ...accountAnswer(account, markets),
    crossedMarginLeverage: String(leverage.crossed),
    isolatedLongLever: String(leverage.long),
    isolatedShortLever: String(leverage.short),
    marginMode,
    posMode: account.row.positionMode === 'one_way' ? 'one_way_mode' : 'hedge_mode',
  };
}

export function accountPush(account: Account, markets: Markets) {
  const figures = figuresOf(account, markets);
  return {
    marginCoin: 'USDT',
    frozen: formatQuote(figures.frozen),
    available: formatQuote(figures.available),
    maxOpenPosAvailable: formatQuote(figures.available),
    maxTransferOut: formatQuote(figures.available),
    equity: formatQuote(figures.equity),
    usdtEquity: formatQuote(figures.equity),
    crossedRiskRate: riskRate(figures),
    unrealizedPL: formatQuote(figures.unrealised),
    assetMode: 'single',
  };
}

function riskRate({ crossedEquity, crossedMaintenance }: AccountFigures): string {
  if (crossedMaintenance === 0n) return '0';
  return crossedEquity <= 0n ? '1' : (Number(crossedMaintenance) / Number(crossedEquity)).toFixed(12);
}

export function billAnswer(bill: BillRow) {
  return {
    billId: wireId(bill.id),
    symbol: bill.symbol,
    amount: formatQuote(bill.amount),
    fee: formatQuote(bill.feeBooked),
    feeByCoupon: '',
    businessType: bill.businessType,
    coin: 'USDT',
    balance: formatQuote(bill.balance),
    cTime: String(bill.atMs),
  };
}

/** A position that is flat, as REST lists it. The detail of its times is spelled `ctime` there, as recorded. */
export function closedPositionAnswer(position: ClosedPositionRow, { instrument }: Market) {
  const closeFees = subtractQuote(position.fees, position.openFees);
  const net = addQuote(subtractQuote(position.realised, position.fees), position.funding);
  return {
    positionId: wireId(position.positionId),
    symbol: position.symbol,
    marginCoin: 'USDT',
    holdSide: position.direction,
    posMode: positionModeOf(position.leg),
    openAvgPrice: averagePrice(position.openedValue, position.openedQty, instrument),
    closeAvgPrice: averagePrice(position.closedValue, position.closedQty, instrument),
    marginMode: position.marginMode,
    openTotalPos: formatQty(position.openedQty, instrument),
    closeTotalPos: formatQty(position.closedQty, instrument),
    pnl: formatQuote(position.realised),
    netProfit: formatQuote(net),
    totalFunding: formatQuote(position.funding),
    openFee: wireFee(position.openFees),
    closeFee: wireFee(closeFees),
    ctime: String(position.openedAtMs),
    utime: String(position.updatedAtMs),
  };
}

/** The same as the `positions-history` channel pushes it. */
export function closedPositionPush(position: ClosedPositionRow, market: Market) {
  const { instrument } = market;
  return {
    posId: wireId(position.positionId),
    instId: position.symbol,
    marginCoin: 'USDT',
    marginMode: position.marginMode,
    holdSide: position.direction,
    posMode: positionModeOf(position.leg),
    openPriceAvg: averagePrice(position.openedValue, position.openedQty, instrument),
    closePriceAvg: averagePrice(position.closedValue, position.closedQty, instrument),
    openSize: formatQty(position.openedQty, instrument),
    closeSize: formatQty(position.closedQty, instrument),
    achievedProfits: formatQuote(position.realised),
    settleFee: formatQuote(position.funding),
    openFee: wireFee(position.openFees),
    closeFee: wireFee(subtractQuote(position.fees, position.openFees)),
    cTime: String(position.openedAtMs),
    uTime: String(position.updatedAtMs),
  };
}
