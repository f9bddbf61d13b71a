/** Hands on one host's bot processes: start or find them, watch them, tell them, end them. */
import { ApplicationFailure, Context } from '@temporalio/activity';
import type { BotStatus, ParameterChanges } from '../core/control/protocol.ts';
import type { BotExit } from '../core/supervision/restart.ts';
import type { BotRisk } from '../workflows/bot/contract.ts';
import { LADDER } from '../core/escalation/ladder.ts';
import { BotControlRefused } from './bot-control.ts';
import { BotHostError, type BotHost, type LiveBot } from './bot-host.ts';

export interface StartedBot {
  pid: number;
  epoch: number;
  /** It lived already: nothing was started. */
  adopted: boolean;
}

/** All that the desk wants of a bot at one instant; a hard stop is lifted only by an approval. */
export interface DesiredBot {
  bot: string;
  paused: boolean;
  hardStopped: boolean;
  /** Who approved the restart after a hard stop, and when; null when nobody did since. */
  approval: { operator: string; reason: string; atMs?: number } | null;
  /** Who resumed it since it was last told: a bot that waits for a person to look goes on. Left out, nobody did. */
  resumedBy?: { operator: string; reason: string } | null;
  operator: string;
  reason: string;
}

export interface TuneBot {
  bot: string;
  operator: string;
  reason: string;
  changes: ParameterChanges;
}

export interface AlignedBot {
  /** False when the bot process is not running. */
  applied: boolean;
  detail: string;
  /** Absent when it is not running. */
  risk?: BotRisk;
}

/** The bot lives on, and its level of risk has changed. */
export interface RiskChanged {
  cause: 'risk_changed';
  risk: BotRisk;
}

export interface BotActivityDeps {
  readonly host: BotHost;
  /** True while this worker's own connection to Temporal answered within the last 5 s. */
  readonly isTemporalHealthy: () => boolean;
  /** How long ago all of the bot's events were stored, ms; null where that is not known yet. Left out, nobody ships them. */
  readonly storedAgeMs?: (bot: string) => number | null;
}

export type BotActivities = ReturnType<typeof createBotActivities>;

const PING_MS = 1_000;
/** A bot that answers nothing for this long is not trading in order any more. */
const HUNG_MS = 15_000;

export function createBotActivities({ host, isTemporalHealthy, storedAgeMs }: BotActivityDeps) {
  return {
    /** Idempotent by bot: a living process is found by its control socket and adopted, never doubled. */
    async startBot({ bot }: { bot: string }): Promise<StartedBot> {
      try {
        const { live, adopted } = await host.startOrAdopt(bot);
        return { pid: live.run.pid, epoch: (await live.control.status()).epoch, adopted };
      } catch (error) {
        if (error instanceof BotHostError) {
          throw ApplicationFailure.nonRetryable(error.message, error.code, { exitCode: error.exitCode });
        }
        throw error;
      }
    },

    /**
     * Heartbeats once a second for as long as the bot lives and returns how it ended, or, sooner, that its level of risk is
     * another than `known`. On cancellation (the workflow rolls over, the worker shuts down) it leaves the bot running; a
     * later attempt finds it again. It lives too long to know what the desk wants by then, so it states nothing: `alignBot`
     * does, and comes before it.
     */
    async superviseBot({ bot, known = null }: { bot: string; known?: BotRisk | null }): Promise<BotExit | RiskChanged> {
      const startedAt = performance.now();
      const ended = async (cause: BotExit['cause']): Promise<BotExit> => ({
        ...(await host.lastExit(bot)),
        cause,
        ranMs: Math.round(performance.now() - startedAt),
      });
      let answeredAt = startedAt;
      for (;;) {
        Context.current().heartbeat({ silentMs: Math.round(performance.now() - answeredAt) });
        // Found anew each time: whoever asked last and got no answer closed the shared socket, which says nothing of the bot.
        const live = await host.find(bot);
        const status = live === null ? null : await probe(live, isTemporalHealthy(), storedAgeMs?.(bot));
        if (status !== null) {
          answeredAt = performance.now();
          const { pid, epoch, phase, reason } = status;
          Context.current().heartbeat({ pid, epoch, phase, reason });
          const risk = riskOf(status);
          if (hasMoved(known, risk)) return { cause: 'risk_changed', risk };
        } else if (!host.isRunning(bot)) {
          return ended('exited');
        } else if (performance.now() - answeredAt > HUNG_MS) {
          await host.kill(bot);
          return ended('hung');
        }
        const pause = Context.current().sleep(PING_MS);
        await (live === null ? pause : Promise.race([pause, live.gone]));
      }
    },

    /** Safe to repeat: it states all that should hold. A hard stop set elsewhere is not lifted without an approval. */
    async alignBot(desired: DesiredBot): Promise<AlignedBot> {
      const live = await host.find(desired.bot);
      if (live === null) return { applied: false, detail: 'the bot process is not running' };
      const { status, refusal } = await align(live, desired);
      const told = `${status.phase}: ${status.reason}`;
      return { applied: true, detail: refusal === null ? told : `${told}; ${refusal}`, risk: riskOf(status) };
    },

    /** Safe to repeat: the same changes again change nothing. The bot's no is final and names every fault. */
    async tuneBot({ bot, ...message }: TuneBot): Promise<{ detail: string }> {
      const live = await host.find(bot);
      if (live === null)
        throw ApplicationFailure.nonRetryable('the bot process is not running; nothing was changed', 'BotNotRunning');
      try {
        const { parameters } = await live.control.command({ command: 'setParameters', ...message });
        const held = Object.entries(parameters).map(([path, value]) => `${path}=${String(value)}`);
        return { detail: held.length === 0 ? 'all as configured' : held.join(' ') };
      } catch (error) {
        if (error instanceof BotControlRefused)
          throw ApplicationFailure.nonRetryable(error.message, 'ParametersRefused');
        throw error;
      }
    },

    /** Safe to repeat: takes everything of the bot's symbol off the book while no process of it lives. */
    async clearBook({ bot }: { bot: string }): Promise<void> {
      if (!host.isRunning(bot)) await host.clearBook(bot);
    },

    /** Ends the process in order (orders cancelled, journal flushed) and waits for its end; safe to repeat. */
    async stopBot({ bot, reason }: { bot: string; reason: string }): Promise<BotExit> {
      return host.stop(bot, reason);
    },
  };
}

