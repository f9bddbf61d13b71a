/** The mutation tools on a small core of their own, whose faults have known ends; through Stryker, as `desk mutate` runs it. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const ROOT = process.cwd();
const SAMPLE = `
import { invariant } from '../invariant.ts';
export const UNITS = ['lot'];
export type Kind = 'up' | 'down';
export function kindOf(change: number): Kind {
  return change > 0 ? 'up' : 'down';
}
export function stepsTo(target: number): number {
  let steps = 0;
  while (steps < target) steps += 1;
  return steps;
}
export function half(even: number): number {
  invariant(even % 2 === 0, 'half takes an even number');
  return even / 2;
}
export function unreached(): string {
  return 'nobody asks';
}
`;
const SAMPLE_TESTS = `
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { half, kindOf, stepsTo, UNITS } from '../../../core/sample/sample.ts';
test('units', () => expect(UNITS).toEqual(['lot']));
describe.each([['over', 5, 'up'], ['under', -5, 'down']] as const)('%s', (_name, change, kind) => {
  test('is of its kind', () => expect(kindOf(change)).toBe(kind));
});
test('steps', async () => expect(stepsTo(3)).toBe(3));
test('two halves are a whole', () => fc.assert(fc.property(fc.nat(1000), (n) => expect(half(2 * n)).toBe(n))));
let cases = 0;
test('a law that counts its cases', () => {
  cases = 0;
  fc.assert(fc.property(fc.nat(), (n) => { cases += 1; return kindOf(n + 1) === 'up'; }), { numRuns: 200 });
  expect(cases).toBe(200);
});
`;

interface Report {
  readonly files: Record<
    string,
    {
      readonly source: string;
      readonly mutants: readonly { status: string; replacement: string; location: Location }[];
    }
  >;
}
interface Location {
  readonly start: { readonly line: number };
}

const project = mkdtempSync(join(tmpdir(), 'mutation-'));
let ends: { fault: string; end: string }[] = [];

beforeAll(() => {
  for (const folder of ['core/sample', 'test/core/sample']) mkdirSync(join(project, folder), { recursive: true });
  for (const file of ['tsconfig.json', 'package.json', 'core/invariant.ts'])
    copyFileSync(join(ROOT, file), join(project, file));
  symlinkSync(join(ROOT, 'node_modules'), join(project, 'node_modules'));
  writeFileSync(join(project, 'core/sample/sample.ts'), SAMPLE);
  writeFileSync(join(project, 'test/core/sample/sample.test.ts'), SAMPLE_TESTS);
  const file = join(project, 'report.json');
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [
      join(ROOT, 'node_modules/@stryker-mutator/core/bin/stryker.js'),
      'run',
      join(ROOT, 'tools/mutation/stryker.config.mjs'),
      '--mutate',
      'core/sample/**/*.ts',
    ],
    { cwd: project, env: { ...process.env, DESK_MUTATION_REPORT: file }, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`stryker ended with ${status}: ${stdout}${stderr}`);
  const { files } = JSON.parse(readFileSync(file, 'utf8')) as Report;
  const { source, mutants } = files['core/sample/sample.ts']!;
  ends = mutants.map(({ location, replacement, status: end }) => ({
    fault: `${source.split('\n')[location.start.line - 1]!.trim()} => ${replacement}`,
    end,
  }));
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

test.each([
  ['a turned comparison is found', `return change > 0 ? 'up' : 'down'; => change <= 0`, 'Killed'],
  ['a bound that no test stands on is not', `return change > 0 ? 'up' : 'down'; => change >= 0`, 'Survived'],
  ['a law finds what it reaches', 'return even / 2; => even * 2', 'Killed'],
  ['a fault at load is found by loading anew', `export const UNITS = ['lot']; => ""`, 'Killed'],
  ['a loop without end is ended', 'while (steps < target) steps += 1; => steps -= 1', 'Timeout'],
  ['a fault that does not compile is none', `return change > 0 ? 'up' : 'down'; => ""`, 'CompileError'],
  ['a text for people is left alone', `invariant(even % 2 === 0, 'half takes an even number'); => ""`, 'Ignored'],
  ['what no test reaches is told', `return 'nobody asks'; => ""`, 'NoCoverage'],
])('%s', (_name, fault, end) => {
  expect(ends.filter((each) => each.fault === fault).map((each) => each.end)).toContain(end);
});

test('each fault has an end', () => {
  expect(ends.length).toBeGreaterThan(15);
  expect(ends.filter(({ end }) => end === 'Pending' || end === 'RuntimeError')).toEqual([]);
});
