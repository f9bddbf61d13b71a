/** Who stands still while the bots live on: nobody reaches them then, and their orders leave the book. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, processIdentity, type ProcessIdentity } from '../../stack/process.ts';
import { askStatus } from '../../cli/ask-status.ts';
import { TestDesk, until } from '../support/desk.ts';

const DEADMAN_S = 3;
/** A ping counts while Temporal answered this recently (workers/bot-host.worker.ts). */
const HEALTHY_S = 5;
/** For a machine whose cores are busy with other tests. */
const SLACK_S = 15;
const BOTS = ['bot1', 'bot3', 'bot4'] as const;

const config = mkdtempSync(join(tmpdir(), 'desk-config-'));
const desk = new TestDesk({ DESK_CONFIG: config });
const stopped = new Set<ProcessIdentity>();

beforeAll(async () => {
  cpSync(join(process.cwd(), 'config'), config, { recursive: true });
  for (const bot of BOTS) {
    const file = join(config, 'bots', `${bot}.yml`);
    writeFileSync(file, readFileSync(file, 'utf8').replace('deadmanS: 15', `deadmanS: ${DEADMAN_S}`));
  }
  await desk.up('--profile', 'no-console');
  await quoting();
}, 150_000);
afterAll(async () => {
  for (const process of stopped) goOn(process);
  await desk.dispose();
  rmSync(config, { recursive: true, force: true });
}, 60_000);

function standStill(pid: number): ProcessIdentity {
  const identity = processIdentity(pid);
  if (identity === null) throw new Error(`no process ${pid}`);
  process.kill(pid, 'SIGSTOP');
  stopped.add(identity);
  return identity;
}

function goOn(identity: ProcessIdentity): void {
  stopped.delete(identity);
  if (isAlive(identity)) process.kill(identity.pid, 'SIGCONT');
}

const pids = (): number[] => BOTS.map((bot) => desk.botRun(bot).pid);

async function openOrders(): Promise<number[]> {
  return Object.values(await desk.accounts()).map((account) => account.openOrders);
}

/** For a moment it is empty at each new quote, too: only with what the bots say it is for good. */
async function isEmpty(): Promise<boolean> {
  return (await openOrders()).every((n) => n === 0);
}

async function allPaused(): Promise<boolean> {
  const told = await Promise.all(BOTS.map((bot) => askStatus(desk.home, bot)));
  return told.every((status) => status?.reason === 'paused_without_supervisor');
}

function quoting(): Promise<unknown> {
  return until('every bot quoting', async () => (await openOrders()).every((n) => n > 0), 60_000);
}

test.each(['temporal', 'bot-host'])(
  '%s stands still: all orders leave the book, no bot ends, and they quote again when it goes on',
  async (name) => {
    await quoting();
    const before = pids();
    const frozen = standStill(desk.pidOf(name));
    const startedAt = performance.now();
    await until('every bot paused and an empty book', async () => (await allPaused()) && (await isEmpty()), 60_000);
    const tookS = (performance.now() - startedAt) / 1_000;
    expect(tookS).toBeLessThan(HEALTHY_S + DEADMAN_S + SLACK_S);
    // It stays empty: the market moves on and nobody quotes into it.
    await sleep(2_000);
    expect(await openOrders()).toEqual([0, 0, 0]);
    expect(pids()).toEqual(before);
    goOn(frozen);
    await quoting();
    expect(pids()).toEqual(before);
    for (const bot of BOTS) expect((await desk.bot(bot)).restarts).toBe(0);
  },
  120_000,
);

test('a bot that stood still, briefly or until it was killed as hung, reads the venue before it trades again', async () => {
  await quoting();
  const stoppedAtMs = Date.now();
  const [brief, hung] = [standStill(desk.botRun('bot1').pid), standStill(desk.botRun('bot4').pid)];
  await sleep(8_000);
  goOn(brief);
  await until('bot4 killed as hung', () => !isAlive(hung), 60_000);
  stopped.delete(hung);
  for (const bot of ['bot1', 'bot4']) {
    // Nothing of a stopped process is dated behind its stop; what was on its way to the store by then is.
    const types = await until(`the first intent of ${bot} since, stored`, async () => {
      const rows = await desk.query<{ type: string }>(
        `select payload->>'type' as type from event where source = $1 and at >= $2 order by sequence`,
        [bot, new Date(stoppedAtMs + 1_000)],
      );
      const told = rows.map(({ type }) => type);
      return told.includes('place') ? told : null;
    });
    expect(types.indexOf('synced')).toBeGreaterThanOrEqual(0);
    expect(types.indexOf('synced')).toBeLessThan(types.indexOf('place'));
  }
  expect(isAlive(brief)).toBe(true);
  expect((await desk.bot('bot4')).lastExit).toMatchObject({ cause: 'hung' });
}, 120_000);
