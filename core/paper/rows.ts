/** What a paper account remembers. Prices are ticks, quantities lots, amounts 1e-12 USDT. */
import type { Holdings } from '../accounting/holdings.ts';
import type { Leg, MarginMode, PositionMode } from '../accounting/legs.ts';
import type { Liquidity } from '../fill-model/fill-model.ts';
import type { InstrumentSpec } from '../market/instrument.ts';
import { formatQuote, parseQuote } from '../money/decimal.ts';
import type { PriceTicks, QtyLots, QuoteAmount } from '../money/money.ts';
import type { Side } from '../orders/order-intent.ts';

export interface PaperOrder {
  readonly id: number;
  /** Null for the order that a stop sent. */
  readonly clientOrderId: string | null;
  readonly symbol: string;
  readonly side: Side;
  readonly leg: Leg;
  /** Limit price; the trigger price for the order that a stop sent, which takes any price. */
  readonly price: PriceTicks;
  readonly qty: QtyLots;
  readonly kind: 'post_only' | 'limit' | 'stop';
  readonly reduceOnly: boolean;
  /** It took what the book showed when it arrived: all of it pays as a taker, the rest that waits at its limit too. */
  crossedAtCreation: boolean;
  filled: QtyLots;
  status: 'open' | 'filled' | 'cancelled';
  updatedAtMs: number;
}

export interface PaperFill {
  readonly id: number;
  readonly orderId: number;
  readonly clientOrderId: string | null;
  readonly symbol: string;
  readonly side: Side;
  readonly leg: Leg;
  readonly price: PriceTicks;
  readonly qty: QtyLots;
  readonly fee: QuoteAmount;
  readonly liquidity: Liquidity;
  /** Of its order. */
  readonly crossedAtCreation: boolean;
  readonly atMs: number;
}

export interface PaperStop {
  readonly id: number;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly leg: Leg;
  /** Side of the order that it sends: `sell` protects a long position. */
  readonly side: Side;
  readonly triggerPrice: PriceTicks;
  readonly triggerSource: 'mark' | 'last';
  /** `gone`: the position that it protected was closed otherwise. */
  status: 'waiting' | 'triggered' | 'cancelled' | 'gone';
}

export interface PaperPayment {
  /** Symbol, settlement and leg: booking it twice is booking it once. */
  readonly id: string;
  readonly symbol: string;
  /** Positive was received, negative was paid. */
  readonly amount: QuoteAmount;
  readonly atMs: number;
}

/** The next settlement as the market announced it last. */
export interface FundingDue {
  readonly rate: string;
  readonly atMs: number;
}

export interface PaperSymbol {
  readonly spec: InstrumentSpec;
  readonly holdings: Holdings;
  leverage: number;
  marginMode: MarginMode;
  fundingDue: FundingDue | null;
  /** Newest settlement that was booked, 0 before the first. */
  fundedAtMs: number;
}

export interface PaperAccount {
  /** Opening balance, realised results, fees and funding; not the unrealised. */
  cash: QuoteAmount;
  positionMode: PositionMode;
}

/** One durable step: whole rows replace older rows of the same id, so that applying it twice changes nothing. */
export interface PaperChange {
  readonly nextId: number;
  readonly account: PaperAccount;
  readonly symbols: readonly PaperSymbol[];
  readonly orders: readonly PaperOrder[];
  readonly stops: readonly PaperStop[];
  readonly fills: readonly PaperFill[];
  readonly payments: readonly PaperPayment[];
}

const AMOUNTS = new Set(['cash', 'cost', 'realised', 'fees', 'fee', 'amount']);

/** One line of JSON; amounts are decimal strings. */
export function encodeChange(change: PaperChange): string {
  return JSON.stringify(change, (_key, field: unknown) =>
    typeof field === 'bigint' ? formatQuote(field as QuoteAmount) : field,
  );
}

/** The opposite of `encodeChange`; who stores the text also guards it against damage. */
export function decodeChange(text: string): PaperChange {
  const change = JSON.parse(text, (key, field: unknown) =>
    AMOUNTS.has(key) && typeof field === 'string' ? parseQuote(field) : field,
  ) as PaperChange;
  return { ...change, orders: change.orders.map(upgradeOrder), fills: change.fills.map(upgradeFill) };
}

/** As written before orders kept what decided their fees: the decision then stood in `liquidity`. */
type Written<Row> = Omit<Row, 'crossedAtCreation'> & { readonly crossedAtCreation?: boolean };

function upgradeOrder({ liquidity, ...order }: Written<PaperOrder> & { readonly liquidity?: Liquidity }): PaperOrder {
  return { ...order, crossedAtCreation: order.crossedAtCreation ?? liquidity === 'taker' };
}

function upgradeFill(fill: Written<PaperFill>): PaperFill {
  return { ...fill, crossedAtCreation: fill.crossedAtCreation ?? fill.liquidity === 'taker' };
}
