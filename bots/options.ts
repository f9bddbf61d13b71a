/** What a bot's process is told, and what it reads before it may trade. */
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { readAccountKeys, type AccountKeys } from '../config/account-keys.ts';
import type { DeskConfig } from '../config/desk-config.ts';
import { armingRecordFile, type DeskHome } from '../config/home.ts';
import { loadConfig } from '../config/load.ts';
import { REAL_MONEY_VARIABLE, refuseRealMoney } from '../core/accounts/real-money.ts';
import type { BotConfig } from '../core/bot/bot-config.ts';
import { describeFaults } from '../core/faults.ts';
import { AccountName, BotName } from '../core/names.ts';

const Endpoint = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('live') }),
  z.strictObject({ kind: z.literal('demo') }),
  z.strictObject({ kind: z.literal('simulator'), httpUrl: z.string().url(), wsUrl: z.string().url() }),
]);

export const BotOptions = z.strictObject({
  bot: BotName,
  home: z.string().min(1),
  configDir: z.string().min(1),
  codeVersion: z.string().min(1),
  /** Clear the book of a bot that is gone, and end. */
  isSweep: z.boolean().default(false),
  /** Where the broker of the account listens, and this bot's turns without it. */
  rates: z.strictObject({
    socket: z.string().min(1),
    share: z.strictObject({ index: z.int().nonnegative(), of: z.int().positive() }),
  }),
  endpoint: Endpoint,
});
export type BotOptions = z.infer<typeof BotOptions>;

/** Of `probe.ts`: asks what an account is good for. */
export const ProbeOptions = z.strictObject({
  account: AccountName,
  home: z.string().min(1),
  /** Any contract: settings are told by symbol. */
  symbol: z.string().min(1),
  endpoint: Endpoint,
  /** Where the broker of the account listens, if it does. */
  rateSocket: z.string().min(1),
});

/** Another start as things are cannot help: options, configuration or keys have to be put right first. */
export class OptionsWrong extends Error {
  override readonly name = 'OptionsWrong';
}

export function readOptions<T extends z.ZodType>(path: string | undefined, schema: T): z.infer<T> {
  if (path === undefined) throw new OptionsWrong('expected one argument: the path of an options file');
  const raw: unknown = JSON.parse(readFileSync(path, 'utf8'));
  const parsed = schema.safeParse(raw);
  if (!parsed.success) throw new OptionsWrong(`${path}:\n${describeFaults(parsed.error, raw)}`);
  return parsed.data;
}

export function readKeys(home: DeskHome, account: string): AccountKeys {
  try {
    return readAccountKeys(home, account);
  } catch (error) {
    throw new OptionsWrong((error as Error).message);
  }
}

/** Throws `ConfigError` or `OptionsWrong` when the bot may not run as it is configured. */
export function readConfig(configDir: string, bot: string): { desk: DeskConfig; config: BotConfig } {
  const { desk, bots } = loadConfig(configDir);
  const config = bots.get(bot);
  if (config === undefined) throw new OptionsWrong(`bot: expected one with a file in ${configDir}/bots, was "${bot}"`);
  if (config.mode === 'disabled') throw new OptionsWrong(`${bot}: mode: expected live or paper_only, was "disabled"`);
  return { desk, config };
}

/** Throws before anything is opened when the bot's orders would move real money. */
export function requireNoRealMoney(
  { bot, mode }: BotConfig,
  endpoint: BotOptions['endpoint'],
  home: DeskHome,
  env: NodeJS.ProcessEnv,
): void {
  if (endpoint.kind !== 'live' || mode !== 'live') return;
  const record = armingRecordFile(home, bot);
  const conditions = { isConfigured: true, environment: env[REAL_MONEY_VARIABLE], isArmed: existsSync(record) };
  throw new OptionsWrong([`${bot}: real money is refused:`, ...refuseRealMoney(conditions, record)].join('\n  '));
}
