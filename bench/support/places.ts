/** Where a bench finds things: it is started from the project's folder, as a file of a build. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export const projectRoot = process.cwd();
export const buildDir = resolve(dirname(process.argv[1] ?? ''), '..');

/** Runs `work` with a folder of its own, gone afterwards. `BENCH_DIR` chooses the disk. */
export async function inScratch<T>(name: string, work: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), `${name}-`));
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
