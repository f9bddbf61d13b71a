/** Keys of the simulator's accounts: made at the first start, kept in `DESK_HOME/secrets` for their owner alone. */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { accountKeyFile, type DeskHome } from '../config/home.ts';
import { z } from 'zod';
import { describeFaults } from '../core/faults.ts';

export const AccountKeys = z.strictObject({
  apiKey: z.string().min(8),
  secret: z.string().min(16),
  passphrase: z.string().min(8),
});
export type AccountKeys = z.infer<typeof AccountKeys>;

/** Reads the account's key file. Throws when it is missing, malformed, or readable by others. */
export function readAccountKeys(home: DeskHome, account: string): AccountKeys {
  const file = accountKeyFile(home, account);
  if (!existsSync(file))
    throw new Error(`${file}: expected the keys of account ${account} (apiKey, secret, passphrase), was missing`);
  const mode = statSync(file).mode & 0o777;
  if ((mode & 0o077) !== 0) throw new Error(`${file}: expected mode 0600, was 0${mode.toString(8)}: chmod 600 it`);
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new Error(`${file}: expected JSON, was something else`);
  }
  const parsed = AccountKeys.safeParse(raw);
  // The values are secrets: only the names of what is wrong are told.
  if (!parsed.success) throw new Error(`${file}: ${describeFaults(parsed.error, {})}`);
  return parsed.data;
}

/** The account's simulator keys, made when there are none. */
export function ensureSimulatorKeys(home: DeskHome, account: string): AccountKeys {
  mkdirSync(home.secretsDir, { recursive: true, mode: 0o700 });
  chmodSync(home.secretsDir, 0o700);
  const file = accountKeyFile(home, account);
  if (!existsSync(file)) {
    const keys: AccountKeys = {
      apiKey: `sim_${randomBytes(12).toString('hex')}`,
      secret: randomBytes(32).toString('hex'),
      passphrase: randomBytes(12).toString('hex'),
    };
    writeFileSync(file, JSON.stringify(keys), { mode: 0o600, flag: 'wx' });
  }
  return readAccountKeys(home, account);
}
