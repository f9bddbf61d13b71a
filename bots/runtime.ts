/**
 * The hands around the bot machine: every input is journaled, stepped, and its effects carried out in order. An order
 * leaves only when the record of its intent is on disk.
 */
import { encodeInput } from '../core/bot/input-codec.ts';
import { Effects } from '../core/bot/effects.ts';
import type { BotMachine } from '../core/bot/machine.ts';
import { TIMER_MS } from '../core/bot/machine.ts';
import type {
  BotInput,
  CancelAnswered,
  ControlCommand,
  FillFact,
  PlaceAnswered,
  SeenOrder,
  SeenStop,
  SyncInput,
} from '../core/bot/input.ts';
import { encodeState } from '../core/bot/state.ts';
import { reasonName } from '../core/bot/reasons.ts';
import { phaseOf } from '../core/bot/telemetry.ts';
import type { BotConfig } from '../core/bot/bot-config.ts';
import type { AccountReport, BotStatus } from '../core/control/protocol.ts';
import type { Log } from '../core/log.ts';
import type { BookFrame } from '../core/market/book.ts';
import { netLots } from '../core/accounting/holdings.ts';
import { formatQty, type Instrument } from '../core/market/instrument.ts';
import { parseQuote } from '../core/money/decimal.ts';
import { RecordKind } from '../core/events/record.ts';
import type { ProtectiveStop } from '../core/orders/stop.ts';
import type { ApprovedIntent } from '../core/risk/decision.ts';
import type { VenueTrouble } from '../core/venue-trouble.ts';
import type { TickTimingsEvent } from '../core/bot/events.ts';
import type { Journal } from '../journal/journal.ts';
import {
  VenueRefused,
  VenueUnavailable,
  type CancelAnswer,
  type ConnectorChannel,
  type PlaceAnswer,
  type Venue,
  type VenueFill,
  type VenueOrder,
  type VenuePosition,
  type VenueSink,
  type VenueStream,
  type VenueTriggerOrder,
} from '../gateway/venue.ts';
import { LatencyHistogram } from '../monitoring/latency.ts';
import { measureClockOffset } from './clock-offset.ts';

/** An unchanged book is still told this often, so that silence and sameness stay apart. */
const SAME_BOOK_MS = 1_000;
/** Inputs between two state snapshots: bounds what recovery replays. */
const SNAPSHOT_INPUTS = 5_000;
const TIMINGS_MS = 15_000;
/** The venue's clock is compared with ours this often. */
const CLOCK_MS = 30_000;
const CLOCK_RETRY_MS = 2_000;
/** Fills are read back from this long before the last reading: clocks differ, and a venue lists a fill late. */
const FILLS_OVERLAP_MS = 60_000;
/** Orders whose fills are recognised where the venue tells them by its own order id alone. */
const ORDER_IDS_KEPT = 4_096;

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
  /** Keeps the sequence of the last durable snapshot where recovery finds it. */
  saveSnapshotSequence(sequence: number): void;
}

/** Input fields without what the runtime itself adds. */
type Untimed<T> = T extends BotInput ? Omit<T, 'sequence' | 'atMs'> : never;

export class BotRuntime implements VenueSink {
  private readonly parts: RuntimeParts;
  private readonly effects = new Effects();
  private readonly tickLatency = new LatencyHistogram();
  private readonly durableLatency = new LatencyHistogram();
  private readonly placeLatency = new LatencyHistogram();
  private readonly bookInput: Extract<BotInput, { kind: typeof RecordKind.bookInput }>;
  private readonly encoder = new TextEncoder();
  private timer: NodeJS.Timeout | null = null;
  private inputsSinceSnapshot = 0;
  private timingsAtMs = 0;
  private clockTimer: NodeJS.Timeout | null = null;
  private isMeasuringClock = false;
  private stream: VenueStream | null = null;
  private isFeeding = false;
  private isStopped = false;
  private readonly clientIds = new Map<string, string>();
  private readonly waiting: BotInput[] = [];
  private resolveLeft: () => void = () => {};
  /** Resolves when the machine says that nothing of ours is open and the process may go. */
  readonly left = new Promise<void>((resolve) => (this.resolveLeft = resolve));

  constructor(parts: RuntimeParts) {
    this.parts = parts;
    this.timingsAtMs = parts.now();
    this.bookInput = { kind: RecordKind.bookInput, sequence: 0, atMs: 0, book: parts.machine.state.book };
  }

  start(): void {
    const { epoch, configHash, codeVersion } = this.parts.identity;
    this.feed({ kind: RecordKind.startInput, epoch, configHash, codeVersion });
    this.timer = setInterval(() => this.feed({ kind: RecordKind.timerInput }), TIMER_MS);
    void this.measureClock();
  }

