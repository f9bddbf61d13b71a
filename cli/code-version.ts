import { execFileSync } from 'node:child_process';
import { basename } from 'node:path';
import type { Context } from './context.ts';

/** The commit, `+` when files have changed since; without git the stamp of the build. Every order can be traced to it. */
export function codeVersion({ root, buildDir }: Pick<Context, 'root' | 'buildDir'>): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const isDirty = git('status', '--porcelain', '--untracked-files=no').trim() !== '';
    return git('rev-parse', '--short=12', 'HEAD').trim() + (isDirty ? '+' : '');
  } catch {
    return `build-${basename(buildDir)}`;
  }
}
