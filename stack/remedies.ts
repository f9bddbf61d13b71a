/** What to do when a server of the stack does not start: read from its last words, told below them. */
import { dirname } from 'node:path';
import type { DeskHome } from '../config/home.ts';

/** SQLite's own words for a file that is not whole: SQLITE_CORRUPT (11) and SQLITE_NOTADB (26). */
const SQLITE_DAMAGED = /disk image is malformed|file is not a database/;
const DISK_FULL = /No space left on device|database or disk is full|ENOSPC/;

export function isDiskFull(said: string): boolean {
  return DISK_FULL.test(said);
}

export function withRemedy(failure: Error, remedy: string): Error {
  return new Error(`${failure.message}\n${remedy}`, { cause: failure });
}

function diskRemedy({ root }: DeskHome): string {
  return `The disk of ${root} is full: make room and start again. Nothing that was acknowledged is lost.`;
}

/** Null when the server's last words are about neither its database file nor the disk. */
export function temporalRemedy(said: string, home: DeskHome): string | null {
  if (isDiskFull(said)) return diskRemedy(home);
  if (!SQLITE_DAMAGED.test(said)) return null;
  const dir = dirname(home.temporalDb);
  return [
    `The Temporal database ${home.temporalDb} is damaged. Orders, positions and events are not in it; who paused or stopped what is.`,
    `Bring back a backup, or begin a new one: mv ${dir} ${dir}.damaged`,
    'then ./desk up. See docs/runbooks/lost-temporal-database.md',
  ].join('\n');
}

export function databaseRemedy(said: string, home: DeskHome): string {
  if (isDiskFull(said)) return diskRemedy(home);
  return [
    `If the database files are damaged: bring back a backup, or begin a new one: mv ${home.postgresDir} ${home.postgresDir}.damaged`,
    'then ./desk up. The events that the journals still hold are stored into it again.',
  ].join('\n');
}
