/** What a source has been told is durable, line by line: the witness that its journal is held against. */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';

export interface Acknowledged {
  readonly sequence: number;
  readonly eventSequence: number;
}

/** The last whole line: one that a kill cut short was never told. */
export function lastAcknowledged(file: string): Acknowledged {
  if (!existsSync(file)) return { sequence: 0, eventSequence: 0 };
  const fd = openSync(file, 'r');
  try {
    const { size } = fstatSync(fd);
    const tail = Buffer.alloc(Math.min(size, 200));
    readSync(fd, tail, 0, tail.length, size - tail.length);
    const [sequence = 0, eventSequence = 0] = tail.toString().split('\n').at(-2)?.split(' ').map(Number) ?? [];
    return { sequence, eventSequence };
  } finally {
    closeSync(fd);
  }
}

/** What a start of the source missed of what the one before was told. */
export function losses(file: string): string[] {
  return existsSync(`${file}.lost`) ? readFileSync(`${file}.lost`, 'utf8').trimEnd().split('\n') : [];
}
