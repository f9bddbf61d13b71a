/**
 * The bot machine: `step(input) -> effects`. It has no clock, no chance and no I/O; one machine runs live, on paper, in a
 * replay and in a backtest, so these agree by construction.
 *
 *   starting --sync agrees--> paused --supervisor speaks--> running <--pause/resume, supervisor lost/back--> paused
 *   any --hardStop--> hard_stopped --approveRestart--> running        any --shutdown--> stopping --nothing open--> leave
 *
 * Only `running` quotes. Every other phase first takes the bot's own orders off the book.
 */
import { closableLots, isFlat, netLots } from '../accounting/holdings.ts';
import { RecordKind } from '../events/record.ts';
import { faultLine, type Fault } from '../faults.ts';
import { assertNever } from '../invariant.ts';
import { BOOK_DEPTH } from '../market/book.ts';
import { formatQty, type Instrument } from '../market/instrument.ts';
import { orderTag } from '../orders/client-order-id.ts';
import { createRiskPolicy } from '../risk/policy.ts';
import { createStrategy } from '../strategies/create.ts';
import { createDesiredQuotes, type DesiredQuotes, type Explained, type StrategyView } from '../strategies/strategy.ts';
import { raiseAlert, tell } from './alerts.ts';
import { beginRun } from './begin-run.ts';
import { markEquity, rollDay } from './daily.ts';
import type { BotConfig } from './bot-config.ts';
import type { Effects } from './effects.ts';
import type { BotInput, ConnectorInput, ControlCommand, ControlInput, StartInput, TickerInput } from './input.ts';
import { cancelOwn, chaseOrders, countCancels, hasOwnOrders, manageQuotes, type OrderDesk } from './order-desk.ts';
import { applyOrderInput } from './order-news.ts';
import { applyStopAnswer, areStopsSettled, isProtected, manageStops, UNPROTECTED_MS_MAX } from './protection.ts';
import { Reason, reasonName, type ReasonCode } from './reasons.ts';
import { applyFillFact, takeUnrealisedOut } from './reconcile.ts';
import {
  approveRisk,
  blockedByRisk,
  isCancelBudgetUsed,
  isReducingOnly,
  judgeApproval,
  noteCancelBudget,
  watchRisk,
} from './risk-watch.ts';
import { blankState, type BotState } from './state.ts';
import { noteStored, passStandstill, watchStore } from './store-watch.ts';
import { applySyncInput, askSync, noteSyncFailed, retrySync, watchSync, whyNotSynced } from './sync-watch.ts';
import { midOf, recordTelemetry, worthTicksOf } from './telemetry.ts';
import { judgeChangedSizes } from './preflight.ts';
import { judgeChanges, mergeChanges, tuned, valueAt } from './tunables.ts';
import { applyClock, blockedByVenue, noteTrouble } from './venue-health.ts';

/** How often the machine wants a `TimerInput`. */
export const TIMER_MS = 1_000;
/** A hard stop's cancel-all is sent again this long after one that the venue has not confirmed. */
const CANCEL_ALL_RETRY_MS = 2_000;
/** Longer without any input and this process stood still: what it then reads first is old. */
const STALL_MS = 5_000;

type SetParameters = Extract<ControlCommand, { command: 'setParameters' }>;

export class BotMachine {
  readonly state: BotState;
  /** What the strategy wanted in the book at the last tick that asked it. */
  readonly desired: DesiredQuotes = createDesiredQuotes();
  private readonly config: BotConfig;
  private readonly instrument: Instrument;
  private readonly view: StrategyView;
  /** Of the step under way. */
  private effects: Effects | null = null;
  private desk: OrderDesk;

  constructor(config: BotConfig, instrument: Instrument, state: BotState = blankState()) {
    this.state = state;
    this.config = config;
    this.instrument = instrument;
    this.view = {
      book: state.book,
      atMs: state.lastAtMs,
      midTicks: midOf(state) ?? 0,
      positionLots: netLots(state.holdings),
      isReducing: false,
      closableByBidsLots: 0,
      closableByAsksLots: 0,
      fundingRate: state.fundingRate,
      fundingIntervalMs: state.fundingIntervalMs,
    };
    this.desk = this.equip();
  }

