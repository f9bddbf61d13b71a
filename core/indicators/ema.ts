/**
 * Exponential moving average as TA-Lib has it: weight 2/(n+1), seeded with the plain average of the first n values, so the
 * first value stands at index n-1. A number that is no measure is a bug of the caller: it throws and changes nothing.
 */
import { invariant } from '../invariant.ts';
import { isMeasure } from './measure.ts';

export interface Ema {
  readonly n: number;
  /** Values taken, counted up to n. */
  count: number;
  /** Average of the values so far, until there are n. */
  seed: number;
  /** 0 before it is ready. */
  value: number;
}

export function createEma(n: number): Ema {
  invariant(Number.isSafeInteger(n) && n >= 1, 'an average is of one value at least');
  return { n, count: 0, seed: 0, value: 0 };
}

export function updateEma(ema: Ema, value: number): void {
  invariant(isMeasure(value), 'an indicator takes finite numbers');
  if (ema.count === ema.n) {
    ema.value += (value - ema.value) * (2 / (ema.n + 1));
    return;
  }
  ema.count += 1;
  ema.seed += (value - ema.seed) / ema.count;
  if (ema.count === ema.n) ema.value = ema.seed;
}

export function isEmaReady(ema: Ema): boolean {
  return ema.count === ema.n;
}
