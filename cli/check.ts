/** `desk check`: the developer's minute: types, lint, fast units, and a desk that really fills an order. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { step } from './steps.ts';

const FILL_MS = 60_000;

export async function check(context: Context): Promise<number> {
  const { root } = context;
  const tool = (...path: string[]): string => join(root, 'node_modules', ...path);
  const checks: [string, () => Promise<string>][] = [
    ['types', () => run(context, [tool('ts7', 'bin', 'tsc'), '--noEmit'])],
    [
      'lint',
      () =>
        run(context, [
          tool('eslint', 'bin', 'eslint.js'),
          '.',
          '--cache',
          '--cache-location',
          join(root, 'reports', '.eslintcache'),
        ]),
    ],
    [
      'units',
      () =>
        run(context, [
          '--experimental-vm-modules',
          tool('jest', 'bin', 'jest.js'),
          '--config',
          join(root, 'jest.config.mjs'),
          'test/core',
          'test/architecture',
          '--silent',
        ]),
    ],
    ['a desk that fills an order', () => smoke(context)],
  ];
  let failed = 0;
  for (const [title, work] of checks) {
    try {
      await step(title, work);
    } catch (error) {
      failed += 1;
      console.error((error as Error).message);
    }
  }
  console.log(`${checks.length - failed} passed, ${failed} failed`);
  return failed === 0 ? EXIT.ok : EXIT.failure;
}

function run({ root, env }: Context, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let talk = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (talk += chunk.toString()));
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve(talk) : reject(new Error(talk))));
  });
}

/** Starts the default desk beside any other and waits for its first fill. */
async function smoke({ root, env }: Context): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'desk-check-'));
  const child = spawn(join(root, 'desk'), ['up', '--profile', 'no-console'], {
    cwd: root,
    env: { ...env, DESK_HOME: home, DESK_PORTS: 'free' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let talk = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (talk += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    const deadline = performance.now() + FILL_MS;
    while (performance.now() < deadline && child.exitCode === null) {
      await sleep(250);
      const ready = /\{"ready":true.*\}/.exec(talk)?.[0];
      if (ready === undefined) continue;
      const { ports } = JSON.parse(ready) as { ports: { simulator: number } };
      const { accounts } = (await (await fetch(`http://127.0.0.1:${ports.simulator}/simulator/status`)).json()) as {
        accounts: Record<string, { fills: number }>;
      };
      if (Object.values(accounts).some(({ fills }) => fills > 0)) return 'filled';
    }
    throw new Error(`no fill within ${FILL_MS / 1_000} s:\n${talk}`);
  } finally {
    child.kill('SIGTERM');
    await ended;
    rmSync(home, { recursive: true, force: true });
  }
}
