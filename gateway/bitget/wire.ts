/**
 * Bitget's v2 mix records in, the desk's own types out. Everything arrives as `unknown`; a record that breaks its
 * schema, or whose price is on no tick, throws `VenueMalformed` naming the record and the rule.
 *
 * Decimals stay strings until they become ticks, lots or exact amounts. Times are milliseconds as decimal strings.
 */
import { z } from 'zod';
import { createInstrument, toLots, toTicks, type Instrument } from '../../core/market/instrument.ts';
import { DecimalError, formatScaled, parseQuote, parseScaled } from '../../core/money/decimal.ts';
import type { QuoteAmount, SignedLots } from '../../core/money/money.ts';
import type { VenueBalance, VenueFill, VenueOrder, VenuePosition, VenueTicker, VenueTrade } from '../venue.ts';
import { VenueMalformed } from '../venue.ts';

const Decimal = z.string().regex(/^-?\d{1,24}(\.\d{1,24})?$/, 'expected a plain decimal');
/** Bitget writes "no value" as an empty string, null, or not at all. */
const OptionalText = z.string().nullish();
const Millis = z
  .union([z.string().regex(/^\d{10,14}$/), z.int().positive()], 'expected milliseconds since the epoch')
  .transform(Number);
const SideText = z.enum(['buy', 'sell']);

/** Parses `raw` as `what`, or throws `VenueMalformed`. */
export function parseRecord<S extends z.ZodType>(schema: S, raw: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw new VenueMalformed(`${what}: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}`);
}

function onGrid<T>(what: string, convert: () => T): T {
  try {
    return convert();
  } catch (error) {
    if (error instanceof DecimalError) throw new VenueMalformed(`${what}: ${error.message}`);
    throw error;
  }
}

// Contract

const Contract = z.looseObject({
  symbol: z.string(),
  baseCoin: z.string().min(1),
  quoteCoin: z.literal('USDT'),
  symbolType: z.literal('perpetual'),
  pricePlace: z.string().regex(/^\d{1,2}$/),
  priceEndStep: z.string().regex(/^\d{1,6}$/),
  volumePlace: z.string().regex(/^\d{1,2}$/),
  sizeMultiplier: Decimal,
  minTradeNum: Decimal,
  minTradeUSDT: Decimal,
  makerFeeRate: Decimal,
  takerFeeRate: Decimal,
});
export type Contract = z.infer<typeof Contract>;

/** The record of `symbol` in the venue's list of contracts; null when it is not listed. */
export function findContract(data: unknown, symbol: string): Contract | null {
  const rows = parseRecord(z.array(z.looseObject({ symbol: z.string() })), data, 'contracts');
  const row = rows.find((candidate) => candidate.symbol === symbol);
  return row === undefined ? null : parseRecord(Contract, row, `contract ${symbol}`);
}

const FeeRates = z.looseObject({ makerFeeRate: Decimal, takerFeeRate: Decimal });
export type FeeRates = z.infer<typeof FeeRates>;

export function parseFeeRates(data: unknown): FeeRates {
  return parseRecord(FeeRates, data, 'fee rates');
}

/** Tick = priceEndStep x 10^-pricePlace. The lot is `sizeMultiplier`, which `volumePlace` may only coarsen. */
export function parseInstrument(contract: Contract, fees: FeeRates): Instrument {
  return onGrid(`contract ${contract.symbol}`, () => {
    const tickE12 = BigInt(contract.priceEndStep) * 10n ** BigInt(12 - Number(contract.pricePlace));
    const multiplierE12 = parseScaled(contract.sizeMultiplier, 12);
    const placeE12 = 10n ** BigInt(12 - Number(contract.volumePlace));
    if (multiplierE12 <= 0n) throw new VenueMalformed(`contract ${contract.symbol}: sizeMultiplier is 0`);
    return createInstrument({
      symbol: contract.symbol,
      tick: formatScaled(tickE12, 12),
      lot: formatScaled(leastCommonMultiple(multiplierE12, placeE12), 12),
      qtyMin: contract.minTradeNum,
      notionalMin: contract.minTradeUSDT,
      makerFeeRate: fees.makerFeeRate,
      takerFeeRate: fees.takerFeeRate,
    });
  });
}

function leastCommonMultiple(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return (a / x) * b;
}

// Orders

const ORDER_STATUS = {
  init: 'open',
  new: 'open',
  live: 'open',
  partially_filled: 'open',
  filled: 'filled',
  canceled: 'cancelled',
  cancelled: 'cancelled',
  rejected: 'rejected',
} as const;

