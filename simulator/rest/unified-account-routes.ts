/** Settings, balance, positions and bookings of a unified account, and the venue's own dead-man switch. */
import { refuse } from '../exchange/refusal.ts';
import { PRODUCT_TYPE } from '../exchange/wire.ts';
import type { PrivateContext, PrivateHandler } from './request.ts';
import { COUNTDOWN_S_MAX, COUNTDOWN_S_MIN } from './unified-countdown.ts';
import { unifiedAssets, unifiedClosedPosition, unifiedPositions } from './unified-holdings.ts';
import { placed } from './unified-orders.ts';
import { isUsdtFutures, pageOf, requireUsdtFutures } from './unified-paging.ts';
import { refuseUnified } from './unified-refusal.ts';
import { unifiedBill } from './unified-bills.ts';
import { wireHoldMode } from './unified-wire.ts';

const LEVERAGE_MAX = 125;

/** A unified key tells its rights in other words; what has no such word is told as it is. */
const PERMISSION_OF: Readonly<Record<string, string | null>> = {
  coow: 'uta_trade',
  cpow: 'uta_mgt',
  wwow: 'withdraw',
  // Reading needs no permission of its own.
  coor: null,
  cpor: null,
};

function unifiedPermissions(authorities: readonly string[]): string[] {
  return authorities
    .map((authority) => (Object.hasOwn(PERMISSION_OF, authority) ? PERMISSION_OF[authority] : authority))
    .filter((permission): permission is string => typeof permission === 'string');
}

export const UNIFIED_ACCOUNT_ROUTES: Readonly<Record<string, PrivateHandler>> = {
  'GET /api/v3/account/settings': ({ exchange, account }) => ({
    uid: account.userId,
    accountMode: 'unified',
    assetMode: 'multi_assets',
    holdMode: wireHoldMode(account.row.positionMode),
    stpMode: 'none',
    symbolConfigList: [...exchange.markets.keys()].map((symbol) => {
      const { marginMode, leverage } = account.settings(symbol);
      return { category: PRODUCT_TYPE, symbol, marginMode, leverage: String(leverage.crossed) };
    }),
    coinConfigList: [{ coin: 'USDT', leverage: '3' }],
  }),
  'GET /api/v3/account/info': ({ account }) => ({
    userId: account.userId,
    inviterId: '',
    parentId: '',
    channelCode: '',
    channel: '',
    ips: account.profile?.ips ?? '',
    permType: 'read-and-write',
    permissions: unifiedPermissions(account.profile?.authorities ?? []),
    regisTime: '0',
  }),
  'GET /api/v3/account/assets': ({ exchange, account }) => unifiedAssets(account, exchange.markets),
  // Everything is in the trading account: the funding account exists and is empty.
  'GET /api/v3/account/funding-assets': () => [],
  'GET /api/v3/account/deposit-records': () => [],
  'GET /api/v3/account/withdrawal-records': () => [],
  'GET /api/v3/account/fee-rate': ({ exchange, parameters }) => {
    requireUsdtFutures(parameters);
    const { spec } = exchange.marketOf(parameters.required('symbol')).instrument;
    return { makerFeeRate: spec.makerFeeRate, takerFeeRate: spec.takerFeeRate };
  },
  'GET /api/v3/account/all-fee-rate': ({ exchange, parameters }) => {
    if (!isUsdtFutures(parameters)) return [];
    return [...exchange.markets.values()].map(({ symbol, instrument: { spec } }) => ({
      symbol,
      makerFeeRate: spec.makerFeeRate,
      takerFeeRate: spec.takerFeeRate,
    }));
  },
  'GET /api/v3/account/financial-records': ({ account, parameters }) => {
    const type = parameters.optional('type');
    const coin = parameters.optional('coin');
    const bills = coin !== null && coin !== 'USDT' ? [] : account.bills;
    const page = pageOf(parameters, bills, ({ atMs }) => atMs, unifiedBill);
    return { ...page, list: page.list.filter((bill) => type === null || bill.type === type) };
  },
  'POST /api/v3/account/set-leverage': ({ exchange, account, parameters }) => {
    requireUsdtFutures(parameters);
    const { symbol } = exchange.marketOf(parameters.required('symbol').toUpperCase());
    const leverage = parameters.whole('leverage', 0);
    if (leverage < 1 || leverage > LEVERAGE_MAX) throw refuse.leverageTooHigh();
    exchange.setLeverage(account, symbol, leverage);
    return 'success';
  },
  'POST /api/v3/account/set-hold-mode': ({ exchange, account, parameters }) => {
    const mode = parameters.choice('holdMode', ['one_way_mode', 'hedge_mode']);
    exchange.setPositionMode(account, mode === 'hedge_mode' ? 'hedge' : 'one_way');
    return 'success';
  },
  'GET /api/v3/position/current-position': ({ exchange, account, parameters }) => {
    if (!isUsdtFutures(parameters)) return { list: [] };
    const posSide = parameters.optional('posSide');
    const positions = unifiedPositions(account, exchange.markets, parameters.optional('symbol')?.toUpperCase() ?? null);
    return { list: positions.filter((position) => posSide === null || position.posSide === posSide) };
  },
  'GET /api/v3/position/history-position': ({ exchange, account, parameters }) =>
    pageOf(
      parameters,
      account.closedPositions,
      ({ updatedAtMs }) => updatedAtMs,
      (closed) => unifiedClosedPosition(closed, exchange.marketOf(closed.symbol)),
    ),
  'POST /api/v3/trade/close-positions': closePositions,
  'POST /api/v3/trade/countdown-cancel-all': ({ account, countdowns, parameters }) => {
    parameters.required('countdown');
    const seconds = parameters.whole('countdown', 0);
    if (seconds !== 0 && (seconds < COUNTDOWN_S_MIN || seconds > COUNTDOWN_S_MAX)) {
      throw refuseUnified.invalid('countdown');
    }
    if (account.profile?.countdownAccess !== true) throw refuseUnified.denied();
    countdowns.arm(account, seconds);
    return 'success';
  },
};

/** Closes at market what is held of a symbol or of all, of one side or of both. */
function closePositions({ exchange, account, parameters }: PrivateContext) {
  requireUsdtFutures(parameters);
  const symbol = parameters.optional('symbol')?.toUpperCase() ?? null;
  const posSide = parameters.optional('posSide') === null ? null : parameters.choice('posSide', ['long', 'short']);
  return { list: exchange.closePositions(account, symbol, posSide).map(placed) };
}
