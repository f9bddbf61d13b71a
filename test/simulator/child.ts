/** The simulator as its own process, bundled like the product does it, so that it can be killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';

export async function bundleSimulator(dir: string): Promise<string> {
  const outfile = join(dir, 'simulator.mjs');
  await build({
    entryPoints: [join(process.cwd(), 'simulator/main.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile,
    logLevel: 'error',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  return outfile;
}

export interface ChildSimulator {
  readonly process: ChildProcess;
  readonly port: number;
  /** For `connectAdmin`; null unless the options ask for one. */
  readonly adminPort: number | null;
}

export async function startChild(bundle: string, dir: string, options: object): Promise<ChildSimulator> {
  const child = runChild(bundle, dir, options);
  const lines = createInterface({ input: child.stdout! });
  const [line] = (await once(lines, 'line')) as [string];
  const ready = JSON.parse(line) as { ready: boolean; port: number; adminPort?: number };
  return { process: child, port: ready.port, adminPort: ready.adminPort ?? null };
}

export function runChild(bundle: string, dir: string, options: unknown): ChildProcess {
  const file = join(dir, 'options.json');
  writeFileSync(file, JSON.stringify(options));
  return spawn(process.execPath, [bundle, file], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Ends a child by its own id and waits until it is gone: exit code, or the signal that ended it. */
export async function endChild(child: ChildProcess, signal: NodeJS.Signals): Promise<number | string> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
  return child.exitCode ?? child.signalCode ?? 'unknown';
}
