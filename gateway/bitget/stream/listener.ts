/**
 * One stream of a caller: where it hears, what it was told of its channels, what was counted for it. Orders and fills
 * are two channels of the venue and one of the contract's: it is up while both are.
 */
import type { Instrument } from '../../../core/market/instrument.ts';
import type { ConnectorChannel, MarketSink, VenueSink } from '../../venue.ts';
import type { PrivateTopic, PublicTopic } from './protocol.ts';

export type Topic = PublicTopic | PrivateTopic;

const CONNECTOR_OF: Readonly<Record<Topic, ConnectorChannel>> = {
  books: 'book',
  trades: 'trades',
  ticker: 'ticker',
  orders: 'orders',
  fills: 'orders',
  positions: 'positions',
};

export interface Tallies {
  reconnects: number;
  bookGaps: number;
  bookChecksumFailures: number;
  malformed: number;
}

export class Listener {
  readonly instrument: Instrument;
  readonly sink: MarketSink;
  /** The same sink where the private half is wanted too. */
  readonly accountSink: VenueSink | null;
  readonly tallies: Tallies = { reconnects: 0, bookGaps: 0, bookChecksumFailures: 0, malformed: 0 };
  private readonly topicsUp = new Set<Topic>();
  private readonly told = new Map<ConnectorChannel, string>();
  private stopped = false;

  constructor(instrument: Instrument, sink: MarketSink, accountSink: VenueSink | null) {
    this.instrument = instrument;
    this.sink = sink;
    this.accountSink = accountSink;
  }

  get up(): ConnectorChannel[] {
    return [...this.told].filter(([, status]) => status === 'up').map(([channel]) => channel);
  }

  stop(): void {
    this.stopped = true;
  }

  cameUp(topic: Topic): void {
    this.topicsUp.add(topic);
    const channel = CONNECTOR_OF[topic];
    if (channel === 'orders' && !(this.topicsUp.has('orders') && this.topicsUp.has('fills'))) return;
    if (this.told.get(channel) === 'up') return;
    this.told.set(channel, 'up');
    if (!this.stopped) this.sink.onConnector(channel, 'up', 'subscribed');
  }

  /** Told once for each reason: a venue that stays away does not repeat itself. */
  wentDown(topic: Topic, reason: string): void {
    this.topicsUp.delete(topic);
    const channel = CONNECTOR_OF[topic];
    if (this.told.get(channel) === reason) return;
    this.told.set(channel, reason);
    if (!this.stopped) this.sink.onConnector(channel, 'down', reason);
  }
}
