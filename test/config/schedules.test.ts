import { afterAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { scheduleDeclaration } from '../../core/schedules/declaration.ts';
import { ConfigError } from '../../config/load.ts';
import { loadSchedules } from '../../config/schedules.ts';
import { WORKFLOW_TYPES } from '../../workflows/desk-attributes.ts';
import { WORKFLOW_INPUTS } from '../../workflows/inputs.ts';

const dir = mkdtempSync(join(tmpdir(), 'schedules-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const GOOD = { workflow: 'eventStoreIntegrity', every: '5m', overlap: 'skip', catchupWindow: '1m', note: 'a test' };
const { every: _every, ...WITHOUT_TIME } = GOOD;

function load(file: unknown) {
  writeFileSync(join(dir, 'schedules.yml'), typeof file === 'string' ? file : stringify(file));
  return loadSchedules(dir, WORKFLOW_INPUTS);
}
const one = (changes: object, base: object = GOOD) => ({ version: 1, schedules: { a: { ...base, ...changes } } });

function faultsOf(file: unknown): readonly string[] {
  try {
    load(file);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

test("the desk's own file names workflows that the desk runs", () => {
  expect(Object.keys(loadSchedules('config', WORKFLOW_INPUTS))).toContain('integrity');
});

test('the workflow types are those of the bundle', () => {
  const exported = [...readFileSync('workflows/index.ts', 'utf8').matchAll(/export \{ (\w+) \}/g)].map(
    ([, name]) => name,
  );
  expect([...WORKFLOW_TYPES]).toEqual(exported);
  expect(Object.keys(WORKFLOW_INPUTS)).toEqual(exported);
});

test('every field stands on the page of the configuration, in its order', () => {
  const [, section = ''] = readFileSync('docs/config.md', 'utf8').split('\n## Schedules\n');
  const told = [...section.split('\n## ')[0]!.matchAll(/^\| `(\w+)` \|/gm)].map(([, field]) => field);
  expect(told).toEqual(Object.keys(scheduleDeclaration(WORKFLOW_INPUTS).in.shape));
});

test('durations come in ms, the time zone is UTC unless said otherwise, and a failure does not pause', () => {
  expect(load(one({ offset: '30s', jitter: '2s' }))).toEqual({
    a: {
      ...{
        workflow: 'eventStoreIntegrity',
        overlap: 'skip',
        note: 'a test',
        input: {},
        pauseOnFailure: false,
        timezone: 'UTC',
      },
      ...{ every: 300_000, offset: 30_000, jitter: 2_000, catchupWindow: 60_000 },
    },
  });
  expect(load(one({ cron: '0 3 * * *', timezone: 'Europe/Berlin' }, WITHOUT_TIME)).a).toMatchObject({
    cron: '0 3 * * *',
    timezone: 'Europe/Berlin',
  });
  expect(load({ version: 1, schedules: {} })).toEqual({});
});

describe('each fault is told with path, rule and value', () => {
  test.each([
    ['workflow', { workflow: 'botty' }, `expected one of ${WORKFLOW_TYPES.join(', ')}, was "botty"`],
    ['every', { every: '5 minutes' }, 'expected a duration such as 30s, 5m, 12h or 1d, was "5 minutes"'],
    ['every', { every: 300 }, 'expected a duration such as 30s, 5m, 12h or 1d, was 300'],
    ['every', { every: '9s' }, 'expected at least 10s: a schedule is no loop, was "9s"'],
    ['offset', { offset: '5m' }, 'expected less than every, and none without it, was "5m"'],
    [
      'timezone',
      { timezone: 'Europe/Berlin' },
      'expected none beside every, which counts from the epoch, was "Europe/Berlin"',
    ],
    [
      'overlap',
      { overlap: 'never' },
      'expected one of skip, buffer_one, buffer_all, cancel_other, allow_all, was "never"',
    ],
    [
      'overlap',
      { overlap: undefined },
      'expected one of skip, buffer_one, buffer_all, cancel_other, allow_all, was missing',
    ],
    ['catchupWindow', { catchupWindow: undefined }, 'expected a duration such as 30s, 5m, 12h or 1d, was missing'],
    ['catchupWindow', { catchupWindow: '1s' }, 'expected at least 10s, the least that the server takes, was "1s"'],
    ['pauseOnFailure', { pauseOnFailure: 'yes' }, 'expected true or false, was "yes"'],
    ['jitter', { jitter: '0s' }, 'expected at least 1s, was "0s"'],
    ['note', { note: '' }, 'expected at least 1 characters, was ""'],
    ['input', { input: { desk: 'mine' } }, 'expected no desk and host: both come from desk.yml, was {"desk":"mine"}'],
    ['input.mode', { workflow: 'artifactRetention', input: { mode: 'all' } }, 'expected one of plan, run, was "all"'],
    ['input.colour', { workflow: 'databaseBackup', input: { colour: 'red' } }, 'unknown key, was "red"'],
    ['input.bot', { workflow: 'bot' }, 'expected a text, was missing'],
    ['colour', { colour: 'red' }, 'unknown key, was "red"'],
  ])('%s %j', (field, changes, fault) =>
    expect(faultsOf(one(changes))).toEqual([`schedules.yml: schedules.a.${field}: ${fault}`]),
  );

  test.each([
    ['cron', { cron: '0 25 * * *' }, 'expected hour of 0 to 23'],
    [
      'timezone',
      { cron: '0 3 * * *', timezone: 'Berlin' },
      'expected UTC or an IANA time zone such as Europe/Berlin, was "Berlin"',
    ],
    ['calendar.hour', { calendar: { hour: 24 } }, 'expected at most 23'],
    ['calendar.dayOfWeek', { calendar: { dayOfWeek: 'mon' } }, 'expected one of sunday, monday'],
    ['offset', { cron: '0 3 * * *', offset: '1m' }, 'expected less than every, and none without it, was "1m"'],
  ])('%s %j', (field, changes, fault) => {
    const [told, ...others] = faultsOf(one(changes, WITHOUT_TIME));
    expect(told).toContain(`schedules.yml: schedules.a.${field}: ${fault}`);
    expect(others).toEqual([]);
  });

  test('a time is said once', () => {
    const rule = 'expected exactly one of every, cron and calendar, was {';
    expect(faultsOf(one({}, WITHOUT_TIME))[0]).toContain(`schedules.a: ${rule}`);
    expect(faultsOf(one({ cron: '0 3 * * *' }))[0]).toContain(`schedules.a: ${rule}`);
  });

  test('an input is held against its contract beside faults of other fields', () => {
    const file = one({ workflow: 'databaseBackup', input: { restoreTest: 'sundays' }, overlap: 'x' });
    expect(faultsOf(file)).toEqual([
      expect.stringContaining('schedules.a.overlap: expected one of skip'),
      'schedules.yml: schedules.a.input.restoreTest: expected true or false, was "sundays"',
    ]);
  });

  test('all of them at once, those between fields beside those of a field', () => {
    const file = {
      version: 2,
      schedules: { a: { ...GOOD, overlap: 'x', offset: '10m' }, b: { ...GOOD, cron: 'x' }, 'C d': GOOD },
    };
    expect(faultsOf(file)).toEqual([
      'schedules.yml: version: expected 1, was 2',
      expect.stringContaining('schedules.a.overlap: expected one of skip'),
      'schedules.yml: schedules.a.offset: expected less than every, and none without it, was "10m"',
      expect.stringContaining('schedules.b.cron: expected five fields'),
      expect.stringContaining('schedules.b: expected exactly one of'),
      expect.stringContaining('schedules.C d: expected its name to be as ruled: a schedule name of 1 to 48'),
    ]);
  });

  test('a file that is missing or no YAML is a fault, not a desk without schedules', () => {
    expect(faultsOf('version: [')).toEqual([expect.stringMatching(/^schedules\.yml: .* at line 1/)]);
    rmSync(join(dir, 'schedules.yml'));
    expect(() => loadSchedules(dir, WORKFLOW_INPUTS)).toThrow('schedules.yml: expected a file, was missing');
  });
});
