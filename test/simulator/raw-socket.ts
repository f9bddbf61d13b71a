/** A raw WebSocket client that keeps what it hears, in order. */
import { once } from 'node:events';
import WebSocket from 'ws';
import { BOT1 } from './harness.ts';
import { signed } from './raw-rest.ts';

export interface Frame {
  readonly event?: string;
  readonly action?: string;
  readonly code?: number;
  readonly arg?: { readonly channel: string; readonly instId?: string };
  readonly data?: readonly FrameRow[];
  readonly ts?: number;
}

export interface FrameRow {
  readonly seq: number;
  readonly pseq: number;
  readonly checksum?: number;
  readonly bids?: readonly [string, string][];
  readonly asks?: readonly [string, string][];
  readonly [field: string]: unknown;
}

export class RawClient {
  private readonly socket: WebSocket;
  private readonly heard: string[] = [];
  private readonly ended: Promise<number>;
  private readonly accepted: Promise<boolean>;
  private wake: () => void = () => {};

  constructor(port: number, path: string) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
    this.socket.on('message', (data: Buffer) => {
      this.heard.push(data.toString());
      this.wake();
    });
    // A refused upgrade is told by `closed`, like any other end.
    this.socket.on('error', () => {});
    this.accepted = new Promise((resolve) => {
      this.socket.once('open', () => resolve(true));
      this.socket.once('close', () => resolve(false));
    });
    this.ended = new Promise((resolve) => this.socket.once('close', resolve));
  }

  async say(message: object | string): Promise<void> {
    if (this.socket.readyState === WebSocket.CONNECTING) await once(this.socket, 'open');
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** False when the venue refused the connection. */
  opened(): Promise<boolean> {
    return this.accepted;
  }

  async text(): Promise<string> {
    while (this.heard.length === 0) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.heard.shift()!;
  }

  async frame(): Promise<Frame> {
    return JSON.parse(await this.text()) as Frame;
  }

  /** The next frame of which `wanted` is true; what comes before it is dropped. */
  async until(wanted: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const text = await this.text();
      if (text === 'pong') continue;
      const frame = JSON.parse(text) as Frame;
      if (wanted(frame)) return frame;
    }
  }

  /** The next push of `channel`. */
  push(channel: string, action?: string): Promise<Frame> {
    return this.until(
      (frame) =>
        frame.data !== undefined && frame.arg?.channel === channel && (action ?? frame.action) === frame.action,
    );
  }

  async subscribe(channel: string, instId = 'BTCUSDT', instType = 'USDT-FUTURES'): Promise<void> {
    await this.say(subscription(channel, instId, instType));
  }

  /** Logs in and waits for the venue's yes. */
  async login(account: typeof BOT1 = BOT1): Promise<Frame> {
    await this.say(loginMessage(account));
    return this.until(({ event }) => event === 'login' || event === 'error');
  }

  /** Waits for the end of the connection; answers its code. */
  closed(): Promise<number> {
    return this.ended;
  }

  /** What was heard and not yet taken. */
  takeAll(): string[] {
    return this.heard.splice(0);
  }

  close(): void {
    this.socket.close();
  }
}

export function subscription(channel: string, instId = 'BTCUSDT', instType = 'USDT-FUTURES') {
  return { op: 'subscribe', args: [{ instType, channel, instId }] };
}

export function loginMessage(account: typeof BOT1) {
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const headers = signed(account, `${timestamp}GET/user/verify`, timestamp);
  const { apiKey, passphrase } = account;
  return { op: 'login', args: [{ apiKey, passphrase, timestamp, sign: headers['access-sign'] }] };
}
