import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type pg from 'pg';
import { SILENT } from '../../core/log.ts';
import { createPool } from '../../ledger/connect.ts';
import { createReportRuns, REPORT_FAMILIES, ReportRunDiffers, type ReportRun } from '../../ledger/report-runs.ts';
import { startDatabase, type TestDatabase } from './helpers.ts';

const AT_MS = Date.UTC(2026, 2, 1, 3, 4, 5);
let database: TestDatabase;
let pool: pg.Pool;
let reportsDir: string;
beforeAll(async () => {
  database = await startDatabase();
  pool = createPool({ databaseUrl: database.url, role: 'desk_writer', connections: 4, log: SILENT });
  reportsDir = join(database.root, 'reports');
});
afterAll(async () => {
  await pool.end();
  await database.remove();
});

const runOf = (runId: string, change: Partial<ReportRun> = {}): ReportRun => ({
  runId,
  atMs: AT_MS,
  subject: 'bot1',
  status: 'pass',
  codeVersion: 'abc',
  evidence: null,
  payload: { equity: '1000.000000000001', list: [1, 2] },
  markdown: '# A report\n',
  ...change,
});

test.each(REPORT_FAMILIES)('%s: a row and its files, once', async (family) => {
  const runs = createReportRuns({ pool, reportsDir });
  expect(await runs.write(family, runOf('r1'))).toBe(true);
  expect(await runs.write(family, runOf('r1'))).toBe(false);
  const rows = await database.query(`select run_id, subject, status, payload from ${family}`);
  expect(rows).toEqual([
    { run_id: 'r1', subject: 'bot1', status: 'pass', payload: { equity: '1000.000000000001', list: [1, 2] } },
  ]);
  const files = [`${family}_20260301T030405Z.json`, `${family}_20260301T030405Z.md`, 'latest.json'];
  expect(readdirSync(join(reportsDir, family)).sort()).toEqual(files.sort());
  const latest = JSON.parse(readFileSync(join(reportsDir, family, 'latest.json'), 'utf8')) as object;
  expect(latest).toMatchObject({ family, runId: 'r1', status: 'pass', payload: { list: [1, 2] } });
  await expect(database.query(`update ${family} set status = 'fail'`)).rejects.toThrow('what is recorded stays');
});

test('a run that comes again and says something else is refused', async () => {
  const runs = createReportRuns({ pool, reportsDir });
  await runs.write('parity_report', runOf('r2'));
  await expect(runs.write('parity_report', runOf('r2', { status: 'fail' }))).rejects.toThrow(ReportRunDiffers);
  await expect(runs.write('parity_report', runOf('r2', { payload: {} }))).rejects.toThrow('parity_report: run r2');
});

test('what is tried again later does not become the latest', async () => {
  const runs = createReportRuns({ pool, reportsDir });
  const first = runOf('first', { atMs: AT_MS + 60_000 });
  const second = runOf('second', { atMs: AT_MS + 120_000 });
  for (const run of [first, second, first]) await runs.write('portfolio_risk_report', run);
  const latest = readFileSync(join(reportsDir, 'portfolio_risk_report', 'latest.json'), 'utf8');
  expect(JSON.parse(latest)).toMatchObject({ runId: 'second' });
});

test('many writers of one run store it once', async () => {
  const runs = createReportRuns({ pool, reportsDir });
  const wrote = await Promise.all(Array.from({ length: 12 }, () => runs.write('accounting_snapshot', runOf('crowd'))));
  expect(wrote.filter(Boolean)).toHaveLength(1);
});

test.each([
  ['not a number', { a: NaN }],
  ['beyond numbers', { a: { b: Infinity } }],
])('a payload that is %s is refused, and nothing is stored', async (_name, payload) => {
  const runs = createReportRuns({ pool, reportsDir });
  await expect(runs.write('exchange_snapshot', runOf('odd', { payload }))).rejects.toThrow();
  expect(await database.query(`select 1 from exchange_snapshot where run_id = 'odd'`)).toEqual([]);
});

test('the writer tells its rows, its last run and what went wrong last', async () => {
  const dir = join(database.root, 'elsewhere');
  const runs = createReportRuns({ pool, reportsDir: dir });
  mkdirSync(dir);
  // A file where the family's folder would be.
  writeFileSync(join(dir, 'promotion_gate_run'), '');
  await expect(runs.write('promotion_gate_run', runOf('later', { atMs: AT_MS + 1_000 }))).rejects.toThrow();
  const before = (await runs.status()).find(({ family }) => family === 'promotion_gate_run');
  expect(before).toMatchObject({
    rows: 2,
    lastAtMs: AT_MS + 1_000,
    lastError: expect.stringMatching(/EEXIST|ENOTDIR/),
  });
  rmSync(join(dir, 'promotion_gate_run'));
  // Tried again, the files are made although the row was there.
  expect(await runs.write('promotion_gate_run', runOf('later', { atMs: AT_MS + 1_000 }))).toBe(false);
  expect(existsSync(join(dir, 'promotion_gate_run', 'latest.json'))).toBe(true);
  expect((await runs.status()).every(({ lastError }) => lastError === null)).toBe(true);
});
