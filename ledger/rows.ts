/** How Postgres spells things, made known: int8 comes as text, timestamptz as a Date. */
import { z } from 'zod';

export const SafeInt = z
  .union([z.string().regex(/^-?\d+$/), z.int()])
  .transform(Number)
  .refine(Number.isSafeInteger, 'expected an integer below 2^53');

export const AtMs = z.date().transform((at) => at.getTime());
