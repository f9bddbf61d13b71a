/**
 * The desk's own Postgres. States: none -> starting -> ready -> ended. A postmaster outlives a killed desk; the next start
 * finds it by its pid file and adopts it, but only once it has answered SQL with our password and named our data directory:
 * a pid proves nothing, for numbers are used again. Two never run over the same data.
 */
import { readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Log } from '../core/log.ts';
import type { DeskHome } from '../config/home.ts';
import { waitForLock } from './lock-file.ts';
import { freePort, isPortFree } from './ports.ts';
import type { Cluster, Secret } from './postgres-cluster.ts';
import { dataDirOf, ensureCluster, postgresEnv, prepareDirs, readSecret } from './postgres-cluster.ts';
import type { PostgresBinaries, PostgresRunner } from './postgres-os.ts';
import { postgresBinaries, postgresRunner } from './postgres-os.ts';
import type { ExitReport, LoggedChild, ProcessIdentity } from './process.ts';
import {
  childFailure,
  describeExit,
  goneWithin,
  isAlive,
  logTail,
  processIdentity,
  spawnLogged,
  stop,
  whenGone,
} from './process.ts';
import { databaseRemedy, withRemedy } from './remedies.ts';
import type { Service } from './supervise.ts';
import type { PostgresSettings, TemporalDev } from './temporal-dev.ts';

export interface Postgres extends Service {
  readonly databaseUrl: string;
  readonly port: number;
  /** Null for a database that is not ours to run. */
  readonly identity: ProcessIdentity | null;
  /** True when it was left behind by an earlier desk and answered for itself. */
  readonly adopted: boolean;
}

export interface PostgresOptions {
  readonly home: DeskHome;
  /** Where to listen; 0 is any free port. An adopted server keeps its own. */
  readonly port: number;
  /** True: fail when `port` is taken, for its clients know it already. Otherwise a free one is taken instead. */
  readonly samePort?: boolean;
  readonly settings: PostgresSettings & { readonly max_connections: number };
  readonly log: Log;
}

const DATABASE = 'desk';
const LOCK_TIMEOUT_MS = 120_000;
/** Replaying the log of a killed server takes seconds; of a very busy one, minutes. */
const READY_TIMEOUT_MS = 180_000;
/** How long the processes of a killed postmaster may take to notice and to let go of its memory. */
const LETTING_GO_MS = 15_000;
const FAST_STOP_MS = 5_000;
const IMMEDIATE_STOP_MS = 2_000;
const POLL_MS = 50;

/** The settings of `startPostgres` from the declaration. */
export function postgresSettings({ postgres }: TemporalDev): PostgresOptions['settings'] {
  return { ...postgres.settings, max_connections: postgres.maxConnections };
}

/** The database that DATABASE_URL names, proved to answer; null when it names none. */
export async function externalPostgres(env: NodeJS.ProcessEnv): Promise<Postgres | null> {
  const databaseUrl = env['DATABASE_URL'] ?? '';
  if (databaseUrl === '') return null;
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : null;
  if (url === null || !['postgres:', 'postgresql:'].includes(url.protocol)) {
    throw new Error('DATABASE_URL: expected postgres://user:password@host:port/database');
  }
  const shown = `${url.hostname}:${url.port || '5432'}${url.pathname}`;
  try {
    await query({ connectionString: databaseUrl }, 'SELECT 1');
  } catch (error) {
    throw new Error(`DATABASE_URL: no answer from ${shown}: ${(error as Error).message}`, { cause: error });
  }
  const port = Number(url.port || 5432);
  return {
    databaseUrl,
    port,
    identity: null,
    adopted: false,
    exited: new Promise<ExitReport>(() => {}),
    stop: async () => {},
  };
}

/** Resolves when the database answers SQL. Rejects with what to do, or with the server's last log lines. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { home, log } = options;
  const binaries = await postgresBinaries();
  const release = await waitForLock(join(home.runDir, 'postgres-start.lock'), 'starting Postgres', LOCK_TIMEOUT_MS);
  try {
    // Asked before anything is made below it: as root the home itself may be closed to the database's user.
    const runner = await postgresRunner([binaries.postgres, binaries.initdb, home.root], log);
    prepareDirs(home, runner);
    const adopted = await adoptLeftBehind(home, log);
    if (adopted !== null) return adopted;
    const cluster = await ensureCluster(home, binaries, runner, log);
    return await launch(options, cluster, binaries, runner);
  } finally {
    release();
  }
}

/** The server that runs over this home's data, whoever started it; its port is null while it has none yet. */
export function leftPostgres(home: DeskHome): { identity: ProcessIdentity; port: number | null } | null {
  const pidFile = readPidFile(dataDirOf(home));
  if (pidFile === null) return null;
  const identity = processIdentity(pidFile.pid);
  return identity !== null && isPostmasterOver(pidFile.pid, dataDirOf(home)) ? { identity, port: pidFile.port } : null;
}

