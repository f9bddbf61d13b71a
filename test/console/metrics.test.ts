import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { loadConfig } from '../../config/load.ts';
import type { HealthSources } from '../../console/health.ts';
import { exposition } from '../../console/prometheus.ts';
import { BotSnapshot } from '../../console/stored.ts';
import type { StoredBot } from '../../console/store.ts';
import { METRICS, type MetricDefinition } from '../../monitoring/metrics.ts';
import { PROJECT_ROOT } from '../stack/helpers.ts';
import { complaints, parseExposition, valueOf } from './exposition.ts';

const NOW = 1_723_161_600_000;
const DEFINITIONS: readonly MetricDefinition[] = Object.values(METRICS);
const bots = [...loadConfig(join(PROJECT_ROOT, 'config')).bots.values()];

const SNAPSHOT = BotSnapshot.parse({
  symbol: 'BTCUSDT',
  phase: 'running',
  reason: 'quoted',
  equity: '9900',
  equityPeak: '10000',
  equityDayStart: '10000',
  position: '-0.02',
  positionQuote: -1_188,
  entryPrice: '60000',
  mid: '59400',
  bookAgeMs: 25,
  realised: '-100',
  unrealised: '12',
  fees: '1.2',
  fills: 3,
  lastFillAtMs: NOW - 5_000,
  ordersActive: 2,
  ordersUnknown: 0,
  cancelsLastMinute: 11,
  supervisorAgeMs: 300,
  unprotectedMs: 1_500,
  alerts: 2,
  clockOffsetMs: -40,
});

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

test('a bot with data: every figure from its telemetry', async () => {
  const latency = { count: 5, meanMs: 1, p50Ms: 1, p99Ms: 2, maxMs: 3 };
  const timings = {
    tick: latency,
    durable: latency,
    placeAnswer: { ...latency, count: 0 },
    memoryRssBytes: 70_000_000,
    connector: { reconnects: 3, bookGaps: 1, bookChecksumFailures: 2, malformed: 4 },
  };
  const families = parseExposition(
    await exposition(
      sources({
        ...EMPTY,
        snapshot: { atMs: NOW - 4_000, event: SNAPSHOT },
        timings: { atMs: NOW, event: timings },
        fillTotal: { count: 3, lastAtMs: NOW - 5_000 },
      }),
      NOW,
    ),
  );
  expect(complaints(families, DEFINITIONS)).toEqual([]);
  const bot1 = (name: string, more: Record<string, string> = {}): number | undefined =>
    valueOf(families, name, { bot: 'bot1', variant: 'two_sided_quotes', ...more });
  expect({
    equity: bot1('hbot_bot_equity_quote'),
    base: bot1('hbot_bot_base_pct'),
    target: bot1('hbot_bot_target_base_pct'),
    loss: bot1('hbot_bot_daily_loss_pct'),
    drawdown: bot1('hbot_bot_drawdown_pct'),
    cancels: bot1('hbot_bot_cancel_per_min'),
    reason: bot1('hbot_bot_risk_reasons_info', { reasons: 'quoted' }),
    fills: bot1('hbot_bot_blotter_fills_total'),
    lastFillAt: bot1('hbot_bot_blotter_last_fill_timestamp_seconds'),
    lastFillAge: bot1('hbot_bot_blotter_last_fill_age_seconds'),
    telemetryAge: bot1('hbot_bot_telemetry_age_seconds'),
    tickP99: bot1('hbot_bot_tick_duration_seconds', { quantile: '0.99' }),
    tickMax: bot1('hbot_bot_tick_duration_seconds', { quantile: '1' }),
    memory: bot1('hbot_bot_memory_rss_bytes'),
    unprotected: bot1('hbot_bot_unprotected_seconds_total'),
    alerts: bot1('hbot_bot_alerts_total'),
    clock: bot1('hbot_bot_clock_offset_seconds'),
    reconnects: bot1('hbot_bot_stream_reconnects_total'),
    booksLost: bot1('hbot_bot_books_lost_total'),
  }).toEqual({
    equity: 9_900,
    base: -0.12,
    target: 0,
    loss: 0.01,
    drawdown: 0.01,
    cancels: 11,
    reason: 1,
    fills: 3,
    lastFillAt: (NOW - 5_000) / 1_000,
    lastFillAge: 5,
    telemetryAge: 4,
    tickP99: 0.002,
    tickMax: 0.003,
    memory: 70_000_000,
    unprotected: 1.5,
    alerts: 2,
    clock: -0.04,
    reconnects: 3,
    booksLost: 7,
  });
  expect(bot1('hbot_bot_place_answer_duration_seconds')).toBeUndefined();
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
  const strange = { ...SNAPSHOT, reason: 'toString', phase: 'by "operator"\n' };
  const families = parseExposition(
    await exposition(sources({ ...EMPTY, snapshot: { atMs: NOW, event: strange } }), NOW),
  );
  expect(complaints(families, DEFINITIONS)).toEqual([]);
  const names = families.map(({ name }) => name);
  expect(names).not.toContain('hbot_bot_risk_reasons_info');
  expect(names).not.toContain('hbot_bot_phase_info');
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
