/** Everything that a bot is told in a recorded market: books, timers, answers and fills, as a journal brings them back. */
import type { BotConfig } from '../../core/bot/bot-config.ts';
import { decodeInput, encodeInput } from '../../core/bot/input-codec.ts';
import type { BookInput, BotInput } from '../../core/bot/input.ts';
import { RecordKind } from '../../core/events/record.ts';
import { LatencyParams } from '../../core/fill-model/latency.ts';
import { BOOK_DEPTH, createBookFrame, type BookFrame } from '../../core/market/book.ts';
import type { Instrument } from '../../core/market/instrument.ts';
import type { Recording } from '../../core/recording/recording.ts';
import { derivedBars } from '../../backtest/derived-bars.ts';
import { SequenceCounter, type ReplayRecorder } from '../../backtest/recorder.ts';
import { barMsOf, runReplay, type ReplayOptions } from '../../backtest/replay.ts';
import type { ReplayResult } from '../../backtest/tally.ts';

/** Numbers of a book on the tape: time, counts, and two a level. */
const BOOK_NUMBERS = 3 + 4 * BOOK_DEPTH;

/**
 * The inputs in order. Books lie side by side as plain numbers and come out in one frame that is used again and again, as
 * a bot's stream and a replay tell them: thousands of frames of their own would measure the memory they lie in.
 */
export class InputTape implements ReplayRecorder {
  /** What is no book, and null where one is. */
  private readonly others: (BotInput | null)[] = [];
  private books = new Float64Array(BOOK_NUMBERS * 1_024);
  private readonly bookAt: number[] = [];
  private readonly atMs: number[] = [];
  private readonly bookInput: BookInput = { kind: RecordKind.bookInput, sequence: 0, atMs: 0, book: createBookFrame() };
  private bookCount = 0;
  private readonly counter = new SequenceCounter();

  get length(): number {
    return this.others.length;
  }

  /** Indices of the books. */
  get bookIndices(): number[] {
    return this.others.flatMap((other, index) => (other === null ? [index] : []));
  }

  at(index: number): BotInput {
    const other = this.others[index] as BotInput | null;
    if (other !== null) return other;
    const { bookInput, books } = this;
    const { book } = bookInput;
    let at = this.bookAt[index] as number;
    bookInput.atMs = this.atMs[index] as number;
    book.venueAtMs = books[at++] as number;
    book.bidCount = books[at++] as number;
    book.askCount = books[at++] as number;
    for (let depth = 0; depth < BOOK_DEPTH; depth += 1) {
      book.bidTicks[depth] = books[at++] as number;
      book.bidLots[depth] = books[at++] as number;
      book.askTicks[depth] = books[at++] as number;
      book.askLots[depth] = books[at++] as number;
    }
    return bookInput;
  }

  input(input: BotInput): number {
    const sequence = this.counter.input();
    this.atMs.push(input.atMs);
    this.bookAt.push(this.bookCount * BOOK_NUMBERS);
    if (input.kind === RecordKind.bookInput) this.keepBook(input.book);
    this.others.push(
      input.kind === RecordKind.bookInput ? null : decodeInput(input.kind, sequence, input.atMs, encodeInput(input)),
    );
    return sequence;
  }

  event(): void {
    this.counter.event();
  }

  private keepBook({ venueAtMs, bidCount, askCount, bidTicks, bidLots, askTicks, askLots }: BookFrame): void {
    if ((this.bookCount + 1) * BOOK_NUMBERS > this.books.length) {
      const larger = new Float64Array(this.books.length * 2);
      larger.set(this.books);
      this.books = larger;
    }
    const levels = Array.from(
      bidTicks,
      (bid, depth) => [bid, bidLots[depth], askTicks[depth], askLots[depth]] as number[],
    );
    this.books.set([venueAtMs, bidCount, askCount, ...levels.flat()], this.bookCount * BOOK_NUMBERS);
    this.bookCount += 1;
  }
}

/** A bot beside its exchange that sees every change of the first levels: as many decisions as the recording has in it. */
export function busyReplay(feed: Recording, instrument: Instrument, config: BotConfig): ReplayOptions {
  const latency = LatencyParams.parse({ submitMs: 5, cancelMs: 5, feedMs: 5 });
  return { feed, instrument, config, latency, pushMs: 0, bars: derivedBars(feed, 0, barMsOf(config)) };
}

export function recordedInputs(options: ReplayOptions): { readonly tape: InputTape; readonly result: ReplayResult } {
  const tape = new InputTape();
  return { tape, result: runReplay({ ...options, recorder: tape }) };
}
