/** One `bot` workflow for each bot that may run. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { DeskConfig } from '../config/desk-config.ts';
import type { LoadedConfig } from '../config/load.ts';
import {
  botWorkflowId,
  statusQuery,
  stopUpdate,
  type BotWorkflow,
  type BotWorkflowStart,
  type BotWorkflowStatus,
} from '../workflows/bot/contract.ts';
import { DeskBot, DeskId, DeskKind, DeskPhase, DESK_TASK_QUEUE } from '../workflows/desk-attributes.ts';

const SETTLED_MS = 30_000;
const POLL_MS = 100;

export interface BotState {
  readonly bot: string;
  readonly state: string;
  /** Why it was given up, if it was. */
  readonly reason: string | null;
}

/** Starts what is missing, leaves what runs, stops what the configuration has disabled; waits until each says how it is. */
export async function ensureBotWorkflows(client: Client, { desk, bots }: LoadedConfig): Promise<BotState[]> {
  return Promise.all(
    [...bots.values()].map(async ({ bot, mode }) => {
      if (mode === 'disabled') {
        await stopDisabled(client, bot);
        return { bot, state: 'disabled', reason: null };
      }
      return ensureBotWorkflow(client, desk, bot);
    }),
  );
}

/** Starts the bot's workflow unless it runs, and waits until it says how the bot is. */
export async function ensureBotWorkflow(client: Client, { desk, host }: DeskConfig, bot: string): Promise<BotState> {
  const input: BotWorkflowStart = { desk, bot, host };
  await client.workflow.start<BotWorkflow>('bot', {
    workflowId: botWorkflowId(bot),
    taskQueue: DESK_TASK_QUEUE,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `keeps ${bot} running`,
    typedSearchAttributes: [
      { key: DeskId, value: desk },
      { key: DeskBot, value: bot },
      { key: DeskKind, value: 'bot' },
      { key: DeskPhase, value: 'starting' },
    ],
  });
  return { bot, ...(await settled(client, bot)) };
}

async function stopDisabled(client: Client, bot: string): Promise<void> {
  try {
    const handle = client.workflow.getHandle(botWorkflowId(bot));
    if ((await handle.describe()).status.name !== 'RUNNING') return;
    await handle.executeUpdate(stopUpdate, {
      args: [{ operator: 'desk up', reason: 'the configuration disables this bot' }],
    });
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

/** How it is once it is not on its way any more. */
async function settled(client: Client, bot: string): Promise<Omit<BotState, 'bot'>> {
  const deadline = performance.now() + SETTLED_MS;
  let status: BotWorkflowStatus | null = null;
  while (performance.now() < deadline) {
    try {
      status = await client.workflow.getHandle(botWorkflowId(bot)).query(statusQuery);
      const { phase, pid, gaveUp } = status;
      if (phase === 'gave_up') return { state: 'given up', reason: gaveUp?.reason ?? '' };
      if (phase !== 'starting' && phase !== 'restarting' && pid !== null) return { state: phase, reason: null };
    } catch {
      // No worker answered yet.
    }
    await sleep(POLL_MS);
  }
  return { state: status?.phase ?? 'not answering', reason: null };
}
