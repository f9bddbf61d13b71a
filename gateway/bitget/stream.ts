/**
 * One loop a channel: wait for the next frame, make it the desk's own, deliver it. A channel is `down` until its first
 * frame (market data) or until the venue acknowledged the subscription (private channels may be silent for hours) and
 * is `down` again with any fault: a closed socket, a refused subscription, a frame that breaks its format. Every fault
 * ends the whole socket, waits for the shared back-off, and subscribes anew.
 *
 *   down --first frame or acknowledgement--> up --fault--> down --back-off--> (subscribe) ... --stop--> nothing more
 *
 * A fault of the venue never leaves this file. A fault of the sink is a bug of ours and takes the process down.
 */
import type { Log } from '../../core/log.ts';
import { createBookFrame } from '../../core/market/book.ts';
import type { Instrument } from '../../core/market/instrument.ts';
import type { ConnectorChannel, VenueSink, VenueStream } from '../venue.ts';
import { createBackoff, type Backoff } from './backoff.ts';
import { fillBookFrame } from './book.ts';
import type { BitgetSession, SocketName } from './session.ts';
import type { Redact } from './redact.ts';
import { parseFill, parseOrder, parsePosition, parseTicker, parseTrade, symbolOf } from './wire.ts';

export interface StreamOptions {
  readonly session: BitgetSession;
  readonly instrument: Instrument;
  readonly sink: VenueSink;
  readonly log: Log;
  readonly redact: Redact;
  readonly now: () => number;
  readonly random: () => number;
  /** Told once, when the stream ended. Answers whether other streams still use the sockets. */
  readonly onEnd: () => boolean;
}

interface ChannelName {
  /** The venue's name, as it stands in the acknowledgement. */
  readonly name: string;
  readonly reportsAs: ConnectorChannel;
}

interface Channel<Frame> extends ChannelName {
  readonly socket: SocketName;
  readonly upWith: 'frame' | 'acknowledgement';
  watch(): Promise<Frame>;
  /** Parses the whole frame before anything of it is delivered. */
  read(frame: Frame): () => void;
  /** Before a new subscription. */
  restart?(): void;
}

const CHANNEL_PARTS: Readonly<Record<ConnectorChannel, number>> = {
  book: 1,
  trades: 1,
  ticker: 1,
  orders: 2,
  positions: 1,
};

export function startBitgetStream(options: StreamOptions): VenueStream & { acknowledged(channel: string): void } {
  const { session, log, redact, sink } = options;
  let stopped = false;
  let halt = (): void => undefined;
  /** Resolves when the stream is stopped: no loop waits for a frame that nobody will send. */
  const halted = new Promise<null>((resolve) => (halt = () => resolve(null)));
  const backoffs: Record<SocketName, Backoff> = {
    public: createBackoff(options),
    private: createBackoff(options),
  };
  const channels = createChannels(options);
  const up = new Set<string>();

  const report = (channel: ConnectorChannel, status: 'up' | 'down', reason: string): void => {
    if (!stopped) deliver(() => sink.onConnector(channel, status, reason));
  };
  const partsUp = (part: ConnectorChannel): number =>
    channels.filter(({ name, reportsAs }) => reportsAs === part && up.has(name)).length;

  /** The sink is our own code: its error is a bug, and nobody catches it to go on. */
  function deliver(action: () => void): void {
    try {
      action();
    } catch (error) {
      stopped = true;
      halt();
      setImmediate(() => {
        throw error;
      });
    }
  }
  function cameUp({ name, reportsAs }: ChannelName): void {
    if (up.has(name) || stopped) return;
    up.add(name);
    if (partsUp(reportsAs) === CHANNEL_PARTS[reportsAs]) report(reportsAs, 'up', 'subscribed');
  }
  function wentDown({ name, reportsAs }: ChannelName, reason: string): void {
    const wasUp = partsUp(reportsAs) === CHANNEL_PARTS[reportsAs];
    up.delete(name);
    log.warn('venue channel down', { symbol: options.instrument.symbol, channel: name, reason });
    if (wasUp) report(reportsAs, 'down', reason);
  }

  async function run<Frame>(channel: Channel<Frame>): Promise<void> {
    while (!stopped) {
      try {
        const watched = channel.watch();
        watched.catch(() => undefined); // Once stopped, nobody waits for it and its end is no news.
        const frame = await Promise.race([watched, halted]);
        if (stopped || frame === null) return;
        const deliverFrame = channel.read(frame);
        if (channel.upWith === 'frame') cameUp(channel);
        deliver(deliverFrame);
      } catch (error) {
        if (stopped) return;
        const reason = redact(error instanceof Error ? error.message : String(error));
        wentDown(channel, reason);
        session.dropSocket(channel.socket, reason);
        await backoffs[channel.socket].wait();
        channel.restart?.();
      }
    }
  }

  function dropSockets(): void {
    session.dropSocket('public', 'stream stopped');
    session.dropSocket('private', 'stream stopped');
  }

  const loops = channels.map((channel) => run(channel as Channel<unknown>));

  function acknowledged(name: string): void {
    for (const channel of channels) {
      if (channel.name === name && channel.upWith === 'acknowledgement') cameUp(channel);
    }
  }
  // Private channels carry every symbol: another stream's subscription is ours too, and is not acknowledged again.
  for (const { name } of channels) if (session.isSubscribed(name)) acknowledged(name);

  return {
    acknowledged,
    async stop() {
      if (stopped) return;
      stopped = true;
      halt();
      for (const backoff of Object.values(backoffs)) backoff.cancel();
      await Promise.all(loops);
      const shared = options.onEnd();
      if (shared) return;
      dropSockets();
      // A watch that was on its way when we stopped may have dialled anew since.
      await new Promise((resolve) => setImmediate(resolve));
      dropSockets();
    },
  };
}

