/** The state folder before anything starts in it: there, writable, and with room. */
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DeskHome } from '../config/home.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';

/**
 * Below this nothing is started: each bot may need a new journal segment (64 MiB) at any moment, and a desk that stops for
 * want of room a minute later has orders to clear first.
 */
export const DISK_FREE_MIN_START_BYTES = 512 * 1024 ** 2;

/** Makes the folder when it is missing. Throws with what to do when the desk cannot keep its state there. */
export function prepareHome({ root }: DeskHome): void {
  const elsewhere = 'or set DESK_HOME to another folder';
  try {
    mkdirSync(root, { recursive: true });
    const probe = join(root, `.probe-${process.pid}`);
    writeFileSync(probe, 'x');
    rmSync(probe);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CommandFailure(EXIT.failure, `DESK_HOME ${root}: ${explain(code)} (${message}), ${elsewhere}`);
  }
  const free = freeBytes(root);
  if (free < DISK_FREE_MIN_START_BYTES)
    throw new CommandFailure(
      EXIT.failure,
      `DESK_HOME ${root}: its disk is full: expected ${mib(DISK_FREE_MIN_START_BYTES)} free, was ${mib(free)}. ` +
        `Make room, ${elsewhere}. See docs/runbooks/full-disk.md`,
    );
}

/** What an ordinary user may still write. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return Number(bavail) * Number(bsize);
}

function mib(bytes: number): string {
  return `${Math.floor(bytes / 1024 ** 2)} MiB`;
}

function explain(code: string | undefined): string {
  switch (code) {
    case 'EEXIST':
    case 'ENOTDIR':
      return 'expected a folder, is a file or lies below one: move that away';
    case 'EROFS':
      return 'lies on a disk that is mounted read-only: mount it writable';
    case 'EACCES':
    case 'EPERM':
      return 'may not be written by this user: change its owner or mode';
    case 'ENOSPC':
    case 'EDQUOT':
      return 'its disk is full: make room (see docs/runbooks/full-disk.md)';
    default:
      return 'cannot be written';
  }
}
