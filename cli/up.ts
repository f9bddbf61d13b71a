/** `desk up`: the whole desk in the foreground, from nothing to trading bots, and in order back to nothing. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import pc from 'picocolors';
import { readAccountKeys } from '../config/account-keys.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { BotConfig } from '../core/bot/bot-config.ts';
import type { Log } from '../core/log.ts';
import type { SimulatorOptionsFile } from '../core/simulation/options.ts';
import { runningDesk, takeDesk } from '../stack/desk-lock.ts';
import type { Ports } from '../stack/ports.ts';
import { stop } from '../stack/process.ts';
import { isBotRun, removeRunFile, runningProcesses, writeAtomic } from '../stack/run-files.ts';
import { startStack, stopLeftBehind, type Stack } from '../stack/stack.ts';
import { saysReady, superviseChild, type Kept, type SupervisedChild } from '../stack/supervise.ts';
import { temporalEnv } from '../stack/temporal-connection.ts';
import { onFreePorts } from '../stack/temporal-dev.ts';
import { addressLines } from './addresses.ts';
import { ensureBotWorkflows, type BotState } from './bot-workflows.ts';
import { ensureDay2Gate } from './gate.ts';
import { codeVersion } from './code-version.ts';
import type { Context } from './context.ts';
import { readDeclarations, type Declarations } from './declarations.ts';
import { markRunning } from './running-mark.ts';
import { givenUp } from './remedies.ts';
import { prepareHome } from './prepare-home.ts';
import { checkAccountKeys } from './secrets.ts';
import { step } from './steps.ts';
import { createFileLog } from '../monitoring/log.ts';

/** `no-bots` begins no bot and no gate; workflows that are open in Temporal go on. */
export type Profile = 'all' | 'stack' | 'no-console' | 'no-bots';

/** All of the bots' leaving: cancels, journals, sockets. */
const BOT_GRACE_MS = 5_000;
/** How long a start that was interrupted may take to notice. */
const START_LET_GO_MS = 2_000;
/** For the last events of the bots to reach the store; what does not is shipped at the next start. */
const SHIP_REST_MS = 400;

/** Resolves with the process's exit code when the desk has ended. */
export async function up(context: Context, profile: Profile): Promise<number> {
  const declarations = readDeclarations(context);
  // A desk beside another one: tests start theirs so.
  const declaration = context.env['DESK_PORTS'] === 'free' ? onFreePorts(declarations.stack) : declarations.stack;
  if (runningDesk(context.home) === null) prepareHome(context.home);
  const lock = takeDesk(context.home);
  if (!lock.taken) {
    console.log(`the desk is running already (pid ${lock.by.pid}, state in ${context.home.root})`);
    const running = runningProcesses(context.home).map(({ name }) => name);
    console.log(lock.ports === null ? 'it is still starting' : addressLines(lock.ports, running).join('\n'));
    return 0;
  }
  const ending = new Promise<string>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(signal));
  });
  // The ports of the last run are nobody's any more: whoever asks now must not be sent there.
  rmSync(context.home.portsFile, { force: true });
  markRunning(context);
  const log = createFileLog('desk', join(context.home.logsDir, 'desk.log'));
  const parts: { stack: Stack | null; children: Kept<SupervisedChild>[] } = { stack: null, children: [] };
  let isStuck = false;
  const no = (): boolean => false;
  try {
    const started = start(context, { ...declarations, stack: declaration }, profile, log, parts);
    const first = await Promise.race([started.then(() => 'started' as const), ending]);
    if (first === 'started' && parts.stack !== null) {
      const running = parts.children.map(({ name }) => name);
      const lines = addressLines(parts.stack.ports, running, parts.stack.temporalUiUrl);
      console.log(['', ...lines, '', 'Ctrl-C or ./desk down ends it.'].join('\n'));
      // For whoever started it as a program.
      if (!process.stdout.isTTY) console.log(JSON.stringify({ ready: true, ports: parts.stack.ports }));
    }
    const signal = await ending;
    process.stderr.write('\n');
    // What is half started is ended below. A server that does not come up holds nobody: it is ended as one left behind.
    isStuck = await Promise.race([started.then(no, no), sleep(START_LET_GO_MS, true, { ref: false })]);
    log.info('ending', { signal, isStuck });
    return 0;
  } finally {
    await shutDown(context, parts, log);
    if (isStuck) await stopLeftBehind({ home: context.home, log });
    lock.release();
  }
}

