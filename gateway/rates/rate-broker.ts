/**
 * Hands out the calls of one account to every process that trades on it. A call is lent for a moment; one that was not
 * used comes back or lapses, so nothing piles up. Waiting calls come before spare ones, urgent groups before others, and
 * clients one call a round.
 *
 * It knows nothing of what was handed out before it: it begins as though everything had been, just now. That, and that
 * the caller sees to there being one for an account, is why a takeover never doubles a call.
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { Allowance, type AddressAllowance, type Taken } from '../../core/rates/allowance.ts';
import { groupsOf, SPREAD_MS, WINDOW_MS, type RateLimits } from '../../core/rates/limits.ts';
import type { Log } from '../../core/log.ts';
import { hostMs } from './host-clock.ts';
import { readLines } from './lines.ts';
import {
  ClientMessage,
  LEASE_MS_MAX,
  NEED_LEASE_MS,
  SPARE_LEASE_MS,
  type BrokerMessage,
  type ClientReport,
} from './protocol.ts';

/** Counted since the broker began, `clients`, `waiting` and `pace` as of now. */
export interface RateCounters {
  readonly clients: number;
  readonly waiting: number;
  readonly granted: number;
  readonly returned: number;
  readonly tooMany: number;
  /** Of every group that is slowed. */
  readonly pace: Readonly<Record<string, number>>;
}

export interface RateBroker {
  counters(): RateCounters;
  close(): Promise<void>;
}

export interface RateBrokerOptions<Group extends string> {
  readonly account: string;
  readonly socketPath: string;
  readonly limits: RateLimits<Group>;
  /** Shared with the brokers of the other accounts; without it the whole address is this account's. */
  readonly address?: AddressAllowance;
  readonly log: Log;
  readonly random?: () => number;
}

/** Spares one client may have of a group. */
const SPARE_MAX = 2;
/** A client that does not read is gone. */
const UNREAD_BYTES_MAX = 256 * 1024;

interface Peer<Group extends string> {
  readonly socket: Socket;
  client: string | null;
  serial: number;
  /** Lent and neither used nor back, by id. */
  readonly lent: Map<number, Taken<Group>>;
  /** Granted in messages that the client has not heard of when it reported. */
  unheard: { readonly serial: number; readonly group: Group }[];
  readonly waiting: Map<Group, number>;
  readonly spare: Map<Group, number>;
  /** What the next message says. */
  grants: { group: Group; ids: number[]; untilMs: number }[];
  renewed: number[];
  renewedUntilMs: number;
  owesAnswer: boolean;
}

/** Binds `socketPath`, readable and writable by its owner only; a file that a dead broker left there is replaced. */
export async function startRateBroker<Group extends string>(options: RateBrokerOptions<Group>): Promise<RateBroker> {
  const broker = new Broker(options);
  await broker.listen(options.socketPath);
  return broker;
}

class Broker<Group extends string> implements RateBroker {
  private readonly options: RateBrokerOptions<Group>;
  private readonly allowance: Allowance<Group>;
  private readonly groups: readonly Group[];
  private readonly peers = new Set<Peer<Group>>();
  /** Who waits in a group, the next to be served first. */
  private readonly lines = new Map<Group, Peer<Group>[]>();
  private readonly grantedAtMs = new Map<Group, number>();
  private readonly server = createServer((socket) => this.welcome(socket));
  private timer: NodeJS.Timeout | null = null;
  private lastId = 0;
  private readonly counts = { granted: 0, returned: 0, tooMany: 0 };

  constructor(options: RateBrokerOptions<Group>) {
    const { limits, address, random = Math.random } = options;
    this.options = options;
    this.allowance = new Allowance({ limits, random, hasTurns: true, ...(address !== undefined && { address }) });
    this.allowance.startSpent(hostMs(), LEASE_MS_MAX);
    const isUrgent = (group: Group): boolean => limits.urgent.includes(group);
    this.groups = groupsOf(limits).sort((a, b) => Number(isUrgent(b)) - Number(isUrgent(a)));
    for (const group of this.groups) this.lines.set(group, []);
  }

