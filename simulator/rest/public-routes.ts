/** Market data over REST. Product types other than USDT futures, and spot, list nothing. */
import { formatPrice, formatQty } from '../../core/market/instrument.ts';
import type { BookLevels } from '../../core/fill-model/book-levels.ts';
import type { Market } from '../exchange/market.ts';
import { markPrice } from '../exchange/wire.ts';
import { decimalsOf, type PublicContext, type PublicHandler } from './request.ts';

/** Not replayed yet: Bitget's interest rate of an 8-hour symbol, see the funding clamp. */
export const FUNDING_RATE = '0.0001';
const FUNDING_HOURS = 8;
const FUNDING_MS = FUNDING_HOURS * 3_600_000;

export function nextFundingAtMs(nowMs: number): number {
  return (Math.floor(nowMs / FUNDING_MS) + 1) * FUNDING_MS;
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
    const mark = markPrice(market);
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
  'GET /api/v2/mix/market/fills': recentTrades,
  'GET /api/v2/mix/market/fills-history': recentTrades,
  'GET /api/v2/mix/market/current-fund-rate': (context) =>
    selected(context).map(({ symbol }) => ({
      symbol,
      fundingRate: FUNDING_RATE,
      fundingRateInterval: String(FUNDING_HOURS),
      nextUpdate: String(nextFundingAtMs(context.nowMs)),
      minFundingRate: '-0.003',
      maxFundingRate: '0.003',
    })),
  'GET /api/v2/mix/market/funding-time': (context) => [
    {
      symbol: named(context).symbol,
      nextFundingTime: String(nextFundingAtMs(context.nowMs)),
      ratePeriod: String(FUNDING_HOURS),
    },
  ],
  'GET /api/v2/mix/market/history-fund-rate': nothing,
  'GET /api/v2/mix/market/query-position-lever': (context) => [
    {
      symbol: named(context).symbol,
      level: '1',
      startUnit: '0',
      endUnit: '10000000',
      leverage: '125',
      keepMarginRate: '0.004',
    },
  ],
};

/** Fields of the last price, the touch and what happened since this process started, as ticker answers and pushes have them. */
export function tickerFields(market: Market, nowMs: number) {
  const { instrument, session, replay } = market;
  const { bids, asks } = replay.book;
  const price = (ticks: number) => formatPrice(ticks as typeof market.lastPrice, instrument);
  const size = (levels: BookLevels) => (levels.count === 0 ? '0' : formatQty(levels.sizeAt(0), instrument));
  const open = session.openTicks === 0 ? market.lastPrice : session.openTicks;
  const mark = markPrice(market);
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
    fundingRate: FUNDING_RATE,
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

function contract({ instrument }: Market) {
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
    maxSymbolOrderNum: '200',
    maxProductOrderNum: '400',
    maxPositionNum: '150',
    symbolStatus: 'normal',
    offTime: '-1',
    limitOpenTime: '-1',
    deliveryTime: '',
    deliveryStartTime: '',
    deliveryPeriod: '',
    launchTime: '',
    fundInterval: String(FUNDING_HOURS),
    minLever: '1',
    maxLever: '125',
    posLimit: '0.05',
    maintainTime: '',
    maxMarketOrderQty: '220',
    maxOrderQty: '1200',
  };
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
