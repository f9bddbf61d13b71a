/** Market data as the unified account's protocol (v3) spells it. Categories other than USDT futures list nothing. */
import { formatPrice, formatQty } from '../../core/market/instrument.ts';
import { formatQuote } from '../../core/money/decimal.ts';
import { nextFundingAtMs } from '../exchange/funding.ts';
import type { Market } from '../exchange/market.ts';
import { refuse } from '../exchange/refusal.ts';
import { PRODUCT_TYPE } from '../exchange/wire.ts';
import { depthRows, tickerFields } from './public-routes.ts';
import { decimalsOf, type Parameters, type PublicContext, type PublicHandler } from './request.ts';
import { CANDLE_MS, candlesOf, HOUR_MS } from './unified-candles.ts';
import { isUsdtFutures } from './unified-paging.ts';
import { unified } from './unified-refusal.ts';

const DEPTH_ABSENT = 5;
const DEPTH_MAX = 200;
const TRADES_MAX = 100;
const CANDLES_MAX = 1_000;
const FUNDING_PAGE_MAX = 200;

export const UNIFIED_PUBLIC_ROUTES: Readonly<Record<string, PublicHandler>> = {
  'GET /api/v3/public/time': ({ nowMs }) => ({ serverTime: String(nowMs) }),
  'GET /api/v3/market/instruments': unified((context) => selected(context).map(instrumentAnswer)),
  'GET /api/v3/market/tickers': unified((context) =>
    selected(context).map((market) => ({
      category: PRODUCT_TYPE,
      symbol: market.symbol,
      ts: String(context.nowMs),
      ...unifiedTicker(market, context.nowMs),
    })),
  ),
  'GET /api/v3/market/orderbook': unified((context) => {
    const market = named(context);
    const limit = limitOf(context.parameters, DEPTH_ABSENT, DEPTH_MAX);
    const { asks, bids } = market.replay.book;
    return { a: depthRows(asks, market, limit), b: depthRows(bids, market, limit), ts: String(context.nowMs) };
  }),
  'GET /api/v3/market/fills': unified((context) => {
    const { recentTrades, instrument } = named(context);
    return recentTrades
      .slice(-limitOf(context.parameters, TRADES_MAX, TRADES_MAX))
      .reverse()
      .map(({ id, price, qty, takerSide, atMs }) => ({
        execId: String(id),
        price: formatPrice(price, instrument),
        size: formatQty(qty, instrument),
        side: takerSide,
        ts: String(atMs),
      }));
  }),
  'GET /api/v3/market/candles': unified(candles),
  'GET /api/v3/market/history-candles': unified(candles),
  'GET /api/v3/market/current-fund-rate': unified(({ exchange, parameters, nowMs }) => {
    const market = exchange.marketOf(parameters.required('symbol'));
    return [
      {
        symbol: market.symbol,
        fundingRate: market.terms.fundingRate,
        fundingRateInterval: fundingHours(market),
        nextUpdate: String(nextFundingAtMs(market, nowMs)),
        minFundingRate: '-0.003',
        maxFundingRate: '0.003',
      },
    ];
  }),
  'GET /api/v3/market/history-fund-rate': unified((context) => {
    const { exchange, parameters } = context;
    const { symbol } = named(context);
    const pageSize = limitOf(parameters, FUNDING_PAGE_MAX, FUNDING_PAGE_MAX);
    const from = (Math.max(1, parameters.whole('cursor', 1)) - 1) * pageSize;
    const rates = exchange.settlementsOf(symbol).slice(from, from + pageSize);
    return {
      resultList: rates.map(({ rate, atMs }) => ({ symbol, fundingRate: rate, fundingRateTimestamp: String(atMs) })),
    };
  }),
  'GET /api/v3/market/position-tier': unified((context) =>
    named(context).terms.tiers.map(({ from, upTo, leverageMax, keepMarginRate }, index) => ({
      tier: String(index + 1),
      minTierValue: formatQuote(from),
      maxTierValue: formatQuote(upTo),
      leverage: String(leverageMax),
      mmr: keepMarginRate,
    })),
  ),
  'GET /api/v3/market/open-interest': unified((context) => ({
    list: selected(context).map(({ symbol }) => ({ symbol, openInterest: '0' })),
    ts: String(context.nowMs),
  })),
};

