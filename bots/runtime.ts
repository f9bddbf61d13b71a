/**
 * The hands around the bot machine: every input is journaled, stepped, and its effects carried out in order. An order
 * leaves only when the record of its intent is on disk.
 */
import { encodeInput } from '../core/bot/input-codec.ts';
import { Effects } from '../core/bot/effects.ts';
import type { BotMachine } from '../core/bot/machine.ts';
import { TIMER_MS } from '../core/bot/machine.ts';
import type { BotInput, ControlCommand } from '../core/bot/input.ts';
import { encodeState } from '../core/bot/state.ts';
import { reasonName } from '../core/bot/reasons.ts';
import { heldSince, riskLevelOf } from '../core/bot/risk-watch.ts';
import { phaseOf, text } from '../core/bot/telemetry.ts';
import type { BotConfig } from '../core/bot/bot-config.ts';
import type { TickTimingsEvent } from '../core/bot/events.ts';
import type { AccountReport, BotStatus } from '../core/control/protocol.ts';
import type { Log } from '../core/log.ts';
import type { BookFrame } from '../core/market/book.ts';
import type { MarketStreamsEvent } from '../core/market/stream-report.ts';
import { netLots } from '../core/accounting/holdings.ts';
import { formatQty, type Instrument } from '../core/market/instrument.ts';
import { RecordKind } from '../core/events/record.ts';
import type { ProtectiveStop } from '../core/orders/stop.ts';
import type { ApprovedIntent } from '../core/risk/decision.ts';
import type { Journal } from '../journal/journal.ts';
import type {
  ConnectorChannel,
  PlaceAnswer,
  Venue,
  VenueFill,
  VenueFunding,
  VenueOrder,
  VenuePosition,
  VenueSink,
  VenueStream,
  VenueTicker,
  VenueTrade,
} from '../gateway/venue.ts';
import { barsWanted, readBarHistory } from './bar-history.ts';
import { measureClockOffset } from './clock-offset.ts';
import { cancelNews, notSent, OrderIds, placeNews, seenInput, syncInput, toBar, type Untimed } from './inputs.ts';
import { ShadowFills } from './shadow-fills.ts';
import { StreamWatch } from './stream-watch.ts';
import { TickerFeed, type Told } from './ticker-feed.ts';
import { Timings } from './timings.ts';
import { messageOf, readVenue, troubleOf, VenueReadFailed, type VenueRead } from './venue-read.ts';

/** An unchanged book is still told this often, so that silence and sameness stay apart. */
const SAME_BOOK_MS = 1_000;
/** Books that stay away for so long may have left a bar out. */
const LONG_SILENCE_MS = 1_000;
/** Inputs between two state snapshots: bounds what recovery replays. */
const SNAPSHOT_INPUTS = 5_000;
/** The venue's clock is compared with ours this often. */
const CLOCK_MS = 30_000;
const CLOCK_RETRY_MS = 2_000;
export interface RuntimeIdentity {
  readonly instance: string;
  readonly epoch: number;
  readonly codeVersion: string;
  readonly configHash: string;
  /** As probed at the start; absent for a paper account. */
  readonly account?: AccountReport;
}

export interface RuntimeParts {
  readonly config: BotConfig;
  readonly instrument: Instrument;
  readonly machine: BotMachine;
  readonly journal: Journal;
  readonly venue: Venue;
  readonly log: Log;
  readonly identity: RuntimeIdentity;
  /** UTC ms, never back. */
  readonly now: () => number;
  /** The venue's public book shows our own orders, too; left out, it does not. */
  readonly ownLotsInBook?: boolean;
  /** Keeps the sequence of the last durable snapshot where recovery finds it. */
  saveSnapshotSequence(sequence: number): void;
}

export class BotRuntime implements VenueSink {
  private readonly parts: RuntimeParts;
  private readonly effects = new Effects();
  private readonly timings: Timings;
  private readonly ticker: TickerFeed;
  private readonly shadow: ShadowFills;
  private readonly streams: StreamWatch;
  private readonly orderIds = new OrderIds();
  private readonly life = new AbortController();
  private readonly bookInput: Extract<BotInput, { kind: typeof RecordKind.bookInput }>;
  private readonly encoder = new TextEncoder();
  private timer: NodeJS.Timeout | null = null;
  private inputsSinceSnapshot = 0;
  private clockTimer: NodeJS.Timeout | null = null;
  private isMeasuringClock = false;
  /** When a book last came, changed or not; 0 before the first. */
  private bookHeardAtMs = 0;
  private isReadingHistory = false;
  private stream: VenueStream | null = null;
  private isFeeding = false;
  private readonly waiting: BotInput[] = [];
  private resolveLeft: () => void = () => {};
  /** Resolves when the machine says that nothing of ours is open and the process may go. */
  readonly left = new Promise<void>((resolve) => (this.resolveLeft = resolve));

