import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from './context.ts';

/**
 * Tells the next build and install that this process runs from its code: neither is taken away under it. A mark of a
 * process that is gone counts for nothing.
 */
export function markRunning({ buildDir }: Pick<Context, 'buildDir'>): void {
  const marks = join(buildDir, 'running');
  mkdirSync(marks, { recursive: true });
  const mark = join(marks, String(process.pid));
  writeFileSync(mark, '');
  process.on('exit', () => rmSync(mark, { force: true }));
}
