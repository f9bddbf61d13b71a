/**
 * A paper account's memory: one file, the whole state in its second line and every change since in the lines after it.
 * Each line carries a CRC-32 of its text.
 *
 * A change is one `write` before anybody is told about it: what the kernel has taken survives the death of this process.
 * `synced` waits for the disk itself. A last line without its newline is a write that a crash cut short, of which nobody
 * was told: it is dropped. Anything else that does not fit is damage, and damage is never guessed around.
 */
import { closeSync, fdatasync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'; // prettier-ignore
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { invariant } from '../../core/invariant.ts';
import { decodeChange, encodeChange, type PaperChange } from '../../core/paper/rows.ts';

/** The saved state cannot be used. Names the file and what to do. */
export class PaperStateError extends Error {
  override readonly name = 'PaperStateError';
}

/** Another process has it open. */
export class PaperStateInUse extends PaperStateError {}

const FORMAT = 'paper-account-1';
/** The file is written anew beyond this, and at each start. */
const BYTES_MAX = 16 * 1024 * 1024;

export class PaperStore {
  /** What was saved, oldest first; to be given to the account, then `begin`. */
  readonly saved: readonly PaperChange[];
  /** Length of a last line that a crash cut short. */
  readonly tornBytes: number;
  private readonly path: string;
  private readonly lockPath: string;
  private readonly account: string;
  private fd = -1;
  private bytes = 0;
  private syncing: Promise<void> | null = null;
  private waiting: Promise<void> | null = null;

  /** Throws `PaperStateError` when the folder is in use, of another account, or damaged. */
  constructor(dir: string, account: string) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.path = join(dir, 'account.jsonl');
    this.lockPath = join(dir, 'lock');
    this.account = account;
    takeLock(this.lockPath);
    try {
      const { changes, tornBytes } = readState(this.path, account);
      this.saved = changes;
      this.tornBytes = tornBytes;
    } catch (error) {
      rmSync(this.lockPath, { force: true });
      throw error;
    }
  }

  /** Writes `whole` as the new beginning, beside the old file and then over it: safe to be killed at any point. */
  begin(whole: PaperChange): void {
    const partial = `${this.path}.new`;
    const fd = openSync(partial, 'w', 0o600);
    const text = lineOf(JSON.stringify({ format: FORMAT, account: this.account })) + lineOf(encodeChange(whole));
    try {
      writeWhole(fd, text);
      fsyncSync(fd);
      renameSync(partial, this.path);
      syncDir(join(this.path, '..'));
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    if (this.fd >= 0) closeSync(this.fd);
    this.fd = fd;
    this.bytes = Buffer.byteLength(text);
  }

  get wantsBeginning(): boolean {
    return this.bytes > BYTES_MAX;
  }

  /** When it returns the change survives the death of this process. Throws the system's error; the store is then over. */
  append(change: PaperChange): void {
    invariant(this.fd >= 0, 'a store begins before it appends');
    const line = lineOf(encodeChange(change));
    writeWhole(this.fd, line);
    this.bytes += Buffer.byteLength(line);
  }

  /** Resolves when all that was appended is on the disk. Callers that come while a sync runs share the next one. */
  synced(): Promise<void> {
    this.waiting ??= (this.syncing ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => {
        this.waiting = null;
        this.syncing = new Promise((resolve, reject) => {
          if (this.fd < 0) return resolve();
          fdatasync(this.fd, (error) => (error === null ? resolve() : reject(error)));
        });
        return this.syncing;
      });
    return this.waiting;
  }

  async close(): Promise<void> {
    if (this.fd < 0) return;
    await this.synced().catch(() => undefined);
    closeSync(this.fd);
    this.fd = -1;
    rmSync(this.lockPath, { force: true });
  }
}

function lineOf(text: string): string {
  return `${checksum(text)} ${text}\n`;
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}

function readState(path: string, account: string): { changes: PaperChange[]; tornBytes: number } {
  const text = readIfThere(path);
  if (text === null) return { changes: [], tornBytes: 0 };
  const lines = text.split('\n');
  const torn = lines.pop() ?? '';
  const bodies = lines.map((line, index) => {
    const body = line.slice(9);
    if (line.slice(0, 8) !== checksum(body) || line[8] !== ' ') throw damaged(path, index + 1, 'its checksum is wrong');
    return body;
  });
  const [head, ...changes] = bodies;
  // The file comes into being with its first two lines by a rename: less than that was never written by this code.
  if (head === undefined || changes.length === 0) throw damaged(path, 1, 'it has no beginning');
  const { format, account: owner } = JSON.parse(head) as { format: string; account: string };
  if (format !== FORMAT) throw damaged(path, 1, `expected format ${FORMAT}, was ${format}`);
  if (owner !== account) {
    throw new PaperStateError(`${path} belongs to account ${owner}, not ${account}; give each account its own folder`);
  }
  return { changes: changes.map(decodeChange), tornBytes: Buffer.byteLength(torn) };
}

function damaged(path: string, line: number, why: string): PaperStateError {
  return new PaperStateError(
    `${path} line ${line}: ${why}; restore the file, or move its folder away to start the paper account anew`,
  );
}

/** One process at a time: two would write into each other's lines. */
function takeLock(path: string): void {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const owner = Number(readFileSync(path, 'utf8'));
    if (isAlive(owner)) {
      throw new PaperStateInUse(
        `${path}: process ${owner} has this paper account open; stop it, or remove the file if that is another program`,
      );
    }
    writeFileSync(path, String(process.pid), { mode: 0o600 });
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** A full disk may take a part only: that is a failure, and the next start drops the torn line. */
function writeWhole(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) written += writeSync(fd, bytes, written);
}

function syncDir(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
