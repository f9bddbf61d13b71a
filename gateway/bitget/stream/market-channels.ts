/** The public channels of one symbol: book, trades, ticker. */
import { createBookFrame, type BookFrame } from '../../../core/market/book.ts';
import type { Instrument } from '../../../core/market/instrument.ts';
import { toSteps, type Grid } from '../../../core/money/grid.ts';
import { VenueMalformed, type VenueFunding, type VenueTrade } from '../../venue.ts';
import { ReplicatedBook } from './book.ts';
import type { StreamProtocol } from './protocol.ts';
import type { Listener } from './listener.ts';
import { parseTickerRow, parseTradeRow } from './public-rows.ts';
import { SharedChannel } from './shared-channel.ts';
import type { DataFrame } from './subscriptions.ts';
import type { StreamTiming } from './timing.ts';

/** Snapshots refused in a row after which the venue is believed to count its sequences anew. */
const REFUSALS_MAX = 3;

/**
 * Up from a good snapshot until anything speaks against the book. A book that says nothing for `quietMsMax` is asked
 * for anew: if the new snapshot shows the same top, the market is quiet and the book is given twice the time.
 *
 * The venue sends a book when it changes and not otherwise. So that a quiet book is not taken for a dead one, it is told
 * again whenever the ticker, which comes about ten times a second, names the same best prices.
 */
export class BookChannel extends SharedChannel {
  private readonly book: ReplicatedBook;
  private readonly tick: Grid;
  private readonly timing: StreamTiming;
  private readonly lastTop: BookFrame = createBookFrame();
  private quietForMs: number;
  private refusals = 0;

  constructor(protocol: StreamProtocol, instrument: Instrument, timing: StreamTiming) {
    super('books', protocol.publicArg('books', instrument.symbol));
    this.book = new ReplicatedBook(instrument);
    this.tick = instrument.priceGrid;
    this.timing = timing;
    this.quietForMs = timing.bookQuietMs;
  }

  override join(listener: Listener): void {
    super.join(listener);
    if (this.book.isGood) listener.sink.onBook(this.book.frame);
  }

  acknowledged(): void {
    this.quietMsMax = this.timing.firstFrameWithinMs;
  }

  /** The ticker's best prices: where they are the book's own, the book as it stands is told again. */
  confirmBy(bid: unknown, ask: unknown): void {
    const { frame } = this.book;
    if (!this.isUp || !this.book.isGood) return;
    if (toSteps(bid, this.tick) !== frame.bidTicks[0] || toSteps(ask, this.tick) !== frame.askTicks[0]) return;
    for (const { sink } of this.listeners) sink.onBook(frame);
  }

  protected read({ action, data }: DataFrame, text: string): void {
    const row = data[0];
    if (data.length !== 1 || typeof row !== 'object' || row === null) {
      this.book.lose(false);
      throw new VenueMalformed('book: a frame holds one record');
    }
    const wasUp = this.isUp;
    if (!this.book.apply(action, row, text)) return;
    this.refusals = 0;
    this.quietForMs = wasUp || !isSameTop(this.lastTop, this.book.frame) ? this.timing.bookQuietMs : this.quietForMs;
    this.quietMsMax = this.quietForMs;
    this.comeUp();
    for (const { sink } of this.listeners) sink.onBook(this.book.frame);
  }

  override lost(reason: string, disconnected: boolean): void {
    if (!this.book.isGood) {
      this.refusals += 1;
    } else if (!disconnected) {
      // Nothing was wrong with it but its silence.
      copyTop(this.book.frame, this.lastTop);
      this.quietForMs = Math.min(this.quietForMs * 2, this.timing.bookQuietMsMax);
    }
    this.book.lose(disconnected || this.refusals > REFUSALS_MAX);
    super.lost(reason, disconnected);
  }
}

/** Up with its acknowledgement: no trade for a while is news of the market, not of the channel. */
export class TradesChannel extends SharedChannel {
  private readonly symbol: string;
  private readonly tick: Grid;
  private readonly lot: Grid;
  /** A new subscription starts with the latest trades again: those already told are left out. */
  private readonly told = new RecentIds(1_000);

