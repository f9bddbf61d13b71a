/** The venue that a bot trades on: the exchange, with the account's keys; or a paper account over its public market, without. */
import type { AccountKeys } from '../config/account-keys.ts';
import type { DeskConfig } from '../config/desk-config.ts';
import { paperAccountDir, type DeskHome } from '../config/home.ts';
import type { BotConfig } from '../core/bot/bot-config.ts';
import type { Log } from '../core/log.ts';
import type { AccountKind } from '../gateway/bitget/dialect.ts';
import type { BitgetRateGroup } from '../gateway/bitget/limits.ts';
import { createBitgetMarket } from '../gateway/bitget/market.ts';
import { createBitgetVenue } from '../gateway/bitget/venue.ts';
import { createPaperVenue } from '../gateway/paper/venue.ts';
import type { SharedBudget } from '../gateway/rates/shared-budget.ts';
import type { Venue } from '../gateway/venue.ts';
import { OptionsWrong, type BotOptions } from './options.ts';

export interface VenueSetup {
  readonly config: BotConfig;
  readonly desk: DeskConfig;
  readonly home: DeskHome;
  readonly endpoint: BotOptions['endpoint'];
  readonly budget: SharedBudget<BitgetRateGroup>;
  readonly log: Log;
  readonly now: () => number;
  /** Told when the venue is of no use any more in this process. */
  readonly onLost: (error: Error) => void;
}

/** Asked of the venue when `accountKind` is left out. */
export function openExchange(
  { endpoint, budget, log, now }: VenueSetup,
  keys: AccountKeys,
  accountKind?: AccountKind,
): Promise<Venue> {
  return createBitgetVenue({ endpoint, keys, log, now, budget, ...(accountKind !== undefined && { accountKind }) });
}

/** Throws `PaperStateError` when the saved state cannot be used. */
export async function openPaper({
  config,
  desk,
  home,
  endpoint,
  budget,
  log,
  now,
  onLost,
}: VenueSetup): Promise<Venue> {
  const { account } = config;
  const settings = desk.accounts[account];
  if (settings === undefined) throw new OptionsWrong(`account: expected one of desk.yml, was "${account}"`);
  const { openingBalance, paper } = settings;
  const { grade, ...latency } = paper;
  const market = await createBitgetMarket({ endpoint, log, budget, now });
  try {
    return createPaperVenue({
      market,
      account,
      openingBalance,
      grade,
      latency,
      stateDir: paperAccountDir(home, account),
      onOver: onLost,
      now,
      log,
    });
  } catch (error) {
    await market.close();
    throw error;
  }
}
