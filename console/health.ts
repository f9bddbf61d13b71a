/** Is the desk well? One judgement, shown by `/health`, the page and the metrics. Pure. */
import { isTrouble } from '../core/bot/reasons.ts';
import type { BotConfig } from '../core/bot/bot-config.ts';
import { latestOf, type Probe } from './probe.ts';
import type { StoredBot } from './store.ts';
import type { WorkflowView } from './temporal.ts';

/** A bot writes telemetry every 5 s; three missed ones are no coincidence. */
export const TELEMETRY_STALE_MS = 15_000;

export type ComponentName = 'temporal' | 'postgres' | 'simulator';

export interface ComponentHealth {
  readonly component: ComponentName;
  readonly up: boolean;
  /** Why it is not; null when it is up. */
  readonly problem: string | null;
}

export interface BotHealth {
  readonly bot: string;
  /** `off` is a disabled bot: nothing is expected of it. */
  readonly state: 'ok' | 'degraded' | 'off';
  /** As its last telemetry says; null before the first. */
  readonly phase: string | null;
  readonly telemetryAgeMs: number | null;
  /** One of `BotProblem`; null when it is well or off. */
  readonly problem: BotProblem | null;
}

export type BotProblem =
  | 'store_not_answering'
  | 'no_telemetry'
  | 'telemetry_stale'
  | 'starting'
  | 'stopping'
  | 'hard_stopped'
  | 'paused_without_supervisor'
  /** One of its own limits was reached: its reason says which. */
  | 'soft_pause'
  /** Something outside it has to be put right: its reason says what. */
  | 'cut_off'
  | 'gave_up'
  | 'workflow_missing'
  | 'workflow_silent';

export interface DeskHealth {
  readonly state: 'ok' | 'degraded';
  readonly components: readonly ComponentHealth[];
  readonly bots: readonly BotHealth[];
}

export interface HealthSources {
  readonly bots: readonly BotConfig[];
  readonly store: Probe<ReadonlyMap<string, StoredBot>>;
  readonly workflows: Probe<ReadonlyMap<string, WorkflowView>>;
  /** Null when the venue is a real one. */
  readonly simulator: Probe<unknown> | null;
}

export function judgeHealth({ bots, store, workflows, simulator }: HealthSources, nowMs: number): DeskHealth {
  const components = [
    componentHealth('temporal', workflows),
    componentHealth('postgres', store),
    ...(simulator === null ? [] : [componentHealth('simulator', simulator)]),
  ];
  const judged = bots.map((config) => judgeBot(config, store, workflows, nowMs));
  const isWell = components.every(({ up }) => up) && judged.every(({ state }) => state !== 'degraded');
  return { state: isWell ? 'ok' : 'degraded', components, bots: judged };
}

function componentHealth(component: ComponentName, probe: Probe<unknown>): ComponentHealth {
  return probe.state === 'answered'
    ? { component, up: true, problem: null }
    : { component, up: false, problem: probe.error };
}

function judgeBot(
  { bot, mode }: BotConfig,
  store: HealthSources['store'],
  workflows: HealthSources['workflows'],
  nowMs: number,
): BotHealth {
  const snapshot = latestOf(store)?.get(bot)?.snapshot ?? null;
  const phase = snapshot?.event.phase ?? null;
  const telemetryAgeMs = snapshot === null ? null : Math.max(0, nowMs - snapshot.atMs);
  if (mode === 'disabled') return { bot, state: 'off', phase, telemetryAgeMs, problem: null };
  const problem = botProblem(snapshot, telemetryAgeMs, store, workflows, bot);
  return { bot, state: problem === null ? 'ok' : 'degraded', phase, telemetryAgeMs, problem };
}

/** The first that holds, gravest first. A pause or a freeze by an operator is wanted, so it is none. */
function botProblem(
  snapshot: StoredBot['snapshot'],
  telemetryAgeMs: number | null,
  store: HealthSources['store'],
  workflows: HealthSources['workflows'],
  bot: string,
): BotProblem | null {
  const workflow = workflows.state === 'answered' ? workflows.value.get(bot) : undefined;
  if (workflow?.state === 'answered' && workflow.gaveUp !== null) return 'gave_up';
  if (snapshot?.event.phase === 'hard_stopped') return 'hard_stopped';
  if (snapshot === null || telemetryAgeMs === null) {
    return store.state === 'failed' ? 'store_not_answering' : 'no_telemetry';
  }
  if (telemetryAgeMs > TELEMETRY_STALE_MS) return 'telemetry_stale';
  if (snapshot.event.phase === 'starting' || snapshot.event.phase === 'stopping') return snapshot.event.phase;
  if (snapshot.event.reason === 'paused_without_supervisor') return 'paused_without_supervisor';
  if (isTrouble(snapshot.event.reason)) return snapshot.event.riskLevel === 'soft_pause' ? 'soft_pause' : 'cut_off';
  if (workflow?.state === 'missing') return 'workflow_missing';
  if (workflow?.state === 'silent') return 'workflow_silent';
  return null;
}
