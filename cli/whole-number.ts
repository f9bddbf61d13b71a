import { CommandFailure, EXIT } from './exit-codes.ts';

/** The number that an option was given, from 1 to `max`. */
export function wholeNumber(option: string, text: string, max = Number.MAX_SAFE_INTEGER): number {
  const value = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > max)
    throw new CommandFailure(EXIT.usage, `${option}: expected a whole number from 1 to ${max}, was "${text}"`);
  return value;
}
