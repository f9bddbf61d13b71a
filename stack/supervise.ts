/**
 * Keeps one service running: when it ends unasked it is started again, at once the first time and then ever later. The
 * first start is the caller's: when it fails nothing is retried, because a desk that cannot start should say so.
 * States: up -> (ends unasked) down -> (backoff, start) up; any -> stopping -> stopped, and nothing leaves that.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../core/log.ts';
import type { DeskHome } from '../config/home.ts';
import type { ExitReport, ProcessIdentity } from './process.ts';
import { describeExit, spawnLogged, stop, whenLogged } from './process.ts';
import { readRunFile, removeRunFile, writeRunFile, type RunFile } from './run-files.ts';

export interface Service {
  readonly exited: Promise<ExitReport>;
  stop(): Promise<void>;
}

export interface Kept<S extends Service> {
  readonly name: string;
  /** Null while it is down. */
  current(): S | null;
  /** How often it was started, the first time included. */
  starts(): number;
  /** Ends it for good. Resolves when the process is gone. */
  stop(): Promise<void>;
}

export interface KeepOptions<S extends Service> {
  readonly name: string;
  readonly start: () => Promise<S>;
  readonly log: Log;
  readonly onExit?: (report: ExitReport) => void;
  readonly onUp?: (service: S) => void;
}

const BACKOFF_FIRST_MS = 200;
const BACKOFF_MAX_MS = 15_000;
/** A run this long forgives the failures before it. */
const STEADY_MS = 30_000;

export async function keepRunning<S extends Service>(options: KeepOptions<S>): Promise<Kept<S>> {
  const { name, start, log, onExit, onUp } = options;
  const stopping = new AbortController();
  let current: S | null = await start();
  let startedAt = performance.now();
  let starts = 1;
  let backoffMs = BACKOFF_FIRST_MS;
  onUp?.(current);

  async function restart(): Promise<S | null> {
    while (!stopping.signal.aborted) {
      await sleep(backoffMs, undefined, { signal: stopping.signal }).catch(() => {});
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MAX_MS);
      if (stopping.signal.aborted) break;
      try {
        const service = await start();
        starts += 1;
        startedAt = performance.now();
        log.info('service restarted', { name, starts });
        return service;
      } catch (error) {
        log.error('service did not restart', { name, error: (error as Error).message, nextTryMs: backoffMs });
      }
    }
    return null;
  }

  async function watch(): Promise<void> {
    while (current !== null) {
      const report = await current.exited;
      current = null;
      onExit?.(report);
      if (stopping.signal.aborted) return;
      log.warn('service ended unasked', { name, how: describeExit(report) });
      if (performance.now() - startedAt > STEADY_MS) backoffMs = BACKOFF_FIRST_MS;
      const next = await restart();
      if (next === null) return;
      // A start that was under way while we were asked to stop has just made a process that nobody wants.
      if (stopping.signal.aborted) return void (await next.stop());
      current = next;
      onUp?.(next);
    }
  }

  const watching = watch();
  return {
    name,
    current: () => current,
    starts: () => starts,
    async stop() {
      stopping.abort();
      await current?.stop();
      await watching;
    },
  };
}

export interface SupervisedChild extends Service {
  readonly identity: ProcessIdentity;
  /** The line that `ready` took. */
  readonly readyLine: string;
}

export interface SuperviseOptions {
  readonly home: DeskHome;
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly log: Log;
  /** Kept in its run file for the next start: its port, for example. */
  readonly details?: RunFile['details'];
  /** Takes the line that says the child is ready: `saysReady` for our own children. */
  readonly ready: (line: string) => boolean;
  readonly readyTimeoutMs?: number;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs?: number;
  readonly onExit?: (report: ExitReport) => void;
  readonly onUp?: (child: SupervisedChild) => void;
}

/** Our own children print one JSON line with `ready: true` when they serve. */
export function saysReady(line: string): boolean {
  if (!line.startsWith('{')) return false;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'ready' in value && value.ready === true;
  } catch {
    return false; // an ordinary log line that opens with a brace
  }
}

/**
 * Runs a program of ours for as long as the desk runs; its output goes to `logs/<name>.log`. One left behind by a killed
 * supervisor is ended first: a twin would poll the same queues and hold the same ports.
 */
export function superviseChild(options: SuperviseOptions): Promise<Kept<SupervisedChild>> {
  const { name, log, onExit, onUp } = options;
  return keepRunning({
    name,
    log,
    start: () => startChild(options),
    ...(onExit && { onExit }),
    ...(onUp && { onUp }),
  });
}

async function startChild(options: SuperviseOptions): Promise<SupervisedChild> {
  const { home, name, command, args, env, cwd, log, ready, readyTimeoutMs = 30_000, graceMs = 5_000 } = options;
  const left = readRunFile(home, name);
  if (left !== null) {
    log.warn('ending a process that an earlier desk left behind', { name, pid: left.pid });
    await stop(left, graceMs, { group: true });
  }
  const logFile = join(home.logsDir, `${name}.log`);
  const child = await spawnLogged({ name, command, args, env, cwd, logFile });
  writeRunFile(home, { name, ...child.identity, details: options.details ?? {} });
  void child.exited.then(() => removeRunFile(home, name));
  try {
    const readyLine = await whenLogged(name, child, ready, readyTimeoutMs);
    const end = async () => void (await stop(child.identity, graceMs, { group: true }), await child.exited);
    return { identity: child.identity, readyLine, exited: child.exited, stop: end };
  } catch (error) {
    await stop(child.identity, graceMs, { group: true });
    throw error;
  }
}
