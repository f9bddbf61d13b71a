/** The desk as the console sees it: every component asked through a probe, so that one that hangs delays nobody for long. */
import type { Connection } from '@temporalio/client';
import type { LoadedConfig } from '../config/load.ts';
import type { BotConfig } from '../core/bot/bot-config.ts';
import type { Log } from '../core/log.ts';
import type { EvidenceView } from './evidence.ts';
import { readSimulator, type SimulatorView } from './market.ts';
import { describeDesk, type BotView, type DeskSources, type DeskView } from './overview.ts';
import { createProbe, latestOf, type Probe } from './probe.ts';
import { ConsoleStore, type BotDetail, type CurvePoint, type StoredBot, type StoreLedger } from './store.ts';
import type { Part } from './stream.ts';
import { readWorkflows, type WorkflowView } from './temporal.ts';

export interface ConsoleDeskOptions {
  readonly config: LoadedConfig;
  readonly codeVersion: string;
  readonly ledger: StoreLedger;
  readonly temporal: { readonly connection: Connection; readonly namespace: string };
  readonly temporalUi: string | null;
  /** Null when the venue is a real one. */
  readonly simulatorPort: number | null;
  readonly log: Log;
}

export interface Overview {
  readonly nowMs: number;
  readonly desk: DeskView;
  readonly bots: readonly BotView[];
}

/** The newest few seconds are what a page is for; a workflow's state changes slowly and costs its worker an answer. */
const STORE_TTL_MS = 800;
const WORKFLOWS_TTL_MS = 3_000;
const SIMULATOR_TTL_MS = 900;
const CURVE_TTL_MS = 15_000;
const EVIDENCE_TTL_MS = 10_000;
const PATIENCE_MS = 2_500;
/** What the small chart on the page spans. */
export const CURVE_SPAN_MS = 6 * 3_600_000;
const CURVE_POINTS = 160;

export class ConsoleDesk {
  readonly bots: readonly BotConfig[];
  private readonly options: ConsoleDeskOptions;
  private readonly stored: ConsoleStore;
  private readonly store: () => Promise<Probe<ReadonlyMap<string, StoredBot>>>;
  private readonly workflows: () => Promise<Probe<ReadonlyMap<string, WorkflowView>>>;
  private readonly simulator: (() => Promise<Probe<SimulatorView>>) | null;
  private readonly evidence: () => Promise<Probe<readonly EvidenceView[]>>;
  private readonly curves: () => Promise<Probe<ReadonlyMap<string, readonly CurvePoint[]>>>;

  constructor(options: ConsoleDeskOptions) {
    const { config, ledger, temporal, simulatorPort, log } = options;
    this.options = options;
    this.bots = [...config.bots.values()];
    this.stored = new ConsoleStore(ledger, log);
    const names = this.bots.map(({ bot }) => bot);
    const active = this.bots.filter(({ mode }) => mode !== 'disabled').map(({ bot }) => bot);
    const patience = { patienceMs: PATIENCE_MS };
    this.store = createProbe({ ask: () => this.stored.readAll(names), ttlMs: STORE_TTL_MS, ...patience });
    this.workflows = createProbe({
      ask: () => readWorkflows(temporal.connection, temporal.namespace, active),
      ttlMs: WORKFLOWS_TTL_MS,
      ...patience,
    });
    this.simulator =
      simulatorPort === null
        ? null
        : createProbe({ ask: () => readSimulator(simulatorPort), ttlMs: SIMULATOR_TTL_MS, ...patience });
    this.evidence = createProbe({
      ask: () => this.stored.readEvidence(config.desk.desk),
      ttlMs: EVIDENCE_TTL_MS,
      ...patience,
    });
    this.curves = createProbe({ ask: () => this.readCurves(names), ttlMs: CURVE_TTL_MS, ...patience });
  }

  async sources(): Promise<DeskSources> {
    const { config, codeVersion, temporal, temporalUi } = this.options;
    const [store, workflows, evidence, simulator] = await Promise.all([
      this.store(),
      this.workflows(),
      this.evidence(),
      this.simulator === null ? null : this.simulator(),
    ]);
    const { namespace } = temporal;
    const { desk } = config;
    return { desk, bots: this.bots, codeVersion, temporalUi, namespace, store, workflows, simulator, evidence };
  }

  async overview(): Promise<Overview> {
    const sources = await this.sources();
    const nowMs = Date.now();
    return { nowMs, ...describeDesk(sources, nowMs) };
  }

  /** The page's parts: `desk`, `bot:<bot>`, `curve:<bot>`. */
  async look(): Promise<Part[]> {
    const [{ desk, bots }, curves] = await Promise.all([this.overview(), this.curves()]);
    return [
      { id: 'desk', data: JSON.stringify(desk) },
      ...bots.map((bot) => ({ id: `bot:${bot.bot}`, data: JSON.stringify(bot) })),
      ...[...(latestOf(curves) ?? [])].map(([bot, points]) => ({ id: `curve:${bot}`, data: JSON.stringify(points) })),
    ];
  }

  /** Rejects while Postgres does not answer. */
  detail(bot: string, sinceMs: number, points: number): Promise<BotDetail> {
    return this.stored.readBot(bot, { sinceMs, points });
  }

  private async readCurves(names: readonly string[]): Promise<ReadonlyMap<string, readonly CurvePoint[]>> {
    const sinceMs = Date.now() - CURVE_SPAN_MS;
    const read = async (bot: string): Promise<[string, readonly CurvePoint[]]> => [
      bot,
      await this.stored.readCurve(bot, sinceMs, CURVE_POINTS),
    ];
    return new Map(await Promise.all(names.map(read)));
  }
}
