/** What the account is good for, asked at each start before anything trades on it. */
import type { AccountKeys } from '../config/account-keys.ts';
import type { BotConfig } from '../core/bot/bot-config.ts';
import type { AccountReport } from '../core/control/protocol.ts';
import type { Log } from '../core/log.ts';
import { probeAccount, type ProbeOptions } from '../gateway/bitget/account-probe.ts';
import { VenueUnavailable } from '../gateway/venue.ts';
import { OptionsWrong } from './options.ts';
import { isNoSuchContract, noSuchContract } from './preflight.ts';

/**
 * Throws `OptionsWrong` or `ConfigError` when a person has to put something right, `VenueUnavailable` when nothing can be
 * said now.
 */
export async function requireAccount(
  config: BotConfig,
  options: Omit<ProbeOptions, 'keys' | 'symbol'> & { readonly keys: AccountKeys; readonly log: Log },
): Promise<AccountReport> {
  const { account, symbol } = config;
  const { log, endpoint } = options;
  const probe = await probeAccount({ ...options, symbol });
  const { status, keyPrefix, accountKind, positionMode, problems } = probe;
  const report: AccountReport = { status, keyPrefix, accountKind, positionMode, problems: [...problems] };
  if (status === 'ok') log.info('account probed', { account, ...probe });
  else log.warn('account probed', { account, ...probe });
  const decision = judgeStart(report, endpoint.kind === 'live');
  if (decision === 'start') return report;
  if (problems.some(({ code }) => isNoSuchContract(code))) throw noSuchContract(config);
  const why = problems.map(({ code, message }) => `  ${code}: ${message}`);
  const words = [`account ${account} (key ${keyPrefix}…): ${status}`, ...why].join('\n');
  throw decision === 'retry' ? new VenueUnavailable(words) : new OptionsWrong(words);
}

/**
 * Real money asks for a key that is known to do nothing but trade. Elsewhere a key that works will do, also while the venue
 * does not say what else it may do: that question is answered once a second, and a bot must not wait for it.
 */
export function judgeStart(
  { status, accountKind, positionMode }: Pick<AccountReport, 'status' | 'accountKind' | 'positionMode'>,
  isRealMoney: boolean,
): 'start' | 'retry' | 'refuse' {
  switch (status) {
    case 'ok':
      return 'start';
    case 'paper_only':
      return isRealMoney ? 'refuse' : 'start';
    case 'disabled':
      return 'refuse';
    case 'error':
      return !isRealMoney && accountKind !== null && positionMode !== null ? 'start' : 'retry';
  }
}
