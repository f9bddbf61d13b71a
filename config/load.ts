/** Reads `config/`: every fault of every file at once, with file, path, rule and value. Nothing starts on a faulty one. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { BotConfig } from '../core/bot/bot-config.ts';
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

function readYaml<T extends z.ZodType>(dir: string, file: string, schema: T, faults: string[]): z.infer<T> | null {
  const path = join(dir, file);
  if (!existsSync(path)) {
    faults.push(`${file}: expected a file, was missing`);
    return null;
  }
  let raw: unknown;
  try {
    raw = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    faults.push(`${file}: ${error.message.split('\n')[0]?.replace(/:$/, '')}`);
    return null;
  }
  const parsed = schema.safeParse(raw, { reportInput: false });
  if (parsed.success) return parsed.data;
  for (const fault of faultsOf(byKey(parsed.error), raw)) faults.push(`${file}: ${faultLine(fault)}`);
  return null;
}

/** An unknown key is a fault at its own path, not at that of the object around it. */
function byKey(error: z.ZodError): z.ZodError {
  return new z.ZodError(
    error.issues.flatMap((issue): z.core.$ZodIssue[] =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({
            code: 'custom',
            path: [...issue.path, key],
            message: 'unknown key',
            input: undefined,
          }))
        : [issue],
    ),
  );
}

/** The accounts as they stand, also in a file that is faulty elsewhere; null when there is no list of them. */
function declaredAccounts(configDir: string): readonly string[] | null {
  try {
    const raw: unknown = parse(readFileSync(join(configDir, 'desk.yml'), 'utf8'));
    const parsed = z.object({ accounts: z.record(z.string(), z.unknown()) }).safeParse(raw);
    return parsed.success ? Object.keys(parsed.data.accounts) : null;
  } catch {
    return null; // absent or no YAML: that is a fault of its own
  }
}

/** Throws `ConfigError` with all faults. `configDir` holds `desk.yml` and `bots/<bot>.yml`. */
export function loadConfig(configDir: string): LoadedConfig {
  const faults: string[] = [];
  const desk = readYaml(configDir, 'desk.yml', DeskConfig, faults);
  const accounts = declaredAccounts(configDir);
  const bots = new Map<string, BotConfig>();
  const botsDir = join(configDir, 'bots');
  const files = existsSync(botsDir)
    ? readdirSync(botsDir)
        .filter((file) => file.endsWith('.yml'))
        .sort()
    : [];
  if (files.length === 0) faults.push('bots/: expected at least one <bot>.yml, was none');
  for (const file of files) {
    const name = join('bots', file);
    const bot = readYaml(configDir, name, BotConfig, faults);
    if (bot === null) continue;
    if (`${bot.bot}.yml` !== file)
      faults.push(`${name}: bot: expected the name of its file, was ${showValue(bot.bot)}`);
    if (accounts !== null && !accounts.includes(bot.account))
      faults.push(`${name}: account: expected one of ${accounts.join(', ')}, was ${showValue(bot.account)}`);
    bots.set(bot.bot, bot);
  }
  faults.push(...sharedPositions(bots), ...sharedAccounts(bots));
  if (desk === null || faults.length > 0) throw new ConfigError(faults, configDir);
  return { desk, bots };
}

/** One position belongs to one bot: two bots on one account and symbol would each take the other's fills for its own. */
function sharedPositions(bots: ReadonlyMap<string, BotConfig>): string[] {
  const owners = new Map<string, string>();
  const faults: string[] = [];
  for (const { bot, account, symbol, mode } of bots.values()) {
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
function sharedAccounts(bots: ReadonlyMap<string, BotConfig>): string[] {
  const first = new Map<string, BotConfig>();
  const faults: string[] = [];
  for (const config of bots.values()) {
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
