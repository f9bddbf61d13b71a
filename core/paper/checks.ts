/** What a paper account refuses, each with its code and the numbers behind it. */
import { closesLeg, type Leg, type PositionMode } from '../accounting/legs.ts';
import { refuseOrder } from '../fill-model/order-check.ts';
import { notional, type PriceTicks, type QtyLots } from '../money/money.ts';
import type { OrderIntent } from '../orders/order-intent.ts';
import { marginOf, type PaperFigures } from './figures.ts';
import type { PaperMarket } from './paper-market.ts';
import type { PaperOrder, PaperStop, PaperSymbol } from './rows.ts';

export type PaperRefusalCode =
  | 'expired'
  | 'client_order_id_invalid'
  | 'number_invalid'
  | 'qty_below_min'
  | 'notional_below_min'
  | 'nothing_to_reduce'
  | 'leg_not_of_mode'
  | 'post_only_would_take'
  | 'balance_too_small'
  | 'market_down'
  | 'order_gone'
  | 'no_position'
  | 'trigger_reached'
  | 'orders_or_positions_open'
  | 'leverage_out_of_range';

export interface PaperNo {
  readonly answer: 'no';
  readonly code: PaperRefusalCode;
  readonly reason: string;
}

export interface PaperStopRequest {
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly leg: Leg;
  /** Protects a long position: it sells. */
  readonly isLong: boolean;
  readonly triggerPrice: PriceTicks;
  readonly triggerSource: 'mark' | 'last';
}

/** What a decision rests on. */
export interface CheckFacts {
  readonly atMs: number;
  readonly positionMode: PositionMode;
  readonly market: PaperMarket;
  readonly row: PaperSymbol;
  /** Null while something is held whose price is not known. */
  readonly figures: () => PaperFigures | null;
}

const CLIENT_ORDER_ID = /^[A-Za-z0-9_-]{1,32}$/;

export function no(code: PaperRefusalCode, reason: string): PaperNo {
  return { answer: 'no', code, reason };
}

/** Null when the order may be created. `replaced` is the order that leaves when this one comes. */
export function refuseIntent(intent: OrderIntent, replaced: PaperOrder | null, facts: CheckFacts): PaperNo | null {
  const { clientOrderId, symbol, side, leg, price, qty, reduceOnly, kind, expiresAtMs } = intent;
  const { atMs, market, row } = facts;
  if (expiresAtMs <= atMs) return no('expired', `at ${expiresAtMs}, now ${atMs}`);
  if (!CLIENT_ORDER_ID.test(clientOrderId)) return no('client_order_id_invalid', JSON.stringify(clientOrderId));
  if (!(Number.isSafeInteger(price) && price > 0)) return no('number_invalid', `price of ${price} ticks`);
  if (!(Number.isSafeInteger(qty) && qty > 0)) return no('number_invalid', `quantity of ${qty} lots`);
  const misfit = refuseLeg(leg, facts);
  if (misfit !== null) return misfit;
  if (leg !== 'net' && closesLeg(leg, side) !== reduceOnly) {
    return no('leg_not_of_mode', `a ${side} that ${reduceOnly ? 'reduces' : 'opens'} the ${leg} leg`);
  }
  if (!market.isLive) return no('market_down', `no live book of ${symbol} to decide fills on`);
  const refusal = refuseOrder({ side, price, qty, reduceOnly }, market.instrument, row.holdings[leg].qty);
  if (refusal !== null) return no(refusal.code, JSON.stringify(refusal, showAmount));
  if (kind === 'post_only' && market.model.crosses({ side, price })) {
    return no('post_only_would_take', `${side} at ${price} ticks`);
  }
  return reduceOnly ? null : refuseMargin(intent, replaced, facts);
}

/** Only what opens a position needs margin. */
function refuseMargin(
  { side, leg, price, qty }: OrderIntent,
  replaced: PaperOrder | null,
  { market, row, figures }: CheckFacts,
): PaperNo | null {
  const known = figures();
  if (known === null) return no('market_down', 'a position has no price');
  const leverage = BigInt(row.leverage);
  const held = row.holdings[leg].qty;
  const closing = leg === 'net' && held > 0 === (side === 'sell') ? Math.min(Math.abs(held), qty) : 0;
  const needed = notional(price, (qty - closing) as QtyLots, market.instrument) / leverage;
  const free = known.available + (replaced === null ? 0n : marginOf(replaced, market.instrument, leverage));
  return needed <= free ? null : no('balance_too_small', `${needed} needed, ${free} free, in 1e-12 USDT`);
}

/** Null when the stop may wait. */
export function refuseStop(request: PaperStopRequest, facts: CheckFacts): PaperNo | null {
  const { clientOrderId, symbol, leg, isLong, triggerPrice, triggerSource } = request;
  if (!CLIENT_ORDER_ID.test(clientOrderId)) return no('client_order_id_invalid', JSON.stringify(clientOrderId));
  if (!(Number.isSafeInteger(triggerPrice) && triggerPrice > 0)) {
    return no('number_invalid', `trigger of ${triggerPrice} ticks`);
  }
  const misfit = refuseLeg(leg, facts);
  if (misfit !== null) return misfit;
  const held = facts.row.holdings[leg].qty;
  if (isLong ? held <= 0 : held >= 0) return no('no_position', `${leg} leg of ${symbol} holds ${held} lots`);
  if (isReached({ side: isLong ? 'sell' : 'buy', triggerPrice, triggerSource }, facts.market)) {
    return no('trigger_reached', `${triggerSource} price is beyond ${triggerPrice} ticks already`);
  }
  return null;
}

function refuseLeg(leg: Leg, { positionMode }: CheckFacts): PaperNo | null {
  if ((leg === 'net') === (positionMode === 'one_way')) return null;
  return no('leg_not_of_mode', `leg ${leg} in ${positionMode} mode`);
}

/** False while the price that it waits for is not known. */
export function isReached(
  { side, triggerPrice, triggerSource }: Pick<PaperStop, 'side' | 'triggerPrice' | 'triggerSource'>,
  market: PaperMarket,
): boolean {
  const priceE12 = triggerSource === 'mark' ? market.markE12() : market.newestTradeE12();
  if (priceE12 === null) return false;
  const triggerE12 = BigInt(triggerPrice) * market.instrument.tickE12;
  return side === 'sell' ? priceE12 <= triggerE12 : priceE12 >= triggerE12;
}

function showAmount(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}e-12` : value;
}
