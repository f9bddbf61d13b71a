/** What a desk is declared to be: `config/` and the local stack's file, read together, so that every fault is told at once. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError, loadConfig, type LoadedConfig } from '../config/load.ts';
import { SimulatedMarket } from '../core/simulation/options.ts';
import { readTemporalDev, type TemporalDev } from '../stack/temporal-dev.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';

export interface Declarations {
  readonly config: LoadedConfig;
  readonly stack: TemporalDev;
  /** The recordings that the bots' symbols need; none when the venue is real. */
  readonly markets: readonly SimulatedMarket[];
}

/** Throws `ConfigError` with the faults of every file. Nothing is written and nothing started. */
export function readDeclarations({ root, configDir, stackFile }: Context): Declarations {
  const faults: string[] = [];
  const places: string[] = [];
  const config = collect(() => loadConfig(configDir), configDir, faults, places);
  const stack = collect(() => readTemporalDev(stackFile), stackFile, faults, places);
  const markets =
    config === null
      ? null
      : collect(() => recordingsFor(config, join(root, 'data'), configDir), configDir, faults, places);
  if (config === null || stack === null || markets === null) throw new ConfigError(faults, places.join(', '));
  refuseWhatIsNotOpen(config);
  return { config, stack, markets };
}

/** Real money is earned by gates that do not exist yet, and paper trading beside a real venue needs a venue of its own. */
function refuseWhatIsNotOpen({ desk, bots }: LoadedConfig): void {
  const { endpoint } = desk.venue;
  if (endpoint === 'live') {
    throw new CommandFailure(
      EXIT.notAllowed,
      'desk.yml: venue.endpoint: live is not open: what a desk must prove before it may trade real money is not built yet. Use simulator or demo',
    );
  }
  const paper = [...bots.values()].filter(({ mode }) => mode === 'paper_only');
  if (endpoint === 'simulator' || paper.length === 0) return;
  throw new CommandFailure(
    EXIT.notAllowed,
    paper
      .map(
        ({ bot }) =>
          `bots/${bot}.yml: mode: paper_only needs venue.endpoint simulator (the paper venue is not built yet), was ${endpoint}`,
      )
      .join('\n'),
  );
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

function recordingsFor({ desk, bots }: LoadedConfig, dataDir: string, configDir: string): SimulatedMarket[] {
  if (desk.venue.endpoint !== 'simulator') return [];
  const markets = z.array(SimulatedMarket).parse(JSON.parse(readFileSync(join(dataDir, 'markets.json'), 'utf8')));
  const recorded = markets.map(({ instrument }) => instrument.symbol);
  const active = [...bots.values()].filter(({ mode }) => mode !== 'disabled');
  const faults = active
    .filter(({ symbol }) => !recorded.includes(symbol))
    .map(
      ({ bot, symbol }) =>
        `bots/${bot}.yml: symbol: expected one that is recorded in data/markets.json (${recorded.join(', ')}), was "${symbol}"`,
    );
  if (faults.length > 0) throw new ConfigError(faults, configDir);
  return markets.filter(({ instrument }) => active.some(({ symbol }) => symbol === instrument.symbol));
}
