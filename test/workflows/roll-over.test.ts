/** A bot that outlives many runs of its workflow: continue-as-new leaves the process alone and loses no command. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createBotActivities } from '../../activities/bots.ts';
import {
  botWorkflowId,
  pauseUpdate,
  resumeUpdate,
  statusQuery,
  stopUpdate,
  type BotWorkflow,
} from '../../workflows/bot/contract.ts';
import { BOT_HOST_HEARTBEATS } from '../../workers/local-bot-host.ts';
import { startBotWorld, type BotWorld } from '../support/bot-world.ts';
import { builtCode } from '../support/build.ts';
import { until } from '../support/desk.ts';
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts';

let world: BotWorld;
let temporal: TestTemporal;

beforeAll(async () => {
  world = await startBotWorld();
  temporal = await startTestTemporal({ 'limit.historyCount.suggestContinueAsNew': 80 });
  await temporal.work({
    taskQueue: 'desk',
    workflowBundle: { codePath: join(await builtCode(), 'workflows', 'bundle.js') },
  });
  await temporal.work({
    taskQueue: 'bot-host-local',
    activities: createBotActivities({ host: world.host, isTemporalHealthy: () => true }),
    ...BOT_HOST_HEARTBEATS,
  });
}, 60_000);
afterAll(async () => {
  await temporal.stop();
  await world.stop();
}, 60_000);

test('commands during many roll-overs all take hold, the process never changes, and the state is carried', async () => {
  const start = {
    workflowId: botWorkflowId('bot1'),
    taskQueue: 'desk',
    args: [{ desk: 'test', bot: 'bot1', host: 'local' }],
  } as const;
  const first = await temporal.client.workflow.start<BotWorkflow>('bot', { ...start, args: [...start.args] });
  const handle = temporal.client.workflow.getHandle(botWorkflowId('bot1'));
  const { pid, epoch } = await until('the bot to run', async () => {
    const status = await handle.query(statusQuery);
    return status.phase === 'running' ? status : null;
  });
  const by = { operator: 'ada', reason: 'roll' };
  const runs = new Set([first.firstExecutionRunId]);
  while (runs.size < 4) {
    // A run that ends while an update is on its way takes it along: the caller asks again and is heard by the next run.
    await until(
      'a pause that holds',
      async () => (await handle.executeUpdate(pauseUpdate, { args: [by] })).phase === 'paused',
    );
    await until(
      'a resume that holds',
      async () => (await handle.executeUpdate(resumeUpdate, { args: [by] })).phase === 'running',
    );
    runs.add((await handle.describe()).runId);
  }
  await until(
    'a last pause',
    async () => (await handle.executeUpdate(pauseUpdate, { args: [{ ...by, reason: 'kept' }] })).applied,
  );
  const last = await until('the process under the last run', async () => {
    const status = await handle.query(statusQuery);
    return status.pid !== null && status.adopted ? status : null;
  });
  expect(last).toMatchObject({ pid, epoch, adopted: true, restarts: 0, pausedBy: { reason: 'kept' } });
  await until('no open orders', async () => (await world.account()).openOrders === 0);
  await handle.executeUpdate(stopUpdate, { args: [by] });
  expect(await handle.result()).toMatchObject({ bot: 'bot1', lastExit: { cause: 'exited', code: 0 } });
}, 120_000);
