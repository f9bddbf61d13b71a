/**
 * The bot processes of one host. A bot is found by its run file and proved by its control socket (instance and name must
 * match); its pid is trusted only together with the mark of its start. Processes are detached: they outlive this one.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BotRun } from '../core/control/protocol.ts';
import type { Log } from '../core/log.ts';
import type { BotExit } from '../core/supervision/restart.ts';
import { BotControlError, connectBotControl, type BotControl } from './bot-control.ts';

/** Another try cannot help: the bot is unknown or not allowed to run. */
export class BotHostError extends Error {
  override readonly name = 'BotHostError';
  readonly code: 'UnknownBot' | 'BotDisabled' | 'BotStartFailed';
  /** Of a process that ended before it was ready. */
  readonly exitCode: number | null;
  constructor(code: BotHostError['code'], message: string, exitCode: number | null = null) {
    super(message);
    this.code = code;
    this.exitCode = exitCode;
  }
}

/** One process for all time. */
export interface ProcessMark {
  readonly pid: number;
  readonly startMark: string;
}

/** What the host needs of the system; `stack/process.ts` is the real one. */
export interface Processes {
  mark(pid: number): ProcessMark | null;
  isAlive(mark: ProcessMark): boolean;
  /** SIGTERM, then SIGKILL after `graceMs`. */
  stop(mark: ProcessMark, graceMs: number): Promise<unknown>;
  /** A detached child that writes to `logFile`; resolves when the system has started it. */
  spawnDetached(options: DetachedProcess): Promise<SpawnedProcess>;
}

export interface DetachedProcess {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly logFile: string;
}

export interface SpawnedProcess {
  readonly mark: ProcessMark;
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  /** The last lines it wrote. */
  logTail(): string;
}

export interface LiveBot {
  readonly run: BotRun;
  readonly mark: ProcessMark;
  readonly control: BotControl;
  /** Resolves when the process is known to be gone; only for children of this process. */
  readonly gone: Promise<void>;
  /** Lets go of the socket; the bot runs on. */
  release(): void;
}

export interface BotHost {
  startOrAdopt(bot: string): Promise<{ live: LiveBot; adopted: boolean }>;
  /** The living bot, or null. */
  find(bot: string): Promise<LiveBot | null>;
  isAlive(live: LiveBot): boolean;
  kill(live: LiveBot): Promise<void>;
  stop(bot: string, reason: string): Promise<BotExit>;
  /** How the bot's last process ended, as far as this host saw it. */
  lastExit(bot: string): Promise<BotExit>;
  /** Lets go of every bot. */
  release(): void;
}

export interface BotHostOptions {
  readonly runDir: string;
  readonly logsDir: string;
  /** Why `bot` may not run here; null when it may. */
  readonly refusal: (bot: string) => BotHostError | null;
  /** The command line that runs the bot whose options file is `optionsFile`. */
  readonly command: (optionsFile: string) => { command: string; args: readonly string[] };
  readonly options: (bot: string) => unknown;
  readonly processes: Processes;
  readonly log: Log;
}

const READY_MS = 30_000;
const LEAVE_MS = 6_000;
const POLL_MS = 50;
const LAST_LINES = 4;
const LAST_CHARACTERS = 600;
/** The bot's own word that it lives already, started by a worker that died before it was ready: wait for that one. */
const TWIN_EXIT_CODE = 4;

/** The end of a log, short enough for a workflow's history: what was said in plain words, if anything was. */
function lastWords(log: string): string {
  const lines = log.split('\n');
  const plain = lines.filter((line) => !line.startsWith('{'));
  return (plain.length > 0 ? plain : lines).slice(-LAST_LINES).join('\n').slice(-LAST_CHARACTERS);
}

