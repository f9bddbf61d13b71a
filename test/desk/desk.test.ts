/** The whole desk as its user meets it: real processes, one life from start to end and back. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isAlive, processIdentity } from '../../stack/process.ts';
import { runningProcesses } from '../../stack/run-files.ts';
import { configAtSpeed, TestDesk, until } from '../support/desk.ts';

/** A market maker that quotes what is worth it waits for its fills: up to two minutes of the recording. */
const FILL_MS = 90_000;

const desk = new TestDesk({ DESK_CONFIG: configAtSpeed(6) });
const reason = JSON.stringify({ operator: 'ada', reason: 'test' });

beforeAll(async () => {
  await desk.up('--profile', 'no-console');
}, 120_000);
afterAll(async () => desk.dispose(), 60_000);

async function phaseOf(bot: string): Promise<string> {
  return (await desk.bot(bot)).phase;
}

async function runIdOf(workflowId: string): Promise<string> {
  const { stdout } = await desk.temporal('workflow', 'describe', '--workflow-id', workflowId, '-o', 'json');
  const described = JSON.parse(stdout) as { workflowExecutionInfo: { execution: { runId: string } } };
  return described.workflowExecutionInfo.execution.runId;
}

/** The venue, the bot's fills in the store and the bot itself tell the same position. */
async function positionsAgree(bot: string, account: string): Promise<void> {
  await until(`${bot}: one position everywhere`, async () => {
    const before = await desk.accounts();
    const [row] = await desk.query<{ qty: string; n: string }>(
      `select coalesce(sum(case payload->>'side' when 'buy' then 1 else -1 end * (payload->>'qty')::numeric), 0) as qty, count(*) as n
       from event where source = $1 and stream = 'hb.fill.v1'`,
      [bot],
    );
    const after = await desk.accounts();
    const venue = after[account];
    if (venue === undefined || before[account]?.fills !== venue.fills) return false;
    const held = Number(venue.positions[0]?.qty ?? 0);
    return Number(row?.n) === venue.fills && Math.abs(Number(row?.qty) - held) < 1e-9;
  });
}

/** Every placed order has an intent of its own before it, and no intent was sent twice. */
async function noOrderTwice(bot: string): Promise<void> {
  const [row] = await desk.query<{ n: string; ids: string }>(
    `select count(*) as n, count(distinct payload->>'clientOrderId') as ids from event
     where source = $1 and stream = 'hb.execution_intent.v1' and payload->>'type' = 'place'`,
    [bot],
  );
  expect(Number(row?.n)).toBeGreaterThan(0);
  expect(row?.n).toBe(row?.ids);
}

