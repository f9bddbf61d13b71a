/** Reads `config/`: every fault of every file at once, with file, path, rule and value. Nothing starts on a faulty one. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { BotConfig, BotMode } from '../core/bot/bot-config.ts';
import { faultLine, faultsOf, showValue } from '../core/faults.ts';
import { DeskConfig } from './desk-config.ts';

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly string[];
  /** `where` is the folder or file that the faults are in. */
  constructor(faults: readonly string[], where: string) {
    const count = `${faults.length} fault${faults.length === 1 ? '' : 's'}`;
    super([`${count} in the configuration (${where})`, ...faults.map((line) => `  ${line}`)].join('\n'));
    this.faults = faults;
  }
}

export interface LoadedConfig {
  readonly desk: DeskConfig;
  /** By name, in the order of their names. */
  readonly bots: ReadonlyMap<string, BotConfig>;
}

/** The fingerprint that every bot start carries. */
export function configHash(config: BotConfig): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('hex').slice(0, 16);
}

interface ReadFile<T> {
  /** Undefined where there is no YAML to read. */
  readonly raw: unknown;
  /** Null where the file is faulty. */
  readonly parsed: T | null;
}

/** One file of `dir`; its faults are added to `faults`. */
export function readYaml<T extends z.ZodType>(
  dir: string,
  file: string,
  schema: T,
  faults: string[],
): ReadFile<z.infer<T>> {
  const path = join(dir, file);
  if (!existsSync(path)) {
    faults.push(`${file}: expected a file, was missing`);
    return { raw: undefined, parsed: null };
  }
  let raw: unknown;
  try {
    raw = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    faults.push(`${file}: ${error.message.split('\n')[0]?.replace(/:$/, '')}`);
    return { raw: undefined, parsed: null };
  }
  const parsed = schema.safeParse(raw, { reportInput: false });
  if (parsed.success) return { raw, parsed: parsed.data };
  for (const fault of faultsOf(parsed.error, raw)) faults.push(`${file}: ${faultLine(fault)}`);
  return { raw, parsed: null };
}

/** What of a file is held against other files, also where the file is faulty elsewhere. */
const DeskOutline = z.object({
  accounts: z.record(z.string(), z.unknown()).transform(Object.keys).nullable().catch(null),
  venue: z.object({ endpoint: z.string() }).nullable().catch(null),
});
const BotOutline = z.object({
  bot: z.string(),
  account: z.string(),
  symbol: z.string(),
  mode: BotMode,
  positionMode: z.string().default('one_way'),
});
export type BotOutline = z.infer<typeof BotOutline>;

/** All that can be told of a configuration, faulty or not. */
export interface ConfigReading {
  readonly faults: readonly string[];
  /** Null where there is a fault. */
  readonly config: LoadedConfig | null;
  readonly endpoint: string | null;
  readonly outlines: readonly BotOutline[];
}

/** Throws `ConfigError` with all faults. `configDir` holds `desk.yml` and `bots/<bot>.yml`. */
export function loadConfig(configDir: string): LoadedConfig {
  const { faults, config } = readConfig(configDir);
  if (config === null) throw new ConfigError(faults, configDir);
  return config;
}

export function readConfig(configDir: string): ConfigReading {
  const faults: string[] = [];
  const desk = readYaml(configDir, 'desk.yml', DeskConfig, faults);
  const outline = DeskOutline.safeParse(desk.raw).data ?? { accounts: null, venue: null };
  const bots = new Map<string, BotConfig>();
  const outlines: BotOutline[] = [];
  const botsDir = join(configDir, 'bots');
  const files = existsSync(botsDir)
    ? readdirSync(botsDir)
        .filter((file) => file.endsWith('.yml'))
        .sort()
    : [];
  if (files.length === 0) faults.push('bots/: expected at least one <bot>.yml, was none');
  for (const file of files) {
    const name = join('bots', file);
    const { raw, parsed } = readYaml(configDir, name, BotConfig, faults);
    if (parsed !== null) bots.set(parsed.bot, parsed);
    const { data: told } = BotOutline.partial().catch({}).safeParse(raw);
    if (told?.bot !== undefined && `${told.bot}.yml` !== file)
      faults.push(`${name}: bot: expected the name of its file, was ${showValue(told.bot)}`);
    if (told?.account !== undefined && outline.accounts !== null && !outline.accounts.includes(told.account))
      faults.push(`${name}: account: expected one of ${outline.accounts.join(', ')}, was ${showValue(told.account)}`);
    const whole = BotOutline.safeParse(raw);
    if (whole.success) outlines.push(whole.data);
  }
  faults.push(...sharedPositions(outlines), ...sharedAccounts(outlines));
  const config = desk.parsed === null || faults.length > 0 ? null : { desk: desk.parsed, bots };
  return { faults, config, endpoint: outline.venue?.endpoint ?? null, outlines };
}

/** One position belongs to one bot: two bots on one account and symbol would each take the other's fills for its own. */
function sharedPositions(bots: readonly BotOutline[]): string[] {
  const owners = new Map<string, string>();
  const faults: string[] = [];
  for (const { bot, account, symbol, mode } of bots) {
    if (mode === 'disabled') continue;
    const key = `${account} ${symbol}`;
    const owner = owners.get(key);
    if (owner !== undefined)
      faults.push(`bots/${bot}.yml: account and symbol: expected to be its own, was that of ${owner} (${key})`);
    else owners.set(key, bot);
  }
  return faults;
}

/** A paper account is one process's own, and the venue keeps one position mode for all contracts of an account. */
function sharedAccounts(bots: readonly BotOutline[]): string[] {
  const first = new Map<string, BotOutline>();
  const faults: string[] = [];
  for (const config of bots) {
    const { bot, account, mode, positionMode } = config;
    if (mode === 'disabled') continue;
    const other = first.get(account);
    if (other === undefined) {
      first.set(account, config);
      continue;
    }
    if (mode === 'paper_only' || other.mode === 'paper_only') {
      const rule = `expected one of its own, since bots in mode paper_only share none (${other.bot}: ${other.mode})`;
      faults.push(`bots/${bot}.yml: account: ${rule}, was ${showValue(account)}`);
    } else if (positionMode !== other.positionMode) {
      const rule = `expected that of ${other.bot} on the same account (${other.positionMode})`;
      faults.push(`bots/${bot}.yml: positionMode: ${rule}, was ${showValue(positionMode)}`);
    }
  }
  return faults;
}
