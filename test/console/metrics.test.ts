import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { loadConfig } from '../../config/load.ts';
import type { HealthSources } from '../../console/health.ts';
import { exposition } from '../../console/prometheus.ts';
import type { StoredBot } from '../../console/store.ts';
import type { Timings } from '../../console/stored.ts';
import { METRICS, type MetricDefinition } from '../../monitoring/metrics.ts';
import { PROJECT_ROOT } from '../stack/helpers.ts';
import { complaints, parseExposition, valueOf } from './exposition.ts';
import { NOW, SNAPSHOT } from './snapshot.ts';

const DEFINITIONS: readonly MetricDefinition[] = Object.values(METRICS);
const bots = [...loadConfig(join(PROJECT_ROOT, 'config')).bots.values()];

const EMPTY: StoredBot = { snapshot: null, timings: null, openOrders: [], fills: [], fillTotal: null };

function sources(bot1: StoredBot): HealthSources {
  return {
    bots,
    store: {
      state: 'answered',
      atMs: NOW,
      value: new Map(bots.map(({ bot }) => [bot, bot === 'bot1' ? bot1 : EMPTY])),
    },
    workflows: { state: 'failed', error: 'connection refused', last: null },
    simulator: null,
  };
}

test('the names that dashboards know, each with one declaration', () => {
  const names = DEFINITIONS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(
    expect.arrayContaining([
      'hbot_bot_equity_quote',
      'hbot_bot_base_pct',
      'hbot_bot_target_base_pct',
      'hbot_bot_daily_loss_pct',
      'hbot_bot_drawdown_pct',
      'hbot_bot_cancel_per_min',
      'hbot_bot_risk_reasons_info',
      'hbot_bot_blotter_fills_total',
      'hbot_bot_blotter_last_fill_timestamp_seconds',
      'hbot_bot_blotter_last_fill_age_seconds',
      'hbot_bot_tick_duration_seconds',
    ]),
  );
});

const latency = (ms: number) => ({ count: 5, meanMs: ms, p50Ms: ms, p99Ms: 2 * ms, maxMs: 3 * ms });
const TIMINGS: Timings = {
  tick: latency(1),
  evaluate: latency(4),
  durable: latency(7),
  placeAnswer: latency(10),
  cancelAnswer: latency(13),
  syncRead: latency(16),
  memoryRssBytes: 70_000_000,
  droppedRelayCount: 8,
  connector: { reconnects: 3, bookGaps: 1, bookChecksumFailures: 2, malformed: 4 },
};
const FULL: StoredBot = {
  ...EMPTY,
  snapshot: { atMs: NOW - 4_000, event: SNAPSHOT },
  timings: { atMs: NOW, event: TIMINGS },
  fillTotal: { count: 3, lastAtMs: NOW - 5_000 },
};

/** The series of bot1 by name, with what tells several of one name apart. */
async function seriesOf(bot1: StoredBot): Promise<Record<string, number>> {
  const families = parseExposition(await exposition(sources(bot1), NOW));
  expect(complaints(families, DEFINITIONS)).toEqual([]);
  const found = families.flatMap(({ series }) => series).filter(({ labels }) => labels['bot'] === 'bot1');
  return Object.fromEntries(
    found.map(({ name, labels: { bot: _bot, variant: _variant, ...rest }, value }) => [
      [name, ...Object.values(rest)].join(' '),
      value,
    ]),
  );
}

/** Quantiles 0.5, 0.99 and 1 of `latency(ms)`, in seconds. */
const summary = (name: string, ms: number): Record<string, number> => ({
  [`${name} 0.5`]: ms / 1_000,
  [`${name} 0.99`]: (2 * ms) / 1_000,
  [`${name} 1`]: (3 * ms) / 1_000,
});

test('a bot with data: every figure from its telemetry, and every metric of a bot has one', async () => {
  const series = await seriesOf(FULL);
  expect(series).toEqual({
    hbot_bot_equity_quote: 9_900,
    hbot_bot_base_pct: -0.12,
    hbot_bot_target_base_pct: 0,
    hbot_bot_daily_loss_pct: 0.01,
    hbot_bot_drawdown_pct: 0.01,
    hbot_bot_cancel_per_min: 11,
    'hbot_bot_risk_reasons_info quoted': 1,
    'hbot_bot_phase_info running': 1,
    hbot_bot_blotter_fills_total: 3,
    hbot_bot_blotter_last_fill_timestamp_seconds: (NOW - 5_000) / 1_000,
    hbot_bot_blotter_last_fill_age_seconds: 5,
    hbot_bot_orders_active: 2,
    hbot_bot_orders_unknown: 0,
    hbot_bot_telemetry_age_seconds: 4,
    hbot_bot_book_age_seconds: 0.025,
    hbot_bot_supervisor_age_seconds: 0.3,
    ...summary('hbot_bot_tick_duration_seconds', 1),
    ...summary('hbot_bot_evaluate_duration_seconds', 4),
    ...summary('hbot_bot_order_durable_duration_seconds', 7),
    ...summary('hbot_bot_place_answer_duration_seconds', 10),
    ...summary('hbot_bot_cancel_answer_duration_seconds', 13),
    ...summary('hbot_bot_sync_read_duration_seconds', 16),
    hbot_bot_memory_rss_bytes: 70_000_000,
    hbot_bot_unprotected_seconds_total: 1.5,
    hbot_bot_alerts_total: 2,
    hbot_bot_dropped_relay_total: 8,
    hbot_bot_clock_offset_seconds: -0.04,
    hbot_bot_risk_level: 2,
    hbot_bot_margin_ratio: 0.55,
    hbot_bot_position_drift_pct: 0.025,
    hbot_bot_funding_quote: -1.25,
    'hbot_bot_regime_info high_volatility_shock': 1,
    hbot_bot_stream_reconnects_total: 3,
    hbot_bot_books_lost_total: 7,
  });
  const declared = DEFINITIONS.map(({ name }) => name).filter((name) => name.startsWith('hbot_bot_'));
  expect([...new Set(Object.keys(series).map((key) => key.split(' ')[0]))].sort()).toEqual(declared.sort());
});

