/** The bot host of this machine: what `activities/bot-host.ts` needs, made of the configuration and the system. */
import { join } from 'node:path';
import {
  BotHostError,
  createBotHost,
  type BotHost,
  type DetachedProcess,
  type ProcessMark,
  type SpawnedProcess,
} from '../activities/bot-host.ts';
import { rateSocket, type DeskHome } from '../config/home.ts';
import type { LoadedConfig } from '../config/load.ts';
import { invariant } from '../core/invariant.ts';
import type { Log } from '../core/log.ts';
import { planTurns } from '../core/rates/turns.ts';
import type { BitgetEndpoint } from '../gateway/bitget/session.ts';
import { BITGET_LIMITS } from '../gateway/bitget/limits.ts';
import { isAlive, logTail, processIdentity, spawnLogged, stop } from '../stack/process.ts';
import { botRunName, removeRunFile, runningProcesses, writeRunFile } from '../stack/run-files.ts';
import type { DeskEnvironment } from './environment.ts';

/** A bot's heap is small and lives long: a small young generation keeps it so, and its collections short. */
const BOT_NODE_FLAGS = [
  '--enable-source-maps',
  '--max-semi-space-size=1',
  '--max-old-space-size=96',
  '--v8-pool-size=1',
  '--optimize-for-size',
];

/** A cancelled supervisor hears of it with its next heartbeat: not held back, that is within a second. */
export const BOT_HOST_HEARTBEATS = { maxHeartbeatThrottleInterval: 1_000, defaultHeartbeatThrottleInterval: 1_000 };

export interface LocalBotHostOptions {
  readonly home: DeskHome;
  readonly env: DeskEnvironment;
  readonly config: LoadedConfig;
  readonly log: Log;
}

export function createLocalBotHost({ home, env, config, log }: LocalBotHostOptions): BotHost {
  const botMain = join(env.DESK_BUILD, 'bots', 'main.js');
  return createBotHost({
    runDir: home.runDir,
    logsDir: home.logsDir,
    refusal: (bot) => refusalOf(bot, config),
    options: (bot, isSweep) => ({ ...botOptions(bot, env, config), rates: rateOptions(bot, home, config), isSweep }),
    command: (optionsFile) => ({ command: process.execPath, args: [...BOT_NODE_FLAGS, botMain, optionsFile] }),
    processes: {
      mark: processIdentity,
      marksOf: (bot) => marksOf(bot, home),
      isAlive,
      // Without grace nothing is asked: what is killed must not begin to leave.
      stop: (mark, graceMs) => stop(mark, graceMs, { group: true, signal: graceMs === 0 ? 'SIGKILL' : 'SIGTERM' }),
      spawnDetached: (options) => spawnBot(options, home, env.DESK_ROOT),
    },
    log,
  });
}

function refusalOf(bot: string, { bots }: LoadedConfig): BotHostError | null {
  const config = bots.get(bot);
  if (config === undefined) {
    return new BotHostError('UnknownBot', `bot: expected one of ${[...bots.keys()].join(', ')}, was "${bot}"`);
  }
  if (config.mode === 'disabled') {
    return new BotHostError('BotDisabled', `config/bots/${bot}.yml: mode: expected live or paper_only, was "disabled"`);
  }
  return null;
}

function botOptions(bot: string, env: DeskEnvironment, config: LoadedConfig): object {
  const { DESK_HOME: home, DESK_CONFIG_DIR: configDir, DESK_CODE_VERSION: codeVersion } = env;
  return { bot, home, configDir, codeVersion, endpoint: venueEndpoint(env, config) };
}

export function venueEndpoint(env: DeskEnvironment, { desk }: LoadedConfig): BitgetEndpoint {
  const port = env.DESK_SIMULATOR_PORT;
  return desk.venue.endpoint === 'simulator'
    ? { kind: 'simulator', httpUrl: `http://127.0.0.1:${port}`, wsUrl: `ws://127.0.0.1:${port}` }
    : { kind: desk.venue.endpoint };
}

function rateOptions(bot: string, home: DeskHome, { bots }: LoadedConfig): object {
  const account = bots.get(bot)?.account;
  const share = planTurns([...bots.values()], BITGET_LIMITS).shareOf.get(bot);
  invariant(account !== undefined && share !== undefined, 'a bot that is started is declared');
  return { socket: rateSocket(home, account), share };
}

/** From the run files, which a worker's death leaves behind: `bot-<bot>-<pid>`. */
function marksOf(bot: string, home: DeskHome): ProcessMark[] {
  return runningProcesses(home).filter(({ name, pid }) => name === botRunName(`bot-${bot}`, pid));
}

async function spawnBot(
  { name, command, args, logFile }: DetachedProcess,
  home: DeskHome,
  cwd: string,
): Promise<SpawnedProcess> {
  // Bots need no secret from the environment: they read the one key file that is theirs.
  const { PATH, HOME, TZ, LANG, DESK_LIVE } = process.env;
  const passed = { PATH, HOME, TZ, LANG, DESK_LIVE };
  const env = Object.fromEntries(Object.entries(passed).filter(([, value]) => value !== undefined));
  const child = await spawnLogged({ name, command, args, env, cwd, logFile });
  const entry = botRunName(name, child.identity.pid);
  writeRunFile(home, { name: entry, ...child.identity, details: {} });
  void child.exited.then(() => removeRunFile(home, entry));
  return { mark: child.identity, exited: child.exited, logTail: () => logTail(child.logFile, child.logStart) };
}
