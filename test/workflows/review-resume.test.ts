/** A bot that nobody paused and that waits for a person: the person's word reaches it by way of its workflow. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { resumeUpdate, stopUpdate } from '../../workflows/bot/contract.ts';
import { connectAdmin } from '../simulator/admin.ts';
import { BOT1 } from '../simulator/harness.ts';
import { until } from '../support/desk.ts';
import { startSupervisedWorld, type SupervisedWorld } from './supervised-world.ts';

const by = { operator: 'ada', reason: 'put the key right' };
let supervised: SupervisedWorld;

beforeAll(async () => {
  supervised = await startSupervisedWorld();
}, 120_000);
afterAll(async () => supervised.stop(), 60_000);

test('resume leads a bot back that the venue refused, though it was never paused', async () => {
  const handle = await supervised.start();
  await until('two quotes', async () => (await supervised.quotes()).length === 2);
  const { live } = await supervised.world.host.startOrAdopt('bot1');
  const reason = async (): Promise<string> => (await live.control.status()).reason;
  const admin = connectAdmin(supervised.world.simulator().adminPort);
  await admin.faults({ kind: 'code', code: '40012', where: { account: BOT1.account } });
  await live.control.command({ command: 'setParameters', ...by, changes: { 'strategy.halfSpreadBps': 5 } });
  await until('the venue to refuse it', async () => (await reason()) === 'venue_refuses_account');
  await admin.clear();
  expect(await handle.executeUpdate(resumeUpdate, { args: [by] })).toMatchObject({ applied: true });
  await until('it to quote again', async () => (await reason()) === 'quoted');
  expect((await live.control.status()).pausedByOperator).toBe(false);
  await handle.executeUpdate(stopUpdate, { args: [by] });
  await handle.result();
}, 180_000);