  /** The desk as the configuration and what was tuned since make it; the strategy keeps its memory. */
  private equip(): OrderDesk {
    const { state, instrument, view } = this;
    const config = this.tunedConfig();
    const { risk } = config;
    const strategy = createStrategy(config.strategy, instrument, state.strategy);
    state.strategy = strategy.memory;
    return {
      bot: config.bot,
      instrument,
      strategy,
      view,
      tell: (event) => this.effects?.push({ effect: 'record', kind: RecordKind.signalEvent, event }),
      tag: orderTag(config.bot),
      limits: {
        exposureQuoteMax: Number(risk.exposureQuoteMax),
        orderQuoteMax: Number(risk.orderQuoteMax),
        ordersActiveMax: risk.ordersActiveMax,
      },
      risk,
      policy: createRiskPolicy({ leverageMax: config.leverageMax, ...risk }),
      positionMode: config.positionMode,
      hedgeInventoryRatio: config.hedgeInventoryRatio,
      isStopEnabled: risk.protectiveStopEnabled,
      stopLossRatio: risk.protectiveStopLossPct / 100,
      fillDeviationBpsMax: risk.fillDeviationBpsMax,
      tradesKnown: new Set(state.tradeIds),
    };
  }

  /** What the bot runs with: its file, and on top of it what a person changed since. */
  tunedConfig(): BotConfig {
    return tuned(this.config, this.state.parameters);
  }

  /** Why `command` is refused as a whole; none when it is obeyed. */
  judgeCommand(command: ControlCommand): Fault[] {
    if (command.command === 'setParameters') return this.judgeParameters(command.changes);
    if (command.command === 'approveRestart') return judgeApproval(this.state, command.givenAtMs ?? Infinity);
    return [];
  }

  /** As a file is judged, and by the contract at the price of now: what it would refuse is said before it is tried. */
  private judgeParameters(changes: SetParameters['changes']): Fault[] {
    const { config, state } = this;
    const faults = judgeChanges(config, state.parameters, changes);
    const price = (worthTicksOf(state) ?? 0) * this.desk.instrument.tickSize;
    if (faults.length > 0 || price === 0) return faults;
    const wanted = tuned(config, mergeChanges(state.parameters, changes));
    return judgeChangedSizes(this.tunedConfig(), wanted, this.desk.instrument, price);
  }

  /** What the last decision rests on, in display units, for a person who asks why. */
  explain(): Explained {
    this.look(this.state.lastAtMs);
    return this.desk.strategy.explain(this.view);
  }

  /** Folds one input. `effects` is cleared first; the answer is why the bot quotes or does not, after this input. */
  step(input: BotInput, effects: Effects): ReasonCode {
    effects.clear();
    this.effects = effects;
    const { state } = this;
    // Read once: inputs have many shapes, and each read of a time from one of them is a number on the heap.
    const { atMs } = input;
    this.watchClock(atMs);
    rollDay(state, atMs, this.desk, effects);
    switch (input.kind) {
      case RecordKind.bookInput:
        if (!isSameTop(input.book, state.book) || state.bookAtMs === 0) state.bookTopAtMs = atMs;
        copyBook(input.book, state);
        state.bookAtMs = atMs;
        if (state.isWalletGross) takeUnrealisedOut(state, this.desk);
        this.look(atMs);
        if (this.view.midTicks > 0) this.desk.strategy.onBook(this.view, this.desk.tell);
        break;
      case RecordKind.timerInput:
        this.onTimer(atMs, effects);
        break;
      case RecordKind.startInput:
        this.onStart(input, effects);
        break;
      case RecordKind.orderInput:
        applyOrderInput(state, input, this.desk, effects);
        break;
      case RecordKind.fillInput:
        this.look(atMs);
        applyFillFact(state, input.fill, atMs, this.desk, effects);
        break;
      case RecordKind.positionInput:
        // Fills that the read tells go to the strategy, which sees the market of now.
        this.look(atMs);
        applySyncInput(state, input, this.desk, effects);
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
      case RecordKind.tickerInput:
        this.onTicker(input);
        break;
      case RecordKind.barsInput:
        this.desk.strategy.onBars(input.bars, this.desk.tell);
        break;
      default:
        assertNever(input);
    }
    // A book was looked at already, and stops follow what is held.
    if (input.kind !== RecordKind.bookInput) {
      manageStops(state, atMs, this.desk, effects);
      this.look(atMs);
    }
    return this.tick(atMs, effects);
  }

  private tick(atMs: number, effects: Effects): ReasonCode {
    const { state } = this;
    this.watchSupervisor(atMs, effects);
    watchStore(state, atMs, this.desk.risk.eventsUnstoredMsMax, effects);
    const blocked = this.blockedBy(atMs);
    if (blocked !== Reason.none) {
      if (state.orders.length > 0) cancelOwn(state, reasonName(blocked), atMs, effects);
      if (state.stopping && !state.left && this.mayLeave()) this.leave(effects);
      state.reason = blocked;
      return blocked;
    }
    state.reason = this.desk.strategy.quote(this.view, this.desired);
    manageQuotes(state, this.desired, atMs, this.desk, effects);
    return state.reason;
  }

