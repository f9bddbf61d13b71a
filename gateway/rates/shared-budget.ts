/**
 * The part of one process in the budget of its account. Calls leave by what the broker has lent, or in the process's own
 * turns, which need nobody:
 *
 * in hand --> leaves at once        | reported as used, and asked for again
 * none    --> asked for, and waits  | until a grant comes, its own turn, or its time is over
 *
 * A broker that is gone, silent or not to be understood is let go of and dialled again, ever later. What it lent stays
 * good until it lapses; the turns go on. Nothing here throws for what the broker does.
 */
import { connect, type Socket } from 'node:net';
import { groupsOf, type RateLimits } from '../../core/rates/limits.ts';
import type { Log } from '../../core/log.ts';
import { Slowdown } from '../../core/rates/slowdown.ts';
import { createTurnTrains, nextTurnAtMs, openTurn, type TurnShare, type TurnTrain } from '../../core/rates/turns.ts';
import { createBackoff, type Backoff } from './backoff.ts';
import { hostMs } from './host-clock.ts';
import { Lanes } from './lanes.ts';
import { readLines } from './lines.ts';
import { BrokerMessage, REPORT_MS, type ClientMessage } from './protocol.ts';
import type { RateBudget } from './rate-budget.ts';

export interface SharedBudgetOptions<Group extends string> {
  readonly account: string;
  /** This process, as the broker's log names it. */
  readonly client: string;
  readonly socketPath: string;
  readonly limits: RateLimits<Group>;
  readonly share: TurnShare;
  /** Clock of `acquire`'s `untilMs`. */
  readonly now: () => number;
  readonly log: Log;
  readonly random?: () => number;
}

export interface SharedBudgetCounters {
  readonly isConnected: boolean;
  /** Calls that left: at once from the hand, after asking, in an own turn. */
  readonly fromHand: number;
  readonly afterAsking: number;
  readonly inTurn: number;
}

export interface SharedBudget<Group extends string> extends RateBudget<Group> {
  counters(): SharedBudgetCounters;
}

/** Calls to have in hand, of a group in which calls were made lately. */
const SPARE = 2;
const LATELY_MS = 60_000;
/** Several reports without an answer. */
const SILENT_MS = 6 * REPORT_MS;
const DIAL_MS_MIN = 50;
const DIAL_MS_MAX = 2_000;

interface Lent {
  readonly id: number;
  /** The connection that it came by: another broker knows nothing of it. */
  readonly session: number;
  untilMs: number;
}

interface Line {
  readonly train: TurnTrain;
  inHand: Lent[];
  turn: number;
  usedAtMs: number;
}

export function openSharedBudget<Group extends string>(options: SharedBudgetOptions<Group>): SharedBudget<Group> {
  return new Client(options);
}

class Client<Group extends string> implements SharedBudget<Group> {
  private readonly options: SharedBudgetOptions<Group>;
  private readonly lanes: Lanes<Group>;
  private readonly lines = new Map<Group, Line>();
  private readonly slowdown: Slowdown<Group>;
  private readonly backoff: Backoff;
  private readonly heartbeat: NodeJS.Timeout;
  private readonly counts = { fromHand: 0, afterAsking: 0, inTurn: 0 };
  private socket: Socket | null = null;
  private session = 0;
  private heard = 0;
  private heardAtMs = 0;
  private slowed: Readonly<Record<string, number>> = {};
  private used: number[] = [];
  private unused: number[] = [];
  private complaints = new Set<Group>();
  private isReporting = false;
  private isClosed = false;

  constructor(options: SharedBudgetOptions<Group>) {
    const { limits, now, random = Math.random } = options;
    this.options = options;
    this.slowdown = new Slowdown(limits, random);
    const groups = groupsOf(limits);
    const trains = createTurnTrains(limits);
    for (const group of groups) {
      const never = Number.NEGATIVE_INFINITY;
      this.lines.set(group, { train: trains[group], inHand: [], turn: never, usedAtMs: never });
    }
    this.lanes = new Lanes(groups, now, (group) => this.spend(group));
    this.backoff = createBackoff({ now: hostMs, random, minMs: DIAL_MS_MIN, maxMs: DIAL_MS_MAX, stableMs: 10_000 });
    this.heartbeat = setInterval(() => this.beat(), REPORT_MS).unref();
    this.dial();
  }

  acquire(group: Group, untilMs: number): boolean | Promise<boolean> {
    const granted = this.lanes.acquire(group, untilMs);
    if (granted !== false) this.reportSoon();
    return granted;
  }

  tooMany(group: Group): void {
    this.slowdown.tooMany(group, hostMs());
    this.complaints.add(group);
    this.reportSoon();
  }

  counters(): SharedBudgetCounters {
    return { isConnected: this.heard > 0, ...this.counts };
  }

  close(): void {
    this.isClosed = true;
    clearInterval(this.heartbeat);
    this.backoff.cancel();
    this.lanes.close();
    this.socket?.destroy();
  }

