/**
 * What may go, and what is old enough and has to stay. Nothing is removed that is not held elsewhere: a segment leaves the
 * journal for the archive when the event store has all of it; a day leaves the event store when the archive has all of it
 * and every reader has passed it; an archive goes when the newest backup holds its events. Hands check again before they act.
 */
import { z } from 'zod';
import { assertNever } from '../invariant.ts';
import { backupsToKeep } from './backups.ts';
import type {
  ArchiveFacts,
  EventDayFacts,
  FileFacts,
  JournalFacts,
  ReportFacts,
  RetentionFacts,
  SegmentFacts,
} from './facts.ts';
import type { RetentionPolicy } from './policy.ts';

const DAY_MS = 86_400_000;

export const RetentionTarget = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('archive_segment'), bot: z.string(), file: z.string(), lastSequence: z.int() }),
  z.strictObject({ action: z.literal('remove_archive'), bot: z.string(), file: z.string() }),
  z.strictObject({ action: z.literal('drop_event_day'), day: z.iso.date() }),
  z.strictObject({ action: z.literal('remove_report'), file: z.string() }),
  z.strictObject({ action: z.literal('remove_log'), file: z.string() }),
  z.strictObject({ action: z.literal('remove_backup'), name: z.string() }),
]);
export type RetentionTarget = Readonly<z.infer<typeof RetentionTarget>>;

export interface RetentionItem {
  readonly target: RetentionTarget;
  readonly why: string;
  readonly bytes: number;
}

export interface RetentionPlan {
  /** In the order in which they are done: the archive first, for days wait for it. */
  readonly items: readonly RetentionItem[];
  /** Older than the policy keeps it, and here it stays: what, and what it waits for. */
  readonly held: readonly { readonly what: string; readonly why: string }[];
}

export function planRetention(policy: RetentionPolicy, facts: RetentionFacts): RetentionPlan {
  const items: RetentionItem[] = [];
  const held: { what: string; why: string }[] = [];
  const judge = (target: RetentionTarget, bytes: number, verdict: Verdict): void => {
    if (verdict.may) items.push({ target, why: verdict.why, bytes });
    else if (verdict.why !== null) held.push({ what: targetName(target), why: verdict.why });
  };
  for (const journal of facts.journals) {
    const { bot, segments } = journal;
    for (const [index, segment] of segments.entries()) {
      const verdict = judgeSegment(policy, facts.nowMs, journal, segment, segments.length - index);
      const target = { action: 'archive_segment', bot, file: segment.file, lastSequence: segment.lastSequence ?? 0 };
      judge(target as RetentionTarget, segment.bytes, verdict);
    }
  }
  const days = [...facts.eventDays].sort((a, b) => (a.day < b.day ? 1 : -1));
  for (const [index, day] of days.entries())
    judge({ action: 'drop_event_day', day: day.day }, day.bytes, judgeDay(policy, facts, day, index));
  for (const archive of facts.archives)
    judge({ action: 'remove_archive', bot: archive.bot, file: archive.file }, archive.bytes, judgeArchive(policy, facts, archive)); // prettier-ignore
  const newest = newestReports(facts.reports);
  for (const report of facts.reports) {
    const isNewest = newest.get(report.family) === report;
    const verdict = isNewest ? STAYS : judgeFile(policy.reports.removeAfterDays, facts.nowMs, report);
    judge({ action: 'remove_report', file: report.file }, report.bytes, verdict);
  }
  for (const log of facts.logs)
    judge({ action: 'remove_log', file: log.file }, log.bytes, judgeFile(policy.logs.removeAfterDays, facts.nowMs, log)); // prettier-ignore
  const kept = backupsToKeep(policy.backups, facts.backups);
  for (const { name, bytes } of facts.backups)
    judge({ action: 'remove_backup', name }, bytes, kept.has(name) ? STAYS : may('no rule of backups keeps it'));
  return { items, held };
}

/** How a target is called in lists and in evidence. */
export function targetName(target: RetentionTarget): string {
  switch (target.action) {
    case 'archive_segment':
      return `journals/${target.bot}/${target.file}`;
    case 'remove_archive':
      return `archive/${target.bot}/${target.file}`;
    case 'drop_event_day':
      return `events of ${target.day}`;
    case 'remove_report':
      return `reports/${target.file}`;
    case 'remove_log':
      return `logs/${target.file}`;
    case 'remove_backup':
      return `backups/${target.name}`;
    default:
      return assertNever(target);
  }
}

/** `why` of what stays is null where its time has not come, and then it is not told. */
type Verdict = { readonly may: true; readonly why: string } | { readonly may: false; readonly why: string | null };

const STAYS: Verdict = { may: false, why: null };
const may = (why: string): Verdict => ({ may: true, why });
const waits = (why: string): Verdict => ({ may: false, why });

