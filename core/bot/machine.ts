/**
 * The bot machine: `step(input) -> effects`. It has no clock, no chance and no I/O; one machine runs live, on paper, in a
 * replay and in a backtest, so these agree by construction.
 *
 *   starting --sync agrees--> paused --supervisor speaks--> running <--pause/resume, supervisor lost/back--> paused
 *   any --hardStop--> hard_stopped --approveRestart--> running        any --shutdown--> stopping --nothing open--> leave
 *
 * Only `running` quotes. Every other phase first takes the bot's own orders off the book.
 */
import { LEGS, netLots } from '../accounting/holdings.ts';
import { assertNever } from '../invariant.ts';
import { BOOK_DEPTH } from '../market/book.ts';
import type { Instrument } from '../market/instrument.ts';
import { RecordKind } from '../events/record.ts';
import { orderTag } from '../orders/client-order-id.ts';
import type { DesiredQuotes, StrategyView } from '../strategies/strategy.ts';
import { createTwoSidedQuotes } from '../strategies/two-sided-quotes.ts';
import { tell } from './alerts.ts';
import { beginRun } from './begin-run.ts';
import type { BotConfig } from './bot-config.ts';
import type { Effects } from './effects.ts';
import type { BotInput, ConnectorInput, ControlInput, OrderInput, StartInput, SyncInput } from './input.ts';
import { applyStopAnswer, areStopsSettled, isProtected, manageStops, UNPROTECTED_MS_MAX } from './protection.ts';
import { applyFillFact, applySync, takeUnrealisedOut } from './reconcile.ts';
import {
  cancelOwn,
  chaseOrders,
  countCancels,
  findOrder,
  hasOwnOrders,
  lookUp,
  manageQuotes,
  tellOrder,
  type OrderDesk,
} from './order-desk.ts';
import { Reason, reasonName, type ReasonCode } from './reasons.ts';
import { blankState, wantSync, type BotState } from './state.ts';
import { markEquity, recordTelemetry } from './telemetry.ts';
import { applyClock, blockedByVenue, endMaintenance, MAINTENANCE_RETRY_MS, noteTrouble } from './venue-health.ts';

/** How often the machine wants a `TimerInput`. */
export const TIMER_MS = 1_000;
/** The venue's truth is compared with ours this often. */
const SYNC_MS = 300_000;
const SYNC_RETRY_MS = 1_000;
/** A hard stop's cancel-all is sent again this long after one that the venue has not confirmed. */
const CANCEL_ALL_RETRY_MS = 2_000;
const SYNC_TIMEOUT_MS = 30_000;
/** An adopted position is compared again this soon: a fill that it holds already may still be on its way to us. */
const SYNC_AFTER_ADOPTION_MS = 10_000;
/** Longer without any input and this process stood still: what it then reads first is old. */
const STALL_MS = 5_000;
/** A fill and the position that it led to come as two messages: a difference for longer than this is none of their order. */
const TOLD_DIFFERS_MS = 1_500;
/** A cancel that was refused with the whole account is tried again no sooner: keys do not get better by asking. */
const REFUSED_RETRY_MS = 10_000;

export class BotMachine {
  readonly state: BotState;
  private readonly desk: OrderDesk;
  private readonly config: BotConfig;
  private readonly dailyLossQuoteMax: number;
  private readonly view: StrategyView;
  private readonly desired: DesiredQuotes = { bidTicks: 0, bidLots: 0, askTicks: 0, askLots: 0 };

  constructor(config: BotConfig, instrument: Instrument, state: BotState = blankState()) {
    this.state = state;
    this.config = config;
    this.dailyLossQuoteMax = Number(config.risk.dailyLossQuoteMax);
    this.view = { book: state.book, atMs: 0, positionLots: 0 };
    this.desk = {
      instrument,
      strategy: createTwoSidedQuotes(config.strategy, instrument),
      tag: orderTag(config.bot),
      limits: {
        exposureQuoteMax: Number(config.risk.exposureQuoteMax),
        orderQuoteMax: Number(config.risk.orderQuoteMax),
        ordersActiveMax: config.risk.ordersActiveMax,
      },
      positionMode: config.positionMode,
      hedgeInventoryRatio: config.hedgeInventoryRatio,
      isStopEnabled: config.risk.protectiveStopEnabled,
      stopLossRatio: config.risk.protectiveStopLossPct / 100,
      fillDeviationBpsMax: config.risk.fillDeviationBpsMax,
    };
  }

