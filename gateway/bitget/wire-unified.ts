/**
 * Records of the unified account (v3) in, the desk's own types out. Here a row's `side` is the order's own in both
 * position modes, and a fee above zero was paid.
 *
 * Rows of fills and of strategy orders do not tell the position mode: it is passed in.
 */
import { z } from 'zod';
import { closesLeg, type Leg, type PositionMode } from '../../core/accounting/legs.ts';
import { toLots, toTicks, type Instrument } from '../../core/market/instrument.ts';
import { formatQuote } from '../../core/money/decimal.ts';
import type { QtyLots, SignedLots } from '../../core/money/money.ts';
import type {
  VenueBalance,
  VenueFill,
  VenueFundingPayment,
  VenueOrder,
  VenuePosition,
  VenueSettings,
  VenueTriggerOrder,
} from '../venue.ts';
import { VenueMalformed } from '../venue.ts';
import {
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
  SideText,
  textOrNull,
} from './records.ts';
import { feeOfParts, OrderStatusText } from './wire.ts';

const PosSide = z.enum(['long', 'short']);
const HoldMode = z.enum(['one_way_mode', 'hedge_mode']);

// Orders

const OrderRow = z.looseObject({
  orderId: z.string().min(1),
  clientOid: OptionalText,
  symbol: z.string(),
  side: SideText,
  price: OptionalText,
  qty: Decimal,
  cumExecQty: OptionalText,
  orderStatus: OrderStatusText,
  posSide: OptionalText,
  holdMode: OptionalText,
  reduceOnly: OptionalText,
  createdTime: Millis,
  updatedTime: z.union([Millis, z.literal('')]).nullish(),
});

export function parseOrder(raw: unknown, instrument: Instrument): VenueOrder {
  const row = parseRecord(OrderRow, raw, 'order');
  const what = `order ${row.orderId}`;
  requireSymbol(row.symbol, instrument, what);
  const leg = row.holdMode === 'hedge_mode' ? parseRecord(PosSide, row.posSide, `${what}: posSide`) : 'net';
  return onGrid(what, () => ({
    clientOrderId: textOrNull(row.clientOid),
    venueOrderId: row.orderId,
    symbol: instrument.symbol,
    side: row.side,
    leg,
    // A market order has no price; 0 ticks says so.
    price: toTicks(textOrNull(row.price) ?? '0', instrument),
    qty: toLots(row.qty, instrument),
    filled: toLots(textOrNull(row.cumExecQty) ?? '0', instrument),
    status: row.orderStatus,
    reduceOnly: closesLeg(leg, row.side) || row.reduceOnly?.toLowerCase() === 'yes',
    updatedAtMs: typeof row.updatedTime === 'number' ? row.updatedTime : row.createdTime,
  }));
}

// Strategy orders

const StrategyRow = z.looseObject({
  orderId: z.string().min(1),
  clientOid: OptionalText,
  symbol: z.string(),
  qty: OptionalText,
  posSide: PosSide.nullish().or(z.literal('')),
  side: SideText.nullish().or(z.literal('')),
  tpslMode: OptionalText,
  takeProfit: OptionalText,
  stopLoss: OptionalText,
  triggerPrice: OptionalText,
});

/** The family of a strategy order: one that names neither a stop nor a take-profit opens or closes by itself. */
export function strategyFamily(raw: unknown): 'plan' | 'tpsl' {
  const row = parseRecord(StrategyRow, raw, 'strategy order');
  return textOrNull(row.takeProfit) === null && textOrNull(row.stopLoss) === null ? 'plan' : 'tpsl';
}

/**
 * A row with a stop alone is a protective stop, unless it says that it covers a part. Where no mode is told the
 * venue's default holds, which is the full position.
 */
