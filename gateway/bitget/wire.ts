/**
 * Records of the classic account (v2 mix, REST and streams) in, the desk's own types out. Prices are on ticks and sizes
 * on lots or the record is refused with `VenueMalformed`.
 */
import { z } from 'zod';
import type { Leg } from '../../core/accounting/legs.ts';
import { toLots, toTicks, type Instrument } from '../../core/market/instrument.ts';
import { formatQuote } from '../../core/money/decimal.ts';
import { feeOn, notional, type QtyLots, type QuoteAmount, type SignedLots } from '../../core/money/money.ts';
import type {
  VenueBalance,
  VenueFill,
  VenueFunding,
  VenueFundingPayment,
  VenueOrder,
  VenuePosition,
  VenueSettings,
  VenueTicker,
  VenueTriggerOrder,
} from '../venue.ts';
import { VenueMalformed } from '../venue.ts';
import {
  classicDirection,
  Decimal,
  marginModeOf,
  Millis,
  nonZeroOrNull,
  onGrid,
  OptionalDecimal,
  OptionalNumber,
  OptionalText,
  parseRecord,
  quoteOf,
  requireSymbol,
  rowsOf,
  SideText,
  symbolOf,
  textOrNull,
} from './records.ts';
import { parseTickerRow } from './stream/public-rows.ts';

export { findContract, parseFeeRates, parseInstrument, type Contract, type FeeRates } from './contract.ts';
export { parsePage, parseRecord, symbolOf } from './records.ts';

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

/** The words are the same in v2 and v3. */
export const OrderStatusText = z
  .enum(Object.keys(ORDER_STATUS) as (keyof typeof ORDER_STATUS)[])
  .transform((text): VenueOrder['status'] => ORDER_STATUS[text]);

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
  state: OrderStatusText.optional(),
  status: OrderStatusText.optional(),
  side: SideText,
  posMode: OptionalText,
  posSide: OptionalText,
  tradeSide: OptionalText,
  reduceOnly: z.string().nullish(),
  cTime: Millis,
  uTime: z.union([Millis, z.literal('')]).nullish(),
});

export function parseOrder(raw: unknown, instrument: Instrument, source: 'rest' | 'stream'): VenueOrder {
  const row = parseRecord(OrderRow, raw, 'order');
  const what = `order ${row.orderId}`;
  const status = row.status ?? row.state;
  if (status === undefined) throw new VenueMalformed(`${what}: no status`);
  requireSymbol(row.symbol ?? row.instId, instrument, what);
  const { side, leg, closes } = classicDirection(row);
  // On the stream `baseVolume` is the last fill alone.
  const filled = source === 'stream' ? row.accBaseVolume : row.baseVolume;
  return onGrid(what, () => ({
    clientOrderId: textOrNull(row.clientOid),
    venueOrderId: row.orderId,
    symbol: instrument.symbol,
    side,
    leg,
    // A market order has no price; 0 ticks says so.
    price: toTicks(textOrNull(row.price) ?? '0', instrument),
    qty: toLots(row.size, instrument),
    filled: toLots(textOrNull(filled) ?? '0', instrument),
    status,
    reduceOnly: closes || row.reduceOnly?.toLowerCase() === 'yes',
    updatedAtMs: typeof row.uTime === 'number' ? row.uTime : row.cTime,
  }));
}

// Trigger orders

const TriggerRow = z.looseObject({
  planType: z.string().min(1),
  symbol: z.string(),
  orderId: z.string().min(1),
  clientOid: OptionalText,
  size: OptionalText,
  triggerPrice: OptionalText,
  side: SideText.nullish(),
  posMode: OptionalText,
  posSide: OptionalText,
  tradeSide: OptionalText,
});

/** Plan types of the `plan` family; all others belong to a position. */
export const PLAN_TYPES: readonly string[] = ['normal_plan', 'track_plan'];

