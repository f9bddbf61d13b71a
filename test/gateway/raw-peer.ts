/**
 * A bare peer on a real socket: it answers the two reads that a venue needs before an order, and leaves everything else
 * to the test. It knows nothing of orders or books; what it proves is how the gateway treats answers and silence.
 */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import type { BookFrame } from '../../core/market/book.ts';
import type { PriceTicks, QtyLots } from '../../core/money/money.ts';
import type { OrderIntent } from '../../core/orders/order-intent.ts';
import type { ApprovedIntent } from '../../core/risk/decision.ts';
import { createBitgetVenue, type BitgetVenueOptions } from '../../gateway/bitget/venue.ts';
import type { Venue, VenueSink } from '../../gateway/venue.ts';

export const CANARY_KEYS = {
  apiKey: 'bg_canaryapikey00000001',
  secret: 'canarysecret/0123456789+abc',
  passphrase: 'canarypassphrase',
};

export interface ReceivedCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface RawPeer {
  readonly httpUrl: string;
  readonly wsUrl: string;
  readonly calls: ReceivedCall[];
  /** Sockets now open, by path. */
  readonly sockets: Map<WebSocket, string>;
  close(): Promise<void>;
}

export interface RawPeerBehaviour {
  /** Instead of the recorded ones. */
  readonly contracts?: unknown;
  onCall?(call: ReceivedCall, response: ServerResponse): void;
  onSocket?(socket: WebSocket, path: string): void;
}

const contracts = (
  JSON.parse(readFileSync('test/gateway/fixtures/bitget-wire.json', 'utf8')) as { contracts: { data: unknown } }
).contracts.data;

export function success(data: unknown): string {
  return JSON.stringify({ code: '00000', msg: 'success', requestTime: 1_700_000_000_000, data });
}

export async function startRawPeer(behaviour: RawPeerBehaviour): Promise<RawPeer> {
  const calls: ReceivedCall[] = [];
  const sockets = new Map<WebSocket, string>();
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      const call = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
      calls.push(call);
      if (call.path.startsWith('/api/v2/mix/market/contracts')) response.end(success(behaviour.contracts ?? contracts));
      else if (call.path.startsWith('/api/v2/common/trade-rate')) {
        response.end(success({ makerFeeRate: '0.0002', takerFeeRate: '0.0006' }));
      } else behaviour.onCall?.(call, response);
    });
  });
  const upgrades = new WebSocketServer({ server });
  upgrades.on('connection', (socket, request) => {
    const path = request.url ?? '';
    sockets.set(socket, path);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    behaviour.onSocket?.(socket, path);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    httpUrl: `http://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${port}`,
    calls,
    sockets,
    async close() {
      for (const socket of sockets.keys()) socket.terminate();
      upgrades.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface LoggingVenue {
  readonly venue: Venue;
  readonly lines: string[];
}

export async function connect(
  endpoint: { httpUrl: string; wsUrl: string },
  change: Partial<BitgetVenueOptions> = {},
): Promise<LoggingVenue> {
  const lines: string[] = [];
  const write = (message: string, fields?: object): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const venue = await createBitgetVenue({
    endpoint: { kind: 'simulator', ...endpoint },
    keys: CANARY_KEYS,
    accountKind: 'classic',
    log: { info: write, warn: write, error: write },
    ...change,
  });
  return { venue, lines };
}

export function intent(change: Partial<OrderIntent> = {}): ApprovedIntent {
  return {
    clientOrderId: 'bot1-0-1',
    symbol: 'BTCUSDT',
    side: 'buy',
    price: 500_000 as PriceTicks,
    qty: 10 as QtyLots,
    kind: 'post_only',
    reduceOnly: false,
    leg: 'net',
    expiresAtMs: Date.now() + 60_000,
    ...change,
  } as ApprovedIntent;
}

export type Heard =
  | { kind: 'book'; book: Pick<BookFrame, 'venueAtMs' | 'bidCount' | 'askCount'> & { bid: number; ask: number } }
  | {
      [K in 'Trade' | 'Ticker' | 'Funding' | 'Order' | 'Fill' | 'Position' as K]: {
        kind: Lowercase<K>;
        value: Parameters<VenueSink[`on${K}`]>[0];
      };
    }['Trade' | 'Ticker' | 'Funding' | 'Order' | 'Fill' | 'Position']
  | { kind: 'connector'; channel: string; status: 'up' | 'down'; reason: string };

export interface Listener {
  readonly sink: VenueSink;
  readonly heard: Heard[];
  /** The first thing heard, from `from` on, that fits; waits for it. */
  readonly next: <H extends Heard>(fits: (heard: Heard) => heard is H, from?: number) => Promise<H>;
}

export function listen(): Listener {
  const heard: Heard[] = [];
  const waiting = new Set<() => void>();
  const hear = (item: Heard): void => {
    heard.push(item);
    for (const check of [...waiting]) check();
  };
  return {
    heard,
    sink: {
      onBook: ({ venueAtMs, bidCount, askCount, bidTicks, askTicks }) =>
        hear({ kind: 'book', book: { venueAtMs, bidCount, askCount, bid: bidTicks[0] ?? 0, ask: askTicks[0] ?? 0 } }),
      onTrade: (value) => hear({ kind: 'trade', value }),
      onTicker: (value) => hear({ kind: 'ticker', value }),
      onFunding: (value) => hear({ kind: 'funding', value }),
      onOrder: (value) => hear({ kind: 'order', value }),
      onFill: (value) => hear({ kind: 'fill', value }),
      onPosition: (value) => hear({ kind: 'position', value }),
      onConnector: (channel, status, reason) => hear({ kind: 'connector', channel, status, reason }),
    },
    next<H extends Heard>(fits: (item: Heard) => item is H, from = 0): Promise<H> {
      return new Promise((resolve) => {
        const check = (): void => {
          const found = heard.slice(from).find(fits);
          if (found === undefined) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
      });
    },
  };
}

export const isConnector =
  (channel: string, status: 'up' | 'down') =>
  (item: Heard): item is Extract<Heard, { kind: 'connector' }> =>
    item.kind === 'connector' && item.channel === channel && item.status === status;

export const isKind =
  <K extends Heard['kind']>(kind: K) =>
  (item: Heard): item is Extract<Heard, { kind: K }> =>
    item.kind === kind;