  /** Lets one call go and answers 0, or answers the milliseconds to the next own turn. */
  private spend(group: Group): number {
    const line = this.lines.get(group) as Line;
    const nowMs = hostMs();
    line.usedAtMs = nowMs;
    for (let lent = line.inHand.shift(); lent !== undefined; lent = line.inHand.shift()) {
      const isGood = nowMs < lent.untilMs;
      if (lent.session === this.session) (isGood ? this.used : this.unused).push(lent.id);
      if (!isGood) continue;
      if (this.lanes.waitingIn(group) === 0) this.counts.fromHand += 1;
      else this.counts.afterAsking += 1;
      return 0;
    }
    return this.spendTurn(group, line, nowMs);
  }

  private spendTurn(group: Group, line: Line, nowMs: number): number {
    const { share } = this.options;
    const turn = openTurn(line.train, share, nowMs);
    const pace = Math.min(this.slowdown.paceOf(group, nowMs), this.slowed[group] ?? 1);
    // Slowed to a half, every other turn of its own is let go by.
    const spent = line.turn + Math.ceil(share.of / pace) - 1;
    if (turn === null || turn <= spent) {
      const past = Math.floor(nowMs / line.train.everyMs);
      return nextTurnAtMs(line.train, share, Math.max(spent, past)) - nowMs;
    }
    line.turn = turn;
    this.counts.inTurn += 1;
    return 0;
  }

  private dial(): void {
    if (this.isClosed) return;
    const { socketPath, account, client, log } = this.options;
    const socket = connect(socketPath);
    socket.unref();
    this.session += 1;
    this.heard = 0;
    this.heardAtMs = hostMs();
    this.socket = socket;
    let isLeft = false;
    const leave = (): void => {
      if (isLeft) return;
      isLeft = true;
      socket.destroy();
      if (this.heard > 0) log.warn('rate broker gone: calls leave in turns of their own', { account });
      this.socket = null;
      this.heard = 0;
      this.used = [];
      this.unused = [];
      this.slowed = {};
      void this.backoff.wait().then(() => this.dial());
    };
    socket.on('error', leave);
    socket.on('close', leave);
    const onGarbage = (reason: string): void => {
      log.warn('rate broker not understood', { account, reason });
      leave();
    };
    readLines(socket, BrokerMessage, (message) => this.hear(message), onGarbage);
    this.send({ kind: 'hello', version: 1, account, client });
  }

  private hear(message: BrokerMessage): void {
    if (this.heard === 0) {
      this.options.log.info('rate broker found', { account: this.options.account });
      // What the venue said while there was no broker is no news any more.
      this.complaints.clear();
      this.heard = message.serial;
      this.reportSoon();
    }
    this.heard = message.serial;
    this.heardAtMs = hostMs();
    this.slowed = message.slowed;
    const renewed = new Set(message.renewed);
    if (renewed.size > 0) {
      for (const { inHand } of this.lines.values()) {
        for (const lent of inHand)
          if (this.isOfNow(lent) && renewed.has(lent.id)) lent.untilMs = message.renewedUntilMs;
      }
    }
    for (const { group, ids, untilMs } of message.grants) {
      const line = this.lines.get(group as Group);
      if (line === undefined) continue;
      for (const id of ids) line.inHand.push({ id, session: this.session, untilMs });
      this.lanes.serve(group as Group);
      this.reportSoon();
    }
  }

  private isOfNow({ session }: Lent): boolean {
    return session === this.session;
  }

  private beat(): void {
    if (this.socket === null) return;
    if (hostMs() - this.heardAtMs > SILENT_MS) {
      this.options.log.warn('rate broker silent', { account: this.options.account });
      this.socket.destroy();
    } else this.report();
  }

  /** Once for all that happens in this turn of the event loop, and after it: a call does not wait for its report. */
  private reportSoon(): void {
    if (this.isReporting || this.heard === 0) return;
    this.isReporting = true;
    setImmediate(() => this.report());
  }

  private report(): void {
    this.isReporting = false;
    if (this.heard === 0) return;
    const nowMs = hostMs();
    const waiting: Record<string, number> = {};
    const spare: Record<string, number> = {};
    const renew: number[] = [];
    for (const [group, line] of this.lines) {
      this.dropLapsed(line, nowMs);
      const isBusy = nowMs - line.usedAtMs < LATELY_MS;
      waiting[group] = this.lanes.waitingIn(group);
      spare[group] = isBusy ? Math.max(0, SPARE - line.inHand.length) : 0;
      if (!isBusy) continue;
      for (const lent of line.inHand)
        if (lent.untilMs - nowMs < 2 * REPORT_MS && this.isOfNow(lent)) renew.push(lent.id);
    }
    const { used, unused, heard } = this;
    this.used = [];
    this.unused = [];
    this.send({ kind: 'report', heard, used, unused, renew, waiting, spare, tooMany: [...this.complaints] });
    this.complaints.clear();
  }

  private dropLapsed(line: Line, nowMs: number): void {
    const lapsed = line.inHand.filter(({ untilMs }) => untilMs <= nowMs);
    if (lapsed.length === 0) return;
    line.inHand = line.inHand.filter(({ untilMs }) => untilMs > nowMs);
    for (const lent of lapsed) if (this.isOfNow(lent)) this.unused.push(lent.id);
  }

  private send(message: ClientMessage): void {
    this.socket?.write(`${JSON.stringify(message)}\n`);
  }
}