export function parseTriggerOrder(raw: unknown, instrument: Instrument): VenueTriggerOrder {
  const row = parseRecord(TriggerRow, raw, 'trigger order');
  const what = `trigger order ${row.orderId}`;
  requireSymbol(row.symbol, instrument, what);
  const side = row.side ?? null;
  const direction = side === null ? null : classicDirection({ ...row, side });
  const coversPosition = row.planType.startsWith('pos_');
  return onGrid(what, () => ({
    clientOrderId: textOrNull(row.clientOid),
    venueOrderId: row.orderId,
    symbol: instrument.symbol,
    family: PLAN_TYPES.includes(row.planType) ? 'plan' : 'tpsl',
    planType: row.planType,
    isProtectiveStop: row.planType === 'pos_loss',
    leg: direction?.leg ?? 'net',
    side: direction?.side ?? null,
    triggerPrice: toTicks(textOrNull(row.triggerPrice) ?? '0', instrument),
    qty: coversPosition ? (0 as QtyLots) : toLots(textOrNull(row.size) ?? '0', instrument),
  }));
}

// Fills

const FillRow = z.looseObject({
  tradeId: z.string().min(1),
  orderId: z.string().min(1),
  clientOid: OptionalText,
  symbol: z.string(),
  side: SideText,
  posMode: OptionalText,
  posSide: OptionalText,
  tradeSide: OptionalText,
  price: Decimal,
  baseVolume: Decimal,
  tradeScope: z.enum(['maker', 'taker']),
  feeDetail: z.array(z.looseObject({ feeCoin: OptionalText, totalFee: OptionalText })).min(1),
  cTime: Millis,
});

/** `totalFee` below zero was paid. A fee in another coin is estimated as `feeOfParts` says. */
export function parseFill(raw: unknown, instrument: Instrument): VenueFill {
  const row = parseRecord(FillRow, raw, 'fill');
  const what = `fill ${row.tradeId}`;
  requireSymbol(row.symbol, instrument, what);
  const { side, leg } = classicDirection(row);
  return onGrid(what, () => {
    const executed = {
      price: toTicks(row.price, instrument),
      qty: toLots(row.baseVolume, instrument),
      liquidity: row.tradeScope,
    };
    const parts = row.feeDetail.map(({ feeCoin, totalFee }) => ({
      coin: feeCoin,
      paid: 0n - quoteOf(textOrNull(totalFee) ?? '0', 'down'),
    }));
    return {
      tradeId: row.tradeId,
      venueOrderId: row.orderId,
      clientOrderId: textOrNull(row.clientOid),
      symbol: instrument.symbol,
      side,
      leg,
      ...executed,
      fee: feeOfParts(parts, executed, instrument),
      atMs: row.cTime,
    };
  });
}

/**
 * What a fill cost, in USDT. Parts in USDT are exact. A part in another coin (BGB, where the account pays fees with it)
 * has an amount of that coin and no USDT value in any record of the fill, so the whole fee is then taken to be what the
 * contract's rate asks without the discount, rounded up: never less than what was paid, and a fill is never lost for
 * it. `isFeeEstimated` tells such fills apart.
 */
export function feeOfParts(
  parts: readonly { readonly coin: string | null | undefined; readonly paid: bigint }[],
  { price, qty, liquidity }: Pick<VenueFill, 'price' | 'qty' | 'liquidity'>,
  instrument: Instrument,
): QuoteAmount {
  if (parts.every(({ coin, paid }) => coin === 'USDT' || paid === 0n)) {
    return parts.reduce((sum, { paid }) => sum + paid, 0n) as QuoteAmount;
  }
  const rateE6 = liquidity === 'maker' ? instrument.makerFeeE6 : instrument.takerFeeE6;
  return feeOn(notional(price, qty, instrument), rateE6 > 0n ? rateE6 : 0n, 'up');
}

/** Whether a fill's record (v2 or v3) names a fee in another coin than USDT, so that its USDT amount is an estimate. */
export function isFeeEstimated(raw: unknown): boolean {
  const detail = (raw as { feeDetail?: unknown } | null)?.feeDetail;
  if (!Array.isArray(detail)) return false;
  return detail.some((part: { feeCoin?: unknown; totalFee?: unknown; fee?: unknown } | null) => {
    const amount = part?.totalFee ?? part?.fee;
    return part?.feeCoin !== 'USDT' && Number(amount ?? 0) !== 0;
  });
}

