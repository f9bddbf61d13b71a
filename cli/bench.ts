/** `desk bench`: runs benches one after the other; each prints one JSON line with its limits from the same run. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { deskHome } from '../config/home.ts';
import { SILENT } from '../core/log.ts';
import { externalPostgres, postgresSettings, startPostgres } from '../stack/postgres.ts';
import { readTemporalDev } from '../stack/temporal-dev.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';
import { step } from './steps.ts';

interface Bench {
  readonly measures: string;
  /** Run when no bench is named. */
  readonly isShort: boolean;
  readonly needsPostgres?: true;
  readonly nodeFlags?: readonly string[];
}

/** What a bot's process is started with, so far as it touches its speed. */
const AS_A_BOT = ['--max-semi-space-size=1', '--max-old-space-size=96', '--v8-pool-size=1', '--optimize-for-size'];

const BENCHES: Readonly<Record<string, Bench>> = {
  'machine-steps': { measures: 'all that a bot hears in a recorded market through its machine', isShort: true },
  'graded-fills': { measures: 'ten resting orders under three grades of the fill model', isShort: true },
  'parse-frames': {
    measures: 'market data frames through our stream code, through ccxt, and JSON.parse',
    isShort: true,
  },
  'sign-and-place': { measures: 'an order up to the transport: ccxt, the gateway, by hand', isShort: true },
  'frame-to-order': { measures: 'frame text to signed order, CPU only: ours and ccxt', isShort: true },
  'tick-to-order': {
    measures: "the venue's news to the order on the wire, journaled first",
    isShort: true,
    nodeFlags: AS_A_BOT,
  },
  'journal-append': { measures: 'durable appends of 1, 64 and 1,024 writers', isShort: true },
  'event-shipping': { measures: 'journal into Postgres, exactly once', isShort: true, needsPostgres: true },
  'projection-rebuild': { measures: 'all projections anew from the events', isShort: true, needsPostgres: true },
  'evidence-verify': { measures: 'an export of the evidence chain, beside bare SHA-256 of its bytes', isShort: true },
  'duckdb-query': {
    measures: 'questions to 10 million exported events, beside bare scans (1 minute; BENCH_EVENTS)',
    isShort: false,
  },
  rehearsal: {
    measures: 'a 48 h Day-2 gate in virtual time, hourly evaluations, on a desk that trades (1 minute)',
    isShort: false,
  },
  'desk-start': { measures: 'cold and warm start to the first fill (2 minutes)', isShort: false },
  memory: { measures: 'every process of a trading desk (2 minutes)', isShort: false },
  'bot-memory': { measures: 'a bot under different settings of Node (1 minute)', isShort: false },
};

export function registerBench(program: Command, context: Context): void {
  const list = Object.entries(BENCHES).map(
    ([name, { measures, isShort }]) => `  ${name.padEnd(18)}${measures}${isShort ? '' : '; only when named'}`,
  );
  program
    .command('bench')
    .description('measure: one JSON line a bench, each with the limit measured in the same run')
    .argument('[name...]', 'which; without a name all short ones')
    .addHelpText('after', `\nBenches:\n${list.join('\n')}`)
    .action(async (names: string[]) => process.exit(await bench(context, names)));
}

async function bench(context: Context, names: readonly string[]): Promise<number> {
  for (const name of names) {
    if (!Object.hasOwn(BENCHES, name))
      throw new CommandFailure(EXIT.usage, `bench: expected one of ${Object.keys(BENCHES).join(', ')}, was "${name}"`);
  }
  const chosen = Object.entries(BENCHES).filter(([name, { isShort }]) =>
    names.length === 0 ? isShort : names.includes(name),
  );
  let failed = 0;
  for (const [name, described] of chosen) {
    const run = (env: NodeJS.ProcessEnv): Promise<number> => runBench(context, name, described, env);
    const code = described.needsPostgres === true ? await withPostgres(context, run) : await run(context.env);
    if (code !== 0) failed += 1;
  }
  return failed === 0 ? EXIT.ok : EXIT.failure;
}

function runBench({ root, buildDir }: Context, name: string, bench: Bench, env: NodeJS.ProcessEnv): Promise<number> {
  const file = join(buildDir, 'bench', `${name}.js`);
  if (!existsSync(file)) throw new CommandFailure(EXIT.failure, `bench: expected ${file} in the build, was missing`);
  return step(name, () => {
    const args = ['--enable-source-maps', ...(bench.nodeFlags ?? []), file];
    return new Promise<number>((resolve, reject) => {
      const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
      child.once('error', reject);
      child.once('exit', (code) => resolve(code ?? EXIT.failure));
    });
  });
}

/** The database that DATABASE_URL names, or one in a folder of its own that goes with it. */
async function withPostgres({ root, env }: Context, run: (env: NodeJS.ProcessEnv) => Promise<number>): Promise<number> {
  if ((await externalPostgres(env)) !== null) return run(env);
  const dir = mkdtempSync(join(env['BENCH_DIR'] ?? tmpdir(), 'bench-postgres-'));
  try {
    const settings = postgresSettings(readTemporalDev(join(root, 'temporal-dev.yml')));
    const postgres = await step('Postgres', () =>
      startPostgres({ home: deskHome(dir), port: 0, settings, log: SILENT }),
    );
    try {
      return await run({ ...env, DATABASE_URL: postgres.databaseUrl });
    } finally {
      await postgres.stop();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
