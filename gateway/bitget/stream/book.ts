/**
 * The venue's whole book of one symbol, kept from its incremental channel, and the proof that nothing is missing in it.
 *
 *   lost --snapshot--> good --update that follows, is on the grid, uncrossed and has the right checksum--> good
 *   good --anything else--> lost (throws `BookFault`); a lost book ignores updates
 *
 * Every update must prove its place: by `pseq`, which names the `seq` before it, by the CRC-32 of the best 25 levels, or
 * by both where the venue sends both. One that carries neither proves nothing and is refused.
 */
import { crc32 } from 'node:zlib';
import { BOOK_DEPTH, createBookFrame, type BookFrame } from '../../../core/market/book.ts';
import type { Instrument } from '../../../core/market/instrument.ts';
import { toSteps, type Grid } from '../../../core/money/grid.ts';
import { VenueMalformed } from '../../venue.ts';
import { BookSide } from './book-side.ts';
import { readSequence, type Sequence } from './sequence.ts';

export type BookFaultKind = 'gap' | 'checksum' | 'malformed';

/** The book is not to be trusted any more, and why. */
export class BookFault extends VenueMalformed {
  readonly kind: BookFaultKind;
  constructor(kind: BookFaultKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** One record of a book message, in either of the venue's dialects. */
export interface BookRow {
  readonly bids?: unknown;
  readonly asks?: unknown;
  readonly b?: unknown;
  readonly a?: unknown;
  readonly ts?: unknown;
  readonly seq?: unknown;
  readonly pseq?: unknown;
  readonly checksum?: unknown;
}

/** Levels under the CRC-32, from the venue's rule. */
const CHECKSUM_LEVELS = 25;
/** The venue sends 500 or 1,000 levels a side; a book that grows far beyond is not cleaned up by anyone. */
const LEVELS_MAX = 20_000;

export class ReplicatedBook {
  /** The best levels; of use only while the book is good. */
  readonly frame: BookFrame = createBookFrame();
  readonly bids = new BookSide('bids');
  readonly asks = new BookSide('asks');
  private readonly symbol: string;
  private readonly tick: Grid;
  private readonly lot: Grid;
  private good = false;
  private seq: Sequence | null = null;
  /** Newest sequence seen on this connection: a snapshot from before it is not the state now. */
  private newestSeq: Sequence | null = null;
  /** Sticky: the venue sends checksums, so the texts of the levels are kept. */
  private hasChecksums = false;

  constructor({ symbol, priceGrid, qtyGrid }: Instrument) {
    this.symbol = symbol;
    this.tick = priceGrid;
    this.lot = qtyGrid;
  }

  get isGood(): boolean {
    return this.good;
  }

  /** Nothing is known any more; `sequencesToo` on a new connection, where the venue may count anew. */
  lose(sequencesToo: boolean): void {
    this.good = false;
    if (sequencesToo) this.newestSeq = null;
  }

  /**
   * Applies one message; `text` is the frame it came in. False when it told nothing new. Throws `BookFault` when the
   * book is lost with it.
   */
  apply(action: unknown, row: BookRow, text: string): boolean {
    if (action !== 'snapshot' && !this.good) return false;
    // Whatever is thrown below leaves a lost book behind.
    this.good = false;
    let isNew = true;
    if (action === 'snapshot') this.applySnapshot(row, text);
    else if (action === 'update') isNew = this.applyUpdate(row, text);
    else throw this.fault('malformed', `unknown action ${JSON.stringify(action)}`);
    if (isNew) this.publish(row.ts);
    this.good = true;
    return isNew;
  }

  private applySnapshot(row: BookRow, text: string): void {
    const seq = readSequence(row.seq, 'seq', text);
    if (seq === undefined) throw this.fault('malformed', 'seq is no whole number');
    if (seq !== null && this.newestSeq !== null && seq < this.newestSeq) {
      throw this.fault('gap', `snapshot ${seq} is older than ${this.newestSeq}`);
    }
    if (row.checksum !== undefined) this.hasChecksums = true;
    this.seq = seq;
    if (seq !== null) this.newestSeq = seq;
    this.bids.clear(this.hasChecksums);
    this.asks.clear(this.hasChecksums);
    this.applyLevels(this.bids, row.bids ?? row.b, true);
    this.applyLevels(this.asks, row.asks ?? row.a, true);
    this.checkSum(row.checksum);
  }

  /** False when the update is part of the book already. */
  private applyUpdate(row: BookRow, text: string): boolean {
    const seq = readSequence(row.seq, 'seq', text);
    const pseq = readSequence(row.pseq, 'pseq', text);
    if (seq === undefined || pseq === undefined) throw this.fault('malformed', 'seq or pseq is no whole number');
    if (seq !== null && seq === this.seq) return false;
    if (seq !== null && this.seq !== null && seq < this.seq) {
      // Told twice. A chain that really starts again is newer by its time.
      if (Number(row.ts) <= this.frame.venueAtMs) return false;
      throw this.fault('gap', `update ${seq} comes after ${this.seq}`);
    }
    if (seq !== null && (this.newestSeq === null || seq > this.newestSeq)) this.newestSeq = seq;
    if (pseq !== null && (seq === null || pseq !== this.seq)) {
      throw this.fault('gap', `update follows ${pseq}, the book is at ${this.seq}`);
    }
    // A checksum alone does not tell an old state that looks like now from now.
    if (pseq === null && !(Number(row.ts) >= this.frame.venueAtMs)) {
      throw this.fault('gap', `update of ${JSON.stringify(row.ts)} comes after ${this.frame.venueAtMs}`);
    }
    this.applyLevels(this.bids, row.bids ?? row.b, false);
    this.applyLevels(this.asks, row.asks ?? row.a, false);
    const isProved = this.checkSum(row.checksum);
    if (pseq === null && !isProved) throw this.fault('malformed', 'update carries neither pseq nor checksum');
    this.seq = seq;
    return true;
  }

  private applyLevels(side: BookSide, levels: unknown, isSnapshot: boolean): void {
    if (!Array.isArray(levels)) throw this.fault('malformed', 'levels are no list');
    // Worst first: a snapshot then only ever appends.
    for (let i = levels.length - 1; i >= 0; i -= 1) {
      const level = levels[i] as unknown;
      const price: unknown = Array.isArray(level) ? level[0] : undefined;
      const size: unknown = Array.isArray(level) ? level[1] : undefined;
      const ticks = toSteps(price, this.tick);
      const lots = toSteps(size, this.lot);
      if (ticks <= 0 || lots < 0 || (isSnapshot && lots === 0)) {
        throw this.fault('malformed', `level ${i} is ${JSON.stringify(level)?.slice(0, 80)}`);
      }
      side.set(ticks, lots, price as string, size as string);
    }
    if (isSnapshot && side.count !== levels.length) throw this.fault('malformed', 'a price stands twice in a snapshot');
    if (side.count > LEVELS_MAX) throw this.fault('malformed', `more than ${LEVELS_MAX} levels`);
  }

  /** Whether the checksum proves the book; throws when it speaks against it. 0 means that none was sent. */
  private checkSum(sent: unknown): boolean {
    if (sent === undefined || sent === null || sent === '') return false;
    const expected = Number(sent);
    if (!Number.isInteger(expected)) throw this.fault('malformed', `checksum is ${JSON.stringify(sent)}`);
    if (expected === 0) return false;
    const computed = this.checksum();
    if (computed === null) {
      this.hasChecksums = true;
      throw this.fault('malformed', 'a checksum that the snapshot did not announce');
    }
    if (computed !== expected) throw this.fault('checksum', `checksum is ${computed}, the venue says ${expected}`);
    return true;
  }

  /** CRC-32 as a signed number over bid and ask in turn, price and size as sent; null while no texts are kept. */
  checksum(): number | null {
    const { bids, asks } = this;
    if (!bids.keepsTexts) return null;
    let joined = '';
    for (let depth = 0; depth < CHECKSUM_LEVELS; depth += 1) {
      const bid = bids.textAt(depth);
      const ask = asks.textAt(depth);
      if (bid !== undefined) joined += `:${bid}`;
      if (ask !== undefined) joined += `:${ask}`;
    }
    return crc32(joined.slice(1)) | 0;
  }

  private publish(ts: unknown): void {
    const { frame, bids, asks } = this;
    const venueAtMs = Number(ts);
    if (!(venueAtMs > 0)) throw this.fault('malformed', `time is ${JSON.stringify(ts)}`);
    if (bids.count + asks.count === 0) throw this.fault('malformed', 'no level on any side');
    if (bids.bestTicks() >= asks.bestTicks()) {
      throw this.fault('malformed', `crossed, bid ${bids.bestTicks()} and ask ${asks.bestTicks()} ticks`);
    }
    frame.venueAtMs = venueAtMs;
    frame.bidCount = copyTop(bids, frame.bidTicks, frame.bidLots);
    frame.askCount = copyTop(asks, frame.askTicks, frame.askLots);
  }

  private fault(kind: BookFaultKind, what: string): BookFault {
    return new BookFault(kind, `book ${this.symbol}: ${what}`);
  }
}

function copyTop(side: BookSide, ticks: Float64Array, lots: Float64Array): number {
  const count = Math.min(side.count, BOOK_DEPTH);
  for (let depth = 0; depth < count; depth += 1) {
    ticks[depth] = side.ticksAt(depth);
    lots[depth] = side.lotsAt(depth);
  }
  return count;
}
