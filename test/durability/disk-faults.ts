/** Ways for a disk to say no to a bot's journal, for real: by a full file system, or by the system call itself. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { fillDisk } from '../support/full-disk.ts';

export interface FaultTarget {
  readonly pid: number;
  readonly journalDir: string;
  /** A number below `n`. */
  readonly random: (n: number) => number;
}

export interface DiskFault {
  readonly name: string;
  /** What the failed call says. */
  readonly errno: string;
  /** Whether it meets the next process, too: the others end with the process that they were put on. */
  readonly staysOnDisk: boolean;
  /** Every write to the journal fails from when it resolves on, or after a few more bytes. */
  begin(target: FaultTarget): Promise<void>;
  end(target: FaultTarget): void;
}

const isRoot = process.getuid?.() === 0;
const has = (program: string): boolean => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;

/** Room for a segment, the next one and some. */
const DISK_MIB = 160;
const FILLER = 'filler';
const ZEROS = Buffer.alloc(64 * 1024);

/** True when `dir` lies on a small disk of its own now, which needs root; `unmountDisk` takes it away. */
export function mountDisk(dir: string): boolean {
  if (!isRoot) return false;
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m,mode=700`, 'tmpfs', dir]).status === 0;
}

export function unmountDisk(dir: string): void {
  execFileSync('umount', [dir]);
}

export function diskFaults(isOnOwnDisk: boolean): DiskFault[] {
  return [
    ...(isOnOwnDisk ? [FULL, READ_ONLY_AT_RESTART] : []),
    ...(has('prlimit') ? [FILE_SIZE_LIMIT] : []),
    ...(has('strace') ? ['EIO', 'EROFS', 'ENODEV'].map(failingCall) : []),
  ];
}

const FULL: DiskFault = {
  name: 'disk full',
  errno: 'ENOSPC',
  staysOnDisk: true,
  async begin({ journalDir, random }) {
    fillDisk(join(journalDir, FILLER));
    // Without the room that the journal holds ready, but for a little: as on a disk where nothing can be held ready.
    truncateSync(newestSegment(journalDir), usedBytes(newestSegment(journalDir)) + random(32 * 1024));
    fillDisk(join(journalDir, `${FILLER}-2`));
  },
  end({ journalDir }) {
    for (const name of [FILLER, `${FILLER}-2`]) rmSync(join(journalDir, name), { force: true });
  },
};

/** A file system turns read-only under open files only by an error of its own; whoever opens it then is refused. */
const READ_ONLY_AT_RESTART: DiskFault = {
  name: 'disk read-only when the bot comes back',
  errno: 'EROFS',
  staysOnDisk: true,
  async begin({ pid, journalDir }) {
    process.kill(pid, 'SIGKILL');
    for (;;) if (spawnSync('mount', ['-o', 'remount,ro', journalDir]).status === 0) return;
  },
  end: ({ journalDir }) => void execFileSync('mount', ['-o', 'remount,rw', journalDir]),
};

const FILE_SIZE_LIMIT: DiskFault = {
  name: 'file size limit',
  errno: 'EFBIG',
  staysOnDisk: false,
  async begin({ pid, journalDir, random }) {
    const bytes = usedBytes(newestSegment(journalDir)) + random(8 * 1024);
    execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}`]);
  },
  end: () => {},
};

function failingCall(errno: string): DiskFault {
  return {
    name: `write fails with ${errno}`,
    errno,
    staysOnDisk: false,
    async begin({ pid }) {
      const calls = 'pwrite64,pwritev,fsync,fdatasync';
      const inject = ['-e', `trace=${calls}`, '-e', `inject=${calls}:error=${errno}`];
      // It ends with the process that it holds.
      const tracer = spawn('strace', ['-f', '-p', String(pid), ...inject, '-o', '/dev/null'], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const [said] = (await Promise.race([once(tracer.stderr, 'data'), once(tracer, 'exit')])) as [unknown];
      tracer.stderr.resume();
      if (!String(said).includes('attached')) throw new Error(`strace did not attach: ${String(said)}`);
    },
    end: () => {},
  };
}

function newestSegment(dir: string): string {
  const names = readdirSync(dir).filter((name) => name.endsWith('.journal'));
  return join(dir, names.sort().at(-1) ?? '');
}

/** Without the zeros that wait behind the last record. */
function usedBytes(file: string): number {
  const bytes = readFileSync(file);
  let end = bytes.length;
  while (end >= ZEROS.length && bytes.subarray(end - ZEROS.length, end).equals(ZEROS)) end -= ZEROS.length;
  return bytes.subarray(0, end).findLastIndex((byte) => byte !== 0) + 1;
}
