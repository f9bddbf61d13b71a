/** Needs root: a desk whose disk really fills up under it, on a small tmpfs. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { botJournalDir } from '../../config/home.ts';
import { isAlive, processIdentity } from '../../stack/process.ts';
import { TestDesk, until } from '../support/desk.ts';
import { fillDisk } from '../support/full-disk.ts';

const ACCOUNTS = { bot1: 'mm-btc', bot3: 'paper-btc', bot4: 'mm-eth' } as const;
const BOTS = Object.keys(ACCOUNTS) as (keyof typeof ACCOUNTS)[];

const desk = new TestDesk();
const filler = join(desk.home.root, 'filler');

beforeAll(() => {
  mountTmpfs(desk.home.root, 768);
  // The exchange keeps its books on a disk of its own.
  mkdirSync(desk.home.simulatorDir);
  mountTmpfs(desk.home.simulatorDir, 64);
});
afterAll(async () => {
  rmSync(filler, { force: true });
  await desk.interrupt().catch(() => {});
  await desk.desk('down');
  execFileSync('umount', [desk.home.simulatorDir]);
  execFileSync('umount', [desk.home.root]);
  await desk.dispose();
}, 60_000);

function mountTmpfs(dir: string, mib: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=755`, 'tmpfs', dir]);
}

/** Takes back the room that a journal holds ready, but for a little: as on a disk where nothing can be held ready. */
function shrinkJournal(bot: string): void {
  const dir = botJournalDir(desk.home, bot);
  const segment = readdirSync(dir)
    .filter((name) => name.endsWith('.journal'))
    .sort()
    .at(-1);
  const file = join(dir, segment ?? '');
  const bytes = readFileSync(file);
  let used = bytes.length;
  while (used > 0 && bytes[used - 1] === 0) used -= 1;
  truncateSync(file, used + 16 * 1024);
}

/** At the exchange: a paper account lies on the disk that is full, and what it could not write has not happened. */
async function openOrders(): Promise<number[]> {
  return Object.values(await desk.simulator()).map((account) => account.openOrders);
}

test('a full disk at the start: nothing starts, and the message says so', async () => {
  execFileSync('mount', ['-o', 'remount,size=300m', desk.home.root]);
  const { code, stderr } = await desk.desk('up', '--profile', 'no-console');
  execFileSync('mount', ['-o', 'remount,size=768m', desk.home.root]);
  expect(code).toBe(1);
  expect(stderr).toContain(`DESK_HOME ${desk.home.root}: its disk is full: expected 512 MiB free`);
  expect(stderr).toContain('docs/runbooks/full-disk.md');
  expect(readdirSync(desk.home.root)).toEqual(['simulator']);
}, 60_000);

test('a disk mounted read-only: nothing starts, and the message says so', async () => {
  execFileSync('mount', ['-o', 'remount,ro', desk.home.root]);
  const { code, stderr } = await desk.desk('up', '--profile', 'no-console');
  execFileSync('mount', ['-o', 'remount,rw', desk.home.root]);
  expect(code).toBe(1);
  expect(stderr).toContain('lies on a disk that is mounted read-only');
}, 60_000);

test('a disk that fills up: bots clear the book and end, the desk says so, nothing is traded unrecorded, all goes on', async () => {
  await desk.up('--profile', 'no-console');
  await until('every bot quoting', async () => (await openOrders()).every((n) => n > 0), 60_000);
  const before = BOTS.map((bot) => processIdentity(desk.botRun(bot).pid));
  for (const bot of BOTS) shrinkJournal(bot);
  fillDisk(filler);
  await until('every bot ended', () => before.every((each) => each !== null && !isAlive(each)), 60_000);
  await until('an empty book', async () => (await openOrders()).every((n) => n === 0), 60_000);

  const doctor = await desk.desk('doctor');
  expect(doctor.code).toBe(3);
  expect(doctor.stdout).toContain('0.0 GiB free');
  expect(doctor.stdout).toContain('docs/runbooks/full-disk.md');
  const status = await desk.desk('status');
  expect(status.code).toBe(3);
  expect(status.stdout).toContain(`the disk of ${desk.home.root} is full`);

  rmSync(filler);
  await until(
    'every bot quoting again',
    async () => {
      for (const bot of BOTS)
        if ((await desk.bot(bot)).phase === 'gave_up') await desk.desk('bot', 'approve', bot, '--reason', 'room again');
      return (await openOrders()).every((n) => n > 0);
    },
    90_000,
    1_000,
  );
  for (const bot of BOTS) {
    await until(`${bot}: every fill of the venue is stored once`, async () => {
      const venue = (await desk.accounts())[ACCOUNTS[bot]];
      const stored = await desk.storedFills(bot);
      return (
        venue !== undefined && (await desk.accounts())[ACCOUNTS[bot]]?.fills === venue.fills && stored === venue.fills
      );
    });
    const [intents] = await desk.query<{ n: string; ids: string }>(
      `select count(*) as n, count(distinct payload->>'clientOrderId') as ids from event
       where source = $1 and stream = 'hb.execution_intent.v1' and payload->>'type' = 'place'`,
      [bot],
    );
    expect(intents?.n).toBe(intents?.ids);
  }
}, 240_000);