// Positions, balance, settings

const PositionRow = z.looseObject({
  symbol: z.string().optional(),
  instId: z.string().optional(),
  holdSide: z.enum(['long', 'short']),
  posMode: z.enum(['one_way_mode', 'hedge_mode']),
  total: Decimal,
  openPriceAvg: OptionalNumber,
  markPrice: OptionalNumber,
  liquidationPrice: OptionalNumber,
  unrealizedPL: OptionalNumber,
  leverage: OptionalNumber,
  marginMode: OptionalText,
  keepMarginRate: OptionalDecimal,
  /** As REST says it, and the stream. */
  marginRatio: OptionalDecimal,
  marginRate: OptionalDecimal,
});

/** One row of `instrument`: one leg, which may be flat. */
export function parsePosition(raw: unknown, instrument: Instrument): VenuePosition {
  const what = `position ${instrument.symbol}`;
  const row = parseRecord(PositionRow, raw, what);
  requireSymbol(symbolOf(raw), instrument, what);
  const lots: number = onGrid(what, () => toLots(row.total, instrument));
  return {
    symbol: instrument.symbol,
    leg: row.posMode === 'hedge_mode' ? row.holdSide : 'net',
    qty: (row.holdSide === 'long' || lots === 0 ? lots : -lots) as SignedLots,
    entryPrice: lots === 0 ? null : textOrNull(row.openPriceAvg),
    markPrice: textOrNull(row.markPrice),
    liquidationPrice: nonZeroOrNull(row.liquidationPrice),
    unrealised: textOrNull(row.unrealizedPL),
    leverage: textOrNull(row.leverage),
    marginMode: marginModeOf(row.marginMode),
    maintenanceRatio: row.keepMarginRate,
    marginRatio: row.marginRatio ?? row.marginRate,
  };
}

/** What is held of `instrument` among the rows of an account; flat legs are left out. */
export function parsePositions(
  rows: readonly unknown[],
  instrument: Instrument,
  parse: (raw: unknown, instrument: Instrument) => VenuePosition = parsePosition,
): VenuePosition[] {
  const held = rowsOf(rows, instrument.symbol)
    .map((row) => parse(row, instrument))
    .filter(({ qty }) => qty !== 0);
  const legs = new Set<Leg>(held.map(({ leg }) => leg));
  if (legs.size !== held.length || (legs.has('net') && legs.size > 1)) {
    throw new VenueMalformed(`position ${instrument.symbol}: the venue tells the same leg twice`);
  }
  return held;
}

const AccountRow = z.looseObject({
  marginCoin: z.string(),
  accountEquity: Decimal,
  crossedMaxAvailable: Decimal,
  crossedRiskRate: OptionalDecimal,
});

export function parseBalance(data: unknown): VenueBalance {
  const rows = parseRecord(z.array(z.looseObject({ marginCoin: z.string() })), data, 'accounts');
  const row = rows.find((candidate) => candidate.marginCoin.toUpperCase() === 'USDT');
  if (row === undefined) throw new VenueMalformed('accounts: no USDT account');
  const account = parseRecord(AccountRow, row, 'account USDT');
  return {
    equity: formatQuote(quoteOf(account.accountEquity, 'down')),
    available: formatQuote(quoteOf(account.crossedMaxAvailable, 'down')),
    marginRatio: account.crossedRiskRate,
  };
}

const Leverage = z.union([z.string().regex(/^\d{1,3}(\.\d+)?$/), z.number().positive()]).transform(String);
const SettingsRow = z.looseObject({
  crossedMarginLeverage: Leverage,
  isolatedLongLever: Leverage,
  isolatedShortLever: Leverage,
  marginMode: z.enum(['crossed', 'isolated']),
  posMode: z.enum(['one_way_mode', 'hedge_mode']),
});

