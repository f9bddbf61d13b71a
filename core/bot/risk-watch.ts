/**
 * The bot's own watch over its limits: once a second the facts are gathered, judged, and held against the ladder. Each step is
 * an event. A hard stop cancels everything at the venue and publishes one intent for the kill switch; the level that was
 * reached is part of the state, so neither a restart nor a replay publishes it again. A person's own `hardStop` publishes
 * none: whoever gives it decides what is to follow.
 */
import { LEGS } from '../accounting/holdings.ts';
import {
  applyLadder,
  approveLadder,
  blankLadder,
  LADDER,
  type Change,
  type LadderMemory,
  type Level,
} from '../escalation/ladder.ts';
import type { Fault } from '../faults.ts';
import {
  estimateMarginRatio,
  type MarginRead,
  type PolicyFacts,
  type RiskCode,
  type RiskFinding,
  type RuleName,
} from '../risk/policy.ts';
import { tell } from './alerts.ts';
import { acceptDrawdown, equityKnown } from './daily.ts';
import type { Effects } from './effects.ts';
import { recordIntent } from './intents.ts';
import type { OrderDesk } from './order-desk.ts';
import { Reason, type ReasonCode } from './reasons.ts';
import type { BotState } from './state.ts';
import { worthTicksOf } from './telemetry.ts';

const MINUTE_MS = 60_000;
/** A kill switch that nobody has thrown by then is not thrown any more: the bot's own cancel-all stands, and a person comes. */
const KILL_INTENT_LIFETIME_MS = 60_000;

/** Plain JSON values, part of the bot's state. */
export interface RiskMemory {
  ladder: LadderMemory<RiskCode>;
  /** Rules whose finding stands. */
  standing: RuleName[];
  /** The cancel budget is used up and has not recovered, and when it was used up before. */
  isCancelBudgetUsed: boolean;
  cancelBreachesAtMs: number[];
  /** Orders that the venue refused within the last minute. */
  rejectsAtMs: number[];
  /** What the venue last told of the margin, waiting for equity and position to be known beside it; and with them. */
  marginTold: Pick<MarginRead, 'ratio' | 'maintenanceRatio'> | null;
  marginRead: MarginRead | null;
  /** Position drift that the last read left, and what of it the read before confirms. */
  driftPctLast: number;
  driftPct: number;
}

export function blankRisk(): RiskMemory {
  return {
    ladder: blankLadder(),
    standing: [],
    isCancelBudgetUsed: false,
    cancelBreachesAtMs: [],
    rejectsAtMs: [],
    marginTold: null,
    marginRead: null,
    driftPctLast: 0,
    driftPct: 0,
  };
}

/** A new process: the clock may have been set, and what counts towards a limit is not forgotten for it. */
export function beginRiskRun(risk: RiskMemory, atMs: number): void {
  const noLater = (time: number): number => Math.min(time, atMs);
  risk.cancelBreachesAtMs = risk.cancelBreachesAtMs.map(noLater);
  risk.rejectsAtMs = risk.rejectsAtMs.map(noLater);
}

type RiskDesk = Pick<OrderDesk, 'instrument' | 'policy' | 'bot'>;

/** Once a second, after the equity was marked. */
export function watchRisk(state: BotState, atMs: number, desk: RiskDesk, effects: Effects): void {
  const { risk } = state;
  const finding = findWorst(state, atMs, desk);
  const change = applyLadder(risk.ladder, finding, atMs, desk.policy.limits.ladderDwellS * 1_000);
  if (change === null) return;
  tellChange(state, change, effects);
  if (change.to === 'soft_pause' || change.to === 'hard_stop') state.heldSinceMs = atMs;
  if (change.to === 'hard_stop') stopForGood(state, change, atMs, desk, effects);
}