function judgeSegment(
  { journals: { archiveAfterDays, keepSegments } }: RetentionPolicy,
  nowMs: number,
  { stored, neededFrom, isQuarantined }: JournalFacts,
  { writtenAtMs, lastSequence, lastEventSequence, firstSequence }: SegmentFacts,
  fromNewest: number,
): Verdict {
  if (!isOlder(nowMs, writtenAtMs, archiveAfterDays) || fromNewest <= keepSegments) return STAYS;
  if (isQuarantined) return waits('a segment of this journal is quarantined: a person has to look first');
  if (lastSequence === null || lastEventSequence === null || lastSequence < firstSequence)
    return waits('where it ends is not known: the header behind it cannot be read');
  if (stored === null) return waits('the event store has nothing of this bot');
  if (lastSequence > stored.sequence || lastEventSequence > stored.eventSequence)
    return waits(`not wholly stored: its events go to ${lastEventSequence}, stored is ${stored.eventSequence}`);
  // Names of segments are their first sequences, so they compare as texts.
  if (stored.segment === '' || !(segmentStart(stored.segment) > firstSequence))
    return waits('shipping goes on from this segment');
  if (lastSequence >= neededFrom) return waits(`the bot recovers from record ${neededFrom}`);
  return may(`stored, and written more than ${archiveAfterDays} days ago`);
}

function judgeDay(
  { events: { dropAfterDays, keepDays } }: RetentionPolicy,
  { nowMs, archives, consumers, journals }: RetentionFacts,
  { day, sources }: EventDayFacts,
  fromNewest: number,
): Verdict {
  if (!isDayOver(dropAfterDays, nowMs, day) || fromNewest < keepDays) return STAYS;
  if (sources === null) return waits('its events were not counted');
  for (const { source, firstSequence, lastSequence } of sources) {
    const stored = journals.find(({ bot }) => bot === source)?.stored ?? null;
    if (stored === null || stored.eventSequence < lastSequence)
      return waits(`the journal of ${source} is not known to be stored up to event ${lastSequence}`);
    if (!isArchived(archives, source, firstSequence, lastSequence))
      return waits(`events ${firstSequence} to ${lastSequence} of ${source} are not all archived`);
    const read = consumers.filter((each) => each.source === source);
    if (read.length === 0) return waits(`no reader of ${source} is known`);
    const behind = read.find(({ sequence }) => sequence < lastSequence);
    if (behind !== undefined)
      return waits(`${behind.consumer} has read ${source} up to ${behind.sequence} of ${lastSequence}`);
  }
  return may(`archived, read by everybody, and ended more than ${dropAfterDays} days ago`);
}

/** The policy's time for this UTC day has come: whoever collects facts counts its events. */
export function isDayOver(dropAfterDays: number | null, nowMs: number, day: string): dropAfterDays is number {
  return dropAfterDays !== null && isOlder(nowMs, Date.parse(`${day}T00:00:00Z`) + DAY_MS, dropAfterDays);
}

function judgeArchive(
  { archives: { removeAfterDays } }: RetentionPolicy,
  { nowMs, backups }: RetentionFacts,
  { bot, writtenAtMs, lastEventSequence }: ArchiveFacts,
): Verdict {
  if (removeAfterDays === null || !isOlder(nowMs, writtenAtMs, removeAfterDays)) return STAYS;
  const newest = backups.reduce<(typeof backups)[number] | null>(
    (best, each) => (best === null || each.finishedAtMs > best.finishedAtMs ? each : best),
    null,
  );
  if (newest === null) return waits('no backup holds its events');
  const holds = newest.sources.find(({ source }) => source === bot)?.lastSequence ?? 0;
  if (holds < lastEventSequence) return waits(`the newest backup holds events up to ${holds} of ${lastEventSequence}`);
  return may(`in the newest backup, and archived more than ${removeAfterDays} days ago`);
}

function judgeFile(removeAfterDays: number | null, nowMs: number, { writtenAtMs }: FileFacts): Verdict {
  if (removeAfterDays === null || !isOlder(nowMs, writtenAtMs, removeAfterDays)) return STAYS;
  return may(`written more than ${removeAfterDays} days ago`);
}

export function isOlder(nowMs: number, atMs: number, days: number): boolean {
  return nowMs - atMs > days * DAY_MS;
}

/** One pass: a report every five minutes makes a quarter of a million files in a policy's time. */
function newestReports(reports: readonly ReportFacts[]): ReadonlyMap<string, ReportFacts> {
  const newest = new Map<string, ReportFacts>();
  for (const report of reports) {
    const known = newest.get(report.family);
    if (known === undefined || isAfter(report, known)) newest.set(report.family, report);
  }
  return newest;
}

/** Written later; of two at once the one with the later name. */
export function isAfter(a: FileFacts, b: FileFacts): boolean {
  return a.writtenAtMs > b.writtenAtMs || (a.writtenAtMs === b.writtenAtMs && a.file > b.file);
}

function segmentStart(segment: string): number {
  return Number.parseInt(segment, 10);
}

/** One unbroken row of archived segments holds all of these events. */
function isArchived(archives: readonly ArchiveFacts[], source: string, firstEvent: number, lastEvent: number): boolean {
  const own = archives.filter(({ bot }) => bot === source).sort((a, b) => a.firstSequence - b.firstSequence);
  const begin = own.findLastIndex(({ eventSequenceBefore }) => eventSequenceBefore < firstEvent);
  if (begin < 0) return false;
  for (let at = begin; at < own.length; at += 1) {
    if (at > begin && own[at]!.firstSequence !== own[at - 1]!.lastSequence + 1) return false;
    if (own[at]!.lastEventSequence >= lastEvent) return true;
  }
  return false;
}
