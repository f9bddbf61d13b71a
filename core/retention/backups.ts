/** Which backups stay: the last few, the last of each of the newest days, the last of each of the newest weeks. */
import type { BackupFacts } from './facts.ts';
import type { RetentionPolicy } from './policy.ts';

const DAY_MS = 86_400_000;
/** 1970 began on a Thursday; weeks begin on Mondays. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

/** Names of those that stay. Days and weeks are UTC; ones without a backup are not counted. */
export function backupsToKeep(
  { keepLast, keepDaily, keepWeekly }: RetentionPolicy['backups'],
  backups: readonly Pick<BackupFacts, 'name' | 'finishedAtMs'>[],
): ReadonlySet<string> {
  const newestFirst = [...backups].sort((a, b) => b.finishedAtMs - a.finishedAtMs || (a.name < b.name ? 1 : -1));
  const dayOf = (atMs: number): number => Math.floor(atMs / DAY_MS);
  const weekOf = (atMs: number): number => Math.floor((atMs - FIRST_MONDAY_MS) / (7 * DAY_MS));
  return new Set(
    [
      ...newestFirst.slice(0, keepLast),
      ...lastOfEach(newestFirst, dayOf, keepDaily),
      ...lastOfEach(newestFirst, weekOf, keepWeekly),
    ].map(({ name }) => name),
  );
}

function lastOfEach<T extends { finishedAtMs: number }>(
  newestFirst: readonly T[],
  periodOf: (atMs: number) => number,
  periods: number,
): T[] {
  const last = new Map<number, T>();
  for (const backup of newestFirst) {
    const period = periodOf(backup.finishedAtMs);
    if (!last.has(period)) last.set(period, backup);
  }
  return [...last.values()].slice(0, periods);
}