  /** Folds one input. `effects` is cleared first; the answer is why the bot quotes or does not, after this input. */
  step(input: BotInput, effects: Effects): ReasonCode {
    effects.clear();
    const { state } = this;
    // Read once: inputs have many shapes, and each read of a time from one of them is a number on the heap.
    const { atMs } = input;
    this.watchClock(atMs);
    switch (input.kind) {
      case RecordKind.bookInput:
        if (!isSameTop(input.book, state.book) || state.bookAtMs === 0) state.bookTopAtMs = atMs;
        copyBook(input.book, state);
        state.bookAtMs = atMs;
        if (state.isWalletGross) takeUnrealisedOut(state, this.desk);
        break;
      case RecordKind.timerInput:
        this.onTimer(atMs, effects);
        break;
      case RecordKind.startInput:
        this.onStart(input, effects);
        break;
      case RecordKind.orderInput:
        this.onOrder(input, effects);
        break;
      case RecordKind.fillInput:
        applyFillFact(state, input.fill, atMs, this.desk, effects);
        break;
      case RecordKind.positionInput:
        this.onSync(input, effects);
        break;
      case RecordKind.connectorInput:
        this.onConnector(input, effects);
        break;
      case RecordKind.controlInput:
        this.onControl(input, effects);
        break;
      case RecordKind.stopInput:
        applyStopAnswer(state, input, this.desk, effects);
        noteTrouble(this.state, input.news.trouble, atMs, effects);
        break;
      case RecordKind.clockInput:
        applyClock(state, input, effects);
        break;
      case RecordKind.toldPositionInput:
        state.toldByLeg[input.leg] = input.qty;
        break;
      default:
        assertNever(input);
    }
    if (input.kind !== RecordKind.bookInput) manageStops(state, atMs, this.desk, effects);
    return this.tick(atMs, effects);
  }

  private tick(atMs: number, effects: Effects): ReasonCode {
    const { state } = this;
    this.watchSupervisor(atMs, effects);
    const blocked = this.blockedBy(atMs);
    if (blocked !== Reason.none) {
      if (state.orders.length > 0) cancelOwn(state, reasonName(blocked), atMs, effects);
      if (state.stopping && !state.left && this.mayLeave()) {
        state.left = true;
        effects.push({ effect: 'leave' });
      }
      state.reason = blocked;
      return blocked;
    }
    this.view.atMs = atMs;
    this.view.positionLots = netLots(state.holdings);
    this.desired.bidLots = 0;
    this.desired.askLots = 0;
    state.reason = this.desk.strategy.onBook(this.view, this.desired);
    manageQuotes(state, this.desired, atMs, this.desk, effects);
    return state.reason;
  }

  /** Nothing of ours can execute any more, every fill that was told of is here, and what is held has its stop. */
  private mayLeave(): boolean {
    const { state } = this;
    return !hasOwnOrders(state) && areStopsSettled(state) && isProtected(state, this.desk);
  }

  /** The first rule that forbids to quote now; `none` when nothing does. */
  private blockedBy(atMs: number): ReasonCode {
    const { state } = this;
    if (state.hardStopped) return Reason.hard_stopped;
    if (state.stopping) return Reason.stopping;
    if (!state.synced) return Reason.startup_sync_pending;
    if (state.pausedByOperator) return Reason.paused_by_operator;
    if (state.pausedWithoutSupervisor) return Reason.paused_without_supervisor;
    const unfit = blockedByVenue(state, atMs);
    if (unfit !== Reason.none) return unfit;
    if (state.syncMismatches > 0 || state.provenAtMs < state.doubtedAtMs) return Reason.reconciling;
    if (state.bookAtMs === 0) return Reason.book_missing;
    if (atMs - state.bookAtMs > this.config.risk.bookAgeMsMax) return Reason.book_stale;
    if (atMs - state.bookTopAtMs > this.config.risk.bookTopSameMsMax) return Reason.book_stale;
    if (state.unprotectedSinceMs !== 0 && atMs - state.unprotectedSinceMs > UNPROTECTED_MS_MAX)
      return Reason.unprotected;
    if (state.book.bidCount === 0 || state.book.askCount === 0) return Reason.book_one_sided;
    if ((state.book.bidTicks[0] as number) >= (state.book.askTicks[0] as number)) return Reason.book_crossed;
    if (state.dailyLossReached) return Reason.daily_loss_reached;
    if (state.cancelsAtMs.length >= this.config.risk.cancelsPerMinuteMax) return Reason.cancel_budget_used;
    return Reason.none;
  }