  constructor(parts: RuntimeParts) {
    this.parts = parts;
    const { instrument, ownLotsInBook = false } = parts;
    const startedAtMs = parts.now();
    this.timings = new Timings(startedAtMs);
    this.ticker = new TickerFeed(instrument);
    this.shadow = new ShadowFills({ instrument, ownLotsInBook, startedAtMs });
    this.streams = new StreamWatch(instrument.symbol, startedAtMs);
    this.bookInput = { kind: RecordKind.bookInput, sequence: 0, atMs: 0, book: parts.machine.state.book };
  }

  start(): void {
    const { identity, config, instrument } = this.parts;
    const { epoch, configHash, codeVersion } = identity;
    // Each run begins with what it was made of: its records replay without those of the runs before.
    void this.snapshot().catch(() => {});
    const made = { config, instrument: instrument.spec };
    this.feed({ kind: RecordKind.startInput, epoch, configHash, codeVersion, ...made });
    this.timer = setInterval(() => this.feed({ kind: RecordKind.timerInput }), TIMER_MS);
    void this.measureClock();
    void this.readHistory();
  }

  /** The machine hears nothing more: what still comes in has no journal to go to. */
  stop(): void {
    this.life.abort();
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    if (this.clockTimer !== null) clearTimeout(this.clockTimer);
  }

  /** Tells whose health the timings report. */
  watch(stream: VenueStream): void {
    this.stream = stream;
  }

  control(command: ControlCommand): void {
    this.feed({ kind: RecordKind.controlInput, command });
  }

  status(): BotStatus {
    const { config, instrument, machine, journal, identity } = this.parts;
    const { state } = machine;
    const { equityLast, equityStart } = state.daily;
    return {
      bot: config.bot,
      instance: identity.instance,
      pid: process.pid,
      epoch: state.epoch,
      phase: phaseOf(state),
      reason: reasonName(state.reason),
      pausedByOperator: state.pausedByOperator,
      hardStopped: state.hardStopped,
      riskLevel: riskLevelOf(state),
      riskCode: state.risk.ladder.code,
      heldSinceMs: heldSince(state),
      position: formatQty(netLots(state.holdings), instrument),
      pnlToday: equityLast === null || equityStart === null ? null : text(equityLast - equityStart),
      ordersActive: state.orders.filter((order) => order.state !== 'closed').length,
      fills: state.fills,
      durableSequence: journal.durableSequence,
      parameters: state.parameters,
      codeVersion: identity.codeVersion,
      configHash: identity.configHash,
      ...(identity.account !== undefined && { account: identity.account }),
    };
  }

  onBook(book: BookFrame): void {
    const { state } = this.parts.machine;
    const atMs = this.parts.now();
    if (atMs - state.bookAtMs >= SAME_BOOK_MS || !isSameBook(book, state.book)) {
      this.bookInput.book = book;
      this.feedAt(this.bookInput, atMs);
    }
    // After the decision, which does not wait for a measurement.
    this.shadow.onBook(book, atMs);
    this.streams.onBook(book.venueAtMs, atMs);
    const silentMs = this.bookHeardAtMs === 0 ? 0 : atMs - this.bookHeardAtMs;
    this.bookHeardAtMs = atMs;
    if (silentMs >= LONG_SILENCE_MS) void this.readHistory(silentMs);
  }

  /** Trades move no strategy: they are what the fill model is compared on. */
  onTrade(trade: VenueTrade): void {
    const atMs = this.parts.now();
    this.shadow.onTrade(trade, atMs);
    this.streams.onTrade(trade.venueAtMs, atMs);
  }

  onTicker(ticker: VenueTicker): void {
    const atMs = this.parts.now();
    this.feedTicker(this.ticker.onTicker(ticker, atMs), atMs);
    this.streams.onTicker(ticker.venueAtMs, atMs);
  }

  onFunding(funding: VenueFunding): void {
    const atMs = this.parts.now();
    this.streams.onFunding(funding.venueAtMs, atMs);
    this.takeFunding(funding, atMs);
  }

