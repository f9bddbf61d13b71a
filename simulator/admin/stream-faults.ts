/**
 * WebSocket frames and sockets under the fault plan. While a plan is in force, every frame of every dialect passes here on
 * its way out; without one, sockets send directly. What a plan holds back when it ends is sent then, in order.
 */
import type { FaultOf, FrameFault } from '../../core/simulation/fault-plan.ts';
import type { StreamClient } from '../stream/client.ts';
import { channelOf, corrupted, readFrame, symbolOf, type Frame } from './frames.ts';
import type { FaultBook, Occasion } from './fault-book.ts';

/** The frames of one channel on one socket. */
interface Lane {
  /** Frames still to be dropped by a gap that has begun. */
  toDrop: number;
  /** Waits for the next frame to overtake it. */
  held: string | null;
  readonly delayed: { readonly text: string; readonly dueAtMs: number }[];
  timer: NodeJS.Timeout | null;
}

export interface StreamRefusal {
  readonly code: number;
  readonly msg: string;
}

const SILENT: ReadonlySet<'silent'> = new Set(['silent']);
const ON_FRAMES: ReadonlySet<Exclude<FrameFault['kind'], 'silent'>> = new Set([
  'duplicate',
  'reorder',
  'gap',
  'corrupt',
  'delay_frames',
]);
const REFUSE_SUBSCRIBE: ReadonlySet<'refuse_subscribe'> = new Set(['refuse_subscribe']);
const REFUSE_LOGIN: ReadonlySet<'refuse_login'> = new Set(['refuse_login']);

export class StreamFaults {
  private readonly faults: FaultBook;
  private readonly clients: ReadonlySet<StreamClient>;
  private lanes = new Map<StreamClient, Map<string, Lane>>();
  private timers: NodeJS.Timeout[] = [];

  constructor(faults: FaultBook, clients: ReadonlySet<StreamClient>) {
    this.faults = faults;
    this.clients = clients;
    faults.onChange.add(() => this.changed());
  }

  /** A new connection comes under the plan that is in force. */
  welcome(client: StreamClient): void {
    client.intercept = this.faults.isEmpty ? null : (text) => this.pass(client, text);
  }

  forget(client: StreamClient): void {
    for (const { timer } of this.lanes.get(client)?.values() ?? []) if (timer !== null) clearTimeout(timer);
    this.lanes.delete(client);
  }

  refuseSubscription(client: StreamClient, argument: Readonly<Record<string, unknown>>): StreamRefusal | null {
    if (this.faults.isEmpty) return null;
    const occasion = { ...whoIs(client), channel: channelOf(argument), symbol: symbolOf(argument, undefined) };
    return this.faults.strike(REFUSE_SUBSCRIBE, occasion);
  }

  /** `account` is whose key the login carries. */
  refuseLogin(client: StreamClient, account: string | null): StreamRefusal | null {
    return this.faults.isEmpty ? null : this.faults.strike(REFUSE_LOGIN, { ...whoIs(client), account });
  }

  /** Cuts sockets without a closing handshake; answers how many. */
  cut(where: { account?: string | undefined; socket?: 'public' | 'private' | undefined }): number {
    const struck = [...this.clients].filter((client) => {
      const { account, socket } = whoIs(client);
      return (where.account ?? account) === account && (where.socket ?? socket) === socket;
    });
    for (const { socket } of struck) socket.terminate();
    return struck.length;
  }

  close(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers = [];
    for (const client of [...this.lanes.keys()]) this.forget(client);
  }

  private changed(): void {
    for (const [client, lanes] of this.lanes) for (const lane of lanes.values()) release(client, lane);
    this.lanes = new Map();
    for (const timer of this.timers) clearTimeout(timer);
    this.timers = [];
    for (const client of this.clients) this.welcome(client);
    for (const { fault } of this.faults.report()) {
      if (fault.kind === 'flap') this.timers.push(setInterval(() => this.strikeSockets(fault), fault.everyMs));
      if (fault.kind === 'close_now') {
        this.timers.push(setTimeout(() => this.strikeSockets(fault), fault.when.fromMs ?? 0));
      }
    }
  }