  /** At every input, not only at timers: after a standstill the first one may be a book. */
  private watchSupervisor(atMs: number, effects: Effects): void {
    const { state } = this;
    const supervisorAgeMs = atMs - state.supervisorSeenAtMs;
    if (state.epoch === 0 || state.pausedWithoutSupervisor || supervisorAgeMs <= this.config.deadmanS * 1_000) return;
    state.pausedWithoutSupervisor = true;
    tell(state, 'phase', 'no supervisor', { supervisorAgeMs }, effects);
  }

  private watchClock(atMs: number): void {
    const { state } = this;
    if (state.epoch > 0 && atMs - state.lastAtMs > STALL_MS) {
      state.bookAtMs = 0;
      state.doubtedAtMs = atMs;
      state.syncDueAtMs = atMs;
    }
    state.lastAtMs = atMs;
  }

  private onSync(input: SyncInput, effects: Effects): void {
    const { state } = this;
    const readAtMs = state.syncSentAtMs;
    const outcome = applySync(state, input, this.desk, effects);
    if (outcome === 'differs') {
      state.syncDueAtMs = input.atMs + SYNC_RETRY_MS;
      return;
    }
    endMaintenance(state, input.atMs, effects);
    const isProven = state.provenAtMs >= state.doubtedAtMs;
    const isExplained = readAtMs > state.syncWantedAtMs && areStopsSettled(state);
    let againMs = isProven && isExplained ? SYNC_MS : SYNC_RETRY_MS;
    if (outcome === 'adopted') againMs = Math.min(againMs, SYNC_AFTER_ADOPTION_MS);
    if (state.venueTrouble !== null) againMs = MAINTENANCE_RETRY_MS;
    state.syncDueAtMs = input.atMs + againMs;
    tell(state, 'synced', '', { position: netLots(state.holdings), openOrders: input.openOrders.length }, effects);
  }

  private onTimer(atMs: number, effects: Effects): void {
    const { state } = this;
    countCancels(state, atMs);
    if (state.cancelAllSentAtMs !== 0 && atMs - state.cancelAllSentAtMs >= CANCEL_ALL_RETRY_MS) {
      state.cancelAllSentAtMs = atMs;
      effects.push({ effect: 'cancelAll' });
    }
    const wantsSync = chaseOrders(state, atMs, this.desk, effects);
    if (state.syncSentAtMs !== 0 && atMs - state.syncSentAtMs > SYNC_TIMEOUT_MS) state.syncSentAtMs = 0;
    this.compareTold(atMs);
    if (state.epoch > 0 && (wantsSync || atMs >= state.syncDueAtMs)) this.askSync(atMs, effects);
    markEquity(state, atMs, this.desk, this.dailyLossQuoteMax);
    if (state.epoch > 0) recordTelemetry(state, atMs, this.desk, effects);
  }

  /** The stream's word on the position is only held against ours: what differs for longer is read. */
  private compareTold(atMs: number): void {
    const { state } = this;
    const isOurs = LEGS.every((leg) => (state.toldByLeg[leg] ?? state.holdings[leg].qty) === state.holdings[leg].qty);
    if (isOurs) state.toldDiffersAtMs = 0;
    else if (state.toldDiffersAtMs === 0) state.toldDiffersAtMs = atMs;
    else if (atMs - state.toldDiffersAtMs >= TOLD_DIFFERS_MS) {
      state.toldDiffersAtMs = atMs;
      wantSync(state, atMs);
    }
  }

  private askSync(atMs: number, effects: Effects): void {
    const { state } = this;
    if (state.syncSentAtMs !== 0 || !state.ordersUp) return;
    state.syncSentAtMs = atMs;
    effects.push({ effect: 'sync' });
  }

  /** A new process: what was in flight is unknown now, and nothing is quoted before the venue's truth is here. */
  private onStart({ epoch, atMs, configHash, codeVersion }: StartInput, effects: Effects): void {
    const { state } = this;
    beginRun(state, epoch, atMs);
    tell(state, 'started', '', { epoch, configHash, codeVersion, ordersUnknown: state.orders.length }, effects);
  }