/** Ticker fields without symbol and time, as REST and the `ticker` topic have them. */
export function unifiedTicker(market: Market, nowMs: number) {
  const fields = tickerFields(market, nowMs);
  return {
    lastPrice: fields.lastPr,
    openPrice24h: fields.open24h,
    highPrice24h: fields.high24h,
    lowPrice24h: fields.low24h,
    ask1Price: fields.askPr,
    bid1Price: fields.bidPr,
    bid1Size: fields.bidSz,
    ask1Size: fields.askSz,
    price24hPcnt: fields.change24h,
    volume24h: fields.baseVolume,
    turnover24h: fields.quoteVolume,
    indexPrice: fields.indexPrice,
    markPrice: fields.markPrice,
    fundingRate: fields.fundingRate,
    openInterest: fields.holdingAmount,
    deliveryStartTime: '',
    deliveryTime: '',
    deliveryStatus: '',
  };
}

function fundingHours({ terms }: Market): string {
  return String(terms.fundingIntervalMs / HOUR_MS);
}

function candles(context: PublicContext): string[][] {
  const { parameters } = context;
  const market = named(context);
  const intervalMs = CANDLE_MS[parameters.required('interval')];
  if (intervalMs === undefined) throw refuse.badParameter('interval');
  const fromMs = parameters.whole('startTime', 0);
  const toMs = parameters.whole('endTime', Number.MAX_SAFE_INTEGER);
  const count = limitOf(parameters, 100, CANDLES_MAX);
  return candlesOf(market, intervalMs, { nowMs: context.nowMs, count, fromMs, toMs }).map(
    ({ startMs, open, high, low, close, volume, turnover }) => [
      String(startMs),
      open,
      high,
      low,
      close,
      volume,
      turnover,
    ],
  );
}

function instrumentAnswer(market: Market) {
  const { spec, symbol } = market.instrument;
  return {
    symbol,
    category: PRODUCT_TYPE,
    isRwa: 'NO',
    baseCoin: symbol.replace(/USDT$/, ''),
    quoteCoin: 'USDT',
    buyLimitPriceRatio: '0.05',
    sellLimitPriceRatio: '0.05',
    feeRateUpRatio: '0.005',
    makerFeeRate: spec.makerFeeRate,
    takerFeeRate: spec.takerFeeRate,
    openCostUpRatio: '0.01',
    minOrderQty: spec.qtyMin,
    maxOrderQty: '1200',
    pricePrecision: String(decimalsOf(spec.tick)),
    quantityPrecision: String(decimalsOf(spec.lot)),
    quotePrecision: '',
    priceMultiplier: spec.tick,
    quantityMultiplier: spec.lot,
    // The venue's example says `symbolType`, its table `type`, and clients read either.
    type: 'perpetual',
    symbolType: 'perpetual',
    minOrderAmount: spec.notionalMin,
    maxSymbolOrderNum: '200',
    maxProductOrderNum: '400',
    maxPositionNum: '150',
    status: 'online',
    offTime: '-1',
    limitOpenTime: '-1',
    deliveryTime: '',
    deliveryStartTime: '',
    deliveryPeriod: '',
    launchTime: '',
    fundInterval: fundingHours(market),
    minLeverage: '1',
    maxLeverage: String(market.terms.tiers[0].leverageMax),
    maintainTime: '',
    maxMarketOrderQty: '220',
  };
}

/** Markets of the asked category, all or the named one. */
function selected({ exchange, parameters }: PublicContext): Market[] {
  parameters.required('category');
  if (!isUsdtFutures(parameters)) return [];
  const symbol = parameters.optional('symbol');
  return symbol === null ? [...exchange.markets.values()] : [exchange.marketOf(symbol)];
}

function named({ exchange, parameters }: PublicContext): Market {
  const symbol = parameters.required('symbol');
  if (!isUsdtFutures(parameters)) throw refuse.unknownSymbol(symbol);
  return exchange.marketOf(symbol);
}

function limitOf(parameters: Parameters, absent: number, most: number): number {
  return Math.min(most, Math.max(1, parameters.whole('limit', absent)));
}
