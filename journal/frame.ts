/**
 * Bytes of the journal, little-endian.
 *
 * Record: a header of 48 bytes, then the payload.
 *   0 u32 payload length    4 u32 CRC-32      8 u64 sequence     16 u64 event sequence (0 for an input)
 *  24 u64 cause sequence   32 f64 at, ms     40 u16 kind         42 u16 version            44 u32 epoch
 * Segment header, the first 48 bytes of each file:
 *   0 u32 magic             4 u32 CRC-32      8 u64 first sequence   16 u64 last event sequence before it
 *  24 u64 first lost sequence (0: nothing)   32 u64 last event sequence before the loss
 *  40 u32 last epoch before it               44 u32 format
 * The CRC covers everything from byte 8 on and starts from the first word, so that all 48 bytes are covered. A run of
 * zeros is never a whole record: the CRC of zeros is not zero.
 */
import { crc32 } from 'node:zlib';
import { isEvent } from '../core/events/record.ts';

export const HEADER_BYTES = 48;
/** Larger payloads are a mistake of the caller, and a longer length on disk is damage. */
export const PAYLOAD_BYTES_MAX = 1024 * 1024;
const CRC_AT = 4;
const CHECKED_FROM = 8;
const TWO_32 = 4_294_967_296;
const SEGMENT_MAGIC = 0x314c4a54; // "TJL1"
const SEGMENT_FORMAT = 1;

/** Where a record begins: the segment's file name and the byte in it. */
export interface JournalPosition {
  readonly segment: string;
  readonly offset: number;
}

export interface JournalRecord {
  /** Contiguous from 1 over the bot's life. */
  readonly sequence: number;
  /** Contiguous from 1 over the bot's events; 0 for an input. */
  readonly eventSequence: number;
  readonly causeSequence: number;
  readonly epoch: number;
  readonly kind: number;
  readonly version: number;
  readonly atMs: number;
  /** A view of the reader's chunk: copy it to keep it for long. */
  readonly payload: Buffer;
  readonly position: JournalPosition;
}

export interface SegmentHeader {
  readonly firstSequence: number;
  /** Last event sequence before this segment. */
  readonly eventSequenceBefore: number;
  readonly epochBefore: number;
  /** Sequences [lostFromSequence, firstSequence) were lost to damage and acknowledged; 0 when nothing was. */
  readonly lostFromSequence: number;
  /** Last event sequence before the loss: events after it up to `eventSequenceBefore` are lost. */
  readonly eventSequenceBeforeLoss: number;
}

function readU64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4) * TWO_32 + bytes.readUInt32LE(at);
}

function writeU64(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / TWO_32);
  view.setUint32(at, value - high * TWO_32, true);
  view.setUint32(at + 4, high, true);
}

/** Frames the record whose payload already stands at `at + HEADER_BYTES`. `view` must look at the same bytes. */
export function sealRecord(
  bytes: Buffer,
  view: DataView,
  at: number,
  payloadLength: number,
  sequence: number,
  eventSequence: number,
  causeSequence: number,
  atMs: number,
  kind: number,
  version: number,
  epoch: number,
): void {
  view.setUint32(at, payloadLength, true);
  writeU64(view, at + 8, sequence);
  writeU64(view, at + 16, eventSequence);
  writeU64(view, at + 24, causeSequence);
  view.setFloat64(at + 32, atMs, true);
  view.setUint16(at + 40, kind, true);
  view.setUint16(at + 42, version, true);
  view.setUint32(at + 44, epoch, true);
  const checked = bytes.subarray(at + CHECKED_FROM, at + HEADER_BYTES + payloadLength);
  view.setUint32(at + CRC_AT, crc32(checked, payloadLength), true);
}

export function writeSegmentHeader(bytes: Buffer, view: DataView, at: number, header: SegmentHeader): void {
  view.setUint32(at, SEGMENT_MAGIC, true);
  writeU64(view, at + 8, header.firstSequence);
  writeU64(view, at + 16, header.eventSequenceBefore);
  writeU64(view, at + 24, header.lostFromSequence);
  writeU64(view, at + 32, header.eventSequenceBeforeLoss);
  view.setUint32(at + 40, header.epochBefore, true);
  view.setUint32(at + 44, SEGMENT_FORMAT, true);
  view.setUint32(at + CRC_AT, crc32(bytes.subarray(at + CHECKED_FROM, at + HEADER_BYTES), SEGMENT_MAGIC), true);
}

