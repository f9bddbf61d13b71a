/** Whole runs of retention, cut off where it hurts: all tries together tell what is gone. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { loadRetentionPolicy, retentionPlaces } from '../../../config/retention.ts';
import { deskHome } from '../../../config/home.ts';
import { SILENT } from '../../../core/log.ts';
import type { RetentionItem } from '../../../core/retention/plan.ts';
import { targetName } from '../../../core/retention/plan.ts';
import {
  carriedOut,
  carryOut,
  forgetRun,
  planNow,
  RETENTION_LOCK,
  RetentionBusy,
  type CarryOutOptions,
} from '../../../ledger/retention/carry-out.ts';
import { openRunLog, runLogFile } from '../../../ledger/retention/run-log.ts';
import { startDatabase, type TestDatabase } from '../helpers.ts';

const DAY_MS = 86_400_000;
let database: TestDatabase;
let options: Omit<CarryOutOptions, 'runId'>;
beforeAll(async () => {
  database = await startDatabase();
  options = {
    databaseUrl: database.url,
    places: retentionPlaces(deskHome(database.root)),
    policy: { ...loadRetentionPolicy('config'), logs: { removeAfterDays: 3 } },
    log: SILENT,
  };
});
afterAll(() => database.remove());

const LOGS = ['a.log.1', 'b.log.1', 'c.log.1', 'd.log.1', 'e.log.1'];
beforeEach(() => {
  const { logsDir, runsDir } = options.places;
  rmSync(runsDir, { recursive: true, force: true });
  mkdirSync(logsDir, { recursive: true });
  for (const name of LOGS) {
    writeFileSync(join(logsDir, name), 'x');
    utimesSync(join(logsDir, name), new Date(Date.now() - 9 * DAY_MS), new Date(Date.now() - 9 * DAY_MS));
  }
});

const left = (): string[] => readdirSync(options.places.logsDir).filter((name) => LOGS.includes(name));
const said = ({ results }: Awaited<ReturnType<typeof carryOut>>) =>
  results.map(({ target, done, why }) => [targetName(target), done, why]);
const OLD = 'written more than 3 days ago';
const log = (name: string): RetentionItem => ({ target: { action: 'remove_log', file: name }, why: OLD, bytes: 1 });

test('a try that throws after two of five: the next one does three, and tells five', async () => {
  let count = 0;
  const onResult = (): void => {
    if ((count += 1) === 2) throw new Error('the machine is on fire');
  };
  await expect(carryOut({ ...options, runId: 'r1', onResult })).rejects.toThrow('on fire');
  expect(left()).toEqual(LOGS.slice(2));
  expect(said(await carriedOut({ ...options, runId: 'r1' }))).toEqual(LOGS.slice(0, 2).map((name) => [`logs/${name}`, true, OLD])); // prettier-ignore
  expect(said(await carryOut({ ...options, runId: 'r1' }))).toEqual(LOGS.map((name) => [`logs/${name}`, true, OLD]));
  expect(left()).toEqual([]);
});

test('a try that died between a removal and its word for it: whatever is gone was removed', async () => {
  const { logsDir, runsDir } = options.places;
  const file = runLogFile(runsDir, 'r2');
  const begun = await openRunLog(file);
  const segment = {
    action: 'archive_segment',
    bot: 'bot1',
    file: '0000000000000001.journal',
    lastSequence: 9,
  } as const;
  const day = { action: 'drop_event_day', day: '2026-01-01' } as const;
  await begun.plan({
    items: [...LOGS.map(log), { target: segment, why: 'stored', bytes: 7 }, { target: day, why: 'old', bytes: 8 }],
    held: [],
  });
  await begun.close();
  rmSync(join(logsDir, LOGS[0]!));
  // A power cut in the middle of a line.
  appendFileSync(file, '{"result":{"target":{"acti');
  const cut = (why: string): string => `${why}; by a try that was cut off`;
  const told = [
    [`logs/${LOGS[0]}`, true, cut(OLD)],
    ['journals/bot1/0000000000000001.journal', false, expect.stringContaining('gone, and not archived')],
    ['events of 2026-01-01', true, cut('old')],
  ];
  expect(said(await carriedOut({ ...options, runId: 'r2' }))).toEqual(told);
  // Without the event store nobody knows of its days, and the rest is told.
  const away = await carriedOut({ ...options, databaseUrl: 'postgres://x:y@127.0.0.1:1/desk', runId: 'r2' });
  expect(said(away)).toEqual([...told.slice(0, 2), ['events of 2026-01-01', false, expect.stringContaining('maybe')]]);
  const rest = LOGS.slice(1).map((name) => [`logs/${name}`, true, OLD]);
  expect(said(await carryOut({ ...options, runId: 'r2' }))).toEqual([...told, ...rest]);
  await forgetRun(options.places, 'r2');
  expect(existsSync(file)).toBe(false);
});

test('one at a time, and each run tells its own', async () => {
  // Held as a run holds it, so that the second one surely comes meanwhile.
  await database.query('select pg_advisory_lock(hashtext($1))', [RETENTION_LOCK]);
  await expect(carryOut({ ...options, runId: 'r4' })).rejects.toThrow(RetentionBusy);
  await database.query('select pg_advisory_unlock_all()');
  expect(left()).toEqual(LOGS);
  const first = await carryOut({ ...options, runId: 'r3' });
  expect(first.results).toHaveLength(LOGS.length);
  expect((await carryOut({ ...options, runId: 'r4' })).results).toEqual([]);
});

test('a signal ends it between two items', async () => {
  const stopping = new AbortController();
  const onResult = (): void => stopping.abort(new Error('enough'));
  await expect(carryOut({ ...options, runId: 'r5', onResult, signal: stopping.signal })).rejects.toThrow('enough');
  expect(left()).toEqual(LOGS.slice(1));
});

test('of backups alone it looks at nothing else', async () => {
  expect((await carryOut({ ...options, runId: 'r6', only: 'backups' })).results).toEqual([]);
  expect(left()).toEqual(LOGS);
  expect((await planNow(options)).items).toHaveLength(LOGS.length);
});
