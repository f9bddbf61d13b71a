/** A bot world whose bot is kept by its real workflow on a real server, and the commands that a person has for it. */
import { dirname, join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { createBotActivities } from '../../activities/bots.ts';
import { connectAdmin } from '../simulator/admin.ts';
import { BOT1 } from '../simulator/harness.ts';
import {
  botWorkflowId,
  statusQuery,
  type BotWorkflow,
  type BotWorkflowStart,
  type BotWorkflowStatus,
} from '../../workflows/bot/contract.ts';
import { BOT_HOST_HEARTBEATS } from '../../workers/local-bot-host.ts';
import { startBotWorld, type BotWorld } from '../support/bot-world.ts';
import { builtCode } from '../support/build.ts';
import { runCommand, runDesk, type Said } from '../support/desk-command.ts';
import { until } from '../support/desk.ts';
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts';

export interface Quote {
  readonly side: 'buy' | 'sell';
  readonly price: number;
}

export interface SupervisedWorld {
  readonly world: BotWorld;
  readonly temporal: TestTemporal;
  start(input?: Partial<BotWorkflowStart>): Promise<WorkflowHandle<BotWorkflow>>;
  /** Resolves when the workflow's status is as `look` wants it. */
  settled(what: string, look: (status: BotWorkflowStatus) => boolean): Promise<BotWorkflowStatus>;
  /** The desk's own command line against this world. */
  desk(...args: string[]): Promise<Said>;
  /** A line as a person pastes it into a shell that has `temporal` on its path. */
  shell(line: string): Promise<Said>;
  /** The bot's orders that rest at the venue now. */
  quotes(): Promise<Quote[]>;
  stop(): Promise<void>;
}

/** `overrides` go into the file of `bot1`. */
export async function startSupervisedWorld(
  overrides: Record<string, unknown> = {},
  dynamicConfig: Record<string, string | number | boolean> = {},
): Promise<SupervisedWorld> {
  const world = await startBotWorld(overrides, undefined, { simulator: { adminPort: 0 } });
  const temporal = await startTestTemporal(dynamicConfig);
  await temporal.work({
    taskQueue: 'desk',
    workflowBundle: { codePath: join(await builtCode(), 'workflows', 'bundle.js') },
    // As the desk's own worker.
    isolateExecutionTimeout: '30s',
  });
  await temporal.work({
    taskQueue: 'bot-host-local',
    activities: createBotActivities({ host: world.host, isTemporalHealthy: () => true }),
    ...BOT_HOST_HEARTBEATS,
  });
  const admin = connectAdmin(world.simulator().adminPort);
  const env = { DESK_HOME: world.home.root, DESK_CONFIG: world.configDir, TEMPORAL_ADDRESS: temporal.address };
  const path = `${dirname(temporal.cliPath)}:${process.env['PATH']}`;
  return {
    world,
    temporal,
    async start(input = {}) {
      const whole = { desk: 'test', bot: 'bot1', host: 'local', ...input };
      return temporal.client.workflow.start<BotWorkflow>('bot', {
        workflowId: botWorkflowId(whole.bot),
        taskQueue: 'desk',
        args: [whole],
      });
    },
    settled: (what, look) =>
      until(
        what,
        async () => {
          const status = await temporal.client.workflow.getHandle(botWorkflowId('bot1')).query(statusQuery);
          return look(status) ? status : null;
        },
        60_000,
      ),
    desk: (...args) => runDesk(env, ...args),
    shell: (line) => runCommand('/bin/sh', ['-c', line], { ...process.env, PATH: path }),
    async quotes() {
      const { orders } = (await admin.truth()).accounts[BOT1.account]!;
      return orders.flatMap(({ side, price, status }) => (status === 'live' ? [{ side, price: Number(price) }] : []));
    },
    async stop() {
      await temporal.stop();
      await world.stop();
    },
  };
}