  private strikeSockets(fault: FaultOf<'flap' | 'close_now'>): void {
    if (!this.faults.inForce(fault.kind).includes(fault)) return;
    const cut = this.cut(fault.where);
    for (let socket = 0; socket < cut; socket++) this.faults.countStrike(fault);
  }

  private pass(client: StreamClient, text: string): void {
    const frame = readFrame(text);
    const occasion: Occasion = { ...whoIs(client), ...(frame === null ? {} : frame.about) };
    const silent = this.faults.strike(SILENT, occasion, ({ pong }) => !(pong && text === 'pong'));
    if (silent !== null) return;
    if (frame === null) return client.write(text);
    const lane = this.laneOf(client, frame);
    if (lane.toDrop > 0) {
      lane.toDrop -= 1;
      return;
    }
    const fault = this.faults.strike(
      ON_FRAMES,
      occasion,
      (candidate) => candidate.kind !== 'corrupt' || corrupted(frame, candidate.what) !== null,
    );
    this.send(client, lane, frame, fault);
  }

  private send(
    client: StreamClient,
    lane: Lane,
    frame: Frame,
    fault: Exclude<FrameFault, { kind: 'silent' }> | null,
  ): void {
    switch (fault?.kind) {
      case undefined:
        return this.forward(client, lane, [frame.text], 0);
      case 'duplicate':
        return this.forward(
          client,
          lane,
          Array.from({ length: fault.times + 1 }, () => frame.text),
          0,
        );
      case 'gap':
        lane.toDrop = fault.frames - 1;
        return;
      case 'corrupt':
        return this.forward(client, lane, [corrupted(frame, fault.what) ?? frame.text], 0);
      case 'delay_frames':
        return this.forward(client, lane, [frame.text], fault.ms);
      case 'reorder': {
        // Two in a row cannot both wait for the next one: the older goes first.
        const older = lane.held;
        lane.held = frame.text;
        if (older !== null) this.enqueue(client, lane, older, 0);
        return;
      }
    }
  }

  private forward(client: StreamClient, lane: Lane, texts: readonly string[], delayMs: number): void {
    for (const text of texts) this.enqueue(client, lane, text, delayMs);
    const { held } = lane;
    lane.held = null;
    if (held !== null) this.enqueue(client, lane, held, delayMs);
  }

  private enqueue(client: StreamClient, lane: Lane, text: string, delayMs: number): void {
    const last = lane.delayed.at(-1);
    if (last === undefined && delayMs === 0) return client.write(text);
    const dueAtMs = Math.max(performance.now() + delayMs, last?.dueAtMs ?? 0);
    lane.delayed.push({ text, dueAtMs });
    lane.timer ??= setTimeout(() => this.sendDue(client, lane), delayMs);
  }

  private sendDue(client: StreamClient, lane: Lane): void {
    lane.timer = null;
    const nowMs = performance.now();
    while (lane.delayed[0] !== undefined && lane.delayed[0].dueAtMs <= nowMs) client.write(lane.delayed.shift()!.text);
    const next = lane.delayed[0];
    if (next !== undefined)
      lane.timer = setTimeout(() => this.sendDue(client, lane), Math.max(1, next.dueAtMs - nowMs));
  }

  private laneOf(client: StreamClient, { about }: Frame): Lane {
    const lanes = this.lanes.get(client) ?? new Map<string, Lane>();
    this.lanes.set(client, lanes);
    const key = `${about.channel} ${about.symbol ?? ''}`;
    const existing = lanes.get(key);
    if (existing !== undefined) return existing;
    const lane: Lane = { toDrop: 0, held: null, delayed: [], timer: null };
    lanes.set(key, lane);
    return lane;
  }
}

function release(client: StreamClient, lane: Lane): void {
  if (lane.timer !== null) clearTimeout(lane.timer);
  for (const { text } of lane.delayed) client.write(text);
  if (lane.held !== null) client.write(lane.held);
}

function whoIs({ account, isPrivate }: StreamClient): { account: string | null; socket: 'public' | 'private' } {
  return { account, socket: isPrivate ? 'private' : 'public' };
}
