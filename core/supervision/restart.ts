/** When a bot process that ended is started again, and when a person has to look first. */
import { z } from 'zod';

export const RestartPolicy = z.strictObject({
  /** Wait before the first restart; doubles with each further one. */
  delayMsFirst: z.int().min(100).max(60_000).default(500),
  delayMsMax: z.int().min(100).max(3_600_000).default(30_000),
  /** A run at least this long forgives the exits before it. */
  stableMs: z.int().min(1_000).max(86_400_000).default(60_000),
  /** So many short runs in a row and nothing restarts before a person approves. */
  shortRunsMax: z.int().min(1).max(100).default(8),
});
export type RestartPolicy = z.infer<typeof RestartPolicy>;

export interface BotExit {
  /**
   * `hung`: it did not answer and was killed; `start_failed`: it never answered; `refused`: the host may not run it;
   * `host_missing`: no worker of its host took the task, so nothing is known of the process.
   */
  readonly cause: 'exited' | 'hung' | 'start_failed' | 'refused' | 'host_missing';
  readonly code: number | null;
  readonly signal: string | null;
  readonly ranMs: number;
  /** Last lines of its log, for people. */
  readonly detail: string;
}

/** The bot's own word that another start cannot help: wrong options (2), journal damaged or in use (3). */
const FINAL_EXIT_CODES: readonly number[] = [2, 3];

export type RestartDecision =
  { restart: true; delayMs: number; shortRuns: number } | { restart: false; reason: string; shortRuns: number };

/** `shortRuns` counts the short runs in a row before this exit. */
export function decideRestart(exit: BotExit, shortRuns: number, policy: RestartPolicy): RestartDecision {
  // The bot is not to blame for its host, and its dead-man rule took its orders off the book.
  if (exit.cause === 'host_missing') return { restart: true, delayMs: policy.delayMsFirst, shortRuns };
  // It left in order, because its host did: no sign of anything wrong with it.
  if (exit.cause === 'exited' && exit.code === 0) return { restart: true, delayMs: policy.delayMsFirst, shortRuns };
  if (exit.cause === 'refused') return { restart: false, reason: exit.detail, shortRuns };
  if (exit.code !== null && FINAL_EXIT_CODES.includes(exit.code)) {
    return { restart: false, reason: `exit code ${exit.code}: ${exit.detail}`, shortRuns };
  }
  const runs = exit.ranMs >= policy.stableMs ? 1 : shortRuns + 1;
  if (runs > policy.shortRunsMax) {
    return { restart: false, reason: `${policy.shortRunsMax} short runs in a row: ${exit.detail}`, shortRuns: runs };
  }
  return {
    restart: true,
    delayMs: Math.min(policy.delayMsMax, policy.delayMsFirst * 2 ** (runs - 1)),
    shortRuns: runs,
  };
}
