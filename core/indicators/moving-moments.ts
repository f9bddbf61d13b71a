/**
 * Average and spread of the last n values. Running sums that add what comes and take off what goes lose digits with every
 * step, and lose nearly all where a price is large and its movement small. Nothing is taken off here: the window is the end
 * of the last lap of n values, whose moments from each place on were summed when that lap ended, merged with the lap that
 * runs. What left the window left no trace. One lap costs n small steps at its end: O(1) a value.
 *
 * Merging: Chan, Golub, LeVeque (1979), "Updating formulae and a pairwise algorithm for computing sample variances".
 */
import { invariant } from '../invariant.ts';
import { isMeasure } from './measure.ts';

export interface MovingMoments {
  readonly n: number;
  /** Values taken, counted up to n. */
  count: number;
  /** Where the next value goes: so many values has the lap that runs. */
  slot: number;
  /** Before `slot` the values of this lap; from there on the average of the last lap's values from that place to its end. */
  means: number[];
  /** From `slot` on the squared deviations from that average, summed. */
  squares: number[];
  /** Of the lap that runs. */
  lapMean: number;
  lapSquares: number;
  /** Of the window: average, and squared deviations from it, summed. Both 0 before there are n values. */
  mean: number;
  squaresSum: number;
}

export function createMovingMoments(n: number): MovingMoments {
  invariant(Number.isSafeInteger(n) && n >= 2, 'a spread is of two values at least');
  return {
    n,
    count: 0,
    slot: 0,
    means: new Array<number>(n).fill(0),
    squares: new Array<number>(n).fill(0),
    lapMean: 0,
    lapSquares: 0,
    mean: 0,
    squaresSum: 0,
  };
}

export function updateMovingMoments(moments: MovingMoments, value: number): void {
  invariant(isMeasure(value), 'an indicator takes finite numbers');
  const { n, slot, means, squares } = moments;
  const taken = slot + 1;
  const step = value - moments.lapMean;
  moments.lapMean += step / taken;
  moments.lapSquares += step * (value - moments.lapMean);
  means[slot] = value;
  if (moments.count < n) moments.count += 1;
  if (taken === n) {
    endLap(moments);
    return;
  }
  moments.slot = taken;
  if (moments.count < n) return;
  const apart = moments.lapMean - (means[taken] as number);
  const share = taken / n;
  moments.mean = (means[taken] as number) + apart * share;
  moments.squaresSum = (squares[taken] as number) + moments.lapSquares + apart * apart * share * (n - taken);
}

/** From the last value backwards, each place gets the moments of all values from there on. */
function endLap(moments: MovingMoments): void {
  const { n, means, squares } = moments;
  let mean = 0;
  let sum = 0;
  for (let index = n - 1; index >= 0; index -= 1) {
    const value = means[index] as number;
    const step = value - mean;
    mean += step / (n - index);
    sum += step * (value - mean);
    means[index] = mean;
    squares[index] = sum;
  }
  moments.slot = 0;
  moments.lapMean = 0;
  moments.lapSquares = 0;
  moments.mean = mean;
  moments.squaresSum = sum;
}
