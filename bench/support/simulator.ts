/** The exchange simulator in a process of its own, as the desk runs it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SimulatedAccountFile, SimulatorOptionsFile } from '../../core/simulation/options.ts';
import { startNode } from './child.ts';
import { buildDir, projectRoot } from './places.ts';
import { recordedMarkets } from './recorded-books.ts';

export interface BenchSimulator {
  readonly port: number;
  readonly pid: number;
  readonly accounts: readonly SimulatedAccountFile[];
  stop(): Promise<void>;
}

export async function startSimulator(dir: string, names: readonly string[], speed = 1): Promise<BenchSimulator> {
  const accounts = names.map((account) => ({
    account,
    apiKey: `bench-key-${account}`,
    secret: `bench-secret-of-${account}`,
    passphrase: `bench-pass-${account}`,
    balance: '1000000',
  }));
  const options: SimulatorOptionsFile = {
    port: 0,
    dataDir: join(projectRoot, 'data'),
    stateDir: join(dir, 'simulator'),
    speed,
    accounts,
    markets: recordedMarkets().filter(({ instrument }) => instrument.symbol !== 'NEXOUSDT'),
  };
  mkdirSync(dir, { recursive: true });
  const file = join(dir, 'simulator.json');
  writeFileSync(file, JSON.stringify(options), { mode: 0o600 });
  const child = await startNode({ args: [join(buildDir, 'simulator/main.js'), file] });
  return { port: Number(child.ready['port']), pid: child.pid, accounts, stop: () => child.stop() };
}
