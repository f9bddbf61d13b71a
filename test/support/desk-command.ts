/** The built command line run to its end, as `./desk` runs it, and other commands in the same environment. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { builtCode } from './build.ts';

export interface Said {
  readonly code: number;
  /** What it printed, and after it what it complained of. */
  readonly text: string;
}

export function runCommand(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Said> {
  const { NODE_OPTIONS: _ofJest, ...rest } = env;
  return new Promise((resolve) =>
    execFile(command, args, { env: rest }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, text: stdout + stderr }),
    ),
  );
}

const MAIN = 'const [file, ...rest] = process.argv.slice(1); (await import(file)).main(...rest.splice(0, 2), rest)';

/** `env` is laid over this process's own. */
export async function runDesk(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Said> {
  const buildDir = await builtCode();
  const program = [join(buildDir, 'cli', 'main.js'), process.cwd(), buildDir];
  return runCommand(process.execPath, ['--input-type=module', '-e', MAIN, '--', ...program, ...args], {
    ...process.env,
    NO_COLOR: '1',
    ...env,
  });
}
