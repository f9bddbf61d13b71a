/** What an indicator takes: numbers whose squares, sums and ratios stay finite, so that none of them ever turns into NaN. */
const LIMIT = Number.MAX_SAFE_INTEGER;

/** False for NaN and infinities. A price in ticks is a safe integer or lies between two. */
export function isMeasure(value: number): boolean {
  return value <= LIMIT && value >= -LIMIT;
}

/** A measure that can be divided by. */
export function isPositiveMeasure(value: number): boolean {
  return value <= LIMIT && value >= 1 / LIMIT;
}
