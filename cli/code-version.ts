import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The commit, `+` when files have changed since; without git the stamp of the build. Every order can be traced to it. */
export function codeVersion(root: string): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const isDirty = git('status', '--porcelain', '--untracked-files=no').trim() !== '';
    return git('rev-parse', '--short=12', 'HEAD').trim() + (isDirty ? '+' : '');
  } catch {
    const stamp = join(root, 'dist', 'stamp');
    return existsSync(stamp) ? `build-${readFileSync(stamp, 'utf8').slice(0, 12)}` : 'unknown';
  }
}
