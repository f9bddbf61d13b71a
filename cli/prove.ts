/**
 * `desk prove`: the same suites as `desk test`, with the long run's number of trials. What each proof tried and found goes
 * to `reports/proofs/` as JSON and into its table on the proof page.
 */
import { cpus, loadavg } from 'node:os';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { codeVersion } from './code-version.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';
import { run } from './test.ts';

const SUITES: Readonly<Record<string, { readonly proves: string; readonly dir: string }>> = {
  boundary: { proves: 'the desk is right at the exchange boundary (hours)', dir: 'test/bots/boundary' },
};
const PAGE = join('docs', 'proofs.md');

/** As `test/bots/boundary/trials.ts` writes it. */
const ProofRow = z.strictObject({
  promise: z.string(),
  proof: z.string(),
  trials: z.int().nonnegative(),
  failures: z.int().nonnegative(),
  found: z.record(z.string(), z.number()),
  examples: z.array(z.string()).default([]),
});
type ProofRow = z.infer<typeof ProofRow>;

const JestReport = z.object({
  numPassedTests: z.number(),
  testResults: z.array(
    z.object({
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
      message: z.string(),
    }),
  ),
});

/** One file of a suite, as it last ran. */
const Proven = z.strictObject({
  file: z.string(),
  commit: z.string(),
  date: z.string(),
  minutes: z.number(),
  machine: z.string(),
  testsPassed: z.number(),
  testsFailed: z.array(z.string()),
  rows: z.array(ProofRow),
});
type Proven = z.infer<typeof Proven>;

export function registerProve(program: Command, context: Context): void {
  const list = Object.entries(SUITES).map(([name, { proves }]) => `  ${name.padEnd(12)}${proves}`);
  program
    .command('prove')
    .description('the proofs with the number of trials that they are published with')
    .argument('<suite>', Object.keys(SUITES).join(', '))
    .option('--trials <count>', 'at most so many a proof')
    .option('--only <file>', 'one file of it; what the others found last stays on the page')
    .addHelpText('after', `\nSuites:\n${list.join('\n')}`)
    .action(async (suite: string, options: ProveOptions) => process.exit(await prove(context, suite, options)));
}

interface ProveOptions {
  readonly trials?: string;
  readonly only?: string;
}

async function prove(context: Context, suite: string, { trials, only }: ProveOptions): Promise<number> {
  const { root } = context;
  if (!Object.hasOwn(SUITES, suite))
    throw new CommandFailure(EXIT.usage, `prove: expected one of ${Object.keys(SUITES).join(', ')}, was "${suite}"`);
  if (trials !== undefined && !/^[1-9]\d{0,6}$/.test(trials))
    throw new CommandFailure(EXIT.usage, `--trials: expected a whole number from 1 to 9999999, was "${trials}"`);
  const { dir } = SUITES[suite]!;
  const files = readdirSync(join(root, dir))
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => name.replace('.test.ts', ''))
    .sort();
  if (only !== undefined && !files.includes(only))
    throw new CommandFailure(EXIT.usage, `--only: expected one of ${files.join(', ')}, was "${only}"`);
  const outDir = join(root, 'reports', 'proofs');
  mkdirSync(outDir, { recursive: true });
  const jsonFile = join(outDir, `${suite}.json`);
  let known = only === undefined ? [] : readProven(jsonFile);
  let isRight = true;
  for (const file of only === undefined ? files : [only]) {
    const proven = await proveFile(context, suite, file, trials);
    for (const { proof, examples } of proven.rows)
      for (const example of examples) console.log(`${file}, ${proof}: ${example}`);
    known = [...known.filter((other) => other.file !== file), proven].sort((a, b) => (a.file < b.file ? -1 : 1));
    // After each file: hours of work are not lost with the last one.
    writeFileSync(jsonFile, `${JSON.stringify(known, null, 2)}\n`);
    writePage(join(root, PAGE), suite, known);
    isRight &&= proven.testsFailed.length === 0 && proven.testsPassed > 0;
  }
  console.log(`${relative(root, jsonFile)}, ${PAGE}`);
  return isRight ? EXIT.ok : EXIT.failure;
}