/** REST names the instrument `symbol`, the state `state` or `status` and what is executed `baseVolume`; the stream says `instId`, `status`, `accBaseVolume`. */
const OrderRow = z.looseObject({
  symbol: z.string().optional(),
  instId: z.string().optional(),
  orderId: z.string().min(1),
  clientOid: OptionalText,
  price: OptionalText,
  size: Decimal,
  accBaseVolume: OptionalText,
  baseVolume: OptionalText,
  state: z.enum(ORDER_STATUSES()).optional(),
  status: z.enum(ORDER_STATUSES()).optional(),
  side: SideText,
  reduceOnly: z.string().nullish(),
  cTime: Millis,
  uTime: z.union([Millis, z.literal('')]).nullish(),
});

function ORDER_STATUSES(): (keyof typeof ORDER_STATUS)[] {
  return Object.keys(ORDER_STATUS) as (keyof typeof ORDER_STATUS)[];
}

export function parseOrder(raw: unknown, instrument: Instrument, source: 'rest' | 'stream'): VenueOrder {
  const row = parseRecord(OrderRow, raw, 'order');
  const what = `order ${row.orderId}`;
  const status = row.status ?? row.state;
  if (status === undefined) throw new VenueMalformed(`${what}: no status`);
  requireSymbol(row.symbol ?? row.instId, instrument, what);
  // On the stream `baseVolume` is the last fill alone.
  const filled = source === 'stream' ? row.accBaseVolume : row.baseVolume;
  return onGrid(what, () => ({
    clientOrderId: textOrNull(row.clientOid),
    venueOrderId: row.orderId,
    symbol: instrument.symbol,
    side: row.side,
    // A market order has no price; 0 ticks says so.
    price: toTicks(textOrNull(row.price) ?? '0', instrument),
    qty: toLots(row.size, instrument),
    filled: toLots(textOrNull(filled) ?? '0', instrument),
    status: ORDER_STATUS[status],
    reduceOnly: row.reduceOnly?.toLowerCase() === 'yes',
    updatedAtMs: typeof row.uTime === 'number' ? row.uTime : row.cTime,
  }));
}

/** One page of a list that Bitget sends as null when it is empty. */
export interface Page {
  readonly rows: readonly unknown[];
  /** Pass as `idLessThan` for the next page; null when there is none. */
  readonly endId: string | null;
}

export function parsePage(data: unknown, list: 'entrustedList' | 'fillList'): Page {
  const Shape = z.looseObject({ [list]: z.array(z.unknown()).nullish(), endId: z.string().nullish() });
  const page = parseRecord(Shape, data, list) as Record<string, unknown>;
  return { rows: (page[list] as unknown[] | null | undefined) ?? [], endId: textOrNull(page.endId as string | null) };
}

export function symbolOf(raw: unknown): string | undefined {
  const row = raw as { symbol?: unknown; instId?: unknown } | null | undefined;
  const name = row?.instId ?? row?.symbol;
  return typeof name === 'string' ? name.toUpperCase() : undefined;
}

// Fills

const FillRow = z.looseObject({
  tradeId: z.string().min(1),
  orderId: z.string().min(1),
  clientOid: OptionalText,
  symbol: z.string(),
  side: SideText,
  price: Decimal,
  baseVolume: Decimal,
  tradeScope: z.enum(['maker', 'taker']),
  feeDetail: z.array(z.looseObject({ feeCoin: z.string(), totalFee: Decimal })).min(1),
  cTime: Millis,
});

/** `totalFee` below zero was paid. A fee in another coin than USDT has no exact USDT amount and is refused, not guessed. */
export function parseFill(raw: unknown, instrument: Instrument): VenueFill {
  const row = parseRecord(FillRow, raw, 'fill');
  const what = `fill ${row.tradeId}`;
  requireSymbol(row.symbol, instrument, what);
  return onGrid(what, () => {
    let fee = 0n;
    for (const part of row.feeDetail) {
      const charged = parseQuote(part.totalFee);
      if (charged !== 0n && part.feeCoin !== 'USDT') {
        throw new VenueMalformed(`${what}: fee is paid in ${part.feeCoin}, expected USDT (switch fee deduction off)`);
      }
      fee -= charged;
    }
    return {
      tradeId: row.tradeId,
      venueOrderId: row.orderId,
      clientOrderId: textOrNull(row.clientOid),
      symbol: instrument.symbol,
      side: row.side,
      price: toTicks(row.price, instrument),
      qty: toLots(row.baseVolume, instrument),
      fee: fee as QuoteAmount,
      liquidity: row.tradeScope,
      atMs: row.cTime,
    };
  });
}

// Positions and balance

const PositionRow = z.looseObject({
  symbol: z.string().optional(),
  instId: z.string().optional(),
  holdSide: z.enum(['long', 'short']),
  posMode: z.enum(['one_way_mode', 'hedge_mode']),
  total: Decimal,
  openPriceAvg: OptionalText,
});

