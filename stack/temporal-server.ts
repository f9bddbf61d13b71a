/** Runs the Temporal dev server as `temporal-dev.yml` declares it, on a database file that outlives it. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import type { Log } from '../core/log.ts';
import type { DeskHome } from '../config/home.ts';
import { isPortFree, type Ports } from './ports.ts';
import type { LoggedChild, ProcessIdentity } from './process.ts';
import { childFailure, logTail, spawnLogged, stop, whenGone, whenLogged } from './process.ts';
import { temporalRemedy, withRemedy } from './remedies.ts';
import type { RunFile } from './run-files.ts';
import { readRunFile, removeRunFile, writeRunFile } from './run-files.ts';
import type { Service } from './supervise.ts';
import type { TemporalCli } from './temporal-cli.ts';
import type { SearchAttributeTypeName, TemporalDev } from './temporal-dev.ts';

export interface TemporalServer extends Service {
  readonly identity: ProcessIdentity;
  /** host:port of gRPC. */
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string;
  /** True when it was left behind by an earlier desk and answered for itself. */
  readonly adopted: boolean;
}

export interface TemporalServerOptions {
  readonly home: DeskHome;
  readonly cli: TemporalCli;
  readonly declaration: TemporalDev;
  readonly ports: Pick<Ports, 'temporal' | 'temporalUi' | 'temporalMetrics'>;
  readonly log: Log;
}

/** Its name among the run files and services. */
export const TEMPORAL_NAME = 'temporal';

const START_TIMEOUT_MS = 60_000;
const START_ATTEMPTS_MAX = 3;
const ADOPT_TIMEOUT_MS = 5_000;
/** It takes up to 3 s to leave after SIGTERM; its database survives SIGKILL. */
const STOP_GRACE_MS = 5_000;
const ATTRIBUTE_TIMEOUT_MS = 15_000;
/** Of the calls after the connection; longer than `ATTRIBUTE_TIMEOUT_MS`, which they contain. */
const ANSWER_TIMEOUT_MS = 20_000;

/** `IndexedValueType` of the API. */
const ATTRIBUTE_TYPE: Record<SearchAttributeTypeName, number> = {
  Text: 1,
  Keyword: 2,
  Int: 3,
  Double: 4,
  Bool: 5,
  Datetime: 6,
  KeywordList: 7,
};

/** The ports of a server that an earlier desk left running, so that they are not taken for somebody else's. */
export function leftTemporalPorts(home: DeskHome): Partial<Ports> {
  const left = readRunFile(home, TEMPORAL_NAME);
  if (left === null) return {};
  const { temporal, temporalUi, temporalMetrics } = left.details;
  if (typeof temporal !== 'number' || typeof temporalUi !== 'number' || typeof temporalMetrics !== 'number') return {};
  return { temporal, temporalUi, temporalMetrics };
}

/**
 * Resolves when the server answers, has the namespace and knows every declared search attribute. Rejects with its last log
 * lines when it ends early. Two servers never share the database file: one left behind is adopted when it was started just
 * so, and ended otherwise.
 */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const { home, cli, declaration, ports } = options;
  const flags = renderServerFlags({ declaration, ports, dbFile: home.temporalDb, cli });
  const flagsHash = createHash('sha256')
    .update([cli.path, cli.version, ...flags].join('\0'))
    .digest('hex');
  const left = readRunFile(home, TEMPORAL_NAME);
  if (left !== null) {
    const adopted = await adopt(left, flagsHash, options);
    if (adopted !== null) return adopted;
  }
  mkdirSync(dirname(home.temporalDb), { recursive: true });
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launch(options, flags, flagsHash);
    } catch (error) {
      // For its inner services the server picks free ports itself, and somebody may take one before it does.
      const lostRace = /address already in use/.test((error as Error).message) && (await areFree(Object.values(ports)));
      if (!lostRace || attempt === START_ATTEMPTS_MAX) throw error;
      options.log.warn('Temporal lost a race for one of its inner ports, starting it again', { attempt });
    }
  }
}

async function areFree(ports: readonly number[]): Promise<boolean> {
  return (await Promise.all(ports.map(isPortFree))).every(Boolean);
}

async function launch(
  options: TemporalServerOptions,
  flags: readonly string[],
  flagsHash: string,
): Promise<TemporalServer> {
  const { home, cli, ports } = options;
  const logFile = join(home.logsDir, 'temporal.log');
  const args = ['server', 'start-dev', ...flags];
  const env = serverEnv();
  const child = await spawnLogged({
    name: TEMPORAL_NAME,
    command: cli.path,
    args,
    env,
    cwd: dirname(home.temporalDb),
    logFile,
  });
  writeRunFile(home, { name: TEMPORAL_NAME, ...child.identity, details: { ...ports, flagsHash } });
  void child.exited.then(() => removeRunFile(home, TEMPORAL_NAME));
  const end = async () => void (await stop(child.identity, STOP_GRACE_MS, { group: true }), await child.exited);
  try {
    // Our child prints this only once it serves. An answer on the port could be someone else's.
    await whenLogged(TEMPORAL_NAME, child, (line) => /^Temporal Server:\s/.test(line), START_TIMEOUT_MS);
    await untilServing(options, child);
  } catch (error) {
    await end();
    const remedy = temporalRemedy(logTail(child.logFile, child.logStart), home);
    throw remedy === null ? error : withRemedy(error as Error, remedy);
  }
  return { ...describe(options), identity: child.identity, adopted: false, exited: child.exited, stop: end };
}