describe('a running desk', () => {
  test('fills orders on recorded data and stores every event', async () => {
    for (const bot of ['bot1', 'bot3', 'bot4'])
      await until(`fills of ${bot}`, async () => (await desk.storedFills(bot)) > 0, FILL_MS);
    await positionsAgree('bot1', 'mm-btc');
    await positionsAgree('bot3', 'paper-btc');
    await positionsAgree('bot4', 'mm-eth');
    await noOrderTwice('bot1');
    // What trades on paper is nothing to the exchange.
    expect(Object.keys(await desk.simulator()).sort()).toEqual(['mm-btc', 'mm-eth']);
  }, 150_000);

  test('shows its bots to the plain temporal command, by search attribute too', async () => {
    const { stdout } = await desk.temporal(
      'workflow',
      'list',
      '--query',
      `DeskKind = "bot" and DeskPhase = "running"`,
      '-o',
      'json',
    );
    const ids = (JSON.parse(stdout) as { execution: { workflowId: string } }[]).map(
      ({ execution }) => execution.workflowId,
    );
    expect(ids.sort()).toEqual(['bot/bot1', 'bot/bot3', 'bot/bot4']);
  });

  test('pauses and resumes on a plain update; the orders are off the book meanwhile', async () => {
    const paused = await desk.temporal(
      'workflow',
      'update',
      'execute',
      '--workflow-id',
      'bot/bot4',
      '--name',
      'pause',
      '--input',
      reason,
    );
    expect(paused.code).toBe(0);
    await until('no open order', async () => (await desk.simulator())['mm-eth']?.openOrders === 0);
    expect(await phaseOf('bot4')).toBe('paused');
    const refused = await desk.desk('bot', 'resume', 'bot4');
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--reason') });
    expect((await desk.desk('bot', 'resume', 'bot4', '--reason', 'test')).code).toBe(0);
    await until('open orders', async () => ((await desk.simulator())['mm-eth']?.openOrders ?? 0) > 0);
    expect(await phaseOf('bot4')).toBe('running');
  }, 60_000);

  test('obeys the manual freeze by signal, and the thaw', async () => {
    await desk.temporal('workflow', 'signal', '--workflow-id', 'bot/bot3', '--name', 'freeze', '--input', reason);
    await until('frozen', async () => (await phaseOf('bot3')) === 'frozen');
    await until('no open order', async () => (await desk.accounts())['paper-btc']?.openOrders === 0);
    await desk.temporal('workflow', 'signal', '--workflow-id', 'bot/bot3', '--name', 'thaw', '--input', reason);
    await until('open orders', async () => ((await desk.accounts())['paper-btc']?.openOrders ?? 0) > 0);
  }, 60_000);

  test.each([
    [
      'a wrong name',
      'bot/x',
      { desk: 'local', bot: 'Bot 1', host: 'local' },
      'bot: expected a bot name of 1 to 32 of a-z, 0-9 and -, was "Bot 1"',
    ],
    ['a missing field', 'bot/y', { desk: 'local', bot: 'bot1' }, 'host: '],
    ['an unknown field', 'bot/z', { desk: 'local', bot: 'bot1', host: 'local', hots: 1 }, 'hots: unknown key, was 1'],
  ])('fails a workflow with %s at once, naming it', async (_name, id, input, message) => {
    const { code, stdout, stderr } = await desk.temporal(
      'workflow',
      'execute',
      '--type',
      'bot',
      '--workflow-id',
      id,
      '--task-queue',
      'desk',
      '--input',
      JSON.stringify(input),
    );
    expect(code).not.toBe(0);
    // The command prints a failure's text with its quotes escaped.
    expect((stdout + stderr).replaceAll('\\', '')).toContain(message);
    const history = await desk.temporal('workflow', 'show', '--workflow-id', id, '-o', 'json');
    expect(history.stdout).toContain('"type": "InvalidInput"');
    expect(history.stdout).not.toContain('WORKFLOW_TASK_FAILED');
  });

  test('refuses an unknown bot and says which exist', async () => {
    expect(await desk.desk('bot', 'pause', 'bot9')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('expected one of bot1, bot2, bot3, bot4, was "bot9"'),
    });
  });

  test('a second up says where it runs', async () => {
    const { code, stdout } = await desk.desk('up');
    expect(code).toBe(0);
    expect(stdout).toContain('the desk is running already');
    expect(stdout).toContain(`Temporal     127.0.0.1:${desk.ports?.temporal}`);
    // No console was started with it.
    expect(stdout).not.toContain('console');
  });
});

