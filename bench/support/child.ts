/** Processes that a bench starts and ends, each by its own pid. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const END_MS = 10_000;

export interface Child {
  readonly pid: number;
  /** The first line on stdout that says `"ready":true`. */
  readonly ready: Record<string, unknown>;
  stop(): Promise<void>;
}

export interface ChildOptions {
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly readyMs?: number;
}

/** Starts a Node process and waits for its ready line. Rejects with its last words when it ends before. */
export async function startNode({ args, env = process.env, readyMs = 30_000 }: ChildOptions): Promise<Child> {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  endWithUs(child);
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-4_000)));
  const ready = await new Promise<Record<string, unknown>>((resolve, reject) => {
    const timer = setTimeout(() => fail('was not ready in time'), readyMs);
    const fail = (what: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`${args.join(' ')} ${what}:\n${words}`));
    };
    const early = (code: number | null): void => fail(`ended with ${code}`);
    child.once('exit', early);
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.includes('"ready":true')) return;
      clearTimeout(timer);
      child.off('exit', early);
      resolve(JSON.parse(line) as Record<string, unknown>);
    });
  });
  return { pid: child.pid ?? 0, ready, stop: () => end(child) };
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGTERM');
});

/** A bench that breaks off leaves nothing running. */
export function endWithUs(child: ChildProcess): void {
  running.add(child);
  child.once('exit', () => running.delete(child));
}

export async function end(child: ChildProcess, graceMs = END_MS): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await exited;
  clearTimeout(killer);
}
