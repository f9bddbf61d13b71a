/**
 * Where things stand in a journal, found by its record headers alone: no payload is decoded and no checksum computed, so a
 * day of a bot is looked through in a fraction of a second. What is found is a place to read from; the reader checks what
 * stands there. An index is one look at the journal: of what is appended later it knows nothing.
 */
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { isEvent, RecordKind } from '../core/events/record.ts';
import {
  frameAtMs,
  frameBytes,
  frameEpoch,
  frameEventSequence,
  frameKind,
  frameSequence,
  HEADER_BYTES,
  PAYLOAD_BYTES_MAX,
  readSegmentHeader,
  type SegmentHeader,
} from './frame.ts';
import type { JournalBookmark } from './reader.ts';
import { readFully, segmentsIn } from './segment.ts';

/** A record without what it says. */
export interface RecordMark {
  readonly sequence: number;
  readonly kind: number;
  readonly epoch: number;
  readonly atMs: number;
}

/** A state snapshot or a start of the bot: where a replay begins. */
export interface Waypoint extends RecordMark {
  /** The event in front of it: from there it is read without all of its segment. Null at the beginning of a segment. */
  readonly eventBefore: JournalBookmark | null;
}

interface SegmentMarks {
  readonly lastInput: RecordMark | null;
  readonly snapshots: readonly Waypoint[];
  readonly starts: readonly Waypoint[];
}

interface Segment {
  readonly name: string;
  readonly header: SegmentHeader;
  readonly first: RecordMark;
}

/** Looks at the record at `at`; the bytes are overwritten afterwards. */
export type VisitRecord = (bytes: Buffer, at: number, offset: number) => void | 'stop';

/** Holds any record, so that one is always whole in the chunk that begins with it. */
const CHUNK_BYTES = 2 * (PAYLOAD_BYTES_MAX + HEADER_BYTES);

export function isInput(kind: number): boolean {
  return !isEvent(kind) && kind !== RecordKind.stateSnapshot;
}

export class JournalIndex {
  readonly #dir: string;
  readonly #segments: Segment[] = [];
  readonly #marks = new Map<Segment, SegmentMarks>();
  readonly #chunk = Buffer.allocUnsafe(CHUNK_BYTES);