async function start(
  context: Context,
  { config, stack: declaration, markets }: Declarations,
  profile: Profile,
  log: Log,
  parts: { stack: Stack | null; children: Kept<SupervisedChild>[] },
): Promise<void> {
  const { root, buildDir, home, env } = context;
  const usesSimulator = config.desk.venue.endpoint === 'simulator';
  if (profile !== 'stack')
    checkAccountKeys(
      home,
      keyedAccounts(config).map(({ account }) => account),
      usesSimulator,
    );
  const stack = await step(
    'Temporal and Postgres',
    () => startStack({ home, projectRoot: root, env, declaration, log }),
    ({ cli, moved }) =>
      [
        cli === null ? '' : `temporal ${cli.version} (${cli.source})`,
        ...moved.map(({ name, wanted, got }) => pc.yellow(`${name}: port ${wanted} is taken, using ${got}`)),
      ].join('  '),
  );
  parts.stack = stack;
  if (stack.cli?.tooOld === true)
    console.error(
      pc.yellow(`  temporal ${stack.cli.version} is older than 1.9.1: the desk runs, rehearsals and tests do not`),
    );
  if (profile === 'stack') return;

  const childEnv: NodeJS.ProcessEnv = {
    ...env,
    ...temporalEnv(stack.temporal),
    DESK_ROOT: root,
    DESK_BUILD: buildDir,
    DESK_HOME: home.root,
    DESK_CONFIG_DIR: context.configDir,
    DESK_STACK: context.stackFile,
    DESK_CODE_VERSION: codeVersion(context),
    DATABASE_URL: stack.databaseUrl,
    ...(usesSimulator && { DESK_SIMULATOR_PORT: String(stack.ports.simulator) }),
  };
  const child = async (name: string, entry: string, args: readonly string[] = [], port?: number): Promise<void> => {
    const kept = await superviseChild({
      home,
      name,
      command: process.execPath,
      args: ['--enable-source-maps', join(buildDir, entry), ...args],
      env: childEnv,
      cwd: root,
      log,
      ...(port !== undefined && { details: { port } }),
      ready: saysReady,
    });
    parts.children.push(kept);
  };

  await allOrFirstFailure([
    usesSimulator &&
      step('exchange simulator', () =>
        child(
          'simulator',
          'simulator/main.js',
          [writeSimulatorOptions(context, config, markets, stack.ports)],
          stack.ports.simulator,
        ),
      ),
    step('desk worker', () => child('desk-worker', 'workers/desk.worker.js')),
    step('bot host', () => child('bot-host', 'workers/bot-host.worker.js')),
    profile !== 'no-console' && step('console', () => child('console', 'console/main.js', [], stack.ports.console)),
  ]);
  if (profile === 'no-bots') return;
  await step(
    'bots',
    async () => {
      const connection = await Connection.connect(stack.temporal.connectionOptions);
      try {
        const client = new Client({ connection, namespace: stack.temporal.namespace });
        const bots = await ensureBotWorkflows(client, config);
        // Its baseline is of bots that have something to tell.
        await ensureDay2Gate(client, config.desk);
        return bots;
      } finally {
        await connection.close();
      }
    },
    tellBots,
  );
}

/** In one line how they are, and below it why one was given up. */
function tellBots(bots: readonly BotState[]): string {
  const line = bots.map(({ bot, state, reason }) => `${bot} ${reason === null ? state : pc.red(state)}`).join(', ');
  const reasons = bots.flatMap(({ bot, reason }) => (reason === null ? [] : givenUp(bot, reason)));
  return [line, ...reasons.map((text) => text.replaceAll('\n', '\n  '))].join('\n    ');
}

/** Fails only when all have settled: what is still starting beside a failure would be left behind. */
async function allOrFirstFailure(starts: readonly unknown[]): Promise<void> {
  const failed = (await Promise.allSettled(starts)).find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Accounts whose orders go to the venue: a paper account needs no key and is none of the simulator's. */
function keyedAccounts({ bots }: LoadedConfig): Pick<BotConfig, 'account' | 'positionMode'>[] {
  const sending = [...bots.values()].filter(({ mode }) => mode === 'live');
  // Bots that share an account share its position mode.
  return [...new Map(sending.map((bot) => [bot.account, bot])).values()];
}

function writeSimulatorOptions(
  { root, home }: Context,
  config: LoadedConfig,
  markets: Declarations['markets'],
  ports: Ports,
): string {
  const options: SimulatorOptionsFile = {
    host: '127.0.0.1',
    port: ports.simulator,
    dataDir: join(root, 'data'),
    stateDir: home.simulatorDir,
    speed: config.desk.simulator.speed,
    accounts: keyedAccounts(config).map(({ account, positionMode }) => ({
      account,
      // As a person would set it at the venue: the simulator has no page for that.
      positionMode,
      ...readAccountKeys(home, account),
      balance: config.desk.accounts[account]?.openingBalance ?? '0',
    })),
    markets: [...markets],
    // The default desk lives under the limits that the real venue has.
    limits: 'published',
  };
  const file = join(home.secretsDir, 'simulator-options.json');
  writeAtomic(file, JSON.stringify(options), 0o600);
  return file;
}

/**
 * Backwards: first nobody decides any more, then the bots leave (their orders go with them), then what they need. The
 * workflows stay open in Temporal: the next start takes them up.
 */
async function shutDown(
  { home }: Context,
  { stack, children }: { stack: Stack | null; children: readonly Kept<SupervisedChild>[] },
  log: Log,
): Promise<void> {
  const end = (...names: string[]): Promise<unknown> =>
    Promise.all(children.filter(({ name }) => names.includes(name)).map((kept) => kept.stop()));
  /** What one step could not end must not keep the next ones from ending theirs. */
  const inOrder = async (title: string, work: () => Promise<unknown>): Promise<void> => {
    await step(title, work).catch((error: unknown) => {
      log.error('not ended in order', { title, error: error instanceof Error ? error.message : String(error) });
      console.error(`    ${error instanceof Error ? error.message : String(error)}`);
    });
  };
  if (children.length > 0) await inOrder('workflows rest', () => end('desk-worker', 'console'));
  const bots = runningProcesses(home).filter(isBotRun);
  if (bots.length > 0) {
    await inOrder(`${bots.length} bot${bots.length === 1 ? '' : 's'} off the book`, async () => {
      const ends = await Promise.all(bots.map((bot) => stop(bot, BOT_GRACE_MS, { group: true })));
      for (const bot of bots) removeRunFile(home, bot.name);
      log.info('bots ended', { ends });
      await sleep(SHIP_REST_MS);
    });
  }
  if (children.length > 0) await inOrder('bot host and simulator', () => end('bot-host', 'simulator'));
  if (stack !== null) await inOrder('Temporal and Postgres down', () => stack.stop());
}
