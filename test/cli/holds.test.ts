/** Who holds a bot, what ends that, and what does not: as the commands, the plain temporal command and the status say it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { TestDesk, until } from '../support/desk.ts';

const desk = new TestDesk();
const reason = ['--reason', 'the news', '--operator', 'ada'];
const by = JSON.stringify({ operator: 'bob', reason: 'temporal' });

beforeAll(async () => {
  await desk.up('--profile', 'no-console');
  await until('all quote', async () => (await desk.bot('bot4')).phase === 'running');
}, 120_000);
afterAll(async () => desk.dispose(), 60_000);

const bot = (...args: string[]) => desk.desk('bot', ...args);
const update = (id: string, name: string) =>
  desk.temporal('workflow', 'update', 'execute', '--workflow-id', `bot/${id}`, '--name', name, '--input', by);

describe('a command that would change nothing is not allowed, and says what would', () => {
  test('nothing to approve', async () => {
    const { code, stderr } = await bot('approve', 'bot1', '--reason', 'x');
    expect({ code, stderr }).toEqual({ code: 4, stderr: 'bot1: nothing to approve: nothing holds it\n' });
  }, 30_000);

  test('a frozen bot is not resumed: neither by the command nor by the plain update', async () => {
    expect((await bot('freeze', 'bot4', ...reason)).code).toBe(0);
    const { code, stderr } = await bot('resume', 'bot4', '--reason', 'x');
    expect(code).toBe(4);
    expect(stderr).toMatch(
      /^bot4: not resumed, it is\n {2}frozen by ada since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: the news\n/,
    );
    expect(stderr).toContain('→ ./desk bot thaw bot4 --reason "..."  (update thaw)');
    const plain = await update('bot4', 'resume');
    expect(plain.code).not.toBe(0);
    expect(plain.stdout + plain.stderr).toContain('frozen by ada since');
    expect(await desk.bot('bot4')).toMatchObject({ phase: 'frozen' });
    const approved = await bot('approve', 'bot4', '--reason', 'x');
    expect(approved).toMatchObject({ code: 4, stderr: expect.stringContaining('./desk bot thaw bot4') });
  }, 30_000);

  test('a pause under a freeze is kept for the thaw, and one word ends each', async () => {
    expect((await bot('pause', 'bot4', '--reason', 'lunch')).code).toBe(0);
    const thawed = await bot('thaw', 'bot4', '--reason', 'x');
    expect(thawed).toMatchObject({ code: 0, stdout: 'bot4: paused: paused_by_operator\n' });
    const resumed = await bot('resume', 'bot4', '--reason', 'back');
    expect(resumed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^bot4: running: [a-z_]+\n$/) });
  }, 30_000);

  test('a hard stop wants a reason, and only an approval ends it', async () => {
    const without = await bot('hard-stop', 'bot3');
    expect(without).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('./desk bot hard-stop bot3 --reason "..."'),
    });
    expect((await desk.bot('bot3')).phase).toBe('running');
    const stopped = await bot('hard-stop', 'bot3', ...reason);
    expect(stopped).toMatchObject({ code: 0, stdout: 'bot3: hard_stopped\n' });
    const { code, stderr } = await bot('resume', 'bot3', '--reason', 'x');
    expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringMatching(/hard-stopped by ada since .* UTC: the news\n +→ .\/desk bot approve bot3 /) }); // prettier-ignore
  }, 30_000);
});

describe('the status', () => {
  const told = async () => {
    const { stdout } = await desk.desk('status', '-o', 'json');
    return (JSON.parse(stdout) as { data: { ports: Record<string, number | null>; bots: Record<string, unknown>[] } })
      .data;
  };

  test('why each bot trades or not, what it holds and made, and who holds it', async () => {
    await until('a known result', async () => {
      const [bot1] = (await told()).bots;
      const own = bot1?.['process'] as { pnlToday?: string | null } | null;
      return typeof own?.pnlToday === 'string';
    });
    const { code, stdout } = await desk.desk('status');
    expect(code).toBe(0);
    const [head, ...rows] = stdout.slice(stdout.indexOf('│ bot')).split('\n');
    expect(head).toMatch(/why \(not\) .*position .*P&L today, USDT/);
    expect(rows.find((row) => row.includes('bot3'))).toMatch(
      /hard_stopped +│ hard_stopped +│ +0(\.\d+)? │ +[+-]?[\d.]+ │ +0 │ BTCUSDT/,
    );
    expect(stdout).toMatch(/bot3 hard-stopped by ada since .* UTC: the news\n {2}→ .\/desk bot approve bot3 --reason/);
    expect(stdout).toContain(`Temporal     127.0.0.1:${desk.ports!.temporal}`);
    expect((await told()).bots.find(({ bot: name }) => name === 'bot3')).toMatchObject({
      holds: [{ lift: 'approve', text: expect.stringContaining('hard-stopped by ada') }],
    });
  }, 60_000);

  test('names no console where none runs', async () => {
    expect((await desk.desk('status')).stdout).not.toContain('console');
    expect((await told()).ports).toMatchObject({ console: null, simulator: desk.ports!.simulator });
    expect((await desk.desk('up', '--profile', 'no-console')).stdout).not.toContain('console');
  }, 30_000);

  test('a bot that was killed is told as killed, not by the last lines of its log', async () => {
    const { pid } = await desk.bot('bot1');
    process.kill(pid!, 'SIGKILL');
    const { lastExit } = await until('its end', async () => {
      const status = await desk.bot('bot1');
      return status.lastExit === null ? null : status;
    });
    expect(lastExit).toMatchObject({
      signal: 'SIGKILL',
      detail: expect.stringMatching(/^killed by SIGKILL: [^\n{]*$/),
    });
  }, 60_000);

  test('watch tells it again and again until Ctrl-C, one line a look', async () => {
    const { NODE_OPTIONS: _ofJest, ...env } = process.env;
    const watch = spawn(join(process.cwd(), 'desk'), ['watch', '--every', '1', '-o', 'jsonl'], {
      env: { ...env, DESK_HOME: desk.home.root },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let text = '';
    watch.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const exit = new Promise((resolve) => watch.once('exit', (code) => resolve(code)));
    await until('two looks', () => text.split('\n').length > 2, 60_000);
    watch.kill('SIGINT');
    expect(await exit).toBe(130);
    for (const line of text.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ v: 1, data: { up: true } });
  }, 90_000);
});
