/** `desk schedules`, desk workers and the plain temporal command, on one server. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeSchedule } from '../../stack/schedules.ts';
import { builtCode } from '../support/build.ts';
import { runCommand, runDesk, type Said } from '../support/desk-command.ts';
import { until } from '../support/desk.ts';
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts';

const ID = 'desk/local/integrity';
let temporal: TestTemporal;
let config: string;
let file: string;
let original: string;
let buildDir: string;
beforeAll(async () => {
  temporal = await startTestTemporal();
  config = join(temporal.home.root, 'config');
  cpSync('config', config, { recursive: true, filter: (path) => !path.endsWith('.ts') });
  file = join(config, 'schedules.yml');
  // One of them is enough here, and the file may name others.
  original = readFileSync(file, 'utf8').replace(/(\n {2}integrity:[^]*?)\n {2}\w[^]*$/, '$1\n');
  writeFileSync(file, original);
  buildDir = await builtCode();
}, 120_000);
afterAll(() => temporal.stop());

const schedules = (...args: string[]): Promise<Said> =>
  runDesk(
    { DESK_HOME: temporal.home.root, DESK_CONFIG: config, TEMPORAL_ADDRESS: temporal.address },
    ...['schedules', ...args],
  );
const plain = (...args: string[]): Promise<Said> =>
  runCommand(temporal.cliPath, ['schedule', ...args, '--address', temporal.address], process.env);

const said = (line: string) => ({ code: 0, out: `${line}\n`, err: '', text: `${line}\n` });

async function listed(): Promise<Record<string, unknown>[]> {
  return (JSON.parse((await schedules('list', '-o', 'json')).out) as { data: Record<string, unknown>[] }).data;
}

describe('desk schedules', () => {
  test('tells what is not applied yet, and what an apply would do', async () => {
    const { out } = await schedules('list');
    expect(out).toMatch(/desk\/local\/integrity │ eventStoreIntegrity │ not applied/);
    expect(out).toContain(`${ID}: not applied: ./desk schedules apply`);
    expect(await schedules('apply', '--dry-run')).toMatchObject({ code: 0, out: `${ID}: would create\n` });
    expect(await describeSchedule(temporal.client, ID)).toBeNull();
  }, 60_000);

  test('a faulty file is told with path, rule and value, and nothing is applied', async () => {
    writeFileSync(file, original.replace('overlap: skip', 'overlap: sometimes').replace('every: 5m', 'every: 5x'));
    const { code, err } = await schedules('apply');
    expect(code).toBe(2);
    expect(err).toContain(
      'schedules.yml: schedules.integrity.every: expected a duration such as 30s, 5m, 12h or 1d, was "5x"',
    );
    expect(err).toContain('schedules.yml: schedules.integrity.overlap: expected one of skip, ');
    expect(await describeSchedule(temporal.client, ID)).toBeNull();
    writeFileSync(file, original);
  }, 60_000);

  test('applies, and the second time changes nothing', async () => {
    expect(await schedules('apply')).toMatchObject({ code: 0, out: `${ID}: created\n` });
    expect(await schedules('apply')).toMatchObject({ code: 0, out: `${ID}: unchanged\n` });
    expect(await schedules('apply', '-o', 'json')).toMatchObject({
      out: `{"v":1,"data":{"dryRun":false,"steps":[{"scheduleId":"${ID}","deed":"unchanged"}]}}\n`,
    });
  }, 60_000);

  test('the plain command sees, pauses and triggers it; the pause outlives a changed file', async () => {
    await until('it in the list', async () => (await plain('list')).out.includes(ID));
    const { out } = await plain('describe', '--schedule-id', ID);
    expect(out).toContain('eventStoreIntegrity');
    expect(out).toContain('source against store, every five minutes');
    expect((await plain('toggle', '--schedule-id', ID, '--pause', '--reason', 'ada: store is moved')).code).toBe(0);
    expect((await plain('trigger', '--schedule-id', ID)).code).toBe(0);
    await until('its run', async () => (await listed())[0]!['lastRun'] !== null);
    writeFileSync(file, original.replace('every: 5m', 'every: 10m'));
    expect((await schedules('list')).out).toContain(`${ID}: differs: ./desk schedules apply`);
    expect(await schedules('apply')).toMatchObject({ code: 0, out: `${ID}: updated\n` });
    expect(await listed()).toMatchObject([
      {
        scheduleId: ID,
        workflow: 'eventStoreIntegrity',
        standing: 'as declared',
        paused: true,
        nextRunAt: null,
        note: 'ada: store is moved',
        lastRun: { workflowId: expect.stringMatching(/^integrity\/local-/), status: 'running' },
      },
    ]);
    expect((await schedules('list')).out).toMatch(
      /│ paused .*│ \d{4}-\d\d-\d\d \d\d:\d\d:\d\d running +│ ada: store is moved/,
    );
    expect((await plain('toggle', '--schedule-id', ID, '--unpause', '--reason', 'ada: moved')).code).toBe(0);
    expect((await listed())[0]).toMatchObject({ paused: false, nextRunAt: expect.stringMatching(/:\d0:00\.000Z$/) });
  }, 60_000);

  test('one that the file names no more is told, then deleted', async () => {
    writeFileSync(file, 'version: 1\nschedules: {}\n');
    expect((await schedules('list')).out).toContain(`${ID}: not declared: ./desk schedules apply`);
    expect((await schedules('apply', '--dry-run')).out).toBe(`${ID}: would delete\n`);
    expect((await schedules('apply')).out).toBe(`${ID}: deleted\n`);
    await until('an empty list', async () => (await listed()).length === 0);
    expect((await schedules('list')).out).toBe('no schedules\n');
    writeFileSync(file, original);
  }, 60_000);
});

describe('a desk worker', () => {
  interface Running {
    readonly child: ChildProcess;
    readonly talk: () => string;
  }

  const started: ChildProcess[] = [];
  afterAll(() => {
    for (const child of started) if (child.exitCode === null) child.kill('SIGKILL');
  });

  function startWorker(): Running {
    const { NODE_OPTIONS: _ofJest, ...env } = process.env;
    const child = spawn(process.execPath, [join(buildDir, 'workers', 'desk.worker.js')], {
      env: {
        ...env,
        TEMPORAL_ADDRESS: temporal.address,
        DESK_ROOT: process.cwd(),
        DESK_BUILD: buildDir,
        DESK_HOME: temporal.home.root,
        DESK_CONFIG_DIR: config,
        DESK_CODE_VERSION: 'test',
        DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    started.push(child);
    let talk = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (talk += chunk.toString()));
    return { child, talk: () => talk };
  }

  async function end({ child }: Running): Promise<number | null> {
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    child.kill('SIGTERM');
    return child.exitCode ?? ended;
  }

  test('applies them when it starts; two at once end the same', async () => {
    const workers = [startWorker(), startWorker()];
    await until('both', () => workers.every(({ talk }) => talk().includes('schedules applied')), 60_000);
    expect(await schedules('apply')).toEqual(said(`${ID}: unchanged`));
    expect(
      workers
        .map(({ talk }) => talk())
        .join()
        .match(/"deed":"create"/g),
    ).toHaveLength(1);
    expect(await Promise.all(workers.map(end))).toEqual([0, 0]);
  }, 120_000);

  test('runs on with the schedules there are when the file is faulty, and says why', async () => {
    writeFileSync(file, original.replace('overlap: skip', 'overlap: sometimes'));
    const worker = startWorker();
    await until(
      'its word',
      () => worker.talk().includes('schedules not applied') && worker.talk().includes('"ready":true'),
    );
    expect(worker.talk()).toContain('schedules.integrity.overlap: expected one of skip, ');
    writeFileSync(file, original);
    expect(await schedules('apply')).toEqual(said(`${ID}: unchanged`));
    expect(worker.child.exitCode).toBeNull();
    expect(await end(worker)).toBe(0);
  }, 120_000);
});
