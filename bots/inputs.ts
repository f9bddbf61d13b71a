/** What the venue says, in the words of the machine's inputs. */
import type {
  BotInput,
  CancelAnswered,
  FillFact,
  PlaceAnswered,
  SeenOrder,
  SeenStop,
  SyncInput,
} from '../core/bot/input.ts';
import { RecordKind } from '../core/events/record.ts';
import type { Bar } from '../core/market/bars.ts';
import type { Instrument } from '../core/market/instrument.ts';
import { parseQuote } from '../core/money/decimal.ts';
import type {
  CancelAnswer,
  PlaceAnswer,
  VenueBar,
  VenueFill,
  VenueOrder,
  VenueTriggerOrder,
} from '../gateway/venue.ts';
import type { VenueRead } from './venue-read.ts';

/** Input fields without what the runtime itself adds. */
export type Untimed<T> = T extends BotInput ? Omit<T, 'sequence' | 'atMs'> : never;

/** Orders whose fills are recognised where the venue tells them by its own order id alone. */
const ORDER_IDS_KEPT = 4_096;

/** The client order ids behind the venue's. */
export class OrderIds {
  private readonly clientIds = new Map<string, string>();

  learn({ venueOrderId, clientOrderId }: Pick<VenueOrder, 'venueOrderId' | 'clientOrderId'>): void {
    if (clientOrderId === null || this.clientIds.has(venueOrderId)) return;
    this.clientIds.set(venueOrderId, clientOrderId);
    if (this.clientIds.size <= ORDER_IDS_KEPT) return;
    for (const oldest of this.clientIds.keys()) {
      this.clientIds.delete(oldest);
      return;
    }
  }

  fillFact(fill: VenueFill): FillFact {
    const { tradeId, side, leg, price, qty, fee, liquidity, atMs, venueOrderId } = fill;
    const clientOrderId = fill.clientOrderId ?? this.clientIds.get(venueOrderId) ?? venueOrderId;
    return { tradeId, clientOrderId, side, leg, price, qty, fee, liquidity, venueAtMs: atMs };
  }
}

export function notSent(code: string): PlaceAnswer {
  return { answer: 'no', code, reason: '' };
}

export function placeNews(placed: PlaceAnswer): PlaceAnswered {
  const trouble = 'trouble' in placed ? (placed.trouble ?? null) : null;
  return { news: 'placeAnswered', answer: placed.answer, code: placed.answer === 'no' ? placed.code : null, trouble };
}

export function cancelNews(cancelled: CancelAnswer): CancelAnswered {
  const trouble = 'trouble' in cancelled ? (cancelled.trouble ?? null) : null;
  return { news: 'cancelAnswered', answer: cancelled.answer, trouble };
}

export function seenInput(order: VenueOrder): Untimed<Extract<BotInput, { kind: typeof RecordKind.orderInput }>> {
  const { status, filled } = order;
  return {
    kind: RecordKind.orderInput,
    clientOrderId: order.clientOrderId ?? order.venueOrderId,
    news: { news: 'seen', status, filled, order: seenOrder(order) },
  };
}

export function syncInput(read: VenueRead, orderIds: OrderIds): Untimed<SyncInput> {
  const { openOrders, fills, triggers, positions, balance, fundingPayments } = read;
  // An isolated position has its own margin, of which the account's ratio says nothing.
  const ratios = positions.map(({ marginMode, marginRatio }) => (marginMode === 'isolated' ? marginRatio : null));
  return {
    kind: RecordKind.positionInput,
    openOrders: openOrders.map((order) => ({
      clientOrderId: order.clientOrderId ?? order.venueOrderId,
      filled: order.filled,
      order: seenOrder(order),
    })),
    fills: fills.map((fill) => orderIds.fillFact(fill)).sort((a, b) => a.venueAtMs - b.venueAtMs),
    positions: positions.map(({ leg, qty, entryPrice }) => ({ leg, qty, entryPrice })),
    stops: triggers.filter(({ isProtectiveStop }) => isProtectiveStop).map(seenStop),
    equity: parseQuote(balance.equity),
    marginRatio: highest([balance.marginRatio, ...ratios]),
    maintenanceRatio: highest(positions.map(({ maintenanceRatio }) => maintenanceRatio)),
    fundingPayments: fundingPayments.map(({ paymentId, amount, atMs }) => ({ paymentId, amount, atMs })),
  };
}

export function toBar({ openAtMs, open, high, low, close }: VenueBar, instrument: Instrument): Bar {
  const ticks = (price: string): number => plainTicks(price, instrument);
  return { openAtMs, open: ticks(open), high: ticks(high), low: ticks(low), close: ticks(close) };
}

/** A price that may lie between two ticks, as a statistic; a millionth of a tick is the noise of the division. */
export function plainTicks(price: string, { tickSize }: Instrument): number {
  return Math.round((Number(price) / tickSize) * 1e6) / 1e6;
}

function highest(ratios: readonly (string | null)[]): number | null {
  const told = ratios.filter((ratio) => ratio !== null).map(Number);
  return told.length === 0 ? null : Math.max(...told);
}

function seenOrder({ side, price, qty, reduceOnly, leg }: VenueOrder): SeenOrder {
  return { side, price, qty, reduceOnly, leg };
}

/** Below the entry a stop protects what is long; in one-way mode the order that it sends says so. */
function seenStop({ clientOrderId, venueOrderId, leg, side, triggerPrice }: VenueTriggerOrder): SeenStop {
  const isLong = leg === 'net' ? side === 'sell' : leg === 'long';
  return { clientOrderId: clientOrderId ?? venueOrderId, leg, direction: isLong ? 1 : -1, triggerPrice };
}
