import { closeSync, openSync, writeSync } from 'node:fs';

const MIB = 1024 * 1024;

/** Writes `file` until the disk's last byte is taken. */
export function fillDisk(file: string): void {
  const fd = openSync(file, 'w');
  try {
    for (let bytes = MIB; bytes >= 1; bytes = Math.floor(bytes / 2)) {
      try {
        for (;;) writeSync(fd, Buffer.alloc(bytes));
      } catch {
        // Full for this size: the rest goes in smaller pieces.
      }
    }
  } finally {
    closeSync(fd);
  }
}
