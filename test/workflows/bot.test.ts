/** The `bot` workflow on a real server with real activities and real processes; long waits in virtual time. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createBotActivities } from '../../activities/bots.ts';
import { BotHostError, createBotHost, type BotHost } from '../../activities/bot-host.ts';
import { SILENT } from '../../core/log.ts';
import { isAlive, logTail, processIdentity, spawnLogged, stop } from '../../stack/process.ts';
import { approveRestartUpdate, statusQuery, stopUpdate, type BotWorkflowStatus } from '../../workflows/bot/contract.ts';
import { builtCode } from '../support/build.ts';
import { until } from '../support/desk.ts';
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts';

let temporal: TestTemporal;
let host: BotHost;

/** Real processes that end at once, each in the way its name says. */
const SCRIPTS: Readonly<Record<string, string>> = {
  crasher: 'process.exit(1)',
  damaged: 'console.error("journal damaged at 17"); process.exit(3)',
};

beforeAll(async () => {
  temporal = await startTestTemporal();
  const { home } = temporal;
  host = createBotHost({
    runDir: home.runDir,
    logsDir: home.logsDir,
    refusal: (bot) =>
      bot in SCRIPTS
        ? null
        : new BotHostError('UnknownBot', `bot: expected one of ${Object.keys(SCRIPTS).join(', ')}, was "${bot}"`),
    options: (bot) => ({ bot }),
    command: (optionsFile) => {
      const bot = Object.keys(SCRIPTS).find((name) => optionsFile.includes(name)) ?? '';
      const isSweep = optionsFile.includes('.sweep.');
      return { command: process.execPath, args: ['-e', isSweep ? 'process.exit(0)' : (SCRIPTS[bot] ?? '')] };
    },
    processes: {
      mark: processIdentity,
      marksOf: () => [],
      isAlive,
      stop,
      spawnDetached: async ({ name, command, args, logFile }) => {
        const child = await spawnLogged({
          name,
          command,
          args,
          env: { PATH: process.env['PATH'] },
          cwd: process.cwd(),
          logFile,
        });
        return { mark: child.identity, exited: child.exited, logTail: () => logTail(child.logFile, child.logStart) };
      },
    },
    log: SILENT,
  });
  await temporal.work({
    taskQueue: 'desk',
    workflowBundle: { codePath: join(await builtCode(), 'workflows', 'bundle.js') },
  });
  await temporal.work({
    taskQueue: 'bot-host-local',
    activities: createBotActivities({ host, isTemporalHealthy: () => true }),
  });
}, 60_000);
afterAll(async () => temporal.stop(), 30_000);

const gaveUp = (handle: {
  query: (query: typeof statusQuery) => Promise<BotWorkflowStatus>;
}): Promise<BotWorkflowStatus> =>
  until('the bot to be given up', async () => {
    const status = await handle.query(statusQuery);
    return status.phase === 'gave_up' ? status : null;
  });

describe('a bot that cannot live', () => {
  test('is restarted ever later, then left to a person; an approval tries again', async () => {
    const handle = await temporal.startInVirtualTime({
      desk: 'test',
      bot: 'crasher',
      host: 'local',
      restart: { shortRunsMax: 6 },
    });
    const first = await gaveUp(handle);
    expect(first).toMatchObject({
      restarts: 6,
      shortRuns: 7,
      gaveUp: { reason: expect.stringContaining('6 short runs in a row') },
    });
    // 0.5 + 1 + 2 + 4 + 8 + 16 s of waiting.
    const started = (await handle.describe()).startTime.getTime();
    expect((first.gaveUp?.atMs ?? 0) - started).toBeGreaterThanOrEqual(31_500);
    const answer = await handle.executeUpdate(approveRestartUpdate, {
      args: [{ operator: 'ada', reason: 'looked at it' }],
    });
    expect(answer.applied).toBe(false);
    await until('another round', async () => (await handle.query(statusQuery)).restarts > 6);
    await handle.executeUpdate(stopUpdate, { args: [{ operator: 'ada', reason: 'enough' }] });
    expect(await handle.result()).toMatchObject({ bot: 'crasher', stoppedBy: { operator: 'ada' } });
  }, 60_000);

  test('with a damaged journal is not restarted at all, and says why', async () => {
    const handle = await temporal.startInVirtualTime({ desk: 'test', bot: 'damaged', host: 'local' });
    const status = await gaveUp(handle);
    expect(status).toMatchObject({ restarts: 0, gaveUp: { reason: expect.stringContaining('journal damaged at 17') } });
    await handle.cancel();
    await handle.result();
  }, 60_000);

  test('that the host does not know is given up with the names it knows', async () => {
    const handle = await temporal.startInVirtualTime({ desk: 'test', bot: 'nobody', host: 'local' });
    expect((await gaveUp(handle)).gaveUp?.reason).toContain('expected one of crasher, damaged, was "nobody"');
    await handle.cancel();
    await handle.result();
  }, 60_000);

  test('whose host has no worker waits for it as long as it takes', async () => {
    const handle = await temporal.startInVirtualTime({ desk: 'test', bot: 'far', host: 'elsewhere' });
    const status = await until(
      'two looks at the host',
      async () => {
        const now = await handle.query(statusQuery);
        return now.restarts >= 1 ? now : null;
      },
      90_000,
      1_000,
    );
    expect(status).toMatchObject({ gaveUp: null, shortRuns: 0, lastExit: { cause: 'host_missing' } });
    await handle.terminate();
  }, 120_000);
});
