/** Plays one recording to everyone who listens: trades as they were, a frame after each change of the top of the book. */
import type { BookLevels } from '../../core/fill-model/book-levels.ts';
import { BOOK_DEPTH, createBookFrame } from '../../core/market/book.ts';
import { formatPrice, formatQty, type Instrument } from '../../core/market/instrument.ts';
import type { PriceTicks, QtyLots } from '../../core/money/money.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import { MarketReplay } from '../../core/recording/market-replay.ts';
import { foldBars, MinuteBars } from '../../core/recording/minute-bars.ts';
import type { Recording } from '../../core/recording/recording.ts';
import type { ConnectorChannel, MarketSink, VenueBar, VenueFunding, VenueStream } from '../venue.ts';

const CHANNELS: readonly ConnectorChannel[] = ['book', 'trades', 'ticker'];

export class Player {
  private readonly instrument: Instrument;
  private readonly replay: MarketReplay;
  private readonly now: () => number;
  private readonly funding: () => VenueFunding | null;
  /** Who listens and has been told where the recording stands. */
  private readonly ready = new Set<MarketSink>();
  private readonly frame = createBookFrame();
  private lastPrice: PriceTicks | null = null;
  private hasNewPrice = false;
  private toldAtMs: number | null = null;
  private fundingAtMs = 0;
  private readonly minutes = new MinuteBars();
  private readonly beganAtMs: number;

  constructor(instrument: Instrument, recording: Recording, now: () => number, funding: () => VenueFunding | null) {
    this.instrument = instrument;
    this.now = now;
    this.funding = funding;
    this.replay = new MarketReplay(recording, {
      onLevel: () => undefined,
      onTrade: (takerSide, price, qty) => this.tellTrade(takerSide, price, qty),
    });
    this.beganAtMs = now();
    this.replay.seek({ lap: 0, lapAtMs: 0 });
    this.fillFrame();
  }

  /** Message by message: listeners see each state of the book that was sent, however long the step. */
  advance(recordedMs: number): void {
    let left = recordedMs;
    while (left > 0) {
      // A part of a millisecond is as good as a whole one: frames lie on whole ones.
      const stepMs = Math.min(left, Math.max(1, this.replay.nextFrameInMs()));
      left -= stepMs;
      this.replay.advance(stepMs);
      if (this.fillFrame()) this.each((sink) => sink.onBook(this.frame));
      this.tellPrices();
    }
  }

  attach(sink: MarketSink): VenueStream {
    let isAttached = true;
    setImmediate(() => {
      if (!isAttached) return;
      this.ready.add(sink);
      for (const channel of CHANNELS) sink.onConnector(channel, 'up', 'playing');
      this.frame.venueAtMs = this.now();
      this.toldAtMs = this.frame.venueAtMs;
      sink.onBook(this.frame);
      const funding = this.funding();
      if (funding !== null) sink.onFunding(funding);
    });
    return {
      health: () => ({
        up: this.ready.has(sink) ? CHANNELS : [],
        reconnects: 0,
        bookGaps: 0,
        bookChecksumFailures: 0,
        malformed: 0,
        silentMs: this.toldAtMs === null ? null : this.now() - this.toldAtMs,
      }),
      stop: async () => {
        isAttached = false;
        this.ready.delete(sink);
      },
    };
  }

  /** Of the last trade, or the best bid before the first; null while the book is empty, too. */
  price(): string | null {
    const bid = this.frame.bidCount > 0 ? (this.frame.bidTicks[0] as PriceTicks) : null;
    const price = this.lastPrice ?? bid;
    return price === null ? null : formatPrice(price, this.instrument);
  }

  /** Of what was played, whole ones only at the beginning; the last may still grow. Oldest first. */
  bars(barMs: number): VenueBar[] {
    const wholeFromMs = Math.ceil(this.beganAtMs / barMs) * barMs;
    const minutes = this.minutes.read().filter(({ openAtMs }) => openAtMs >= wholeFromMs);
    const price = (ticks: number): string => formatPrice(ticks as PriceTicks, this.instrument);
    return foldBars(minutes, barMs, this.now()).map(({ openAtMs, open, high, low, close, lots }) => ({
      openAtMs,
      open: price(open),
      high: price(high),
      low: price(low),
      close: price(close),
      volume: formatQty(lots as QtyLots, this.instrument),
    }));
  }

  close(): void {
    this.ready.clear();
  }

  private tellTrade(takerSide: Side, price: PriceTicks, qty: QtyLots): void {
    this.minutes.add(this.now(), price, qty);
    this.hasNewPrice ||= this.lastPrice !== price;
    this.lastPrice = price;
    const trade = { symbol: this.instrument.symbol, venueAtMs: this.now(), price, qty, takerSide };
    this.each((sink) => sink.onTrade(trade));
  }

  private tellPrices(): void {
    const venueAtMs = this.now();
    const { symbol } = this.instrument;
    if (this.hasNewPrice && this.lastPrice !== null) {
      this.hasNewPrice = false;
      const lastPrice = formatPrice(this.lastPrice, this.instrument);
      this.each((sink) => sink.onTicker({ symbol, venueAtMs, lastPrice, markPrice: null }));
    }
    const funding = venueAtMs < this.fundingAtMs ? null : this.funding();
    if (funding === null) return;
    this.fundingAtMs = funding.nextAtMs ?? 0;
    this.each((sink) => sink.onFunding(funding));
  }

  private each(tell: (sink: MarketSink) => void): void {
    if (this.ready.size > 0) this.toldAtMs = this.now();
    for (const sink of [...this.ready]) if (this.ready.has(sink)) tell(sink);
  }

  /** Takes the top of the replayed book; false when it is the same as before. */
  private fillFrame(): boolean {
    const { frame, replay } = this;
    const bidCount = Math.min(BOOK_DEPTH, replay.book.bids.count);
    const askCount = Math.min(BOOK_DEPTH, replay.book.asks.count);
    const haveCountsChanged = bidCount !== frame.bidCount || askCount !== frame.askCount;
    frame.bidCount = bidCount;
    frame.askCount = askCount;
    const haveBidsChanged = fillSide(frame.bidTicks, frame.bidLots, bidCount, replay.book.bids);
    const haveAsksChanged = fillSide(frame.askTicks, frame.askLots, askCount, replay.book.asks);
    if (!haveCountsChanged && !haveBidsChanged && !haveAsksChanged) return false;
    frame.venueAtMs = this.now();
    return true;
  }
}

function fillSide(ticks: Float64Array, lots: Float64Array, count: number, levels: BookLevels): boolean {
  let hasChanged = false;
  for (let depth = 0; depth < count; depth++) {
    const tick = levels.priceAt(depth);
    const size = levels.sizeAt(depth);
    hasChanged ||= ticks[depth] !== tick || lots[depth] !== size;
    ticks[depth] = tick;
    lots[depth] = size;
  }
  return hasChanged;
}
