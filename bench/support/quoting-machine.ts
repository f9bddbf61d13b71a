/**
 * A bot machine that quotes on recorded books: every order is acknowledged and every cancel confirmed at once, nothing is
 * filled. What is measured is the machine; the venue here only keeps it busy.
 */
import type { BotConfig } from '../../core/bot/bot-config.ts';
import { Effects } from '../../core/bot/effects.ts';
import type { BookInput, BotInput } from '../../core/bot/input.ts';
import { BotMachine, TIMER_MS } from '../../core/bot/machine.ts';
import { Reason } from '../../core/bot/reasons.ts';
import { RecordKind } from '../../core/events/record.ts';
import { createBookFrame } from '../../core/market/book.ts';
import type { Instrument } from '../../core/market/instrument.ts';
import type { Order } from '../../core/orders/order.ts';
import type { QtyLots, QuoteAmount, SignedLots } from '../../core/money/money.ts';
import type { RecordedBooks } from './recorded-books.ts';

const NONE = 0 as QtyLots;

type Untimed<T> = T extends BotInput ? Omit<T, 'sequence' | 'atMs'> : never;

export class QuotingMachine {
  readonly machine: BotMachine;
  readonly effects = new Effects();
  /** Orders asked for so far. */
  placed = 0;
  private readonly books: RecordedBooks;
  /** Told again and again, as the bot process does it. */
  private readonly bookInput: BookInput = {
    kind: RecordKind.bookInput,
    sequence: 0,
    atMs: 0,
    book: createBookFrame(),
  };
  private at = 0;
  private timerAtMs = 0;
  private readonly answers: Untimed<BotInput>[] = [];

  constructor(config: BotConfig, books: RecordedBooks) {
    this.books = books;
    this.machine = new BotMachine(config, books.instrument);
    const { effects } = this;
    const first = this.nextBook();
    this.timerAtMs = first.atMs;
    this.tell({ kind: RecordKind.startInput, epoch: 1, configHash: 'bench', codeVersion: 'bench' });
    for (const channel of ['book', 'orders'] as const) {
      this.tell({ kind: RecordKind.connectorInput, channel, status: 'up', reason: 'bench' });
    }
    this.tellSupervision();
    this.machine.step(first, effects);
    this.answer();
    if (this.machine.state.reason !== Reason.quoted)
      throw new Error(`the bench machine does not quote: reason ${this.machine.state.reason}`);
  }

  get instrument(): Instrument {
    return this.books.instrument;
  }

  /** The next book with its time; laps follow each other. The same object every time. */
  nextBook(): BookInput {
    const { frames, lapMs } = this.books;
    const frame = frames[this.at] as (typeof frames)[number];
    this.bookInput.book = frame;
    this.bookInput.sequence += 1;
    this.bookInput.atMs = frame.venueAtMs;
    this.at += 1;
    if (this.at === frames.length) {
      this.at = 0;
      // The next lap is later by one: frames stay as old as they are new.
      for (const each of frames) each.venueAtMs += lapMs;
    }
    return this.bookInput;
  }

  /** Whether the last step asked for nothing. */
  get isIdle(): boolean {
    return this.effects.list.length === 0;
  }

  /** Everything but books: answers to what the last step asked for, and the timer when it is due. */
  answer(): void {
    const { atMs } = this.bookInput;
    this.collectAnswers();
    while (atMs - this.timerAtMs >= TIMER_MS) {
      this.timerAtMs += TIMER_MS;
      this.tellSupervision();
      this.tell({ kind: RecordKind.timerInput });
    }
    this.tellAnswers();
  }

  /** Instead of `answer`: every order was taken and is gone again, so that the next book is quoted on anew. */
  withdraw(): void {
    this.collectAnswers();
    this.tellAnswers();
    for (const order of [...this.machine.state.orders]) this.answers.push(this.seenCancelled(order));
    this.tellAnswers();
    this.answer();
  }

  /** What a bot does not quote without: a supervisor who speaks, and a clock that was compared. */
  private tellSupervision(): void {
    this.tell({ kind: RecordKind.controlInput, command: { command: 'ping' } });
    this.tell({ kind: RecordKind.clockInput, offsetMs: 0, uncertaintyMs: 1 });
  }

  private tellAnswers(): void {
    for (let next = this.answers.shift(); next !== undefined; next = this.answers.shift()) this.tell(next);
  }

  private tell(input: Untimed<BotInput>): void {
    this.machine.step({ ...input, sequence: this.bookInput.sequence, atMs: this.bookInput.atMs }, this.effects);
    this.collectAnswers();
  }

  private collectAnswers(): void {
    for (const effect of this.effects.list) {
      if (effect.effect === 'place') {
        this.placed += 1;
        const { clientOrderId } = effect.intent;
        this.answers.push({
          kind: RecordKind.orderInput,
          clientOrderId,
          news: { news: 'placeAnswered', answer: 'yes', code: null },
        });
      } else if (effect.effect === 'cancel') this.answerCancel(effect.clientOrderId);
      else if (effect.effect === 'sync') this.answerSync();
    }
    this.effects.clear();
  }

  private answerCancel(clientOrderId: string): void {
    const order = this.machine.state.orders.find((each) => each.clientOrderId === clientOrderId);
    if (order === undefined) return;
    this.answers.push(
      { kind: RecordKind.orderInput, clientOrderId, news: { news: 'cancelAnswered', answer: 'yes' } },
      this.seenCancelled(order),
    );
  }

  private seenCancelled({ clientOrderId, side, price, qty }: Order): Untimed<BotInput> {
    const order = { side, price, qty, reduceOnly: false, leg: 'net' as const };
    return {
      kind: RecordKind.orderInput,
      clientOrderId,
      news: { news: 'seen', status: 'cancelled', filled: NONE, order },
    };
  }

  private answerSync(): void {
    const open = this.machine.state.orders.filter(({ state }) => state === 'open');
    this.answers.push({
      kind: RecordKind.positionInput,
      openOrders: open.map(({ clientOrderId, side, price, qty }) => ({
        clientOrderId,
        filled: NONE,
        order: { side, price, qty, reduceOnly: false, leg: 'net' as const },
      })),
      fills: [],
      positions: [{ leg: 'net', qty: 0 as SignedLots, entryPrice: null }],
      stops: [],
      equity: 10_000_000_000_000_000n as QuoteAmount,
      marginRatio: null,
      maintenanceRatio: null,
      fundingPayments: [],
    });
  }
}
