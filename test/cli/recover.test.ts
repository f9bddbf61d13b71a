/** `desk recover` on a real desk, after everything that a crash can leave. */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, appendFileSync, writeFileSync, openSync, writeSync, closeSync } from 'node:fs'; // prettier-ignore
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { botJournalDir, evidenceHeadsFile, recoveryDir } from '../../config/home.ts';
import { isEvent } from '../../core/events/record.ts';
import type { RestartReport } from '../../core/recovery/verdict.ts';
import { readJournal, type JournalRecord } from '../../journal/reader.ts';
import { journalStanding, type JournalStanding } from '../../journal/standing.ts';
import { runningDesk } from '../../stack/desk-lock.ts';
import { leftPostgres } from '../../stack/postgres.ts';
import { isAlive, processIdentity } from '../../stack/process.ts';
import { readPorts } from '../../stack/ports.ts';
import { runningProcesses } from '../../stack/run-files.ts';
import { configAtSpeed, TestDesk, until } from '../support/desk.ts';

const desk = new TestDesk({ DESK_CONFIG: configAtSpeed(6) });
const { home } = desk;
const TIMEOUT_MS = 240_000;

interface Told {
  readonly code: number;
  readonly stderr: string;
  readonly verdict: string;
  readonly started: boolean;
  readonly keptOut: readonly string[];
  readonly lostIntent: boolean;
  readonly lost: readonly { text: string; remedy: string }[];
  readonly unhealthy: readonly { text: string; remedy: string }[];
  readonly report: RestartReport;
  readonly bots: Readonly<Record<string, string | null>>;
}

async function recover(...args: string[]): Promise<Told> {
  return toldOf(await desk.desk('recover', '-o', 'json', ...args));
}

function toldOf({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }): Told {
  if (!stdout.startsWith('{')) throw new Error(`exit ${code}: ${stdout}${stderr}`);
  const { data } = JSON.parse(stdout) as {
    data: Told & {
      judged: { report: RestartReport } | null;
      health: { bots: { bot: string; phase: string | null }[] } | null;
    };
  };
  desk.ports = readPorts(home);
  const bots = Object.fromEntries((data.health?.bots ?? []).map(({ bot, phase }) => [bot, phase]));
  return { ...data, code, stderr, bots, report: data.judged?.report as RestartReport };
}

async function killTheSupervisor(): Promise<void> {
  const supervisor = runningDesk(home);
  if (supervisor !== null) process.kill(supervisor.pid, 'SIGKILL');
  await desk.killSupervisor();
}

/** A power cut, as far as processes go: the supervisor first, then whoever is left, Postgres with its children. */
async function killEverything(): Promise<void> {
  await killTheSupervisor();
  const left = [...runningProcesses(home).map(({ pid }) => pid), leftPostgres(home)?.identity.pid ?? null];
  const identities = left
    .flatMap((pid) => (pid === null ? [] : [processIdentity(pid)]))
    .filter((each) => each !== null);
  for (const { pid } of identities) process.kill(pid, 'SIGKILL');
  await until('all of them to be gone', () => identities.every((each) => !isAlive(each)));
}

async function placed(bot: string): Promise<number> {
  const [row] = await desk.query<{ n: string }>(
    `select count(*) as n from event where source = $1 and payload->>'type' = 'place'`,
    [bot],
  );
  return Number(row?.n);
}

async function trades(bot: string): Promise<void> {
  const before = await placed(bot);
  await until(`${bot} to place orders`, async () => (await placed(bot)) > before, 60_000);
}

async function standing(bot: string): Promise<JournalStanding> {
  const found = await journalStanding(botJournalDir(home, bot), { sync: false });
  if (found === null || found.owner !== null) throw new Error(`${bot}: expected a journal that nobody appends to`);
  return found;
}

/** Where each event of a bot's journal lies, oldest first. */
async function eventsOf(bot: string): Promise<JournalRecord[]> {
  const events: JournalRecord[] = [];
  for await (const record of readJournal(botJournalDir(home, bot))) if (isEvent(record.kind)) events.push(record);
  return events;
}

/** As the owner, past the triggers that keep everybody from it. */
async function tamper(sql: string, values: unknown[] = []): Promise<void> {
  await desk.query('alter table event disable trigger all');
  await desk.query(sql, values);
  await desk.query('alter table event enable trigger all');
}

