/** Retention over real journals and a real event store: what goes, what stays, and that nothing is missing afterwards. */
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { RecordKind } from '../../../core/events/record.ts';
import { SILENT } from '../../../core/log.ts';
import { planRetention, targetName } from '../../../core/retention/plan.ts';
import type { RetentionPolicy } from '../../../core/retention/policy.ts';
import { unpackArchive, verifyArchived } from '../../../journal/archive.ts';
import { BACKUP_LOCK } from '../../../ledger/backup/create.ts';
import { createJournalShipper } from '../../../ledger/journal-shipper.ts';
import { collectFacts, eventRanges, type RetentionPlaces } from '../../../ledger/retention/facts.ts';
import { runRetention } from '../../../ledger/retention/run.ts';
import { anOrder, eventsOf, openBot, startDatabase, type TestDatabase } from '../helpers.ts';

const DAY_MS = 86_400_000;
const NOW = Date.now();
const DAYS = 10;
const EVENTS_A_DAY = 300;
const BOTS = ['one', 'two'];
const POLICY: RetentionPolicy = {
  version: 1,
  scheduled: 'plan',
  journals: { archiveAfterDays: 2, keepSegments: 2 },
  archives: { removeAfterDays: null },
  events: { dropAfterDays: 4, keepDays: 3 },
  reports: { removeAfterDays: 3 },
  logs: { removeAfterDays: 3 },
  backups: { keepLast: 1, keepDaily: 0, keepWeekly: 0 },
};

let database: TestDatabase;
let client: pg.Client;
let places: RetentionPlaces;
beforeAll(async () => {
  database = await startDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const under = (name: string): string => join(database.root, name);
  places = {
    journalsDir: database.journalsDir,
    snapshotFileOf: (bot) => join(database.journalsDir, `${bot}.snapshot.json`),
    archiveDir: under('archive'),
    reportsDir: under('reports'),
    logsDir: under('logs'),
    backupsDir: under('backups'),
    runsDir: under('retention'),
  };
  for (const bot of BOTS) {
    const { journal } = await openBot(database, bot, 32 * 1024);
    for (let day = DAYS; day > 0; day -= 1)
      for (let n = 0; n < EVENTS_A_DAY; n += 1) {
        const atMs = NOW - day * DAY_MS + n;
        if (n % 5 === 0) journal.append(RecordKind.bookInput, 1, 0, atMs, 'an input');
        const payload = { n: journal.nextEventSequence, ...anOrder(`order-${day}-${n}`, 'open') };
        journal.append(RecordKind.orderEvent, 1, 0, atMs, JSON.stringify(payload));
        if (n % 50 === 0) await journal.durable();
      }
    await journal.close();
    // The last snapshot stands near the end.
    writeFileSync(places.snapshotFileOf(bot), JSON.stringify({ sequence: journal.nextSequence - 1 }));
    const files = readdirSync(join(database.journalsDir, bot)).filter((name) => name.endsWith('.journal'));
    expect(files.length).toBeGreaterThan(15);
    for (const file of files) setAge(join(database.journalsDir, bot, file), 5);
  }
}, 120_000);
afterAll(async () => {
  await client.end();
  await database.remove();
});

function setAge(file: string, days: number): void {
  utimesSync(file, new Date(NOW - days * DAY_MS), new Date(NOW - days * DAY_MS));
}

async function plan() {
  const facts = await collectFacts(client, places, POLICY, NOW);
  return { facts, plan: planRetention(POLICY, facts) };
}

async function run() {
  const known = await plan();
  const results = await runRetention({ client, places, ...known });
  return results.map(({ target, done, why }) => ({ what: targetName(target), done, why }));
}

const segmentsOf = (bot: string): string[] =>
  readdirSync(join(database.journalsDir, bot)).filter((name) => name.endsWith('.journal'));

async function ship(): Promise<void> {
  const shipper = createJournalShipper({ ledger: database.ledger, journalsDir: database.journalsDir, log: SILENT });
  shipper.start();
  await shipper.drain(60_000);
  await shipper.stop();
}

test('before anything is stored nothing goes', async () => {
  const { plan: given } = await plan();
  expect(given.items).toEqual([]);
  expect(given.held.length).toBeGreaterThan(20);
});

test('stored segments go into the archive, in a second step days out of the store; then there is nothing to do', async () => {
  await ship();
  const stored = await database.query('select count(*) as n from event');
  expect(stored).toEqual([{ n: String(BOTS.length * DAYS * EVENTS_A_DAY) }]);
  const before = segmentsOf('one');
  const first = await run();
  expect(first.every(({ done }) => done)).toBe(true);
  expect(first.every(({ what }) => what.startsWith('journals/'))).toBe(true);
  expect(segmentsOf('one').length).toBeLessThan(before.length / 2);
  for (const file of before.filter((name) => !segmentsOf('one').includes(name)))
    await verifyArchived(join(places.archiveDir, 'one'), file);
  // Days wait for their readers.
  expect((await plan()).plan.held.map(({ why }) => why).join()).toContain('no reader of one is known');
  await database.ledger.project(1_000_000);
  // And for a backup that is being made.
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  await other.query('select pg_advisory_lock(hashtext($1))', [BACKUP_LOCK]);
  const [refused] = await run();
  expect(refused).toMatchObject({ done: false, why: 'a backup is under way' });
  await other.query('select pg_advisory_unlock(hashtext($1))', [BACKUP_LOCK]);
  await other.end();
  const dropped = await run();
  expect(dropped.map(({ done }) => done)).toEqual(dropped.map(() => true));
  expect(dropped.length).toBeGreaterThan(3);
  expect(dropped.every(({ what }) => what.startsWith('events of '))).toBe(true);
  expect(await run()).toEqual([]);
});

