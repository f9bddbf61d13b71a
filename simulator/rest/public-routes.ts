/** Market data over REST. Product types other than USDT futures, and spot, list nothing. */
import { formatPrice, formatQty } from '../../core/market/instrument.ts';
import type { BookLevels } from '../../core/fill-model/book-levels.ts';
import { formatQuote } from '../../core/money/decimal.ts';
import { nextFundingAtMs } from '../exchange/funding.ts';
import type { Market } from '../exchange/market.ts';
import { PRODUCT_ORDERS_MAX, SYMBOL_ORDERS_MAX } from '../exchange/matching.ts';
import { refuse } from '../exchange/refusal.ts';
import { CANDLE_MS, candlesOf } from './unified-candles.ts';
import { decimalsOf, type PublicContext, type PublicHandler } from './request.ts';

/** As the venue states them for its 8-hour symbols. */
const FUNDING_RATE_MIN = '-0.003';
const FUNDING_RATE_MAX = '0.003';
const SETTLEMENTS_MAX = 100;

/** Whole hours on the venue; a shorter interval of a test is a fraction. */
function fundingHours({ terms }: Market): string {
  return String(terms.fundingIntervalMs / 3_600_000);
}

const nothing = () => [];

export const PUBLIC_ROUTES: Readonly<Record<string, PublicHandler>> = {
  'GET /api/v2/public/time': ({ nowMs }) => ({ serverTime: String(nowMs) }),
  'GET /api/v2/spot/public/symbols': nothing,
  'GET /api/v2/spot/public/coins': nothing,
  'GET /api/v2/margin/currencies': nothing,
  'GET /api/v2/mix/market/contracts': (context) => selected(context).map(contract),
  'GET /api/v2/mix/market/tickers': (context) => selected(context).map((market) => restTicker(market, context.nowMs)),
  'GET /api/v2/mix/market/ticker': (context) => [restTicker(named(context), context.nowMs)],
  'GET /api/v2/mix/market/symbol-price': (context) => {
    const market = named(context);
    const mark = market.markPrice;
    const price = formatPrice(market.lastPrice, market.instrument);
    return [{ symbol: market.symbol, price, indexPrice: mark, markPrice: mark, ts: String(context.nowMs) }];
  },
  'GET /api/v2/mix/market/merge-depth': (context) => {
    const market = named(context);
    const limit = depthLimit(context.parameters.optional('limit'));
    return {
      asks: depthRows(market.replay.book.asks, market, limit),
      bids: depthRows(market.replay.book.bids, market, limit),
      ts: String(context.nowMs),
      scale: market.instrument.spec.tick,
      precision: 'scale0',
      isMaxPrecision: 'YES',
    };
  },
  'GET /api/v2/mix/market/candles': candles,
  'GET /api/v2/mix/market/history-candles': candles,
  // Mark and index are not kept; they follow the trades closely enough for what a candle tells.
  'GET /api/v2/mix/market/history-mark-candles': candles,
  'GET /api/v2/mix/market/history-index-candles': candles,
  // Nobody else holds anything here.
  'GET /api/v2/mix/market/open-interest': (context) => ({
    openInterestList: [{ symbol: named(context).symbol, size: '0' }],
    ts: String(context.nowMs),
  }),
  'GET /api/v2/mix/market/vip-fee-rate': ({ exchange }) => {
    const [market] = exchange.markets.values();
    const { makerFeeRate, takerFeeRate } = market!.instrument.spec;
    const level = { level: '0', dealAmount: '0', assetAmount: '0' };
    return [{ ...level, takerFeeRate, makerFeeRate, btcWithdrawAmount: '0', usdtWithdrawAmount: '0' }];
  },
  'GET /api/v2/mix/market/fills': recentTrades,
  'GET /api/v2/mix/market/fills-history': recentTrades,
  'GET /api/v2/mix/market/current-fund-rate': (context) =>
    selected(context).map((market) => ({
      symbol: market.symbol,
      fundingRate: market.terms.fundingRate,
      fundingRateInterval: fundingHours(market),
      nextUpdate: String(nextFundingAtMs(market, context.nowMs)),
      minFundingRate: FUNDING_RATE_MIN,
      maxFundingRate: FUNDING_RATE_MAX,
    })),
  'GET /api/v2/mix/market/funding-time': (context) => [
    {
      symbol: named(context).symbol,
      nextFundingTime: String(nextFundingAtMs(named(context), context.nowMs)),
      ratePeriod: fundingHours(named(context)),
    },
  ],
  'GET /api/v2/mix/market/history-fund-rate': ({ exchange, parameters }) => {
    const { symbol } = exchange.marketOf(parameters.required('symbol').toUpperCase());
    const size = Math.min(SETTLEMENTS_MAX, Math.max(1, parameters.whole('pageSize', 20)));
    const from = (Math.max(1, parameters.whole('pageNo', 1)) - 1) * size;
    return exchange
      .settlementsOf(symbol)
      .slice(from, from + size)
      .map(({ rate, atMs }) => ({ symbol, fundingRate: rate, fundingTime: String(atMs) }));
  },
  'GET /api/v2/mix/market/query-position-lever': (context) => {
    const { symbol, terms } = named(context);
    return terms.tiers.map(({ from, upTo, leverageMax, keepMarginRate }, index) => ({
      symbol,
      level: String(index + 1),
      startUnit: formatQuote(from),
      endUnit: formatQuote(upTo),
      leverage: String(leverageMax),
      keepMarginRate,
    }));
  },
};

