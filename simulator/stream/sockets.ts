/**
 * The WebSocket ends, by path. A private socket logs in before it subscribes. Clients send the text `ping` and get `pong`;
 * one that says nothing for two minutes is dropped, data or not, as the venue does.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import type { SimulatedAccount } from '../../core/simulation/options.ts';
import type { StreamFaults } from '../admin/stream-faults.ts';
import { Refusal, refuse } from '../exchange/refusal.ts';
import { verifyLogin, type LoginArguments } from '../rest/signature.ts';
import { StreamClient } from './client.ts';
import type { StreamLimits } from './limits.ts';

export const SILENCE_MS_MAX = 120_000;
const SILENCE_CHECK_EVERY_MS = 1_000;
const REQUEST_TOO_MANY = { event: 'error', code: 30006, msg: 'request too many' };
const CONNECTION_CLOSE = { event: 'error', code: 30007, msg: 'request over limit,connection close' };
/** A client that reads what it is told before it is cut needs no longer. */
const LAST_WORD_MS = 50;

/** What one dialect does with `subscribe` and `unsubscribe`. */
export interface Subscriptions {
  subscribe(client: StreamClient, values: readonly Record<string, unknown>[]): void;
  unsubscribe(client: StreamClient, values: readonly Record<string, unknown>[]): void;
  /** The connection is gone. */
  forget(client: StreamClient): void;
}

/** What is behind a path. */
export interface SocketEnd {
  readonly isPrivate: boolean;
  /** v3. */
  readonly isUnified: boolean;
  readonly subscriptions: Subscriptions;
}

export interface SocketParts {
  /** By path; every dialect brings its own. */
  readonly ends: Readonly<Record<string, SocketEnd>>;
  /** Kept up to date here, read by the feeds. */
  readonly clients: Set<StreamClient>;
  readonly keys: ReadonlyMap<string, SimulatedAccount>;
  readonly faults: StreamFaults;
  /** Null when none hold. */
  readonly limits: StreamLimits | null;
  /** The venue's clock. */
  readonly nowMs: () => number;
  /** The host's clock, which no fault skews. */
  readonly steadyMs: () => number;
}

export class Sockets {
  private readonly parts: SocketParts;
  private readonly server = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 });
  private readonly silenceCheck: NodeJS.Timeout;

  constructor(parts: SocketParts) {
    this.parts = parts;
    this.silenceCheck = setInterval(() => this.dropSilent(), SILENCE_CHECK_EVERY_MS);
    this.silenceCheck.unref();
  }

  attach(http: Server): void {
    http.on('upgrade', (request: IncomingMessage, socket, head) => this.upgrade(request, socket, head));
  }

  close(): void {
    clearInterval(this.silenceCheck);
    this.parts.faults.close();
    for (const { socket } of this.parts.clients) socket.terminate();
    this.server.close();
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const end = this.parts.ends[request.url?.split('?')[0] ?? ''];
    if (end === undefined) return void socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
    const { limits } = this.parts;
    const address = request.socket.remoteAddress ?? '';
    if (limits !== null && !limits.connect(address)) {
      return void socket.end('HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n');
    }
    if (limits !== null) socket.once('close', () => limits.disconnect(address));
    this.server.handleUpgrade(request, socket, head, (webSocket) => this.welcome(webSocket, end));
  }

  private welcome(socket: WebSocket, end: SocketEnd): void {
    const client = new StreamClient(socket, end.isPrivate, this.parts.steadyMs(), end.isUnified);
    this.parts.clients.add(client);
    this.parts.faults.welcome(client);
    socket.on('message', (data: RawData) => this.hear(client, end, textOf(data)));
    socket.on('close', () => {
      this.parts.clients.delete(client);
      this.parts.faults.forget(client);
      end.subscriptions.forget(client);
    });
    // A broken connection also closes, and closing is what is handled.
    socket.on('error', () => socket.terminate());
  }

  private dropSilent(): void {
    const nowMs = this.parts.steadyMs();
    for (const client of this.parts.clients) {
      if (nowMs - client.heardAtMs > SILENCE_MS_MAX) client.socket.terminate();
    }
  }

  private hear(client: StreamClient, end: SocketEnd, text: string): void {
    client.heardAtMs = this.parts.steadyMs();
    const verdict = this.parts.limits?.message(client, text) ?? 'ok';
    if (verdict === 'cut') return cut(client);
    if (verdict === 'refused') return client.sendJson(REQUEST_TOO_MANY);
    if (text === 'ping') return client.send('pong');
    const message = parseMessage(text);
    switch (message?.op) {
      case 'login':
        return this.login(client, message.args[0] ?? {});
      case 'subscribe':
        return end.subscriptions.subscribe(client, this.permitted(client, message.args));
      case 'unsubscribe':
        return end.subscriptions.unsubscribe(client, message.args);
      default:
        return client.sendJson({ event: 'error', code: 30003, msg: 'Invalid op' });
    }
  }

  /** The subscriptions that neither a limit nor a fault refuses. */
  private permitted(client: StreamClient, values: readonly Record<string, unknown>[]): Record<string, unknown>[] {
    const { size } = client.isUnified ? client.topics : client.channels;
    const permitted: Record<string, unknown>[] = [];
    for (const value of values) {
      const struck = this.parts.faults.refuseSubscription(client, value);
      if (struck !== null) {
        client.sendJson({ event: 'error', arg: value, code: struck.code, msg: struck.msg, op: 'subscribe' });
        continue;
      }
      const verdict = this.parts.limits?.subscription(client, size + permitted.length) ?? 'ok';
      if (verdict === 'ok') permitted.push(value);
      else if (verdict === 'refused') client.sendJson({ ...REQUEST_TOO_MANY, arg: value, op: 'subscribe' });
      else {
        cut(client);
        return [];
      }
    }
    return permitted;
  }

  private login(client: StreamClient, login: LoginArguments): void {
    const { faults, keys, nowMs } = this.parts;
    const claimed = typeof login.apiKey === 'string' ? (keys.get(login.apiKey)?.account ?? null) : null;
    const struck = faults.refuseLogin(client, claimed);
    if (struck !== null) return client.sendJson({ event: 'error', code: struck.code, msg: struck.msg });
    try {
      const account = verifyLogin(login, keys, nowMs());
      const isUnified = keys.get(String(login.apiKey))?.kind === 'unified';
      if (isUnified !== client.isUnified) throw isUnified ? refuse.unifiedAccount() : refuse.classicAccount();
      client.account = account;
      client.sendJson({ event: 'login', code: 0, msg: '' });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      client.sendJson({ event: 'error', code: Number(error.code), msg: error.message });
    }
  }
}

function cut(client: StreamClient): void {
  client.sendJson(CONNECTION_CLOSE);
  client.socket.close();
  setTimeout(() => client.socket.terminate(), LAST_WORD_MS).unref();
}

function parseMessage(text: string): { op: string; args: Record<string, unknown>[] } | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Answered as an invalid operation.
    return null;
  }
  if (parsed === null || typeof parsed !== 'object') return null;
  const { op, args } = parsed as { op?: unknown; args?: unknown };
  if (typeof op !== 'string' || !Array.isArray(args)) return null;
  const objects = args.filter((entry): entry is Record<string, unknown> => entry !== null && typeof entry === 'object');
  return { op, args: objects };
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return Buffer.from(data as Buffer).toString('utf8');
}