/** The segment header at `at`, or what is wrong with it. */
export function readSegmentHeader(bytes: Buffer, at: number): SegmentHeader | { readonly broken: string } {
  if (bytes.length < at + HEADER_BYTES) return { broken: 'the segment header is cut' };
  if (bytes.readUInt32LE(at) !== SEGMENT_MAGIC) return { broken: 'the segment header has no magic' };
  if (crc32(bytes.subarray(at + CHECKED_FROM, at + HEADER_BYTES), SEGMENT_MAGIC) !== bytes.readUInt32LE(at + CRC_AT)) {
    return { broken: 'the segment header fails its checksum' };
  }
  const format = bytes.readUInt32LE(at + 44);
  if (format !== SEGMENT_FORMAT) return { broken: `segment format: expected ${SEGMENT_FORMAT}, was ${format}` };
  return {
    firstSequence: readU64(bytes, at + 8),
    eventSequenceBefore: readU64(bytes, at + 16),
    lostFromSequence: readU64(bytes, at + 24),
    eventSequenceBeforeLoss: readU64(bytes, at + 32),
    epochBefore: bytes.readUInt32LE(at + 40),
  };
}

/** What stands at a place where a record may begin. `short`: more bytes are needed to tell. `empty`: zeros, not written yet. */
export type FrameState = 'whole' | 'short' | 'empty' | 'bad';

export function frameState(bytes: Buffer, at: number, end: number): FrameState {
  if (end - at < HEADER_BYTES) return 'short';
  const payloadLength = bytes.readUInt32LE(at);
  const crc = bytes.readUInt32LE(at + CRC_AT);
  if (payloadLength === 0 && crc === 0 && readU64(bytes, at + 8) === 0) return 'empty';
  if (payloadLength > PAYLOAD_BYTES_MAX) return 'bad';
  const next = at + HEADER_BYTES + payloadLength;
  if (next > end) return 'short';
  return crc32(bytes.subarray(at + CHECKED_FROM, next), payloadLength) === crc ? 'whole' : 'bad';
}

/** Bytes of the whole record at `at`. */
export function frameBytes(bytes: Buffer, at: number): number {
  return HEADER_BYTES + bytes.readUInt32LE(at);
}

export function frameSequence(bytes: Buffer, at: number): number {
  return readU64(bytes, at + 8);
}

export function frameEventSequence(bytes: Buffer, at: number): number {
  return readU64(bytes, at + 16);
}

export function frameKind(bytes: Buffer, at: number): number {
  return bytes.readUInt16LE(at + 40);
}

export function frameAtMs(bytes: Buffer, at: number): number {
  return bytes.readDoubleLE(at + 32);
}

export function frameEpoch(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 44);
}

/** A whole record in the right place also continues both counts. */
export function frameContinues(bytes: Buffer, at: number, lastSequence: number, lastEventSequence: number): boolean {
  const expectedEvent = isEvent(frameKind(bytes, at)) ? lastEventSequence + 1 : 0;
  return frameSequence(bytes, at) === lastSequence + 1 && frameEventSequence(bytes, at) === expectedEvent;
}

/** The whole record at `at`; `offset` is its place in the segment file. */
export function readRecord(bytes: Buffer, at: number, segment: string, offset: number): JournalRecord {
  return {
    sequence: readU64(bytes, at + 8),
    eventSequence: readU64(bytes, at + 16),
    causeSequence: readU64(bytes, at + 24),
    epoch: bytes.readUInt32LE(at + 44),
    kind: bytes.readUInt16LE(at + 40),
    version: bytes.readUInt16LE(at + 42),
    atMs: bytes.readDoubleLE(at + 32),
    payload: bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + bytes.readUInt32LE(at)),
    position: { segment, offset },
  };
}