async function proveFile(context: Context, suite: string, file: string, trials?: string): Promise<Proven> {
  const { root, buildDir, env } = context;
  const outDir = join(root, 'reports', 'proofs');
  const rowsFile = join(outDir, `${suite}.rows.jsonl`);
  const jestFile = join(outDir, `${suite}.jest.json`);
  for (const old of [rowsFile, jestFile]) rmSync(old, { force: true });
  const startedAt = performance.now();
  await run(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
      ...['--config', join(root, 'jest.config.mjs'), '--runInBand', '--verbose', '--forceExit'],
      ...['--json', `--outputFile=${jestFile}`, '--testPathPatterns', `${SUITES[suite]!.dir}/${file}\\.test\\.ts$`],
    ],
    root,
    {
      ...env,
      DESK_BUILD: buildDir,
      DESK_PROVE: 'long',
      DESK_PROVE_ROWS: rowsFile,
      ...(trials !== undefined && { DESK_PROVE_TRIALS: trials }),
    },
  );
  if (!existsSync(jestFile)) throw new CommandFailure(EXIT.failure, `prove: ${file} ended without a report`);
  const report = JestReport.parse(JSON.parse(readFileSync(jestFile, 'utf8')));
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  return {
    file,
    commit: codeVersion(context),
    date: new Date().toISOString().slice(0, 10),
    minutes: Math.round((performance.now() - startedAt) / 60_000),
    machine: `${cpus().length} CPUs, Node ${process.versions.node}, load ${loadavg()[0]!.toFixed(1)}`,
    testsPassed: report.numPassedTests,
    testsFailed: tests.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
    rows: readRows(rowsFile),
  };
}

/** What is there of earlier runs; nothing when it has another shape. */
function readProven(file: string): Proven[] {
  if (!existsSync(file)) return [];
  const parsed = z.array(Proven).safeParse(JSON.parse(readFileSync(file, 'utf8')));
  return parsed.success ? parsed.data : [];
}

function readRows(file: string): ProofRow[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => ProofRow.parse(JSON.parse(line)));
}

/** Replaces what stands between the suite's marks. */
function writePage(file: string, suite: string, known: readonly Proven[]): void {
  const [from, to] = [`<!-- ${suite} -->`, `<!-- /${suite} -->`];
  const page = readFileSync(file, 'utf8');
  const start = page.indexOf(from);
  const end = page.indexOf(to);
  if (start < 0 || end < start) throw new CommandFailure(EXIT.failure, `${file}: expected the marks ${from} and ${to}`);
  writeFileSync(file, `${page.slice(0, start)}${from}\n\n${tables(known)}\n\n${page.slice(end)}`);
}

function tables(known: readonly Proven[]): string {
  return [
    '| file | when | took | on | tests passed | failed |',
    '|---|---|---|---|---|---|',
    ...known.map(({ file, date, commit, minutes, machine, testsPassed, testsFailed }) => {
      const failed = testsFailed.length === 0 ? '0' : testsFailed.join('; ');
      return `| \`${file}\` | ${date}, ${commit} | ${minutes} min | ${machine} | ${testsPassed} | ${failed} |`;
    }),
    '',
    '| promise | proof | trials | failures | bound (95%) | found |',
    '|---|---|---|---|---|---|',
    ...known.flatMap(({ rows }) => rows.map(rowText)),
  ].join('\n');
}

function rowText({ promise, proof, trials, failures, found }: ProofRow): string {
  const bound = failures === 0 && trials > 0 ? `< ${(3 / trials).toPrecision(1)}` : '';
  const counts = Object.entries(found).map(([what, count]) => `${what} ${count}`);
  return `| ${promise} | ${proof} | ${trials} | ${failures} | ${bound} | ${counts.join(', ')} |`;
}
