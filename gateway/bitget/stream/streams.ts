/**
 * Bitget's streams: all symbols of an account share one public and one private socket. A socket is dialled for its first
 * channel and closed after its last.
 */
import type { PositionMode } from '../../../core/accounting/legs.ts';
import { invariant } from '../../../core/invariant.ts';
import type { Log } from '../../../core/log.ts';
import type { Instrument } from '../../../core/market/instrument.ts';
import { createTokenBucket } from '../../../core/rates/token-bucket.ts';
import type { MarketSink, VenueSink, VenueStream } from '../../venue.ts';
import type { AccountKind } from '../dialect.ts';
import type { BitgetKeys, Redact } from '../redact.ts';
import type { BitgetEndpoint } from '../session.ts';
import { createFillsChannel, createOrdersChannel, PositionsChannel } from './account-channels.ts';
import { createAccountRows } from './account-rows.ts';
import { channelKey, PROTOCOLS, socketUrl, type SocketName } from './protocol.ts';
import { Listener } from './listener.ts';
import { loginMessage } from './login.ts';
import { BookChannel, TickerChannel, TradesChannel } from './market-channels.ts';
import type { SharedChannel } from './shared-channel.ts';
import { createSocket, type BitgetSocket } from './socket.ts';
import { STREAM_TIMING, type StreamTiming } from './timing.ts';

export interface BitgetStreamsOptions {
  readonly endpoint: BitgetEndpoint;
  /** Needed for `stream` only. */
  readonly keys: BitgetKeys | null;
  readonly accountKind: AccountKind;
  readonly log: Log;
  readonly redact: Redact;
  /** Wall clock, for the login. */
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
  /** The account's position mode where it is known: rows of some channels do not say it. */
  readonly positionMode?: () => PositionMode | null;
  readonly timing?: Partial<StreamTiming>;
}

export interface BitgetStreams {
  stream(instrument: Instrument, sink: VenueSink): VenueStream;
  streamMarket(instrument: Instrument, sink: MarketSink): VenueStream;
  close(): Promise<void>;
}

export function createBitgetStreams(options: BitgetStreamsOptions): BitgetStreams {
  const { endpoint, keys, log, redact, now, random } = options;
  const timing = { ...STREAM_TIMING, ...options.timing };
  const protocol = PROTOCOLS[options.accountKind];
  const rows = createAccountRows(options.accountKind, options.positionMode ?? (() => null));
  const monotonicMs = (): number => performance.now();
  const connects = createTokenBucket(timing.connects.perSecond, timing.connects.atOnce, monotonicMs());
  const sockets = new Map<SocketName, BitgetSocket>();
  const channels: Readonly<Record<SocketName, Map<string, SharedChannel>>> = { public: new Map(), private: new Map() };
  const streams = new Set<VenueStream>();
  let closed = false;

  function listenersOf(name: SocketName): Set<Listener> {
    return new Set([...channels[name].values()].flatMap((channel) => [...channel.listeners]));
  }

  function socketOf(name: SocketName): BitgetSocket {
    let socket = sockets.get(name);
    if (socket === undefined) {
      socket = createSocket({
        name,
        url: socketUrl(endpoint, protocol, name),
        login: name === 'private' && keys !== null ? () => loginMessage(keys, now()) : null,
        log,
        redact,
        random,
        monotonicMs,
        timing,
        connects,
        onRedial: () => listenersOf(name).forEach(({ tallies }) => (tallies.reconnects += 1)),
        onMalformed: () => listenersOf(name).forEach(({ tallies }) => (tallies.malformed += 1)),
      });
      sockets.set(name, socket);
    }
    return socket;
  }

  /** Joins the channel that runs already, or this one; answers which. */
  function join<Channel extends SharedChannel>(listener: Listener, name: SocketName, created: Channel): Channel {
    const key = channelKey(created.arg);
    const existing = channels[name].get(key);
    const channel = existing ?? created;
    channels[name].set(key, channel);
    channel.join(listener);
    if (existing === undefined) socketOf(name).add(channel);
    // A key holds one kind of channel.
    return channel as Channel;
  }

  /** Resolves when nothing of the listener is left, its sockets included where nobody else uses them. */
  async function leave(listener: Listener): Promise<void> {
    const closing: Promise<void>[] = [];
    for (const name of ['public', 'private'] as const) {
      for (const [key, channel] of channels[name]) {
        if (!channel.listeners.delete(listener) || channel.listeners.size > 0) continue;
        channels[name].delete(key);
        sockets.get(name)?.remove(channel);
      }
      const socket = sockets.get(name);
      if (channels[name].size > 0 || socket === undefined) continue;
      sockets.delete(name);
      closing.push(socket.close());
    }
    await Promise.all(closing);
  }

  function start(instrument: Instrument, sink: MarketSink, accountSink: VenueSink | null): VenueStream {
    invariant(!closed, 'closed streams start no stream');
    const listener = new Listener(instrument, sink, accountSink);
    let left: Promise<void> | null = null;
    const stream: VenueStream = {
      health: () => ({ up: listener.up, ...listener.tallies, silentMs: silentMs(accountSink !== null) }),
      stop() {
        listener.stop();
        streams.delete(stream);
        return (left ??= leave(listener));
      },
    };
    streams.add(stream);
    const book = join(listener, 'public', new BookChannel(protocol, instrument, timing));
    join(listener, 'public', new TradesChannel(protocol, instrument));
    join(listener, 'public', new TickerChannel(protocol, instrument, timing, book));
    if (accountSink === null) return stream;
    join(listener, 'private', createOrdersChannel(protocol, rows));
    join(listener, 'private', createFillsChannel(protocol, rows));
    join(listener, 'private', new PositionsChannel(protocol, rows));
    return stream;
  }

  function silentMs(withPrivate: boolean): number | null {
    const names: readonly SocketName[] = withPrivate ? ['public', 'private'] : ['public'];
    const heard = names.map((name) => sockets.get(name)?.heardAtMs ?? -Infinity);
    const newest = Math.max(...heard);
    return newest === -Infinity ? null : Math.max(0, Math.round(monotonicMs() - newest));
  }

  return {
    stream(instrument, sink) {
      invariant(keys !== null, 'the private half of a stream needs keys');
      return start(instrument, sink, sink);
    },
    streamMarket: (instrument, sink) => start(instrument, sink, null),
    async close() {
      closed = true;
      await Promise.all([...streams].map((stream) => stream.stop()));
    },
  };
}
