/** The facts that a bot's configuration is judged by before it trades, read from its venue. */
import { ConfigError } from '../config/load.ts';
import type { Holdings } from '../core/accounting/holdings.ts';
import type { BotConfig } from '../core/bot/bot-config.ts';
import { judgePreflight } from '../core/bot/preflight.ts';
import { faultLine, type Fault } from '../core/faults.ts';
import type { Instrument } from '../core/market/instrument.ts';
import { VenueRefused, VenueUnavailable, type SettingAnswer, type Venue } from '../gateway/venue.ts';

/** Throws `ConfigError` when the venue has no such contract; other failures of the read as they are. */
export async function readInstrument(venue: Venue, config: BotConfig): Promise<Instrument> {
  try {
    return await venue.instrument(config.symbol);
  } catch (error) {
    throw error instanceof VenueRefused && isNoSuchContract(error.code) ? noSuchContract(config) : error;
  }
}

/**
 * Throws `ConfigError` with every fault; a read that failed says nothing about the configuration and throws as it is. A
 * paper account is nobody's but its bot's: it is set as configured first, where that can be done.
 */
export async function preflight(
  venue: Venue,
  config: BotConfig,
  instrument: Instrument,
  holdings: Holdings,
): Promise<void> {
  const { symbol } = config;
  const notSet = venue.capabilities.isRealExecution ? [] : await setPaperAccount(venue, config);
  const [settings, { lastPrice }, equity] = await Promise.all([
    venue.settings(symbol),
    venue.ticker(symbol),
    readEquity(venue),
  ]);
  const faults = judgePreflight(config, { instrument, price: Number(lastPrice), settings, holdings, equity });
  if (faults.length > 0) throw faulty(faults, config, venue, notSet);
}

/** Null when it cannot be read now: the bot itself waits for a balance before it trades, and says so. */
async function readEquity(venue: Venue): Promise<number | null> {
  try {
    return Number((await venue.balance()).equity);
  } catch (error) {
    if (error instanceof VenueUnavailable) return null;
    throw error;
  }
}

/** What could not be set, and why: the account may hold something. */
async function setPaperAccount(venue: Venue, config: BotConfig): Promise<string[]> {
  const { symbol, positionMode, marginMode } = config;
  const leverageMax = Math.floor(config.leverageMax);
  const settings = await venue.settings(symbol);
  const changes: [string, () => Promise<SettingAnswer>][] = [];
  if (settings.positionMode !== positionMode)
    changes.push(['position mode', () => venue.setPositionMode(positionMode)]);
  if (settings.marginMode !== marginMode) changes.push(['margin mode', () => venue.setMarginMode(symbol, marginMode)]);
  if (Number(settings.leverage) > leverageMax) changes.push(['leverage', () => venue.setLeverage(symbol, leverageMax)]);
  const notSet: string[] = [];
  for (const [what, change] of changes) {
    const answer = await change();
    if (answer.answer === 'unknown') throw new VenueUnavailable(`${what} of the paper account: ${answer.reason}`);
    if (answer.answer === 'no') notSet.push(`${what} of the paper account stays as it is: ${answer.code}`);
  }
  return notSet;
}

/** Of our own search in the venue's list, or of the venue: of all that is asked at a start only the symbol is a name. */
export function isNoSuchContract(code: string): boolean {
  return code === 'no_such_contract' || code === '40034';
}

export function noSuchContract(config: BotConfig): ConfigError {
  return faulty(
    [{ path: 'symbol', rule: 'expected a USDT perpetual of the venue', value: config.symbol }],
    config,
    null,
  );
}

function faulty(
  faults: readonly Fault[],
  { bot, account }: BotConfig,
  venue: Venue | null,
  more: readonly string[] = [],
): ConfigError {
  const lines = faults.map((fault, index) => {
    const line = /^(account|contract)\./.test(fault.path) ? faultLine(fault) : `bots/${bot}.yml: ${faultLine(fault)}`;
    return index < faults.length - 1 ? line : [line, ...more].join('\n    ');
  });
  const where = `${bot} on account ${account}${venue === null ? '' : ` at ${venue.name}`}`;
  return new ConfigError(lines, where);
}
