/**
 * Both WebSocket ends: `/v2/ws/public` and `/v2/ws/private`. A private socket logs in before it subscribes. Clients send
 * the text `ping` and get `pong`; one that says nothing for two minutes is dropped, data or not, as the venue does.
 */
import type { IncomingMessage, Server } from 'node:http';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import type { SimulatedAccount } from '../../core/simulation/options.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { Refusal } from '../exchange/refusal.ts';
import { verifyLogin, type LoginArguments } from '../rest/signature.ts';
import { channelKey, StreamClient, type ChannelArgument } from './client.ts';
import { PRIVATE_CHANNELS, PrivateFeed } from './private-feed.ts';
import { PUBLIC_CHANNELS, type PublicFeed } from './public-feed.ts';

export const SILENCE_MS_MAX = 120_000;
const SILENCE_CHECK_EVERY_MS = 1_000;
const PATHS: Readonly<Record<string, 'public' | 'private'>> = {
  '/v2/ws/public': 'public',
  '/v2/ws/private': 'private',
};

export interface SocketParts {
  readonly exchange: Exchange;
  readonly keys: ReadonlyMap<string, SimulatedAccount>;
  readonly publicFeed: PublicFeed;
  readonly nowMs: () => number;
}

export class Sockets {
  readonly privateFeed: PrivateFeed;
  private readonly parts: SocketParts;
  private readonly clients = new Set<StreamClient>();
  private readonly server = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 });
  private readonly silenceCheck: NodeJS.Timeout;

  constructor(parts: SocketParts) {
    this.parts = parts;
    this.privateFeed = new PrivateFeed(parts.exchange, this.clients, parts.nowMs);
    this.silenceCheck = setInterval(() => this.dropSilent(), SILENCE_CHECK_EVERY_MS);
    this.silenceCheck.unref();
  }

  attach(http: Server): void {
    http.on('upgrade', (request: IncomingMessage, socket, head) => {
      const kind = PATHS[request.url?.split('?')[0] ?? ''];
      if (kind === undefined) {
        socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
        return;
      }
      this.server.handleUpgrade(request, socket, head, (webSocket) => this.welcome(webSocket, kind === 'private'));
    });
  }

  close(): void {
    clearInterval(this.silenceCheck);
    for (const { socket } of this.clients) socket.terminate();
    this.server.close();
  }

  private welcome(socket: WebSocket, isPrivate: boolean): void {
    const client = new StreamClient(socket, isPrivate, this.parts.nowMs());
    this.clients.add(client);
    socket.on('message', (data: RawData) => this.hear(client, textOf(data)));
    socket.on('close', () => this.forget(client));
    // A broken connection also closes, and closing is what is handled.
    socket.on('error', () => socket.terminate());
  }

  private forget(client: StreamClient): void {
    this.clients.delete(client);
    for (const argument of client.channels.values()) this.parts.publicFeed.unsubscribe(client, argument);
  }

  private dropSilent(): void {
    const nowMs = this.parts.nowMs();
    for (const client of this.clients) {
      if (nowMs - client.heardAtMs > SILENCE_MS_MAX) client.socket.terminate();
    }
  }

  private hear(client: StreamClient, text: string): void {
    client.heardAtMs = this.parts.nowMs();
    if (text === 'ping') return client.send('pong');
    const message = parseMessage(text);
    if (message === null) return client.sendJson({ event: 'error', code: 30003, msg: 'Invalid op' });
    switch (message.op) {
      case 'login':
        return this.login(client, message.args[0] ?? {});
      case 'subscribe':
        return message.args.forEach((argument) => this.subscribe(client, argument as unknown as ChannelArgument));
      case 'unsubscribe':
        return message.args.forEach((argument) => this.unsubscribe(client, argument as unknown as ChannelArgument));
      default:
        return client.sendJson({ event: 'error', code: 30003, msg: 'Invalid op' });
    }
  }

  private login(client: StreamClient, login: LoginArguments): void {
    try {
      client.account = verifyLogin(login, this.parts.keys, this.parts.nowMs());
      client.sendJson({ event: 'login', code: 0, msg: '' });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      client.sendJson({ event: 'error', code: Number(error.code), msg: error.message });
    }
  }

  private subscribe(client: StreamClient, argument: ChannelArgument): void {
    const refusal = this.refuseSubscription(client, argument);
    if (refusal !== null) {
      client.sendJson({ event: 'error', arg: argument, ...refusal, op: 'subscribe' });
      return;
    }
    client.channels.set(channelKey(argument), argument);
    client.sendJson({ event: 'subscribe', arg: argument });
    if (client.isPrivate) this.privateFeed.subscribed(client, argument);
    else this.parts.publicFeed.subscribe(client, argument);
  }

  private refuseSubscription(client: StreamClient, argument: ChannelArgument): { code: number; msg: string } | null {
    const { instType, channel, instId } = argument;
    if (client.isPrivate) {
      if (client.account === null) return { code: 30004, msg: 'User not logged in / User must be connected' };
      return PRIVATE_CHANNELS.has(channel) ? null : { code: 30016, msg: 'Param error' };
    }
    if (!PUBLIC_CHANNELS.has(channel)) return { code: 30016, msg: 'Param error' };
    if (instId !== undefined && this.parts.exchange.markets.has(instId)) return null;
    return {
      code: 30001,
      msg: `instType:${instType},channel:${channel},instId:${instId},precision:null doesn't exist`,
    };
  }

  private unsubscribe(client: StreamClient, argument: ChannelArgument): void {
    client.channels.delete(channelKey(argument));
    if (!client.isPrivate) this.parts.publicFeed.unsubscribe(client, argument);
    client.sendJson({ event: 'unsubscribe', arg: argument });
  }
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
