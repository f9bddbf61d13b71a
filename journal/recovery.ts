/**
 * What a journal is worth after a crash. Every segment is read through its checksums; then one of
 * - whole: appending goes on behind the last record;
 * - torn: bytes behind the last whole record, and no whole record behind them. They were never acknowledged: cut, reported;
 * - damaged: whole records behind a bad one, or a gap between segments. The file is renamed and the journal does not open
 *   until somebody accepts the loss. Then the whole part in front stays, the rest is marked as lost in the header of the
 *   segment behind it, and counting goes on above every number that may have been used.
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { invariant } from '../core/invariant.ts';
import { JournalDamaged, type JournalDamage } from './errors.ts';
import { HEADER_BYTES, readSegmentHeader, writeSegmentHeader, type SegmentHeader } from './frame.ts';
import { syncDirectory } from './lock.ts';
import type { Log } from '../core/log.ts';
import {
  ACKNOWLEDGED_SUFFIX,
  QUARANTINED_SUFFIX,
  quarantinedIn,
  readFully,
  scanSegment,
  searchRemains,
  segmentFirstSequence,
  segmentName,
  segmentsIn,
  type Counts,
} from './segment.ts';

export interface JournalRecovery {
  readonly lastSequence: number;
  readonly lastEventSequence: number;
  /** Epoch of the last record: a new start of the bot takes a higher one. */
  readonly lastEpoch: number;
  /** Bytes of a torn tail that were removed; none of them was acknowledged. */
  readonly cutBytes: number;
  readonly cutSegment?: string;
  /** Damage whose loss was accepted at this opening. */
  readonly quarantined?: { readonly file: string; readonly sequence: number; readonly reason: string };
}

/** Where appending goes on; null in a journal without a segment. */
export interface AppendPoint {
  readonly segment: string;
  /** 0: the segment has no header yet. */
  readonly offset: number;
}

interface Examined {
  readonly counts: Counts;
  readonly appendAt: AppendPoint | null;
  readonly cut: { readonly segment: string; readonly from: number; readonly to: number } | null;
}

const NOTHING: Counts = { sequence: 0, eventSequence: 0, epoch: 0 };

export function recoverJournal(
  dir: string,
  { acknowledgeDamage, continueAbove = 0, log }: { acknowledgeDamage: boolean; continueAbove?: number; log: Log },
): { recovery: JournalRecovery; appendAt: AppendPoint | null } {
  let accepted: JournalDamage | undefined;
  for (const quarantined of quarantinedIn(dir)) {
    const damage = describeQuarantined(dir, quarantined);
    if (!acknowledgeDamage) throw new JournalDamaged(dir, damage);
    acknowledge(dir, quarantined.slice(0, -QUARANTINED_SUFFIX.length), continueAbove);
    accepted ??= damage;
  }
  for (let rounds = 0; ; rounds += 1) {
    invariant(rounds < 10_000, 'accepting a loss repairs the journal it was found in');
    const examined = examineStanding(dir);
    if ('damage' in examined) {
      const { damage } = examined;
      log.error('journal damaged: segment quarantined', { dir, ...damage });
      renameSync(join(dir, damage.file), join(dir, damage.file + QUARANTINED_SUFFIX));
      syncDirectory(dir);
      if (!acknowledgeDamage) throw new JournalDamaged(dir, damage);
      acknowledge(dir, damage.file, continueAbove);
      accepted ??= damage;
      continue;
    }
    const { counts, appendAt, cut } = examined;
    if (cut !== null) {
      removeTail(join(dir, cut.segment), cut.from, cut.to);
      log.warn('journal tail cut at the last whole record', { dir, segment: cut.segment, bytes: cut.to - cut.from });
    }
    // What the last process wrote and never synced was read from memory just now: from here on it counts, so it must last.
    if (appendAt !== null) syncFile(join(dir, appendAt.segment));
    syncDirectory(dir);
    return {
      appendAt,
      recovery: {
        lastSequence: counts.sequence,
        lastEventSequence: counts.eventSequence,
        lastEpoch: counts.epoch,
        cutBytes: cut === null ? 0 : cut.to - cut.from,
        ...(cut === null ? {} : { cutSegment: cut.segment }),
        ...(accepted === undefined
          ? {}
          : { quarantined: { file: accepted.file, sequence: accepted.sequence, reason: accepted.reason } }),
      },
    };
  }
}