test('what was dropped stays counted, and with what is left nothing is missing', async () => {
  const [row] = await database.query(
    `select (select count(*) from event) as here, (select sum(events) from event_retired) as retired,
       (select max(to_sequence) from event_retired where source = 'one') as last,
       (select min(sequence) from event where source = 'one') as first`,
  );
  expect(Number(row?.['retired'])).toBeGreaterThan(0);
  expect(Number(row?.['here']) + Number(row?.['retired'])).toBe(BOTS.length * DAYS * EVENTS_A_DAY);
  expect(Number(row?.['first'])).toBe(Number(row?.['last']) + 1);
});

test('the bot goes on, shipping goes on, and the archive gives the beginning back', async () => {
  const { journal, recovery } = await openBot(database, 'one', 32 * 1024);
  expect(recovery.lastEventSequence).toBe(DAYS * EVENTS_A_DAY);
  for (let n = 0; n < 50; n += 1) journal.append(RecordKind.orderEvent, 2, 0, NOW, JSON.stringify({ n }));
  await journal.close();
  await ship();
  expect(await database.query(`select sequence from journal_offset where source = 'one'`)).toEqual([
    { sequence: String(DAYS * EVENTS_A_DAY + 50) },
  ]);
  await unpackArchive(join(places.archiveDir, 'one'), join(database.journalsDir, 'one'), 1);
  expect(await eventsOf(database, 'one')).toHaveLength(DAYS * EVENTS_A_DAY + 50);
});

test('a day that is not as it was when the plan was made stays', async () => {
  const { facts } = await plan();
  const { day, bytes } = facts.eventDays[0]!;
  const sources = await eventRanges(client, day);
  const tryWith = async (known: typeof sources): Promise<string | undefined> => {
    const items = [{ target: { action: 'drop_event_day', day } as const, why: 'old', bytes: 0 }];
    const given = { ...facts, eventDays: [{ day, bytes, sources: known }] };
    return (await runRetention({ client, places, facts: given, plan: { items, held: [] } }))[0]?.why;
  };
  const [one] = sources;
  expect(await tryWith([{ ...one!, events: one!.events - 1 }, ...sources.slice(1)])).toContain('changed since');
  await database.query(`update consumer_offset set sequence = $1 where source = 'one'`, [one!.lastSequence - 1]);
  expect(await tryWith(sources)).toContain('a reader fell behind');
  await database.query(`update consumer_offset set sequence = $1 where source = 'one'`, [one!.lastSequence]);
  expect(await eventRanges(client, day)).toEqual(sources);
  expect(await tryWith(sources)).toBe('old');
});

test('a damaged segment stays where it is, and the others go', async () => {
  const bot = 'two';
  const dir = join(database.journalsDir, bot);
  const { journal } = await openBot(database, bot, 32 * 1024);
  for (let n = 0; n < 1_000; n += 1) {
    journal.append(RecordKind.orderEvent, 2, 0, NOW, JSON.stringify(anOrder(`late-${n}`, 'open')));
    if (n % 50 === 0) await journal.durable();
  }
  await journal.close();
  await ship();
  writeFileSync(places.snapshotFileOf(bot), JSON.stringify({ sequence: journal.nextSequence - 1 }));
  for (const file of segmentsOf(bot)) setAge(join(dir, file), 5);
  const victim = segmentsOf(bot)[1]!;
  const bytes = readFileSync(join(dir, victim));
  bytes[3_000]! ^= 1;
  writeFileSync(join(dir, victim), bytes);
  setAge(join(dir, victim), 5);
  const results = (await run()).filter(({ what }) => what.startsWith('journals/two/'));
  expect(results.length).toBeGreaterThan(2);
  expect(results.filter(({ done }) => !done)).toEqual([
    { what: `journals/two/${victim}`, done: false, why: expect.stringContaining('damaged') },
  ]);
  expect(readFileSync(join(dir, victim))).toEqual(bytes);
  expect(existsSync(join(places.archiveDir, bot, `${victim}.gz`))).toBe(false);
});

test('reports and rotated logs go by their age; what is none of them is not touched', async () => {
  const put = (path: string, days: number): void => {
    mkdirSync(join(database.root, path, '..'), { recursive: true });
    writeFileSync(join(database.root, path), 'x');
    setAge(join(database.root, path), days);
  };
  for (const [stamp, days] of [
    ['20260101T000000Z', 9],
    ['20260102T000000Z', 8],
    ['20260103T000000Z', 1],
  ] as const)
    put(`reports/integrity/integrity_${stamp}.json`, days);
  for (const path of ['reports/integrity/latest.json', 'reports/integrity/notes.md', 'logs/bot1.log', 'reports/x.json'])
    put(path, 99);
  put('logs/bot1.log.1', 9);
  expect((await run()).map(({ what }) => what).filter((what) => !what.startsWith('journals/'))).toEqual([
    'reports/integrity/integrity_20260101T000000Z.json',
    'reports/integrity/integrity_20260102T000000Z.json',
    'logs/bot1.log.1',
  ]);
  expect(readdirSync(join(places.reportsDir, 'integrity')).sort()).toEqual(['integrity_20260103T000000Z.json', 'latest.json', 'notes.md']); // prettier-ignore
  expect(readdirSync(places.logsDir).sort()).toEqual(['bot1.log', 'postgres.log']);
});
