/**
 * Segments that are not needed beside their bot any more, compressed in a folder of their own: `<segment>.gz`, and beside it
 * `<segment>.json` with what it holds. A segment leaves the journal only after its archive was read back: every record by its
 * checksum, and all bytes by their hash. Each step can be repeated, so a crash in between leaves the segment, or the segment
 * and its archive, or the archive. Who decides that a segment may go is not asked here: see core/retention/plan.ts.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, createGzip } from 'node:zlib';
import { ArchiveDamaged, JournalDamaged } from './errors.ts';
import { HEADER_BYTES, readSegmentHeader } from './frame.ts';
import { syncDirectory } from './lock.ts';
import { readFully, scanInTurns, searchRemains, segmentName, segmentsIn } from './segment.ts';

export const ARCHIVE_SUFFIX = '.gz';
const NOTE_SUFFIX = '.json';
/** Not yet an archive: left by a crash, made anew by the next try. */
const PARTIAL_SUFFIX = '.partial';
const CHECK_SUFFIX = '.check';

/** What an archived segment holds; `sha256` is of the segment as it was, `bytes` its size. */
export interface ArchivedSegment {
  readonly segment: string;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly eventSequenceBefore: number;
  readonly lastEventSequence: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** `checked` comes behind a reading of every record; the others say what is on disk from then on. */
export type ArchiveStep = 'checked' | 'compressed' | 'read_back' | 'archived' | 'removed';

export interface ArchiveOptions {
  readonly journalDir: string;
  readonly archiveDir: string;
  readonly segment: string;
  /** Where it ends by the header of the segment behind it: one that ends elsewhere is damaged. */
  readonly lastSequence: number;
  /** After each step. */
  readonly onStep?: (step: ArchiveStep) => void;
}

/**
 * Moves one sealed segment into the archive. Idempotent. Throws `JournalDamaged` where not every record is whole, and
 * `ArchiveDamaged` where an archive of that name holds something else: nothing is removed then.
 */
export async function archiveSegment(options: ArchiveOptions): Promise<ArchivedSegment> {
  const { journalDir, archiveDir, segment, onStep = () => {} } = options;
  const source = join(journalDir, segment);
  const before = statSync(source);
  const found = await checkSegment(journalDir, source, options);
  onStep('checked');
  mkdirSync(archiveDir, { recursive: true, mode: 0o700 });
  const target = join(archiveDir, segment + ARCHIVE_SUFFIX);
  if (!existsSync(target)) {
    const partial = target + PARTIAL_SUFFIX;
    await pipeline(createReadStream(source), createGzip({ level: constants.Z_DEFAULT_COMPRESSION }), fileSink(partial));
    onStep('compressed');
    await readBack(partial, archiveDir, found);
    onStep('read_back');
    writeNote(archiveDir, found);
    renameSync(partial, target);
    syncDirectory(archiveDir);
  } else {
    await readBack(target, archiveDir, found);
    writeNote(archiveDir, found);
  }
  onStep('archived');
  const now = statSync(source);
  if (now.ino !== before.ino || now.size !== before.size || now.mtimeMs !== before.mtimeMs)
    throw new ArchiveDamaged(`${source}: expected to stay as it was while it was archived, was written to: it is kept`);
  rmSync(source);
  syncDirectory(journalDir);
  onStep('removed');
  return found;
}

/** The archived segments in a folder, in order, by what was noted when they were made. */
export async function archivedIn(
  archiveDir: string,
): Promise<(ArchivedSegment & { archiveBytes: number; writtenAtMs: number })[]> {
  if (!existsSync(archiveDir)) return [];
  const archives = (await readdir(archiveDir)).filter((name) => name.endsWith(`.journal${ARCHIVE_SUFFIX}`));
  const found = [];
  for (const name of archives.sort()) {
    const noted = await noteOf(archiveDir, name.slice(0, -ARCHIVE_SUFFIX.length));
    if (noted === null) continue;
    const { size, mtimeMs } = await stat(join(archiveDir, name));
    found.push({ ...noted, archiveBytes: size, writtenAtMs: mtimeMs });
  }
  return found;
}

/** Reads an archived segment through, record by record. Throws `ArchiveDamaged`. */
export async function verifyArchived(archiveDir: string, segment: string): Promise<ArchivedSegment> {
  const archive = join(archiveDir, segment + ARCHIVE_SUFFIX);
  const noted = existsSync(archive) ? await noteOf(archiveDir, segment) : null;
  if (noted === null) throw new ArchiveDamaged(`${join(archiveDir, segment)}: expected an archive, was missing`);
  await readBack(archive, archiveDir, noted);
  return noted;
}

/** Both files, the archive first: a note alone is nothing. */
export function removeArchived(archiveDir: string, segment: string): void {
  rmSync(join(archiveDir, segment + ARCHIVE_SUFFIX), { force: true });
  syncDirectory(archiveDir);
  rmSync(join(archiveDir, segment + NOTE_SUFFIX), { force: true });
}

/**
 * Brings archived segments back beside their journal, from the one that holds `fromSequence` on, newest first, so that the
 * journal never has a gap. For an event store that was restored from an older backup, and for replays. Answers their names.
 */
export async function unpackArchive(archiveDir: string, journalDir: string, fromSequence: number): Promise<string[]> {
  const back: string[] = [];
  for (const noted of (await archivedIn(archiveDir)).reverse()) {
    const { segment, lastSequence } = noted;
    const target = join(journalDir, segment);
    if (lastSequence < fromSequence) break;
    if (existsSync(target)) continue;
    const oldest = segmentsIn(journalDir)[0];
    if (oldest !== undefined && oldest > segment && oldest !== segmentName(lastSequence + 1))
      throw new ArchiveDamaged(`${segment} ends with record ${lastSequence} and the journal goes on with ${oldest}`);
    await verifyArchived(archiveDir, segment);
    const partial = target + PARTIAL_SUFFIX;
    await pipeline(createReadStream(join(archiveDir, segment + ARCHIVE_SUFFIX)), createGunzip(), fileSink(partial));
    renameSync(partial, target);
    syncDirectory(journalDir);
    back.push(segment);
  }
  return back.reverse();
}

/** Every record by its checksum and its place in the count, and nothing behind the last one but zeros. */
async function checkSegment(dir: string, file: string, expected: ArchiveOptions): Promise<ArchivedSegment> {
  const fd = openSync(file, 'r');
  try {
    const damaged = (sequence: number, offset: number, reason: string): JournalDamaged =>
      new JournalDamaged(dir, { file: expected.segment, sequence, offset, reason });
    const bytes = Buffer.alloc(HEADER_BYTES);
    const header = readSegmentHeader(bytes.subarray(0, readFully(fd, bytes, 0)), 0);
    if ('broken' in header) throw damaged(0, 0, header.broken);
    if (segmentName(header.firstSequence) !== expected.segment)
      throw damaged(header.firstSequence, 0, `its header says that it is ${segmentName(header.firstSequence)}`);
    const { eventSequenceBefore, epochBefore, firstSequence } = header;
    const start = { sequence: firstSequence - 1, eventSequence: eventSequenceBefore, epoch: epochBefore };
    const { counts, endOffset, stop } = await scanInTurns(fd, HEADER_BYTES, start);
    if (counts.sequence !== expected.lastSequence)
      throw damaged(counts.sequence + 1, endOffset, `it ends here, and should with record ${expected.lastSequence}`);
    if (stop !== 'end' && searchRemains(fd, endOffset, counts.sequence).usedEnd > endOffset)
      throw damaged(counts.sequence + 1, endOffset, 'something stands behind its last record');
    return {
      segment: expected.segment,
      firstSequence,
      lastSequence: counts.sequence,
      eventSequenceBefore,
      lastEventSequence: counts.eventSequence,
      bytes: fstatSync(fd).size,
      sha256: await hashOf(createReadStream(file)),
    };
  } finally {
    closeSync(fd);
  }
}

async function readBack(archive: string, archiveDir: string, expected: ArchivedSegment): Promise<void> {
  const copy = join(archiveDir, expected.segment + CHECK_SUFFIX);
  try {
    await pipeline(createReadStream(archive), createGunzip(), fileSink(copy));
    const found = await checkSegment(archiveDir, copy, { ...expected, journalDir: archiveDir, archiveDir });
    if (found.sha256 !== expected.sha256)
      throw new ArchiveDamaged(`${archive}: expected SHA-256 ${expected.sha256} of its content, was ${found.sha256}`);
  } catch (error) {
    if (error instanceof ArchiveDamaged) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof JournalDamaged || code?.startsWith('Z_') === true)
      throw new ArchiveDamaged(`${archive}: ${(error as Error).message}`, { cause: error });
    throw error;
  } finally {
    rmSync(copy, { force: true });
  }
}

/** Null where there is none: an archive without its note is not done. */
async function noteOf(archiveDir: string, segment: string): Promise<ArchivedSegment | null> {
  try {
    return JSON.parse(await readFile(join(archiveDir, segment + NOTE_SUFFIX), 'utf8')) as ArchivedSegment;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function writeNote(archiveDir: string, noted: ArchivedSegment): void {
  const file = join(archiveDir, noted.segment + NOTE_SUFFIX);
  writeFileSync(file + PARTIAL_SUFFIX, `${JSON.stringify(noted)}\n`, { mode: 0o600, flush: true });
  renameSync(file + PARTIAL_SUFFIX, file);
  syncDirectory(archiveDir);
}

/** A file that is on disk when the stream has finished. */
function fileSink(file: string): Writable {
  const fd = openSync(file, 'w', 0o600);
  return createWriteStream(file, { fd, autoClose: true, flush: true });
}

async function hashOf(stream: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