/** Fields of the last price, the touch and what happened since this process started, as ticker answers and pushes have them. */
export function tickerFields(market: Market, nowMs: number) {
  const { instrument, session, replay } = market;
  const { bids, asks } = replay.book;
  const price = (ticks: number) => formatPrice(ticks as typeof market.lastPrice, instrument);
  const size = (levels: BookLevels) => (levels.count === 0 ? '0' : formatQty(levels.sizeAt(0), instrument));
  const open = session.openTicks === 0 ? market.lastPrice : session.openTicks;
  const mark = market.markPrice;
  return {
    lastPr: price(market.lastPrice),
    bidPr: price(bids.best()),
    askPr: price(asks.best()),
    bidSz: size(bids),
    askSz: size(asks),
    open24h: price(open),
    high24h: price(Math.max(session.highTicks, market.lastPrice)),
    low24h: price(session.lowTicks === 0 ? market.lastPrice : session.lowTicks),
    change24h: (market.lastPrice / open - 1).toFixed(5),
    fundingRate: market.terms.fundingRate,
    markPrice: mark,
    indexPrice: mark,
    holdingAmount: '0',
    baseVolume: formatQty(session.lots as Parameters<typeof formatQty>[0], instrument),
    quoteVolume: (session.tickLots * instrument.quotePerTickLot).toFixed(4),
    openUtc: price(open),
    ts: String(nowMs),
  };
}

export function depthRows(levels: BookLevels, { instrument }: Market, limit: number): [string, string][] {
  const rows: [string, string][] = [];
  for (let depth = 0; depth < Math.min(limit, levels.count); depth++) {
    rows.push([formatPrice(levels.priceAt(depth), instrument), formatQty(levels.sizeAt(depth), instrument)]);
  }
  return rows;
}

function restTicker(market: Market, nowMs: number) {
  const fields = tickerFields(market, nowMs);
  return {
    symbol: market.symbol,
    ...fields,
    usdtVolume: fields.quoteVolume,
    changeUtc24h: fields.change24h,
    deliveryStartTime: null,
    deliveryTime: null,
    deliveryStatus: 'delivery_normal',
  };
}

function contract(market: Market) {
  const { instrument, terms } = market;
  const { spec, symbol } = instrument;
  const pricePlace = decimalsOf(spec.tick);
  return {
    symbol,
    baseCoin: symbol.replace(/USDT$/, ''),
    quoteCoin: 'USDT',
    buyLimitPriceRatio: '0.05',
    sellLimitPriceRatio: '0.05',
    feeRateUpRatio: '0.005',
    makerFeeRate: spec.makerFeeRate,
    takerFeeRate: spec.takerFeeRate,
    openCostUpRatio: '0.01',
    supportMarginCoins: ['USDT'],
    minTradeNum: spec.qtyMin,
    priceEndStep: String(Math.round(Number(spec.tick) * 10 ** pricePlace)),
    volumePlace: String(decimalsOf(spec.lot)),
    pricePlace: String(pricePlace),
    sizeMultiplier: spec.lot,
    symbolType: 'perpetual',
    minTradeUSDT: spec.notionalMin,
    maxSymbolOrderNum: String(SYMBOL_ORDERS_MAX),
    maxProductOrderNum: String(PRODUCT_ORDERS_MAX),
    maxPositionNum: '150',
    symbolStatus: 'normal',
    offTime: '-1',
    limitOpenTime: '-1',
    deliveryTime: '',
    deliveryStartTime: '',
    deliveryPeriod: '',
    launchTime: '',
    fundInterval: fundingHours(market),
    minLever: '1',
    maxLever: String(terms.tiers[0].leverageMax),
    posLimit: '0.05',
    maintainTime: '',
    maxMarketOrderQty: '220',
    maxOrderQty: '1200',
  };
}

/** Oldest first. */
function candles(context: PublicContext): string[][] {
  const market = named(context);
  const { parameters, nowMs } = context;
  // Some spell the days of UTC out; all days here are of UTC.
  const intervalMs = CANDLE_MS[parameters.required('granularity').replace(/utc$/i, '')];
  if (intervalMs === undefined) throw refuse.badParameter('granularity');
  const fromMs = parameters.whole('startTime', 0);
  const toMs = parameters.whole('endTime', Number.MAX_SAFE_INTEGER);
  const count = Math.max(1, parameters.whole('limit', 100));
  return candlesOf(market, intervalMs, { nowMs, count, fromMs, toMs }).map((candle) => {
    const { startMs, open, high, low, close, volume, turnover } = candle;
    return [String(startMs), open, high, low, close, volume, turnover];
  });
}

function recentTrades(context: PublicContext) {
  const { symbol, recentTrades: trades, instrument } = named(context);
  const limit = context.parameters.whole('limit', 100);
  return trades
    .slice(-limit)
    .reverse()
    .map(({ id, price, qty, takerSide, atMs }) => ({
      tradeId: String(id),
      price: formatPrice(price, instrument),
      size: formatQty(qty, instrument),
      side: takerSide,
      ts: String(atMs),
      symbol,
    }));
}

/** Markets of the asked product type, all or the named one. */
function selected({ exchange, parameters }: PublicContext): Market[] {
  if (!parameters.isUsdtFutures) return [];
  const symbol = parameters.optional('symbol');
  return symbol === null ? [...exchange.markets.values()] : [exchange.marketOf(symbol)];
}

function named({ exchange, parameters }: PublicContext): Market {
  return exchange.marketOf(parameters.required('symbol'));
}

function depthLimit(limit: string | null): number {
  if (limit === 'max') return 1_000;
  const wanted = limit === null ? 100 : Number(limit);
  return Number.isInteger(wanted) && wanted > 0 ? Math.min(wanted, 1_000) : 100;
}
