/**
 * What one socket is to be subscribed to, and what must be said next to get there. Plain bookkeeping: time is passed in.
 *
 *   due --said--> asked --acknowledged--> live --ask anew--> due
 *                 asked --refused, or no answer in time--> due, after its back-off
 *
 * A lost connection makes every channel due at once. A channel that is asked for anew is unsubscribed first.
 */
import { createTokenBucket, take, waitMs, type TokenBucket } from '../../../core/rates/token-bucket.ts';
import { createRetryDelay, type RetryDelay } from '../../retry-delay.ts';
import { channelKey, type ChannelArg } from './protocol.ts';
import type { StreamTiming } from './timing.ts';

/** One channel as the socket sees it. */
export interface Channel {
  readonly arg: ChannelArg;
  /** How long it may say nothing before it is asked for anew; Infinity: for ever. */
  quietMsMax: number;
  /** What it tells may be trusted: a book is not up before its snapshot, whatever else is heard of it. */
  readonly isUp: boolean;
  acknowledged(): void;
  /** Throws `VenueMalformed` for a frame that must not be trusted; the channel is then asked for anew. */
  frame(frame: DataFrame, text: string): void;
  /** Nothing can be said about it until it is acknowledged again. `disconnected` when the whole connection went. */
  lost(reason: string, disconnected: boolean): void;
}

export interface DataFrame {
  readonly action?: unknown;
  readonly arg: Readonly<Record<string, unknown>>;
  readonly data: readonly unknown[];
  readonly ts?: unknown;
}

export interface Subscription {
  readonly channel: Channel;
  readonly key: string;
  state: 'due' | 'asked' | 'live';
  /** When `due` may be said, when `asked` was said, since when it is `live`. */
  atMs: number;
  heardAtMs: number;
  readonly backoff: RetryDelay;
}

export interface Request {
  readonly op: 'subscribe' | 'unsubscribe';
  readonly args: readonly ChannelArg[];
}

/** The unified socket drops a client that sends 25 book arguments in one frame; 20 were seen to work. */
const ARGS_MAX = 15;
/** 4,096 is the venue's limit; the rest of the frame needs some. */
const ARGS_BYTES_MAX = 3_900;
/** At most 240 subscriptions an hour and connection: what is saved up and what refills in an hour stay below. */
const SUBSCRIPTIONS = { atOnce: 100, perHour: 130 } as const;

export class Subscriptions {
  private readonly entries = new Map<string, Subscription>();
  private readonly leaving = new Map<string, ChannelArg>();
  private budget: TokenBucket;
  private readonly random: () => number;
  private readonly timing: StreamTiming;

  constructor(random: () => number, timing: StreamTiming, nowMs: number) {
    this.random = random;
    this.timing = timing;
    this.budget = newBudget(nowMs);
  }

  get size(): number {
    return this.entries.size;
  }

  all(): IterableIterator<Subscription> {
    return this.entries.values();
  }

  find(key: string): Subscription | undefined {
    return this.entries.get(key);
  }

  add(channel: Channel, nowMs: number): void {
    const key = channelKey(channel.arg);
    const { subscribeBackoffMs, stableMs } = this.timing;
    const backoff = createRetryDelay({ random: this.random, ...subscribeBackoffMs, stableMs });
    this.entries.set(key, { channel, key, state: 'due', atMs: nowMs, heardAtMs: nowMs, backoff });
  }

  remove(channel: Channel): void {
    const key = channelKey(channel.arg);
    const entry = this.entries.get(key);
    this.entries.delete(key);
    if (entry !== undefined && entry.state !== 'due') this.leaving.set(key, channel.arg);
  }

  /** Unsubscribes now and subscribes again after `waitMs`. */
  askAnew(entry: Subscription, nowMs: number, waitForMs: number): void {
    if (entry.state !== 'due') this.leaving.set(entry.key, entry.channel.arg);
    entry.state = 'due';
    entry.atMs = nowMs + waitForMs;
  }

  /** A new connection knows nothing of the old one's subscriptions, and neither does the venue's hourly count. */
  connected(nowMs: number): void {
    this.leaving.clear();
    this.budget = newBudget(nowMs);
    for (const entry of this.entries.values()) {
      entry.state = 'due';
      entry.atMs = nowMs;
    }
  }

  /** The next thing to say, or how long there is nothing to say (Infinity: until something changes). */
  next(nowMs: number): Request | number {
    if (this.leaving.size > 0) {
      const args = pack(this.leaving.values());
      for (const arg of args) this.leaving.delete(channelKey(arg));
      return { op: 'unsubscribe', args };
    }
    let soonestMs = Infinity;
    const due: Subscription[] = [];
    for (const entry of this.entries.values()) {
      if (entry.state !== 'due') continue;
      if (entry.atMs <= nowMs) due.push(entry);
      else soonestMs = Math.min(soonestMs, entry.atMs - nowMs);
    }
    if (due.length === 0) return soonestMs;
    const budgetMs = waitMs(this.budget, nowMs);
    if (budgetMs > 0) return budgetMs;
    const args = pack(due.map(({ channel }) => channel.arg)).slice(0, Math.floor(this.budget.tokens + 1e-6));
    for (const entry of due.slice(0, args.length)) {
      take(this.budget);
      entry.state = 'asked';
      entry.atMs = nowMs;
    }
    return { op: 'subscribe', args };
  }
}

function newBudget(nowMs: number): TokenBucket {
  return createTokenBucket(SUBSCRIPTIONS.perHour / 3_600, SUBSCRIPTIONS.atOnce, nowMs);
}

/** The first of `args` that fit into one frame. */
function pack(args: Iterable<ChannelArg>): ChannelArg[] {
  const packed: ChannelArg[] = [];
  let bytes = 0;
  for (const arg of args) {
    bytes += JSON.stringify(arg).length + 1;
    if (packed.length === ARGS_MAX || bytes > ARGS_BYTES_MAX) break;
    packed.push(arg);
  }
  return packed;
}
