/** What each account and its key are good for, as its bots found at their start. */
import type { DeskConfig } from '../../config/desk-config.ts';
import type { LoadedConfig } from '../../config/load.ts';
import type { BotConfig } from '../../core/bot/bot-config.ts';
import type { AccountReport } from '../../core/control/protocol.ts';
import { askStatus } from '../ask-status.ts';
import type { Context } from '../context.ts';
import { bad, note, ok, type Finding } from './finding.ts';

export async function accounts({ home }: Context, { desk, bots }: LoadedConfig): Promise<Finding[]> {
  const byAccount = new Map<string, BotConfig[]>();
  for (const config of bots.values()) {
    if (config.mode === 'disabled') continue;
    byAccount.set(config.account, [...(byAccount.get(config.account) ?? []), config]);
  }
  return Promise.all(
    [...byAccount].map(async ([account, users]) => {
      if (users.some(({ mode }) => mode === 'paper_only')) return ok(`${account}: paper account, no key`);
      const reports = await Promise.all(users.map(async ({ bot }) => (await askStatus(home, bot))?.account ?? null));
      const report = reports.find((told) => told !== null) ?? null;
      if (report !== null) return accountFinding(account, report, desk.venue.endpoint);
      const who = users.map(({ bot }) => bot).join(', ');
      return note(`${account}: not known, since ${who} does not run`, `./desk account probe ${account}`);
    }),
  );
}

export function accountFinding(
  account: string,
  { status, keyPrefix, accountKind, positionMode, problems }: AccountReport,
  endpoint: DeskConfig['venue']['endpoint'],
): Finding {
  const known = [`key ${keyPrefix}…`, accountKind, positionMode].filter((part) => part !== null).join(', ');
  const told = `${account}: ${status.replaceAll('_', ' ')} (${known})`;
  const why = problems.map(({ code, message }) => `${message} (${code})`).join('; ');
  switch (status) {
    case 'ok':
      return ok(told);
    case 'paper_only':
      return endpoint === 'live'
        ? bad(`${told}: ${why}`, 'make a key that may trade futures and nothing else, bound to this address')
        : note(`${told}: ${why}`, 'real money would refuse this key');
    case 'disabled':
      return bad(`${told}: ${why}`, `renew the key in DESK_HOME/secrets/${account}.json`);
    case 'error':
      return bad(`${told}: ${why}`, 'the venue said nothing about it: try again later');
  }
}
