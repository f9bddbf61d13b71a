/** What a retention plan is made of, read from the folders of the desk and from its event store. Read-only. */
import type { Dirent } from 'node:fs';
import { opendir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import { z } from 'zod';
import { BotName } from '../../core/names.ts';
import type { ArchiveFacts, BackupFacts, EventDayFacts, EventRange, FileFacts, JournalFacts, ReportFacts, RetentionFacts } from '../../core/retention/facts.ts'; // prettier-ignore
import { isAfter, isDayOver, isOlder } from '../../core/retention/plan.ts';
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
  /** Of runs that are not on the evidence chain yet. */
  readonly runsDir: string;
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
  const journals: JournalFacts[] = [];
  for (const bot of await foldersIn(places.journalsDir)) {
    if (!BotName.safeParse(bot).success) continue;
    const offset = offsets.find(({ source }) => source === bot);
    journals.push({
      bot,
      ...segmentFacts(join(places.journalsDir, bot)),
      stored:
        offset === undefined
          ? null
          : { sequence: offset.journal_sequence, eventSequence: offset.sequence, segment: offset.segment },
      neededFrom: snapshotSequence(places.snapshotFileOf(bot)),
    });
    await nextTurn();
  }
  const archives: ArchiveFacts[] = [];
  for (const bot of await foldersIn(places.archiveDir)) archives.push(...(await archivesOf(places.archiveDir, bot)));
  const reports: ReportFacts[] = [];
  for (const family of await foldersIn(places.reportsDir))
    reports.push(...(await reportsOf(places.reportsDir, family, policy.reports.removeAfterDays, nowMs)));
  return {
    nowMs,
    journals,
    archives,
    eventDays,
    consumers,
    reports,
    logs: await filesIn(places.logsDir, ROTATED_LOG),
    backups: await backupFacts(places.backupsDir),
  };
}

/** Whole ones only. */
export async function backupFacts(backupsDir: string): Promise<BackupFacts[]> {
  return (await listBackups(backupsDir)).flatMap(({ name, manifest }) => {
    if (manifest === null) return [];
    const { finishedAtMs, store } = manifest;
    return [{ name, bytes: backupBytes(manifest), finishedAtMs, sources: store.sources }];
  });
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

async function archivesOf(archiveDir: string, bot: string): Promise<ArchiveFacts[]> {
  return (await archivedIn(join(archiveDir, bot))).map((each) => ({
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

/** Those that are old enough, and the newest: a check every five minutes leaves a quarter of a million files in a year. */
async function reportsOf(
  reportsDir: string,
  family: string,
  removeAfterDays: number | null,
  nowMs: number,
): Promise<ReportFacts[]> {
  const old: FileFacts[] = [];
  let newest: FileFacts | null = null;
  for await (const each of files(join(reportsDir, family), REPORT_NAME)) {
    if (!each.file.startsWith(`${family}_`)) continue;
    if (newest === null || isAfter(each, newest)) newest = each;
    if (removeAfterDays !== null && isOlder(nowMs, each.writtenAtMs, removeAfterDays)) old.push(each);
  }
  const young = newest === null || old.includes(newest) ? [] : [newest];
  return inOrder([...old, ...young]).map((each) => ({ ...each, file: `${family}/${each.file}`, family }));
}

async function filesIn(dir: string, name: RegExp): Promise<FileFacts[]> {
  const found: FileFacts[] = [];
  for await (const file of files(dir, name)) found.push(file);
  return inOrder(found);
}

async function* files(dir: string, name: RegExp): AsyncGenerator<FileFacts> {
  const entries = await opendir(dir, { bufferSize: 256 }).catch(orGone);
  for await (const entry of entries ?? []) {
    if (!entry.isFile() || !name.test(entry.name)) continue;
    const facts = await stat(join(dir, entry.name)).catch(orGone);
    if (facts !== null) yield { file: entry.name, bytes: facts.size, writtenAtMs: facts.mtimeMs };
  }
}

function inOrder(found: FileFacts[]): FileFacts[] {
  return found.sort((a, b) => (a.file < b.file ? -1 : 1));
}

async function foldersIn(dir: string): Promise<string[]> {
  return (await entriesOf(dir))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

async function entriesOf(dir: string): Promise<Dirent[]> {
  return (await readdir(dir, { withFileTypes: true }).catch(orGone)) ?? [];
}

function orGone(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
  throw error;
}
