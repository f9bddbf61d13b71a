/** `desk doctor`: what is needed, what runs, and what to do about what is not right. Exit 3 when something is wrong. */
import { accessSync, constants, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import pc from 'picocolors';
import { z } from 'zod';
import { isTrouble } from '../core/bot/reasons.ts';
import { botJournalDir, botRunFile } from '../config/home.ts';
import { ConfigError, loadConfig, type LoadedConfig } from '../config/load.ts';
import type { BotConfig } from '../core/bot/bot-config.ts';
import { SILENT } from '../core/log.ts';
import { createLedger, type Ledger } from '../ledger/ledger.ts';
import { runningDesk } from '../stack/desk-lock.ts';
import { localDatabaseUrl } from '../stack/postgres.ts';
import { isPortFree, readPorts } from '../stack/ports.ts';
import { findTemporalCli } from '../stack/temporal-cli.ts';
import { declaredPorts, readTemporalDev } from '../stack/temporal-dev.ts';
import type { BotWorkflowStatus } from '../workflows/bot/contract.ts';
import { botHostTaskQueue, DESK_TASK_QUEUE } from '../workflows/desk-attributes.ts';
import type { Context } from './context.ts';
import { checkOutput, EXIT } from './exit-codes.ts';
import { freeBytes } from './prepare-home.ts';
import { restartRemedy } from './remedies.ts';
import { askBot, withTemporal } from './temporal-client.ts';

type Finding = { readonly mark: 'ok' | 'note' | 'bad'; readonly text: string; readonly remedy?: string };

const ok = (text: string): Finding => ({ mark: 'ok', text });
const note = (text: string, remedy?: string): Finding => ({
  mark: 'note',
  text,
  ...(remedy !== undefined && { remedy }),
});
const bad = (text: string, remedy: string): Finding => ({ mark: 'bad', text, remedy });

/** Journals are preallocated in segments of 64 MiB, Postgres writes up to half a gigabyte ahead. */
const DISK_FREE_MIN_BYTES = 2 * 1024 ** 3;
const TELEMETRY_AGE_MS_MAX = 15_000;
/** Events that may be on their way into the store at any moment. */
const LAG_EVENTS_MAX = 200;
const TASK_QUEUE_WORKFLOW = 1;
const TASK_QUEUE_ACTIVITY = 2;

export async function doctor(context: Context, output: string): Promise<number> {
  checkOutput(output);
  const sections: [string, Finding[]][] = [];
  const examine = async (title: string, look: () => Promise<Finding[]> | Finding[]): Promise<void> => {
    let findings: Finding[];
    try {
      findings = await look();
    } catch (error) {
      findings = [bad(error instanceof Error ? error.message : String(error), 'see the message')];
    }
    sections.push([title, findings]);
    if (output !== 'text') return;
    console.log(pc.bold(title));
    for (const { mark, text, remedy } of findings) {
      const sign = mark === 'ok' ? pc.green('✓') : mark === 'note' ? pc.yellow('·') : pc.red('✗');
      console.log(`  ${sign} ${text}${remedy === undefined ? '' : `\n      → ${remedy}`}`);
    }
  };
  let config: LoadedConfig | null = null;
  await examine('machine', () => machine(context));
  await examine('configuration', () => {
    try {
      config = loadConfig(context.configDir);
      readTemporalDev(context.stackFile);
      return [
        ok(
          `${config.bots.size} bots, venue ${config.desk.venue.name} (${config.desk.venue.endpoint}), temporal-dev.yml`,
        ),
      ];
    } catch (error) {
      const faults = error instanceof ConfigError ? error.faults : [(error as Error).message];
      return faults.map((fault) => bad(fault, `edit the file in ${context.configDir}`));
    }
  });
  await examine('state', () => state(context));
  const desk = runningDesk(context.home);
  if (desk === null) await examine('desk', () => down(context));
  else if (config !== null) {
    const loaded: LoadedConfig = config;
    await examine('desk', () => [ok(`up, pid ${desk.pid}`)]);
    await examine('Temporal', () => withTemporal(context, (client) => temporal(client, loaded)));
    await examine('event store', () => withLedger(context, (ledger) => eventStore(ledger, loaded, context)));
    if (loaded.desk.venue.endpoint === 'simulator') await examine('exchange simulator', () => simulator(context));
  }
  const wrong = sections.flatMap(([, findings]) => findings).filter(({ mark }) => mark === 'bad').length;
  if (output === 'text')
    console.log(
      wrong === 0 ? pc.green('\nnothing is wrong') : pc.red(`\n${wrong} thing${wrong === 1 ? ' is' : 's are'} wrong`),
    );
  else console.log(JSON.stringify({ v: 1, data: { sections: Object.fromEntries(sections), wrong } }));
  return wrong === 0 ? EXIT.ok : EXIT.unhealthy;
}

async function machine({ root, env }: Context): Promise<Finding[]> {
  const cli = await findTemporalCli({ env, projectRoot: root, log: SILENT });
  return [
    ok(`Node ${process.versions.node} on ${process.platform} ${process.arch}`),
    cli.tooOld
      ? note(
          `temporal ${cli.version} (${cli.source}) is older than 1.9.1: no rehearsals, no tests`,
          'install 1.9.1 or later',
        )
      : ok(`temporal ${cli.version} (${cli.source}: ${cli.path})`),
  ];
}

function state({ home }: Context): Finding[] {
  mkdirSync(home.root, { recursive: true });
  accessSync(home.root, constants.W_OK);
  const free = freeBytes(home.root);
  const findings = [ok(`DESK_HOME ${home.root}`)];
  const gib = `${(free / 1024 ** 3).toFixed(1)} GiB free`;
  findings.push(
    free >= DISK_FREE_MIN_BYTES
      ? ok(gib)
      : bad(
          `only ${gib}`,
          'make room (docs/runbooks/full-disk.md): below 2 GiB journals and databases may stop, and the bots with them',
        ),
  );
  if (existsSync(home.secretsDir)) {
    const open = readdirSync(home.secretsDir).filter(
      (file) => (statSync(join(home.secretsDir, file)).mode & 0o077) !== 0,
    );
    findings.push(
      open.length === 0
        ? ok('keys are readable by their owner only')
        : bad(`readable by others: ${open.join(', ')}`, `chmod 600 ${home.secretsDir}/*`),
    );
  }
  if (existsSync(home.journalsDir)) {
    for (const bot of readdirSync(home.journalsDir, { withFileTypes: true })) {
      if (!bot.isDirectory()) continue;
      const quarantined = readdirSync(join(home.journalsDir, bot.name)).filter((file) => file.endsWith('.quarantined'));
      if (quarantined.length > 0)
        findings.push(
          bad(
            `${bot.name}: damaged journal segments: ${quarantined.join(', ')}`,
            'see docs/runbooks/damaged-journal.md',
          ),
        );
    }
  }
  return findings;
}

async function down({ stackFile, home }: Context): Promise<Finding[]> {
  const ports = declaredPorts(readTemporalDev(stackFile));
  const taken: string[] = [];
  for (const [name, port] of Object.entries(ports)) if (!(await isPortFree(port))) taken.push(`${name} ${port}`);
  return [
    note(`not running (state in ${home.root})`, './desk up'),
    taken.length === 0
      ? ok('its ports are free')
      : note(`taken ports: ${taken.join(', ')}`, 'the desk takes free ones instead and prints them'),
  ];
}

async function temporal(client: Client, { desk, bots }: LoadedConfig): Promise<Finding[]> {
  const findings: Finding[] = [];
  const { workflowService } = client.connection;
  for (const [queue, type] of [
    [DESK_TASK_QUEUE, TASK_QUEUE_WORKFLOW],
    [botHostTaskQueue(desk.host), TASK_QUEUE_ACTIVITY],
  ] as const) {
    const { pollers } = await workflowService.describeTaskQueue({
      namespace: client.options.namespace,
      taskQueue: { name: queue },
      taskQueueType: type,
    });
    findings.push(
      (pollers?.length ?? 0) > 0
        ? ok(`task queue ${queue} has a worker`)
        : bad(`task queue ${queue} has no worker`, 'see its log under DESK_HOME/logs; ./desk up restarts it'),
    );
  }
  return [...findings, ...(await Promise.all([...bots.values()].map((bot) => botFinding(client, bot))))];
}

async function botFinding(client: Client, { bot, mode }: BotConfig): Promise<Finding> {
  if (mode === 'disabled') return ok(`${bot}: disabled`);
  let status: BotWorkflowStatus;
  try {
    status = await askBot(client, bot);
  } catch (error) {
    return error instanceof WorkflowNotFoundError
      ? bad(`${bot}: its workflow does not run`, `./desk bot start ${bot}`)
      : bad(
          `${bot}: its workflow does not answer (${(error as Error).message})`,
          'first put right what is wrong above; then see DESK_HOME/logs/temporal.log and desk-worker.log',
        );
  }
  const { phase, restarts, gaveUp, lastExit } = status;
  if (gaveUp !== null) return bad(`${bot}: given up: ${gaveUp.reason}`, restartRemedy(bot, gaveUp.reason));
  if (phase === 'running') return ok(`${bot}: running${restarts > 0 ? `, ${restarts} restarts` : ''}`);
  if (phase === 'restarting')
    return bad(`${bot}: restarting after: ${lastExit?.detail}`, `see DESK_HOME/logs/bot-${bot}.log`);
  return note(`${bot}: ${phase.replaceAll('_', ' ')}`);
}

async function withLedger(context: Context, look: (ledger: Ledger) => Promise<Finding[]>): Promise<Finding[]> {
  const port = readPorts(context.home)?.postgres;
  const databaseUrl = context.env['DATABASE_URL'] ?? (port === undefined ? null : localDatabaseUrl(context.home, port));
  if (databaseUrl === null) return [bad('no database is known', './desk up')];
  const ledger = createLedger({ databaseUrl, migrationsDir: join(context.root, 'ledger', 'migrations'), log: SILENT });
  try {
    return await look(ledger);
  } finally {
    await ledger.close();
  }
}

const BotSnapshotReason = z.looseObject({ reason: z.string() });

async function eventStore({ reads }: Ledger, { bots }: LoadedConfig, { home }: Context): Promise<Finding[]> {
  const snapshots = new Map((await reads.latestSnapshots()).map((snapshot) => [snapshot.bot, snapshot]));
  const findings: Finding[] = [];
  for (const { bot, mode } of bots.values()) {
    if (mode === 'disabled') continue;
    const ageMs = Date.now() - (snapshots.get(bot)?.atMs ?? 0);
    const {
      sourceEventSequence: source,
      storedEvents: stored,
      missingEvents: missing,
    } = await reads.sourceVersusStored({
      bot,
      journalDir: botJournalDir(home, bot),
    });
    const snapshot = BotSnapshotReason.safeParse(snapshots.get(bot)?.payload);
    const reason = snapshot.success ? snapshot.data.reason : '';
    const told = `${bot}: ${stored} of ${source} events stored, last telemetry ${snapshots.has(bot) ? `${Math.round(ageMs / 1_000)} s ago` : 'never'}`;
    const isOld = ageMs > TELEMETRY_AGE_MS_MAX;
    const log = `DESK_HOME/logs/bot-${bot}.log`;
    // A bot that left in order has taken its run file along.
    if (isOld && !existsSync(botRunFile(home, bot))) findings.push(note(`${told}; it does not run`));
    else if (isOld) findings.push(bad(told, `see ${log} and bot-host.log`));
    else if (isTrouble(reason)) findings.push(bad(`${bot}: not quoting: ${reason.replaceAll('_', ' ')}`, `see ${log}`));
    else
      findings.push(
        missing <= LAG_EVENTS_MAX ? ok(told) : bad(told, 'the shipper is behind: see DESK_HOME/logs/bot-host.log'),
      );
  }
  return findings;
}

async function simulator({ home }: Context): Promise<Finding[]> {
  const port = readPorts(home)?.simulator;
  const answer = await fetch(`http://127.0.0.1:${port}/simulator/status`, { signal: AbortSignal.timeout(2_000) });
  const { symbols } = (await answer.json()) as {
    symbols: Record<string, { lap: number; origin: string; sources: { venue: string }[] }>;
  };
  return Object.entries(symbols).map(([symbol, { lap, origin, sources }]) =>
    ok(`${symbol}: ${sources[0]?.venue ?? 'unknown source'}; lap ${lap + 1} is ${origin}`),
  );
}
