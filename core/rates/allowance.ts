/**
 * What may leave of one account: a window for each group, the window of the address, the reserve of the urgent groups, the
 * pace that the venue's 429s allow, and the turns of bots that ask nobody. Time is passed in; a clock that goes back stands
 * still here until it is past the latest time it told.
 */
import { invariant } from '../invariant.ts';
import { CallWindow, type Call } from './call-window.ts';
import { groupsOf, SPREAD_MS, WINDOW_MS, type RateLimits } from './limits.ts';
import { Slowdown } from './slowdown.ts';
import {
  createTurnTrains,
  turnPassedAtMs,
  turnsBeside,
  turnsPerWindow,
  type TurnPlan,
  type TurnTrain,
} from './turns.ts';

/** What every account of one address has a part in. */
export class AddressAllowance {
  readonly window: CallWindow;
  /** How many bots may have an open turn at one moment. */
  readonly trains: number;
  private readonly groups = new Map<string, CallWindow>();
  private latestMs = Number.NEGATIVE_INFINITY;
  private lostMs = 0;

  /** `turns` of bots that make calls without asking; null where there are none. */
  constructor(overallPerSecond: number, turns: Pick<TurnPlan, 'trains' | 'perWindow'> | null) {
    this.window = new CallWindow(overallPerSecond - (turns?.perWindow ?? 0), WINDOW_MS);
    this.trains = turns?.trains ?? 0;
  }

  /** The window of a group that the venue counts by address. */
  windowOf(group: string, perSecond: number): CallWindow {
    const window = this.groups.get(group) ?? new CallWindow(perSecond, WINDOW_MS);
    this.groups.set(group, window);
    return window;
  }

  /** `nowMs` as a time that never goes back: what a clock is set back by is made up for. */
  forward(nowMs: number): number {
    if (nowMs + this.lostMs < this.latestMs) this.lostMs = this.latestMs - nowMs;
    this.latestMs = nowMs + this.lostMs;
    return this.latestMs;
  }
}

export interface AllowanceOptions<Group extends string> {
  readonly limits: RateLimits<Group>;
  /** 0 to 1, for the jitter of recovery. */
  readonly random: () => number;
  /** Whether bots make calls in turns of their own beside these; the clock must then be the host's and never go back. */
  readonly hasTurns?: boolean;
  /** Without it the address serves this account alone, with one train of turns if there are any. */
  readonly address?: AddressAllowance;
}

/** A call that was let go or lent. */
export interface Taken<Group extends string> {
  readonly group: Group;
  call: Call;
}

interface GroupState {
  readonly window: CallWindow;
  readonly train: TurnTrain | null;
  /** Trains whose turns count in the window. */
  readonly trains: number;
  readonly isUrgent: boolean;
}

export class Allowance<Group extends string> {
  private readonly address: AddressAllowance;
  private readonly reserved: number;
  private readonly slowdown: Slowdown<Group>;
  private readonly groups = new Map<Group, GroupState>();

  constructor({ limits, random, hasTurns = false, address }: AllowanceOptions<Group>) {
    const turns = hasTurns ? { trains: 1, perWindow: turnsPerWindow(limits) } : null;
    this.address = address ?? new AddressAllowance(limits.overallPerSecond, turns);
    this.reserved = limits.reserved;
    this.slowdown = new Slowdown(limits, random);
    invariant(limits.reserved < this.address.window.limit, 'the reserve leaves something of the whole to the others');
    const trains = hasTurns ? createTurnTrains(limits) : null;
    for (const group of groupsOf(limits)) {
      const isOfAddress = limits.ofAddress.includes(group);
      const perSecond = limits.perSecond[group];
      this.groups.set(group, {
        window: isOfAddress ? this.address.windowOf(group, perSecond) : new CallWindow(perSecond, WINDOW_MS),
        trains: isOfAddress ? this.address.trains : 1,
        train: trains === null ? null : trains[group],
        isUrgent: limits.urgent.includes(group),
      });
    }
  }

  /**
   * Milliseconds until a call of `group` may be let go, to leave within `lentMs`; 0 when now. `kept` calls of the group's
   * limit are left alone.
   */
  waitMs(group: Group, atMs: number, lentMs = 0, kept = 0): number {
    const nowMs = this.address.forward(atMs);
    const { window, train, trains, isUrgent } = this.of(group);
    const arrivesByMs = nowMs + lentMs + SPREAD_MS;
    const inTurns = train === null ? 0 : trains * turnsBeside(train, nowMs, arrivesByMs);
    if (train !== null && inTurns >= window.limit) return Math.ceil(turnPassedAtMs(train, arrivesByMs) - nowMs);
    const whole = this.address.window;
    return Math.max(
      window.waitMs(nowMs, Math.max(1, window.limit - inTurns - kept), this.slowdown.paceOf(group, nowMs)),
      whole.waitMs(nowMs, isUrgent ? whole.limit : whole.limit - this.reserved),
    );
  }

  /** Call it only after `waitMs` answered 0 for the same moment. */
  take(group: Group, atMs: number, lentMs = 0): Taken<Group> {
    const taken = { group, call: { arrivesByMs: this.address.forward(atMs) + lentMs + SPREAD_MS } };
    this.put(taken, taken.call);
    return taken;
  }

  /** A lent call has left by now. */
  used(taken: Taken<Group>, atMs: number): void {
    const arrivesByMs = this.address.forward(atMs) + SPREAD_MS;
    if (arrivesByMs >= taken.call.arrivesByMs) return;
    this.giveBack(taken);
    this.put(taken, { arrivesByMs });
  }

  /** A lent call will not be made. */
  giveBack({ group, call }: Taken<Group>): void {
    this.of(group).window.remove(call);
    this.address.window.remove(call);
  }

  /** A lent call may leave until `lentMs` from now instead. False, and nothing changed, when that is too much. */
  renew(taken: Taken<Group>, atMs: number, lentMs: number, kept: number): boolean {
    const { call } = taken;
    this.giveBack(taken);
    const mayRenew = this.waitMs(taken.group, atMs, lentMs, kept) === 0;
    this.put(taken, mayRenew ? { arrivesByMs: this.address.forward(atMs) + lentMs + SPREAD_MS } : call);
    return mayRenew;
  }

  /** The venue said "too many" to a call of `group`: whoever is slowed for it starts from a full window. */
  tooMany(group: Group, atMs: number): void {
    const nowMs = this.address.forward(atMs);
    for (const slowed of this.slowdown.tooMany(group, nowMs)) this.of(slowed).window.fill(nowMs);
  }

  paceOf(group: Group, atMs: number): number {
    return this.slowdown.paceOf(group, this.address.forward(atMs));
  }

  /** As though all had been lent for `lentMs` just now: what one before us let go is not known. */
  startSpent(atMs: number, lentMs: number): void {
    const arrivesByMs = this.address.forward(atMs) + lentMs + SPREAD_MS;
    for (const { window } of this.groups.values()) window.fill(arrivesByMs);
    this.address.window.fill(arrivesByMs);
  }

  private put(taken: Taken<Group>, call: Call): void {
    taken.call = call;
    this.of(taken.group).window.add(call);
    this.address.window.add(call);
  }

  private of(group: Group): GroupState {
    const state = this.groups.get(group);
    invariant(state !== undefined, 'a group has a limit');
    return state;
  }
}
