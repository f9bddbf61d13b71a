/** What the page and the read API show, made from the configuration and the components' answers. Pure. */
import type { BotConfig } from '../core/bot/bot-config.ts';
import type { DeskConfig } from '../config/desk-config.ts';
import type { StoredFill, StoredOrder } from '../ledger/reads.ts';
import { botWorkflowId } from '../workflows/bot/contract.ts';
import type { EvidenceView } from './evidence.ts';
import { figuresOf, type BotFigures } from './figures.ts';
import { judgeHealth, TELEMETRY_STALE_MS, type BotProblem, type ComponentHealth } from './health.ts';
import type { SimulatorView } from './market.ts';
import { latestOf, type Probe } from './probe.ts';
import type { StoredBot } from './store.ts';
import type { BotSnapshot, Timings } from './stored.ts';
import type { WorkflowView } from './temporal.ts';
import { wordsOf, type BotWords } from './words.ts';

export interface DeskSources {
  readonly desk: DeskConfig;
  readonly bots: readonly BotConfig[];
  readonly codeVersion: string;
  /** Of our own Temporal server; null when the environment names another. */
  readonly temporalUi: string | null;
  readonly namespace: string;
  readonly store: Probe<ReadonlyMap<string, StoredBot>>;
  readonly workflows: Probe<ReadonlyMap<string, WorkflowView>>;
  readonly simulator: Probe<SimulatorView> | null;
  readonly evidence: Probe<readonly EvidenceView[]>;
}

export interface DeskView {
  readonly desk: string;
  readonly codeVersion: string;
  readonly venue: string;
  readonly endpoint: DeskConfig['venue']['endpoint'];
  readonly health: 'ok' | 'degraded';
  readonly components: readonly ComponentHealth[];
  /** What the simulator plays; null when the venue is real, or the simulator has not answered yet. */
  readonly market: SimulatorView | null;
  readonly temporalUi: string | null;
  /** The newest of each kind; empty before the first, or while Postgres has never answered. */
  readonly evidence: readonly EvidenceView[];
  /** Telemetry older than this is shown as old. */
  readonly staleMs: number;
  readonly bots: readonly string[];
}

export interface BotView {
  readonly bot: string;
  readonly role: string;
  readonly mode: BotConfig['mode'];
  readonly account: string;
  readonly symbol: string;
  readonly strategy: string;
  readonly policyVersion: string;
  readonly state: 'ok' | 'degraded' | 'off';
  readonly problem: BotProblem | null;
  readonly workflow: WorkflowView | { readonly state: 'unknown' };
  /** Its page in the Temporal web UI. */
  readonly workflowUrl: string | null;
  readonly telemetry: ({ readonly atMs: number } & BotSnapshot & BotFigures & BotWords) | null;
  readonly timings: ({ readonly atMs: number } & Timings) | null;
  readonly openOrders: readonly StoredOrder[];
  readonly fills: readonly StoredFill[];
  readonly fillsTotal: number;
}

export function describeDesk(sources: DeskSources, nowMs: number): { desk: DeskView; bots: BotView[] } {
  const health = judgeHealth(sources, nowMs);
  const { desk, simulator, temporalUi, evidence } = sources;
  return {
    desk: {
      desk: desk.desk,
      codeVersion: sources.codeVersion,
      venue: desk.venue.name,
      endpoint: desk.venue.endpoint,
      health: health.state,
      components: health.components,
      market: simulator === null ? null : latestOf(simulator),
      temporalUi,
      evidence: latestOf(evidence) ?? [],
      staleMs: TELEMETRY_STALE_MS,
      bots: sources.bots.map(({ bot }) => bot),
    },
    bots: sources.bots.map((config, index) => {
      const judged = health.bots[index];
      return botView(config, sources, judged?.state ?? 'off', judged?.problem ?? null);
    }),
  };
}

function botView(
  { bot, role, mode, account, symbol, strategy, policyVersion }: BotConfig,
  { store, workflows, temporalUi, namespace }: DeskSources,
  state: BotView['state'],
  problem: BotProblem | null,
): BotView {
  const stored = latestOf(store)?.get(bot) ?? null;
  const snapshot = stored?.snapshot ?? null;
  const timings = stored?.timings ?? null;
  const workflow = workflows.state === 'answered' ? workflows.value.get(bot) : undefined;
  return {
    bot,
    role,
    mode,
    account,
    symbol,
    strategy: strategy.name,
    policyVersion,
    state,
    problem,
    workflow: workflow ?? { state: 'unknown' },
    workflowUrl:
      temporalUi === null || mode === 'disabled' ? null : workflowUrl(temporalUi, namespace, botWorkflowId(bot)),
    telemetry: snapshot === null ? null : { atMs: snapshot.atMs, ...toldBy(snapshot.event, { bot, account }) },
    timings: timings === null ? null : { atMs: timings.atMs, ...timings.event },
    openOrders: stored?.openOrders ?? [],
    fills: stored?.fills ?? [],
    fillsTotal: stored?.fillTotal?.count ?? 0,
  };
}

function toldBy(event: BotSnapshot, names: { bot: string; account: string }): BotSnapshot & BotFigures & BotWords {
  return { ...event, ...figuresOf(event), ...wordsOf(event, names) };
}

/** Where the Temporal web UI shows a workflow; its ids have slashes. */
export function workflowUrl(temporalUi: string, namespace: string, workflowId: string): string {
  return `${temporalUi}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}`;
}
