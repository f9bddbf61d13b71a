/** `desk evidence` as a person runs it: the built program over a real database, and over files with nothing else alive. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { evidenceHeadsFile, deskHome } from '../../../config/home.ts';
import { headOf, type EvidenceRecord } from '../../../core/evidence/record.ts';
import { SILENT } from '../../../core/log.ts';
import { createPool } from '../../../ledger/connect.ts';
import { createEvidenceStore } from '../../../ledger/evidence/store.ts';
import { draft } from '../../core/evidence/builders.ts';
import { makeCheckout, startDatabase, writeEvents, type TestDatabase } from '../../ledger/helpers.ts';
import { runDeskIn, type Said } from '../../support/desk-command.ts';

let database: TestDatabase;
let root: string;
let env: NodeJS.ProcessEnv;
let records: EvidenceRecord[];
let exported: string;
const TIMEOUT_MS = 120_000;

/** What offline means here: no database, and no home to find one in. */
const OFFLINE = { DATABASE_URL: 'postgres://nobody:x@127.0.0.1:1/none', DESK_HOME: '/nonexistent' };
const desk = (...args: string[]): Promise<Said> => runDeskIn(root, env, 'evidence', ...args);
const offline = (...args: string[]): Promise<Said> => runDeskIn(root, { ...env, ...OFFLINE }, 'evidence', ...args);

beforeAll(async () => {
  database = await startDatabase();
  root = makeCheckout(database);
  const home = deskHome(join(database.root, 'home'));
  mkdirSync(home.root);
  env = { DATABASE_URL: database.url, DESK_HOME: home.root };
  const pool = createPool({ databaseUrl: database.url, role: 'desk_writer', connections: 1, log: SILENT });
  const store = createEvidenceStore({ pool, headsFile: evidenceHeadsFile(home), log: SILENT });
  records = [];
  for (let n = 1; n <= 6; n += 1) {
    const kind = n % 2 === 0 ? 'retention' : 'event_store_integrity';
    records.push(await store.append(draft({ key: `k${n}`, kind, payload: { n, said: '\u001b[31m<b>|' } })));
  }
  await pool.end();
  exported = join(database.root, 'export');
  expect(await desk('export', '--to', exported)).toMatchObject({ code: 0, err: '' });
}, TIMEOUT_MS);
afterAll(() => database.remove());

function copyOf(name: string): string {
  const dir = join(database.root, name);
  cpSync(exported, dir, { recursive: true });
  return dir;
}

test(
  'list, show: what was recorded, newest first',
  async () => {
    const listed = await desk('list', '--kind', 'retention', '-o', 'json');
    expect(listed.code).toBe(0);
    expect((JSON.parse(listed.out) as { data: unknown }).data).toEqual([records[5], records[3], records[1]]);
    const lines = (await desk('list', '--limit', '2', '-o', 'jsonl')).out.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([records[5], records[4]]);
    const text = (await desk('list', '--before', '3')).out.trimEnd().split('\n');
    expect(text.map((line) => line.trim().split(/ {2,}/)[0])).toEqual(['2', '1']);
    expect((await desk('show', '3')).out).toContain(records[2]!.hash);
    // What a payload says cannot move a terminal's cursor.
    expect((await desk('show', records[2]!.hash)).out).not.toContain('\u001b');
    expect(await desk('show', '99')).toMatchObject({ code: 1, err: 'no record 99: ./desk evidence list\n' });
    expect(await desk('show', 'x')).toMatchObject({ code: 2 });
    expect(await desk('list', '--kind', 'wish')).toMatchObject({ code: 2, err: expect.stringContaining('--kind: expected one of') }); // prettier-ignore
  },
  TIMEOUT_MS,
);

test(
  'an export verifies offline, as a folder and as a file of records alone',
  async () => {
    expect(readdirSync(exported).sort()).toEqual(['evidence.jsonl', 'head.json', 'index.md']);
    const { number, hash } = headOf(records[5]!);
    expect(await offline('verify', exported)).toMatchObject({
      code: 0,
      out: `whole: 6 records, head ${number}:${hash}\n`,
    });
    expect((await offline('verify', join(exported, 'evidence.jsonl'))).out).toContain('a cut tail would not show');
    const told = await offline('verify', exported, '--head', `${number}:${hash}`, '-o', 'json');
    expect(JSON.parse(told.out)).toMatchObject({
      v: 1,
      data: { ok: true, records: 6, keptHeads: 1, knowsItsEnd: true },
    });
    expect(readFileSync(join(exported, 'index.md'), 'utf8')).toContain(
      `| 6 | 2026-03-01T12:00:00.000Z | retention | bot1 |`,
    );
  },
  TIMEOUT_MS,
);

test(
  'a part of the chain says where it begins',
  async () => {
    const dir = join(database.root, 'part');
    expect((await desk('export', '--to', dir, '--from', '3', '--until', '4')).code).toBe(0);
    const { code, out } = await offline('verify', dir);
    expect([code, out]).toEqual([0, `whole: 2 records, head 4:${records[3]!.hash}\n  begins after record 2: what came before is not in it\n`]); // prettier-ignore
    expect((await desk('export', '--to', dir, '--from', '9')).code).toBe(2);
  },
  TIMEOUT_MS,
);

