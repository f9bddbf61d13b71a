/**
 * One loop a channel: wait for the next frame, make it the desk's own, deliver it. A channel is `down` until its first
 * frame and again with any fault; a fault ends the sockets, waits, and subscribes anew.
 *
 *   down --first frame--> up --fault--> down --wait--> (subscribe) ... --stop--> nothing more
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../core/log.ts';
import { BOOK_DEPTH, createBookFrame, type BookFrame } from '../../core/market/book.ts';
import { toLots, toTicks, type Instrument } from '../../core/market/instrument.ts';
import { createRetryDelay } from '../retry-delay.ts';
import { VenueMalformed } from '../venue.ts';
import type { ConnectorChannel, MarketSink, StreamHealth, VenueTrade } from '../venue.ts';
import { plainDecimal, type UnifiedSession, type UnifiedTicker, type UnifiedTrade, type VenueProfile, type WireBook, type WireLevels } from './profile.ts'; // prettier-ignore

export interface UnifiedStreamOptions {
  readonly session: UnifiedSession;
  /** The library's name of the symbol. */
  readonly name: string;
  readonly instrument: Instrument;
  readonly sink: MarketSink;
  readonly profile: VenueProfile;
  readonly log: Log;
  readonly now: () => number;
  readonly random: () => number;
}

type MarketChannel = Extract<ConnectorChannel, 'book' | 'trades' | 'ticker'>;

const RETRY = { minMs: 1_000, maxMs: 30_000, stableMs: 60_000 };

export class UnifiedStream {
  private readonly options: UnifiedStreamOptions;
  private readonly up = new Map<MarketChannel, number>();
  private readonly ended = new AbortController();
  private readonly loops: Promise<void>[];
  private readonly frame = createBookFrame();
  private fundingTold = '';
  private counts = { reconnects: 0, bookGaps: 0, malformed: 0 };
  private heardAtMs: number | null = null;

  constructor(options: UnifiedStreamOptions) {
    this.options = options;
    const { session, name } = options;
    this.loops = [
      this.run(
        'book',
        () => session.watchBook(name),
        (book) => this.tellBook(book),
      ),
      this.run(
        'trades',
        () => session.watchTrades(name),
        (trades) => this.tellTrades(trades),
      ),
      this.run(
        'ticker',
        () => session.watchTicker(name),
        (ticker) => this.tellTicker(ticker),
      ),
    ];
  }

  noteGap(): void {
    this.counts.bookGaps += 1;
  }

  health(): StreamHealth {
    const silentMs = this.heardAtMs === null ? null : this.options.now() - this.heardAtMs;
    return { up: [...this.up.keys()], ...this.counts, bookChecksumFailures: 0, silentMs };
  }

  /** `isShared`: other streams still use the sockets. */
  async stop(isShared: boolean): Promise<void> {
    this.ended.abort();
    if (!isShared) this.options.session.dropSocket('stream stopped');
    await Promise.all(this.loops);
    // A watch that was on its way when we stopped may have dialled anew since.
    if (!isShared) setImmediate(() => this.options.session.dropSocket('stream stopped'));
  }

