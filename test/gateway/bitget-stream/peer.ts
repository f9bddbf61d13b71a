/** A bare socket peer: it answers ping and login, and leaves the rest to the test. It knows nothing of books or orders. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import type { MarketSink, VenueSink } from '../../../gateway/venue.ts';
import { createRedact } from '../../../gateway/bitget/redact.ts';
import {
  createBitgetStreams,
  type BitgetStreams,
  type BitgetStreamsOptions,
} from '../../../gateway/bitget/stream/streams.ts';
import type { StreamTiming } from '../../../gateway/bitget/stream/timing.ts';
import { CANARY_KEYS, listen } from '../raw-peer.ts';
import { instrument } from './samples.ts';

export const BTC = instrument('BTCUSDT', '0.1', '0.001');
export const ETH = instrument('ETHUSDT', '0.01', '0.01');

export type Arg = Readonly<Record<string, string>>;

/** One subscription, as the peer sees it. */
export interface Talk {
  readonly arg: Arg;
  /** Channel or topic. */
  readonly channel: string;
  readonly symbol: string;
  readonly socket: WebSocket;
  readonly acknowledge: () => void;
  readonly push: (data: readonly unknown[], action?: string) => void;
  readonly raw: (text: string) => void;
}

export interface Peer {
  wsUrl: string;
  /** Frames heard from clients, `ping` left out. */
  readonly heard: string[];
  readonly pings: () => number;
  readonly dials: () => number;
  readonly paths: () => string[];
  readonly sockets: Set<WebSocket>;
  close(): Promise<void>;
}

export interface PeerBehaviour {
  readonly onSubscribe: (talk: Talk) => void;
  readonly onLogin?: (socket: WebSocket) => void;
  readonly pong?: boolean;
  readonly port?: number;
}

export async function startPeer({ onSubscribe, onLogin, pong = true, port = 0 }: PeerBehaviour): Promise<Peer> {
  const sockets = new Set<WebSocket>();
  const paths = new Map<WebSocket, string>();
  const heard: string[] = [];
  let [dials, pings] = [0, 0];
  const server = createServer();
  const upgrades = new WebSocketServer({ server });
  upgrades.on('connection', (socket, request) => {
    dials += 1;
    sockets.add(socket);
    paths.set(socket, request.url ?? '');
    socket.on('close', () => void (sockets.delete(socket), paths.delete(socket)));
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => {
      const text = data.toString('utf8');
      if (text === 'ping') {
        pings += 1;
        if (pong) socket.send('pong');
        return;
      }
      heard.push(text);
      const { op, args } = JSON.parse(text) as { op: string; args: Arg[] };
      const send = (message: object): void => socket.send(JSON.stringify(message));
      if (op === 'login') return onLogin === undefined ? send({ event: 'login', code: 0 }) : onLogin(socket);
      if (op === 'unsubscribe') return args.forEach((arg) => send({ event: 'unsubscribe', arg }));
      for (const arg of args) {
        onSubscribe({
          arg,
          channel: arg.channel ?? arg.topic ?? '',
          symbol: arg.instId ?? arg.symbol ?? '',
          socket,
          acknowledge: () => send({ event: 'subscribe', arg }),
          push: (rows, action = 'snapshot') => send({ action, arg, data: rows, ts: 1_700_000_000_500 }),
          raw: (message) => socket.send(message),
        });
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    wsUrl: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    pings: () => pings,
    dials: () => dials,
    paths: () => [...paths.values()].sort(),
    sockets,
    async close() {
      for (const socket of sockets) socket.terminate();
      upgrades.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Waiting times that a test can sit out. */
export const FAST: Partial<StreamTiming> = {
  pulseMs: 10,
  connectBackoffMs: { minMs: 10, maxMs: 40 },
  loginBackoffMs: { minMs: 20, maxMs: 200 },
  subscribeBackoffMs: { minMs: 10, maxMs: 40 },
};

export function streamsAt(
  wsUrl: string,
  change: Partial<BitgetStreamsOptions> = {},
): { streams: BitgetStreams; lines: string[] } {
  const lines: string[] = [];
  const write = (message: string, fields?: object): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const streams = createBitgetStreams({
    endpoint: { kind: 'simulator', httpUrl: 'http://127.0.0.1:1', wsUrl },
    keys: CANARY_KEYS,
    accountKind: 'classic',
    log: { info: write, warn: write, error: write },
    redact: createRedact(CANARY_KEYS),
    now: Date.now,
    random: () => 0,
    timing: FAST,
    ...change,
  });
  return { streams, lines };
}

export const book = (change: object = {}): object => ({
  bids: [['27000.0', '2.710'], ['26999.5', '1.460']],
  asks: [['27000.5', '8.760'], ['27001.0', '0.400']],
  ts: '1700000000000',
  seq: 10,
  pseq: 0,
  ...change,
}); // prettier-ignore

export const bookUpdate = (change: object = {}): object => ({
  bids: [['27000.1', '1']], asks: [], ts: '1700000000100', seq: 11, pseq: 10, ...change,
}); // prettier-ignore

export const trade = (tradeId: string): object => ({ ts: '1700000000000', price: '27000.5', size: '0.001', side: 'buy', tradeId }); // prettier-ignore

export const ticker = (change: object = {}): object => ({
  instId: 'BTCUSDT', lastPr: '27000.5', fundingRate: '0.000010', nextFundingTime: '1700006400000', markPrice: '27000.0', ts: '1700000000000', ...change,
}); // prettier-ignore

/** What a healthy venue says after each subscription. */
export function serve({ channel, symbol, acknowledge, push }: Talk): void {
  acknowledge();
  if (channel === 'books') push([book()]);
  if (channel === 'trade') push([trade('2'), trade('1')]);
  if (channel === 'ticker') push([ticker({ instId: symbol })]);
  if (channel === 'positions') push([]);
}

export const CHANNELS = ['book', 'trades', 'ticker', 'orders', 'positions'];

export { CANARY_KEYS, isConnector, isKind, type Heard } from '../raw-peer.ts';
export { listen };
export type { MarketSink, VenueSink };
