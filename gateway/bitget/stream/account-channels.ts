/**
 * The private channels: orders, fills, positions. Each carries the whole account, which of a unified one includes spot and
 * margin under the same names; a stream hears of its own contract. They are up with their acknowledgement, since an
 * account may have nothing to say for hours.
 */
import type { Leg } from '../../../core/accounting/legs.ts';
import type { Instrument } from '../../../core/market/instrument.ts';
import type { SignedLots } from '../../../core/money/money.ts';
import type { VenueFill, VenueOrder, VenuePosition, VenueSink } from '../../venue.ts';
import { futuresOf } from '../dialect.ts';
import { symbolOf } from '../records.ts';
import { parsePositions } from '../wire.ts';
import type { AccountRows } from './account-rows.ts';
import type { StreamProtocol } from './protocol.ts';
import type { Listener } from './listener.ts';
import { SharedChannel } from './shared-channel.ts';
import type { DataFrame } from './subscriptions.ts';

/** Orders or fills: every row is told to the streams of its symbol. */
class RowsChannel<Told> extends SharedChannel {
  private readonly parse: (raw: unknown, instrument: Instrument) => Told;
  private readonly deliver: (sink: VenueSink, item: Told) => void;

  constructor(
    topic: 'orders' | 'fills',
    protocol: StreamProtocol,
    parse: (raw: unknown, instrument: Instrument) => Told,
    deliver: (sink: VenueSink, item: Told) => void,
  ) {
    super(topic, protocol.privateArg(topic));
    this.parse = parse;
    this.deliver = deliver;
  }

  acknowledged(): void {
    this.comeUp();
  }

  /** The whole frame is read for everyone before anything of it is delivered. */
  protected read({ data }: DataFrame): void {
    const deliveries: [VenueSink, Told][] = [];
    for (const { instrument, accountSink } of this.listeners) {
      if (accountSink === null) continue;
      for (const row of futuresOf(data, instrument.symbol)) deliveries.push([accountSink, this.parse(row, instrument)]);
    }
    for (const [sink, item] of deliveries) this.deliver(sink, item);
  }
}

export function createOrdersChannel(protocol: StreamProtocol, rows: AccountRows): SharedChannel {
  return new RowsChannel<VenueOrder>('orders', protocol, rows.order, (sink, order) => sink.onOrder(order));
}

export function createFillsChannel(protocol: StreamProtocol, rows: AccountRows): SharedChannel {
  return new RowsChannel<VenueFill>('fills', protocol, rows.fill, (sink, fill) => sink.onFill(fill));
}

/** Tells what is held, and once that a leg is flat when it was held or nothing was told of it before. */
export class PositionsChannel extends SharedChannel {
  private readonly protocol: StreamProtocol;
  private readonly rows: AccountRows;
  /** What the venue holds as last told, for streams that join later; null before the first frame. */
  private latest: unknown[] | null = null;
  /** Whether each leg that a stream was told of is held. */
  private readonly told = new Map<Listener, Map<Leg, boolean>>();

  constructor(protocol: StreamProtocol, rows: AccountRows) {
    super('positions', protocol.privateArg('positions'));
    this.protocol = protocol;
    this.rows = rows;
  }

  acknowledged(): void {
    this.comeUp();
  }

  override join(listener: Listener): void {
    super.join(listener);
    if (this.latest !== null) this.tell([[listener, this.positionsOf(listener, this.latest)]]);
  }

  override lost(reason: string, disconnected: boolean): void {
    this.latest = null;
    this.told.clear();
    super.lost(reason, disconnected);
  }

  protected read({ data }: DataFrame): void {
    const deliveries = [...this.listeners].map(
      (listener) => [listener, this.positionsOf(listener, data)] as [Listener, VenuePosition[]],
    );
    const futures = futuresOf(data, null);
    this.latest = this.protocol.positionsAreComplete ? futures : mergeRows(this.latest ?? [], futures);
    this.tell(deliveries);
  }

  /** What `data` says of the listener's symbol; legs that are flat now included. */
  private positionsOf(listener: Listener, data: readonly unknown[]): VenuePosition[] {
    const { instrument } = listener;
    const own = futuresOf(data, instrument.symbol);
    const held = parsePositions(own, instrument, this.rows.position);
    const legsHeld = new Set<Leg>(held.map(({ leg }) => leg));
    const legsFlat = new Set<Leg>();
    for (const row of own) legsFlat.add(this.rows.position(row, instrument).leg);
    if (this.protocol.positionsAreComplete) {
      const before = this.told.get(listener);
      for (const [leg, wasHeld] of before ?? []) if (wasHeld) legsFlat.add(leg);
      if (before === undefined) for (const leg of this.legs()) legsFlat.add(leg);
    }
    const flat = [...legsFlat].filter((leg) => !legsHeld.has(leg)).map((leg) => flatPosition(instrument.symbol, leg));
    return [...held, ...flat];
  }

  private legs(): readonly Leg[] {
    return this.rows.positionMode() === 'hedge' ? ['long', 'short'] : ['net'];
  }

  private tell(deliveries: readonly (readonly [Listener, readonly VenuePosition[]])[]): void {
    for (const [listener, positions] of deliveries) {
      const told = this.told.get(listener) ?? new Map<Leg, boolean>();
      this.told.set(listener, told);
      for (const position of positions) {
        told.set(position.leg, position.qty !== 0);
        listener.accountSink?.onPosition(position);
      }
    }
  }
}

function flatPosition(symbol: string, leg: Leg): VenuePosition {
  return {
    symbol,
    leg,
    qty: 0 as SignedLots,
    entryPrice: null,
    markPrice: null,
    liquidationPrice: null,
    unrealised: null,
    leverage: null,
    marginMode: null,
    maintenanceRatio: null,
    marginRatio: null,
  };
}

/** Newer rows in the place of older ones of the same symbol and side. */
function mergeRows(older: readonly unknown[], newer: readonly unknown[]): unknown[] {
  const rows = new Map<string, unknown>();
  for (const row of [...older, ...newer]) {
    rows.set(`${symbolOf(row)}/${String((row as { posSide?: unknown } | null)?.posSide)}`, row);
  }
  return [...rows.values()];
}
