/** The built command line in a process of its own, as `./desk` runs it, on a home of the test's. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { DeskHome } from '../../config/home.ts';
import { builtCode } from '../support/build.ts';

export interface Said {
  readonly code: number;
  /** What it wrote to stdout, then what it wrote to stderr. */
  readonly text: string;
}

const RUN = 'const [file, ...rest] = process.argv.slice(1); (await import(file)).main(...rest.splice(0, 2), rest)';

/** One build for all of a file: sources may change under a developer's hands. */
let built: Promise<string> | null = null;

export async function runDesk({ root }: DeskHome, ...args: string[]): Promise<Said> {
  const buildDir = await (built ??= builtCode());
  const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1', DESK_HOME: root };
  delete env['NODE_OPTIONS'];
  const program = [join(buildDir, 'cli', 'main.js'), process.cwd(), buildDir];
  return new Promise((resolve) =>
    execFile(
      process.execPath,
      ['--input-type=module', '-e', RUN, '--', ...program, ...args],
      { env },
      (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, text: stdout + stderr }),
    ),
  );
}