  async listen(socketPath: string): Promise<void> {
    rmSync(socketPath, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(socketPath, resolve);
    });
    chmodSync(socketPath, 0o600);
    const { account, log } = this.options;
    this.server.on('error', (error) => log.error('rate broker', { account, error: error.message }));
  }

  counters(): RateCounters {
    const peers = [...this.peers];
    return {
      clients: peers.filter(({ client }) => client !== null).length,
      waiting: peers.reduce((sum, { waiting }) => sum + [...waiting.values()].reduce((a, b) => a + b, 0), 0),
      ...this.counts,
      pace: this.slowed(),
    };
  }

  async close(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    for (const { socket } of this.peers) socket.destroy();
    this.peers.clear();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private welcome(socket: Socket): void {
    const peer: Peer<Group> = {
      socket,
      client: null,
      serial: 0,
      lent: new Map(),
      unheard: [],
      waiting: new Map(),
      spare: new Map(),
      grants: [],
      renewed: [],
      renewedUntilMs: 0,
      owesAnswer: false,
    };
    this.peers.add(peer);
    const leave = (): void => {
      // What it was lent may be on its way: that lapses by itself.
      this.peers.delete(peer);
      peer.waiting.clear();
      peer.spare.clear();
      socket.destroy();
    };
    socket.on('close', leave);
    socket.on('error', leave);
    const refuse = (reason: string): void => {
      this.options.log.warn('rate client refused', { account: this.options.account, client: peer.client, reason });
      leave();
    };
    const onMessage = (message: ClientMessage): void => {
      if (message.kind === 'hello') {
        if (message.account !== this.options.account) return refuse(`asks for account ${message.account}`);
        peer.client = message.client;
        peer.owesAnswer = true;
      } else if (peer.client === null) {
        return refuse('reports before it has said hello');
      } else {
        this.take(peer, message);
      }
      this.serve();
    };
    readLines(socket, ClientMessage, onMessage, refuse);
  }

  private take(peer: Peer<Group>, report: ClientReport): void {
    const nowMs = hostMs();
    peer.owesAnswer = true;
    for (const id of report.used) {
      const taken = peer.lent.get(id);
      if (taken !== undefined) this.allowance.used(taken, nowMs);
      peer.lent.delete(id);
    }
    for (const id of report.unused) {
      const taken = peer.lent.get(id);
      if (taken !== undefined) this.allowance.giveBack(taken);
      if (peer.lent.delete(id)) this.counts.returned += 1;
    }
    for (const group of report.tooMany) {
      if (!this.lines.has(group as Group)) continue;
      this.counts.tooMany += 1;
      this.allowance.tooMany(group as Group, nowMs);
      const { account, log } = this.options;
      log.warn('venue asks for fewer requests', { account, client: peer.client, group, pace: this.slowed() });
    }
    for (const id of report.renew) this.renew(peer, id, nowMs);
    peer.unheard = peer.unheard.filter(({ serial }) => serial > report.heard);
    for (const group of this.groups) {
      const unheard = peer.unheard.filter((granted) => granted.group === group).length;
      const waiting = report.waiting[group] ?? 0;
      peer.waiting.set(group, Math.max(0, waiting - unheard));
      peer.spare.set(group, Math.max(0, (report.spare[group] ?? 0) - Math.max(0, unheard - waiting)));
      const line = this.lineOf(group);
      if (waiting > unheard && !line.includes(peer)) line.push(peer);
    }
  }

  private renew(peer: Peer<Group>, id: number, nowMs: number): void {
    const taken = peer.lent.get(id);
    if (taken === undefined || this.lineOf(taken.group).length > 0) return;
    if (!this.allowance.renew(taken, nowMs, SPARE_LEASE_MS, this.keptOf(taken.group))) return;
    peer.renewed.push(id);
    peer.renewedUntilMs = nowMs + SPARE_LEASE_MS;
  }

  private serve(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    const waits = this.groups.map((group) => this.serveWaiting(group));
    for (const group of this.groups) this.serveSpare(group);
    for (const peer of this.peers) this.tell(peer);
    const waitMs = Math.min(...waits);
    this.timer = waitMs === Infinity ? null : setTimeout(() => this.serve(), Math.max(1, waitMs));
  }

  /** Milliseconds until the next in line can be served; Infinity when there is none. */
  private serveWaiting(group: Group): number {
    const line = this.lineOf(group);
    const nowMs = hostMs();
    for (let peer = line[0]; peer !== undefined; peer = line[0]) {
      const waiting = peer.waiting.get(group) ?? 0;
      if (waiting > 0) {
        const waitMs = Math.max(this.allowance.waitMs(group, nowMs, NEED_LEASE_MS), this.spacingMs(group, nowMs));
        if (waitMs > 0) return waitMs;
        this.grant(peer, group, nowMs, NEED_LEASE_MS);
        peer.waiting.set(group, waiting - 1);
      }
      line.shift();
      if (waiting > 1) line.push(peer);
    }
    return Infinity;
  }

  /**
   * Half of what a group may do can be had at once; from there on calls go evenly, so that whoever asks for one at a time
   * has its turn between those of one that asks for many. Cancels never wait for evenness.
   */
  private spacingMs(group: Group, nowMs: number): number {
    const { perSecond, urgent } = this.options.limits;
    const isBurst = this.allowance.waitMs(group, nowMs, NEED_LEASE_MS, Math.ceil(perSecond[group] / 2)) === 0;
    if (isBurst || this.peers.size < 2 || urgent.includes(group)) return 0;
    const sinceMs = nowMs - (this.grantedAtMs.get(group) ?? Number.NEGATIVE_INFINITY);
    return Math.max(0, (WINDOW_MS + SPREAD_MS) / perSecond[group] - sinceMs);
  }

  private serveSpare(group: Group): void {
    if (this.lineOf(group).length > 0) return;
    const nowMs = hostMs();
    const { perSecond } = this.options.limits;
    const share = Math.min(SPARE_MAX, Math.floor(perSecond[group] / 2 / Math.max(1, this.peers.size)));
    if (share < 1) return;
    for (const peer of this.peers) {
      let held = 0;
      for (const lent of peer.lent.values()) if (lent.group === group) held += 1;
      let spare = peer.spare.get(group) ?? 0;
      while (spare > 0 && held < share) {
        if (this.allowance.waitMs(group, nowMs, SPARE_LEASE_MS, this.keptOf(group)) > 0) return;
        this.grant(peer, group, nowMs, SPARE_LEASE_MS);
        spare -= 1;
        held += 1;
      }
      peer.spare.set(group, spare);
    }
  }

  /** Calls of a group that spares leave to those who wait. */
  private keptOf(group: Group): number {
    return Math.floor(this.options.limits.perSecond[group] / 10);
  }

  private grant(peer: Peer<Group>, group: Group, nowMs: number, leaseMs: number): void {
    const id = (this.lastId += 1);
    peer.lent.set(id, this.allowance.take(group, nowMs, leaseMs));
    peer.unheard.push({ serial: peer.serial + 1, group });
    const untilMs = nowMs + leaseMs;
    const last = peer.grants.at(-1);
    if (last?.group === group && last.untilMs === untilMs) last.ids.push(id);
    else peer.grants.push({ group, ids: [id], untilMs });
    this.grantedAtMs.set(group, nowMs);
    this.counts.granted += 1;
  }

  private tell(peer: Peer<Group>): void {
    if (!peer.owesAnswer && peer.grants.length === 0) return;
    peer.serial += 1;
    const { serial, grants, renewed, renewedUntilMs } = peer;
    const message: BrokerMessage = { serial, grants, renewed, renewedUntilMs, slowed: this.slowed() };
    peer.owesAnswer = false;
    peer.grants = [];
    peer.renewed = [];
    this.forgetLapsed(peer);
    peer.socket.write(`${JSON.stringify(message)}\n`);
    if (peer.socket.writableLength > UNREAD_BYTES_MAX) peer.socket.destroy();
  }

  /** A lease that is over needs no report. */
  private forgetLapsed(peer: Peer<Group>): void {
    const nowMs = hostMs();
    for (const [id, { call }] of peer.lent) if (call.arrivesByMs < nowMs) peer.lent.delete(id);
  }

  private slowed(): Record<string, number> {
    const nowMs = hostMs();
    const paces = this.groups.map((group) => [group, this.allowance.paceOf(group, nowMs)] as const);
    return Object.fromEntries(paces.filter(([, pace]) => pace < 1));
  }

  private lineOf(group: Group): Peer<Group>[] {
    return this.lines.get(group) as Peer<Group>[];
  }
}
