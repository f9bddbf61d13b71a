/**
 * Mutation testing of `core/`: Stryker makes the faults, switches them and keeps the score; our runner runs core's tests in
 * one warm process. `desk mutate <folder>` sets what to mutate and where the report goes.
 */
import { fileURLToPath } from 'node:url';

const here = (file) => fileURLToPath(new URL(file, import.meta.url));

export default {
  plugins: [here('runner.mjs'), here('ignore.mjs'), here('types.mjs')],
  testRunner: 'warm',
  ignorers: ['texts'],
  checkers: ['types'],
  coverageAnalysis: 'perTest',
  // One process: the machine is seldom ours alone, and a starved runner would report time-outs as caught faults.
  concurrency: 1,
  timeoutMS: 20_000,
  timeoutFactor: 4,
  // A fault may fill the heap; a static one leaves its modules behind.
  testRunnerNodeArgs: ['--max-old-space-size=1500'],
  maxTestRunnerReuse: 400,
  ignorePatterns: ['dist', '.desk', '.tools'],
  // The bundler drops types without looking at them.
  disableTypeChecks: false,
  tempDirName: 'reports/mutation/sandbox',
  cleanTempDir: 'always',
  reporters: ['json', 'progress-append-only'],
  jsonReporter: { fileName: process.env.DESK_MUTATION_REPORT ?? 'reports/mutation/mutation.json' },
  // Faults at a module's top level are slow, and counted all the same: schemas and rules stand there.
  warnings: { slow: false },
  allowConsoleColors: false,
};
