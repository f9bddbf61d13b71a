/**
 * Child processes of the desk: who a process is, whether it still is, how it ends, and how one is started so that it
 * outlives us unharmed. A pid alone names nobody (numbers are used again), so identity is pid plus the moment of its start.
 */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, readSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** One process for all time: a later process with the same pid has another `startMark`. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startMark: string;
}

/** How a process ended. Both null: it was adopted, so its end was seen and its status was not. */
export interface ExitReport {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A log is moved aside at the next start above this size; while a child writes, it owns the file. */
const LOG_BYTES_MAX = 16 * 1024 * 1024;
const TAIL_BYTES = 64 * 1024;
const POLL_MS = 25;

let bootId: string | null = null;

/** Identity of the running process `pid`; null when there is none, or only a zombie that nobody reaped. */
export function processIdentity(pid: number): ProcessIdentity | null {
  if (!Number.isSafeInteger(pid) || pid <= 0) return null;
  const startMark = process.platform === 'linux' ? linuxStartMark(pid) : psStartMark(pid);
  return startMark === null ? null : { pid, startMark };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return processIdentity(identity.pid)?.startMark === identity.startMark;
}

export interface StopSteps {
  /** What asks politely; Postgres takes SIGINT for its fast shutdown. */
  readonly signal?: NodeJS.Signals;
  /** True when the process leads a group of its own (`spawnLogged` does that): SIGKILL then takes the whole group. */
  readonly group?: boolean;
}

/** Asks `identity` to end and kills it after `graceMs`. Resolves when it is gone; safe to call for one long gone. */
export async function stop(
  identity: ProcessIdentity,
  graceMs: number,
  { signal = 'SIGTERM', group = false }: StopSteps = {},
): Promise<'was gone' | 'ended' | 'killed'> {
  if (!isAlive(identity)) return 'was gone';
  send(identity.pid, signal);
  if (await goneWithin(identity, graceMs)) return 'ended';
  send(group ? -identity.pid : identity.pid, 'SIGKILL');
  await goneWithin(identity, Infinity);
  return 'killed';
}

/** Resolves when `identity` is gone, for processes that are not our children. */
export async function whenGone(identity: ProcessIdentity, everyMs = 250): Promise<ExitReport> {
  while (isAlive(identity)) await sleep(everyMs, undefined, { ref: false });
  return { code: null, signal: null };
}

/** False when `identity` still runs after `timeoutMs`. */
export async function goneWithin(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (isAlive(identity)) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

export interface SpawnOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly logFile: string;
  readonly uid?: number;
  readonly gid?: number;
}

/** A child that writes straight into its log file. */
export interface LoggedChild {
  readonly identity: ProcessIdentity;
  readonly exited: Promise<ExitReport>;
  /** Non-null once it has ended. */
  ended(): ExitReport | null;
  readonly logFile: string;
  /** Byte offset at which this child's own output begins. */
  readonly logStart: number;
}

/**
 * Starts a child in a session of its own with its output appended to `logFile`. It gets the file and not a pipe: when we
 * are killed, a pipe would end the child at its next line. The own session keeps a Ctrl-C in the terminal from reaching it
 * before its turn. Rejects when the program cannot be started.
 */
export async function spawnLogged(options: SpawnOptions): Promise<LoggedChild> {
  const { name, command, args, env, cwd, logFile, uid, gid } = options;
  const fd = openLog(logFile);
  const logStart = fstatSync(fd).size;
  let child: ChildProcess;
  try {
    const as = { ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) };
    child = spawn(command, args, { cwd, env, ...as, detached: true, stdio: ['ignore', fd, fd] });
  } finally {
    closeSync(fd);
  }
  let report: ExitReport | null = null;
  const exited = new Promise<ExitReport>((resolve) => {
    child.once('exit', (code, signal) => resolve((report = { code, signal })));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(`${name} did not start: ${command}: ${error.message}`)));
  });
  const pid = child.pid ?? 0;
  // Not reaped before its exit event, so even a child that ended at once had this pid to itself until here.
  const identity = processIdentity(pid) ?? { pid, startMark: 'ended' };
  return { identity, exited, ended: () => report, logFile, logStart };
}

/** The last `lines` lines of a log from `start` on: what an error message shows of a child that failed. */
export function logTail(logFile: string, start = 0, lines = 20): string {
  let text: string;
  try {
    const size = statSync(logFile).size;
    text = readRange(logFile, Math.max(start, size - TAIL_BYTES), size);
  } catch (error) {
    return `(no log at ${logFile}: ${(error as Error).message})`;
  }
  const tail = text.trimEnd().split('\n').slice(-lines).join('\n');
  return tail === '' ? '(it printed nothing)' : tail;
}

/** An early end or a missed deadline, told with the child's own last words. */
export function childFailure(name: string, what: string, child: Pick<LoggedChild, 'logFile' | 'logStart'>): Error {
  return new Error(`${name} ${what}; last lines of ${child.logFile}:\n${logTail(child.logFile, child.logStart)}`);
}

/** Waits for the first line of the child's output that `accept` takes. Rejects when it ends first or the time is up. */
export async function whenLogged(
  name: string,
  child: LoggedChild,
  accept: (line: string) => boolean,
  timeoutMs: number,
): Promise<string> {
  const deadline = performance.now() + timeoutMs;
  let from = child.logStart;
  for (;;) {
    const over = child.ended();
    const text = readRange(child.logFile, from, statSync(child.logFile).size);
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    from += Buffer.byteLength(whole);
    const line = whole.split('\n').find((each) => each !== '' && accept(each));
    if (line !== undefined) return line;
    if (over !== null) throw childFailure(name, `ended at start (${describeExit(over)})`, child);
    if (performance.now() > deadline) throw childFailure(name, `was not ready within ${timeoutMs / 1000} s`, child);
    await sleep(POLL_MS);
  }
}

export function describeExit({ code, signal }: ExitReport): string {
  if (signal !== null) return `signal ${signal}`;
  return code === null ? 'end not observed' : `exit code ${code}`;
}

/** Reads /proc/<pid>/stat: the name in brackets may hold anything, so fields count from the last bracket. */
function linuxStartMark(pid: number): string | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null; // no such process: the file is how one asks
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startTicks = fields[19];
  if (state === 'Z' || state === 'X' || startTicks === undefined) return null;
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return `${bootId}:${startTicks}`;
}

function psStartMark(pid: number): string | null {
  try {
    const options = { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } } as const;
    const [state, ...start] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], options)
      .trim()
      .split(/\s+/);
    return state === undefined || state.startsWith('Z') ? null : start.join(' ');
  } catch {
    return null; // ps exits 1 when there is no such process
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function openLog(logFile: string): number {
  mkdirSync(dirname(logFile), { recursive: true });
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LOG_BYTES_MAX) renameSync(logFile, `${logFile}.1`);
  return openSync(logFile, 'a', 0o640);
}

function readRange(file: string, from: number, to: number): string {
  const length = Math.max(0, to - from);
  if (length === 0) return '';
  const fd = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(length);
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, length, from));
  } finally {
    closeSync(fd);
  }
}