function findWorst(state: BotState, atMs: number, desk: RiskDesk): RiskFinding | null {
  const { risk } = state;
  forgetBefore(risk.cancelBreachesAtMs, atMs - desk.policy.limits.cancelBudgetWindowS * 1_000);
  forgetBefore(risk.rejectsAtMs, atMs - MINUTE_MS);
  return desk.policy.judge(factsOf(state, desk), risk.standing);
}

function factsOf(state: BotState, desk: RiskDesk): PolicyFacts {
  const { risk, daily } = state;
  const equity = equityKnown(state, desk);
  const grossQuote = grossQuoteOf(state, desk);
  return {
    equity,
    equityPeak: daily.equityPeak,
    dayLossQuoteMax: daily.lossQuoteMax,
    grossQuote,
    marginRatio: marginRatioOf(risk, equity, grossQuote),
    fundingRate: state.fundingRate,
    positionDriftPct: risk.driftPct,
    orderRejectsLastMinute: risk.rejectsAtMs.length,
    cancelBreaches: risk.cancelBreachesAtMs.length,
  };
}

/** Value of all legs; null while something is held that has no price. */
function grossQuoteOf(state: BotState, { instrument }: RiskDesk): number | null {
  let lots = 0;
  for (const leg of LEGS) lots += Math.abs(state.holdings[leg].qty);
  if (lots === 0) return 0;
  const priceTicks = worthTicksOf(state);
  return priceTicks === null ? null : lots * priceTicks * instrument.quotePerTickLot;
}

/** Without a price nothing is estimated, and what was told counts as it is. */
function marginRatioOf(risk: RiskMemory, equity: number | null, grossQuote: number | null): number | null {
  if (equity === null || grossQuote === null) return risk.marginTold?.ratio ?? risk.marginRead?.ratio ?? null;
  if (risk.marginTold !== null) {
    risk.marginRead = { ...risk.marginTold, equity, grossQuote };
    risk.marginTold = null;
  }
  return estimateMarginRatio(risk.marginRead, grossQuote, equity);
}

function stopForGood(state: BotState, change: Change<RiskCode>, atMs: number, desk: RiskDesk, effects: Effects): void {
  state.hardStopped = true;
  state.cancelAllSentAtMs = atMs;
  effects.push({ effect: 'cancelAll' });
  const { code, measured, limit } = change;
  const expiresAtMs = atMs + KILL_INTENT_LIFETIME_MS;
  recordIntent({ type: 'kill_switch', scope: `bot/${desk.bot}`, code, measured, limit, expiresAtMs }, atMs, effects);
}

function tellChange(state: BotState, { from, to, code, measured, limit }: Change<RiskCode>, effects: Effects): void {
  tell(state, 'escalation', code, { from, to, measured, limit }, effects);
}

/**
 * A person takes responsibility: what counted towards a limit is forgotten and the drawdown starts anew. What still stands is
 * found again at once, before anything is quoted: the day's loss, a margin that is still too thin.
 */
export function approveRisk(state: BotState, atMs: number, desk: OrderDesk, effects: Effects): void {
  const { risk } = state;
  risk.standing = [];
  risk.cancelBreachesAtMs = [];
  risk.rejectsAtMs = [];
  acceptDrawdown(state, atMs, desk);
  const change = approveLadder(risk.ladder, atMs);
  if (change !== null) tellChange(state, change, effects);
  watchRisk(state, atMs, desk, effects);
}

/**
 * After a re-run of what an earlier process was told, by other limits or code than that process had: a stop that is on record
 * stands although these would not have led to it. One that only these led to was never told and nothing was cancelled for it:
 * it is one step from being found anew, with all that belongs to it.
 */
export function settleLatch(state: BotState, onRecord: RiskMemory['ladder'] | null): void {
  const { ladder } = state.risk;
  const { isLatched } = LADDER[ladder.level];
  if (onRecord === null) {
    if (isLatched) ladder.level = 'soft_pause';
  } else if (!isLatched) {
    Object.assign(ladder, onRecord);
    state.hardStopped = true;
    state.heldSinceMs = onRecord.causeAtMs;
    state.cancelAllSentAtMs ||= onRecord.causeAtMs;
  }
}

