/**
 * Bollinger's bands: the average of the last n values, and so many deviations above and below it. The deviation is the
 * population's, divided by n, as Bollinger, TA-Lib and Skender have it. First value at index n-1. A number that is no
 * measure throws and changes nothing.
 */
import { invariant } from '../invariant.ts';
import { createMovingMoments, updateMovingMoments, type MovingMoments } from './moving-moments.ts';

export interface Bollinger {
  readonly n: number;
  /** Deviations between the middle and a band. */
  readonly width: number;
  readonly moments: MovingMoments;
  /** All 0 before it is ready. */
  middle: number;
  deviation: number;
  upper: number;
  lower: number;
}

export function createBollinger(n: number, width: number): Bollinger {
  invariant(Number.isFinite(width) && width > 0, 'bands have a width');
  return { n, width, moments: createMovingMoments(n), middle: 0, deviation: 0, upper: 0, lower: 0 };
}

export function updateBollinger(bollinger: Bollinger, value: number): void {
  const { n, width, moments } = bollinger;
  updateMovingMoments(moments, value);
  if (moments.count < n) return;
  bollinger.middle = moments.mean;
  bollinger.deviation = Math.sqrt(moments.squaresSum / n);
  bollinger.upper = bollinger.middle + width * bollinger.deviation;
  bollinger.lower = bollinger.middle - width * bollinger.deviation;
}

export function isBollingerReady(bollinger: Bollinger): boolean {
  return bollinger.moments.count === bollinger.n;
}

/** Where a value stands: -1 on the lower band, 1 on the upper one; 0 where the bands have no width or there are none yet. */
export function bollingerPosition({ middle, width, deviation }: Bollinger, value: number): number {
  return deviation > 0 ? (value - middle) / (width * deviation) : 0;
}
