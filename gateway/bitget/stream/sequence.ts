/**
 * Sequence numbers of books. Those of coin-margined contracts exceed 2^53 and stand in the JSON as bare numbers, so that
 * parsing rounds them: their digits are then read from the text of the frame.
 */
export type Sequence = number | bigint;

const DIGITS = /^\d{1,30}$/;

/** Null when it is not sent; undefined when it is no sequence number. Equal numbers are of one type: `===` compares them. */
export function readSequence(value: unknown, name: 'seq' | 'pseq', frameText: string): Sequence | null | undefined {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return value < 0 ? undefined : value;
    const digits = new RegExp(`"${name}"\\s*:\\s*(\\d{1,30})\\s*[,}]`).exec(frameText)?.[1];
    return digits === undefined ? undefined : BigInt(digits);
  }
  if (value === undefined || value === null || value === '') return null;
  if (typeof value !== 'string' || !DIGITS.test(value)) return undefined;
  const whole = Number(value);
  return Number.isSafeInteger(whole) ? whole : BigInt(value);
}