function codesOf(report: RestartReport, source: string): string[] {
  return report.findings.filter((one) => one.source === source).map(({ code, counter }) => (counter === null ? code : `${code} ${counter}`)); // prettier-ignore
}

/** A person accepts what is lost and lets the bot go on. */
async function acceptLoss(bot: string): Promise<void> {
  expect(await desk.desk('bot', 'accept-loss', bot, '--reason', 'the disk lied')).toMatchObject({
    code: 0,
  });
  expect((await desk.desk('bot', 'approve', bot, '--reason', 'accepted')).code).toBe(0);
  await trades(bot);
}

/** Of before a restart. */
function snapshots(): number {
  const dir = recoveryDir(home);
  return existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith('_pre_restart.json')).length : 0;
}

/** Every file with its size, time and hash. */
function tree(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const stat = statSync(join(dir, name));
      const hash = stat.isFile() ? createHash('sha256').update(readFileSync(join(dir, name))).digest('hex') : 'folder'; // prettier-ignore
      return `${name} ${stat.size} ${stat.mtimeMs} ${hash}`;
    });
}

beforeAll(async () => {
  await desk.up('--profile', 'no-console');
  for (const bot of ['bot1', 'bot3', 'bot4'])
    await until(`${bot} to place orders`, async () => (await placed(bot)) > 0, 60_000);
}, TIMEOUT_MS);
afterAll(async () => desk.dispose(), TIMEOUT_MS);

