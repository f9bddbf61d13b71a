/** Memory of a process as the kernel counts it, in MB (1e6 bytes). PSS shares common pages among their users. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessMemory {
  readonly rssMb: number;
  readonly pssMb: number;
}

/** Zero for a process that is gone. Linux only. */
export function memoryOf(pid: number): ProcessMemory {
  let rollup: string;
  try {
    rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  } catch {
    return { rssMb: 0, pssMb: 0 };
  }
  const mb = (name: string): number =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1]) * 1_024) / 1e6;
  return { rssMb: mb('Rss'), pssMb: mb('Pss') };
}

/** `pid` and all that it started: Postgres is many processes. */
export function familyOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It ended between the two looks.
    }
  }
  const family = [pid];
  for (const member of family) for (const [child, parent] of parents) if (parent === member) family.push(child);
  return family;
}