export interface JournalExamination {
  /** Of the whole part: of a damaged journal what lies in front of the damage. */
  readonly counts: Counts;
  /** Behind the last whole record; null in a journal without one. */
  readonly end: AppendPoint | null;
  /** Behind the last whole record, with no whole one behind them: the next opening cuts them. */
  readonly tornBytes: number;
  readonly damage: JournalDamage | null;
}

/** What `recoverJournal` would find, with nothing changed. Nobody may be appending. */
export function examineJournal(dir: string): JournalExamination {
  const [quarantined] = quarantinedIn(dir);
  if (quarantined !== undefined) {
    const segment = quarantined.slice(0, -QUARANTINED_SUFFIX.length);
    const { counts, endOffset } = wholePart(dir, quarantined, segment);
    const damage = describeQuarantined(dir, quarantined);
    return { counts, end: { segment: quarantined, offset: endOffset }, tornBytes: 0, damage };
  }
  const examined = examineStanding(dir);
  if ('damage' in examined) {
    const { counts, damage } = examined;
    return { counts, end: { segment: damage.file, offset: damage.offset }, tornBytes: 0, damage };
  }
  const { counts, appendAt, cut } = examined;
  return { counts, end: appendAt, tornBytes: cut === null ? 0 : cut.to - cut.from, damage: null };
}

/**
 * Keeps everybody from opening a journal that ends too early, by what others know of it: its last segment is quarantined as
 * a damaged one is, and accepting the loss is the same. The name of the quarantined file.
 */
export function quarantineEnd(dir: string): string {
  mkdirSync(dir, { recursive: true });
  const last = segmentsIn(dir).at(-1) ?? segmentName(1);
  const quarantined = last + QUARANTINED_SUFFIX;
  if (existsSync(join(dir, last))) renameSync(join(dir, last), join(dir, quarantined));
  else closeSync(openSync(join(dir, quarantined), 'wx', 0o600));
  syncDirectory(dir);
  return quarantined;
}

/** A segment that goes into the archive while it is looked for takes nothing away from the others: they are looked at anew. */
function examineStanding(dir: string): ReturnType<typeof examine> {
  for (;;) {
    const oldest = segmentsIn(dir)[0];
    try {
      return examine(dir);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || segmentsIn(dir)[0] === oldest) throw error;
    }
  }
}

