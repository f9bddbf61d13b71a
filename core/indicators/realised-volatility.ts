/**
 * Realised volatility: the deviation of the last n logarithmic returns, for one bar and not annualised. It is the sample's,
 * divided by n-1: n returns are a sample of what the market does, while Bollinger's bands describe the window itself. A
 * return needs the close before it, so the first value stands at index n. A number that is no price throws and changes
 * nothing.
 */
import { invariant } from '../invariant.ts';
import { isPositiveMeasure } from './measure.ts';
import { createMovingMoments, updateMovingMoments, type MovingMoments } from './moving-moments.ts';

export interface RealisedVolatility {
  /** Returns in the window. */
  readonly n: number;
  /** 0 before the first. */
  previousClose: number;
  readonly moments: MovingMoments;
  /** A fraction of the price, for one bar; 0 before it is ready. */
  value: number;
}

export function createRealisedVolatility(n: number): RealisedVolatility {
  return { n, previousClose: 0, moments: createMovingMoments(n), value: 0 };
}

export function updateRealisedVolatility(volatility: RealisedVolatility, close: number): void {
  invariant(isPositiveMeasure(close), 'a return is between prices');
  const { n, previousClose, moments } = volatility;
  volatility.previousClose = close;
  if (previousClose === 0) return;
  updateMovingMoments(moments, Math.log(close / previousClose));
  if (moments.count === n) volatility.value = Math.sqrt(moments.squaresSum / (n - 1));
}

export function isRealisedVolatilityReady(volatility: RealisedVolatility): boolean {
  return volatility.moments.count === volatility.n;
}