describe('what was changed is located, with exit code 1', () => {
  const edit = (dir: string, change: (lines: string[]) => void): void => {
    const file = join(dir, 'evidence.jsonl');
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    change(lines);
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  };
  test.each<[string, (lines: string[]) => void, string]>([
    ['a figure', (lines) => (lines[3] = lines[3]!.replace('"n":4', '"n":5')), 'broken at record 4: payload hash'],
    ['a deleted record', (lines) => lines.splice(1, 1), 'broken at record 2: number\n  expected 2\n  found    3'],
    ['swapped records', (lines) => lines.reverse(), 'broken at record 1: number'],
    ['a cut tail', (lines) => lines.pop(), `broken at record 6: head\n  expected record 6 with hash`],
  ])(
    '%s',
    async (name, change, told) => {
      const dir = copyOf(name.replaceAll(' ', '-'));
      edit(dir, change);
      const { code, out } = await offline('verify', dir);
      expect(code).toBe(1);
      expect(out).toContain(told);
      expect(out).toContain('records before it are good');
    },
    TIMEOUT_MS,
  );

  test(
    'missing files, links, pipes, and what is no export',
    async () => {
      const dir = copyOf('odd');
      rmSync(join(dir, 'head.json'));
      expect(await offline('verify', dir)).toMatchObject({ code: 1, err: expect.stringContaining('head.json: expected a file, was missing') }); // prettier-ignore
      symlinkSync(join(exported, 'head.json'), join(dir, 'head.json'));
      expect(await offline('verify', dir)).toMatchObject({ code: 1, err: expect.stringContaining('was a symbolic link') }); // prettier-ignore
      rmSync(join(dir, 'head.json'));
      execFileSync('mkfifo', [join(dir, 'head.json')]);
      expect(await offline('verify', dir)).toMatchObject({ code: 1, err: expect.stringContaining('expected a regular file') }); // prettier-ignore
      symlinkSync(exported, join(database.root, 'link'));
      for (const path of ['link', 'link/'])
      expect(await offline('verify', join(database.root, path))).toMatchObject({ code: 1, err: expect.stringContaining('was a symbolic link') }); // prettier-ignore
      expect((await desk('export', '--to', join(database.root, 'link'))).code).toBe(1);
      expect(await offline('verify', join(root, 'package-lock.json'))).toMatchObject({ code: 1 });
      expect(await offline('verify', exported, '--head', '6:abc')).toMatchObject({ code: 2 });
      expect(await offline('verify', exported, '--head', `5:${records[5]!.hash}`)).toMatchObject({ code: 1 });
    },
    TIMEOUT_MS,
  );
});

test(
  'a release is recorded once, and its id is the hash of what runs',
  async () => {
    const dry = JSON.parse((await desk('manifest', '--dry-run', '-o', 'json')).out) as { data: { releaseId: string; manifest: { bundles: object } } }; // prettier-ignore
    expect(Object.keys(dry.data.manifest.bundles)).toEqual(
      expect.arrayContaining(['cli/main.js', 'workflows/bundle.js']),
    );
    const first = JSON.parse((await desk('manifest', '-o', 'json')).out) as { data: { releaseId: string; record: EvidenceRecord } }; // prettier-ignore
    const again = JSON.parse((await desk('manifest', '-o', 'json')).out) as { data: { record: EvidenceRecord } };
    const { releaseId, record } = first.data;
    expect(releaseId).toBe(dry.data.releaseId);
    expect(record).toMatchObject({
      kind: 'release_manifest',
      releaseId,
      payloadHash: releaseId,
      dataSource: 'simulator',
    });
    expect(again.data.record).toEqual(record);
    const latest = JSON.parse(readFileSync(join(root, 'reports/release_manifest/latest.json'), 'utf8')) as {
      data: object;
    };
    expect(latest.data).toMatchObject({ releaseId, evidence: headOf(record), manifest: dry.data.manifest });
  },
  TIMEOUT_MS,
);

test(
  'a baseline counts what is stored, and says who froze it and why',
  async () => {
    await database.ledger.ship('bot7', await writeEvents(database, 'bot7', 30));
    expect(await desk('baseline')).toMatchObject({ code: 2, err: expect.stringContaining('--reason') });
    expect((await desk('baseline', '--reason', 'x', '--dry-run')).out).toBe('would record: baseline of 30 events from 1 sources\n'); // prettier-ignore
    const { code, out } = await desk('baseline', '--reason', 'first day', '--operator', 'ada', '-o', 'json');
    expect(code).toBe(0);
    expect((JSON.parse(out) as { data: object }).data).toMatchObject({
      record: {
        kind: 'baseline_freeze',
        subject: 'local',
        range: { sources: [{ source: 'bot7', fromSequence: 1, toSequence: 30 }] },
        payload: {
          operator: 'ada',
          reason: 'first day',
          counts: [
            { source: 'bot7', stream: 'hb.market_data.v1', events: 15, lastSequence: 29 },
            { source: 'bot7', stream: 'hb.order.v1', events: 15, lastSequence: 30 },
          ],
        },
      },
    });
  },
  TIMEOUT_MS,
);

describe('the store itself', () => {
  test(
    'is checked against the heads in DESK_HOME',
    async () => {
      const { code, out } = await desk('verify');
      expect([code, out]).toEqual([0, expect.stringMatching(/^whole: \d+ records, head .*\n {2}\d+ heads that were kept elsewhere lie on it\n$/)]); // prettier-ignore
      await database.query('alter table evidence disable trigger user');
      await database.query('delete from evidence where number = (select max(number) from evidence)');
      expect(await desk('verify')).toMatchObject({ code: 1, out: expect.stringContaining('kept head') });
    },
    TIMEOUT_MS,
  );

  test(
    'that is away, or has no evidence yet, is unhealthy',
    async () => {
      expect(await offline('list')).toMatchObject({ code: 3 });
      await database.query('create database bare');
      const bare = new URL(database.url);
      bare.pathname = '/bare';
      const said = await runDeskIn(root, { ...env, DATABASE_URL: bare.href }, 'evidence', 'list');
      expect(said).toMatchObject({ code: 3, err: expect.stringContaining('no evidence yet') });
      expect(existsSync('/nonexistent')).toBe(false);
    },
    TIMEOUT_MS,
  );
});
