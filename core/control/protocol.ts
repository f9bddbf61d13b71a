/** What is said over a bot's control socket: one JSON object a line each way, an answer for each request by its id. */
import { z } from 'zod';
import { BotName } from '../names.ts';

const Attributed = {
  operator: z.string().min(1).max(64),
  reason: z.string().min(1).max(500),
};

/** Live-tunable parameters by path (`core/bot/tunables.ts`); null takes the configured value again. */
export const ParameterChanges = z.record(
  z.string().min(1).max(80),
  z.union([z.number(), z.string().max(32), z.boolean(), z.null()]),
);
export type ParameterChanges = z.infer<typeof ParameterChanges>;

export const ControlRequest = z.discriminatedUnion('command', [
  z.strictObject({ id: z.int().nonnegative(), command: z.literal('status') }),
  z.strictObject({
    id: z.int().nonnegative(),
    command: z.literal('ping'),
    /** How long ago all of the bot's events were in the event store; null where that is not known yet. */
    storedAgeMs: z.int().nonnegative().nullable().optional(),
  }),
  z.strictObject({ id: z.int().nonnegative(), command: z.literal('pause'), ...Attributed }),
  z.strictObject({ id: z.int().nonnegative(), command: z.literal('resume'), ...Attributed }),
  z.strictObject({ id: z.int().nonnegative(), command: z.literal('hardStop'), ...Attributed }),
  z.strictObject({
    id: z.int().nonnegative(),
    command: z.literal('approveRestart'),
    ...Attributed,
    /** When it was given: it counts for what began before. Left out, now. */
    givenAtMs: z.int().positive().optional(),
  }),
  z.strictObject({
    id: z.int().nonnegative(),
    command: z.literal('setParameters'),
    ...Attributed,
    changes: ParameterChanges,
  }),
  z.strictObject({ id: z.int().nonnegative(), command: z.literal('shutdown'), reason: z.string().min(1).max(500) }),
]);
export type ControlRequest = z.infer<typeof ControlRequest>;

/** What the account and its key were good for when the bot started. Nothing of the key but its beginning. */
export const AccountReport = z.strictObject({
  /** `paper_only`: it works, and real money refuses it. */
  status: z.enum(['ok', 'disabled', 'paper_only', 'error']),
  keyPrefix: z.string().max(4),
  /** Null where the venue did not say; so below. */
  accountKind: z.enum(['classic', 'unified']).nullable(),
  positionMode: z.enum(['one_way', 'hedge']).nullable(),
  problems: z.array(z.strictObject({ code: z.string(), message: z.string() })),
});
export type AccountReport = z.infer<typeof AccountReport>;

export const BotStatus = z.strictObject({
  bot: BotName,
  /** Identity: a recycled pid or a foreign socket never passes for the bot. */
  instance: z.string(),
  pid: z.int().positive(),
  epoch: z.int().nonnegative(),
  phase: z.enum(['starting', 'running', 'paused', 'hard_stopped', 'stopping']),
  /** Why it quotes or does not, as of its last tick. */
  reason: z.string(),
  pausedByOperator: z.boolean(),
  hardStopped: z.boolean(),
  /** Step of the bot's own ladder of risk. */
  riskLevel: z.enum(['allow', 'reduce_exposure', 'soft_pause', 'hard_stop', 'kill_switch']).default('allow'),
  /** The rule that took it there; null on `allow`. */
  riskCode: z.string().nullable().default(null),
  /**
   * Since when it is held by a hard stop, or by a soft pause of its own ladder; null when by neither. Absent in the word of a
   * bot that does not know when an approval was given.
   */
  heldSinceMs: z.int().nonnegative().nullable().optional(),
  position: z.string(),
  /** Equity less that of the first look at it this UTC day, USDT; null before it is known. */
  pnlToday: z.string().nullable().optional(),
  ordersActive: z.int().nonnegative(),
  fills: z.int().nonnegative(),
  /** Of the journal: everything up to here is on disk. */
  durableSequence: z.int().nonnegative(),
  /** Live-tunable parameters that differ from the configured ones, by path. */
  parameters: ParameterChanges.default({}),
  codeVersion: z.string(),
  configHash: z.string(),
  /** Absent for a paper account, which has no key. */
  account: AccountReport.optional(),
});
export type BotStatus = z.infer<typeof BotStatus>;

export const ControlResponse = z.discriminatedUnion('ok', [
  z.strictObject({ id: z.int().nonnegative(), ok: z.literal(true), status: BotStatus }),
  z.strictObject({ id: z.int().nonnegative(), ok: z.literal(false), error: z.string() }),
]);
export type ControlResponse = z.infer<typeof ControlResponse>;

/** What a bot writes to its run file when its control socket listens. */
export const BotRun = z.strictObject({
  bot: BotName,
  instance: z.string(),
  pid: z.int().positive(),
  socket: z.string(),
  startedAtMs: z.int().positive(),
});
export type BotRun = z.infer<typeof BotRun>;
