/** A bot that outlives many runs of its workflow: continue-as-new leaves the process alone and loses no command. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { botWorkflowId, pauseUpdate, resumeUpdate, stopUpdate } from '../../workflows/bot/contract.ts';
import { until } from '../support/desk.ts';
import { startSupervisedWorld, type SupervisedWorld } from './supervised-world.ts';

let supervised: SupervisedWorld;

beforeAll(async () => {
  supervised = await startSupervisedWorld({}, { 'limit.historyCount.suggestContinueAsNew': 80 });
}, 60_000);
afterAll(async () => supervised.stop(), 60_000);

test('commands during many roll-overs all take hold, the process never changes, and the state is carried', async () => {
  await supervised.start();
  // Of no run in particular.
  const handle = supervised.temporal.client.workflow.getHandle(botWorkflowId('bot1'));
  const { pid, epoch } = await supervised.settled('the bot to run', ({ phase }) => phase === 'running');
  const by = { operator: 'ada', reason: 'roll' };
  const runs = new Set([(await handle.describe()).runId]);
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
  const last = await supervised.settled(
    'the process under the last run',
    (status) => status.pid !== null && status.adopted,
  );
  expect(last).toMatchObject({ pid, epoch, adopted: true, restarts: 0, pausedBy: { reason: 'kept' } });
  await until('no open orders', async () => (await supervised.world.account()).openOrders === 0);
  await handle.executeUpdate(stopUpdate, { args: [by] });
  expect(await handle.result()).toMatchObject({ bot: 'bot1', lastExit: { cause: 'exited', code: 0 } });
}, 120_000);
