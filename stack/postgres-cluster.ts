/** The database files: made once by initdb, with a password that only this user can read. */
import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Log } from '../core/log.ts';
import type { DeskHome } from '../config/home.ts';
import type { PostgresBinaries, PostgresRunner } from './postgres-os.ts';
import { databaseRemedy, isDiskFull, withRemedy } from './remedies.ts';
import { writeAtomic } from './run-files.ts';

const run = promisify(execFile);

const USER = 'desk';
const Secret = z.strictObject({ user: z.string().min(1), password: z.string().min(1) });
export type Secret = z.infer<typeof Secret>;

export interface Cluster {
  readonly dataDir: string;
  readonly secret: Secret;
}

export function dataDirOf(home: DeskHome): string {
  return join(home.postgresDir, 'data');
}

/** Settings of the machine and the shell stay out: PGPORT, PGDATA or a locale would change what Postgres does. */
export function postgresEnv(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
}

/** The directories down to the data, entered by the database's user and read by nobody else. */
export function prepareDirs(home: DeskHome, { owner }: PostgresRunner): void {
  mkdirSync(home.postgresDir, { recursive: true, mode: 0o700 });
  if (owner === null) return;
  chownSync(home.postgresDir, owner.uid, owner.gid);
}

/** Makes the cluster and its secret unless both exist. Call it only while no Postgres runs over the data. */
export async function ensureCluster(
  home: DeskHome,
  binaries: PostgresBinaries,
  runner: PostgresRunner,
  log: Log,
): Promise<Cluster> {
  const dataDir = dataDirOf(home);
  if (!existsSync(join(dataDir, 'PG_VERSION')))
    return { dataDir, secret: await initialise(home, binaries, runner, log) };
  checkMajor(home, dataDir, binaries);
  checkOwner(dataDir, runner);
  const secret = readSecret(home);
  return { dataDir, secret: secret ?? (await resetPassword(home, binaries, runner, log)) };
}

/** Null when there is none. A damaged file is an error that says what to do. */
export function readSecret(home: DeskHome): Secret | null {
  const file = secretFile(home);
  if (!existsSync(file)) return null;
  try {
    return Secret.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    throw new Error(`${file} is damaged: ./desk down, remove the file, ./desk up; a new password is set then`);
  }
}

async function initialise(
  home: DeskHome,
  { initdb }: PostgresBinaries,
  runner: PostgresRunner,
  log: Log,
): Promise<Secret> {
  const dataDir = dataDirOf(home);
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0) {
    throw new Error(
      `${dataDir} holds files and no Postgres cluster: PG_VERSION is missing.\n${databaseRemedy('', home)}`,
    );
  }
  for (const name of readdirSync(home.postgresDir)) {
    if (name.startsWith('new-')) rmSync(join(home.postgresDir, name), { recursive: true, force: true });
  }
  log.info('making the Postgres cluster', { dataDir });
  const secret = newSecret();
  // Made aside and moved in whole: a start that was cut off leaves no half cluster behind.
  const making = join(home.postgresDir, `new-${process.pid}`);
  const passwordFile = join(home.postgresDir, `new-${process.pid}.password`);
  writeFileSync(passwordFile, `${secret.password}\n`, { mode: 0o600 });
  if (runner.owner !== null) chownSync(passwordFile, runner.owner.uid, runner.owner.gid);
  const { command, args, ...as } = runner.spawn(initdb, [
    ...[`--pgdata=${making}`, `--username=${secret.user}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
    ...['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C', '--no-instructions'],
  ]);
  try {
    await run(command, args, { ...as, env: postgresEnv(), cwd: '/' });
  } catch (error) {
    const { stderr, stdout } = error as { stderr?: string; stdout?: string };
    const said = `${stdout ?? ''}${stderr ?? ''}`.trim() || (error as Error).message;
    const told = new Error(`initdb failed in ${home.postgresDir}:\n${said.split('\n').slice(-20).join('\n')}`, {
      cause: error,
    });
    throw isDiskFull(said) ? withRemedy(told, databaseRemedy(said, home)) : told;
  } finally {
    rmSync(passwordFile, { force: true });
  }
  writeSecret(home, secret);
  if (existsSync(dataDir)) rmSync(dataDir, { recursive: true });
  renameSync(making, dataDir);
  return secret;
}

/** Single-user mode asks for no password: that is how a lost one is replaced. */
async function resetPassword(
  home: DeskHome,
  { postgres }: PostgresBinaries,
  runner: PostgresRunner,
  log: Log,
): Promise<Secret> {
  log.warn('the database password is missing: setting a new one', { file: secretFile(home) });
  const secret = newSecret();
  const { command, args, ...as } = runner.spawn(postgres, ['--single', '-D', dataDirOf(home), 'postgres']);
  const running = run(command, args, { ...as, env: postgresEnv(), cwd: '/' });
  running.child.stdin?.end(`ALTER USER ${secret.user} PASSWORD '${secret.password}'\n`);
  const { stderr } = await running;
  if (/ERROR|FATAL/.test(stderr)) throw new Error(`the database password could not be set:\n${stderr.trim()}`);
  writeSecret(home, secret);
  return secret;
}

/** Hexadecimal, so it needs no quoting in SQL or in a URL. */
function newSecret(): Secret {
  return { user: USER, password: randomBytes(24).toString('hex') };
}

function secretFile(home: DeskHome): string {
  return join(home.secretsDir, 'postgres.json');
}

function writeSecret(home: DeskHome, secret: Secret): void {
  mkdirSync(home.secretsDir, { recursive: true, mode: 0o700 });
  chmodSync(home.secretsDir, 0o700);
  writeAtomic(secretFile(home), JSON.stringify(secret), 0o600);
}

function checkMajor(home: DeskHome, dataDir: string, { postgres }: PostgresBinaries): void {
  const made = readFileSync(join(dataDir, 'PG_VERSION'), 'utf8').trim();
  const manifest = join(postgres, '..', '..', '..', 'package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const major = version.split('.', 1)[0];
  if (made === major) return;
  if (!/^\d+$/.test(made))
    throw new Error(`${join(dataDir, 'PG_VERSION')}: expected ${major}, is damaged.\n${databaseRemedy('', home)}`);
  throw new Error(
    `${dataDir} was made by Postgres ${made} and ${major} is installed: dump it with the old release and load it into a ` +
      `new DESK_HOME, or set DATABASE_URL to a Postgres ${made}`,
  );
}

function checkOwner(dataDir: string, { owner }: PostgresRunner): void {
  const wanted = owner?.uid ?? process.getuid?.();
  const has = statSync(dataDir).uid;
  if (wanted === undefined || has === wanted) return;
  throw new Error(
    `${dataDir} belongs to user id ${has} and Postgres would run as ${wanted}: start the desk as the user who made it, ` +
      `or chown -R ${wanted} ${dataDir}`,
  );
}
