/** The rules of one traded contract, and the conversions between its wire decimals and whole ticks and lots. */
import { z } from 'zod';
import { DecimalError, parseScaled } from '../money/decimal.ts';
import { createGrid, formatSteps, type Grid } from '../money/grid.ts';
import type { PriceTicks, QtyLots, QuoteAmount, SignedLots } from '../money/money.ts';

const PositiveDecimal = z
  .string()
  .regex(/^\d{1,15}(\.\d{1,12})?$/, 'expected a plain decimal')
  .refine((text) => Number(text) > 0, 'expected more than 0');

/** An instrument as a venue states it, in decimal strings. Rates are fractions (0.0002 = 2 bps). */
export const InstrumentSpec = z.strictObject({
  symbol: z.string().regex(/^[A-Z0-9]{2,32}$/),
  tick: PositiveDecimal,
  lot: PositiveDecimal,
  qtyMin: PositiveDecimal,
  notionalMin: PositiveDecimal,
  makerFeeRate: z.string(),
  takerFeeRate: z.string(),
});
export type InstrumentSpec = z.infer<typeof InstrumentSpec>;

export interface Instrument {
  readonly spec: InstrumentSpec;
  readonly symbol: string;
  readonly tickE12: bigint;
  readonly lotE12: bigint;
  readonly priceGrid: Grid;
  readonly qtyGrid: Grid;
  /** Value of one lot at one tick, in 1e-12 USDT. */
  readonly quotePerTickLotE12: bigint;
  /** The same as a plain number of USDT, for statistics only. */
  readonly quotePerTickLot: number;
  readonly qtyMinLots: QtyLots;
  readonly notionalMinE12: QuoteAmount;
  readonly makerFeeE6: bigint;
  readonly takerFeeE6: bigint;
  /** Plain numbers of quote and base units, for conversions of wire decimals. */
  readonly tickSize: number;
  readonly lotSize: number;
}

/** Throws `DecimalError` when the tick times the lot is no whole multiple of 1e-12, so that every amount stays exact. */
export function createInstrument(spec: InstrumentSpec): Instrument {
  const tickE12 = parseScaled(spec.tick, 12);
  const lotE12 = parseScaled(spec.lot, 12);
  const productE24 = tickE12 * lotE12;
  if (productE24 % 1_000_000_000_000n !== 0n) {
    throw new DecimalError(`${spec.symbol}: tick ${spec.tick} times lot ${spec.lot} is no whole multiple of 1e-12`);
  }
  const quotePerTickLotE12 = productE24 / 1_000_000_000_000n;
  const lotSize = Number(spec.lot);
  return {
    spec,
    symbol: spec.symbol,
    tickE12,
    lotE12,
    priceGrid: createGrid(tickE12),
    qtyGrid: createGrid(lotE12),
    quotePerTickLotE12,
    quotePerTickLot: Number(quotePerTickLotE12) / 1e12,
    qtyMinLots: Number((parseScaled(spec.qtyMin, 12) + lotE12 - 1n) / lotE12) as QtyLots,
    notionalMinE12: parseScaled(spec.notionalMin, 12) as QuoteAmount,
    makerFeeE6: parseScaled(spec.makerFeeRate, 6),
    takerFeeE6: parseScaled(spec.takerFeeRate, 6),
    tickSize: Number(spec.tick),
    lotSize,
  };
}

/** How far a wire decimal may lie from a whole tick or lot, in parts of one: double rounding, never a real offset. */
const GRID_TOLERANCE = 1e-4;

function toWhole(value: number, step: number, what: string, symbol: string): number {
  const steps = value / step;
  const whole = Math.round(steps);
  if (!Number.isSafeInteger(whole) || Math.abs(steps - whole) > GRID_TOLERANCE) {
    throw new DecimalError(`${symbol}: ${what} ${value} is not on its grid of ${step}`);
  }
  return whole === 0 ? 0 : whole;
}

/** Wire price to ticks. Throws `DecimalError` when it is not on the grid, not finite or too large. */
export function toTicks(price: string | number, instrument: Instrument): PriceTicks {
  return toWhole(Number(price), instrument.tickSize, 'price', instrument.symbol) as PriceTicks;
}

/** Wire quantity to unsigned lots. Throws `DecimalError` when it is not on the grid, not finite or negative. */
export function toLots(qty: string | number, instrument: Instrument): QtyLots {
  const lots = toWhole(Number(qty), instrument.lotSize, 'quantity', instrument.symbol);
  if (lots < 0) throw new DecimalError(`${instrument.symbol}: quantity ${qty} is negative`);
  return lots as QtyLots;
}

export function formatPrice(price: PriceTicks, instrument: Instrument): string {
  return formatSteps(price, instrument.priceGrid);
}

export function formatQty(qty: QtyLots | SignedLots, instrument: Instrument): string {
  return formatSteps(qty, instrument.qtyGrid);
}