/** Read-only: every segment, its records and how it joins the one before it. */
function examine(dir: string): Examined | { readonly damage: JournalDamage; readonly counts: Counts } {
  const segments = segmentsIn(dir);
  let counts = NOTHING;
  let before = { segment: '', endOffset: 0 };
  const notFollowed = (segment: string): JournalDamage => ({
    file: before.segment,
    sequence: counts.sequence + 1,
    offset: before.endOffset,
    reason: `its end is missing: the next segment is ${segment}`,
  });
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    const fd = openSync(join(dir, segment), 'r');
    try {
      const header = readHeader(fd);
      if ('broken' in header) {
        const remains = searchRemains(fd, 0, segmentFirstSequence(segment) - 1);
        const countsKnown = index > 0 || segmentFirstSequence(segment) === 1;
        if (!last || remains.laterRecord !== null || !countsKnown) {
          const sequence = segmentFirstSequence(segment);
          return { counts, damage: { file: segment, sequence, offset: 0, reason: header.broken } };
        }
        if (index > 0 && segmentFirstSequence(segment) !== counts.sequence + 1)
          return { counts, damage: notFollowed(segment) };
        // A segment that got its name and nothing else, or a torn piece of its first flush.
        const cut = remains.usedEnd > 0 ? { segment, from: 0, to: remains.usedEnd } : null;
        return { counts, appendAt: { segment, offset: 0 }, cut };
      }
      if (index > 0 && !joins(counts, header)) return { counts, damage: notFollowed(segment) };
      const start: Counts = {
        sequence: header.firstSequence - 1,
        eventSequence: header.eventSequenceBefore,
        epoch: header.epochBefore,
      };
      const scan = scanSegment(fd, HEADER_BYTES, start);
      counts = scan.counts;
      before = { segment, endOffset: scan.endOffset };
      if (scan.stop === 'end') {
        if (last) return { counts, appendAt: { segment, offset: scan.endOffset }, cut: null };
        continue;
      }
      const remains = searchRemains(fd, scan.endOffset, counts.sequence);
      const dirty = remains.usedEnd > scan.endOffset;
      if (remains.laterRecord !== null || (dirty && !last)) {
        const behind = remains.laterRecord === null ? 'a later segment' : `record ${remains.laterRecord.sequence}`;
        const reason = `not a whole record (${scan.stop}), yet ${behind} stands behind it`;
        return { counts, damage: { file: segment, sequence: counts.sequence + 1, offset: scan.endOffset, reason } };
      }
      if (last) {
        const cut = dirty ? { segment, from: scan.endOffset, to: remains.usedEnd } : null;
        return { counts, appendAt: { segment, offset: scan.endOffset }, cut };
      }
    } finally {
      closeSync(fd);
    }
  }
  return { counts, appendAt: null, cut: null };
}

function joins(counts: Counts, header: SegmentHeader): boolean {
  if (header.lostFromSequence !== 0) return header.lostFromSequence === counts.sequence + 1;
  return header.firstSequence === counts.sequence + 1 && header.eventSequenceBefore === counts.eventSequence;
}

function describeQuarantined(dir: string, quarantined: string): JournalDamage {
  const file = quarantined.slice(0, -QUARANTINED_SUFFIX.length);
  const { counts, endOffset } = wholePart(dir, quarantined, file);
  const reason = 'quarantined earlier, and nobody has accepted the loss yet';
  return { file: quarantined, sequence: counts.sequence + 1, offset: endOffset, reason };
}

/** The whole records at the front of a damaged segment, and the highest sequence seen behind them. */
function wholePart(dir: string, file: string, segment: string): WholePart {
  const fd = openSync(join(dir, file), 'r');
  try {
    const header = readHeader(fd);
    if ('broken' in header) {
      const first = segmentFirstSequence(segment);
      const later = searchRemains(fd, 0, first - 1).laterRecord;
      const counts: Counts = { sequence: first - 1, eventSequence: 0, epoch: later?.epoch ?? 0 };
      return {
        header: null,
        counts,
        endOffset: 0,
        highestSequence: Math.max(first, later?.sequence ?? 0),
        epoch: counts.epoch,
      };
    }
    const scan = scanSegment(fd, HEADER_BYTES, {
      sequence: header.firstSequence - 1,
      eventSequence: header.eventSequenceBefore,
      epoch: header.epochBefore,
    });
    const later = searchRemains(fd, scan.endOffset, scan.counts.sequence).laterRecord;
    return {
      header,
      counts: scan.counts,
      endOffset: scan.endOffset,
      highestSequence: Math.max(scan.counts.sequence, later?.sequence ?? 0),
      epoch: Math.max(scan.counts.epoch, later?.epoch ?? 0),
    };
  } finally {
    closeSync(fd);
  }
}

interface WholePart {
  readonly header: SegmentHeader | null;
  readonly counts: Counts;
  readonly endOffset: number;
  readonly highestSequence: number;
  readonly epoch: number;
}

/**
 * Accepts the loss in a quarantined segment. Each step can be repeated, and the rename at the end is what ends the
 * quarantine, so a crash in between only means doing it again.
 */
