/**
 * A bot in a recorded market: the machine that runs live, the fill model of the paper account, and recorded time.
 *
 *   frame of the recording -> book and fill model -> what fills is on its way to the machine
 *   the book's first levels, once a push interval -> the machine -> what it asks for is on its way to the market
 *
 * There is no clock and no chance beyond the seed in `latency`: the same recording, configuration and options end in the
 * same state. Of one millisecond the market comes first, then what arrives there, then what the machine hears: answers,
 * books, timers. Nothing is allocated for frames that fill nothing and books that decide nothing.
 */
import { configHash } from '../config/load.ts';
import type { BotConfig } from '../core/bot/bot-config.ts';
import { Effects } from '../core/bot/effects.ts';
import type { BotEvent } from '../core/bot/events.ts';
import type { BookInput, BotInput, ClockInput, ConnectorInput, ControlInput, TimerInput } from '../core/bot/input.ts';
import { BotMachine, TIMER_MS } from '../core/bot/machine.ts';
import { RecordKind } from '../core/events/record.ts';
import type { FillGrade } from '../core/fill-model/fill-model.ts';
import { LatencyParams } from '../core/fill-model/latency.ts';
import { invariant } from '../core/invariant.ts';
import { BarBuilder, blankBar, type Bar } from '../core/market/bars.ts';
import { createBookFrame } from '../core/market/book.ts';
import type { Instrument } from '../core/market/instrument.ts';
import { parseQuote } from '../core/money/decimal.ts';
import type { PriceTicks, QtyLots } from '../core/money/money.ts';
import { OpKind, type Recording } from '../core/recording/recording.ts';
import { BookChannel } from './book-channel.ts';
import { Due, nothingDue, type DueTimes } from './due.ts';
import { SequenceCounter, type ReplayRecorder } from './recorder.ts';
import { ReplayVenue } from './replay-venue.ts';
import { OPENING_BALANCE, Tally, type ReplayResult } from './tally.ts';

/** Bitget's `books` channel. */
export const PUSH_MS = 100;
/** How often a supervisor speaks, and how often the clocks are compared. */
const PING_MS = 5_000;
const CLOCK_MS = 30_000;
const BAR_MS = 60_000;
const CHANNELS: readonly ConnectorInput['channel'][] = ['book', 'trades', 'ticker', 'positions', 'orders'];

export interface ReplayOptions {
  readonly feed: Recording;
  readonly instrument: Instrument;
  readonly config: BotConfig;
  /** How hopeful the fills are; `queue` when absent. */
  readonly grade?: FillGrade;
  /** A quarter of a second there and back when absent. */
  readonly latency?: LatencyParams;
  /** Time between two looks of the bot at the book, 100 when absent; 0 shows each change of its first levels. */
  readonly pushMs?: number;
  /** Decimal USDT, `OPENING_BALANCE` when absent. */
  readonly openingBalance?: string;
  /** ms of the recording: the bot starts at `fromMs` and is cut off at `toMs`. What lies before gives its first bars. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Between two settlements of funding; where it is not known the bot is not told. */
  readonly fundingIntervalMs?: number;
  /** Closed bars up to the start instead of those of the recording's beginning, oldest first. */
  readonly bars?: readonly Bar[];
  readonly onEvent?: (event: BotEvent, atMs: number) => void;
  /** Where inputs and events go; nowhere when absent. */
  readonly recorder?: ReplayRecorder;
}

/** The whole replay at once. Throws `InvariantError` when the account and the machine do not agree at its end. */
export function runReplay(options: ReplayOptions): ReplayResult {
  const replay = new Replay(options);
  replay.play(Infinity);
  return replay.finish();
}

export class Replay {
  readonly machine: BotMachine;
  readonly venue: ReplayVenue;
  private readonly feed: Recording;
  private readonly options: ReplayOptions;
  private readonly effects = new Effects();
  private readonly recorder: ReplayRecorder;
  private readonly channel: BookChannel;
  private readonly tally: Tally;
  private readonly startAtMs: number;
  /** Next frame to be played, and the one behind the last. */
  private frame = 0;
  private readonly frameEnd: number;
  private readonly due = nothingDue();
  /** The next statement of the mark price. */
  private mark = 0;
  private isOver = false;
  // Told again and again: the machine keeps no input.
  private readonly bookInput: BookInput = { kind: RecordKind.bookInput, sequence: 0, atMs: 0, book: createBookFrame() };
  private readonly timerInput: TimerInput = { kind: RecordKind.timerInput, sequence: 0, atMs: 0 };
  private readonly pingInput: ControlInput = { kind: RecordKind.controlInput, sequence: 0, atMs: 0, command: { command: 'ping' } }; // prettier-ignore
  private readonly clockInput: ClockInput;

