/**
 * `desk prove`: the same suites as `desk test`, with the long run's number of trials. What each proof tried and found goes
 * to `docs/proofs/` as JSON and into its table on the proof page, piece by piece: both are committed.
 */
import { cpus, loadavg, tmpdir } from 'node:os';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { codeVersion } from './code-version.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';
import { Proven, proofTables, ProofRow, withRun, type ProofRun } from './proof-page.ts';
import { run } from './test.ts';

const SUITES: Readonly<Record<string, { readonly proves: string; readonly dir: string }>> = {
  boundary: { proves: 'the desk is right at the exchange boundary (hours)', dir: 'test/bots/boundary' },
  evidence: {
    proves: 'nobody edits the evidence chain unseen, and a verdict is what its evidence says',
    dir: 'test/evidence',
  },
  durability: {
    proves: 'what was acknowledged stays, and nothing is traded that cannot be recorded (an hour)',
    dir: 'test/durability',
  },
  orchestration: {
    proves: 'long workflows run once, lose no message, and no local clock shortens a window (an hour)',
    dir: 'test/orchestration',
  },
};
const PAGE = join('docs', 'proofs.md');

const JestReport = z.object({
  testResults: z.array(
    z.object({
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string(), duration: z.number().nullish() })),
    }),
  ),
});

export function registerProve(program: Command, context: Context): void {
  const list = Object.entries(SUITES).map(([name, { proves }]) => `  ${name.padEnd(12)}${proves}`);
  program
    .command('prove')
    .description('the proofs with the number of trials that they are published with')
    .argument('<suite>', Object.keys(SUITES).join(', '))
    .option('--trials <count>', 'at most so many a proof')
    .option('--only <file>', 'one file of it; what the others found last stays on the page')
    .option('--named <pattern>', 'only the tests whose name has this; what the others found last stays')
    .addHelpText('after', `\nSuites:\n${list.join('\n')}`)
    .action(async (suite: string, options: ProveOptions) => process.exit(await prove(context, suite, options)));
}

interface ProveOptions {
  readonly trials?: string;
  readonly only?: string;
  readonly named?: string;
}

async function prove(context: Context, suite: string, options: ProveOptions): Promise<number> {
  const { root } = context;
  const { trials, only } = options;
  if (!Object.hasOwn(SUITES, suite))
    throw new CommandFailure(EXIT.usage, `prove: expected one of ${Object.keys(SUITES).join(', ')}, was "${suite}"`);
  if (trials !== undefined && !/^[1-9]\d{0,6}$/.test(trials))
    throw new CommandFailure(EXIT.usage, `--trials: expected a whole number from 1 to 9999999, was "${trials}"`);
  const files = readdirSync(join(root, SUITES[suite]!.dir))
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => name.replace('.test.ts', ''))
    .sort();
  if (only !== undefined && !files.includes(only))
    throw new CommandFailure(EXIT.usage, `--only: expected one of ${files.join(', ')}, was "${only}"`);
  const resultFile = join(root, 'docs', 'proofs', `${suite}.json`);
  // Before anything is written: results of a run are no change of the code that ran.
  const commit = codeVersion(context);
  let known = readProven(resultFile);
  let ranTests = 0;
  let failedTests = 0;
  for (const file of only === undefined ? files : [only]) {
    const run = await proveFile(context, suite, file, options, commit);
    for (const { proof, examples } of run.rows)
      for (const example of examples) console.log(`${file}, ${proof}: ${example}`);
    ranTests += run.tests.length;
    failedTests += run.tests.filter(({ passed }) => !passed).length;
    known = withRun(known, run);
    // After each file: hours of work are not lost with the last one.
    writeFileSync(resultFile, `${JSON.stringify(known, null, 2)}\n`);
    writePage(join(root, PAGE), suite, known);
  }
  console.log(`${relative(root, resultFile)}, ${PAGE}: ${ranTests} tests run, ${failedTests} failed`);
  return failedTests === 0 && ranTests > 0 ? EXIT.ok : EXIT.failure;
}

async function proveFile(
  context: Context,
  suite: string,
  file: string,
  { trials, named }: ProveOptions,
  commit: string,
): Promise<ProofRun> {
  const { root, buildDir, env } = context;
  const outDir = mkdtempSync(join(tmpdir(), 'desk-prove-'));
  const rowsFile = join(outDir, 'rows.jsonl');
  const jestFile = join(outDir, 'jest.json');
  await run(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
      ...['--config', join(root, 'jest.config.mjs'), '--runInBand', '--verbose', '--forceExit'],
      ...['--json', `--outputFile=${jestFile}`, '--testPathPatterns', `${SUITES[suite]!.dir}/${file}\\.test\\.ts$`],
      ...(named === undefined ? [] : ['--testNamePattern', named]),
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
  const rows = readRows(rowsFile);
  rmSync(outDir, { recursive: true });
  return {
    file,
    isWhole: named === undefined,
    ran: {
      commit,
      date: new Date().toISOString().slice(0, 10),
      machine: `${cpus().length} CPUs, Node ${process.versions.node}, load ${loadavg()[0]!.toFixed(1)}`,
    },
    tests: report.testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ status }) => status === 'passed' || status === 'failed')
      .map(({ fullName, status, duration }) => ({
        name: fullName,
        passed: status === 'passed',
        seconds: Math.round((duration ?? 0) / 1000),
      })),
    rows,
  };
}

function readProven(file: string): Proven {
  if (!existsSync(file)) return { tests: [], rows: [] };
  const parsed = Proven.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new CommandFailure(EXIT.failure, `${file}: ${z.prettifyError(parsed.error)}`);
}

function readRows(file: string): ProofRow[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => ProofRow.parse(JSON.parse(line)));
}

/** Replaces what stands between the suite's marks. */
function writePage(file: string, suite: string, known: Proven): void {
  const [from, to] = [`<!-- ${suite} -->`, `<!-- /${suite} -->`];
  const page = readFileSync(file, 'utf8');
  const start = page.indexOf(from);
  const end = page.indexOf(to);
  if (start < 0 || end < start) throw new CommandFailure(EXIT.failure, `${file}: expected the marks ${from} and ${to}`);
  writeFileSync(file, `${page.slice(0, start)}${from}\n\n${proofTables(known)}\n\n${page.slice(end)}`);
}