/** Fast, then immediate, then by force; each keeps what was acknowledged, and the later ones cost a replay at the next start. */
export async function stopPostgres(identity: ProcessIdentity): Promise<void> {
  if (!isAlive(identity)) return;
  process.kill(identity.pid, 'SIGINT');
  if (await goneWithin(identity, FAST_STOP_MS)) return;
  await stop(identity, IMMEDIATE_STOP_MS, { signal: 'SIGQUIT' });
}

async function adoptLeftBehind(home: DeskHome, log: Log): Promise<Postgres | null> {
  const dataDir = dataDirOf(home);
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (let told = false; ;) {
    const pidFile = readPidFile(dataDir);
    if (pidFile === null) return null;
    const identity = processIdentity(pidFile.pid);
    if (identity === null) {
      // It died. Postgres clears its pid file by itself, unless a zombie still has the number.
      if (answersSignals(pidFile.pid)) disownPidFile(dataDir);
      return null;
    }
    if (!isPostmasterOver(pidFile.pid, dataDir)) {
      log.warn('the Postgres pid file names a process that is none of ours: clearing it', { pid: pidFile.pid });
      rmSync(join(dataDir, 'postmaster.pid'), { force: true });
      return null;
    }
    const secret = readSecret(home);
    if (secret === null) {
      throw new Error(
        `Postgres (process ${pidFile.pid}) runs over ${dataDir} and its password file is missing: end it with ` +
          `kill -INT ${pidFile.pid} and start again; a new password is set then`,
      );
    }
    const cluster = { dataDir, secret };
    const answer = pidFile.port === null ? 'starting' : await ask(cluster, pidFile.port);
    if (answer === 'ours' && pidFile.port !== null && isAlive(identity)) {
      log.info('adopted the Postgres that an earlier desk left running', { pid: pidFile.pid, port: pidFile.port });
      await ensureDatabase(cluster, pidFile.port);
      return service(cluster, pidFile.port, identity, true, whenGone(identity));
    }
    if (answer === 'refused') {
      throw new Error(
        `Postgres (process ${pidFile.pid}) over ${dataDir} refuses our password: kill -INT ${pidFile.pid}`,
      );
    }
    if (performance.now() > deadline) {
      throw new Error(
        `Postgres (process ${pidFile.pid}) runs over ${dataDir} and does not answer: kill -INT ${pidFile.pid}`,
      );
    }
    if (!told) log.info('waiting for the Postgres that an earlier desk left behind', { pid: pidFile.pid });
    told = true;
    await sleep(POLL_MS);
  }
}

async function launch(
  { home, port: wanted, samePort = false, settings, log }: PostgresOptions,
  cluster: Cluster,
  binaries: PostgresBinaries,
  runner: PostgresRunner,
): Promise<Postgres> {
  const letGoBy = performance.now() + LETTING_GO_MS;
  for (;;) {
    const port = samePort || (wanted !== 0 && (await isPortFree(wanted))) ? wanted : await freePort();
    if (wanted !== 0 && port !== wanted) log.warn('the Postgres port is taken', { wanted, got: port });
    const child = await spawnPostmaster(home, port, settings, cluster, binaries, runner);
    const failure = await untilReady(cluster, port, child);
    if (failure === null) {
      await ensureDatabase(cluster, port);
      return service(cluster, port, child.identity, false, child.exited);
    }
    const said = logTail(child.logFile, child.logStart);
    const lettingGo = said.includes('pre-existing shared memory block') && performance.now() < letGoBy;
    const portLost = !samePort && said.includes('could not bind') && performance.now() < letGoBy;
    if (!lettingGo && !portLost) throw withRemedy(failure, databaseRemedy(said, home));
    await sleep(POLL_MS * 4);
  }
}

function spawnPostmaster(
  home: DeskHome,
  port: number,
  settings: PostgresOptions['settings'],
  { dataDir }: Cluster,
  { postgres }: PostgresBinaries,
  runner: PostgresRunner,
): Promise<LoggedChild> {
  const fixed = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
  };
  const flags = Object.entries({ ...fixed, ...settings }).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const logFile = join(home.logsDir, 'postgres.log');
  const as = runner.spawn(postgres, ['-D', dataDir, '-p', String(port), ...flags]);
  return spawnLogged({ name: 'Postgres', ...as, env: postgresEnv(), cwd: '/', logFile });
}

