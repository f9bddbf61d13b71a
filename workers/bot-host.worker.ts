/**
 * One a machine: starts, watches and commands this host's bots, and ships their journals to the event store, also while
 * Temporal is down. Its end leaves the bots trading; the next one adopts them.
 */
import { join } from 'node:path';
import type { NativeConnection } from '@temporalio/worker';
import { createBotActivities } from '../activities/bots.ts';
import { BotHostError, createBotHost, type DetachedProcess, type SpawnedProcess } from '../activities/bot-host.ts';
import { deskHome, type DeskHome } from '../config/home.ts';
import { loadConfig, type LoadedConfig } from '../config/load.ts';
import type { Log } from '../core/log.ts';
import { createLedger } from '../ledger/ledger.ts';
import { createJournalShipper } from '../ledger/journal-shipper.ts';
import { createLog } from '../monitoring/log.ts';
import { isAlive, logTail, processIdentity, spawnLogged, stop } from '../stack/process.ts';
import { removeRunFile, writeRunFile } from '../stack/run-files.ts';
import { botHostTaskQueue } from '../workflows/desk-attributes.ts';
import { readEnvironment, type DeskEnvironment } from './environment.ts';
import { runWorker } from './worker-run.ts';

/** A ping to a bot counts only while Temporal answered this recently: a bot must notice that nobody can reach it. */
const HEALTHY_MS = 5_000;
const HEALTH_EVERY_MS = 1_000;

/** Asks the server again and again whether it is there. */
function watchTemporal(log: Log): {
  isHealthy(): boolean;
  watch(connection: NativeConnection): { stop(): Promise<void> };
} {
  let answeredAt = Number.NEGATIVE_INFINITY;
  return {
    isHealthy: () => performance.now() - answeredAt < HEALTHY_MS,
    watch(connection) {
      let wasHealthy = true;
      let isAsking = false;
      const ask = async (): Promise<void> => {
        if (isAsking) return;
        isAsking = true;
        try {
          await connection.withDeadline(Date.now() + 2_000, () => connection.workflowService.getSystemInfo({}));
          answeredAt = performance.now();
        } catch {
          // Silence is what is measured here.
        } finally {
          isAsking = false;
        }
        const isHealthy = performance.now() - answeredAt < HEALTHY_MS;
        if (isHealthy !== wasHealthy) log.warn('Temporal connection', { isHealthy });
        wasHealthy = isHealthy;
      };
      const timer = setInterval(() => void ask(), HEALTH_EVERY_MS);
      void ask();
      return { stop: async () => clearInterval(timer) };
    },
  };
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

function botOptions(bot: string, env: DeskEnvironment, { desk }: LoadedConfig): unknown {
  const port = env.DESK_SIMULATOR_PORT;
  const endpoint =
    desk.venue.endpoint === 'simulator'
      ? { kind: 'simulator', httpUrl: `http://127.0.0.1:${port}`, wsUrl: `ws://127.0.0.1:${port}` }
      : { kind: desk.venue.endpoint };
  return { bot, home: env.DESK_HOME, configDir: env.DESK_CONFIG_DIR, codeVersion: env.DESK_CODE_VERSION, endpoint };
}

async function spawnBot(
  { name, command, args, logFile }: DetachedProcess,
  home: DeskHome,
  cwd: string,
): Promise<SpawnedProcess> {
  // Bots need no secret from the environment: they read the one key file that is theirs.
  const { PATH, HOME, TZ, LANG } = process.env;
  const env = Object.fromEntries(Object.entries({ PATH, HOME, TZ, LANG }).filter(([, value]) => value !== undefined));
  const child = await spawnLogged({ name, command, args, env, cwd, logFile });
  writeRunFile(home, { name, ...child.identity, details: {} });
  void child.exited.then(() => removeRunFile(home, name));
  return { mark: child.identity, exited: child.exited, logTail: () => logTail(child.logFile, child.logStart) };
}

async function main(): Promise<void> {
  const log = createLog('bot-host');
  const env = readEnvironment(process.env);
  const home = deskHome(env.DESK_HOME);
  const config = loadConfig(env.DESK_CONFIG_DIR);
  const botMain = join(env.DESK_ROOT, 'dist', 'bots', 'main.js');
  const host = createBotHost({
    runDir: home.runDir,
    logsDir: home.logsDir,
    refusal: (bot) => refusalOf(bot, config),
    options: (bot) => botOptions(bot, env, config),
    command: (optionsFile) => ({ command: process.execPath, args: ['--enable-source-maps', botMain, optionsFile] }),
    processes: {
      mark: processIdentity,
      isAlive,
      stop: (mark, graceMs) => stop(mark, graceMs, { group: true }),
      spawnDetached: (options) => spawnBot(options, home, env.DESK_ROOT),
    },
    log,
  });
  const ledger = createLedger({
    databaseUrl: env.DATABASE_URL,
    migrationsDir: join(env.DESK_ROOT, 'ledger', 'migrations'),
    log,
  });
  const shipper = createJournalShipper({ ledger, journalsDir: home.journalsDir, log });
  shipper.start();
  const temporal = watchTemporal(log);
  await runWorker({
    root: env.DESK_ROOT,
    log,
    options: ({ taskQueues }) => ({
      taskQueue: botHostTaskQueue(config.desk.host),
      activities: createBotActivities({ host, isTemporalHealthy: temporal.isHealthy }),
      maxConcurrentActivityTaskExecutions: taskQueues.botHost.concurrentActivities,
    }),
    beside: temporal.watch,
  });
  host.release();
  await shipper.stop();
  await ledger.close();
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
