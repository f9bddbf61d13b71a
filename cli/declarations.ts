/** What a desk is declared to be: `config/` and the local stack's file, read together, so that every fault is told at once. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { armingRecordFile } from '../config/home.ts';
import { ConfigError, readConfig, type BotOutline, type LoadedConfig } from '../config/load.ts';
import { readRetentionPolicy } from '../config/retention.ts';
import { readSchedules } from '../config/schedules.ts';
import { REAL_MONEY_VARIABLE, refuseRealMoney } from '../core/accounts/real-money.ts';
import { SimulatedMarket } from '../core/simulation/options.ts';
import { readTemporalDev, type TemporalDev } from '../stack/temporal-dev.ts';
import { WORKFLOW_INPUTS } from '../workflows/inputs.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';

export interface Declarations {
  readonly config: LoadedConfig;
  readonly stack: TemporalDev;
  /** The recordings that the bots' symbols need; none when the venue is real. */
  readonly markets: readonly SimulatedMarket[];
}

/** Throws `ConfigError` with the faults of every file. Nothing is written and nothing started. */
export function readDeclarations(context: Context): Declarations {
  const { root, configDir, stackFile } = context;
  const { faults: found, config, endpoint, outlines } = readConfig(configDir);
  const faults = [...found];
  readSchedules(configDir, WORKFLOW_INPUTS, faults);
  readRetentionPolicy(configDir, faults);
  const markets = endpoint === 'simulator' ? recordingsFor(outlines, join(root, 'data'), faults) : [];
  const places = faults.length > 0 ? [configDir] : [];
  const stack = collect(() => readTemporalDev(stackFile), stackFile, faults, places);
  if (config === null || stack === null || faults.length > 0) throw new ConfigError(faults, places.join(', '));
  refuseRealMoneyBots(config, context);
  return { config, stack, markets };
}

/** Real money is earned by gates that do not exist yet: what is missing is told for each bot that asks for it. */
function refuseRealMoneyBots({ desk, bots }: LoadedConfig, { home, env }: Context): void {
  if (desk.venue.endpoint !== 'live') return;
  const asking = [...bots.values()].filter(({ mode }) => mode === 'live');
  if (asking.length === 0) return;
  const lines = asking.flatMap(({ bot }) => {
    const record = armingRecordFile(home, bot);
    const conditions = { isConfigured: true, environment: env[REAL_MONEY_VARIABLE], isArmed: existsSync(record) };
    return [`${bot}: real money is refused:`, ...refuseRealMoney(conditions, record).map((why) => `  ${why}`)];
  });
  const instead = 'Set these bots to mode: paper_only, or venue.endpoint to simulator or demo.';
  throw new CommandFailure(EXIT.notAllowed, [...lines, instead].join('\n'));
}

function collect<T>(read: () => T, place: string, faults: string[], places: string[]): T | null {
  try {
    return read();
  } catch (error) {
    faults.push(...(error instanceof ConfigError ? error.faults : (error as Error).message.split('\n')));
    places.push(place);
    return null;
  }
}

function recordingsFor(bots: readonly BotOutline[], dataDir: string, faults: string[]): SimulatedMarket[] {
  const markets = z.array(SimulatedMarket).parse(JSON.parse(readFileSync(join(dataDir, 'markets.json'), 'utf8')));
  const recorded = markets.map(({ instrument }) => instrument.symbol);
  const active = bots.filter(({ mode }) => mode !== 'disabled');
  for (const { bot, symbol } of active)
    if (!recorded.includes(symbol))
      faults.push(
        `bots/${bot}.yml: symbol: expected one that is recorded in data/markets.json (${recorded.join(', ')}), was "${symbol}"`,
      );
  return markets.filter(({ instrument }) => active.some(({ symbol }) => symbol === instrument.symbol));
}