  private onOrder({ clientOrderId, news, atMs }: OrderInput, effects: Effects): void {
    const { state, desk } = this;
    if (news.news === 'allCancelAnswered') {
      if (news.answer === 'yes' || news.answer === 'gone') state.cancelAllSentAtMs = 0;
      return;
    }
    if ('trouble' in news) noteTrouble(this.state, news.trouble, atMs, effects);
    const order = findOrder(state, clientOrderId);
    if (order === undefined) {
      // An order of somebody else shows at the next sync; news of what is settled already says nothing new.
      if (news.news === 'seen' && news.status === 'open') wantSync(state, atMs);
      return;
    }
    switch (news.news) {
      case 'placeAnswered':
        if (news.answer === 'yes') tellOrder(state, order, { news: 'acknowledged' }, atMs, desk, effects);
        else if (news.answer === 'no') tellOrder(state, order, { news: 'refused' }, atMs, desk, effects, news.code);
        else {
          tellOrder(state, order, { news: 'unknown' }, atMs, desk, effects);
          if (order.state === 'unknown') lookUp(order, atMs, effects);
        }
        break;
      case 'lookupFailed':
        // An account that is refused is not asked again at once: the look-up's own time-out brings the next one.
        if (news.trouble !== 'auth') order.lookupSentAtMs = 0;
        break;
      case 'cancelAnswered':
        tellOrder(state, order, news, atMs, desk, effects);
        if (news.trouble === 'auth') order.cancelRetryAtMs = atMs + REFUSED_RETRY_MS;
        if (order.state === 'unknown') lookUp(order, atMs, effects);
        break;
      default:
        tellOrder(state, order, news, atMs, desk, effects);
    }
  }

  private onConnector({ channel, status, reason, trouble, atMs }: ConnectorInput, effects: Effects): void {
    const { state } = this;
    if (channel === 'book') state.bookUp = status === 'up';
    if (channel === 'orders') {
      state.ordersUp = status === 'up';
      // What happened while the private stream was away is read, not assumed.
      if (status === 'up') {
        state.doubtedAtMs = atMs;
        state.syncDueAtMs = atMs;
        this.askSync(atMs, effects);
      }
    }
    if (channel === 'sync') {
      state.syncSentAtMs = 0;
      state.syncDueAtMs = atMs + (state.venueTrouble === null ? SYNC_RETRY_MS : MAINTENANCE_RETRY_MS);
      noteTrouble(this.state, trouble, atMs, effects);
    }
    tell(state, 'connector', reason, { channel, status }, effects);
  }

  private onControl({ command, atMs }: ControlInput, effects: Effects): void {
    const { state } = this;
    switch (command.command) {
      case 'ping':
        state.supervisorSeenAtMs = atMs;
        if (state.pausedWithoutSupervisor) {
          state.pausedWithoutSupervisor = false;
          tell(state, 'phase', 'supervisor is back', {}, effects);
        }
        return;
      case 'pause':
        state.pausedByOperator = true;
        break;
      case 'resume':
        state.pausedByOperator = false;
        // Whoever resumes has seen to the account.
        state.venueTrouble = null;
        break;
      case 'hardStop':
        state.hardStopped = true;
        state.cancelAllSentAtMs = atMs;
        effects.push({ effect: 'cancelAll' });
        break;
      case 'approveRestart':
        state.hardStopped = false;
        state.cancelAllSentAtMs = 0;
        break;
      case 'shutdown':
        state.stopping = true;
        break;
      default:
        assertNever(command);
    }
    const operator = 'operator' in command ? command.operator : null;
    tell(state, 'command', command.reason, { command: command.command }, effects, operator);
  }
}

function isSameTop(a: BotState['book'], b: BotState['book']): boolean {
  return (
    a.bidCount > 0 === b.bidCount > 0 &&
    a.askCount > 0 === b.askCount > 0 &&
    a.bidTicks[0] === b.bidTicks[0] &&
    a.bidLots[0] === b.bidLots[0] &&
    a.askTicks[0] === b.askTicks[0] &&
    a.askLots[0] === b.askLots[0]
  );
}

function copyBook(from: BotState['book'], { book }: BotState): void {
  book.venueAtMs = from.venueAtMs;
  book.bidCount = from.bidCount;
  book.askCount = from.askCount;
  // A plain loop: for so few numbers four calls of `set` take five times as long.
  for (let i = 0; i < BOOK_DEPTH; i += 1) {
    book.bidTicks[i] = from.bidTicks[i] as number;
    book.bidLots[i] = from.bidLots[i] as number;
    book.askTicks[i] = from.askTicks[i] as number;
    book.askLots[i] = from.askLots[i] as number;
  }
}
