/**
 * A server over a copy of a data folder, for as long as somebody looks at it. Nobody else reaches it: it listens on no network,
 * only on a socket in a folder of its own that no other user may enter. So it asks for no password either, and a backup can be
 * tried whose password nobody knows any more.
 */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { DeskHome } from '../config/home.ts';
import type { Log } from '../core/log.ts';
import { readPidFile, stopPostgres } from './postgres.ts';
import { postgresEnv, prepareDirs } from './postgres-cluster.ts';
import { postgresBinaries, postgresRunner, type PostgresRunner } from './postgres-os.ts';
import { childFailure, describeExit, processIdentity, spawnLogged, type LoggedChild } from './process.ts';

const COPY_PREFIX = 'copy-';
const POLL_MS = 50;
/** Recovery replays the log of the backup: seconds, minutes for a very busy server. */
const READY_TIMEOUT_MS = 600_000;

/** The user that a copied data folder has to belong to before a server takes it; null when that is us. */
export async function postgresOwner(home: DeskHome, log: Log): Promise<PostgresRunner['owner']> {
  return (await copyRunner(home, log)).runner.owner;
}

/** Of this process, so that two at once have a folder each. */
let copies = 0;

/**
 * A folder for a data folder, on the disk and behind the paths that the desk's own has. Removed by `remove`; what a killed
 * process left of earlier ones is removed here, and a server that still runs over it ends when it misses its files.
 */
export async function copyFolder(home: DeskHome): Promise<{ dir: string; remove: () => Promise<void> }> {
  mkdirSync(home.postgresDir, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(home.postgresDir)) {
    const owner = new RegExp(`^${COPY_PREFIX}(\\d+)`).exec(name);
    if (owner !== null && processIdentity(Number(owner[1])) === null)
      await rm(join(home.postgresDir, name), { recursive: true, force: true });
  }
  copies += 1;
  const dir = join(home.postgresDir, `${COPY_PREFIX}${process.pid}-${copies}`);
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}

/** `CopyServer` of `ledger/backup/verify.ts`. */
export function copyServer(home: DeskHome, log: Log) {
  return {
    owner: () => postgresOwner(home, log),
    folder: () => copyFolder(home),
    withServer: <T>(options: Omit<CopyOptions, 'home' | 'log'>, work: (client: pg.Client) => Promise<T>): Promise<T> =>
      withServerOver({ home, ...options, log }, work),
  };
}

interface CopyOptions {
  readonly home: DeskHome;
  readonly dataDir: string;
  readonly user: string;
  readonly database: string;
  readonly log: Log;
  /** Stops the server, whatever it does. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts a server over `dataDir`, waits until it has recovered, gives `work` a connection, and stops it whatever happens.
 * Rejects with the server's last words when it does not come up.
 */
export async function withServerOver<T>(
  { home, dataDir, user, database, log, signal }: CopyOptions,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const { postgres, runner } = await copyRunner(home, log);
  const socketDir = mkdtempSync(join(tmpdir(), 'desk-copy-'));
  const rules = join(socketDir, 'pg_hba.conf');
  let child: LoggedChild | null = null;
  try {
    writeFileSync(rules, 'local all all trust\n', { mode: 0o600 });
    chmodSync(socketDir, 0o700);
    for (const path of runner.owner === null ? [] : [socketDir, rules])
      chownSync(path, runner.owner!.uid, runner.owner!.gid);
    const settings = {
      listen_addresses: '',
      unix_socket_directories: socketDir,
      hba_file: rules,
      archive_mode: 'off',
      logging_collector: 'off',
      timezone: 'UTC',
      log_timezone: 'UTC',
    };
    const flags = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
    const as = runner.spawn(postgres, ['-D', dataDir, ...flags]);
    const logFile = join(home.logsDir, 'postgres-copy.log');
    child = await spawnLogged({ name: 'Postgres over a copy', ...as, env: postgresEnv(), cwd: '/', logFile });
    await untilReady(dataDir, child, signal);
    const client = new pg.Client({ host: socketDir, user, database });
    client.on('error', () => {});
    const giveUp = (): void => void client.end().catch(() => {});
    signal?.addEventListener('abort', giveUp);
    try {
      await client.connect();
      return await work(client);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', giveUp);
      await client.end().catch(() => {});
    }
  } finally {
    if (child !== null) await stopPostgres(child.identity);
    rmSync(socketDir, { recursive: true, force: true });
  }
}

async function untilReady(dataDir: string, child: LoggedChild, signal: AbortSignal | undefined): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    signal?.throwIfAborted();
    const over = child.ended();
    if (over !== null) throw childFailure('Postgres over a copy', `ended at start (${describeExit(over)})`, child);
    const pidFile = readPidFile(dataDir);
    if (pidFile !== null && pidFile.pid === child.identity.pid && pidFile.ready) return;
    if (performance.now() > deadline)
      throw childFailure('Postgres over a copy', `did not recover within ${READY_TIMEOUT_MS / 1000} s`, child);
    await sleep(POLL_MS);
  }
}

async function copyRunner(home: DeskHome, log: Log): Promise<{ postgres: string; runner: PostgresRunner }> {
  const { postgres } = await postgresBinaries();
  mkdirSync(home.root, { recursive: true });
  const runner = await postgresRunner([postgres, home.root], log);
  prepareDirs(home, runner);
  return { postgres, runner };
}
