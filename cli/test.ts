/** `desk test`: sets up what the tests need and runs them; results and coverage go to `reports/tests/`, named by commit. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { SILENT } from '../core/log.ts';
import { findTemporalCli, requireVirtualTime } from '../stack/temporal-cli.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';
import { codeVersion } from './code-version.ts';
import type { Context } from './context.ts';
import { markRunning } from './running-mark.ts';
import { step } from './steps.ts';

/** Suites that need more than a user and a shell have commands of their own. */
const SPECIAL = ['browser', 'clickhouse', 'root'] as const;
/** The ClickHouse engine as a package: 546 MB, so it stays outside the project and comes only when its suite is asked for. */
const CHDB = 'chdb@3.4.0';

const JestReport = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  numRuntimeErrorTestSuites: z.number(),
  success: z.boolean(),
  testResults: z.array(
    z.object({
      name: z.string(),
      startTime: z.number(),
      endTime: z.number(),
      message: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string(), duration: z.number().nullish() })),
    }),
  ),
});
type JestReport = z.infer<typeof JestReport>;

export async function test(context: Context, suite: readonly string[]): Promise<number> {
  const { root, buildDir, env } = context;
  markRunning(context);
  const cli = await step(
    'Temporal for the tests',
    () => findTemporalCli({ env, projectRoot: root, log: SILENT }),
    ({ version, source }) => `${version} (${source})`,
  );
  requireVirtualTime(cli);
  const special = SPECIAL.find((name) => suite.length === 1 && suite[0] === name);
  if (special === undefined && (suite.length === 0 || suite.some((path) => path.includes('simulator')))) {
    await step('ccxt for Python, for the tests', () => installPythonClients(root));
  }
  const chdbDir =
    special === 'clickhouse' ? await step('the ClickHouse engine for the tests', () => installChdb(env)) : undefined;
  const name = special ?? (suite.length === 0 ? 'all' : 'some');
  const commit = codeVersion(context).replace('+', '-changed');
  const outDir = join(root, 'reports', 'tests', `${name}-${commit}`);
  mkdirSync(outDir, { recursive: true });
  const json = join(outDir, 'report.json');
  rmSync(json, { force: true });
  const paths =
    special === undefined
      ? suite.map((path) => (path.startsWith('test/') ? path : `test/${path}`))
      : [`test/${special}/`];
  const code = await run(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
      '--config',
      join(root, 'jest.config.mjs'),
      ...(special === undefined
        ? ['--testPathIgnorePatterns', ...SPECIAL.map((each) => `<rootDir>/test/${each}/`), '/node_modules/']
        : []),
      // Most suites wait more than they work: two at a time, on whatever machine. The special ones want it for themselves.
      `--maxWorkers=${special === undefined ? 2 : 1}`,
      ...(name === 'all' ? ['--coverage', `--coverageDirectory=${join(outDir, 'coverage')}`] : []),
      '--json',
      `--outputFile=${json}`,
      '--forceExit',
      ...(paths.length > 0 ? ['--testPathPatterns', ...paths] : []),
    ],
    root,
    { ...env, TEMPORAL_CLI: cli.path, DESK_BUILD: buildDir, ...(chdbDir !== undefined && { CHDB_DIR: chdbDir }) },
  );
  if (!existsSync(json))
    throw new CommandFailure(
      EXIT.usage,
      `test: no test ran for ${suite.join(' ') || name}: expected browser, clickhouse, root, or paths under test/`,
    );
  const report = JestReport.parse(JSON.parse(readFileSync(json, 'utf8')));
  writeFileSync(join(outDir, 'report.md'), markdown(report, name, commit, root));
  const skipped = report.numPendingTests + report.numTodoTests;
  const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
  console.log(`reports: ${relative(root, outDir)}`);
  console.log(`${report.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  return code !== 0 || failed > 0 || report.numPassedTests === 0 ? 1 : 0;
}

/** The simulator is also driven by ccxt's own tests, which ship in its Python package. */
async function installPythonClients(root: string): Promise<void> {
  const { status, stderr, error } = spawnSync(process.execPath, [join(root, 'tools', 'install-python-clients.mjs')], {
    encoding: 'utf8',
  });
  if (status === 0) return;
  throw new CommandFailure(
    EXIT.failure,
    `ccxt for Python could not be installed; it needs Python 3.10 or later with pip: ${error?.message ?? stderr.trim()}`,
  );
}

/** In the folder that `CHDB_DIR` names, or one in the system's folder for such things; once. */
async function installChdb(env: NodeJS.ProcessEnv): Promise<string> {
  const dir = env['CHDB_DIR'] ?? join(tmpdir(), `tempodesk-${CHDB}`);
  if (existsSync(join(dir, 'node_modules', 'chdb', 'package.json'))) return dir;
  mkdirSync(dir, { recursive: true });
  const args = ['install', '--prefix', dir, '--no-save', '--no-audit', '--no-fund', CHDB];
  const { status, stderr, error } = spawnSync('npm', args, { encoding: 'utf8' });
  if (status === 0) return dir;
  throw new CommandFailure(EXIT.failure, `${CHDB} could not be installed: ${error?.message ?? stderr.trim()}`);
}

export function run(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill(signal));
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

function markdown(report: JestReport, suite: string, commit: string, root: string): string {
  const files = report.testResults.map(({ name, startTime, endTime, assertionResults }) => {
    const passed = assertionResults.filter(({ status }) => status === 'passed').length;
    return `| ${relative(root, name)} | ${passed} of ${assertionResults.length} | ${((endTime - startTime) / 1_000).toFixed(1)} |`;
  });
  const failed = report.testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => `- ${fullName}`),
  );
  return [
    `# Tests: ${suite}, commit ${commit}`,
    '',
    `${report.numPassedTests} passed, ${report.numFailedTests} failed, ${report.numPendingTests} skipped`,
    '',
    '| file | passed | s |',
    '|---|---|---|',
    ...files.sort(),
    ...(failed.length > 0 ? ['', '## Failed', '', ...failed] : []),
    '',
  ].join('\n');
}
