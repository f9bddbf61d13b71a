/**
 * Relative strength by Wilder, 0..100: the share of gains in all movement, both averaged over the first n changes and from
 * then on with weight 1/n. A change needs the value before it, so the first one stands at index n. Where nothing moved at
 * all it is 50, neither strong nor weak: TA-Lib says 0 and others 100 there, and both would speak for a direction.
 * A number that is no measure throws and changes nothing.
 */
import { invariant } from '../invariant.ts';
import { isMeasure } from './measure.ts';

export interface Rsi {
  readonly n: number;
  /** Changes taken, counted up to n. */
  count: number;
  /** The first value is one to compare with and nothing else. */
  hasPrevious: boolean;
  previous: number;
  /** Averages of what was gained and lost. */
  gain: number;
  loss: number;
  /** 0 before it is ready. */
  value: number;
}

export function createRsi(n: number): Rsi {
  invariant(Number.isSafeInteger(n) && n >= 1, 'an average is of one value at least');
  return { n, count: 0, hasPrevious: false, previous: 0, gain: 0, loss: 0, value: 0 };
}

export function updateRsi(rsi: Rsi, value: number): void {
  invariant(isMeasure(value), 'an indicator takes finite numbers');
  const { hasPrevious, previous, n } = rsi;
  rsi.hasPrevious = true;
  rsi.previous = value;
  if (!hasPrevious) return;
  const change = value - previous;
  if (rsi.count < n) rsi.count += 1;
  // While there are fewer than n changes, this is their plain average: the seed.
  rsi.gain += (Math.max(change, 0) - rsi.gain) / rsi.count;
  rsi.loss += (Math.max(-change, 0) - rsi.loss) / rsi.count;
  if (rsi.count < n) return;
  const moved = rsi.gain + rsi.loss;
  rsi.value = moved > 0 ? (100 * rsi.gain) / moved : 50;
}

export function isRsiReady(rsi: Rsi): boolean {
  return rsi.count === rsi.n;
}
