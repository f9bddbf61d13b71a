/** Who did something, and why: what every message of a person carries. */
import { z } from 'zod';
import { parseInput } from './parse-input.ts';

export const REASON_LENGTH_MAX = 500;

export const Attribution = z.strictObject({
  operator: z.string().min(1).max(64),
  reason: z.string().min(1).max(REASON_LENGTH_MAX),
});
export type Attribution = z.infer<typeof Attribution>;

/** Refuses a message that does not say who and why. */
export function attributed(message: unknown): void {
  parseInput(Attribution, message);
}