/** `rows` are all positions the venue reports; none for the instrument is flat. One-way mode only. */
export function parsePosition(rows: readonly unknown[], instrument: Instrument): VenuePosition {
  let qty = 0 as SignedLots;
  let entryPrice: string | null = null;
  for (const raw of rows) {
    if (symbolOf(raw) !== instrument.symbol) continue;
    const row = parseRecord(PositionRow, raw, `position ${instrument.symbol}`);
    const lots: number = onGrid(`position ${instrument.symbol}`, () => toLots(row.total, instrument));
    if (lots === 0) continue;
    if (row.posMode !== 'one_way_mode' || qty !== 0) {
      throw new VenueMalformed(`position ${instrument.symbol}: the account is in hedge mode, expected one-way mode`);
    }
    qty = (row.holdSide === 'long' ? lots : -lots) as SignedLots;
    entryPrice = textOrNull(row.openPriceAvg);
  }
  return { symbol: instrument.symbol, qty, entryPrice };
}

const AccountRow = z.looseObject({ marginCoin: z.string(), accountEquity: Decimal, crossedMaxAvailable: Decimal });

export function parseBalance(data: unknown): VenueBalance {
  const rows = parseRecord(z.array(z.looseObject({ marginCoin: z.string() })), data, 'accounts');
  const row = rows.find((candidate) => candidate.marginCoin.toUpperCase() === 'USDT');
  if (row === undefined) throw new VenueMalformed('accounts: no USDT account');
  const account = parseRecord(AccountRow, row, 'account USDT');
  return { equity: account.accountEquity, available: account.crossedMaxAvailable };
}

// Market data

const TickerRow = z.looseObject({
  instId: z.string(),
  lastPr: Decimal,
  markPrice: OptionalText,
  fundingRate: OptionalText,
  nextFundingTime: OptionalText,
  ts: Millis,
});

export function parseTicker(raw: unknown, instrument: Instrument): VenueTicker {
  const row = parseRecord(TickerRow, raw, `ticker ${instrument.symbol}`);
  requireSymbol(row.instId, instrument, 'ticker');
  const nextFundingAtMs = Number(textOrNull(row.nextFundingTime) ?? '0');
  return {
    symbol: instrument.symbol,
    venueAtMs: row.ts,
    lastPrice: row.lastPr,
    markPrice: textOrNull(row.markPrice),
    fundingRate: textOrNull(row.fundingRate),
    nextFundingAtMs: Number.isSafeInteger(nextFundingAtMs) && nextFundingAtMs > 0 ? nextFundingAtMs : null,
  };
}

const TradeRow = z.looseObject({ ts: Millis, price: Decimal, size: Decimal, side: SideText, tradeId: z.string() });

export interface IdentifiedTrade {
  readonly tradeId: string;
  readonly trade: VenueTrade;
}

export function parseTrade(raw: unknown, instrument: Instrument): IdentifiedTrade {
  const row = parseRecord(TradeRow, raw, `trade ${instrument.symbol}`);
  return onGrid(`trade ${row.tradeId}`, () => ({
    tradeId: row.tradeId,
    trade: {
      symbol: instrument.symbol,
      venueAtMs: row.ts,
      price: toTicks(row.price, instrument),
      qty: toLots(row.size, instrument),
      takerSide: row.side,
    },
  }));
}

// Answers

const PlacedRow = z.looseObject({ orderId: z.string().min(1), clientOid: OptionalText });

/** The venue's order id, or null when the answer does not name the order that was sent. */
export function parsePlaced(data: unknown, clientOrderId: string): string | null {
  const row = PlacedRow.safeParse(data);
  if (!row.success) return null;
  const named = textOrNull(row.data.clientOid);
  return named === null || named === clientOrderId ? row.data.orderId : null;
}

const BatchCancelled = z.looseObject({
  successList: z.array(z.unknown()).nullish(),
  failureList: z.array(z.unknown()).nullish(),
});

/** How many orders a batch cancel took and left; null when the answer does not say. */
export function parseBatchCancelled(data: unknown): { cancelled: number; left: number } | null {
  const row = BatchCancelled.safeParse(data);
  if (!row.success) return null;
  return { cancelled: row.data.successList?.length ?? 0, left: row.data.failureList?.length ?? 0 };
}

export function parseServerTime(data: unknown): number {
  return parseRecord(z.looseObject({ serverTime: Millis }), data, 'server time').serverTime;
}

function requireSymbol(name: string | undefined, instrument: Instrument, what: string): void {
  if (name?.toUpperCase() !== instrument.symbol) {
    throw new VenueMalformed(`${what}: is for ${name ?? 'no symbol'}, expected ${instrument.symbol}`);
  }
}

function textOrNull(text: string | null | undefined): string | null {
  return text === undefined || text === null || text === '' ? null : text;
}