function acknowledge(dir: string, segment: string, continueAbove: number): void {
  const quarantined = segment + QUARANTINED_SUFFIX;
  const part = wholePart(dir, quarantined, segment);
  const following = segmentsIn(dir).find((name) => segmentFirstSequence(name) > segmentFirstSequence(segment));
  const earlier = segmentsIn(dir).findLast((name) => segmentFirstSequence(name) < segmentFirstSequence(segment));
  // Without its header the segment's event count comes from the segment before it; 0 means "not known, at least".
  const front =
    part.header !== null || earlier === undefined ? part.counts : { ...wholePart(dir, earlier, earlier).counts };
  if (part.header !== null) copyFront(join(dir, quarantined), join(dir, segment), part.endOffset);
  if (following !== undefined) {
    const fd = openSync(join(dir, following), 'r+');
    const header = readHeader(fd);
    const firstSequence = segmentFirstSequence(following);
    if (firstSequence !== front.sequence + 1) {
      const known = 'broken' in header ? headerAfterLoss(firstSequence, front, part.epoch) : header;
      writeHeader(fd, { ...known, lostFromSequence: front.sequence + 1, eventSequenceBeforeLoss: front.eventSequence });
      fsyncSync(fd);
    }
    closeSync(fd);
  } else {
    const firstSequence = Math.max(part.highestSequence, continueAbove) + 1;
    const fd = openSync(join(dir, `${segmentName(firstSequence)}.new`), 'w+', 0o600);
    writeHeader(fd, headerAfterLoss(firstSequence, front, part.epoch));
    fsyncSync(fd);
    closeSync(fd);
    renameSync(join(dir, `${segmentName(firstSequence)}.new`), join(dir, segmentName(firstSequence)));
  }
  syncDirectory(dir);
  renameSync(join(dir, quarantined), join(dir, segment + ACKNOWLEDGED_SUFFIX));
  syncDirectory(dir);
}

function headerAfterLoss(firstSequence: number, front: Counts, epochBefore: number): SegmentHeader {
  return {
    firstSequence,
    // Each lost record may have been an event: no event number is ever used twice.
    eventSequenceBefore: front.eventSequence + (firstSequence - 1 - front.sequence),
    epochBefore,
    lostFromSequence: front.sequence + 1,
    eventSequenceBeforeLoss: front.eventSequence,
  };
}

function copyFront(from: string, to: string, bytes: number): void {
  const source = openSync(from, 'r');
  const target = openSync(`${to}.new`, 'w', 0o600);
  const chunk = Buffer.allocUnsafe(1024 * 1024);
  for (let at = 0; at < bytes;) {
    const part = chunk.subarray(0, Math.min(chunk.length, bytes - at));
    invariant(readFully(source, part, at) === part.length, 'the whole part of a segment is readable');
    writeSync(target, part);
    at += part.length;
  }
  fsyncSync(target);
  closeSync(target);
  closeSync(source);
  renameSync(`${to}.new`, to);
}

function readHeader(fd: number): SegmentHeader | { readonly broken: string } {
  const bytes = Buffer.alloc(HEADER_BYTES);
  return readSegmentHeader(bytes.subarray(0, readFully(fd, bytes, 0)), 0);
}

function writeHeader(fd: number, header: SegmentHeader): void {
  const bytes = Buffer.alloc(HEADER_BYTES);
  writeSegmentHeader(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, header);
  writeSync(fd, bytes, 0, bytes.length, 0);
}

/** In a preallocated segment the tail becomes zeros again; otherwise the file ends behind its last record. */
function removeTail(path: string, from: number, to: number): void {
  const fd = openSync(path, 'r+');
  try {
    if (fstatSync(fd).size === to) ftruncateSync(fd, from);
    else
      for (let at = from; at < to;) at += writeSync(fd, Buffer.alloc(Math.min(1024 * 1024, to - at)), 0, undefined, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function syncFile(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
