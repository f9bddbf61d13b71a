/**
 * One appender a journal. A lock is a file `lock.<n>` naming its owner; the highest n counts and is never deleted, only
 * superseded, so two processes that find the same dead owner race for the same n + 1 and the file system picks one.
 * The owner is a pid with a start mark, since pids are used again.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { JournalLocked } from './errors.ts';

const LOCK_NAME = /^lock\.(\d+)$/;
const RELEASED = 'released';

export interface JournalLock {
  release(): void;
}

/** When a process began, as the system counts it; null when it is gone, '' where the system does not tell. */
function startMark(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name stands in brackets and may hold anything; field 22, the start time, is the 20th after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return null;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19] ?? ''}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && process.platform === 'linux') return null;
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return null;
  }
  try {
    process.kill(pid, 0);
    return '';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? null : '';
  }
}

function generations(dir: string): number[] {
  return readdirSync(dir)
    .map((name) => LOCK_NAME.exec(name)?.[1])
    .filter((n) => n !== undefined)
    .map(Number)
    .sort((a, b) => b - a);
}

/** The living owner of lock `n`, or null. An unreadable lock has no owner: it is written whole before it gets its name. */
function livingOwner(dir: string, n: number): number | null {
  let content: string;
  try {
    content = readFileSync(join(dir, `lock.${n}`), 'utf8');
  } catch {
    return null;
  }
  const [pid, mark] = content.trim().split(' ');
  if (pid === undefined || pid === RELEASED || !/^\d+$/.test(pid)) return null;
  const now = startMark(Number(pid));
  if (now === null) return null;
  return now === (mark ?? '') || now === '' || mark === undefined ? Number(pid) : null;
}

/** Takes the journal in `dir` for this process. Throws `JournalLocked` while a living process has it. */
export function lockJournal(dir: string): JournalLock {
  const own = join(dir, `lock-of-${process.pid}-${Math.floor(performance.now() * 1000).toString(36)}`);
  writeFileSync(own, `${process.pid} ${startMark(process.pid) ?? ''}\n`, { mode: 0o600 });
  try {
    for (;;) {
      const highest = generations(dir)[0] ?? 0;
      const owner = highest === 0 ? null : livingOwner(dir, highest);
      if (owner !== null) throw new JournalLocked(`${dir}: process ${owner} appends to this journal`);
      const file = join(dir, `lock.${highest + 1}`);
      try {
        linkSync(own, file);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
        throw error;
      }
      const [top, ...older] = generations(dir);
      if (top !== highest + 1) {
        // A slow starter took a number that was already history.
        unlinkSync(file);
        continue;
      }
      for (const n of older) rmSync(join(dir, `lock.${n}`), { force: true });
      return { release: () => release(file) };
    }
  } finally {
    unlinkSync(own);
  }
}

function release(file: string): void {
  try {
    writeFileSync(file, `${RELEASED}\n`);
  } catch {
    // On a full disk the file is empty now, which names no owner either.
  }
}

/** The living process that appends to the journal in `dir`; null when there is none. */
export function journalOwner(dir: string): number | null {
  const highest = existsSync(dir) ? (generations(dir)[0] ?? 0) : 0;
  return highest === 0 ? null : livingOwner(dir, highest);
}

/** Makes creations and renames in `dir` durable. */
export function syncDirectory(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