test('telemetry of an earlier version has no figure of what it did not know, and nothing measured is no duration', async () => {
  const {
    riskLevel: _l,
    riskCode: _c,
    marginRatio: _m,
    positionDriftPct: _d,
    funding: _f,
    regime: _r,
    ...event
  } = SNAPSHOT;
  const { tick, durable, placeAnswer, memoryRssBytes } = TIMINGS;
  const timings = { tick, durable, placeAnswer: { ...placeAnswer, count: 0 }, memoryRssBytes };
  const names = Object.keys(
    await seriesOf({ ...FULL, snapshot: { atMs: NOW, event }, timings: { atMs: NOW, event: timings } }),
  );
  expect(names).toContain('hbot_bot_tick_duration_seconds 1');
  for (const name of ['risk_level', 'margin_ratio', 'position_drift_pct', 'funding_quote', 'regime_info'])
    expect(names.filter((each) => each.startsWith(`hbot_bot_${name}`))).toEqual([]);
  for (const name of ['evaluate', 'place_answer', 'cancel_answer', 'sync_read'])
    expect(names.filter((each) => each.startsWith(`hbot_bot_${name}`))).toEqual([]);
  expect(names).not.toContain('hbot_bot_dropped_relay_total');
});

test('without data there is no figure, only that there are no fills', async () => {
  const families = parseExposition(await exposition(sources(EMPTY), NOW));
  expect(complaints(families, DEFINITIONS)).toEqual([]);
  const names = families.filter(({ name }) => name.startsWith('hbot_bot_')).map(({ name }) => name);
  expect(names.sort()).toEqual([
    'hbot_bot_blotter_fills_total',
    'hbot_bot_blotter_last_fill_age_seconds',
    'hbot_bot_blotter_last_fill_timestamp_seconds',
  ]);
  expect(valueOf(families, 'hbot_bot_blotter_fills_total', { bot: 'bot1', variant: 'no_fills' })).toBe(0);
  // bot2 is disabled: nothing is expected of it, so nothing is missing.
  expect(valueOf(families, 'hbot_bot_blotter_fills_total', { bot: 'bot2' })).toBeUndefined();
  expect(valueOf(families, 'hbot_desk_component_up', { component: 'temporal' })).toBe(0);
});

test('what a bot says before its first balance is no equity', async () => {
  const unsynced = { ...SNAPSHOT, equity: '0', equityPeak: '0', equityDayStart: '0', phase: 'starting' };
  const families = parseExposition(
    await exposition(sources({ ...EMPTY, snapshot: { atMs: NOW, event: unsynced } }), NOW),
  );
  for (const name of ['hbot_bot_equity_quote', 'hbot_bot_base_pct', 'hbot_bot_daily_loss_pct', 'hbot_bot_drawdown_pct'])
    expect(families.map((family) => family.name)).not.toContain(name);
  expect(valueOf(families, 'hbot_bot_phase_info', { bot: 'bot1', phase: 'starting' })).toBe(1);
});

test('a text that is no code is no label', async () => {
  const strange = {
    ...SNAPSHOT,
    reason: 'toString',
    phase: 'by "operator"\n',
    riskLevel: 'valueOf',
    regime: 'toString',
  };
  const families = parseExposition(
    await exposition(sources({ ...EMPTY, snapshot: { atMs: NOW, event: strange } }), NOW),
  );
  expect(complaints(families, DEFINITIONS)).toEqual([]);
  const names = families.map(({ name }) => name);
  expect(names).not.toContain('hbot_bot_risk_reasons_info');
  expect(names).not.toContain('hbot_bot_phase_info');
  expect(names).not.toContain('hbot_bot_risk_level');
  expect(names).not.toContain('hbot_bot_regime_info');
});

test('while the store does not answer the old figures are not told as new', async () => {
  const known = sources({ ...EMPTY, snapshot: { atMs: NOW, event: SNAPSHOT } });
  const last = known.store.state === 'answered' ? { value: known.store.value, atMs: NOW } : null;
  const text = await exposition({ ...known, store: { state: 'failed', error: 'gone', last } }, NOW);
  const families = parseExposition(text);
  expect(families.map(({ name }) => name)).toEqual(['hbot_desk_component_up']);
  expect(valueOf(families, 'hbot_desk_component_up', { component: 'postgres' })).toBe(0);
});

test('control: the checker names what is wrong', () => {
  const wrong = parseExposition(
    '# HELP hbot_bot_equity_quote Something else.\n# TYPE hbot_bot_equity_quote counter\nhbot_bot_equity_quote{bot="a b"} NaN\n',
  );
  expect(complaints(wrong, DEFINITIONS)).toHaveLength(6);
  expect(() => parseExposition('hbot_bot_equity_quote 1\n')).toThrow('cannot be read');
});
