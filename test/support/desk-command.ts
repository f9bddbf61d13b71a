/** The built command line run to its end, as `./desk` runs it, and other commands in the same environment. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { builtCode } from './build.ts';

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What it printed, and after it what it complained of. */
  readonly text: string;
}

export function runCommand(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Said> {
  const { NODE_OPTIONS: _ofJest, ...rest } = env;
  return new Promise((resolve) =>
    execFile(command, args, { env: rest, maxBuffer: 10_000_000 }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err, text: out + err }),
    ),
  );
}

const MAIN = 'const [file, ...rest] = process.argv.slice(1); (await import(file)).main(...rest.splice(0, 2), rest)';

/** One build for all of a file: sources may change under a developer's hands. */
let built: Promise<string> | null = null;

/** `env` is laid over this process's own. */
export function runDesk(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Said> {
  return runDeskIn(process.cwd(), env, ...args);
}

/** As in a checkout at `root`: what the command writes beside its code goes there. */
export async function runDeskIn(root: string, env: NodeJS.ProcessEnv, ...args: string[]): Promise<Said> {
  const buildDir = await (built ??= builtCode());
  const program = [join(buildDir, 'cli', 'main.js'), root, buildDir];
  return runCommand(process.execPath, ['--input-type=module', '-e', MAIN, '--', ...program, ...args], {
    ...process.env,
    NO_COLOR: '1',
    ...env,
  });
}
