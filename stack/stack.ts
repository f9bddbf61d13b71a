/**
 * The local stack as a whole: Temporal and Postgres, each our own or the one that the environment names, on ports that are
 * free, kept running for as long as the desk runs.
 */
import { mkdirSync } from 'node:fs';
import type { Log } from '../core/log.ts';
import type { DeskHome } from '../config/home.ts';
import type { MovedPort, Ports } from './ports.ts';
import { choosePorts, writePorts } from './ports.ts';
import type { Postgres } from './postgres.ts';
import { externalPostgres, leftPostgres, postgresSettings, startPostgres, stopPostgres } from './postgres.ts';
import { stop } from './process.ts';
import type { RunFile } from './run-files.ts';
import { isBotRun, readRunFile, removeRunFile, runningProcesses } from './run-files.ts';
import type { Kept } from './supervise.ts';
import { keepRunning } from './supervise.ts';
import type { TemporalCli } from './temporal-cli.ts';
import { findTemporalCli } from './temporal-cli.ts';
import type { TemporalTarget } from './temporal-connection.ts';
import { temporalConnection } from './temporal-connection.ts';
import { declaredPorts } from './temporal-dev.ts';
import type { TemporalDev } from './temporal-dev.ts';
import type { TemporalServer } from './temporal-server.ts';
import { TEMPORAL_NAME, leftTemporalPorts, startTemporalServer } from './temporal-server.ts';

export interface StackOptions {
  readonly home: DeskHome;
  readonly projectRoot: string;
  /** Read: what `findTemporalCli`, `temporalConnection` and `externalPostgres` read. */
  readonly env: NodeJS.ProcessEnv;
  readonly declaration: TemporalDev;
  readonly log: Log;
}

export interface Stack {
  readonly ports: Ports;
  /** Ports that are not the declared ones, because those were taken. */
  readonly moved: readonly MovedPort[];
  readonly temporal: TemporalTarget;
  /** The web UI of our own server; null for a cluster that the environment names. */
  readonly temporalUiUrl: string | null;
  /** Null for a cluster that the environment names, when there is no CLI: nothing but commands for people needs it then. */
  readonly cli: TemporalCli | null;
  readonly databaseUrl: string;
  /** Our own services, for status pages; null for what the environment names. */
  readonly services: { readonly temporal: Kept<TemporalServer> | null; readonly postgres: Kept<Postgres> | null };
  /** Ends what is ours. Resolves when the processes are gone. */
  stop(): Promise<void>;
}

const CHILD_GRACE_MS = 5_000;

/** Resolves when both answer, with `ports.json` written. When one fails the other is ended again. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { home, env, declaration, log } = options;
  mkdirSync(home.root, { recursive: true });
  const cluster = temporalConnection(env);
  const database = await externalPostgres(env);
  const cli = await findCli(options, cluster);
  const left = leftPostgres(home)?.port ?? null;
  // What an earlier desk left listening is ours: its successor takes the same port, which everybody still knows.
  const held = {
    ...leftTemporalPorts(home),
    ...(left !== null && { postgres: left }),
    ...leftPort(home, 'console'),
    ...leftPort(home, 'simulator'),
  };
  const chosen = await choosePorts(declaredPorts(declaration), held);

  const [temporal, postgres] = await Promise.allSettled([
    cluster !== null || cli === null ? null : keepTemporal(options, cli, chosen.ports),
    database !== null ? null : keepPostgres(options, chosen.ports.postgres),
  ]);
  if (temporal.status === 'rejected' || postgres.status === 'rejected') {
    for (const started of [temporal, postgres]) if (started.status === 'fulfilled') await started.value?.stop();
    const reasons = [temporal, postgres].flatMap((each) => (each.status === 'rejected' ? [each.reason as Error] : []));
    throw new Error(reasons.map((reason) => reason.message).join('\n'), { cause: reasons[0] });
  }
  const services = { temporal: temporal.value, postgres: postgres.value };
  const running = services.postgres?.current() ?? database;
  const server = services.temporal?.current() ?? null;
  const target = cluster ?? (server && { ...server, connectionOptions: { address: server.address } });
  if (running === null || target === null) {
    await Promise.all([services.temporal?.stop(), services.postgres?.stop()]);
    throw new Error('a service of the local stack ended right after its start: see the logs directory of DESK_HOME');
  }
  const ports = database === null ? { ...chosen.ports, postgres: running.port } : chosen.ports;
  writePorts(home, ports);
  for (const { name, wanted, got } of chosen.moved) log.warn('a port is taken, using another', { name, wanted, got });
  const { address, namespace, connectionOptions } = target;
  return {
    ports,
    moved: chosen.moved,
    temporal: { address, namespace, connectionOptions },
    temporalUiUrl: server?.uiUrl ?? null,
    cli,
    databaseUrl: running.databaseUrl,
    services,
    async stop() {
      await Promise.all([services.temporal?.stop(), services.postgres?.stop()]);
    },
  };
}

/** Ends every process of a desk whose supervisor is gone: our programs first, then the servers they use. Returns how many. */
export async function stopLeftBehind({ home, log }: Pick<StackOptions, 'home' | 'log'>): Promise<number> {
  const left = runningProcesses(home);
  const postgres = leftPostgres(home);
  const tell = (name: string, pid: number) => log.info('ending a process that was left behind', { name, pid });
  const endAll = (entries: readonly RunFile[]) =>
    Promise.all(
      entries.map(async (entry) => {
        tell(entry.name, entry.pid);
        await stop(entry, CHILD_GRACE_MS, { group: true });
        removeRunFile(home, entry.name);
      }),
    );
  // First whoever would start a bot again, then the bots, whose cancels need the exchange, then the rest.
  const isDecider = ({ name }: RunFile): boolean => name === 'desk-worker';
  await endAll(left.filter(isDecider));
  await endAll(left.filter(isBotRun));
  await endAll(left.filter((entry) => !isBotRun(entry) && !isDecider(entry) && entry.name !== TEMPORAL_NAME));
  if (postgres !== null) tell('postgres', postgres.identity.pid);
  await Promise.all([
    endAll(left.filter(({ name }) => name === TEMPORAL_NAME)),
    postgres === null ? null : stopPostgres(postgres.identity),
  ]);
  return left.length + (postgres === null ? 0 : 1);
}

function leftPort(home: DeskHome, name: 'console' | 'simulator'): Partial<Ports> {
  const port = readRunFile(home, name)?.details['port'];
  return typeof port === 'number' ? { [name]: port } : {};
}

async function findCli(options: StackOptions, cluster: TemporalTarget | null): Promise<TemporalCli | null> {
  if (cluster === null) return findTemporalCli(options);
  // Another's cluster needs no server of ours, so nothing is downloaded for it either.
  const env = { ...options.env, DESK_OFFLINE: '1' };
  return findTemporalCli({ ...options, env }).catch(() => null);
}

function keepTemporal(options: StackOptions, cli: TemporalCli, ports: Ports): Promise<Kept<TemporalServer>> {
  return keepRunning({
    name: 'temporal',
    log: options.log,
    start: () => startTemporalServer({ ...options, cli, ports }),
  });
}

/** Started again it keeps the port of its first start, which everyone has been told. */
function keepPostgres({ home, declaration, log }: StackOptions, wanted: number): Promise<Kept<Postgres>> {
  const settings = postgresSettings(declaration);
  let known: number | null = null;
  async function start(): Promise<Postgres> {
    const port = known ?? wanted;
    const started = await startPostgres({ home, port, samePort: known !== null, settings, log });
    known = started.port;
    return started;
  }
  return keepRunning({ name: 'postgres', log, start });
}
