/** The scheduled housekeeping on real files, a real Postgres and a real Temporal server, with workers that are killed. */
import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, type Workflow } from '@temporalio/common';
import { loadSchedules } from '../../config/schedules.ts';
import { verifyArchived } from '../../journal/archive.ts';
import { listBackups } from '../../ledger/backup/backups.ts';
import { verifyBackup } from '../../ledger/backup/verify.ts';
import { applySchedules } from '../../stack/schedules.ts';
import type { AnalyticsExportWorkflow } from '../../workflows/analytics-export/contract.ts';
import type { ArtifactRetentionWorkflow } from '../../workflows/artifact-retention/contract.ts';
import type { DatabaseBackupWorkflow } from '../../workflows/database-backup/contract.ts';
import { WORKFLOW_INPUTS } from '../../workflows/inputs.ts';
import { ask } from '../ledger/analytics/helpers.ts';
import { until } from '../support/desk.ts';
import { endOf, startHousekeepingWorld, type HousekeepingWorld } from './housekeeping-world.ts';

const TIMEOUT_MS = 180_000;
const OF = { desk: 'local', host: 'house' };
let world: HousekeepingWorld;
let worker: ChildProcess | null = null;
let runs = 0;
beforeAll(async () => void (world = await startHousekeepingWorld()), TIMEOUT_MS);
afterAll(() => world.stop(), TIMEOUT_MS);
beforeEach(() => {
  if (worker === null || worker.signalCode !== null) worker = world.work();
});

function start<W extends (input: never) => Promise<object>>(
  type: string,
  input: Parameters<W>[0],
): Promise<WorkflowHandle<Workflow & W>> {
  runs += 1;
  const workflowId = `${type}-${runs}`;
  return world.temporal.client.workflow.start<Workflow>(type, { workflowId, taskQueue: 'desk', args: [input] });
}

/** With another worker in place of the host's own, which is back for the next test. */
async function beside<T>(databaseUrl: string, env: NodeJS.ProcessEnv, work: () => Promise<T>): Promise<T> {
  await endOf(worker);
  worker = world.work(databaseUrl, env);
  try {
    return await work();
  } finally {
    await endOf(worker);
  }
}

async function attributesOf(handle: WorkflowHandle<Workflow>) {
  const { searchAttributes } = await handle.describe();
  const { DeskId, DeskKind, DeskPhase, DeskVerdict, DeskSeverity } = searchAttributes;
  return [DeskId, DeskKind, DeskPhase, DeskVerdict, DeskSeverity].map((values) => values?.[0] ?? null);
}

async function failureOf(handle: WorkflowHandle<Workflow>): Promise<Error | undefined> {
  try {
    await handle.result();
  } catch (error) {
    if (error instanceof WorkflowFailedError) return error.cause;
    throw error;
  }
  return undefined;
}

const segmentsOf = (bot: string): string[] =>
  readdirSync(join(world.home.journalsDir, bot)).filter((name) => name.endsWith('.journal'));
const backupNames = async (): Promise<string[]> => (await listBackups(world.home.backupsDir)).map(({ name }) => name);
const runLogs = (): string[] => {
  const dir = join(world.home.root, 'retention');
  return existsSync(dir) ? readdirSync(dir) : [];
};