  /** Brings what the strategy sees up to this input. */
  private look(atMs: number): void {
    const { state, view } = this;
    const { book } = state;
    const bidTicks = book.bidTicks[0] as number;
    const askTicks = book.askTicks[0] as number;
    const isTwoSided = book.bidCount > 0 && book.askCount > 0 && bidTicks < askTicks;
    view.atMs = atMs;
    view.midTicks = isTwoSided ? (bidTicks + askTicks) / 2 : 0;
    view.positionLots = netLots(state.holdings);
    view.isReducing = isReducingOnly(state);
    view.closableByBidsLots = closableLots(state.holdings, 'buy');
    view.closableByAsksLots = closableLots(state.holdings, 'sell');
    view.fundingRate = state.fundingRate;
    view.fundingIntervalMs = state.fundingIntervalMs;
  }

  private leave(effects: Effects): void {
    const { state, instrument } = this;
    state.left = true;
    if (!isFlat(state.holdings)) {
      const position = formatQty(netLots(state.holdings), instrument);
      raiseAlert(state, 'open_position_at_shutdown', { position, stops: state.stops.length }, effects);
    }
    effects.push({ effect: 'leave' });
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
    if (!state.synced) return whyNotSynced(state);
    if (state.pausedByOperator) return Reason.paused_by_operator;
    if (state.pausedWithoutSupervisor) return Reason.paused_without_supervisor;
    if (state.eventStore?.isBehind === true) return Reason.events_not_stored;
    const unfit = blockedByVenue(state, atMs);
    if (unfit !== Reason.none) return unfit;
    if (state.syncMismatches > 0 || state.provenAtMs < state.doubtedAtMs) return Reason.reconciling;
    if (state.bookAtMs === 0) return Reason.book_missing;
    if (atMs - state.bookAtMs > this.desk.risk.bookAgeMsMax) return Reason.book_stale;
    if (venueAgeMs(state, atMs) > this.desk.risk.bookAgeMsMax) return Reason.book_stale;
    if (atMs - state.bookTopAtMs > this.desk.risk.bookTopSameMsMax) return Reason.book_stale;
    if (state.unprotectedSinceMs !== 0 && atMs - state.unprotectedSinceMs > UNPROTECTED_MS_MAX)
      return Reason.unprotected;
    if (state.book.bidCount === 0 || state.book.askCount === 0) return Reason.book_one_sided;
    if ((state.book.bidTicks[0] as number) >= (state.book.askTicks[0] as number)) return Reason.book_crossed;
    if (isCancelBudgetUsed(state, this.desk.risk.cancelsPerMinuteMax)) return Reason.cancel_budget_used;
    return blockedByRisk(state);
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
      passStandstill(state, atMs - state.lastAtMs);
      state.bookAtMs = 0;
      state.doubtedAtMs = atMs;
      state.syncDueAtMs = atMs;
    }
    state.lastAtMs = atMs;
  }

  private onTimer(atMs: number, effects: Effects): void {
    const { state } = this;
    noteCancelBudget(state, atMs, this.desk);
    countCancels(state, atMs);
    if (state.cancelAllSentAtMs !== 0 && atMs - state.cancelAllSentAtMs >= CANCEL_ALL_RETRY_MS) {
      state.cancelAllSentAtMs = atMs;
      effects.push({ effect: 'cancelAll' });
    }
    const wantsSync = chaseOrders(state, atMs, this.desk, effects);
    watchSync(state, wantsSync, atMs, effects);
    markEquity(state, this.desk, effects);
    this.look(atMs);
    this.desk.strategy.onTimer(this.view, this.desk.tell);
    watchRisk(state, atMs, this.desk, effects);
    if (state.epoch > 0) recordTelemetry(state, atMs, this.desk, effects);
  }

  /** A new process: what was in flight is unknown now, and nothing is quoted before the venue's truth is here. */
  private onStart({ epoch, atMs, configHash, codeVersion }: StartInput, effects: Effects): void {
    const { state } = this;
    beginRun(state, epoch, atMs);
    // A bot on paper may trust what it remembers: its account is its own file.
    state.synced = !this.config.startupPositionSync && state.everSynced;
    this.desk.strategy.onStart(atMs);
    tell(state, 'started', '', { epoch, configHash, codeVersion, ordersUnknown: state.orders.length }, effects);
  }

  private onTicker({ markTicks, fundingRate, fundingIntervalMs, fundingAtMs }: TickerInput): void {
    const { state } = this;
    if (markTicks !== null && markTicks > 0 && Number.isFinite(markTicks)) {
      state.markTicks = markTicks;
      state.markAtMs = state.lastAtMs;
    }
    if (fundingRate !== null && Number.isFinite(fundingRate)) state.fundingRate = fundingRate;
    if (fundingIntervalMs !== null && fundingIntervalMs > 0) state.fundingIntervalMs = fundingIntervalMs;
    if (fundingAtMs !== null) state.fundingAtMs = fundingAtMs;
  }

  private onConnector(input: ConnectorInput, effects: Effects): void {
    const { channel, status, reason, trouble, part, atMs } = input;
    const { state } = this;
    if (channel === 'book') state.bookUp = status === 'up';
    if (channel === 'orders') {
      state.ordersUp = status === 'up';
      // What happened while the private stream was away is read, not assumed.
      if (status === 'up') {
        state.doubtedAtMs = atMs;
        state.syncDueAtMs = atMs;
        askSync(state, atMs, effects);
      }
    }
    if (channel === 'sync') {
      // One that was given up counts as failed already.
      const isGivenUp = input.askedAtMs !== undefined && input.askedAtMs !== state.syncSentAtMs;
      if (!isGivenUp) noteSyncFailed(state, part ?? null, trouble ?? null, atMs, effects);
      noteTrouble(this.state, trouble, atMs, effects);
    }
    tell(state, 'connector', reason, { channel, status }, effects);
  }

  private setParameters({ changes, operator, reason }: SetParameters, effects: Effects): void {
    const { state } = this;
    const before = this.tunedConfig();
    state.parameters = mergeChanges(state.parameters, changes);
    this.desk = this.equip();
    const after = this.tunedConfig();
    const detail: Record<string, string> = {};
    for (const path of Object.keys(changes)) detail[path] = `${valueAt(before, path)} -> ${valueAt(after, path)}`;
    tell(state, 'parameters_changed', reason, detail, effects, operator);
  }

  private onControl({ command, atMs }: ControlInput, effects: Effects): void {
    const { state } = this;
    const operator = 'operator' in command ? command.operator : null;
    const faults = this.judgeCommand(command);
    // Whoever sends it has asked before: it is a fault of the way here, and on record as one.
    if (faults.length > 0 && 'reason' in command) {
      const refused = faults.map(faultLine).join('; ');
      return tell(state, 'command', command.reason, { command: command.command, refused }, effects, operator);
    }
    switch (command.command) {
      case 'ping':
        state.supervisorSeenAtMs = atMs;
        noteStored(state, command.storedAgeMs, atMs);
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
        retrySync(state, atMs);
        break;
      case 'hardStop':
        state.hardStopped = true;
        state.heldSinceMs = atMs;
        state.cancelAllSentAtMs = atMs;
        effects.push({ effect: 'cancelAll' });
        break;
      case 'approveRestart':
        state.hardStopped = false;
        state.cancelAllSentAtMs = 0;
        approveRisk(state, atMs, this.desk, effects);
        break;
      case 'setParameters':
        this.setParameters(command, effects);
        return;
      case 'shutdown':
        state.stopping = true;
        break;
      default:
        assertNever(command);
    }
    tell(state, 'command', command.reason, { command: command.command }, effects, operator);
  }
}

