/** How the `bot` workflow is started and talked to. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { z } from 'zod';
import { ParameterChanges } from '../../core/control/protocol.ts';
import type { Level } from '../../core/escalation/ladder.ts';
import { BotName, HostName } from '../../core/names.ts';
import { RestartPolicy, type BotExit } from '../../core/supervision/restart.ts';
import { Attribution } from '../attribution.ts';

/** How the reason of a pause begins that a freeze told the bot's process. */
export const FREEZE = 'freeze: ';

/** A change of live-tunable parameters by path (`core/bot/tunables.ts`); null takes the configured value again. */
export const SetParameters = Attribution.extend({ changes: ParameterChanges });
export type SetParameters = z.infer<typeof SetParameters>;

const Recorded = Attribution.extend({ atMs: z.int().positive() });
export type Recorded = z.infer<typeof Recorded>;

/** What outlives continue-as-new. */
export const BotCarried = z.strictObject({
  pausedBy: Recorded.nullable(),
  frozenBy: Recorded.nullable(),
  hardStoppedBy: Recorded.nullable(),
  /** Restart approved and not yet told to the process; it lifts what began before it. */
  approval: Recorded.nullable().default(null),
  /** Who resumed it and was not told to the process yet; a pause that comes later takes it back, and in a freeze it waits. */
  resumedBy: Recorded.nullable().default(null),
  /** Why nothing restarts before a person approves. */
  gaveUp: z.strictObject({ reason: z.string(), atMs: z.int().positive() }).nullable(),
  shortRuns: z.int().nonnegative(),
  restarts: z.int().nonnegative(),
});
export type BotCarried = z.infer<typeof BotCarried>;

export const BotWorkflowInput = z.strictObject({
  desk: HostName,
  bot: BotName,
  /** The bot's host: its activities run on `bot-host-<host>`. */
  host: HostName,
  restart: RestartPolicy.prefault({}),
  carried: BotCarried.prefault({
    pausedBy: null,
    frozenBy: null,
    hardStoppedBy: null,
    approval: null,
    resumedBy: null,
    gaveUp: null,
    shortRuns: 0,
    restarts: 0,
  }),
});
export type BotWorkflowInput = z.infer<typeof BotWorkflowInput>;
/** As a caller writes it, with defaults left out. */
export type BotWorkflowStart = z.input<typeof BotWorkflowInput>;

export type BotWorkflowPhase =
  'starting' | 'running' | 'paused' | 'frozen' | 'hard_stopped' | 'restarting' | 'gave_up' | 'stopping' | 'stopped';

/** Where a bot stands on the ladder of risk, by its own process's word. */
export interface BotRisk {
  level: Level;
  /** The rule of its own that took it there; null on `allow`, and where a person stopped it. */
  code: string | null;
  /** Since when it is held; null where it is not. */
  sinceMs: number | null;
}

export interface BotWorkflowStatus extends BotCarried {
  bot: string;
  host: string;
  phase: BotWorkflowPhase;
  phaseSinceMs: number;
  pid: number | null;
  epoch: number | null;
  /** As its process last told, within a second of a change; null while none runs. */
  risk: BotRisk | null;
  /** True when this run found the process alive instead of starting it. */
  adopted: boolean;
  lastExit: BotExit | null;
  stopBy: Attribution | null;
}

/** Type of the failure of an update that is refused as things stand; its message says what holds the bot and what ends that. */
export const NOT_ALLOWED = 'NotAllowed';

/** What an operator's command did: `applied` false means that it is kept and takes hold when the bot is back. */
export interface CommandResult {
  applied: boolean;
  phase: BotWorkflowPhase;
  detail: string;
}

export interface BotWorkflowResult {
  bot: string;
  stoppedBy: Attribution;
  lastExit: BotExit | null;
}

/** The workflow type `bot`, for typed starts by name. */
export type BotWorkflow = (input: BotWorkflowStart) => Promise<BotWorkflowResult>;

export function botWorkflowId(bot: string): string {
  return `bot/${bot}`;
}

export const pauseUpdate = defineUpdate<CommandResult, [unknown]>('pause');
export const resumeUpdate = defineUpdate<CommandResult, [unknown]>('resume');
/** Cancels everything on the venue and stays out until `approveRestart`. */
export const hardStopUpdate = defineUpdate<CommandResult, [unknown]>('hardStop');
export const approveRestartUpdate = defineUpdate<CommandResult, [unknown]>('approveRestart');
/** All of the changes or none; refused with every fault, and when the process is not there to take them. */
export const setParametersUpdate = defineUpdate<CommandResult, [unknown]>('setParameters');
/** Ends the bot process in order, then this workflow. */
export const stopUpdate = defineUpdate<CommandResult, [unknown]>('stop');
/** The manual freeze: as a signal for whoever only wants it said, as an update for whoever waits for it to hold. */
export const freezeSignal = defineSignal<[unknown]>('freeze');
export const thawSignal = defineSignal<[unknown]>('thaw');
export const freezeUpdate = defineUpdate<CommandResult, [unknown]>('freeze');
export const thawUpdate = defineUpdate<CommandResult, [unknown]>('thaw');
export const statusQuery = defineQuery<BotWorkflowStatus>('status');