  /** The machine hears nothing more: what still comes in has no journal to go to. */
  stop(): void {
    this.isStopped = true;
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
    return {
      bot: config.bot,
      instance: identity.instance,
      pid: process.pid,
      epoch: state.epoch,
      phase: phaseOf(state),
      reason: reasonName(state.reason),
      pausedByOperator: state.pausedByOperator,
      hardStopped: state.hardStopped,
      position: formatQty(netLots(state.holdings), instrument),
      ordersActive: state.orders.filter((order) => order.state !== 'closed').length,
      fills: state.fills,
      durableSequence: journal.durableSequence,
      codeVersion: identity.codeVersion,
      configHash: identity.configHash,
      ...(identity.account !== undefined && { account: identity.account }),
    };
  }

  onBook(book: BookFrame): void {
    const { state } = this.parts.machine;
    const atMs = this.parts.now();
    if (atMs - state.bookAtMs < SAME_BOOK_MS && isSameBook(book, state.book)) return;
    this.bookInput.book = book;
    this.feedAt(this.bookInput, atMs);
  }

  /** Trades move no strategy yet; the public stream is watched for its health. */
  onTrade(): void {}
  onTicker(): void {}
  onFunding(): void {}
  /** The position is what fills add up to; the machine holds the venue's word against it. */
  onPosition({ leg, qty }: VenuePosition): void {
    this.feed({ kind: RecordKind.toldPositionInput, leg, qty });
  }

  onOrder(order: VenueOrder): void {
    this.learn(order);
    this.feed(seenInput(order));
  }

  onFill(fill: VenueFill): void {
    this.feed({ kind: RecordKind.fillInput, fill: this.fillFact(fill) });
  }

