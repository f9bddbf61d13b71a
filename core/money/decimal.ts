/** Exact decimal strings, as JSON, payloads, SQL and the venue's wire carry money. */
import { QUOTE_DECIMALS, type QuoteAmount } from './money.ts';

const DECIMAL = /^(-?)(\d{1,24})(?:\.(\d{1,24}))?$/;

/** A text that is no plain decimal, or has more decimals than fit. Names the value and the rule. */
export class DecimalError extends Error {
  override readonly name = 'DecimalError';
}

/** `text` times 10^`decimals`, exact. Throws `DecimalError` for anything but a plain decimal that fits. */
export function parseScaled(text: string, decimals: number): bigint {
  const match = DECIMAL.exec(text);
  if (match === null) throw new DecimalError(`"${text}" is not a plain decimal number`);
  const fraction = (match[3] ?? '').replace(/0+$/, '');
  if (fraction.length > decimals) throw new DecimalError(`"${text}" has more than ${decimals} decimals`);
  const magnitude = BigInt(match[2] + fraction.padEnd(decimals, '0'));
  return match[1] === '-' ? -magnitude : magnitude;
}

/** The shortest plain decimal of `value` times 10^-`decimals`. */
export function formatScaled(value: bigint, decimals: number): string {
  const sign = value < 0n ? '-' : '';
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, '0');
  const point = digits.length - decimals;
  let end = digits.length;
  while (end > point && digits[end - 1] === '0') end -= 1;
  const whole = sign + digits.slice(0, point);
  return end === point ? whole : `${whole}.${digits.slice(point, end)}`;
}

/** USDT text to an exact amount. */
export function parseQuote(text: string): QuoteAmount {
  return parseScaled(text, QUOTE_DECIMALS) as QuoteAmount;
}

/** An exact amount to its USDT text. */
export function formatQuote(amount: QuoteAmount): string {
  return formatScaled(amount, QUOTE_DECIMALS);
}

/** For statistics and screens only: the nearest double, in USDT. */
export function quoteToNumber(amount: QuoteAmount): number {
  return Number(amount) / 1e12;
}
