/** Wire decimals to whole ticks or lots, exactly: the digits are read as one integer and never become a double's fraction. */

/** One step is `unit` x 10^-`decimals`. */
export interface Grid {
  readonly decimals: number;
  readonly unit: number;
}

const POWERS = Array.from({ length: 13 }, (_, power) => 10 ** power);

/** `stepE12` is a tick or a lot in 1e-12 units. */
export function createGrid(stepE12: bigint): Grid {
  let decimals = 12;
  let unit = stepE12;
  while (decimals > 0 && unit % 10n === 0n) {
    unit /= 10n;
    decimals -= 1;
  }
  return { decimals, unit: Number(unit) };
}

/** Whole steps of `text`; -1 when it is no plain unsigned decimal, lies between two steps, or does not fit. */
export function toSteps(text: unknown, { decimals, unit }: Grid): number {
  if (typeof text !== 'string') return -1;
  const { length } = text;
  let value = 0;
  let point = -1;
  let fraction = 0;
  for (let i = 0; i < length; i += 1) {
    const digit = text.charCodeAt(i) - 48;
    if (digit >= 0 && digit <= 9) {
      if (point !== -1 && fraction === decimals) {
        // Further decimals say nothing only when they are zeros.
        if (digit !== 0) return -1;
        continue;
      }
      value = value * 10 + digit;
      if (value > Number.MAX_SAFE_INTEGER) return -1;
      if (point !== -1) fraction += 1;
    } else if (digit === -2 && point === -1 && i > 0) {
      point = i;
    } else {
      return -1;
    }
  }
  if (length === 0 || point === length - 1) return -1;
  value *= POWERS[decimals - fraction]!;
  if (value > Number.MAX_SAFE_INTEGER) return -1;
  if (unit === 1) return value;
  return value % unit === 0 ? value / unit : -1;
}
