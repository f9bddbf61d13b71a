/** `config/retention.yml`: the desk's own file, its page, and what is wrong with another one. */
import { afterAll, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { ConfigError } from '../../config/load.ts';
import { loadRetentionPolicy } from '../../config/retention.ts';
import { RetentionPolicy } from '../../core/retention/policy.ts';

const dir = mkdtempSync(join(tmpdir(), 'retention-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const own = parse(readFileSync('config/retention.yml', 'utf8')) as Record<string, object>;

function load(changes: object): RetentionPolicy {
  writeFileSync(join(dir, 'retention.yml'), stringify({ ...own, ...changes }));
  return loadRetentionPolicy(dir);
}

function faultsOf(changes: object): readonly string[] {
  try {
    load(changes);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

test('a desk that nobody has set up removes nothing by itself, and so does a file that does not say', () => {
  expect(loadRetentionPolicy('config').scheduled).toBe('plan');
  expect(load({ scheduled: undefined }).scheduled).toBe('plan');
  expect(load({ scheduled: 'run' }).scheduled).toBe('run');
});

test.each([
  ['scheduled', { scheduled: 'yes' }, 'expected one of plan, run, was "yes"'],
  ['scheduled', { scheduled: true }, 'expected one of plan, run, was true'],
  ['schedule', { schedule: 'run' }, 'unknown key, was "run"'],
  ['backups.keepLast', { backups: { ...own['backups'], keepLast: 0 } }, 'expected at least 1, was 0'],
])('%s: %j', (path, changes, fault) => expect(faultsOf(changes)).toEqual([`retention.yml: ${path}: ${fault}`]));

test('every field stands on the page of the configuration, in its order', () => {
  const [, section = ''] = readFileSync('docs/config.md', 'utf8').split('\n## Retention\n');
  const rows = [...section.split('\n## ')[0]!.matchAll(/^\| `([\w.]+)` \|/gm)].map(([, field]) => field);
  const shape = RetentionPolicy.shape as Record<string, { shape?: object }>;
  const fields = Object.entries(shape).flatMap(([name, field]) =>
    field.shape === undefined ? [name] : Object.keys(field.shape).map((inner) => `${name}.${inner}`),
  );
  expect(rows).toEqual(fields);
});
