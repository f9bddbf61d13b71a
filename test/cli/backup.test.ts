/** `desk backup` and `desk retention` as a person runs them, up to a desk that starts over a restored folder. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { deskHome } from '../../config/home.ts';
import { SILENT } from '../../core/log.ts';
import { postgresSettings, startPostgres } from '../../stack/postgres.ts';
import { readTemporalDev } from '../../stack/temporal-dev.ts';
import { makeCheckout, startDatabase, writeEvents, type TestDatabase } from '../ledger/helpers.ts';
import { runDeskIn, type Said } from '../support/desk-command.ts';

const TIMEOUT_MS = 180_000;
let database: TestDatabase;
let root: string;
let env: NodeJS.ProcessEnv;
const desk = (...args: string[]): Promise<Said> => runDeskIn(root, env, ...args);
const dataOf = <T>(said: Said): T => (JSON.parse(said.out) as { data: T }).data;

beforeAll(async () => {
  database = await startDatabase();
  root = makeCheckout(database);
  env = { DATABASE_URL: database.url, DESK_HOME: database.root };
  await database.ledger.ship('bot1', await writeEvents(database, 'bot1', 500));
}, TIMEOUT_MS);
afterAll(() => database.remove());

test(
  'create, list, verify --start: a backup is made, told, proved, and both are evidence',
  async () => {
    expect((await desk('backup', 'list')).out).toContain('no backups in');
    expect((await desk('backup', 'create', '--dry-run')).out).toContain('would back up 127.0.0.1:');
    expect(existsSync(deskHome(database.root).backupsDir)).toBe(false);
    const made = await desk('backup', 'create');
    expect(made).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/500 events of 1 sources, in .* MB\/s\), evidence 1\n/) }); // prettier-ignore
    const [listed] = dataOf<{ name: string; store: { sources: unknown } }[]>(
      await desk('backup', 'list', '-o', 'json'),
    );
    expect(listed?.store.sources).toEqual([{ source: 'bot1', events: 500, lastSequence: 500 }]);
    const verified = await desk('backup', 'verify', 'latest', '--start', '-o', 'json');
    expect(dataOf(verified)).toMatchObject({ name: listed?.name, ok: true, fileFaults: [], started: { missing: [] } });
    const evidence = dataOf<{ payload: object }[]>(await desk('evidence', 'list', '--kind', 'database_backup', '-o', 'json')); // prettier-ignore
    expect(evidence.map(({ payload }) => payload)).toMatchObject([
      { backup: listed?.name, restoreTest: { ok: true, started: { missing: [] } } },
      { backup: listed?.name, restoreTest: null },
    ]);
  },
  TIMEOUT_MS,
);

test(
  'restore: a new desk home starts over it, without the old password',
  async () => {
    const home = deskHome(join(database.root, 'new-home'));
    mkdirSync(home.root);
    const to = join(home.postgresDir, 'data');
    expect((await desk('backup', 'restore', 'latest', '--to', to, '--dry-run')).out).toContain('would restore');
    expect(existsSync(to)).toBe(false);
    expect(await desk('backup', 'restore', 'latest', '--to', to)).toMatchObject({ code: 0, err: '' });
    expect(await desk('backup', 'restore', 'latest', '--to', to)).toMatchObject({ code: 4, err: expect.stringContaining('expected an empty folder') }); // prettier-ignore
    const settings = postgresSettings(readTemporalDev(join(process.cwd(), 'temporal-dev.yml')));
    const postgres = await startPostgres({ home, port: 0, settings, log: SILENT });
    try {
      const client = new pg.Client({ connectionString: postgres.databaseUrl });
      await client.connect();
      const { rows } = await client.query('select count(*)::int as n, (select sequence::int from journal_offset) as "offset" from event'); // prettier-ignore
      await client.end();
      expect(rows).toEqual([{ n: 500, offset: 500 }]);
    } finally {
      await postgres.stop();
    }
  },
  TIMEOUT_MS,
);

test(
  'what is wrong is said with its exit code',
  async () => {
    expect(await desk('backup', 'verify', '20200101T000000Z')).toMatchObject({ code: 1, err: expect.stringContaining('no backup 20200101T000000Z') }); // prettier-ignore
    expect(await desk('backup', 'list', '-o', 'xml')).toMatchObject({ code: 2 });
    expect(await desk('backup', 'restore', 'latest')).toMatchObject({ code: 2 });
    expect(await desk('retention', 'run')).toMatchObject({ code: 2, err: expect.stringContaining('--reason') });
    const gone = { ...env, DATABASE_URL: 'postgres://x:y@127.0.0.1:1/desk' };
    for (const command of [
      ['backup', 'create'],
      ['retention', 'plan'],
    ])
      expect(await runDeskIn(root, gone, ...command)).toMatchObject({
        code: 3,
        err: expect.stringContaining('Postgres'),
      });
    const [listed] = dataOf<{ name: string }[]>(await desk('backup', 'list', '-o', 'json'));
    const file = join(deskHome(database.root).backupsDir, listed!.name, 'data', 'PG_VERSION');
    writeFileSync(file, '17\n');
    const verified = await desk('backup', 'verify', 'latest');
    expect(verified).toMatchObject({ code: 1, out: expect.stringContaining('data/PG_VERSION: expected SHA-256') });
    writeFileSync(file, '18\n');
    expect(await desk('backup', 'verify', 'latest')).toMatchObject({ code: 0 });
  },
  TIMEOUT_MS,
);

test(
  'retention: a faulty policy names every fault; plan and run agree, and a second run does nothing',
  async () => {
    const file = join(root, 'config', 'retention.yml');
    const good = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      good.replace('archiveAfterDays: 7', 'archiveAfterDays: 0').replace('keepLast: 3', 'keepFirst: 3'),
    );
    const faulty = await desk('retention', 'plan');
    expect(faulty.code).toBe(2);
    for (const fault of [
      'journals.archiveAfterDays: expected at least 1, was 0',
      'backups.keepFirst: unknown key, was 3',
    ])
      expect(faulty.err).toContain(`retention.yml: ${fault}`);
    writeFileSync(file, good.replace('keepLast: 3', 'keepLast: 1').replace('keepDaily: 7', 'keepDaily: 0').replace('keepWeekly: 8', 'keepWeekly: 0')); // prettier-ignore
    expect(await desk('retention', 'run', '--reason', 'x')).toMatchObject({ code: 0, out: 'nothing may go today\n' });
    expect(await desk('backup', 'create')).toMatchObject({ code: 0 });
    const plan = dataOf<{ items: { target: object }[] }>(await desk('retention', 'plan', '-o', 'json'));
    const dry = dataOf(await desk('retention', 'run', '--dry-run', '-o', 'json'));
    expect(dry).toEqual(plan);
    expect(plan.items.map(({ target }) => target)).toEqual([{ action: 'remove_backup', name: expect.any(String) }]);
    const done = await desk('retention', 'run', '--reason', 'weekly', '--operator', 'ann');
    expect(done).toMatchObject({ code: 0, out: expect.stringMatching(/done +remove_backup[^]*evidence \d+\n$/) });
    expect(await desk('retention', 'run', '--reason', 'again')).toMatchObject({
      code: 0,
      out: 'nothing may go today\n',
    });
    expect(dataOf<unknown[]>(await desk('backup', 'list', '-o', 'json'))).toHaveLength(1);
    const [record] = dataOf<{ payload: object }[]>(await desk('evidence', 'list', '--kind', 'retention', '-o', 'json'));
    expect(record?.payload).toMatchObject({ operator: 'ann', reason: 'weekly', done: 1, refused: 0 });
    expect(await desk('evidence', 'verify')).toMatchObject({ code: 0 });
  },
  TIMEOUT_MS,
);