  /** The position is what fills add up to; the machine holds the venue's word against it. */
  onPosition({ leg, qty }: VenuePosition): void {
    this.streams.onPosition(this.parts.now());
    this.feed({ kind: RecordKind.toldPositionInput, leg, qty });
  }

  onOrder(order: VenueOrder): void {
    const atMs = this.parts.now();
    this.orderIds.learn(order);
    this.shadow.onOrder(order, atMs);
    this.streams.onOrder(atMs);
    this.feed(seenInput(order));
  }

  onFill(fill: VenueFill): void {
    this.shadow.onFill(fill);
    this.streams.onOrder(this.parts.now());
    this.feed({ kind: RecordKind.fillInput, fill: this.orderIds.fillFact(fill) });
  }

  onConnector(channel: ConnectorChannel, status: 'up' | 'down', reason: string): void {
    const atMs = this.parts.now();
    this.parts.log.info('connector', { channel, status, reason });
    this.shadow.onConnector(channel, status, atMs);
    this.streams.onConnector(channel, status, atMs);
    this.feed({ kind: RecordKind.connectorInput, channel, status, reason });
  }

  /** Writes the machine's state, so that a later start need not replay what came before. */
  async snapshot(): Promise<void> {
    const { journal, machine, identity } = this.parts;
    const sequence = journal.append(
      RecordKind.stateSnapshot,
      identity.epoch,
      0,
      this.parts.now(),
      encodeState(machine.state),
    );
    this.inputsSinceSnapshot = 0;
    await journal.durable();
    this.parts.saveSnapshotSequence(sequence);
  }

  /** What was measured since it was last told, also when it is not due: before the journal ends. */
  reportLast(): void {
    const atMs = this.parts.now();
    this.recordMeasured(atMs, this.shadow.takeReport(atMs));
    this.recordMeasured(atMs, this.takeStreams(atMs, true));
  }

  private feedTicker(told: Told | null, atMs: number): void {
    if (told !== null) this.feedAt({ kind: RecordKind.tickerInput, sequence: 0, atMs: 0, ...told }, atMs);
  }

  private takeFunding(funding: VenueFunding, atMs: number): void {
    this.feedTicker(this.ticker.onFunding(funding, atMs), atMs);
    if (this.ticker.wantsFunding(atMs)) void this.readFunding();
  }

  private feed(input: Untimed<BotInput>): void {
    this.feedAt({ sequence: 0, atMs: 0, ...input }, this.parts.now());
  }

