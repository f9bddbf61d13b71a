/** Does what a plan says, item by item. Each hand looks again: what is not as it was planned stays, and the result says why. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClientBase } from 'pg';
import { z } from 'zod';
import { assertNever } from '../../core/invariant.ts';
import type { RetentionResult } from '../../core/retention/evidence.ts';
import type { RetentionFacts } from '../../core/retention/facts.ts';
import type { RetentionPlan, RetentionTarget } from '../../core/retention/plan.ts';
import { ARCHIVE_SUFFIX, archiveSegment, removeArchived, verifyArchived, type ArchiveStep } from '../../journal/archive.ts'; // prettier-ignore
import { ArchiveDamaged, JournalDamaged } from '../../journal/errors.ts';
import { removeBackup } from '../backup/backups.ts';
import { BACKUP_LOCK } from '../backup/create.ts';
import { eventRanges, partitionOf, type RetentionPlaces } from './facts.ts';

export interface RetentionRun {
  /** As the owner of the tables: nobody else may drop a day. */
  readonly client: ClientBase;
  readonly places: RetentionPlaces;
  /** What `plan` was made of. */
  readonly facts: RetentionFacts;
  readonly plan: RetentionPlan;
  /** After each item, and awaited: what is written down then is on record before the next one goes. */
  readonly onResult?: (result: RetentionResult) => Promise<void> | void;
  readonly onStep?: (step: ArchiveStep) => void;
  /** Ends the run between two items, with its reason. */
  readonly signal?: AbortSignal;
}

/** Idempotent: a run that was cut off is followed by a new plan, which has what is left. Throws what the disk or the server says. */
export async function runRetention(run: RetentionRun): Promise<RetentionResult[]> {
  const results: RetentionResult[] = [];
  for (const item of run.plan.items) {
    run.signal?.throwIfAborted();
    const refused = await actOn(run, item.target);
    const result: RetentionResult = { ...item, done: refused === null, why: refused ?? item.why };
    results.push(result);
    await run.onResult?.(result);
  }
  return results;
}

/** Null when it is done, else why not. */
async function actOn(run: RetentionRun, target: RetentionTarget): Promise<string | null> {
  const { places } = run;
  switch (target.action) {
    case 'archive_segment':
      return refusal(async () => {
        await archiveSegment({
          journalDir: join(places.journalsDir, target.bot),
          archiveDir: join(places.archiveDir, target.bot),
          segment: target.file,
          lastSequence: target.lastSequence,
          ...(run.onStep !== undefined && { onStep: run.onStep }),
        });
      });
    case 'remove_archive':
      return refusal(async () => {
        const dir = join(places.archiveDir, target.bot);
        const segment = target.file.slice(0, -ARCHIVE_SUFFIX.length);
        await verifyArchived(dir, segment);
        removeArchived(dir, segment);
      });
    case 'drop_event_day':
      return dropDay(run, target.day);
    case 'remove_report':
      await rm(join(places.reportsDir, target.file), { force: true });
      return null;
    case 'remove_log':
      await rm(join(places.logsDir, target.file), { force: true });
      return null;
    case 'remove_backup':
      await removeBackup(places.backupsDir, target.name);
      return null;
    default:
      return assertNever(target);
  }
}

/** Damage is for a person to look at: the file stays, and the run goes on. */
async function refusal(work: () => Promise<void>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (error instanceof JournalDamaged || error instanceof ArchiveDamaged) return `damaged: ${error.message}`;
    throw error;
  }
}

const LockRow = z.object({ free: z.boolean() });

/**
 * Under locks that keep everybody out, the day is counted once more: it goes only with the very events that the plan saw, and
 * `event_retired` keeps their count. With an open backup, or a table that is in use for long, it waits for the next run.
 */
async function dropDay({ client, facts }: RetentionRun, day: string): Promise<string | null> {
  const planned = facts.eventDays.find((each) => each.day === day)?.sources ?? null;
  const table = partitionOf(day);
  let refused: string | null = null;
  await client.query('begin');
  try {
    await client.query(`set local lock_timeout = '3s'`);
    const lock = await client.query('select pg_try_advisory_xact_lock(hashtext($1)) as free', [BACKUP_LOCK]);
    if (!LockRow.parse(lock.rows[0]).free) refused = 'a backup is under way';
    else {
      // In the order in which an insert takes them.
      await client.query('lock table only event in access exclusive mode');
      await client.query(`lock table ${table} in access exclusive mode`);
      const sources = await eventRanges(client, day);
      const behind = await client.query(
        `select from ${table} e join consumer_offset c on c.source = e.source and c.sequence < e.sequence limit 1`,
      );
      const before = await client.query('select from event_retired where day = $1 limit 1', [day]);
      if (before.rowCount !== 0) refused = 'events of this day were dropped before: these came late, and stay';
      else if (JSON.stringify(sources) !== JSON.stringify(planned))
        refused = 'its events changed since the plan was made';
      else if (behind.rowCount !== 0) refused = 'a reader fell behind since the plan was made';
      else {
        for (const { source, events, firstSequence, lastSequence } of sources)
          await client.query(
            'insert into event_retired (source, day, events, from_sequence, to_sequence) values ($1, $2, $3, $4, $5)',
            [source, day, events, firstSequence, lastSequence],
          );
        await client.query(`drop table ${table}`);
      }
    }
    await client.query(refused === null ? 'commit' : 'rollback');
    return refused;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    if (error instanceof Error && 'code' in error && error.code === '55P03') return 'the event store is in use: another run will do it'; // prettier-ignore
    throw error;
  }
}
