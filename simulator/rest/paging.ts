/** How v2's lists are read: by symbol, time range and the id to go on below, newest first, at most 100 rows. */
import { refuse } from '../exchange/refusal.ts';
import { parseWireId } from '../exchange/wire.ts';
import type { Parameters } from './request.ts';

const ROWS_MAX = 100;

export interface Listed {
  readonly id: number;
  readonly symbol: string;
}

export function selectPage<Row extends Listed>(
  parameters: Parameters,
  rows: Iterable<Row>,
  atMs: (row: Row) => number,
): Row[] {
  if (!parameters.isUsdtFutures) return [];
  const symbol = parameters.optional('symbol')?.toUpperCase() ?? null;
  const fromMs = parameters.whole('startTime', 0);
  const toMs = parameters.whole('endTime', Number.MAX_SAFE_INTEGER);
  const below = parameters.optional('idLessThan');
  const idMax = below === null ? Infinity : parseWireId(below);
  if (idMax === null) throw refuse.badParameter('idLessThan');
  const limit = Math.min(ROWS_MAX, Math.max(1, parameters.whole('limit', ROWS_MAX)));
  return [...rows]
    .filter((row) => symbol === null || row.symbol === symbol)
    .filter((row) => atMs(row) >= fromMs && atMs(row) <= toMs && row.id < idMax)
    .sort((left, right) => right.id - left.id)
    .slice(0, limit);
}