  /** `read` parses the whole frame before anything of it is delivered, and answers how to deliver it. */
  private async run<Frame>(
    channel: MarketChannel,
    watch: () => Promise<Frame>,
    read: (frame: Frame) => () => void,
  ): Promise<void> {
    const { session, sink, log, now, random, instrument } = this.options;
    const { signal } = this.ended;
    const halted = new Promise<null>((resolve) => signal.addEventListener('abort', () => resolve(null)));
    const delay = createRetryDelay({ random, ...RETRY });
    while (!signal.aborted) {
      const startedAtMs = now();
      let deliver: () => void;
      try {
        const watched = watch();
        watched.catch(() => undefined); // Once stopped, nobody waits for it and its end is no news.
        const frame = await Promise.race([watched, halted]);
        if (frame === null || signal.aborted) return;
        deliver = read(frame);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof VenueMalformed) this.counts.malformed += 1;
        const reason = error instanceof Error ? error.message : String(error);
        log.warn('venue channel down', { symbol: instrument.symbol, channel, reason });
        const upSinceMs = this.up.get(channel);
        if (this.up.delete(channel)) sink.onConnector(channel, 'down', reason);
        session.dropSocket(reason);
        this.counts.reconnects += channel === 'book' ? 1 : 0;
        const heldMs = now() - (upSinceMs ?? startedAtMs);
        await sleep(delay.nextMs(heldMs), undefined, { signal }).catch(() => undefined);
        continue;
      }
      this.heardAtMs = now();
      if (!this.up.has(channel)) {
        this.up.set(channel, this.heardAtMs);
        sink.onConnector(channel, 'up', 'subscribed');
      }
      deliver();
    }
  }

  private tellBook(book: WireBook): () => void {
    const { instrument, sink } = this.options;
    fillFrame(this.frame, book, instrument);
    return () => sink.onBook(this.frame);
  }

  private tellTrades(trades: readonly UnifiedTrade[]): () => void {
    const { instrument, sink } = this.options;
    const told = trades.map((trade) => toTrade(trade, instrument));
    return () => told.forEach((trade) => sink.onTrade(trade));
  }

  private tellTicker(ticker: UnifiedTicker): () => void {
    const { instrument, sink, profile } = this.options;
    const { symbol } = instrument;
    const { timestamp: venueAtMs, last, markPrice, info } = ticker;
    if (venueAtMs === undefined || last === undefined)
      throw new VenueMalformed(`ticker ${symbol}: no time or no price`);
    const prices = {
      lastPrice: plainDecimal(last),
      markPrice: markPrice === undefined ? null : plainDecimal(markPrice),
    };
    const funding = profile.fundingOf(info);
    return () => {
      sink.onTicker({ symbol, venueAtMs, ...prices });
      const text = JSON.stringify(funding);
      if (funding === null || text === this.fundingTold) return;
      this.fundingTold = text;
      sink.onFunding({ symbol, venueAtMs, ...funding });
    };
  }
}

function toTrade({ timestamp, side, price, amount }: UnifiedTrade, instrument: Instrument): VenueTrade {
  const { symbol } = instrument;
  if (timestamp === undefined || (side !== 'buy' && side !== 'sell') || price === undefined || amount === undefined) {
    throw new VenueMalformed(`trade ${symbol}: ${JSON.stringify({ timestamp, side, price, amount })}`);
  }
  return onGrid(() => {
    const trade = { price: toTicks(price, instrument), qty: toLots(amount, instrument) };
    return { symbol, venueAtMs: timestamp, takerSide: side, ...trade };
  });
}

function fillFrame(frame: BookFrame, book: WireBook, instrument: Instrument): void {
  const { symbol } = instrument;
  if (book.timestamp === undefined || !(book.timestamp > 0)) throw new VenueMalformed(`book ${symbol}: no time`);
  frame.venueAtMs = book.timestamp;
  frame.bidCount = fillSide(frame.bidTicks, frame.bidLots, book.bids, instrument);
  frame.askCount = fillSide(frame.askTicks, frame.askLots, book.asks, instrument);
  if (frame.bidCount === 0 || frame.askCount === 0) throw new VenueMalformed(`book ${symbol}: a side is empty`);
  const [bid, ask] = [frame.bidTicks[0]!, frame.askTicks[0]!];
  if (bid >= ask) throw new VenueMalformed(`book ${symbol}: crossed, bid ${bid} and ask ${ask} ticks`);
}

function fillSide(ticks: Float64Array, lots: Float64Array, levels: WireLevels, instrument: Instrument): number {
  const count = Math.min(BOOK_DEPTH, levels.length);
  for (let depth = 0; depth < count; depth++) {
    const [price, size] = levels[depth]!;
    onGrid(() => {
      ticks[depth] = toTicks(price, instrument);
      lots[depth] = toLots(size, instrument);
    });
    if (!(lots[depth]! > 0)) throw new VenueMalformed(`book ${instrument.symbol}: level ${depth} has size ${size}`);
  }
  return count;
}

function onGrid<T>(convert: () => T): T {
  try {
    return convert();
  } catch (error) {
    throw new VenueMalformed(String(error));
  }
}
