/** Exports on disk: each file read once, whole, and judged as it was read; written whole or not at all. Links are refused. */
import { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { join, resolve } from 'node:path';
import { EXPORT_FILES, type EvidenceExport } from '../../ledger/evidence/export.ts';
import { CommandFailure, EXIT } from '../exit-codes.ts';

/** What a process may hold at once; longer chains are exported in parts. */
const FILE_BYTES_MAX = 512 * 1024 * 1024;

/** A folder with its three files, or a file of records alone. Names come from here and never from what is read. */
export function readExport(path: string): EvidenceExport {
  const at = resolve(path);
  if (!isFolder(at)) return { records: readOnce(at), head: null, index: null };
  return {
    records: readOnce(join(at, EXPORT_FILES.records)),
    head: readOnce(join(at, EXPORT_FILES.head)),
    index: readOnce(join(at, EXPORT_FILES.index)),
  };
}

/** The records before what speaks for them: a folder that was left half written does not pass. */
export function writeExport(path: string, { records, head, index }: EvidenceExport): void {
  const dir = resolve(path);
  mkdirSync(dir, { recursive: true });
  if (!isFolder(dir)) throw new CommandFailure(EXIT.usage, `${path}: expected a folder, was a file`);
  const files = [
    [EXPORT_FILES.records, records],
    [EXPORT_FILES.index, index],
    [EXPORT_FILES.head, head],
  ] as const;
  for (const [name, content] of files) {
    if (content === null) continue;
    const file = join(dir, name);
    const aside = `${file}.${process.pid}.new`;
    writeFileSync(aside, content, { flag: 'wx' });
    renameSync(aside, file);
  }
}

/** For names of files: `20261122T031205Z`. */
export function fileStamp(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

function isFolder(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new CommandFailure(EXIT.failure, `${path}: expected a file or folder, was missing`);
  if (stat.isSymbolicLink()) throw isLink(path);
  return stat.isDirectory();
}

/** Opened once: what is looked at, hashed and judged is what was read here, whatever becomes of the path meanwhile. */
function readOnce(path: string): Uint8Array {
  let fd: number;
  try {
    // A pipe in its place would keep the command waiting.
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ELOOP') throw isLink(path);
    if (code === 'ENOENT') throw new CommandFailure(EXIT.failure, `${path}: expected a file, was missing`);
    throw error;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new CommandFailure(EXIT.failure, `${path}: expected a regular file, was something else`);
    if (stat.size > FILE_BYTES_MAX)
      throw new CommandFailure(EXIT.failure, `${path}: expected at most ${FILE_BYTES_MAX} bytes, was ${stat.size}`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

function isLink(path: string): CommandFailure {
  return new CommandFailure(EXIT.failure, `${path}: expected a regular file or folder, was a symbolic link`);
}