export function parseTriggerOrder(raw: unknown, instrument: Instrument, mode: PositionMode): VenueTriggerOrder {
  const row = parseRecord(StrategyRow, raw, 'strategy order');
  const what = `strategy order ${row.orderId}`;
  requireSymbol(row.symbol, instrument, what);
  const [stop, profit] = [textOrNull(row.stopLoss), textOrNull(row.takeProfit)];
  const family = strategyFamily(raw);
  const isPart = row.tpslMode === 'partial';
  const leg = mode === 'hedge' ? parseRecord(PosSide, row.posSide, `${what}: posSide`) : 'net';
  const closing = row.posSide === 'long' ? 'sell' : row.posSide === 'short' ? 'buy' : null;
  return onGrid(what, () => ({
    clientOrderId: textOrNull(row.clientOid),
    venueOrderId: row.orderId,
    symbol: instrument.symbol,
    family,
    planType: family === 'plan' ? 'trigger' : isPart ? 'tpsl_partial' : 'tpsl_full',
    isProtectiveStop: stop !== null && profit === null && !isPart,
    leg,
    side: row.side === 'buy' || row.side === 'sell' ? row.side : family === 'tpsl' ? closing : null,
    triggerPrice: toTicks(stop ?? profit ?? textOrNull(row.triggerPrice) ?? '0', instrument),
    qty: family === 'tpsl' && !isPart ? (0 as QtyLots) : toLots(textOrNull(row.qty) ?? '0', instrument),
  }));
}

// Fills

const FillRow = z.looseObject({
  execId: z.string().min(1),
  orderId: z.string().min(1),
  clientOid: OptionalText,
  symbol: z.string(),
  side: SideText,
  posSide: OptionalText,
  tradeSide: OptionalText,
  execPrice: Decimal,
  execQty: Decimal,
  tradeScope: z.enum(['maker', 'taker']),
  feeDetail: z.array(z.looseObject({ feeCoin: OptionalText, fee: OptionalText })).min(1),
  createdTime: Millis,
});

/** The leg a fill of a hedged account names; null where its row does not, so that its order has to be asked. */
export function legOfFill(raw: unknown): Leg | null {
  const { posSide, tradeSide, side, execId } = parseRecord(FillRow, raw, 'fill');
  if (posSide === 'long' || posSide === 'short') return posSide;
  const words = textOrNull(tradeSide);
  if (words === null || /single/i.test(words)) return null;
  if (/close/i.test(words)) return side === 'sell' ? 'long' : 'short';
  if (/open/i.test(words)) return side === 'buy' ? 'long' : 'short';
  throw new VenueMalformed(`fill ${execId}: tradeSide ${words} says neither open nor close`);
}

/** `fee` above zero was paid. A fee in another coin is estimated as `feeOfParts` says. */
export function parseFill(raw: unknown, instrument: Instrument, leg: Leg): VenueFill {
  const row = parseRecord(FillRow, raw, 'fill');
  const what = `fill ${row.execId}`;
  requireSymbol(row.symbol, instrument, what);
  return onGrid(what, () => {
    const executed = {
      price: toTicks(row.execPrice, instrument),
      qty: toLots(row.execQty, instrument),
      liquidity: row.tradeScope,
    };
    const parts = row.feeDetail.map(({ feeCoin, fee }) => ({
      coin: feeCoin,
      paid: quoteOf(textOrNull(fee) ?? '0', 'up'),
    }));
    return {
      tradeId: row.execId,
      venueOrderId: row.orderId,
      clientOrderId: textOrNull(row.clientOid),
      symbol: instrument.symbol,
      side: row.side,
      leg,
      ...executed,
      fee: feeOfParts(parts, executed, instrument),
      atMs: row.createdTime,
    };
  });
}

// Positions, balance, settings

const PositionRow = z.looseObject({
  symbol: z.string(),
  holdMode: HoldMode,
  posSide: PosSide,
  total: Decimal,
  avgPrice: OptionalNumber,
  markPrice: OptionalNumber,
  liquidationPrice: OptionalNumber,
  unrealisedPnl: OptionalNumber,
  leverage: OptionalNumber,
  marginMode: OptionalText,
  mmr: OptionalDecimal,
});

