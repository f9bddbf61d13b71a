/** A market whose feed can be cut like a cable: nothing is told while it is, and what was missed stays missed. */
import type { ConnectorChannel, MarketSink, VenueMarket } from '../../../gateway/venue.ts';

const CHANNELS: readonly ConnectorChannel[] = ['book', 'trades', 'ticker'];

export class InterruptibleMarket implements VenueMarket {
  private readonly inner: VenueMarket;
  private readonly sinks = new Set<MarketSink>();
  private isCut = false;

  constructor(inner: VenueMarket) {
    this.inner = inner;
  }

  get name(): string {
    return this.inner.name;
  }

  interrupt(): void {
    this.isCut = true;
    for (const sink of this.sinks) for (const channel of CHANNELS) sink.onConnector(channel, 'down', 'cut');
  }

  restore(): void {
    this.isCut = false;
    for (const sink of this.sinks) for (const channel of CHANNELS) sink.onConnector(channel, 'up', 'mended');
  }

  instrument: VenueMarket['instrument'] = (symbol) => this.inner.instrument(symbol);
  ticker: VenueMarket['ticker'] = (symbol) => this.inner.ticker(symbol);
  funding: VenueMarket['funding'] = (symbol) => this.inner.funding(symbol);
  recentBars: VenueMarket['recentBars'] = (symbol, barMs, count) => this.inner.recentBars(symbol, barMs, count);
  serverTimeMs: VenueMarket['serverTimeMs'] = () => this.inner.serverTimeMs();
  close: VenueMarket['close'] = () => this.inner.close();

  streamMarket: VenueMarket['streamMarket'] = (instrument, sink) => {
    const when =
      <Arguments extends unknown[]>(tell: (...parts: Arguments) => void) =>
      (...parts: Arguments): void => {
        if (!this.isCut) tell(...parts);
      };
    this.sinks.add(sink);
    const stream = this.inner.streamMarket(instrument, {
      onBook: when((book) => sink.onBook(book)),
      onTrade: when((trade) => sink.onTrade(trade)),
      onTicker: when((ticker) => sink.onTicker(ticker)),
      onFunding: when((funding) => sink.onFunding(funding)),
      onConnector: when((channel, status, reason) => sink.onConnector(channel, status, reason)),
    });
    return {
      health: () => stream.health(),
      stop: async () => {
        this.sinks.delete(sink);
        await stream.stop();
      },
    };
  };
}
