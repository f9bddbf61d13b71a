/**
 * A server over a copy of a data folder, for as long as somebody looks at it. Nobody else reaches it: it listens on no network,
 * only on a socket in a folder of its own that no other user may enter. So it asks for no password either, and a backup can be
 * tried whose password nobody knows any more.
 */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
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

/**
 * A folder for a data folder, on the disk and behind the paths that the desk's own has. Removed by `remove`; what a killed
 * process left of earlier ones is removed here.
 */
export function copyFolder(home: DeskHome): { dir: string; remove: () => void } {
  mkdirSync(home.postgresDir, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(home.postgresDir)) {
    const owner = new RegExp(`^${COPY_PREFIX}(\\d+)`).exec(name);
    if (owner !== null && processIdentity(Number(owner[1])) === null)
      rmSync(join(home.postgresDir, name), { recursive: true, force: true });
  }
  const dir = join(home.postgresDir, `${COPY_PREFIX}${process.pid}`);
  rmSync(dir, { recursive: true, force: true });
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/**
 * Starts a server over `dataDir`, waits until it has recovered, gives `work` a connection, and stops it whatever happens.
 * Rejects with the server's last words when it does not come up.
 */
export async function withServerOver<T>(
  { home, dataDir, user, database, log }: { home: DeskHome; dataDir: string; user: string; database: string; log: Log },
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
    await untilReady(dataDir, child);
    const client = new pg.Client({ host: socketDir, user, database });
    client.on('error', () => {});
    try {
      await client.connect();
      return await work(client);
    } finally {
      await client.end().catch(() => {});
    }
  } finally {
    if (child !== null) await stopPostgres(child.identity);
    rmSync(socketDir, { recursive: true, force: true });
  }
}

async function untilReady(dataDir: string, child: LoggedChild): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
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
