/** What a retention plan is made of, read from the folders of the desk and from its event store. Read-only. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientBase } from 'pg';
import { z } from 'zod';
import { BotName } from '../../core/names.ts';
import type { ArchiveFacts, BackupFacts, EventDayFacts, EventRange, FileFacts, JournalFacts, ReportFacts, RetentionFacts } from '../../core/retention/facts.ts'; // prettier-ignore
import { isDayOver } from '../../core/retention/plan.ts';
import type { RetentionPolicy } from '../../core/retention/policy.ts';
import { ARCHIVE_SUFFIX, archivedIn } from '../../journal/archive.ts';
import { snapshotSequence } from '../../journal/recover-machine.ts';
import { segmentFacts } from '../../journal/segment-facts.ts';
import { listBackups } from '../backup/backups.ts';
import { backupBytes } from '../backup/manifest.ts';
import { SafeInt } from '../rows.ts';

/** Folders that may not be there yet. */
export interface RetentionPlaces {
  readonly journalsDir: string;
  /** A bot's pointer to its last state snapshot. */
  readonly snapshotFileOf: (bot: string) => string;
  readonly archiveDir: string;
  readonly reportsDir: string;
  readonly logsDir: string;
  readonly backupsDir: string;
}

const OffsetRow = z.object({ source: z.string(), sequence: SafeInt, journal_sequence: SafeInt, segment: z.string() });
const ConsumerRow = z.object({ consumer: z.string(), source: z.string(), sequence: SafeInt });
const DayRow = z.object({ day: z.string(), bytes: SafeInt });
const RangeRow = z.object({ source: z.string(), events: SafeInt, first: SafeInt, last: SafeInt });
/** `<family>_<UTC>.json` or `.md`: `latest.json` and whatever else lies there are none of these. */
const REPORT_NAME = /_\d{8}T\d{6}Z\.(json|md)$/;
/** The live ones have no number behind them. */
const ROTATED_LOG = /\.log\.\d+$/;

export async function collectFacts(
  client: ClientBase,
  places: RetentionPlaces,
  policy: RetentionPolicy,
  nowMs: number,
): Promise<RetentionFacts> {
  const rowsOf = async <T>(schema: z.ZodType<T>, sql: string): Promise<T[]> =>
    z.array(schema).parse((await client.query(sql)).rows);
  const offsets = await rowsOf(OffsetRow, 'select source, sequence, journal_sequence, segment from journal_offset');
  const consumers = await rowsOf(
    ConsumerRow,
    'select consumer, source, sequence from consumer_offset order by consumer, source',
  );
  const days = await rowsOf(
    DayRow,
    `select substr(relname, 7) as day, pg_total_relation_size(c.oid) as bytes from pg_inherits i
     join pg_class c on c.oid = i.inhrelid where i.inhparent = 'event'::regclass and relname ~ '^event_[0-9]{8}$'
     order by relname`,
  );
  const eventDays: EventDayFacts[] = [];
  for (const { day: digits, bytes } of days) {
    const day = `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
    const isOver = isDayOver(policy.events.dropAfterDays, nowMs, day);
    eventDays.push({ day, bytes, sources: isOver ? await eventRanges(client, day) : null });
  }
  const bots = foldersIn(places.journalsDir).filter((name) => BotName.safeParse(name).success);
  return {
    nowMs,
    journals: bots.map((bot): JournalFacts => {
      const offset = offsets.find(({ source }) => source === bot);
      return {
        bot,
        ...segmentFacts(join(places.journalsDir, bot)),
        stored:
          offset === undefined
            ? null
            : { sequence: offset.journal_sequence, eventSequence: offset.sequence, segment: offset.segment },
        neededFrom: snapshotSequence(places.snapshotFileOf(bot)),
      };
    }),
    archives: foldersIn(places.archiveDir).flatMap((bot) => archivesOf(places.archiveDir, bot)),
    eventDays,
    consumers,
    reports: foldersIn(places.reportsDir).flatMap((family) => reportsOf(places.reportsDir, family)),
    logs: filesIn(places.logsDir, ROTATED_LOG),
    backups: listBackups(places.backupsDir).flatMap(
      ({ name, manifest }): BackupFacts[] =>
      manifest === null
        ? []
        : [{ name, bytes: backupBytes(manifest), finishedAtMs: manifest.finishedAtMs, sources: manifest.store.sources }], // prettier-ignore
    ),
  };
}

/** The events of a day's own partition, by source. */
export async function eventRanges(client: ClientBase, day: string): Promise<EventRange[]> {
  const { rows } = await client.query(
    `select source, count(*) as events, min(sequence) as first, max(sequence) as last from ${partitionOf(day)}
     group by source order by source collate "C"`,
  );
  return z
    .array(RangeRow)
    .parse(rows)
    .map(({ source, events, first, last }) => ({ source, events, firstSequence: first, lastSequence: last }));
}

/** Throws for what is no day. */
export function partitionOf(day: string): string {
  return `event_${z.iso.date().parse(day).replaceAll('-', '')}`;
}

function archivesOf(archiveDir: string, bot: string): ArchiveFacts[] {
  return archivedIn(join(archiveDir, bot)).map((each) => ({
    bot,
    file: each.segment + ARCHIVE_SUFFIX,
    bytes: each.archiveBytes,
    writtenAtMs: each.writtenAtMs,
    firstSequence: each.firstSequence,
    lastSequence: each.lastSequence,
    eventSequenceBefore: each.eventSequenceBefore,
    lastEventSequence: each.lastEventSequence,
  }));
}

function reportsOf(reportsDir: string, family: string): ReportFacts[] {
  return filesIn(join(reportsDir, family), REPORT_NAME)
    .filter(({ file }) => file.startsWith(`${family}_`))
    .map((each) => ({ ...each, file: `${family}/${each.file}`, family }));
}

function filesIn(dir: string, name: RegExp): FileFacts[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isFile() && name.test(entry.name))
    .flatMap((entry) => {
      const stat = statSync(join(dir, entry.name), { throwIfNoEntry: false });
      return stat === undefined ? [] : [{ file: entry.name, bytes: stat.size, writtenAtMs: stat.mtimeMs }];
    })
    .sort((a, b) => (a.file < b.file ? -1 : 1));
}

function foldersIn(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}
