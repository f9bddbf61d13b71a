/**
 * Average true range by Wilder: the average of the first n true ranges, then each new one weighs 1/n. A true range needs the
 * close before it, so the first value stands at index n. Bars that are none throw and change nothing.
 */
import { invariant } from '../invariant.ts';
import type { Bar } from '../market/bars.ts';
import { isMeasure } from './measure.ts';

export interface Atr {
  readonly n: number;
  /** True ranges taken, counted up to n. */
  count: number;
  /** The first bar gave its close and nothing else. */
  hasClose: boolean;
  previousClose: number;
  /** Average of the ranges so far, until there are n. */
  seed: number;
  /** 0 before it is ready. */
  value: number;
}

export function createAtr(n: number): Atr {
  invariant(Number.isSafeInteger(n) && n >= 1, 'an average is of one value at least');
  return { n, count: 0, hasClose: false, previousClose: 0, seed: 0, value: 0 };
}

export function updateAtr(atr: Atr, { high, low, close }: Pick<Bar, 'high' | 'low' | 'close'>): void {
  invariant(isMeasure(high) && isMeasure(low) && isMeasure(close), 'an indicator takes finite numbers');
  invariant(high >= low, 'a bar is not higher at its low');
  const { hasClose, previousClose, n } = atr;
  atr.hasClose = true;
  atr.previousClose = close;
  if (!hasClose) return;
  const range = Math.max(high, previousClose) - Math.min(low, previousClose);
  if (atr.count === n) {
    atr.value += (range - atr.value) / n;
    return;
  }
  atr.count += 1;
  atr.seed += (range - atr.seed) / atr.count;
  if (atr.count === n) atr.value = atr.seed;
}

export function isAtrReady(atr: Atr): boolean {
  return atr.count === atr.n;
}
