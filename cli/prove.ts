/**
 * `desk prove`: the same suites as `desk test`, with the long run's number of trials. What each proof tried and found goes
 * to `reports/proofs/` as JSON and into its table on the proof page.
 */
import { cpus, loadavg } from 'node:os';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { codeVersion } from './code-version.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';
import { run } from './test.ts';

const SUITES: Readonly<Record<string, { readonly proves: string; readonly path: string }>> = {
  boundary: { proves: 'the desk is right at the exchange boundary (hours)', path: 'test/bots/boundary/' },
};
const PAGE = join('docs', 'proofs.md');

/** As `test/bots/boundary/trials.ts` writes it. */
const ProofRow = z.strictObject({
  promise: z.string(),
  proof: z.string(),
  trials: z.int().nonnegative(),
  failures: z.int().nonnegative(),
  found: z.record(z.string(), z.number()),
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

interface Proven {
  readonly suite: string;
  readonly commit: string;
  readonly date: string;
  readonly minutes: number;
  readonly machine: string;
  readonly testsPassed: number;
  readonly testsFailed: readonly string[];
  readonly rows: readonly ProofRow[];
}

export function registerProve(program: Command, context: Context): void {
  const list = Object.entries(SUITES).map(([name, { proves }]) => `  ${name.padEnd(12)}${proves}`);
  program
    .command('prove')
    .description('the proofs with the number of trials that they are published with')
    .argument('<suite>', Object.keys(SUITES).join(', '))
    .option('--trials <count>', 'at most so many a proof')
    .addHelpText('after', `\nSuites:\n${list.join('\n')}`)
    .action(async (suite: string, { trials }: { trials?: string }) =>
      process.exit(await prove(context, suite, trials)),
    );
}

async function prove(context: Context, suite: string, trials: string | undefined): Promise<number> {
  const { root, buildDir, env } = context;
  if (!Object.hasOwn(SUITES, suite))
    throw new CommandFailure(EXIT.usage, `prove: expected one of ${Object.keys(SUITES).join(', ')}, was "${suite}"`);
  if (trials !== undefined && !/^[1-9]\d{0,6}$/.test(trials))
    throw new CommandFailure(EXIT.usage, `--trials: expected a whole number from 1 to 9999999, was "${trials}"`);
  const outDir = join(root, 'reports', 'proofs');
  mkdirSync(outDir, { recursive: true });
  const rowsFile = join(outDir, `${suite}.rows.jsonl`);
  const jestFile = join(outDir, `${suite}.jest.json`);
  for (const file of [rowsFile, jestFile]) rmSync(file, { force: true });
  const startedAt = performance.now();
  const code = await run(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
      ...['--config', join(root, 'jest.config.mjs'), '--runInBand', '--verbose', '--forceExit'],
      ...['--json', `--outputFile=${jestFile}`, '--testPathPatterns', SUITES[suite]!.path],
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
  if (!existsSync(jestFile)) throw new CommandFailure(EXIT.failure, `prove: ${suite} ended without a report`);
  const report = JestReport.parse(JSON.parse(readFileSync(jestFile, 'utf8')));
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const proven: Proven = {
    suite,
    commit: codeVersion(context),
    date: new Date().toISOString().slice(0, 10),
    minutes: Math.round((performance.now() - startedAt) / 60_000),
    machine: `${cpus().length} CPUs, Node ${process.versions.node}, load ${loadavg()[0]!.toFixed(1)}`,
    testsPassed: report.numPassedTests,
    testsFailed: tests.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
    rows: readRows(rowsFile),
  };
  const jsonFile = join(outDir, `${suite}.json`);
  writeFileSync(jsonFile, `${JSON.stringify(proven, null, 2)}\n`);
  writePage(join(root, PAGE), proven);
  console.log(`${relative(root, jsonFile)}, ${PAGE}`);
  return code === 0 && proven.testsFailed.length === 0 && proven.testsPassed > 0 ? EXIT.ok : EXIT.failure;
}

function readRows(file: string): ProofRow[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => ProofRow.parse(JSON.parse(line)));
}

/** Replaces what stands between the suite's marks. */
function writePage(file: string, proven: Proven): void {
  const [from, to] = [`<!-- ${proven.suite} -->`, `<!-- /${proven.suite} -->`];
  const page = readFileSync(file, 'utf8');
  const start = page.indexOf(from);
  const end = page.indexOf(to);
  if (start < 0 || end < start) throw new CommandFailure(EXIT.failure, `${file}: expected the marks ${from} and ${to}`);
  writeFileSync(file, `${page.slice(0, start)}${from}\n\n${table(proven)}\n\n${page.slice(end)}`);
}

function table({ commit, date, minutes, machine, testsPassed, testsFailed, rows }: Proven): string {
  const found = (row: ProofRow): string =>
    Object.entries(row.found)
      .map(([what, count]) => `${what} ${count}`)
      .join(', ');
  return [
    `${date}, commit ${commit}, ${minutes} min on ${machine}: ${testsPassed} tests passed, ${testsFailed.length} failed.`,
    '',
    '| promise | proof | trials | failures | bound (95%) | found |',
    '|---|---|---|---|---|---|',
    ...rows.map((row) => {
      const bound = row.failures === 0 && row.trials > 0 ? `< ${(3 / row.trials).toPrecision(1)}` : '';
      return `| ${row.promise} | ${row.proof} | ${row.trials} | ${row.failures} | ${bound} | ${found(row)} |`;
    }),
    ...(testsFailed.length > 0 ? ['', 'Failed:', '', ...testsFailed.map((name) => `- ${name}`)] : []),
  ].join('\n');
}
