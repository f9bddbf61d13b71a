/** What the tests of this room share: homes of their own, a log that can be read, and programs run in a Node of their own. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { deskHome } from '../../config/home.ts';
import type { DeskHome } from '../../config/home.ts';
import type { Log } from '../../core/log.ts';
import { stopLeftBehind } from '../../stack/stack.ts';
import type { StackOptions } from '../../stack/stack.ts';
import { onFreePorts, readTemporalDev } from '../../stack/temporal-dev.ts';
import type { TemporalDev } from '../../stack/temporal-dev.ts';

export const PROJECT_ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface KeptLog extends Log {
  readonly lines: { level: 'info' | 'warn' | 'error'; msg: string; fields: object }[];
  said(msg: string): boolean;
}

export function keptLog(): KeptLog {
  const lines: KeptLog['lines'] = [];
  const keep =
    (level: 'info' | 'warn' | 'error') =>
    (msg: string, fields: object = {}): void =>
      void lines.push({ level, msg, fields });
  return {
    lines,
    said: (msg) => lines.some((line) => line.msg.includes(msg)),
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
  };
}

/** A home below `/tmp`, gone after `remove` with every process that it started. */
export function tempHome(): { home: DeskHome; remove: () => Promise<void> } {
  const root = mkdtempSync(join(tmpdir(), 'desk-stack-'));
  const home = deskHome(root);
  return {
    home,
    async remove() {
      await stopLeftBehind({ home, log: keptLog() });
      rmSync(root, { recursive: true, force: true });
    },
  };
}

export function tempDir(): string {
  return mkdtempSync(join(tmpdir(), 'desk-stack-'));
}

export function declaration(): TemporalDev {
  return onFreePorts(readTemporalDev(join(PROJECT_ROOT, 'temporal-dev.yml')));
}

/** The environment without what would replace the local stack. */
export function plainEnv(): NodeJS.ProcessEnv {
  const replaced = /^(TEMPORAL_(?!CLI$)|DATABASE_URL$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !replaced.test(name)));
}

export function stackOptions(home: DeskHome, log: Log): StackOptions {
  return { home, projectRoot: PROJECT_ROOT, env: plainEnv(), declaration: declaration(), log };
}

export function writeScript(file: string, text: string): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: 0o755 });
  return file;
}

/** Runs TypeScript that imports the room's files in a Node of its own; `next` gives the lines that it prints. */
export async function runProgram(
  source: string,
  args: readonly string[] = [],
): Promise<{ child: ChildProcess; next: () => Promise<string>; exited: Promise<number | null> }> {
  // Inside node_modules, so that the packages it leaves outside are found.
  const cache = join(PROJECT_ROOT, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const dir = mkdtempSync(join(cache, 'desk-stack-'));
  const outfile = join(dir, 'program.mjs');
  const stdin = { contents: source, loader: 'ts', resolveDir: PROJECT_ROOT } as const;
  await build({
    stdin,
    outfile,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
  });
  const child = spawn(process.execPath, [outfile, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env: plainEnv() });
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      rmSync(dir, { recursive: true, force: true });
      resolve(code);
    });
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    exited,
    async next() {
      const line = await lines.next();
      if (line.done === true) throw new Error('the program ended without another line');
      return line.value;
    },
  };
}

/** Waits for `holds`; the limit only ends a test that would never end. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`never happened: ${what}`);
    await sleep(25);
  }
}
