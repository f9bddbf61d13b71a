import { join } from 'node:path';
import { build } from 'esbuild';

/** One file that a bare Node runs from any folder, packages included. `entry` is a path under `test/`. */
export async function bundleProgram(entry: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [join(process.cwd(), 'test', entry)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
  });
}