describe('artifactRetention', () => {
  const retention = (input: object = {}) => start<ArtifactRetentionWorkflow>('artifactRetention', { ...OF, ...input });

  test(
    'a new desk only plans: nothing goes, and what may go is said',
    async () => {
      const segments = await world.oldJournal('one', 2_000);
      const handle = await retention();
      const { mode, pass, planned, done, evidence } = await handle.result();
      expect({ mode, pass, done, evidence }).toEqual({ mode: 'plan', pass: true, done: null, evidence: null });
      expect(planned.items).toBeGreaterThan(5);
      expect(segmentsOf('one')).toEqual(segments);
      expect(await attributesOf(handle)).toEqual(['local', 'artifactRetention', 'done', 'PASS', 'ok']);
      const { items } = world.report('retention_plan') as { items: { target: object }[] };
      expect(items).toHaveLength(planned.items);
      expect(items[0]?.target).toMatchObject({ action: 'archive_segment', bot: 'one', file: segments[0] });
      expect(await world.evidence('retention')).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'told to run it archives what it planned; what is damaged is refused, a warning, and evidence',
    async () => {
      const before = segmentsOf('one');
      const [victim] = before;
      const file = join(world.home.journalsDir, 'one', victim!);
      const bytes = readFileSync(file);
      bytes[3_000]! ^= 1;
      const at = new Date(Date.now() - 9 * 86_400_000);
      writeFileSync(file, bytes);
      utimesSync(file, at, at);
      const handle = await retention({ mode: 'run' });
      const { pass, planned, done, evidence } = await handle.result();
      expect({ pass, done }).toMatchObject({ pass: false, done: { refused: 1, done: planned.items - 1 } });
      expect(await attributesOf(handle)).toEqual(['local', 'artifactRetention', 'done', 'FAIL', 'warn']);
      expect(segmentsOf('one')).toEqual([victim, ...before.slice(-4)]);
      for (const gone of before.slice(1, -4)) await verifyArchived(join(world.home.archiveDir, 'one'), gone);
      const [record] = await world.evidence('retention');
      expect(record).toMatchObject({ number: evidence!.number, rehearsal: [], subject: 'local' });
      expect(record?.payload).toMatchObject({
        operator: 'artifactRetention',
        reason: 'asked for in the input',
        done: planned.items - 1,
        refused: 1,
        policy: { scheduled: 'plan' },
      });
      expect((record?.payload['items'] as { what: string; why: string }[])[0]).toMatchObject({
        what: `journals/one/${victim}`,
        done: false,
        why: expect.stringContaining('damaged'),
      });
      expect(world.report('retention')).toMatchObject({ refused: 1, evidence: { number: record!.number } });
      // On the chain, and so in no log any more.
      expect(runLogs()).toEqual([]);
      rmSync(join(world.home.journalsDir, 'one'), { recursive: true });
    },
    TIMEOUT_MS,
  );

  test(
    'a worker that is killed in the middle: the next one does the rest, and the evidence tells all of it',
    async () => {
      world.policy({ scheduled: 'run' });
      const segments = await world.oldJournal('two', 6_000);
      const handle = await retention();
      const left = await until(
        'some of it to be done, and not all',
        () => {
          const [log] = runLogs();
          const results = log === undefined ? [] : readFileSync(join(world.home.root, 'retention', log), 'utf8').match(/^\{"result/gm) ?? []; // prettier-ignore
          return results.length >= 2 ? segmentsOf('two').length : null;
        },
        60_000,
        2,
      );
      await endOf(worker);
      expect(left).toBeGreaterThan(6);
      const survivors = segmentsOf('two');
      expect(survivors.length).toBeGreaterThan(6);
      worker = world.work();
      const { pass, planned, done } = await handle.result();
      expect({ pass, done }).toMatchObject({ pass: true, done: { done: planned.items, refused: 0 } });
      expect(planned.items).toBe(segments.length - 4);
      expect(segmentsOf('two')).toEqual(segments.slice(-4));
      const [record] = await world.evidence('retention');
      const told = (record?.payload['items'] as { what: string; done: boolean }[]).filter((each) => each.done);
      expect(told.map(({ what }) => what).sort()).toEqual(segments.slice(0, -4).map((file) => `journals/two/${file}`));
      expect(record?.payload).toMatchObject({ reason: 'as config/retention.yml says', done: planned.items });
      for (const gone of segments.slice(0, -4)) await verifyArchived(join(world.home.archiveDir, 'two'), gone);
      world.policy({ scheduled: 'plan' });
    },
    TIMEOUT_MS,
  );

  test(
    'cancelled in the middle it stops between two items, and what is gone is evidence',
    async () => {
      const segments = await world.oldJournal('three', 24_000);
      const handle = await retention({ mode: 'run' });
      await until('something to be done', () => segmentsOf('three').length < segments.length, 60_000, 2);
      await handle.cancel();
      expect(await failureOf(handle)).toBeInstanceOf(CancelledFailure);
      const gone = segments.filter((file) => !segmentsOf('three').includes(file));
      expect(gone.length).toBeLessThan(segments.length - 4);
      const [record] = await world.evidence('retention');
      const told = (record?.payload['items'] as { what: string }[]).map(({ what }) => what);
      expect(told.sort()).toEqual(gone.map((file) => `journals/three/${file}`));
      expect(record?.payload['error']).toEqual(expect.any(String));
    },
    TIMEOUT_MS,
  );
});

describe('databaseBackup', () => {
  const backup = (input: object = {}) => start<DatabaseBackupWorkflow>('databaseBackup', { ...OF, ...input });

  test(
    'with a restore test: a server over a copy has every event, and the evidence says so',
    async () => {
      const handle = await backup({ restoreTest: true });
      const result = await handle.result();
      expect(result).toMatchObject({ pass: true, kind: 'physical', thinnedOut: null });
      expect(await attributesOf(handle)).toEqual(['local', 'databaseBackup', 'done', 'PASS', 'ok']);
      const [record] = await world.evidence('database_backup');
      expect(record?.number).toBe(result.evidence.number);
      const [{ n: stored } = { n: '' }] = await world.database.query(
        `select max(sequence) as n from event where source = 'two'`,
      );
      expect(record?.range.sources).toContainEqual({ source: 'two', fromSequence: 1, toSequence: Number(stored) });
      expect(record?.payload).toMatchObject({
        backup: result.backup,
        restoreTest: { ok: true, fileFaults: 0, started: { missing: [] } },
      });
      expect(world.report('database_backup')).toMatchObject({ backup: result.backup });
      expect(readdirSync(world.home.postgresDir).filter((name) => name.startsWith('copy-'))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'two at once come one after the other',
    async () => {
      const before = await backupNames();
      const handles = [await backup(), await backup()];
      const results = await Promise.all(handles.map((handle) => handle.result()));
      expect(new Set(results.map(({ backup: name }) => name)).size).toBe(2);
      const made = (await listBackups(world.home.backupsDir)).filter(({ name }) => !before.includes(name));
      expect(made).toHaveLength(2);
      const [first, second] = made.map(({ manifest }) => manifest!).sort((a, b) => a.startedAtMs - b.startedAtMs);
      expect(second!.startedAtMs).toBeGreaterThanOrEqual(first!.finishedAtMs);
    },
    TIMEOUT_MS,
  );

  test(
    'a worker that is killed while it copies: the next one makes it, once, and nothing is left over',
    async () => {
      const before = await backupNames();
      const handle = await backup();
      const { backupsDir } = world.home;
      await until(
        'a copy under way',
        () => {
          const partial = readdirSync(backupsDir).find((name) => name.startsWith('.partial-'));
          return partial !== undefined && existsSync(join(backupsDir, partial, 'data', 'base'));
        },
        60_000,
        2,
      );
      await endOf(worker);
      expect(await backupNames()).toEqual(before);
      worker = world.work();
      const { pass, backup: name } = await handle.result();
      expect(pass).toBe(true);
      expect((await backupNames()).filter((each) => !before.includes(each))).toEqual([name]);
      expect(readdirSync(backupsDir).filter((each) => each.startsWith('.'))).toEqual([]);
      expect(await world.database.query('select slot_name from pg_replication_slots')).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'a cancelled one leaves nothing half-made',
    async () => {
      const before = await backupNames();
      const handle = await backup();
      const { backupsDir } = world.home;
      await until('a copy under way', () => readdirSync(backupsDir).some((name) => name.startsWith('.partial-')), 60_000, 2); // prettier-ignore
      await handle.cancel();
      expect(await failureOf(handle)).toBeInstanceOf(CancelledFailure);
      expect(readdirSync(backupsDir).filter((each) => each.startsWith('.'))).toEqual([]);
      // A cancellation comes with the answer to a beat: a copy of so little may be whole by then.
      for (const name of await backupNames())
        if (!before.includes(name)) expect(await verifyBackup(backupsDir, name, null)).toMatchObject({ ok: true });
      expect(await world.database.query('select slot_name from pg_replication_slots')).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'where the policy says so, old ones go beside a new one, and that is evidence, too',
    async () => {
      world.policy({ scheduled: 'run', backups: { keepLast: 2, keepDaily: 0, keepWeekly: 0 } });
      const before = await backupNames();
      expect(before.length).toBeGreaterThan(2);
      const { backup: name, thinnedOut } = await (await backup()).result();
      expect(thinnedOut).toMatchObject({ done: before.length - 1, refused: 0 });
      expect(await backupNames()).toHaveLength(2);
      expect(await backupNames()).toContain(name);
      const [record] = await world.evidence('retention');
      expect(record?.payload).toMatchObject({ operator: 'databaseBackup', done: before.length - 1 });
      world.policy({ scheduled: 'plan' });
    },
    TIMEOUT_MS,
  );

  test(
    'one that does not read back as it was made pages somebody, and nothing older goes',
    async () => {
      world.policy({ scheduled: 'run', backups: { keepLast: 1, keepDaily: 0, keepWeekly: 0 } });
      const before = await backupNames();
      const handle = await backup({ restoreTest: true });
      const made = await until('the copy', async () => (await backupNames()).find((name) => !before.includes(name)) ?? null, 60_000, 2); // prettier-ignore
      const file = join(world.home.backupsDir, made, 'data', 'global', 'pg_control');
      const bytes = readFileSync(file);
      bytes[100]! ^= 1;
      writeFileSync(file, bytes);
      expect(await handle.result()).toMatchObject({ pass: false, backup: made, thinnedOut: null });
      expect(await attributesOf(handle)).toEqual(['local', 'databaseBackup', 'done', 'FAIL', 'page']);
      const [record] = await world.evidence('database_backup');
      expect(record?.payload).toMatchObject({ backup: made, restoreTest: { ok: false, fileFaults: 1, started: null } });
      expect((await backupNames()).sort()).toEqual([...before, made].sort());
      world.policy({ scheduled: 'plan' });
      rmSync(join(world.home.backupsDir, made), { recursive: true });
    },
    TIMEOUT_MS,
  );
});

describe('analyticsExport', () => {
  const exporting = () => start<AnalyticsExportWorkflow>('analyticsExport', OF);
  const dir = (): string => join(world.home.root, 'analytics');
  const count = () => world.database.query('select count(*)::int as n from event');

  test(
    'exports what is stored, and the next run what is new',
    async () => {
      const [{ n: stored } = { n: '' }] = await count();
      const handle = await exporting();
      expect(await handle.result()).toMatchObject({ pass: true, sinks: [{ sink: 'parquet', outcome: 'done', events: Number(stored) }] }); // prettier-ignore
      expect(await ask(dir(), 'select count(*) as n from event')).toEqual([{ n: Number(stored) }]);
      expect(await attributesOf(handle)).toEqual(['local', 'analyticsExport', 'done', 'PASS', 'ok']);
      await world.oldJournal('four', 500);
      expect((await (await exporting()).result()).sinks).toMatchObject([{ events: 500 }]);
      expect((await (await exporting()).result()).sinks).toMatchObject([{ events: 0, batches: 0 }]);
      expect(world.report('analytics_export')).toMatchObject({ sinks: [{ sink: 'parquet', outcome: 'done' }] });
      expect(await ask(dir(), 'select count(*) as n from event')).toEqual([{ n: Number(stored) + 500 }]);
    },
    TIMEOUT_MS,
  );

  test(
    'a sink that does not answer is a warning, and the others go on',
    async () => {
      const env = { CLICKHOUSE_URL: 'http://127.0.0.1:1' };
      const { handle, pass, sinks } = await beside(world.database.url, env, async () => {
        const started = await exporting();
        return { handle: started, ...(await started.result()) };
      });
      expect(pass).toBe(false);
      expect(sinks).toMatchObject([
        { sink: 'parquet', outcome: 'done' },
        { sink: 'clickhouse', outcome: 'failed' },
      ]);
      expect(await attributesOf(handle)).toEqual(['local', 'analyticsExport', 'done', 'FAIL', 'warn']);
    },
    TIMEOUT_MS,
  );
});

test(
  'without Postgres each of them ends in a while, with a sentence, and somebody is paged',
  async () => {
    const ended = async (type: string): Promise<unknown[]> => {
      const handle = await world.temporal.startSkipping(type, `away-${type}`, OF);
      const failure = await failureOf(handle);
      expect(failure).toBeInstanceOf(ApplicationFailure);
      return [failure?.message, (failure as ApplicationFailure).type, ...(await attributesOf(handle)).slice(2)];
    };
    const end = ['HousekeepingFailed', 'failed', 'FAIL', 'page'];
    const told = (what: string) => expect.stringMatching(new RegExp(`^${what}: Postgres: .*ECONNREFUSED`));
    await beside('postgres://x:y@127.0.0.1:1/desk', {}, async () => {
      expect(await ended('artifactRetention')).toEqual([told('nothing was planned, and nothing removed'), ...end]);
      expect(await ended('databaseBackup')).toEqual([told('no backup was made'), ...end]);
      expect(await ended('analyticsExport')).toEqual([told('nothing was exported'), ...end]);
    });
  },
  TIMEOUT_MS,
);

test(
  'a faulty policy is told at once, with its faults',
  async () => {
    world.policy({ scheduled: 'maybe' });
    const handle = await start<ArtifactRetentionWorkflow>('artifactRetention', OF);
    expect((await failureOf(handle))?.message).toContain('scheduled: expected one of plan, run, was "maybe"');
    world.policy({ scheduled: 'plan' });
  },
  TIMEOUT_MS,
);

test(
  'the schedules of the desk start them, each with its input',
  async () => {
    const { client } = world.temporal;
    const declared = loadSchedules('config', WORKFLOW_INPUTS);
    await applySchedules(client, { desk: 'local', host: 'house' }, declared);
    const startedBy = async (name: string) => {
      const schedule = client.schedule.getHandle(`desk/local/${name}`);
      await schedule.trigger();
      const { workflowId } = await until(`a run of ${name}`, async () => {
        const { info } = await schedule.describe();
        return info.recentActions.at(-1)?.action.workflow ?? null;
      });
      return client.workflow.getHandle(workflowId).result() as Promise<Record<string, unknown>>;
    };
    expect(await startedBy('retention')).toMatchObject({ mode: 'plan', pass: true });
    expect(await startedBy('analytics')).toMatchObject({ pass: true });
    const { backup } = await startedBy('backup-restore-test');
    const [record] = await world.evidence('database_backup');
    expect(record?.payload).toMatchObject({ backup, restoreTest: { started: { missing: [] } } });
  },
  TIMEOUT_MS,
);
