/** One WebSocket connection: what it subscribed, who it logged in as, when it last said anything. */
import type { WebSocket } from 'ws';

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
  /** Keyed by `channelKey`. */
  readonly channels = new Map<string, ChannelArgument>();
  account: string | null = null;
  heardAtMs: number;

  constructor(socket: WebSocket, isPrivate: boolean, nowMs: number) {
    this.socket = socket;
    this.isPrivate = isPrivate;
    this.heardAtMs = nowMs;
  }

  send(text: string): void {
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