export function createBotHost(setup: BotHostOptions): BotHost {
  const { runDir, logsDir, processes, log } = setup;
  const known = new Map<string, LiveBot>();
  const children = new Map<string, SpawnedProcess>();
  const exits = new Map<string, BotExit>();
  const runFile = (bot: string): string => join(runDir, `bot-${bot}.json`);
  const logFile = (bot: string): string => join(logsDir, `bot-${bot}.log`);

  function readRun(bot: string): BotRun | null {
    if (!existsSync(runFile(bot))) return null;
    try {
      const parsed = BotRun.safeParse(JSON.parse(readFileSync(runFile(bot), 'utf8')));
      return parsed.success && parsed.data.bot === bot ? parsed.data : null;
    } catch {
      return null; // A torn run file belongs to a dead process: living ones replace theirs in one step.
    }
  }

  async function attach(bot: string): Promise<LiveBot | null> {
    const run = readRun(bot);
    if (run === null) return null;
    const mark = processes.mark(run.pid);
    if (mark === null) return null;
    let control: BotControl;
    try {
      control = await connectBotControl(run.socket);
    } catch (error) {
      if (error instanceof BotControlError) return null;
      throw error;
    }
    try {
      const status = await control.status();
      if (status.instance !== run.instance || status.bot !== bot || status.pid !== run.pid)
        throw new BotControlError('another process answers');
    } catch {
      control.close();
      return null;
    }
    const child = children.get(bot);
    const gone =
      child !== undefined && child.mark.pid === run.pid
        ? child.exited.then(() => undefined)
        : new Promise<void>(() => {});
    const live: LiveBot = {
      run,
      mark,
      control,
      gone,
      release: () => {
        control.close();
        if (known.get(bot) === live) known.delete(bot);
      },
    };
    known.set(bot, live);
    return live;
  }

  async function find(bot: string): Promise<LiveBot | null> {
    const live = known.get(bot);
    if (live !== undefined) {
      const answers =
        processes.isAlive(live.mark) &&
        (await live.control.status().then(
          () => true,
          () => false,
        ));
      if (answers) return live;
      live.release();
    }
    return attach(bot);
  }

  async function start(bot: string): Promise<LiveBot> {
    mkdirSync(runDir, { recursive: true });
    mkdirSync(logsDir, { recursive: true });
    const optionsFile = join(runDir, `bot-${bot}.options.json`);
    writeFileSync(optionsFile, JSON.stringify(setup.options(bot)), { mode: 0o600 });
    const child = await processes.spawnDetached({
      name: `bot-${bot}`,
      ...setup.command(optionsFile),
      logFile: logFile(bot),
    });
    children.set(bot, child);
    exits.delete(bot);
    const startedAt = Date.now();
    let hasFailed = false;
    void child.exited.then(({ code, signal }) => {
      hasFailed = code !== TWIN_EXIT_CODE;
      exits.set(bot, {
        cause: 'exited',
        code,
        signal,
        ranMs: Date.now() - startedAt,
        detail: lastWords(child.logTail()),
      });
      log.warn('bot process ended', { bot, pid: child.mark.pid, code, signal });
    });
    while (Date.now() - startedAt < READY_MS && !hasFailed) {
      const live = await attach(bot);
      if (live !== null) return live;
      await sleep(POLL_MS);
    }
    if (!hasFailed) await processes.stop(child.mark, LEAVE_MS);
    const { code } = await child.exited;
    throw new BotHostError(
      'BotStartFailed',
      `${bot} ended with code ${code} before it was ready: ${lastWords(child.logTail())}`,
      code,
    );
  }

  return {
    find,
    isAlive: (live) => processes.isAlive(live.mark),
    async startOrAdopt(bot) {
      const refusal = setup.refusal(bot);
      if (refusal !== null) throw refusal;
      const living = await find(bot);
      if (living !== null) return { live: living, adopted: true };
      const live = await start(bot);
      log.info('bot started', { bot, pid: live.run.pid });
      return { live, adopted: false };
    },
    async kill(live) {
      await processes.stop(live.mark, 0);
      live.release();
    },
    async stop(bot, reason) {
      const live = await find(bot);
      if (live === null) {
        // One that hangs answers nobody, and yet its orders may rest: what this host started it can also end.
        const child = children.get(bot);
        const isHung = child !== undefined && processes.isAlive(child.mark);
        if (isHung) await processes.stop(child.mark, LEAVE_MS);
        return { ...(await this.lastExit(bot)), ...(isHung ? { cause: 'hung' } : {}) };
      }
      const startedAt = Date.now();
      await live.control.command({ command: 'shutdown', reason }).catch(() => {});
      while (processes.isAlive(live.mark) && Date.now() - startedAt < LEAVE_MS) await sleep(POLL_MS);
      const wasSlow = processes.isAlive(live.mark);
      if (wasSlow) await processes.stop(live.mark, 0);
      live.release();
      return {
        ...(await this.lastExit(bot)),
        cause: wasSlow ? 'hung' : 'exited',
        ranMs: Date.now() - live.run.startedAtMs,
      };
    },
    async lastExit(bot) {
      const child = children.get(bot);
      // The end of a child is reported by the system a moment after its sockets close.
      if (child !== undefined && !exits.has(bot)) await Promise.race([child.exited, sleep(1_000)]);
      return (
        exits.get(bot) ?? {
          cause: 'exited',
          code: null,
          signal: null,
          ranMs: 0,
          detail: 'it ended while no supervisor watched',
        }
      );
    },
    release() {
      for (const live of [...known.values()]) live.release();
    },
  };
}