  constructor(protocol: StreamProtocol, { symbol, priceGrid, qtyGrid }: Instrument) {
    super('trades', protocol.publicArg('trades', symbol));
    this.symbol = symbol;
    this.tick = priceGrid;
    this.lot = qtyGrid;
  }

  acknowledged(): void {
    this.comeUp();
  }

  protected read({ data }: DataFrame): void {
    const fresh: VenueTrade[] = [];
    // The venue sends the newest first.
    for (let i = data.length - 1; i >= 0; i -= 1) {
      const { tradeId, trade } = parseTradeRow(data[i], this.symbol, this.tick, this.lot);
      if (this.told.add(tradeId)) fresh.push(trade);
    }
    for (const trade of fresh) for (const { sink } of this.listeners) sink.onTrade(trade);
  }
}

/** Funding comes with every ticker and changes a few times an hour: it is told when it does, and once a minute. */
const FUNDING_EVERY_MS = 60_000;

/** Up from its first frame. */
export class TickerChannel extends SharedChannel {
  private readonly instrument: Instrument;
  private readonly timing: StreamTiming;
  private readonly book: BookChannel;
  private funding: VenueFunding | null = null;

  constructor(protocol: StreamProtocol, instrument: Instrument, timing: StreamTiming, book: BookChannel) {
    super('ticker', protocol.publicArg('ticker', instrument.symbol));
    this.instrument = instrument;
    this.timing = timing;
    this.book = book;
  }

  override join(listener: Listener): void {
    super.join(listener);
    if (this.isUp && this.funding !== null) listener.sink.onFunding(this.funding);
  }

  acknowledged(): void {
    this.quietMsMax = this.timing.firstFrameWithinMs;
    this.funding = null;
  }

  protected read({ data, ts }: DataFrame): void {
    const { ticker, funding, bid, ask } = parseTickerRow(data.at(-1), ts, this.instrument);
    this.quietMsMax = this.timing.tickerQuietMs;
    this.comeUp();
    for (const { sink } of this.listeners) sink.onTicker(ticker);
    this.book.confirmBy(bid, ask);
    if (funding === null || !isNews(this.funding, funding)) return;
    this.funding = funding;
    for (const { sink } of this.listeners) sink.onFunding(funding);
  }
}

function isNews(told: VenueFunding | null, { rate, nextAtMs, venueAtMs }: VenueFunding): boolean {
  if (told === null || told.rate !== rate || told.nextAtMs !== nextAtMs) return true;
  return venueAtMs - told.venueAtMs >= FUNDING_EVERY_MS;
}

function isSameTop(a: BookFrame, b: BookFrame): boolean {
  if (a.bidCount !== b.bidCount || a.askCount !== b.askCount) return false;
  for (let i = 0; i < a.bidCount; i += 1) {
    if (a.bidTicks[i] !== b.bidTicks[i] || a.bidLots[i] !== b.bidLots[i]) return false;
  }
  for (let i = 0; i < a.askCount; i += 1) {
    if (a.askTicks[i] !== b.askTicks[i] || a.askLots[i] !== b.askLots[i]) return false;
  }
  return true;
}

function copyTop(from: BookFrame, to: BookFrame): void {
  to.bidCount = from.bidCount;
  to.askCount = from.askCount;
  to.bidTicks.set(from.bidTicks);
  to.bidLots.set(from.bidLots);
  to.askTicks.set(from.askTicks);
  to.askLots.set(from.askLots);
}

/** Remembers the last `limit` ids. */
class RecentIds {
  private readonly ids = new Set<string>();
  private readonly limit: number;
  constructor(limit: number) {
    this.limit = limit;
  }
  /** False when the id is known. */
  add(id: string): boolean {
    if (this.ids.has(id)) return false;
    this.ids.add(id);
    if (this.ids.size > this.limit) this.ids.delete(this.ids.values().next().value ?? '');
    return true;
  }
}
