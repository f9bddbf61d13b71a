/**
 * The heads of the chain, kept beside the database: a line for each record that was appended. Whoever cuts the chain's tail
 * or rewrites it has to know of this file, too. Lines come in the order of the writing processes and not of the numbers.
 */
import { closeSync, constants, fstatSync, fsyncSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { EvidenceHead } from '../../core/evidence/record.ts';
import { canonicalText } from './hash.ts';

const NEWLINE = 0x0a;

export interface KeptHeads {
  readonly heads: readonly EvidenceHead[];
  /** Lines that are no head: torn by a crash, or damaged. */
  readonly unreadable: number;
}

/** Durable when it returns. Throws what the disk says: a link in its place is refused. */
export function keepHead(file: string, { number, hash }: EvidenceHead): void {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
  const fd = openSync(file, O_APPEND | O_CREAT | O_NOFOLLOW | O_RDWR, 0o600);
  try {
    const { size } = fstatSync(fd);
    const last = Buffer.alloc(1);
    // A line that a crash tore stands for itself; the next one begins anew.
    const isTorn = size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE;
    writeSync(fd, `${isTorn ? '\n' : ''}${canonicalText({ number, hash })}\n`);
    fsyncSync(fd);
    if (size === 0) syncFolder(dirname(file));
  } finally {
    closeSync(fd);
  }
}

/** Read once; no heads where there is no file. */
export function readKeptHeads(file: string): KeptHeads {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { heads: [], unreadable: 0 };
    throw error;
  }
  const text = readFileSync(fd, 'utf8');
  closeSync(fd);
  const lines = text.split('\n').filter((line) => line !== '');
  const heads = lines.map(parseHead).filter((head) => head !== null);
  return { heads, unreadable: lines.length - heads.length };
}

function parseHead(line: string): EvidenceHead | null {
  try {
    return EvidenceHead.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}

function syncFolder(dir: string): void {
  const fd = openSync(dir, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