describe('desk recover', () => {
  test(
    'on a desk that runs it starts nothing and finds nothing, however often',
    async () => {
      const pids = runningProcesses(home).map(({ pid }) => pid);
      for (let times = 0; times < 2; times += 1)
        expect(await recover()).toMatchObject({
          code: 0,
          verdict: 'recovered',
          started: false,
          lost: [],
          unhealthy: [],
        });
      expect(runningProcesses(home).map(({ pid }) => pid)).toEqual(pids);
      const { stdout } = await desk.desk('evidence', 'list', '--kind', 'restart_regression', '-o', 'json');
      expect((JSON.parse(stdout) as { data: unknown[] }).data).toHaveLength(2);
    },
    TIMEOUT_MS,
  );

  test(
    'everything killed in mid-trade: a dry run touches nothing, a recovery brings all of it back and finds it whole',
    async () => {
      await killEverything();
      expect(existsSync(home.lockFile)).toBe(true);
      const before = tree(home.root);
      const dry = await desk.desk('recover', '--dry-run');
      expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining('would start: Postgres, Temporal') });
      expect(dry.stdout).toContain('Postgres: to be recovered');
      expect(tree(home.root)).toEqual(before);

      // What a crash can leave beside it: a garbled lock and ports, and a run file that names somebody else's process.
      writeFileSync(home.lockFile, '{"pid":');
      writeFileSync(home.portsFile, 'garbage');
      const stale = { name: 'bot-host', pid: process.pid, startMark: 'another', details: {} };
      writeFileSync(join(home.runDir, 'stack-bot-host.json'), JSON.stringify(stale));
      const twice = ['recover', '-o', 'json'];
      const both = await Promise.all([desk.desk(...twice), desk.desk(...twice)]);
      const refused = both.find(({ code }) => code === 4);
      const one = toldOf(both.find(({ code }) => code !== 4)!);
      expect(one).toMatchObject({ code: 0, verdict: 'recovered', started: true, lost: [], keptOut: [] });
      expect(one.report.before.map(({ what }) => what)).toContain('pre_restart');
      expect(one.bots).toEqual({ bot1: 'running', bot3: 'running', bot4: 'running' });
      // Two at once: one of them refuses, and nothing is started twice.
      expect(refused?.stderr).toContain('a recovery runs already');
      const names = runningProcesses(home).map(({ name }) => name);
      expect(names.filter((name) => name.startsWith('bot-bot1'))).toHaveLength(1);
      for (const bot of ['bot1', 'bot3', 'bot4']) await trades(bot);
    },
    TIMEOUT_MS,
  );

  test(
    'a torn end that nobody was told of is cut, told, and no loss',
    async () => {
      await killEverything();
      const { segment, wholeBytes, sequence } = await standing('bot3');
      const fd = openSync(join(botJournalDir(home, 'bot3'), segment!), 'r+');
      writeSync(fd, Buffer.alloc(77, 0x5a), 0, 77, wholeBytes);
      closeSync(fd);
      expect(await standing('bot3')).toMatchObject({ sequence, tornBytes: 77, damage: null });
      const told = await recover();
      expect(told).toMatchObject({ unhealthy: [], code: 0, verdict: 'recovered', lost: [] });
      expect(told.report.notes).toContainEqual({ code: 'torn_tail', source: 'bot3', amount: 77 });
      await trades('bot3');
    },
    TIMEOUT_MS,
  );

  test(
    'bytes cut out of what was acknowledged: named, its bot out, the others trade; accepted, it goes on',
    async () => {
      await killEverything();
      const { segment, wholeBytes } = await standing('bot1');
      const file = join(botJournalDir(home, 'bot1'), segment!);
      const bytes = readFileSync(file);
      const at = Math.floor(wholeBytes / 2);
      writeFileSync(file, Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 100)]));
      const told = await recover();
      expect(told).toMatchObject({ unhealthy: [], code: 1, verdict: 'lost', keptOut: [] });
      expect(told.bots).toEqual({ bot1: 'gave_up', bot3: 'running', bot4: 'running' });
      expect(codesOf(told.report, 'bot1')).toContain('journal_damaged');
      expect(told.report.findings.filter(({ source }) => source !== 'bot1')).toEqual([]);
      expect(told.lost[0]?.text).toMatch(/went back|damaged/);
      expect(told.lost.map(({ remedy }) => remedy).join()).toContain('docs/runbooks/damaged-journal.md');
      for (const bot of ['bot3', 'bot4']) await trades(bot);

      await acceptLoss('bot1');
      const after = await recover();
      expect(after).toMatchObject({ code: 0, verdict: 'recovered', started: false });
      expect(after.report.notes).toContainEqual({ code: 'accepted_loss', source: 'bot1', amount: expect.any(Number) });
    },
    TIMEOUT_MS,
  );

  test(
    'a journal that ends too early looks whole: what the store knows keeps its bot out, and no number is used twice',
    async () => {
      await killEverything();
      const whole = await standing('bot4');
      const events = await eventsOf('bot4');
      const cut = events[Math.floor(events.length / 2)]!;
      truncateSync(join(botJournalDir(home, 'bot4'), cut.position.segment), cut.position.offset);
      expect(await standing('bot4')).toMatchObject({ sequence: cut.sequence - 1, damage: null });
      const told = await recover();
      expect(told).toMatchObject({ unhealthy: [], code: 1, verdict: 'lost', keptOut: ['bot4'] });
      expect(told.bots).toEqual({ bot1: 'running', bot3: 'running', bot4: 'gave_up' });
      expect(codesOf(told.report, 'bot4')).toEqual(expect.arrayContaining(['journal_damaged', 'store_ahead']));
      await trades('bot3');

      await acceptLoss('bot4');
      const [row] = await desk.query<{ low: string; n: string; ids: string }>(
        `select min(sequence) as low, count(*) as n, count(distinct sequence) as ids from event
       where source = 'bot4' and journal_sequence > $1`,
        [whole.sequence],
      );
      expect(Number(row?.n)).toBeGreaterThan(0);
      expect(row?.ids).toBe(row?.n);
      expect(await recover()).toMatchObject({ code: 0, verdict: 'recovered' });
    },
    TIMEOUT_MS,
  );

  test(
    'a store of an older state catches up from the journals; rows that went behind its offset are a regression',
    async () => {
      const kept = snapshots();
      await desk.desk('down');
      await desk.killSupervisor();
      expect(snapshots()).toBe(kept + 1);
      const events = await eventsOf('bot3');
      const older = events[Math.floor(events.length / 2)]!;
      await withStack(async () => {
        await tamper('delete from event where source = $1 and sequence > $2', ['bot3', older.eventSequence]);
        const { sequence, eventSequence, position } = older;
        await desk.query(
          'update journal_offset set sequence = $2, journal_sequence = $3, segment = $4, "offset" = $5 where source = $1',
          ['bot3', eventSequence, sequence, position.segment, position.offset],
        );
      });
      expect(await recover()).toMatchObject({ unhealthy: [], lost: [], code: 0, verdict: 'recovered', started: true });

      // A few runs of them: no more are listed, and so counted, than `GAPS_LISTED_MAX`.
      const control = `select sequence from event where source = 'bot1' and stream = 'hb.control.v1' order by 1 limit 15`;
      const some = `source = 'bot1' and (sequence between 20 and 30 or sequence in (${control}))`;
      const [row] = await desk.query<{ n: string }>(`select count(*) as n from event where ${some}`);
      const missing = Number(row?.n);
      await tamper(`delete from event where ${some}`);
      const told = await recover();
      expect(told).toMatchObject({ unhealthy: [], code: 1, verdict: 'lost', started: false });
      // The desk goes on writing; of this stream nothing came since.
      const codes = codesOf(told.report, 'bot1');
      expect(codes).toEqual(expect.arrayContaining(['gap', 'delta', 'counter_back stream:hb.control.v1']));
      expect(told.report.findings.find(({ code }) => code === 'gap')).toMatchObject({ measured: missing });
      // What went back is told once; what is missing, for as long as it is.
      expect(codesOf((await recover()).report, 'bot1')).toEqual(['gap', 'delta']);
      // A person counts from here on: the baseline takes what was missing, an absolute judgement does not.
      expect((await desk.desk('evidence', 'baseline', '--reason', 'test')).code).toBe(0);
      expect(await recover()).toMatchObject({
        code: 0,
        report: { mode: 'since_baseline' },
      });
      expect(await recover('--absolute-delta')).toMatchObject({
        code: 1,
        report: { mode: 'absolute', max_delta_observed: missing },
      });
      const compared = await desk.desk('recover', 'compare', '--dry-run', '--absolute-delta', '-o', 'json');
      expect(compared).toMatchObject({ code: 1, stdout: expect.stringContaining('"recorded":null') });
    },
    TIMEOUT_MS,
  );

  test(
    'a chain that lacks what a kept head knows is named',
    async () => {
      const file = evidenceHeadsFile(home);
      await recover();
      const heads = readFileSync(file, 'utf8');
      appendFileSync(file, `{"hash":"${'a'.repeat(64)}","number":999}\n`);
      const told = await recover();
      writeFileSync(file, heads);
      expect(told).toMatchObject({ code: 1, verdict: 'lost' });
      expect(told.report.findings.map(({ code }) => code)).toContain('chain_broken');
      // A head that was known and is gone: told once more, by itself.
      expect((await recover()).report.findings.map(({ counter }) => counter)).toEqual(['evidence_kept']);
      expect((await recover()).code).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    'a start and an end that were killed half-way',
    async () => {
      await desk.desk('down');
      await desk.killSupervisor();
      // It never gets to say that it is ready.
      desk.up().catch(() => {});
      await until('some of it to run', () => runningProcesses(home).length > 0);
      await killTheSupervisor();
      expect(await recover()).toMatchObject({ unhealthy: [], lost: [], code: 0, verdict: 'recovered', started: true });

      const ending = desk.desk('down');
      const supervisor = runningDesk(home)!;
      await until('some of it to be gone', () => runningProcesses(home).every(({ name }) => name !== 'desk-worker'));
      process.kill(supervisor.pid, 'SIGKILL');
      await ending;
      expect(await recover()).toMatchObject({ unhealthy: [], lost: [], code: 0, verdict: 'recovered', started: true });
    },
    TIMEOUT_MS,
  );

  test(
    'a part that does not come up is named with what to do, and nothing is left half started',
    async () => {
      await killEverything();
      const [version, aside] = [join(home.postgresDir, 'data', 'PG_VERSION'), join(home.root, 'PG_VERSION')];
      cpSync(version, aside);
      rmSync(version);
      const told = await recover();
      expect(told).toMatchObject({ code: 3, verdict: 'unhealthy', unhealthy: [{ text: expect.stringContaining('PG_VERSION is missing') }] }); // prettier-ignore
      expect(runningProcesses(home)).toEqual([]);
      expect(leftPostgres(home)).toBeNull();
      cpSync(aside, version);
    },
    TIMEOUT_MS,
  );

  test(
    'without the Temporal database no bot is started: who paused what is not known any more',
    async () => {
      await killEverything();
      rmSync(join(home.temporalDb, '..'), { recursive: true });
      const told = await recover();
      expect(told).toMatchObject({ unhealthy: [], code: 1, verdict: 'lost', lostIntent: true, started: true });
      expect(told.lost[0]?.remedy).toContain('docs/runbooks/lost-temporal-database.md');
      expect(runningProcesses(home).filter(({ name }) => name.startsWith('bot-bot'))).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

/** Temporal and Postgres of this desk alone. */
async function withStack(work: () => Promise<void>): Promise<void> {
  await desk.up('--profile', 'stack');
  try {
    await work();
  } finally {
    await desk.interrupt();
  }
}
