/**
 * How Bitget writes things down, whatever the endpoint: decimals as strings, "no value" in three ways, times in
 * milliseconds. Everything arrives as `unknown`; a record that breaks its schema, or whose price is on no tick, throws
 * `VenueMalformed` naming the record and the rule.
 */
import { z } from 'zod';
import type { Leg, MarginMode } from '../../core/accounting/legs.ts';
import type { Instrument } from '../../core/market/instrument.ts';
import { DecimalError, parseScaled } from '../../core/money/decimal.ts';
import { QUOTE_DECIMALS, type QuoteAmount } from '../../core/money/money.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import { VenueMalformed } from '../venue.ts';

export const Decimal = z.string().regex(/^-?\d{1,24}(\.\d{1,24})?$/, 'expected a plain decimal');
/** Bitget writes "no value" as an empty string, null, or not at all. */
export const OptionalText = z.string().nullish();
/** A decimal that some endpoints send as a number. */
export const OptionalNumber = z
  .union([z.string(), z.number()])
  .nullish()
  .transform((value) => (typeof value === 'number' ? String(value) : value));
/** A decimal, or none. */
export const OptionalDecimal = z
  .union([Decimal, z.literal('')])
  .nullish()
  .transform((text) => (text === undefined || text === '' ? null : text));
export const Millis = z
  .union([z.string().regex(/^\d{10,14}$/), z.int().positive()], 'expected milliseconds since the epoch')
  .transform(Number);
export const SideText = z.enum(['buy', 'sell']);

const DECIMALS_TOLD = 24;
const TOLD_PER_KEPT = 10n ** BigInt(DECIMALS_TOLD - QUOTE_DECIMALS);

/** Parses `raw` as `what`, or throws `VenueMalformed`. */
export function parseRecord<S extends z.ZodType>(schema: S, raw: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw new VenueMalformed(`${what}: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}`);
}

/** Runs `convert`, whose decimals may lie on no grid. */
export function onGrid<T>(what: string, convert: () => T): T {
  try {
    return convert();
  } catch (error) {
    if (error instanceof DecimalError) throw new VenueMalformed(`${what}: ${error.message}`);
    throw error;
  }
}

/** USDT, of which the venue writes up to 16 decimals and the desk keeps 12. What is ours rounds 'down', what we pay 'up'. */
export function quoteOf(text: string, rounding: 'down' | 'up'): QuoteAmount {
  const told = parseScaled(text, DECIMALS_TOLD);
  const amount = rounding === 'down' ? told : -told;
  const kept = amount / TOLD_PER_KEPT - (amount % TOLD_PER_KEPT < 0n ? 1n : 0n);
  return (rounding === 'down' ? kept : -kept) as QuoteAmount;
}

export function textOrNull(text: string | null | undefined): string | null {
  return text === undefined || text === null || text === '' ? null : text;
}

/** A price or amount of which the venue writes 0 when there is none. */
export function nonZeroOrNull(text: string | null | undefined): string | null {
  const present = textOrNull(text);
  return present === null || Number(present) === 0 ? null : present;
}

/** The instrument a row speaks of, in upper case: REST says `symbol`, streams say `instId`. */
export function symbolOf(raw: unknown): string | undefined {
  const row = raw as { symbol?: unknown; instId?: unknown } | null | undefined;
  const name = row?.instId ?? row?.symbol;
  return typeof name === 'string' ? name.toUpperCase() : undefined;
}

export function requireSymbol(name: string | undefined, instrument: Instrument, what: string): void {
  if (name?.toUpperCase() !== instrument.symbol) {
    throw new VenueMalformed(`${what}: is for ${name ?? 'no symbol'}, expected ${instrument.symbol}`);
  }
}

/** The instrument a row of the account speaks of. */
export function requireName(row: unknown): string {
  const name = symbolOf(row);
  if (name === undefined) throw new VenueMalformed('a row of the account names no symbol');
  return name;
}

/** Rows of `symbol` out of a list of the whole account; null is all of them. */
export function rowsOf(rows: readonly unknown[], symbol: string | null): unknown[] {
  return rows.filter((row) => requireName(row) === symbol || symbol === null);
}

/** Rows of a list that was asked for by symbol: another one in it breaks the venue's own word. */
export function requireRowsOf(rows: readonly unknown[], symbol: string | null): readonly unknown[] {
  for (const row of rows) {
    const name = requireName(row);
    if (symbol !== null && name !== symbol) {
      throw new VenueMalformed(`a row is for ${name}, expected ${symbol}`);
    }
  }
  return rows;
}

export function marginModeOf(text: string | null | undefined): MarginMode | null {
  if (text === 'crossed' || text === 'cross') return 'crossed';
  return text === 'isolated' || text === 'fixed' ? 'isolated' : null;
}

/** One page of a list that Bitget sends as null when it is empty. An answer without the list says nothing of its length. */
export interface Page {
  readonly rows: readonly unknown[];
  /** Names the place where the next page begins; null when there is none. */
  readonly next: string | null;
}

export function parsePage(data: unknown, list: string, next: 'endId' | 'cursor'): Page {
  const Shape = z.looseObject({ [list]: z.array(z.unknown()).nullable(), [next]: z.string().nullish() });
  const page = parseRecord(Shape, data, list) as Record<string, unknown>;
  return { rows: (page[list] as unknown[] | null) ?? [], next: textOrNull(page[next] as string | null) };
}

export interface Direction {
  readonly side: Side;
  readonly leg: Leg;
  /** Whether the order makes its leg smaller; in one-way mode only the order's own flag says so. */
  readonly closes: boolean;
}

export interface ClassicDirection {
  readonly side: Side;
  readonly posMode?: string | null | undefined;
  readonly posSide?: string | null | undefined;
  readonly tradeSide?: string | null | undefined;
}

/**
 * Side and leg of a v2 row. In hedge mode its `side` names the position and not the order: closing a long is told as
 * `buy` with a `tradeSide` that says close, in words that differ with the cause (`close`, `reduce_close_long`,
 * `burst_close_long`).
 */
export function classicDirection({ side, posMode, posSide, tradeSide }: ClassicDirection): Direction {
  const closes = /close/i.test(tradeSide ?? '');
  const isHedge =
    posMode === 'hedge_mode' || (textOrNull(posMode) === null && (posSide === 'long' || posSide === 'short'));
  if (!isHedge) return { side, leg: 'net', closes: false };
  const leg = posSide === 'long' || posSide === 'short' ? posSide : side === 'buy' ? 'long' : 'short';
  return { side: (leg === 'long') === closes ? 'sell' : 'buy', leg, closes };
}