async function probe(live: LiveBot, mayPing: boolean, storedAgeMs?: number | null): Promise<BotStatus | null> {
  try {
    return mayPing ? await live.control.ping(storedAgeMs) : await live.control.status();
  } catch {
    return null; // Whether it lives is asked of the system, not of this socket.
  }
}

/** Brings the bot's own latches to what is wanted, the stricter ones first. */
async function align(
  live: LiveBot,
  { paused, hardStopped, approval, resumedBy = null, operator, reason }: DesiredBot,
): Promise<{ status: BotStatus; refusal: string | null }> {
  let refusal: string | null = null;
  let status = await live.control.status();
  if (hardStopped && !status.hardStopped)
    status = await live.control.command({ command: 'hardStop', operator, reason });
  if (paused && !status.pausedByOperator) status = await live.control.command({ command: 'pause', operator, reason });
  // A pause of the bot's own, too: a drawdown does not pass by itself while nothing is traded.
  if (!hardStopped && approval !== null && (status.hardStopped || status.riskLevel === 'soft_pause')) {
    const { atMs, ...by } = approval;
    const givenAtMs = status.heldSinceMs === undefined ? undefined : atMs;
    try {
      status = await live.control.command({ command: 'approveRestart', ...by, givenAtMs });
    } catch (error) {
      // Told too late: it was meant for an earlier stop, and whoever gave it has to look again.
      if (!(error instanceof BotControlRefused)) throw error;
      refusal = error.message;
    }
  }
  // Also one that nobody paused: it may have given up reading the venue, or been refused by it, and waits for this word.
  if (!paused && (status.pausedByOperator || resumedBy !== null)) {
    const by = { operator: resumedBy?.operator ?? operator, reason: resumedBy?.reason ?? reason };
    status = await live.control.command({ command: 'resume', ...by });
  }
  return { status, refusal };
}

function riskOf({ hardStopped, riskLevel, riskCode, heldSinceMs = null }: BotStatus): BotRisk {
  if (hardStopped && !LADDER[riskLevel].isLatched) return { level: 'hard_stop', code: null, sinceMs: heldSinceMs };
  return { level: riskLevel, code: riskCode, sinceMs: heldSinceMs };
}

/** A new stop is one, though the level is the same; other causes of the same level are none. */
function hasMoved(known: BotRisk | null, { level, sinceMs }: BotRisk): boolean {
  return (known?.level ?? 'allow') !== level || (known?.sinceMs ?? null) !== sinceMs;
}
