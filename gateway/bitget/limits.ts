/**
 * Bitget's limits by endpoint group and account, the lower one where sources differ, and 6,000 calls a minute and address
 * in all. Each read endpoint may be called 10 times a second; together they get no more than one of them. What cancels by
 * symbol is v2's batch cancel (10 a second) or v3's cancel by symbol (5); v2's cancel of a whole product is a group of its
 * own.
 */
import type { RateLimits } from '../../core/rates/limits.ts';
import type { BitgetCall } from './endpoints.ts';

export type BitgetRateGroup =
  | 'place'
  | 'amend'
  | 'cancel'
  | 'cancel_symbol'
  | 'cancel_product'
  | 'tpsl'
  | 'cancel_trigger'
  | 'account_setting'
  | 'account_info'
  | 'read'
  | 'market';

export const BITGET_LIMITS: RateLimits<BitgetRateGroup> = {
  perSecond: {
    place: 10,
    amend: 10,
    cancel: 10,
    cancel_symbol: 5,
    cancel_product: 1,
    tpsl: 10,
    cancel_trigger: 10,
    account_setting: 5,
    account_info: 1,
    read: 10,
    market: 20,
  },
  ofAddress: ['market'],
  overallPerSecond: 100,
  // A protective stop takes risk away, as a cancel does.
  urgent: ['cancel', 'cancel_symbol', 'cancel_product', 'cancel_trigger', 'tpsl'],
  // An order whose outcome is unknown counts in full until it was looked up.
  lookUps: ['read'],
  reserved: 20,
};

export const GROUP_OF_CALL: Readonly<Record<BitgetCall, BitgetRateGroup>> = {
  serverTime: 'market',
  contracts: 'market',
  ticker: 'market',
  fundingRate: 'market',
  candles: 'market',
  feeRates: 'read',
  place: 'place',
  amend: 'amend',
  cancel: 'cancel',
  cancelSymbol: 'cancel_symbol',
  cancelProduct: 'cancel_product',
  cancelPlan: 'cancel_trigger',
  placeTpsl: 'tpsl',
  modifyTpsl: 'tpsl',
  order: 'read',
  ordersOpen: 'read',
  plansOpen: 'read',
  fills: 'read',
  bills: 'read',
  position: 'read',
  positions: 'read',
  accounts: 'read',
  account: 'read',
  keyInfo: 'account_info',
  setLeverage: 'account_setting',
  setMarginMode: 'account_setting',
  setPositionMode: 'account_setting',
  unifiedTickers: 'market',
  unifiedFundingRate: 'market',
  unifiedCandles: 'market',
  unifiedFeeRates: 'read',
  unifiedSettings: 'read',
  unifiedKeyInfo: 'account_info',
  unifiedAssets: 'read',
  unifiedPlace: 'place',
  unifiedAmend: 'amend',
  unifiedCancel: 'cancel',
  unifiedCancelSymbol: 'cancel_symbol',
  unifiedPlaceStrategy: 'tpsl',
  unifiedModifyStrategy: 'tpsl',
  unifiedCancelStrategy: 'cancel_trigger',
  unifiedOrder: 'read',
  unifiedOrdersOpen: 'read',
  unifiedStrategiesOpen: 'read',
  unifiedFills: 'read',
  unifiedRecords: 'read',
  unifiedPositions: 'read',
  unifiedSetLeverage: 'account_setting',
  unifiedSetPositionMode: 'account_setting',
};
