/** Keys of one account at its venue, as `DESK_HOME/secrets/<account>.json` holds them for their owner alone. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { accountKeyFile, type DeskHome } from './home.ts';

export const AccountKeys = z.strictObject({
  apiKey: z.string().min(8),
  secret: z.string().min(16),
  passphrase: z.string().min(8),
});
export type AccountKeys = z.infer<typeof AccountKeys>;

const SHAPE = '{"apiKey": "...", "secret": "...", "passphrase": "..."}';

/** Reads the account's key file. Throws when it is missing, malformed, or readable by others. */
export function readAccountKeys(home: DeskHome, account: string): AccountKeys {
  const file = accountKeyFile(home, account);
  if (!existsSync(file)) throw new Error(`${file}: expected the keys of account ${account}, ${SHAPE}, was missing`);
  const mode = statSync(file).mode & 0o777;
  if ((mode & 0o077) !== 0)
    throw new Error(
      `${file}: expected mode 0600, was 0${mode.toString(8)}: others may have read it. chmod 600 ${file}`,
    );
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new Error(`${file}: expected JSON, ${SHAPE}, was something else`);
  }
  const parsed = AccountKeys.safeParse(raw);
  if (parsed.success) return parsed.data;
  // The values are secrets: only the names of what is wrong are told.
  const names = parsed.error.issues.map(({ path, code, message }) =>
    code === 'unrecognized_keys' ? 'a key that is none of these' : `${path.join('.') || '(whole)'} (${message})`,
  );
  throw new Error(`${file}: expected ${SHAPE}; wrong: ${names.join(', ')}`);
}