function createChannels({ session, instrument, sink }: StreamOptions): Channel<never>[] {
  const { symbol } = instrument;
  const frame = createBookFrame();
  let bookAtMs = 0;
  const book: Channel<Awaited<ReturnType<BitgetSession['watchBook']>>> = {
    name: 'books5',
    reportsAs: 'book',
    socket: 'public',
    upWith: 'frame',
    watch: () => session.watchBook(symbol),
    read(wire) {
      fillBookFrame(frame, wire, instrument);
      // An older state than the last one says nothing about now.
      if (frame.venueAtMs < bookAtMs) return () => undefined;
      bookAtMs = frame.venueAtMs;
      return deliverBook;
    },
    restart() {
      bookAtMs = 0;
    },
  };
  const deliverBook = (): void => sink.onBook(frame);

  // A new subscription starts with the latest trades again: those already told are left out.
  const told = createRecentIds(1_000);
  const trades: Channel<unknown[]> = {
    name: 'trade',
    reportsAs: 'trades',
    socket: 'public',
    upWith: 'frame',
    watch: () => session.watchTrades(symbol),
    read(rows) {
      const fresh = rows.map((row) => parseTrade(row, instrument)).filter(({ tradeId }) => told.add(tradeId));
      return () => fresh.forEach(({ trade }) => sink.onTrade(trade));
    },
  };
  const ticker: Channel<unknown> = {
    name: 'ticker',
    reportsAs: 'ticker',
    socket: 'public',
    upWith: 'frame',
    watch: () => session.watchTicker(symbol),
    read(row) {
      const parsed = parseTicker(row, instrument);
      return () => sink.onTicker(parsed);
    },
  };
  const orders: Channel<unknown[]> = {
    name: 'orders',
    reportsAs: 'orders',
    socket: 'private',
    upWith: 'acknowledgement',
    watch: () => session.watchOrders(symbol),
    read(rows) {
      const parsed = rows.filter((row) => symbolOf(row) === symbol).map((row) => parseOrder(row, instrument, 'stream'));
      return () => parsed.forEach((order) => sink.onOrder(order));
    },
  };
  const fills: Channel<unknown[]> = {
    name: 'fill',
    reportsAs: 'orders',
    socket: 'private',
    upWith: 'acknowledgement',
    watch: () => session.watchFills(symbol),
    read(rows) {
      const parsed = rows.filter((row) => symbolOf(row) === symbol).map((row) => parseFill(row, instrument));
      return () => parsed.forEach((fill) => sink.onFill(fill));
    },
  };
  const positions: Channel<unknown[]> = {
    name: 'positions',
    reportsAs: 'positions',
    socket: 'private',
    upWith: 'acknowledgement',
    watch: () => session.watchPositions(symbol),
    read(rows) {
      const position = parsePosition(rows, instrument);
      return () => sink.onPosition(position);
    },
  };
  return [book, trades, ticker, orders, fills, positions] as Channel<never>[];
}

/** Remembers the last `limit` ids. */
function createRecentIds(limit: number): { add(id: string): boolean } {
  const ids = new Set<string>();
  return {
    /** False when the id is known. */
    add(id) {
      if (ids.has(id)) return false;
      ids.add(id);
      if (ids.size > limit) ids.delete(ids.values().next().value ?? '');
      return true;
    },
  };
}
