/**
 * Stryker's test runner for core's tests: bundles stay loaded in one process, and a fault is switched on and off between
 * two tests. Stryker's own proxy kills and restarts this process when a fault never returns.
 *
 * The first run counts, for each fault, which tests reach it, and which bundles reach it while they load. A fault reached
 * by tests only is switched on in the loaded bundles; for one reached at load, those bundles are loaded anew with the fault on.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import { DryRunStatus, MutantRunStatus, TestStatus } from '@stryker-mutator/api/test-runner';
import { bundleTests } from './bundles.mjs';
import { collect } from './globals.mjs';
import { lawsRun } from './laws.mjs';

const context = (globalThis.__stryker__ ??= {});

class WarmRunner {
  #root = process.cwd();
  /** Tests by bundle, as loaded without a fault. */
  #loaded = new Map();
  #facts = undefined;
  #reloads = 0;

  capabilities() {
    return { reloadEnvironment: true };
  }

  async dryRun({ files }) {
    const wanted = new Set(files?.map((file) => this.#inSandbox(file)));
    const bundles = await bundleTests(this.#root, { isCounting: true });
    const coverage = (context.mutantCoverage = { static: {}, perTest: {} });
    const facts = { spentMs: {}, inFull: [], testsOfFault: {}, bundlesOfFault: {} };
    const results = [];
    for (const { testFile, bundle } of bundles.filter(({ inputs }) => inputs.some((file) => wanted.has(file)))) {
      context.currentTestId = undefined;
      // Stryker's counters hold on to the one object, so what this bundle adds is told by what was there before.
      const before = { ...coverage.static };
      const tests = await this.#load(testFile, bundle);
      for (const [fault, hits] of Object.entries(coverage.static))
        if (hits !== before[fault]) (facts.bundlesOfFault[fault] ??= []).push(testFile);
      for (const test of tests) {
        context.currentTestId = test.id;
        let result = await run(test, false);
        if (result.status === TestStatus.Failed) {
          result = await run(test, true);
          facts.inFull.push(test.id);
        }
        results.push({ ...result, fileName: join(this.#root, testFile) });
        facts.spentMs[test.id] = result.timeSpentMs;
      }
    }
    context.currentTestId = undefined;
    for (const [test, hits] of Object.entries(coverage.perTest))
      for (const fault of Object.keys(hits)) (facts.testsOfFault[fault] ??= []).push(test);
    writeFileSync(this.#factsFile, JSON.stringify(facts));
    return { status: DryRunStatus.Complete, tests: results, mutantCoverage: coverage };
  }

  async mutantRun({ activeMutant: { id }, hitLimit, sandboxFileName }) {
    const { spentMs, inFull, testsOfFault, bundlesOfFault } = (this.#facts ??= JSON.parse(
      readFileSync(this.#factsFile, 'utf8'),
    ));
    const file = this.#inSandbox(sandboxFileName);
    const bundles = (await bundleTests(this.#root, { isCounting: false })).filter(({ inputs }) =>
      inputs.includes(file),
    );
    const atLoad = new Set(bundlesOfFault[id]);
    const reached = new Set(testsOfFault[id]);
    context.hitLimit = hitLimit;
    context.hitCount = hitLimit === undefined ? undefined : 0;
    const tests = [];
    try {
      for (const { testFile, bundle } of bundles) {
        if (!atLoad.has(testFile)) {
          context.activeMutant = undefined;
          const loaded = this.#loaded.get(bundle) ?? (await this.#load(testFile, bundle));
          this.#loaded.set(bundle, loaded);
          tests.push(...loaded.filter((test) => reached.has(test.id)));
        } else {
          context.activeMutant = id;
          this.#reloads += 1;
          try {
            tests.push(...(await this.#load(testFile, `${bundle}?${this.#reloads}`)));
          } catch (error) {
            return this.#overLimit() ?? killed(testFile, error, 0);
          }
        }
      }
      context.activeMutant = id;
      tests.sort((a, b) => (spentMs[a.id] ?? 0) - (spentMs[b.id] ?? 0));
      for (const [index, test] of tests.entries()) {
        const { status, failureMessage } = await run(test, inFull.includes(test.id));
        const timeout = this.#overLimit();
        if (timeout !== undefined) return timeout;
        if (status === TestStatus.Failed) return killed(test.id, failureMessage, index + 1);
      }
      return { status: MutantRunStatus.Survived, nrOfTests: tests.length };
    } finally {
      context.activeMutant = undefined;
    }
  }

  #overLimit() {
    const { hitCount, hitLimit } = context;
    if (hitLimit === undefined || hitCount <= hitLimit) return undefined;
    return {
      status: MutantRunStatus.Timeout,
      reason: `the fault was reached ${hitCount} times, ${hitLimit} were allowed`,
    };
  }

  async #load(testFile, bundle) {
    const [path, query] = bundle.split('?');
    const url = pathToFileURL(path).href + (query === undefined ? '' : `?${query}`);
    const tests = await collect(() => import(url));
    return tests.map(({ name, run }) => ({ id: `${testFile} › ${name}`, run }));
  }

  get #factsFile() {
    return join(this.#root, '.bundles', 'facts.json');
  }

  #inSandbox(file) {
    return relative(this.#root, file).replaceAll('\\', '/');
  }
}

async function run({ id, run }, inFull) {
  lawsRun.inFull = inFull;
  const startedAt = performance.now();
  const result = { id, name: id };
  try {
    await run();
    return { ...result, status: TestStatus.Success, timeSpentMs: performance.now() - startedAt };
  } catch (error) {
    return {
      ...result,
      status: TestStatus.Failed,
      failureMessage: textOf(error),
      timeSpentMs: performance.now() - startedAt,
    };
  }
}

const killed = (id, error, nrOfTests) => ({
  status: MutantRunStatus.Killed,
  killedBy: [id],
  failureMessage: textOf(error),
  nrOfTests,
});

/** Jest's messages may show whole states. */
const textOf = (error) => (error instanceof Error ? error.message : String(error)).slice(0, 500);

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'warm', WarmRunner)];