describe('what is killed while trading', () => {
  test("a bot: it is back with its orders found and its position the venue's", async () => {
    const { pid, epoch } = await desk.bot('bot1');
    process.kill(pid ?? 0, 'SIGKILL');
    const back = await until('bot1 back', async () => {
      const status = await desk.bot('bot1');
      return status.phase === 'running' && status.epoch !== epoch && status.epoch !== null && status.lastExit !== null
        ? status
        : null;
    });
    expect(back.lastExit).toMatchObject({ cause: 'exited', signal: 'SIGKILL' });
    expect(back.adopted).toBe(false);
    const fills = await desk.storedFills('bot1');
    await until('bot1 trading again', async () => (await desk.storedFills('bot1')) > fills, FILL_MS);
    await positionsAgree('bot1', 'mm-btc');
    await noOrderTwice('bot1');
  }, 150_000);

  test('a bot on paper: its account keeps position and orders while it is gone', async () => {
    await until('open orders', async () => (await desk.accounts())['paper-btc']?.openOrders === 2);
    const { pid, epoch } = await desk.bot('bot3');
    process.kill(pid ?? 0, 'SIGKILL');
    const kept = (await desk.accounts())['paper-btc'];
    expect(kept?.openOrders).toBeGreaterThan(0);
    await until('bot3 back', async () => {
      const status = await desk.bot('bot3');
      return status.phase === 'running' && status.epoch !== epoch && status.epoch !== null;
    });
    await positionsAgree('bot3', 'paper-btc');
    await noOrderTwice('bot3');
  }, 90_000);

  test('its worker: the bots trade on and are adopted', async () => {
    const before = [desk.botRun('bot1').pid, desk.botRun('bot4').pid];
    process.kill(desk.pidOf('bot-host'), 'SIGKILL');
    await until('both adopted', async () => {
      const [a, b] = await Promise.all([desk.bot('bot1'), desk.bot('bot4')]);
      const answers = await desk.desk('bot', 'pause', 'bot3');
      return a.pid === before[0] && b.pid === before[1] && answers.stdout.includes('paused');
    });
    expect([desk.botRun('bot1').pid, desk.botRun('bot4').pid]).toEqual(before);
    await desk.desk('bot', 'resume', 'bot3', '--reason', 'test');
    const fills = await desk.storedFills('bot4');
    await until('events shipped again', async () => (await desk.storedFills('bot4')) > fills, FILL_MS);
  }, 120_000);

  test('Postgres: trading goes on, and no event is lost', async () => {
    const { postgres } = desk.ports ?? {};
    expect(postgres).toBeDefined();
    const before = await desk.storedFills('bot4');
    const [row] = await desk.query<{ pid: number }>(`select pg_backend_pid() as pid`);
    process.kill(desk.postmasterPid(), 'SIGKILL');
    expect(row?.pid).toBeGreaterThan(0);
    await until('fills shipped after it is back', async () => (await desk.storedFills('bot4')) > before, FILL_MS);
    await positionsAgree('bot4', 'mm-eth');
    for (const bot of ['bot1', 'bot3', 'bot4']) {
      const [gaps] = await desk.query<{ n: string; last: string }>(
        `select count(*) as n, max(sequence) as last from event where source = $1`,
        [bot],
      );
      expect(gaps?.n).toBe(gaps?.last);
    }
  }, 150_000);

  test('Temporal: the bots trade on, and their workflows go on when it is back', async () => {
    const before = [desk.botRun('bot1').pid, desk.botRun('bot4').pid];
    const { restarts } = await desk.bot('bot1');
    process.kill(desk.pidOf('temporal'), 'SIGKILL');
    await until('the workflow answers again', async () => (await desk.bot('bot1')).phase === 'running', 60_000);
    expect([desk.botRun('bot1').pid, desk.botRun('bot4').pid]).toEqual(before);
    expect((await desk.bot('bot1')).restarts).toBe(restarts);
    const fills = await desk.storedFills('bot4');
    await until('still trading', async () => (await desk.storedFills('bot4')) > fills, FILL_MS);
    await positionsAgree('bot1', 'mm-btc');
  }, 150_000);
});

describe('down and up again', () => {
  test('Ctrl-C ends everything in order, and the next start resumes', async () => {
    const processes = [...runningProcesses(desk.home)];
    expect(processes.length).toBeGreaterThan(5);
    const venueBefore = (await desk.simulator())['mm-btc']?.fills ?? 0;
    const runId = await runIdOf('bot/bot1');
    expect(await desk.interrupt()).toBe(0);
    expect(processes.filter(isAlive)).toEqual([]);
    expect(runningProcesses(desk.home)).toEqual([]);

    await desk.up('--profile', 'no-console');
    expect(await runIdOf('bot/bot1')).toBe(runId);
    expect((await desk.simulator())['mm-btc']?.fills).toBeGreaterThanOrEqual(venueBefore);
    const fills = await desk.storedFills('bot1');
    await until('bot1 trading again', async () => (await desk.storedFills('bot1')) > fills, FILL_MS);
    await positionsAgree('bot1', 'mm-btc');
    await positionsAgree('bot4', 'mm-eth');
    await noOrderTwice('bot4');
  }, 180_000);

  test('a killed supervisor: the next up takes everything over, on the same ports', async () => {
    const { ports } = desk;
    const bots = [desk.botRun('bot1').pid, desk.botRun('bot4').pid];
    await desk.killSupervisor();
    await desk.up('--profile', 'no-console');
    expect(desk.ports).toMatchObject({
      temporal: ports?.temporal,
      postgres: ports?.postgres,
      simulator: ports?.simulator,
    });
    expect([desk.botRun('bot1').pid, desk.botRun('bot4').pid]).toEqual(bots);
    const fills = await desk.storedFills('bot4');
    await until('bot4 trading on', async () => (await desk.storedFills('bot4')) > fills, FILL_MS);
    expect(await desk.desk('doctor')).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing is wrong') });
  }, 150_000);

  test('a killed supervisor: down ends what it left', async () => {
    const left = runningProcesses(desk.home);
    await desk.killSupervisor();
    expect(left.filter(isAlive).length).toBe(left.length);
    const { code, stdout } = await desk.desk('down');
    expect(code).toBe(0);
    expect(stdout).toContain('left behind');
    expect(left.filter(isAlive)).toEqual([]);
    expect(processIdentity(left[0]?.pid ?? 0)?.startMark).not.toBe(left[0]?.startMark);
  }, 60_000);
});