  private feedAt(input: BotInput, atMs: number): void {
    if (this.life.signal.aborted) return;
    if (this.isFeeding) {
      // A callback of the venue inside a step: it waits its turn. Books are reused frames and never come this way.
      input.atMs = atMs;
      this.waiting.push(input);
      return;
    }
    this.isFeeding = true;
    try {
      this.take(input, atMs);
      for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) this.take(next, next.atMs);
    } finally {
      this.isFeeding = false;
    }
  }

  private take(input: BotInput, atMs: number): void {
    const { journal, machine, identity } = this.parts;
    const startedAt = performance.now();
    input.atMs = atMs;
    input.sequence = journal.append(input.kind, identity.epoch, 0, atMs, encodeInput(input));
    const steppedAt = performance.now();
    machine.step(input, this.effects);
    if (input.kind === RecordKind.timerInput) this.timings.evaluate.observe(performance.now() - steppedAt);
    this.carryOut(input.sequence, atMs);
    this.timings.tick.observe(performance.now() - startedAt);
    this.inputsSinceSnapshot += 1;
    if (this.inputsSinceSnapshot >= SNAPSHOT_INPUTS) void this.snapshot().catch(() => {});
    if (this.timings.isDue(atMs)) this.recordMeasured(atMs, this.takeTimings(atMs));
    const fills = input.kind === RecordKind.timerInput ? this.shadow.report(atMs) : null;
    if (fills !== null) this.recordMeasured(atMs, fills);
    if (input.kind === RecordKind.timerInput && this.streams.isDue(atMs))
      this.recordMeasured(atMs, this.takeStreams(atMs, false));
  }

  private takeStreams(atMs: number, isFinal: boolean): MarketStreamsEvent {
    return this.streams.take(atMs, this.stream?.health().reconnects ?? 0, isFinal);
  }

  private takeTimings(atMs: number): TickTimingsEvent {
    return this.timings.take(atMs, this.stream?.health() ?? null, this.shadow.droppedRelayCount);
  }

  private carryOut(cause: number, atMs: number): void {
    for (const effect of this.effects.list) {
      switch (effect.effect) {
        case 'record':
          this.record(effect.kind, cause, atMs, effect.event);
          break;
        case 'place':
          void this.place(effect.intent);
          break;
        case 'cancel':
          void this.cancel(effect.clientOrderId);
          break;
        case 'cancelAll':
          void this.cancelAll();
          break;
        case 'lookup':
          void this.lookup(effect.clientOrderId);
          break;
        case 'placeStop':
          void this.placeStop(effect.stop, effect.replaces);
          break;
        case 'cancelStop':
          void this.cancelStop(effect.clientOrderId);
          break;
        case 'measureClock':
          void this.measureClock();
          break;
        case 'sync':
          void this.sync();
          break;
        case 'leave':
          this.resolveLeft();
          break;
      }
    }
  }

  private record(kind: RecordKind, cause: number, atMs: number, event: object): void {
    this.parts.journal.append(kind, this.parts.identity.epoch, cause, atMs, this.encoder.encode(JSON.stringify(event)));
  }

  /** What was measured around the machine has no cause among its inputs. */
  private recordMeasured(atMs: number, event: object): void {
    this.record(RecordKind.telemetryEvent, 0, atMs, event);
  }

  private async place(intent: ApprovedIntent): Promise<void> {
    const decidedAt = performance.now();
    const { clientOrderId } = intent;
    try {
      await this.parts.journal.durable();
    } catch {
      return; // The journal's failure ends this process; an intent that is not on disk does not leave.
    }
    this.timings.durable.observe(performance.now() - decidedAt);
    const tell = (placed: PlaceAnswer): void =>
      this.feed({ kind: RecordKind.orderInput, clientOrderId, news: placeNews(placed) });
    if (this.parts.now() >= intent.expiresAtMs) return tell(notSent('expired_before_sending'));
    // A stop that came while the record was on its way to the disk holds for this order, too.
    if (phaseOf(this.parts.machine.state) !== 'running') return tell(notSent('stopped_before_sending'));
    const placed = await this.parts.venue.place(intent);
    this.timings.placeAnswer.observe(performance.now() - decidedAt);
    if (placed.answer === 'yes') this.orderIds.learn({ venueOrderId: placed.venueOrderId, clientOrderId });
    else this.parts.log.warn('order not accepted', { clientOrderId, ...placed });
    tell(placed);
  }

  private async cancel(clientOrderId: string): Promise<void> {
    const decidedAt = performance.now();
    const cancelled = await this.parts.venue.cancel(this.parts.instrument.symbol, clientOrderId);
    this.timings.cancelAnswer.observe(performance.now() - decidedAt);
    if (cancelled.answer === 'no' || cancelled.answer === 'unknown')
      this.parts.log.warn('order not cancelled', { clientOrderId, ...cancelled });
    this.feed({ kind: RecordKind.orderInput, clientOrderId, news: cancelNews(cancelled) });
  }

  private async placeStop(stop: ProtectiveStop, replaces: string | null): Promise<void> {
    const { clientOrderId } = stop;
    try {
      await this.parts.journal.durable();
    } catch {
      return;
    }
    const { venue, log } = this.parts;
    const placed = await (replaces === null ? venue.placeStop(stop) : venue.replaceStop(replaces, stop));
    if (placed.answer !== 'yes') log.warn('protective stop not accepted', { clientOrderId, ...placed });
    this.feed({ kind: RecordKind.stopInput, clientOrderId, news: placeNews(placed) });
  }

  private async cancelStop(clientOrderId: string): Promise<void> {
    const cancelled = await this.parts.venue.cancelStop(this.parts.instrument.symbol, clientOrderId);
    this.feed({ kind: RecordKind.stopInput, clientOrderId, news: cancelNews(cancelled) });
  }

  /** Now, and again and again: after a failure sooner. Measures that run already answer for those asked meanwhile. */
  private async measureClock(): Promise<void> {
    if (this.isMeasuringClock || this.life.signal.aborted) return;
    this.isMeasuringClock = true;
    if (this.clockTimer !== null) clearTimeout(this.clockTimer);
    let againMs = CLOCK_MS;
    try {
      const offset = await measureClockOffset(this.parts.venue, this.parts.now);
      this.streams.onClock(offset.offsetMs);
      this.feed({ kind: RecordKind.clockInput, ...offset });
    } catch (error) {
      againMs = CLOCK_RETRY_MS;
      this.parts.log.warn('clock not measured', { error: messageOf(error) });
    } finally {
      this.isMeasuringClock = false;
    }
    if (!this.life.signal.aborted) this.clockTimer = setTimeout(() => void this.measureClock(), againMs);
  }

  private async cancelAll(): Promise<void> {
    const { symbol } = this.parts.instrument;
    // The protective stop stays: what is held is still to be protected.
    const { answer } = await this.parts.venue.cancelAll({ symbol, families: ['normal', 'plan'] });
    this.feed({ kind: RecordKind.orderInput, clientOrderId: '', news: { news: 'allCancelAnswered', answer } });
  }

  private async lookup(clientOrderId: string): Promise<void> {
    let order: VenueOrder | null;
    try {
      order = await this.parts.venue.orderByClientId(this.parts.instrument.symbol, clientOrderId);
    } catch (error) {
      this.parts.log.warn('order look-up failed', { clientOrderId, error: messageOf(error) });
      const news = { news: 'lookupFailed' as const, trouble: troubleOf(error) };
      return this.feed({ kind: RecordKind.orderInput, clientOrderId, news });
    }
    if (order === null) return this.feed({ kind: RecordKind.orderInput, clientOrderId, news: { news: 'notFound' } });
    this.orderIds.learn({ ...order, clientOrderId });
    this.feed(seenInput({ ...order, clientOrderId }));
  }

  private async sync(): Promise<void> {
    const { venue, instrument, machine, log, now } = this.parts;
    const { fillsReadAtMs, lastFillAtMs, syncSentAtMs: askedAtMs } = machine.state;
    const fundingMs = fillsReadAtMs || now();
    // The last fill is known by the venue's clock, the last reading by ours: whichever is earlier misses nothing.
    const fillsMs = Math.min(fundingMs, lastFillAtMs || Infinity);
    const askedAt = performance.now();
    let read: VenueRead;
    try {
      read = await readVenue(venue, instrument.symbol, { fillsMs, fundingMs });
    } catch (error) {
      if (!(error instanceof VenueReadFailed)) throw error;
      const { part, trouble, message: reason } = error;
      log.warn('venue state not read', { part, error: reason });
      return this.feed({
        kind: RecordKind.connectorInput,
        channel: 'sync',
        status: 'down',
        reason,
        trouble,
        part,
        askedAtMs,
      });
    }
    this.timings.syncRead.observe(performance.now() - askedAt);
    read.openOrders.forEach((order) => this.orderIds.learn(order));
    const dropped = this.shadow.onFillsRead(read.fills, machine.state.tradeIds, now());
    if (dropped.length > 0) log.warn('fills were not relayed', { tradeIds: dropped });
    this.feed({ ...syncInput(read, this.orderIds), askedAtMs });
  }

  private async readFunding(): Promise<void> {
    const { venue, instrument, log } = this.parts;
    try {
      this.takeFunding(await venue.funding(instrument.symbol), this.parts.now());
    } catch (error) {
      log.warn('funding not read', { error: messageOf(error) });
    }
  }

  /**
   * Nothing waits for it. After a silence of less than a bar none is missing; after a longer one the strategy would have to
   * measure anew, for as long as it once took to warm up.
   */
  private async readHistory(silentMs = Infinity): Promise<void> {
    const { machine, venue, instrument, log } = this.parts;
    const wanted = barsWanted(machine.tunedConfig());
    if (wanted === null || silentMs < wanted.barMs || this.isReadingHistory) return;
    this.isReadingHistory = true;
    const told = await readBarHistory(venue, instrument.symbol, wanted, log, this.life.signal);
    this.isReadingHistory = false;
    if (told === null) return;
    log.info('bars of before', { asked: wanted.count, told: told.length });
    this.feed({ kind: RecordKind.barsInput, bars: told.map((bar) => toBar(bar, instrument)) });
  }
}

function isSameBook(a: BookFrame, b: BookFrame): boolean {
  if (a.bidCount !== b.bidCount || a.askCount !== b.askCount) return false;
  for (let i = 0; i < a.bidCount; i += 1)
    if (a.bidTicks[i] !== b.bidTicks[i] || a.bidLots[i] !== b.bidLots[i]) return false;
  for (let i = 0; i < a.askCount; i += 1)
    if (a.askTicks[i] !== b.askTicks[i] || a.askLots[i] !== b.askLots[i]) return false;
  return true;
}
