/**
 * Segment files: `<first sequence, 16 digits>.journal`, so that names sort in order and the name of the next one is known
 * before it exists. Beside them: `.quarantined` (damaged, not yet looked at by a person), `.acknowledged` (damaged, the
 * loss was accepted), `spare` (zeros, the next segment).
 */
import { readSync, readdirSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  HEADER_BYTES,
  PAYLOAD_BYTES_MAX,
  frameBytes,
  frameContinues,
  frameEpoch,
  frameEventSequence,
  frameSequence,
  frameState,
} from './frame.ts';

export const SEGMENT_SUFFIX = '.journal';
export const QUARANTINED_SUFFIX = '.quarantined';
export const ACKNOWLEDGED_SUFFIX = '.acknowledged';
const SEGMENT_NAME = /^\d{16}\.journal$/;
/** Holds any record, so a chunk that begins with one is never too small. */
const CHUNK_BYTES = PAYLOAD_BYTES_MAX + HEADER_BYTES + 64 * 1024;

export function segmentName(firstSequence: number): string {
  return `${firstSequence.toString().padStart(16, '0')}${SEGMENT_SUFFIX}`;
}

export function segmentFirstSequence(name: string): number {
  return Number(name.slice(0, 16));
}

/** Segment files in order. */
export function segmentsIn(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => SEGMENT_NAME.test(name))
    .sort();
}

export function quarantinedIn(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith(QUARANTINED_SUFFIX) && SEGMENT_NAME.test(name.slice(0, -QUARANTINED_SUFFIX.length)))
    .sort();
}

/** Where counting stands after the last whole record. */
export interface Counts {
  readonly sequence: number;
  readonly eventSequence: number;
  readonly epoch: number;
}

export interface SegmentScan {
  /** First byte behind the last whole record. */
  readonly endOffset: number;
  readonly counts: Counts;
  /** Why it ended there: nothing more, zeros, a piece of a record, or bytes that are none. */
  readonly stop: 'end' | 'empty' | 'short' | 'bad';
}

export function readFully(fd: number, into: Buffer, position: number): number {
  let done = 0;
  while (done < into.length) {
    const got = readSync(fd, into, done, into.length - done, position + done);
    if (got === 0) break;
    done += got;
  }
  return done;
}

/** Follows whole, contiguous records from `from` on; `before` is where counting stood. Holds one chunk in memory. */
export function scanSegment(fd: number, from: number, before: Counts): SegmentScan {
  const chunks = scanChunks(fd, from, before);
  for (;;) {
    const { done, value } = chunks.next();
    if (done === true) return value;
  }
}

/** The same, with a turn for everybody else between two chunks: for whoever has other work in the same process. */
export async function scanInTurns(fd: number, from: number, before: Counts): Promise<SegmentScan> {
  const chunks = scanChunks(fd, from, before);
  for (;;) {
    const { done, value } = chunks.next();
    if (done === true) return value;
    await nextTurn();
  }
}

function* scanChunks(fd: number, from: number, before: Counts): Generator<void, SegmentScan> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let { sequence, eventSequence, epoch } = before;
  let offset = from;
  for (;;) {
    const filled = readFully(fd, chunk, offset);
    const atEnd = filled < chunk.length;
    let at = 0;
    for (;;) {
      const state = at === filled ? 'short' : frameState(chunk, at, filled);
      const whole = state === 'whole' && frameContinues(chunk, at, sequence, eventSequence);
      if (!whole) {
        if (state === 'short' && !atEnd && at > 0) break; // read on from here
        const stop = at === filled ? 'end' : state === 'whole' ? 'bad' : state;
        return { endOffset: offset + at, counts: { sequence, eventSequence, epoch }, stop };
      }
      sequence += 1;
      eventSequence = Math.max(eventSequence, frameEventSequence(chunk, at));
      epoch = frameEpoch(chunk, at);
      at += frameBytes(chunk, at);
    }
    offset += at;
    yield;
  }
}

export interface Remains {
  /** One past the last byte that is not zero; `from` when there is none. */
  readonly usedEnd: number;
  /** The last whole record found behind `from`, which makes the bytes before it damage and not a torn tail. */
  readonly laterRecord: Counts | null;
}

/**
 * Looks at everything from `from`, where no whole record begins, to the end of the file. A record counts when its
 * checksum holds and its sequence is one that can stand there, so a payload that quotes bytes does not pass for one.
 */
export function searchRemains(fd: number, from: number, lastSequence: number): Remains {
  const chunk = Buffer.allocUnsafe(2 * CHUNK_BYTES);
  const zeros = Buffer.alloc(4096);
  let offset = from;
  let usedEnd = from;
  let later = null as Counts | null;
  for (;;) {
    const filled = readFully(fd, chunk, offset);
    const atEnd = filled < chunk.length;
    // A record that begins in the first half is whole inside the chunk.
    const searchEnd = atEnd ? filled : filled - CHUNK_BYTES;
    let at = 0;
    while (at < searchEnd) {
      if (at % zeros.length === 0 && at + zeros.length <= filled && isZero(chunk, at, zeros)) {
        at += zeros.length;
        continue;
      }
      if (chunk[at] !== 0) usedEnd = offset + at + 1;
      if (at + HEADER_BYTES <= filled) {
        const sequence = frameSequence(chunk, at);
        const highest = lastSequence + 1 + Math.ceil((offset + at - from) / HEADER_BYTES);
        if (sequence > lastSequence && sequence <= highest && frameState(chunk, at, filled) === 'whole') {
          later = {
            sequence: Math.max(sequence, later?.sequence ?? 0),
            eventSequence: Math.max(frameEventSequence(chunk, at), later?.eventSequence ?? 0),
            epoch: Math.max(frameEpoch(chunk, at), later?.epoch ?? 0),
          };
          const next = at + frameBytes(chunk, at);
          usedEnd = offset + next;
          at = next;
          continue;
        }
      }
      at += 1;
    }
    if (atEnd) return { usedEnd, laterRecord: later };
    offset += at;
  }
}

function isZero(chunk: Buffer, at: number, zeros: Buffer): boolean {
  return chunk.compare(zeros, 0, zeros.length, at, at + zeros.length) === 0;
}
