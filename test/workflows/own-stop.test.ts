/** A bot that stops itself: its workflow says so, and only an approval that came after the stop lifts it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { createBotActivities, type DesiredBot } from '../../activities/bots.ts';
import {
  approveRestartUpdate,
  hardStopUpdate,
  statusQuery,
  stopUpdate,
  type BotWorkflow,
} from '../../workflows/bot/contract.ts';
import { startSupervisedWorld, type SupervisedWorld } from './supervised-world.ts';

const by = { operator: 'ada', reason: 'looked at it' };
let supervised: SupervisedWorld;
let handle: WorkflowHandle<BotWorkflow>;

beforeAll(async () => {
  // Two cancels use up its budget, and that once is enough: a real stop within seconds of its first quotes.
  supervised = await startSupervisedWorld({
    strategy: {
      name: 'two_sided_quotes',
      halfSpreadBps: 1,
      orderQuote: '250',
      inventoryQuoteMax: '1000',
      skewBps: 1,
      requoteBps: 0,
      requoteMsMin: 50,
    },
    risk: {
      exposureQuoteMax: '1500',
      orderQuoteMax: '300',
      ordersActiveMax: 4,
      cancelsPerMinuteMax: 2,
      cancelBudgetBreachesMax: 1,
      bookAgeMsMax: 3_000,
      dailyLossQuoteMax: '200',
    },
  });
}, 120_000);
afterAll(async () => supervised.stop(), 60_000);

const ownStop = () =>
  supervised.settled(
    'the bot to stop itself',
    ({ phase, risk }) => phase === 'hard_stopped' && risk?.code === 'cancel_budget_used',
  );

test('its workflow says so within seconds, with the rule and since when', async () => {
  const startedAtMs = Date.now();
  handle = await supervised.start({ restart: { delayMsFirst: 20_000 } });
  const { risk, hardStoppedBy } = await ownStop();
  expect(risk).toEqual({ level: 'hard_stop', code: 'cancel_budget_used', sinceMs: expect.any(Number) });
  expect(risk?.sinceMs).toBeGreaterThan(startedAtMs);
  expect(hardStoppedBy).toBeNull();
  const { text } = await supervised.shell(
    `temporal workflow metadata --workflow-id bot/bot1 --address ${supervised.temporal.address}`,
  );
  expect(text).toContain('hard stop');
  expect(text).toContain('cancel_budget_used');
  expect(await supervised.quotes()).toEqual([]);
}, 180_000);

test('an approval that was given before it is told and lifts nothing, however often; a later one lifts it', async () => {
  const { risk } = await ownStop();
  const hands = createBotActivities({ host: supervised.world.host, isTemporalHealthy: () => true });
  const desired: DesiredBot = { bot: 'bot1', paused: false, hardStopped: false, approval: null, ...by };
  for (const atMs of [risk!.sinceMs! - 60_000, risk!.sinceMs!]) {
    const told = await hands.alignBot({ ...desired, approval: { ...by, atMs } });
    expect(told).toMatchObject({ applied: true, risk });
    expect(told.detail).toMatch(/^hard_stopped: hard_stopped; approval: expected one given after .*, was .*$/);
  }
  expect(await handle.executeUpdate(approveRestartUpdate, { args: [by] })).toMatchObject({
    applied: true,
    phase: 'running',
  });
  expect(await handle.query(statusQuery)).toMatchObject({ phase: 'running', approval: null, risk: { level: 'allow' } });
}, 120_000);

test("a person's stop is shown as one, and lifted", async () => {
  expect(await handle.executeUpdate(hardStopUpdate, { args: [by] })).toMatchObject({
    applied: true,
    phase: 'hard_stopped',
  });
  expect(await handle.query(statusQuery)).toMatchObject({
    risk: { level: 'hard_stop', code: null },
    hardStoppedBy: by,
  });
  expect(await handle.executeUpdate(approveRestartUpdate, { args: [by] })).toMatchObject({
    applied: true,
    phase: 'running',
  });
}, 120_000);

test('an approval that waits for an absent process lifts no stop that comes meanwhile', async () => {
  const { pid } = await supervised.settled('a process', (status) => status.pid !== null);
  process.kill(pid!, 'SIGKILL');
  await supervised.settled('its absence', ({ phase }) => phase === 'restarting');
  const kept = await handle.executeUpdate(approveRestartUpdate, { args: [by] });
  expect(kept).toMatchObject({ applied: false, detail: 'kept for when the bot is back' });
  // It is back before its workflow looks again, and a person at its own socket stops it.
  const { live } = await supervised.world.host.startOrAdopt('bot1');
  await live.control.command({ command: 'hardStop', operator: 'bob', reason: 'saw something' });
  const { phase, risk } = await supervised.settled(
    'the approval told',
    (status) => status.pid !== null && status.approval === null,
  );
  expect({ phase, level: risk?.level }).toEqual({ phase: 'hard_stopped', level: 'hard_stop' });
  expect((await live.control.status()).hardStopped).toBe(true);
  expect(await handle.executeUpdate(approveRestartUpdate, { args: [by] })).toMatchObject({
    applied: true,
    phase: 'running',
  });
  await handle.executeUpdate(stopUpdate, { args: [by] });
  await handle.result();
}, 180_000);