  constructor(dir: string) {
    this.#dir = dir;
    for (const name of existsSync(dir) ? segmentsIn(dir) : []) {
      const fd = openSync(join(dir, name), 'r');
      const filled = readFully(fd, this.#chunk.subarray(0, 2 * HEADER_BYTES), 0);
      closeSync(fd);
      const header = readSegmentHeader(this.#chunk.subarray(0, filled), 0);
      // The newest one may have its name and nothing else yet.
      if ('broken' in header || filled < 2 * HEADER_BYTES) continue;
      if (frameSequence(this.#chunk, HEADER_BYTES) !== header.firstSequence) continue;
      this.#segments.push({ name, header, first: markAt(this.#chunk, HEADER_BYTES) });
    }
  }

  /** The oldest record; null in a journal without any. */
  get first(): RecordMark | null {
    return this.#segments[0]?.first ?? null;
  }

  get lastInput(): RecordMark | null {
    return this.#findLast(({ lastInput }) => lastInput);
  }

  /** Parts whose loss somebody accepted, oldest first: the records that they lie between. */
  get losses(): { readonly before: RecordMark | null; readonly after: RecordMark }[] {
    return this.#segments.flatMap(({ header, first }, index) => {
      if (header.lostFromSequence === 0) return [];
      const segment = this.#segments[index - 1];
      return [{ before: segment === undefined ? null : this.#marksOf(segment).lastInput, after: first }];
    });
  }

  /** The last state snapshot that is no later than record `sequence`. */
  snapshotBefore(sequence: number): Waypoint | null {
    return this.#findLast(({ snapshots }) => snapshots.findLast((mark) => mark.sequence <= sequence), sequence);
  }

  /** The start of the run that record `sequence` belongs to, or that it is. */
  startBefore(sequence: number): Waypoint | null {
    let epoch = NaN;
    for (const segment of this.#segments.toReversed()) {
      if (segment.first.sequence > sequence || isAllOf(segment, epoch)) continue;
      const start = this.#marksOf(segment).starts.findLast((mark) => mark.sequence <= sequence);
      if (start !== undefined) return start;
      epoch = segment.header.epochBefore;
    }
    return null;
  }

  /** The start of the run `epoch`. */
  startOf(epoch: number): Waypoint | null {
    for (const segment of this.#segments.toReversed()) {
      if (segment.header.epochBefore > epoch || isAllOf(segment, epoch)) continue;
      const start = this.#marksOf(segment).starts.find((mark) => mark.epoch === epoch);
      if (start !== undefined) return start;
      if (segment.header.epochBefore < epoch) return null;
    }
    return null;
  }

  /** The last input no later than `atMs`; null when the first one came later. Clocks may be set back between two runs. */
  inputAt(atMs: number): RecordMark | null {
    for (const [index, segment] of [...this.#segments.entries()].toReversed()) {
      const next = this.#segments[index + 1];
      const isOneRun = next !== undefined && next.header.epochBefore === segment.header.epochBefore;
      if (isOneRun && segment.first.atMs > atMs) continue;
      let found = null as RecordMark | null;
      this.#walkSegment(segment, (bytes, at) => {
        if (isInput(frameKind(bytes, at)) && frameAtMs(bytes, at) <= atMs) found = markAt(bytes, at);
      });
      if (found !== null) return found;
    }
    return null;
  }

  /** The first input behind record `sequence`; null when there is none. */
  inputAfter(sequence: number): RecordMark | null {
    let found = null as RecordMark | null;
    this.walk(sequence + 1, (bytes, at) => {
      if (!isInput(frameKind(bytes, at))) return undefined;
      found = markAt(bytes, at);
      return 'stop';
    });
    return found;
  }

  /** Every record from `fromSequence` on, in order. */
  walk(fromSequence: number, visit: VisitRecord): void {
    const begin = this.#segments.findLastIndex(({ first }) => first.sequence <= fromSequence);
    for (const segment of this.#segments.slice(Math.max(begin, 0))) {
      const isStopped = this.#walkSegment(segment, (bytes, at, offset) =>
        frameSequence(bytes, at) < fromSequence ? undefined : visit(bytes, at, offset),
      );
      if (isStopped) return;
    }
  }

  #findLast<T>(pick: (marks: SegmentMarks) => T | null | undefined, sequenceMax = Infinity): T | null {
    for (const segment of this.#segments.toReversed()) {
      if (segment.first.sequence > sequenceMax) continue;
      const found = pick(this.#marksOf(segment));
      if (found !== null && found !== undefined) return found;
    }
    return null;
  }

  #marksOf(segment: Segment): SegmentMarks {
    const known = this.#marks.get(segment);
    if (known !== undefined) return known;
    const marks = this.#lookThrough(segment);
    this.#marks.set(segment, marks);
    return marks;
  }

  #lookThrough(segment: Segment): SegmentMarks {
    const snapshots: Waypoint[] = [];
    const starts: Waypoint[] = [];
    const lastInput = { sequence: 0, kind: 0, epoch: 0, atMs: 0 };
    const event = { offset: 0, sequence: 0, eventSequence: 0 };
    this.#walkSegment(segment, (bytes, at, offset) => {
      const kind = frameKind(bytes, at);
      if (isEvent(kind)) {
        event.offset = offset;
        event.sequence = frameSequence(bytes, at);
        event.eventSequence = frameEventSequence(bytes, at);
        return;
      }
      if (isInput(kind)) readMark(bytes, at, lastInput);
      if (kind !== RecordKind.stateSnapshot && kind !== RecordKind.startInput) return;
      const { sequence, eventSequence } = event;
      const position = { segment: segment.name, offset: event.offset };
      const eventBefore = sequence === 0 ? null : { position, sequence, eventSequence };
      (kind === RecordKind.startInput ? starts : snapshots).push({ ...markAt(bytes, at), eventBefore });
    });
    return { lastInput: lastInput.sequence === 0 ? null : lastInput, snapshots, starts };
  }

  /** Follows the headers of a segment as far as they follow each other; true when the visitor stopped it. */
  #walkSegment({ name, first }: Segment, visit: VisitRecord): boolean {
    const fd = openSync(join(this.#dir, name), 'r');
    try {
      let offset = HEADER_BYTES;
      let sequence = first.sequence;
      for (;;) {
        const filled = readFully(fd, this.#chunk, offset);
        let at = 0;
        while (at + HEADER_BYTES <= filled && frameSequence(this.#chunk, at) === sequence) {
          const next = at + frameBytes(this.#chunk, at);
          if (next > filled) break;
          if (visit(this.#chunk, at, offset + at) === 'stop') return true;
          sequence += 1;
          at = next;
        }
        if (at === 0 || filled < this.#chunk.length) return false;
        offset += at;
      }
    } finally {
      closeSync(fd);
    }
  }
}

/** The run was under way when the segment began: the segment does not hold its start. A snapshot may stand before that. */
function isAllOf({ header, first }: Segment, epoch: number): boolean {
  return header.epochBefore === epoch && first.kind !== RecordKind.startInput;
}

function markAt(bytes: Buffer, at: number): RecordMark {
  return readMark(bytes, at, { sequence: 0, kind: 0, epoch: 0, atMs: 0 });
}

/** Into an object of the caller's: of a million records few are wanted. */
function readMark(bytes: Buffer, at: number, into: { -readonly [K in keyof RecordMark]: RecordMark[K] }): RecordMark {
  into.sequence = frameSequence(bytes, at);
  into.kind = frameKind(bytes, at);
  into.epoch = frameEpoch(bytes, at);
  into.atMs = frameAtMs(bytes, at);
  return into;
}
