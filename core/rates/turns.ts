/**
 * The fixed share of a bot: moments on the host's clock that are its own, whatever any other process does. Each group has
 * a train of turns; turn k belongs to the bot whose place among those that share the account is k modulo their number,
 * and lets one call leave. Who hands out the rest counts every turn as used, so nobody need agree with anybody.
 */
import { invariant } from '../invariant.ts';
import { groupsOf, SPREAD_MS, WINDOW_MS, type RateLimits } from './limits.ts';

/** Which of a train's turns are one's own: every one whose number is `index` modulo `of`. */
export interface TurnShare {
  readonly index: number;
  readonly of: number;
}

export interface TurnTrain {
  /** From one turn's start to the next one's. Turn k starts at k times this. */
  readonly everyMs: number;
  /** Turns of which calls can reach the venue in one window. */
  readonly perWindow: number;
}

/** From a turn's start; later it is over. A timer that is this late is no reason to lose the turn. */
export const TURN_OPEN_MS = 100;
const ARRIVAL_MS = TURN_OPEN_MS + SPREAD_MS;
/** Of a group's limit, by what it is for: without a hand-out cancels and look-ups must go on, places may be few. */
const SHARE = 0.2;
const NEEDED_SHARE = 0.3;
/** With three in a window a turn comes every 451 ms, so that each of twenty bots has one within the 10 s of a call... */
const NEEDED_TURNS = 3;
/** ... as long as that leaves something to hand out. */
const NEEDED_SHARE_MAX = 0.6;
/** A limit below this cannot be divided: turns are rare there, and what is between them is handed out. */
const DIVISIBLE_LIMIT = 3;
const RARE_WINDOWS = 4;

/** `isNeeded` is a group that must go on without a hand-out. */
export function createTurnTrain(limit: number, isNeeded: boolean): TurnTrain {
  invariant(Number.isSafeInteger(limit) && limit >= 1, 'a limit is at least one call');
  const reachMs = WINDOW_MS + ARRIVAL_MS;
  if (limit < DIVISIBLE_LIMIT) return { everyMs: RARE_WINDOWS * reachMs, perWindow: 1 };
  const needed = Math.min(limit * NEEDED_SHARE_MAX, Math.max(NEEDED_TURNS, limit * NEEDED_SHARE));
  const perWindow = Math.max(1, Math.floor(isNeeded ? needed : limit * SHARE));
  // Arrivals of n + 1 turns lie at least n x everyMs - ARRIVAL_MS apart: this keeps perWindow + 1 out of one window.
  return { everyMs: Math.floor(reachMs / perWindow) + 1, perWindow };
}

export function createTurnTrains<Group extends string>(limits: RateLimits<Group>): Readonly<Record<Group, TurnTrain>> {
  const { perSecond, urgent, lookUps = [] } = limits;
  const needed = new Set([...urgent, ...lookUps]);
  const trains = groupsOf(limits).map((group) => [group, createTurnTrain(perSecond[group], needed.has(group))]);
  return Object.fromEntries(trains) as Record<Group, TurnTrain>;
}

/** The number of the turn that is open now and one's own; null when there is none. */
export function openTurn({ everyMs }: TurnTrain, { index, of }: TurnShare, nowMs: number): number | null {
  const turn = Math.floor(nowMs / everyMs);
  return turn % of === index && nowMs - turn * everyMs < TURN_OPEN_MS ? turn : null;
}

/** When the first of one's own turns after turn number `after` starts. */
export function nextTurnAtMs({ everyMs }: TurnTrain, { index, of }: TurnShare, after: number): number {
  const first = after + 1;
  return (first + ((((index - first) % of) + of) % of)) * everyMs;
}

/** Most calls made in turns that can share a window with a call that reaches the venue from `fromMs` to `toMs`. */
export function turnsBeside({ everyMs, perWindow }: TurnTrain, fromMs: number, toMs: number): number {
  const first = Math.floor((fromMs - WINDOW_MS - ARRIVAL_MS) / everyMs) + 1;
  const last = Math.ceil((toMs + WINDOW_MS) / everyMs) - 1;
  return Math.min(perWindow, Math.max(0, last - first + 1));
}

/** When the turn is far behind that was beside a call from `fromMs`, or would be, to `toMs`. */
export function turnPassedAtMs({ everyMs }: TurnTrain, toMs: number): number {
  const last = Math.ceil((toMs + WINDOW_MS) / everyMs) - 1;
  return last * everyMs + ARRIVAL_MS + WINDOW_MS;
}

/** Calls that all turns of one account can bring into a window of the whole. */
export function turnsPerWindow<Group extends string>(limits: RateLimits<Group>): number {
  const trains = createTurnTrains(limits);
  return groupsOf(limits).reduce((sum, group) => sum + trains[group].perWindow, 0);
}

/** How the turns of one address are dealt out. */
export interface TurnPlan {
  readonly shareOf: ReadonlyMap<string, TurnShare>;
  /** How many bots may have an open turn at one moment. */
  readonly trains: number;
  /** Calls that all turns can bring into a window of the whole. */
  readonly perWindow: number;
}

/** Of the whole, what may go in turns; with more accounts than fit, several share a train. */
const WHOLE_SHARE = 0.55;

/** Every bot gets its place, running or not: a bot that comes or goes changes nobody's turns. */
export function planTurns<Group extends string>(
  bots: readonly { readonly bot: string; readonly account: string }[],
  limits: RateLimits<Group>,
): TurnPlan {
  const perTrain = turnsPerWindow(limits);
  const accounts = [...new Set(bots.map(({ account }) => account))].sort();
  const most = Math.max(1, Math.floor((limits.overallPerSecond * WHOLE_SHARE) / perTrain));
  const trains = Math.min(most, accounts.length);
  const trainOf = (account: string): number => accounts.indexOf(account) % trains;
  const shareOf = new Map<string, TurnShare>();
  for (let train = 0; train < trains; train += 1) {
    const riders = bots.filter(({ account }) => trainOf(account) === train).map(({ bot }) => bot);
    riders.sort().forEach((bot, index) => shareOf.set(bot, { index, of: riders.length }));
  }
  return { shareOf, trains, perWindow: trains * perTrain };
}
