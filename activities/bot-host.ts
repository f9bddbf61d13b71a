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
  /** Every living process of `bot` that this machine's desk has started, also one that an earlier worker started. */
  marksOf(bot: string): ProcessMark[];
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
  /** Whether a process of the bot lives, answering or not. */
  isRunning(bot: string): boolean;
  /** Ends every process of the bot at once; its orders rest until the next start finds them, or `clearBook`. */
  kill(bot: string): Promise<void>;
  /** Ends the bot in order; of one that does not answer, or has died, the book is cleared. Throws when that fails. */
  stop(bot: string, reason: string): Promise<BotExit>;
  /** Takes everything of the bot's symbol off the book, by a process of its own. Throws when the venue did not confirm it. */
  clearBook(bot: string): Promise<void>;
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
  /** What the bot process is told; one that sweeps only clears the book and ends. */
  readonly options: (bot: string, isSweep: boolean) => unknown;
  readonly processes: Processes;
  readonly log: Log;
}

const READY_MS = 30_000;
const LEAVE_MS = 6_000;
const HUNG_MS = 15_000;
const POLL_MS = 50;
/** A configuration's faults are told one a line, all of them. */
const LAST_LINES = 10;
const LAST_CHARACTERS = 1_200;
/** The bot's own word that it lives already, started by a worker that died before it was ready: wait for that one. */
const TWIN_EXIT_CODE = 4;

/** The end of a log, short enough for a workflow's history: what was said in plain words, if anything was. */
/** Ends that its log says nothing about: from outside, or in order. Null where it ended by a fault of its own. */
function endFromOutside(code: number | null, signal: string | null): string | null {
  if (signal === 'SIGKILL') return 'killed by SIGKILL: by a person, or by the system for want of memory';
  if (signal === 'SIGTERM' || signal === 'SIGINT' || signal === 'SIGHUP') return `ended by ${signal}`;
  return code === 0 ? 'it left in order' : null;
}

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

  async function spawn(bot: string, isSweep: boolean): Promise<SpawnedProcess> {
    mkdirSync(runDir, { recursive: true });
    mkdirSync(logsDir, { recursive: true });
    const optionsFile = join(runDir, `bot-${bot}.${isSweep ? 'sweep' : 'options'}.json`);
    writeFileSync(optionsFile, JSON.stringify(setup.options(bot, isSweep)), { mode: 0o600 });
    return processes.spawnDetached({ name: `bot-${bot}`, ...setup.command(optionsFile), logFile: logFile(bot) });
  }

  async function clearBook(bot: string): Promise<void> {
    const sweeper = await spawn(bot, true);
    const { code } = await sweeper.exited;
    if (code !== 0) throw new Error(`${bot}: its book was not cleared: ${lastWords(sweeper.logTail())}`);
    log.info('book cleared', { bot });
  }

  /** A process that lives and answers nobody gets this long to answer before it counts as hung. */
  async function findPatiently(bot: string): Promise<LiveBot | null> {
    const deadline = Date.now() + HUNG_MS;
    for (;;) {
      const live = await find(bot);
      if (live !== null || processes.marksOf(bot).length === 0) return live;
      if (Date.now() > deadline) return null;
      await sleep(POLL_MS);
    }
  }

  async function killAll(bot: string): Promise<boolean> {
    const marks = processes.marksOf(bot);
    await Promise.all(marks.map((mark) => processes.stop(mark, 0)));
    known.get(bot)?.release();
    return marks.length > 0;
  }

  async function start(bot: string): Promise<LiveBot> {
    const child = await spawn(bot, false);
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
        detail: endFromOutside(code, signal) ?? lastWords(child.logTail()),
      });
      log.warn('bot process ended', { bot, pid: child.mark.pid, code, signal });
    });
    while (Date.now() - startedAt < READY_MS && !hasFailed) {
      const live = await attach(bot);
      if (live !== null) {
        if (live.run.pid !== child.mark.pid) forgetTwin(bot, child);
        return live;
      }
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

  /** The end of a twin says nothing about the bot that it found alive. */
  function forgetTwin(bot: string, twin: SpawnedProcess): void {
    void twin.exited.then(() => {
      if (children.get(bot) !== twin) return;
      children.delete(bot);
      exits.delete(bot);
    });
  }

  return {
    find,
    isRunning: (bot) => processes.marksOf(bot).length > 0,
    clearBook,
    async startOrAdopt(bot) {
      const refusal = setup.refusal(bot);
      if (refusal !== null) throw refusal;
      const living = await findPatiently(bot);
      if (living !== null) return { live: living, adopted: true };
      if (await killAll(bot)) log.warn('a bot that did not answer was ended', { bot });
      const live = await start(bot);
      log.info('bot started', { bot, pid: live.run.pid });
      return { live, adopted: false };
    },
    async kill(bot) {
      await killAll(bot);
    },
    async stop(bot, reason) {
      const live = await find(bot);
      if (live !== null) {
        await live.control.command({ command: 'shutdown', reason }).catch(() => {});
        const deadline = Date.now() + LEAVE_MS;
        while (processes.isAlive(live.mark) && Date.now() < deadline) await sleep(POLL_MS);
      }
      const wasHung = await killAll(bot);
      live?.release();
      const exit = await this.lastExit(bot);
      // Whoever did not leave in order has left its orders behind.
      const leftInOrder = live !== null && !wasHung && (exit.code === 0 || exit.code === null);
      if (!leftInOrder) await clearBook(bot);
      const ranMs = live === null ? exit.ranMs : Date.now() - live.run.startedAtMs;
      return { ...exit, cause: wasHung ? 'hung' : 'exited', ranMs };
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
          detail: 'it was started by an earlier worker: how it ended is in its log',
        }
      );
    },
    release() {
      for (const live of [...known.values()]) live.release();
    },
  };
}