/** The flags of `temporal server start-dev` after those two words. */
export function renderServerFlags({
  declaration,
  ports,
  dbFile,
  cli,
}: {
  declaration: TemporalDev;
  ports: TemporalServerOptions['ports'];
  dbFile: string;
  cli: Pick<TemporalCli, 'tooOld'>;
}): string[] {
  const { ip, namespace, sqlite, searchAttributes, dynamicConfig } = declaration.temporal;
  const pairs = (flag: string, values: object) =>
    Object.entries(values).flatMap(([key, value]) => [flag, `${key}=${String(value)}`]);
  const json = Object.fromEntries(Object.entries(dynamicConfig).map(([key, value]) => [key, JSON.stringify(value)]));
  return [
    ...['--ip', ip, '--port', String(ports.temporal), '--ui-port', String(ports.temporalUi)],
    ...['--metrics-port', String(ports.temporalMetrics), '--namespace', namespace],
    ...['--db-filename', dbFile, '--log-level', 'warn', '--log-format', 'json'],
    ...pairs('--sqlite-pragma', sqlite),
    ...pairs('--search-attribute', searchAttributes),
    ...pairs('--dynamic-config-value', json),
    // The UI asks nobody outside. An older CLI does not know the flag.
    ...(cli.tooOld ? [] : ['--ui-disable-news-fetch']),
  ];
}

/** Makes the declared attributes that `namespace` lacks: the server's own flag is ignored for a namespace it finds. */
export async function ensureSearchAttributes(
  connection: Connection,
  namespace: string,
  declared: TemporalDev['temporal']['searchAttributes'],
): Promise<string[]> {
  const list = async (): Promise<Record<string, number>> =>
    (await connection.operatorService.listSearchAttributes({ namespace })).customAttributes;
  const known = await list();
  const wanted = Object.entries(declared);
  const wrong = wanted.filter(([name, type]) => name in known && known[name] !== ATTRIBUTE_TYPE[type]);
  if (wrong.length > 0) {
    const names = wrong.map(([name, type]) => `${name} is not ${type}`).join(', ');
    throw new Error(
      `search attributes of another type exist in this Temporal database: ${names}; declare them as they are`,
    );
  }
  const missing = wanted.filter(([name]) => !(name in known));
  if (missing.length === 0) return [];
  const searchAttributes = Object.fromEntries(missing.map(([name, type]) => [name, ATTRIBUTE_TYPE[type]]));
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  const deadline = performance.now() + ATTRIBUTE_TIMEOUT_MS;
  for (let now = await list(); missing.some(([name]) => !(name in now)); now = await list()) {
    if (performance.now() > deadline) throw new Error(`search attributes did not appear in namespace ${namespace}`);
    await sleep(100);
  }
  return missing.map(([name]) => name);
}

async function adopt(left: RunFile, flagsHash: string, options: TemporalServerOptions): Promise<TemporalServer | null> {
  const { log } = options;
  const identity: ProcessIdentity = { pid: left.pid, startMark: left.startMark };
  const end = async () => {
    await stop(identity, STOP_GRACE_MS, { group: true });
    removeRunFile(options.home, TEMPORAL_NAME);
  };
  const sameFlags = left.details['flagsHash'] === flagsHash;
  const answers =
    sameFlags &&
    (await untilServing(options, null, ADOPT_TIMEOUT_MS).then(
      () => true,
      () => false,
    ));
  if (answers) {
    log.info('adopted the Temporal server that an earlier desk left running', { pid: left.pid });
    return { ...describe(options), identity, adopted: true, exited: whenGone(identity), stop: end };
  }
  const why = sameFlags ? 'it does not answer' : 'it was started differently';
  log.warn('ending the Temporal server that an earlier desk left running', { pid: left.pid, why });
  await end();
  return null;
}

function describe({
  declaration,
  ports,
}: TemporalServerOptions): Pick<TemporalServer, 'address' | 'namespace' | 'uiUrl'> {
  const { ip, namespace } = declaration.temporal;
  const host = ip.includes(':') ? `[${ip}]` : ip;
  return { address: `${host}:${ports.temporal}`, namespace, uiUrl: `http://${host}:${ports.temporalUi}` };
}

async function untilServing(
  options: TemporalServerOptions,
  child: LoggedChild | null,
  timeoutMs = START_TIMEOUT_MS,
): Promise<void> {
  const { declaration, log } = options;
  const { address, namespace } = describe(options);
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (child !== null && child.ended() !== null) throw childFailure(TEMPORAL_NAME, 'ended at start', child);
    let connection: Connection | null = null;
    try {
      connection = await Connection.connect({ address, connectTimeout: 2_000 });
      const serving = connection;
      const added = await serving.withDeadline(Date.now() + ANSWER_TIMEOUT_MS, async () => {
        await serving.workflowService.describeNamespace({ namespace });
        return ensureSearchAttributes(serving, namespace, declaration.temporal.searchAttributes);
      });
      if (added.length > 0) log.info('added search attributes to the Temporal database', { added });
      return;
    } catch (error) {
      if ((error as Error).message.startsWith('search attributes')) throw error;
      if (performance.now() > deadline) {
        throw new Error(`the Temporal server at ${address} does not answer: ${(error as Error).message}`, {
          cause: error,
        });
      }
    } finally {
      await connection?.close();
    }
    await sleep(100);
  }
}

/** The server takes its orders from its flags alone: a client variable of the user's shell must not change them. */
function serverEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}
