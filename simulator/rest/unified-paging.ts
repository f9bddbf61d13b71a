/** How the unified account's lists are read: by category, symbol and time, newest first, a page at a time by cursor. */
import { refuse } from '../exchange/refusal.ts';
import { parseWireId, PRODUCT_TYPE, wireId } from '../exchange/wire.ts';
import type { Parameters } from './request.ts';

const ROWS_MAX = 100;

export interface Page<Row> {
  readonly list: readonly Row[];
  /** Id of the oldest row shown: the next page begins below it. Null when nothing was shown. */
  readonly cursor: string | null;
}

export interface Paged {
  readonly id: number;
  readonly symbol: string;
}

/** Only USDT futures are listed; other categories exist on the venue and are empty here. */
export function isUsdtFutures(parameters: Parameters, absent = false): boolean {
  const category = parameters.optional('category');
  return category === null ? absent : category.toUpperCase() === PRODUCT_TYPE;
}

/** Throws when the category is none that can be traded here. */
export function requireUsdtFutures(parameters: Parameters): void {
  if (parameters.required('category').toUpperCase() !== PRODUCT_TYPE) throw refuse.badParameter('category');
}

export function pageOf<Row extends Paged, Wire>(
  parameters: Parameters,
  rows: Iterable<Row>,
  atMs: (row: Row) => number,
  toWire: (row: Row) => Wire,
): Page<Wire> {
  if (!isUsdtFutures(parameters, true)) return { list: [], cursor: null };
  const symbol = parameters.optional('symbol')?.toUpperCase() ?? null;
  const fromMs = parameters.whole('startTime', 0);
  const toMs = parameters.whole('endTime', Number.MAX_SAFE_INTEGER);
  const cursor = parameters.optional('cursor');
  const idMax = cursor === null ? Infinity : parseWireId(cursor);
  if (idMax === null) throw refuse.badParameter('cursor');
  const limit = Math.min(ROWS_MAX, Math.max(1, parameters.whole('limit', ROWS_MAX)));
  const page = [...rows]
    .filter((row) => symbol === null || row.symbol === symbol)
    .filter((row) => atMs(row) >= fromMs && atMs(row) <= toMs && row.id < idMax)
    .sort((left, right) => right.id - left.id)
    .slice(0, limit);
  const last = page.at(-1);
  return { list: page.map(toWire), cursor: last === undefined ? null : wireId(last.id) };
}
