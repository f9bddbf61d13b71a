import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { loadConfig } from '../../config/load.ts';
import { judgeHealth, TELEMETRY_STALE_MS, type HealthSources } from '../../console/health.ts';
import type { Probe } from '../../console/probe.ts';
import type { StoredBot } from '../../console/store.ts';
import { BotSnapshot } from '../../console/stored.ts';
import type { WorkflowView } from '../../console/temporal.ts';
import { RecordKind } from '../../core/events/record.ts';
import { PROJECT_ROOT } from '../stack/helpers.ts';
import { tellStory } from './story.ts';

const NOW = 1_723_161_600_000;
const BOT1 = loadConfig(join(PROJECT_ROOT, 'config')).bots.get('bot1');
const told = tellStory({ bot: 'bot1', untilMs: NOW, minutes: 1 }).records;

/** The machine's own last snapshot, with a few fields changed. */
function storedBot(changes: Partial<BotSnapshot> = {}, ageMs = 0): StoredBot {
  const payloads = told
    .filter(({ kind }) => kind === RecordKind.telemetryEvent)
    .map(({ payload }) => JSON.parse(payload.toString()) as { type: string });
  const event = BotSnapshot.parse(payloads.filter(({ type }) => type !== 'TickTimings').at(-1));
  return {
    snapshot: { atMs: NOW - ageMs, event: { ...event, ...changes } },
    timings: null,
    openOrders: [],
    fills: [],
    fillTotal: null,
  };
}

function answered<T>(value: T): Probe<T> {
  return { state: 'answered', value, atMs: NOW };
}

const RUNNING: WorkflowView = {
  state: 'answered',
  phase: 'running',
  phaseSinceMs: NOW,
  pid: 1,
  restarts: 0,
  pausedBy: null,
  frozenBy: null,
  hardStoppedBy: null,
  gaveUp: null,
};

function sources(stored: StoredBot | null, workflow: WorkflowView = RUNNING): HealthSources {
  if (BOT1 === undefined) throw new Error('bot1 has a configuration');
  return {
    bots: [BOT1],
    store: answered(new Map(stored === null ? [] : [['bot1', stored]])),
    workflows: answered(new Map([['bot1', workflow]])),
    simulator: answered({}),
  };
}

test('a running bot with fresh telemetry is well', () => {
  expect(judgeHealth(sources(storedBot()), NOW)).toMatchObject({ state: 'ok', bots: [{ state: 'ok', problem: null }] });
});

test.each([
  ['as old as it may be', sources(storedBot({}, TELEMETRY_STALE_MS)), null],
  ['a moment older', sources(storedBot({}, TELEMETRY_STALE_MS + 1)), 'telemetry_stale'],
  ['never heard of', sources(null), 'no_telemetry'],
  ['starting', sources(storedBot({ phase: 'starting', reason: 'startup_position_sync_pending' })), 'starting'],
  ['hard stopped', sources(storedBot({ phase: 'hard_stopped', reason: 'hard_stopped' })), 'hard_stopped'],
  ['paused by a person, who wants it so', sources(storedBot({ phase: 'paused', reason: 'paused_by_operator' })), null],
  [
    'paused on its own',
    sources(storedBot({ phase: 'paused', reason: 'paused_without_supervisor' })),
    'paused_without_supervisor',
  ],
  [
    'that reached a limit of its own',
    sources(storedBot({ phase: 'paused', reason: 'drawdown_reached', riskLevel: 'soft_pause' })),
    'soft_pause',
  ],
  ['without a connection', sources(storedBot({ reason: 'venue_connection_down' })), 'cut_off'],
  ['that waits for a better market', sources(storedBot({ reason: 'spread_floor_above_market' })), null],
  ['without a workflow', sources(storedBot(), { state: 'missing' }), 'workflow_missing'],
  ['with a workflow that nobody runs', sources(storedBot(), { state: 'silent' }), 'workflow_silent'],
  ['given up', sources(storedBot(), { ...RUNNING, gaveUp: { reason: 'exit code 2', atMs: NOW } }), 'gave_up'],
] as const)('a bot %s', (_name, given, problem) => {
  const health = judgeHealth(given, NOW);
  expect(health.bots[0]?.problem ?? null).toBe(problem);
  expect(health.state).toBe(problem === null ? 'ok' : 'degraded');
});

test('a component that does not answer degrades the desk, and its last word still counts for the bots', () => {
  const well = sources(storedBot());
  const stored = well.store.state === 'answered' ? { value: well.store.value, atMs: NOW } : null;
  const health = judgeHealth({ ...well, store: { state: 'failed', error: 'gone', last: stored } }, NOW);
  expect(health.state).toBe('degraded');
  expect(health.components.filter(({ up }) => !up)).toEqual([{ component: 'postgres', up: false, problem: 'gone' }]);
  expect(health.bots[0]).toMatchObject({ state: 'ok', telemetryAgeMs: 0 });
});

test('a disabled bot is expected to do nothing', () => {
  const bot2 = loadConfig(join(PROJECT_ROOT, 'config')).bots.get('bot2');
  if (bot2 === undefined) throw new Error('bot2 has a configuration');
  const health = judgeHealth({ ...sources(null), bots: [bot2] }, NOW);
  expect(health).toMatchObject({ state: 'ok', bots: [{ state: 'off', problem: null }] });
});
