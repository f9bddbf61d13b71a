/** What comes of each stream of a bot's symbol, counted on everything that the venue tells and told four times a minute. */
import type { MarketStreamsEvent } from '../core/market/stream-report.ts';
import { StreamMeter } from '../core/market/stream-meter.ts';
import { STREAMS_TOLD_MS } from '../core/market/streams.ts';
import type { ConnectorChannel } from '../gateway/venue.ts';

export class StreamWatch {
  private readonly symbol: string;
  private readonly book: StreamMeter;
  private readonly trades: StreamMeter;
  private readonly ticker: StreamMeter;
  private readonly funding: StreamMeter;
  private readonly orders: StreamMeter;
  private readonly positions: StreamMeter;
  /** Venue's clock less ours; NaN before it was measured. */
  private venueAheadMs = NaN;
  private toldAtMs: number;
  private reconnectsTold = 0;

  constructor(symbol: string, beganAtMs: number) {
    this.symbol = symbol;
    this.toldAtMs = beganAtMs;
    this.book = new StreamMeter('book', beganAtMs);
    this.trades = new StreamMeter('trades', beganAtMs);
    this.ticker = new StreamMeter('ticker', beganAtMs);
    this.funding = new StreamMeter('funding', beganAtMs);
    this.orders = new StreamMeter('orders', beganAtMs);
    this.positions = new StreamMeter('positions', beganAtMs);
  }

  onClock(venueAheadMs: number): void {
    this.venueAheadMs = venueAheadMs;
  }

  onBook(venueAtMs: number, atMs: number): void {
    if (this.book.heard(atMs, venueAtMs, this.venueAheadMs)) this.trades.carried(atMs);
  }

  onTrade(venueAtMs: number, atMs: number): void {
    this.trades.heard(atMs, venueAtMs, this.venueAheadMs);
  }

  onTicker(venueAtMs: number, atMs: number): void {
    if (this.ticker.heard(atMs, venueAtMs, this.venueAheadMs)) this.trades.carried(atMs);
  }

  onFunding(venueAtMs: number, atMs: number): void {
    this.funding.heard(atMs, venueAtMs, this.venueAheadMs);
  }

  /** An order or a fill: two channels of the venue, one of the contract. */
  onOrder(atMs: number): void {
    this.orders.heard(atMs, 0, this.venueAheadMs);
  }

  onPosition(atMs: number): void {
    this.positions.heard(atMs, 0, this.venueAheadMs);
  }

  onConnector(channel: ConnectorChannel, status: 'up' | 'down', atMs: number): void {
    const isUp = status === 'up';
    switch (channel) {
      case 'book':
        return this.book.connected(isUp, atMs);
      case 'trades':
        return this.trades.connected(isUp, atMs);
      case 'ticker':
        this.funding.connected(isUp, atMs);
        return this.ticker.connected(isUp, atMs);
      case 'orders':
        return this.orders.connected(isUp, atMs);
      case 'positions':
        return this.positions.connected(isUp, atMs);
    }
  }

  isDue(atMs: number): boolean {
    return atMs - this.toldAtMs >= STREAMS_TOLD_MS;
  }

  /** `reconnects` of this process so far. */
  take(atMs: number, reconnects: number, isFinal: boolean): MarketStreamsEvent {
    const event: MarketStreamsEvent = {
      type: 'market_streams',
      symbol: this.symbol,
      fromMs: this.toldAtMs,
      toMs: atMs,
      isFinal,
      clockOffsetMs: Number.isNaN(this.venueAheadMs) ? null : this.venueAheadMs,
      reconnects: reconnects - this.reconnectsTold,
      streams: [this.book, this.trades, this.ticker, this.funding, this.orders, this.positions].map((meter) =>
        meter.take(atMs),
      ),
    };
    this.toldAtMs = atMs;
    this.reconnectsTold = reconnects;
    return event;
  }
}
