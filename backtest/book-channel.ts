/**
 * What a bot sees of a recorded book: its first levels, looked at once a push interval as a venue's channel does, told when
 * they have changed and `feedMs` later than they were so. Unchanged ones are told once a second: silence and sameness stay
 * apart. Nothing is allocated; frames under way lie in a ring that is reused.
 */
import type { BookLevels, RecordedBook } from '../core/fill-model/book-levels.ts';
import { BOOK_DEPTH, createBookFrame, type BookFrame } from '../core/market/book.ts';
import { Due, type DueTimes } from './due.ts';

/** As the process around a live bot does it. */
const SAME_BOOK_MS = 1_000;
const RING_AT_START = 4;

export class BookChannel {
  private readonly book: RecordedBook;
  private readonly pushMs: number;
  private readonly feedMs: number;
  private ring = Array.from({ length: RING_AT_START }, createBookFrame);
  /** Frames under way are [first, first + count) of the ring, each told at its `venueAtMs + feedMs`. */
  private first = 0;
  private count = 0;
  /** The frame that was sent last; its first levels are what the next look is compared with. */
  private last = createBookFrame();
  private isTouched = true;

  private readonly due: DueTimes;

  /**
   * The first look is at `fromMs`. A `pushMs` of 0 looks after every frame of the recording. Keeps `due` of its looks and
   * of the oldest frame under way.
   */
  constructor(book: RecordedBook, pushMs: number, feedMs: number, fromMs: number, due: DueTimes) {
    this.book = book;
    this.pushMs = pushMs;
    this.feedMs = feedMs;
    this.due = due;
    due[Due.push] = fromMs;
    this.last.venueAtMs = -Infinity;
  }

  /** The recorded book was changed. */
  touch(atMs: number): void {
    this.isTouched = true;
    if (this.pushMs === 0) this.look(atMs);
  }

  /** Looks that are due by `atMs`. */
  pushUntil(atMs: number): void {
    const { due, pushMs } = this;
    for (let dueMs = due[Due.push]!; dueMs <= atMs; dueMs = due[Due.push]!) {
      this.look(dueMs);
      due[Due.push] = dueMs + (pushMs === 0 ? SAME_BOOK_MS : pushMs);
    }
  }

  /** The oldest frame that is told by `atMs`, to be read before the next look; null when there is none. */
  take(atMs: number): BookFrame | null {
    if (this.due[Due.book]! > atMs) return null;
    const frame = this.ring[this.first]!;
    this.first = (this.first + 1) % this.ring.length;
    this.count -= 1;
    this.noteDue();
    return frame;
  }

  private look(atMs: number): void {
    const isOld = atMs - this.last.venueAtMs >= SAME_BOOK_MS;
    if (!isOld && !(this.isTouched && this.hasChanged())) {
      this.isTouched = false;
      return;
    }
    this.isTouched = false;
    if (this.count === this.ring.length) this.grow();
    const frame = this.ring[(this.first + this.count) % this.ring.length]!;
    this.count += 1;
    frame.venueAtMs = atMs;
    frame.bidCount = copyTop(this.book.bids, frame.bidTicks, frame.bidLots);
    frame.askCount = copyTop(this.book.asks, frame.askTicks, frame.askLots);
    this.last = frame;
    this.noteDue();
  }

  private noteDue(): void {
    this.due[Due.book] = this.count === 0 ? Infinity : this.ring[this.first]!.venueAtMs + this.feedMs;
  }

  private hasChanged(): boolean {
    const { bidCount, askCount, bidTicks, bidLots, askTicks, askLots } = this.last;
    return differs(this.book.bids, bidCount, bidTicks, bidLots) || differs(this.book.asks, askCount, askTicks, askLots);
  }

  /** The ring in a new array, its oldest frame first. */
  private grow(): void {
    const { ring, first } = this;
    this.ring = [
      ...ring.slice(first),
      ...ring.slice(0, first),
      ...Array.from({ length: ring.length }, createBookFrame),
    ];
    this.first = 0;
  }
}

function copyTop(levels: BookLevels, ticks: Float64Array, lots: Float64Array): number {
  const count = levels.count < BOOK_DEPTH ? levels.count : BOOK_DEPTH;
  for (let depth = 0; depth < count; depth++) {
    ticks[depth] = levels.priceAt(depth);
    lots[depth] = levels.sizeAt(depth);
  }
  return count;
}

function differs(levels: BookLevels, count: number, ticks: Float64Array, lots: Float64Array): boolean {
  if (count !== (levels.count < BOOK_DEPTH ? levels.count : BOOK_DEPTH)) return true;
  for (let depth = 0; depth < count; depth++) {
    if (levels.priceAt(depth) !== ticks[depth] || levels.sizeAt(depth) !== lots[depth]) return true;
  }
  return false;
}
