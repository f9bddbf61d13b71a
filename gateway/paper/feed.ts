/**
 * The one market stream of a symbol: it moves the paper account first and is then told to everyone who listens, so that
 * an order sent because of a frame meets the book of that frame.
 */
import type { Log } from '../../core/log.ts';
import { copyBookFrame, createBookFrame, type BookFrame } from '../../core/market/book.ts';
import type { Instrument } from '../../core/market/instrument.ts';
import type { PaperExchange } from '../../core/paper/paper-exchange.ts';
import type { ConnectorChannel, MarketSink, StreamHealth, VenueFunding, VenueMarket, VenueSink, VenueStream, VenueTicker, VenueTrade } from '../venue.ts'; // prettier-ignore

/** Orders and positions are kept here: they are up whenever the account is. */
const OWN_CHANNELS: readonly ConnectorChannel[] = ['orders', 'positions'];
const RATE = /^-?\d{1,6}(\.\d{1,12})?$/;

export interface FeedOptions {
  readonly exchange: PaperExchange;
  readonly instrument: Instrument;
  readonly now: () => number;
  readonly log: Log;
  /** Carries out the requests that arrived before the input that comes now, and tells what came of them. */
  readonly deliver: () => void;
  /** Makes durable what the last input led to, and queues what is to be told. False when the account is over. */
  readonly commit: () => boolean;
  /** Tells what is queued. */
  readonly tell: () => void;
}

export class PaperFeed implements MarketSink {
  private readonly options: FeedOptions;
  private readonly symbol: string;
  /** Who listens and has been told where things stand. */
  private readonly ready = new Set<VenueSink>();
  private readonly up = new Set<ConnectorChannel>();
  private readonly frame = createBookFrame();
  private readonly whenLive = new Set<() => void>();
  private stream: VenueStream | null = null;
  private isOver = false;

  constructor(options: FeedOptions) {
    this.options = options;
    this.symbol = options.instrument.symbol;
  }

  start(market: VenueMarket): void {
    this.stream = market.streamMarket(this.options.instrument, this);
  }

  get sinks(): ReadonlySet<VenueSink> {
    return this.ready;
  }

  get isLive(): boolean {
    return this.options.exchange.market(this.symbol)?.isLive === true;
  }

  /** Whether there is a live book now or within `waitMs`. */
  async live(waitMs: number): Promise<boolean> {
    if (this.isLive || this.isOver) return this.isLive;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.whenLive.delete(done);
        resolve(this.isLive);
      };
      const timer = setTimeout(done, waitMs);
      this.whenLive.add(done);
    });
  }

  /** Tells `sink` where things stand, then everything that comes. Answers how to stop it. */
  attach(sink: VenueSink): () => void {
    let isAttached = true;
    setImmediate(() => {
      if (!isAttached || this.isOver) return;
      this.ready.add(sink);
      for (const channel of [...this.up, ...OWN_CHANNELS]) sink.onConnector(channel, 'up', 'subscribed');
      if (this.isLive) sink.onBook(this.frame);
    });
    return () => {
      isAttached = false;
      this.ready.delete(sink);
    };
  }

  health(): StreamHealth {
    const nothing = { up: [], reconnects: 0, bookGaps: 0, bookChecksumFailures: 0, malformed: 0, silentMs: null };
    const market: StreamHealth = this.stream?.health() ?? nothing;
    return { ...market, up: [...market.up, ...OWN_CHANNELS] };
  }

  async stop(): Promise<void> {
    this.isOver = true;
    this.ready.clear();
    for (const done of [...this.whenLive]) done();
    await this.stream?.stop();
  }

  /** The account cannot go on: nobody may think that orders are looked after. */
  reportOver(reason: string): void {
    for (const channel of OWN_CHANNELS) this.each((sink) => sink.onConnector(channel, 'down', reason));
  }

  onBook(frame: BookFrame): void {
    const { exchange, now } = this.options;
    copyBookFrame(this.frame, frame);
    this.move(() => exchange.applyBook(this.symbol, frame, now()));
    this.each((sink) => sink.onBook(this.frame));
    this.options.tell();
    for (const done of [...this.whenLive]) done();
  }

  onTrade(trade: VenueTrade): void {
    const { exchange, now } = this.options;
    const { takerSide, price, qty, venueAtMs } = trade;
    this.move(() => exchange.applyTrade(this.symbol, takerSide, price, qty, venueAtMs, now()));
    this.each((sink) => sink.onTrade(trade));
    this.options.tell();
  }

  onTicker(ticker: VenueTicker): void {
    const { exchange, now } = this.options;
    const { lastPrice, markPrice, venueAtMs } = ticker;
    this.move(() => exchange.applyPrices(this.symbol, lastPrice, markPrice, venueAtMs, now()));
    this.each((sink) => sink.onTicker(ticker));
    this.options.tell();
  }

  onFunding(funding: VenueFunding): void {
    const { exchange, now, log } = this.options;
    const { rate, nextAtMs: atMs, venueAtMs } = funding;
    if (!RATE.test(rate)) log.warn('funding rate is no decimal, not booked', { symbol: this.symbol, rate });
    else if (atMs !== null) this.move(() => exchange.applyFunding(this.symbol, { rate, atMs }, venueAtMs, now()));
    this.each((sink) => sink.onFunding(funding));
    this.options.tell();
  }

  onConnector(channel: ConnectorChannel, status: 'up' | 'down', reason: string): void {
    if (this.isOver) return;
    if (status === 'up') this.up.add(channel);
    else this.up.delete(channel);
    if (channel === 'book' && status === 'down') this.move(() => this.options.exchange.interrupt(this.symbol));
    this.each((sink) => sink.onConnector(channel, status, reason));
    this.options.tell();
  }

  private move(input: () => void): void {
    if (this.isOver) return;
    this.options.deliver();
    input();
    if (!this.options.commit()) this.isOver = true;
  }

  private each(tell: (sink: VenueSink) => void): void {
    for (const sink of [...this.ready]) if (this.ready.has(sink)) tell(sink);
  }
}
