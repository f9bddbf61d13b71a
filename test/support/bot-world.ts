/** Real bot processes on a real simulator, without the rest of the desk. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { BotHost, LiveBot } from '../../activities/bot-host.ts';
import { accountKeyFile, deskHome, type DeskHome } from '../../config/home.ts';
import { loadConfig } from '../../config/load.ts';
import type { SimulatorOptions } from '../../core/simulation/options.ts';
import { SILENT, type Log } from '../../core/log.ts';
import { startSimulator, type RunningSimulator } from '../../simulator/server.ts';
import { isAlive, stop } from '../../stack/process.ts';
import { runningProcesses } from '../../stack/run-files.ts';
import { createLocalBotHost } from '../../workers/local-bot-host.ts';
import { startRateBrokers } from '../../workers/rate-brokers.ts';
import { BOT1, simulatorOptions } from '../simulator/harness.ts';
import { botConfig } from './bots.ts';
import { builtCode } from './build.ts';
import type { SimulatedAccountStatus } from './desk.ts';

export interface BotWorld {
  readonly home: DeskHome;
  readonly configDir: string;
  readonly host: BotHost;
  /** A second worker's view of the same host. */
  anotherHost(): BotHost;
  simulator(): RunningSimulator;
  account(): Promise<SimulatedAccountStatus>;
  /** Is the bot's supervisor until `stop`. */
  supervise(live: LiveBot): void;
  stop(): Promise<void>;
}

export interface WorldChanges {
  readonly simulator?: Partial<SimulatorOptions>;
  /** Done at the venue before the bot is there. */
  readonly prepare?: (simulator: RunningSimulator) => Promise<void>;
}

/** One bot called `bot1` on BTCUSDT; `overrides` go into its configuration file. */
export async function startBotWorld(
  overrides: Record<string, unknown> = {},
  log: Log = SILENT,
  { simulator: options = {}, prepare }: WorldChanges = {},
): Promise<BotWorld> {
  const root = mkdtempSync(join(tmpdir(), 'desk-bots-'));
  const home = deskHome(join(root, 'home'));
  const configDir = join(root, 'config');
  mkdirSync(join(configDir, 'bots'), { recursive: true });
  mkdirSync(home.secretsDir, { recursive: true });
  const desk = {
    version: 1,
    desk: 'test',
    host: 'local',
    venue: { name: 'bitget', endpoint: 'simulator' },
    simulator: { speed: 1 },
  };
  writeFileSync(
    join(configDir, 'desk.yml'),
    stringify({ ...desk, accounts: { [BOT1.account]: { openingBalance: BOT1.balance } } }),
  );
  writeFileSync(join(configDir, 'bots', 'bot1.yml'), stringify(botConfig({ account: BOT1.account, ...overrides })));
  const { apiKey, secret, passphrase } = BOT1;
  writeFileSync(accountKeyFile(home, BOT1.account), JSON.stringify({ apiKey, secret, passphrase }), { mode: 0o600 });
  const simulator = await startSimulator(simulatorOptions(home.simulatorDir, options));
  await prepare?.(simulator);
  const env = {
    DESK_ROOT: process.cwd(),
    DESK_BUILD: await builtCode(),
    DESK_HOME: home.root,
    DESK_CONFIG_DIR: configDir,
    DESK_CODE_VERSION: 'test',
    DATABASE_URL: 'postgres://none',
    DESK_SIMULATOR_PORT: simulator.port,
  };
  const config = loadConfig(configDir);
  const rateBrokers = startRateBrokers({ home, config, log });
  const hosts: BotHost[] = [];
  const pingers: NodeJS.Timeout[] = [];
  const anotherHost = (): BotHost => {
    const host = createLocalBotHost({ home, env, config, log });
    hosts.push(host);
    return host;
  };
  return {
    home,
    configDir,
    host: anotherHost(),
    anotherHost,
    simulator: () => simulator,
    async account() {
      const answer = await fetch(`http://127.0.0.1:${simulator.port}/simulator/status`);
      const status = (await answer.json()) as { accounts: Record<string, SimulatedAccountStatus> };
      return status.accounts[BOT1.account] as SimulatedAccountStatus;
    },
    supervise(live) {
      pingers.push(setInterval(() => void live.control.ping().catch(() => {}), 500));
    },
    async stop() {
      pingers.forEach(clearInterval);
      for (const host of hosts) host.release();
      for (const entry of runningProcesses(home)) if (isAlive(entry)) await stop(entry, 5_000, { group: true });
      await rateBrokers.stop();
      await simulator.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
