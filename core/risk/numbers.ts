/** False for NaN, infinities, zero, negatives and anything that is no number: limits fail closed. */
export function isFinitePositive(value: number): boolean {
  return Number.isFinite(value) && value > 0;
}