/** Null once it answers for itself; otherwise why it never will. The child is gone by then. */
async function untilReady(cluster: Cluster, port: number, child: LoggedChild): Promise<Error | null> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const over = child.ended();
    if (over !== null) return childFailure('Postgres', `ended at start (${describeExit(over)})`, child);
    // Its own word first: until then somebody else may listen on this port.
    const pidFile = readPidFile(cluster.dataDir);
    const ready = pidFile !== null && pidFile.pid === child.identity.pid && pidFile.ready;
    const answer = ready ? await ask(cluster, port) : 'starting';
    if (answer === 'ours' && child.ended() === null) return null;
    if (answer === 'broken') {
      await stopPostgres(child.identity);
      return childFailure('Postgres', 'started over damaged files', child);
    }
    if (performance.now() > deadline) {
      await stopPostgres(child.identity);
      return childFailure('Postgres', `did not answer within ${READY_TIMEOUT_MS / 1000} s`, child);
    }
    await sleep(POLL_MS);
  }
}

function urlOf({ user, password }: Secret, port: number): string {
  return `postgres://${user}:${password}@127.0.0.1:${port}/${DATABASE}`;
}

/** Where the database of a running desk is, for another process of its owner; null before the first start. */
export function localDatabaseUrl(home: DeskHome, port: number): string | null {
  const secret = readSecret(home);
  return secret === null ? null : urlOf(secret, port);
}

function service(
  cluster: Cluster,
  port: number,
  identity: ProcessIdentity,
  adopted: boolean,
  exited: Promise<ExitReport>,
): Postgres {
  return {
    databaseUrl: urlOf(cluster.secret, port),
    port,
    identity,
    adopted,
    exited,
    stop: () => stopPostgres(identity),
  };
}

/** `broken`: it speaks, and what it says is that its files are not in order. */
type Answer = 'ours' | 'starting' | 'silent' | 'refused' | 'another' | 'broken';

/** Asks whoever listens on `port` which data it serves. */
async function ask({ dataDir, secret }: Cluster, port: number): Promise<Answer> {
  try {
    const rows = await query({ ...secret, host: '127.0.0.1', port, database: 'postgres' }, 'SHOW data_directory');
    const served = (rows[0] as { data_directory?: string } | undefined)?.data_directory;
    return served !== undefined && realpathSync(served) === realpathSync(dataDir) ? 'ours' : 'another';
  } catch (error) {
    switch ((error as { code?: string }).code) {
      case '57P03': // cannot_connect_now: starting up, replaying its log or shutting down
        return 'starting';
      case '28P01': // invalid_password
      case '28000': // invalid_authorization_specification
        return 'refused';
      case '3D000': // invalid_catalog_name: the database `postgres` is in every cluster
      case '58P01': // undefined_file
      case 'XX001': // data_corrupted
      case 'XX002': // index_corrupted
        return 'broken';
      default:
        return 'silent';
    }
  }
}

async function ensureDatabase({ secret }: Cluster, port: number): Promise<void> {
  const server = { ...secret, host: '127.0.0.1', port, database: 'postgres' };
  const found = await query(server, `SELECT 1 FROM pg_database WHERE datname = '${DATABASE}'`);
  if (found.length === 0) await query(server, `CREATE DATABASE ${DATABASE}`);
}

async function query(config: pg.ClientConfig, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ ...config, connectionTimeoutMillis: 3_000, query_timeout: 10_000 });
  // A server that goes away in between is reported by the query; without a listener it would end this process.
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.query(sql)).rows as unknown[];
  } finally {
    await client.end().catch(() => {});
  }
}

/** postmaster.pid: pid, data directory, start time, port, socket directory, address, shared memory, status. */
export function readPidFile(dataDir: string): { pid: number; port: number | null; ready: boolean } | null {
  let text: string;
  try {
    text = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return null;
  return { pid, port: Number.isSafeInteger(port) && port > 0 ? port : null, ready: lines[7]?.trim() === 'ready' };
}

/** Above the largest that Linux gives, 2^22. */
const NOBODYS_PID = 4_194_305;

/**
 * Postgres takes a zombie that nobody reaps for a running server. Only the number goes: the rest of the file tells a new
 * server of shared memory that an orphan of the old one may still use, and it refuses to start beside that.
 */
function disownPidFile(dataDir: string): void {
  const file = join(dataDir, 'postmaster.pid');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace(/^\d+/, String(NOBODYS_PID)));
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The process's own command line says that it is a Postgres over this directory. A recycled pid does not. */
function isPostmasterOver(pid: number, dataDir: string): boolean {
  try {
    const line =
      process.platform === 'linux'
        ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        : execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    return line.includes('postgres') && line.includes(`-D ${dataDir} `);
  } catch {
    return false; // it ended while we looked
  }
}