  onConnector(channel: ConnectorChannel, status: 'up' | 'down', reason: string): void {
    this.parts.log.info('connector', { channel, status, reason });
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

  private feed(input: Untimed<BotInput>): void {
    this.feedAt({ ...input, sequence: 0, atMs: 0 }, this.parts.now());
  }

  private feedAt(input: BotInput, atMs: number): void {
    if (this.isStopped) return;
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
    machine.step(input, this.effects);
    this.carryOut(input.sequence, atMs);
    this.tickLatency.observe(performance.now() - startedAt);
    this.inputsSinceSnapshot += 1;
    if (this.inputsSinceSnapshot >= SNAPSHOT_INPUTS) void this.snapshot().catch(() => {});
    if (atMs - this.timingsAtMs >= TIMINGS_MS) this.recordTimings(atMs);
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

  private async place(intent: ApprovedIntent): Promise<void> {
    const decidedAt = performance.now();
    const { clientOrderId } = intent;
    try {
      await this.parts.journal.durable();
    } catch {
      return; // The journal's failure ends this process; an intent that is not on disk does not leave.
    }
    this.durableLatency.observe(performance.now() - decidedAt);
    const tell = (placed: PlaceAnswer): void =>
      this.feed({ kind: RecordKind.orderInput, clientOrderId, news: placeNews(placed) });
    if (this.parts.now() >= intent.expiresAtMs) return tell(notSent('expired_before_sending'));
    // A stop that came while the record was on its way to the disk holds for this order, too.
    if (phaseOf(this.parts.machine.state) !== 'running') return tell(notSent('stopped_before_sending'));
    const placed = await this.parts.venue.place(intent);
    this.placeLatency.observe(performance.now() - decidedAt);
    if (placed.answer === 'yes') this.learn({ venueOrderId: placed.venueOrderId, clientOrderId });
    else this.parts.log.warn('order not accepted', { clientOrderId, ...placed });
    tell(placed);
  }

  private async cancel(clientOrderId: string): Promise<void> {
    const cancelled = await this.parts.venue.cancel(this.parts.instrument.symbol, clientOrderId);
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
    if (this.isMeasuringClock || this.isStopped) return;
    this.isMeasuringClock = true;
    if (this.clockTimer !== null) clearTimeout(this.clockTimer);
    let againMs = CLOCK_MS;
    try {
      const offset = await measureClockOffset(this.parts.venue, this.parts.now);
      this.feed({ kind: RecordKind.clockInput, ...offset });
    } catch (error) {
      againMs = CLOCK_RETRY_MS;
      this.parts.log.warn('clock not measured', { error: messageOf(error) });
    } finally {
      this.isMeasuringClock = false;
    }
    if (!this.isStopped) this.clockTimer = setTimeout(() => void this.measureClock(), againMs);
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
    this.learn({ ...order, clientOrderId });
    this.feed(seenInput({ ...order, clientOrderId }));
  }

  private async sync(): Promise<void> {
    let read: Untimed<SyncInput>;
    try {
      read = await this.readVenue();
    } catch (error) {
      this.parts.log.warn('venue state not read', { error: messageOf(error) });
      const reason = messageOf(error);
      const trouble = troubleOf(error);
      return this.feed({ kind: RecordKind.connectorInput, channel: 'sync', status: 'down', reason, trouble });
    }
    this.feed(read);
  }

  private async readVenue(): Promise<Untimed<SyncInput>> {
    const { venue, instrument, machine } = this.parts;
    const { symbol } = instrument;
    const openOrders = await venue.openOrders(symbol);
    openOrders.forEach((order) => this.learn(order));
    const { fillsReadAtMs, lastFillAtMs } = machine.state;
    // The last fill is known by the venue's clock, the last reading by ours: whichever is earlier misses nothing.
    const knownToMs = Math.min(fillsReadAtMs || this.parts.now(), lastFillAtMs || Infinity);
    const fills = await venue.fillsSince(symbol, knownToMs - FILLS_OVERLAP_MS);
    const triggers = await venue.triggerOrders(symbol);
    const positions = await venue.positions(symbol);
    const balance = await venue.balance();
    return {
      kind: RecordKind.positionInput,
      openOrders: openOrders.map((order) => ({
        clientOrderId: order.clientOrderId ?? order.venueOrderId,
        filled: order.filled,
        order: seenOrder(order),
      })),
      fills: fills.map((fill) => this.fillFact(fill)).sort((a, b) => a.venueAtMs - b.venueAtMs),
      positions: positions.map(({ leg, qty, entryPrice }) => ({ leg, qty, entryPrice })),
      stops: triggers.filter(({ isProtectiveStop }) => isProtectiveStop).map(seenStop),
      equity: parseQuote(balance.equity),
    };
  }

  private learn({ venueOrderId, clientOrderId }: Pick<VenueOrder, 'venueOrderId' | 'clientOrderId'>): void {
    if (clientOrderId === null || this.clientIds.has(venueOrderId)) return;
    this.clientIds.set(venueOrderId, clientOrderId);
    if (this.clientIds.size <= ORDER_IDS_KEPT) return;
    for (const oldest of this.clientIds.keys()) {
      this.clientIds.delete(oldest);
      return;
    }
  }

  private fillFact(fill: VenueFill): FillFact {
    const { tradeId, side, leg, price, qty, fee, liquidity, atMs, venueOrderId } = fill;
    const clientOrderId = fill.clientOrderId ?? this.clientIds.get(venueOrderId) ?? venueOrderId;
    return { tradeId, clientOrderId, side, leg, price, qty, fee, liquidity, venueAtMs: atMs };
  }

  private connectorCounts(): TickTimingsEvent['connector'] {
    const { reconnects = 0, bookGaps = 0, bookChecksumFailures = 0, malformed = 0 } = this.stream?.health() ?? {};
    return { reconnects, bookGaps, bookChecksumFailures, malformed };
  }

  private recordTimings(atMs: number): void {
    const event: TickTimingsEvent = {
      type: 'TickTimings',
      tick: this.tickLatency.take(),
      durable: this.durableLatency.take(),
      placeAnswer: this.placeLatency.take(),
      memoryRssBytes: process.memoryUsage.rss(),
      connector: this.connectorCounts(),
    };
    this.timingsAtMs = atMs;
    this.record(RecordKind.telemetryEvent, 0, atMs, event);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function troubleOf(error: unknown): VenueTrouble | null {
  return error instanceof VenueRefused || error instanceof VenueUnavailable ? error.trouble : null;
}

function notSent(code: string): PlaceAnswer {
  return { answer: 'no', code, reason: '' };
}

function placeNews(placed: PlaceAnswer): PlaceAnswered {
  const trouble = 'trouble' in placed ? (placed.trouble ?? null) : null;
  return { news: 'placeAnswered', answer: placed.answer, code: placed.answer === 'no' ? placed.code : null, trouble };
}

function cancelNews(cancelled: CancelAnswer): CancelAnswered {
  const trouble = 'trouble' in cancelled ? (cancelled.trouble ?? null) : null;
  return { news: 'cancelAnswered', answer: cancelled.answer, trouble };
}

function seenOrder({ side, price, qty, reduceOnly, leg }: VenueOrder): SeenOrder {
  return { side, price, qty, reduceOnly, leg };
}

/** Below the entry a stop protects what is long; in one-way mode the order that it sends says so. */
function seenStop({ clientOrderId, venueOrderId, leg, side, triggerPrice }: VenueTriggerOrder): SeenStop {
  const isLong = leg === 'net' ? side === 'sell' : leg === 'long';
  return { clientOrderId: clientOrderId ?? venueOrderId, leg, direction: isLong ? 1 : -1, triggerPrice };
}

function seenInput(order: VenueOrder): Untimed<Extract<BotInput, { kind: typeof RecordKind.orderInput }>> {
  const { status, filled } = order;
  return {
    kind: RecordKind.orderInput,
    clientOrderId: order.clientOrderId ?? order.venueOrderId,
    news: { news: 'seen', status, filled, order: seenOrder(order) },
  };
}

function isSameBook(a: BookFrame, b: BookFrame): boolean {
  if (a.bidCount !== b.bidCount || a.askCount !== b.askCount) return false;
  for (let i = 0; i < a.bidCount; i += 1)
    if (a.bidTicks[i] !== b.bidTicks[i] || a.bidLots[i] !== b.bidLots[i]) return false;
  for (let i = 0; i < a.askCount; i += 1)
    if (a.askTicks[i] !== b.askTicks[i] || a.askLots[i] !== b.askLots[i]) return false;
  return true;
}
