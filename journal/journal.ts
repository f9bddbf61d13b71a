/**
 * A bot's append-only log. `append` frames a record into memory and returns; the journal writes whenever the disk is free:
 * while one flush is on its way, what comes meanwhile gathers for the next. No timer, one flush at a time.
 *
 * Modes: open -> failed (the disk said no; nothing is appended or acknowledged any more) or closed. Nothing leads back.
 */
import { close, constants, existsSync, fsync, ftruncate, mkdirSync, openSync, write } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isEvent } from '../core/events/record.ts';
import { invariant } from '../core/invariant.ts';
import { JournalFailed } from './errors.ts';
import { HEADER_BYTES, PAYLOAD_BYTES_MAX, sealRecord, writeSegmentHeader } from './frame.ts';
import { lockJournal, type JournalLock } from './lock.ts';
import type { Log } from '../core/log.ts';
import { recoverJournal, type AppendPoint, type JournalRecovery } from './recovery.ts';
import { segmentName } from './segment.ts';
import { createSegmentFile, createSpareSegment, type SpareSegment } from './spare.ts';

export type { JournalRecovery } from './recovery.ts';

export interface OpenJournalOptions {
  /** The bot's own folder; created when missing. */
  readonly dir: string;
  readonly log: Log;
  /** Size at which the next segment begins, default 64 MiB. */
  readonly segmentBytes?: number;
  /** Open a damaged journal and accept its loss, which stays on record. Never set by a program on its own. */
  readonly acknowledgeDamage?: boolean;
  /** With it: numbers up to this one may have been used, whatever the journal says; counting goes on above. */
  readonly continueAbove?: number;
  /** Called once, when the disk refuses. The same error resolves `failed`. */
  readonly onFailure?: (failure: Error) => void;
}

const SEGMENT_BYTES = 64 * 1024 * 1024;
/** The next segment is ready when this one is two thirds full. */
const SPARE_LEAD = 1.5;
const AT_MS_MAX = 8.64e15;
const BATCH_BYTES = 256 * 1024;
/** More than this waiting means a disk that hangs: the journal fails rather than fill the memory. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;
/** With O_DSYNC a write returns when its data is on disk, as write and fdatasync do, but in one trip to the thread pool. */
const WRITE_SYNCED = constants.O_RDWR | constants.O_DSYNC;

const fsyncAsync = promisify(fsync);
const ftruncateAsync = promisify(ftruncate);
const closeAsync = promisify(close);

/**
 * Opens for appending; at most one process at a time.
 * Throws `JournalLocked`, or `JournalDamaged` when the middle of the journal is not whole and nobody accepted that.
 */
