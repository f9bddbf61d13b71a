/** Runs the exchange tests of Python's ccxt against the simulator and reads their verdicts from what they print. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SimulatorOptionsInput } from '../../../core/simulation/options.ts';

type Account = SimulatorOptionsInput['accounts'][number];

const PACKAGES = join(process.cwd(), '.tools', 'python', 'clients');
const RUNNER = join(process.cwd(), 'test', 'simulator', 'clients', 'run_ccxt_tests.py');
const VERSION = '4.5.84';
const RUN_MS_MAX = 110_000;

export interface Lane {
  readonly name: string;
  readonly account: Account;
  readonly mode: 'listed' | 'unlisted';
  readonly arguments: readonly string[];
}

export interface LaneResult {
  readonly passed: readonly string[];
  /** The error's text by method, one line. */
  readonly failed: Readonly<Record<string, string>>;
  /** Methods that ccxt does not offer for this venue, or that the package has no test for. */
  readonly unsupported: readonly string[];
  readonly untested: readonly string[];
}

/** Throws with the command to run when Python's ccxt is not there. */
export function requirePythonClients(): void {
  const init = join(PACKAGES, 'ccxt', '__init__.py');
  const found = existsSync(init) ? /__version__ = '([^']+)'/.exec(readFileSync(init, 'utf8'))?.[1] : 'none';
  if (found === VERSION) return;
  throw new Error(
    `Python's ccxt ${VERSION} is expected in ${PACKAGES}, found ${found ?? 'another'}. Install it: node tools/install-python-clients.mjs (needs python3 with pip)`,
  );
}

/** The venue's addresses, the account's keys and what the venue lacks, in the settings files of ccxt's own tests. */
function writeSettings(dir: string, port: number, { apiKey, secret, passphrase, kind }: Account): void {
  const rest = `http://127.0.0.1:${port}`;
  const socket = `ws://127.0.0.1:${port}`;
  const ws = {
    public: `${socket}/v2/ws/public`,
    private: `${socket}/v2/ws/private`,
    utaPublic: `${socket}/v3/ws/public`,
    utaPrivate: `${socket}/v3/ws/private`,
  };
  const families = [
    'spot',
    'mix',
    'user',
    'p2p',
    'broker',
    'margin',
    'common',
    'tax',
    'convert',
    'copy',
    'earn',
    'uta',
  ];
  const api = { ...Object.fromEntries(families.map((name) => [name, rest])), ws };
  const bitget = {
    apiKey,
    secret,
    password: passphrase,
    urls: { api },
    options: { uta: kind === 'unified', defaultType: 'swap' },
    has: { spot: false, future: false },
  };
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'keys.local.json'), JSON.stringify({ bitget }));
  // No method is skipped, not even those that ccxt's own list skips for this venue.
  writeFileSync(join(dir, 'skip-tests.json'), JSON.stringify({ bitget: { preferredSwapSymbol: 'BTC/USDT:USDT' } }));
}

/** Runs the lanes of each queue one after the other, the queues side by side. Rejects when a lane did not reach its end. */
export async function runLanes(
  dir: string,
  port: number,
  queues: readonly (readonly Lane[])[],
): Promise<ReadonlyMap<string, LaneResult>> {
  const planned = queues.map((queue) =>
    queue.map(({ account, mode, arguments: words }) => {
      const settings = join(dir, account.account);
      writeSettings(settings, port, account);
      return { settings, mode, arguments: words, output: join(settings, 'output') };
    }),
  );
  const plan = join(dir, 'queues.json');
  writeFileSync(plan, JSON.stringify(planned));
  const child = spawn(process.env.PYTHON ?? 'python3', [RUNNER, PACKAGES, plan], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // A group of its own, so that a lane that hangs can be ended with the one that started it.
    detached: true,
  });
  let talk = '';
  child.stderr.on('data', (chunk: Buffer) => (talk += chunk.toString()));
  const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), RUN_MS_MAX);
  await once(child, 'close');
  clearTimeout(timer);
  return new Map(
    queues.flat().map(({ name, account, arguments: words, mode }) => {
      const output = join(dir, account.account, 'output');
      const printed = existsSync(output) ? readFileSync(output, 'utf8') : talk;
      const isPrivate = mode === 'unlisted' || words.some((word) => word.startsWith('--private'));
      const lastLine = `[INFO] END ${isPrivate ? 'PRIVATE' : 'PUBLIC'}_TESTS bitget`;
      if (!printed.includes(lastLine)) throw new Error(`${name} did not end:\n${printed.slice(-3_000)}`);
      return [name, readVerdicts(printed)];
    }),
  );
}

/**
 * A failure is `[TEST_FAILURE] bitget <method> ...` and a traceback that ends with the error; a warning is a method that
 * could not be reached three times, and counts as one. The line that sums the failures up names no method.
 */
export function readVerdicts(printed: string): LaneResult {
  const done = namesAfter(printed, /^\[INFO\] TESTING DONE\s+bitget (\S+)/gm);
  const failed: Record<string, string> = {};
  const blocks = printed.matchAll(
    /^\[TEST_(?:FAILURE|WARNING)\] (?!bitget (?:PUBLIC|PRIVATE)_TESTS)(.*?)(?=^\[|$(?![\s\S]))/gms,
  );
  for (const [, block = ''] of blocks) {
    const name = /^bitget (\S+)/.exec(block)?.[1] ?? 'the whole lane';
    failed[name] = block.trim().split('\n').at(-1)!.slice(0, 300);
  }
  return {
    passed: done.filter((name) => !(name in failed)),
    failed,
    unsupported: namesAfter(printed, /^\[INFO\] (?:UNSUPPORTED_TEST|NOT_SUPPORTED)\s+bitget (\S+)/gm),
    untested: namesAfter(printed, /^\[INFO\] UNIMPLEMENTED_TEST\s+bitget (\S+)/gm).filter(
      (name) => !done.includes(name),
    ),
  };
}

function namesAfter(printed: string, pattern: RegExp): string[] {
  return [...new Set([...printed.matchAll(pattern)].map(([, name]) => name!))].sort();
}
