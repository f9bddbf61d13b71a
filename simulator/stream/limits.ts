/**
 * The venue's published limits on sockets. Which of its two codes answers what is not published: here what goes beyond a
 * limit is refused with 30006, and a client that goes on at twice the pace, or breaks a limit of size, hears 30007 and is cut.
 */
import { RollingWindow, RollingWindows } from '../rolling-window.ts';
import type { StreamClient } from './client.ts';

export const STREAM_LIMITS = {
  messagesPerSecond: 10,
  subscriptionsPerHour: 240,
  channels: 1_000,
  frameBytes: 4_096,
  connectsPerFiveMinutes: 300,
  connectionsPerAddress: 100,
} as const;

export type Verdict = 'ok' | 'refused' | 'cut';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const FIVE_MINUTES_MS = 300_000;

interface Used {
  readonly messages: RollingWindow;
  readonly subscriptions: RollingWindow;
}

export class StreamLimits {
  private readonly steadyMs: () => number;
  private readonly connects = new RollingWindows(FIVE_MINUTES_MS);
  private readonly open = new Map<string, number>();
  private readonly used = new WeakMap<StreamClient, Used>();

  constructor(steadyMs: () => number) {
    this.steadyMs = steadyMs;
  }

  /** False when the address has to wait before it connects again. */
  connect(address: string): boolean {
    const open = this.open.get(address) ?? 0;
    const { connectsPerFiveMinutes, connectionsPerAddress } = STREAM_LIMITS;
    if (open >= connectionsPerAddress) return false;
    if (!this.connects.of(address).take(this.steadyMs(), connectsPerFiveMinutes)) return false;
    this.open.set(address, open + 1);
    return true;
  }

  disconnect(address: string): void {
    this.open.set(address, Math.max(0, (this.open.get(address) ?? 0) - 1));
  }

  message(client: StreamClient, text: string): Verdict {
    if (Buffer.byteLength(text) > STREAM_LIMITS.frameBytes) return 'cut';
    const inLastSecond = this.of(client).messages.add(this.steadyMs());
    if (inLastSecond <= STREAM_LIMITS.messagesPerSecond) return 'ok';
    return inLastSecond <= 2 * STREAM_LIMITS.messagesPerSecond ? 'refused' : 'cut';
  }

  /** One more channel, where `channels` are subscribed already. */
  subscription(client: StreamClient, channels: number): Verdict {
    if (channels >= STREAM_LIMITS.channels) return 'cut';
    return this.of(client).subscriptions.take(this.steadyMs(), STREAM_LIMITS.subscriptionsPerHour) ? 'ok' : 'refused';
  }

  private of(client: StreamClient): Used {
    const existing = this.used.get(client);
    if (existing !== undefined) return existing;
    const used = { messages: new RollingWindow(SECOND_MS), subscriptions: new RollingWindow(HOUR_MS) };
    this.used.set(client, used);
    return used;
  }
}
