/** `desk bot set` and `desk bot parameters`: what of a running bot a person may change, and within which bounds. */
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { TUNABLES, judgeChanges, mergeChanges, tuned, valueAt } from '../core/bot/tunables.ts';
import type { BotConfig } from '../core/bot/bot-config.ts';
import type { TunableValue } from '../core/bot/input.ts';
import { faultLine } from '../core/faults.ts';
import { botWorkflowId, setParametersUpdate } from '../workflows/bot/contract.ts';
import { askStatus } from './ask-status.ts';
import { plainCommand, reasonMissing, sendUpdate } from './bot-update.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';
import { withTemporal } from './temporal-client.ts';

interface SetOptions {
  reason?: string;
  operator: string;
  showTemporal?: boolean;
  dryRun?: boolean;
}

export function registerParameterCommands(bot: Command, context: Context, known: (name: string) => BotConfig): void {
  bot
    .command('set <bot> <changes...>')
    .description('change live-tunable parameters: <path>=<value>, or <path>= to take the configured value again')
    .option('--reason <text>', 'why (required)')
    .option('--operator <name>', 'who', userInfo().username)
    .option('--show-temporal', 'also print the equal temporal command')
    .option('--dry-run', 'say what would be sent, send nothing')
    .action(async (name: string, texts: string[], { reason, operator, showTemporal, dryRun }: SetOptions) => {
      const config = known(name);
      if (reason === undefined) throw reasonMissing('set', config.bot, ` ${texts.join(' ')}`);
      const changes = Object.fromEntries(texts.map((text) => parseChange(config, text)));
      const strange = Object.keys(changes).flatMap((path) => notTunable(config, path) ?? []);
      const tunable = Object.entries(changes).filter(([path]) => notTunable(config, path) === null);
      // Told at once what the bot would say; it has the last word.
      const held = (await askStatus(context.home, config.bot))?.parameters ?? {};
      const faults = tunable.length === 0 ? [] : judgeChanges(config, held, Object.fromEntries(tunable));
      if (strange.length + faults.length > 0)
        throw new CommandFailure(EXIT.usage, [...faults.map(faultLine), ...strange].join('\n'));
      const message = { operator, reason, changes };
      const plain = plainCommand(context, botWorkflowId(config.bot), setParametersUpdate.name, message);
      if (showTemporal === true) console.error(plain);
      if (dryRun === true) return console.log(`would run: ${plain}`);
      const result = await withTemporal(context, (client) =>
        sendUpdate(client, config.bot, setParametersUpdate, message),
      );
      console.log(`${config.bot}: ${result.phase}: ${result.detail}`);
    });
  bot
    .command('parameters <bot>')
    .description('its live-tunable parameters: as they are, as configured, and their bounds')
    .action(async (name: string) => {
      const config = known(name);
      const status = await askStatus(context.home, config.bot);
      for (const line of listParameters(config, status?.parameters ?? null)) console.log(line);
    });
}

/** One line a parameter. Null: the bot does not run, and what it was set to is not known here. */
export function listParameters(config: BotConfig, overrides: Readonly<Record<string, TunableValue>> | null): string[] {
  const now = tuned(config, mergeChanges({}, overrides ?? {}));
  const paths = Object.keys(TUNABLES).filter((path) => valueAt(config, path) !== undefined);
  const width = Math.max(...paths.map((path) => path.length));
  const line = (path: string, value: string, unit: string, bounds: string): string =>
    `${path.padEnd(width)}  ${value.padStart(8)}  ${unit.padEnd(UNIT_WIDTH)}  ${bounds}`;
  const lines = [line('parameter', 'now', 'unit', 'may be')];
  for (const path of paths) {
    const { min, max } = TUNABLES[path]!;
    const configured = String(valueAt(config, path));
    const value = String(valueAt(now, path));
    const note = value === configured ? '' : `  (configured ${configured})`;
    lines.push(line(path, value, unitOf(path), `${min} to ${max}${note}`));
  }
  if (overrides === null) lines.push(`${config.bot} does not run: these are the configured values`);
  return lines;
}

const UNIT_WIDTH = 7;
/** By the name's ending, as docs/config.md has them. */
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/Bps(Min|Max)?$/, 'bps'],
  [/Ms(Min|Max)?$/, 'ms'],
  [/Quote$/, 'USDT'],
  [/Minutes$/, 'min'],
  [/cancelsPerMinuteMax$/, 'cancels'],
  [/levels$/, 'quotes'],
  [/holdTicks$/, 'times'],
];

function unitOf(path: string): string {
  return UNITS.find(([ending]) => ending.test(path))?.[1] ?? 'ratio';
}

/** What is no live-tunable parameter, and what to do instead; null for what is one. */
function notTunable(config: BotConfig, path: string): string | null {
  const isField = valueAt(config, path) !== undefined;
  if (isField && Object.hasOwn(TUNABLES, path)) return null;
  if (!isField) return `${path}: no parameter of ${config.bot}; ./desk bot parameters ${config.bot} lists them`;
  const restart = `./desk bot stop ${config.bot}, then ./desk bot start ${config.bot}`;
  return `${path}: not to be changed while it runs: edit config/bots/${config.bot}.yml, then ${restart}`;
}

function parseChange(config: BotConfig, text: string): [string, TunableValue] {
  const at = text.indexOf('=');
  if (at <= 0) throw new CommandFailure(EXIT.usage, `changes: expected <path>=<value>, was "${text}"`);
  const path = text.slice(0, at);
  const value = text.slice(at + 1);
  if (value === '') return [path, null];
  // Amounts stay the texts that they are in the file.
  const isText = typeof valueAt(config, path) === 'string' || Number.isNaN(Number(value));
  return [path, isText ? value : Number(value)];
}