/** Since when the bot is held by a hard stop, or by a soft pause of its own ladder; null when by neither. */
export function heldSince({ hardStopped, heldSinceMs, risk }: BotState): number | null {
  return hardStopped || risk.ladder.level === 'soft_pause' ? heldSinceMs : null;
}

/**
 * Why an approval given at `givenAtMs` lifts nothing; none when it may. Where nothing is held there is nothing that a person
 * could have looked at and taken upon them. And an approval can be told long after it was given: whoever gave it did not see
 * what came later. Both instants are of clocks that agree to seconds: a bot whose own is further off than that does not quote.
 */
export function judgeApproval(state: BotState, givenAtMs: number): Fault[] {
  const since = heldSince(state);
  if (since === null) return [{ path: 'approval', rule: 'expected a bot that is held', value: 'nothing held' }];
  if (givenAtMs > since) return [];
  const rule = `expected one given after ${instant(since)}, when what it should lift began`;
  return [{ path: 'approval', rule, value: instant(givenAtMs) }];
}

function instant(atMs: number): string {
  return new Date(atMs).toISOString();
}

/** Why the ladder forbids to quote; `none` when it does not. */
export function blockedByRisk({ risk: { ladder } }: BotState): ReasonCode {
  if (ladder.level === 'allow' || ladder.level === 'reduce_exposure' || ladder.code === null) return Reason.none;
  return ladder.level === 'soft_pause' ? Reason[ladder.code] : Reason.hard_stopped;
}

export function isReducingOnly({ risk }: BotState): boolean {
  return risk.ladder.level === 'reduce_exposure';
}

export function riskLevelOf({ risk }: BotState): Level {
  return risk.ladder.level;
}

/**
 * Once a second, before cancels older than a minute are forgotten: is the cancel budget used up? Counted once for each time
 * that it comes to that; the time is over when the budget is below 90 % again.
 */
export function noteCancelBudget(state: BotState, atMs: number, { policy }: RiskDesk): void {
  const { risk, cancelsAtMs } = state;
  const { cancelsPerMinuteMax } = policy.limits;
  if (cancelsAtMs.length >= cancelsPerMinuteMax) {
    if (!risk.isCancelBudgetUsed) risk.cancelBreachesAtMs.push(atMs);
    risk.isCancelBudgetUsed = true;
  } else if (cancelsAtMs.length < cancelsPerMinuteMax * 0.9) risk.isCancelBudgetUsed = false;
}

/** Until it has recovered: whoever goes on as soon as one cancel is a minute old uses it up again with the next one. */
export function isCancelBudgetUsed({ cancelsAtMs, risk }: BotState, cancelsPerMinuteMax: number): boolean {
  return risk.isCancelBudgetUsed || cancelsAtMs.length >= cancelsPerMinuteMax;
}

/** The venue refused an order. */
export function noteReject(risk: RiskMemory, atMs: number): void {
  risk.rejectsAtMs.push(atMs);
}

/**
 * Difference between the venue's position and ours that a read left, percent of the larger. A read can race with a fill, so
 * only what two in a row show counts: a difference is read again within a second.
 */
export function noteDrift(risk: RiskMemory, pct: number): void {
  risk.driftPct = Math.min(pct, risk.driftPctLast);
  risk.driftPctLast = pct;
}

/** The margin as a read of the venue told it. One that does not tell leaves the last word. */
export function noteMargin(risk: RiskMemory, ratio: number | null, maintenanceRatio: number | null): void {
  if (ratio !== null || maintenanceRatio !== null) risk.marginTold = { ratio, maintenanceRatio };
}

function forgetBefore(timesAtMs: number[], atMs: number): void {
  while ((timesAtMs[0] ?? Infinity) <= atMs) timesAtMs.shift();
}
