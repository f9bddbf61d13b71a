/** A paper account's rows as the venue contract shows them. */
import { LEGS } from '../../core/accounting/holdings.ts';
import { formatQuote, formatScaled } from '../../core/money/decimal.ts';
import { entryPriceOf, MAINTENANCE_E6, unrealisedAt, type PaperFigures } from '../../core/paper/figures.ts';
import type { PaperAnswer, PaperExchange } from '../../core/paper/paper-exchange.ts';
import type { Leg } from '../../core/accounting/legs.ts';
import type { PaperFill, PaperOrder, PaperStop } from '../../core/paper/rows.ts';
import type { PlaceAnswer, VenueBalance, VenueFill, VenueOrder, VenuePosition, VenueTriggerOrder } from '../venue.ts';
import type { QtyLots } from '../../core/money/money.ts';

/** `answer` of the account as the contract's. */
export function toPlaceAnswer(answer: PaperAnswer): PlaceAnswer {
  return answer.answer === 'yes' ? { answer: 'yes', venueOrderId: String(answer.id) } : answer;
}

export function toVenueOrder(order: PaperOrder): VenueOrder {
  const { id, clientOrderId, symbol, side, leg, price, qty, filled, status, reduceOnly, updatedAtMs } = order;
  return { venueOrderId: String(id), clientOrderId, symbol, side, leg, price, qty, filled, status, reduceOnly, updatedAtMs }; // prettier-ignore
}

export function toVenueFill(fill: PaperFill): VenueFill {
  const { id, orderId, ...rest } = fill;
  return { ...rest, tradeId: String(id), venueOrderId: String(orderId) };
}

export function toTriggerOrder({ id, clientOrderId, symbol, leg, side, triggerPrice }: PaperStop): VenueTriggerOrder {
  return {
    clientOrderId,
    venueOrderId: String(id),
    symbol,
    family: 'tpsl',
    planType: 'stop',
    isProtectiveStop: true,
    leg,
    side,
    triggerPrice,
    qty: 0 as QtyLots,
  };
}

/** A leg as it stands, flat ones too. */
export function toVenuePosition(exchange: PaperExchange, symbol: string, leg: Leg): VenuePosition {
  const { holdings, leverage, marginMode } = exchange.rowOf(symbol);
  const position = holdings[leg];
  const market = exchange.market(symbol);
  const markE12 = market?.markE12() ?? null;
  const isHeld = market !== undefined && position.qty !== 0;
  return {
    symbol,
    leg,
    qty: position.qty,
    entryPrice: isHeld ? entryPriceOf(position, market.instrument) : null,
    markPrice: markE12 === null ? null : formatScaled(markE12, 12),
    // Paper does not liquidate.
    liquidationPrice: null,
    unrealised: isHeld && markE12 !== null ? formatQuote(unrealisedAt(position, markE12, market.instrument)) : null,
    leverage: String(leverage),
    marginMode,
    maintenanceRatio: isHeld ? formatScaled(MAINTENANCE_E6, 6) : null,
    // One pool of margin stands behind all of them: the account's ratio is theirs.
    marginRatio: null,
  };
}

export function toVenueBalance({ equity, available, maintenance }: PaperFigures): VenueBalance {
  const ratio = equity > 0n ? Number(maintenance) / Number(equity) : 1;
  const marginRatio = maintenance === 0n ? '0' : ratio.toFixed(12);
  return { equity: formatQuote(equity), available: formatQuote(available), marginRatio };
}

export function heldPositions(exchange: PaperExchange, symbol: string | null): VenuePosition[] {
  const symbols = [...exchange.books.symbols.keys()].filter((name) => symbol === null || name === symbol);
  return symbols
    .flatMap((name) => LEGS.map((leg) => toVenuePosition(exchange, name, leg)))
    .filter(({ qty }) => qty !== 0);
}
