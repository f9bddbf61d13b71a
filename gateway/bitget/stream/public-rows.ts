/** Trades and tickers of both dialects in, the desk's own types out. Read by hand: they come many times a second. */
import type { Instrument } from '../../../core/market/instrument.ts';
import { toSteps, type Grid } from '../../../core/money/grid.ts';
import type { PriceTicks, QtyLots } from '../../../core/money/money.ts';
import { VenueMalformed, type VenueFunding, type VenueTicker, type VenueTrade } from '../../venue.ts';

export interface IdentifiedTrade {
  readonly tradeId: string;
  readonly trade: VenueTrade;
}

type Row = Readonly<Record<string, unknown>>;

const DECIMAL = /^-?\d{1,24}(\.\d{1,24})?$/;

/** v2: `ts price size side tradeId`; v3: `T p v S i`. */
export function parseTradeRow(raw: unknown, symbol: string, tick: Grid, lot: Grid): IdentifiedTrade {
  const row = rowOf(raw, 'trade', symbol);
  const tradeId = row.tradeId ?? row.i;
  const price = toSteps(row.price ?? row.p, tick);
  const qty = toSteps(row.size ?? row.v, lot);
  const takerSide = row.side ?? row.S;
  const venueAtMs = Number(row.ts ?? row.T);
  if (typeof tradeId !== 'string' || tradeId === '') throw malformed('trade', symbol, 'has no id', row);
  if (price <= 0 || qty <= 0) throw malformed('trade', symbol, 'is not on the grid', row);
  if (takerSide !== 'buy' && takerSide !== 'sell') throw malformed('trade', symbol, 'has no side', row);
  if (!(venueAtMs > 0)) throw malformed('trade', symbol, 'has no time', row);
  return { tradeId, trade: { symbol, venueAtMs, price: price as PriceTicks, qty: qty as QtyLots, takerSide } };
}

export interface TickerRow {
  readonly ticker: VenueTicker;
  /** Null when the frame does not say. */
  readonly funding: VenueFunding | null;
  /** Best prices as the venue wrote them. */
  readonly bid: unknown;
  readonly ask: unknown;
}

/** v2: `lastPr` and `ts` in the row; v3: `lastPrice`, the time stands in the frame. */
export function parseTickerRow(raw: unknown, frameTs: unknown, { symbol }: Pick<Instrument, 'symbol'>): TickerRow {
  const row = rowOf(raw, 'ticker', symbol);
  const named = row.instId ?? row.symbol ?? symbol;
  if (named !== symbol) throw malformed('ticker', symbol, 'is for another symbol', row);
  const venueAtMs = Number(row.ts ?? frameTs);
  if (!(venueAtMs > 0)) throw malformed('ticker', symbol, 'has no time', row);
  const lastPrice = decimalOrNull(row.lastPr ?? row.lastPrice);
  if (lastPrice === null) throw malformed('ticker', symbol, 'has no last price', row);
  const ticker = { symbol, venueAtMs, lastPrice, markPrice: decimalOrNull(row.markPrice) };
  const best = { bid: row.bidPr ?? row.bid1Price, ask: row.askPr ?? row.ask1Price };
  const rate = decimalOrNull(row.fundingRate);
  if (rate === null) return { ticker, funding: null, ...best };
  const nextAtMs = Number(row.nextFundingTime);
  const isTime = Number.isSafeInteger(nextAtMs) && nextAtMs > 0;
  const funding = { symbol, venueAtMs, rate, intervalHours: null, nextAtMs: isTime ? nextAtMs : null };
  return { ticker, funding, ...best };
}

function decimalOrNull(value: unknown): string | null {
  return typeof value === 'string' && DECIMAL.test(value) ? value : null;
}

function rowOf(raw: unknown, what: string, symbol: string): Row {
  if (typeof raw === 'object' && raw !== null && !Array.isArray(raw)) return raw as Row;
  throw malformed(what, symbol, 'is no record', raw);
}

function malformed(what: string, symbol: string, rule: string, row: unknown): VenueMalformed {
  return new VenueMalformed(`${what} ${symbol}: ${rule}: ${(JSON.stringify(row) ?? 'nothing').slice(0, 200)}`);
}
