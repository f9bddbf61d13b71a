/** One WebSocket connection: what it subscribed, who it logged in as, when it last said anything. */
import { randomUUID } from 'node:crypto';
import type { WebSocket } from 'ws';
import type { Topic } from './unified-client.ts';

export interface ChannelArgument {
  readonly instType: string;
  readonly channel: string;
  readonly instId?: string;
  readonly coin?: string;
}

/** A client that does not read is dropped before it costs memory. */
const BUFFERED_BYTES_MAX = 8 * 1024 * 1024;

export class StreamClient {
  readonly socket: WebSocket;
  readonly isPrivate: boolean;
  readonly connectionId = randomUUID();
  /** Whether it speaks v3. */
  readonly isUnified: boolean;
  /** Of a v3 socket, keyed by `topicKey`. */
  readonly topics = new Map<string, Topic>();
  /** Of a v2 socket, keyed by `channelKey`. */
  readonly channels = new Map<string, ChannelArgument>();
  account: string | null = null;
  heardAtMs: number;
  /** Set while a fault plan is in force: decides what becomes of each frame, and calls `write` for what is sent. */
  intercept: ((text: string) => void) | null = null;

  constructor(socket: WebSocket, isPrivate: boolean, nowMs: number, isUnified = false) {
    this.socket = socket;
    this.isPrivate = isPrivate;
    this.isUnified = isUnified;
    this.heardAtMs = nowMs;
  }

  send(text: string): void {
    if (this.intercept === null) this.write(text);
    else this.intercept(text);
  }

  write(text: string): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    if (this.socket.bufferedAmount > BUFFERED_BYTES_MAX) return this.socket.terminate();
    this.socket.send(text);
  }

  sendJson(message: object): void {
    this.send(JSON.stringify(message));
  }
}

export function channelKey({ instType, channel, instId, coin }: ChannelArgument): string {
  return `${instType}/${channel}/${instId ?? coin ?? 'default'}`;
}