/** How old the book is by the venue's own clock, as far as ours is known to agree: frames held up on the way look new. */
function venueAgeMs({ book, clockOffsetMs, clockUncertaintyMs }: BotState, atMs: number): number {
  return book.venueAtMs === 0 ? 0 : atMs + clockOffsetMs - clockUncertaintyMs - book.venueAtMs;
}

function isSameTop(a: BotState['book'], b: BotState['book']): boolean {
  return (
    a.bidCount > 0 === b.bidCount > 0 &&
    a.askCount > 0 === b.askCount > 0 &&
    (a.bidCount === 0 || (a.bidTicks[0] === b.bidTicks[0] && a.bidLots[0] === b.bidLots[0])) &&
    (a.askCount === 0 || (a.askTicks[0] === b.askTicks[0] && a.askLots[0] === b.askLots[0]))
  );
}

function copyBook(from: BotState['book'], { book }: BotState): void {
  book.venueAtMs = from.venueAtMs;
  book.bidCount = from.bidCount;
  book.askCount = from.askCount;
  const { bidCount, askCount } = from;
  // A plain loop: for so few numbers four calls of `set` take five times as long. What a reused frame still holds behind its
  // last level is in no journal, so it is not taken over.
  for (let i = 0; i < BOOK_DEPTH; i += 1) {
    book.bidTicks[i] = i < bidCount ? (from.bidTicks[i] as number) : 0;
    book.bidLots[i] = i < bidCount ? (from.bidLots[i] as number) : 0;
    book.askTicks[i] = i < askCount ? (from.askTicks[i] as number) : 0;
    book.askLots[i] = i < askCount ? (from.askLots[i] as number) : 0;
  }
}
