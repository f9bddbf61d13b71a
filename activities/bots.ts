/** Hands on one host's bot processes: start or find them, watch them, tell them, end them. */
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { BotStatus } from '../core/control/protocol.ts';
import type { BotExit } from '../core/supervision/restart.ts';
import { BotHostError, type BotHost, type LiveBot } from './bot-host.ts';
import type { BotCommand } from './bot-control.ts';

export interface StartedBot {
  pid: number;
  epoch: number;
  /** It lived already: nothing was started. */
  adopted: boolean;
}

/** What the supervisor holds the bot to; only ever made stricter without a person. */
export interface DesiredBot {
  bot: string;
  paused: boolean;
  hardStopped: boolean;
  operator: string;
  reason: string;
}

export interface CommandedBot {
  applied: boolean;
  detail: string;
}

export interface BotActivityDeps {
  readonly host: BotHost;
  /** True while this worker's own connection to Temporal answered within the last 5 s. */
  readonly isTemporalHealthy: () => boolean;
}

export type BotActivities = ReturnType<typeof createBotActivities>;

const PING_MS = 1_000;
/** A bot that answers nothing for this long is not trading in order any more. */
const HUNG_MS = 15_000;

export function createBotActivities({ host, isTemporalHealthy }: BotActivityDeps) {
  return {
    /** Idempotent by bot: a living process is found by its control socket and adopted, never doubled. */
    async startBot({ bot }: { bot: string }): Promise<StartedBot> {
      try {
        const { live, adopted } = await host.startOrAdopt(bot);
        return { pid: live.run.pid, epoch: (await live.control.status()).epoch, adopted };
      } catch (error) {
        if (error instanceof BotHostError) throw ApplicationFailure.nonRetryable(error.message, error.code);
        throw error;
      }
    },

    /**
     * Heartbeats once a second for as long as the bot lives and returns how it ended. On cancellation (the workflow rolls
     * over, the worker shuts down) it lets go and leaves the bot running; a later attempt finds it again.
     */
    async superviseBot(desired: DesiredBot): Promise<BotExit> {
      const startedAt = Date.now();
      const live = await host.find(desired.bot);
      if (live === null) return { ...(await host.lastExit(desired.bot)), ranMs: 0 };
      await align(live, desired);
      let answeredAt = Date.now();
      try {
        for (;;) {
          const status = await probe(live, isTemporalHealthy());
          if (status !== null) {
            answeredAt = Date.now();
            Context.current().heartbeat({
              pid: status.pid,
              epoch: status.epoch,
              phase: status.phase,
              reason: status.reason,
            });
          } else {
            Context.current().heartbeat({ pid: live.run.pid, silentMs: Date.now() - answeredAt });
          }
          if (!host.isAlive(live)) return await ended(host, live, startedAt, 'exited');
          if (Date.now() - answeredAt > HUNG_MS) {
            await host.kill(live);
            return await ended(host, live, startedAt, 'hung');
          }
          await Promise.race([Context.current().sleep(PING_MS), live.gone]);
        }
      } catch (error) {
        if (error instanceof CancelledFailure) live.release();
        throw error;
      }
    },

    /** Safe to repeat: a command states what should hold. A bot that is not there answers `applied: false`. */
    async commandBot({ bot, command }: { bot: string; command: BotCommand }): Promise<CommandedBot> {
      const live = await host.find(bot);
      if (live === null) return { applied: false, detail: 'the bot process is not running' };
      const status = await live.control.command(command);
      return { applied: true, detail: `${status.phase}: ${status.reason}` };
    },

    /** Ends the process in order (orders cancelled, journal flushed) and waits for its end; none is fine. */
    async stopBot({ bot, reason }: { bot: string; reason: string }): Promise<BotExit> {
      return host.stop(bot, reason);
    },
  };
}

async function probe(live: LiveBot, mayPing: boolean): Promise<BotStatus | null> {
  try {
    return mayPing ? await live.control.ping() : await live.control.status();
  } catch {
    return null; // Whether it lives is asked of the system, not of this socket.
  }
}

/** Makes the bot's own latches at least as strict as the desk wants them; a hard stop set elsewhere is never lifted here. */
async function align(live: LiveBot, { paused, hardStopped, operator, reason }: DesiredBot): Promise<void> {
  const status = await live.control.status();
  if (hardStopped && !status.hardStopped) await live.control.command({ command: 'hardStop', operator, reason });
  if (paused && !status.pausedByOperator) await live.control.command({ command: 'pause', operator, reason });
  if (!paused && status.pausedByOperator) await live.control.command({ command: 'resume', operator, reason });
}

async function ended(host: BotHost, live: LiveBot, startedAt: number, cause: BotExit['cause']): Promise<BotExit> {
  return { ...(await host.lastExit(live.run.bot)), cause, ranMs: Date.now() - startedAt };
}