  constructor(options: ReplayOptions) {
    const {
      feed,
      instrument,
      config,
      grade = 'queue',
      openingBalance = OPENING_BALANCE,
      recorder = new SequenceCounter(),
    } = options;
    const { latency = LatencyParams.parse({}), pushMs = PUSH_MS, fromMs = 0, toMs = Infinity } = options;
    const { fundingIntervalMs = null } = options;
    this.options = options;
    this.feed = feed;
    this.recorder = recorder;
    this.tally = new Tally(options, grade, latency);
    this.machine = new BotMachine(config, instrument);
    const venue = { instrument, config, grade, latency, openingBalance: parseQuote(openingBalance), fundingIntervalMs };
    this.venue = new ReplayVenue({ ...venue, due: this.due, onFill: (fill) => this.tally.fill(fill) });
    this.clockInput = { kind: RecordKind.clockInput, sequence: 0, atMs: 0, offsetMs: 0, uncertaintyMs: latency.feedMs };
    this.startAtMs = feed.startedAtMs + fromMs;
    this.frameEnd = firstFrameAfter(feed, toMs);
    this.channel = new BookChannel(this.venue.book, pushMs, latency.feedMs, this.startAtMs, this.due);
    this.due[Due.timer] = this.startAtMs + TIMER_MS;
    const bars = this.playBeginning(fromMs);
    this.due[Due.mark] = this.firstMarkMs();
    this.begin(options.bars ?? bars);
  }

  /** Plays up to `framesMax` frames. False when there are none left. */
  play(framesMax: number): boolean {
    const { feed, venue, channel, due } = this;
    const { frameAtMs, firstOp, opKind, opTicks, opLots, startedAtMs } = feed;
    const { book, model } = venue;
    const { bids, asks } = book;
    const end = Math.min(this.frameEnd, this.frame + framesMax);
    for (let frame = this.frame; frame < end; frame++) {
      const atMs = startedAtMs + frameAtMs[frame]!;
      if (atMs >= due[Due.mark]!) this.playMarks(atMs);
      if (isDueBefore(atMs, due)) this.passUntil(atMs);
      venue.moveTo(atMs);
      const opEnd = firstOp[frame + 1]!;
      for (let op = firstOp[frame]!; op < opEnd; op++) {
        const kind = opKind[op]!;
        const ticks = opTicks[op]! as PriceTicks;
        const lots = opLots[op]! as QtyLots;
        if (kind >= OpKind.buyTrade) {
          model.applyTrade(kind === OpKind.buyTrade ? 'buy' : 'sell', ticks, lots);
        } else if (kind === OpKind.bid) {
          const before = bids.set(ticks, lots);
          if (before !== lots) model.applyLevel('buy', ticks, before, lots);
        } else {
          const before = asks.set(ticks, lots);
          if (before !== lots) model.applyLevel('sell', ticks, before, lots);
        }
      }
      venue.settle(atMs);
      channel.touch(atMs);
    }
    this.tally.frames += Math.max(0, end - this.frame);
    this.tally.marketEvents += firstOp[Math.max(end, this.frame)]! - firstOp[this.frame]!;
    this.frame = Math.max(end, this.frame);
    return this.frame < this.frameEnd;
  }

  /** Frames of the recording that are behind us, those before the start included. */
  get framesPlayed(): number {
    return this.frame;
  }

  /** What is still on its way to the machine is told, but nothing reaches the market any more. Answers what it came to. */
  finish(): ReplayResult {
    invariant(!this.isOver, 'a replay ends once');
    const endAtMs = this.feed.startedAtMs + this.feed.frameAtMs[this.frameEnd - 1]!;
    this.passUntil(endAtMs + 1);
    this.isOver = true;
    for (let input = this.venue.hear(Infinity); input !== null; input = this.venue.hear(Infinity)) this.tell(input);
    return this.tally.result(this.machine, this.venue, this.startAtMs, endAtMs);
  }

  /** The frames up to the start, without the bot. Answers the bars of the mid that they close, the first whole one first. */
  private playBeginning(fromMs: number): Bar[] {
    const { feed, venue } = this;
    const { book } = venue;
    const builder = new BarBuilder(blankBar(barMsOf(this.options.config)));
    let bars: Bar[] = [];
    while (this.frame < this.frameEnd && feed.frameAtMs[this.frame]! <= fromMs) {
      for (let op = feed.firstOp[this.frame]!; op < feed.firstOp[this.frame + 1]!; op++) {
        const kind = feed.opKind[op]!;
        if (kind === OpKind.bid) book.bids.set(feed.opTicks[op]!, feed.opLots[op]!);
        else if (kind === OpKind.ask) book.asks.set(feed.opTicks[op]!, feed.opLots[op]!);
      }
      const news = builder.onMid(book.midDoubled() / 2, feed.startedAtMs + feed.frameAtMs[this.frame]!);
      if (news === 'closed') bars.push({ ...builder.closed });
      else if (news === 'gap') bars = [];
      this.frame += 1;
    }
    invariant(this.frame > 0, 'a replay starts behind the first frame of its recording');
    return bars.slice(1);
  }

