/**
 * `./desk up` from an empty state folder (cold) and again from the one it left (warm): to its ready line, to the first
 * order in the book and to the first fill. Beside it, from the same run: what the desk cannot be faster than, namely the
 * packages that its processes load, each alone in a bare Node process. Packages and build are there already.
 */
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DeskRun } from './support/desk-run.ts';
import { median, ratio, report, rounded } from './support/figures.ts';
import { inScratch, projectRoot } from './support/places.ts';

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3);
const FIRST_FILL_MS = 180_000;
const run = promisify(execFile);

interface Start {
  readonly readyS: number;
  readonly firstOrderS: number;
  readonly firstFillS: number;
  readonly steps: Readonly<Record<string, number>>;
}

async function start(dir: string): Promise<Start> {
  const desk = new DeskRun(dir, 'no-console');
  try {
    const readyMs = await desk.ready();
    const before = (await desk.activity()).fills;
    const when = (what: string, come: (now: { openOrders: number; fills: number }) => boolean): Promise<number> =>
      desk.until(what, async () => (come(await desk.activity()) ? desk.sinceStartMs() : null), FIRST_FILL_MS);
    const firstOrderMs = await when('the first order', ({ openOrders }) => openOrders > 0);
    const firstFillMs = await when('the first fill', ({ fills }) => fills > before);
    return {
      readyS: readyMs / 1_000,
      firstOrderS: firstOrderMs / 1_000,
      firstFillS: firstFillMs / 1_000,
      steps: Object.fromEntries(desk.steps().map(({ step, seconds }) => [step, seconds])),
    };
  } finally {
    await desk.stop();
  }
}

async function nodeS(script: string): Promise<number> {
  const startedAt = performance.now();
  await run(process.execPath, ['--input-type=module', '-e', script], { cwd: projectRoot });
  return (performance.now() - startedAt) / 1_000;
}

function middle(starts: readonly Start[]): Start {
  const of = (value: (start: Start) => number): number => rounded(median(starts.map(value)));
  const names = Object.keys(starts[0]?.steps ?? {});
  return {
    readyS: of(({ readyS }) => readyS),
    firstOrderS: of(({ firstOrderS }) => firstOrderS),
    firstFillS: of(({ firstFillS }) => firstFillS),
    steps: Object.fromEntries(names.map((name) => [name, of(({ steps }) => steps[name] ?? 0)])),
  };
}

async function main(dir: string): Promise<void> {
  const cold: Start[] = [];
  const warm: Start[] = [];
  const bare: Record<'node' | 'temporalWorker' | 'ccxtBitget', number[]> = {
    node: [],
    temporalWorker: [],
    ccxtBitget: [],
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    const home = join(dir, `desk${round}`);
    mkdirSync(home);
    cold.push(await start(home));
    warm.push(await start(home));
    bare.node.push(await nodeS(''));
    bare.temporalWorker.push(await nodeS(`await import('@temporalio/worker')`));
    bare.ccxtBitget.push(await nodeS(`await import('${projectRoot}/node_modules/ccxt/js/src/pro/bitget.js')`));
  }
  const limits = {
    nodeS: rounded(median(bare.node)),
    temporalWorkerS: rounded(median(bare.temporalWorker)),
    ccxtBitgetS: rounded(median(bare.ccxtBitget)),
  };
  // One after the other, whatever else is done at the same time: the servers, then a worker, then a bot.
  const chainOf = ({ steps }: Start): number =>
    (steps['Temporal and Postgres'] ?? 0) + limits.temporalWorkerS + limits.ccxtBitgetS;
  const [coldMiddle, warmMiddle] = [middle(cold), middle(warm)];
  report('desk-start', {
    unit: 's',
    rounds: ROUNDS,
    cold: coldMiddle,
    warm: warmMiddle,
    limits: { ...limits, coldChainS: rounded(chainOf(coldMiddle)), warmChainS: rounded(chainOf(warmMiddle)) },
    ratios: {
      coldFirstOrderOfChain: ratio(coldMiddle.firstOrderS, chainOf(coldMiddle)),
      warmFirstOrderOfChain: ratio(warmMiddle.firstOrderS, chainOf(warmMiddle)),
    },
  });
}

await inScratch('desk-start', main);
