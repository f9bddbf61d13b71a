/**
 * Reading a journal while another process may be appending to it. Zeros and pieces of a record at the end mean "not
 * written yet"; a record that stays bad while whole ones stand behind it is damage.
 *
 * A record that can be read is not yet one that survives a power cut. Whoever copies records out of the journal calls
 * `JournalTail.sync()` first: it makes the files it has read from durable itself, which needs no word from the writer and
 * holds when the writer is dead. So nothing is ever in the event store that the journal could still lose. (A kill of the
 * process alone loses nothing that was readable: it is in the system's memory.)
 */
import { closeSync, existsSync, openSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { invariant } from '../core/invariant.ts';
import { JournalDamaged, JournalMismatch } from './errors.ts';
import {
  HEADER_BYTES,
  PAYLOAD_BYTES_MAX,
  frameBytes,
  frameContinues,
  frameEventSequence,
  frameKind,
  frameSequence,
  frameState,
  readRecord,
  readSegmentHeader,
  type FrameState,
  type JournalPosition,
  type JournalRecord,
  type SegmentHeader,
} from './frame.ts';
import { QUARANTINED_SUFFIX, searchRemains, segmentFirstSequence, segmentName, segmentsIn } from './segment.ts';

export type { JournalPosition, JournalRecord } from './frame.ts';

/** A part that was damaged and whose loss somebody accepted: these numbers will never be read. */
export interface JournalLoss {
  readonly fromSequence: number;
  readonly toSequence: number;
  /** First lost event; above `toEventSequence` when only inputs were lost. A number below the true one when it is unknown. */
  readonly fromEventSequence: number;
  readonly toEventSequence: number;
}

/** The last record somebody has seen; reading goes on behind it. */
export interface JournalBookmark {
  readonly position: JournalPosition;
  readonly sequence: number;
  readonly eventSequence: number;
}

export interface TailBatch {
  readonly records: JournalRecord[];
  /** Comes alone, between the records before and behind it. */
  readonly loss?: JournalLoss;
  /** Nothing more was there to read. */
  readonly atEnd: boolean;
}

const CHUNK_BYTES = 512 * 1024;
/** What a look at a quiet journal costs. */
const GLANCE_BYTES = 16 * 1024;
/** How often a bad record with whole ones behind it is read again: the writer may have been in the middle of it. */
const BAD_READS_MAX = 3;

/** Follows a growing journal. One reader at a time; each one has its own place. */
export class JournalTail {
  readonly #dir: string;
  readonly #fromSequence: number;
  readonly #wanted: (kind: number) => boolean;
  #file: FileHandle | null = null;
  #segment = '';
  #offset = 0;
  #sequence = 0;
  #eventSequence = 0;
  #unsynced = new Set<string>();
  #hasNewName = false;
  #badReads = 0;
  #badAt = -1;
  #bookmark: JournalBookmark | null;
  #foundLoss: JournalLoss | null = null;

  /**
   * Begins behind `after`, or with the segment that holds `fromSequence`, or with the oldest record there is. `wanted`
   * picks kinds; the others are checked and passed over.
   */
  constructor(
    dir: string,
    options: { after?: JournalBookmark; fromSequence?: number; wanted?: (kind: number) => boolean } = {},
  ) {
    this.#dir = dir;
    this.#fromSequence = options.fromSequence ?? 1;
    this.#bookmark = options.after ?? null;
    this.#wanted = options.wanted ?? (() => true);
  }

  /** Last sequence passed, of any kind. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Last event sequence passed. */
  get eventSequence(): number {
    return this.#eventSequence;
  }

  /** Behind the last record passed; null before the first segment. */
  get end(): JournalPosition | null {
    return this.#segment === '' ? null : { segment: this.#segment, offset: this.#offset };
  }

  /**
   * Up to `limit` wanted records in order. An empty batch at the end is not an error: more may come.
   * Throws `JournalDamaged`, or `JournalMismatch` when the bookmark's record is not in this journal.
   */
  async read(limit = 10_000): Promise<TailBatch> {
    const records: JournalRecord[] = [];
    for (;;) {
      if (this.#foundLoss !== null) {
        if (records.length > 0) return { records, atEnd: false };
        const loss = this.#foundLoss;
        this.#foundLoss = null;
        return { records, loss, atEnd: false };
      }
      if (this.#file === null) {
        if (!(await this.#begin())) return { records, atEnd: true };
        continue;
      }
      const stop = await this.#readSegment(records, limit);
      if (stop === 'limit') return { records, atEnd: false };
      if ((await this.#turn(stop)) === 'stay') return { records, atEnd: true };
    }
  }

  /**
   * Throws `JournalDamaged` when whole records stand behind the place where reading ended and stay out of reach. Where a
   * writer has appended them meanwhile, reading on reaches them: they are left to a later reading.
   */
  async confirmEnd(): Promise<void> {
    const { sequence } = this;
    for (let reads = 1; ; reads += 1) {
      try {
        return this.#checkRemains();
      } catch (error) {
        if (!(error instanceof JournalDamaged)) throw error;
        const { loss } = await this.read(1);
        if (this.#sequence > sequence || loss !== undefined) return;
        if (reads >= BAD_READS_MAX) throw error;
        await sleep(reads);
      }
    }
  }

  #checkRemains(): void {
    const behind = existsSync(this.#dir) ? segmentsIn(this.#dir).filter((name) => name >= this.#segment) : [];
    for (const segment of behind) {
      const fd = openSync(join(this.#dir, segment), 'r');
      try {
        const { laterRecord } = searchRemains(fd, segment === this.#segment ? this.#offset : 0, this.#sequence);
        if (laterRecord === null) continue;
        throw this.#damaged(`not a whole record, yet record ${laterRecord.sequence} stands behind it in ${segment}`);
      } finally {
        closeSync(fd);
      }
    }
  }

  /** After this, everything read so far survives a power cut. */
  async sync(): Promise<void> {
    if (this.#hasNewName) {
      // A new name in the folder has to last as well as the bytes behind it.
      const folder = await open(this.#dir);
      await folder.sync();
      await folder.close();
      this.#hasNewName = false;
    }
    for (const segment of this.#unsynced) {
      const file = segment === this.#segment && this.#file !== null ? this.#file : await open(join(this.#dir, segment));
      try {
        await file.datasync();
      } finally {
        if (file !== this.#file) await file.close();
      }
      this.#unsynced.delete(segment);
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
  }

  /** Opens the segment where reading begins, and checks that the bookmark's record stands there. */
  async #begin(): Promise<boolean> {
    const bookmark = this.#bookmark;
    if (bookmark === null) {
      const segments = existsSync(this.#dir) ? segmentsIn(this.#dir) : [];
      const first = segments.findLast((name) => segmentFirstSequence(name) <= this.#fromSequence) ?? segments[0];
      return first !== undefined && this.#enter(first);
    }
    const { position, sequence, eventSequence } = bookmark;
    const path = join(this.#dir, position.segment);
    const found = existsSync(path) ? await recordAt(path, position) : null;
    if (found !== null && found.sequence === sequence && found.eventSequence === eventSequence) {
      this.#bookmark = null;
      this.#sequence = sequence;
      this.#eventSequence = eventSequence;
      await this.#open(position.segment, position.offset + HEADER_BYTES + found.payload.length);
      return true;
    }
    // The record may lie in a part whose loss was accepted: then reading goes on behind that part.
    for (const segment of existsSync(this.#dir) ? segmentsIn(this.#dir) : []) {
      const header = await headerOf(join(this.#dir, segment));
      if (header === null || header.lostFromSequence === 0) continue;
      if (sequence < header.lostFromSequence || sequence >= header.firstSequence) continue;
      this.#bookmark = null;
      return this.#enter(segment);
    }
    const there = found === null ? 'no record' : `record ${found.sequence} (event ${found.eventSequence})`;
    throw new JournalMismatch(
      `${path} at byte ${position.offset}: expected record ${sequence} (event ${eventSequence}), found ${there}`,
    );
  }

  async #open(segment: string, offset: number): Promise<void> {
    await this.#file?.close();
    this.#file = await open(join(this.#dir, segment));
    this.#hasNewName = true;
    this.#segment = segment;
    this.#offset = offset;
  }

  /** Begins a segment at its header; false while the header is not written yet. */
  async #enter(segment: string): Promise<boolean> {
    const header = await headerOf(join(this.#dir, segment));
    if (header === null) return false;
    // Whole, and of another place: its records would be told a second time.
    if (header.firstSequence !== segmentFirstSequence(segment)) {
      const [file, sequence] = [segment, this.#sequence + 1];
      const reason = `its header is that of ${segmentName(header.firstSequence)}`;
      throw new JournalDamaged(this.#dir, { file, sequence, offset: 0, reason });
    }
    const eventSequenceBefore = Math.max(header.eventSequenceBeforeLoss, this.#eventSequence);
    this.#sequence = header.firstSequence - 1;
    this.#eventSequence = header.eventSequenceBefore;
    await this.#open(segment, HEADER_BYTES);
    if (header.lostFromSequence !== 0) {
      this.#foundLoss = {
        fromSequence: header.lostFromSequence,
        toSequence: header.firstSequence - 1,
        fromEventSequence: eventSequenceBefore + 1,
        toEventSequence: header.eventSequenceBefore,
      };
    }
    return true;
  }

  async #readSegment(records: JournalRecord[], limit: number): Promise<'limit' | Exclude<FrameState, 'whole'>> {
    const file = this.#file;
    invariant(file !== null, 'a segment is open while it is read');
    let chunkBytes = GLANCE_BYTES;
    for (;;) {
      if (records.length >= limit) return 'limit';
      // A chunk of its own each time: the payloads of the records are views of it.
      const chunk = Buffer.allocUnsafeSlow(chunkBytes);
      const { bytesRead } = await file.read(chunk, 0, chunk.length, this.#offset);
      let at = 0;
      let state: FrameState = 'short';
      while (records.length < limit && at < bytesRead) {
        state = frameState(chunk, at, bytesRead);
        if (state === 'whole' && !frameContinues(chunk, at, this.#sequence, this.#eventSequence)) state = 'bad';
        if (state !== 'whole') break;
        if (this.#wanted(frameKind(chunk, at))) records.push(readRecord(chunk, at, this.#segment, this.#offset + at));
        this.#sequence = frameSequence(chunk, at);
        this.#eventSequence = Math.max(this.#eventSequence, frameEventSequence(chunk, at));
        at += frameBytes(chunk, at);
      }
      if (at > 0) {
        this.#offset += at;
        this.#badReads = 0;
        this.#unsynced.add(this.#segment);
        chunkBytes = CHUNK_BYTES;
      } else if (bytesRead === chunk.length && state === 'short') {
        chunkBytes = PAYLOAD_BYTES_MAX + HEADER_BYTES;
      }
      // Zeros with something behind them are not "not written yet".
      if (state === 'empty' && chunk.subarray(at, bytesRead).some((byte) => byte !== 0)) state = 'bad';
      const more = bytesRead === chunk.length && (state === 'short' || state === 'whole');
      if (!more && records.length < limit) return state === 'whole' ? 'short' : state;
    }
  }

  /** Where no whole record follows: is the next segment there, is this damage, or has nothing been written yet? */
  async #turn(stop: Exclude<FrameState, 'whole'>): Promise<'stay' | 'again'> {
    const expected = segmentName(this.#sequence + 1);
    if (expected !== this.#segment && existsSync(join(this.#dir, expected))) {
      if (await this.#enter(expected)) return 'again';
      if (this.#stillBad()) this.#checkRemains();
      return 'stay';
    }
    const following = segmentsIn(this.#dir).find((name) => name > this.#segment);
    if (following === undefined) {
      if (existsSync(join(this.#dir, this.#segment + QUARANTINED_SUFFIX))) throw this.#damaged('it is quarantined');
      if (stop === 'bad' && this.#stillBad()) this.#checkRemains();
      return 'stay';
    }
    // The writer turned while we read: what it wrote here before that is there now.
    if (!this.#stillBad()) return 'again';
    const header = await headerOf(join(this.#dir, following));
    if (header !== null && header.lostFromSequence !== 0 && header.lostFromSequence <= this.#sequence + 1) {
      await this.#enter(following);
      return 'again';
    }
    throw this.#damaged(`its end is missing: the next segment is ${following}`);
  }

  #stillBad(): boolean {
    if (this.#badAt !== this.#offset) this.#badReads = 0;
    this.#badAt = this.#offset;
    this.#badReads += 1;
    return this.#badReads >= BAD_READS_MAX;
  }

  #damaged(reason: string): JournalDamaged {
    return new JournalDamaged(this.#dir, {
      file: this.#segment,
      sequence: this.#sequence + 1,
      offset: this.#offset,
      reason,
    });
  }
}

/**
 * The records from `fromSequence` on, of these kinds, as they stand now; `after` names an event in front of it, from where it
 * is found sooner. Throws `JournalDamaged` at a place that is not whole; a torn tail just ends, and so does what another
 * process has only begun to write. An accepted loss is told to `onLoss`, and without that it is damage like any other.
 */
export async function* readJournal(
  dir: string,
  options: {
    fromSequence?: number;
    after?: JournalBookmark | null;
    kinds?: readonly number[];
    onLoss?: (loss: JournalLoss) => void;
  } = {},
): AsyncGenerator<JournalRecord> {
  const { fromSequence = 1, after = null, kinds, onLoss } = options;
  const wanted = kinds === undefined ? undefined : new Set(kinds);
  const tail = new JournalTail(dir, {
    fromSequence,
    ...(after === null ? {} : { after }),
    ...(wanted === undefined ? {} : { wanted: (kind: number) => wanted.has(kind) }),
  });
  try {
    for (;;) {
      const { records, loss, atEnd } = await tail.read(1000);
      for (const record of records) if (record.sequence >= fromSequence) yield record;
      if (loss !== undefined && loss.toSequence >= fromSequence) {
        if (onLoss === undefined) {
          const reason = `records to ${loss.toSequence} are lost`;
          throw new JournalDamaged(dir, { file: '', sequence: loss.fromSequence, offset: 0, reason });
        }
        onLoss(loss);
      }
      if (atEnd) break;
    }
    await tail.confirmEnd();
  } finally {
    await tail.close();
  }
}

/** The last whole record's counts: reads the newest segment that has any. Zeros for a journal that does not exist. */
export async function lastSequences(dir: string): Promise<{ sequence: number; eventSequence: number }> {
  const segments = existsSync(dir) ? segmentsIn(dir).reverse() : [];
  for (const segment of segments) {
    // The newest may have its name and nothing else.
    if ((await headerOf(join(dir, segment))) === null) continue;
    const tail = new JournalTail(dir, { fromSequence: segmentFirstSequence(segment), wanted: () => false });
    try {
      while (!(await tail.read()).atEnd);
      return { sequence: tail.sequence, eventSequence: tail.eventSequence };
    } finally {
      await tail.close();
    }
  }
  return { sequence: 0, eventSequence: 0 };
}

async function headerOf(path: string): Promise<SegmentHeader | null> {
  const file = await open(path);
  try {
    const bytes = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    const header = readSegmentHeader(bytes.subarray(0, bytesRead), 0);
    return 'broken' in header ? null : header;
  } finally {
    await file.close();
  }
}

async function recordAt(path: string, position: JournalPosition): Promise<JournalRecord | null> {
  const file = await open(path);
  try {
    const bytes = Buffer.alloc(HEADER_BYTES + PAYLOAD_BYTES_MAX);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, position.offset);
    if (frameState(bytes, 0, bytesRead) !== 'whole') return null;
    return readRecord(bytes, 0, position.segment, position.offset);
  } finally {
    await file.close();
  }
}
