/**
 * Prices and quantities lie on grids: whole ticks, whole lots. A decimal becomes steps without becoming a double's fraction
 * on the way, and steps become the exact decimal again.
 */
import { formatScaled } from './decimal.ts';

/** One step is `unit` x 10^-`decimals`. */
export interface Grid {
  readonly stepE12: bigint;
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
  return { stepE12, decimals, unit: Number(unit) };
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

/** Smaller decimals are written with an exponent. */
const PLAIN_DECIMALS = 6;
/** Decimals of 15 digits are doubles of their own, and the text of a double is the shortest that stands for it. */
const EXACT_UNITS = 1e15;

/** The shortest plain decimal of so many whole steps. Throws `RangeError` for a part of one. */
export function formatSteps(steps: number, { stepE12, decimals, unit }: Grid): string {
  const units = steps * unit;
  const isExact = Number.isInteger(steps) && Math.abs(units) < EXACT_UNITS && decimals <= PLAIN_DECIMALS;
  return isExact ? String(units / POWERS[decimals]!) : formatScaled(BigInt(steps) * stepE12, 12);
}