export async function openJournal(
  options: OpenJournalOptions,
): Promise<{ journal: Journal; recovery: JournalRecovery }> {
  const { dir, log, segmentBytes = SEGMENT_BYTES, acknowledgeDamage = false, continueAbove = 0 } = options;
  invariant(segmentBytes > 2 * HEADER_BYTES, 'a segment holds more than its header');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const lock = lockJournal(dir);
  try {
    const { recovery, appendAt } = recoverJournal(dir, { acknowledgeDamage, continueAbove, log });
    const spare = createSpareSegment(dir, segmentBytes, log);
    const point = appendAt ?? { segment: segmentName(recovery.lastSequence + 1), offset: 0 };
    if (!existsSync(join(dir, point.segment))) await createSegmentFile(join(dir, point.segment), segmentBytes);
    const dirFd = openSync(dir, 'r');
    await fsyncAsync(dirFd);
    return { journal: new Journal({ ...options, segmentBytes }, { recovery, point, spare, lock, dirFd }), recovery };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Records framed and not yet written. `turns` are the places where a new segment begins, each with its first sequence. */
class Batch {
  bytes = Buffer.allocUnsafeSlow(BATCH_BYTES);
  view = new DataView(this.bytes.buffer);
  used = 0;
  lastSequence = 0;
  turns: { at: number; firstSequence: number }[] = [];
  #settled: { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } | null = null;

  reserve(bytes: number): void {
    if (this.used + bytes <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.used + bytes));
    this.bytes.copy(larger, 0, 0, this.used);
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }

  /** One promise for all who wait for this batch. */
  settled(): Promise<void> {
    if (this.#settled === null) {
      let resolve!: () => void;
      let reject!: (error: Error) => void;
      const promise = new Promise<void>((yes, no) => {
        resolve = yes;
        reject = no;
      });
      this.#settled = { promise, resolve, reject };
    }
    return this.#settled.promise;
  }

  settle(failure: Error | null): void {
    if (failure === null) this.#settled?.resolve();
    else this.#settled?.reject(failure);
    this.#settled = null;
    this.used = 0;
    if (this.turns.length > 0) this.turns = [];
    // One burst does not keep its memory for good.
    if (this.bytes.length > 4 * BATCH_BYTES) {
      this.bytes = Buffer.allocUnsafeSlow(BATCH_BYTES);
      this.view = new DataView(this.bytes.buffer);
    }
  }
}

interface Opened {
  readonly recovery: JournalRecovery;
  readonly point: AppendPoint;
  readonly spare: SpareSegment;
  readonly lock: JournalLock;
  readonly dirFd: number;
}

export class Journal {
  /** Resolves with the error when the disk refuses; otherwise stays open. */
  readonly failed: Promise<Error>;
  readonly #dir: string;
  readonly #segmentBytes: number;
  readonly #log: Log;
  readonly #spare: SpareSegment;
  readonly #lock: JournalLock;
  readonly #dirFd: number;
  readonly #reportFailure: (failure: Error) => void;
  /** Takes what is appended now. */
  #filling = new Batch();
  /** On its way to the disk, or at rest. */
  #flushing = new Batch();
  #flush: Promise<void> = Promise.resolve();
  #busy = false;
  #flushAsked = false;
  #failure: Error | null = null;
  #closed = false;
  #sequence: number;
  #eventSequence: number;
  #epoch: number;
  #durableSequence: number;
  /** Bytes of the newest segment, those in memory included. */
  #segmentUsed: number;
  #fd: number;
  #diskOffset: number;
  #sealing: Promise<void> = Promise.resolve();

  constructor(options: OpenJournalOptions & { segmentBytes: number }, opened: Opened) {
    this.#dir = options.dir;
    this.#segmentBytes = options.segmentBytes;
    this.#log = options.log;
    this.#spare = opened.spare;
    this.#lock = opened.lock;
    this.#dirFd = opened.dirFd;
    this.#sequence = opened.recovery.lastSequence;
    this.#eventSequence = opened.recovery.lastEventSequence;
    this.#epoch = opened.recovery.lastEpoch;
    this.#durableSequence = this.#sequence;
    this.#segmentUsed = opened.point.offset;
    this.#diskOffset = opened.point.offset;
    this.#fd = openSync(join(this.#dir, opened.point.segment), WRITE_SYNCED);
    let report!: (failure: Error) => void;
    this.failed = new Promise((resolve) => (report = resolve));
    this.#reportFailure = (failure) => {
      report(failure);
      options.onFailure?.(failure);
    };
  }

  /** Everything up to here survives a power cut. */
  get durableSequence(): number {
    return this.#durableSequence;
  }

  get nextSequence(): number {
    return this.#sequence + 1;
  }

  /** Sequence that the next event gets. */
  get nextEventSequence(): number {
    return this.#eventSequence + 1;
  }

  /**
   * Frames one record and returns its sequence; it is durable when a later `durable()` resolves.
   * Throws `JournalFailed` after a failure of the disk.
   */
  append(
    kind: number,
    epoch: number,
    causeSequence: number,
    atMs: number,
    payload: Uint8Array | string,
    version = 1,
  ): number {
    if (this.#failure !== null) throw this.#failure;
    invariant(!this.#closed, 'nothing is appended to a closed journal');
    invariant(atMs >= 0 && atMs <= AT_MS_MAX, 'a record has a time between 1970 and what a Date can hold');
    const text = typeof payload === 'string';
    const length = text ? Buffer.byteLength(payload) : payload.length;
    invariant(length <= PAYLOAD_BYTES_MAX, 'a journal payload has at most 1 MiB');
    const total = HEADER_BYTES + length;
    const batch = this.#filling;
    if (batch.used + total > WAITING_BYTES_MAX) {
      this.#fail(new Error(`${batch.used} bytes wait for the disk`));
      throw this.#failure as unknown as Error;
    }
    batch.reserve(total + HEADER_BYTES);
    if (this.#segmentUsed === 0 || this.#isFullFor(total)) this.#beginSegment(batch);
    const at = batch.used;
    if (text) batch.bytes.write(payload, at + HEADER_BYTES, length, 'utf8');
    else batch.bytes.set(payload, at + HEADER_BYTES);
    const sequence = this.#sequence + 1;
    const event = isEvent(kind);
    const eventSequence = event ? this.#eventSequence + 1 : 0;
    sealRecord(batch.bytes, batch.view, at, length, sequence, eventSequence, causeSequence, atMs, kind, version, epoch);
    this.#sequence = sequence;
    if (event) this.#eventSequence = eventSequence;
    this.#epoch = epoch;
    batch.lastSequence = sequence;
    batch.used = at + total;
    this.#segmentUsed += total;
    if (!this.#busy && !this.#flushAsked) {
      this.#flushAsked = true;
      queueMicrotask(this.#startFlush);
    }
    return sequence;
  }

  /** Resolves when everything appended before this call is on disk; rejects with `JournalFailed`. */
  durable(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#durableSequence === this.#sequence) return Promise.resolve();
    return this.#filling.used > 0 ? this.#filling.settled() : this.#flushing.settled();
  }

  /** Flushes, then lets go of the journal. After a failure it only lets go. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      if (this.#failure === null) await this.durable();
      await this.#flush;
    } finally {
      await this.#spare.stop();
      await this.#sealing;
      await closeAsync(this.#fd);
      await closeAsync(this.#dirFd);
      this.#lock.release();
    }
  }

  /** A record larger than a segment gets one to itself. */
  #isFullFor(bytes: number): boolean {
    return this.#segmentUsed > HEADER_BYTES && this.#segmentUsed + bytes > this.#segmentBytes;
  }

  #beginSegment(batch: Batch): void {
    if (this.#segmentUsed > 0) batch.turns.push({ at: batch.used, firstSequence: this.#sequence + 1 });
    writeSegmentHeader(batch.bytes, batch.view, batch.used, {
      firstSequence: this.#sequence + 1,
      eventSequenceBefore: this.#eventSequence,
      epochBefore: this.#epoch,
      lostFromSequence: 0,
      eventSequenceBeforeLoss: 0,
    });
    batch.used += HEADER_BYTES;
    this.#segmentUsed = HEADER_BYTES;
  }

  readonly #startFlush = (): void => {
    this.#flushAsked = false;
    if (this.#failure !== null) return;
    this.#busy = true;
    this.#flush = this.#flushAll();
  };

  async #flushAll(): Promise<void> {
    while (this.#filling.used > 0) {
      const batch = this.#filling;
      this.#filling = this.#flushing;
      this.#flushing = batch;
      try {
        await this.#writeBatch(batch);
      } catch (error) {
        this.#fail(error as Error);
        break;
      }
      this.#durableSequence = batch.lastSequence;
      batch.settle(null);
      this.#spare.advanceTo(SPARE_LEAD * this.#diskOffset);
    }
    this.#busy = false;
  }

  async #writeBatch(batch: Batch): Promise<void> {
    let from = 0;
    for (const turn of batch.turns) {
      await this.#write(batch.bytes, from, turn.at);
      await this.#turn(turn.firstSequence);
      from = turn.at;
    }
    await this.#write(batch.bytes, from, batch.used);
  }

  #write(bytes: Buffer, from: number, to: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = (): void => {
        if (from === to) return resolve();
        write(this.#fd, bytes, from, to - from, this.#diskOffset, (error, written) => {
          if (error) return reject(error);
          // A full disk can take a part: the rest then says why.
          from += written;
          this.#diskOffset += written;
          step();
        });
      };
      step();
    });
  }

  /** Goes on in the next segment. The one before is durable already; its unused zeros go in the background. */
  async #turn(firstSequence: number): Promise<void> {
    const segment = segmentName(firstSequence);
    await this.#spare.takeAs(segment);
    await fsyncAsync(this.#dirFd);
    const sealed = this.#fd;
    const sealedBytes = this.#diskOffset;
    this.#fd = openSync(join(this.#dir, segment), WRITE_SYNCED);
    this.#diskOffset = 0;
    this.#sealing = this.#sealing
      .then(() => ftruncateAsync(sealed, sealedBytes))
      .catch((error: unknown) =>
        this.#log.warn('journal segment not trimmed', { dir: this.#dir, error: String(error) }),
      )
      .then(() => closeAsync(sealed))
      .catch(() => {});
  }

  #fail(cause: Error): void {
    if (this.#failure !== null) return;
    const failure = new JournalFailed(`${this.#dir}: ${cause.message}`, { cause });
    this.#failure = failure;
    this.#log.error('journal failed', { dir: this.#dir, error: cause.message, durableSequence: this.#durableSequence });
    this.#flushing.settle(failure);
    this.#filling.settle(failure);
    this.#reportFailure(failure);
  }
}