  /** What the venue stated by `atMs`, each at its time. */
  private playMarks(atMs: number): void {
    const { priceE8, rateE8, fundingAtMs } = this.feed.marks;
    for (let markAtMs = this.due[Due.mark]!; markAtMs <= atMs; markAtMs = this.due[Due.mark]!) {
      this.passUntil(markAtMs);
      this.venue.state(priceE8[this.mark]!, rateE8[this.mark]!, fundingAtMs[this.mark]!, markAtMs);
      this.mark += 1;
      this.due[Due.mark] = this.nextMarkMs();
    }
  }

  /** The newest statement of before the start counts at the start. */
  private firstMarkMs(): number {
    const { startedAtMs, marks } = this.feed;
    while (startedAtMs + (marks.atMs[this.mark + 1] ?? Infinity) <= this.startAtMs) this.mark += 1;
    return Math.max(this.startAtMs, this.nextMarkMs());
  }

  private nextMarkMs(): number {
    return this.feed.startedAtMs + (this.feed.marks.atMs[this.mark] ?? Infinity);
  }

  /** A process that has just started and finds its streams up, its supervisor there and the clocks alike. */
  private begin(bars: readonly Bar[]): void {
    const { config, instrument } = this.options;
    const untold = { sequence: 0, atMs: this.startAtMs };
    const made = { config, instrument: instrument.spec };
    this.tell({ kind: RecordKind.startInput, ...untold, epoch: 1, configHash: configHash(config), codeVersion: 'replay', ...made }); // prettier-ignore
    this.tellAt(this.clockInput, this.startAtMs);
    if (bars.length > 0) this.tell({ kind: RecordKind.barsInput, ...untold, bars: [...bars] });
    for (const channel of CHANNELS) {
      this.tell({ kind: RecordKind.connectorInput, ...untold, channel, status: 'up', reason: 'replay' });
    }
    this.tellAt(this.pingInput, this.startAtMs);
  }

  /** Everything before `atMs`, in the order of its time. */
  private passUntil(atMs: number): void {
    const { venue, channel, due } = this;
    while (isDueBefore(atMs, due)) {
      const dueMs = Math.min(due[Due.request]!, due[Due.reply]!, due[Due.push]!, due[Due.book]!, due[Due.timer]!);
      venue.serve(dueMs);
      for (let input = venue.hear(dueMs); input !== null; input = venue.hear(dueMs)) this.tell(input);
      channel.pushUntil(dueMs);
      for (let book = channel.take(dueMs); book !== null; book = channel.take(dueMs)) {
        this.bookInput.book = book;
        this.tellAt(this.bookInput, dueMs);
      }
      if (due[Due.timer]! <= dueMs) this.onSecond(dueMs);
    }
  }

  private onSecond(atMs: number): void {
    this.due[Due.timer] = atMs + TIMER_MS;
    const sinceStartMs = atMs - this.startAtMs;
    if (sinceStartMs % PING_MS === 0) this.tellAt(this.pingInput, atMs);
    if (sinceStartMs % CLOCK_MS === 0) this.tellAt(this.clockInput, atMs);
    this.tellAt(this.timerInput, atMs);
  }

  private tellAt(input: BotInput, atMs: number): void {
    input.atMs = atMs;
    this.tell(input);
  }

  private tell(input: BotInput): void {
    const { effects, recorder, tally } = this;
    const { atMs } = input;
    input.sequence = recorder.input(input);
    tally.step(this.machine.step(input, effects), input.kind, atMs);
    if (effects.list.length > 0) this.carryOut(input.sequence, atMs);
  }

  private carryOut(cause: number, atMs: number): void {
    for (const effect of this.effects.list) {
      if (effect.effect === 'record') {
        this.recorder.event(effect.kind, cause, atMs, effect.event);
        this.tally.event(effect.event);
        this.options.onEvent?.(effect.event, atMs);
      } else if (effect.effect !== 'leave' && !this.isOver) {
        this.tally.request(effect);
        this.venue.send(effect, atMs);
      }
    }
  }
}

/** Whether the machine or its requests have something to do before `atMs`. */
function isDueBefore(atMs: number, due: DueTimes): boolean {
  return (
    due[Due.request]! < atMs ||
    due[Due.reply]! < atMs ||
    due[Due.push]! < atMs ||
    due[Due.book]! < atMs ||
    due[Due.timer]! < atMs
  );
}

/** Length of the bars that a strategy looks back on. */
export function barMsOf({ strategy }: BotConfig): number {
  return strategy.name === 'epp_v2_4' ? strategy.regime.barS * 1_000 : BAR_MS;
}

/** First frame later than `atMs` of the recording; the number of frames when none is. */
function firstFrameAfter({ frameAtMs, frameCount }: Recording, atMs: number): number {
  let frame = frameCount;
  while (frame > 0 && frameAtMs[frame - 1]! > atMs) frame -= 1;
  return frame;
}
