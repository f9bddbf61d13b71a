/** Whether every part of the desk answers, and how each bot is. */
import pg from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadedConfig } from '../../config/load.ts';
import { holdsOf } from '../../core/supervision/holds.ts';
import { runningDesk } from '../../stack/desk-lock.ts';
import { readPorts } from '../../stack/ports.ts';
import { readRunFile, runningProcesses } from '../../stack/run-files.ts';
import type { BotWorkflowStatus } from '../../workflows/bot/contract.ts';
import type { Context } from '../context.ts';
import { databaseUrl } from '../database-url.ts';
import { askBot, withTemporal } from '../temporal-client.ts';
import { messageOf } from './snapshot.ts';

export interface PartHealth {
  readonly part: string;
  /** Why it does not answer; null when it does. */
  readonly fault: string | null;
}

export interface BotHealth {
  readonly bot: string;
  /** Null while its workflow does not answer. */
  readonly phase: string | null;
  readonly pid: number | null;
  readonly gaveUp: string | null;
  /** What keeps it from trading by a person's will or its own limits. */
  readonly holds: readonly string[];
}

export interface DeskHealth {
  readonly parts: readonly PartHealth[];
  readonly bots: readonly BotHealth[];
}

const ANSWER_MS = 3_000;
const EVERY_MS = 500;

/** Looks again and again until all is well, the supervisor has ended, or the time is up; what it saw last. */
export async function waitForHealth(context: Context, config: LoadedConfig, deadline: number): Promise<DeskHealth> {
  for (;;) {
    const health = await lookAt(context, config);
    if (isWell(health) || runningDesk(context.home) === null || performance.now() > deadline) return health;
    await sleep(EVERY_MS);
  }
}

/** A bot that was given up is settled: what else it is, is told. */
export function isWell({ parts, bots }: DeskHealth): boolean {
  return parts.every(({ fault }) => fault === null) && bots.every(isSettled);
}

export function isSettled({ phase, pid, gaveUp, holds }: BotHealth): boolean {
  if (phase === null || phase === 'starting' || phase === 'restarting') return false;
  return phase === 'stopped' || pid !== null || gaveUp !== null || holds.length > 0;
}

async function lookAt(context: Context, config: LoadedConfig): Promise<DeskHealth> {
  const { home } = context;
  const needed = ['desk-worker', 'bot-host', ...(config.desk.venue.endpoint === 'simulator' ? ['simulator'] : [])];
  const enabled = [...config.bots.values()].filter(({ mode }) => mode !== 'disabled').map(({ bot }) => bot);
  const part = async (name: string, ask: () => Promise<unknown>): Promise<PartHealth> => ({
    part: name,
    fault: await ask().then(
      () => null,
      (error: unknown) => messageOf(error),
    ),
  });
  let statuses: (BotWorkflowStatus | null)[] = enabled.map(() => null);
  const parts = await Promise.all([
    part('supervisor', async () => {
      if (runningDesk(home) === null) throw new Error('it does not run');
    }),
    part('Postgres', () => askDatabase(context)),
    part('Temporal', async () => {
      statuses = await withTemporal(context, (client) =>
        Promise.all(enabled.map((bot) => askBot(client, bot).catch(() => null))),
      );
    }),
    ...needed.map((name) =>
      part(name, async () => {
        if (readRunFile(home, name) === null) throw new Error('it does not run');
      }),
    ),
  ]);
  const alive = new Set(runningProcesses(home).map(({ pid }) => pid));
  return { parts, bots: enabled.map((bot, index) => botHealth(bot, statuses[index] ?? null, alive)) };
}

/** For some seconds after a crash a workflow still tells of the process from before it. */
function botHealth(bot: string, status: BotWorkflowStatus | null, alive: ReadonlySet<number>): BotHealth {
  if (status === null) return { bot, phase: null, pid: null, gaveUp: null, holds: [] };
  const { phase, pid, gaveUp } = status;
  const holds = holdsOf({ ...status, gaveUp: null }).map(({ text }) => text);
  return { bot, phase, pid: pid !== null && alive.has(pid) ? pid : null, gaveUp: gaveUp?.reason ?? null, holds };
}

async function askDatabase(context: Context): Promise<void> {
  const url = databaseUrl(context);
  if (url === null || (context.env['DATABASE_URL'] === undefined && readPorts(context.home) === null))
    throw new Error('its port is not known yet');
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: ANSWER_MS, query_timeout: ANSWER_MS });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
  } finally {
    await client.end().catch(() => {});
  }
}
