/** Names that people type and that end up in ids, file names and labels. */
import { z } from 'zod';

const NAME_RULE = '1 to 32 of a-z, 0-9 and -';
const name = (what: string) => z.string().regex(/^[a-z0-9-]{1,32}$/, `expected ${what} of ${NAME_RULE}`);

export const BotName = name('a bot name');
export type BotName = z.infer<typeof BotName>;
export const AccountName = name('an account name');
export type AccountName = z.infer<typeof AccountName>;
export const HostName = name('a host name');
export type HostName = z.infer<typeof HostName>;

/** An amount of money as people write it in files: decimal USDT. */
export const QuoteText = z
  .string()
  .regex(/^\d{1,12}(\.\d{1,12})?$/, 'expected a plain decimal amount of USDT in quotes, such as "250"')
  .refine((text) => Number(text) > 0, 'expected more than 0');