/** Where the two sides of an isolated symbol differ, the higher leverage is told: it is the one that limits have to hold. */
export function parseSettings(data: unknown): VenueSettings {
  const row = parseRecord(SettingsRow, data, 'account settings');
  const { crossedMarginLeverage, isolatedLongLever: long, isolatedShortLever: short } = row;
  const isolated = Number(long) >= Number(short) ? long : short;
  return {
    positionMode: row.posMode === 'hedge_mode' ? 'hedge' : 'one_way',
    marginMode: row.marginMode,
    leverage: row.marginMode === 'crossed' ? crossedMarginLeverage : isolated,
  };
}

const BillRow = z.looseObject({
  billId: z.string().min(1),
  symbol: z.string(),
  amount: Decimal,
  businessType: z.string(),
  coin: z.string(),
  cTime: Millis,
});

/** Null for a bill that is no settlement of funding in USDT. */
export function parseFundingPayment(raw: unknown): VenueFundingPayment | null {
  const row = parseRecord(BillRow, raw, 'bill');
  if (!row.businessType.includes('settle_fee') || row.coin !== 'USDT') return null;
  const amount = onGrid(`bill ${row.billId}`, () => quoteOf(row.amount, 'down'));
  return { paymentId: row.billId, symbol: row.symbol.toUpperCase(), amount, atMs: row.cTime };
}

// Market data

/** `ticker` of v2 and `tickers` of v3. `atMs` is the time of the answer, for a row that has none. */
export function parseTicker(data: unknown, symbol: string, atMs: number): VenueTicker {
  const rows = parseRecord(z.array(z.looseObject({ symbol: z.string() })), data, 'ticker');
  const found = rows.find((row) => row.symbol === symbol);
  if (found === undefined) throw new VenueMalformed(`ticker: none of ${symbol}`);
  return parseTickerRow(found, atMs, { symbol }).ticker;
}

const FundingRow = z.looseObject({
  symbol: z.string(),
  fundingRate: Decimal,
  fundingRateInterval: OptionalNumber,
  nextUpdate: OptionalText,
});

/** `current-fund-rate`, v2 and v3 alike. `atMs` is the time of the answer: its rows have none. */
export function parseFundingRate(data: unknown, symbol: string, atMs: number): VenueFunding {
  const rows = parseRecord(z.array(z.looseObject({ symbol: z.string() })), data, 'funding rate');
  const found = rows.find((row) => row.symbol.toUpperCase() === symbol);
  if (found === undefined) throw new VenueMalformed(`funding rate: none of ${symbol}`);
  const row = parseRecord(FundingRow, found, `funding rate ${symbol}`);
  return {
    symbol,
    venueAtMs: atMs,
    rate: row.fundingRate,
    intervalHours: positiveOrNull(row.fundingRateInterval),
    nextAtMs: positiveOrNull(row.nextUpdate),
  };
}

function positiveOrNull(text: string | null | undefined): number | null {
  const value = Number(textOrNull(text) ?? '0');
  return Number.isSafeInteger(value) && value > 0 ? value : null;
}

// Answers to calls that change something

const NamedRow = z.looseObject({ orderId: z.string().min(1), clientOid: OptionalText });

/** The venue's order id, or null when the answer does not name the order that was meant. */
export function parsePlaced(data: unknown, clientOrderId: string): string | null {
  const row = NamedRow.safeParse(data);
  if (!row.success) return null;
  const named = textOrNull(row.data.clientOid);
  return named === null || named === clientOrderId ? row.data.orderId : null;
}

const Batch = z.looseObject({
  successList: z.array(z.looseObject({ orderId: OptionalText, clientOid: OptionalText })).nullish(),
  failureList: z.array(z.unknown()).nullish(),
});

/** Whether a batch answer lists `clientOrderId` among what was done. */
export function batchNames(data: unknown, clientOrderId: string): boolean {
  const batch = Batch.safeParse(data);
  return batch.success && (batch.data.successList ?? []).some(({ clientOid }) => clientOid === clientOrderId);
}

export function parseServerTime(data: unknown): number {
  return parseRecord(z.looseObject({ serverTime: Millis }), data, 'server time').serverTime;
}
