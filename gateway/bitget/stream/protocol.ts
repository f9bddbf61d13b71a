/**
 * The two ways the venue talks over its sockets: v2 for classic accounts, v3 for unified ones. They differ in addresses,
 * in how a channel is named and in the shape of rows, not in how a socket lives.
 */
import type { AccountKind } from '../dialect.ts';
import type { BitgetEndpoint } from '../session.ts';

export type SocketName = 'public' | 'private';
export type PublicTopic = 'books' | 'trades' | 'ticker';
export type PrivateTopic = 'orders' | 'fills' | 'positions';

export type ChannelArg = Readonly<Record<string, string>>;

export interface StreamProtocol {
  readonly kind: AccountKind;
  readonly paths: Readonly<Record<SocketName, string>>;
  publicArg(topic: PublicTopic, symbol: string): ChannelArg;
  privateArg(topic: PrivateTopic): ChannelArg;
  /** A frame of the positions channel lists everything that is held, so what it leaves out is flat. */
  readonly positionsAreComplete: boolean;
}

const CLASSIC_NAMES = {
  books: 'books',
  trades: 'trade',
  ticker: 'ticker',
  orders: 'orders',
  fills: 'fill',
  positions: 'positions',
} as const;
const UNIFIED_NAMES = {
  books: 'books',
  trades: 'publicTrade',
  ticker: 'ticker',
  orders: 'order',
  fills: 'fill',
  positions: 'position',
} as const;

export const PROTOCOLS: Readonly<Record<AccountKind, StreamProtocol>> = {
  classic: {
    kind: 'classic',
    paths: { public: '/v2/ws/public', private: '/v2/ws/private' },
    publicArg: (topic, symbol) => ({ instType: 'USDT-FUTURES', channel: CLASSIC_NAMES[topic], instId: symbol }),
    privateArg: (topic) => ({ instType: 'USDT-FUTURES', channel: CLASSIC_NAMES[topic], instId: 'default' }),
    positionsAreComplete: true,
  },
  unified: {
    kind: 'unified',
    paths: { public: '/v3/ws/public', private: '/v3/ws/private' },
    publicArg: (topic, symbol) => ({ instType: 'usdt-futures', topic: UNIFIED_NAMES[topic], symbol }),
    privateArg: (topic) => ({ instType: 'UTA', topic: UNIFIED_NAMES[topic] }),
    // A closed position comes as a row of size 0 with `positionStatus: ended`.
    positionsAreComplete: false,
  },
};

/** Names a channel on its socket. The venue may leave out or fill in what has one value only, as `instId: default`. */
export function channelKey(arg: Readonly<Record<string, unknown>>): string {
  const channel = (arg.channel ?? arg.topic) as string;
  const symbol = (arg.instId ?? arg.symbol) as string | undefined;
  return symbol === undefined || symbol === 'default' ? channel : `${channel}/${symbol}`;
}

/** The only address that is ever dialled for this endpoint and socket. */
export function socketUrl(endpoint: BitgetEndpoint, protocol: StreamProtocol, name: SocketName): string {
  return webSocketOrigin(endpoint) + protocol.paths[name];
}

function webSocketOrigin(endpoint: BitgetEndpoint): string {
  switch (endpoint.kind) {
    case 'live':
      return 'wss://ws.bitget.com';
    case 'demo':
      return 'wss://wspap.bitget.com';
    case 'simulator':
      return endpoint.wsUrl;
  }
}
