/** Keys of the simulator's accounts: made at the first start, kept in `DESK_HOME/secrets` for their owner alone. */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { readAccountKeys, type AccountKeys } from '../config/account-keys.ts';
import { accountKeyFile, type DeskHome } from '../config/home.ts';

/** Tells simulator keys from a venue's: positions and journals of one never belong to the other. */
const SIMULATOR_KEY_PREFIX = 'sim_';

/** The keys of every account that trades, checked together: throws with each fault and what to do about it. */
export function checkAccountKeys(home: DeskHome, accounts: Iterable<string>, usesSimulator: boolean): void {
  const faults: string[] = [];
  for (const account of accounts) {
    try {
      if (usesSimulator) ensureSimulatorKeys(home, account);
      else if (readAccountKeys(home, account).apiKey.startsWith(SIMULATOR_KEY_PREFIX)) {
        faults.push(`${accountKeyFile(home, account)}: expected keys of the venue, was keys of the simulator`);
      }
    } catch (error) {
      faults.push((error as Error).message);
    }
  }
  if (faults.length === 0) return;
  const remedy = usesSimulator
    ? 'These are keys of the exchange simulator: a file that you remove is made anew at the next start.'
    : 'Write each file with the keys that the venue gave you, readable by you alone (chmod 600).';
  throw new Error([...faults, remedy].join('\n'));
}

/** The account's simulator keys, made when there are none. */
export function ensureSimulatorKeys(home: DeskHome, account: string): AccountKeys {
  mkdirSync(home.secretsDir, { recursive: true, mode: 0o700 });
  chmodSync(home.secretsDir, 0o700);
  const file = accountKeyFile(home, account);
  if (!existsSync(file)) {
    const keys: AccountKeys = {
      apiKey: `${SIMULATOR_KEY_PREFIX}${randomBytes(12).toString('hex')}`,
      secret: randomBytes(32).toString('hex'),
      passphrase: randomBytes(12).toString('hex'),
    };
    writeFileSync(file, JSON.stringify(keys), { mode: 0o600, flag: 'wx' });
  }
  return readAccountKeys(home, account);
}
