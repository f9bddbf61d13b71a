/** What a signed v2 request may ask for. Unknown paths are 40404; everything here needs a classic account. */
import {
  accountInfo,
  bills,
  closedPositions,
  deleveragingRanks,
  setLeverage,
  setMargin,
  setMarginMode,
  setPositionMode,
  tradeRate,
} from './account-routes.ts';
import { accountAnswer, positionAnswers, symbolAccountAnswer } from '../exchange/account-wire.ts';
import {
  batchCancel,
  batchPlace,
  cancelOrder,
  closedOrders,
  closePositions,
  fillList,
  modifyOrder,
  orderDetail,
  pendingOrders,
  placeOrder,
} from './order-routes.ts';
import type { PrivateContext, PrivateHandler } from './request.ts';
import {
  cancelTriggers,
  closedTriggers,
  modifyPlan,
  modifyTpsl,
  pendingTriggers,
  placePlan,
  placePositionTpsl,
  placeTpsl,
  planSubOrder,
} from './trigger-routes.ts';

export const PRIVATE_ROUTES: Readonly<Record<string, PrivateHandler>> = {
  'POST /api/v2/mix/order/place-order': placeOrder,
  'POST /api/v2/mix/order/batch-place-order': batchPlace,
  'POST /api/v2/mix/order/modify-order': modifyOrder,
  'POST /api/v2/mix/order/cancel-order': cancelOrder,
  'POST /api/v2/mix/order/batch-cancel-orders': batchCancel,
  'POST /api/v2/mix/order/cancel-all-orders': batchCancel,
  'POST /api/v2/mix/order/close-positions': closePositions,
  'GET /api/v2/mix/order/detail': orderDetail,
  'GET /api/v2/mix/order/orders-pending': pendingOrders,
  'GET /api/v2/mix/order/orders-history': closedOrders,
  'GET /api/v2/mix/order/fills': fillList,
  'GET /api/v2/mix/order/fill-history': fillList,

  'POST /api/v2/mix/order/place-plan-order': placePlan,
  'POST /api/v2/mix/order/place-tpsl-order': placeTpsl,
  'POST /api/v2/mix/order/place-pos-tpsl': placePositionTpsl,
  'POST /api/v2/mix/order/modify-plan-order': modifyPlan,
  'POST /api/v2/mix/order/modify-tpsl-order': modifyTpsl,
  'POST /api/v2/mix/order/cancel-plan-order': cancelTriggers,
  'GET /api/v2/mix/order/orders-plan-pending': pendingTriggers,
  'GET /api/v2/mix/order/orders-plan-history': closedTriggers,
  'GET /api/v2/mix/order/plan-sub-order': planSubOrder,

  'GET /api/v2/mix/account/accounts': ({ exchange, account, parameters }) =>
    parameters.isUsdtFutures ? [accountAnswer(account, exchange.markets)] : [],
  'GET /api/v2/mix/account/account': ({ exchange, account, parameters }) =>
    symbolAccountAnswer(
      account,
      exchange.markets,
      exchange.marketOf(parameters.required('symbol').toUpperCase()).symbol,
    ),
  'GET /api/v2/spot/account/info': accountInfo,
  // Nothing is ever moved in, out or between accounts, and nothing is lent: these histories are empty.
  'GET /api/v2/spot/wallet/deposit-records': () => [],
  'GET /api/v2/spot/wallet/withdrawal-records': () => [],
  'GET /api/v2/spot/account/transferRecords': () => [],
  'GET /api/v2/margin/crossed/interest-history': noInterest,
  'GET /api/v2/margin/isolated/interest-history': noInterest,
  'GET /api/v2/common/trade-rate': tradeRate,
  'GET /api/v2/mix/account/bill': bills,
  'POST /api/v2/mix/account/set-leverage': setLeverage,
  'POST /api/v2/mix/account/set-margin': setMargin,
  'POST /api/v2/mix/account/set-margin-mode': setMarginMode,
  'POST /api/v2/mix/account/set-position-mode': setPositionMode,

  'GET /api/v2/mix/position/all-position': (context) => positions(context, null),
  'GET /api/v2/mix/position/single-position': (context) =>
    positions(context, context.parameters.required('symbol').toUpperCase()),
  'GET /api/v2/mix/position/adlRank': deleveragingRanks,
  'GET /api/v2/mix/position/history-position': closedPositions,
};

/** The calls that count against the order rate. */
export const ORDER_RATE_PATHS: ReadonlySet<string> = new Set([
  'POST /api/v2/mix/order/place-order',
  'POST /api/v2/mix/order/batch-place-order',
  'POST /api/v2/mix/order/modify-order',
  'POST /api/v2/mix/order/cancel-order',
  'POST /api/v2/mix/order/batch-cancel-orders',
  'POST /api/v2/mix/order/cancel-all-orders',
  'POST /api/v2/mix/order/close-positions',
  'POST /api/v2/mix/order/place-plan-order',
  'POST /api/v2/mix/order/place-tpsl-order',
  'POST /api/v2/mix/order/place-pos-tpsl',
  'POST /api/v2/mix/order/modify-plan-order',
  'POST /api/v2/mix/order/modify-tpsl-order',
  'POST /api/v2/mix/order/cancel-plan-order',
]);

function noInterest() {
  return { resultList: [], maxId: '', minId: '' };
}

function positions({ exchange, account, parameters }: PrivateContext, symbol: string | null) {
  return parameters.isUsdtFutures ? positionAnswers(account, exchange.markets, symbol) : [];
}