/** One row of `instrument`: one leg, which may be flat. */
export function parsePosition(raw: unknown, instrument: Instrument): VenuePosition {
  const what = `position ${instrument.symbol}`;
  const row = parseRecord(PositionRow, raw, what);
  requireSymbol(row.symbol, instrument, what);
  const lots: number = onGrid(what, () => toLots(row.total, instrument));
  return {
    symbol: instrument.symbol,
    leg: row.holdMode === 'hedge_mode' ? row.posSide : 'net',
    qty: (row.posSide === 'long' || lots === 0 ? lots : -lots) as SignedLots,
    entryPrice: lots === 0 ? null : textOrNull(row.avgPrice),
    markPrice: textOrNull(row.markPrice),
    liquidationPrice: nonZeroOrNull(row.liquidationPrice),
    unrealised: textOrNull(row.unrealisedPnl),
    leverage: textOrNull(row.leverage),
    marginMode: marginModeOf(row.marginMode),
    maintenanceRatio: row.mmr,
    // A crossed position has the account's, which its rows do not repeat.
    marginRatio: null,
  };
}

const Assets = z.looseObject({
  mmr: OptionalDecimal,
  effEquity: OptionalDecimal,
  assets: z.array(z.looseObject({ coin: z.string(), equity: Decimal, available: Decimal })),
});

/** The USDT of the account. Other coins count as margin there, at rates of the venue's own; the desk does not lean on them. */
export function parseBalance(data: unknown): VenueBalance {
  const { assets, mmr, effEquity } = parseRecord(Assets, data, 'assets');
  const usdt = assets.find(({ coin }) => coin === 'USDT');
  // The venue lists a coin once it was held.
  return {
    equity: formatQuote(quoteOf(usdt?.equity ?? '0', 'down')),
    available: formatQuote(quoteOf(usdt?.available ?? '0', 'down')),
    marginRatio: marginRatioOf(mmr, effEquity),
  };
}

/** Of amounts: the venue's own `mgnRatio` is 0 in its documented example of an account that has something to maintain. */
function marginRatioOf(maintenance: string | null, equity: string | null): string | null {
  if (maintenance === null || equity === null) return null;
  if (Number(maintenance) === 0) return '0';
  return Number(equity) > 0 ? (Number(maintenance) / Number(equity)).toFixed(12) : '1';
}

const Settings = z.looseObject({
  holdMode: HoldMode,
  symbolConfigList: z
    .array(
      z.looseObject({
        category: z.string(),
        symbol: z.string(),
        marginMode: z.enum(['crossed', 'isolated']),
        leverage: z.union([z.string().regex(/^\d{1,3}(\.\d+)?$/), z.number().positive()]).transform(String),
      }),
    )
    .nullish(),
});

export function parsePositionMode(data: unknown): PositionMode {
  const { holdMode } = parseRecord(z.looseObject({ holdMode: HoldMode }), data, 'account settings');
  return holdMode === 'hedge_mode' ? 'hedge' : 'one_way';
}

export function parseSettings(data: unknown, symbol: string): VenueSettings {
  const settings = parseRecord(Settings, data, 'account settings');
  const row = settings.symbolConfigList?.find(
    (candidate) => candidate.category === 'USDT-FUTURES' && candidate.symbol.toUpperCase() === symbol,
  );
  if (row === undefined) throw new VenueMalformed(`account settings: nothing of ${symbol}`);
  return { positionMode: parsePositionMode(data), marginMode: row.marginMode, leverage: row.leverage };
}

const RecordRow = z.looseObject({
  id: z.string().min(1),
  symbol: z.string().nullish(),
  coin: z.string(),
  type: z.string(),
  amount: Decimal,
  ts: Millis,
});

/** Null for a record that is no settlement of funding in USDT. */
export function parseFundingPayment(raw: unknown): VenueFundingPayment | null {
  const row = parseRecord(RecordRow, raw, 'financial record');
  if (!/SETTLE_FEE_USER_(IN|OUT)$/.test(row.type) || row.coin !== 'USDT') return null;
  const symbol = textOrNull(row.symbol);
  if (symbol === null) throw new VenueMalformed(`financial record ${row.id}: funding of no symbol`);
  const amount = onGrid(`financial record ${row.id}`, () => quoteOf(row.amount, 'down'));
  return { paymentId: row.id, symbol: symbol.toUpperCase(), amount, atMs: row.ts };
}
