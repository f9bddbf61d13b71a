/** The exposition for `/metrics`, made anew at each scrape from what the desk says now. */
import { Counter, Gauge, Registry, Summary } from 'prom-client';
import { Reason } from '../core/bot/reasons.ts';
import type { BotConfig } from '../core/bot/bot-config.ts';
import type { BotPhase } from '../core/bot/telemetry.ts';
import { METRICS, NO_FILLS, type MetricDefinition, type MetricKey } from '../monitoring/metrics.ts';
import { LADDER } from '../core/escalation/ladder.ts';
import { REGIMES } from '../core/market-maker/regime.ts';
import { figuresOf, targetBaseRatio } from './figures.ts';
import { judgeHealth, type HealthSources } from './health.ts';
import type { StoredBot } from './store.ts';
import type { Latency, Timings } from './stored.ts';
import { isLevel } from './words.ts';

type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly key: MetricKey;
  readonly labels: Labels;
  readonly value: number;
}

const PHASES: readonly string[] = [
  'starting',
  'running',
  'paused',
  'hard_stopped',
  'stopping',
] satisfies readonly BotPhase[];

const DURATIONS: readonly (readonly [MetricKey, (timings: Timings) => Latency | undefined])[] = [
  ['tickDuration', ({ tick }) => tick],
  ['evaluateDuration', ({ evaluate }) => evaluate],
  ['orderDurableDuration', ({ durable }) => durable],
  ['placeAnswerDuration', ({ placeAnswer }) => placeAnswer],
  ['cancelAnswerDuration', ({ cancelAnswer }) => cancelAnswer],
  ['syncReadDuration', ({ syncRead }) => syncRead],
];

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** A summary whose quantiles were measured elsewhere. */
class ReportedSummary extends Summary {
  private readonly reported: { labels: Labels; value: number }[] = [];

  report(labels: Labels, { p50Ms, p99Ms, maxMs }: Latency): void {
    const quantiles: [string, number][] = [
      ['0.5', p50Ms],
      ['0.99', p99Ms],
      ['1', maxMs],
    ];
    for (const [quantile, ms] of quantiles) this.reported.push({ labels: { ...labels, quantile }, value: ms / 1_000 });
  }

  override async get(): ReturnType<Summary['get']> {
    const described = await super.get();
    return { ...described, values: this.reported };
  }
}

/** A metric without a series is left out. While the store does not answer, bots have no series: old figures are no figures. */
export async function exposition(sources: HealthSources, nowMs: number): Promise<string> {
  const registry = new Registry();
  for (const { key, labels, value } of samples(sources, nowMs)) {
    const metric = registry.getSingleMetric(METRICS[key].name) ?? register(registry, METRICS[key]);
    if (metric instanceof Counter) metric.inc(labels, value);
    else if (metric instanceof Gauge) metric.set(labels, value);
  }
  if (sources.store.state === 'answered') {
    for (const config of sources.bots) {
      const timings = sources.store.value.get(config.bot)?.timings?.event;
      if (timings === undefined) continue;
      for (const [key, of] of DURATIONS) report(registry, key, labelsOf(config), of(timings));
    }
  }
  return registry.metrics();
}

function register(registry: Registry, { name, help, type, labels }: MetricDefinition): Counter | Gauge {
  const options = { name, help, labelNames: labels, registers: [registry] };
  return type === 'counter' ? new Counter(options) : new Gauge(options);
}

function report(registry: Registry, key: MetricKey, labels: Labels, latency: Latency | undefined): void {
  if (latency === undefined || latency.count === 0) return;
  const { name, help, labels: labelNames } = METRICS[key];
  const metric =
    registry.getSingleMetric(name) ?? new ReportedSummary({ name, help, labelNames, registers: [registry] });
  if (metric instanceof ReportedSummary) metric.report(labels, latency);
}

function labelsOf({ bot, strategy }: BotConfig): Labels {
  return { bot, variant: strategy.name };
}

function samples(sources: HealthSources, nowMs: number): Sample[] {
  const found = judgeHealth(sources, nowMs).components.map(({ component, up }): Sample => ({
    key: 'componentUp',
    labels: { component },
    value: up ? 1 : 0,
  }));
  if (sources.store.state !== 'answered') return found;
  for (const config of sources.bots) {
    const stored = sources.store.value.get(config.bot);
    if (stored !== undefined) found.push(...botSamples(config, stored, nowMs));
  }
  return found;
}

function botSamples(config: BotConfig, { snapshot, timings, fillTotal }: StoredBot, nowMs: number): Sample[] {
  const labels = labelsOf(config);
  const found: Sample[] = [];
  const add = (key: MetricKey, value: number | null, more: Labels = {}): void => {
    if (value !== null) found.push({ key, labels: { ...labels, ...more }, value });
  };
  if (snapshot !== null) {
    const { event, atMs } = snapshot;
    const figures = figuresOf(event);
    add('equity', figures.equityQuote);
    add('baseRatio', figures.baseRatio);
    add('targetBaseRatio', targetBaseRatio(config.strategy, figures.equityQuote));
    add('dailyLossRatio', figures.dailyLossRatio);
    add('drawdownRatio', figures.drawdownRatio);
    add('cancelsPerMinute', event.cancelsLastMinute);
    // The label sets are closed: what is in neither list is no label.
    if (Object.hasOwn(Reason, event.reason)) add('riskReasons', 1, { reasons: event.reason });
    if (PHASES.includes(event.phase)) add('phase', 1, { phase: event.phase });
    add('ordersActive', event.ordersActive);
    add('ordersUnknown', event.ordersUnknown);
    add('telemetryAge', seconds(nowMs - atMs));
    add('bookAge', event.bookAgeMs === null ? null : seconds(event.bookAgeMs));
    add('supervisorAge', seconds(event.supervisorAgeMs));
    add('unprotected', event.unprotectedMs === undefined ? null : seconds(event.unprotectedMs));
    add('alerts', event.alerts ?? null);
    if (event.riskLevel !== undefined && isLevel(event.riskLevel)) add('riskLevel', LADDER[event.riskLevel].rank);
    add('marginRatio', event.marginRatio ?? null);
    add('positionDrift', event.positionDriftPct === undefined ? null : event.positionDriftPct / 100);
    add('funding', event.funding === undefined ? null : Number(event.funding));
    if (typeof event.regime === 'string' && Object.hasOwn(REGIMES, event.regime))
      add('regime', 1, { regime: event.regime });
    add('clockOffset', typeof event.clockOffsetMs === 'number' ? event.clockOffsetMs / 1_000 : null);
  }
  if (timings !== null) {
    const { memoryRssBytes, connector, droppedRelayCount } = timings.event;
    add('memory', memoryRssBytes);
    add('droppedRelays', droppedRelayCount ?? null);
    if (connector !== undefined) {
      add('reconnects', connector.reconnects);
      add('booksLost', connector.bookGaps + connector.bookChecksumFailures + connector.malformed);
    }
  }
  if (config.mode === 'disabled' && fillTotal === null) return found;
  const variant = fillTotal === null ? { variant: NO_FILLS } : {};
  add('blotterFills', fillTotal?.count ?? 0, variant);
  add('blotterLastFillAt', fillTotal === null ? 0 : fillTotal.lastAtMs / 1_000, variant);
  add('blotterLastFillAge', fillTotal === null ? 0 : seconds(nowMs - fillTotal.lastAtMs), variant);
  return found;
}

function seconds(ms: number): number {
  return Math.max(0, ms) / 1_000;
}
