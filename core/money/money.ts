/**
 * Money is exact. A price is a whole number of ticks, a quantity a whole number of lots (branded safe integers, fast on
 * the tick path); an amount of money is a bigint at 1e-12, because venues report fees with 12 decimals.
 */
import { invariant } from '../invariant.ts';

declare const unit: unique symbol;
type Whole<U extends string> = number & { readonly [unit]: U };

/** Price in ticks of its instrument. */
export type PriceTicks = Whole<'ticks'>;
/** Quantity in lots of its instrument, unsigned: the side carries the sign. */
export type QtyLots = Whole<'lots'>;
/** Position in lots of its instrument, signed: long is positive. */
export type SignedLots = Whole<'signed lots'>;
/** USDT, in 1e-12 units. */
export type QuoteAmount = bigint & { readonly [unit]: 'quote e-12' };

export const QUOTE_DECIMALS = 12;
export const ZERO_QUOTE = 0n as QuoteAmount;

/** What converts ticks and lots into money; every `Instrument` has it. */
export interface TickLotValue {
  /** Value of one lot at one tick, in 1e-12 USDT. */
  readonly quotePerTickLotE12: bigint;
}

/** Exact value of `qty` at `price`. */
export function notional(price: PriceTicks, qty: QtyLots, { quotePerTickLotE12 }: TickLotValue): QuoteAmount {
  const tickLots = price * qty;
  invariant(
    Number.isSafeInteger(tickLots) && price > 0 && qty >= 0,
    'notional takes a positive price and an unsigned quantity',
  );
  return (BigInt(tickLots) * quotePerTickLotE12) as QuoteAmount;
}

/** Fee on `amount` at `rateE6` millionths. Costs round 'up' and credits 'down', so an error costs the desk room, never money. */
export function feeOn(amount: QuoteAmount, rateE6: bigint, rounding: 'up' | 'down'): QuoteAmount {
  const exact = amount * rateE6;
  return (rounding === 'up' ? (exact + 999_999n) / 1_000_000n : exact / 1_000_000n) as QuoteAmount;
}

export function addQuote(a: QuoteAmount, b: QuoteAmount): QuoteAmount {
  return (a + b) as QuoteAmount;
}

export function subtractQuote(a: QuoteAmount, b: QuoteAmount): QuoteAmount {
  return (a - b) as QuoteAmount;
}
