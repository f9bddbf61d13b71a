/** Account over v2: rights of the key, fee rates, bills, leverage, margin and position mode. */
import type { MarginMode } from '../../core/accounting/legs.ts';
import { parseQuote } from '../../core/money/decimal.ts';
import { billAnswer, closedPositionAnswer } from '../exchange/account-wire.ts';
import { directionOf, openPositions } from '../exchange/margin.ts';
import { refuse } from '../exchange/refusal.ts';
import { wireId } from '../exchange/wire.ts';
import { selectPage } from './paging.ts';
import type { PrivateContext } from './request.ts';

const LEVERAGE_MAX = 125;

/** Rights and addresses of the key that signed. `authorities` in the venue's short words, `ips` separated by commas. */
export function accountInfo({ account }: PrivateContext) {
  return {
    userId: account.userId,
    inviterId: '',
    channelCode: '',
    channel: '',
    ips: account.profile?.ips ?? '',
    authorities: account.profile?.authorities ?? [],
    parentId: '',
    traderType: 'not_trader',
    regisTime: '0',
  };
}

/** Maker and taker rate; the same in both position modes and with and without fee deduction. */
export function tradeRate({ exchange, parameters }: PrivateContext) {
  const { spec } = exchange.marketOf(parameters.required('symbol').toUpperCase()).instrument;
  parameters.choice('businessType', ['mix', 'spot', 'margin']);
  return { makerFeeRate: spec.makerFeeRate, takerFeeRate: spec.takerFeeRate };
}

export function bills({ account, parameters }: PrivateContext) {
  const businessType = parameters.optional('businessType');
  const chosen = account.bills.filter((bill) => businessType === null || bill.businessType === businessType);
  const rows = selectPage(parameters, chosen, ({ atMs }) => atMs).map(billAnswer);
  return { bills: rows, endId: rows.at(-1)?.billId ?? null };
}

export function closedPositions({ exchange, account, parameters }: PrivateContext) {
  const page = selectPage(parameters, account.closedPositions, ({ updatedAtMs }) => updatedAtMs);
  const last = page.at(-1);
  return {
    list: page.map((position) => closedPositionAnswer(position, exchange.marketOf(position.symbol))),
    endId: last === undefined ? null : wireId(last.id),
  };
}

/** Crossed: one leverage for the symbol. Isolated: one a direction in hedge mode, one for both in one-way mode. */
export function setLeverage({ exchange, account, parameters }: PrivateContext) {
  parameters.requireUsdtFutures();
  const { symbol } = exchange.marketOf(parameters.required('symbol').toUpperCase());
  const leverage = parameters.whole('leverage', 0);
  if (leverage < 1 || leverage > LEVERAGE_MAX) throw refuse.badParameter('leverage');
  const isPerSide = account.settings(symbol).marginMode === 'isolated' && account.row.positionMode === 'hedge';
  const direction = isPerSide ? parameters.choice('holdSide', ['long', 'short']) : null;
  exchange.setLeverage(account, symbol, leverage, direction);
  const { crossed, long, short } = account.settings(symbol).leverage;
  return {
    symbol,
    marginCoin: 'USDT',
    longLeverage: String(long),
    shortLeverage: String(short),
    crossMarginLeverage: String(crossed),
    marginMode: account.settings(symbol).marginMode,
  };
}

export function setMarginMode({ exchange, account, parameters }: PrivateContext) {
  parameters.requireUsdtFutures();
  const { symbol } = exchange.marketOf(parameters.required('symbol').toUpperCase());
  exchange.setMarginMode(account, symbol, parameters.choice<MarginMode>('marginMode', ['crossed', 'isolated']));
  const { marginMode, leverage } = account.settings(symbol);
  const { long, short } = leverage;
  return { symbol, marginCoin: 'USDT', longLeverage: String(long), shortLeverage: String(short), marginMode };
}

/** Adds to the margin of an isolated position, takes from it when negative. */
export function setMargin({ exchange, account, parameters }: PrivateContext) {
  parameters.requireUsdtFutures();
  const { symbol } = exchange.marketOf(parameters.required('symbol').toUpperCase());
  const text = parameters.required('amount');
  if (!/^-?\d{1,12}(\.\d{1,12})?$/.test(text)) throw refuse.badParameter('amount');
  exchange.adjustMargin(account, symbol, parameters.choice('holdSide', ['long', 'short']), parseQuote(text));
  return '';
}

/** Nobody is deleveraged here but by the admin port: everybody stands at the end of that queue. */
export function deleveragingRanks({ exchange, account }: PrivateContext) {
  return openPositions(account, exchange.markets).map(({ symbol, position }) => ({
    marginCoin: 'USDT',
    symbol,
    holdSide: directionOf(position),
    adlRank: '0',
  }));
}

export function setPositionMode({ exchange, account, parameters }: PrivateContext) {
  parameters.requireUsdtFutures();
  const posMode = parameters.choice('posMode', ['one_way_mode', 'hedge_mode']);
  exchange.setPositionMode(account, posMode === 'one_way_mode' ? 'one_way' : 'hedge');
  return { posMode };
}
